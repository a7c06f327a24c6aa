#include "contract/outcome.h"
