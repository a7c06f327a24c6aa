/* topics.c - `tvbridge topics create`: makes the topics of an installation, or says how they differ. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli.h"
#include "commands.h"
#include "kafka_client.h"
#include "topics_admin.h"

#define PARTITIONS_DEFAULT 12
#define VISIBLE_MS 10000 /* how long a new topic may take to be seen by all brokers */

struct topics_options {
    struct cli_list providers;
    int64_t replication; /* 0: not said */
    bool fix_config, dry_run, json;
};

static const struct cli_option topics_options[] = {
    {"provider", 'p', CLI_LIST, "NAME", offsetof(struct topics_options, providers),
     "a platform that needs topics; again for more (all of the settings)"},
    {"replication-factor", 0, CLI_NUMBER, "N", offsetof(struct topics_options, replication),
     "copies of each partition (3, or as many as there are brokers);\nwith 3 or more, min.insync.replicas is 2"},
    {"fix-config", 0, CLI_FLAG, NULL, offsetof(struct topics_options, fix_config),
     "correct the settings of existing topics (never their partitions)"},
    {"dry-run", 'n', CLI_FLAG, NULL, offsetof(struct topics_options, dry_run), "change nothing, say what would be done"},
    {"json", 0, CLI_FLAG, NULL, offsetof(struct topics_options, json), "the result as one JSON object"},
};

static const struct cli_command command = {
    .name = "topics create",
    .operands = "",
    .about = "Makes the topics that tvbridge needs, with partitions, compaction and retention as they must be, and\n"
             "checks those that exist. Run it as often as you like: what is right stays as it is. An existing topic\n"
             "is never changed without --fix-config. Exit status 1 when something differs.",
    .examples = "  tvbridge topics create --settings tvbridge.yaml\n"
                "  tvbridge topics create -b localhost:9092 -p stalker -p ole --partitions 12\n"
                "  tvbridge topics create --settings tvbridge.yaml --dry-run --json\n",
};

struct topics {
    struct topics_options options;
    struct kafka_options kafka;
    struct kafka_place place;
    struct kafka_client *client;
    struct admin *admin;
    struct topic_entry *entries;
    size_t n;
    char note[256]; /* what could not be checked; "" */
};

static int add_entry(struct topics *t, enum topic_kind kind, const char *provider, struct err *reterr)
{
    struct topic_entry *e = &t->entries[t->n];
    size_t n = 0;
    if (topic_name(kind, t->place.prefix, provider, e->name) < 0)
        return err_set(reterr, ERR_INVAL, "prefix and provider together are too long for a topic's name");
    for (size_t i = 0; i < t->n; i++)
        if (strcmp(t->entries[i].name, e->name) == 0)
            return 0;
    const struct topic_config *c = topic_configs(kind, &n);
    for (size_t i = 0; i < n && i < TOPIC_CONFIGS_MAX - 1; i++)
        e->config[e->config_count++] = c[i];
    e->partitions_wanted = t->place.partitions > 0 ? t->place.partitions : PARTITIONS_DEFAULT;
    t->n++;
    return 0;
}

static const char *provider_at(const struct topics *t, size_t i)
{
    if (t->options.providers.n > 0)
        return i < t->options.providers.n ? t->options.providers.item[i] : NULL;
    const struct settings *s = t->place.settings;
    return s != NULL && i < s->provider_count ? s->providers[i].name : NULL;
}

/* All kinds of topics for each provider; outcomes are common to all. */
static int list_wanted(struct topics *t, struct err *reterr)
{
    size_t providers = 0;
    const char *name = NULL;
    while (provider_at(t, providers) != NULL)
        providers++;
    if (providers == 0)
        return err_set(reterr, ERR_INVAL, "for which platforms? Give --provider NAME, or --settings FILE with providers");
    t->entries = calloc(providers * TOPIC_KIND_COUNT, sizeof(*t->entries));
    if (t->entries == NULL)
        return err_nomem(reterr);
    for (size_t i = 0; (name = provider_at(t, i)) != NULL; i++)
        for (enum topic_kind k = 0; k < TOPIC_KIND_COUNT; k++)
            if (add_entry(t, k, name, reterr) < 0)
                return -1;
    return 0;
}

