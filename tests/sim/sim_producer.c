/* sim_producer.c - io/producer.h over the simulated Kafka: an idempotent producer. Messages of a partition leave in order,
 * one request at a time; what the broker has got already it does not write twice. */
#include <string.h>

#include "base/crash_point.h"
#include "kafka.h"
#include "oracle.h"

#define LINGER_NS (5 * SIM_MS)

struct pending {
    struct pending *next;
    struct producer_message m; /* its bytes are the seed's */
    producer_ack_fn *ack;
    void *arg;
    int64_t born, offset;
    bool written, ok;
};

/* Of one topic's partition. */
struct way {
    struct way *next;
    struct producer *producer;
    struct ktopic *topic;
    int32_t partition;
    struct pending *first, *last;   /* in the queue */
    struct pending *flying;         /* in the request that is under way */
    bool flush_posted;
};

struct producer {
    struct proc *p;
    struct kafka *k;
    int64_t timeout;
    struct way *ways;
    size_t pending;
    bool closed;
};

struct report {
    struct producer *producer;
    struct pending *list;
    bool ok;
};

static void flush(struct way *w);
static void on_request(struct sim *s, void *arg);

static bool client_lives(const struct producer *p)
{
    return p->p->alive && !p->closed;
}

/* ---- reports ---- */

static void on_report(void *arg)
{
    struct report *r = arg;
    for (struct pending *m = r->list, *next; m && r->producer->p->alive; m = next) {
        next = m->next;
        r->producer->pending--;
        if (!r->ok)
            sim_mark(r->producer->p->sim, m->written ? MARK_WRITTEN_FAILED : MARK_PUBLISHED_AGAIN);
        else
            oracle_acked(r->producer->p->sim, m->m.topic, m->m.partition, m->offset);
        if (r->producer->closed)
            continue;
        if (r->ok)
            oracle_told(r->producer->p->sim, r->producer->p, m->m.topic, m->m.partition, m->offset);
        m->ack(m->arg, r->ok, r->ok ? m->offset : -1, r->ok ? "" : "timed out");
        crash_point("acked");
    }
}

static void report(struct producer *p, struct pending *list, bool ok)
{
    if (!list)
        return;
    struct report *r = sim_alloc(p->p->sim, sizeof(*r));
    *r = (struct report){p, list, ok};
    proc_post(p->p, on_report, r);
}

/* ---- a request ---- */

static void on_answer(struct sim *s, void *arg)
{
    struct way *w = arg;
    (void)s;
    if (!client_lives(w->producer))
        return;
    struct pending *list = w->flying;
    w->flying = NULL;
    report(w->producer, list, true);
    flush(w);
}

static void write_all(struct way *w)
{
    for (struct pending *m = w->flying; m; m = m->next) {
        if (m->written)
            continue;
        m->written = true;
        m->offset = kafka_append(w->producer->k, w->topic, w->partition, &m->m)->offset;
    }
}

/* The client tries again until the oldest is too old. */
static void on_again(struct sim *s, void *arg)
{
    struct way *w = arg;
    struct producer *p = w->producer;
    if (!client_lives(p))
        return;
    if (p->p->paused) {
        sim_after(s, 200 * SIM_MS, on_again, w);
        return;
    }
    if (w->flying && s->now - w->flying->born > p->timeout) {
        struct pending *list = w->flying;
        w->flying = NULL;
        report(p, list, false);
        flush(w);
        return;
    }
    sim_after(s, kafka_latency(p->k), on_request, w);
}

static void on_request(struct sim *s, void *arg)
{
    struct way *w = arg;
    struct kafka *k = s->kafka;
    if (!w->flying)
        return;
    if (k->away || (k->outcomes_refused && strstr(w->topic->name, "outcomes"))) {
        sim_after(s, sim_range(s, 100, 1000) * SIM_MS, on_again, w);
        return;
    }
    if (sim_fault(s, FAULT_PRODUCE_FAILS, s->cfg.wire_bad)) {
        if (sim_chance(s, 500))
            write_all(w);
        struct pending *list = w->flying;
        w->flying = NULL;
        report(w->producer, list, false);
        flush(w);
        return;
    }
    write_all(w);
    if (sim_fault(s, FAULT_PRODUCE_UNANSWERED, s->cfg.wire_bad))
        sim_after(s, sim_range(s, 100, 20000) * SIM_MS, on_again, w);
    else
        sim_after(s, kafka_latency(k), on_answer, w);
}

