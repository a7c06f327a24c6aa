/* sync_apply.h - a saved preview is carried out: each service whose two sides are still what they were then gets its events.
 *
 * Events go the ordinary way, with the record's order as their basis: what billing sends meanwhile makes them stale. One that was cut off
 * between a service's events goes on behind those that are done, with the ids and the basis that the others would have had. */
#ifndef TVB_PRODUCER_SYNC_APPLY_H
#define TVB_PRODUCER_SYNC_APPLY_H

#include <jansson.h>
#include <stdint.h>

#include "base/err.h"
#include "cli.h"
#include "own_events.h"
#include "preview.h"
#include "sync_state.h"

/* What differs of a service now, as sync_state_one(). */
typedef int sync_find_fn(const void *arg, const char *service, json_t **ret, char ret_hash[SYNC_HASH_SIZE]);

/* An earlier run of the preview may have sent some of a service's events (@begun: progress_begun()), and the service is not as it was shown.
 * True: what differs now (@found) is what is left of what its line shows, and the record (@known) stands where it stood then, or where one
 * of these events has put it. */
bool sync_apply_resumes(const json_t *line, const json_t *found, const json_t *begun, const json_t *known);

struct sync_apply {
    sync_find_fn *find;
    const void *arg;          /* of it */
    const struct book *known; /* the records: what the events are based on */
    const char *prefix;       /* of the events' ids: "sync-" */
    const struct preview *preview;
    struct own_events *events;
    struct progress_file *done;
    struct cli_progress *progress;
    /* what came of it: service -> { result, why }; owned: sync_apply_fini() */
    json_t *results;
    int64_t silent; /* events without an outcome */
};

/* What a service's result may be. */
enum sync_result {
    SYNC_SENT,    /* its events are in Kafka, and no outcome came yet */
    SYNC_DONE,    /* all of them were applied, or found so */
    SYNC_BEFORE,  /* sent by an earlier run of this preview */
    SYNC_ALREADY, /* nothing differs any more */
    SYNC_MOVED,   /* one of its sides is another than in the preview: nothing was sent */
    SYNC_FAILED,  /* an outcome says so */
    SYNC_RESULT_COUNT
};
const char *sync_result_name(enum sync_result r);

/* Sends what is to be sent. -1 and @reterr: it stopped; what is noted in @done was sent. */
int sync_apply_send(struct sync_apply *a, struct err *reterr);
/* Waits for the outcomes. */
int sync_apply_follow(struct sync_apply *a, int64_t wait_ms, struct err *reterr);
/* Shows what came of it, one line each where it is not as it should be, and says the status to end with. */
enum cli_status sync_apply_show(const struct sync_apply *a, bool json, bool waited);
void sync_apply_fini(struct sync_apply *a);

#endif
