/* dates.c - what is not to be done yet, and what is to be undone one day. RELIABILITY.md section 5.
 *
 * For a platform that takes no dates the pack says so (x-dates). An event that begins later (or bears `notbefore`) is set aside
 * until then, unsent; a newer one that covers it supersedes it. What an applied event implies for a later day, that a package
 * ends, or that one of those that a new account is to have begins, is an event of its own: written to the events topic together with the
 * outcome, acknowledged before the offset settles, with an id that is a function of the first one's, so that twice is once. Its order
 * stands just above the first one's: whatever billing sends meanwhile on the same axis passes it or makes it stale, so a package that was
 * prolonged is not taken away. */
#include <stdio.h>
#include <string.h>

#include "contract/json.h"
#include "engine/dates.h"

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

/* An event that is made of another one. */
struct implied {
    const char *word, *type; /* of its id; without prefix */
    size_t n;                /* of its kind, from 1 */
    unsigned step;           /* how far above the other it stands */
    const json_t *at_ms;
    json_t *data;
};

static json_t *make_event(const struct job *j, const struct implied *m)
{
    const struct event *e = &j->work->event;
    char id[80], when[CLOCK_RFC3339_SIZE], basis[BASIS_TEXT_SIZE];
    struct basis b = {.by = event_order_by(e), .step = m->step};
    if (order_parse(j->work->order, &b.order) != 0)
        return NULL;
    basis_format(&b, basis);
    snprintf(id, sizeof(id), "%s/%.32s/%zu", m->word, e->key, m->n);
    clock_format_rfc3339(json_integer_value(m->at_ms), when);
    return json_pack("{s:s, s:s, s:s, s:s+, s:s, s:s, s:s, s:s, s:O}", "specversion", "1.0", "id", id, "source", e->source, "type",
                     EVENT_TYPE_PREFIX, m->type, "subject", e->service, "provider", e->provider, "basis", basis, "notbefore", when, "data",
                     m->data);
}

static bool send_event(struct worker *w, struct job *j, const struct implied *m, producer_ack_fn *fn)
{
    json_t *event = m->step <= BASIS_STEP_MAX ? make_event(j, m) : NULL;
    bool sent = event != NULL && publish_event(w, j, event, fn);
    json_decref(event);
    return sent;
}

/* What it brought comes to an end. */
static bool send_ends(struct worker *w, struct job *j, const struct run *r, const json_t *ends, producer_ack_fn *fn)
{
    bool sent = true;
    for (size_t i = 0; sent && i < json_array_size(ends); i++) {
        const json_t *one = json_array_get(ends, i);
        const struct implied m = {.word = "ends", .type = run_ends_type(r), .n = i + 1, .step = (unsigned)i + 1,
                                  .at_ms = json_object_get(one, "at_ms"), .data = json_object_get(one, "data")};
        sent = send_event(w, j, &m, fn);
    }
    return sent;
}

/* What it is to bring on another day, each by an event of its own, above the @ends. They are together no more than what one event may
 * touch: what is made from the record afterwards stands above them all (known_basis()). */
static bool send_later(struct worker *w, struct job *j, const struct run *r, size_t ends, producer_ack_fn *fn)
{
    const json_t *later = run_later(r);
    bool sent = true;
    for (size_t i = 0; sent && i < json_array_size(later); i++) {
        const json_t *one = json_array_get(later, i);
        const struct implied m = {.word = "begins", .type = run_later_type(r), .step = (unsigned)(ends + i + 1),
                                  .n = (size_t)json_integer_value(json_object_get(one, "n")) + 1,
                                  .at_ms = json_object_get(one, "at_ms"), .data = json_object_get(one, "data")};
        sent = send_event(w, j, &m, fn);
    }
    return sent;
}

/* A function of the event and of when it came: the run that did it may be gone, or its outcome come from Redis. NULL: no memory. */
static struct run *run_of(struct worker *w, const struct job *j, const struct workflow *wf)
{
    const struct event *e = &j->work->event;
    struct run_inputs in = {.event = e->root, .data = e->data, .key = e->key, .came_ms = j->came_ms};
    struct run *r = run_new(w->plan->bound, wf, &in);
    if (r == NULL || !run_is_out_of_memory(r))
        return r;
    run_free(r);
    return NULL;
}

bool dates_send_implied(struct worker *w, struct job *j, producer_ack_fn *fn)
{
    const struct work *k = j->work;
    const struct workflow *wf = k->decoded && outcome_kind_moves_record(k->outcome.kind) ? w->plan->by_type[k->event.type] : NULL;
    bool applied = k->outcome.kind == OUTCOME_APPLIED;
    if (wf == NULL || !(workflow_defers(wf) || (workflow_implies(wf) && applied)))
        return true;
    struct run *r = run_of(w, j, wf);
    json_t *ends = r != NULL ? run_ends(r) : NULL;
    bool sent = ends != NULL && (!applied || send_ends(w, j, r, ends, fn)) && send_later(w, j, r, json_array_size(ends), fn);
    json_decref(ends);
    run_free(r);
    return sent;
}
