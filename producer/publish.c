/* publish.c - `tvbridge publish`: billing's events into Kafka, checked before the first one is sent. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli.h"
#include "commands.h"
#include "contract/schema.h"
#include "dialect_list.h"
#include "event_reader.h"
#include "kafka_client.h"
#include "publish_event.h"
#include "publish_send.h"

#define FAULTS_SHOWN 20
#define DELIVERY_MS 60000

struct publish_options {
    struct event_flags flags;
    const char *file, *key, *schemas, *dialect, *catalogue;
    int64_t partition, delivery_ms;
    bool list, skip_invalid, no_validate, binary, dry_run, json, quiet;
};

static const struct cli_option event_options[] = {
    {"provider", 'p', CLI_TEXT, "NAME", offsetof(struct event_flags, provider), "the platform, e.g. stalker"},
    {"service", 's', CLI_TEXT, "ID", offsetof(struct event_flags, service), "the TV account; also the Kafka key"},
    {"type", 't', CLI_TEXT, "TYPE", offsetof(struct event_flags, type),
     "what happened, e.g. contract.blocked (with or without \"tvbridge.\")"},
    {"data", 'd', CLI_TEXT, "JSON", offsetof(struct event_flags, data), "the event's data, or @FILE with it"},
    {"id", 0, CLI_TEXT, "ID", offsetof(struct event_flags, id), "the event's id (a random UUID)"},
    {"source", 0, CLI_TEXT, "URI", offsetof(struct event_flags, source), "who says so (/tvbridge/publish)"},
    {"sequence", 0, CLI_TEXT, "N", offsetof(struct event_flags, sequence),
     "a number that grows for each service; without: the order of arrival"},
    {"expires", 0, CLI_TEXT, "TIME", offsetof(struct event_flags, expires),
     "not to be applied after: RFC 3339, or from now on: 10m"},
    {"time", 0, CLI_TEXT, "TIME", offsetof(struct event_flags, time), "when it happened, RFC 3339 (now)"},
};

static const struct cli_option file_options[] = {
    {"file", 'f', CLI_TEXT, "FILE", offsetof(struct publish_options, file),
     "CloudEvents as JSON lines, one JSON array, or one JSON event;\n- reads stdin"},
    {"skip-invalid", 0, CLI_FLAG, NULL, offsetof(struct publish_options, skip_invalid),
     "send the valid ones although others are invalid (exit status 1)"},
};

static const struct cli_option word_options[] = {
    {"dialect", 0, CLI_TEXT, "NAME", offsetof(struct publish_options, dialect),
     "event types may be that billing's own words: abills, ispadmin,\nisp-integrator, ixc, mk, or a path with a slash"},
    {"list", 'l', CLI_FLAG, NULL, offsetof(struct publish_options, list),
     "show the dialect's words and what they mean, and send nothing;\n--json: one operation a line"},
    {"catalogue", 0, CLI_TEXT, "FILE", offsetof(struct publish_options, catalogue),
     "plans and packages have billing's ids: put the platform's in their\nplace, and refuse what is not in FILE"},
};

static const struct cli_option sending_options[] = {
    {"binary", 0, CLI_FLAG, NULL, offsetof(struct publish_options, binary),
     "attributes as Kafka headers (CloudEvents' binary mode)"},
    {"dry-run", 'n', CLI_FLAG, NULL, offsetof(struct publish_options, dry_run), "check only, send nothing"},
    {"delivery-timeout", 0, CLI_DURATION, "TIME", offsetof(struct publish_options, delivery_ms),
     "how long an event may take to be acknowledged (60s)"},
    {"json", 0, CLI_FLAG, NULL, offsetof(struct publish_options, json), "the summary as one JSON object"},
    {"quiet", 'q', CLI_FLAG, NULL, offsetof(struct publish_options, quiet), "no progress, no summary"},
    {"schemas", 0, CLI_TEXT, "DIR", offsetof(struct publish_options, schemas), "the folder with the schemas"},
    {"no-validate", 0, CLI_FLAG, NULL, offsetof(struct publish_options, no_validate),
     "for tests: send what is not valid too; then also"},
    {"key", 0, CLI_TEXT, "TEXT", offsetof(struct publish_options, key), "  another Kafka key than the subject,"},
    {"partition", 0, CLI_NUMBER, "N", offsetof(struct publish_options, partition),
     "  another partition than the key's"},
};

static const struct cli_command command = {
    .name = "publish",
    .operands = "",
    .about = "Sends events to the topics of their providers and waits until Kafka has acknowledged each one.\n"
             "Every event is checked against the schemas before the first one is sent; a fault is named with its\n"
             "line and JSON pointer. Sending the same file again is safe: an event's id is applied once.",
    .examples =
        "  tvbridge publish -b localhost:9092 -p stalker -s 70001 -t contract.blocked -d '{\"reason\":\"delinquency\"}'\n"
        "  tvbridge publish --settings tvbridge.yaml --file events.jsonl\n"
        "  tvbridge publish -S tvbridge.yaml --dialect ixc -p oletv -s 70001 -t 'aviso de atraso'\n"
        "  tvbridge publish --dialect ixc --list\n"
        "  billing-export | tvbridge publish --settings tvbridge.yaml --file - --skip-invalid --json\n",
};

struct fault_seen {
    long line;
    struct fault fault;
};

struct publish {
    struct publish_options options;
    struct kafka_options kafka;
    struct kafka_place place;
    struct event_schemas *schemas;
    struct dialect *dialect;
    struct catalogue *catalogue;
    struct publish_rules rules;
    struct sender *sender;
    struct cli_progress progress;
    int64_t started_ms, read, invalid;
    struct fault_seen faults[FAULTS_SHOWN];
    struct buf flags_event; /* the event of the flags, as JSON */
    char id[256];           /* its id, for the summary */
    struct err error;       /* why sending stopped; code ERR_NONE: it did not */
    bool interrupted;
};