/* ---- the queue ---- */

/* The client looks at the age of what it has before it sends anything: so after a pause nothing leaves that the broker was not
 * given before it. */
static void expire(struct way *w)
{
    struct pending *old = w->first, **at = &old;
    int64_t now = w->producer->p->sim->now;
    while (*at && now - (*at)->born > w->producer->timeout)
        at = &(*at)->next;
    w->first = *at;
    if (!w->first)
        w->last = NULL;
    *at = NULL;
    report(w->producer, old, false);
}

static void on_linger(struct sim *s, void *arg)
{
    struct way *w = arg;
    if (!client_lives(w->producer))
        return;
    if (w->producer->p->paused) {
        sim_after(s, 200 * SIM_MS, on_linger, w);
        return;
    }
    w->flush_posted = false;
    if (w->flying)
        return;
    expire(w);
    if (!w->first)
        return;
    w->flying = w->first;
    w->first = w->last = NULL;
    sim_after(s, kafka_latency(w->producer->k), on_request, w);
}

static void flush(struct way *w)
{
    if (w->flush_posted || w->flying || !w->first)
        return;
    w->flush_posted = true;
    sim_after(w->producer->p->sim, LINGER_NS, on_linger, w);
}

static struct way *way_of(struct producer *p, const char *topic, int32_t partition)
{
    struct ktopic *t = kafka_topic(p->k, topic);
    for (struct way *w = p->ways; w; w = w->next)
        if (w->topic == t && w->partition == partition)
            return w;
    struct way *w = sim_alloc(p->p->sim, sizeof(*w));
    *w = (struct way){.next = p->ways, .producer = p, .topic = t, .partition = partition};
    p->ways = w;
    return w;
}

static struct producer_message copy_message(struct sim *s, const struct producer_message *m)
{
    struct producer_message to = *m;
    struct event_header *h = sim_alloc(s, m->header_count * sizeof(*h) + 1);
    to.topic = sim_copy(s, m->topic, strlen(m->topic));
    to.key = sim_copy(s, m->key, m->key_len);
    to.value = sim_copy(s, m->value, m->value_len);
    for (size_t i = 0; i < m->header_count; i++) {
        h[i].name = sim_copy(s, m->headers[i].name, strlen(m->headers[i].name));
        h[i].value = sim_copy(s, m->headers[i].value, m->headers[i].len);
        h[i].len = m->headers[i].len;
    }
    to.headers = h;
    return to;
}

int producer_send(struct producer *p, const struct producer_message *m, producer_ack_fn *ack, void *arg,
                  struct err *reterr)
{
    (void)reterr;
    struct sim *s = p->p->sim;
    if (!p->p->alive)
        return 0;
    struct pending *q = sim_alloc(s, sizeof(*q));
    *q = (struct pending){.m = copy_message(s, m), .ack = ack, .arg = arg, .born = s->now, .offset = -1};
    struct way *w = way_of(p, m->topic, m->partition);
    *(w->last ? &w->last->next : &w->first) = q;
    w->last = q;
    p->pending++;
    sim_note(s, p->p, "produces", m->topic, m->partition, -1);
    oracle_produced(s, m);
    flush(w);
    return 0;
}

void producer_purge(struct producer *p)
{
    for (struct way *w = p->ways; w; w = w->next) {
        struct pending *list = w->first;
        w->first = w->last = NULL;
        report(p, list, false);
    }
}

size_t producer_pending(const struct producer *p)
{
    return p->pending;
}

/* ---- life ---- */

struct producer *producer_new(struct loop *l, const struct settings *st, int64_t message_timeout_ms,
                              void (*error)(void *arg, const char *why), void *arg, struct err *reterr)
{
    (void)l, (void)st, (void)error, (void)arg, (void)reterr;
    struct proc *proc = sim_current_proc();
    struct producer *p = sim_alloc(proc->sim, sizeof(*p));
    *p = (struct producer){.p = proc, .k = proc->sim->kafka, .timeout = message_timeout_ms * SIM_MS};
    return p;
}

/* What is under way comes to the broker all the same. */
void producer_free(struct producer *p, int64_t flush_ms)
{
    (void)flush_ms;
    if (p)
        p->closed = true;
}
