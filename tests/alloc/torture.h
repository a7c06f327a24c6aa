/* torture.h - an operation is done again and again, and each time another of its allocations fails.
 *
 * First it is done in peace: so many allocations it has. Then for each n the n-th fails once, and then for each n all
 * from the n-th on. It must give the right result or say that there was no memory; it never gives a wrong one, crashes,
 * or leaves something behind. */
#ifndef TVB_ALLOC_TORTURE_H
#define TVB_ALLOC_TORTURE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/err.h"
#include "contract/json.h"

enum torture_end {
    DONE,      /* with the right result, which the operation has checked */
    NO_MEMORY, /* it said that there was none */
};

struct torture {
    const char *name;
    enum torture_end (*run)(void); /* wrong results end the program: must() */
    unsigned long most;            /* with --most: no more than so many of its allocations, since it is slow; 0: as said */
};

/* Says what is wrong, with the case and the allocation, and ends the program, when @good is false. */
void must(bool good, const char *fmt, ...) ATTR_PRINTF(2, 3);
/* NO_MEMORY, when the error is that; another one is a wrong result. */
enum torture_end no_memory(const struct err *e);
enum torture_end no_memory_fault(const struct fault *f);
/* NO_MEMORY: for what is loaded at the start, where any refusal is as good, as long as it says something. */
enum torture_end refused(const struct err *e);

/* Runs them all, or those whose names begin with one of @names. At most @most allocations of each are failed, evenly
 * chosen; 0: every one. Ends with one line `N passed, 0 failed`. */
void torture_all(const struct torture *list, size_t n, char **names, unsigned long most);

#endif
