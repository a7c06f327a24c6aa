#include "kafka.h"

#include <stdlib.h>
#include <string.h>

#include "oracle.h"

struct kafka *kafka_new(struct sim *s)
{
    struct kafka *k = sim_alloc(s, sizeof(*k));
    k->sim = s;
    k->partitions = s->cfg.partitions;
    for (int32_t i = 0; i < KAFKA_PARTS_MAX; i++)
        k->commits[i].offset = k->control_commits[i] = -1;
    return k;
}

struct ktopic *kafka_topic(struct kafka *k, const char *name)
{
    for (unsigned i = 0; i < k->topic_count; i++)
        if (strcmp(k->topics[i].name, name) == 0)
            return &k->topics[i];
    if (k->topic_count == KAFKA_TOPICS_MAX)
        abort();
    struct ktopic *t = &k->topics[k->topic_count++];
    snprintf(t->name, sizeof(t->name), "%s", name);
    t->parts = sim_alloc(k->sim, (size_t)k->partitions * sizeof(*t->parts));
    return t;
}

static void log_room(struct sim *s, struct klog *l)
{
    if (l->n < l->cap)
        return;
    int64_t cap = l->cap ? 2 * l->cap : 16;
    struct kmessage **items = sim_alloc(s, (size_t)cap * sizeof(struct kmessage *));
    if (l->n > 0)
        memcpy(items, l->items, (size_t)l->n * sizeof(struct kmessage *));
    l->items = items;
    l->cap = cap;
}

static const struct event_header *copy_headers(struct sim *s, const struct producer_message *m)
{
    struct event_header *h = sim_alloc(s, m->header_count * sizeof(*h) + 1);
    for (size_t i = 0; i < m->header_count; i++) {
        h[i].name = sim_copy(s, m->headers[i].name, strlen(m->headers[i].name));
        h[i].value = sim_copy(s, m->headers[i].value, m->headers[i].len);
        h[i].len = m->headers[i].len;
    }
    return h;
}

struct kmessage *kafka_append(struct kafka *k, struct ktopic *t, int32_t partition, const struct producer_message *m)
{
    struct sim *s = k->sim;
    struct klog *l = &t->parts[partition];
    struct kmessage *to = sim_alloc(s, sizeof(*to));
    *to = (struct kmessage){
        .offset = l->n,
        .ts_ms = sim_real_ms(s),
        .key = sim_copy(s, m->key, m->key_len),
        .key_len = m->key_len,
        .value = sim_copy(s, m->value, m->value_len),
        .value_len = m->value_len,
        .headers = copy_headers(s, m),
        .header_count = m->header_count,
    };
    log_room(s, l);
    l->items[l->n++] = to;
    sim_note(s, NULL, "written", t->name, partition, to->offset);
    oracle_written(s, t, partition, to);
    if (strstr(t->name, "events") || strstr(t->name, "control"))
        consumers_look(k);
    return to;
}

int64_t kafka_latency(struct kafka *k)
{
    struct sim *s = k->sim;
    int64_t ns = sim_latency(s);
    if (s->cfg.on[FAULT_KAFKA_SLOW] && s->now < k->slow_until)
        ns += sim_range(s, 0, 2000) * SIM_MS;
    return ns;
}

/* ---- away ---- */

static void on_back(struct sim *s, void *arg)
{
    struct kafka *k = s->kafka;
    (void)arg;
    if (!k->away)
        return;
    k->away = false;
    sim_note(s, NULL, "kafka is back", "", -1, -1);
    consumers_look(k);
}

static void on_session_over(struct sim *s, void *arg)
{
    struct kafka *k = s->kafka;
    if (k->away && k->outages == *(unsigned *)arg)
        group_all_lost(k);
}

void kafka_go_away(struct kafka *k, int64_t ns)
{
    struct sim *s = k->sim;
    if (k->away)
        return;
    k->away = true;
    unsigned *number = sim_alloc(s, sizeof(*number));
    *number = ++k->outages;
    sim_note(s, NULL, "kafka is away", "ms", ns / SIM_MS, -1);
    sim_after(s, ns, on_back, NULL);
    sim_after(s, s->env->provider->numbers.session_timeout_ms * SIM_MS, on_session_over, number);
}

static void on_taken_again(struct sim *s, void *arg)
{
    (void)arg;
    s->kafka->outcomes_refused = false;
    sim_note(s, NULL, "outcomes are taken", "", -1, -1);
}

void kafka_refuse_outcomes(struct kafka *k, int64_t ns)
{
    k->outcomes_refused = true;
    sim_note(k->sim, NULL, "outcomes are refused", "ms", ns / SIM_MS, -1);
    sim_after(k->sim, ns, on_taken_again, NULL);
}

static bool same_key(const struct kmessage *a, const struct kmessage *b)
{
    return a->key_len == b->key_len && memcmp(a->key, b->key, a->key_len) == 0;
}

/* What is younger than that stays: min.compaction.lag.ms of the topics, here three quarantines. */
static int64_t compaction_lag_ms(const struct sim *s)
{
    return 3 * s->env->provider->numbers.quarantine_ms;
}

void kafka_compact(struct kafka *k, struct ktopic *t)
{
    int64_t before = sim_real_ms(k->sim) - compaction_lag_ms(k->sim);
    for (int32_t part = 0; part < k->partitions; part++) {
        struct klog *l = &t->parts[part];
        for (int64_t i = 0; i < l->n && l->items[i]->ts_ms < before; i++) {
            bool was = l->items[i]->gone;
            for (int64_t later = i + 1; later < l->n && !l->items[i]->gone; later++)
                l->items[i]->gone = same_key(l->items[i], l->items[later]);
            if (!was && l->items[i]->gone)
                sim_mark(k->sim, MARK_COMPACTED);
        }
    }
}
