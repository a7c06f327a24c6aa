/* pack_try.c - `tvbridge pack try DIR TYPE`: the requests that an event would cause, and what would come of it. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "cli.h"
#include "commands.h"
#include "reply_file.h"
#include "trial.h"

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
struct attempt {
    struct trial_pack pack;
    json_t *data, *record, *settings, *event;
    struct reply_file *replies;
    size_t reply_count, used_replies;
    json_t *report;
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

static int make_event(const struct options *o, const char *type, struct attempt *t, struct err *reterr)
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

static int read_replies(const struct cli_list *files, struct attempt *t, struct err *reterr)
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

static int read_inputs(const struct options *o, const char *type, struct attempt *t, struct err *reterr)
{
    if (read_json("data", o->data, &t->data, reterr) != 0 || read_json("record", o->record, &t->record, reterr) != 0 ||
        read_json("settings", o->settings, &t->settings, reterr) != 0)
        return -1;
    return make_event(o, type, t, reterr) != 0 ? -1 : read_replies(&o->replies, t, reterr);
}

static void attempt_fini(struct attempt *t)
{
    for (size_t i = 0; i < t->reply_count; i++)
        reply_file_fini(&t->replies[i]);
    free(t->replies);
    json_decref(t->data);
    json_decref(t->record);
    json_decref(t->settings);
    json_decref(t->event);
    json_decref(t->report);
    trial_pack_fini(&t->pack);
}

static int try_workflow(const char *type, struct attempt *t, struct err *reterr)
{
    const struct trial_inputs in = {
        .type = type,
        .event = t->event,
        .data = t->data,
        .record = t->record,
        .key = "try-1",
        .replies = t->replies,
        .reply_count = t->reply_count,
    };
    t->report = trial_run(&t->pack, &in, &t->used_replies, reterr);
    return t->report == NULL ? -1 : 0;
}

static void print_report(const json_t *report, bool json)
{
    if (!json) {
        trial_print(report, "", ": give it with --reply FILE", stdout);
        return;
    }
    json_dumpf(report, stdout, JSON_COMPACT);
    putchar('\n');
}

static enum cli_status try_all(const char *dir, const char *type, const struct options *o, struct attempt *t)
{
    struct err err = {0};
    if (read_inputs(o, type, t, &err) != 0 || trial_pack_load(&t->pack, dir, o->base_url, t->settings, &err) != 0 ||
        try_workflow(type, t, &err) != 0)
        return cli_fail(&command, CLI_REFUSED, "%s", err.msg);
    print_report(t->report, o->json);
    if (t->used_replies < t->reply_count)
        fprintf(stderr, "tvbridge pack try: %zu replies were not asked for\n", t->reply_count - t->used_replies);
    const char *state = json_string_value(json_object_get(t->report, "state"));
    return strcmp(state, "unknown answer") == 0 ? CLI_REFUSED : CLI_OK;
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
    struct attempt t = {0};
    status = try_all(argv[first], short_type(argv[first + 1]), &o, &t);
    attempt_fini(&t);
    return status;
}
