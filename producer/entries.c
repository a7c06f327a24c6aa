/* entries.c - what is set aside and what is dead: `tvbridge waiting list|release`, `doubt list|resolve`,
 * `dead list|show|redrive|drop`, and `approve` for events that the guard holds.
 *
 * One way for all: gather the rows that fit, then show them, rehearse them, or send an act for each. */
#include "entries.h"

#include <stdlib.h>
#include <string.h>

#include "act_send.h"
#include "base/clock.h"
#include "commands.h"
#include "contract/event_mode.h"
#include "found.h"
#include "redact.h"
#include "rehearsal.h"
#include "scan.h"
#include "wide_act.h"

#define PROVIDERS_MAX 64
#define BIT(n) (1u << (n))
#define ANY_REASON (BIT(ENTRY_REASON_COUNT) - 1)
#define ANY_STATE (BIT(ENTRY_STATE_COUNT) - 1)

enum does { LISTS, SHOWS, ACTS };

/* What tells the commands apart. */
struct verb {
    const struct cli_command *command;
    enum does does;
    bool letters; /* dead letters too */
    unsigned states, reasons;
    enum act_kind act;
};

struct entries {
    const struct verb *verb;
    struct entries_options options;
    struct allowance_options allowance;
    struct act_options act;
    struct kafka_options kafka;
    struct kafka_place place;
    struct scanner *scanner;
    const char *providers[PROVIDERS_MAX];
    size_t provider_count;
    struct found_list list;
    struct act_line *lines;
};

static const struct cli_option which_options[] = {
    {"provider", 'p', CLI_LIST, "NAME", offsetof(struct entries_options, providers),
     "of this platform; without: of all in the settings"},
    {"service", 's', CLI_LIST, "ID", offsetof(struct entries_options, services), "of this TV account"},
    {"place", 0, CLI_LIST, "PLACE", offsetof(struct entries_options, places),
     "the event that stood first at this partition-offset, as the lists show it"},
    {"cause", 'c', CLI_LIST, "WORD", offsetof(struct entries_options, causes),
     "what it waits for (dead, doubt, date, retry, flood, guard, first_access,\nactivation, implausible, behind), why it "
     "is dead, or the detail's word"},
    {"type", 't', CLI_LIST, "TYPE", offsetof(struct entries_options, types), "of this event type, e.g. contract.blocked"},
    {"older-than", 0, CLI_DURATION, "TIME", offsetof(struct entries_options, older_than_ms),
     "set aside, or dead, for at least so long"},
    {"limit", 'n', CLI_NUMBER, "N", offsetof(struct entries_options, limit), "at most N, the oldest first"},
    {"show-data", 0, CLI_FLAG, NULL, offsetof(struct entries_options, show_data),
     "show what events say of persons, passwords too, instead of ***"},
};

/* Which of them a command without --dry-run and --show-data has. */
#define WHICH_LISTING (ARRAY_LEN(which_options) - 1)

static const struct cli_option list_options[] = {
    {"json", 0, CLI_FLAG, NULL, offsetof(struct entries_options, json), "JSON lines"},
};

static const struct cli_option all_options[] = {
    {"all", 0, CLI_FLAG, NULL, offsetof(struct entries_options, all), "every one: no filter is needed"},
};

static const struct cli_option verdict_options[] = {
    {"applied", 0, CLI_FLAG, NULL, offsetof(struct entries_options, applied), "the platform did it: go on after that step"},
    {"not-applied", 0, CLI_FLAG, NULL, offsetof(struct entries_options, not_applied),
     "the platform did not do it: it is sent again"},
};

static const struct cli_option allowance_options[] = {
    {"until", 0, CLI_TEXT, "TIME", offsetof(struct allowance_options, until),
     "instead of single events: cuts of the provider go until then (RFC 3339,\nor from now: 8h)"},
    {"max", 0, CLI_NUMBER, "N", offsetof(struct allowance_options, max), "and at most N of them, shared by the partitions"},
};

/* ---- gathering ---- */

