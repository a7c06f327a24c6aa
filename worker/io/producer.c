/* producer.c - see producer.h.
 *
 * Each message carries a small ack object as librdkafka's opaque; those that are under way hang on a list, so that a
 * handle that turned fatal can be thrown away and its messages be failed without waiting for its reports. */
#include "io/producer.h"

#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "base/clock.h"
#include "io/kafka_conf.h"
#include "io/kafka_queue.h"

#define ACKS_A_SLAB 512
#define TOPICS_MAX 64
#define HEADERS_MAX 96 /* 64 of the original, and what a waiting entry adds */
#define REMAKE_MS 1000

struct ack {
    struct ack *prev, *next; /* under way: both; free: next */
    producer_ack_fn *fn;
    void *arg;
};

struct slab {
    struct slab *next;
    struct ack acks[ACKS_A_SLAB];
};

/* Topic handles: a send by name would look the name up under a lock each time. */
struct topic {
    char *name;
    rd_kafka_topic_t *rkt;
};

struct producer {
    struct loop *loop;
    const struct settings *settings;
    int64_t message_timeout_ms;
    void (*error)(void *arg, const char *why);
    void *arg;
    rd_kafka_t *rk; /* NULL: being made anew */
    struct kafka_queue queue;
    struct topic topics[TOPICS_MAX];
    size_t topic_count;
    struct slab *slabs;
    struct ack *free_acks;
    struct ack pending_list; /* ring's head */
    size_t pending;
    struct loop_timer *remake;
    struct kafka_hush hush;
};

/* ---- acks ---- */

static bool grow_acks(struct producer *p)
{
    struct slab *s = malloc(sizeof *s);
    if (s == NULL)
        return false;
    s->next = p->slabs;
    p->slabs = s;
    for (size_t i = 0; i < ACKS_A_SLAB; i++) {
        s->acks[i].next = p->free_acks;
        p->free_acks = &s->acks[i];
    }
    return true;
}

static struct ack *take_ack(struct producer *p, producer_ack_fn *fn, void *arg)
{
    if (p->free_acks == NULL && !grow_acks(p))
        return NULL;
    struct ack *a = p->free_acks;
    p->free_acks = a->next;
    a->fn = fn;
    a->arg = arg;
    a->prev = p->pending_list.prev;
    a->next = &p->pending_list;
    a->prev->next = a;
    p->pending_list.prev = a;
    p->pending++;
    return a;
}

static void give_ack(struct producer *p, struct ack *a)
{
    a->prev->next = a->next;
    a->next->prev = a->prev;
    a->next = p->free_acks;
    p->free_acks = a;
    p->pending--;
}

static void end_ack(struct producer *p, struct ack *a, bool ok, int64_t offset, const char *why)
{
    producer_ack_fn *fn = a->fn;
    void *arg = a->arg;
    give_ack(p, a);
    if (fn)
        fn(arg, ok, offset, why);
}

/* Those that the callbacks send anew hang behind @last and stay. */
static void fail_pending(struct producer *p, const char *why)
{
    struct ack *last = p->pending_list.prev;
    while (p->pending_list.next != &p->pending_list) {
        struct ack *a = p->pending_list.next;
        bool done = a == last;
        end_ack(p, a, false, -1, why);
        if (done)
            return;
    }
}

/* ---- the handle ---- */

static void tell(struct producer *p, const char *why)
{
    if (p->error && kafka_hush_passes(&p->hush, why, loop_now_ms(p->loop)))
        p->error(p->arg, why);
}

static void drop_handle(struct producer *p)
{
    for (size_t i = 0; i < p->topic_count; i++) {
        rd_kafka_topic_destroy(p->topics[i].rkt);
        free(p->topics[i].name);
    }
    p->topic_count = 0;
    kafka_queue_fini(&p->queue);
    if (p->rk) {
        rd_kafka_purge(p->rk, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT | RD_KAFKA_PURGE_F_NON_BLOCKING);
        rd_kafka_destroy(p->rk);
    }
    p->rk = NULL;
}

static void on_reports(struct producer *p, rd_kafka_event_t *ev)
{
    const rd_kafka_message_t *m;
    while ((m = rd_kafka_event_message_next(ev))) {
        bool ok = m->err == RD_KAFKA_RESP_ERR_NO_ERROR;
        end_ack(p, m->_private, ok, ok ? m->offset : -1, rd_kafka_err2str(m->err));
    }
}

/* The handle is asked itself: error events and refused messages have the code of what made it fatal, not that of being so. */
static void remake_if_fatal(struct producer *p)
{
    if (rd_kafka_fatal_error(p->rk, NULL, 0) != RD_KAFKA_RESP_ERR_NO_ERROR)
        loop_timer_start(p->remake, 0); /* not here: the queue that called us belongs to the handle */
}