static const char *input_name(const struct publish *p)
{
    if (p->options.file == NULL)
        return "the event";
    return strcmp(p->options.file, "-") == 0 ? "stdin" : p->options.file;
}

static void note_fault(struct publish *p, long line, const struct fault *f)
{
    if (p->invalid < FAULTS_SHOWN)
        p->faults[p->invalid] = (struct fault_seen){line, *f};
    p->invalid++;
    if (p->options.json || p->invalid > FAULTS_SHOWN)
        return;
    cli_progress_end(&p->progress);
    if (p->options.file != NULL)
        fprintf(stderr, "%s:%ld: %s%s%s\n", input_name(p), line, f->pointer, f->pointer[0] ? ": " : "", f->reason);
    else
        fprintf(stderr, "%s is invalid: %s%s%s\n", input_name(p), f->pointer, f->pointer[0] ? ": " : "", f->reason);
}

static void show_progress(struct publish *p, const char *what)
{
    char a[CLI_COUNT_SIZE], b[CLI_COUNT_SIZE];
    if (p->sender == NULL)
        cli_progress_show(&p->progress, clock_boot_ms(), "%s %s events", what, cli_count(p->read, a));
    else
        cli_progress_show(&p->progress, clock_boot_ms(), "%s %s events, %s acknowledged", what, cli_count(p->read, a),
                          cli_count(sender_counts(p->sender)->acked, b));
}

/* Checks one event and sends it when there is a sender. -1 and p->error: sending must stop. */
static int take(struct publish *p, const struct event_text *t)
{
    struct publish_event e;
    struct fault fault;
    p->read++;
    if ((p->read & 1023) == 0) {
        show_progress(p, p->sender == NULL ? "checked" : "sent");
        p->interrupted = p->interrupted || cli_interrupted();
    }
    if (t->fault != NULL)
        fault_set(&fault, "", "%s", t->fault);
    if (t->fault != NULL || publish_event_init(&e, &p->rules, t->data, t->len, &fault) < 0) {
        note_fault(p, t->line, &fault);
        return 0;
    }
    int done = p->sender != NULL ? sender_send(p->sender, &e.message, &p->error) : 0;
    if (p->options.file == NULL)
        snprintf(p->id, sizeof(p->id), "%s", json_string_value(json_object_get(e.root, "id")));
    publish_event_fini(&e);
    if (done < 0 && p->options.file != NULL)
        err_prefix(&p->error, "%s:%ld", input_name(p), t->line);
    return done;
}

