#include "core/limit.h"
