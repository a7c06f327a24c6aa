/* import_devices.c - `tvbridge import devices PROVIDER --file FILE`: a list of set-top boxes into events device.added.
 *
 * Every row is checked before the first event leaves. An event's id is a function of what it says, so the same list sent again, after
 * a crash too, adds nothing twice. */
#include <stdlib.h>
#include <string.h>

#include "boxes.h"
#include "cli.h"
#include "commands.h"
#include "contract/json.h"
#include "kafka_client.h"
#include "listing.h"
#include "row_events.h"
#include "rows.h"

#define SOURCE "/tvbridge/import"
#define TYPE "device.added"
#define RATE_DEFAULT 20
#define WAIT_DEFAULT_MS 60000
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
    struct row_events *events;
    struct boxes *boxes;
    struct rows_faults faults;
    struct cli_progress progress;
};

/* ---- checking ---- */

static const char *found(const struct box *x, const char *pointer)
{
    const char *device = "/data/device/";
    if (strncmp(pointer, device, strlen(device)) != 0)
        return "";
    return json_text(json_object_get(x->data, "device"), pointer + strlen(device));
}

static json_t *row_of(const struct box *x, long line)
{
    const json_t *device = json_object_get(x->data, "device");
    return json_pack("{s:I, s:s, s:O*, s:O*, s:O*, s:O*, s:O*}", "line", (json_int_t)line, "service", x->service, "mac",
                     json_object_get(device, "mac"), "serial", json_object_get(device, "serial"), "model", json_object_get(device, "model"),
                     "location", json_object_get(device, "location"), "patrimony", json_object_get(device, "id"));
}

/* By the event's own schema: lengths, and which characters there may be. */
static int add_box(struct devices *d, const struct box *x, long line, struct err *reterr)
{
    struct fault fault = {.pointer = ""};
    json_t *row = row_of(x, line);
    int rc = row == NULL ? -1 : row_events_add(d->events, row, x->service, x->id, x->data, &fault);
    json_decref(row);
    if (rc <= 0)
        return rc == 0 ? 0 : err_nomem(reterr);
    return err_set(reterr, ERR_INVAL, "%s: found \"%.40s\": %s", boxes_column(fault.pointer), found(x, fault.pointer), fault.reason);
}

static int on_row(void *arg, const json_t *row, long line, struct err *reterr)
{
    struct devices *d = arg;
    struct box x;
    struct err err = {0};
    int rc = boxes_take(d->boxes, row, line, d->provider, &x, &err);
    if (rc == 0)
        rc = add_box(d, &x, line, &err);
    json_decref(x.data);
    if (rc == 0)
        return 0;
    return rows_faults_take(&d->faults, line, &err, reterr);
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

static void show(struct devices *d)
{
    const struct listing l = {members, ARRAY_LEN(members), row_events_rows(d->events)};
    listing_show(&l, d->options.csv ? LISTING_CSV : d->options.json ? LISTING_JSON : LISTING_TABLE);
}

/* ---- the command ---- */

static enum cli_status sum_up(const struct devices *d, int64_t silent)
{
    rows_faults_end(&d->faults);
    if (d->faults.n > 0)
        return cli_fail(&command, CLI_REFUSED, "%zu rows have faults and were left out", d->faults.n);
    size_t refused = row_events_not_done(d->events);
    if (refused > 0)
        return cli_fail(&command, CLI_REFUSED, "%zu boxes were not taken: see RESULT", refused);
    if (silent > 0 && d->options.wait_ms > 0)
        return cli_fail(&command, CLI_NOT_REACHED, "%lld events have no outcome yet: they are in the events topic", (long long)silent);
    return CLI_OK;
}

static enum cli_status carry_out(struct devices *d)
{
    struct err err = {0};
    int64_t silent = 0;
    const struct row_sending how = {&d->place, d->options.rate, d->options.wait_ms, &d->progress};
    if (d->options.events && row_events_print(d->events, &err) != 0)
        return cli_fail(&command, cli_status_of(&err), "%s", err.msg);
    if (!d->options.events && !d->options.dry_run && json_array_size(row_events_rows(d->events)) > 0)
        silent = row_events_send(d->events, &how, &err);
    if (!d->options.events)
        show(d);
    fflush(stdout);
    return silent < 0 ? cli_fail(&command, cli_status_of(&err), "%s", err.msg) : sum_up(d, silent);
}

static enum cli_status run(struct devices *d)
{
    struct err err = {0};
    const char *dir = d->place.settings != NULL ? d->place.settings->schemas : NULL;
    d->faults.file = d->options.file;
    if (d->place.settings != NULL && settings_provider(d->place.settings, d->provider) == NULL)
        return cli_fail(&command, CLI_REFUSED, "the settings have no provider \"%s\"", d->provider);
    d->events = row_events_new(d->provider, SOURCE, TYPE, dir, &err);
    d->boxes = boxes_new();
    if (d->events == NULL || (d->boxes == NULL && err_nomem(&err) != 0) || read_rows(d, &err) != 0)
        return cli_fail(&command, CLI_REFUSED, "%s", err.msg);
    if (d->faults.n == 0 || d->options.skip_invalid)
        return carry_out(d);
    rows_faults_end(&d->faults);
    return cli_fail(&command, CLI_REFUSED, "%zu of %zu rows have faults: nothing was sent (--skip-invalid takes the others)", d->faults.n,
                    d->faults.n + json_array_size(row_events_rows(d->events)));
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
    row_events_free(d->events);
    boxes_free(d->boxes);
    kafka_place_fini(&d->place);
}

int cmd_import_devices(int argc, char **argv)
{
    struct devices d = {.options = {.rate = RATE_DEFAULT, .wait_ms = WAIT_DEFAULT_MS}};
    struct kafka_options kafka;
    kafka_options_init(&kafka);
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
