#include "operator.h"

#include <jansson.h>
#include <string.h>

#include "base/buf.h"
#include "contract/act.h"
#include "contract/event.h"
#include "contract/order.h"
#include "kafka.h"
#include "oracle.h"

#define CONTROL "tvbridge.control.sim"
#define RECORDS "tvbridge.records.sim"
#define WAITING "tvbridge.waiting.sim"

enum { PAUSE_MAX_MS = 30000, REPLAY_MAX_MS = 60000 };

/* ---- written ---- */

struct said {
    struct act act;
    int32_t partition;
};

static void append(struct sim *s, const struct said *said)
{
    static const struct event_header type = {"content-type", "application/cloudevents+json", 28};
    struct buf text;
    char key[ACT_KEY_SIZE];
    buf_init(&text, 8192);
    act_encode(&said->act, &text);
    act_key(&said->act, key);
    struct producer_message m = {.topic = CONTROL, .partition = said->partition, .key = key, .key_len = strlen(key),
                                 .value = buf_cstr(&text), .value_len = text.len, .headers = &type, .header_count = 1};
    kafka_append(s->kafka, kafka_topic(s->kafka, CONTROL), said->partition, &m);
    buf_fini(&text);
}

static void on_replay(struct sim *s, void *arg)
{
    append(s, arg);
    s->acts--;
}

static void say(struct sim *s, const struct act *a, int32_t partition)
{
    struct said *said = sim_alloc(s, sizeof(*said));
    *said = (struct said){*a, partition};
    append(s, said);
    if (!sim_chance(s, 200))
        return;
    s->acts++;
    sim_after(s, sim_range(s, 1, REPLAY_MAX_MS) * SIM_MS, on_replay, said);
}

static struct act act_of(struct sim *s, enum act_kind kind)
{
    struct act a = {.kind = kind, .partition = -1, .letter = -1, .time_ms = sim_real_ms(s)};
    snprintf(a.id, sizeof(a.id), "act%u", s->acts_said++);
    snprintf(a.source, sizeof(a.source), "/sim/operator");
    snprintf(a.provider, sizeof(a.provider), "sim");
    snprintf(a.who, sizeof(a.who), "ann");
    snprintf(a.reason, sizeof(a.reason), "the story wants it");
    return a;
}

/* ---- on the provider ---- */

static void to_all(struct sim *s, enum act_kind kind, bool all)
{
    for (int32_t i = 0; i < s->cfg.partitions; i++) {
        struct act a = act_of(s, kind);
        a.partition = i;
        if (all || !sim_chance(s, 200))
            say(s, &a, i);
    }
}

/* The last one is for every partition: nothing is to stay paused. */
static void on_resume_all(struct sim *s, void *arg)
{
    (void)arg;
    to_all(s, ACT_RESUME, true);
    s->acts--;
}

static void on_resume(struct sim *s, void *arg)
{
    (void)arg;
    to_all(s, ACT_RESUME, false);
    s->acts--;
}

static void on_pause(struct sim *s, void *arg)
{
    (void)arg;
    to_all(s, ACT_PAUSE, false);
    s->acts--;
}

static void on_approve(struct sim *s, void *arg)
{
    (void)arg;
    struct act a = act_of(s, ACT_APPROVE);
    a.partition = (int32_t)sim_range(s, 0, s->cfg.partitions - 1);
    a.until_ms = sim_real_ms(s) + sim_range(s, -1000, 600000);
    a.max = (uint64_t)sim_range(s, 0, 2);
    a.max_total = a.max + 1;
    say(s, &a, a.partition);
    s->acts--;
}

/* ---- rebase ---- */

/* The newest record of the service; NULL: none. */
static json_t *record_of(struct sim *s, const char *service, int32_t partition)
{
    const struct klog *l = &kafka_topic(s->kafka, RECORDS)->parts[partition];
    for (int64_t i = l->n - 1; i >= 0; i--)
        if (l->items[i]->key_len == strlen(service) && memcmp(l->items[i]->key, service, l->items[i]->key_len) == 0)
            return json_loadb(l->items[i]->value, l->items[i]->value_len, 0, NULL);
    return NULL;
}

static uint64_t highest_of(const json_t *record)
{
    uint64_t highest = 0;
    const char *axis;
    json_t *last;
    json_object_foreach (json_object_get(record, "axes"), axis, last) {
        struct order o = {0};
        if (order_parse(json_string_value(json_object_get(last, "order")), &o) == 0 && o.number > highest)
            highest = o.number;
    }
    return highest;
}

/* In its own way still, and up to the newest that was applied: what is older and was not is stale from now. */
static void on_rebase(struct sim *s, void *arg)
{
    (void)arg;
    struct act a = act_of(s, ACT_REBASE_ORDER);
    unsigned service = (unsigned)sim_range(s, 0, s->cfg.services - 1);
    snprintf(a.service, sizeof(a.service), "s%u", service);
    int32_t part = partition_of(PARTITIONER_MURMUR2, a.service, strlen(a.service), s->cfg.partitions);
    json_t *record = record_of(s, a.service, part);
    const char *fence = json_string_value(json_object_get(record, "fence"));
    const char *by = json_string_value(json_object_get(record, "order_by"));
    a.by_sequence = by ? by[0] == 's' : !s->cfg.by_offset || service % 2 == 0;
    a.number = highest_of(record);
    snprintf(a.fence, sizeof(a.fence), "%s", fence ? fence : "");
    bool unfinished = json_object_get(record, "unfinished"); /* the event at work may move it under the same fence */
    if (unfinished || sim_chance(s, 100))
        snprintf(a.fence, sizeof(a.fence), "7");
    json_decref(record);
    say(s, &a, part);
    s->acts--;
}

