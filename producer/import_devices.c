/* import_devices.c - `tvbridge import devices PROVIDER --file FILE`: a list of set-top boxes into events device.added.
 *
 * Every row is checked before the first event leaves. An event's id is a function of what it says, so the same list sent again, after
 * a crash too, adds nothing twice. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "boxes.h"
#include "cli.h"
#include "commands.h"
#include "contract/event.h"
#include "contract/json.h"
#include "contract/schema.h"
#include "kafka_client.h"
#include "known.h"
#include "listing.h"
#include "own_events.h"
#include "publish_event.h"
#include "scan.h"

#define SOURCE "/tvbridge/import"
#define TYPE "device.added"
#define RATE_DEFAULT 20
#define WAIT_DEFAULT_MS 60000
#define FAULTS_SHOWN 20
#define ALIASES_MAX (2 * CLI_LIST_MAX + BOXES_ALIASES)

struct devices_options {
    const char *file;
    struct cli_list map, pass_over;
    bool dry_run, skip_invalid, events, json, csv;
    int64_t rate, wait_ms;
};

static const struct cli_option file_options[] = {
    {"file", 'f', CLI_TEXT, "FILE", offsetof(struct devices_options, file),
     "the boxes: CSV with a line of names (comma, semicolon or tab), or JSON\nlines; - reads stdin"},
    {"map", 0, CLI_LIST, "NAME=COLUMN", offsetof(struct devices_options, map),
     "what the file calls service, mac, serial, model, location, patrimony"},
    {"pass-over", 0, CLI_LIST, "COLUMN", offsetof(struct devices_options, pass_over), "a column of the file that says nothing of these"},
    {"skip-invalid", 0, CLI_FLAG, NULL, offsetof(struct devices_options, skip_invalid),
     "take the good rows although others have faults (exit status 1)"},
};

static const struct cli_option sending_options[] = {
    {"dry-run", 'n', CLI_FLAG, NULL, offsetof(struct devices_options, dry_run), "check and show, send nothing"},
    {"events", 0, CLI_FLAG, NULL, offsetof(struct devices_options, events),
     "send nothing: write the CloudEvents, one a line, for `tvbridge publish`"},
    {"rate", 0, CLI_NUMBER, "N", offsetof(struct devices_options, rate), "events a second (20; 0: no limit)"},
    {"wait", 0, CLI_DURATION, "TIME", offsetof(struct devices_options, wait_ms), "for the outcomes, after the last event (60s; 0: do not wait)"},
    {"csv", 0, CLI_FLAG, NULL, offsetof(struct devices_options, csv), "CSV with a line of names"},
    {"json", 0, CLI_FLAG, NULL, offsetof(struct devices_options, json), "JSON lines"},
};

static const struct cli_command command = {
    .name = "import devices",
    .operands = "PROVIDER",
    .about = "Sends an event device.added for each set-top box of a list. A box is named by its MAC address, in any usual writing,\n"
             "or else by its serial number or CASN; model, location and patrimony number (the inventory's) may be there. With a\n"
             "fault in any row nothing is sent. The same list sent again adds nothing twice.",
    .examples = "  tvbridge import devices stalker --file boxes.csv --dry-run\n"
                "  tvbridge import devices stalker -S tvbridge.yaml --file boxes.csv\n"
                "  tvbridge import devices beenius -S tvbridge.yaml --file stb.csv --map serial=CASN --map service=Contrato\n",
    .operands_max = 1,
};

static const struct listing_member members[] = {
    {"line", {"LINE", 6, 4, true}},       {"service", {"SERVICE", 12, 6, false}},   {"mac", {"MAC", 17, 17, false}},
    {"serial", {"SERIAL", 14, 6, false}}, {"model", {"MODEL", 10, 5, false}},       {"location", {"LOCATION", 14, 6, false}},
    {"patrimony", {"PATRIMONY", 10, 6, false}}, {"result", {"RESULT", 20, 8, false}},
};

struct devices {
    struct devices_options options;
    const char *provider;
    struct kafka_place place;
    struct event_schemas *schemas;
    struct boxes *boxes;
    struct buf text;   /* of one event */
    json_t *rows;      /* what is shown */
    json_t *events;    /* beside each row its event's { service, id, data } */
    json_t *row_of;    /* an event's id to its place in both */
    size_t faults, not_done;
    struct cli_progress progress;
};

