/* sync.c - `tvbridge sync PROVIDER`: what billing wants against what the platform has. The comparison is always looked at first, and
 * only what was looked at is carried out (PROVIDERS.md 1.2, 4NET.TV 1). */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli.h"
#include "commands.h"
#include "contract/json.h"
#include "kafka_client.h"
#include "own_events.h"
#include "platform.h"
#include "preview.h"
#include "scan.h"
#include "sync_apply.h"
#include "sync_auto.h"
#include "sync_state.h"

#define KIND "tvbridge.sync"
#define SOURCE "/tvbridge/sync"
#define RATE_DEFAULT 20
#define WAIT_DEFAULT_MS 60000
#define MAX_AGE_DEFAULT_MS (INT64_C(24) * 3600 * 1000)

struct sync_options {
    const char *desired, *catalogue, *apply, *out;
    bool from_records, preview, tariffs_only, remove_unknown, autosync, loop, json;
    int64_t rate, wait_ms, max_age_ms;
};

static const struct cli_option side_options[] = {
    {"desired", 'd', CLI_TEXT, "FILE", offsetof(struct sync_options, desired),
     "what billing wants: CSV or JSON lines with service and what is to be so\n(login, plan, packages, status ...); - reads stdin"},
    {"catalogue", 0, CLI_TEXT, "FILE", offsetof(struct sync_options, catalogue),
     "plans and packages of --desired have billing's ids: FILE says what\nthey are at the platform, and what it does not know is refused"},
    {"from-records", 0, CLI_FLAG, NULL, offsetof(struct sync_options, from_records), "what tvbridge's own records say, instead"},
    {"tariffs-only", 0, CLI_FLAG, NULL, offsetof(struct sync_options, tariffs_only),
     "only which plans and packages are wanted and which the platform has"},
    {"remove-unknown", 0, CLI_FLAG, NULL, offsetof(struct sync_options, remove_unknown),
     "also remove packages that somebody added at the platform by hand, and\ndelete accounts that billing does not name"},
};

static const struct cli_option doing_options[] = {
    {"preview", 0, CLI_FLAG, NULL, offsetof(struct sync_options, preview), "show what would change; this is what happens without --apply"},
    {"out", 'o', CLI_TEXT, "FILE", offsetof(struct sync_options, out), "save the preview there, for --apply"},
    {"apply", 0, CLI_TEXT, "FILE", offsetof(struct sync_options, apply), "carry a saved preview out, as far as it still holds"},
    {"rate", 0, CLI_NUMBER, "N", offsetof(struct sync_options, rate), "events a second (20; 0: no limit)"},
    {"wait", 0, CLI_DURATION, "TIME", offsetof(struct sync_options, wait_ms), "for the outcomes, after the last event (60s; 0: do not wait)"},
    {"max-age", 0, CLI_DURATION, "TIME", offsetof(struct sync_options, max_age_ms), "of a preview that is applied (1d)"},
    {"autosync", 0, CLI_FLAG, NULL, offsetof(struct sync_options, autosync),
     "as the provider's settings say under `autosync`: preview and apply, once"},
    {"loop", 0, CLI_FLAG, NULL, offsetof(struct sync_options, loop), "with --autosync: again and again, as often as the settings say"},
    {"json", 0, CLI_FLAG, NULL, offsetof(struct sync_options, json), "JSON lines: the form in which a preview is saved"},
};

static const struct cli_command command = {
    .name = "sync",
    .operands = "PROVIDER",
    .about = "Compares what billing wants of each service with what the platform has, and shows what would have to be created,\n"
             "changed or removed, and what is unknown. Nothing is changed until such a preview, saved, is applied; a service\n"
             "that has moved since is left alone. Changes go as ordinary events, in order with billing's own.",
    .examples = "  tvbridge sync stalker -S tvbridge.yaml --desired services.csv -o preview.jsonl\n"
                "  tvbridge sync stalker -S tvbridge.yaml --apply preview.jsonl\n"
                "  tvbridge sync stalker -S tvbridge.yaml --from-records\n"
                "  tvbridge sync stalker -S tvbridge.yaml --autosync\n",
    .operands_max = 1,
};

