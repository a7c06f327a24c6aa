/* convert.c - `tvbridge convert PROVIDER --map FILE`: accounts that bear a client's id get that of the service, one by one: found, shown,
 * adopted, converted, renamed, and their tariffs told to billing. The migration tool of PROVIDERS.md 1.2, 4NET.TV 10 to 13.
 *
 * As in `sync`, a preview comes first, and only what still stands as it was shown is carried out. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli.h"
#include "commands.h"
#include "contract/json.h"
#include "convert_state.h"
#include "kafka_client.h"
#include "known.h"
#include "own_events.h"
#include "platform.h"
#include "preview.h"
#include "scan.h"
#include "sync_apply.h"

#define KIND "tvbridge.convert"
#define SOURCE "/tvbridge/convert"
#define FIRST_NAME "{name}"
#define LAST_NAME "{service_name}, {service}"
#define RATE_DEFAULT 10
#define WAIT_DEFAULT_MS 60000
#define MAX_AGE_DEFAULT_MS (INT64_C(24) * 3600 * 1000)

struct convert_options {
    const char *map, *out, *apply, *tariffs, *first_name, *last_name;
    bool json;
    int64_t rate, wait_ms, max_age_ms;
};

static const struct cli_option convert_options[] = {
    {"map", 'm', CLI_TEXT, "FILE", offsetof(struct convert_options, map),
     "CSV or JSON lines with service and client: the id that the account is to\nbear, and the one that it bears; name and service_name for the new name"},
    {"first-name", 0, CLI_TEXT, "TEXT", offsetof(struct convert_options, first_name), "the new first name (" FIRST_NAME ")"},
    {"last-name", 0, CLI_TEXT, "TEXT", offsetof(struct convert_options, last_name),
     "the new last name (" LAST_NAME ");\nwhat the map does not say leaves the name as it is"},
    {"out", 'o', CLI_TEXT, "FILE", offsetof(struct convert_options, out), "save the preview there, for --apply"},
    {"apply", 0, CLI_TEXT, "FILE", offsetof(struct convert_options, apply), "carry a saved preview out, as far as it still holds"},
    {"tariffs", 0, CLI_TEXT, "FILE", offsetof(struct convert_options, tariffs),
     "with --apply: write what billing is to assign to each converted service\nthere, as CSV: service, client, plan, packages, login, account_number"},
    {"rate", 0, CLI_NUMBER, "N", offsetof(struct convert_options, rate), "events a second (10; 0: no limit)"},
    {"wait", 0, CLI_DURATION, "TIME", offsetof(struct convert_options, wait_ms), "for the outcomes, after the last event (60s; 0: do not wait)"},
    {"max-age", 0, CLI_DURATION, "TIME", offsetof(struct convert_options, max_age_ms), "of a preview that is applied (1d)"},
    {"json", 0, CLI_FLAG, NULL, offsetof(struct convert_options, json), "JSON lines: the form in which a preview is saved"},
};

static const struct cli_command command = {
    .name = "convert",
    .operands = "PROVIDER",
    .about = "Finds the accounts that bear the id of a client, shows each for a check, and gives it the id of the service, so that a\n"
             "client can have several services. Nothing is changed until the preview, saved, is applied: then each account is adopted,\n"
             "converted and renamed by events, and its tariffs are told to billing.",
    .examples = "  tvbridge convert fournet -S tvbridge.yaml --map services.csv -o convert.jsonl\n"
                "  tvbridge convert fournet -S tvbridge.yaml --apply convert.jsonl --tariffs tariffs.csv\n",
    .operands_max = 1,
};

struct convert {
    struct convert_options options;
    const char *provider;
    struct kafka_place place;
    struct scanner *scanner;
    struct platform platform;
    struct preview saved; /* what --apply carries out; the state points into its head */
    struct convert_state state;
    struct cli_progress progress;
};

/* ---- reading ---- */

static int read_sides(struct convert *c, const char *map, struct err *reterr)
{
    struct convert_state *s = &c->state;
    s->known = book_new();
    s->rows = book_new();
    s->accounts = accounts_new();
    if (s->known == NULL || s->rows == NULL || s->accounts == NULL)
        return err_nomem(reterr);
    if (known_read(c->scanner, c->provider, s->known, reterr) != 0 || convert_read_map(s, map, reterr) != 0 ||
        platform_accounts(&c->platform, s->accounts, NULL, NULL, reterr) != 0)
        return -1;
    convert_link(s);
    book_sort(s->rows);
    return 0;
}