/* ---- checking ---- */

static void complain(struct devices *d, long line, const char *text)
{
    const char *file = strcmp(d->options.file, "-") == 0 ? "stdin" : d->options.file;
    if (++d->faults <= FAULTS_SHOWN)
        fprintf(stderr, "%s:%ld: %s\n", file, line, text);
}

static const char *found(const struct box *x, const char *pointer)
{
    const char *device = "/data/device/";
    if (strncmp(pointer, device, strlen(device)) != 0)
        return "";
    return json_text(json_object_get(x->data, "device"), pointer + strlen(device));
}

/* By the event's own schema: lengths, and which characters there may be. */
static int check_event(struct devices *d, const struct box *x, struct err *reterr)
{
    const struct publish_rules rules = {.schemas = d->schemas, .partition = -1};
    const struct own_event e = {.service = x->service, .type = TYPE, .id = x->id, .data = x->data};
    struct publish_event made;
    struct fault fault = {.pointer = ""};
    if (own_event_write(&e, d->provider, SOURCE, &d->text, reterr) != 0)
        return -1;
    if (publish_event_init(&made, &rules, buf_cstr(&d->text), d->text.len, &fault) == 0) {
        publish_event_fini(&made);
        return 0;
    }
    return err_set(reterr, ERR_INVAL, "%s: found \"%.40s\": %s", boxes_column(fault.pointer), found(x, fault.pointer), fault.reason);
}

static int add_row(struct devices *d, const struct box *x, long line)
{
    const json_t *device = json_object_get(x->data, "device");
    json_t *row = json_pack("{s:I, s:s, s:O*, s:O*, s:O*, s:O*, s:O*, s:s}", "line", (json_int_t)line, "service", x->service, "mac",
                            json_object_get(device, "mac"), "serial", json_object_get(device, "serial"), "model",
                            json_object_get(device, "model"), "location", json_object_get(device, "location"), "patrimony",
                            json_object_get(device, "id"), "result", "");
    json_t *event = json_pack("{s:s, s:s, s:O}", "service", x->service, "id", x->id, "data", x->data);
    int rc = json_object_set_new(d->row_of, x->id, json_integer((json_int_t)json_array_size(d->rows)));
    rc |= json_array_append_new(d->rows, row);
    return rc | json_array_append_new(d->events, event);
}

static int on_row(void *arg, const json_t *row, long line, struct err *reterr)
{
    struct devices *d = arg;
    struct box x;
    struct err err = {0};
    int rc = boxes_take(d->boxes, row, line, d->provider, &x, &err);
    if (rc == 0)
        rc = check_event(d, &x, &err);
    if (rc == 0 && add_row(d, &x, line) != 0)
        rc = err_nomem(&err);
    json_decref(x.data);
    if (rc == 0)
        return 0;
    if (err.code != ERR_INVAL) {
        *reterr = err;
        return -1;
    }
    complain(d, line, err.msg);
    return 0;
}

static int add_alias(struct rows_alias *list, size_t *n, char *word, struct err *reterr)
{
    char *column = strchr(word, '=');
    if (column == NULL || column[1] == '\0')
        return err_set(reterr, ERR_INVAL, "--map %s: wanted NAME=COLUMN", word);
    *column++ = '\0';
    for (size_t i = 0; i < BOXES_NAMES; i++)
        if (strcmp(word, boxes_names[i]) == 0) {
            list[(*n)++] = (struct rows_alias){column, boxes_names[i]};
            return 0;
        }
    return err_set(reterr, ERR_INVAL, "--map %s: wanted service, mac, serial, model, location or patrimony", word);
}

static int read_rows(struct devices *d, struct err *reterr)
{
    struct rows_alias list[ALIASES_MAX];
    char *words[CLI_LIST_MAX];
    size_t n = 0, made = 0;
    int rc = 0;
    for (; rc == 0 && made < d->options.map.n; made++) {
        words[made] = strdup(d->options.map.item[made]);
        rc = words[made] != NULL ? add_alias(list, &n, words[made], reterr) : err_nomem(reterr);
    }
    for (size_t i = 0; i < d->options.pass_over.n; i++)
        list[n++] = (struct rows_alias){d->options.pass_over.item[i], NULL};
    memcpy(list + n, boxes_aliases, sizeof(boxes_aliases));
    const struct rows_form form = {boxes_names, BOXES_NAMES, list, n + BOXES_ALIASES};
    if (rc == 0)
        rc = rows_read(d->options.file, &form, on_row, d, reterr);
    while (made > 0)
        free(words[--made]);
    return rc;
}

