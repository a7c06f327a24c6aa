#include "contract/order.h"