static int check_pack(const struct convert *c, struct err *reterr)
{
    if (platform_has(&c->platform, "service.converted"))
        return 0;
    return err_set(reterr, ERR_INVAL, "the pack has no workflow `service.converted`: this platform's ids cannot be changed");
}

/* ---- the preview ---- */

struct showing {
    const struct convert *convert;
    FILE *file;
    struct cli_table table;
    struct buf out;
    size_t convert_count, left, done;
};

static void add_names(struct buf *b, const json_t *set)
{
    const char *name;
    json_t *v, *from = (json_t *)(uintptr_t)set; /* jansson's iterators take no const; nothing is written */
    json_object_foreach(from, name, v) buf_addf(b, "%s%s", b->len > 0 ? " " : "", name);
}

static void show_row(struct showing *g, const json_t *found)
{
    struct buf packages, devices;
    const json_t *read = json_object_get(found, "read");
    const char *left = json_string_value(json_array_get(json_object_get(found, "left"), 0));
    buf_init(&packages, 65536);
    buf_init(&devices, 65536);
    add_names(&packages, json_object_get(read, "packages"));
    add_names(&devices, json_object_get(read, "devices"));
    const char *cells[] = {json_text(found, "service"), json_text(found, "client"), json_text(read, "login"), json_text(read, "status"),
                           json_text(read, "plan"),     buf_cstr(&packages),       buf_cstr(&devices),      left != NULL ? left : "convert"};
    cli_table_row(&g->table, cells, NULL, &g->out);
    fputs(buf_cstr(&g->out), stdout);
    buf_reset(&g->out);
    buf_fini(&packages);
    buf_fini(&devices);
}

static int show_one(struct showing *g, const char *service)
{
    char hash[SYNC_HASH_SIZE];
    json_t *found = NULL;
    int rc = convert_find(&g->convert->state, service, &found, hash);
    if (rc <= 0) {
        g->done += rc == 0;
        return rc;
    }
    bool left = strcmp(json_text(found, "kind"), "left") == 0;
    g->left += left;
    g->convert_count += !left;
    if (g->file != NULL)
        preview_write_service(found, hash, g->file);
    if (g->convert->options.json)
        preview_write_service(found, hash, stdout);
    else
        show_row(g, found);
    json_decref(found);
    return 0;
}

static void show_end(struct showing *g)
{
    json_t *end = json_pack("{s:b, s:I, s:I, s:I, s:I}", "end", 1, "services", (json_int_t)book_count(g->convert->state.rows), "convert",
                            (json_int_t)g->convert_count, "left", (json_int_t)g->left, "converted_already", (json_int_t)g->done);
    if (g->file != NULL)
        preview_write_line(end, g->file);
    if (g->convert->options.json)
        preview_write_line(end, stdout);
    else
        printf("%zu to convert, %zu left as they are, %zu converted already\n", g->convert_count, g->left, g->done);
    json_decref(end);
    fflush(stdout);
}

static int preview_all(struct convert *c, const struct preview_head *h, struct showing *g)
{
    static const struct cli_column columns[] = {{"SERVICE", 12, 6, false},  {"CLIENT", 12, 6, false},   {"LOGIN", 16, 6, false},
                                                {"STATUS", 10, 6, false},   {"PLAN", 8, 4, false},      {"PACKAGES", 16, 8, false},
                                                {"DEVICES", 18, 8, false},  {"", 30, 10, false}};
    int rc = 0;
    if (g->file != NULL)
        preview_write_head(h, g->file);
    if (c->options.json)
        preview_write_head(h, stdout);
    cli_table_init(&g->table, columns, ARRAY_LEN(columns), cli_width(stdout), cli_has_colour(stdout));
    if (!c->options.json) {
        cli_table_head(&g->table, &g->out);
        fputs(buf_cstr(&g->out), stdout);
        buf_reset(&g->out);
    }
    for (size_t i = 0; rc == 0 && i < book_count(c->state.rows); i++)
        rc = show_one(g, book_key(c->state.rows, i));
    show_end(g);
    return rc;
}

static FILE *create_file(const char *path, struct err *reterr)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    FILE *f = fd < 0 ? NULL : fdopen(fd, "w");
    if (f == NULL)
        err_set(reterr, ERR_INVAL, "%s: %s", path, strerror(errno));
    return f;
}

