#include "engine/worker.h"
