#include "topics_admin.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"

#define SEEN_AGAIN_MS 100

#define ENTRIES_MAX 512 /* topics in one request */
#define CONTROLLER_MS 1000 /* metadata, which name it, were read before: it is known, or there is none */

struct admin {
    struct kafka_client *client;
    rd_kafka_queue_t *queue;
    rd_kafka_event_t *described; /* the answer that admin_fix() builds on */
    int64_t timeout_ms;
    bool has_controller; /* admin requests go to it; a broker that knows of none serves none */
};

bool topic_config_differs(const struct topic_entry *t, size_t i)
{
    return t->is[i][0] != '\0' && strcmp(t->is[i], t->config[i].value) != 0;
}

enum topic_state topic_judge(const struct topic_entry *t)
{
    if (t->partitions != t->partitions_wanted || t->replication < t->replication_wanted)
        return TOPIC_DIFFERS;
    for (size_t i = 0; i < t->config_count; i++)
        if (topic_config_differs(t, i))
            return TOPIC_DIFFERS;
    return TOPIC_OK;
}

/* librdkafka's mock cluster names one that is no broker of it: a request would wait until it times out. */
static bool finds_controller(rd_kafka_t *rk, int64_t timeout_ms)
{
    const struct rd_kafka_metadata *m = NULL;
    int32_t id = rd_kafka_controllerid(rk, CONTROLLER_MS);
    bool found = false;
    if (id < 0 || rd_kafka_metadata(rk, 0, NULL, &m, (int)timeout_ms) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return false;
    for (int i = 0; i < m->broker_cnt; i++)
        found = found || m->brokers[i].id == id;
    rd_kafka_metadata_destroy(m);
    return found;
}

struct admin *admin_new(struct kafka_client *c, int64_t timeout_ms, struct err *reterr)
{
    struct admin *a = calloc(1, sizeof(*a));
    if (a == NULL) {
        err_nomem(reterr);
        return NULL;
    }
    a->client = c;
    a->timeout_ms = timeout_ms;
    a->queue = rd_kafka_queue_new(c->rk);
    a->has_controller = finds_controller(c->rk, timeout_ms);
    return a;
}

void admin_free(struct admin *a)
{
    if (a == NULL)
        return;
    if (a->described != NULL)
        rd_kafka_event_destroy(a->described);
    rd_kafka_queue_destroy(a->queue);
    free(a);
}

static rd_kafka_AdminOptions_t *options_new(const struct admin *a, rd_kafka_admin_op_t op)
{
    char why[128];
    rd_kafka_AdminOptions_t *o = rd_kafka_AdminOptions_new(a->client->rk, op);
    rd_kafka_AdminOptions_set_request_timeout(o, (int)a->timeout_ms, why, sizeof(why));
    if (op == RD_KAFKA_ADMIN_OP_CREATETOPICS)
        rd_kafka_AdminOptions_set_operation_timeout(o, (int)a->timeout_ms, why, sizeof(why));
    return o;
}

/* True, and @reterr says so, when there is nobody to ask. */
static bool is_unsupported(const struct admin *a, bool *ret_unsupported, struct err *reterr)
{
    *ret_unsupported = !a->has_controller;
    if (!a->has_controller)
        err_set(reterr, ERR_INVAL, "this cluster names no controller");
    return !a->has_controller;
}

/* The answer to the request just made; NULL and @reterr when there is none, or it is an error as a whole. */
static rd_kafka_event_t *answer(struct admin *a, const char *what, bool *ret_unsupported, struct err *reterr)
{
    *ret_unsupported = false;
    rd_kafka_event_t *ev = rd_kafka_queue_poll(a->queue, (int)a->timeout_ms + 2000);
    if (ev == NULL) {
        err_set(reterr, ERR_TIMEOUT, "%s: no answer within %lld ms", what, (long long)a->timeout_ms);
        return NULL;
    }
    rd_kafka_resp_err_t code = rd_kafka_event_error(ev);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        return ev;
    *ret_unsupported = code == RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE || code == RD_KAFKA_RESP_ERR_UNSUPPORTED_VERSION;
    err_set(reterr, kafka_err_code(code), "%s: %s", what, rd_kafka_event_error_string(ev));
    rd_kafka_event_destroy(ev);
    return NULL;
}

static struct topic_entry *find_entry(struct topic_entry *t, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(t[i].name, name) == 0)
            return &t[i];
    return NULL;
}

/* ---- create ---- */

static rd_kafka_NewTopic_t *new_topic(const struct topic_entry *t)
{
    char why[256];
    rd_kafka_NewTopic_t *new = rd_kafka_NewTopic_new(t->name, t->partitions_wanted, t->replication_wanted, why, sizeof(why));
    for (size_t i = 0; new != NULL && i < t->config_count; i++)
        rd_kafka_NewTopic_set_config(new, t->config[i].name, t->config[i].value);
    return new;
}

