#include "io/http.h"
