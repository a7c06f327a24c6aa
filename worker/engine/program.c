#include "engine/program.h"

#include <jansson.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "contract/act.h"
#include "contract/schema.h"
#include "contract/topics.h"
#include "engine/pool.h"
#include "io/admin.h"
#include "io/consumer.h"
#include "io/http.h"
#include "io/loop.h"

#define METRIC_SETS_MAX 1024

struct program {
    const char *path;
    struct settings *settings;
    struct event_schemas *schemas;
    struct act_schemas *acts;
    struct log_sink *sink;
    struct log *log; /* of the main thread */
    struct loop *loop;
    struct loop_async *ended;
    struct loop_signal *signals[3];
    struct pool **pools;
    _Atomic bool one_alone; /* worker.h */
    struct admin *admin;
    bool draining;
    int status;
};

/* ---- what would be done ---- */

static void print_provider(const struct settings *s, const struct settings_provider *p, const struct plan *plan)
{
    char topic[TOPIC_NAME_SIZE];
    printf("provider %s: pack %s %s (%zu workflows), %u thread%s\n", p->name, pack_title(plan->pack),
           pack_version(plan->pack), pack_workflow_count(plan->pack), p->threads, p->threads == 1 ? "" : "s");
    for (int k = 0; k < TOPIC_KIND_COUNT; k++)
        if (topic_name((enum topic_kind)k, s->prefix, p->name, topic) == 0)
            printf("  topic %s\n", topic);
    printf("  limits: %u calls in flight, ", p->limits.in_flight);
    if (p->limits.rate_per_s > 0)
        printf("%g a second (burst %u)", p->limits.rate_per_s, p->limits.burst);
    else
        printf("no rate limit");
    printf(", answers up to %zu bytes\n", p->limits.answer_max_bytes);
    printf("  retry: %u attempts within %lld s, backoff %lld..%lld ms\n", p->retry.attempts,
           (long long)(p->retry.max_age_ms / 1000), (long long)p->retry.base_ms, (long long)p->retry.cap_ms);
    printf("  pace: retries at most %u %% of first tries + %g a second, breaker at %u calls with %u %% bad (open %lld..%lld ms), "
           "%s calls at once, guard at %u %% and %u accounts an hour\n",
           p->retry.budget_percent, p->retry.budget_per_s, p->breaker.calls, p->breaker.bad_percent,
           (long long)p->breaker.open_ms, (long long)p->breaker.open_max_ms, p->limits.adaptive ? "adaptive" : "always as many",
           p->guard.percent, p->guard.accounts);
    const struct settings_numbers *n = &p->numbers;
    printf("  numbers: connect %lld ms, request %lld ms, lease %lld ms, quarantine %lld ms, session %lld ms, "
           "drain %lld ms, window %lld events a partition and %lld bytes a worker\n",
           (long long)n->connect_ms, (long long)n->request_ms, (long long)n->lease_ms, (long long)n->quarantine_ms,
           (long long)n->session_timeout_ms, (long long)n->drain_ms, (long long)n->window_events,
           (long long)n->window_bytes);
}

static int check_provider(const struct settings *s, const struct settings_provider *p)
{
    struct pack_faults faults = {0};
    struct err e = {0};
    struct plan *plan = plan_load(p, &faults, &e);
    if (plan != NULL) {
        print_provider(s, p, plan);
        plan_unref(plan);
        pack_faults_fini(&faults);
        return 0;
    }
    for (size_t i = 0; i < faults.n; i++)
        fprintf(stderr, "%s:%d: %s: %s\n", faults.list[i].file, faults.list[i].line, faults.list[i].pointer,
                faults.list[i].text);
    if (faults.n == 0)
        fprintf(stderr, "%s\n", e.msg);
    pack_faults_fini(&faults);
    return 1;
}

static void print_kafka_and_redis(const struct settings *s)
{
    printf("kafka: %s, topics %s*, %d partitions\n", s->brokers, s->prefix, (int)s->partitions);
    if (s->redis_unix != NULL)
        printf("redis: %s, db %d\n", s->redis_unix, s->redis_db);
    else if (s->redis_sentinel_count > 0)
        printf("redis: master %s of %zu sentinels, db %d\n", s->redis_master_name, s->redis_sentinel_count, s->redis_db);
    else
        printf("redis: %s:%d, db %d\n", s->redis_host, s->redis_port, s->redis_db);
    if (s->admin_host != NULL)
        printf("admin: http://%s:%d/metrics, /healthz, /readyz\n", s->admin_host, s->admin_port);
    printf("schemas: %s\n", s->schemas);
}

