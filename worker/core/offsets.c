#include "core/offsets.h"
