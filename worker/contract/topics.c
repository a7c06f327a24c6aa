#include "contract/topics.h"
