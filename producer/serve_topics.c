/* serve_topics.c - is Kafka there, and are the events topics as the settings say? Asked on another thread, since librdkafka
 * blocks there: of all providers until each topic was found good once, and again after an event was not acknowledged. */
#include <stdlib.h>
#include <string.h>

#include "contract/topics.h"
#include "io/consumer.h"
#include "serve.h"

#define ASK_TIMEOUT_MS 2000
#define AGAIN_MS 3000

struct topic_state {
    bool good;
    char why[400]; /* "" when it is good */
};

/* One question; owned by the loop's work until done. */
struct asking {
    struct serve_topics *topics; /* NULL: cut loose */
    const struct settings *settings;
    bool *wanted;  /* by provider */
    struct topic_state answers[];
};

struct serve_topics {
    struct gateway *g;
    struct loop_timer *timer;
    struct asking *asking;
    bool doubted; /* Kafka let an event wait too long */
    char told[400];
    size_t n;
    struct topic_state states[];
};

/* ---- on the other thread ---- */

static bool ask_one(const struct settings *s, const char *provider, struct topic_state *ret)
{
    struct err e = {0};
    char name[TOPIC_NAME_SIZE];
    int n = -1;
    if (topic_name(TOPIC_EVENTS, s->prefix, provider, name) == 0)
        n = kafka_topic_partitions(s, name, ASK_TIMEOUT_MS, &e);
    else
        err_set(&e, ERR_INVAL, "prefix and provider together are too long for a topic's name");
    ret->good = n == s->partitions;
    if (ret->good)
        ret->why[0] = '\0';
    else if (n < 0)
        snprintf(ret->why, sizeof(ret->why), "%s", e.msg);
    else if (n == 0)
        snprintf(ret->why, sizeof(ret->why), "topic %s does not exist: `tvbridge topics create` makes it", name);
    else
        snprintf(ret->why, sizeof(ret->why), "topic %s has %d partitions, the settings say %d (kafka.partitions)", name, n,
                 (int)s->partitions);
    return n >= 0;
}

static void ask_work(void *arg)
{
    struct asking *a = arg;
    bool reached = true;
    for (size_t i = 0; i < a->settings->provider_count; i++) {
        if (!a->wanted[i])
            continue;
        if (reached)
            reached = ask_one(a->settings, a->settings->providers[i].name, &a->answers[i]);
        else /* one question without an answer is enough */
            snprintf(a->answers[i].why, sizeof(a->answers[i].why), "Kafka is not reached");
    }
}

/* ---- on the loop ---- */

static void tell(struct serve_topics *t, const char *provider, const char *why)
{
    struct gateway *g = t->g;
    if (strcmp(t->told, why) == 0)
        return;
    snprintf(t->told, sizeof(t->told), "%s", why);
    if (!log_begin(g->log, why[0] != '\0' ? LOG_LEVEL_WARN : LOG_LEVEL_INFO, why[0] != '\0' ? "waiting_for_kafka" : "kafka_ready"))
        return;
    log_str(g->log, "provider", provider);
    log_str(g->log, "error", why[0] != '\0' ? why : NULL);
    log_end(g->log);
}

static const struct topic_state *first_bad(const struct serve_topics *t, size_t *ret_at)
{
    for (*ret_at = 0; *ret_at < t->n; (*ret_at)++)
        if (!t->states[*ret_at].good)
            return &t->states[*ret_at];
    return NULL;
}

static void take_answers(struct serve_topics *t, const struct asking *a)
{
    size_t at;
    bool reached = false;
    for (size_t i = 0; i < t->n; i++) {
        if (!a->wanted[i])
            continue;
        reached = reached || a->answers[i].good;
        if (!t->states[i].good || a->answers[i].good) /* a good one stays good: Kafka alone is doubted */
            t->states[i] = a->answers[i];
    }
    t->doubted = t->doubted && !reached;
    const struct topic_state *bad = first_bad(t, &at);
    if (bad != NULL)
        tell(t, t->g->settings->providers[at].name, bad->why);
    else if (!t->doubted)
        tell(t, NULL, "");
    if (bad != NULL || t->doubted)
        loop_timer_start(t->timer, AGAIN_MS);
}

static void asking_free(struct asking *a)
{
    if (a != NULL)
        free(a->wanted);
    free(a);
}

static void ask_done(void *arg)
{
    struct asking *a = arg;
    if (a->topics != NULL) {
        a->topics->asking = NULL;
        take_answers(a->topics, a);
    }
    asking_free(a);
}

static struct asking *asking_new(struct serve_topics *t)
{
    struct asking *a = calloc(1, sizeof(*a) + t->n * sizeof(a->answers[0]));
    if (a == NULL || (a->wanted = calloc(t->n + 1, sizeof(*a->wanted))) == NULL) {
        free(a);
        return NULL;
    }
    a->topics = t;
    a->settings = t->g->settings;
    for (size_t i = 0; i < t->n; i++)
        a->wanted[i] = !t->states[i].good || (t->doubted && i == 0);
    return a;
}

static void on_timer(void *arg)
{
    struct serve_topics *t = arg;
    if (t->asking != NULL)
        return;
    t->asking = asking_new(t);
    if (t->asking != NULL && loop_work(t->g->loop, ask_work, ask_done, t->asking) == 0)
        return;
    asking_free(t->asking);
    t->asking = NULL;
    loop_timer_start(t->timer, AGAIN_MS);
}

struct serve_topics *serve_topics_new(struct gateway *g, struct err *reterr)
{
    size_t n = g->settings->provider_count;
    struct serve_topics *t = calloc(1, sizeof(*t) + n * sizeof(t->states[0]));
    if (t == NULL) {
        err_nomem(reterr);
        return NULL;
    }
    t->g = g;
    t->n = n;
    for (size_t i = 0; i < n; i++)
        snprintf(t->states[i].why, sizeof(t->states[i].why), "Kafka was not asked yet");
    t->timer = loop_timer_new(g->loop, on_timer, t, reterr);
    if (t->timer == NULL) {
        free(t);
        return NULL;
    }
    loop_timer_start(t->timer, 0);
    return t;
}

void serve_topics_free(struct serve_topics *t)
{
    if (t == NULL)
        return;
    if (t->asking != NULL)
        t->asking->topics = NULL;
    loop_timer_free(t->timer);
    free(t);
}

const char *serve_topics_fault(const struct serve_topics *t, const struct settings_provider *p)
{
    const struct topic_state *s = &t->states[gateway_provider_index(t->g, p)];
    return s->good ? NULL : s->why;
}

void serve_topics_doubt(struct serve_topics *t)
{
    if (t->doubted)
        return;
    t->doubted = true;
    loop_timer_start(t->timer, AGAIN_MS);
}

void serve_topics_trust(struct serve_topics *t)
{
    t->doubted = false;
}

bool serve_topics_ready(const struct serve_topics *t, struct buf *ret_why)
{
    size_t at;
    const struct topic_state *bad = first_bad(t, &at);
    if (bad != NULL)
        buf_addf(ret_why, "%s: %s\n", t->g->settings->providers[at].name, bad->why);
    if (t->doubted)
        buf_adds(ret_why, "Kafka did not acknowledge an event in time\n");
    return bad == NULL && !t->doubted;
}
