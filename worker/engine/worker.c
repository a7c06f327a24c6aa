/* worker.c - what a worker is made of, its turn, its life. */
#include "engine/aside.h"
#include "engine/worker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/state.h"

#define TICK_MS 250                /* housekeeping: gauges, resume, probes */
#define STUCK_MS 60000             /* events open and none settled for this long: not ready */
#define ERRANDS_MAX 16             /* handles kept beyond the limit for logins, probes, confirmations */

/* ---- the turn ---- */

static void take_plan(struct worker *w)
{
    struct plan *next = atomic_exchange(&w->next_plan, NULL);
    if (next == NULL)
        return;
    plan_unref(w->plan);
    w->plan = next;
    http_set_max(w->http, next->limits.in_flight + ERRANDS_MAX);
    limit_set(&w->limit, next->limits.in_flight, next->limits.rate_per_s, next->limits.burst, w->assigned,
              w->part_count, loop_now_ms(w->loop));
    if (log_begin(w->log, LOG_LEVEL_INFO, "plan_reloaded")) {
        log_str(w->log, "pack", pack_title(next->pack));
        log_str(w->log, "pack_version", pack_version(next->pack));
        log_int(w->log, "slots", w->limit.max_in_flight);
        log_end(w->log);
    }
}

static void on_wake(void *arg)
{
    struct worker *w = arg;
    take_plan(w);
    if (atomic_load(&w->want_drain))
        partitions_drain(w, DRAIN_STOP);
}

/* What is due: the next try, publishing again, telling Redis. */
static void run_due(struct worker *w)
{
    struct heap_item *item;
    while ((item = heap_pop_due(&w->timers, loop_now_ms(w->loop))) != NULL) {
        struct job *j = (struct job *)((char *)item - offsetof(struct job, timer));
        if (j->state == JOB_WAITING)
            job_requeue(w, j);
        else if (j->state == JOB_PUBLISHING)
            publish_start(w, j);
        else if (j->state == JOB_OWING)
            decide_owed(w, j);
        else if (j->state == JOB_ASIDE)
            aside_again(w, j);
    }
}

/* When the loop has to be back by itself: the next due job, the next token of the rate limit, the leases of slots, what has
 * gathered to be published, the housekeeping. */
static int64_t sleep_ms(const struct worker *w)
{
    int64_t now = loop_now_ms(w->loop), ms = TICK_MS;
    const struct heap_item *first = heap_first(&w->timers);
    if (first != NULL && first->due - now < ms)
        ms = first->due > now ? first->due - now : 0;
    int64_t limit = limit_wait_ms(&w->limit, now);
    if (limit > 0 && limit < ms && (lanes_any_ready(w->lanes) || w->claimed.n > 0))
        ms = limit;
    if (w->slots_wait_ms < ms)
        ms = w->slots_wait_ms;
    int64_t publish = w->gathering.jobs.n > 0 ? publish_wait_ms(w) : ms;
    return publish < ms ? publish : ms;
}

static int64_t oldest_age_ms(const struct worker *w)
{
    int64_t oldest = loop_now_ns(w->loop);
    for (const struct job *j = w->active; j != NULL; j = j->next)
        if (j->arrived_ns < oldest)
            oldest = j->arrived_ns;
    return (loop_now_ns(w->loop) - oldest) / 1000000;
}

static int64_t lag_events(const struct worker *w)
{
    int64_t lag = 0;
    for (int32_t i = 0; i < w->part_count; i++) {
        int64_t end = w->parts[i] != NULL ? consumer_high_watermark(w->consumer, i) : -1;
        if (end >= 0 && end > offsets_watermark(w->parts[i]->offsets))
            lag += end - offsets_watermark(w->parts[i]->offsets);
    }
    return lag;
}

