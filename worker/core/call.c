/* call.c - see call.h. The tables of RELIABILITY.md section 7. */
#include "core/call.h"

const char *call_repeat_name(enum call_repeat r)
{
    switch (r) {
    case CALL_READ:
        return "read";
    case CALL_SAFE:
        return "safe";
    case CALL_KEYED:
        return "keyed";
    case CALL_QUERY:
        return "query";
    case CALL_NEVER:
        return "never";
    }
    return "unknown";
}

/* Whatever libcurl said, request_bytes = 0 is the only proof that nothing left: it may have sent the request on a
 * connection that died, and then have failed to open the second one. */
enum call_fate call_fate_of(const struct call_reply *r)
{
    bool nothing_left = r->request_bytes == 0;
    switch (r->result) {
    case CALL_OK:
        return r->status > 0 ? CALL_ANSWERED : CALL_DOUBTFUL;
    case CALL_NO_CONNECTION:
    case CALL_TIMED_OUT:
    case CALL_ABORTED:
    case CALL_CUT:
        return nothing_left ? CALL_NOT_SENT : CALL_DOUBTFUL;
    case CALL_TOO_LARGE:
        return CALL_DOUBTFUL;
    case CALL_INVALID:
        return nothing_left ? CALL_IMPOSSIBLE : CALL_DOUBTFUL;
    }
    return CALL_DOUBTFUL;
}

enum call_status_class call_status_class(int status, bool has_retry_after)
{
    if (status >= 200 && status < 300)
        return CALL_STATUS_UNKNOWN_BODY;
    if (status == 401 || status == 403)
        return CALL_STATUS_AUTH;
    if (status == 425 || status == 429 || (status == 503 && has_retry_after))
        return CALL_STATUS_LATER;
    if (status >= 400 && status < 500 && status != 408)
        return CALL_STATUS_REJECTED;
    return CALL_STATUS_DOUBTFUL;
}