static int list_providers(struct entries *e, struct err *reterr)
{
    const struct cli_list *named = &e->options.providers;
    const struct settings *s = e->place.settings;
    for (size_t i = 0; i < named->n && i < PROVIDERS_MAX; i++)
        e->providers[e->provider_count++] = named->item[i];
    for (size_t i = 0; named->n == 0 && s != NULL && i < s->provider_count && i < PROVIDERS_MAX; i++)
        e->providers[e->provider_count++] = s->providers[i].name;
    if (e->provider_count == 0)
        return err_set(reterr, ERR_INVAL, "of which platforms? Give --provider, or --settings with providers");
    return 0;
}

static void cut_to_limit(struct entries *e)
{
    int64_t limit = e->options.limit;
    found_sort_by_time(&e->list);
    if (limit <= 0)
        return;
    while (e->list.n > (size_t)limit)
        found_free(e->list.rows[--e->list.n]);
}

static int gather(struct entries *e, struct err *reterr)
{
    const struct found_filter filter = {
        .services = e->options.services,
        .causes = e->options.causes,
        .types = e->options.types,
        .places = e->options.places,
        .older_than_ms = e->options.older_than_ms,
        .states = e->verb->states,
        .reasons = e->verb->reasons,
        .keep = e->verb->does == SHOWS || e->act.dry_run,
        .now_ms = clock_real_ms(),
    };
    for (size_t i = 0; i < e->provider_count; i++) {
        int rc = e->verb->letters ? found_dead(e->scanner, e->providers[i], &filter, &e->list, reterr)
                                  : found_entries(e->scanner, e->providers[i], &filter, &e->list, reterr);
        if (rc != 0)
            return -1;
    }
    cut_to_limit(e);
    return 0;
}

/* ---- lists ---- */

static void time_of(int64_t ms, char ret[CLOCK_RFC3339_SIZE])
{
    clock_format_rfc3339(ms, ret);
    ret[10] = ' ';
    ret[19] = '\0';
}

static enum cli_colour state_colour(enum entry_state s)
{
    switch (s) {
    case ENTRY_UNSENT:
    case ENTRY_SENDING:
        return CLI_PLAIN;
    case ENTRY_DOUBT:
        return CLI_YELLOW;
    case ENTRY_DEAD:
    case ENTRY_STATE_COUNT:
        break;
    }
    return CLI_RED;
}

static void print_row(const struct cli_table *t, const struct found *f, struct buf *out)
{
    char since[CLOCK_RFC3339_SIZE], place[ENTRY_PLACE_SIZE], round[12], tries[12], waits[160];
    time_of(f->since_ms, since);
    entry_place_format(f->place, place);
    snprintf(round, sizeof(round), "%u", f->round);
    snprintf(tries, sizeof(tries), "%u", f->attempts);
    found_waits_for(f, waits, sizeof(waits));
    if (f->letter)
        snprintf(waits, sizeof(waits), "%s%s%.100s", f->why, f->detail[0] != '\0' ? ": " : "", f->detail);
    const char *cells[] = {since, f->provider,      f->service, place, f->type, f->letter ? "letter" : entry_state_name(f->state),
                           round, tries, waits};
    const enum cli_colour colours[ARRAY_LEN(cells)] = {CLI_DIM, 0, 0, 0, 0, state_colour(f->state)};
    cli_table_row(t, cells, colours, out);
}

static void print_table(const struct entries *e)
{
    static const struct cli_column columns[] = {
        {"SINCE (UTC)", 19, 19, false}, {"PROVIDER", 10, 4, false}, {"SERVICE", 12, 5, false},
        {"PLACE", 12, 6, false},        {"EVENT", 22, 9, false},    {"STATE", 7, 6, false},
        {"ROUND", 5, 5, true},          {"TRIES", 5, 5, true},      {"WAITS FOR", 30, 8, false},
    };
    struct cli_table t;
    struct buf out;
    buf_init(&out, 1 << 20);
    cli_table_init(&t, columns, ARRAY_LEN(columns), cli_width(stdout), cli_has_colour(stdout));
    cli_table_head(&t, &out);
    for (size_t i = 0; i <= e->list.n; i++) {
        fputs(buf_cstr(&out), stdout);
        buf_reset(&out);
        if (i < e->list.n)
            print_row(&t, e->list.rows[i], &out);
    }
    buf_fini(&out);
}

static void print_json(json_t *o)
{
    json_dumpf(o, stdout, JSON_COMPACT);
    putchar('\n');
    json_decref(o);
}

