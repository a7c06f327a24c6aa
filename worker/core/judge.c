#include "core/judge.h"

static enum judgement doubtful(enum call_repeat repeat)
{
    switch (repeat) {
    case CALL_READ:
        return JUDGE_RETRY;
    case CALL_SAFE:
    case CALL_KEYED:
        return JUDGE_RESEND;
    case CALL_QUERY:
        return JUDGE_ASK;
    case CALL_NEVER:
        return JUDGE_PERSON;
    }
    return JUDGE_PERSON;
}

enum judgement judge_call(const struct call_reply *reply, enum call_repeat repeat)
{
    switch (call_fate_of(reply)) {
    case CALL_ANSWERED:
        return JUDGE_READ_ANSWER;
    case CALL_NOT_SENT:
        return JUDGE_RETRY;
    case CALL_DOUBTFUL:
        return doubtful(repeat);
    case CALL_IMPOSSIBLE:
        return JUDGE_IMPOSSIBLE;
    }
    return doubtful(repeat);
}

enum judgement judge_unknown(const struct call_reply *reply, enum call_repeat repeat)
{
    switch (call_status_class(reply->status, reply->retry_after_ms >= 0)) {
    case CALL_STATUS_UNKNOWN_BODY:
    case CALL_STATUS_DOUBTFUL:
        return doubtful(repeat);
    case CALL_STATUS_REJECTED:
        return JUDGE_REJECT;
    case CALL_STATUS_AUTH:
        return JUDGE_AUTH;
    case CALL_STATUS_LATER:
        return JUDGE_LATER;
    }
    return doubtful(repeat);
}

enum judgement judge_doubt(enum call_repeat repeat, bool own, int64_t age_ms, int64_t quarantine_ms,
                           int64_t *ret_wait_ms)
{
    int64_t left = quarantine_ms > age_ms ? quarantine_ms - age_ms : 0;
    *ret_wait_ms = 0;
    switch (repeat) {
    case CALL_READ:
    case CALL_KEYED:
        return JUDGE_RESEND;
    case CALL_SAFE:
        *ret_wait_ms = own ? 0 : left;
        return JUDGE_RESEND;
    case CALL_QUERY:
        *ret_wait_ms = left;
        return JUDGE_ASK;
    case CALL_NEVER:
        *ret_wait_ms = own ? 0 : left;
        return JUDGE_PERSON;
    }
    return JUDGE_PERSON;
}

static const char *status_error_class(int status, bool has_retry_after)
{
    switch (call_status_class(status, has_retry_after)) {
    case CALL_STATUS_UNKNOWN_BODY:
        return "unknown_answer";
    case CALL_STATUS_REJECTED:
        return "rejected";
    case CALL_STATUS_AUTH:
        return "unauthorized";
    case CALL_STATUS_LATER:
        return "throttled";
    case CALL_STATUS_DOUBTFUL:
        return "server_error";
    }
    return "server_error";
}

const char *judge_error_class(const struct call_reply *reply)
{
    switch (call_fate_of(reply)) {
    case CALL_NOT_SENT:
        return "not_sent";
    case CALL_IMPOSSIBLE:
        return "impossible";
    case CALL_ANSWERED:
        return status_error_class(reply->status, reply->retry_after_ms >= 0);
    case CALL_DOUBTFUL:
        break;
    }
    if (reply->result == CALL_TIMED_OUT)
        return "timeout";
    return reply->result == CALL_TOO_LARGE ? "too_large" : "cut";
}
