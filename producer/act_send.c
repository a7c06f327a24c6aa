#include "act_send.h"

#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>
#include <uthash.h>

#include "base/clock.h"
#include "contract/schema.h"
#include "publish_send.h"

#define RATE_DEFAULT 50
#define WAIT_DEFAULT_MS 10000
#define DELIVERY_MS 30000

static const struct cli_option options[] = {
    {"reason", 'r', CLI_TEXT, "TEXT", offsetof(struct act_options, reason),
     "why, for the audit trail; needed unless --dry-run"},
    {"dry-run", 0, CLI_FLAG, NULL, offsetof(struct act_options, dry_run),
     "show what would be done, with the exact calls, and do nothing"},
    {"rate", 0, CLI_NUMBER, "N", offsetof(struct act_options, rate), "acts a second (50; 0: no limit)"},
    {"wait", 0, CLI_DURATION, "TIME", offsetof(struct act_options, wait_ms),
     "for the owners' answers, after the last act (10s; 0: do not wait)"},
    {"json", 0, CLI_FLAG, NULL, offsetof(struct act_options, json), "JSON lines"},
};

void act_options_init(struct act_options *o)
{
    *o = (struct act_options){.rate = RATE_DEFAULT, .wait_ms = WAIT_DEFAULT_MS};
}

struct cli_group act_options_group(struct act_options *o)
{
    return (struct cli_group){"The act", options, ARRAY_LEN(options), o};
}

enum cli_status act_options_check(const struct act_options *o, const struct cli_command *c)
{
    if (o->reason == NULL || o->reason[0] == '\0')
        return o->dry_run ? CLI_RUN : cli_usage(c, "--reason TEXT is needed: it is kept in the audit trail");
    if (strlen(o->reason) >= ACT_REASON_SIZE)
        return cli_usage(c, "--reason: at most %d bytes", ACT_REASON_SIZE - 1);
    for (const char *s = o->reason; *s != '\0'; s++)
        if ((unsigned char)*s < 0x20 || *s == 0x7F)
            return cli_usage(c, "--reason: one line, without control characters");
    json_t *text = json_string(o->reason);
    json_decref(text);
    return text != NULL ? CLI_RUN : cli_usage(c, "--reason: want UTF-8 text");
}

/* ---- signing ---- */

/* Who sits at the keyboard: with sudo that is not root. */
static void who_am_i(char ret[ACT_WHO_SIZE])
{
    const char *sudo = getuid() == 0 ? getenv("SUDO_USER") : NULL;
    const struct passwd *p = getpwuid(getuid());
    const char *name = sudo != NULL && sudo[0] != '\0' ? sudo : p != NULL ? p->pw_name : NULL;
    if (name != NULL && strlen(name) < ACT_WHO_SIZE)
        snprintf(ret, ACT_WHO_SIZE, "%s", name);
    else
        snprintf(ret, ACT_WHO_SIZE, "uid %u", (unsigned)getuid());
}

int act_batch_id(char ret[ACT_BATCH_SIZE], struct err *reterr)
{
    uint8_t random[(ACT_BATCH_SIZE - 1) / 2];
    if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
        return err_set(reterr, ERR_IO, "the system gives no random bytes");
    hash_hex(random, sizeof(random), ret);
    return 0;
}

void act_sign(struct act *a, const struct act_options *o, const char *batch, size_t n, int64_t now_ms)
{
    snprintf(a->id, sizeof(a->id), "%s.%zu", batch, n);
    snprintf(a->source, sizeof(a->source), "tvbridge/cli");
    snprintf(a->reason, sizeof(a->reason), "%s", o->reason != NULL ? o->reason : "dry run");
    who_am_i(a->who);
    a->time_ms = now_ms;
}

/* ---- sending ---- */

struct waiting {
    UT_hash_handle hh;
    struct act_line *line;
};

struct delivery {
    struct scanner *scanner;
    struct sender *sender;
    const struct act_options *options;
    struct act_schemas *schemas;
    struct act_line *lines;
    size_t n, answers;
    struct scan_source *sources; /* where the answers will stand */
    size_t source_count;
    struct waiting *waiting, *by_id; /* one a line; hashed by the act's id */
    struct buf text;
};

static int32_t partition_for(struct delivery *d, const struct act *a, struct err *reterr)
{
    if (act_is_provider_wide(a))
        return a->partition;
    return a->of_entry ? a->place.partition : scanner_partition_of(d->scanner, a->provider, a->service, reterr);
}

/* Notes from where the answers to acts of this partition will come. */
static int add_source(struct delivery *d, const char *provider, int32_t partition, struct err *reterr)
{
    for (size_t i = 0; i < d->source_count; i++) {
        const char *of = d->sources[i].provider;
        if (d->sources[i].partition == partition && of != NULL && strcmp(of, provider) == 0)
            return 0;
    }
    int64_t end = scanner_end(d->scanner, TOPIC_CONTROL, provider, partition, reterr);
    if (end < 0)
        return -1;
    d->sources[d->source_count++] = (struct scan_source){TOPIC_CONTROL, provider, partition, end};
    return 0;
}