static void note_created(const rd_kafka_topic_result_t *r, struct topic_entry *t, bool dry)
{
    rd_kafka_resp_err_t code = rd_kafka_topic_result_error(r);
    if (t == NULL)
        return;
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
        t->state = dry ? TOPIC_MISSING : TOPIC_CREATED;
        t->partitions = dry ? 0 : t->partitions_wanted;
        t->replication = dry ? 0 : t->replication_wanted;
        return;
    }
    t->state = code == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS ? TOPIC_THERE : TOPIC_FAILED;
    const char *why = rd_kafka_topic_result_error_string(r);
    snprintf(t->why, sizeof(t->why), "%s", why != NULL ? why : rd_kafka_err2str(code));
}

int admin_create(struct admin *a, struct topic_entry *t, size_t n, bool dry, bool *ret_unsupported,
                 struct err *reterr)
{
    rd_kafka_NewTopic_t *new[ENTRIES_MAX];
    char why[128];
    size_t count = 0;
    for (size_t i = 0; i < n && count < ENTRIES_MAX; i++)
        if (t[i].state == TOPIC_MISSING && (new[count] = new_topic(&t[i])) != NULL)
            count++;
    *ret_unsupported = false;
    if (count == 0)
        return 0;
    if (is_unsupported(a, ret_unsupported, reterr)) {
        rd_kafka_NewTopic_destroy_array(new, count);
        return -1;
    }
    rd_kafka_AdminOptions_t *o = options_new(a, RD_KAFKA_ADMIN_OP_CREATETOPICS);
    rd_kafka_AdminOptions_set_validate_only(o, dry, why, sizeof(why));
    rd_kafka_CreateTopics(a->client->rk, new, count, o, a->queue);
    rd_kafka_AdminOptions_destroy(o);
    rd_kafka_NewTopic_destroy_array(new, count);
    rd_kafka_event_t *ev = answer(a, "creating topics", ret_unsupported, reterr);
    if (ev == NULL)
        return -1;
    size_t results = 0;
    const rd_kafka_topic_result_t **r = rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(ev), &results);
    for (size_t i = 0; i < results; i++)
        note_created(r[i], find_entry(t, n, rd_kafka_topic_result_name(r[i])), dry);
    rd_kafka_event_destroy(ev);
    return 0;
}

/* ---- describe ---- */

static void note_config(const rd_kafka_ConfigResource_t *r, struct topic_entry *t)
{
    size_t n = 0;
    const rd_kafka_ConfigEntry_t **c = rd_kafka_ConfigResource_configs(r, &n);
    for (size_t i = 0; i < n; i++) {
        const char *value = rd_kafka_ConfigEntry_value(c[i]);
        for (size_t k = 0; k < t->config_count; k++)
            if (value != NULL && strcmp(rd_kafka_ConfigEntry_name(c[i]), t->config[k].name) == 0)
                snprintf(t->is[k], sizeof(t->is[k]), "%s", value);
    }
}

static void note_described(const rd_kafka_ConfigResource_t *r, struct topic_entry *t)
{
    if (t == NULL)
        return;
    if (rd_kafka_ConfigResource_error(r) == RD_KAFKA_RESP_ERR_NO_ERROR) {
        note_config(r, t);
        t->state = topic_judge(t);
        return;
    }
    t->state = TOPIC_FAILED;
    const char *why = rd_kafka_ConfigResource_error_string(r);
    snprintf(t->why, sizeof(t->why), "its settings cannot be read: %s",
             why != NULL ? why : rd_kafka_err2str(rd_kafka_ConfigResource_error(r)));
}

int admin_describe(struct admin *a, struct topic_entry *t, size_t n, bool *ret_unsupported, struct err *reterr)
{
    rd_kafka_ConfigResource_t *asked[ENTRIES_MAX];
    size_t count = 0;
    for (size_t i = 0; i < n && count < ENTRIES_MAX; i++)
        if (t[i].state == TOPIC_THERE)
            asked[count++] = rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, t[i].name);
    *ret_unsupported = false;
    if (count == 0)
        return 0;
    if (is_unsupported(a, ret_unsupported, reterr)) {
        rd_kafka_ConfigResource_destroy_array(asked, count);
        return -1;
    }
    rd_kafka_AdminOptions_t *o = options_new(a, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS);
    rd_kafka_DescribeConfigs(a->client->rk, asked, count, o, a->queue);
    rd_kafka_AdminOptions_destroy(o);
    rd_kafka_ConfigResource_destroy_array(asked, count);
    rd_kafka_event_t *ev = answer(a, "reading the topics' settings", ret_unsupported, reterr);
    if (ev == NULL)
        return -1;
    size_t results = 0;
    const rd_kafka_ConfigResource_t **r =
        rd_kafka_DescribeConfigs_result_resources(rd_kafka_event_DescribeConfigs_result(ev), &results);
    for (size_t i = 0; i < results; i++)
        note_described(r[i], find_entry(t, n, rd_kafka_ConfigResource_name(r[i])));
    if (a->described != NULL)
        rd_kafka_event_destroy(a->described);
    a->described = ev;
    return 0;
}

/* ---- fix ---- */

static bool config_is_wrong(const struct topic_entry *t)
{
    for (size_t i = 0; i < t->config_count; i++)
        if (topic_config_differs(t, i))
            return true;
    return false;
}

