/* billing_processed.c - `tvbridge billing processed PROVIDER --file FILE`: what billing has billed, as events billing.processed.
 *
 * Every row is checked before the first event leaves. The record notes a service's due day once, whatever is sent again: what is new is
 * `applied`, what was processed before `unchanged`, another value is refused. */
#include <string.h>

#include "bill.h"
#include "cli.h"
#include "commands.h"
#include "contract/json.h"
#include "event_id.h"
#include "kafka_client.h"
#include "listing.h"
#include "row_events.h"
#include "rows.h"
#include "wanted.h"

#define SOURCE "/tvbridge/billing"
#define TYPE "billing.processed"
#define RATE_DEFAULT 200
#define WAIT_DEFAULT_MS 60000

struct processed_options {
    const char *file;
    bool dry_run, json, csv;
    int64_t rate, wait_ms;
};

static const struct cli_option options[] = {
    {"file", 'f', CLI_TEXT, "FILE", offsetof(struct processed_options, file),
     "what was billed: service, due, value, currency, as CSV with a line of\nnames or JSON lines, or as `billing list` shows it; - reads stdin"},
    {"dry-run", 'n', CLI_FLAG, NULL, offsetof(struct processed_options, dry_run), "check and show, send nothing"},
    {"rate", 0, CLI_NUMBER, "N", offsetof(struct processed_options, rate), "events a second (200; 0: no limit)"},
    {"wait", 0, CLI_DURATION, "TIME", offsetof(struct processed_options, wait_ms), "for the outcomes, after the last event (60s; 0: do not wait)"},
    {"csv", 0, CLI_FLAG, NULL, offsetof(struct processed_options, csv), "CSV with a line of names"},
    {"json", 0, CLI_FLAG, NULL, offsetof(struct processed_options, json), "JSON lines"},
};

static const struct cli_command command = {
    .name = "billing processed",
    .operands = "PROVIDER",
    .about = "Says of each row that it was billed: an event " TYPE ", by which the service is " BILL_PROCESSED " for that due day. Rows that\n"
             "are so already are passed over. With a fault in any row nothing is sent. A due day is processed once: the same list\n"
             "sent again, after a crash too, changes nothing, and another value is refused.",
    .examples = "  tvbridge billing processed beenius -S tvbridge.yaml --file run.jsonl\n"
                "  tvbridge billing processed beenius -S tvbridge.yaml --file billed.csv --dry-run\n",
    .operands_max = 1,
};

static const struct listing_member members[] = {
    {"service", {"SERVICE", 12, 6, false}}, {"due", {"DUE", 10, 10, false}},          {"value", {"VALUE", 10, 6, true}},
    {"currency", {"CUR", 3, 3, false}},     {"result", {"RESULT", 30, 8, false}},
};

/* Those that count, and what `billing list` says besides. */
static const char *const names[] = {"service", "due",      "value", "currency", "state", "packages", "items",
                                    "now",     "unpriced", "fault", "end",      "sums",  "faults"};

struct processed {
    struct processed_options options;
    const char *provider;
    struct kafka_place place;
    struct row_events *events;
    json_t *lines; /* "<service> <due>" -> the line that has it */
    struct rows_faults faults;
    struct cli_progress progress;
};

/* ---- rows ---- */

static int note_line(struct processed *p, const char *service, const char *due, long line, struct err *reterr)
{
    char key[WANTED_SERVICE_SIZE + 80];
    snprintf(key, sizeof(key), "%s %.64s", service, due);
    const json_t *at = json_object_get(p->lines, key);
    if (at != NULL)
        return err_set(reterr, ERR_INVAL, "service: found \"%.40s\", which line %lld has for this day: wanted each once", service,
                       (long long)json_integer_value(at));
    return json_object_set_new(p->lines, key, json_integer(line)) == 0 ? 0 : err_nomem(reterr);
}

/* "/data/value: ..." of a fault is the column's. */
static int add_event(struct processed *p, const char *service, const json_t *data, struct err *reterr)
{
    char id[EVENT_ID_SIZE];
    struct fault fault = {.pointer = ""};
    json_t *row = json_pack("{s:s, s:O, s:O, s:O*}", "service", service, "due", json_object_get(data, "due"), "value",
                            json_object_get(data, "value"), "currency", json_object_get(data, "currency"));
    int rc = row == NULL || event_id_of("billed", p->provider, service, data, id, reterr) != 0 ? -1 : row_events_add(p->events, row, service, id, data, &fault);
    json_decref(row);
    if (rc <= 0)
        return rc == 0 ? 0 : err_nomem(reterr);
    const char *column = strncmp(fault.pointer, "/data/", 6) == 0 ? fault.pointer + 6 : fault.pointer;
    return err_set(reterr, ERR_INVAL, "%s: found \"%.40s\": %s", column, json_text(data, column), fault.reason);
}

