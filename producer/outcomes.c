/* outcomes.c - `tvbridge outcomes`: what came of the events, for people and for programs. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "cli.h"
#include "commands.h"
#include "contract/outcome.h"
#include "contract/topics.h"
#include "kafka_client.h"
#include "outcome_view.h"
#include "outcomes_post.h"

#define POLL_MS 200
#define SORTED_MAX 20000 /* rows that are kept to be shown in the order of time */
#define TOPICS_MAX 65
#define LINE_MAX_BYTES ((size_t)16 * 1024 * 1024)
#define POST_TIMEOUT_MS 15000
#define POST_RETRY_MAX_MS 60000

struct outcomes_options {
    bool follow, from_beginning, dead, json;
    int64_t since_ms, max, end_ms; /* since_ms -1, end_ms 0: not said */
    struct outcome_filter filter;
    struct post_options post;
};

static const struct cli_option show_options[] = {
    {"follow", 'f', CLI_FLAG, NULL, offsetof(struct outcomes_options, follow),
     "go on with those that come; without: up to the present end"},
    {"since", 0, CLI_DURATION, "TIME", offsetof(struct outcomes_options, since_ms), "begin so long ago, e.g. 10m"},
    {"from-beginning", 0, CLI_FLAG, NULL, offsetof(struct outcomes_options, from_beginning),
     "begin with the oldest (the default without --follow)"},
    {"max", 'n', CLI_NUMBER, "N", offsetof(struct outcomes_options, max),
     "stop after N; with --follow, exit status 1 when fewer came"},
    {"timeout", 0, CLI_DURATION, "TIME", offsetof(struct outcomes_options, end_ms),
     "stop after this time; the broker must answer within it, or 10s"},
    {"dead", 0, CLI_FLAG, NULL, offsetof(struct outcomes_options, dead),
     "the dead letters too, of --provider or of all in the settings"},
    {"json", 0, CLI_FLAG, NULL, offsetof(struct outcomes_options, json), "JSON lines: the CloudEvents as they are"},
};

static const struct cli_option filter_options[] = {
    {"service", 's', CLI_LIST, "ID", offsetof(struct outcomes_options, filter.services), "of this TV account"},
    {"provider", 'p', CLI_LIST, "NAME", offsetof(struct outcomes_options, filter.providers), "of this platform"},
    {"type", 't', CLI_LIST, "TYPE", offsetof(struct outcomes_options, filter.types),
     "of this event type, e.g. contract.blocked"},
    {"outcome", 'o', CLI_LIST, "KIND", offsetof(struct outcomes_options, filter.kinds),
     "applied, unchanged, superseded, stale, rejected, dead, expired, preview,\nconflict, held, in_doubt, waiting, "
     "dead_letter"},
    {"event-id", 'e', CLI_LIST, "ID", offsetof(struct outcomes_options, filter.event_ids), "of the event with this id"},
};

static const struct cli_option post_options[] = {
    {"post", 0, CLI_TEXT, "URL", offsetof(struct outcomes_options, post.url),
     "POST each outcome there until the answer is 2xx, in order for each\nservice; Idempotency-Key is the outcome's id"},
    {"group", 0, CLI_TEXT, "NAME", offsetof(struct outcomes_options, post.group),
     "the consumer group that keeps the place (<prefix>outcomes.post)"},
    {"header-file", 0, CLI_TEXT, "FILE", offsetof(struct outcomes_options, post.header_file),
     "headers for the hook, one a line: Authorization: Bearer ..."},
    {"ca-file", 0, CLI_TEXT, "FILE", offsetof(struct outcomes_options, post.ca_file), "who may vouch for the hook (PEM)"},
    {"give-up-after", 0, CLI_NUMBER, "N", offsetof(struct outcomes_options, post.give_up_after),
     "leave an outcome out after N tries, loudly (never)"},
    {"post-timeout", 0, CLI_DURATION, "TIME", offsetof(struct outcomes_options, post.timeout_ms),
     "of one request (15s)"},
    {"retry-max", 0, CLI_DURATION, "TIME", offsetof(struct outcomes_options, post.retry_max_ms),
     "longest wait between two tries (60s)"},
};