static int close_file(FILE *f, const char *path, struct err *reterr)
{
    bool good = fflush(f) == 0 && ferror(f) == 0 && fsync(fileno(f)) == 0;
    return fclose(f) == 0 && good ? 0 : err_set(reterr, ERR_INVAL, "%s could not be written", path);
}

static int preview(struct convert *c, struct err *reterr)
{
    struct preview_head head;
    struct showing g = {.convert = c};
    if (read_sides(c, c->options.map, reterr) != 0 ||
        preview_head_new(&head, KIND, c->provider, c->options.map, clock_real_ms(), false, reterr) != 0)
        return -1;
    head.first_name = c->state.first_name;
    head.last_name = c->state.last_name;
    if (c->options.out != NULL && (g.file = create_file(c->options.out, reterr)) == NULL)
        return -1;
    if (c->options.out != NULL)
        progress_forget(c->options.out);
    buf_init(&g.out, (size_t)1024 * 1024);
    int rc = preview_all(c, &head, &g) != 0 ? err_nomem(reterr) : 0;
    buf_fini(&g.out);
    if (g.file != NULL && close_file(g.file, c->options.out, reterr) != 0)
        rc = -1;
    if (rc == 0 && c->options.out != NULL && !c->options.json)
        fprintf(stderr, "saved: tvbridge convert %s --apply %s\n", c->provider, c->options.out);
    return rc;
}

/* ---- applying ---- */

static int find_one(const void *arg, const char *service, json_t **ret, char ret_hash[SYNC_HASH_SIZE])
{
    return convert_find(arg, service, ret, ret_hash);
}

static void write_cell(FILE *out, const char *text, bool last)
{
    bool plain = strpbrk(text, ",\"\r\n") == NULL && (text[0] == '\0' || strchr("=+-@", text[0]) == NULL);
    if (!plain)
        fputc('"', out);
    for (; *text != '\0'; text++) {
        if (*text == '"')
            fputc('"', out);
        fputc(*text, out);
    }
    if (!plain)
        fputc('"', out);
    fputs(last ? "\r\n" : ",", out);
}

/* What was found at the platform is what billing has to assign. */
static void write_tariffs(const struct sync_apply *a, FILE *out)
{
    const char *service;
    json_t *result;
    fputs("service,client,plan,packages,login,account_number\r\n", out);
    json_object_foreach(a->results, service, result)
    {
        const char *word = json_text(result, "result");
        if (strcmp(word, sync_result_name(SYNC_DONE)) != 0 && strcmp(word, sync_result_name(SYNC_SENT)) != 0 &&
            strcmp(word, sync_result_name(SYNC_BEFORE)) != 0)
            continue;
        struct buf packages;
        const json_t *line = json_object_get(a->preview->services, service), *read = json_object_get(line, "read");
        buf_init(&packages, 65536);
        add_names(&packages, json_object_get(read, "packages"));
        const char *cells[] = {service,            json_text(line, "client"), json_text(read, "plan"),
                               buf_cstr(&packages), json_text(read, "login"),  json_text(read, "account_number")};
        for (size_t i = 0; i < ARRAY_LEN(cells); i++)
            write_cell(out, cells[i], i + 1 == ARRAY_LEN(cells));
        buf_fini(&packages);
    }
}

static int save_tariffs(const struct convert *c, const struct sync_apply *a, struct err *reterr)
{
    if (c->options.tariffs == NULL)
        return 0;
    FILE *f = create_file(c->options.tariffs, reterr);
    if (f == NULL)
        return -1;
    write_tariffs(a, f);
    return close_file(f, c->options.tariffs, reterr);
}

static int carry_out(struct convert *c, enum cli_status *ret_status, struct err *reterr)
{
    struct sync_apply a = {
        .find = find_one, .arg = &c->state, .known = c->state.known, .prefix = CONVERT_PREFIX, .preview = &c->saved, .progress = &c->progress};
    struct err late = {0};
    a.events = own_events_new(c->scanner, &c->place, c->provider, SOURCE, c->options.rate, reterr);
    a.done = a.events == NULL ? NULL : progress_open(c->options.apply, &c->saved.head, reterr);
    int rc = a.done == NULL ? -1 : sync_apply_send(&a, reterr);
    cli_progress_end(&c->progress);
    if (a.done != NULL && (sync_apply_follow(&a, c->options.wait_ms, &late) != 0 || save_tariffs(c, &a, &late) != 0) && rc == 0) {
        *reterr = late;
        rc = -1;
    }
    if (a.done != NULL)
        *ret_status = sync_apply_show(&a, c->options.json, c->options.wait_ms > 0);
    sync_apply_fini(&a);
    progress_close(a.done);
    own_events_free(a.events);
    return rc;
}