static void note_topic(struct topic_entry *e, const rd_kafka_metadata_topic_t *is)
{
    e->partitions = is->partition_cnt;
    e->replication = is->partition_cnt > 0 ? is->partitions[0].replica_cnt : 0;
}

/* What is there, and how many copies are wanted on so many brokers. */
static int look(struct topics *t, struct err *reterr)
{
    const struct rd_kafka_metadata *m =
        kafka_client_metadata(t->client, &t->place, t->kafka.timeout_ms, reterr);
    if (m == NULL)
        return -1;
    int64_t replicas = t->options.replication > 0 ? t->options.replication : m->broker_cnt < 3 ? m->broker_cnt : 3;
    for (size_t i = 0; i < t->n; i++) {
        struct topic_entry *e = &t->entries[i];
        const rd_kafka_metadata_topic_t *is = kafka_find_topic(m, e->name);
        e->replication_wanted = (int32_t)replicas;
        if (replicas >= 3)
            e->config[e->config_count++] = (struct topic_config){"min.insync.replicas", "2"};
        if (is == NULL)
            continue;
        e->state = TOPIC_THERE;
        note_topic(e, is);
    }
    rd_kafka_metadata_destroy(m);
    return 0;
}

static size_t count_state(const struct topics *t, enum topic_state state)
{
    size_t n = 0;
    for (size_t i = 0; i < t->n; i++)
        n += t->entries[i].state == state;
    return n;
}

static int check_existing(struct topics *t, struct err *reterr)
{
    bool unsupported = false;
    if (admin_describe(t->admin, t->entries, t->n, &unsupported, reterr) == 0)
        return t->options.fix_config && !t->options.dry_run ? admin_fix(t->admin, t->entries, t->n, reterr) : 0;
    if (!unsupported)
        return -1;
    if (t->note[0] == '\0')
        snprintf(t->note, sizeof(t->note), "this broker has no admin API: that the topics exist and have the right "
                                           "partitions was checked, their settings were not");
    for (size_t i = 0; i < t->n; i++)
        if (t->entries[i].state == TOPIC_THERE)
            t->entries[i].state = topic_judge(&t->entries[i]);
    *reterr = (struct err){0};
    return 0;
}

static int create_missing(struct topics *t, struct err *reterr)
{
    bool unsupported = false;
    if (admin_create(t->admin, t->entries, t->n, t->options.dry_run, &unsupported, reterr) == 0)
        return 0;
    if (!unsupported)
        return -1;
    snprintf(t->note, sizeof(t->note), "this broker has no admin API and cannot create topics: create the missing ones "
                                       "with its own tool");
    *reterr = (struct err){0};
    return 0;
}

/* True when the brokers' metadata show every topic that was made, by us or by somebody else just now. */
static bool is_visible(struct topics *t, const struct rd_kafka_metadata *m)
{
    bool all = true;
    for (size_t i = 0; i < t->n; i++) {
        struct topic_entry *e = &t->entries[i];
        const rd_kafka_metadata_topic_t *is = kafka_find_topic(m, e->name);
        if (e->state != TOPIC_CREATED && e->state != TOPIC_THERE)
            continue;
        if (is == NULL)
            all = false;
        else
            note_topic(e, is);
    }
    return all;
}

/* A new topic is usable when the brokers show it: until then its settings cannot be read, nor events be sent. */
static void wait_until_visible(struct topics *t)
{
    int64_t end_ms = clock_boot_ms() + VISIBLE_MS;
    for (bool all = t->options.dry_run; !all && clock_boot_ms() < end_ms;) {
        const struct rd_kafka_metadata *m = kafka_client_metadata(t->client, &t->place, VISIBLE_MS, NULL);
        if (m != NULL) {
            all = is_visible(t, m);
            rd_kafka_metadata_destroy(m);
        }
        if (!all)
            usleep(50000);
    }
}