static void housekeeping(struct worker *w)
{
    int64_t open = 0, entries = 0;
    for (int32_t i = 0; i < w->part_count; i++) {
        open += w->parts[i] != NULL ? (int64_t)offsets_open_count(w->parts[i]->offsets) : 0;
        entries += w->parts[i] != NULL ? (int64_t)waits_count(w->parts[i]->waits) : 0;
    }
    atomic_store_explicit(&w->open_events, open, memory_order_relaxed);
    if (open == 0)
        atomic_store_explicit(&w->moved_at_ms, clock_boot_ms(), memory_order_relaxed);
    telemetry_gauge(w->tel, GAUGE_IN_FLIGHT, w->limit.in_flight);
    telemetry_gauge(w->tel, GAUGE_LANES, (int64_t)lanes_count(w->lanes));
    telemetry_gauge(w->tel, GAUGE_WINDOW_EVENTS, open);
    telemetry_gauge(w->tel, GAUGE_WINDOW_BYTES, (int64_t)w->window_bytes);
    telemetry_gauge(w->tel, GAUGE_LAG, lag_events(w));
    telemetry_gauge(w->tel, GAUGE_OLDEST_MS, oldest_age_ms(w));
    telemetry_gauge(w->tel, GAUGE_WAITING, (int64_t)w->timers.n);
    telemetry_gauge(w->tel, GAUGE_ENTRIES, entries);
    telemetry_gauge(w->tel, GAUGE_SLOTS, limit_slots(&w->limit));
    telemetry_gauge(w->tel, GAUGE_LEASES, w->leases.held);
    telemetry_gauge(w->tel, GAUGE_CONNECTIONS, http_connections(w->http));
    credentials_tick(w);
    takeover_tag(w);
    aside_tick(w);
}

/* By the clock and not by the timer, which every turn sets anew: under load it would never come. */
static void housekeeping_if_due(struct worker *w)
{
    static const int64_t tick_ns = TICK_MS * INT64_C(1000000);
    if (loop_now_ns(w->loop) - w->housekept_ns < tick_ns)
        return;
    w->housekept_ns = loop_now_ns(w->loop);
    housekeeping(w);
}

/* Once a turn, after the I/O: start what can start, and let the io layers write what has gathered. */
static void on_turn(void *arg)
{
    struct worker *w = arg;
    run_due(w);
    takeover_tick(w);
    acts_tick(w);
    pace_tick(w);
    slots_tick(w);
    call_pump(w);
    isolate_pump(w);
    intake_pump(w);
    slots_pump(w);
    publish_gathered(w);
    commits_pump(w);
    partitions_drain_tick(w);
    intake_flow(w);
    housekeeping_if_due(w);
    loop_timer_start(w->timer, sleep_ms(w));
    log_flush(w->log);
}

/* It only ends the sleep: the turn does what is due. */
static void on_timer(void *arg)
{
    (void)arg;
}

static void on_commit_timer(void *arg)
{
    commits_tick(arg);
}

/* ---- what the io layers tell ---- */

static void on_delivery(void *arg, const struct consumer_delivery *d)
{
    if (d->control)
        acts_delivery(arg, d);
    else
        intake_delivery(arg, d);
}

static void log_io(struct worker *w, enum log_level level, const char *event, const char *why)
{
    if (!log_begin(w->log, level, event))
        return;
    log_str(w->log, "error", why[0] != '\0' ? why : NULL);
    log_end(w->log);
}

static void on_consumer_error(void *arg, bool fatal, const char *why)
{
    struct worker *w = arg;
    log_io(w, fatal ? LOG_LEVEL_ERROR : LOG_LEVEL_WARN, fatal ? "kafka_fatal" : "kafka_error", why);
    if (fatal)
        partitions_drain(w, DRAIN_STOP);
}

static void on_producer_error(void *arg, const char *why)
{
    log_io(arg, LOG_LEVEL_WARN, "kafka_producer_error", why);
}

