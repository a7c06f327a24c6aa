/* serve_events.c - POST /v1/events: all events of a request are checked, then all are sent, and when Kafka has acknowledged each
 * one the request is answered 202. Nothing is sent of a request with a fault.
 *
 * A batch can be long, and others wait: requests are worked in turns of a few events each. What Kafka's client has no room for
 * waits in its request; the number of requests and of their bytes is bounded by serve_http.h. An event that was sent ends
 * acknowledged or failed within serve.ack_timeout_ms, and a request has as long for the sending. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "contract/topics.h"
#include "publish_event.h"
#include "serve.h"
#include "serve_mode.h"

#define EVENTS_A_GO 32          /* of one request, before the next one's turn */
#define TURN_NS (INT64_C(1000) * 1000)
#define ROOM_AGAIN_MS 20        /* the client's queue was full */
#define AGAIN_MS 1000           /* what a caller is told to wait after a 503 */
#define SPOKEN_TIMES 16         /* a catalogue adds packages to an event, at most 32: it grows from some hundred bytes to a few thousand */
#define TEXT_TYPE "application/cloudevents+json; charset=UTF-8"

/* An event that was checked. */
struct item {
    const char *text; /* within the request's body, or the work's own text; NULL: in @spoken of the work, which still grows */
    uint32_t len;
    uint32_t at;      /* where in @spoken */
    uint32_t key;     /* its place in the work's keys */
    int32_t partition;
    uint32_t provider; /* its place in the settings */
};

enum work_state {
    WORK_CHECKING,
    WORK_SENDING,
    WORK_WAITING, /* all is sent, or sending was given up: acknowledgements are to come */
};

/* One request at work; always in one of the lists. */
struct work {
    struct work *prev, *next;
    struct serve_events *events;
    struct serve_request *request;
    struct serve_key *key;
    enum work_state state;
    bool is_batch, no_memory;
    struct serve_batch batch;
    struct buf text; /* of an event in binary mode */
    struct buf keys; /* NUL-terminated, one after another */
    struct buf spoken; /* events that came in the caller's own words, in ours */
    struct item *items;
    size_t count, capacity, sent, unacked, failed;
    size_t seen;        /* events looked at */
    size_t out_of_reach; /* of providers that are not this key's */
    int64_t send_by_ms;
    char why[200];      /* what went wrong with sending; "" nothing */
    struct serve_faults faults;
};

struct serve_events {
    struct gateway *g;
    struct loop_hook *hook;
    struct loop_timer *room;
    /* heads of lists: */
    struct work busy;    /* have something to do, in turn */
    struct work stuck;   /* have to send, and there is no room before the timer */
    struct work waiting; /* for acknowledgements */
    struct work over;    /* are answered, and freed at the end of this turn or of the next */
    size_t count;        /* not answered yet */
    struct publish_rules rules;
    char (*topics)[TOPIC_NAME_SIZE]; /* by provider */
};

/* ---- the lists ---- */

static void list_init(struct work *head)
{
    head->prev = head->next = head;
}

static void list_leave(struct work *w)
{
    w->prev->next = w->next;
    w->next->prev = w->prev;
}

/* To the end of that list, from the one that it is in. */
static void list_move(struct work *w, struct work *head)
{
    list_leave(w);
    w->prev = head->prev;
    w->next = head;
    w->prev->next = w;
    head->prev = w;
}

/* ---- life of a work ---- */

static struct work *work_new(struct serve_events *e, struct serve_request *r)
{
    struct work *w = calloc(1, sizeof(*w));
    if (w == NULL)
        return NULL;
    w->events = e;
    w->request = r;
    w->key = serve_route_key(r);
    buf_init(&w->text, (size_t)2 * JSON_EVENT_MAX_BYTES);
    buf_init(&w->keys, SIZE_MAX / 2);
    size_t most = SPOKEN_TIMES * e->g->settings->serve.body_bytes;
    buf_init(&w->spoken, most < UINT32_MAX ? most : UINT32_MAX);
    list_init(w);
    list_move(w, &e->busy);
    e->count++;
    return w;
}

