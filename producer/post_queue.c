#include "post_queue.h"
