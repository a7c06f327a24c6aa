/* oracle_count.c - 9, 17, 21: the counters of a worker add up. What its metrics say at the end of each life is held against what it was seen to
 * do in it: by its calls, and by what the broker told it. */
#include <stdlib.h>
#include <string.h>

#include "base/metrics.h"
#include "engine/worker.h"
#include "oracle_state.h"

enum { TOLD_MAX = 4 * EVENTS_MAX, METRICS_MAX = 1 << 20 };

/* Of one place, in one round: told once, however often it was published. */
struct told {
    const struct place *place;
    unsigned round;
};

struct seen_counts {
    unsigned calls, doubts, delivered, commits, commit_failures;
    unsigned dead_letters, entries, tombstones;
    unsigned outcomes[KIND_COUNT][OUTCOME_KIND_COUNT]; /* acknowledged */
    unsigned ends[KIND_COUNT][OUTCOME_KIND_COUNT];     /* of as many places and rounds: an entry and its event say it twice */
    unsigned assignments;
    int64_t commit_began, proven_at; /* the last commit; the last one that was acknowledged */
    struct told told[TOLD_MAX];
    unsigned told_count;
};

static struct seen_counts *counts_of(struct proc *p)
{
    if (!p->counts)
        p->counts = sim_alloc(p->sim, sizeof(*p->counts));
    return p->counts;
}

/* ---- what it does and is told ---- */

void oracle_count_assigned(const struct kmember *m)
{
    counts_of(m->p)->assignments++;
}

void oracle_count_delivered(struct proc *p)
{
    counts_of(p)->delivered++;
}

void oracle_count_committed(struct proc *p, bool ok)
{
    struct seen_counts *x = counts_of(p);
    if (ok)
        x->proven_at = x->commit_began;
    x->commits += ok;
    x->commit_failures += !ok;
}

void oracle_count_commit_sent(const struct sim *s, struct proc *p)
{
    counts_of(p)->commit_began = s->now;
}

/* 21: O is the longest that a request leaves after the commit began that proves that its partition is still its sender's. */
void oracle_check_proof(struct sim *s, const struct request *r)
{
    int64_t ms = (s->now - counts_of(r->p)->proven_at) / SIM_MS, most = s->env->provider->numbers.ownership_ms;
    if (ms > most)
        sim_broken(s, "21: %s of e%u leaves %lld ms after the last commit that was acknowledged began, of %lld", op_entry(r->op)->name,
                   r->event, (long long)ms, (long long)most);
}

void oracle_count_call(const struct request *r)
{
    counts_of(r->p)->calls += r->op != OP_PING && r->op != OP_DONE;
}

/* Something left, and nobody can tell from the answer what came of it. */
void oracle_count_answer(const struct request *r, const struct call_reply *reply)
{
    bool said = reply->result == CALL_OK && (reply->status == 422 || reply->status == 429 || reply->retry_after_ms >= 0);
    bool done = reply->result == CALL_OK && reply->status == 200 && reply->body[0] == '{';
    bool aborted = reply->result == CALL_ABORTED;
    if (op_entry(r->op)->repeat != CALL_READ && reply->request_bytes > 0 && !said && !done && !aborted)
        counts_of(r->p)->doubts++;
}

static void told_outcome(struct sim *s, struct proc *p, const struct kmessage *m)
{
    struct seen_counts *x = counts_of(p);
    enum outcome_kind kind;
    unsigned round;
    const struct place *place = oracle_final_of(s, m, &kind, &round);
    if (!place || place->kind != PLACE_EVENT)
        return;
    enum event_kind event = s->oracle->events[place->event]->kind;
    x->outcomes[event][kind]++;
    for (unsigned i = 0; i < x->told_count; i++)
        if (x->told[i].place == place && x->told[i].round == round)
            return;
    x->ends[event][kind]++;
    if (x->told_count < TOLD_MAX)
        x->told[x->told_count++] = (struct told){place, round};
}

void oracle_told(struct sim *s, struct proc *p, const char *topic, int32_t partition, int64_t offset)
{
    const struct kmessage *m = kafka_topic(s->kafka, topic)->parts[partition].items[offset];
    struct seen_counts *x = counts_of(p);
    if (strstr(topic, "outcomes"))
        told_outcome(s, p, m);
    else if (strstr(topic, "dead"))
        x->dead_letters++;
    else if (strstr(topic, "waiting"))
        *(m->value ? &x->entries : &x->tombstones) += 1;
}

