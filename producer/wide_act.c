/* wide_act.c - acts on a provider, or on a service as a whole: `tvbridge pause`, `resume`, `rebase`. */
#include "wide_act.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "commands.h"
#include "contract/record.h"
#include "scan.h"

int wide_act_until(const char *text, int64_t now_ms, int64_t *ret_ms)
{
    int64_t ms = 0;
    if (cli_parse_duration(text, &ms) == 0)
        *ret_ms = now_ms + ms;
    else if (clock_parse_rfc3339(text, ret_ms) != 0)
        return -1;
    return 0;
}

/* One act for each partition, @max shared out evenly: the sum is what was asked for. */
static struct act_line *lines_for(const struct wide_act *w, int32_t partitions, const char *batch)
{
    struct act_line *lines = calloc((size_t)partitions, sizeof(*lines));
    int64_t now_ms = clock_real_ms();
    for (int32_t i = 0; lines != NULL && i < partitions; i++) {
        struct act *a = &lines[i].act;
        *a = (struct act){.kind = w->kind, .partition = i, .letter = -1, .until_ms = w->until_ms};
        a->max = (uint64_t)(w->max / partitions + (i < w->max % partitions));
        a->max_total = (uint64_t)w->max;
        snprintf(a->provider, sizeof(a->provider), "%s", w->provider);
        act_sign(a, w->options, batch, (size_t)i, now_ms);
    }
    return lines;
}

/* The acts as they would be sent. */
static enum cli_status show_only(const struct act_options *o, const struct act_line *lines, size_t n)
{
    struct buf out;
    buf_init(&out, 65536);
    for (size_t i = 0; i < n; i++) {
        char key[ACT_KEY_SIZE];
        buf_reset(&out);
        act_key(&lines[i].act, key);
        act_encode(&lines[i].act, &out);
        if (!o->json)
            printf("key %s: ", key);
        puts(buf_cstr(&out));
    }
    buf_fini(&out);
    if (!o->json)
        printf("%zu acts would be sent; nothing was, and none of them makes a call itself\n", n);
    return CLI_OK;
}

static enum cli_status send_lines(const struct cli_command *c, struct scanner *s, const struct kafka_place *place,
                                  const struct act_options *o, struct act_line *lines, size_t n)
{
    struct err error = {0};
    if (o->dry_run)
        return show_only(o, lines, n);
    int rc = acts_send(s, place, o, lines, n, &error);
    enum cli_status status = acts_show(o, lines, n);
    return rc != 0 ? cli_fail(c, cli_status_of(&error), "%s", error.msg) : status;
}

enum cli_status wide_act(const struct wide_act *w)
{
    struct err error = {0};
    char batch[ACT_BATCH_SIZE];
    if (strlen(w->provider) >= ACT_PROVIDER_SIZE)
        return cli_usage(w->command, "the provider's name is too long");
    cli_catch_interrupt();
    struct scanner *s = scanner_new(w->place, &error);
    int32_t partitions = s == NULL ? -1 : scanner_partitions(s, TOPIC_CONTROL, w->provider, &error);
    struct act_line *lines = NULL;
    enum cli_status status = CLI_REFUSED;
    if (partitions < 1 || act_batch_id(batch, &error) != 0)
        status = cli_fail(w->command, cli_status_of(&error), "%s", error.msg);
    else if ((lines = lines_for(w, partitions, batch)) == NULL)
        status = cli_fail(w->command, CLI_REFUSED, "out of memory");
    else
        status = send_lines(w->command, s, w->place, w->options, lines, (size_t)partitions);
    free(lines);
    scanner_free(s);
    return status;
}

/* ---- pause, resume ---- */

static int on_provider(const struct cli_command *c, enum act_kind kind, int argc, char **argv)
{
    struct act_options options;
    struct kafka_options kafka;
    struct kafka_place place = {0};
    const char *provider = NULL;
    kafka_options_init(&kafka);
    act_options_init(&options);
    const struct cli_group groups[] = {act_options_group(&options), kafka_options_group(&kafka, true)};
    enum cli_status status = cli_parse_provider(c, groups, ARRAY_LEN(groups), argc, argv, &provider);
    if (status == CLI_RUN)
        status = act_options_check(&options, c);
    if (status == CLI_RUN)
        status = kafka_place_open(&place, c, &kafka);
    if (status == CLI_RUN) {
        const struct wide_act w = {
            .command = c, .kind = kind, .provider = provider, .place = &place, .options = &options};
        status = wide_act(&w);
    }
    kafka_place_fini(&place);
    return status;
}

