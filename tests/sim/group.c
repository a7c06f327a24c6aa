/* group.c - the group's coordinator, as Apache Kafka's: a member that joins or goes makes a round in which all that are
 * known must join again; then each gets a range of the partitions under the next generation. A member that is not heard
 * of for the session timeout is out, and learns of it when it speaks again. */
#include <string.h>

#include "kafka.h"
#include "oracle.h"

static int64_t heartbeat(struct kafka *k)
{
    return sim_range(k->sim, 1, k->sim->env->provider->numbers.session_timeout_ms / 4) * SIM_MS;
}

static bool all_joined(const struct kafka *k)
{
    for (unsigned i = 0; i < k->member_count; i++)
        if (!k->members[i]->joined)
            return false;
    return true;
}

/* ---- a round's end ---- */

static void on_synced(struct sim *s, void *arg)
{
    struct kafka *k = s->kafka;
    if (k->state == GROUP_COMPLETING && k->round == *(uint64_t *)arg)
        k->state = GROUP_STABLE;
}

static void give_ranges(struct kafka *k)
{
    int32_t n = (int32_t)k->member_count, each = k->partitions / n, more = k->partitions % n, next = 0;
    for (int32_t i = 0; i < n; i++) {
        struct kmember *m = k->members[i];
        int32_t count = each + (i < more);
        memset(m->owns, 0, sizeof(m->owns));
        for (; count > 0; count--)
            m->owns[next++] = true;
        m->generation = k->generation;
        m->joined = false;
        oracle_assigned(k->sim, m);
    }
}

static void complete(struct kafka *k)
{
    struct sim *s = k->sim;
    k->generation++;
    k->state = GROUP_COMPLETING;
    sim_mark(s, MARK_REBALANCE);
    sim_note(s, NULL, "generation", "members", k->generation, k->member_count);
    give_ranges(k);
    for (unsigned i = 0; i < k->member_count; i++)
        consumer_told_assignment(k->members[i]->c, k->members[i]);
    uint64_t *round = sim_alloc(s, sizeof(*round));
    *round = k->round;
    sim_after(s, kafka_latency(k) / 2, on_synced, round);
}

static void on_complete(struct sim *s, void *arg)
{
    struct kafka *k = s->kafka;
    if (k->state != GROUP_PREPARING || k->round != *(uint64_t *)arg || k->member_count == 0 || !all_joined(k))
        return;
    if (s->now < k->not_before || k->away)
        sim_after(s, k->away ? 200 * SIM_MS : k->not_before - s->now, on_complete, arg);
    else
        complete(k);
}

static void complete_if_all(struct kafka *k)
{
    if (k->state != GROUP_PREPARING || k->member_count == 0 || !all_joined(k))
        return;
    uint64_t *round = sim_alloc(k->sim, sizeof(*round));
    *round = k->round;
    int64_t left = k->not_before - k->sim->now;
    sim_after(k->sim, left > 0 ? left : 0, on_complete, round);
}

/* ---- a round's begin ---- */

struct told {
    struct kmember *m;
    uint64_t round;
};

/* The answer to a heartbeat. A paused process finds out when it goes on. */
static void on_heartbeat(struct sim *s, void *arg)
{
    struct told *t = arg;
    struct kafka *k = s->kafka;
    if (!t->m->in || !t->m->p->alive || t->m->p->paused || t->m->joined || k->round != t->round ||
        k->state != GROUP_PREPARING)
        return;
    if (k->away)
        sim_after(s, heartbeat(k), on_heartbeat, t);
    else
        consumer_told_to_rejoin(t->m->c);
}

static void tell(struct kafka *k, struct kmember *m)
{
    struct told *t = sim_alloc(k->sim, sizeof(*t));
    *t = (struct told){m, k->round};
    sim_after(k->sim, heartbeat(k), on_heartbeat, t);
}

static void prepare(struct kafka *k)
{
    struct sim *s = k->sim;
    if (k->state != GROUP_PREPARING) {
        k->not_before = k->state == GROUP_EMPTY ? s->now + sim_range(s, 0, 3000) * SIM_MS : s->now;
        k->state = GROUP_PREPARING;
        k->round++;
        for (unsigned i = 0; i < k->member_count; i++)
            if (!k->members[i]->joined)
                tell(k, k->members[i]);
    }
    complete_if_all(k);
}

void group_join(struct kafka *k, struct kmember *m)
{
    if (!m->in) {
        if (k->member_count == KAFKA_MEMBERS_MAX) {
            sim_broken(k->sim, "the simulated group is full");
            return;
        }
        m->in = true;
        k->members[k->member_count++] = m;
    }
    m->joined = true;
    prepare(k);
}

