/* deadletter.h - the headers of a message in tvbridge.dead.<provider>: schemas/dead-letter.schema.json.
 *
 * Key and value are the original bytes; original headers are kept, these are added:
 * tvbridge-reason (invalid, misplaced, conflict, implausible, mixed_order, dead, in_doubt), tvbridge-detail, tvbridge-pointer,
 * tvbridge-topic, tvbridge-partition, tvbridge-offset, tvbridge-attempts, tvbridge-round, tvbridge-time. */
#ifndef TVB_CONTRACT_DEADLETTER_H
#define TVB_CONTRACT_DEADLETTER_H

#include <stddef.h>
#include <stdint.h>

#include "contract/event.h"

enum dead_reason {
    DEAD_INVALID,
    DEAD_MISPLACED,
    DEAD_CONFLICT,
    DEAD_IMPLAUSIBLE,
    DEAD_MIXED_ORDER,
    DEAD_EXHAUSTED, /* "dead": attempts used up */
    DEAD_IN_DOUBT,  /* maybe done, and only a person can tell */
};

const char *dead_reason_name(enum dead_reason r);

struct dead_letter {
    enum dead_reason reason;
    const char *detail;  /* for a person, no personal values; NULL: none */
    const char *pointer; /* NULL: none */
    const char *topic;
    int32_t partition;
    int64_t offset;
    unsigned attempts, round;
    int64_t now_ms;
};

#define DEAD_HEADERS_MAX 9
/* The headers to add, their values in @store (alive as long as the headers are used). Returns how many. */
struct dead_store {
    char text[DEAD_HEADERS_MAX][320];
};
size_t dead_letter_headers(const struct dead_letter *d, struct dead_store *store,
                           struct event_header ret[DEAD_HEADERS_MAX]);
/* What a dead letter's header of that name says, where it is a number: the last of a name counts, those before it are the
 * original's. -1: none, or not 1 to 18 digits. */
int64_t dead_letter_number(const struct event_message *m, const char *name);

#endif
