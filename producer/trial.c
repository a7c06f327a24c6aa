#include "trial.h"

#include <string.h>
#include <strings.h>

#include "workflow/run.h"

#define HIDDEN "***"

int trial_pack_load(struct trial_pack *ret, const char *dir, const char *base_url, const json_t *settings,
                    struct err *reterr)
{
    struct pack_faults faults;
    *ret = (struct trial_pack){.pack = pack_load(dir, &faults)};
    int rc = ret->pack == NULL ? pack_faults_say(&faults, reterr) : 0;
    pack_faults_fini(&faults);
    if (rc != 0)
        return rc;
    json_t *credentials = pack_credentials(ret->pack, HIDDEN);
    ret->bound = pack_bind(ret->pack, base_url, credentials, settings, HIDDEN, reterr);
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
    json_t *calls, *report;
};

/* "Basic Kioq..." would look like a real one. */
static const char *shown(const struct call_header *h)
{
    bool basic = strcasecmp(h->name, "Authorization") == 0 && strncmp(h->value, "Basic ", 6) == 0;
    return basic ? "Basic " HIDDEN : h->value;
}

static void note_call(struct trial *t, const struct run *r, const struct call_request *q)
{
    json_t *headers = json_array();
    for (size_t i = 0; i < q->header_count; i++)
        json_array_append_new(headers, json_pack("{s:s, s:s}", "name", q->headers[i].name, "value",
                                                 shown(&q->headers[i])));
    json_t *call = json_pack("{s:s, s:s, s:s, s:s, s:o}", "step", run_step(r), "repeat", call_repeat_name(q->repeat),
                             "method", q->method, "url", q->url, "headers", headers);
    if (q->body != NULL)
        json_object_set_new(call, "body", json_stringn(q->body, q->body_len));
    if (run_confirm(r) != NULL)
        json_object_set_new(call, "after_doubt", json_string(workflow_id(run_confirm(r))));
    json_array_append_new(t->calls, call);
}

static void note(struct trial *t, const char *key, json_t *v)
{
    json_object_set_new(json_array_get(t->calls, json_array_size(t->calls) - 1), key, v);
}

static void end_with(struct trial *t, const char *state, const char *step)
{
    json_object_set_new(t->report, "state", json_string(state));
    if (step != NULL)
        json_object_set_new(t->report, "step", json_string(step));
}

