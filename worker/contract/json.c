#include "contract/json.h"
