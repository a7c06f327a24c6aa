#include "workflow/pack.h"
