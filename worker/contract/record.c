#include "contract/record.h"