static const struct cli_command command = {
    .name = "outcomes",
    .operands = "",
    .about = "Shows what came of the events: a table on a terminal, JSON lines with --json, or each outcome to\n"
             "billing's web hook with --post. Filters may be repeated: one of them must fit.",
    .examples = "  tvbridge outcomes --settings tvbridge.yaml --follow\n"
                "  tvbridge outcomes -b localhost:9092 --since 1h --outcome rejected --outcome dead --json\n"
                "  tvbridge outcomes -b localhost:9092 --event-id 4711 --follow --from-beginning --max 1 --timeout 30s\n"
                "  tvbridge outcomes --settings tvbridge.yaml --follow --post https://billing.example/tv/outcomes "
                "--header-file token\n",
};

struct row {
    char when[32]; /* RFC 3339 */
    size_t at; /* in the order of reading: the second key */
    char *text;
};

struct source {
    char topic[TOPIC_NAME_SIZE];
    const char *dead_of; /* a provider; NULL: outcomes */
    int32_t partitions;
};

struct outcomes {
    struct outcomes_options options;
    struct kafka_options kafka;
    struct kafka_place place;
    struct kafka_client *client;
    struct source sources[TOPICS_MAX];
    size_t source_count;
    rd_kafka_topic_partition_list_t *assigned;
    size_t ends_to_come; /* partitions whose present end was not reached yet */
    int64_t shown, ends_at_ms;
    struct cli_table table;
    struct buf line;
    bool sorting;
    struct row *rows;
    size_t row_count;
};

/* ---- what is read ---- */

static int add_source(struct outcomes *o, enum topic_kind kind, const char *provider, struct err *reterr)
{
    if (o->source_count == TOPICS_MAX)
        return err_set(reterr, ERR_INVAL, "more than %d dead letter topics: choose with --provider", TOPICS_MAX - 1);
    struct source *s = &o->sources[o->source_count];
    s->dead_of = kind == TOPIC_DEAD ? provider : NULL;
    if (topic_name(kind, o->place.prefix, provider, s->topic) < 0)
        return err_set(reterr, ERR_INVAL, "prefix and provider together are too long for a topic's name");
    o->source_count++;
    return 0;
}

static int list_sources(struct outcomes *o, struct err *reterr)
{
    const struct cli_list *named = &o->options.filter.providers;
    const struct settings *s = o->place.settings;
    if (add_source(o, TOPIC_OUTCOMES, "", reterr) < 0 || !o->options.dead)
        return o->source_count == 0 ? -1 : 0;
    for (size_t i = 0; i < named->n; i++)
        if (add_source(o, TOPIC_DEAD, named->item[i], reterr) < 0)
            return -1;
    for (size_t i = 0; named->n == 0 && s != NULL && i < s->provider_count; i++)
        if (add_source(o, TOPIC_DEAD, s->providers[i].name, reterr) < 0)
            return -1;
    if (o->source_count == 1)
        return err_set(reterr, ERR_INVAL, "--dead: of which platforms? Give --provider, or --settings with providers");
    return 0;
}

static int count_partitions(struct outcomes *o, struct err *reterr)
{
    const struct rd_kafka_metadata *m =
        kafka_client_metadata(o->client, &o->place, o->kafka.timeout_ms, reterr);
    if (m == NULL)
        return -1;
    for (size_t i = 0; i < o->source_count; i++) {
        const rd_kafka_metadata_topic_t *t = kafka_find_topic(m, o->sources[i].topic);
        o->sources[i].partitions = t != NULL ? t->partition_cnt : 0;
        if (t == NULL)
            err_set(reterr, ERR_INVAL, "there is no topic %s: `tvbridge topics create` makes it", o->sources[i].topic);
    }
    rd_kafka_metadata_destroy(m);
    return reterr->code == ERR_NONE ? 0 : -1;
}

