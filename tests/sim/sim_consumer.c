/* sim_consumer.c - io/consumer.h over the simulated Kafka: what librdkafka and io/consumer*.c do together.
 *
 * Messages, rebalances and the ends of commits come in one queue, in order, as librdkafka's; it is not served while it is
 * held. What the client's own threads do (heartbeats, joining, fetching) does not wait for the loop, but stands still
 * while the process is paused. */
#include <string.h>

#include "base/crash_point.h"
#include "kafka.h"
#include "oracle.h"

enum { DRAIN_MAX = 1000, FETCH_MAX = 16 };
#define AGAIN_NS (200 * SIM_MS)
#define ASK_AGAIN_NS (300 * SIM_MS)

enum item_kind { ITEM_MESSAGE, ITEM_ASSIGN, ITEM_REVOKE, ITEM_COMMITTED };

struct item {
    struct item *next;
    enum item_kind kind;
    struct topic *topic;    /* message */
    int32_t partition;
    uint64_t version;
    const struct kmessage *message;
    bool lost;              /* revoke */
    bool ok, fenced;        /* committed */
};

enum consumer_state { STATE_OUT, STATE_FETCHING, STATE_READING, STATE_REVOKING };

struct part {
    bool assigned, paused, fetching;
    uint64_t version; /* what was fetched under an older one is thrown away */
    int64_t next, fetch;
};

struct topic {
    struct ktopic *log;
    bool control;
    struct part parts[KAFKA_PARTS_MAX];
};

struct consumer {
    struct consumer *next; /* kafka.readers */
    struct proc *p;
    struct kafka *k;
    struct consumer_handlers h;
    struct topic events, control;
    enum consumer_state state;
    struct kmember *m;
    bool owns[KAFKA_PARTS_MAX]; /* of the last assignment */
    bool has_assignment;        /* the client's threads have one, or have queued it */
    bool revoke_queued, closed, member, held, drain_posted, commit_outstanding;
    int64_t assigned_generation;
    uint64_t assign_number;     /* answers to older questions are cut loose */
    uint64_t join_number;       /* of the last request to join: the client has one at a time */
    struct item *first, *last;
};

static void start_fetch(struct consumer *c, struct topic *t, int32_t partition);

/* ---- the queue ---- */

static void on_drain(void *arg);

static void post_drain(struct consumer *c)
{
    if (c->drain_posted || c->held || !c->first)
        return;
    c->drain_posted = true;
    proc_post(c->p, on_drain, c);
}

static struct item *push(struct consumer *c, enum item_kind kind)
{
    struct item *i = sim_alloc(c->p->sim, sizeof(*i));
    i->kind = kind;
    *(c->last ? &c->last->next : &c->first) = i;
    c->last = i;
    post_drain(c);
    return i;
}

static bool client_lives(const struct consumer *c)
{
    return c->p->alive && !c->closed;
}

/* ---- joining ---- */

struct join {
    struct consumer *c;
    uint64_t number;
};

static void on_join(struct sim *s, void *arg)
{
    struct join *j = arg;
    struct consumer *c = j->c;
    if (!client_lives(c) || c->join_number != j->number)
        return;
    if (c->p->paused || c->k->away)
        sim_after(s, AGAIN_NS, on_join, j);
    else
        group_join(c->k, c->m);
}

static void join(struct consumer *c)
{
    if (!c->m || !c->m->in) {
        c->m = sim_alloc(c->p->sim, sizeof(*c->m));
        *c->m = (struct kmember){.c = c, .p = c->p, .generation = -1};
    }
    struct join *j = sim_alloc(c->p->sim, sizeof(*j));
    *j = (struct join){c, ++c->join_number};
    sim_after(c->p->sim, kafka_latency(c->k), on_join, j);
}

struct kmember *consumer_kmember(struct consumer *c)
{
    return c->m;
}

static void queue_revoke(struct consumer *c, bool lost)
{
    if (c->revoke_queued)
        return;
    c->revoke_queued = true;
    push(c, ITEM_REVOKE)->lost = lost;
}

void consumer_told_to_rejoin(struct consumer *c)
{
    if (!client_lives(c))
        return;
    if (c->has_assignment) {
        queue_revoke(c, false);
    } else {
        c->assign_number++;
        join(c);
    }
}

/* Whether the client says that they are lost is not to be believed (section 4). */
void consumer_told_lost(struct consumer *c)
{
    if (!client_lives(c))
        return;
    sim_mark(c->p->sim, MARK_LOST);
    c->m->generation = -1;
    if (c->has_assignment) {
        queue_revoke(c, !c->p->sim->cfg.on[FAULT_LOST_UNSAID] || sim_chance(c->p->sim, 500));
    } else {
        c->assign_number++; /* the answer to its old question is worth nothing */
        join(c);
    }
}

