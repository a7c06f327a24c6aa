/* call.h - one HTTP call as plain data, and what its result means. RELIABILITY.md section 7.
 *
 * The workflow layer fills a request, the io layer carries it and fills a reply; neither knows the other. */
#ifndef TVB_CORE_CALL_H
#define TVB_CORE_CALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct call_header {
    const char *name, *value; /* NUL-terminated, no CR or LF */
};

#define CALL_HEADERS_MAX 24

/* What a request may do to the provider; every changing one declares it in its pack (x-repeat). */
enum call_repeat {
    CALL_READ,  /* changes nothing: repeat at will */
    CALL_SAFE,  /* sets an absolute state */
    CALL_KEYED, /* the provider honours our idempotency key */
    CALL_QUERY, /* the provider can be asked whether it was done */
    CALL_NEVER, /* none of these */
};
const char *call_repeat_name(enum call_repeat r);

/* Borrowed by the io layer until the reply. */
struct call_request {
    const char *method; /* "GET", "POST", ... */
    const char *url;    /* absolute, encoded */
    struct call_header headers[CALL_HEADERS_MAX];
    size_t header_count;
    const char *body;   /* NULL: none */
    size_t body_len;
    enum call_repeat repeat;
};

/* How far a call got, as libcurl tells it. */
enum call_result {
    CALL_OK,             /* a whole answer was read */
    CALL_NO_CONNECTION,  /* CURLE 5, 6, 7, TLS failures: nothing left */
    CALL_TIMED_OUT,      /* 28 */
    CALL_ABORTED,        /* 42: stopped by us, PREREQFUNCTION or drain */
    CALL_CUT,            /* 52, 55, 56, 65, 92, 18, 8, 1, 61: broken off or not understood */
    CALL_TOO_LARGE,      /* the body passed the cap */
    CALL_INVALID,        /* the request could not be made at all (bad URL): never leaves */
};

struct call_reply {
    enum call_result result;
    int64_t request_bytes; /* CURLINFO_REQUEST_SIZE: 0 is the proof that nothing left */
    bool resend_refused;   /* libcurl wanted to send the request a second time and was stopped */
    bool not_allowed;      /* http_may_send_fn said no: nothing left, and it says nothing about the provider */
    int status;            /* HTTP status; 0: none */
    const char *body;      /* never NULL; NUL-terminated */
    size_t body_len;
    const char *content_type; /* "" when absent */
    int64_t retry_after_ms;   /* Retry-After (seconds or HTTP-date) from now; -1: absent */
    /* headers of the answer, for $response.header.*; NULL-safe */
    const struct call_header *headers;
    size_t header_count;
    char error[128];       /* libcurl's words; "" when none; no URL in it */
    int64_t took_ns;
};

/* What is known of the effect, before a pack looks at the body. */
enum call_fate {
    CALL_ANSWERED,    /* an answer to judge: the pack's criteria first, then call_status_class() */
    CALL_NOT_SENT,    /* proven: retry freely */
    CALL_DOUBTFUL,    /* maybe done, maybe not */
    CALL_IMPOSSIBLE,  /* cannot be sent as it is */
};
enum call_fate call_fate_of(const struct call_reply *r);

/* What a status means where no criterion of the pack knew the answer. */
enum call_status_class {
    CALL_STATUS_UNKNOWN_BODY, /* 2xx with a body that no criterion knows: in doubt, never success */
    CALL_STATUS_REJECTED,     /* 400 404 409 410 413 415 422 and other 4xx */
    CALL_STATUS_AUTH,         /* 401 403 */
    CALL_STATUS_LATER,        /* 425, 429, 503 with Retry-After: not applied, wait */
    CALL_STATUS_DOUBTFUL,     /* 408, 500, 502, 504, 503 without it, 3xx, 1xx */
};
enum call_status_class call_status_class(int status, bool has_retry_after);

#endif
