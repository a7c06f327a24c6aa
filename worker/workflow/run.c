#include "workflow/run.h"