int program_check(const char *path)
{
    struct err e = {0};
    struct settings *s = settings_load(path, &e);
    bool good = s != NULL && kafka_settings_check(s, &e) == 0;
    struct event_schemas *schemas = good ? event_schemas_load(s->schemas, &e) : NULL;
    if (schemas == NULL) {
        fprintf(stderr, "tvbridge-worker: %s\n", e.msg);
        settings_free(s);
        return 1;
    }
    print_kafka_and_redis(s);
    int bad = 0;
    for (size_t i = 0; i < s->provider_count; i++)
        bad += check_provider(s, &s->providers[i]);
    fflush(stdout);
    if (bad > 0)
        fprintf(stderr, "tvbridge-worker: would not start: %d provider%s refused\n", bad, bad == 1 ? "" : "s");
    else
        printf("would start: yes\n");
    event_schemas_free(schemas);
    settings_free(s);
    return bad > 0;
}

void program_print_version(FILE *to, const char *version)
{
    fprintf(to, "tvbridge-worker %s\nlibrdkafka %s\nlibcurl %s\njansson %s\nlibmicrohttpd %s\n", version,
            kafka_version(), http_version(), jansson_version_str(), admin_version());
}

/* ---- the admin server's questions; from its own thread ---- */

static void on_metrics(void *arg, struct buf *out)
{
    struct program *g = arg;
    struct metrics *sets[METRIC_SETS_MAX];
    size_t n = 0;
    for (size_t i = 0; i < g->settings->provider_count; i++)
        n += pool_metrics(g->pools[i], sets + n, METRIC_SETS_MAX - n);
    metrics_render(sets, n, out);
}

static bool on_ready(void *arg, struct buf *ret_why)
{
    struct program *g = arg;
    bool ready = true;
    for (size_t i = 0; i < g->settings->provider_count; i++)
        ready = pool_ready(g->pools[i], ret_why) && ready;
    return ready;
}

/* ---- signals ---- */

static void say(struct program *g, enum log_level level, const char *event, const char *key, const char *value)
{
    if (log_begin(g->log, level, event)) {
        log_str(g->log, key, value);
        log_end(g->log);
    }
    log_flush(g->log);
}

static void drain_all(struct program *g)
{
    g->draining = true;
    for (size_t i = 0; i < g->settings->provider_count; i++)
        pool_drain(g->pools[i]);
}

static void on_stop_signal(void *arg, int signum)
{
    struct program *g = arg;
    const char *name = signum == SIGTERM ? "TERM" : "INT";
    if (g->draining) {
        say(g, LOG_LEVEL_WARN, "stopped_at_once", "signal", name);
        _exit(1);
    }
    say(g, LOG_LEVEL_INFO, "draining", "signal", name);
    drain_all(g);
}

/* A pack or limits that are refused change nothing: the old ones go on. */
static void reload_pool(struct program *g, const struct settings *s, struct pool *pool)
{
    const struct settings_provider *p = settings_provider(s, pool_name(pool));
    struct err e = {0};
    if (p == NULL) {
        say(g, LOG_LEVEL_WARN, "reload_skipped", "error", "a provider is gone from the settings: restart to end its pool");
        return;
    }
    struct plan *plan = plan_load(p, NULL, &e);
    if (plan == NULL) {
        say(g, LOG_LEVEL_ERROR, "reload_refused", "error", e.msg);
        return;
    }
    pool_replan(pool, plan);
    plan_unref(plan);
}

static void on_reload_signal(void *arg, int signum)
{
    struct program *g = arg;
    (void)signum;
    struct err e = {0};
    struct settings *s = settings_load(g->path, &e);
    if (s == NULL) {
        say(g, LOG_LEVEL_ERROR, "reload_refused", "error", e.msg);
        return;
    }
    for (size_t i = 0; i < g->settings->provider_count; i++)
        reload_pool(g, s, g->pools[i]);
    settings_free(s);
    say(g, LOG_LEVEL_INFO, "reloaded", "settings", g->path);
}

static void pool_ended(void *arg)
{
    loop_async_send(((struct program *)arg)->ended);
}

static void on_pool_ended(void *arg)
{
    struct program *g = arg;
    bool all = true;
    for (size_t i = 0; i < g->settings->provider_count; i++) {
        bool has = pool_has_ended(g->pools[i]);
        all = all && has;
        if (!has || g->draining)
            continue;
        say(g, LOG_LEVEL_ERROR, "pool_ended", "provider", pool_name(g->pools[i]));
        g->status = 1; /* nobody asked for it: the rest drains, and whoever supervises starts us again */
        drain_all(g);
    }
    if (all)
        loop_stop(g->loop);
}

