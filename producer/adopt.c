/* adopt.c - `tvbridge adopt PROVIDER --map FILE`: the accounts that are there already become records. DESIGN.md, RELIABILITY.md 5.
 *
 * 1 The records are read, and with each the fence under which it stands. 2 The platform is read: all accounts, then each one that was
 * matched. 3 What was seen goes to the owner of the service as an event `service.adopted` that names the fence: where anything was
 * applied between 1 and 3, it is refused. Nothing is changed at the platform. Run again, it goes on with what has no record yet. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/hash.h"
#include "book.h"
#include "cli.h"
#include "commands.h"
#include "contract/json.h"
#include "kafka_client.h"
#include "known.h"
#include "link.h"
#include "own_events.h"
#include "platform.h"
#include "rows.h"
#include "scan.h"
#include "wanted.h"

#define SOURCE "/tvbridge/adopt"
#define RATE_DEFAULT 500
#define WAIT_DEFAULT_MS 60000
#define MAP_MAX ((size_t)5000000)

struct adopt_options {
    const char *map;
    bool list_only, again, dry_run, json, all;
    int64_t rate, wait_ms;
};

static const struct cli_option adopt_options[] = {
    {"map", 'm', CLI_TEXT, "FILE", offsetof(struct adopt_options, map),
     "which account is which service: CSV or JSON lines with service, and one or\nmore of login, account_number, external_id, name; - reads stdin"},
    {"list-only", 0, CLI_FLAG, NULL, offsetof(struct adopt_options, list_only),
     "take what the list says, and do not read each account"},
    {"again", 0, CLI_FLAG, NULL, offsetof(struct adopt_options, again), "also accounts that have a record already"},
    {"dry-run", 'n', CLI_FLAG, NULL, offsetof(struct adopt_options, dry_run), "only say what would be adopted"},
    {"rate", 0, CLI_NUMBER, "N", offsetof(struct adopt_options, rate), "records a second (500; 0: no limit)"},
    {"wait", 0, CLI_DURATION, "TIME", offsetof(struct adopt_options, wait_ms),
     "for the owners' outcomes, after the last one (60s; 0: do not wait)"},
    {"all", 0, CLI_FLAG, NULL, offsetof(struct adopt_options, all), "a line for each row of the map, not only where something is to be done"},
    {"json", 0, CLI_FLAG, NULL, offsetof(struct adopt_options, json), "JSON lines, a row each, and the counts at the end"},
};

static const struct cli_command command = {
    .name = "adopt",
    .operands = "PROVIDER",
    .about = "Reads the accounts that a platform has already, finds which service of billing each belongs to, and makes what the\n"
             "platform says of it the service's record. Nothing is changed at the platform. Accounts that cannot be told apart\n"
             "are named, and left alone. Run it again: it goes on with what has no record yet.",
    .examples = "  tvbridge adopt stalker -S tvbridge.yaml --map services.csv --dry-run\n"
                "  tvbridge adopt stalker -S tvbridge.yaml --map services.csv\n",
    .operands_max = 1,
};

enum result { MATCHED, ADOPTED, KNOWN, UNMATCHED, DOUBTFUL, REFUSED, FAILED, RESULT_COUNT };

static const char *const result_names[RESULT_COUNT] = {
    [MATCHED] = "matched",   [ADOPTED] = "adopted", [KNOWN] = "known",   [UNMATCHED] = "unmatched",
    [DOUBTFUL] = "doubtful", [REFUSED] = "refused", [FAILED] = "failed",
};

/* One row of the map. */
struct row {
    char service[WANTED_SERVICE_SIZE];
    long line;
    enum result result;
    const char *by;          /* what found it */
    struct account *account; /* of it; NULL: none */
    char why[160];
};

struct adoption {
    struct adopt_options options;
    const char *provider;
    struct kafka_place place;
    struct scanner *scanner;
    struct platform platform;
    struct book *known;    /* the records, before the platform was read */
    struct accounts *accounts;
    struct row *rows;
    size_t n, room;
    struct book *seen;     /* service -> its line, and its name in the map */
    struct own_events *events;
    struct cli_progress progress;
    size_t next, reading, done; /* rows: the next one to read; at it; at their end */
    struct err error;      /* why it stopped; code ERR_NONE: it did not */
    int64_t silent;        /* events without an outcome */
};

/* ---- the map ---- */

