/* outcome.h - the event that tells billing what came of its event. RELIABILITY.md section 2.
 *
 * Written as a structured CloudEvent of type `tvbridge.outcome`, schemas/outcome.schema.json. Its id is a
 * function of what it says (service, source, id, fingerprint, kind, round), so consumers dedupe. */
#ifndef TVB_CONTRACT_OUTCOME_H
#define TVB_CONTRACT_OUTCOME_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "contract/event.h"

enum outcome_kind {
    /* final */
    OUTCOME_APPLIED,
    OUTCOME_UNCHANGED,
    OUTCOME_SUPERSEDED,
    OUTCOME_STALE,
    OUTCOME_REJECTED,
    OUTCOME_DEAD,
    OUTCOME_EXPIRED,
    OUTCOME_PREVIEW,
    OUTCOME_CONFLICT,
    /* notices */
    OUTCOME_HELD,
    OUTCOME_IN_DOUBT,
    OUTCOME_WAITING,
    OUTCOME_KIND_COUNT
};

const char *outcome_kind_name(enum outcome_kind k);
int outcome_kind_parse(const char *name, enum outcome_kind *ret); /* -1: none of that name */
bool outcome_kind_is_final(enum outcome_kind k);
/* applied and unchanged move the record's axes; preview and the refusals do not. */
bool outcome_kind_moves_record(enum outcome_kind k);

/* The facts of an outcome: what Redis keeps with a decided event and from which the outcome can be written again. */
struct outcome {
    enum outcome_kind kind;
    unsigned attempts;  /* calls that left, over all steps */
    unsigned round;     /* 1; a redrive opens the next */
    char reason[64];    /* a word: "unknown_account"; "" when there is nothing to say */
    char resolved[16];  /* "", "record", "read_back", "redelivery" */
    int status;         /* the provider's last HTTP status; 0: none */
    char answer[256];   /* the provider's answer, redacted, cut; "" when none */
    json_t *given;      /* owned: what the provider gave back (object), or NULL */
    char *by;           /* owned: id of the newer event that superseded it, or NULL */
};

void outcome_fini(struct outcome *o);

/* The facts as compact JSON, and back (0, or -1 when @text is not such facts). */
void outcome_facts_encode(const struct outcome *o, struct buf *out);
int outcome_facts_decode(const char *text, size_t len, struct outcome *ret);

/* Where the event stood, and under which fence it was decided. */
struct outcome_place {
    int32_t partition;
    int64_t offset;
    struct order order;
    const char *fence;     /* decimal text, or "" */
    int64_t now_ms;        /* Unix ms: the outcome's time */
};

/* Appends the outcome as a structured CloudEvent. @record_text: the record after it as JSON, or NULL. */
void outcome_encode(const struct outcome *o, const struct event *e, const struct outcome_place *at,
                    const char *record_text, size_t record_len, struct buf *out);
/* The outcome's id alone: 32 hex digits and a NUL. */
void outcome_id(const struct outcome *o, const struct event *e, char ret[33]);

#endif
