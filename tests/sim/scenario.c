#include "scenario.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "billing.h"
#include "kafka.h"
#include "operator.h"
#include "oracle.h"
#include "platform.h"
#include "rserver.h"

#define LOOK_NS (500 * SIM_MS)
#define END_WITHIN_NS (INT64_C(3600) * SIM_S) /* 18: of virtual time, once the faults have stopped */
#define DRAIN_WITHIN_NS (150 * SIM_S) /* it may be paused */

enum { TALKS_EVERY = 8 };

/* ---- the choice ---- */

static void choose_faults(struct sim *s, const bool allowed[FAULT_COUNT])
{
    static const unsigned shares[] = {0, 80, 200, 200, 400, 400, 700};
    unsigned share = shares[sim_range(s, 0, (int64_t)ARRAY_LEN(shares) - 1)];
    for (int i = 0; i < FAULT_FIRST_ACCESS; i++)
        s->cfg.on[i] = allowed[i] && sim_chance(s, share);
    s->cfg.on[FAULT_FIRST_ACCESS] = allowed[FAULT_FIRST_ACCESS] && sim_pick(s, 0) % 4 == 0;
    s->cfg.on[FAULT_DATES] = allowed[FAULT_DATES] && sim_pick(s, 0) / 4 % 4 == 0;
    s->cfg.on[FAULT_SNAPSHOTS] = allowed[FAULT_SNAPSHOTS] && sim_pick(s, 0) / 16 % 4 == 0;
    s->cfg.on[FAULT_COMPACTION] = allowed[FAULT_COMPACTION] && sim_pick(s, 0) / 64 % 2 == 0;
    s->cfg.on[FAULT_FLOODS] = allowed[FAULT_FLOODS] && sim_pick(s, 0) / 8192 % 8 == 0;
    /* Where all that is left are events which are put off for ever, that is the provider's outage, and none of them dies. */
    bool for_ever = s->cfg.on[FAULT_HTTP_PUT_OFF] && !s->cfg.on[FAULT_ACTS];
    s->cfg.on[FAULT_TOUCHY] = allowed[FAULT_TOUCHY] && sim_pick(s, 0) / 128 % 8 == 0 && !for_ever;
    s->cfg.on[FAULT_NARROW] = allowed[FAULT_NARROW] && sim_pick(s, 0) / 1024 % 8 == 0;
}

/* A few percent of so few accounts are none; and there have to be some in a partition, and cuts of several of them. */
static void choose_percent(struct sim *s)
{
    struct scenario *c = &s->cfg;
    c->guard_percent = (unsigned)sim_range(s, 40, 99);
    c->guard = 1;
    c->services = (unsigned)sim_range(s, 4, 6);
    c->partitions = (int32_t)sim_range(s, 1, 2);
    c->mix[KIND_BLOCK] += 4;
}

void scenario_choose(struct sim *s, const bool allowed[FAULT_COUNT])
{
    struct scenario *c = &s->cfg;
    choose_faults(s, allowed);
    c->workers = (unsigned)sim_range(s, 1, 4);
    c->services = (unsigned)sim_range(s, 1, 6);
    c->events = (unsigned)sim_range(s, 4, sim_chance(s, 200) ? 60 : 25);
    c->partitions = (int32_t)sim_range(s, 1, 4);
    c->publish_ms = sim_chance(s, 300) ? 100 : sim_range(s, 1000, 40000);
    c->faults_ms = sim_range(s, 5000, 90000);
    c->http_bad = (unsigned)sim_range(s, 10, sim_chance(s, 300) ? 400 : 120);
    c->wire_bad = (unsigned)sim_range(s, 5, sim_chance(s, 300) ? 300 : 60);
    c->in_flight = (unsigned)(sim_chance(s, 300) ? sim_range(s, 1, 2) : sim_range(s, 4, 16));
    c->net_us = sim_chance(s, 200) ? sim_range(s, 10000, 300000) : sim_range(s, 200, 5000);
    c->by_offset = sim_chance(s, 300);
    c->calm_ms = sim_chance(s, 300) ? 1000 : sim_range(s, 1000, 12000);
    c->guard = c->on[FAULT_ACTS] && c->on[FAULT_GUARD] ? (unsigned)sim_range(s, 1, 4) : 0;
    bool narrow = sim_chance(s, 400); /* few kinds, so that they meet */
    for (int i = 0; i < KIND_MIXED; i++)
        c->mix[i] = narrow && sim_chance(s, 600) ? 0 : (unsigned)sim_range(s, 1, 10);
    c->mix[KIND_DELETE] = c->mix[KIND_DELETE] > 8;
    c->mix[KIND_PLAN]++;
    if (c->guard > 0 && s->seed % 5 > 1) /* not by chance: the other stories stay as they are, and with them the noted seeds */
        choose_percent(s);
}

/* ---- what goes wrong by itself, again and again ---- */

static struct proc *some_proc(struct sim *s)
{
    return s->slots[sim_range(s, 0, s->slot_count - 1)];
}

