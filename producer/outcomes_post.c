#include "outcomes_post.h"
