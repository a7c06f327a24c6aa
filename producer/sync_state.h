/* sync_state.h - both sides of a comparison, read at one time: what billing wants, what the platform has, and the records between them.
 *
 * What differs of a service is a function of these three and of the rules; the hash of a service is that of the three, so that a preview
 * can say of each whether anything of it has moved since. */
#ifndef TVB_PRODUCER_SYNC_STATE_H
#define TVB_PRODUCER_SYNC_STATE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "account.h"
#include "base/err.h"
#include "book.h"
#include "catalogue.h"
#include "contract/diff.h"
#include "platform.h"
#include "scan.h"

struct sync_ask {
    struct scanner *scanner;
    struct platform *platform;
    const char *provider;
    const char *desired;   /* a file, "-" for stdin; NULL: what the records say */
    const struct catalogue *catalogue; /* whose ids the file has; NULL: the platform's */
    bool catalog_only;     /* the platform's accounts are not read */
    platform_progress_fn *progress;
    void *arg;
};

struct sync_state {
    struct book *known;    /* service -> known_of() */
    struct book *wanted;   /* service -> wanted_read(), canonical */
    struct accounts *accounts;
    json_t *catalog;       /* owned: { plans, packages }, each id -> its name; NULL: the pack has no catalogue */
    size_t unnamed;        /* plans and packages that have no id */
    bool from_records;
    const struct catalogue *catalogue; /* borrowed: sync_ask's */
    const char *provider;
    struct diff_rules rules;
};

/* Reads all of it, and finds which account is whose. 0, or -1 and @reterr; sync_state_fini() in either case. */
int sync_state_read(struct sync_state *s, const struct sync_ask *ask, struct err *reterr);
void sync_state_fini(struct sync_state *s); /* of a zeroed one too */

#define SYNC_HASH_SIZE 33
/* What differs of a service: 1 and *@ret (diff_find(), the caller's), 0 when nothing does; its hash in @ret_hash, "" with 0. -1: out of memory. */
int sync_state_one(const struct sync_state *s, const char *service, json_t **ret, char ret_hash[SYNC_HASH_SIZE]);
/* The same for each service that anybody names, in the order of their ids; false from @fn ends it. -1: out of memory. */
typedef bool sync_found_fn(void *arg, const json_t *found, const char *hash);
int sync_state_each(const struct sync_state *s, sync_found_fn *fn, void *arg);

/* ---- what autosync must not run over ---- */

/* Plans and packages that are wanted and that the platform does not have, as "plan 9". */
json_t *sync_state_unlinked(const struct sync_state *s);
/* Services whose account still bears the client's id. */
json_t *sync_state_unconverted(const struct sync_state *s);

#endif
