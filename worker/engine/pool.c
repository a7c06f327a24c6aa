#include "engine/pool.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "contract/topics.h"
#include "engine/worker.h"
#include "io/consumer.h"

#define TOPIC_ASK_MS 3000   /* how long one question to the cluster may take */
#define TOPIC_AGAIN_MS 2000 /* pause before it is asked again */

struct thread {
    struct pool *pool;
    unsigned index;
    pthread_t id;
    bool started;
    _Atomic(struct worker *) worker; /* NULL: waiting for Kafka, or could not be made */
};

struct pool {
    struct pool_options o;
    struct plan *plan; /* what a thread that comes late starts with */
    pthread_mutex_t lock;
    pthread_cond_t wake; /* a drain ends the waiting */
    bool topics_good;
    char waiting_for[512]; /* why no thread works yet; "" when they do */
    _Atomic bool want_drain;
    _Atomic unsigned running;
    unsigned count;
    struct thread *threads;
};

/* ---- the topics, before anybody joins the group ---- */

static const enum topic_kind needed[] = {TOPIC_EVENTS, TOPIC_OUTCOMES, TOPIC_RECORDS, TOPIC_DEAD};

static int check_topic(const struct pool *p, enum topic_kind kind, struct err *reterr)
{
    char name[TOPIC_NAME_SIZE];
    if (topic_name(kind, p->o.settings->prefix, p->o.provider->name, name) != 0)
        return err_set(reterr, ERR_INVAL, "the topic's name would be too long");
    int n = kafka_topic_partitions(p->o.settings, name, TOPIC_ASK_MS, reterr);
    if (n < 0)
        return err_prefix(reterr, "Kafka at %s", p->o.settings->brokers);
    if (n == 0)
        return err_set(reterr, ERR_INVAL, "topic %s does not exist: `tvbridge topics create` makes it", name);
    if (n != p->o.settings->partitions)
        return err_set(reterr, ERR_INVAL,
                       "topic %s has %d partitions, the settings say %d (kafka.partitions): one of them must change",
                       name, n, (int)p->o.settings->partitions);
    return 0;
}

static int check_topics(const struct pool *p, struct err *reterr)
{
    for (size_t i = 0; i < ARRAY_LEN(needed); i++)
        if (check_topic(p, needed[i], reterr) != 0)
            return -1;
    return 0;
}

/* Said once for each reason: a broker that is away for an hour makes one line, not a thousand. */
static void say_waiting(struct pool *p, struct log *log, const struct err *e)
{
    if (strcmp(p->waiting_for, e->msg) == 0)
        return;
    memcpy(p->waiting_for, e->msg, sizeof(p->waiting_for));
    if (log_begin(log, LOG_LEVEL_WARN, "waiting_for_kafka")) {
        log_str(log, "provider", p->o.provider->name);
        log_str(log, "error", e->msg);
        log_int(log, "retry_in_ms", TOPIC_AGAIN_MS);
        log_end(log);
    }
    log_flush(log);
}

static void sleep_or_wake(struct pool *p)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += TOPIC_AGAIN_MS / 1000;
    pthread_cond_timedwait(&p->wake, &p->lock, &until);
}

/* True when the topics are as they must be; false when a drain came first. One thread asks, all wait. */
static bool wait_for_topics(struct pool *p, struct log *log)
{
    pthread_mutex_lock(&p->lock);
    while (!p->topics_good && !atomic_load(&p->want_drain)) {
        struct err e = {0};
        if (check_topics(p, &e) == 0) {
            p->topics_good = true;
            p->waiting_for[0] = '\0';
            break;
        }
        say_waiting(p, log, &e);
        sleep_or_wake(p);
    }
    bool good = p->topics_good;
    pthread_mutex_unlock(&p->lock);
    return good && !atomic_load(&p->want_drain);
}

/* ---- a thread's life ---- */

static struct worker *make_worker(struct thread *t, const struct plan **ret_plan, struct err *reterr)
{
    struct pool *p = t->pool;
    struct worker_options o = {
        .settings = p->o.settings,
        .provider = p->o.provider,
        .schemas = p->o.schemas,
        .acts = p->o.acts,
        .log = p->o.log,
        .index = t->index,
        .one_alone = p->o.one_alone,
    };
    pthread_mutex_lock(&p->lock);
    o.plan = plan_ref(p->plan);
    pthread_mutex_unlock(&p->lock);
    *ret_plan = o.plan;
    struct worker *w = worker_new(&o, reterr);
    plan_unref(o.plan);
    return w;
}

