#include "core/lanes.h"
