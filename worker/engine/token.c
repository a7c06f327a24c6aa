/* token.c - session tokens, fetched once for all jobs that need one; and whether our credentials are good at all. */
#include <stdlib.h>
#include <string.h>

#include "engine/state.h"

#define PROBE_AGAIN_MS 10000
#define LOGIN_AGAIN_MS 1000        /* without memory to log in */

bool token_valid(const struct worker *w)
{
    return w->token != NULL && (w->token_until_ms == 0 || loop_now_ms(w->loop) < w->token_until_ms);
}

void token_forget(struct worker *w)
{
    if (w->token != NULL)
        explicit_bzero(w->token, strlen(w->token));
    free(w->token);
    w->token = NULL;
}

static void token_take(struct worker *w, const struct run_result *r)
{
    token_forget(w);
    w->token = strdup(r->token);
    int64_t life = run_token_use_ms(r);
    w->token_until_ms = life > 0 ? loop_now_ms(w->loop) + life : 0;
}

/* The waiters' list is emptied first: going on may put a job into it again. Without a token they go back to their
 * lanes, which start nothing while the limit is paused: a login that fails is no event's fault. */
static void waiters_go_on(struct worker *w)
{
    struct job **waiters = w->token_waiters;
    size_t n = w->token_waiter_count;
    w->token_waiters = NULL;
    w->token_waiter_count = w->token_waiter_cap = 0;
    for (size_t i = 0; i < n; i++) {
        struct job *j = waiters[i];
        if (j == NULL)
            continue;
        if (w->token == NULL) {
            job_wait(w, j, LOGIN_AGAIN_MS, false);
            continue;
        }
        run_set_token(j->work->run, w->token);
        call_advance(w, j);
    }
    free(waiters);
}

static void log_failure(struct worker *w, const char *event, const char *why, int64_t retry_in_ms)
{
    if (!log_begin(w->log, LOG_LEVEL_ERROR, event))
        return;
    log_str(w->log, "error", why);
    log_int(w->log, "retry_in_ms", retry_in_ms);
    log_end(w->log);
}

static void credentials_good(struct worker *w);
static void credentials_refused(struct worker *w, const char *event, const char *why);

static void on_token(struct worker *w, void *arg, const struct run_result *result, const char *why)
{
    (void)arg;
    w->auth_errand = NULL;
    if (result != NULL && result->token != NULL) {
        token_take(w, result);
        credentials_good(w);
    } else {
        credentials_refused(w, "login_failed", result != NULL ? "the login's answer held no token" : why);
    }
    waiters_go_on(w);
}

static void login(struct worker *w, struct plan *plan)
{
    struct run_inputs in = {0};
    token_forget(w); /* none, ended, or refused */
    if (w->auth_errand == NULL)
        w->auth_errand = errand_start(w, plan, plan->authenticate, &in, on_token, NULL);
}

static int waiters_add(struct worker *w, struct job *j)
{
    if (w->token_waiter_count == w->token_waiter_cap) {
        size_t cap = w->token_waiter_cap == 0 ? 16 : 2 * w->token_waiter_cap;
        struct job **more = realloc(w->token_waiters, cap * sizeof(struct job *));
        if (more == NULL)
            return -1;
        w->token_waiters = more;
        w->token_waiter_cap = cap;
    }
    w->token_waiters[w->token_waiter_count++] = j;
    return 0;
}

/* Another job has fetched a newer one since this one's request left. */
static bool has_newer(const struct worker *w, const struct job *j)
{
    const char *used = run_token(j->work->run);
    return token_valid(w) && (used == NULL || strcmp(used, w->token) != 0);
}

void token_need(struct worker *w, struct job *j)
{
    struct plan *plan = j->work->plan;
    if (plan->authenticate == NULL) {
        credentials_doubt(w, j);
        return;
    }
    if (has_newer(w, j)) {
        run_set_token(j->work->run, w->token);
        call_advance(w, j);
        return;
    }
    if (waiters_add(w, j) != 0) {
        job_wait(w, j, LOGIN_AGAIN_MS, false);
        return;
    }
    login(w, plan);
    if (w->auth_errand == NULL)
        waiters_go_on(w); /* no memory */
}

void token_forget_job(struct worker *w, const struct job *j)
{
    for (size_t i = 0; i < w->token_waiter_count; i++)
        if (w->token_waiters[i] == j)
            w->token_waiters[i] = NULL;
}