struct sync {
    struct sync_options options;
    const char *provider;
    const struct settings_provider *settings;
    struct kafka_place place;
    struct scanner *scanner;
    struct platform platform;
    struct catalogue *catalogue; /* of the sides that were read last */
    struct sync_state state;
    struct cli_progress progress;
};

/* ---- reading both sides ---- */

static void on_listed(void *arg, size_t n)
{
    struct sync *s = arg;
    char text[CLI_COUNT_SIZE];
    cli_progress_show(&s->progress, clock_boot_ms(), "%s accounts read", cli_count((int64_t)n, text));
}

/* @catalogue: a file, read anew; NULL: what is wanted has the platform's ids. */
static int read_sides(struct sync *s, const char *desired, const char *catalogue, bool catalog_only, struct err *reterr)
{
    if (catalogue != NULL && desired == NULL)
        return err_set(reterr, ERR_INVAL, "what is wanted are the records, which have the platform's ids: leave --catalogue out");
    catalogue_free(s->catalogue);
    s->catalogue = catalogue == NULL ? NULL : catalogue_load(catalogue, s->place.settings->schemas, reterr);
    if (catalogue != NULL && s->catalogue == NULL)
        return -1;
    const struct sync_ask ask = {
        .scanner = s->scanner,
        .platform = &s->platform,
        .provider = s->provider,
        .desired = desired,
        .catalogue = s->catalogue,
        .catalog_only = catalog_only,
        .progress = on_listed,
        .arg = s,
    };
    sync_state_fini(&s->state);
    int rc = sync_state_read(&s->state, &ask, reterr);
    cli_progress_end(&s->progress);
    return rc;
}

/* ---- the preview ---- */

struct showing {
    const struct sync *sync;
    FILE *file;              /* NULL: it is not saved */
    struct cli_table table;
    struct buf out;
    bool headed;
    size_t create, change, remove, left, unknown;
};

static void add_texts(struct buf *b, const json_t *list, const char *member)
{
    json_t *v;
    size_t i;
    json_array_foreach(list, i, v)
        buf_addf(b, "%s%s", b->len > 0 ? "; " : "", member != NULL ? json_text(v, member) : json_string_value(v));
}

static void show_row(struct showing *g, const char *service, const char *kind, const char *what)
{
    static const enum cli_colour plain = CLI_PLAIN;
    enum cli_colour colour = strcmp(kind, "remove") == 0 ? CLI_RED : strcmp(kind, "create") == 0 ? CLI_GREEN : plain;
    const enum cli_colour colours[] = {plain, colour, plain};
    const char *cells[] = {service, kind, what};
    if (!g->headed)
        cli_table_head(&g->table, &g->out);
    g->headed = true;
    cli_table_row(&g->table, cells, colours, &g->out);
    fputs(buf_cstr(&g->out), stdout);
    buf_reset(&g->out);
}

static void count_kind(struct showing *g, const char *kind)
{
    g->create += strcmp(kind, "create") == 0;
    g->change += strcmp(kind, "change") == 0;
    g->remove += strcmp(kind, "remove") == 0;
    g->left += strcmp(kind, "left") == 0;
}

static bool on_found(void *arg, const json_t *found, const char *hash)
{
    struct showing *g = arg;
    const char *kind = json_text(found, "kind");
    count_kind(g, kind);
    if (g->file != NULL)
        preview_write_service(found, hash, g->file);
    if (g->sync->options.json) {
        preview_write_service(found, hash, stdout);
        return true;
    }
    struct buf text;
    buf_init(&text, (size_t)1024 * 1024);
    add_texts(&text, json_object_get(found, "changes"), "what");
    add_texts(&text, json_object_get(found, "left"), NULL);
    show_row(g, json_text(found, "service"), kind, buf_cstr(&text));
    buf_fini(&text);
    return !cli_interrupt_pending();
}

