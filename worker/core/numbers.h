/* numbers.h - the numbers of RELIABILITY.md section 9 hold together, or the program refuses to start. */
#ifndef TVB_CORE_NUMBERS_H
#define TVB_CORE_NUMBERS_H

#include "base/err.h"
#include "contract/settings.h"

/* 0, or -1 and @reterr naming the two numbers that disagree and what is wanted. */
int numbers_check(const struct settings_numbers *n, struct err *reterr);

#endif
