/* waits_private.h - what waits.c and waits_order.c share. */
#ifndef TVB_CORE_WAITS_PRIVATE_H
#define TVB_CORE_WAITS_PRIVATE_H

#include "core/waits.h"
#define HASH_NONFATAL_OOM 1 /* else it would end the program: hh.tbl of what could not be added is NULL */
#include <uthash.h>

struct wait_service {
    UT_hash_handle hh;
    const struct waits *waits;
    struct wait *first, *last;
    struct wait *last_holder;    /* of those for which an older one may have to wait: holder_prev */
    size_t count, called;
    struct wait *cursor;         /* where the next look goes on; NULL: at the first */
    bool is_looked_at, again;    /* in waits.looks; something changed since the cursor was at the first */
    struct wait_service *look_prev, *look_next;
    char name[];
};

struct waits {
    struct wait_service *services;
    struct wait_service *looks;
    struct heap due;
    size_t count;
    int64_t quiet_ms, quarantine_ms;
    bool dead_is_covered;
};

struct wait_service *wait_service_find(const struct waits *ws, const char *name);
/* The newest entry of the service before @place; NULL: none. */
struct wait *wait_last_before(const struct wait_service *s, struct entry_place place);
/* The bytes of an idempotency key. False: the text is none. */
bool wait_key_parse(const char *hex, uint8_t ret[HASH_SHA256_SIZE]);

#endif