static void show_unknown(struct showing *g)
{
    const struct accounts *all = g->sync->state.accounts;
    for (size_t i = 0; i < accounts_count(all); i++) {
        const struct account *a = accounts_at(all, i);
        const char *id = account_bears(a, ACCOUNT_EXTERNAL_ID);
        if (account_owner(a)[0] != '\0')
            continue;
        g->unknown++;
        json_t *o = json_pack("{s:{s:s, s:s, s:s}}", "account", "external_id", id, "account_number", account_bears(a, ACCOUNT_NUMBER),
                              "login", account_bears(a, ACCOUNT_LOGIN));
        if (g->file != NULL)
            preview_write_line(o, g->file);
        if (g->sync->options.json)
            preview_write_line(o, stdout);
        else
            show_row(g, "", "unknown", id[0] != '\0' ? id : account_bears(a, ACCOUNT_NUMBER));
        json_decref(o);
    }
}

static json_t *end_line(const struct showing *g)
{
    const struct sync_state *s = &g->sync->state;
    return json_pack("{s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "end", 1, "services", (json_int_t)book_count(s->wanted), "accounts",
                     (json_int_t)accounts_count(s->accounts), "create", (json_int_t)g->create, "change", (json_int_t)g->change, "remove",
                     (json_int_t)g->remove, "left", (json_int_t)g->left, "unknown", (json_int_t)g->unknown);
}

static void show_end(struct showing *g)
{
    json_t *end = end_line(g);
    if (g->file != NULL)
        preview_write_line(end, g->file);
    if (g->sync->options.json)
        preview_write_line(end, stdout);
    else
        printf("%zu to create, %zu to change, %zu to remove, %zu left as they are, %zu unknown at the platform; %zu services, %zu accounts\n",
               g->create, g->change, g->remove, g->left, g->unknown, book_count(g->sync->state.wanted),
               accounts_count(g->sync->state.accounts));
    json_decref(end);
}

/* With 0600: the logins of unknown accounts are in it. */
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
    if (f == NULL)
        return 0;
    bool good = fflush(f) == 0 && ferror(f) == 0 && fsync(fileno(f)) == 0;
    return fclose(f) == 0 && good ? 0 : err_set(reterr, ERR_INVAL, "%s could not be written", path);
}

/* Shows it, and saves it where @out says. */
static int preview(struct sync *s, const struct preview_head *h, const char *out, struct showing *g, struct err *reterr)
{
    static const struct cli_column columns[] = {{"SERVICE", 16, 6, false}, {"KIND", 8, 7, false}, {"WHAT", 60, 10, false}};
    *g = (struct showing){.sync = s};
    s->state.rules.now_ms = h->made_ms;
    s->state.rules.remove_unknown = h->remove_unknown;
    if (out != NULL && (g->file = create_file(out, reterr)) == NULL)
        return -1;
    if (out != NULL)
        progress_forget(out);
    buf_init(&g->out, (size_t)2 * 1024 * 1024);
    cli_table_init(&g->table, columns, ARRAY_LEN(columns), cli_width(stdout), cli_has_colour(stdout));
    if (g->file != NULL)
        preview_write_head(h, g->file);
    if (s->options.json)
        preview_write_head(h, stdout);
    int rc = sync_state_each(&s->state, on_found, g);
    if (rc == 0) {
        show_unknown(g);
        show_end(g);
    }
    fflush(stdout);
    buf_fini(&g->out);
    return close_file(g->file, out, reterr) != 0 ? -1 : rc == 0 ? 0 : err_nomem(reterr);
}

static enum cli_status run_preview(struct sync *s)
{
    struct err err = {0};
    struct preview_head head = {0};
    struct showing g;
    const char *desired = s->options.from_records ? NULL : s->options.desired;
    int rc = read_sides(s, desired, s->options.catalogue, false, &err);
    if (rc == 0)
        rc = preview_head_new(&head, KIND, s->provider, desired, clock_real_ms(), s->options.remove_unknown, &err);
    head.catalogue = s->options.catalogue;
    if (rc != 0 || preview(s, &head, s->options.out, &g, &err) != 0)
        return cli_fail(&command, cli_status_of(&err), "%s", err.msg);
    if (s->options.out != NULL && !s->options.json)
        fprintf(stderr, "saved: tvbridge sync %s --apply %s\n", s->provider, s->options.out);
    return CLI_OK;
}