/* ---- sending ---- */

static void set_result(struct devices *d, json_t *row, const char *text)
{
    if (json_object_set_new(row, "result", json_string(text)) != 0)
        d->not_done++;
}

static void on_outcome(void *arg, const char *service, const char *id, enum outcome_kind kind, const char *reason)
{
    struct devices *d = arg;
    char text[160];
    (void)service;
    snprintf(text, sizeof(text), "%s%s%s", outcome_kind_name(kind), reason[0] != '\0' ? ", " : "", reason);
    size_t i = (size_t)json_integer_value(json_object_get(d->row_of, id));
    set_result(d, json_array_get(d->rows, i), text);
    d->not_done += kind != OUTCOME_APPLIED && kind != OUTCOME_UNCHANGED;
}

/* How manieth of its service this one is. */
static unsigned count_of(json_t *counts, const char *service)
{
    json_int_t n = 1 + json_integer_value(json_object_get(counts, service));
    json_object_set_new(counts, service, json_integer(n));
    return (unsigned)n;
}

static int send_one(struct devices *d, struct own_events *out, const struct book *known, json_t *counts, size_t i, struct err *reterr)
{
    const json_t *e = json_array_get(d->events, i);
    const char *service = json_text(e, "service");
    char basis[BASIS_TEXT_SIZE];
    json_t *record = known_get(known, service);
    known_basis(record, count_of(counts, service), basis);
    json_decref(record);
    const struct own_event event = {service, TYPE, json_text(e, "id"), basis, json_object_get(e, "data")};
    if (own_events_send(out, &event, reterr) != 0)
        return -1;
    set_result(d, json_array_get(d->rows, i), "sent");
    cli_progress_show(&d->progress, clock_boot_ms(), "%zu of %zu boxes", i + 1, json_array_size(d->rows));
    return cli_interrupt_pending() ? err_set(reterr, ERR_INVAL, "stopped after line %lld: the same list sent again goes on",
                                             (long long)json_integer_value(json_object_get(json_array_get(d->rows, i), "line")))
                                   : 0;
}

static int send_all(struct devices *d, struct own_events *out, const struct book *known, struct err *reterr)
{
    json_t *counts = json_object();
    struct err late = {0};
    int rc = counts == NULL ? err_nomem(reterr) : 0;
    for (size_t i = 0; rc == 0 && i < json_array_size(d->events); i++)
        rc = send_one(d, out, known, counts, i, reterr);
    cli_progress_end(&d->progress);
    if (own_events_flush(out, &late) != 0 && rc == 0) {
        *reterr = late;
        rc = -1;
    }
    json_decref(counts);
    return rc;
}

/* Events without an outcome; -1 and @reterr. */
static int64_t publish(struct devices *d, struct err *reterr)
{
    struct scanner *s = scanner_new(&d->place, reterr);
    struct book *known = book_new();
    struct own_events *out = NULL;
    int64_t silent = -1;
    int rc = s == NULL ? -1 : known == NULL ? err_nomem(reterr) : known_read(s, d->provider, known, reterr);
    if (rc == 0)
        out = own_events_new(s, &d->place, d->provider, SOURCE, d->options.rate, reterr);
    if (out != NULL && send_all(d, out, known, reterr) == 0)
        silent = own_events_follow(out, d->options.wait_ms, on_outcome, d, reterr);
    own_events_free(out);
    book_free(known);
    scanner_free(s);
    return silent;
}

/* ---- showing ---- */

static int show_events(struct devices *d, struct err *reterr)
{
    json_t *e;
    size_t i;
    json_array_foreach(d->events, i, e)
    {
        const struct own_event event = {json_text(e, "service"), TYPE, json_text(e, "id"), NULL, json_object_get(e, "data")};
        if (own_event_write(&event, d->provider, SOURCE, &d->text, reterr) != 0)
            return -1;
        puts(buf_cstr(&d->text));
    }
    return 0;
}

static void show(struct devices *d)
{
    const struct listing l = {members, ARRAY_LEN(members), d->rows};
    listing_show(&l, d->options.csv ? LISTING_CSV : d->options.json ? LISTING_JSON : LISTING_TABLE);
}

