/* dates.c - what is not to be done yet, and what is to be undone one day. RELIABILITY.md section 5.
 *
 * For a platform that takes no dates the pack says so (x-dates). An event that begins later (or bears `notbefore`) is set aside
 * until then, unsent; a newer one that covers it supersedes it. What an applied event implies for a later day, that a package
 * ends, is an event of its own: written to the events topic together with the outcome, acknowledged before the offset settles, with
 * an id that is a function of the first one's, so that twice is once. Its order stands just above the first one's: whatever billing
 * sends meanwhile on the same axis passes it or makes it stale, so a package that was prolonged is not taken away. */
#include <stdio.h>
#include <string.h>

#include "contract/json.h"
#include "engine/state.h"

enum { ENDS_MAX = 999 };

/* ---- not yet ---- */

static bool wait_until(struct worker *w, struct job *j, int64_t at_ms)
{
    int64_t ms = at_ms - clock_real_ms();
    if (ms <= 0)
        return false;
    if (j->state != JOB_CALLING)
        job_go(w, j, JOB_CALLING);
    call_put_off(w, j, ENTRY_FOR_DATE, ms);
    return true;
}

/* One in doubt waits, too: nobody sends it before. */
static bool may_go_early(const struct job *j)
{
    return j->released || j->act != PARK_NO_ACT;
}

bool dates_event_waits(struct worker *w, struct job *j)
{
    return !may_go_early(j) && wait_until(w, j, j->work->event.not_before_ms);
}

bool dates_pack_waits(struct worker *w, struct job *j)
{
    int64_t at = 0;
    if (may_go_early(j))
        return false;
    if (!run_begins(j->work->run, clock_real_ms(), &at)) {
        call_advance(w, j); /* to its end: the event is refused */
        return true;
    }
    return !run_is_out_of_memory(j->work->run) && wait_until(w, j, at);
}

/* ---- one day ---- */

static json_t *make_end(const struct job *j, const json_t *end, const char *type, size_t n)
{
    const struct event *e = &j->work->event;
    char id[80], when[CLOCK_RFC3339_SIZE], basis[BASIS_TEXT_SIZE];
    struct basis b = {.by = event_order_by(e), .step = (unsigned)n + 1};
    if (order_parse(j->work->order, &b.order) != 0)
        return NULL;
    basis_format(&b, basis);
    snprintf(id, sizeof(id), "ends/%.32s/%zu", e->key, n + 1);
    clock_format_rfc3339(json_integer_value(json_object_get(end, "at_ms")), when);
    return json_pack("{s:s, s:s, s:s, s:s+, s:s, s:s, s:s, s:s, s:O}", "specversion", "1.0", "id", id, "source", e->source, "type",
                     EVENT_TYPE_PREFIX, type, "subject", e->service, "provider", e->provider, "basis", basis, "notbefore", when, "data",
                     json_object_get(end, "data"));
}

/* A function of the event: the run may be gone, or its outcome come from Redis. NULL: no memory. */
static json_t *ends_of(struct worker *w, const struct job *j, const struct workflow *wf, const char **ret_type)
{
    const struct event *e = &j->work->event;
    struct run_inputs in = {.event = e->root, .data = e->data, .key = e->key};
    struct run *r = run_new(w->plan->bound, wf, &in);
    json_t *ends = r != NULL ? run_ends(r) : NULL;
    *ret_type = r != NULL ? run_ends_type(r) : NULL;
    run_free(r);
    return ends;
}

bool dates_send_ends(struct worker *w, struct job *j, producer_ack_fn *fn)
{
    const struct work *k = j->work;
    const struct workflow *wf = k->decoded && k->outcome.kind == OUTCOME_APPLIED ? w->plan->by_type[k->event.type] : NULL;
    if (wf == NULL || !workflow_implies(wf))
        return true;
    const char *type;
    json_t *ends = ends_of(w, j, wf, &type), *end;
    bool sent = ends != NULL;
    size_t i;
    json_array_foreach(ends, i, end) {
        json_t *event = sent && i < ENDS_MAX ? make_end(j, end, type, i) : NULL;
        sent = sent && event != NULL && publish_event(w, j, event, fn);
        json_decref(event);
    }
    json_decref(ends);
    return sent;
}
