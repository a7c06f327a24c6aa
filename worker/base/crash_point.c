/* crash_point.c - only compiled with TVB_CRASH_POINTS. The count of passes is the one thing that lives beside the
 * callers: a test counts over all of them. */
#include "base/crash_point.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Whether @wanted is "NAME:N" or "NAME:N:stop" for this @name; what follows the name. */
static bool is_for(const char *wanted, const char *name, const char **ret_rest)
{
    size_t n = strlen(name);
    if (wanted == NULL || strncmp(wanted, name, n) != 0 || wanted[n] != ':')
        return false;
    *ret_rest = wanted + n + 1;
    return true;
}

void crash_point(const char *name)
{
    static atomic_ulong passes;
    const char *rest;
    if (!is_for(getenv("TVB_CRASH_POINT"), name, &rest))
        return;
    char *end;
    unsigned long at = strtoul(rest, &end, 10);
    if (atomic_fetch_add(&passes, 1) + 1 == at)
        (void)raise(strcmp(end, ":stop") == 0 ? SIGSTOP : SIGKILL);
}