static int take(struct processed *p, const json_t *row, long line, struct err *reterr)
{
    static const char *const texts[] = {"due", "value", "currency"};
    char service[WANTED_SERVICE_SIZE];
    if (json_object_get(row, "fault") != NULL)
        return err_set(reterr, ERR_INVAL, "fault: found \"%.60s\": it could not be billed", json_text(row, "fault"));
    if (wanted_service(row, service, reterr) != 0)
        return -1;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        const json_t *v = json_object_get(row, texts[i]);
        if ((v == NULL && i < 2) || (v != NULL && !json_is_string(v)))
            return err_set(reterr, ERR_INVAL, "%s: wanted text%s", texts[i], i == 1 ? ", as 14.80: a number could be rounded" : "");
    }
    json_t *data = json_pack("{s:O, s:O, s:O*}", "due", json_object_get(row, "due"), "value", json_object_get(row, "value"), "currency",
                             json_object_get(row, "currency"));
    int rc = data == NULL ? err_nomem(reterr) : note_line(p, service, json_text(row, "due"), line, reterr);
    if (rc == 0)
        rc = add_event(p, service, data, reterr);
    json_decref(data);
    return rc;
}

static int on_row(void *arg, const json_t *row, long line, struct err *reterr)
{
    struct processed *p = arg;
    struct err err = {0};
    bool sums = json_object_get(row, "end") != NULL;
    if (sums || strcmp(json_text(row, "state"), BILL_PROCESSED) == 0 || take(p, row, line, &err) == 0)
        return 0;
    return rows_faults_take(&p->faults, line, &err, reterr);
}

/* ---- the command ---- */

static enum cli_status finish(const struct processed *p, int64_t silent)
{
    size_t refused = row_events_not_done(p->events);
    if (refused > 0)
        return cli_fail(&command, CLI_REFUSED, "%zu were not taken: see RESULT", refused);
    if (silent > 0 && p->options.wait_ms > 0)
        return cli_fail(&command, CLI_NOT_REACHED, "%lld events have no outcome yet: they are in the events topic", (long long)silent);
    return CLI_OK;
}

static enum cli_status carry_out(struct processed *p)
{
    const struct row_sending how = {&p->place, p->options.rate, p->options.wait_ms, &p->progress};
    const struct listing l = {members, ARRAY_LEN(members), row_events_rows(p->events)};
    struct err err = {0};
    int64_t silent = 0;
    if (!p->options.dry_run && json_array_size(l.rows) > 0)
        silent = row_events_send(p->events, &how, &err);
    listing_show(&l, p->options.csv ? LISTING_CSV : p->options.json ? LISTING_JSON : LISTING_TABLE);
    fflush(stdout);
    return silent < 0 ? cli_fail(&command, cli_status_of(&err), "%s", err.msg) : finish(p, silent);
}

static enum cli_status run(struct processed *p)
{
    const struct rows_form form = {.names = names, .n = ARRAY_LEN(names)};
    const char *dir = p->place.settings != NULL ? p->place.settings->schemas : NULL;
    struct err err = {0};
    p->faults.file = p->options.file;
    if (p->place.settings != NULL && settings_provider(p->place.settings, p->provider) == NULL)
        return cli_fail(&command, CLI_REFUSED, "the settings have no provider \"%s\"", p->provider);
    p->events = row_events_new(p->provider, SOURCE, TYPE, dir, &err);
    p->lines = json_object();
    if (p->events == NULL || (p->lines == NULL && err_nomem(&err) != 0) || rows_read(p->options.file, &form, on_row, p, &err) != 0)
        return cli_fail(&command, CLI_REFUSED, "%s", err.msg);
    if (p->faults.n == 0)
        return carry_out(p);
    rows_faults_end(&p->faults);
    return cli_fail(&command, CLI_REFUSED, "%zu rows have faults: nothing was sent", p->faults.n);
}

static enum cli_status open_place(struct processed *p, const struct kafka_options *kafka)
{
    if (p->options.file == NULL)
        return cli_usage(&command, "--file FILE is needed: what was billed");
    if (p->options.json && p->options.csv)
        return cli_usage(&command, "one of --json and --csv");
    return !p->options.dry_run || kafka->settings != NULL ? kafka_place_open(&p->place, &command, kafka) : CLI_RUN;
}

int cmd_billing_processed(int argc, char **argv)
{
    struct processed p = {.options = {.rate = RATE_DEFAULT, .wait_ms = WAIT_DEFAULT_MS}};
    struct kafka_options kafka;
    kafka_options_init(&kafka);
    const struct cli_group groups[] = {
        {"Sending", options, ARRAY_LEN(options), &p.options},
        kafka_options_group(&kafka, true),
    };
    enum cli_status status = cli_parse_provider(&command, groups, ARRAY_LEN(groups), argc, argv, &p.provider);
    if (status == CLI_RUN)
        status = open_place(&p, &kafka);
    if (status == CLI_RUN) {
        cli_catch_interrupt();
        cli_progress_init(&p.progress, !p.options.json);
        status = run(&p);
    }
    row_events_free(p.events);
    json_decref(p.lines);
    kafka_place_fini(&p.place);
    return status;
}