/* Goes through the whole input once. */
static int run_through(struct publish *p, int fd)
{
    struct event_text t;
    int more = 0;
    struct event_reader *r = event_reader_new(fd);
    if (r == NULL)
        return err_nomem(&p->error);
    while (!p->interrupted && (more = event_reader_next(r, &t, &p->error)) > 0)
        if (take(p, &t) < 0)
            break;
    event_reader_free(r);
    if (more < 0 && p->error.code == ERR_INVAL) {
        struct fault f; /* broken in itself: no event, and none after it */
        fault_set(&f, "", "%s", p->error.msg);
        p->error = (struct err){0};
        note_fault(p, 0, &f);
        return -1;
    }
    return more < 0 || p->error.code != ERR_NONE ? -1 : 0;
}

/* stdin cannot be read twice: a copy in an unnamed file can. */
static int spool(int fd, struct err *reterr)
{
    char chunk[65536];
    ssize_t n = 0;
    FILE *copy = tmpfile();
    if (copy == NULL)
        return err_set(reterr, ERR_INVAL, "no temporary file for stdin: %s", strerror(errno));
    while ((n = read(fd, chunk, sizeof(chunk))) > 0)
        if (fwrite(chunk, 1, (size_t)n, copy) != (size_t)n)
            break;
    int twin = n == 0 && fflush(copy) == 0 ? dup(fileno(copy)) : -1;
    fclose(copy);
    if (twin < 0 || lseek(twin, 0, SEEK_SET) < 0)
        return err_set(reterr, ERR_INVAL, "stdin cannot be kept in a temporary file: %s", strerror(errno));
    return twin;
}

static bool checks_first(const struct publish *p)
{
    return !p->options.skip_invalid && !p->options.no_validate && !p->options.dry_run;
}