static struct row *new_row(struct adoption *a)
{
    if (a->n == a->room) {
        size_t room = a->room > 0 ? 2 * a->room : 1024;
        struct row *more = room > MAP_MAX ? NULL : realloc(a->rows, room * sizeof(*more));
        if (more == NULL)
            return NULL;
        a->rows = more;
        a->room = room;
    }
    a->rows[a->n] = (struct row){.result = UNMATCHED, .by = ""};
    return &a->rows[a->n++];
}

/* Kept for the comparison with what `read` says: a name is in nothing that is sent or shown. */
static int note_service(struct adoption *a, const char *service, long line, const char *name, struct err *reterr)
{
    char text[ACCOUNT_TEXT_SIZE + 24];
    size_t len;
    const char *before = book_get(a->seen, service, &len);
    if (before != NULL)
        return err_set(reterr, ERR_INVAL, "service %s is there twice: line %.*s too", service, (int)strcspn(before, " "), before);
    snprintf(text, sizeof(text), "%ld %s", line, name);
    return book_put(a->seen, service, strlen(service), text, strlen(text)) == 0 ? 0 : err_nomem(reterr);
}

static void link_row(struct adoption *a, struct row *r, const json_t *wanted)
{
    struct link l;
    json_t *record = known_get(a->known, r->service);
    const struct link_ask ask = {r->service, wanted, record, true};
    link_find(a->accounts, &ask, &l);
    r->by = l.by;
    r->account = l.account;
    if (json_is_true(json_object_get(record, "known")) && !a->options.again) {
        r->result = KNOWN;
    } else if (l.result == LINK_ONE) {
        r->result = MATCHED;
        account_set_owner(l.account, book_key(a->seen, book_count(a->seen) - 1));
    } else if (l.result == LINK_DOUBTFUL) {
        r->result = DOUBTFUL;
        snprintf(r->why, sizeof(r->why), "%s", l.why);
    } else {
        snprintf(r->why, sizeof(r->why), "the platform has no such account");
    }
    json_decref(record);
}

static int on_row(void *arg, const json_t *row, long line, struct err *reterr)
{
    struct adoption *a = arg;
    struct row *r = new_row(a);
    if (r == NULL)
        return err_nomem(reterr);
    json_t *wanted = wanted_read(row, r->service, reterr);
    if (wanted == NULL || note_service(a, r->service, line, json_text(wanted, "name"), reterr) != 0) {
        json_decref(wanted);
        return -1;
    }
    r->line = line;
    link_row(a, r, wanted);
    json_decref(wanted);
    return 0;
}

/* An account whose service is known already is nobody else's. */
static void own_known(struct adoption *a)
{
    for (size_t i = 0; i < book_count(a->known); i++) {
        const char *service = book_key(a->known, i);
        json_t *record = known_get(a->known, service);
        const struct link_ask ask = {service, NULL, record, false};
        struct link l = {0};
        if (json_is_true(json_object_get(record, "known")))
            link_find(a->accounts, &ask, &l);
        if (l.result == LINK_ONE)
            account_set_owner(l.account, service);
        json_decref(record);
    }
}

/* ---- reading each account, and sending what was seen ---- */

static void fail(struct row *r, enum result result, const char *why)
{
    if (r->account != NULL && result != FAILED && strcmp(account_owner(r->account), r->service) == 0)
        account_set_owner(r->account, "");
    r->result = result;
    snprintf(r->why, sizeof(r->why), "%s", why);
}

/* A function of what it says: the same seen again is the same event. */
static bool event_id(const char *service, const json_t *data, char ret[64])
{
    char digest[JSON_DIGEST_SIZE];
    const struct hash_part of = {service, strlen(service)};
    if (json_digest(&of, 1, data, digest) != 0)
        return false;
    snprintf(ret, 64, "adopt-%s", digest);
    return true;
}

static void send_seen(struct adoption *a, struct row *r, json_t *record)
{
    char id[64], basis[BASIS_TEXT_SIZE];
    json_t *known = known_get(a->known, r->service);
    json_t *data = json_pack("{s:s, s:O}", "fence", json_text(known, "fence"), "record", record);
    const struct own_event e = {.service = r->service, .type = "service.adopted", .id = id, .basis = basis, .data = data};
    struct err err = {0};
    bool good = data != NULL && event_id(r->service, data, id);
    known_basis(known, 1, basis);
    if (json_object_get(record, "status") == NULL)
        fail(r, FAILED, "the platform says nothing of its status");
    else if (!good || own_events_send(a->events, &e, &err) != 0)
        fail(r, FAILED, err.msg);
    if (err.code != ERR_NONE && err.code != ERR_INVAL)
        a->error = err;
    json_decref(data);
    json_decref(known);
}

