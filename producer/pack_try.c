/* pack_try.c - `tvbridge pack try DIR TYPE`: the requests that an event would cause, and what would come of it. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "cli.h"
#include "commands.h"
#include "play_inputs.h"
#include "play_report.h"
#include "reply_file.h"
#include "trial.h"

struct options {
    struct play_options play;
    struct cli_list replies;
    bool json;
};

static const struct cli_option option_list[] = {
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
    struct play_inputs inputs;
    struct reply_file *replies;
    size_t reply_count, used_replies;
    json_t *report;
};

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
    if (play_inputs_read(&o->play, type, "try-1", "2026-01-01T00:00:00Z", &t->inputs, reterr) != 0)
        return -1;
    return read_replies(&o->replies, t, reterr);
}

static void attempt_fini(struct attempt *t)
{
    for (size_t i = 0; i < t->reply_count; i++)
        reply_file_fini(&t->replies[i]);
    free(t->replies);
    play_inputs_fini(&t->inputs);
    json_decref(t->report);
    trial_pack_fini(&t->pack);
}

static int try_workflow(const char *type, struct attempt *t, struct err *reterr)
{
    const struct trial_inputs in = {
        .type = type,
        .event = t->inputs.event,
        .data = t->inputs.data,
        .record = t->inputs.record,
        .key = "try-1",
        .came_ms = clock_real_ms(),
        .replies = t->replies,
        .reply_count = t->reply_count,
    };
    t->report = trial_run(&t->pack, &in, &t->used_replies, reterr);
    return t->report == NULL ? -1 : 0;
}

static void print_report(const json_t *report, bool json)
{
    if (!json) {
        play_report_print(report, "", ": give it with --reply FILE", stdout);
        return;
    }
    json_dumpf(report, stdout, JSON_COMPACT);
    putchar('\n');
}

static enum cli_status try_all(const char *dir, const char *type, const struct options *o, struct attempt *t)
{
    struct err err = {0};
    if (read_inputs(o, type, t, &err) != 0 || trial_pack_load(&t->pack, dir, o->play.base_url, t->inputs.settings, &err) != 0 ||
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
    const struct cli_group groups[] = {play_option_group(&o.play), {"Options", option_list, ARRAY_LEN(option_list), &o}};
    const char *dir, *type;
    enum cli_status status = play_parse(&command, groups, ARRAY_LEN(groups), argc, argv, &dir, &type);
    if (status != CLI_RUN)
        return status;
    struct attempt t = {0};
    status = try_all(dir, type, &o, &t);
    attempt_fini(&t);
    return status;
}
