/* alloc_worker.c - before main(): the worker's allocations are counted and failed by the file that TVB_ALLOC_CONTROL names. */
#include <stdio.h>
#include <stdlib.h>

#include "alloc.h"

static void take_over(void) __attribute__((constructor));
static void take_over(void)
{
    const char *path = getenv("TVB_ALLOC_CONTROL");
    alloc_take_jansson();
    if (getenv("TVB_ALLOC_TRACE") != NULL)
        alloc_trace();
    if (path != NULL && alloc_share(path) != 0) {
        fprintf(stderr, "TVB_ALLOC_CONTROL: %s cannot be mapped\n", path);
        exit(1);
    }
}
