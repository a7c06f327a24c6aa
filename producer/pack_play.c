/* pack_play.c - `tvbridge pack play DIR TYPE`: an event's workflow run against a platform, with real requests. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "cli.h"
#include "commands.h"
#include "contract/event.h"
#include "contract/json.h"
#include "io/http.h"
#include "live.h"
#include "play_inputs.h"
#include "play_report.h"

#define CREDENTIALS_MAX_BYTES (1024 * 1024)
#define ANSWER_MAX_BYTES (256 * 1024 * 1024)

struct options {
    struct play_options play;
    const char *credentials;
    int64_t lose;
    bool crash, no_wait, json;
};

static const struct cli_option option_list[] = {
    {"credentials", 0, CLI_TEXT, "@FILE", offsetof(struct options, credentials),
     "our credentials as JSON, by the schemes of openapi.yaml:\n{\"portal\": {\"username\": ..., \"password\": ...}}"},
    {"lose", 0, CLI_NUMBER, "N", offsetof(struct options, lose),
     "throw the answer to the N-th request that changes something\naway, and go on as the worker does"},
    {"crash", 0, CLI_FLAG, NULL, offsetof(struct options, crash), "go on from what is saved after each answer, as after a crash"},
    {"no-wait", 0, CLI_FLAG, NULL, offsetof(struct options, no_wait),
     "for tests: wait neither for the pack's retries nor out of caution"},
    {"json", 0, CLI_FLAG, NULL, offsetof(struct options, json), "the report as one JSON object"},
};

static const struct cli_command command = {
    .name = "pack play",
    .operands = "DIR TYPE",
    .about = "Runs the workflow for an event of TYPE with the pack in DIR against the platform at --base-url, to its end, and\n"
             "prints each request, what came of it, and the record after it. Requests are REALLY SENT, without Kafka and the\n"
             "worker: for a stand-in or a test account. Credentials are shown as ***.",
    .examples = "  tvbridge pack play schemas/providers/stalker read --subject 70001 \\\n"
                "      --base-url http://portal.test/stalker_portal/api --credentials @portal.json\n",
    .operands_max = 2,
};

/* All that a play holds. */
struct play {
    struct settings_provider place;
    struct play_inputs inputs;
    json_t *credentials;
    char key[EVENT_KEY_SIZE];
    struct live *live;
    struct live_end end;
};

/* A parser's own message could quote a secret. */
static int read_credentials(const char *option, json_t **ret, struct err *reterr)
{
    size_t len;
    if (option == NULL)
        return 0;
    if (option[0] != '@')
        return err_set(reterr, ERR_INVAL, "--credentials: wanted @FILE: on the command line anyone could read them");
    char *text = file_read(option + 1, CREDENTIALS_MAX_BYTES, &len, reterr);
    if (text == NULL)
        return err_prefix(reterr, "--credentials");
    json_error_t e = {0};
    *ret = json_loadb(text, len, JSON_REJECT_DUPLICATES, &e);
    explicit_bzero(text, len);
    free(text);
    if (json_is_object(*ret))
        return 0;
    return err_set(reterr, ERR_INVAL, "--credentials: %s:%d: a JSON object is wanted", option + 1, *ret == NULL ? e.line : 1);
}

static int read_inputs(const char *type, const struct options *o, struct play *p, struct err *reterr)
{
    char id[40], time[CLOCK_RFC3339_SIZE];
    int64_t now = clock_real_ms();
    snprintf(id, sizeof(id), "play-%lld", (long long)now);
    clock_format_rfc3339(now, time);
    if (play_inputs_read(&o->play, type, id, time, &p->inputs, reterr) != 0)
        return -1;
    const json_t *e = p->inputs.event;
    event_key(json_text(e, "subject"), json_text(e, "source"), json_text(e, "id"), p->key);
    return read_credentials(o->credentials, &p->credentials, reterr);
}

static int open_platform(const char *dir, const struct options *o, struct play *p, struct err *reterr)
{
    settings_provider_defaults(&p->place);
    p->place.pack_dir = dir;
    p->place.base_url = o->play.base_url;
    p->place.settings = p->inputs.settings;
    p->place.credentials = p->credentials;
    p->place.limits.answer_max_bytes = ANSWER_MAX_BYTES;
    p->live = live_open(&p->place, reterr);
    if (p->live == NULL)
        return -1;
    if (o->no_wait)
        live_never_wait(p->live);
    return 0;
}

static void play_fini(struct play *p)
{
    live_end_fini(&p->end);
    live_close(p->live);
    play_inputs_fini(&p->inputs);
    json_decref(p->credentials);
}

static int run(const char *type, const struct options *o, struct play *p, struct err *reterr)
{
    const struct live_inputs in = {
        .type = type,
        .event = p->inputs.event,
        .data = p->inputs.data,
        .record = p->inputs.record,
        .key = p->key,
        .report = true,
        .lose = (unsigned)o->lose,
        .crash = o->crash,
    };
    return live_play(p->live, &in, &p->end, reterr);
}

static enum cli_status status_of(const struct live_end *e)
{
    switch (e->state) {
    case LIVE_ENDED:
        return CLI_OK;
    case LIVE_IN_DOUBT:
    case LIVE_NOT_LET_IN:
        return CLI_REFUSED;
    case LIVE_GAVE_UP:
        return e->status == 0 ? CLI_NOT_REACHED : CLI_REFUSED;
    }
    return CLI_REFUSED;
}

static enum cli_status play(const char *dir, const char *type, const struct options *o, struct play *p)
{
    struct err err = {0};
    if (http_global_init(&err) != 0 || read_inputs(type, o, p, &err) != 0 || open_platform(dir, o, p, &err) != 0 ||
        run(type, o, p, &err) != 0)
        return cli_fail(&command, CLI_REFUSED, "%s", err.msg);
    if (!o->json) {
        play_report_print(p->end.report, "", "", stdout);
        return status_of(&p->end);
    }
    json_dumpf(p->end.report, stdout, JSON_COMPACT);
    putchar('\n');
    return status_of(&p->end);
}

int cmd_pack_play(int argc, char **argv)
{
    struct options o = {0};
    const struct cli_group groups[] = {play_option_group(&o.play), {"Options", option_list, ARRAY_LEN(option_list), &o}};
    const char *dir, *type;
    enum cli_status status = play_parse(&command, groups, ARRAY_LEN(groups), argc, argv, &dir, &type);
    if (status != CLI_RUN)
        return status;
    if (o.lose > UINT16_MAX)
        return cli_usage(&command, "--lose: wanted at most %u", UINT16_MAX);
    struct play p = {0};
    status = play(dir, type, &o, &p);
    play_fini(&p);
    http_global_cleanup();
    return status;
}