/* What would not be taken as an act is not sent. */
static int check(struct delivery *d, const struct sender_message *m, struct err *reterr)
{
    struct act act;
    struct act_answer answer;
    struct fault f = {.pointer = ""};
    const struct event_message own = {.key = m->key, .key_len = m->key_len, .value = m->value, .value_len = m->value_len};
    if (control_decode(d->schemas, &own, &act, &answer, &f) == CONTROL_IS_ACT)
        return 0;
    return err_set(reterr, ERR_INVAL, "the act would be invalid: %s: %s", f.pointer, f.reason);
}

static int send_one(struct delivery *d, struct act_line *line, struct err *reterr)
{
    static const struct event_header type = {"content-type", "application/cloudevents+json", 28};
    char key[ACT_KEY_SIZE];
    int32_t partition = partition_for(d, &line->act, reterr);
    if (partition < 0 || add_source(d, line->act.provider, partition, reterr) != 0)
        return -1;
    buf_reset(&d->text);
    act_encode(&line->act, &d->text);
    act_key(&line->act, key);
    const struct sender_message m = {
        .kind = TOPIC_CONTROL,
        .provider = line->act.provider,
        .key = key,
        .key_len = strlen(key),
        .value = buf_cstr(&d->text),
        .value_len = d->text.len,
        .headers = &type,
        .header_count = 1,
        .partition = partition,
    };
    if (check(d, &m, reterr) != 0 || sender_send(d->sender, &m, reterr) != 0)
        return -1;
    line->sent = true;
    return 0;
}

static void pace(const struct act_options *o, int64_t started_ms, size_t sent)
{
    if (o->rate <= 0)
        return;
    int64_t due_ms = started_ms + (int64_t)sent * 1000 / o->rate, now_ms = clock_boot_ms();
    if (due_ms > now_ms)
        usleep((useconds_t)(due_ms - now_ms) * 1000);
}

static int send_all(struct delivery *d, struct err *reterr)
{
    struct cli_progress progress;
    int64_t started_ms = clock_boot_ms();
    int rc = 0;
    cli_progress_init(&progress, !d->options->json);
    for (size_t i = 0; i < d->n && rc == 0; i++) {
        pace(d->options, started_ms, i);
        if (cli_interrupted())
            rc = err_set(reterr, ERR_INVAL, "stopped: %zu of %zu acts were sent", i, d->n);
        else
            rc = send_one(d, &d->lines[i], reterr);
        cli_progress_show(&progress, clock_boot_ms(), "%zu of %zu acts sent", i + 1, d->n);
    }
    while (sender_wait(d->sender, 200) > 0)
        ;
    cli_progress_end(&progress);
    const struct sender_counts *c = sender_counts(d->sender);
    if (rc == 0 && c->failed > 0)
        rc = err_set(reterr, c->code, "%lld acts were not acknowledged: %s", (long long)c->failed, c->why);
    return rc;
}

/* ---- answers ---- */

static bool on_control(void *arg, const struct scan_message *m)
{
    struct delivery *d = arg;
    struct act act;
    struct act_answer a;
    struct fault f;
    struct waiting *w = NULL;
    if (control_decode(d->schemas, &m->message, &act, &a, &f) != CONTROL_IS_ANSWER)
        return true;
    HASH_FIND_STR(d->by_id, a.id, w);
    if (w == NULL || w->line->answered) /* a second answer: the owner changed between the two; the first one counts */
        return true;
    w->line->answered = true;
    w->line->result = a.result;
    memcpy(w->line->why, a.why, sizeof(w->line->why));
    return ++d->answers < d->n;
}

static int wait_for_answers(struct delivery *d, struct err *reterr)
{
    for (size_t i = 0; i < d->n; i++) {
        d->waiting[i].line = &d->lines[i];
        HASH_ADD_KEYPTR(hh, d->by_id, d->lines[i].act.id, strlen(d->lines[i].act.id), &d->waiting[i]);
    }
    int rc = scan_follow(d->scanner, d->sources, d->source_count, d->options->wait_ms, on_control, d, reterr);
    HASH_CLEAR(hh, d->by_id);
    return rc < 0 ? -1 : 0;
}

static int prepare(struct delivery *d, const struct kafka_place *place, struct err *reterr)
{
    buf_init(&d->text, 65536);
    d->sources = calloc(d->n, sizeof(*d->sources));
    d->waiting = calloc(d->n, sizeof(*d->waiting));
    if (d->sources == NULL || d->waiting == NULL) {
        err_nomem(reterr);
        return -1;
    }
    d->schemas = act_schemas_load(schema_dir(NULL), reterr);
    if (d->schemas == NULL)
        return -1;
    d->sender = sender_new(place, DELIVERY_MS, reterr);
    return d->sender == NULL ? -1 : 0;
}

