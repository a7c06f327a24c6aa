#include "play_report.h"

#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "contract/json.h"

json_t *play_report_new(const struct workflow *w)
{
    return json_pack("{s:s, s:[]}", "workflow", workflow_id(w), "calls");
}

/* --- calls --- */

/* "Basic Kioq..." would look like a real one. */
static const char *shown(const struct call_header *h)
{
    bool basic = strcasecmp(h->name, "Authorization") == 0 && strncmp(h->value, "Basic ", 6) == 0;
    return basic ? "Basic " PLAY_HIDDEN : h->value;
}

json_t *play_report_call(json_t *report, const struct run *r, const struct call_request *q)
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
    return json_array_append_new(json_object_get(report, "calls"), call) == 0 ? call : NULL;
}

/* --- the end --- */

void play_report_state(json_t *report, const char *state, const char *step)
{
    json_object_set_new(report, "state", json_string(state));
    if (step != NULL)
        json_object_set_new(report, "step", json_string(step));
}

void play_report_result(json_t *report, const struct run_result *x)
{
    play_report_state(report, "end", NULL);
    json_object_set_new(report, "outcome", json_string(outcome_kind_name(x->kind)));
    json_object_set_new(report, "reason", json_string(x->reason));
    json_object_set_new(report, "detail", json_string(x->detail));
    json_object_set_new(report, "outputs", json_deep_copy(x->outputs));
    json_object_set_new(report, "record", json_deep_copy(x->record));
    if (x->token == NULL)
        return;
    json_object_set_new(report, "token", json_string(PLAY_HIDDEN));
    json_object_set_new(report, "token_life_ms", json_integer(x->token_life_ms));
}

/* --- dates --- */

void play_report_wait(json_t *report, int64_t at_ms)
{
    char when[CLOCK_RFC3339_SIZE];
    clock_format_rfc3339(at_ms, when);
    json_object_set_new(report, "waits_until", json_string(when));
}

void play_report_later(json_t *report, const char *type, int64_t at_ms, json_t *data)
{
    char when[CLOCK_RFC3339_SIZE];
    clock_format_rfc3339(at_ms, when);
    if (json_object_get(report, "later") == NULL)
        json_object_set_new(report, "later", json_array());
    json_array_append_new(json_object_get(report, "later"), json_pack("{s:s, s:s, s:O}", "at", when, "type", type, "data", data));
}

/* --- for people --- */

static void print_object(const char *title, const json_t *v, const char *indent, FILE *out)
{
    fprintf(out, "%s%s", indent, title);
    json_dumpf(v, out, JSON_INDENT(2));
    fputc('\n', out);
}

static void print_request(const json_t *call, const char *indent, FILE *out)
{
    const json_t *h;
    size_t i;
    const char *of = json_text(call, "workflow");
    fprintf(out, "%s%s%s%s (%s%s%s)\n%s  %s %s\n", indent, of, of[0] == '\0' ? "" : ": ", json_text(call, "step"),
            json_text(call, "repeat"), json_object_get(call, "after_doubt") == NULL ? "" : ", after a doubt asks ",
            json_text(call, "after_doubt"), indent, json_text(call, "method"), json_text(call, "url"));
    json_array_foreach(json_object_get(call, "headers"), i, h)
        fprintf(out, "%s  %s: %s\n", indent, json_text(h, "name"), json_text(h, "value"));
    if (json_object_get(call, "body") != NULL)
        fprintf(out, "\n%s  %s\n", indent, json_text(call, "body"));
}

static void print_call(const json_t *call, const char *indent, FILE *out)
{
    print_request(call, indent, out);
    if (json_object_get(call, "status") != NULL)
        fprintf(out, "%s  <- %" JSON_INTEGER_FORMAT "%s\n", indent, json_integer_value(json_object_get(call, "status")),
                json_object_get(call, "answer") == NULL ? "" : ", thrown away");
    if (json_object_get(call, "failed") != NULL)
        fprintf(out, "%s  failed: %s\n", indent, json_text(call, "failed"));
    if (json_object_get(call, "again_after_ms") != NULL)
        fprintf(out, "%s  the pack wants this again after %" JSON_INTEGER_FORMAT " ms\n", indent,
                json_integer_value(json_object_get(call, "again_after_ms")));
    if (json_object_get(call, "remembered") != NULL)
        print_object("  remembered in the record before the next call: ", json_object_get(call, "remembered"), indent, out);
    if (json_object_get(call, "crash") != NULL)
        fprintf(out, "%s  goes on from what was saved\n", indent);
    if (json_object_get(call, "confirmed") != NULL)
        fprintf(out, "%s  it was done\n", indent);
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
    bool ended = strcmp(state, "end") == 0;
    if (ended || reason[0] != '\0')
        fprintf(out, "%s%s%s%s%s%s%s\n", indent, ended ? "outcome: " : state, ended ? json_text(report, "outcome") : "",
                reason[0] == '\0' ? "" : ", ", reason, detail[0] == '\0' ? "" : ": ", detail);
    if (!ended)
        return;
    print_object("outputs: ", json_object_get(report, "outputs"), indent, out);
    print_object("record patch: ", json_object_get(report, "record"), indent, out);
    if (json_object_get(report, "later") != NULL)
        print_object("later, by itself: ", json_object_get(report, "later"), indent, out);
    if (json_object_get(report, "record_after") != NULL)
        print_object("record after it: ", json_object_get(report, "record_after"), indent, out);
    if (json_object_get(report, "token") != NULL)
        fprintf(out, "%stoken: %s for %" JSON_INTEGER_FORMAT " ms\n", indent, json_text(report, "token"),
                json_integer_value(json_object_get(report, "token_life_ms")));
}

void play_report_print(const json_t *report, const char *indent, const char *hint, FILE *out)
{
    const json_t *call;
    size_t i;
    if (json_object_get(report, "waits_until") != NULL)
        fprintf(out, "%swaits until %s, then:\n\n", indent, json_text(report, "waits_until"));
    json_array_foreach(json_object_get(report, "calls"), i, call)
        print_call(call, indent, out);
    print_end(report, indent, hint, out);
}