static rd_kafka_topic_partition_list_t *all_partitions(const struct outcomes *o, int64_t offset)
{
    rd_kafka_topic_partition_list_t *l = rd_kafka_topic_partition_list_new(16);
    for (size_t i = 0; i < o->source_count; i++)
        for (int32_t k = 0; k < o->sources[i].partitions; k++)
            rd_kafka_topic_partition_list_add(l, o->sources[i].topic, k)->offset = offset;
    return l;
}

/* Each partition's first message at or after the time; where there is none, its end. */
static int seek_time(struct outcomes *o, rd_kafka_topic_partition_list_t *l, struct err *reterr)
{
    rd_kafka_resp_err_t code = rd_kafka_offsets_for_times(o->client->rk, l, (int)o->kafka.timeout_ms);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        return err_set(reterr, kafka_err_code(code), "looking up --since: %s", rd_kafka_err2str(code));
    for (int i = 0; i < l->cnt; i++)
        if (l->elems[i].offset < 0)
            l->elems[i].offset = RD_KAFKA_OFFSET_END;
    return 0;
}

static int start(struct outcomes *o, struct err *reterr)
{
    const struct outcomes_options *p = &o->options;
    int64_t from = p->follow && !p->from_beginning ? RD_KAFKA_OFFSET_END : RD_KAFKA_OFFSET_BEGINNING;
    bool by_time = p->since_ms >= 0 && !p->from_beginning;
    o->assigned = all_partitions(o, by_time ? clock_real_ms() - p->since_ms : from);
    o->ends_to_come = (size_t)o->assigned->cnt;
    if (by_time && seek_time(o, o->assigned, reterr) < 0)
        return -1;
    rd_kafka_resp_err_t code = rd_kafka_assign(o->client->rk, o->assigned);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        return 0;
    return err_set(reterr, kafka_err_code(code), "reading: %s", rd_kafka_err2str(code));
}

static int connect_kafka(struct outcomes *o, struct err *reterr)
{
    char group[300];
    snprintf(group, sizeof(group), "%soutcomes.view", o->place.prefix);
    const struct settings_pair own[] = {
        {"group.id", group}, /* librdkafka wants one; nothing is ever committed under it */
        {"enable.auto.commit", "false"},
        {"enable.partition.eof", "true"},
        {"auto.offset.reset", "earliest"}, /* what was asked for was deleted by retention: what is left */
        {"queued.max.messages.kbytes", "16384"},
        {"fetch.wait.max.ms", "100"},
    };
    o->client = kafka_client_new(&o->place, RD_KAFKA_CONSUMER, own, ARRAY_LEN(own), NULL, NULL, reterr);
    if (o->client == NULL || count_partitions(o, reterr) < 0)
        return -1;
    rd_kafka_poll_set_consumer(o->client->rk);
    return start(o, reterr);
}

/* ---- what is shown ---- */

static void print(struct outcomes *o, const char *text)
{
    fputs(text, stdout);
    if (o->options.follow)
        fflush(stdout);
}

/* Keeps the row for the end, when it is to be sorted and there is still room. */
static bool keep(struct outcomes *o, const struct outcome_view *v)
{
    if (!o->sorting || o->row_count == SORTED_MAX)
        return false;
    struct row *r = &o->rows[o->row_count];
    r->text = strdup(buf_cstr(&o->line));
    if (r->text == NULL)
        return false;
    snprintf(r->when, sizeof(r->when), "%s", v->when);
    r->at = o->row_count++;
    return true;
}

static int compare_rows(const void *a, const void *b)
{
    const struct row *x = a, *y = b;
    int by_time = strcmp(x->when, y->when);
    return by_time != 0 ? by_time : (x->at > y->at) - (x->at < y->at);
}

static void print_rows(struct outcomes *o)
{
    if (o->row_count > 1)
        qsort(o->rows, o->row_count, sizeof(*o->rows), compare_rows);
    for (size_t i = 0; i < o->row_count; i++) {
        print(o, o->rows[i].text);
        free(o->rows[i].text);
    }
    o->row_count = 0;
    o->sorting = false;
}