/* It was answered: whoever called may still look at it in this turn. */
static void work_end(struct work *w)
{
    w->events->count--;
    list_move(w, &w->events->over);
}

/* All of a list. */
static void works_free(struct work *head)
{
    for (struct work *w = head->next, *next = NULL; w != head; w = next) {
        next = w->next;
        buf_fini(&w->text);
        buf_fini(&w->keys);
        buf_fini(&w->spoken);
        free(w->items);
        free(w);
    }
    list_init(head);
}

/* ---- answers ---- */

static void accept_all(struct work *w)
{
    struct gateway *g = w->events->g;
    buf_addf(serve_answer(w->request, 202, "application/json"), "{\"accepted\":%zu}\n", w->count);
    serve_stats_events(g->stats, SERVE_EVENT_ACCEPTED, w->count);
    if (log_begin(g->log, LOG_LEVEL_DEBUG, "events_accepted")) {
        log_str(g->log, "key", w->key->of->name);
        log_int(g->log, "events", (int64_t)w->count);
        log_end(g->log);
    }
    serve_answer_done(w->request);
    work_end(w);
}

/* Some of them may be there: an id is applied once, so all may come again. */
static void not_acknowledged(struct work *w)
{
    char detail[400];
    struct gateway *g = w->events->g;
    snprintf(detail, sizeof(detail),
             w->sent > 0 ? "Kafka has not acknowledged all events (%s): they may or may not be there. Send the same ones again: an id is applied once"
                         : "nothing was sent (%s). Send the same events again",
             w->why);
    serve_stats_events(g->stats, SERVE_EVENT_UNSURE, w->sent);
    serve_stats_events(g->stats, SERVE_EVENT_UNSENT, w->count - w->sent);
    serve_refuse_for_now(g, w->request, 503, detail, AGAIN_MS);
    work_end(w);
}

static void refuse_invalid(struct work *w)
{
    char detail[160];
    struct gateway *g = w->events->g;
    bool is_reach = w->out_of_reach > 0 && w->out_of_reach == w->faults.seen;
    if (w->is_batch)
        snprintf(detail, sizeof(detail), "%zu of %zu events %s: none was sent", w->faults.seen, w->seen,
                 is_reach ? "are of providers that are not this key's" : "are refused");
    else
        snprintf(detail, sizeof(detail), is_reach ? "the event is of a provider that is not this key's" : "the event is refused");
    serve_stats_events(g->stats, SERVE_EVENT_INVALID, w->faults.seen);
    serve_stats_events(g->stats, SERVE_EVENT_UNSENT, w->count);
    serve_refuse(g, w->request, is_reach ? 403 : 400, detail, &w->faults);
    work_end(w);
}

static void out_of_memory(struct work *w)
{
    serve_refuse_for_now(w->events->g, w->request, 503, "out of memory", AGAIN_MS);
    work_end(w);
}

/* ---- checking ---- */

static int keep_item(struct work *w, const struct item *it)
{
    if (w->count == w->capacity) {
        size_t capacity = w->capacity == 0 ? (w->is_batch ? 64 : 1) : 2 * w->capacity;
        struct item *items = realloc(w->items, capacity * sizeof(*items));
        if (items == NULL)
            return -1;
        w->items = items;
        w->capacity = capacity;
    }
    w->items[w->count++] = *it;
    return 0;
}

/* The provider that the event names, where this key reaches it. NULL and @ret_fault. */
static const struct settings_provider *reach(struct work *w, const char *name, struct fault *ret_fault)
{
    struct gateway *g = w->events->g;
    const struct settings_provider *p = settings_provider(g->settings, name);
    if (p == NULL) {
        fault_set(ret_fault, "/provider", "wanted a provider of the gateway's settings");
        return NULL;
    }
    if (serve_key_reaches(w->key, p))
        return p;
    w->out_of_reach++;
    fault_set(ret_fault, "/provider", "wanted a provider that this key is for");
    return NULL;
}

