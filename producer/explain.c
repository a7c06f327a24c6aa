/* explain.c - `tvbridge explain SERVICE`: why an account is as it is, and what it waits for. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "cli.h"
#include "commands.h"
#include "contract/entry.h"
#include "contract/json.h"
#include "kafka_client.h"
#include "scan.h"
#include "story.h"

#define TIMELINE_DEFAULT 50

struct explain_options {
    struct cli_list providers;
    bool json, show_data;
    int64_t since_ms, limit; /* since_ms -1: not said */
};

static const struct cli_option explain_options[] = {
    {"provider", 'p', CLI_LIST, "NAME", offsetof(struct explain_options, providers),
     "at this platform; without: at all in the settings that know it"},
    {"since", 0, CLI_DURATION, "TIME", offsetof(struct explain_options, since_ms), "the timeline begins so long ago"},
    {"limit", 'n', CLI_NUMBER, "N", offsetof(struct explain_options, limit),
     "the last N lines of the timeline (50; 0: all)"},
    {"show-data", 0, CLI_FLAG, NULL, offsetof(struct explain_options, show_data),
     "show what the record says of persons instead of ***"},
    {"json", 0, CLI_FLAG, NULL, offsetof(struct explain_options, json), "one JSON object for each platform"},
};

static const struct cli_command command = {
    .name = "explain",
    .operands = "SERVICE",
    .about = "Tells from events, outcomes, record, waiting, dead letters and control why an account is as it is: what is\n"
             "known of it, what it waits for and what would set it free, and what happened when.",
    .examples = "  tvbridge explain 70001 --settings tvbridge.yaml\n"
                "  tvbridge explain 70001 -b localhost:9092 -p stalker --since 7d --json\n",
    .operands_max = 1,
};

/* ---- for people ---- */

/* Control characters in data must not steer a terminal. */
static void print_visible(const char *s)
{
    for (; *s != '\0'; s++)
        putchar((unsigned char)*s < 0x20 || *s == 0x7F ? '?' : *s);
}

static void print_names(const json_t *object, const char *title)
{
    const char *name;
    json_t *v, *from = (json_t *)(uintptr_t)object; /* jansson's iterators take no const; nothing is written */
    if (json_object_size(object) == 0)
        return;
    printf("  %-10s", title);
    json_object_foreach(from, name, v)
    {
        putchar(' ');
        print_visible(name);
    }
    putchar('\n');
}

static void print_field(const json_t *record, const char *name, const char *title)
{
    const char *text = json_text(record, name);
    if (text[0] == '\0')
        return;
    printf("  %-10s ", title);
    print_visible(text);
    putchar('\n');
}

static void print_axes(const json_t *axes)
{
    const char *name;
    json_t *v, *from = (json_t *)(uintptr_t)axes;
    json_object_foreach(from, name, v)
    {
        printf("  set last   ");
        print_visible(name);
        printf(" by ");
        print_visible(json_text(v, "id"));
        printf(" (order %s)\n", json_text(v, "order"));
    }
}

static void print_record(const json_t *record)
{
    if (record == NULL) {
        puts("  no record: nothing was applied yet");
        return;
    }
    print_field(record, "status", "status");
    print_field(record, "plan", "plan");
    print_field(record, "block", "block");
    print_names(json_object_get(record, "packages"), "packages");
    print_names(json_object_get(record, "devices"), "devices");
    print_field(record, "order_by", "ordered by");
    print_axes(json_object_get(record, "axes"));
}

static void print_verdict(const json_t *verdict, bool colour)
{
    const json_t *v;
    size_t i;
    json_array_foreach(verdict, i, v)
    {
        printf("%s  %s ", cli_escape(CLI_BOLD, colour), i == 0 ? "now:" : "    ");
        print_visible(json_string_value(v));
        printf("%s\n", cli_escape(CLI_PLAIN, colour));
    }
}

static void print_timeline(const json_t *timeline, bool colour)
{
    const json_t *v;
    size_t i;
    if (json_array_size(timeline) > 0)
        putchar('\n');
    json_array_foreach(timeline, i, v)
    {
        const char *time = json_text(v, "time");
        printf("  %s%.10s %.8s%s  %-12s ", cli_escape(CLI_DIM, colour), time, strlen(time) > 11 ? time + 11 : "",
               cli_escape(CLI_PLAIN, colour), json_text(v, "place"));
        print_visible(json_text(v, "text"));
        putchar('\n');
    }
}

