/* billing_list.c - `tvbridge billing list PROVIDER --due DAY`: the TV billing run as a report from the records (PROVIDERS.md 1.2,
 * ISP-Integrator 6). Nothing is changed. */
#include <string.h>

#include "base/buf.h"
#include "bill.h"
#include "cli.h"
#include "commands.h"
#include "contract/json.h"
#include "kafka_client.h"
#include "known.h"
#include "listing.h"
#include "scan.h"

struct list_options {
    const char *due;
    bool pending, json, csv;
};

static const struct cli_option list_options[] = {
    {"due", 0, CLI_TEXT, "DAY", offsetof(struct list_options, due), "the day on which the bill is due: 2026-12-10"},
    {"pending", 0, CLI_FLAG, NULL, offsetof(struct list_options, pending), "only what is not processed yet"},
    {"csv", 0, CLI_FLAG, NULL, offsetof(struct list_options, csv), "CSV with a line of names; the sums go to stderr"},
    {"json", 0, CLI_FLAG, NULL, offsetof(struct list_options, json), "JSON lines, the sums at the end"},
};

static const struct cli_command command = {
    .name = "billing list",
    .operands = "PROVIDER",
    .about = "What the packages of each service come to for a due day: those that have a price and are on that day, by the\n"
             "records. A service is " BILL_PENDING " until `tvbridge billing processed`, or billing itself, says by an event that it was\n"
             "billed; then it is " BILL_PROCESSED ", with that value. Nothing is changed.",
    .examples = "  tvbridge billing list beenius -S tvbridge.yaml --due 2026-12-10\n"
                "  tvbridge billing list beenius -S tvbridge.yaml --due 2026-12-10 --pending --json > run.jsonl\n",
    .operands_max = 1,
};

static const struct listing_member members[] = {
    {"service", {"SERVICE", 12, 6, false}},   {"due", {"DUE", 10, 10, false}},     {"state", {"STATE", 10, 8, false}},
    {"value", {"VALUE", 10, 6, true}},        {"currency", {"CUR", 3, 3, false}},  {"packages", {"PACKAGES", 30, 8, false}},
    {"now", {"NOW", 8, 5, true}},             {"fault", {"FAULT", 20, 8, false}},
};

struct report {
    struct list_options options;
    const char *provider;
    struct kafka_place place;
    struct bill_day day;
    struct bill_sums sums;
    json_t *rows;
};

static json_t *row_of(const void *arg, const json_t *record)
{
    return bill_row(record, arg);
}

static int take(struct report *r, const struct book *found, struct err *reterr)
{
    for (size_t i = 0; i < book_count(found); i++) {
        json_t *row = known_get(found, book_key(found, i));
        int rc = row == NULL ? 0 : bill_sums_add(&r->sums, row);
        const char *state = json_text(row, "state");
        bool shown = row != NULL && (json_object_get(row, "fault") != NULL || strcmp(state, BILL_PENDING) == 0 ||
                                     (state[0] != '\0' && !r->options.pending));
        if (rc == 0 && shown)
            rc = json_array_append(r->rows, row);
        json_decref(row);
        if (rc != 0)
            return err_set(reterr, ERR_INVAL, "service %s: the sum becomes too large, or there is no memory", book_key(found, i));
    }
    return 0;
}

static int read_records(struct report *r, struct err *reterr)
{
    struct scanner *s = scanner_new(&r->place, reterr);
    struct book *found = book_new();
    int rc = s == NULL ? -1 : found == NULL ? err_nomem(reterr) : known_read_as(s, r->provider, row_of, &r->day, found, reterr);
    if (rc == 0) {
        book_sort(found);
        rc = take(r, found, reterr);
    }
    book_free(found);
    scanner_free(s);
    return rc;
}

static void show_sums(const struct report *r)
{
    json_t *list = bill_sums_list(&r->sums), *one;
    size_t i;
    FILE *out = r->options.csv ? stderr : stdout;
    if (r->options.json) {
        json_t *end = json_pack("{s:b, s:s, s:O, s:I, s:I}", "end", 1, "due", r->day.due, "sums", list, "faults", (json_int_t)r->sums.faults,
                                "unpriced", (json_int_t)r->sums.unpriced);
        json_dumpf(end, stdout, JSON_COMPACT);
        putchar('\n');
        json_decref(end);
    }
    json_array_foreach(list, i, one) if (!r->options.json)
        fprintf(out, "%s: %lld services, %s%s%s\n", json_text(one, "state"), (long long)json_integer_value(json_object_get(one, "services")),
                json_text(one, "value"), json_object_get(one, "currency") != NULL ? " " : "", json_text(one, "currency"));
    json_decref(list);
}

static enum cli_status show(const struct report *r)
{
    const struct listing l = {members, ARRAY_LEN(members), r->rows};
    listing_show(&l, r->options.csv ? LISTING_CSV : r->options.json ? LISTING_JSON : LISTING_TABLE);
    show_sums(r);
    fflush(stdout);
    if (r->sums.unpriced > 0)
        fprintf(stderr, "%lld packages that are on have no price: they are not in it\n", (long long)r->sums.unpriced);
    if (r->sums.faults == 0)
        return CLI_OK;
    return cli_fail(&command, CLI_REFUSED, "%lld services cannot be billed: see FAULT", (long long)r->sums.faults);
}

static enum cli_status run(struct report *r)
{
    struct err err = {0};
    if (r->place.settings != NULL && settings_provider(r->place.settings, r->provider) == NULL)
        return cli_fail(&command, CLI_REFUSED, "the settings have no provider \"%s\"", r->provider);
    r->rows = json_array();
    if (r->rows == NULL || bill_sums_init(&r->sums) != 0)
        return cli_fail(&command, CLI_REFUSED, "out of memory");
    if (read_records(r, &err) != 0)
        return cli_fail(&command, cli_status_of(&err), "%s", err.msg);
    return show(r);
}

static enum cli_status check_options(struct report *r)
{
    if (r->options.due == NULL)
        return cli_usage(&command, "--due DAY is needed: 2026-12-10");
    if (bill_day_parse(r->options.due, &r->day) != 0)
        return cli_usage(&command, "--due: found \"%s\", wanted a day: 2026-12-10", r->options.due);
    if (r->options.json && r->options.csv)
        return cli_usage(&command, "one of --json and --csv");
    return CLI_RUN;
}

int cmd_billing_list(int argc, char **argv)
{
    struct report r = {0};
    struct kafka_options kafka;
    kafka_options_init(&kafka);
    const struct cli_group groups[] = {
        {"The run", list_options, ARRAY_LEN(list_options), &r.options},
        kafka_options_group(&kafka, true),
    };
    enum cli_status status = cli_parse_provider(&command, groups, ARRAY_LEN(groups), argc, argv, &r.provider);
    if (status == CLI_RUN)
        status = check_options(&r);
    if (status == CLI_RUN)
        status = kafka_place_open(&r.place, &command, &kafka);
    if (status == CLI_RUN)
        status = run(&r);
    bill_sums_fini(&r.sums);
    json_decref(r.rows);
    kafka_place_fini(&r.place);
    return status;
}