static void on_redis(void *arg, enum redis_event ev, const char *why)
{
    struct worker *w = arg;
    bool up = redis_is_up(w->redis);
    atomic_store_explicit(&w->is_redis_up, up, memory_order_relaxed);
    telemetry_gauge(w->tel, GAUGE_REDIS_UP, up);
    switch (ev) {
    case REDIS_UP:
        log_io(w, LOG_LEVEL_INFO, "redis_up", why);
        break;
    case REDIS_DOWN:
        telemetry_count(w->tel, COUNTER_REDIS_DOWN, 1);
        log_io(w, LOG_LEVEL_WARN, "redis_down", why);
        break;
    case REDIS_FORGOT:
        telemetry_count(w->tel, COUNTER_REDIS_FORGOT, 1);
        redis_raise_fence(w->redis, w->fence);
        leases_forgotten(&w->leases);
        log_io(w, LOG_LEVEL_ERROR, "redis_forgot", why);
        takeover_forgot(w);
        break;
    case REDIS_WARNING:
        log_io(w, LOG_LEVEL_WARN, "redis_warning", why);
        break;
    }
    loop_wake(w->loop);
}

/* ---- life ---- */

static int make_names(struct worker *w, struct err *reterr)
{
    const struct settings *s = w->o.settings;
    for (int k = 0; k < TOPIC_KIND_COUNT; k++)
        if (topic_name((enum topic_kind)k, s->prefix, w->provider->name, w->topic[k]) != 0)
            return err_set(reterr, ERR_INVAL, "provider %s: its topics' names would be too long", w->provider->name);
    char host[64] = "";
    gethostname(host, sizeof(host) - 1);
    /* The time tells two lives in containers apart, where host name and process number are the same each time. */
    snprintf(w->name, sizeof(w->name), "%s-%d-%llx-%s-%u", host, (int)getpid(), (unsigned long long)clock_real_ms(),
             w->provider->name, w->o.index);
    snprintf(w->owner, sizeof(w->owner), "%s-0", w->name);
    return 0;
}

static int make_memory(struct worker *w, struct err *reterr)
{
    w->lanes = lanes_new();
    w->metrics = metrics_new();
    w->parts = calloc((size_t)w->part_count, sizeof(struct partition *));
    w->log = log_new(w->o.log, w->o.settings->log_format, w->o.settings->log_level);
    w->tel = w->metrics != NULL ? telemetry_new(w->metrics, w->provider->name) : NULL;
    if (w->lanes == NULL || w->parts == NULL || w->log == NULL || w->tel == NULL)
        return err_nomem(reterr);
    char thread[16];
    snprintf(thread, sizeof(thread), "%u", w->o.index);
    log_set_context(w->log, "provider", w->provider->name);
    log_set_context(w->log, "thread", thread);
    buf_init(&w->scratch, 4 * 1024 * 1024);
    /* a run of the map is written before it is seen not to fit: a little more than the whole */
    buf_init(&w->metadata, (size_t)w->part_count * CONSUMER_METADATA_MAX + 64);
    if (buf_reserve(&w->metadata, w->metadata.max) == NULL)
        return err_nomem(reterr);
    w->random = (uint64_t)clock_mono_ns() * 2654435761u + w->o.index + 1;
    return 0;
}

/* The turn's hook first: hooks run in the order in which they were made, and Redis' and the producer's write after it. */
static int make_loop(struct worker *w, struct err *reterr)
{
    w->loop = loop_new(reterr);
    if (w->loop == NULL)
        return -1;
    w->turn = loop_hook_new(w->loop, on_turn, w, reterr);
    w->timer = loop_timer_new(w->loop, on_timer, w, reterr);
    w->commit_timer = loop_timer_new(w->loop, on_commit_timer, w, reterr);
    w->wake = loop_async_new(w->loop, on_wake, w, reterr);
    return w->turn != NULL && w->timer != NULL && w->commit_timer != NULL && w->wake != NULL ? 0 : -1;
}

