#include "contract/deadletter.h"