static enum cli_status show_list(const struct entries *e)
{
    if (!e->options.json) {
        print_table(e);
        return CLI_OK;
    }
    for (size_t i = 0; i < e->list.n; i++)
        print_json(found_json(e->list.rows[i]));
    return CLI_OK;
}

/* ---- dead show ---- */

static json_t *headers_json(const struct event_message *m)
{
    json_t *o = json_object();
    for (size_t i = 0; i < m->header_count; i++) {
        const struct event_header *h = &m->headers[i];
        bool hidden = strcmp(h->name, "tvbridge-steps") == 0 || strncmp(h->name, "ce_", 3) == 0;
        json_t *v = hidden ? NULL : json_stringn(h->value != NULL ? h->value : "", h->value != NULL ? h->len : 0);
        if (v != NULL)
            json_object_set_new(o, h->name, v);
    }
    return o;
}

/* The event as it came, as far as it is one. */
static json_t *event_json(const struct found *f, bool show)
{
    struct event_header headers[128];
    struct event_message m = f->kept->message;
    struct fault fault = {.pointer = ""};
    m.header_count = m.header_count > ARRAY_LEN(headers) ? ARRAY_LEN(headers) : m.header_count;
    m.header_count = entry_original_headers(&m, headers);
    m.headers = headers;
    json_t *root = event_root_of(&m, &fault);
    json_t *shown = root == NULL ? NULL : redact_event(root, show);
    json_decref(root);
    if (shown != NULL)
        return shown;
    json_t *raw = show && m.value != NULL ? json_stringn(m.value, m.value_len) : NULL;
    return json_pack("{ss ss si so*}", "unreadable", fault.reason, "pointer", fault.pointer, "bytes", (int)m.value_len,
                     "raw", raw);
}

static void print_shown(json_t *o)
{
    json_dumpf(o, stdout, JSON_INDENT(2));
    putchar('\n');
    json_decref(o);
}

static enum cli_status show_rows(const struct entries *e)
{
    for (size_t i = 0; i < e->list.n; i++) {
        const struct found *f = e->list.rows[i];
        json_t *o = found_json(f);
        json_object_set_new(o, "headers", headers_json(&f->kept->message));
        json_object_set_new(o, "event", event_json(f, e->options.show_data));
        const char *hopeless = found_not_redrivable(f);
        if (hopeless != NULL)
            json_object_set_new(o, "no_redrive", json_string(hopeless));
        if (e->options.json)
            print_json(o);
        else
            print_shown(o);
    }
    return CLI_OK;
}

/* ---- acts ---- */

/* What no act can bring back is left out, and said. Returns how many were. */
static size_t leave_out_hopeless(struct entries *e)
{
    size_t kept = 0, out = 0;
    for (size_t i = 0; i < e->list.n; i++) {
        struct found *f = e->list.rows[i];
        const char *why = e->verb->act == ACT_REDRIVE ? found_not_redrivable(f) : NULL;
        if (why == NULL) {
            e->list.rows[kept++] = f;
            continue;
        }
        char place[ENTRY_PLACE_SIZE];
        entry_place_format(f->place, place);
        fprintf(stderr, "%s (%s): %s\n", place, f->why, why);
        found_free(f);
        out++;
    }
    e->list.n = kept;
    return out;
}

static enum cli_status send_acts(struct entries *e, struct err *reterr)
{
    char batch[ACT_BATCH_SIZE];
    size_t out = leave_out_hopeless(e);
    e->lines = calloc(e->list.n + 1, sizeof(*e->lines));
    if (e->lines == NULL || act_batch_id(batch, reterr) != 0)
        return cli_fail(e->verb->command, CLI_REFUSED, "%s", e->lines == NULL ? "out of memory" : reterr->msg);
    for (size_t i = 0; i < e->list.n; i++) {
        found_act(e->list.rows[i], e->verb->act, &e->lines[i].act);
        e->lines[i].act.applied = e->options.applied;
        act_sign(&e->lines[i].act, &e->act, batch, i, clock_real_ms());
    }
    int rc = e->list.n == 0 ? 0 : acts_send(e->scanner, &e->place, &e->act, e->lines, e->list.n, reterr);
    enum cli_status status = acts_show(&e->act, e->lines, e->list.n);
    if (rc != 0)
        return cli_fail(e->verb->command, cli_status_of(reterr), "%s", reterr->msg);
    return out > 0 && status == CLI_OK ? CLI_REFUSED : status;
}