static void mischief_of_kafka(struct sim *s, enum trouble f)
{
    struct kafka *k = s->kafka;
    if (f == FAULT_KAFKA_SLOW)
        k->slow_until = s->now + sim_range(s, 500, 10000) * SIM_MS;
    else if (f == FAULT_KAFKA_AWAY)
        kafka_go_away(k, sim_range(s, 100, 8000) * SIM_MS);
    else if (f == FAULT_KAFKA_AWAY_LONG)
        kafka_go_away(k, sim_range(s, 8000, 60000) * SIM_MS);
    else if (f == FAULT_OUTCOMES_REFUSED && !k->outcomes_refused)
        kafka_refuse_outcomes(k, sim_range(s, 1000, 60000) * SIM_MS);
}

static void mischief_of_redis(struct sim *s, enum trouble f)
{
    struct rserver *r = s->redis;
    int64_t ns = sim_range(s, 100, sim_chance(s, 200) ? 40000 : 5000) * SIM_MS;
    if (f == FAULT_REDIS_CUT)
        rserver_cut(r);
    else if (f == FAULT_REDIS_SLOW)
        r->slow_until = s->now + ns;
    else if (f == FAULT_REDIS_AWAY)
        rserver_go_away(r, ns);
    else if (f == FAULT_REDIS_RESTART)
        rserver_restart(r, ns);
    else if (f == FAULT_REDIS_OOM)
        rserver_fill(r, ns);
    else if (f == FAULT_REDIS_LOADING)
        rserver_load(r, ns);
    else if (f == FAULT_REDIS_ROLLBACK)
        rserver_roll_back(r);
    else if (f == FAULT_REDIS_EMPTIED)
        rserver_empty(r, sim_chance(s, 500));
}

static void mischief(struct sim *s, enum trouble f)
{
    if (f == FAULT_CRASH)
        proc_crash(some_proc(s), "kill -9");
    else if (f == FAULT_DRAIN)
        proc_drain(some_proc(s));
    else if (f == FAULT_PAUSE)
        proc_pause(some_proc(s), sim_range(s, 50, 6000) * SIM_MS);
    else if (f == FAULT_PAUSE_LONG)
        proc_pause(some_proc(s), sim_range(s, 8000, 90000) * SIM_MS);
    else if (f == FAULT_HTTP_OUTAGE && !platform_is_away(s->platform))
        platform_go_away(s->platform, sim_range(s, 500, 120000) * SIM_MS);
    mischief_of_kafka(s, f);
    mischief_of_redis(s, f);
}

static void on_mischief(struct sim *s, void *arg)
{
    (void)arg;
    if (s->healed)
        return;
    if (s->cfg.on[FAULT_REDIS_ROLLBACK] && sim_chance(s, 300))
        rserver_take_snapshot(s->redis);
    enum trouble on[FAULT_COUNT];
    int n = 0;
    for (int i = 0; i < FAULT_COUNT; i++)
        if (s->cfg.on[i] && fault_entry((enum trouble)i)->happens)
            on[n++] = (enum trouble)i;
    if (n > 0)
        mischief(s, on[sim_range(s, 0, n - 1)]);
    sim_after(s, sim_range(s, 50, s->cfg.calm_ms) * SIM_MS, on_mischief, NULL);
}

/* It goes on when the faults have stopped. By what the seed says of it alone, as snapshots. */
static void on_compaction(struct sim *s, void *arg)
{
    unsigned *number = arg;
    kafka_compact(s->kafka, kafka_topic(s->kafka, "tvbridge.records.sim"));
    kafka_compact(s->kafka, kafka_topic(s->kafka, "tvbridge.waiting.sim"));
    sim_after(s, (int64_t)(20 + sim_pick(s, 5000 + (*number)++) % 100) * SIM_S, on_compaction, number);
}

static void on_heal(struct sim *s, void *arg)
{
    (void)arg;
    s->healed = true;
    sim_note(s, NULL, "THE FAULTS STOP", "", -1, -1);
    s->kafka->away = s->kafka->outcomes_refused = false;
    s->redis->away = s->redis->loading = s->redis->oom = false;
    s->redis->slow_until = s->kafka->slow_until = 0;
    consumers_look(s->kafka);
}

/* ---- begin ---- */

static void make_narrow(const struct sim *s, struct settings_numbers *n)
{
    n->window_events = 3 + (int64_t)(sim_pick(s, 6001) % 8); /* the settings take no less than 10 */
    n->lane_limit = 2 + (int64_t)(sim_pick(s, 6002) % 3);
    if (sim_pick(s, 6004) % 2 == 0) /* one to ten events */
        n->window_bytes = 1000 + (int64_t)(sim_pick(s, 6005) % 9000);
    if (s->cfg.on[FAULT_ACTS]) /* else what waits for a person may fill it for ever */
        n->waiting_limit = 2 + (int64_t)(sim_pick(s, 6003) % 4);
}

