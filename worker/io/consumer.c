#include "io/consumer.h"