static int apply(struct convert *c, enum cli_status *ret_status, struct err *reterr)
{
    const struct preview_head *head = &c->saved.head;
    int rc = preview_read(&c->saved, c->options.apply, KIND, c->provider, clock_real_ms(), c->options.max_age_ms, reterr);
    const char *map = c->options.map != NULL ? c->options.map : head->desired;
    if (rc == 0 && (map == NULL || strcmp(map, "-") == 0) && c->options.map == NULL)
        rc = err_set(reterr, ERR_INVAL, "%s was made from stdin: give the same again with --map", c->options.apply);
    if (rc == 0) {
        c->state.first_name = head->first_name != NULL ? head->first_name : FIRST_NAME;
        c->state.last_name = head->last_name != NULL ? head->last_name : LAST_NAME;
        rc = read_sides(c, map, reterr);
    }
    return rc == 0 ? carry_out(c, ret_status, reterr) : -1;
}

/* ---- the command ---- */

static enum cli_status check_options(const struct convert *c, const struct kafka_options *kafka)
{
    const struct convert_options *o = &c->options;
    if (kafka->settings == NULL)
        return cli_usage(&command, "--settings FILE is needed: it says where the platform is");
    if (o->apply == NULL && o->map == NULL)
        return cli_usage(&command, "--map FILE is needed: it says which service bears which client's id");
    if (o->apply != NULL && (o->out != NULL || o->first_name != NULL || o->last_name != NULL))
        return cli_usage(&command, "--apply takes what the preview says: it goes with --map, --tariffs, --rate, --wait and --max-age");
    if (o->apply == NULL && o->tariffs != NULL)
        return cli_usage(&command, "--tariffs goes with --apply");
    return CLI_RUN;
}

static enum cli_status run(struct convert *c)
{
    struct err err = {0};
    enum cli_status status = CLI_OK;
    const struct settings_provider *sp = settings_provider(c->place.settings, c->provider);
    if (sp == NULL)
        return cli_fail(&command, CLI_REFUSED, "the settings have no provider \"%s\"", c->provider);
    c->state.first_name = c->options.first_name != NULL ? c->options.first_name : FIRST_NAME;
    c->state.last_name = c->options.last_name != NULL ? c->options.last_name : LAST_NAME;
    cli_catch_interrupt();
    cli_progress_init(&c->progress, !c->options.json);
    c->scanner = scanner_new(&c->place, &err);
    int rc = c->scanner == NULL ? -1 : platform_open(&c->platform, sp, NULL, &err);
    if (rc == 0)
        rc = check_pack(c, &err);
    if (rc == 0)
        rc = c->options.apply != NULL ? apply(c, &status, &err) : preview(c, &err);
    return rc != 0 ? cli_fail(&command, cli_status_of(&err), "%s", err.msg) : status;
}

int cmd_convert(int argc, char **argv)
{
    struct convert c = {.options = {.rate = RATE_DEFAULT, .wait_ms = WAIT_DEFAULT_MS, .max_age_ms = MAX_AGE_DEFAULT_MS}};
    struct kafka_options kafka;
    kafka_options_init(&kafka);
    const struct cli_group groups[] = {
        {"Converting", convert_options, ARRAY_LEN(convert_options), &c.options},
        kafka_options_group(&kafka, true),
    };
    enum cli_status status = cli_parse_provider(&command, groups, ARRAY_LEN(groups), argc, argv, &c.provider);
    if (status == CLI_RUN)
        status = check_options(&c, &kafka);
    if (status == CLI_RUN)
        status = kafka_place_open(&c.place, &command, &kafka);
    if (status == CLI_RUN)
        status = run(&c);
    book_free(c.state.known);
    book_free(c.state.rows);
    accounts_free(c.state.accounts);
    preview_fini(&c.saved);
    platform_close(&c.platform);
    scanner_free(c.scanner);
    kafka_place_fini(&c.place);
    return status;
}
