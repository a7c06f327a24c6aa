/* serve_mode.h - a request's body as CloudEvents: which content mode it is in, and each event as a text of its own.
 *
 * CloudEvents 1.0.2, http-protocol-binding.md section 3 (content modes) and json-format.md section 4 (batches). What is valid
 * is for publish_event_init() to say. Pure. */
#ifndef TVB_PRODUCER_SERVE_MODE_H
#define TVB_PRODUCER_SERVE_MODE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "contract/event.h"
#include "contract/json.h"

enum serve_mode {
    SERVE_STRUCTURED, /* application/cloudevents+json */
    SERVE_BATCH,      /* application/cloudevents-batch+json */
    SERVE_BINARY,     /* the attributes in ce-* headers, the data as the body */
    SERVE_UNKNOWN,    /* none of these */
};

#define SERVE_MODES_WANTED                                                                                             \
    "application/cloudevents+json, application/cloudevents-batch+json, or ce-* headers with application/json"

/* @content_type may be NULL; @has_ce: there is a header ce-specversion. */
enum serve_mode serve_mode_of(const char *content_type, bool has_ce);

/* ---- batches ---- */

/* What is left of a JSON array. */
struct serve_batch {
    const char *at, *end;
    bool begun, ended;
};

void serve_batch_init(struct serve_batch *b, const char *text, size_t len);
/* 1: the next element, uncut and unread, in @ret; 0: there is none left; -1: it is no array, or broken, which @ret_fault
 * says: nothing after it can be told apart. */
int serve_batch_next(struct serve_batch *b, const char **ret, size_t *ret_len, struct fault *ret_fault);

/* ---- binary mode ---- */

#define SERVE_HEADERS_MAX 64
/* The headers of a request that belong to its event, as Kafka's binding names them. */
struct serve_headers {
    struct {
        size_t name, value, len; /* in @bytes */
    } list[SERVE_HEADERS_MAX];
    size_t n;
    struct buf bytes;
    bool too_many;
};

void serve_headers_init(struct serve_headers *h);
void serve_headers_fini(struct serve_headers *h);
/* One header of the request: "ce-id" becomes ce_id with its value unquoted (RFC 9110 section 5.6.4) and then percent-decoded
 * (binding section 3.1.3.2); content-type is taken as it is, any other is passed over. */
void serve_headers_add(struct serve_headers *h, const char *name, const char *value);
/* Appends the event in structured form. -1 and @ret_fault: it is none. */
int serve_headers_done(struct serve_headers *h, const char *body, size_t len, struct buf *out, struct fault *ret_fault);

#endif
