/* publish_event.h - an event as it leaves: checked against the schemas, in structured or binary Kafka mode. */
#ifndef TVB_PRODUCER_PUBLISH_EVENT_H
#define TVB_PRODUCER_PUBLISH_EVENT_H

#include <jansson.h>
#include <stdbool.h>

#include "base/buf.h"
#include "catalogue.h"
#include "contract/event.h"
#include "dialect.h"
#include "publish_send.h"

/* What the flags say of one event; NULL where they are silent. */
struct event_flags {
    const struct dialect *dialect; /* whose words @type may be; NULL: our types only. Not one of the flags of an event */
    const char *provider, *service, *type, *id, *source, *sequence, *data, *expires, *time;
};

/* True when any of them was given. */
bool event_flags_given(const struct event_flags *f);
/* Appends the event as structured JSON, the defaults filled in: a random UUID, now, the provider as the subject of
 * lists. ERR_INVAL when a flag that is needed is missing or its value cannot be read. */
int event_flags_write(const struct event_flags *f, int64_t now_ms, struct buf *out, struct err *reterr);

/* How events are made ready. */
struct publish_rules {
    const struct event_schemas *schemas; /* NULL: not validated */
    const struct dialect *dialect;       /* billing's words become our types; NULL: they are ours */
    const struct catalogue *catalogue;   /* billing's ids of plans and packages become the platform's; NULL: they are the platform's */
    bool binary;
    const char *provider, *key; /* without validation: instead of what the event says; NULL: as it says */
    int32_t partition;          /* -1: that of the key */
};

#define PUBLISH_HEADERS_MAX 60
/* One event, ready to be sent; what @message points to is owned here. */
struct publish_event {
    struct sender_message message;
    json_t *root; /* owned; NULL when the bytes are sent as they are */
    struct buf text;   /* the data, in binary mode */
    struct buf spoken; /* the event in our words, where it came in billing's */
    struct event_header headers[PUBLISH_HEADERS_MAX];
    char names[PUBLISH_HEADERS_MAX][64];
};

/* Reads and checks @text (borrowed until publish_event_fini()); with a dialect or a catalogue it is put into our words before. -1 and @ret_fault: it is invalid. */
int publish_event_init(struct publish_event *ret, const struct publish_rules *rules, const char *text, size_t len,
                       struct fault *ret_fault);
void publish_event_fini(struct publish_event *e);

#endif