static enum cli_status rehearse_acts(struct entries *e, struct err *reterr)
{
    enum cli_status status = CLI_OK;
    const struct rehearsal r = {
        .place = &e->place,
        .kind = e->verb->act,
        .applied = e->options.applied,
        .json = e->act.json,
        .show_data = e->options.show_data,
    };
    if (rehearse(&r, e->scanner, &e->list, &status, reterr) != 0)
        return cli_fail(e->verb->command, cli_status_of(reterr), "%s", reterr->msg);
    return status;
}

static enum cli_status act(struct entries *e, struct err *reterr)
{
    if (e->list.n == 0)
        return cli_fail(e->verb->command, CLI_REFUSED, "there is none that fits");
    if (e->list.n > ACTS_MAX)
        return cli_fail(e->verb->command, CLI_REFUSED, "%zu fit: at most %d at once, see --limit", e->list.n, ACTS_MAX);
    found_sort_by_place(&e->list); /* in order for each service */
    return e->act.dry_run ? rehearse_acts(e, reterr) : send_acts(e, reterr);
}

/* ---- the way of all ---- */

static enum cli_status check_places(const struct entries *e)
{
    const struct cli_list *l = &e->options.places;
    struct entry_place p;
    for (size_t i = 0; i < l->n; i++)
        if (entry_place_parse(l->item[i], strlen(l->item[i]), &p) != 0)
            return cli_usage(e->verb->command, "--place wants <partition>-<offset>, not \"%s\"", l->item[i]);
    return CLI_RUN;
}

static bool is_allowance(const struct entries *e)
{
    return e->allowance.until != NULL || e->allowance.max >= 0;
}

static enum cli_status check_options(const struct entries *e)
{
    const struct entries_options *o = &e->options;
    bool filtered = o->services.n + o->places.n + o->causes.n + o->types.n > 0 || o->older_than_ms > 0;
    enum cli_status status = check_places(e);
    if (status != CLI_RUN || e->verb->does == LISTS)
        return status;
    if (is_allowance(e))
        return filtered || o->all || o->providers.n != 1
                   ? cli_usage(e->verb->command, "--until and --max are for one --provider as a whole, without filters")
                   : act_options_check(&e->act, e->verb->command);
    if (e->verb->does == SHOWS)
        return filtered ? CLI_RUN : cli_usage(e->verb->command, "which one? Give --service or --place");
    if (e->verb->act == ACT_RESOLVE_DOUBT && o->applied == o->not_applied)
        return cli_usage(e->verb->command, "say --applied or --not-applied: what was found at the platform?");
    if (!filtered && !o->all)
        return cli_usage(e->verb->command, "which ones? Give --service, --place or another filter, or --all");
    return act_options_check(&e->act, e->verb->command);
}

/* `approve --until --max`: no event is looked at. */
static enum cli_status allow(struct entries *e)
{
    struct wide_act w = {
        .command = e->verb->command,
        .kind = ACT_APPROVE,
        .provider = e->options.providers.item[0],
        .place = &e->place,
        .options = &e->act,
        .max = e->allowance.max,
    };
    if (e->allowance.until == NULL || e->allowance.max < 1)
        return cli_usage(e->verb->command, "--until and --max go together");
    if (wide_act_until(e->allowance.until, clock_real_ms(), &w.until_ms) != 0)
        return cli_usage(e->verb->command, "--until wants an RFC 3339 time, or one from now such as 8h");
    return wide_act(&w);
}

static enum cli_status work(struct entries *e)
{
    struct err error = {0};
    if (is_allowance(e))
        return allow(e);
    if (list_providers(e, &error) != 0)
        return cli_usage(e->verb->command, "%s", error.msg);
    cli_catch_interrupt();
    e->scanner = scanner_new(&e->place, &error);
    if (e->scanner == NULL || gather(e, &error) != 0)
        return cli_fail(e->verb->command, cli_status_of(&error), "%s", error.msg);
    switch (e->verb->does) {
    case LISTS:
        return show_list(e);
    case SHOWS:
        if (e->list.n == 0)
            return cli_fail(e->verb->command, CLI_REFUSED, "there is none that fits");
        return show_rows(e);
    case ACTS:
        return act(e, &error);
    }
    return CLI_REFUSED;
}

