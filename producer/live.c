/* live.c - the platform: its pack and address, the slots and the pace of calls, the session token. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "live_parts.h"
#include "play_report.h"

#define ERRANDS_MAX 16       /* handles kept beyond the limit */
#define SECRET "tvbridge"    /* where the settings have none: keys then differ by event and step alone */

/* ---- slots ---- */

static void pump(struct live *l)
{
    while (l->first_waiting != NULL && limit_take(&l->limit, loop_now_ms(l->loop))) {
        struct live_run *r = l->first_waiting;
        l->first_waiting = r->next_waiting;
        if (l->first_waiting == NULL)
            l->last_waiting = &l->first_waiting;
        live_run_send(r);
    }
    int64_t wait = limit_wait_ms(&l->limit, loop_now_ms(l->loop));
    if (l->first_waiting != NULL && wait > 0)
        loop_timer_start(l->timer, wait);
}

static void on_timer(void *arg)
{
    pump(arg);
}

void live_want_slot(struct live_run *r)
{
    struct live *l = r->live;
    r->next_waiting = NULL;
    *l->last_waiting = r;
    l->last_waiting = &r->next_waiting;
    pump(l);
}

void live_slot_back(struct live *l)
{
    limit_give(&l->limit);
    loop_timer_start(l->timer, 0); /* not from inside whoever gives it back */
}

/* ---- the session token ---- */

static void forget_token(struct live *l)
{
    if (l->token != NULL)
        explicit_bzero(l->token, strlen(l->token));
    free(l->token);
    l->token = NULL;
}

const char *live_token(const struct live *l)
{
    bool old = l->token_until_ms != 0 && loop_now_ms(l->loop) >= l->token_until_ms;
    return old ? NULL : l->token;
}

static void take_token(struct live *l, const struct run_result *x)
{
    forget_token(l);
    l->token = strdup(x->token);
    int64_t life = run_token_use_ms(x);
    l->token_until_ms = life > 0 ? loop_now_ms(l->loop) + life : 0;
}

/* All that wait go on, or end as the login did. */
static void tell_waiters(struct live *l, const struct live_end *end)
{
    struct live_run *next;
    for (struct live_run *r = l->runs; r != NULL; r = next) {
        next = r->next; /* an end takes it off the list, and none before it */
        if (!r->waits_for_token)
            continue;
        r->waits_for_token = false;
        if (l->token == NULL) {
            live_run_end(r, end->state == LIVE_ENDED ? LIVE_NOT_LET_IN : end->state, end->reason, end->detail);
            continue;
        }
        run_set_token(r->run, l->token);
        live_run_go_on(r);
    }
}

static void on_login(void *arg, struct live_end *end)
{
    struct live *l = arg;
    const struct run_result *x = end->state == LIVE_ENDED ? run_result(l->login->run) : NULL;
    if (x != NULL && x->token != NULL)
        take_token(l, x);
    l->login = NULL;
    tell_waiters(l, end);
}

void live_need_token(struct live_run *r)
{
    struct live *l = r->live;
    const struct workflow *w = pack_workflow(l->pack, "authenticate");
    const char *used = run_token(r->run), *known = live_token(l);
    if (w == NULL) {
        live_run_end(r, LIVE_NOT_LET_IN, "unauthorized", "");
        return;
    }
    if (known != NULL && (used == NULL || strcmp(used, known) != 0)) {
        run_set_token(r->run, known);
        live_run_go_on(r);
        return;
    }
    forget_token(l); /* none, ended, or refused */
    r->waits_for_token = true;
    if (l->login != NULL)
        return;
    const struct live_inputs in = {.type = "authenticate"};
    l->login = live_run_new(l, w, &in, on_login, l);
    if (l->login == NULL) {
        r->waits_for_token = false;
        live_run_end(r, LIVE_GAVE_UP, "out_of_memory", "");
        return;
    }
    l->login->asked_for = true;
    l->login->report = json_incref(r->report);
}

/* ---- what is at work ---- */

uint32_t live_random(struct live *l)
{
    l->random = l->random * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(l->random >> 32);
}

int live_start(struct live *l, const struct live_inputs *in, live_done_fn *done, void *arg, struct err *reterr)
{
    const struct workflow *w = pack_workflow(l->pack, in->type);
    if (w == NULL)
        return pack_say_no_workflow(in->type, reterr);
    if (live_run_new(l, w, in, done, arg) == NULL)
        return err_nomem(reterr);
    l->at_work++;
    return 0;
}

void live_run_retire(struct live_run *r)
{
    struct live *l = r->live;
    *(r->prev != NULL ? &r->prev->next : &l->runs) = r->next;
    if (r->next != NULL)
        r->next->prev = r->prev;
    loop_defer(l->loop, live_run_free, r);
    if (!r->asked_for && --l->at_work == 0)
        loop_stop(l->loop);
}

void live_wait(struct live *l)
{
    l->stopped = false;
    while (l->at_work > 0 && !l->stopped)
        loop_run(l->loop);
}