/* The input as a descriptor that is the caller's; -1. */
static int open_input(const struct publish *p, struct err *reterr)
{
    bool is_stdin = strcmp(p->options.file, "-") == 0;
    int fd = is_stdin ? dup(STDIN_FILENO) : open(p->options.file, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return err_set(reterr, ERR_INVAL, "%s: %s", p->options.file, strerror(errno));
    if (!checks_first(p) || lseek(fd, 0, SEEK_SET) == 0)
        return fd;
    int copy = spool(fd, reterr);
    close(fd);
    return copy;
}

static int connect_kafka(struct publish *p)
{
    if (p->options.dry_run)
        return 0;
    p->sender = sender_new(&p->place, p->options.delivery_ms, &p->error);
    return p->sender != NULL ? 0 : -1;
}

static void publish_file(struct publish *p)
{
    int fd = open_input(p, &p->error);
    if (fd < 0)
        return;
    bool first = checks_first(p);
    if (first && (run_through(p, fd) < 0 || p->invalid > 0 || p->interrupted || lseek(fd, 0, SEEK_SET) < 0)) {
        close(fd);
        return;
    }
    p->read = 0;
    if (connect_kafka(p) == 0)
        run_through(p, fd);
    close(fd);
}

static void publish_flags(struct publish *p)
{
    struct event_text t = {.data = buf_cstr(&p->flags_event), .len = p->flags_event.len};
    if (take(p, &t) < 0 || p->invalid > 0)
        return; /* nothing was sent: there is no sender yet */
    p->read = 0;
    if (connect_kafka(p) == 0)
        take(p, &t);
}

/* Every event ends acknowledged or failed within delivery_ms; a second Ctrl-C waits no longer. */
static void wait_for_acknowledgements(struct publish *p)
{
    while (p->sender != NULL && sender_wait(p->sender, 100) > 0) {
        show_progress(p, "sent");
        if (cli_interrupted())
            return;
    }
}

static void summary_json(const struct publish *p, const struct sender_counts *c)
{
    json_t *faults = json_array();
    for (int64_t i = 0; i < p->invalid && i < FAULTS_SHOWN; i++)
        json_array_append_new(faults, json_pack("{sI ss ss}", "line", (json_int_t)p->faults[i].line, "pointer",
                                                p->faults[i].fault.pointer, "reason", p->faults[i].fault.reason));
    json_t *o = json_pack("{sI sI sI sI sI so ss}", "read", (json_int_t)p->read, "invalid", (json_int_t)p->invalid, "sent",
                          (json_int_t)c->sent, "acknowledged", (json_int_t)c->acked, "failed",
                          (json_int_t)(c->sent - c->acked), "faults", faults, "error", p->error.msg);
    json_object_set_new(o, "seconds", json_real((double)(clock_boot_ms() - p->started_ms) / 1000.0));
    if (p->options.file == NULL && c->acked == 1) {
        json_object_set_new(o, "id", json_string(p->id));
        json_object_set_new(o, "topic", json_string(c->topic));
        json_object_set_new(o, "partition", json_integer(c->partition));
        json_object_set_new(o, "offset", json_integer(c->offset));
    }
    json_dumpf(o, stdout, JSON_COMPACT | JSON_REAL_PRECISION(6));
    putchar('\n');
    json_decref(o);
}

static void summary_text(const struct publish *p, const struct sender_counts *c)
{
    char n[CLI_COUNT_SIZE], rate[CLI_COUNT_SIZE];
    int64_t ms = clock_boot_ms() - p->started_ms;
    if (p->options.dry_run)
        printf("%s events checked, %lld invalid, nothing sent (--dry-run)\n", cli_count(p->read, n),
               (long long)p->invalid);
    else if (p->options.file == NULL && c->acked == 1)
        printf("event %s acknowledged: %s, partition %d, offset %lld\n", p->id, c->topic, (int)c->partition,
               (long long)c->offset);
    else if (c->sent > 0)
        printf("%s events acknowledged in %.1f s (%s/s)\n", cli_count(c->acked, n), (double)ms / 1000.0,
               cli_count(c->acked * 1000 / (ms > 0 ? ms : 1), rate));
    else if (p->error.code == ERR_NONE && p->invalid == 0 && !p->interrupted)
        printf("no event in %s\n", input_name(p));
}

static void complain(const struct publish *p, const struct sender_counts *c)
{
    if (p->invalid > FAULTS_SHOWN)
        fprintf(stderr, "... and %lld more\n", (long long)(p->invalid - FAULTS_SHOWN));
    if (p->error.code != ERR_NONE)
        cli_fail(&command, CLI_REFUSED, "%s", p->error.msg);
    if (p->invalid > 0 && checks_first(p))
        cli_fail(&command, CLI_REFUSED, "%lld of %lld events invalid: nothing was sent%s", (long long)p->invalid,
                 (long long)p->read, p->options.file != NULL ? " (--skip-invalid sends the others)" : "");
    else if (p->invalid > 0)
        cli_fail(&command, CLI_REFUSED, "%lld of %lld events invalid and left out", (long long)p->invalid,
                 (long long)p->read);
    if (c->failed > 0 && p->error.code == ERR_NONE)
        cli_fail(&command, CLI_REFUSED, "an event was not acknowledged: %s", c->why);
    if (c->sent > c->acked)
        cli_fail(&command, CLI_REFUSED,
                 "%lld events were sent and not acknowledged: they may or may not be there. Send them again: an id is "
                 "applied once",
                 (long long)(c->sent - c->acked));
    if (p->interrupted)
        cli_fail(&command, CLI_REFUSED, "interrupted: what comes after event %lld was not sent", (long long)c->sent);
}

static enum cli_status finish(struct publish *p)
{
    static const struct sender_counts none;
    wait_for_acknowledgements(p);
    cli_progress_end(&p->progress);
    const struct sender_counts *c = p->sender != NULL ? sender_counts(p->sender) : &none;
    complain(p, c);
    if (p->options.json)
        summary_json(p, c);
    else if (!p->options.quiet)
        summary_text(p, c);
    if (p->error.code != ERR_NONE)
        return cli_status_of(&p->error);
    if (c->failed > 0)
        return c->code == ERR_IO ? CLI_NOT_REACHED : CLI_REFUSED;
    return p->invalid > 0 || c->sent > c->acked || p->interrupted ? CLI_REFUSED : CLI_OK;
}

static enum cli_status check_options(const struct publish *p)
{
    const struct publish_options *o = &p->options;
    bool overrides = o->key != NULL || o->partition >= 0 || (o->file != NULL && o->flags.provider != NULL);
    if (o->list && o->dialect == NULL)
        return cli_usage(&command, "--list shows the words of a --dialect: which one?");
    if (o->file != NULL && event_flags_given(&o->flags))
        return cli_usage(&command, "--file brings whole events: leave --service, --type, --data and the like out");
    if (o->file == NULL && o->skip_invalid)
        return cli_usage(&command, "--skip-invalid goes with --file");
    if (overrides && !o->no_validate)
        return cli_usage(&command, "--key, --partition, and --provider with --file, need --no-validate: they make "
                                   "events that a worker refuses");
    return CLI_RUN;
}

/* Billing's words, and the names of what it sells. */
static enum cli_status load_words(struct publish *p, const char *dir)
{
    struct err error = {0};
    const struct publish_options *o = &p->options;
    if (o->dialect != NULL && (p->dialect = dialect_load(dir, o->dialect, &error)) == NULL)
        return cli_fail(&command, CLI_REFUSED, "%s", error.msg);
    if (o->catalogue != NULL && (p->catalogue = catalogue_load(o->catalogue, dir, &error)) == NULL)
        return cli_fail(&command, CLI_REFUSED, "%s", error.msg);
    p->options.flags.dialect = p->dialect;
    return CLI_RUN;
}

static const char *schemas_of(const struct publish *p)
{
    return schema_dir(p->options.schemas != NULL || p->place.settings == NULL ? p->options.schemas : p->place.settings->schemas);
}

static enum cli_status prepare(struct publish *p)
{
    struct err error = {0};
    const struct publish_options *o = &p->options;
    enum cli_status status = o->dry_run ? CLI_RUN : kafka_place_open(&p->place, &command, &p->kafka);
    if (status == CLI_RUN)
        status = load_words(p, schemas_of(p));
    if (status != CLI_RUN)
        return status;
    if (o->file == NULL && event_flags_write(&o->flags, clock_real_ms(), &p->flags_event, &error) < 0)
        return cli_usage(&command, "%s", error.msg);
    if (!o->no_validate && (p->schemas = event_schemas_load(schemas_of(p), &error)) == NULL)
        return cli_fail(&command, CLI_REFUSED, "%s. Give --schemas DIR or set TVBRIDGE_SCHEMAS", error.msg);
    p->rules = (struct publish_rules){.schemas = p->schemas,
                                      .dialect = p->dialect,
                                      .catalogue = p->catalogue,
                                      .binary = o->binary,
                                      .key = o->key,
                                      .provider = o->no_validate ? o->flags.provider : NULL,
                                      .partition = (int32_t)o->partition};
    return CLI_RUN;
}

static enum cli_status list(struct publish *p)
{
    enum cli_status status = load_words(p, schema_dir(p->options.schemas));
    if (status == CLI_RUN)
        dialect_list(p->dialect, p->options.json);
    return status == CLI_RUN ? CLI_OK : status;
}

static enum cli_status run(struct publish *p)
{
    enum cli_status status = check_options(p);
    if (status == CLI_RUN && p->options.list)
        return list(p);
    if (status == CLI_RUN)
        status = prepare(p);
    if (status != CLI_RUN)
        return status;
    cli_catch_interrupt();
    cli_progress_init(&p->progress, !p->options.quiet && p->options.file != NULL);
    p->started_ms = clock_boot_ms();
    if (p->options.file != NULL)
        publish_file(p);
    else
        publish_flags(p);
    return finish(p);
}

int cmd_publish(int argc, char **argv)
{
    int operand = 0;
    struct publish *p = calloc(1, sizeof(*p));
    if (p == NULL)
        return cli_fail(&command, CLI_REFUSED, "out of memory");
    p->options.partition = -1;
    p->options.delivery_ms = DELIVERY_MS;
    kafka_options_init(&p->kafka);
    buf_init(&p->flags_event, JSON_EVENT_MAX_BYTES + 1);
    const struct cli_group groups[] = {
        {"One event", event_options, ARRAY_LEN(event_options), &p->options.flags},
        {"Many events", file_options, ARRAY_LEN(file_options), &p->options},
        {"Billing's own words", word_options, ARRAY_LEN(word_options), &p->options},
        {"Sending", sending_options, ARRAY_LEN(sending_options), &p->options},
        kafka_options_group(&p->kafka, true),
    };
    enum cli_status status = cli_parse(&command, groups, ARRAY_LEN(groups), argc, argv, &operand);
    if (status == CLI_RUN)
        status = run(p);
    sender_free(p->sender);
    event_schemas_free(p->schemas);
    dialect_free(p->dialect);
    catalogue_free(p->catalogue);
    kafka_place_fini(&p->place);
    buf_fini(&p->flags_event);
    free(p);
    return status;
}