static void work(struct thread *t, struct log *log)
{
    struct pool *p = t->pool;
    if (!wait_for_topics(p, log))
        return;
    struct err e = {0};
    const struct plan *first; /* only compared: it may be gone */
    struct worker *w = make_worker(t, &first, &e);
    if (w == NULL) {
        if (log_begin(log, LOG_LEVEL_ERROR, "worker_failed")) {
            log_str(log, "provider", p->o.provider->name);
            log_str(log, "error", e.msg);
            log_end(log);
        }
        return;
    }
    atomic_store(&t->worker, w);
    pthread_mutex_lock(&p->lock); /* a plan that came while there was no worker to tell */
    if (p->plan != first)
        worker_replan(w, p->plan);
    pthread_mutex_unlock(&p->lock);
    if (atomic_load(&p->want_drain))
        worker_drain(w);
    worker_run(w);
}

static void *thread_main(void *arg)
{
    struct thread *t = arg;
    struct pool *p = t->pool;
    struct log *log = log_new(p->o.log, p->o.settings->log_format, p->o.settings->log_level);
    if (log != NULL)
        work(t, log);
    log_free(log);
    if (atomic_fetch_sub(&p->running, 1) == 1 && p->o.ended != NULL)
        p->o.ended(p->o.arg);
    return NULL;
}

struct pool *pool_start(const struct pool_options *o, struct err *reterr)
{
    struct pool *p = calloc(1, sizeof(*p));
    struct thread *threads = calloc(o->provider->threads, sizeof(*threads));
    if (p == NULL || threads == NULL) {
        free(p);
        free(threads);
        err_nomem(reterr);
        return NULL;
    }
    p->o = *o;
    p->plan = plan_ref(o->plan);
    p->threads = threads;
    p->count = o->provider->threads;
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->wake, NULL);
    atomic_init(&p->running, p->count);
    for (unsigned i = 0; i < p->count; i++) {
        threads[i].pool = p;
        threads[i].index = i;
        threads[i].started = pthread_create(&threads[i].id, NULL, thread_main, &threads[i]) == 0;
        if (threads[i].started)
            continue;
        atomic_fetch_sub(&p->running, p->count - i);
        err_set(reterr, ERR_NOMEM, "provider %s: thread %u could not be started", o->provider->name, i);
        pool_drain(p);
        pool_free(p);
        return NULL;
    }
    return p;
}

void pool_drain(struct pool *p)
{
    atomic_store(&p->want_drain, true);
    pthread_cond_broadcast(&p->wake); /* without the lock: who asks Kafka holds it; a missed wake-up costs one pause */
    for (unsigned i = 0; i < p->count; i++) {
        struct worker *w = atomic_load(&p->threads[i].worker);
        if (w != NULL)
            worker_drain(w);
    }
}

bool pool_has_ended(const struct pool *p)
{
    return atomic_load(&p->running) == 0;
}

void pool_free(struct pool *p)
{
    if (p == NULL)
        return;
    for (unsigned i = 0; i < p->count; i++)
        if (p->threads[i].started)
            pthread_join(p->threads[i].id, NULL);
    for (unsigned i = 0; i < p->count; i++)
        worker_free(atomic_load(&p->threads[i].worker));
    plan_unref(p->plan);
    pthread_cond_destroy(&p->wake);
    pthread_mutex_destroy(&p->lock);
    free(p->threads);
    free(p);
}

void pool_replan(struct pool *p, struct plan *plan)
{
    pthread_mutex_lock(&p->lock);
    plan_unref(p->plan);
    p->plan = plan_ref(plan);
    pthread_mutex_unlock(&p->lock);
    for (unsigned i = 0; i < p->count; i++) {
        struct worker *w = atomic_load(&p->threads[i].worker);
        if (w != NULL)
            worker_replan(w, plan);
    }
}

const char *pool_name(const struct pool *p)
{
    return p->o.provider->name;
}

size_t pool_metrics(const struct pool *p, struct metrics **ret, size_t max)
{
    size_t n = 0;
    for (unsigned i = 0; i < p->count && n < max; i++) {
        struct worker *w = atomic_load(&p->threads[i].worker);
        if (w != NULL)
            ret[n++] = worker_metrics(w);
    }
    return n;
}

bool pool_ready(struct pool *p, struct buf *ret_why)
{
    bool ready = true;
    if (pthread_mutex_trylock(&p->lock) == 0) { /* held while Kafka is asked: then the reason is left out */
        if (p->waiting_for[0] != '\0')
            buf_addf(ret_why, "%s: %s\n", p->o.provider->name, p->waiting_for);
        pthread_mutex_unlock(&p->lock);
    }
    for (unsigned i = 0; i < p->count; i++) {
        struct worker *w = atomic_load(&p->threads[i].worker);
        if (w == NULL) {
            buf_addf(ret_why, "%s/%u: not started yet\n", p->o.provider->name, i);
            ready = false;
        } else if (!worker_ready(w, ret_why)) {
            ready = false;
        }
    }
    return ready;
}
