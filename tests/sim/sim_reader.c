/* sim_reader.c - io/reader.h over the simulated Kafka. */
#include <string.h>

#include "io/reader.h"
#include "kafka.h"
#include "oracle.h"

enum { MESSAGES_A_TURN = 32 };

struct reader {
    struct proc *p;
    struct kafka *k;
    bool closed, held;
    struct reader_read *reads;
};

struct reader_read {
    struct reader_read *next;
    struct reader *reader;
    struct klog *log;
    int64_t at, end; /* end -1: not asked yet */
    struct reader_range range;
    reader_message_fn *message;
    reader_done_fn *done;
    void *arg;
    bool over;
};

struct reader *reader_new(struct loop *l, const struct settings *st, void (*error)(void *arg, const char *why),
                          void *arg, struct err *reterr)
{
    (void)l, (void)st, (void)error, (void)arg, (void)reterr;
    struct proc *p = sim_current_proc();
    struct reader *r = sim_alloc(p->sim, sizeof(*r));
    *r = (struct reader){.p = p, .k = p->sim->kafka};
    return r;
}

void reader_free(struct reader *r)
{
    if (r)
        r->closed = true;
}

static int64_t start_of(const struct reader_read *q)
{
    switch (q->range.from) {
    case READER_OFFSET:
        return q->range.offset > 0 ? q->range.offset : 0;
    case READER_BEGINNING:
        return 0;
    case READER_TIME: {
        int64_t at = 0;
        while (at < q->log->n && q->log->items[at]->ts_ms < q->range.time_ms)
            at++;
        return at;
    }
    }
    return 0;
}

static void on_turn(void *arg)
{
    struct reader_read *q = arg;
    struct reader *r = q->reader;
    if (q->over || r->closed)
        return;
    if (r->held) {
        proc_post_after(r->p, SIM_MS, on_turn, q);
        return;
    }
    if (r->k->away) {
        proc_post_after(r->p, 300 * SIM_MS, on_turn, q);
        return;
    }
    if (q->end < 0) {
        q->end = q->log->n;
        q->at = start_of(q);
    }
    for (int n = 0; n < MESSAGES_A_TURN && q->at < q->end && !q->over && !r->closed && !r->held && r->p->alive; q->at++) {
        const struct kmessage *m = q->log->items[q->at];
        if (m->gone)
            continue;
        struct reader_message out = {m->offset, m->ts_ms, {m->key, m->key_len, m->value, m->value_len, m->headers, m->header_count}};
        oracle_acked(r->p->sim, q->range.topic, q->range.partition, m->offset); /* what can be read is kept */
        q->message(q->arg, &out);
        n++;
    }
    if (q->over || r->closed || !r->p->alive)
        return;
    if (q->at < q->end) {
        proc_post_after(r->p, kafka_latency(r->k), on_turn, q);
        return;
    }
    q->over = true;
    q->done(q->arg, true, q->end, "");
}

static bool is_read(const struct reader *r, const struct klog *l)
{
    for (const struct reader_read *q = r->reads; q; q = q->next)
        if (!q->over && q->log == l)
            return true;
    return false;
}

struct reader_read *reader_start(struct reader *r, const struct reader_range *range, reader_message_fn *message,
                                 reader_done_fn *done, void *arg)
{
    struct klog *l = &kafka_topic(r->k, range->topic)->parts[range->partition];
    if (is_read(r, l))
        return NULL;
    struct reader_read *q = sim_alloc(r->p->sim, sizeof(*q));
    *q = (struct reader_read){.next = r->reads, .reader = r, .log = l, .end = -1, .range = *range,
                              .message = message, .done = done, .arg = arg};
    r->reads = q;
    proc_post_after(r->p, 2 * kafka_latency(r->k), on_turn, q);
    return q;
}

void reader_hold(struct reader *r, bool hold)
{
    r->held = hold;
}

void reader_cancel(struct reader_read *q)
{
    if (q)
        q->over = true;
}