/* ---- credentials ---- */

static void credentials_set(struct worker *w, bool bad)
{
    w->credentials_bad = bad;
    atomic_store_explicit(&w->is_provider_ok, !bad, memory_order_relaxed);
    telemetry_gauge(w->tel, GAUGE_PROVIDER_OK, !bad);
}

static void credentials_good(struct worker *w)
{
    if (!w->credentials_bad)
        return;
    if (log_begin(w->log, LOG_LEVEL_INFO, "provider_resumed"))
        log_end(w->log);
    credentials_set(w, false);
    w->limit.paused_until_ms = 0;
}

static void credentials_refused(struct worker *w, const char *event, const char *why)
{
    credentials_set(w, true);
    w->probe_at_ms = loop_now_ms(w->loop) + PROBE_AGAIN_MS;
    limit_pause(&w->limit, w->probe_at_ms + PROBE_AGAIN_MS);
    log_failure(w, event, why, PROBE_AGAIN_MS);
}

static void on_probe(struct worker *w, void *arg, const struct run_result *result, const char *why)
{
    (void)arg;
    w->probe_errand = NULL;
    if (result == NULL) {
        credentials_refused(w, "provider_paused", why);
        return;
    }
    credentials_good(w);
    w->limit.paused_until_ms = 0;
}

static void probe(struct worker *w)
{
    struct run_inputs in = {.token = token_valid(w) ? w->token : NULL};
    if (w->probe_errand == NULL)
        w->probe_errand = errand_start(w, w->plan, w->plan->probe, &in, on_probe, NULL);
    /* Nothing starts until the probe has said whether it is us; it has a deadline of its own. */
    limit_pause(&w->limit, loop_now_ms(w->loop) + w->numbers->request_ms + PROBE_AGAIN_MS);
}

static uint64_t ask_bit(uint64_t asked)
{
    return UINT64_C(1) << (asked % 64);
}

static void on_asked(struct worker *w, void *arg, const struct run_result *result, const char *why)
{
    (void)arg;
    (void)why;
    w->ask_errand = NULL;
    if (result != NULL)
        w->ask_answers |= ask_bit(w->asks);
}

bool provider_ask(struct worker *w, uint64_t *ret_asked)
{
    if (w->plan->probe == NULL)
        return false;
    struct run_inputs in = {.token = token_valid(w) ? w->token : NULL};
    if (w->ask_errand == NULL) {
        w->asks++;
        w->ask_answers &= ~ask_bit(w->asks);
        w->ask_errand = errand_start(w, w->plan, w->plan->probe, &in, on_asked, NULL);
    }
    *ret_asked = w->asks;
    return true;
}

bool provider_answered(const struct worker *w, uint64_t asked)
{
    return w->asks - asked < 64 && (w->ask_answers & ask_bit(asked)) != 0;
}

void credentials_doubt(struct worker *w, struct job *j)
{
    struct work *k = j->work;
    if (j->auth_checked || w->plan->probe == NULL) {
        decide_refused(w, j, "unauthorized", "the platform refuses this account, and takes our credentials");
        return;
    }
    j->auth_checked = true;
    probe(w);
    if (!k->changed && !j->doubt)
        call_release(w, j);
    job_wait(w, j, 0, false); /* back to its lane: taken again once the limit is open */
}

/* While the credentials are bad, the platform is asked again and again; no event pays for it. */
void credentials_tick(struct worker *w)
{
    if (!w->credentials_bad || loop_now_ms(w->loop) < w->probe_at_ms)
        return;
    if (w->plan->authenticate != NULL && !token_valid(w))
        login(w, w->plan);
    else if (w->plan->probe != NULL)
        probe(w);
    else
        credentials_good(w); /* another pack was loaded: its first call shows */
    w->probe_at_ms = loop_now_ms(w->loop) + PROBE_AGAIN_MS;
}

void token_fini(struct worker *w)
{
    errand_cancel(w->auth_errand);
    errand_cancel(w->probe_errand);
    errand_cancel(w->ask_errand);
    w->auth_errand = w->probe_errand = w->ask_errand = NULL;
    token_forget(w);
    free(w->token_waiters);
    w->token_waiters = NULL;
    w->token_waiter_count = w->token_waiter_cap = 0;
}
