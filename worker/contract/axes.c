#include "contract/axes.h"
