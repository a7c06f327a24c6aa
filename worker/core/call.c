#include "core/call.h"
