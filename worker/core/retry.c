#include "core/retry.h"