static json_t *listed(const struct row *r)
{
    size_t len;
    const char *text = account_state(r->account, &len);
    return json_loadb(text, len, 0, NULL);
}

static void read_more(struct adoption *a);

static void show_progress(struct adoption *a)
{
    char n[CLI_COUNT_SIZE], of[CLI_COUNT_SIZE];
    cli_progress_show(&a->progress, clock_boot_ms(), "%s of %s rows", cli_count((int64_t)a->done, n), cli_count((int64_t)a->n, of));
}

/* The map names a person, and the platform another. */
static bool is_another_name(const struct adoption *a, const struct row *r, const json_t *outputs)
{
    size_t len;
    const char *name = strchr(book_get(a->seen, r->service, &len), ' ') + 1, *there = json_text(outputs, "name");
    return name[0] != '\0' && there[0] != '\0' && strcasecmp(name, there) != 0;
}

/* What `read` says goes before what the list said. */
static void take(struct adoption *a, struct row *r, const json_t *outputs)
{
    json_t *record = listed(r), *now = outputs == NULL ? json_object() : account_record(outputs);
    bool gone = strcmp(json_text(now, "status"), "terminated") == 0 ||
                (outputs == NULL && strcmp(json_text(record, "status"), "terminated") == 0);
    if (record != NULL && now != NULL)
        json_object_update(record, now);
    if (gone)
        fail(r, UNMATCHED, "the account is gone, or cancelled");
    else if (record == NULL || now == NULL)
        fail(r, FAILED, "out of memory");
    else if (is_another_name(a, r, outputs))
        fail(r, DOUBTFUL, "the name there is another");
    else if (!a->options.dry_run)
        send_seen(a, r, record);
    json_decref(record);
    json_decref(now);
    a->done++;
    show_progress(a);
}

struct asked {
    struct adoption *adoption;
    size_t row;
};

static void on_read(void *arg, struct live_end *end)
{
    struct asked asked = *(struct asked *)arg;
    struct adoption *a = asked.adoption;
    struct row *r = &a->rows[asked.row];
    struct err err = {0};
    free(arg);
    a->reading--;
    if (platform_end("read", end, &err) == 0)
        take(a, r, end->outputs);
    else
        fail(r, FAILED, err.msg);
    if (end->state == LIVE_NOT_LET_IN || err.code == ERR_IO)
        a->error = err;
    read_more(a);
}

static void ask(struct adoption *a, size_t i)
{
    struct row *r = &a->rows[i];
    struct asked *asked = calloc(1, sizeof(*asked));
    json_t *record = listed(r);
    struct err err = {0};
    if (asked != NULL)
        *asked = (struct asked){a, i};
    if (asked == NULL || record == NULL ||
        platform_read(&a->platform, r->service, record, on_read, asked, &err) != 0) {
        fail(r, FAILED, asked == NULL || record == NULL ? "out of memory" : err.msg);
        free(asked);
    } else {
        a->reading++;
    }
    json_decref(record);
}

/* A few more than may be under way at once: the platform's limits are live's. */
static void read_more(struct adoption *a)
{
    size_t at_once = 2 * (size_t)a->platform.place.limits.in_flight;
    if (a->error.code == ERR_NONE && cli_interrupt_pending())
        err_set(&a->error, ERR_INVAL, "stopped: what was sent is sent, and running it again goes on");
    while (a->error.code == ERR_NONE && a->next < a->n && a->reading < at_once) {
        size_t i = a->next++;
        if (a->rows[i].result == MATCHED)
            ask(a, i);
        else
            a->done++;
    }
}

static bool reads_each(const struct adoption *a)
{
    return !a->options.list_only && platform_has(&a->platform, "read");
}

static void take_all(struct adoption *a)
{
    if (reads_each(a)) {
        read_more(a);
        live_wait(a->platform.live);
        return;
    }
    for (; a->next < a->n && a->error.code == ERR_NONE; a->next++) {
        if (a->rows[a->next].result == MATCHED)
            take(a, &a->rows[a->next], NULL);
        if (cli_interrupt_pending())
            err_set(&a->error, ERR_INVAL, "stopped: what was sent is sent, and running it again goes on");
    }
}

/* ---- what came of it ---- */

