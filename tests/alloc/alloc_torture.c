/* alloc_torture.c - each allocation of our pure code, and of jansson under it, fails once.
 *
 * usage: alloc_torture [--most N] [NAME...]    NAME: a case, or the beginning of some
 * --most N: at most N allocations of a case are failed, evenly chosen; 0 (the default): every one */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "cases.h"

static const struct torture *all_cases(size_t *ret_count)
{
    static struct torture all[100];
    const struct torture *(*const layers[])(size_t *) = {core_cases, contract_cases, workflow_cases, producer_cases};
    *ret_count = 0;
    for (size_t i = 0; i < ARRAY_LEN(layers); i++) {
        size_t n;
        const struct torture *list = layers[i](&n);
        for (size_t k = 0; k < n && *ret_count < ARRAY_LEN(all); k++)
            all[(*ret_count)++] = list[k];
    }
    return all;
}

int main(int argc, char **argv)
{
    unsigned long most = 0;
    char **names = argv + 1;
    if (argc > 2 && strcmp(argv[1], "--most") == 0) {
        most = strtoul(argv[2], NULL, 10);
        names = argv + 3;
    }
    alloc_take_jansson();
    size_t n;
    const struct torture *list = all_cases(&n);
    torture_all(list, n, names, most);
    return 0;
}