static void take_out(struct kafka *k, struct kmember *m)
{
    unsigned i = 0;
    while (i < k->member_count && k->members[i] != m)
        i++;
    if (i == k->member_count)
        return;
    memmove(&k->members[i], &k->members[i + 1], (k->member_count - i - 1) * sizeof(struct kmember *));
    k->member_count--;
    m->in = m->joined = false;
    oracle_unassigned(k->sim, m);
    memset(m->owns, 0, sizeof(m->owns));
    if (k->member_count == 0)
        k->state = GROUP_EMPTY;
    else if (k->state == GROUP_PREPARING)
        complete_if_all(k);
    else
        prepare(k);
}

void group_leave(struct kafka *k, struct kmember *m)
{
    if (m->in)
        take_out(k, m);
}

/* ---- sessions ---- */

struct session {
    struct kmember *m;
    unsigned pauses;
};

static void on_session_over(struct sim *s, void *arg)
{
    struct session *w = arg;
    struct kafka *k = s->kafka;
    struct proc *p = w->m->p;
    bool silent = !p->alive || (p->paused && p->pauses == w->pauses);
    if (!w->m->in || !silent)
        return;
    if (k->away) { /* the coordinator starts its clocks again when it is back */
        sim_after(s, SIM_S, on_session_over, w);
        return;
    }
    sim_note(s, p, "out of the group", "", -1, -1);
    take_out(k, w->m);
}

static void watch(struct proc *p)
{
    struct kmember *m = p->consumer ? consumer_kmember(p->consumer) : NULL;
    if (!m || !m->in)
        return;
    struct session *w = sim_alloc(p->sim, sizeof(*w));
    *w = (struct session){m, p->pauses};
    sim_after(p->sim, p->sim->env->provider->numbers.session_timeout_ms * SIM_MS - heartbeat(p->sim->kafka) + SIM_MS,
              on_session_over, w);
}

void kafka_proc_gone(struct proc *p)
{
    watch(p);
}

void kafka_proc_paused(struct proc *p)
{
    watch(p);
}

static void on_found_out(struct sim *s, void *arg)
{
    struct kmember *m = arg;
    if (!m->p->alive || m->p->paused || m->in || consumer_kmember(m->c) != m)
        return;
    sim_note(s, m->p, "finds out", "", -1, -1);
    if (m->generation >= 0)
        consumer_told_lost(m->c);
    else
        consumer_told_to_rejoin(m->c); /* it had only joined */
}

void kafka_proc_resumed(struct proc *p)
{
    struct kafka *k = p->sim->kafka;
    struct kmember *m = p->consumer ? consumer_kmember(p->consumer) : NULL;
    if (!m)
        return;
    if (!m->in)
        sim_after(p->sim, heartbeat(k), on_found_out, m);
    else if (k->state == GROUP_PREPARING && !m->joined)
        tell(k, m);
}

/* Those that are joining go on trying. */
void group_all_lost(struct kafka *k)
{
    struct kmember *all[KAFKA_MEMBERS_MAX];
    unsigned n = k->member_count;
    memcpy(all, k->members, sizeof(all));
    for (unsigned i = 0; i < n; i++) {
        struct kmember *m = all[i];
        bool hears = m->p->alive && !m->p->paused;
        if (hears && m->joined)
            continue;
        take_out(k, m);
        if (hears)
            consumer_told_lost(m->c);
    }
}

/* ---- commits ---- */

enum commit_code group_commit(struct kafka *k, const struct kmember *m, int64_t generation,
                              const struct consumer_partition *list, size_t n)
{
    struct sim *s = k->sim;
    bool outside = generation < 0;
    if (outside && k->state != GROUP_EMPTY)
        return COMMIT_FENCED;
    if (!outside && (!m->in || generation != k->generation))
        return COMMIT_FENCED;
    if (!outside && k->state == GROUP_COMPLETING)
        return COMMIT_BUSY;
    if (outside)
        sim_mark(s, MARK_COMMIT_OUTSIDE);
    for (size_t i = 0; i < n; i++) {
        oracle_committed(s, m, generation, &list[i]);
        if (list[i].control)
            k->control_commits[list[i].partition] = list[i].offset;
        else
            k->commits[list[i].partition] = (struct kcommit){list[i].offset, list[i].metadata, list[i].metadata_len};
    }
    return COMMIT_OK;
}
