/* entries.h - what the commands on waiting and dead events share with `approve`. */
#ifndef TVB_PRODUCER_ENTRIES_H
#define TVB_PRODUCER_ENTRIES_H

#include <stdbool.h>
#include <stdint.h>

#include "cli.h"

struct entries_options {
    struct cli_list providers, services, causes, types, places;
    int64_t older_than_ms, limit; /* 0: not said */
    bool all, json, show_data, applied, not_applied;
};

/* An allowance of cuts; texts as given. */
struct allowance_options {
    const char *until; /* NULL: not said */
    int64_t max;       /* -1: not said */
};

#endif