/* What of @it is to be sent: the bytes as they came, or those in our words. */
static void keep_text(struct work *w, struct item *it, const struct sender_message *m, const char *text)
{
    it->len = (uint32_t)m->value_len;
    it->at = (uint32_t)w->spoken.len;
    if (m->value == text)
        it->text = text;
    else
        buf_add(&w->spoken, m->value, m->value_len);
}

static int check(struct work *w, const char *text, size_t len, struct fault *ret_fault)
{
    struct gateway *g = w->events->g;
    struct publish_event e;
    struct publish_rules rules = w->events->rules;
    serve_words_rules(g->words, w->key->of, &rules);
    if (publish_event_init(&e, &rules, text, len, ret_fault) < 0)
        return -1;
    const struct settings_provider *p = reach(w, e.message.provider, ret_fault);
    int rc = p != NULL ? 0 : -1;
    if (rc == 0) {
        struct item it = {.key = (uint32_t)w->keys.len,
                          .partition = partition_of(g->settings->partitioner, e.message.key, e.message.key_len,
                                                    g->settings->partitions),
                          .provider = (uint32_t)gateway_provider_index(g, p)};
        keep_text(w, &it, &e.message, text);
        buf_add(&w->keys, e.message.key, e.message.key_len + 1);
        w->no_memory = !buf_ok(&w->keys) || !buf_ok(&w->spoken) || keep_item(w, &it) != 0;
    }
    publish_event_fini(&e);
    return rc;
}

static void check_one(struct work *w, const char *text, size_t len)
{
    char prefix[24] = "";
    struct fault fault;
    if (w->is_batch)
        snprintf(prefix, sizeof(prefix), "/%zu", w->seen);
    w->seen++;
    if (check(w, text, len, &fault) == 0)
        return;
    w->no_memory = w->no_memory || fault.nomem;
    serve_faults_add(&w->faults, prefix, &fault);
}

static void too_many(struct work *w)
{
    char detail[120];
    snprintf(detail, sizeof(detail), "more than %u events: send them in several requests", w->events->g->settings->serve.batch_events);
    serve_refuse(w->events->g, w->request, 413, detail, NULL);
    work_end(w);
}

/* All are looked at. */
static void checked(struct work *w)
{
    struct gateway *g = w->events->g;
    serve_key_spend(w->key, (double)w->seen, loop_now_ms(g->loop));
    if (w->no_memory) {
        out_of_memory(w);
    } else if (w->faults.seen > 0) {
        refuse_invalid(w);
    } else if (w->count == 0) {
        accept_all(w); /* an empty batch: all of its events are there */
    } else {
        w->state = WORK_SENDING;
        w->send_by_ms = loop_now_ms(g->loop) + g->settings->serve.ack_timeout_ms;
    }
}

/* The next event of a batch is looked at. False: there is none left, or enough is known. */
static bool check_next(struct work *w)
{
    char at[24] = "";
    const char *text;
    size_t len;
    struct fault fault;
    int more = serve_batch_next(&w->batch, &text, &len, &fault);
    if (more < 0) { /* what comes after it cannot be told apart */
        if (w->seen > 0)
            snprintf(at, sizeof(at), "/%zu", w->seen);
        serve_faults_add(&w->faults, at, &fault);
    }
    if (more <= 0)
        return false;
    check_one(w, text, len);
    return !w->no_memory && w->faults.seen < SERVE_FAULTS_MAX;
}

static void check_some(struct work *w)
{
    size_t most = w->events->g->settings->serve.batch_events;
    for (int i = 0; i < EVENTS_A_GO; i++) {
        if (check_next(w) && w->seen <= most)
            continue;
        if (w->seen > most)
            too_many(w);
        else
            checked(w);
        return;
    }
}

/* ---- sending ---- */

static void finish(struct work *w)
{
    if (w->unacked > 0)
        return;
    if (w->failed == 0 && w->sent == w->count)
        accept_all(w);
    else
        not_acknowledged(w);
}

