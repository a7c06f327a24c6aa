#include "contract/schema.h"