static size_t groups_of(struct entries *e, struct cli_group groups[8])
{
    size_t n = 0;
    bool listing = e->verb->does == LISTS;
    groups[n++] = (struct cli_group){"Which ones", which_options, listing ? WHICH_LISTING : ARRAY_LEN(which_options),
                                     &e->options};
    if (e->verb->act == ACT_RESOLVE_DOUBT && e->verb->does == ACTS)
        groups[n++] = (struct cli_group){"What was found", verdict_options, ARRAY_LEN(verdict_options), &e->options};
    if (e->verb->act == ACT_APPROVE)
        groups[n++] = (struct cli_group){"Or for the provider", allowance_options, ARRAY_LEN(allowance_options),
                                         &e->allowance};
    if (e->verb->does == ACTS) {
        groups[n++] = (struct cli_group){"Without a filter", all_options, ARRAY_LEN(all_options), &e->options};
        groups[n++] = act_options_group(&e->act);
    } else {
        groups[n++] = (struct cli_group){"Output", list_options, ARRAY_LEN(list_options), &e->options};
    }
    groups[n++] = kafka_options_group(&e->kafka, true);
    return n;
}

static enum cli_status go(struct entries *e)
{
    enum cli_status status = check_options(e);
    if (status == CLI_RUN)
        status = kafka_place_open(&e->place, e->verb->command, &e->kafka);
    if (status == CLI_RUN)
        status = work(e);
    fflush(stdout);
    return status;
}

static void entries_free(struct entries *e)
{
    found_list_fini(&e->list);
    scanner_free(e->scanner);
    kafka_place_fini(&e->place);
    free(e->lines);
    free(e);
}

static int run(const struct verb *v, int argc, char **argv)
{
    struct cli_group groups[8];
    int operand = 0;
    struct entries *e = calloc(1, sizeof(*e));
    if (e == NULL)
        return cli_fail(v->command, CLI_REFUSED, "out of memory");
    e->verb = v;
    e->allowance.max = -1;
    kafka_options_init(&e->kafka);
    act_options_init(&e->act);
    size_t n = groups_of(e, groups);
    enum cli_status status = cli_parse(v->command, groups, n, argc, argv, &operand);
    if (status == CLI_RUN)
        status = go(e);
    entries_free(e);
    return status;
}

/* ---- the commands ---- */

int cmd_waiting_list(int argc, char **argv)
{
    static const struct cli_command command = {
        .name = "waiting list",
        .operands = "",
        .about = "Shows the events that are set aside: since when, where each stood first, and what releases it.\n"
                 "Filters may be repeated: one of them must fit.",
        .examples = "  tvbridge waiting list --settings tvbridge.yaml\n"
                    "  tvbridge waiting list -b localhost:9092 -p stalker --cause date --older-than 1d --json\n",
    };
    static const struct verb v = {&command, LISTS, false, ANY_STATE, ANY_REASON, ACT_RELEASE};
    return run(&v, argc, argv);
}

int cmd_waiting_release(int argc, char **argv)
{
    static const struct cli_command command = {
        .name = "waiting release",
        .operands = "",
        .about = "Releases events now instead of by the clock, the lane or the platform. Not those that are dead or in\n"
                 "doubt, held by the guard, or behind another: see dead redrive, doubt resolve, approve.",
        .examples = "  tvbridge waiting release -S tvbridge.yaml -p stalker --place 4-1812 --dry-run\n"
                    "  tvbridge waiting release -S tvbridge.yaml --service 70001 --reason 'customer asked, ticket 4711'\n",
    };
    static const struct verb v = {&command, ACTS, false, BIT(ENTRY_UNSENT),
                                  BIT(ENTRY_FOR_DATE) | BIT(ENTRY_FOR_RETRY) | BIT(ENTRY_FOR_FLOOD) |
                                      BIT(ENTRY_FOR_FIRST_ACCESS) | BIT(ENTRY_FOR_ACTIVATION) |
                                      BIT(ENTRY_FOR_IMPLAUSIBLE),
                                  ACT_RELEASE};
    return run(&v, argc, argv);
}

