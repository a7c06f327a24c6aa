/* pack_try.c - `tvbridge pack try DIR TYPE`: the requests that an event would cause, and what would come of it.
 *
 * What happens is gathered as one JSON report; for people it is written out from that. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/file.h"
#include "cli.h"
#include "commands.h"
#include "reply_file.h"
#include "workflow/run.h"

#define HIDDEN "***"
#define TYPE_PREFIX "tvbridge."
#define INPUT_MAX_BYTES (4 * 1024 * 1024)

struct options {
    const char *data, *record, *settings, *event, *subject, *base_url;
    struct cli_list replies;
    bool json;
};

static const struct cli_option option_list[] = {
    {"data", 'd', CLI_TEXT, "JSON", offsetof(struct options, data), "the event's data; @FILE reads it from a file"},
    {"record", 'r', CLI_TEXT, "JSON", offsetof(struct options, record), "what is known of the service; @FILE too"},
    {"settings", 's', CLI_TEXT, "JSON", offsetof(struct options, settings), "$inputs.settings; @FILE too"},
    {"event", 0, CLI_TEXT, "JSON", offsetof(struct options, event), "more members of the event; @FILE too"},
    {"subject", 0, CLI_TEXT, "ID", offsetof(struct options, subject), "the service's id (default: service-1)"},
    {"base-url", 0, CLI_TEXT, "URL", offsetof(struct options, base_url), "instead of the first server of openapi.yaml"},
    {"reply", 0, CLI_LIST, "FILE", offsetof(struct options, replies),
     "the answer to the next request: an HTTP answer as text,\nor a body alone, which is a 200; may be given again"},
    {"json", 0, CLI_FLAG, NULL, offsetof(struct options, json), "the report as one JSON object"},
};

static const struct cli_command command = {
    .name = "pack try",
    .operands = "DIR TYPE",
    .about = "Prints the exact HTTP requests that an event of TYPE would cause with the pack in DIR, and with the\n"
             "given answers what would come of it. Nothing is sent; credentials are shown as ***.",
    .examples = "  tvbridge pack try schemas/providers/stalker contract.blocked --record '{\"login\":\"ann\"}'\n",
    .operands_max = 2,
};

/* All that a try holds. */
struct trial {
    struct pack *pack;
    struct bound_pack *bound;
    json_t *data, *record, *settings, *event;
    struct reply_file *replies;
    size_t reply_count, next_reply;
    json_t *calls, *report;
};

/* --- inputs --- */

/* *ret stays NULL when the option was not given. */
static int read_json(const char *option, const char *text, json_t **ret, struct err *reterr)
{
    size_t len = text == NULL ? 0 : strlen(text);
    char *file = NULL;
    if (text == NULL)
        return 0;
    if (text[0] == '@') {
        file = file_read(text + 1, INPUT_MAX_BYTES, &len, reterr);
        if (file == NULL)
            return err_prefix(reterr, "--%s", option);
        text = file;
    }
    json_error_t e;
    *ret = json_loadb(text, len, JSON_REJECT_DUPLICATES, &e);
    free(file);
    if (*ret != NULL && json_is_object(*ret))
        return 0;
    return err_set(reterr, ERR_INVAL, "--%s: %s (line %d, column %d)", option,
                   *ret == NULL ? e.text : "a JSON object is wanted", *ret == NULL ? e.line : 1,
                   *ret == NULL ? e.column : 1);
}

static const char *short_type(const char *type)
{
    size_t n = strlen(TYPE_PREFIX);
    return strncmp(type, TYPE_PREFIX, n) == 0 ? type + n : type;
}