static int make_redis(struct worker *w, struct err *reterr)
{
    const struct settings *s = w->o.settings;
    struct redis_options o = {
        .host = s->redis_host,
        .unix_path = s->redis_unix,
        .user = s->redis_user,
        .password = s->redis_password,
        .port = s->redis_port,
        .db = s->redis_db,
        .sentinels = s->redis_sentinels,
        .sentinel_count = s->redis_sentinel_count,
        .master_name = s->redis_master_name,
        .sentinel_password = s->redis_sentinel_password,
        .timeout_ms = w->numbers->redis_timeout_ms,
        .prefix = s->prefix,
        .provider = w->provider->name,
        .owner = w->owner,
        .lease_ms = w->numbers->lease_ms,
        .id_memory_ms = w->numbers->id_memory_ms,
    };
    w->redis = redis_new(w->loop, &o, on_redis, w, reterr);
    return w->redis != NULL ? 0 : -1;
}

static int make_http(struct worker *w, struct err *reterr)
{
    const struct settings_provider *p = w->provider;
    struct http_options o = {
        .max_in_flight = p->limits.in_flight + ERRANDS_MAX,
        .connect_ms = w->numbers->connect_ms,
        .request_ms = w->numbers->request_ms,
        .answer_max_bytes = p->limits.answer_max_bytes,
        .proxy = p->proxy,
        .ca_file = p->ca_file,
        .tls_verify = p->tls_verify,
        .user_agent = "tvbridge",
    };
    w->http = http_new(w->loop, &o, reterr);
    return w->http != NULL ? 0 : -1;
}

static int make_kafka(struct worker *w, struct err *reterr)
{
    const struct settings *s = w->o.settings;
    struct consumer_handlers h = {
        .arg = w,
        .assigned = partitions_assigned,
        .revoked = partitions_revoked,
        .delivery = on_delivery,
        .committed = commits_ended,
        .error = on_consumer_error,
    };
    char group[TOPIC_NAME_SIZE];
    snprintf(group, sizeof(group), "%s%s", s->prefix, w->provider->name);
    w->producer = producer_new(w->loop, s, w->numbers->outcome_timeout_ms, on_producer_error, w, reterr);
    if (w->producer == NULL)
        return -1;
    w->reader = reader_new(w->loop, s, on_producer_error, w, reterr);
    if (w->reader == NULL)
        return -1;
    w->consumer = consumer_new(w->loop, s, w->provider, w->topic[TOPIC_EVENTS], w->topic[TOPIC_CONTROL], group,
                               w->o.index, &h, reterr);
    return w->consumer != NULL ? 0 : -1;
}

struct worker *worker_new(const struct worker_options *o, struct err *reterr)
{
    struct worker *w = calloc(1, sizeof(*w));
    if (w == NULL) {
        err_nomem(reterr);
        return NULL;
    }
    w->o = *o;
    w->provider = o->provider;
    w->numbers = &o->provider->numbers;
    w->plan = plan_ref(o->plan);
    w->part_count = o->settings->partitions;
    atomic_init(&w->is_provider_ok, true);
    atomic_init(&w->moved_at_ms, clock_boot_ms());
    if (make_names(w, reterr) == 0 && make_memory(w, reterr) == 0 && make_loop(w, reterr) == 0 &&
        make_redis(w, reterr) == 0 && make_http(w, reterr) == 0 && make_kafka(w, reterr) == 0)
        return w;
    worker_free(w);
    return NULL;
}

static void free_works(struct worker *w)
{
    while (w->free_works != NULL) {
        struct work *k = w->free_works;
        w->free_works = k->next_free;
        buf_fini(&k->facts);
        buf_fini(&k->record_text);
        free(k);
    }
}

/* What still has a callback coming when everything that could call it is gone. */
static void free_dropped(struct worker *w)
{
    while (w->active != NULL) {
        w->active->pending = 1;
        (void)job_callback_is_late(w, w->active);
    }
}