static void print_story(const json_t *o)
{
    bool colour = cli_has_colour(stdout);
    printf("%sservice %s at %s%s\n", cli_escape(CLI_BOLD, colour), json_text(o, "service"), json_text(o, "provider"),
           cli_escape(CLI_PLAIN, colour));
    print_record(json_object_get(o, "record"));
    print_verdict(json_object_get(o, "verdict"), colour);
    print_timeline(json_object_get(o, "timeline"), colour);
    putchar('\n');
}

/* ---- reading ---- */

struct reading {
    struct story *story;
    bool failed;
};

static bool on_message(void *arg, const struct scan_message *m)
{
    struct reading *r = arg;
    r->failed = !story_take(r->story, m);
    return !r->failed;
}

/* Control after dead letters: an answer closes a letter that was seen. */
static int read_story(struct scanner *s, const char *provider, int32_t partition, struct reading *r, struct err *reterr)
{
    static const enum topic_kind kinds[] = {TOPIC_EVENTS,  TOPIC_OUTCOMES, TOPIC_RECORDS,
                                            TOPIC_WAITING, TOPIC_DEAD,     TOPIC_CONTROL};
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        const struct scan_source source = {kinds[i], provider, partition, SCAN_BEGINNING};
        if (scan(s, &source, 1, on_message, r, reterr) != 0)
            return -1;
        if (r->failed)
            return err_nomem(reterr);
    }
    return 0;
}

static json_t *tell(struct scanner *s, const char *provider, const char *service, const struct explain_options *o,
                    struct err *reterr)
{
    int32_t partition = scanner_partition_of(s, provider, service, reterr);
    struct reading r = {0};
    json_t *told = NULL;
    if (partition < 0)
        return NULL;
    r.story = story_new(provider, service, partition, o->show_data, reterr);
    if (r.story != NULL && read_story(s, provider, partition, &r, reterr) == 0)
        told = story_tell(r.story, o->since_ms < 0 ? 0 : clock_real_ms() - o->since_ms, (size_t)o->limit);
    story_free(r.story);
    return told;
}

static void show(const json_t *told, const struct explain_options *o)
{
    if (!o->json) {
        print_story(told);
        return;
    }
    json_dumpf(told, stdout, JSON_COMPACT);
    putchar('\n');
}

static const char *provider_at(const struct explain_options *o, const struct kafka_place *place, size_t i)
{
    if (o->providers.n > 0)
        return i < o->providers.n ? o->providers.item[i] : NULL;
    return place->settings != NULL && i < place->settings->provider_count ? place->settings->providers[i].name : NULL;
}

static enum cli_status explain(const char *service, const struct explain_options *o, const struct kafka_place *place)
{
    struct err error = {0};
    const char *provider = NULL;
    size_t known = 0;
    if (provider_at(o, place, 0) == NULL)
        return cli_usage(&command, "at which platforms? Give --provider, or --settings with providers");
    cli_catch_interrupt();
    struct scanner *s = scanner_new(place, &error);
    for (size_t i = 0; s != NULL && error.code == ERR_NONE && (provider = provider_at(o, place, i)) != NULL; i++) {
        json_t *told = tell(s, provider, service, o, &error);
        bool knows = json_is_true(json_object_get(told, "known"));
        known += knows;
        if (told != NULL && (knows || o->providers.n > 0))
            show(told, o);
        json_decref(told);
    }
    scanner_free(s);
    fflush(stdout);
    if (error.code != ERR_NONE)
        return cli_fail(&command, cli_status_of(&error), "%s", error.msg);
    if (known == 0)
        return cli_fail(&command, CLI_REFUSED, "nothing is known of service %s", service);
    return CLI_OK;
}

int cmd_explain(int argc, char **argv)
{
    struct explain_options o = {.since_ms = -1, .limit = TIMELINE_DEFAULT};
    struct kafka_options kafka;
    struct kafka_place place = {0};
    int operand = 0;
    kafka_options_init(&kafka);
    const struct cli_group groups[] = {
        {"What to tell", explain_options, ARRAY_LEN(explain_options), &o},
        kafka_options_group(&kafka, true),
    };
    enum cli_status status = cli_parse(&command, groups, ARRAY_LEN(groups), argc, argv, &operand);
    if (status == CLI_RUN && argc - operand != 1)
        status = cli_usage(&command, "which service?");
    if (status == CLI_RUN && strlen(argv[operand]) >= ENTRY_SERVICE_SIZE)
        status = cli_usage(&command, "a service's id has at most %d bytes", ENTRY_SERVICE_SIZE - 1);
    if (status == CLI_RUN)
        status = kafka_place_open(&place, &command, &kafka);
    if (status == CLI_RUN)
        status = explain(argv[operand], &o, &place);
    kafka_place_fini(&place);
    return status;
}