struct sync {
    struct consumer *c;
    uint64_t number;
    bool owns[KAFKA_PARTS_MAX];
};

static void on_sync(struct sim *s, void *arg)
{
    struct sync *y = arg;
    struct consumer *c = y->c;
    if (!client_lives(c) || y->number != c->assign_number)
        return;
    if (c->p->paused) {
        sim_after(s, AGAIN_NS, on_sync, y);
        return;
    }
    c->has_assignment = true;
    memcpy(c->owns, y->owns, sizeof(c->owns));
    push(c, ITEM_ASSIGN);
}

void consumer_told_assignment(struct consumer *c, struct kmember *m)
{
    struct sync *y = sim_alloc(c->p->sim, sizeof(*y));
    *y = (struct sync){.c = c, .number = ++c->assign_number};
    memcpy(y->owns, m->owns, sizeof(y->owns));
    sim_after(c->p->sim, kafka_latency(c->k), on_sync, y);
}

/* ---- taking partitions ---- */

static void on_offsets(void *arg);

static void ask_offsets(struct consumer *c, int64_t after)
{
    struct sync *y = sim_alloc(c->p->sim, sizeof(*y));
    *y = (struct sync){.c = c, .number = c->assign_number};
    proc_post_after(c->p, after, on_offsets, y);
}

static void take(struct topic *t, int32_t partition, int64_t committed)
{
    int64_t from = committed >= 0 ? committed : 0;
    struct part *p = &t->parts[partition];
    *p = (struct part){.assigned = true, .next = from, .fetch = from, .version = p->version + 1};
}

static void on_offsets(void *arg)
{
    struct sync *y = arg;
    struct consumer *c = y->c;
    struct consumer_partition list[2 * KAFKA_PARTS_MAX];
    size_t n = 0;
    if (c->closed || y->number != c->assign_number || c->state != STATE_FETCHING)
        return;
    if (c->k->away) {
        ask_offsets(c, ASK_AGAIN_NS);
        return;
    }
    for (int32_t i = 0; i < c->k->partitions; i++) {
        if (!c->owns[i])
            continue;
        const struct kcommit *at = &c->k->commits[i];
        list[n++] = (struct consumer_partition){false, i, at->offset, at->offset >= 0 ? at->metadata : "",
                                                at->offset >= 0 ? at->metadata_len : 0};
        take(&c->events, i, at->offset);
        list[n++] = (struct consumer_partition){true, i, c->k->control_commits[i], "", 0};
        take(&c->control, i, c->k->control_commits[i]);
    }
    c->state = STATE_READING;
    c->assigned_generation = c->m->generation;
    c->member = true;
    sim_note(c->p->sim, c->p, "assigned", "partitions", (int64_t)n, -1);
    c->h.assigned(c->h.arg, list, n);
    for (int32_t i = 0; i < c->k->partitions; i++) {
        start_fetch(c, &c->events, i);
        start_fetch(c, &c->control, i);
    }
    crash_point("assigned");
}

static void give_back(struct consumer *c)
{
    for (int32_t i = 0; i < c->k->partitions; i++) {
        c->events.parts[i] = (struct part){.version = c->events.parts[i].version + 1};
        c->control.parts[i] = (struct part){.version = c->control.parts[i].version + 1};
    }
    c->state = STATE_OUT;
    c->has_assignment = c->revoke_queued = false;
    c->assign_number++;
    if (!c->closed)
        join(c);
}

static void revoke(struct consumer *c, bool lost)
{
    int32_t list[KAFKA_PARTS_MAX];
    size_t n = 0;
    if (lost)
        c->member = false;
    if (c->state != STATE_READING) {
        give_back(c);
        return;
    }
    for (int32_t i = 0; i < c->k->partitions; i++)
        if (c->events.parts[i].assigned)
            list[n++] = i;
    c->state = STATE_REVOKING;
    sim_note(c->p->sim, c->p, lost ? "partitions lost" : "partitions revoked", "", (int64_t)n, -1);
    c->h.revoked(c->h.arg, list, n, lost);
    crash_point("revoked");
}

void consumer_revoke_done(struct consumer *c)
{
    if (c->state == STATE_REVOKING)
        give_back(c);
}

/* ---- messages ---- */

struct fetch {
    struct consumer *c;
    struct topic *topic;
    int32_t partition;
    uint64_t version;
};

static void on_fetched(struct sim *s, void *arg)
{
    struct fetch *f = arg;
    struct consumer *c = f->c;
    struct part *p = &f->topic->parts[f->partition];
    const struct klog *l = &f->topic->log->parts[f->partition];
    if (!client_lives(c) || p->version != f->version)
        return;
    if (c->p->paused || c->k->away) {
        sim_after(s, AGAIN_NS, on_fetched, f);
        return;
    }
    p->fetching = false;
    for (int n = 0; n < FETCH_MAX && p->fetch < l->n; n++) {
        struct item *i = push(c, ITEM_MESSAGE);
        i->topic = f->topic;
        i->partition = f->partition;
        i->version = p->version;
        i->message = l->items[p->fetch++];
    }
    start_fetch(c, f->topic, f->partition);
}