/* ---- what waits ---- */

static bool is_last_of_key(const struct klog *l, int64_t at)
{
    for (int64_t i = at + 1; i < l->n; i++)
        if (l->items[i]->key_len == l->items[at]->key_len && memcmp(l->items[i]->key, l->items[at]->key, l->items[at]->key_len) == 0)
            return false;
    return true;
}

/* The entries that are left, by fn(). */
static void each_entry(struct sim *s, void (*fn)(struct sim *s, const struct entry *e))
{
    const struct ktopic *t = kafka_topic(s->kafka, WAITING);
    for (int32_t part = 0; part < s->cfg.partitions; part++)
        for (int64_t at = 0; at < t->parts[part].n; at++) {
            const struct kmessage *m = t->parts[part].items[at];
            const struct event_message em = {m->key, m->key_len, m->value, m->value_len, m->headers, m->header_count};
            struct entry e;
            struct fault fault;
            if (!m->gone && m->value && is_last_of_key(&t->parts[part], at) && entry_decode(&em, &e, &fault) == ENTRY_IS_ENTRY)
                fn(s, &e);
        }
}

static void count(struct sim *s, const struct entry *e)
{
    (void)e;
    s->entries_seen++;
}

static bool anything_waits(struct sim *s)
{
    s->entries_seen = 0;
    each_entry(s, count);
    return s->entries_seen > 0;
}

/* What he would do; ACT_KIND_COUNT: nothing. */
static enum act_kind kind_for(struct sim *s, const struct entry *e)
{
    if (e->state == ENTRY_DEAD)
        return e->round < 3 && sim_chance(s, 600) ? ACT_REDRIVE : ACT_DROP;
    if (e->state == ENTRY_DOUBT && e->reason == ENTRY_FOR_DOUBT)
        return ACT_RESOLVE_DOUBT;
    if (e->reason == ENTRY_FOR_GUARD)
        return ACT_APPROVE;
    return sim_chance(s, 200) ? ACT_RELEASE : ACT_KIND_COUNT;
}

static void look_at(struct sim *s, const struct entry *e)
{
    enum act_kind kind = kind_for(s, e);
    if (kind == ACT_KIND_COUNT || sim_chance(s, 300))
        return;
    struct act a = act_of(s, kind);
    memcpy(a.service, e->service, sizeof(a.service));
    a.of_entry = true;
    a.place = e->place;
    a.round = e->round;
    a.try_no = e->try_no;
    int64_t sent_ms = e->sent_ms > e->since_ms ? e->sent_ms : e->now_ms;
    bool early = sim_real_ms(s) - sent_ms < s->env->provider->numbers.quarantine_ms;
    if (kind == ACT_RESOLVE_DOUBT && early) /* what is on its way may still land */
        return;
    a.applied = kind == ACT_RESOLVE_DOUBT && oracle_entry_done(s, e->place, e->step);
    say(s, &a, e->place.partition);
}

static void on_look_around(struct sim *s, void *arg)
{
    (void)arg;
    if (s->ending)
        return;
    each_entry(s, look_at);
    sim_after(s, sim_range(s, 5000, 40000) * SIM_MS, on_look_around, NULL);
}

/* ---- the plan ---- */

static void plan(struct sim *s, int64_t after_ms, void (*fn)(struct sim *s, void *arg))
{
    s->acts++;
    sim_after(s, after_ms * SIM_MS, fn, NULL);
}

void operator_plan(struct sim *s)
{
    if (!s->cfg.on[FAULT_ACTS])
        return;
    int64_t last = s->cfg.publish_ms + s->cfg.faults_ms;
    for (int64_t n = sim_range(s, 0, 2); n > 0; n--) {
        int64_t at = sim_range(s, 1, last);
        plan(s, at, on_pause);
        plan(s, at + sim_range(s, 1, PAUSE_MAX_MS), on_resume);
    }
    for (int64_t n = sim_range(s, 0, 3); n > 0; n--)
        plan(s, sim_range(s, 1000, last), on_rebase);
    for (int64_t n = s->cfg.guard > 0 ? sim_range(s, 0, 3) : 0; n > 0; n--)
        plan(s, sim_range(s, 1, last), on_approve);
    sim_after(s, sim_range(s, 1, 60000) * SIM_MS, on_look_around, NULL);
    plan(s, last + 2 * REPLAY_MAX_MS + PAUSE_MAX_MS, on_resume_all);
}

bool operator_is_done(struct sim *s)
{
    return s->acts == 0 && (!s->cfg.on[FAULT_ACTS] || !anything_waits(s));
}