static bool is_ours(const struct topic_entry *t, const char *name)
{
    for (size_t i = 0; i < t->config_count; i++)
        if (strcmp(t->config[i].name, name) == 0)
            return true;
    return false;
}

/* AlterConfigs replaces all that a topic has of its own: that is given back beside ours, each name once. */
static rd_kafka_ConfigResource_t *wanted_config(const rd_kafka_ConfigResource_t *is, const struct topic_entry *t)
{
    size_t n = 0;
    rd_kafka_ConfigResource_t *r = rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, t->name);
    const rd_kafka_ConfigEntry_t **c = rd_kafka_ConfigResource_configs(is, &n);
    for (size_t i = 0; i < n; i++)
        if (rd_kafka_ConfigEntry_source(c[i]) == RD_KAFKA_CONFIG_SOURCE_DYNAMIC_TOPIC_CONFIG &&
            rd_kafka_ConfigEntry_value(c[i]) != NULL && !is_ours(t, rd_kafka_ConfigEntry_name(c[i])))
            rd_kafka_ConfigResource_set_config(r, rd_kafka_ConfigEntry_name(c[i]), rd_kafka_ConfigEntry_value(c[i]));
    for (size_t i = 0; i < t->config_count; i++)
        rd_kafka_ConfigResource_set_config(r, t->config[i].name, t->config[i].value);
    return r;
}

static void note_fixed(const rd_kafka_ConfigResource_t *r, struct topic_entry *t)
{
    if (t == NULL)
        return;
    if (rd_kafka_ConfigResource_error(r) != RD_KAFKA_RESP_ERR_NO_ERROR) {
        const char *why = rd_kafka_ConfigResource_error_string(r);
        t->state = TOPIC_FAILED;
        snprintf(t->why, sizeof(t->why), "%s", why != NULL ? why : "refused");
        return;
    }
    for (size_t i = 0; i < t->config_count; i++)
        snprintf(t->is[i], sizeof(t->is[i]), "%s", t->config[i].value);
    t->state = topic_judge(t) == TOPIC_OK ? TOPIC_FIXED : TOPIC_DIFFERS; /* partitions and replicas stay */
}

/* True when the broker says of all that were fixed what they were fixed to; or it does not say. */
static bool is_seen(struct admin *a, const struct topic_entry *t, size_t n)
{
    struct err ignored = {0};
    bool unsupported, seen = true;
    struct topic_entry *now = malloc(n * sizeof(*now));
    if (now == NULL)
        return true;
    memcpy(now, t, n * sizeof(*now));
    for (size_t i = 0; i < n; i++)
        now[i].state = t[i].state == TOPIC_FIXED ? TOPIC_THERE : t[i].state;
    if (admin_describe(a, now, n, &unsupported, &ignored) == 0)
        for (size_t i = 0; i < n; i++)
            seen = seen && (t[i].state != TOPIC_FIXED || now[i].state == TOPIC_OK);
    free(now);
    return seen;
}

/* The controller has taken it; a broker shows it only when it has heard of that, and who looks next asks a broker. */
static void await_seen(struct admin *a, const struct topic_entry *t, size_t n)
{
    int64_t end = clock_boot_ms() + a->timeout_ms;
    while (!is_seen(a, t, n) && clock_boot_ms() < end)
        (void)nanosleep(&(struct timespec){.tv_nsec = SEEN_AGAIN_MS * 1000000L}, NULL);
}

int admin_fix(struct admin *a, struct topic_entry *t, size_t n, struct err *reterr)
{
    rd_kafka_ConfigResource_t *changed[ENTRIES_MAX];
    size_t count = 0, known = 0;
    bool unsupported = false;
    if (a->described == NULL)
        return 0;
    const rd_kafka_ConfigResource_t **is =
        rd_kafka_DescribeConfigs_result_resources(rd_kafka_event_DescribeConfigs_result(a->described), &known);
    for (size_t i = 0; i < known && count < ENTRIES_MAX; i++) {
        const struct topic_entry *e = find_entry(t, n, rd_kafka_ConfigResource_name(is[i]));
        if (e != NULL && e->state == TOPIC_DIFFERS && config_is_wrong(e))
            changed[count++] = wanted_config(is[i], e);
    }
    if (count == 0)
        return 0;
    rd_kafka_AdminOptions_t *o = options_new(a, RD_KAFKA_ADMIN_OP_ALTERCONFIGS);
    rd_kafka_AlterConfigs(a->client->rk, changed, count, o, a->queue);
    rd_kafka_AdminOptions_destroy(o);
    rd_kafka_ConfigResource_destroy_array(changed, count);
    rd_kafka_event_t *ev = answer(a, "changing the topics' settings", &unsupported, reterr);
    if (ev == NULL)
        return -1;
    size_t results = 0;
    const rd_kafka_ConfigResource_t **r =
        rd_kafka_AlterConfigs_result_resources(rd_kafka_event_AlterConfigs_result(ev), &results);
    for (size_t i = 0; i < results; i++)
        note_fixed(r[i], find_entry(t, n, rd_kafka_ConfigResource_name(r[i])));
    rd_kafka_event_destroy(ev);
    await_seen(a, t, n);
    return 0;
}