static void start_fetch(struct consumer *c, struct topic *t, int32_t partition)
{
    struct part *p = &t->parts[partition];
    if (!p->assigned || p->paused || p->fetching || p->fetch >= t->log->parts[partition].n || !client_lives(c))
        return;
    p->fetching = true;
    struct fetch *f = sim_alloc(c->p->sim, sizeof(*f));
    *f = (struct fetch){c, t, partition, p->version};
    sim_after(c->p->sim, kafka_latency(c->k), on_fetched, f);
}

void consumers_look(struct kafka *k)
{
    for (struct consumer *c = k->readers; c; c = c->next)
        for (int32_t i = 0; i < k->partitions && client_lives(c); i++) {
            start_fetch(c, &c->events, i);
            start_fetch(c, &c->control, i);
        }
}

static void deliver(struct consumer *c, const struct item *i)
{
    struct part *p = &i->topic->parts[i->partition];
    const struct kmessage *m = i->message;
    if (!p->assigned || c->state != STATE_READING || p->version != i->version || m->offset < p->next)
        return;
    p->next = m->offset + 1;
    struct consumer_delivery d = {
        .control = i->topic->control,
        .partition = i->partition,
        .offset = m->offset,
        .timestamp_ms = m->ts_ms,
        .message = {m->key, m->key_len, m->value, m->value_len, m->headers, m->header_count},
    };
    sim_note(c->p->sim, c->p, "delivered", i->topic->control ? "control" : "", i->partition, m->offset);
    if (!i->topic->control)
        oracle_delivered(c->p->sim, c->m, i->partition, m->offset);
    c->h.delivery(c->h.arg, &d);
}

/* ---- serving the queue ---- */

static void serve(struct consumer *c, const struct item *i)
{
    switch (i->kind) {
    case ITEM_MESSAGE:
        deliver(c, i);
        return;
    case ITEM_ASSIGN:
        c->state = STATE_FETCHING;
        ask_offsets(c, 2 * kafka_latency(c->k));
        return;
    case ITEM_REVOKE:
        revoke(c, i->lost);
        return;
    case ITEM_COMMITTED:
        c->commit_outstanding = false;
        sim_note(c->p->sim, c->p, i->ok ? "commit is done" : "commit failed", i->fenced ? "fenced" : "", -1, -1);
        oracle_count_committed(c->p, i->ok);
        c->h.committed(c->h.arg, i->ok, i->fenced, i->ok ? "" : "refused or lost");
        return;
    }
}

static void on_drain(void *arg)
{
    struct consumer *c = arg;
    c->drain_posted = false;
    for (int n = 0; n < DRAIN_MAX && c->first && !c->held && !c->closed && proc_goes_on(c->p); n++) {
        struct item *i = c->first;
        c->first = i->next;
        if (!c->first)
            c->last = NULL;
        serve(c, i);
    }
    if (!c->closed)
        post_drain(c);
}

/* ---- holding back ---- */

static void pause(struct topic *t, int32_t partition)
{
    struct part *p = &t->parts[partition];
    if (!p->assigned || p->paused)
        return;
    p->paused = true;
    p->fetching = false;
    p->version++;
}

static void resume(struct consumer *c, struct topic *t, int32_t partition)
{
    struct part *p = &t->parts[partition];
    if (!p->assigned || !p->paused)
        return;
    p->paused = false;
    p->fetch = p->next;
    start_fetch(c, t, partition);
}

void consumer_pause(struct consumer *c, int32_t partition)
{
    pause(&c->events, partition);
}

void consumer_resume(struct consumer *c, int32_t partition)
{
    resume(c, &c->events, partition);
}

void consumer_pause_acts(struct consumer *c, int32_t partition)
{
    pause(&c->control, partition);
}

void consumer_resume_acts(struct consumer *c, int32_t partition)
{
    resume(c, &c->control, partition);
}

void consumer_hold(struct consumer *c, bool hold)
{
    c->held = hold;
    post_drain(c);
}

/* ---- commits ---- */

struct commit {
    struct consumer *c;
    struct kmember *m;
    int64_t generation, sent;
    struct consumer_partition *list;
    size_t n;
    bool ok, fenced;
};

#define COMMIT_TIMEOUT_NS (15 * SIM_S) /* socket.timeout.ms */

static void on_commit_answer(struct sim *s, void *arg)
{
    struct commit *q = arg;
    (void)s;
    if (!client_lives(q->c))
        return;
    struct item *i = push(q->c, ITEM_COMMITTED);
    i->ok = q->ok;
    i->fenced = q->fenced;
    if (q->fenced)
        sim_mark(s, MARK_COMMIT_FENCED);
    else if (!q->ok)
        sim_mark(s, MARK_COMMIT_RETRIED);
}