/* 9: a try is counted once, and what never left is none. */
void oracle_count_attempts(struct sim *s, const struct oevent *e, unsigned attempts)
{
    if (attempts > e->sent)
        sim_broken(s, "9: the outcome of e%u says %u attempts, and %u left", e->number, attempts, e->sent);
}

/* ---- what its metrics say ---- */

/* Where the series of that name begin, which stand together. */
static const char *series_of(const char *text, const char *name)
{
    char first[100];
    snprintf(first, sizeof(first), "\n%s{", name);
    const char *at = strstr(text, first);
    return at ? at + 1 : "";
}

/* All series of that name in which @label stands; @text begins with them. */
static unsigned long long said(const char *text, const char *name, const char *label)
{
    unsigned long long sum = 0;
    size_t n = strlen(name);
    for (const char *line = text, *end; strncmp(line, name, n) == 0 && line[n] == '{' && (end = strchr(line, '\n')); line = end + 1) {
        const char *value = memchr(line, '}', (size_t)(end - line));
        if (value && memmem(line, (size_t)(value - line), label, strlen(label)))
            sum += strtoull(value + 1, NULL, 10);
    }
    return sum;
}

static void check_counter(struct sim *s, const struct proc *p, const char *text, const char *name, unsigned seen, bool exact)
{
    unsigned long long is = said(series_of(text, name), name, "");
    if (is > seen || (exact && is != seen))
        sim_broken(s, "17: w%u.%u counts %llu as %s, and it was %u", p->slot, p->life, is, name, seen);
}

static void check_outcomes(struct sim *s, const struct proc *p, const char *text, bool exact)
{
    const struct seen_counts *x = p->counts;
    static const char name[] = "tvbridge_outcomes_total";
    const char *series = series_of(text, name);
    for (int event = 0; event < KIND_COUNT; event++)
        for (int kind = 0; kind < OUTCOME_KIND_COUNT; kind++) {
            char label[100];
            snprintf(label, sizeof(label), "type=\"%s\",outcome=\"%s\"", kind_entry((enum event_kind)event)->type,
                     outcome_kind_name((enum outcome_kind)kind));
            unsigned long long is = said(series, name, label);
            unsigned seen = x->outcomes[event][kind], ends = x->ends[event][kind];
            if (is > seen || (exact && is < ends))
                sim_broken(s, "17: w%u.%u counts %llu outcomes of %s, and Kafka took %u, of %u", p->slot, p->life, is, label, seen, ends);
        }
}

/* A life that had one assignment, and that ends when all is settled, has forgotten nothing: what it counts is exact. Of another one
 * some may have been answered when nobody waited for it any more. */
void oracle_counts_ended(struct sim *s, struct proc *p)
{
    struct seen_counts *x = counts_of(p);
    struct metrics *set = worker_metrics(p->worker);
    struct buf text;
    if (s->failure[0])
        return;
    bool exact = x->assignments == 1 && p->leaving && s->ending && !p->poisoned;
    buf_init(&text, METRICS_MAX);
    metrics_render(&set, 1, &text);
    const char *t = buf_cstr(&text);
    oracle_private(s, "the metrics", t);
    check_counter(s, p, t, "tvbridge_provider_calls_total", x->calls, true);
    check_counter(s, p, t, "tvbridge_commits_total", x->commits, true);
    check_counter(s, p, t, "tvbridge_commit_failures_total", x->commit_failures, true);
    check_counter(s, p, t, "tvbridge_deliveries_total", x->delivered, exact);
    check_counter(s, p, t, "tvbridge_doubts_total", x->doubts, exact);
    check_counter(s, p, t, "tvbridge_dead_letters_total", x->dead_letters, false);
    check_counter(s, p, t, "tvbridge_set_aside_total", x->entries, false);
    check_counter(s, p, t, "tvbridge_waiting_finished_total", x->tombstones + x->entries, false);
    check_outcomes(s, p, t, exact);
    buf_fini(&text);
}