/* ---- life ---- */

static int start_pools(struct program *g, struct err *reterr)
{
    const struct settings *s = g->settings;
    g->pools = calloc(s->provider_count + 1, sizeof(struct pool *));
    if (g->pools == NULL)
        return err_nomem(reterr);
    for (size_t i = 0; i < s->provider_count; i++) {
        struct plan *plan = plan_load(&s->providers[i], NULL, reterr);
        if (plan == NULL)
            return -1;
        struct pool_options o = {.settings = s,
                                 .provider = &s->providers[i],
                                 .schemas = g->schemas,
                                 .acts = g->acts,
                                 .log = g->sink,
                                 .plan = plan,
                                 .one_alone = &g->one_alone,
                                 .ended = pool_ended,
                                 .arg = g};
        g->pools[i] = pool_start(&o, reterr);
        plan_unref(plan);
        if (g->pools[i] == NULL)
            return -1;
    }
    return 0;
}

static int start_admin(struct program *g, struct err *reterr)
{
    const struct settings *s = g->settings;
    if (s->admin_host == NULL)
        return 0;
    struct admin_handlers h = {.arg = g, .metrics = on_metrics, .ready = on_ready};
    g->admin = admin_start(s->admin_host, s->admin_port, &h, reterr);
    if (g->admin == NULL)
        return err_prefix(reterr, "admin server on %s:%d", s->admin_host, s->admin_port);
    char url[128];
    snprintf(url, sizeof(url), "http://%s:%d", s->admin_host, admin_port(g->admin));
    say(g, LOG_LEVEL_INFO, "admin_listening", "url", url);
    return 0;
}

static int prepare(struct program *g, struct err *reterr)
{
    g->settings = settings_load(g->path, reterr);
    if (g->settings == NULL || kafka_settings_check(g->settings, reterr) != 0)
        return -1;
    g->schemas = event_schemas_load(g->settings->schemas, reterr);
    g->acts = g->schemas != NULL ? act_schemas_load(g->settings->schemas, reterr) : NULL;
    if (g->acts == NULL || http_global_init(reterr) != 0)
        return -1;
    g->sink = log_sink_new(STDOUT_FILENO);
    g->log = g->sink != NULL ? log_new(g->sink, g->settings->log_format, g->settings->log_level) : NULL;
    if (g->log == NULL)
        return err_nomem(reterr);
    g->loop = loop_new(reterr);
    if (g->loop == NULL || (g->ended = loop_async_new(g->loop, on_pool_ended, g, reterr)) == NULL)
        return -1;
    g->signals[0] = loop_signal_new(g->loop, SIGTERM, on_stop_signal, g, reterr);
    g->signals[1] = loop_signal_new(g->loop, SIGINT, on_stop_signal, g, reterr);
    g->signals[2] = loop_signal_new(g->loop, SIGHUP, on_reload_signal, g, reterr);
    return g->signals[0] != NULL && g->signals[1] != NULL && g->signals[2] != NULL ? 0 : -1;
}

static void finish(struct program *g)
{
    admin_stop(g->admin); /* first: it asks the pools */
    for (size_t i = 0; g->pools != NULL && g->pools[i] != NULL; i++) {
        pool_drain(g->pools[i]);
        pool_free(g->pools[i]);
    }
    free(g->pools);
    for (size_t i = 0; i < ARRAY_LEN(g->signals); i++)
        if (g->signals[i] != NULL)
            loop_signal_free(g->signals[i]);
    if (g->ended != NULL)
        loop_async_free(g->ended);
    if (g->loop != NULL)
        loop_free(g->loop);
    if (g->log != NULL && g->status == 0)
        say(g, LOG_LEVEL_INFO, "ended", "settings", g->path);
    log_free(g->log);
    log_sink_free(g->sink);
    act_schemas_free(g->acts);
    event_schemas_free(g->schemas);
    settings_free(g->settings);
    http_global_cleanup();
}

/* A log that cannot be written, because its reader is gone or its file is full, is no reason to die. */
static void ignore_signals_of_writing(void)
{
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGXFSZ, SIG_IGN);
}

int program_run(const char *path)
{
    struct program g = {.path = path};
    struct err e = {0};
    ignore_signals_of_writing();
    if (prepare(&g, &e) == 0 && start_pools(&g, &e) == 0 && start_admin(&g, &e) == 0) {
        say(&g, LOG_LEVEL_INFO, "started", "settings", path);
        loop_run(g.loop);
    } else {
        fprintf(stderr, "tvbridge-worker: %s\n", e.msg);
        g.status = 1;
    }
    finish(&g);
    return g.status;
}
