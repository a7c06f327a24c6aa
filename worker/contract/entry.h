/* entry.h - an event set aside: a message in tvbridge.waiting.<provider>. RELIABILITY.md section 5;
 * schemas/waiting-entry.schema.json.
 *
 * Key: `<service>/<partition>-<offset>`, the event's original place; `.<sub>` follows for an event that tvbridge made
 * from the one at that place. The topic is compacted; a tombstone ends the entry. Nothing fences who writes there: of one key the
 * message with the highest tvbridge-fence counts, a tombstone's too, and of several with the same the last.
 * Value: the event's original bytes; its original headers are kept, those below are added, all as text:
 *
 *   tvbridge-state tvbridge-reason tvbridge-behind tvbridge-detail tvbridge-step tvbridge-status tvbridge-type
 *   tvbridge-order tvbridge-round tvbridge-try tvbridge-attempts tvbridge-counted tvbridge-release-at
 *   tvbridge-first-try tvbridge-sent tvbridge-came tvbridge-since tvbridge-time tvbridge-fence
 *   tvbridge-key tvbridge-fingerprint tvbridge-axes tvbridge-steps
 *
 * They are enough for an index: the value need not be decoded. They hold nothing of a person but the service's id, with
 * one exception: tvbridge-steps is what a workflow knows so far (run_save()) and may hold what the platform gave, so it is
 * never shown or logged. Pure; strings of a decoded entry are copies but for steps. */
#ifndef TVB_CONTRACT_ENTRY_H
#define TVB_CONTRACT_ENTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/hash.h"
#include "contract/axes.h"
#include "contract/event.h"
#include "contract/json.h"
#include "contract/order.h"

/* Where an event stood first. Names the event for ever, in entries, dead letters and acts. */
struct entry_place {
    int32_t partition; /* of the events topic, and of all others */
    int64_t offset;
    uint32_t sub;      /* 0: the event itself; else the n-th that tvbridge made from it (order's sub) */
};

#define ENTRY_SERVICE_SIZE 129 /* 128 bytes by the envelope's schema */
#define ENTRY_PLACE_SIZE 44    /* "2147483647-9223372036854775807.4294967295" and the NUL */
#define ENTRY_KEY_SIZE (ENTRY_SERVICE_SIZE + ENTRY_PLACE_SIZE)
#define ENTRY_FENCE_SIZE 24
#define ENTRY_WORD_SIZE 64
#define ENTRY_STEPS_MAX ((size_t)1024 * 1024) /* bytes; entry_headers() refuses more */

/* "4-1812", or "4-1812.1" where there is a sub. */
void entry_place_format(struct entry_place p, char ret[ENTRY_PLACE_SIZE]);
/* 0, or -1 when it is no such text. */
int entry_place_parse(const char *s, size_t len, struct entry_place *ret);
/* By partition, offset, sub: <0, 0, >0. */
int entry_place_cmp(struct entry_place a, struct entry_place b);
bool entry_place_equal(struct entry_place a, struct entry_place b);

/* The Kafka key; its length, or 0 when @service is longer than 128 bytes. */
size_t entry_key_format(const char *service, struct entry_place p, char ret[ENTRY_KEY_SIZE]);
/* 0, or -1 when the key is not an entry's. */
int entry_key_parse(const char *key, size_t len, char ret_service[ENTRY_SERVICE_SIZE], struct entry_place *ret_place);

enum entry_state {
    ENTRY_UNSENT,  /* proven not sent: may run, be superseded or dropped */
    ENTRY_SENDING, /* acknowledged before its call: after a crash it is in doubt */
    ENTRY_DOUBT,   /* maybe done */
    ENTRY_DEAD,    /* gave up; waits for redrive, drop or a covering event */
    ENTRY_STATE_COUNT
};
const char *entry_state_name(enum entry_state s);               /* "unsent" ... */
int entry_state_parse(const char *name, enum entry_state *ret); /* -1: none of that name */

/* What it waits for, and what releases it. */
enum entry_reason {
    ENTRY_FOR_DEAD,         /* dead: redrive, drop, or a covering newer event */
    ENTRY_FOR_DOUBT,        /* doubt: a person, or a covering event after the quarantine */
    ENTRY_FOR_DATE,         /* date: the clock at release_at (valid from, valid to, not before) */
    ENTRY_FOR_RETRY,        /* retry: the clock at release_at */
    ENTRY_FOR_FLOOD,        /* flood: the lane drains */
    ENTRY_FOR_GUARD,        /* guard: approval, or a restore of the same axis */
    ENTRY_FOR_FIRST_ACCESS, /* first_access: a poll of the platform at release_at */
    ENTRY_FOR_ACTIVATION,   /* activation: the same */
    ENTRY_FOR_IMPLAUSIBLE,  /* implausible: an implausible jump of sequence; a person releases or drops it */
    ENTRY_FOR_BEHIND,       /* behind: the entry at `behind`, with which it shares an axis */
    ENTRY_REASON_COUNT
};
const char *entry_reason_name(enum entry_reason r);
int entry_reason_parse(const char *name, enum entry_reason *ret);
/* True when the clock releases it: an unsent one then has its release_at_ms. One that was released and is `sending`
 * need not have it any more. */
