#include "own_events.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uthash.h>

#include "base/buf.h"
#include "base/clock.h"
#include "contract/event.h"
#include "contract/json.h"
#include "contract/outcome_read.h"
#include "contract/schema.h"
#include "publish_event.h"
#include "publish_send.h"

#define DELIVERY_MS 60000

/* One that was sent. */
struct sent {
    UT_hash_handle hh;
    bool ended;
    char key[EVENT_KEY_SIZE];
    char id[];
};

struct own_events {
    struct scanner *scanner;
    const char *provider, *source;
    struct sender *sender;
    struct event_schemas *schemas;
    struct buf text;
    int64_t rate, started_ms;
    struct sent *sent;
    size_t n, ended;
    int32_t partitions;
    struct scan_source *sources; /* the outcomes from where they ended at first */
    own_outcome_fn *fn;
    void *arg;
};

static int note_ends(struct own_events *o, struct err *reterr)
{
    o->partitions = scanner_partitions(o->scanner, TOPIC_OUTCOMES, o->provider, reterr);
    o->sources = o->partitions < 0 ? NULL : calloc((size_t)o->partitions, sizeof(*o->sources));
    for (int32_t i = 0; i < o->partitions && o->sources != NULL; i++) {
        int64_t end = scanner_end(o->scanner, TOPIC_OUTCOMES, o->provider, i, reterr);
        if (end < 0)
            return -1;
        o->sources[i] = (struct scan_source){TOPIC_OUTCOMES, o->provider, i, end};
    }
    if (o->partitions >= 0 && o->sources == NULL)
        return err_nomem(reterr);
    return o->partitions < 0 ? -1 : 0;
}

struct own_events *own_events_new(struct scanner *scanner, const struct kafka_place *place, const char *provider, const char *source,
                                  int64_t rate_per_s, struct err *reterr)
{
    struct own_events *o = calloc(1, sizeof(*o));
    if (o == NULL) {
        err_nomem(reterr);
        return NULL;
    }
    *o = (struct own_events){.scanner = scanner, .provider = provider, .source = source, .rate = rate_per_s};
    buf_init(&o->text, (size_t)2 * JSON_EVENT_MAX_BYTES);
    const char *dir = place->settings != NULL ? place->settings->schemas : NULL;
    o->schemas = event_schemas_load(schema_dir(dir), reterr);
    if (o->schemas != NULL && note_ends(o, reterr) == 0)
        o->sender = sender_new(place, DELIVERY_MS, reterr);
    if (o->sender != NULL)
        return o;
    own_events_free(o);
    return NULL;
}

void own_events_free(struct own_events *o)
{
    struct sent *s, *next;
    if (o == NULL)
        return;
    HASH_ITER(hh, o->sent, s, next)
    {
        HASH_DEL(o->sent, s); /* NOLINT(clang-analyzer-unix.Malloc): of uthash's own links */
        free(s);
    }
    sender_free(o->sender);
    event_schemas_free(o->schemas);
    buf_fini(&o->text);
    free(o->sources);
    free(o);
}

size_t own_events_count(const struct own_events *o)
{
    return o->n;
}

/* ---- sending ---- */

static void pace(struct own_events *o)
{
    if (o->started_ms == 0)
        o->started_ms = clock_boot_ms();
    if (o->rate <= 0)
        return;
    int64_t due_ms = o->started_ms + (int64_t)o->n * 1000 / o->rate, now_ms = clock_boot_ms();
    if (due_ms > now_ms)
        usleep((useconds_t)(due_ms - now_ms) * 1000);
}

int own_event_write(const struct own_event *e, const char *provider, const char *source, struct buf *out, struct err *reterr)
{
    char time[CLOCK_RFC3339_SIZE], type[128];
    clock_format_rfc3339(clock_real_ms(), time);
    snprintf(type, sizeof(type), EVENT_TYPE_PREFIX "%s", e->type);
    json_t *event = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s*, s:O}", "specversion", "1.0", "id", e->id, "source", source,
                              "type", type, "subject", e->service, "time", time, "datacontenttype", "application/json", "provider",
                              provider, "basis", e->basis, "data", e->data);
    buf_reset(out);
    json_add_compact(out, event);
    bool good = event != NULL && buf_ok(out);
    json_decref(event);
    return good ? 0 : err_nomem(reterr);
}

static int note_sent(struct own_events *o, const struct own_event *e, struct err *reterr)
{
    struct sent *s = calloc(1, sizeof(*s) + strlen(e->id) + 1), *there = NULL;
    if (s == NULL)
        return err_nomem(reterr);
    memcpy(s->id, e->id, strlen(e->id));
    event_key(e->service, o->source, e->id, s->key);
    HASH_FIND_STR(o->sent, s->key, there);
    if (there != NULL) {
        free(s);
        return 0;
    }
    HASH_ADD_STR(o->sent, key, s);
    o->n++;
    return 0;
}

int own_events_send(struct own_events *o, const struct own_event *e, struct err *reterr)
{
    const struct publish_rules rules = {.schemas = o->schemas, .partition = -1};
    struct publish_event made;
    struct fault fault = {.pointer = ""};
    pace(o);
    if (own_event_write(e, o->provider, o->source, &o->text, reterr) != 0)
        return -1;
    if (publish_event_init(&made, &rules, buf_cstr(&o->text), o->text.len, &fault) != 0)
        return err_set(reterr, ERR_INVAL, "service %s: the event %s would be invalid: %s: %s", e->service, e->type, fault.pointer,
                       fault.reason);
    int rc = sender_send(o->sender, &made.message, reterr);
    publish_event_fini(&made);
    return rc == 0 ? note_sent(o, e, reterr) : -1;
}

int own_events_flush(struct own_events *o, struct err *reterr)
{
    while (sender_wait(o->sender, 200) > 0)
        ;
    const struct sender_counts *c = sender_counts(o->sender);
    if (c->failed == 0)
        return 0;
    return err_set(reterr, c->code, "%lld events were not acknowledged: %s", (long long)c->failed, c->why);
}

/* ---- following ---- */

static bool on_outcome(void *arg, const struct scan_message *m)
{
    struct own_events *o = arg;
    struct outcome_seen seen;
    struct sent *s = NULL;
    if (m->message.value == NULL || outcome_read(m->message.value, m->message.value_len, &seen) != 0)
        return true;
    HASH_FIND_STR(o->sent, seen.key, s);
    if (s != NULL && seen.final && !s->ended) {
        s->ended = true;
        o->ended++;
        o->fn(o->arg, seen.service, s->id, seen.facts.kind, seen.facts.reason);
    }
    outcome_seen_fini(&seen);
    return o->ended < o->n;
}

int64_t own_events_follow(struct own_events *o, int64_t wait_ms, own_outcome_fn *fn, void *arg, struct err *reterr)
{
    o->fn = fn;
    o->arg = arg;
    if (o->ended < o->n && wait_ms > 0 &&
        scan_follow(o->scanner, o->sources, (size_t)o->partitions, wait_ms, on_outcome, o, reterr) < 0)
        return -1;
    return (int64_t)(o->n - o->ended);
}
