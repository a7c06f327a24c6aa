/* act.h - an operator's act and the answer to it: messages in tvbridge.control.<provider>. RELIABILITY.md section 5;
 * schemas/control.schema.json and control-answer.schema.json.
 *
 * Both are structured CloudEvents. An act on one event or service has the service as subject and key; one for the whole
 * provider is sent once for each partition, with the subject `provider:<name>` and the key `partition:<n>`. The owner
 * of the partition carries acts out in their order and answers each in the same topic and partition, under the same key:
 * acts and answers together are the audit trail. The topic is kept for ever, so nothing of an event's data is in them.
 *
 * An act on an entry names its place, round and try: where these are no longer so it is answered `too_late`, and a
 * replayed act does nothing twice. Pure; all texts are copies of bounded size. */
#ifndef TVB_CONTRACT_ACT_H
#define TVB_CONTRACT_ACT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "contract/entry.h"
#include "contract/event.h"
#include "contract/schema.h"

enum act_kind {
    ACT_RELEASE,       /* a waiting entry, now instead of by what it waits for */
    ACT_RESOLVE_DOUBT, /* a person says whether it was applied */
    ACT_REDRIVE,       /* a dead entry or dead letter, as round + 1 */
    ACT_DROP,          /* a dead entry or dead letter is closed without another outcome */
    ACT_APPROVE,       /* a held entry; or, for the provider, so many cuts until then */
    ACT_PAUSE,         /* no new calls to the provider */
    ACT_RESUME,
    ACT_REBASE_ORDER,  /* a service's events are ordered by sequence from now on, or by offset */
    ACT_KIND_COUNT
};
const char *act_kind_name(enum act_kind k); /* "resolve_doubt"; the CloudEvents type is "tvbridge.act." and this */
int act_kind_parse(const char *name, enum act_kind *ret); /* -1: none of that name */

#define ACT_ID_SIZE 64
#define ACT_SOURCE_SIZE 256
#define ACT_PROVIDER_SIZE 64
#define ACT_WHO_SIZE 64
#define ACT_REASON_SIZE 301
#define ACT_KEY_SIZE ENTRY_SERVICE_SIZE

struct act {
    enum act_kind kind;
    char id[ACT_ID_SIZE];         /* unique for its source */
    char source[ACT_SOURCE_SIZE]; /* "tvbridge/cli" */
    char provider[ACT_PROVIDER_SIZE];
    char service[ENTRY_SERVICE_SIZE]; /* "": for the whole provider */
    int32_t partition;            /* for the whole provider: which partition's owner; else -1 */
    int64_t time_ms;              /* Unix ms: when it was asked for */
    char who[ACT_WHO_SIZE];
    char reason[ACT_REASON_SIZE];

    bool of_entry;                /* place, round and try_no are set: RELEASE .. APPROVE of one event */
    struct entry_place place;
    unsigned round, try_no;       /* of the entry; of a dead letter try_no is 0 */
    int64_t letter;               /* REDRIVE, DROP: the dead letter's offset in tvbridge.dead.<provider>; -1: an entry */
    bool applied;                 /* RESOLVE_DOUBT: it was */
    int64_t until_ms;             /* APPROVE for the provider: Unix ms */
    uint64_t max;                 /* APPROVE for the provider: cuts of this partition */
    uint64_t max_total;           /* the same of all partitions, for people */
    bool by_sequence;             /* REBASE_ORDER: to sequence; else to offset */
    uint64_t number;              /* REBASE_ORDER: the number that the record's axes are set to */
    char fence[ENTRY_FENCE_SIZE]; /* REBASE_ORDER: of the record that it was asked about; "" none */
};

/* True when it is for the whole provider. */
bool act_is_provider_wide(const struct act *a);
/* The Kafka key. */
void act_key(const struct act *a, char ret[ACT_KEY_SIZE]);
/* Appends the act as a structured CloudEvent. */
void act_encode(const struct act *a, struct buf *out);

/* ---- the answer ---- */
enum act_result {
    ACT_DONE,
    ACT_TOO_LATE, /* place, round, try, state or fence are no longer as the act says */
    ACT_REFUSED,  /* it cannot be done as things stand: `why` says the word */
    ACT_RESULT_COUNT
};
const char *act_result_name(enum act_result r);
int act_result_parse(const char *name, enum act_result *ret);

struct act_answer {
    enum act_result result;
    char why[ENTRY_WORD_SIZE]; /* a word: "no_entry", "behind", "in_quarantine" ...; "" when done says all */
    /* of the act, as it stood there */
    enum act_kind kind;
    char id[ACT_ID_SIZE], source[ACT_SOURCE_SIZE], provider[ACT_PROVIDER_SIZE], service[ENTRY_SERVICE_SIZE];
    int32_t partition;         /* as in the act */
    int64_t offset;            /* the act's, in the control topic */
    bool of_entry;
    struct entry_place place;
    unsigned round;            /* as in the act */
    int64_t now_ms;            /* Unix ms: when it was answered */
};

/* The answer's part that follows from the act at @offset of the control topic. */
void act_answer_init(struct act_answer *ret, const struct act *a, int64_t offset, enum act_result result, const char *why,
                     int64_t now_ms);
void act_answer_key(const struct act_answer *a, char ret[ACT_KEY_SIZE]); /* the act's */
/* Appends the answer as a structured CloudEvent; its id is a function of the act and the result. */
void act_answer_encode(const struct act_answer *a, struct buf *out);

/* ---- reading the topic ---- */
struct act_schemas; /* compiled; read-only, for any thread */
/* Loads <dir>/control.schema.json and <dir>/control-answer.schema.json. */
struct act_schemas *act_schemas_load(const char *dir, struct err *reterr);
void act_schemas_free(struct act_schemas *s);

enum control_decoded {
    CONTROL_IS_ACT,     /* @ret_act */
    CONTROL_IS_ANSWER,  /* @ret_answer */
    CONTROL_IS_INVALID, /* @ret_fault: the JSON pointer, and what was wanted; no values */
};
/* Checks by the schema, and that the key fits the subject. Needs no header: the value says what it is. */
enum control_decoded control_decode(const struct act_schemas *s, const struct event_message *m, struct act *ret_act,
                                    struct act_answer *ret_answer, struct fault *ret_fault);

/* "partition:4": the key of what concerns a whole partition, in control and in records. */
#define PARTITION_KEY_SIZE 24
void partition_key_format(int32_t partition, char ret[PARTITION_KEY_SIZE]);
/* 0, or -1 when the key is of a service. No service's id begins with "partition:". */
int partition_key_parse(const char *key, size_t len, int32_t *ret);

#endif