/* ---- what is shown ---- */

static const char *state_name(enum topic_state s, bool dry_run)
{
    switch (s) {
    case TOPIC_MISSING:
        return dry_run ? "would be created" : "missing";
    case TOPIC_THERE:
    case TOPIC_OK:
        return "ok";
    case TOPIC_DIFFERS:
        return "differs";
    case TOPIC_CREATED:
        return "created";
    case TOPIC_FIXED:
        return "fixed";
    case TOPIC_FAILED:
        return "failed";
    }
    return "";
}

static enum cli_colour state_colour(enum topic_state s)
{
    switch (s) {
    case TOPIC_THERE:
    case TOPIC_OK:
        return CLI_PLAIN;
    case TOPIC_CREATED:
    case TOPIC_FIXED:
        return CLI_GREEN;
    case TOPIC_MISSING:
    case TOPIC_DIFFERS:
        return CLI_YELLOW;
    case TOPIC_FAILED:
        break;
    }
    return CLI_RED;
}

static bool exists_elsewhere(const struct topic_entry *e)
{
    return e->partitions > 0;
}

/* Calls @each for everything that is not as wanted. */
static void each_difference(const struct topic_entry *e, void (*each)(void *arg, const char *, const char *, const char *),
                            void *arg)
{
    char is[16], wanted[16];
    if (exists_elsewhere(e) && e->partitions != e->partitions_wanted) {
        snprintf(is, sizeof(is), "%d", (int)e->partitions);
        snprintf(wanted, sizeof(wanted), "%d", (int)e->partitions_wanted);
        each(arg, "partitions", is, wanted);
    }
    if (exists_elsewhere(e) && e->replication < e->replication_wanted) {
        snprintf(is, sizeof(is), "%d", (int)e->replication);
        snprintf(wanted, sizeof(wanted), "%d", (int)e->replication_wanted);
        each(arg, "replication.factor", is, wanted);
    }
    for (size_t i = 0; i < e->config_count; i++)
        if (topic_config_differs(e, i))
            each(arg, e->config[i].name, e->is[i], e->config[i].value);
}

static void difference_text(void *arg, const char *what, const char *is, const char *wanted)
{
    buf_addf(arg, "    %s is %s, wanted %s\n", what, is, wanted);
}

static void difference_json(void *arg, const char *what, const char *is, const char *wanted)
{
    json_array_append_new(arg, json_pack("{ss ss ss}", "what", what, "is", is, "wanted", wanted));
}

static void print_text(const struct topics *t)
{
    static const struct cli_column columns[] = {{"TOPIC", 34, 20, false}, {"PARTITIONS", 10, 10, true},
                                                {"COPIES", 6, 6, true}, {"STATE", 16, 16, false}};
    struct cli_table table;
    struct buf out;
    bool colour = cli_has_colour(stdout);
    buf_init(&out, 1 << 22);
    cli_table_init(&table, columns, ARRAY_LEN(columns), cli_width(stdout), colour);
    cli_table_head(&table, &out);
    for (size_t i = 0; i < t->n; i++) {
        const struct topic_entry *e = &t->entries[i];
        char partitions[16], copies[16];
        bool there = exists_elsewhere(e);
        snprintf(partitions, sizeof(partitions), "%d", (int)(there ? e->partitions : e->partitions_wanted));
        snprintf(copies, sizeof(copies), "%d", (int)(there ? e->replication : e->replication_wanted));
        const char *cells[] = {e->name, partitions, copies, state_name(e->state, t->options.dry_run)};
        const enum cli_colour colours[] = {CLI_PLAIN, CLI_PLAIN, CLI_PLAIN, state_colour(e->state)};
        cli_table_row(&table, cells, colours, &out);
        each_difference(e, difference_text, &out);
        if (e->state == TOPIC_FAILED)
            buf_addf(&out, "    %s\n", e->why);
    }
    fputs(buf_cstr(&out), stdout);
    buf_fini(&out);
}