static void show(struct outcomes *o, const struct outcome_view *v)
{
    buf_reset(&o->line);
    if (o->options.json)
        outcome_view_json(v, &o->line);
    else
        outcome_view_row(v, &o->table, &o->line);
    o->shown++;
    if (keep(o, v))
        return;
    print_rows(o); /* too many to be sorted: from here on as they come */
    print(o, buf_cstr(&o->line));
}

static const struct source *source_of(const struct outcomes *o, const char *topic)
{
    for (size_t i = 0; i < o->source_count; i++)
        if (strcmp(o->sources[i].topic, topic) == 0)
            return &o->sources[i];
    return &o->sources[0];
}

static void take(struct outcomes *o, const rd_kafka_message_t *m)
{
    struct outcome_view v;
    const struct source *s = source_of(o, rd_kafka_topic_name(m->rkt));
    if ((s->dead_of != NULL ? outcome_view_init_dead(&v, m, s->dead_of) : outcome_view_init(&v, m)) < 0)
        return;
    if (outcome_view_matches(&v, &o->options.filter))
        show(o, &v);
    outcome_view_fini(&v);
}

static bool is_over(const struct outcomes *o)
{
    if (o->options.max > 0 && o->shown >= o->options.max)
        return true;
    if (!o->options.follow && o->ends_to_come == 0)
        return true;
    return (o->ends_at_ms > 0 && clock_boot_ms() >= o->ends_at_ms) || cli_interrupted();
}

static int read_all(struct outcomes *o, struct err *reterr)
{
    while (!is_over(o)) {
        rd_kafka_message_t *m = rd_kafka_consumer_poll(o->client->rk, POLL_MS);
        if (m == NULL)
            continue;
        if (m->err == RD_KAFKA_RESP_ERR_NO_ERROR)
            take(o, m);
        else if (m->err == RD_KAFKA_RESP_ERR__PARTITION_EOF)
            o->ends_to_come -= o->ends_to_come > 0;
        else if (m->err == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED || m->err == RD_KAFKA_RESP_ERR__FATAL)
            err_set(reterr, ERR_INVAL, "reading: %s", rd_kafka_message_errstr(m));
        rd_kafka_message_destroy(m);
        if (reterr->code != ERR_NONE)
            return -1;
    }
    return 0;
}

/* A partition says its end again after each new message: with --follow that is not counted. */
static enum cli_status finish(const struct outcomes *o)
{
    if (!o->options.follow && o->ends_to_come > 0 && (o->options.max == 0 || o->shown < o->options.max))
        return cli_fail(&command, CLI_REFUSED, "stopped before the end: not all outcomes were read");
    if (o->options.max > 0 && o->shown < o->options.max && o->options.follow)
        return cli_fail(&command, CLI_REFUSED, "%lld of %lld outcomes came in time", (long long)o->shown,
                        (long long)o->options.max);
    return CLI_OK;
}

static enum cli_status view(struct outcomes *o)
{
    struct err error = {0};
    cli_catch_interrupt();
    o->sorting = !o->options.follow;
    if (o->sorting && (o->rows = calloc(SORTED_MAX, sizeof(*o->rows))) == NULL)
        return cli_fail(&command, CLI_REFUSED, "out of memory");
    if (list_sources(o, &error) < 0 || connect_kafka(o, &error) < 0)
        return cli_fail(&command, cli_status_of(&error), "%s", error.msg);
    cli_table_init(&o->table, outcome_columns, outcome_column_count, cli_width(stdout), cli_has_colour(stdout));
    if (!o->options.json) {
        cli_table_head(&o->table, &o->line);
        print(o, buf_cstr(&o->line));
    }
    int done = read_all(o, &error);
    print_rows(o);
    fflush(stdout);
    return done < 0 ? cli_fail(&command, cli_status_of(&error), "%s", error.msg) : finish(o);
}

/* ---- options ---- */

static enum cli_status check_kinds(const struct outcome_filter *f)
{
    enum outcome_kind k;
    for (size_t i = 0; i < f->kinds.n; i++)
        if (strcmp(f->kinds.item[i], "dead_letter") != 0 && outcome_kind_parse(f->kinds.item[i], &k) < 0)
            return cli_usage(&command, "--outcome: there is no \"%s\"", f->kinds.item[i]);
    return CLI_RUN;
}