static void fit_settings(struct sim *s)
{
    struct sim_env *env = s->env;
    env->settings->partitions = s->cfg.partitions;
    env->settings->log_level = s->tracing || s->seed % TALKS_EVERY == 0 ? LOG_LEVEL_DEBUG : LOG_LEVEL_ERROR;
    env->plan->limits.in_flight = s->cfg.in_flight;
    env->provider->limits.in_flight = s->cfg.in_flight;
    env->plan->guard = (struct settings_guard){.percent = s->cfg.guard > 0 ? s->cfg.guard_percent : 100, .accounts = s->cfg.guard};
    env->provider->numbers = env->numbers;
    if (s->cfg.on[FAULT_NARROW])
        make_narrow(s, &env->provider->numbers);
    if (s->cfg.on[FAULT_FLOODS])
        env->provider->numbers.lane_limit = 1 + (int64_t)(sim_pick(s, 7000) % 6);
    env->plan->breaker = env->provider->breaker;
    if (s->cfg.on[FAULT_TOUCHY])
        env->plan->breaker.calls = 2 + (unsigned)(sim_pick(s, 6000) % 5);
    if (ftruncate(env->log_fd, 0) != 0 || lseek(env->log_fd, 0, SEEK_SET) != 0)
        sim_broken(s, "the log's file cannot be emptied");
}

void scenario_begin(struct sim *s)
{
    fit_settings(s);
    s->kafka = kafka_new(s);
    s->redis = rserver_new(s);
    s->platform = platform_new(s);
    s->oracle = oracle_new(s);
    s->slot_count = s->cfg.workers;
    s->slots = sim_alloc(s, s->slot_count * sizeof(struct proc *));
    billing_plan(s);
    operator_plan(s);
    points_choose(s);
    for (unsigned i = 0; i < s->slot_count; i++)
        proc_start(s, i);
    sim_after(s, s->cfg.faults_ms * SIM_MS, on_heal, NULL);
    sim_after(s, sim_range(s, 10, 3000) * SIM_MS, on_mischief, NULL);
    if (s->cfg.on[FAULT_COMPACTION])
        on_compaction(s, sim_alloc(s, sizeof(unsigned)));
}

/* ---- run ---- */

/* The engine says by itself when one of its own steps was wrong. In every eighth story it says all. */
static void check_log(struct sim *s)
{
    struct stat st = {0};
    (void)fstat(s->env->log_fd, &st);
    char *text = sim_alloc(s, (size_t)st.st_size + 1);
    ssize_t n = pread(s->env->log_fd, text, (size_t)st.st_size, 0);
    text[n > 0 ? n : 0] = '\0';
    oracle_private(s, "the log", text);
    char *line = strstr(text, "job_step_refused");
    if (line)
        sim_broken(s, "the engine says: %.*s", (int)strcspn(line, "\n"), line);
}

static bool any_alive(const struct sim *s)
{
    for (unsigned i = 0; i < s->slot_count; i++)
        if (s->slots[i]->alive)
            return true;
    return false;
}

static void drain_all(struct sim *s)
{
    s->ending = s->healed = true;
    sim_note(s, NULL, "ALL IS SETTLED", "", -1, -1);
    for (unsigned i = 0; i < s->slot_count; i++)
        proc_drain(s->slots[i]);
    int64_t until = s->now + DRAIN_WITHIN_NS;
    while (any_alive(s) && s->now < until && sim_step(s))
        ;
    if (any_alive(s))
        sim_broken(s, "18: a worker does not end within %lld s of being told to", (long long)(DRAIN_WITHIN_NS / SIM_S));
}

static void kill_all(struct sim *s)
{
    s->ending = true;
    for (unsigned i = 0; i < s->slot_count; i++)
        if (s->slots[i])
            proc_crash(s->slots[i], "the end");
}

static void until_settled(struct sim *s)
{
    int64_t look = 0, last = s->cfg.faults_ms * SIM_MS + END_WITHIN_NS;
    while (sim_step(s)) {
        if (s->now < look)
            continue;
        look = s->now + LOOK_NS;
        if (billing_is_done(s) && operator_is_done(s) && oracle_all_settled(s) && oracle_acts_answered(s))
            return;
        if (s->now > last) {
            char left[200];
            oracle_tell_unsettled(s, left, sizeof(left));
            sim_broken(s, "18: not settled %lld s after the faults stopped:%s", (long long)(END_WITHIN_NS / SIM_S), left);
        }
    }
}

void scenario_run(struct sim *s)
{
    until_settled(s);
    if (!s->failure[0]) {
        drain_all(s);
        oracle_final(s);
    }
    kill_all(s);
    check_log(s);
}

void scenario_tell(const struct sim *s, FILE *out)
{
    const struct scenario *c = &s->cfg;
    fprintf(out, "seed %llu: %u workers, %u services, %u events, %d partitions, %u calls at once; faults:",
            (unsigned long long)s->seed, c->workers, c->services, c->events, (int)c->partitions, c->in_flight);
    for (int i = 0; i < FAULT_COUNT; i++)
        if (c->on[i])
            fprintf(out, " %s", fault_entry((enum trouble)i)->name);
    fputc('\n', out);
}