static int make_event(const struct options *o, const char *type, struct trial *t, struct err *reterr)
{
    json_t *more = NULL;
    if (read_json("event", o->event, &more, reterr) != 0) {
        json_decref(more);
        return -1;
    }
    char full[160];
    snprintf(full, sizeof(full), TYPE_PREFIX "%s", type);
    t->event = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "specversion", "1.0", "id", "try-1", "source",
                         "/tvbridge/pack-try", "type", full, "subject", o->subject == NULL ? "service-1" : o->subject,
                         "time", "2026-01-01T00:00:00Z");
    if (more != NULL)
        json_object_update(t->event, more);
    if (t->data != NULL)
        json_object_set(t->event, "data", t->data);
    json_decref(more);
    return t->event == NULL ? err_nomem(reterr) : 0;
}

static int read_replies(const struct cli_list *files, struct trial *t, struct err *reterr)
{
    t->replies = calloc(files->n + 1, sizeof(*t->replies));
    if (t->replies == NULL)
        return err_nomem(reterr);
    for (size_t i = 0; i < files->n; i++) {
        if (reply_file_read(files->item[i], &t->replies[i], reterr) != 0)
            return err_prefix(reterr, "--reply");
        t->reply_count++;
    }
    return 0;
}

static int read_inputs(const struct options *o, const char *type, struct trial *t, struct err *reterr)
{
    if (read_json("data", o->data, &t->data, reterr) != 0 || read_json("record", o->record, &t->record, reterr) != 0 ||
        read_json("settings", o->settings, &t->settings, reterr) != 0)
        return -1;
    return make_event(o, type, t, reterr) != 0 ? -1 : read_replies(&o->replies, t, reterr);
}

static int load(const char *dir, const struct options *o, struct trial *t, struct err *reterr)
{
    struct pack_faults faults;
    t->pack = pack_load(dir, &faults);
    int rc = t->pack == NULL ? pack_faults_say(&faults, reterr) : 0;
    pack_faults_fini(&faults);
    if (rc != 0)
        return rc;
    json_t *credentials = pack_credentials(t->pack, HIDDEN);
    t->bound = pack_bind(t->pack, o->base_url, credentials, t->settings, HIDDEN, reterr);
    json_decref(credentials);
    return t->bound == NULL ? -1 : 0;
}

static void trial_fini(struct trial *t)
{
    for (size_t i = 0; i < t->reply_count; i++)
        reply_file_fini(&t->replies[i]);
    free(t->replies);
    json_decref(t->data);
    json_decref(t->record);
    json_decref(t->settings);
    json_decref(t->event);
    json_decref(t->report);
    bound_pack_free(t->bound);
    pack_free(t->pack);
}

/* --- the run --- */

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

/* Shows the present request and gives the next reply. False: there is none left. */
static bool one_call(struct trial *t, struct run *r)
{
    note_call(t, r, run_request(r));
    if (t->next_reply == t->reply_count)
        return false;
    const struct call_reply *reply = &t->replies[t->next_reply++].reply;
    note(t, "status", json_integer(reply->status));
    run_reply(r, reply);
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
        return false;
    case RUN_END:
        note_result(t, run_result(r));
        return false;
    }
    return false;
}

static int try_workflow(struct trial *t, const struct workflow *w, struct err *reterr)
{
    const struct run_inputs in = {.event = t->event, .data = t->data, .record = t->record, .key = "try-1"};
    struct run *r = run_new(t->bound, w, &in);
    t->calls = json_array();
    t->report = json_pack("{s:s, s:o}", "workflow", workflow_id(w), "calls", t->calls);
    if (r == NULL || t->report == NULL) {
        run_free(r);
        return err_nomem(reterr);
    }
    while (go_on(t, r))
        ;
    run_free(r);
    return 0;
}

/* --- for people --- */

static const char *text_of(const json_t *v, const char *key)
{
    const char *s = json_string_value(json_object_get(v, key));
    return s == NULL ? "" : s;
}

