/* serve_ask.c - /v1/entitlement: may this login watch, and what? Answered at once from what the records say, Kafka there or not.
 *
 * POST with a JSON object; GET with the same names in the query and without a password, where the provider's settings allow
 * that. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "entitlement.h"
#include "records_follow.h"
#include "serve.h"

#define AGAIN_MS 1000
#define TEXT_MAX 256 /* of a login, of a password: schemas/events/definitions.schema.json allows no more */

/* A provider that is asked about. */
struct asked {
    struct gateway *g;
    const struct settings_provider *provider; /* NULL: this one is not */
    struct entitlement *known;
    struct records_follow *follow;
    char told[300]; /* the last complaint */
};

struct serve_asks {
    size_t n;
    struct asked list[]; /* by place in the settings */
};

/* ---- records ---- */

static bool on_record(void *arg, int32_t partition, const struct event_message *m)
{
    struct asked *a = arg;
    return m->key == NULL ||
           entitlement_put(a->known, partition, m->key, m->key_len, m->value, m->value_len) == 0;
}

static void on_forget(void *arg, int32_t partition)
{
    entitlement_forget(((struct asked *)arg)->known, partition);
}

static void on_error(void *arg, const char *why)
{
    struct asked *a = arg;
    if (strcmp(a->told, why) == 0)
        return;
    snprintf(a->told, sizeof(a->told), "%s", why);
    if (!log_begin(a->g->log, LOG_LEVEL_WARN, "records_not_read"))
        return;
    log_str(a->g->log, "provider", a->provider->name);
    log_str(a->g->log, "error", why);
    log_end(a->g->log);
}

static int begin(struct asked *a, struct gateway *g, const struct settings_provider *p, struct err *reterr)
{
    a->g = g;
    a->provider = p;
    a->known = entitlement_new(p->name, p->password_key);
    if (a->known == NULL)
        return err_nomem(reterr);
    const struct records_follow_options o = {.loop = g->loop,
                                             .reader = g->reader,
                                             .settings = g->settings,
                                             .provider = p,
                                             .every_ms = g->settings->serve.records_every_ms,
                                             .message = on_record,
                                             .forget = on_forget,
                                             .error = on_error,
                                             .arg = a};
    a->follow = records_follow_new(&o, reterr);
    return a->follow != NULL ? 0 : -1;
}

struct serve_asks *serve_asks_new(struct gateway *g, struct err *reterr)
{
    const struct settings *s = g->settings;
    struct serve_asks *a = calloc(1, sizeof(*a) + s->provider_count * sizeof(a->list[0]));
    if (a == NULL) {
        err_nomem(reterr);
        return NULL;
    }
    a->n = s->provider_count;
    for (size_t i = 0; i < a->n; i++)
        if (s->providers[i].entitlement && begin(&a->list[i], g, &s->providers[i], reterr) != 0) {
            serve_asks_free(a);
            return NULL;
        }
    return a;
}

void serve_asks_free(struct serve_asks *a)
{
    if (a == NULL)
        return;
    for (size_t i = 0; i < a->n; i++) {
        records_follow_free(a->list[i].follow);
        entitlement_free(a->list[i].known);
    }
    free(a);
}

bool serve_asks_ready(const struct serve_asks *a, struct buf *ret_why)
{
    bool ready = true;
    for (size_t i = 0; i < a->n; i++) {
        if (a->list[i].provider == NULL || records_follow_age_ms(a->list[i].follow) >= 0)
            continue;
        buf_addf(ret_why, "%s: its records are not read yet\n", a->list[i].provider->name);
        ready = false;
    }
    return ready;
}

void serve_asks_measure(const struct serve_asks *a)
{
    for (size_t i = 0; i < a->n; i++) {
        const struct asked *one = &a->list[i];
        if (one->provider != NULL)
            serve_stats_records(one->g->stats, one->provider->name, (int64_t)entitlement_count(one->known),
                                records_follow_age_ms(one->follow));
    }
}

/* ---- a question ---- */

struct question {
    const char *provider, *login, *password; /* NULL: absent */
};

/* A member that is text; absent is as well. */
static int take_text(const char *name, const json_t *v, const char **ret, struct fault *ret_fault)
{
    char at[40];
    size_t n = json_string_length(v);
    snprintf(at, sizeof(at), "/%s", name);
    if (!json_is_string(v) || n == 0 || n > TEXT_MAX || strlen(json_string_value(v)) != n)
        return fault_set(ret_fault, at, "wanted a text of 1 to %d bytes", TEXT_MAX);
    *ret = json_string_value(v);
    return 0;
}