/* ---- the tariffs ---- */

static void count_wanted(const struct sync_state *s, json_t *plans, json_t *packages)
{
    const char *id;
    json_t *v;
    for (size_t i = 0; i < book_count(s->wanted); i++) {
        json_t *w = book_get_json(s->wanted, book_key(s->wanted, i));
        const char *plan = json_text(w, "plan");
        if (plan[0] != '\0')
            json_object_set_new(plans, plan, json_integer(1 + json_integer_value(json_object_get(plans, plan))));
        json_object_foreach(json_object_get(w, "packages"), id, v)
            json_object_set_new(packages, id, json_integer(1 + json_integer_value(json_object_get(packages, id))));
        json_decref(w);
    }
}

static void show_tariff(struct showing *g, const char *kind, const char *id, json_int_t services, const char *state, const char *name)
{
    char number[24];
    if (g->sync->options.json) {
        json_t *o = json_pack("{s:s, s:s, s:s, s:I, s:s}", "kind", kind, "id", id, "name", name, "services", services, "state", state);
        preview_write_line(o, stdout);
        json_decref(o);
        return;
    }
    snprintf(number, sizeof(number), "%" JSON_INTEGER_FORMAT, services);
    const char *cells[] = {kind, id, number, state, name};
    if (!g->headed)
        cli_table_head(&g->table, &g->out);
    g->headed = true;
    cli_table_row(&g->table, cells, NULL, &g->out);
    fputs(buf_cstr(&g->out), stdout);
    buf_reset(&g->out);
}

static void show_tariffs(struct showing *g, const char *kind, const json_t *have, json_t *wanted)
{
    const char *id;
    json_t *v, *from = (json_t *)(uintptr_t)have; /* jansson's iterators take no const; nothing is written */
    json_object_foreach(from, id, v)
    {
        json_int_t n = json_integer_value(json_object_get(wanted, id));
        show_tariff(g, kind, id, n, n > 0 ? "linked" : "unused", json_string_value(v));
    }
    json_object_foreach(wanted, id, v)
        if (json_object_get(have, id) == NULL) {
            show_tariff(g, kind, id, json_integer_value(v), "not linked", "the platform has none of this external id");
            g->unknown++;
        }
}

static enum cli_status run_tariffs(struct sync *s)
{
    static const struct cli_column columns[] = {{"KIND", 8, 7, false}, {"EXTERNAL ID", 14, 8, false}, {"SERVICES", 8, 8, true},
                                                {"STATE", 11, 10, false}, {"NAME", 30, 10, false}};
    struct err err = {0};
    struct showing g = {.sync = s};
    if (read_sides(s, s->options.from_records ? NULL : s->options.desired, s->options.catalogue, true, &err) != 0)
        return cli_fail(&command, cli_status_of(&err), "%s", err.msg);
    if (s->state.catalog == NULL)
        return cli_fail(&command, CLI_REFUSED, "the pack has no workflow `catalog`");
    json_t *plans = json_object(), *packages = json_object();
    buf_init(&g.out, 1 << 20);
    cli_table_init(&g.table, columns, ARRAY_LEN(columns), cli_width(stdout), cli_has_colour(stdout));
    count_wanted(&s->state, plans, packages);
    show_tariffs(&g, "plan", json_object_get(s->state.catalog, "plans"), plans);
    show_tariffs(&g, "package", json_object_get(s->state.catalog, "packages"), packages);
    fflush(stdout);
    buf_fini(&g.out);
    json_decref(plans);
    json_decref(packages);
    if (s->state.unnamed > 0)
        fprintf(stderr, "%zu plans and packages of the platform have no external id: `tvbridge import catalog` names them\n", s->state.unnamed);
    return g.unknown > 0 || s->state.unnamed > 0 ? CLI_REFUSED : CLI_OK;
}