static enum cli_status check_post(const struct outcomes_options *p)
{
    const struct post_options *o = &p->post;
    if (o->url == NULL && (o->group != NULL || o->header_file != NULL || o->ca_file != NULL || o->give_up_after > 0))
        return cli_usage(&command, "--group, --header-file, --ca-file and --give-up-after go with --post");
    if (o->url == NULL)
        return CLI_RUN;
    if (strncmp(o->url, "http://", 7) != 0 && strncmp(o->url, "https://", 8) != 0)
        return cli_usage(&command, "--post wants a URL that begins with http:// or https://");
    const char *host = strstr(o->url, "://") + 3;
    if (memchr(host, '@', strcspn(host, "/?#")) != NULL)
        return cli_usage(&command, "--post: a password in the URL can be read by every user of this machine: use "
                                   "--header-file");
    if (p->dead || p->since_ms >= 0)
        return cli_usage(&command, "--post goes on where its group stood: leave --since and --dead out");
    if (o->retry_max_ms < 1)
        return cli_usage(&command, "--retry-max: at least 1ms");
    return CLI_RUN;
}

static enum cli_status post(struct outcomes *o)
{
    char topic[TOPIC_NAME_SIZE];
    if (topic_name(TOPIC_OUTCOMES, o->place.prefix, "", topic) < 0)
        return cli_usage(&command, "--prefix is too long for a topic's name");
    const struct post_rules rules = {
        .command = &command,
        .options = &o->options.post,
        .place = &o->place,
        .filter = &o->options.filter,
        .topic = topic,
        .follow = o->options.follow,
        .json = o->options.json,
        .max = o->options.max,
        .end_ms = o->ends_at_ms,
    };
    return outcomes_post(&rules);
}

static enum cli_status run(struct outcomes *o)
{
    const struct outcomes_options *p = &o->options;
    enum cli_status status = check_kinds(&p->filter);
    if (status == CLI_RUN)
        status = check_post(p);
    if (status == CLI_RUN)
        status = kafka_place_open(&o->place, &command, &o->kafka);
    if (status != CLI_RUN)
        return status;
    if (p->end_ms > 0) {
        o->ends_at_ms = clock_boot_ms() + p->end_ms;
        o->kafka.timeout_ms = p->end_ms < KAFKA_TIMEOUT_MS ? p->end_ms : KAFKA_TIMEOUT_MS;
    }
    return p->post.url != NULL ? post(o) : view(o);
}

int cmd_outcomes(int argc, char **argv)
{
    int operand = 0;
    struct outcomes *o = calloc(1, sizeof(*o));
    if (o == NULL)
        return cli_fail(&command, CLI_REFUSED, "out of memory");
    o->options.since_ms = -1;
    o->options.post.timeout_ms = POST_TIMEOUT_MS;
    o->options.post.retry_max_ms = POST_RETRY_MAX_MS;
    buf_init(&o->line, LINE_MAX_BYTES);
    kafka_options_init(&o->kafka);
    const struct cli_group groups[] = {
        {"What to show", show_options, ARRAY_LEN(show_options), &o->options},
        {"Only those", filter_options, ARRAY_LEN(filter_options), &o->options},
        {"To a web hook", post_options, ARRAY_LEN(post_options), &o->options},
        kafka_options_group(&o->kafka, false),
    };
    enum cli_status status = cli_parse(&command, groups, ARRAY_LEN(groups), argc, argv, &operand);
    if (status == CLI_RUN)
        status = run(o);
    if (o->assigned != NULL)
        rd_kafka_topic_partition_list_destroy(o->assigned);
    if (o->client != NULL)
        rd_kafka_consumer_close(o->client->rk);
    kafka_client_free(o->client);
    kafka_place_fini(&o->place);
    buf_fini(&o->line);
    free(o->rows);
    free(o);
    return status;
}