static void on_ack(void *arg, bool ok, int64_t offset, const char *why)
{
    struct work *w = arg;
    struct gateway *g = w->events->g;
    (void)offset;
    w->unacked--;
    if (ok) {
        serve_topics_trust(g->topics);
    } else {
        serve_topics_doubt(g->topics);
        w->failed++;
        if (w->why[0] == '\0')
            snprintf(w->why, sizeof(w->why), "%s", why);
    }
    if (w->state == WORK_WAITING)
        finish(w);
}

/* What was not sent by now is not sent any more. */
static void end_sending(struct work *w)
{
    w->state = WORK_WAITING;
    list_move(w, &w->events->waiting);
    finish(w);
}

static void give_up(struct work *w, const char *why)
{
    snprintf(w->why, sizeof(w->why), "%s", why);
    end_sending(w);
}

static int hand_over(struct work *w, const struct item *it, struct err *reterr)
{
    static const struct event_header type = {"content-type", TEXT_TYPE, sizeof(TEXT_TYPE) - 1};
    const struct serve_events *e = w->events;
    const char *key = w->keys.data + it->key;
    const char *fault = serve_topics_fault(e->g->topics, &e->g->settings->providers[it->provider]);
    const struct producer_message m = {.topic = e->topics[it->provider],
                                       .partition = it->partition,
                                       .key = key,
                                       .key_len = strlen(key),
                                       .value = it->text != NULL ? it->text : w->spoken.data + it->at,
                                       .value_len = it->len,
                                       .headers = &type,
                                       .header_count = 1};
    if (fault != NULL)
        return err_set(reterr, ERR_IO, "%s", fault);
    return producer_send(e->g->producer, &m, on_ack, w, reterr);
}

static void wait_for_room(struct work *w)
{
    struct serve_events *e = w->events;
    if (loop_now_ms(e->g->loop) >= w->send_by_ms) {
        give_up(w, "the queue to it was full for too long");
        return;
    }
    list_move(w, &e->stuck);
    loop_timer_start(e->room, ROOM_AGAIN_MS);
}

/* The next few events, while none has failed: later ones of its service must not overtake it. */
static void send_some(struct work *w)
{
    for (int i = 0; i < EVENTS_A_GO && w->sent < w->count && w->failed == 0; i++) {
        struct err error = {0};
        if (hand_over(w, &w->items[w->sent], &error) == 0) {
            w->sent++;
            w->unacked++;
            continue;
        }
        if (error.code == ERR_TIMEOUT)
            wait_for_room(w);
        else
            give_up(w, error.msg);
        return;
    }
    if (w->sent == w->count || w->failed > 0)
        end_sending(w);
}

/* ---- turns ---- */

static void go(struct work *w)
{
    switch (w->state) {
    case WORK_CHECKING:
        check_some(w);
        return;
    case WORK_SENDING:
        send_some(w);
        return;
    case WORK_WAITING:
        return;
    }
}

/* Each in turn a few events, for about a millisecond. */
static void on_turn(void *arg)
{
    struct serve_events *e = arg;
    int64_t end_ns = e->busy.next != &e->busy ? clock_mono_ns() + TURN_NS : 0;
    while (e->busy.next != &e->busy && clock_mono_ns() < end_ns) {
        struct work *w = e->busy.next;
        list_move(w, &e->busy); /* behind the others, should it stay */
        go(w);
    }
    works_free(&e->over);
    if (e->busy.next != &e->busy)
        loop_wake(e->g->loop);
}

static void on_room(void *arg)
{
    struct serve_events *e = arg;
    while (e->stuck.next != &e->stuck)
        list_move(e->stuck.next, &e->busy);
}

/* ---- requests ---- */

