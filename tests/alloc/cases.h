/* cases.h - the operations that are tortured, by layer. */
#ifndef TVB_ALLOC_CASES_H
#define TVB_ALLOC_CASES_H

#include "torture.h"

/* Each sets *ret_count. */
const struct torture *contract_cases(size_t *ret_count);
const struct torture *core_cases(size_t *ret_count);
const struct torture *workflow_cases(size_t *ret_count);
const struct torture *producer_cases(size_t *ret_count);

#endif