static void on_commit_arrives(struct sim *s, void *arg)
{
    struct commit *q = arg;
    struct kafka *k = s->kafka;
    int64_t left = q->sent + COMMIT_TIMEOUT_NS - s->now;
    if (k->away && left > 0 && client_lives(q->c)) {
        sim_after(s, AGAIN_NS, on_commit_arrives, q);
        return;
    }
    bool lost = k->away || sim_fault(s, FAULT_COMMIT_LOST, s->cfg.wire_bad);
    bool unanswered = !lost && sim_fault(s, FAULT_COMMIT_UNANSWERED, s->cfg.wire_bad);
    enum commit_code code = lost ? COMMIT_BUSY : group_commit(k, q->m, q->generation, q->list, q->n);
    q->ok = code == COMMIT_OK && !unanswered;
    q->fenced = code == COMMIT_FENCED;
    if (lost)
        sim_note(s, NULL, "commit lost", "", -1, -1);
    int64_t wait = lost || unanswered ? sim_range(s, 1000, 15000) * SIM_MS : kafka_latency(k);
    sim_after(s, wait, on_commit_answer, q);
}

static struct consumer_partition *copy_list(struct sim *s, const struct consumer_partition *list, size_t n)
{
    struct consumer_partition *to = sim_alloc(s, n * sizeof(*to));
    for (size_t i = 0; i < n; i++) {
        to[i] = list[i];
        to[i].metadata = sim_copy(s, list[i].metadata, list[i].metadata_len);
    }
    return to;
}

int consumer_commit(struct consumer *c, const struct consumer_partition *list, size_t n, struct err *reterr)
{
    struct sim *s = c->p->sim;
    if (!c->p->alive)
        return 0;
    if (c->commit_outstanding)
        return err_set(reterr, ERR_TIMEOUT, "a commit is outstanding");
    if (n == 0)
        return err_set(reterr, ERR_INVAL, "a commit of nothing");
    if (c->m->generation != c->assigned_generation)
        return err_set(reterr, ERR_IO, "this member has lost its place in the group");
    for (size_t i = 0; i < n; i++) {
        if (!c->events.parts[list[i].partition].assigned)
            return err_set(reterr, ERR_INVAL, "not assigned");
        if (list[i].metadata_len > CONSUMER_METADATA_MAX)
            return err_set(reterr, ERR_INVAL, "too long");
        const char *what = list[i].control ? "control" : list[i].metadata_len > 0 ? list[i].metadata : "";
        sim_note(s, c->p, "commits", what, list[i].partition, list[i].offset);
        oracle_commit_sent(s, c->p, &list[i]);
    }
    struct commit *q = sim_alloc(s, sizeof(*q));
    *q = (struct commit){.c = c, .m = c->m, .generation = c->m->generation, .sent = s->now,
                         .list = copy_list(s, list, n), .n = n};
    c->commit_outstanding = true;
    sim_after(s, kafka_latency(c->k), on_commit_arrives, q);
    return 0;
}

bool consumer_commit_outstanding(const struct consumer *c)
{
    return c->commit_outstanding;
}

/* ---- life and questions ---- */

int64_t consumer_high_watermark(const struct consumer *c, int32_t partition)
{
    return c->events.log->parts[partition].n;
}

bool consumer_is_member(const struct consumer *c)
{
    return c->member;
}

struct consumer *consumer_new(struct loop *l, const struct settings *st, const struct settings_provider *sp,
                              const char *topic, const char *control_topic, const char *group, unsigned thread,
                              const struct consumer_handlers *h, struct err *reterr)
{
    (void)l, (void)st, (void)sp, (void)group, (void)thread, (void)reterr;
    struct proc *p = sim_current_proc();
    struct consumer *c = sim_alloc(p->sim, sizeof(*c));
    c->p = p;
    c->k = p->sim->kafka;
    c->h = *h;
    c->events.log = kafka_topic(c->k, topic);
    c->control = (struct topic){.log = kafka_topic(c->k, control_topic), .control = true};
    c->next = c->k->readers;
    c->k->readers = c;
    p->consumer = c;
    join(c);
    return c;
}

static void on_leave(struct sim *s, void *arg)
{
    group_leave(s->kafka, arg);
}

void consumer_free(struct consumer *c)
{
    if (!c)
        return;
    c->closed = true;
    for (struct consumer **at = &c->k->readers; *at; at = &(*at)->next) {
        if (*at == c) {
            *at = c->next;
            break;
        }
    }
    if (c->p->alive && c->m && c->m->in)
        sim_after(c->p->sim, kafka_latency(c->k), on_leave, c->m);
}