int cmd_pause(int argc, char **argv)
{
    static const struct cli_command command = {
        .name = "pause",
        .operands = "PROVIDER",
        .about = "No new calls to this provider until `tvbridge resume`: what is in flight finishes, events wait in their\n"
                 "topic, nothing is lost. It lasts over restarts of the workers.",
        .examples = "  tvbridge pause stalker -S tvbridge.yaml --reason 'the portal is being moved'\n",
        .operands_max = 1,
    };
    return on_provider(&command, ACT_PAUSE, argc, argv);
}

int cmd_resume(int argc, char **argv)
{
    static const struct cli_command command = {
        .name = "resume",
        .operands = "PROVIDER",
        .about = "Calls to a paused provider go on.",
        .examples = "  tvbridge resume stalker -S tvbridge.yaml --reason 'the portal has moved'\n",
        .operands_max = 1,
    };
    return on_provider(&command, ACT_RESUME, argc, argv);
}

/* ---- rebase ---- */

struct rebase_options {
    const char *provider, *by, *number;
};

static const struct cli_option rebase_options[] = {
    {"provider", 'p', CLI_TEXT, "NAME", offsetof(struct rebase_options, provider), "of this platform"},
    {"by", 0, CLI_TEXT, "WORD", offsetof(struct rebase_options, by), "sequence, or offset: what orders from now on"},
    {"number", 0, CLI_TEXT, "N", offsetof(struct rebase_options, number),
     "the sequence up to which all counts as applied (0), or the offset\n(default: where the service's partition ends now)"},
};

/* The service's record as it is now. */
struct record_seen {
    const char *service;
    json_t *record; /* owned */
};

static bool on_record(void *arg, const struct scan_message *m)
{
    struct record_seen *seen = arg;
    size_t n = strlen(seen->service);
    if (m->message.key_len != n || memcmp(m->message.key, seen->service, n) != 0)
        return true;
    json_decref(seen->record);
    seen->record = m->message.value == NULL ? NULL : record_parse(m->message.value, m->message.value_len);
    return true;
}

/* The fence and the order of the record, for the act to name; *@ret_already: it is ordered so. */
static int read_record(struct scanner *s, struct act *a, bool *ret_already, struct err *reterr)
{
    int32_t partition = scanner_partition_of(s, a->provider, a->service, reterr);
    const struct scan_source source = {TOPIC_RECORDS, a->provider, partition, SCAN_BEGINNING};
    struct record_seen seen = {.service = a->service};
    if (partition < 0 || scan(s, &source, 1, on_record, &seen, reterr) != 0) {
        json_decref(seen.record);
        return -1;
    }
    const char *fence = json_string_value(json_object_get(seen.record, "fence"));
    const char *by = json_string_value(json_object_get(seen.record, "order_by"));
    bool known = seen.record != NULL, at_work = json_object_get(seen.record, "unfinished") != NULL;
    snprintf(a->fence, sizeof(a->fence), "%s", fence != NULL ? fence : "");
    *ret_already = by != NULL && strcmp(by, a->by_sequence ? "sequence" : "offset") == 0;
    json_decref(seen.record);
    if (!known)
        return err_set(reterr, ERR_INVAL, "service %s has no record at %s: it has no order yet", a->service, a->provider);
    if (at_work) /* what comes of it moves the order under the fence that the record names now */
        return err_set(reterr, ERR_INVAL, "an event of service %s is being worked: try again in a moment", a->service);
    return 0;
}

