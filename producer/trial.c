#include "trial.h"

#include "base/clock.h"
#include "play_report.h"
#include "workflow/run.h"

int trial_pack_load(struct trial_pack *ret, const char *dir, const char *base_url, const json_t *settings,
                    struct err *reterr)
{
    struct pack_faults faults;
    *ret = (struct trial_pack){.pack = pack_load(dir, &faults)};
    int rc = ret->pack == NULL ? pack_faults_say(&faults, reterr) : 0;
    pack_faults_fini(&faults);
    if (rc != 0)
        return rc;
    json_t *credentials = pack_credentials(ret->pack, PLAY_HIDDEN);
    ret->bound = pack_bind(ret->pack, base_url, credentials, settings, PLAY_HIDDEN, reterr);
    json_decref(credentials);
    return ret->bound == NULL ? -1 : 0;
}

void trial_pack_fini(struct trial_pack *p)
{
    bound_pack_free(p->bound);
    pack_free(p->pack);
    *p = (struct trial_pack){0};
}

/* --- the run --- */

struct trial {
    const struct trial_inputs *in;
    size_t next_reply;
    json_t *report;
    json_t *call; /* the last one, in the report */
};

static void note(struct trial *t, const char *key, json_t *v)
{
    json_object_set_new(t->call, key, v);
}

/* What the worker writes before it sends the next request. */
static void note_kept(struct trial *t, struct run *r)
{
    if (run_kept(r) == NULL)
        return;
    note(t, "remembered", json_deep_copy(run_kept(r)));
    run_kept_done(r);
}

/* Shows the present request and gives the next reply. False: there is none left. */
static bool one_call(struct trial *t, struct run *r)
{
    t->call = play_report_call(t->report, r, run_request(r));
    if (t->next_reply == t->in->reply_count)
        return false;
    const struct call_reply *reply = &t->in->replies[t->next_reply++].reply;
    note(t, "status", json_integer(reply->status));
    run_reply(r, reply);
    note_kept(t, r);
    if (run_state(r) == RUN_RETRY)
        note(t, "again_after_ms", json_integer(run_retry_after_ms(r)));
    return true;
}

/* x-dates: until when the worker lets it wait. Times that are none end the run, as they do there. */
static void note_begin(struct trial *t, struct run *r)
{
    int64_t at = 0;
    if (run_begins(r, clock_real_ms(), &at) && at != 0)
        play_report_wait(t->report, at);
}

/* x-dates: what is left to events of its own. */
static void note_later(struct trial *t, const struct run *r)
{
    for (size_t i = 0; i < json_array_size(run_later(r)) && outcome_kind_moves_record(run_result(r)->kind); i++) {
        const json_t *one = json_array_get(run_later(r), i);
        play_report_later(t->report, run_later_type(r), json_integer_value(json_object_get(one, "at_ms")), json_object_get(one, "data"));
    }
}

/* x-dates: what an applied event implies for later. */
static void note_ends(struct trial *t, struct run *r)
{
    if (run_ends_type(r) == NULL || run_result(r)->kind != OUTCOME_APPLIED)
        return;
    json_t *ends = run_ends(r), *end;
    size_t i;
    json_array_foreach(ends, i, end)
        play_report_later(t->report, run_ends_type(r), json_integer_value(json_object_get(end, "at_ms")), json_object_get(end, "data"));
    json_decref(ends);
}

/* True: go on. */
static bool go_on(struct trial *t, struct run *r)
{
    switch (run_state(r)) {
    case RUN_CALL:
    case RUN_RETRY:
        if (one_call(t, r))
            return true;
        play_report_state(t->report, "waits for a reply", run_step(r));
        return false;
    case RUN_TOKEN:
        json_object_set_new(t->report, "session_token", json_string("the workflow authenticate would fetch one first"));
        run_set_token(r, PLAY_HIDDEN);
        return true;
    case RUN_UNKNOWN:
        play_report_state(t->report, "unknown answer", run_step(r));
        json_object_set_new(t->report, "judged_status", json_integer(run_judged_status(r)));
        return false;
    case RUN_END:
        play_report_result(t->report, run_result(r));
        note_later(t, r);
        note_ends(t, r);
        return false;
    }
    return false;
}

static struct run *start(const struct trial_pack *p, const struct workflow *w, const struct trial_inputs *in)
{
    const struct run_inputs inputs = {.event = in->event, .data = in->data, .record = in->record, .key = in->key, .came_ms = in->came_ms};
    if (in->steps != NULL)
        return run_restore(p->bound, w, &inputs, in->steps, in->steps_len);
    return run_new(p->bound, w, &inputs);
}

json_t *trial_run(const struct trial_pack *p, const struct trial_inputs *in, size_t *ret_used, struct err *reterr)
{
    const struct workflow *w = pack_workflow(p->pack, in->type);
    if (w == NULL) {
        pack_say_no_workflow(in->type, reterr);
        return NULL;
    }
    struct run *r = start(p, w, in);
    struct trial t = {.in = in, .report = play_report_new(w)};
    if (r == NULL || t.report == NULL) {
        run_free(r);
        json_decref(t.report);
        if (in->steps != NULL)
            err_set(reterr, ERR_INVAL, "the steps done so far do not fit the pack's workflow `%s`", in->type);
        else
            err_nomem(reterr);
        return NULL;
    }
    if (in->steps == NULL)
        note_begin(&t, r);
    if (in->step_done && run_state(r) == RUN_CALL)
        run_step_done(r);
    while (go_on(&t, r))
        ;
    run_free(r);
    if (ret_used != NULL)
        *ret_used = t.next_reply;
    return t.report;
}