static int take_members(const json_t *root, struct question *ret, struct fault *ret_fault)
{
    const char *name;
    json_t *v;
    if (!json_is_object(root))
        return fault_set(ret_fault, "", "wanted an object with provider, login and password");
    json_object_foreach((json_t *)(uintptr_t)root, name, v) {
        const char **to = strcmp(name, "provider") == 0   ? &ret->provider
                          : strcmp(name, "login") == 0    ? &ret->login
                          : strcmp(name, "password") == 0 ? &ret->password
                                                          : NULL;
        if (to == NULL)
            return fault_set(ret_fault, "", "an unknown member: wanted provider, login and password");
        if (take_text(name, v, to, ret_fault) != 0)
            return -1;
    }
    return 0;
}

static int take_query(const struct serve_request *r, struct question *ret, struct fault *ret_fault)
{
    ret->provider = serve_request_query(r, "provider");
    ret->login = serve_request_query(r, "login");
    if (serve_request_query(r, "password") != NULL)
        return fault_set(ret_fault, "/password", "an address is written into logs: wanted POST");
    return 0;
}

/* The one that is named; of a key for one provider, that one. NULL: refused. */
static struct asked *provider_of(struct gateway *g, struct serve_request *r, const struct question *q)
{
    const struct serve_key *key = serve_route_key(r);
    const struct settings_provider *p = NULL;
    struct serve_faults faults = {0};
    struct fault fault;
    if (q->provider != NULL)
        p = settings_provider(g->settings, q->provider);
    else if (key->of->provider_count == 1)
        p = key->of->providers[0];
    if (p != NULL && serve_key_reaches(key, p) && p->entitlement)
        return &g->asks->list[gateway_provider_index(g, p)];
    if (p != NULL && !serve_key_reaches(key, p)) {
        serve_refuse(g, r, 403, "this key is not for that provider", NULL);
        return NULL;
    }
    fault_set(&fault, "/provider", q->provider == NULL ? "is missing" : "wanted a provider with `entitlement` in the gateway's settings");
    serve_faults_add(&faults, "", &fault);
    serve_refuse(g, r, 400, "the question is refused", &faults);
    return NULL;
}

static void answer(struct gateway *g, struct serve_request *r, const struct asked *a, const struct question *q)
{
    int64_t age_ms = records_follow_age_ms(a->follow);
    if (age_ms < 0) {
        serve_refuse_for_now(g, r, 503, "the records are not read yet", AGAIN_MS);
        return;
    }
    const struct entitlement_question of = {
        .login = q->login, .password = q->password, .now_real_ms = clock_real_ms(), .age_ms = age_ms};
    struct buf *out = serve_answer(r, 200, "application/json");
    enum entitlement_verdict v = entitlement_answer(a->known, &of, out);
    buf_addc(out, '\n');
    serve_stats_question(g->stats, gateway_provider_index(g, a->provider), v);
}

static void refuse_fault(struct gateway *g, struct serve_request *r, const struct fault *fault)
{
    struct serve_faults faults = {0};
    serve_faults_add(&faults, "", fault);
    serve_refuse(g, r, 400, "the question is refused", &faults);
}

static void ask(struct gateway *g, struct serve_request *r, const struct question *q)
{
    struct fault fault;
    const struct asked *a = provider_of(g, r, q);
    if (a == NULL)
        return;
    if (q->login == NULL || q->login[0] == '\0') {
        fault_set(&fault, "/login", "is missing");
        refuse_fault(g, r, &fault);
    } else if (q->password == NULL && !a->provider->entitlement_without_password) {
        serve_refuse(g, r, 403, "without a password nobody is told at this provider (entitlement.without_password)", NULL);
    } else {
        answer(g, r, a, q);
    }
}

void serve_asks_whole(struct gateway *g, struct serve_request *r)
{
    size_t len;
    struct question q = {0};
    struct fault fault;
    json_t *root = NULL;
    const char *body = serve_request_body(r, &len);
    int rc;
    serve_key_spend(serve_route_key(r), 1, loop_now_ms(g->loop));
    if (strcmp(serve_request_method(r), "POST") == 0) {
        root = json_parse_strict(body, len, &fault);
        rc = root != NULL ? take_members(root, &q, &fault) : -1;
    } else {
        rc = take_query(r, &q, &fault);
    }
    if (rc == 0)
        ask(g, r, &q);
    else
        refuse_fault(g, r, &fault);
    json_decref(root);
}
