/* redis_scripts.h - the Lua scripts of redis.h, each with its contract in redis_scripts.c.
 *
 * Private to the redis files. */
#ifndef TVB_IO_REDIS_SCRIPTS_H
#define TVB_IO_REDIS_SCRIPTS_H

#include <stdint.h>

enum script_id {
    SCRIPT_CLAIM,
    SCRIPT_DECIDE,
    SCRIPT_STEP,
    SCRIPT_RELEASE,
    SCRIPT_RENEW,
    SCRIPT_MERGE,
    SCRIPT_PARK,
    SCRIPT_REOPEN,
    SCRIPT_CLOSE,
    SCRIPT_REST,
    SCRIPT_SLOTS,
    SCRIPT_COUNT
};

/* What is the same for all events of a worker. */
struct redis_script_constants {
    int64_t lease_ms, id_memory_ms;
    const char *stale_facts, *repeated_facts, *unchanged_facts, *superseded_facts; /* JSON: the outcomes that CLAIM decides by itself */
};

/* The text, freed by the caller; NULL: out of memory. */
char *redis_script_new(enum script_id id, const struct redis_script_constants *c);

/* What CLAIM answers first; the order is that of the text. */
enum claim_code {
    CODE_FRESH,
    CODE_DOUBT,
    CODE_DECIDED,
    CODE_BUSY,
    CODE_STALE,
    CODE_REPEATED,
    CODE_CONFLICT,
    CODE_MIXED,
    CODE_PAUSED,
    CODE_FORGOT,
    CODE_SUPERSEDED,
    CODE_COVERED,
    CODE_COUNT
};

/* What the others answer. */
enum script_result { SCRIPT_OK, SCRIPT_FENCED, SCRIPT_LOST };

#endif