static void note_result(struct trial *t, const struct run_result *x)
{
    end_with(t, "end", NULL);
    json_object_set_new(t->report, "outcome", json_string(outcome_kind_name(x->kind)));
    json_object_set_new(t->report, "reason", json_string(x->reason));
    json_object_set_new(t->report, "detail", json_string(x->detail));
    json_object_set_new(t->report, "outputs", json_deep_copy(x->outputs));
    json_object_set_new(t->report, "record", json_deep_copy(x->record));
    if (x->token == NULL)
        return;
    json_object_set_new(t->report, "token", json_string(HIDDEN));
    json_object_set_new(t->report, "token_life_ms", json_integer(x->token_life_ms));
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
    note_call(t, r, run_request(r));
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

/* True: go on. */
static bool go_on(struct trial *t, struct run *r)
{
    switch (run_state(r)) {
    case RUN_CALL:
    case RUN_RETRY:
        if (one_call(t, r))
            return true;
        end_with(t, "waits for a reply", run_step(r));
        return false;
    case RUN_TOKEN:
        json_object_set_new(t->report, "session_token", json_string("the workflow authenticate would fetch one first"));
        run_set_token(r, HIDDEN);
        return true;
    case RUN_UNKNOWN:
        end_with(t, "unknown answer", run_step(r));
        json_object_set_new(t->report, "judged_status", json_integer(run_judged_status(r)));
        return false;
    case RUN_END:
        note_result(t, run_result(r));
        return false;
    }
    return false;
}

static struct run *start(const struct trial_pack *p, const struct workflow *w, const struct trial_inputs *in)
{
    const struct run_inputs inputs = {.event = in->event, .data = in->data, .record = in->record, .key = in->key};
    if (in->steps != NULL)
        return run_restore(p->bound, w, &inputs, in->steps, in->steps_len);
    return run_new(p->bound, w, &inputs);
}

json_t *trial_run(const struct trial_pack *p, const struct trial_inputs *in, size_t *ret_used, struct err *reterr)
{
    const struct workflow *w = pack_workflow(p->pack, in->type);
    if (w == NULL) {
        err_set(reterr, ERR_INVAL, "the pack has no workflow `%s`; tvbridge pack check --json lists them", in->type);
        return NULL;
    }
    struct run *r = start(p, w, in);
    struct trial t = {.in = in, .calls = json_array()};
    t.report = json_pack("{s:s, s:o}", "workflow", workflow_id(w), "calls", t.calls);
    if (r == NULL || t.report == NULL) {
        run_free(r);
        json_decref(t.report);
        if (in->steps != NULL)
            err_set(reterr, ERR_INVAL, "the steps done so far do not fit the pack's workflow `%s`", in->type);
        else
            err_nomem(reterr);
        return NULL;
    }
    if (in->step_done && run_state(r) == RUN_CALL)
        run_step_done(r);
    while (go_on(&t, r))
        ;
    run_free(r);
    if (ret_used != NULL)
        *ret_used = t.next_reply;
    return t.report;
}

/* --- for people --- */

static void print_object(const char *title, const json_t *v, const char *indent, FILE *out)
{
    fprintf(out, "%s%s", indent, title);
    json_dumpf(v, out, JSON_INDENT(2));
    fputc('\n', out);
}

static void print_call(const json_t *call, const char *indent, FILE *out)
{
    const json_t *h;
    size_t i;
    fprintf(out, "%s%s (%s%s%s)\n%s  %s %s\n", indent, json_text(call, "step"), json_text(call, "repeat"),
            json_object_get(call, "after_doubt") == NULL ? "" : ", after a doubt asks ", json_text(call, "after_doubt"),
            indent, json_text(call, "method"), json_text(call, "url"));
    json_array_foreach(json_object_get(call, "headers"), i, h)
        fprintf(out, "%s  %s: %s\n", indent, json_text(h, "name"), json_text(h, "value"));
    if (json_object_get(call, "body") != NULL)
        fprintf(out, "\n%s  %s\n", indent, json_text(call, "body"));
    if (json_object_get(call, "status") != NULL)
        fprintf(out, "%s  <- %" JSON_INTEGER_FORMAT "\n", indent, json_integer_value(json_object_get(call, "status")));
    if (json_object_get(call, "again_after_ms") != NULL)
        fprintf(out, "%s  the pack wants this again after %" JSON_INTEGER_FORMAT " ms\n", indent,
                json_integer_value(json_object_get(call, "again_after_ms")));
    if (json_object_get(call, "remembered") != NULL)
        print_object("  remembered in the record before the next call: ", json_object_get(call, "remembered"), indent, out);
    fputc('\n', out);
}

static void print_end(const json_t *report, const char *indent, const char *hint, FILE *out)
{
    const char *state = json_text(report, "state");
    const char *reason = json_text(report, "reason"), *detail = json_text(report, "detail");
    if (json_object_get(report, "session_token") != NULL)
        fprintf(out, "%ssession token: %s\n", indent, json_text(report, "session_token"));
    if (strcmp(state, "waits for a reply") == 0)
        fprintf(out, "%sstep %s waits for a reply%s\n", indent, json_text(report, "step"), hint);
    if (strcmp(state, "unknown answer") == 0)
        fprintf(out,
                "%sno criterion of step %s knows this answer: the worker judges by the HTTP status, %" JSON_INTEGER_FORMAT ";\n"
                "%swith a 2xx the call is in doubt, never done\n",
                indent, json_text(report, "step"), json_integer_value(json_object_get(report, "judged_status")), indent);
    if (strcmp(state, "end") != 0)
        return;
    fprintf(out, "%soutcome: %s%s%s%s%s\n", indent, json_text(report, "outcome"), reason[0] == '\0' ? "" : ", ", reason,
            detail[0] == '\0' ? "" : ": ", detail);
    print_object("outputs: ", json_object_get(report, "outputs"), indent, out);
    print_object("record patch: ", json_object_get(report, "record"), indent, out);
    if (json_object_get(report, "token") != NULL)
        fprintf(out, "%stoken: %s for %" JSON_INTEGER_FORMAT " ms\n", indent, json_text(report, "token"),
                json_integer_value(json_object_get(report, "token_life_ms")));
}

void trial_print(const json_t *report, const char *indent, const char *hint, FILE *out)
{
    const json_t *call;
    size_t i;
    json_array_foreach(json_object_get(report, "calls"), i, call)
        print_call(call, indent, out);
    print_end(report, indent, hint, out);
}