bool entry_reason_is_timed(enum entry_reason r);
/* True when a workflow that is run again finds out whether it is over. */
bool entry_reason_is_polled(enum entry_reason r);

struct entry {
    char service[ENTRY_SERVICE_SIZE];
    struct entry_place place;
    enum entry_state state;
    enum entry_reason reason;
    struct entry_place behind;    /* with ENTRY_FOR_BEHIND: the entry that it waits behind */
    enum event_type type;
    struct order order;
    unsigned round;               /* 1; each redrive opens the next */
    unsigned try_no;              /* how often it was rewritten as `sending`: what an act names; 0: never */
    unsigned attempts;            /* calls that left in this round, over all steps: the outcome's attempts */
    unsigned counted;             /* failures of this round that count against the event */
    int status;                   /* the provider's last HTTP status; 0: none */
    char detail[ENTRY_WORD_SIZE]; /* a word for the outcome and for a person: "attempts_exhausted"; "" none */
    char step[ENTRY_WORD_SIZE];   /* the step that is in doubt or next; "" none */
    int64_t release_at_ms;        /* Unix ms; 0: not by the clock */
    int64_t first_try_ms;         /* Unix ms, of this round; 0: not tried yet */
    int64_t sent_ms;              /* Unix ms, when the last request left; the quarantine runs from it; 0: none */
    int64_t came_ms;              /* Unix ms, when the event came, as Kafka says; all its versions keep it; 0: not known */
    int64_t since_ms;             /* Unix ms, when it was set aside first; all its versions keep it */
    int64_t now_ms;               /* Unix ms, when this version was written */
    char fence[ENTRY_FENCE_SIZE]; /* decimal text; "" none */
    char key[2 * HASH_SHA256_SIZE + 1];         /* the event's idempotency key, hex */
    char fingerprint[2 * HASH_SHA256_SIZE + 1]; /* hex */
    struct axes axes;
    const char *steps;            /* run_save() text, borrowed (from the message, when decoded); NULL: none */
    size_t steps_len;
};

#define ENTRY_HEADERS_MAX 23
/* What the headers' values point into, besides the entry itself. */
struct entry_store {
    char text[ENTRY_HEADERS_MAX][2 * HASH_SHA256_SIZE + 1];
    char axes[AXES_MAX * AXIS_NAME_SIZE];
};
/* The headers to add, their values in @store and @e (alive as long as the headers are used). Returns how many; 0 when
 * steps are longer than ENTRY_STEPS_MAX. */
size_t entry_headers(const struct entry *e, struct entry_store *store, struct event_header ret[ENTRY_HEADERS_MAX]);

/* The header of a tombstone; @fence: decimal text, borrowed. */
struct event_header entry_tombstone_header(const char *fence);

/* True for a header that entry_headers() or dead_letter_headers() adds: the original ones are those of an entry or dead
 * letter for which it is false. An event that brings one of these names along loses it, as an entry and on its way back. */
bool entry_owns_header(const char *name);
/* Copies the original headers of an entry's or dead letter's message to @ret, which has room for m->header_count. Returns how many. */
size_t entry_original_headers(const struct event_message *m, struct event_header *ret);

enum entry_decoded {
    ENTRY_IS_ENTRY,
    ENTRY_IS_TOMBSTONE, /* service, place and fence are set, nothing else */
    ENTRY_IS_INVALID,   /* @ret_fault: its pointer names the header ("/tvbridge-order"), "" the key */
};
/* Reads key and headers; the value is looked at only for being there. @ret->steps points into the message. */
enum entry_decoded entry_decode(const struct event_message *m, struct entry *ret, struct fault *ret_fault);

/* Fills what follows from the event: service, type, key, fingerprint, axes. The rest stays as it is. -1: the service is
 * too long, which the envelope's schema rules out. */
int entry_of_event(const struct event *e, struct entry *ret);

/* Whether the later one has to wait for the earlier: they share an axis; existence and all share every axis, and are
 * what one without an axis shares: two without an axis do not hold each other back (a message that is dead would else
 * hold every later message and pairing code). RELIABILITY.md section 5. */
bool entry_axes_share(const struct axes *a, const struct axes *b);

#endif