int cmd_doubt_list(int argc, char **argv)
{
    static const struct cli_command command = {
        .name = "doubt list",
        .operands = "",
        .about = "Shows the events that were maybe done: a request left, no usable answer came, and the platform cannot\n"
                 "be asked. Look there, then `tvbridge doubt resolve`.",
        .examples = "  tvbridge doubt list --settings tvbridge.yaml\n",
    };
    static const struct verb v = {&command, LISTS, false, BIT(ENTRY_DOUBT), ANY_REASON, ACT_RESOLVE_DOUBT};
    return run(&v, argc, argv);
}

int cmd_doubt_resolve(int argc, char **argv)
{
    static const struct cli_command command = {
        .name = "doubt resolve",
        .operands = "",
        .about = "Says what was found at the platform: --applied, it was done and the workflow goes on after that step;\n"
                 "--not-applied, it was not and is sent again.",
        .examples = "  tvbridge doubt resolve -S tvbridge.yaml --place 4-1812 --not-applied --dry-run\n"
                    "  tvbridge doubt resolve -S tvbridge.yaml --place 4-1812 --applied --reason 'seen in the portal'\n",
    };
    static const struct verb v = {&command, ACTS, false, BIT(ENTRY_DOUBT), ANY_REASON, ACT_RESOLVE_DOUBT};
    return run(&v, argc, argv);
}

#define DEAD_ONLY BIT(ENTRY_DEAD), ANY_REASON

int cmd_dead_list(int argc, char **argv)
{
    static const struct cli_command command = {
        .name = "dead list",
        .operands = "",
        .about = "Shows what is dead: events that hold their service (entries) and dead letters that nothing has closed.",
        .examples = "  tvbridge dead list --settings tvbridge.yaml --cause attempts_exhausted\n"
                    "  tvbridge dead list -b localhost:9092 -p stalker --older-than 1h --json\n",
    };
    static const struct verb v = {&command, LISTS, true, DEAD_ONLY, ACT_REDRIVE};
    return run(&v, argc, argv);
}

int cmd_dead_show(int argc, char **argv)
{
    static const struct cli_command command = {
        .name = "dead show",
        .operands = "",
        .about = "Shows dead events whole: headers and the event as it came. What it says of persons is hidden unless\n"
                 "--show-data.",
        .examples = "  tvbridge dead show -S tvbridge.yaml --place 4-1812\n",
    };
    static const struct verb v = {&command, SHOWS, true, DEAD_ONLY, ACT_REDRIVE};
    return run(&v, argc, argv);
}

int cmd_dead_redrive(int argc, char **argv)
{
    static const struct cli_command command = {
        .name = "dead redrive",
        .operands = "",
        .about = "Tries dead events again, as their next round and in their old order: what has been overtaken ends as\n"
                 "stale. What cannot be read or stood in a wrong place has to be published anew.",
        .examples = "  tvbridge dead redrive -S tvbridge.yaml --cause attempts_exhausted --dry-run\n"
                    "  tvbridge dead redrive -S tvbridge.yaml -p stalker --all --rate 5 --reason 'the portal is back'\n",
    };
    static const struct verb v = {&command, ACTS, true, DEAD_ONLY, ACT_REDRIVE};
    return run(&v, argc, argv);
}

int cmd_dead_drop(int argc, char **argv)
{
    static const struct cli_command command = {
        .name = "dead drop",
        .operands = "",
        .about = "Closes dead events without another outcome: what waits behind them goes on.",
        .examples = "  tvbridge dead drop -S tvbridge.yaml --place 4-1812 --reason 'done by hand in the portal'\n",
    };
    static const struct verb v = {&command, ACTS, true, DEAD_ONLY, ACT_DROP};
    return run(&v, argc, argv);
}

int cmd_approve(int argc, char **argv)
{
    static const struct cli_command command = {
        .name = "approve",
        .operands = "",
        .about = "Lets cuts go that the guard holds: single events by filter, or, ahead of a planned dunning run, so many\n"
                 "cuts of a provider until a time.",
        .examples = "  tvbridge approve -S tvbridge.yaml -p stalker --service 70001 --reason 'checked with billing'\n"
                    "  tvbridge approve -S tvbridge.yaml -p stalker --until 8h --max 3000 --reason 'dunning run'\n",
    };
    static const struct verb v = {&command, ACTS, false, BIT(ENTRY_UNSENT), BIT(ENTRY_FOR_GUARD), ACT_APPROVE};
    return run(&v, argc, argv);
}
