#include "io/admin.h"
