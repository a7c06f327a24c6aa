/* partition_record.h - what is known of a whole partition: the value under the key `partition:<n>` in
 * tvbridge.records.<provider>, schemas/partition-record.schema.json. RELIABILITY.md section 5.
 *
 * It holds the provider's state from control (paused, approvals with what is used of them) and up to where of the control
 * topic that state is made, so that a new owner reads this record and the acts after it, not years of acts. Only the
 * partition's owner writes it. Pure; the struct is a value. */
#ifndef TVB_CONTRACT_PARTITION_RECORD_H
#define TVB_CONTRACT_PARTITION_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "contract/act.h"

#define PARTITION_APPROVALS_MAX 16

/* An allowance: so many cuts until then, above what the guard lets pass by itself. */
struct partition_approval {
    char act[ACT_ID_SIZE]; /* the act that gave it */
    char who[ACT_WHO_SIZE];
    char reason[ACT_REASON_SIZE];
    int64_t until_ms;      /* Unix ms */
    uint64_t max, used;    /* cuts of this partition */
};

struct partition_record {
    int32_t partition;
    char provider[ACT_PROVIDER_SIZE];
    char fence[ENTRY_FENCE_SIZE]; /* of the owner that wrote it; "" none */
    int64_t control;              /* acts below this offset of the control topic are in it */
    bool paused;
    char paused_act[ACT_ID_SIZE], paused_who[ACT_WHO_SIZE], paused_reason[ACT_REASON_SIZE];
    int64_t paused_ms;            /* Unix ms: since when */
    size_t approval_count;
    struct partition_approval approvals[PARTITION_APPROVALS_MAX];
};

/* Nothing paused, nothing approved, no act seen. */
void partition_record_init(struct partition_record *ret, const char *provider, int32_t partition);
/* Appends it as JSON. */
void partition_record_encode(const struct partition_record *r, struct buf *out);
/* 0, or -1 and @ret_fault when the text is no such record, as the schema says. */
int partition_record_decode(const char *text, size_t len, struct partition_record *ret, struct fault *ret_fault);

/* Carries out an act on the whole provider (PAUSE, RESUME, APPROVE) that stands at @offset of the control topic, and says
 * the answer; @ret_why: the word for it (static). An act below r->control is not done again: *@ret_again, it has been
 * answered. Moves r->control past it. A pause of what is paused, and a resume of what is not, are done all the same: the
 * last who and why count. */
enum act_result partition_record_act(struct partition_record *r, const struct act *a, int64_t offset, int64_t now_ms,
                                     const char **ret_why, bool *ret_again);
/* Moves r->control past any other act at @offset once that is answered. */
void partition_record_saw(struct partition_record *r, int64_t offset);

/* Of two writes of a partition's record the one counts in which more acts are, whatever stands last in the topic: who had lost the
 * partition may have written late. Of two with the same acts it is @his. What is used of an approval is the more that either says. */
void partition_record_merge(struct partition_record *r, const struct partition_record *his);

/* Takes one cut from the allowance that ends first. False: there is none left now. A true one is to be written before
 * the call that it allows. */
bool partition_record_take(struct partition_record *r, int64_t now_ms);
/* How many cuts are allowed now. */
uint64_t partition_record_left(const struct partition_record *r, int64_t now_ms);

#endif