void live_stop(struct live *l)
{
    l->stopped = true;
    loop_stop(l->loop);
}

unsigned live_at_work(const struct live *l)
{
    return l->at_work;
}

struct player {
    struct live *live;
    struct live_end *end;
    bool done;
};

static void on_played(void *arg, struct live_end *end)
{
    struct player *p = arg;
    *p->end = *end;
    end->outputs = end->record = end->report = NULL;
    p->done = true;
    loop_stop(p->live->loop);
}

int live_play(struct live *l, const struct live_inputs *in, struct live_end *ret, struct err *reterr)
{
    struct player p = {.live = l, .end = ret};
    if (live_start(l, in, on_played, &p, reterr) != 0)
        return -1;
    while (!p.done)
        loop_run(l->loop);
    return 0;
}

void live_end_fini(struct live_end *e)
{
    json_decref(e->outputs);
    json_decref(e->record);
    json_decref(e->report);
    e->outputs = e->record = e->report = NULL;
}

const char *live_state_name(enum live_state s)
{
    switch (s) {
    case LIVE_ENDED:
        return "end";
    case LIVE_IN_DOUBT:
        return "in doubt";
    case LIVE_GAVE_UP:
        return "gave up";
    case LIVE_NOT_LET_IN:
        return "credentials refused";
    }
    return "";
}

/* ---- birth and death ---- */

/* Each of our credentials, so that the same of several schemes are shown as are used. */
static json_t *hidden_credentials(const json_t *ours)
{
    json_t *all = ours == NULL ? json_object() : json_deep_copy(ours);
    const char *scheme, *part;
    json_t *parts, *value;
    bool whole = all != NULL;
    json_object_foreach(all, scheme, parts)
        json_object_foreach(parts, part, value)
            whole = json_object_set_new(parts, part, json_string(PLAY_HIDDEN)) == 0 && whole;
    if (whole)
        return all;
    json_decref(all);
    return NULL;
}

static int load(struct live *l, struct err *reterr)
{
    const struct settings_provider *sp = l->sp;
    const char *secret = sp->idempotency_secret != NULL ? sp->idempotency_secret : SECRET;
    struct pack_faults faults;
    l->pack = pack_load(sp->pack_dir, &faults);
    int rc = l->pack == NULL ? pack_faults_say(&faults, reterr) : 0;
    pack_faults_fini(&faults);
    if (rc != 0)
        return rc;
    l->bound = pack_bind(l->pack, sp->base_url, sp->credentials, sp->settings, secret, reterr);
    if (l->bound == NULL)
        return -1;
    json_t *hidden = hidden_credentials(sp->credentials);
    if (hidden == NULL)
        return err_nomem(reterr);
    l->shown = pack_bind(l->pack, sp->base_url, hidden, sp->settings, secret, reterr);
    json_decref(hidden);
    return l->shown == NULL ? -1 : 0;
}

static int connect_to(struct live *l, struct err *reterr)
{
    const struct settings_provider *sp = l->sp;
    const struct http_options o = {
        .max_in_flight = sp->limits.in_flight + ERRANDS_MAX,
        .connect_ms = sp->numbers.connect_ms,
        .request_ms = sp->numbers.request_ms,
        .answer_max_bytes = sp->limits.answer_max_bytes,
        .proxy = sp->proxy,
        .ca_file = sp->ca_file,
        .tls_verify = sp->tls_verify,
        .user_agent = "tvbridge",
    };
    l->loop = loop_new(reterr);
    l->http = l->loop == NULL ? NULL : http_new(l->loop, &o, reterr);
    l->timer = l->http == NULL ? NULL : loop_timer_new(l->loop, on_timer, l, reterr);
    if (l->timer == NULL)
        return -1;
    limit_set(&l->limit, sp->limits.in_flight, sp->limits.rate_per_s, sp->limits.burst, 1, 1, loop_now_ms(l->loop));
    return 0;
}

struct live *live_open(const struct settings_provider *sp, struct err *reterr)
{
    struct live *l = calloc(1, sizeof(*l));
    if (l == NULL) {
        err_nomem(reterr);
        return NULL;
    }
    l->sp = sp;
    l->last_waiting = &l->first_waiting;
    l->random = (uint64_t)clock_mono_ns() * 2654435761u + 1;
    if (load(l, reterr) == 0 && connect_to(l, reterr) == 0)
        return l;
    live_close(l);
    return NULL;
}

void live_close(struct live *l)
{
    if (l == NULL)
        return;
    http_free(l->http);
    while (l->runs != NULL) {
        struct live_run *r = l->runs;
        l->runs = r->next;
        live_run_free(r);
    }
    loop_timer_free(l->timer);
    loop_free(l->loop);
    forget_token(l);
    bound_pack_free(l->bound);
    bound_pack_free(l->shown);
    pack_free(l->pack);
    free(l);
}

const struct pack *live_pack(const struct live *l)
{
    return l->pack;
}

void live_never_wait(struct live *l)
{
    l->never_wait = true;
    l->limit.rate_per_s = 0;
}