/* ---- applying ---- */

static int find_one(const void *arg, const char *service, json_t **ret, char ret_hash[SYNC_HASH_SIZE])
{
    return sync_state_one(arg, service, ret, ret_hash);
}

static int apply(struct sync *s, const struct preview *p, const char *path, int64_t rate, int64_t wait_ms, enum cli_status *ret_status,
                 struct err *reterr)
{
    struct sync_apply a = {
        .find = find_one, .arg = &s->state, .known = s->state.known, .prefix = "sync-", .preview = p, .progress = &s->progress};
    a.events = own_events_new(s->scanner, &s->place, s->provider, SOURCE, rate, reterr);
    a.done = a.events == NULL ? NULL : progress_open(path, &p->head, reterr);
    int rc = a.done == NULL ? -1 : sync_apply_send(&a, reterr);
    cli_progress_end(&s->progress);
    struct err late = {0};
    if (a.done != NULL && sync_apply_follow(&a, wait_ms, &late) != 0 && rc == 0) {
        *reterr = late;
        rc = -1;
    }
    if (a.done != NULL)
        *ret_status = sync_apply_show(&a, s->options.json, wait_ms > 0);
    sync_apply_fini(&a);
    progress_close(a.done);
    own_events_free(a.events);
    return rc;
}

/* By the same clock and rules as the preview: only what it was computed from may be another. */
static int apply_saved(struct sync *s, const char *path, const struct preview *p, enum cli_status *ret_status, struct err *reterr)
{
    const char *desired = s->options.desired != NULL ? s->options.desired : p->head.desired;
    if (p->head.desired != NULL && strcmp(p->head.desired, "-") == 0 && s->options.desired == NULL)
        return err_set(reterr, ERR_INVAL, "%s was made from stdin: give the same again with --desired", path);
    if (read_sides(s, desired, s->options.catalogue != NULL ? s->options.catalogue : p->head.catalogue, false, reterr) != 0)
        return -1;
    s->state.rules.now_ms = p->head.made_ms;
    s->state.rules.remove_unknown = p->head.remove_unknown;
    return apply(s, p, path, s->options.rate, s->options.wait_ms, ret_status, reterr);
}

static enum cli_status run_apply(struct sync *s)
{
    struct err err = {0};
    struct preview p;
    enum cli_status status = CLI_OK;
    int rc = preview_read(&p, s->options.apply, KIND, s->provider, clock_real_ms(), s->options.max_age_ms, &err);
    if (rc == 0)
        rc = apply_saved(s, s->options.apply, &p, &status, &err);
    preview_fini(&p);
    return rc != 0 ? cli_fail(&command, cli_status_of(&err), "%s", err.msg) : status;
}

/* ---- autosync ---- */

static enum cli_status autosync_once(struct sync *s, const struct settings_autosync *a)
{
    struct err err = {0};
    struct preview_head head = {0};
    struct showing g;
    struct preview p = {0};
    char path[4096];
    enum cli_status status = CLI_OK;
    int rc = read_sides(s, a->desired, s->options.catalogue, false, &err);
    if (rc == 0)
        rc = sync_auto_check(&s->state, &err);
    if (rc == 0)
        rc = sync_auto_path(a, s->provider, path, sizeof(path), &err);
    if (rc == 0)
        rc = preview_head_new(&head, KIND, s->provider, a->desired, clock_real_ms(), a->remove_unknown, &err);
    head.catalogue = s->options.catalogue;
    if (rc == 0)
        rc = preview(s, &head, path, &g, &err);
    if (rc == 0 && g.create + g.change + g.remove > a->max_changes)
        rc = err_set(&err, ERR_INVAL, "%zu services would change, and autosync.max_changes is %zu: look at %s, and apply it yourself",
                     g.create + g.change + g.remove, a->max_changes, path);
    if (rc == 0)
        rc = preview_read(&p, path, KIND, s->provider, clock_real_ms(), INT64_MAX, &err);
    if (rc == 0)
        rc = apply(s, &p, path, (int64_t)a->rate_per_s, s->options.wait_ms, &status, &err);
    preview_fini(&p);
    return rc != 0 ? cli_fail(&command, cli_status_of(&err), "%s", err.msg) : status;
}

