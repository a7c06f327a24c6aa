/* judge.h - what follows from how a call ended. RELIABILITY.md sections 6 and 7. Pure. */
#ifndef TVB_CORE_JUDGE_H
#define TVB_CORE_JUDGE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/call.h"

enum judgement {
    JUDGE_READ_ANSWER, /* the pack's criteria say what it means */
    JUDGE_RETRY,       /* proven not applied, or it changes nothing: give the claim back, try again later */
    JUDGE_LATER,       /* the provider asks all to wait */
    JUDGE_RESEND,      /* in doubt; may be sent again under the same claim (safe, keyed) */
    JUDGE_ASK,         /* in doubt; wait out the quarantine, then ask the provider (query) */
    JUDGE_PERSON,      /* in doubt; only a person can tell (never) */
    JUDGE_AUTH,        /* are our credentials good? */
    JUDGE_REJECT,      /* the provider refuses this event */
    JUDGE_IMPOSSIBLE,  /* the request cannot be made */
};

/* How the transfer ended, before the pack has looked. */
enum judgement judge_call(const struct call_reply *reply, enum call_repeat repeat);
/* An answer that no criterion of the pack knew. */
enum judgement judge_unknown(const struct call_reply *reply, enum call_repeat repeat);

/* A request that is in doubt is about to be sent (again). @age_ms: since the doubtful one left; @own: it was this
 * owner's. Tells what to do now, and in *@ret_wait_ms (>= 0) how long to wait before doing it. */
enum judgement judge_doubt(enum call_repeat repeat, bool own, int64_t age_ms, int64_t quarantine_ms,
                           int64_t *ret_wait_ms);

/* The error class of a failed call, for metrics and logs: "not_sent", "timeout", "cut", "too_large", "unknown_answer",
 * "throttled", "server_error", "unauthorized", "rejected", "impossible". */
const char *judge_error_class(const struct call_reply *reply);

#endif