void worker_free(struct worker *w)
{
    if (w == NULL)
        return;
    if (w->http != NULL)
        token_fini(w);
    pace_fini(w);
    if (w->consumer != NULL)
        consumer_free(w->consumer);
    if (w->producer != NULL)
        producer_free(w->producer, 0);
    if (w->reader != NULL)
        reader_free(w->reader);
    if (w->http != NULL)
        http_free(w->http);
    if (w->redis != NULL)
        redis_free(w->redis);
    takeover_free_all(w);
    park_free_all(w);
    acts_free_all(w);
    guard_free_all(w);
    free_dropped(w);
    free_works(w);
    if (w->wake != NULL)
        loop_async_free(w->wake);
    if (w->commit_timer != NULL)
        loop_timer_free(w->commit_timer);
    if (w->timer != NULL)
        loop_timer_free(w->timer);
    if (w->turn != NULL)
        loop_hook_free(w->turn);
    if (w->loop != NULL)
        loop_free(w->loop);
    errand_free_all(w);
    lanes_free(w->lanes);
    heap_fini(&w->timers);
    buf_fini(&w->scratch);
    buf_fini(&w->metadata);
    free(w->parts);
    plan_unref(w->plan);
    plan_unref(atomic_exchange(&w->next_plan, NULL));
    telemetry_free(w->tel);
    log_free(w->log);
    metrics_free(w->metrics);
    free(w);
}

void worker_begin(struct worker *w)
{
    loop_timer_start(w->timer, TICK_MS);
    loop_timer_start(w->commit_timer, w->numbers->commit_ms);
}

void worker_end(struct worker *w)
{
    consumer_free(w->consumer); /* leaves the group here, so that several threads do it at once */
    w->consumer = NULL;
    log_flush(w->log);
}

void worker_run(struct worker *w)
{
    worker_begin(w);
    loop_run(w->loop);
    worker_end(w);
}

void worker_drain(struct worker *w)
{
    atomic_store(&w->want_drain, true);
    loop_async_send(w->wake);
}

void worker_replan(struct worker *w, struct plan *plan)
{
    plan_unref(atomic_exchange(&w->next_plan, plan_ref(plan)));
    loop_async_send(w->wake);
}

struct metrics *worker_metrics(struct worker *w)
{
    return w->metrics;
}

bool worker_ready(const struct worker *w, struct buf *ret_why)
{
    size_t before = ret_why->len;
    const char *name = w->provider->name;
    unsigned i = w->o.index;
    if (!atomic_load_explicit(&w->is_member, memory_order_relaxed))
        buf_addf(ret_why, "%s/%u: not a member of the Kafka consumer group yet\n", name, i);
    if (!atomic_load_explicit(&w->is_redis_up, memory_order_relaxed))
        buf_addf(ret_why, "%s/%u: Redis is not usable\n", name, i);
    if (!atomic_load_explicit(&w->is_provider_ok, memory_order_relaxed))
        buf_addf(ret_why, "%s/%u: the platform refuses our credentials\n", name, i);
    if (atomic_load_explicit(&w->is_breaker_open, memory_order_relaxed))
        buf_addf(ret_why, "%s/%u: the platform is down: it is asked from time to time, and its events wait\n", name, i);
    int paused = atomic_load_explicit(&w->paused_parts, memory_order_relaxed);
    if (paused > 0)
        buf_addf(ret_why, "%s/%u: an operator paused the provider: no new calls in %d partitions until `tvbridge resume`\n", name, i,
                 paused);
    int64_t still = clock_boot_ms() - atomic_load_explicit(&w->moved_at_ms, memory_order_relaxed);
    int64_t open = atomic_load_explicit(&w->open_events, memory_order_relaxed);
    if (open > 0 && still > STUCK_MS)
        buf_addf(ret_why, "%s/%u: %lld events wait and none was finished for %lld s\n", name, i, (long long)open,
                 (long long)(still / 1000));
    return ret_why->len == before;
}