static void on_error(struct producer *p, rd_kafka_event_t *ev)
{
    tell(p, rd_kafka_event_error_string(ev));
    remake_if_fatal(p);
}

static void on_event(void *arg, rd_kafka_event_t *ev)
{
    struct producer *p = arg;
    const char *text;
    switch (rd_kafka_event_type(ev)) {
    case RD_KAFKA_EVENT_DR:
        on_reports(p, ev);
        break;
    case RD_KAFKA_EVENT_ERROR:
        on_error(p, ev);
        break;
    case RD_KAFKA_EVENT_LOG:
        text = kafka_log_text(ev);
        if (text)
            tell(p, text);
        break;
    }
}

static rd_kafka_conf_t *conf_of(const struct producer *p, struct err *reterr)
{
    static const struct kafka_prop defaults[] = {
        {"linger.ms", "5"},
        {"batch.num.messages", "10000"},
        {"batch.size", "262144"},
        {"compression.codec", "none"},
        {"queue.buffering.max.messages", "20000"},
        {"queue.buffering.max.kbytes", "65536"},
        {"message.max.bytes", "4194304"}, /* as the topics allow: a dead letter has whatever the events topic took */
        {"topic.metadata.refresh.interval.ms", "60000"},
    };
    static const struct kafka_prop needed[] = {{"enable.idempotence", "true"}, {"acks", "all"}};
    rd_kafka_conf_t *c = kafka_conf_new(p->settings, RD_KAFKA_EVENT_DR, defaults, ARRAY_LEN(defaults), needed,
                                        ARRAY_LEN(needed), reterr);
    if (c == NULL)
        return NULL;
    const char *partitioner =
        p->settings->partitioner == PARTITIONER_CRC32 ? "consistent_random" : "murmur2_random";
    if (kafka_conf_set(c, "partitioner", partitioner, reterr) < 0 ||
        kafka_conf_set_int(c, "message.timeout.ms", p->message_timeout_ms, reterr) < 0) {
        rd_kafka_conf_destroy(c);
        return NULL;
    }
    return c;
}

static int make_handle(struct producer *p, struct err *reterr)
{
    rd_kafka_conf_t *conf = conf_of(p, reterr);
    if (conf == NULL)
        return -1;
    p->rk = kafka_handle_new(RD_KAFKA_PRODUCER, conf, reterr);
    if (p->rk == NULL)
        return -1;
    rd_kafka_queue_t *q = rd_kafka_queue_get_main(p->rk);
    rd_kafka_set_log_queue(p->rk, q);
    if (kafka_queue_init(&p->queue, p->loop, q, on_event, p, reterr) < 0) {
        drop_handle(p);
        return -1;
    }
    return 0;
}

/* RELIABILITY.md section 13: a fatal handle is destroyed and made anew; what it had is the caller's to publish
 * again. */
static void on_remake(void *arg)
{
    struct producer *p = arg;
    struct err err;
    drop_handle(p);
    if (make_handle(p, &err) < 0) {
        tell(p, err.msg);
        loop_timer_start(p->remake, REMAKE_MS);
    }
    fail_pending(p, "the Kafka producer was made anew after a fatal error");
}

struct producer *producer_new(struct loop *l, const struct settings *s, int64_t message_timeout_ms,
                              void (*error)(void *arg, const char *why), void *arg, struct err *reterr)
{
    struct producer *p = calloc(1, sizeof *p);
    if (p == NULL) {
        err_nomem(reterr);
        return NULL;
    }
    p->loop = l;
    p->settings = s;
    p->message_timeout_ms = message_timeout_ms;
    p->error = error;
    p->arg = arg;
    p->pending_list.next = p->pending_list.prev = &p->pending_list;
    p->remake = loop_timer_new(l, on_remake, p, reterr);
    if (p->remake == NULL || make_handle(p, reterr) < 0) {
        producer_free(p, 0);
        return NULL;
    }
    return p;
}

void producer_free(struct producer *p, int64_t flush_ms)
{
    if (p == NULL)
        return;
    int64_t end = clock_boot_ms() + flush_ms;
    while (p->rk && p->pending > 0 && clock_boot_ms() < end)
        kafka_queue_wait(&p->queue, (int)(end - clock_boot_ms()));
    drop_handle(p);
    loop_timer_free(p->remake);
    while (p->slabs) {
        struct slab *s = p->slabs;
        p->slabs = s->next;
        free(s);
    }
    free(p);
}