bool serve_events_head(struct gateway *g, struct serve_request *r)
{
    const struct settings_serve *s = &g->settings->serve;
    const char *type = serve_request_header(r, "Content-Type");
    switch (serve_mode_of(type, serve_request_header(r, "ce-specversion") != NULL)) {
    case SERVE_STRUCTURED:
    case SERVE_BINARY:
        serve_request_limit(r, s->body_bytes < JSON_EVENT_MAX_BYTES ? s->body_bytes : JSON_EVENT_MAX_BYTES);
        return !serve_answered(r);
    case SERVE_BATCH:
        serve_request_limit(r, s->body_bytes);
        return !serve_answered(r);
    case SERVE_UNKNOWN:
        break;
    }
    serve_refuse(g, r, 415, "wanted " SERVE_MODES_WANTED, NULL);
    return false;
}

static void add_header(void *arg, const char *name, const char *value)
{
    serve_headers_add(arg, name, value);
}

/* -1 and a fault was noted: it is no event. */
static int read_binary(struct work *w, const char *body, size_t len)
{
    struct serve_headers headers;
    struct fault fault;
    serve_headers_init(&headers);
    serve_request_each_header(w->request, add_header, &headers);
    int rc = serve_headers_done(&headers, body, len, &w->text, &fault);
    serve_headers_fini(&headers);
    if (rc == 0)
        return 0;
    w->no_memory = fault.nomem;
    serve_faults_add(&w->faults, "", &fault);
    return -1;
}

void serve_events_whole(struct gateway *g, struct serve_request *r)
{
    size_t len;
    const char *body = serve_request_body(r, &len), *type = serve_request_header(r, "Content-Type");
    struct work *w = work_new(g->events, r);
    if (w == NULL) {
        serve_refuse_for_now(g, r, 503, "out of memory", AGAIN_MS);
        return;
    }
    enum serve_mode mode = serve_mode_of(type, serve_request_header(r, "ce-specversion") != NULL);
    if (mode == SERVE_BATCH) {
        w->is_batch = true;
        serve_batch_init(&w->batch, body, len);
        loop_wake(g->loop);
        return;
    }
    w->seen = mode == SERVE_BINARY && read_binary(w, body, len) != 0;
    if (w->seen == 0 && mode == SERVE_BINARY)
        check_one(w, buf_cstr(&w->text), w->text.len);
    else if (w->seen == 0)
        check_one(w, body, len);
    loop_wake(g->loop);
    checked(w);
}

size_t serve_events_count(const struct serve_events *e)
{
    return e->count;
}

/* ---- life ---- */

static int name_topics(struct serve_events *e, struct err *reterr)
{
    const struct settings *s = e->g->settings;
    e->topics = calloc(s->provider_count + 1, sizeof(*e->topics));
    if (e->topics == NULL)
        return err_nomem(reterr);
    for (size_t i = 0; i < s->provider_count; i++)
        if (topic_name(TOPIC_EVENTS, s->prefix, s->providers[i].name, e->topics[i]) != 0)
            return err_set(reterr, ERR_INVAL, "prefix and provider %s are too long for a topic's name", s->providers[i].name);
    return 0;
}

struct serve_events *serve_events_new(struct gateway *g, struct err *reterr)
{
    struct serve_events *e = calloc(1, sizeof(*e));
    if (e == NULL) {
        err_nomem(reterr);
        return NULL;
    }
    e->g = g;
    e->rules = (struct publish_rules){.schemas = g->schemas, .partition = -1};
    list_init(&e->busy);
    list_init(&e->stuck);
    list_init(&e->waiting);
    list_init(&e->over);
    e->hook = loop_hook_new(g->loop, on_turn, e, reterr);
    e->room = e->hook != NULL ? loop_timer_new(g->loop, on_room, e, reterr) : NULL;
    if (e->room != NULL && name_topics(e, reterr) == 0)
        return e;
    serve_events_free(e);
    return NULL;
}

void serve_events_free(struct serve_events *e)
{
    if (e == NULL)
        return;
    works_free(&e->busy);
    works_free(&e->stuck);
    works_free(&e->waiting);
    works_free(&e->over);
    loop_hook_free(e->hook);
    loop_timer_free(e->room);
    free(e->topics);
    free(e);
}
