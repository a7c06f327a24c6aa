#include "io/producer.h"