static enum cli_status run_autosync(struct sync *s)
{
    const struct settings_autosync *a = &s->settings->autosync;
    if (a->every_ms == 0)
        return cli_fail(&command, CLI_REFUSED, "autosync of %s is off: the settings have no `autosync` for it", s->provider);
    enum cli_status status = autosync_once(s, a);
    while (s->options.loop && sync_auto_wait(a->every_ms))
        status = autosync_once(s, a);
    return status;
}

/* ---- the command ---- */

static enum cli_status check_options(const struct sync *s, const struct kafka_options *kafka)
{
    const struct sync_options *o = &s->options;
    if (kafka->settings == NULL)
        return cli_usage(&command, "--settings FILE is needed: it says where the platform is");
    if (o->catalogue != NULL && o->from_records)
        return cli_usage(&command, "--catalogue goes with --desired: records have the platform's ids");
    if (o->autosync && (o->desired != NULL || o->from_records || o->apply != NULL || o->out != NULL || o->remove_unknown || o->tariffs_only))
        return cli_usage(&command, "--autosync does as the settings say: leave the other options out, but --catalogue");
    if (o->loop && !o->autosync)
        return cli_usage(&command, "--loop goes with --autosync");
    if (o->autosync)
        return CLI_RUN;
    if (o->apply != NULL && (o->preview || o->out != NULL || o->from_records || o->remove_unknown || o->tariffs_only))
        return cli_usage(&command, "--apply takes what the preview says: it goes with --desired, --catalogue, --rate, --wait and --max-age");
    if (o->apply != NULL)
        return CLI_RUN;
    if ((o->desired != NULL) == o->from_records)
        return cli_usage(&command, "what is wanted: --desired FILE, or --from-records");
    return CLI_RUN;
}

static int open_all(struct sync *s, struct err *reterr)
{
    s->settings = settings_provider(s->place.settings, s->provider);
    if (s->settings == NULL)
        return err_set(reterr, ERR_INVAL, "the settings have no provider \"%s\"", s->provider);
    s->scanner = scanner_new(&s->place, reterr);
    return s->scanner == NULL ? -1 : platform_open(&s->platform, s->settings, NULL, reterr);
}

static enum cli_status run(struct sync *s)
{
    struct err err = {0};
    cli_catch_interrupt();
    cli_progress_init(&s->progress, !s->options.json);
    if (open_all(s, &err) != 0)
        return cli_fail(&command, cli_status_of(&err), "%s", err.msg);
    if (s->options.autosync)
        return run_autosync(s);
    if (s->options.apply != NULL)
        return run_apply(s);
    return s->options.tariffs_only ? run_tariffs(s) : run_preview(s);
}

int cmd_sync(int argc, char **argv)
{
    struct sync s = {.options = {.rate = RATE_DEFAULT, .wait_ms = WAIT_DEFAULT_MS, .max_age_ms = MAX_AGE_DEFAULT_MS}};
    struct kafka_options kafka;
    kafka_options_init(&kafka);
    const struct cli_group groups[] = {
        {"The two sides", side_options, ARRAY_LEN(side_options), &s.options},
        {"What is done", doing_options, ARRAY_LEN(doing_options), &s.options},
        kafka_options_group(&kafka, true),
    };
    enum cli_status status = cli_parse_provider(&command, groups, ARRAY_LEN(groups), argc, argv, &s.provider);
    if (status == CLI_RUN)
        status = check_options(&s, &kafka);
    if (status == CLI_RUN)
        status = kafka_place_open(&s.place, &command, &kafka);
    if (status == CLI_RUN)
        status = run(&s);
    sync_state_fini(&s.state);
    catalogue_free(s.catalogue);
    platform_close(&s.platform);
    scanner_free(s.scanner);
    kafka_place_fini(&s.place);
    return status;
}