/* Without --number, offsets begin behind all that is there: the next event is above it. */
static int take_number(struct scanner *s, const char *number, struct act *a, struct err *reterr)
{
    if (number != NULL)
        return order_parse_sequence(number, &a->number) == 0
                   ? 0
                   : err_set(reterr, ERR_INVAL, "--number: want 1 to 18 decimal digits");
    a->number = 0;
    if (a->by_sequence)
        return 0;
    int32_t partition = scanner_partition_of(s, a->provider, a->service, reterr);
    int64_t end = partition < 0 ? -1 : scanner_end(s, TOPIC_EVENTS, a->provider, partition, reterr);
    if (end < 0)
        return -1;
    a->number = end > 0 ? (uint64_t)end - 1 : 0;
    return 0;
}

static enum cli_status rebase(const struct cli_command *c, const struct kafka_place *place, const struct act_options *o,
                              const char *number, struct act_line *line)
{
    struct err error = {0};
    char batch[ACT_BATCH_SIZE];
    bool already = false;
    cli_catch_interrupt();
    struct scanner *s = scanner_new(place, &error);
    enum cli_status status = CLI_REFUSED;
    if (s == NULL || take_number(s, number, &line->act, &error) != 0 ||
        read_record(s, &line->act, &already, &error) != 0 || act_batch_id(batch, &error) != 0) {
        status = cli_fail(c, cli_status_of(&error), "%s", error.msg);
    } else if (already && number == NULL) {
        status = cli_fail(c, CLI_REFUSED, "service %s is ordered by %s already; --number sets it anew", line->act.service,
                          line->act.by_sequence ? "sequence" : "offset");
    } else {
        act_sign(&line->act, o, batch, 0, clock_real_ms());
        status = send_lines(c, s, place, o, line, 1);
    }
    scanner_free(s);
    return status;
}

static enum cli_status check_rebase(const struct cli_command *c, const struct rebase_options *o, const char *service,
                                    struct act *a)
{
    if (o->provider == NULL || o->by == NULL)
        return cli_usage(c, "--provider and --by are needed");
    a->by_sequence = strcmp(o->by, "sequence") == 0;
    if (!a->by_sequence && strcmp(o->by, "offset") != 0)
        return cli_usage(c, "--by wants sequence or offset");
    if (strlen(service) >= sizeof(a->service) || service[0] == '\0' || strlen(o->provider) >= sizeof(a->provider))
        return cli_usage(c, "the service's or the provider's name is too long, or empty");
    snprintf(a->service, sizeof(a->service), "%s", service);
    snprintf(a->provider, sizeof(a->provider), "%s", o->provider);
    return CLI_RUN;
}

int cmd_rebase(int argc, char **argv)
{
    static const struct cli_command command = {
        .name = "rebase",
        .operands = "SERVICE",
        .about = "Orders a service's events anew, after its billing began, or ceased, to send `sequence`: until then they are\n"
                 "dead letters `mixed_order`, which can be redriven afterwards.",
        .examples = "  tvbridge rebase 70001 -S tvbridge.yaml -p stalker --by sequence --reason 'billing 7 sends sequences'\n",
        .operands_max = 1,
    };
    struct rebase_options options = {0};
    struct act_options act;
    struct kafka_options kafka;
    struct kafka_place place = {0};
    struct act_line line = {.act = {.kind = ACT_REBASE_ORDER, .partition = -1, .letter = -1}};
    int operand = 0;
    kafka_options_init(&kafka);
    act_options_init(&act);
    const struct cli_group groups[] = {
        {"The order", rebase_options, ARRAY_LEN(rebase_options), &options},
        act_options_group(&act),
        kafka_options_group(&kafka, true),
    };
    enum cli_status status = cli_parse(&command, groups, ARRAY_LEN(groups), argc, argv, &operand);
    if (status == CLI_RUN && argc - operand != 1)
        status = cli_usage(&command, "which service?");
    if (status == CLI_RUN)
        status = check_rebase(&command, &options, argv[operand], &line.act);
    if (status == CLI_RUN)
        status = act_options_check(&act, &command);
    if (status == CLI_RUN)
        status = kafka_place_open(&place, &command, &kafka);
    if (status == CLI_RUN)
        status = rebase(&command, &place, &act, options.number, &line);
    kafka_place_fini(&place);
    return status;
}