/* ---- sending ---- */

static rd_kafka_topic_t *topic_of(struct producer *p, const char *name, struct err *reterr)
{
    for (size_t i = 0; i < p->topic_count; i++)
        if (strcmp(p->topics[i].name, name) == 0)
            return p->topics[i].rkt;
    if (p->topic_count == TOPICS_MAX) {
        err_set(reterr, ERR_INVAL, "more than %d topics from one producer", TOPICS_MAX);
        return NULL;
    }
    struct topic t = {.name = strdup(name)};
    t.rkt = t.name ? rd_kafka_topic_new(p->rk, name, NULL) : NULL;
    if (t.rkt == NULL) {
        free(t.name);
        err_set(reterr, ERR_IO, "topic %s: %s", name, rd_kafka_err2str(rd_kafka_last_error()));
        return NULL;
    }
    p->topics[p->topic_count++] = t;
    return t.rkt;
}

static rd_kafka_headers_t *headers_of(const struct producer_message *m)
{
    rd_kafka_headers_t *h = rd_kafka_headers_new(m->header_count);
    for (size_t i = 0; i < m->header_count; i++)
        rd_kafka_header_add(h, m->headers[i].name, -1, m->headers[i].value, (ssize_t)m->headers[i].len);
    return h;
}

static int refused(struct producer *p, rd_kafka_resp_err_t code, const char *topic, struct err *reterr)
{
    if (code == RD_KAFKA_RESP_ERR__QUEUE_FULL)
        return err_set(reterr, ERR_TIMEOUT, "the producer's queue is full");
    remake_if_fatal(p);
    bool bad = code == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE || code == RD_KAFKA_RESP_ERR__INVALID_ARG;
    return err_set(reterr, bad ? ERR_INVAL : ERR_IO, "topic %s: %s", topic, rd_kafka_err2str(code));
}

static rd_kafka_resp_err_t produce(struct producer *p, rd_kafka_topic_t *rkt, const struct producer_message *m,
                                   struct ack *a)
{
    rd_kafka_headers_t *h = m->header_count > 0 ? headers_of(m) : NULL;
    /* librdkafka copies: the casts take const away from what it only reads. */
    rd_kafka_vu_t v[] = {
        {.vtype = RD_KAFKA_VTYPE_RKT, .u.rkt = rkt},
        {.vtype = RD_KAFKA_VTYPE_PARTITION, .u.i32 = m->partition < 0 ? RD_KAFKA_PARTITION_UA : m->partition},
        {.vtype = RD_KAFKA_VTYPE_KEY, .u.mem = {(void *)(uintptr_t)m->key, m->key_len}},
        {.vtype = RD_KAFKA_VTYPE_VALUE, .u.mem = {(void *)(uintptr_t)m->value, m->value_len}},
        {.vtype = RD_KAFKA_VTYPE_MSGFLAGS, .u.i = RD_KAFKA_MSG_F_COPY},
        {.vtype = RD_KAFKA_VTYPE_OPAQUE, .u.ptr = a},
        {.vtype = RD_KAFKA_VTYPE_HEADERS, .u.headers = h},
    };
    rd_kafka_error_t *e = rd_kafka_produceva(p->rk, v, h ? ARRAY_LEN(v) : ARRAY_LEN(v) - 1);
    if (e == NULL)
        return RD_KAFKA_RESP_ERR_NO_ERROR;
    rd_kafka_resp_err_t code = rd_kafka_error_code(e);
    rd_kafka_error_destroy(e);
    if (h)
        rd_kafka_headers_destroy(h); /* taken only on success */
    return code;
}

int producer_send(struct producer *p, const struct producer_message *m, producer_ack_fn *ack, void *arg,
                  struct err *reterr)
{
    if (p->rk == NULL)
        return err_set(reterr, ERR_TIMEOUT, "the Kafka producer is being made anew");
    if (m->header_count > HEADERS_MAX)
        return err_set(reterr, ERR_INVAL, "more than %d headers", HEADERS_MAX);
    rd_kafka_topic_t *rkt = topic_of(p, m->topic, reterr);
    if (rkt == NULL)
        return -1;
    struct ack *a = take_ack(p, ack, arg);
    if (a == NULL)
        return err_nomem(reterr);
    rd_kafka_resp_err_t code = produce(p, rkt, m, a);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        return 0;
    give_ack(p, a);
    return refused(p, code, m->topic, reterr);
}

void producer_purge(struct producer *p)
{
    if (p->rk)
        (void)rd_kafka_purge(p->rk, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_NON_BLOCKING);
}

size_t producer_pending(const struct producer *p)
{
    return p->pending;
}
