/* race_plan.c - threads run workflows of one bound pack while another loads it anew and hands the new plan over, as
 * SIGHUP does: every run asks and ends as it does alone, and a plan lives as long as a run that began with it. */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "contract/settings.h"
#include "engine/plan.h"
#include "support/race.h"
#include "support/race_vectors.h"
#include "workflow/run.h"

#define RUNNERS 4
#define ROUNDS 4
#define RELOADS 8
#define CALLS_MAX 20

/* What a worker owns alone. */
struct owned {
    struct event events[RACE_VECTORS_MAX];
    size_t n;
    json_t *record;
};

struct shared {
    const struct settings_provider *provider;
    const struct event_schemas *schemas;
    struct race_vectors vectors;
    char *want[RACE_VECTORS_MAX]; /* the trace of a run alone */
    _Atomic(struct plan *) next[RUNNERS]; /* a mailbox a runner: struct worker's next_plan */
    _Atomic int taken;
    _Atomic bool reloading;
};

static void add_request(struct buf *out, const struct call_request *q)
{
    buf_addf(out, "%s %s ", q->method, q->url);
    if (q->body != NULL)
        buf_add(out, q->body, q->body_len);
    buf_addc(out, '\n');
}

/* What the run asked for and how it ended; every call is answered alike. */
static void follow(struct run *r, struct buf *out)
{
    static const char body[] = "{\"status\":\"OK\",\"results\":true}";
    const struct call_reply reply = {.result = CALL_OK, .request_bytes = 1, .status = 200, .body = body,
                                     .body_len = sizeof(body) - 1, .content_type = "application/json",
                                     .retry_after_ms = -1};
    for (int i = 0; i < CALLS_MAX && (run_state(r) == RUN_CALL || run_state(r) == RUN_RETRY); i++) {
        add_request(out, run_request(r));
        run_reply(r, &reply);
    }
    if (run_state(r) == RUN_END)
        buf_addf(out, "=> %s %s", outcome_kind_name(run_result(r)->kind), run_result(r)->reason);
    else
        buf_addf(out, "=> state %d", (int)run_state(r));
}

/* The trace of event @i; the caller frees it. */
static char *trace(const struct owned *o, const struct plan *p, size_t i)
{
    const struct event *e = &o->events[i];
    const struct workflow *w = p->by_type[e->type];
    struct buf out;
    buf_init(&out, 256 * 1024);
    buf_addf(&out, "%s\n", event_type_name(e->type));
    if (w != NULL) {
        const struct run_inputs in = {.event = e->root, .data = e->data, .record = o->record, .key = e->key};
        struct run *r = run_new(p->bound, w, &in);
        race_need(r != NULL, "no memory");
        follow(r, &out);
        run_free(r);
    }
    return buf_steal(&out, NULL);
}

static struct owned *owned_new(const struct shared *s)
{
    struct owned *o = calloc(1, sizeof(*o));
    race_need(o != NULL, "no memory");
    o->record = json_pack("{s:s, s:s, s:s}", "login", "ann", "account_number", "77", "status", "active");
    for (; o->n < s->vectors.n; o->n++) {
        struct fault f;
        const struct event_message m = race_vectors_message(&s->vectors, o->n);
        race_need(event_decode(s->schemas, &m, &o->events[o->n], &f) == 0, "%s", s->vectors.text[o->n]);
    }
    return o;
}

static void owned_free(struct owned *o)
{
    for (size_t i = 0; i < o->n; i++)
        event_fini(&o->events[i]);
    json_decref(o->record);
    free(o);
}

static struct plan *load(const struct shared *s)
{
    struct err err = {.code = ERR_NONE};
    struct plan *p = plan_load(s->provider, NULL, &err);
    race_need(p != NULL, "%s", err.msg);
    return p;
}

/* Takes what lies in the mailbox, as a worker does at each turn. */
static void take_plan(struct shared *s, int thread, struct plan **mine)
{
    struct plan *next = atomic_exchange(&s->next[thread], NULL);
    if (next == NULL)
        return;
    plan_unref(*mine);
    *mine = next;
    atomic_fetch_add(&s->taken, 1);
}

static void run_events(struct shared *s, int thread)
{
    struct owned *o = owned_new(s);
    struct plan *mine = atomic_exchange(&s->next[thread], NULL);
    for (int round = 0; round < ROUNDS || atomic_load(&s->reloading); round++)
        for (size_t i = 0; i < o->n; i++) {
            size_t at = (i + (size_t)thread * 11) % o->n;
            struct plan *of_run = plan_ref(mine);
            take_plan(s, thread, &mine);
            char *got = trace(o, of_run, at);
            race_expect(got != NULL && strcmp(got, s->want[at]) == 0, "a run gave %s, alone %s", got, s->want[at]);
            free(got);
            plan_unref(of_run);
        }
    plan_unref(mine);
    owned_free(o);
}

static void reload(struct shared *s)
{
    for (int n = 0; n < RELOADS; n++) {
        struct plan *p = load(s);
        for (int i = 0; i < RUNNERS; i++)
            plan_unref(atomic_exchange(&s->next[i], plan_ref(p)));
        plan_unref(p);
    }
    atomic_store(&s->reloading, false);
}

static void run(void *arg, int thread)
{
    if (thread < RUNNERS)
        run_events(arg, thread);
    else
        reload(arg);
}

static void race(struct shared *s)
{
    struct plan *first = load(s);
    struct owned *o = owned_new(s);
    for (size_t i = 0; i < o->n; i++)
        s->want[i] = trace(o, first, i);
    owned_free(o);
    for (int i = 0; i < RUNNERS; i++)
        atomic_store(&s->next[i], plan_ref(first));
    plan_unref(first);
    race_run(RUNNERS + 1, run, s);
    for (int i = 0; i < RUNNERS; i++)
        plan_unref(atomic_exchange(&s->next[i], NULL));
}

/* How many of the traces reached the provider's API. */
static int count_calls(const struct shared *s)
{
    int n = 0;
    for (size_t i = 0; i < s->vectors.n; i++)
        n += strstr(s->want[i], "http") != NULL;
    return n;
}

int main(void)
{
    struct err err = {.code = ERR_NONE};
    struct settings *settings = settings_load(TVB_ROOT "/deploy/settings.example.yaml", &err);
    race_need(settings != NULL, "%s", err.msg);
    struct event_schemas *schemas = race_schemas();
    struct shared *s = calloc(1, sizeof(*s));
    race_need(s != NULL, "no memory");
    s->provider = &settings->providers[0];
    s->schemas = schemas;
    race_vectors_load(&s->vectors, "valid");
    atomic_store(&s->reloading, true);
    race(s);
    int calls = count_calls(s), taken = atomic_load(&s->taken);
    race_expect(calls > 20, "only %d of %zu events made a call", calls, s->vectors.n);
    race_expect(taken > 0, "no runner ever saw a new plan");
    int rc = race_end("%d threads ran %zu events at least %d times (%d of them with calls) while the pack was loaded "
                      "%d times more, and took over %d new plans",
                      RUNNERS, s->vectors.n, ROUNDS, calls, RELOADS, taken);
    for (size_t i = 0; i < s->vectors.n; i++)
        free(s->want[i]);
    race_vectors_fini(&s->vectors);
    free(s);
    event_schemas_free(schemas);
    settings_free(settings);
    return rc;
}