/* ---- the command ---- */

static enum cli_status sum_up(const struct devices *d, int64_t silent)
{
    if (d->faults > FAULTS_SHOWN)
        fprintf(stderr, "... and %zu more\n", d->faults - FAULTS_SHOWN);
    if (d->faults > 0)
        return cli_fail(&command, CLI_REFUSED, "%zu rows have faults and were left out", d->faults);
    if (d->not_done > 0)
        return cli_fail(&command, CLI_REFUSED, "%zu boxes were not taken: see RESULT", d->not_done);
    if (silent > 0 && d->options.wait_ms > 0)
        return cli_fail(&command, CLI_NOT_REACHED, "%lld events have no outcome yet: they are in the events topic", (long long)silent);
    return CLI_OK;
}

static enum cli_status carry_out(struct devices *d)
{
    struct err err = {0};
    int64_t silent = 0;
    if (d->options.events && show_events(d, &err) != 0)
        return cli_fail(&command, cli_status_of(&err), "%s", err.msg);
    if (!d->options.events && !d->options.dry_run && json_array_size(d->events) > 0)
        silent = publish(d, &err);
    if (!d->options.events)
        show(d);
    fflush(stdout);
    return silent < 0 ? cli_fail(&command, cli_status_of(&err), "%s", err.msg) : sum_up(d, silent);
}

static enum cli_status run(struct devices *d)
{
    struct err err = {0};
    const char *dir = d->place.settings != NULL ? d->place.settings->schemas : NULL;
    if (d->place.settings != NULL && settings_provider(d->place.settings, d->provider) == NULL)
        return cli_fail(&command, CLI_REFUSED, "the settings have no provider \"%s\"", d->provider);
    d->schemas = event_schemas_load(schema_dir(dir), &err);
    d->boxes = boxes_new();
    d->rows = json_array();
    d->events = json_array();
    d->row_of = json_object();
    if (d->schemas == NULL || read_rows(d, &err) != 0)
        return cli_fail(&command, CLI_REFUSED, "%s", err.msg);
    if (d->faults == 0 || d->options.skip_invalid)
        return carry_out(d);
    if (d->faults > FAULTS_SHOWN)
        fprintf(stderr, "... and %zu more\n", d->faults - FAULTS_SHOWN);
    return cli_fail(&command, CLI_REFUSED, "%zu of %zu rows have faults: nothing was sent (--skip-invalid takes the others)", d->faults,
                    d->faults + json_array_size(d->rows));
}

static enum cli_status open_place(struct devices *d, const struct kafka_options *kafka)
{
    const struct devices_options *o = &d->options;
    bool sends = !o->dry_run && !o->events;
    if (o->file == NULL)
        return cli_usage(&command, "--file FILE is needed: the boxes");
    if (o->json + o->csv + o->events > 1)
        return cli_usage(&command, "one of --json, --csv and --events");
    return sends || kafka->settings != NULL ? kafka_place_open(&d->place, &command, kafka) : CLI_RUN;
}

static void devices_fini(struct devices *d)
{
    json_decref(d->rows);
    json_decref(d->events);
    json_decref(d->row_of);
    boxes_free(d->boxes);
    event_schemas_free(d->schemas);
    buf_fini(&d->text);
    kafka_place_fini(&d->place);
}

int cmd_import_devices(int argc, char **argv)
{
    struct devices d = {.options = {.rate = RATE_DEFAULT, .wait_ms = WAIT_DEFAULT_MS}};
    struct kafka_options kafka;
    kafka_options_init(&kafka);
    buf_init(&d.text, JSON_EVENT_MAX_BYTES + 1);
    const struct cli_group groups[] = {
        {"The list", file_options, ARRAY_LEN(file_options), &d.options},
        {"Sending", sending_options, ARRAY_LEN(sending_options), &d.options},
        kafka_options_group(&kafka, true),
    };
    enum cli_status status = cli_parse_provider(&command, groups, ARRAY_LEN(groups), argc, argv, &d.provider);
    if (status == CLI_RUN)
        status = open_place(&d, &kafka);
    if (status == CLI_RUN) {
        cli_catch_interrupt();
        cli_progress_init(&d.progress, !d.options.json);
        status = run(&d);
    }
    devices_fini(&d);
    return status;
}