static void print_call(const json_t *call)
{
    const json_t *h;
    size_t i;
    printf("%s (%s%s%s)\n  %s %s\n", text_of(call, "step"), text_of(call, "repeat"),
           json_object_get(call, "after_doubt") == NULL ? "" : ", after a doubt asks ", text_of(call, "after_doubt"),
           text_of(call, "method"), text_of(call, "url"));
    json_array_foreach(json_object_get(call, "headers"), i, h)
        printf("  %s: %s\n", text_of(h, "name"), text_of(h, "value"));
    if (json_object_get(call, "body") != NULL)
        printf("\n  %s\n", text_of(call, "body"));
    if (json_object_get(call, "status") != NULL)
        printf("  <- %" JSON_INTEGER_FORMAT "\n", json_integer_value(json_object_get(call, "status")));
    if (json_object_get(call, "again_after_ms") != NULL)
        printf("  the pack wants this again after %" JSON_INTEGER_FORMAT " ms\n",
               json_integer_value(json_object_get(call, "again_after_ms")));
    putchar('\n');
}

static void print_object(const char *title, const json_t *v)
{
    printf("%s", title);
    json_dumpf(v, stdout, JSON_INDENT(2));
    putchar('\n');
}

static void print_end(const json_t *report)
{
    const char *state = text_of(report, "state");
    const char *reason = text_of(report, "reason"), *detail = text_of(report, "detail");
    if (json_object_get(report, "session_token") != NULL)
        printf("session token: %s\n", text_of(report, "session_token"));
    if (strcmp(state, "waits for a reply") == 0)
        printf("step %s waits for a reply: give it with --reply FILE\n", text_of(report, "step"));
    if (strcmp(state, "unknown answer") == 0)
        printf("no criterion of step %s knows this answer: the worker judges by the HTTP status;\n"
               "with a 2xx the call is in doubt, never done\n",
               text_of(report, "step"));
    if (strcmp(state, "end") != 0)
        return;
    printf("outcome: %s%s%s%s%s\n", text_of(report, "outcome"), reason[0] == '\0' ? "" : ", ", reason,
           detail[0] == '\0' ? "" : ": ", detail);
    print_object("outputs: ", json_object_get(report, "outputs"));
    print_object("record patch: ", json_object_get(report, "record"));
    if (json_object_get(report, "token") != NULL)
        printf("token: %s for %" JSON_INTEGER_FORMAT " ms\n", text_of(report, "token"),
               json_integer_value(json_object_get(report, "token_life_ms")));
}

static void print_report(const json_t *report, bool json)
{
    const json_t *call;
    size_t i;
    if (json) {
        json_dumpf(report, stdout, JSON_COMPACT);
        putchar('\n');
        return;
    }
    json_array_foreach(json_object_get(report, "calls"), i, call)
        print_call(call);
    print_end(report);
}

static enum cli_status try_all(const char *dir, const char *type, const struct options *o, struct trial *t)
{
    struct err err = {0};
    if (read_inputs(o, type, t, &err) != 0 || load(dir, o, t, &err) != 0)
        return cli_fail(&command, CLI_REFUSED, "%s", err.msg);
    const struct workflow *w = pack_workflow(t->pack, type);
    if (w == NULL)
        return cli_fail(&command, CLI_REFUSED, "the pack has no workflow `%s`; tvbridge pack check --json lists them",
                        type);
    if (try_workflow(t, w, &err) != 0)
        return cli_fail(&command, CLI_REFUSED, "%s", err.msg);
    print_report(t->report, o->json);
    if (t->next_reply < t->reply_count)
        fprintf(stderr, "tvbridge pack try: %zu replies were not asked for\n", t->reply_count - t->next_reply);
    return strcmp(text_of(t->report, "state"), "unknown answer") == 0 ? CLI_REFUSED : CLI_OK;
}

int cmd_pack_try(int argc, char **argv)
{
    struct options o = {0};
    const struct cli_group group = {"Options", option_list, ARRAY_LEN(option_list), &o};
    int first;
    enum cli_status status = cli_parse(&command, &group, 1, argc, argv, &first);
    if (status != CLI_RUN)
        return status;
    if (argc - first != 2)
        return cli_usage(&command, "name the folder of a pack and the type of an event");
    struct trial t = {0};
    status = try_all(argv[first], short_type(argv[first + 1]), &o, &t);
    trial_fini(&t);
    return status;
}