static void print_json(const struct topics *t, bool ok)
{
    json_t *topics = json_array();
    for (size_t i = 0; i < t->n; i++) {
        const struct topic_entry *e = &t->entries[i];
        json_t *differences = json_array();
        each_difference(e, difference_json, differences);
        json_array_append_new(topics, json_pack("{ss ss sI sI so ss}", "topic", e->name, "state",
                                                state_name(e->state, t->options.dry_run), "partitions",
                                                (json_int_t)e->partitions, "replication_factor", (json_int_t)e->replication,
                                                "differences", differences, "why", e->why));
    }
    json_t *o = json_pack("{sb so ss}", "ok", ok, "topics", topics, "note", t->note);
    json_dumpf(o, stdout, JSON_COMPACT);
    putchar('\n');
    json_decref(o);
}

static void advise(const struct topics *t)
{
    bool partitions = false, config = false;
    for (size_t i = 0; i < t->n; i++) {
        const struct topic_entry *e = &t->entries[i];
        partitions = partitions || (exists_elsewhere(e) && e->partitions != e->partitions_wanted);
        for (size_t k = 0; k < e->config_count; k++)
            config = config || (e->state == TOPIC_DIFFERS && topic_config_differs(e, k));
    }
    if (t->note[0] != '\0')
        fprintf(stderr, "note: %s\n", t->note);
    if (config)
        fputs("--fix-config corrects the settings that differ.\n", stderr);
    if (partitions)
        fputs("All topics must have the same number of partitions: an event's outcome and record go to its own "
              "number.\nGive the right number with --partitions (kafka.partitions in the settings), or make the topic "
              "anew.\n", stderr);
}

static enum cli_status show(const struct topics *t)
{
    size_t bad = count_state(t, TOPIC_MISSING) + count_state(t, TOPIC_DIFFERS) + count_state(t, TOPIC_FAILED);
    if (t->options.json)
        print_json(t, bad == 0);
    else
        print_text(t);
    fflush(stdout); /* the advice stands after it, also in a file */
    advise(t);
    return bad == 0 ? CLI_OK : CLI_REFUSED;
}

static enum cli_status work(struct topics *t)
{
    struct err error = {0};
    const struct settings_pair none[1] = {{0}};
    if (list_wanted(t, &error) < 0)
        return cli_usage(&command, "%s", error.msg);
    t->client = kafka_client_new(&t->place, RD_KAFKA_PRODUCER, none, 0, NULL, NULL, &error);
    if (t->client == NULL || look(t, &error) < 0 ||
        (t->admin = admin_new(t->client, t->kafka.timeout_ms, &error)) == NULL || create_missing(t, &error) < 0)
        return cli_fail(&command, cli_status_of(&error), "%s", error.msg);
    wait_until_visible(t);
    if (check_existing(t, &error) < 0)
        return cli_fail(&command, cli_status_of(&error), "%s", error.msg);
    return show(t);
}

int cmd_topics_create(int argc, char **argv)
{
    int operand = 0;
    struct topics t = {0};
    kafka_options_init(&t.kafka);
    const struct cli_group groups[] = {
        {"Topics", topics_options, ARRAY_LEN(topics_options), &t.options},
        kafka_options_group(&t.kafka, true),
    };
    enum cli_status status = cli_parse(&command, groups, ARRAY_LEN(groups), argc, argv, &operand);
    if (status == CLI_RUN)
        status = kafka_place_open(&t.place, &command, &t.kafka);
    if (status == CLI_RUN)
        status = work(&t);
    admin_free(t.admin);
    kafka_client_free(t.client);
    kafka_place_fini(&t.place);
    free(t.entries);
    return status;
}
