#include "outcome_view.h"