static struct row *row_of(struct adoption *a, const char *service)
{
    for (size_t lo = 0, hi = a->n; lo < hi;) {
        size_t mid = lo + (hi - lo) / 2;
        int c = strcmp(a->rows[mid].service, service);
        if (c == 0)
            return &a->rows[mid];
        if (c < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return NULL;
}

static void on_outcome(void *arg, const char *service, const char *id, enum outcome_kind kind, const char *reason)
{
    struct row *r = row_of(arg, service);
    (void)id;
    if (r == NULL || r->result != MATCHED)
        return;
    if (kind == OUTCOME_APPLIED || kind == OUTCOME_UNCHANGED) {
        r->result = ADOPTED;
        return;
    }
    r->result = REFUSED;
    snprintf(r->why, sizeof(r->why), "%s%s%s: run it again", outcome_kind_name(kind), reason[0] != '\0' ? ", " : "", reason);
}

static int by_service(const void *a, const void *b)
{
    return strcmp(((const struct row *)a)->service, ((const struct row *)b)->service);
}

static int by_line(const void *a, const void *b)
{
    const struct row *x = a, *y = b;
    return (x->line > y->line) - (x->line < y->line);
}

static void follow(struct adoption *a)
{
    struct err err = {0};
    cli_progress_end(&a->progress);
    if (own_events_flush(a->events, &err) != 0) {
        a->error = a->error.code == ERR_NONE ? err : a->error;
        return;
    }
    if (a->n > 1)
        qsort(a->rows, a->n, sizeof(*a->rows), by_service);
    a->silent = own_events_follow(a->events, a->options.wait_ms, on_outcome, a, &err);
    if (a->silent < 0 && a->error.code == ERR_NONE)
        a->error = err;
    if (a->n > 1)
        qsort(a->rows, a->n, sizeof(*a->rows), by_line);
}

/* ---- the report ---- */

static const char *borne_by(const struct row *r)
{
    if (r->account == NULL)
        return "";
    const char *id = account_bears(r->account, ACCOUNT_EXTERNAL_ID);
    return id[0] != '\0' ? id : account_bears(r->account, ACCOUNT_NUMBER);
}

static void show_json(const struct row *r)
{
    json_t *o = json_pack("{s:s, s:I, s:s, s:s, s:s, s:s}", "service", r->service, "line", (json_int_t)r->line, "result",
                          result_names[r->result], "by", r->by, "account", borne_by(r), "why", r->why);
    json_dumpf(o, stdout, JSON_COMPACT);
    putchar('\n');
    json_decref(o);
}

static bool needs_a_person(const struct row *r)
{
    return r->result == UNMATCHED || r->result == DOUBTFUL || r->result == REFUSED || r->result == FAILED;
}

static void show_rows(const struct adoption *a)
{
    static const struct cli_column columns[] = {{"SERVICE", 14, 6, false}, {"RESULT", 10, 8, false}, {"BY", 14, 5, false},
                                                {"ACCOUNT", 14, 6, false}, {"WHY", 40, 10, false}};
    struct cli_table t;
    struct buf out;
    bool any = false;
    buf_init(&out, 1 << 20);
    cli_table_init(&t, columns, ARRAY_LEN(columns), cli_width(stdout), cli_has_colour(stdout));
    for (size_t i = 0; i < a->n; i++) {
        const struct row *r = &a->rows[i];
        if (!needs_a_person(r) && !a->options.all)
            continue;
        if (!any)
            cli_table_head(&t, &out);
        any = true;
        const char *cells[] = {r->service, result_names[r->result], r->by, borne_by(r), r->why};
        cli_table_row(&t, cells, NULL, &out);
        fputs(buf_cstr(&out), stdout);
        buf_reset(&out);
    }
    buf_fini(&out);
}

static size_t without_service(const struct adoption *a)
{
    size_t n = 0;
    for (size_t i = 0; i < accounts_count(a->accounts); i++)
        n += account_owner(accounts_at(a->accounts, i))[0] == '\0';
    return n;
}

static void show_counts(const struct adoption *a, const size_t count[RESULT_COUNT])
{
    size_t left = without_service(a);
    if (a->options.json) {
        json_t *o = json_pack("{s:I, s:I}", "accounts", (json_int_t)accounts_count(a->accounts), "accounts_without_service", (json_int_t)left);
        for (size_t i = 0; i < RESULT_COUNT; i++)
            json_object_set_new(o, result_names[i], json_integer((json_int_t)count[i]));
        json_dumpf(o, stdout, JSON_COMPACT);
        putchar('\n');
        json_decref(o);
        return;
    }
    for (size_t i = 0; i < RESULT_COUNT; i++)
        if (count[i] > 0)
            printf("%zu %s, ", count[i], result_names[i]);
    printf("of %zu rows; the platform has %zu accounts, %zu of them of no service\n", a->n, accounts_count(a->accounts), left);
}

static enum cli_status report(const struct adoption *a)
{
    size_t count[RESULT_COUNT] = {0};
    for (size_t i = 0; i < a->n; i++) {
        count[a->rows[i].result]++;
        if (a->options.json)
            show_json(&a->rows[i]);
    }
    if (!a->options.json)
        show_rows(a);
    show_counts(a, count);
    fflush(stdout);
    if (a->error.code != ERR_NONE)
        return cli_fail(&command, cli_status_of(&a->error), "%s", a->error.msg);
    if (a->silent > 0 && a->options.wait_ms > 0) {
        fprintf(stderr, "%lld records were sent and no worker has taken them yet: they are in the events topic\n", (long long)a->silent);
        return CLI_NOT_REACHED;
    }
    return count[UNMATCHED] + count[DOUBTFUL] + count[REFUSED] + count[FAILED] > 0 ? CLI_REFUSED : CLI_OK;
}

/* ---- all of it ---- */

static void on_listed(void *arg, size_t n)
{
    struct adoption *a = arg;
    char text[CLI_COUNT_SIZE];
    cli_progress_show(&a->progress, clock_boot_ms(), "%s accounts read", cli_count((int64_t)n, text));
}

static int look(struct adoption *a, struct err *reterr)
{
    if (known_read(a->scanner, a->provider, a->known, reterr) != 0 ||
        platform_accounts(&a->platform, a->accounts, on_listed, a, reterr) != 0)
        return -1;
    own_known(a);
    return rows_read(a->options.map, &map_form, on_row, a, reterr);
}

static int prepare(struct adoption *a, struct err *reterr)
{
    const struct settings_provider *sp = settings_provider(a->place.settings, a->provider);
    if (sp == NULL)
        return err_set(reterr, ERR_INVAL, "the settings have no provider \"%s\"", a->provider);
    a->known = book_new();
    a->seen = book_new();
    a->accounts = accounts_new();
    if (a->known == NULL || a->seen == NULL || a->accounts == NULL)
        return err_nomem(reterr);
    a->scanner = scanner_new(&a->place, reterr);
    if (a->scanner == NULL || platform_open(&a->platform, sp, NULL, reterr) != 0)
        return -1;
    if (a->options.dry_run)
        return 0;
    a->events = own_events_new(a->scanner, &a->place, a->provider, SOURCE, a->options.rate, reterr);
    return a->events == NULL ? -1 : 0;
}

static enum cli_status run(struct adoption *a)
{
    struct err err = {0};
    cli_catch_interrupt();
    cli_progress_init(&a->progress, !a->options.json);
    if (prepare(a, &err) != 0 || look(a, &err) != 0) {
        cli_progress_end(&a->progress);
        return cli_fail(&command, cli_status_of(&err), "%s", err.msg);
    }
    take_all(a);
    if (a->events != NULL)
        follow(a);
    cli_progress_end(&a->progress);
    return report(a);
}

static void adoption_fini(struct adoption *a)
{
    own_events_free(a->events);
    platform_close(&a->platform);
    scanner_free(a->scanner);
    accounts_free(a->accounts);
    book_free(a->known);
    book_free(a->seen);
    free(a->rows);
    kafka_place_fini(&a->place);
}

int cmd_adopt(int argc, char **argv)
{
    struct adoption a = {.options = {.rate = RATE_DEFAULT, .wait_ms = WAIT_DEFAULT_MS}};
    struct kafka_options kafka;
    kafka_options_init(&kafka);
    const struct cli_group groups[] = {
        {"Adopting", adopt_options, ARRAY_LEN(adopt_options), &a.options},
        kafka_options_group(&kafka, true),
    };
    enum cli_status status = cli_parse_provider(&command, groups, ARRAY_LEN(groups), argc, argv, &a.provider);
    if (status == CLI_RUN && a.options.map == NULL)
        status = cli_usage(&command, "--map FILE is needed: it says which account is which service");
    if (status == CLI_RUN && kafka.settings == NULL)
        status = cli_usage(&command, "--settings FILE is needed: it says where the platform is");
    if (status == CLI_RUN)
        status = kafka_place_open(&a.place, &command, &kafka);
    if (status == CLI_RUN)
        status = run(&a);
    adoption_fini(&a);
    return status;
}
