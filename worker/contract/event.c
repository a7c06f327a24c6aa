#include "contract/event.h"