int acts_send(struct scanner *s, const struct kafka_place *place, const struct act_options *o, struct act_line *lines,
              size_t n, struct err *reterr)
{
    struct delivery d = {.scanner = s, .options = o, .lines = lines, .n = n};
    int rc = prepare(&d, place, reterr);
    if (rc == 0)
        rc = send_all(&d, reterr);
    if (rc == 0 && o->wait_ms > 0)
        rc = wait_for_answers(&d, reterr);
    sender_free(d.sender);
    act_schemas_free(d.schemas);
    buf_fini(&d.text);
    free(d.sources);
    free(d.waiting);
    return rc;
}

/* ---- what is shown ---- */

static const char *result_of(const struct act_options *o, const struct act_line *l)
{
    if (!l->sent)
        return "not sent";
    if (!l->answered)
        return o->wait_ms > 0 ? "no answer yet" : "sent";
    return act_result_name(l->result);
}

static void where_of(const struct act_line *l, char *ret, size_t size)
{
    char place[ENTRY_PLACE_SIZE];
    ret[0] = '\0';
    if (act_is_provider_wide(&l->act)) {
        snprintf(ret, size, "partition %d", (int)l->act.partition);
    } else if (l->act.of_entry) {
        entry_place_format(l->act.place, place);
        snprintf(ret, size, "%s", place);
    }
}

static void show_json(const struct act_options *o, const struct act_line *l)
{
    char where[64];
    where_of(l, where, sizeof(where));
    json_t *v = json_pack("{ss ss ss ss ss}", "act", l->act.id, "kind", act_kind_name(l->act.kind), "provider",
                          l->act.provider, "service", l->act.service, "result", result_of(o, l));
    if (act_is_provider_wide(&l->act))
        json_object_set_new(v, "partition", json_integer(l->act.partition));
    else if (where[0] != '\0')
        json_object_set_new(v, "place", json_string(where));
    if (l->why[0] != '\0')
        json_object_set_new(v, "why", json_string(l->why));
    json_dumpf(v, stdout, JSON_COMPACT);
    putchar('\n');
    json_decref(v);
}

static enum cli_colour result_colour(const struct act_line *l)
{
    if (!l->answered)
        return CLI_YELLOW;
    return l->result == ACT_DONE ? CLI_GREEN : CLI_RED;
}

static void show_table(const struct act_options *o, const struct act_line *lines, size_t n)
{
    static const struct cli_column columns[] = {{"PROVIDER", 10, 4, false}, {"SERVICE", 14, 6, false},
                                                {"PLACE", 14, 8, false},    {"ACT", 13, 7, false},
                                                {"RESULT", 13, 8, false},   {"WHY", 20, 6, false}};
    struct cli_table t;
    struct buf out;
    buf_init(&out, 1 << 20);
    cli_table_init(&t, columns, ARRAY_LEN(columns), cli_width(stdout), cli_has_colour(stdout));
    cli_table_head(&t, &out);
    for (size_t i = 0; i < n; i++) {
        char where[64];
        const struct act_line *l = &lines[i];
        where_of(l, where, sizeof(where));
        const char *cells[] = {l->act.provider, act_is_provider_wide(&l->act) ? "all" : l->act.service, where,
                               act_kind_name(l->act.kind), result_of(o, l), l->why};
        const enum cli_colour colours[] = {CLI_PLAIN, CLI_PLAIN, CLI_PLAIN, CLI_PLAIN, result_colour(l), CLI_PLAIN};
        cli_table_row(&t, cells, colours, &out);
        fputs(buf_cstr(&out), stdout);
        buf_reset(&out);
    }
    buf_fini(&out);
}

enum cli_status acts_show(const struct act_options *o, const struct act_line *lines, size_t n)
{
    size_t done = 0, unanswered = 0, unsent = 0;
    for (size_t i = 0; i < n; i++) {
        done += lines[i].answered && lines[i].result == ACT_DONE;
        unsent += !lines[i].sent;
        unanswered += lines[i].sent && !lines[i].answered;
        if (o->json)
            show_json(o, &lines[i]);
    }
    if (!o->json)
        show_table(o, lines, n);
    fflush(stdout);
    if (unanswered > 0 && o->wait_ms > 0)
        fprintf(stderr, "%zu acts were not answered within the time: they stay in the control topic and are carried out "
                        "by the next worker that owns the partition\n", unanswered);
    if (unsent > 0 || done + unanswered + unsent < n)
        return CLI_REFUSED;
    return unanswered > 0 && o->wait_ms > 0 ? CLI_NOT_REACHED : CLI_OK;
}
