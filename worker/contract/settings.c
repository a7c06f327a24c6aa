#include "contract/settings.h"
