/* import.c - `tvbridge import catalog|accounts|channels PROVIDER`: what billing would take over from a platform. Nothing is changed
 * there. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/hash.h"
#include "book.h"
#include "cli.h"
#include "commands.h"
#include "contract/json.h"
#include "kafka_client.h"
#include "known.h"
#include "link.h"
#include "listing.h"
#include "platform.h"
#include "scan.h"

struct import_options {
    bool json, csv, events, unsynced;
};

static const struct cli_option account_options[] = {
    {"unsynced", 0, CLI_FLAG, NULL, offsetof(struct import_options, unsynced), "only those that no service has yet"},
};

static const struct cli_option import_options[] = {
    {"csv", 0, CLI_FLAG, NULL, offsetof(struct import_options, csv), "CSV with a line of names"},
    {"events", 0, CLI_FLAG, NULL, offsetof(struct import_options, events),
     "CloudEvents for billing, one a line: what it does not have yet"},
    {"json", 0, CLI_FLAG, NULL, offsetof(struct import_options, json), "JSON lines"},
};

static const struct listing_member catalog_members[] = {
    {"kind", {"KIND", 8, 7, false}},          {"id", {"EXTERNAL ID", 14, 6, false}}, {"name", {"NAME", 30, 8, false}},
    {"price", {"PRICE", 8, 5, true}},         {"default", {"DEFAULT", 8, 7, false}}, {"packages", {"PACKAGES", 20, 8, false}},
    {"fault", {"FAULT", 16, 8, false}},
};
static const struct listing_member account_members[] = {
    {"synced", {"SYNCED", 7, 6, false}},      {"service", {"SERVICE", 12, 6, false}},   {"account_number", {"NUMBER", 12, 6, false}},
    {"external_id", {"EXTERNAL ID", 12, 6, false}}, {"login", {"LOGIN", 16, 6, false}}, {"status", {"STATUS", 10, 6, false}},
    {"plan", {"PLAN", 8, 4, false}},          {"packages", {"PACKAGES", 16, 8, false}}, {"devices", {"DEVICES", 18, 8, false}},
    {"serials", {"SERIALS", 14, 7, false}},   {"models", {"MODELS", 10, 6, false}},
};
static const struct listing_member channel_members[] = {
    {"number", {"NUMBER", 8, 6, true}}, {"id", {"ID", 10, 4, false}}, {"name", {"NAME", 30, 8, false}},
};

struct import {
    struct import_options options;
    const struct cli_command *command;
    const char *provider;
    struct kafka_place place;
    struct platform platform;
    const struct listing_member *members;
    size_t member_count;
    json_t *rows;
    size_t faults;
};

/* ---- rows ---- */

/* "P1 P2" of an object's names, or of a list's ids. */
static json_t *joined(const json_t *v)
{
    struct buf text;
    const char *name;
    json_t *one, *from = (json_t *)(uintptr_t)v; /* jansson's iterators take no const; nothing is written */
    size_t i;
    char id[ACCOUNT_TEXT_SIZE];
    buf_init(&text, (size_t)1024 * 1024);
    json_object_foreach(from, name, one) buf_addf(&text, "%s%s", text.len > 0 ? " " : "", name);
    json_array_foreach(from, i, one)
        buf_addf(&text, "%s%s", text.len > 0 ? " " : "", account_text(json_is_object(one) ? json_object_get(one, "id") : one, id));
    json_t *ret = json_string(buf_cstr(&text));
    buf_fini(&text);
    return ret;
}

/* What the devices say of themselves under @name, as @as; a row says nothing where none does. */
static void add_of_devices(json_t *row, const char *as, const json_t *devices, const char *name)
{
    const char *id;
    json_t *one, *list = json_array(), *from = (json_t *)(uintptr_t)devices;
    json_object_foreach(from, id, one) if (json_text(one, name)[0] != '\0') json_array_append(list, json_object_get(one, name));
    if (json_array_size(list) > 0)
        json_object_set_new(row, as, joined(list));
    json_decref(list);
}

static void add_text(json_t *row, const char *name, const json_t *from)
{
    char text[ACCOUNT_TEXT_SIZE];
    if (account_text(json_object_get(from, name), text)[0] != '\0')
        json_object_set_new(row, name, json_string(text));
}

static void add_product(struct import *m, const char *kind, const json_t *v)
{
    json_t *row = json_pack("{s:s}", "kind", kind);
    static const char *const texts[] = {"id",           "name",         "price",        "description",  "type",
                                        "service_type", "all_services", "rent_duration", "days_to_expires"};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        add_text(row, texts[i], v);
    if (json_is_true(json_object_get(v, "default")))
        json_object_set_new(row, "default", json_true());
    if (json_object_get(v, "packages") != NULL)
        json_object_set_new(row, "packages", joined(json_object_get(v, "packages")));
    if (json_object_get(row, "id") == NULL) {
        json_object_set_new(row, "fault", json_string("no external id"));
        m->faults++;
    }
    json_array_append_new(m->rows, row);
}

static int take_catalog(struct import *m, bool channels, struct err *reterr)
{
    json_t *catalog = platform_catalog(&m->platform, channels, reterr), *v;
    size_t i;
    if (catalog == NULL)
        return -1;
    if (channels) {
        json_array_foreach(json_object_get(catalog, "channels"), i, v) json_array_append(m->rows, v);
    } else {
        json_array_foreach(json_object_get(catalog, "plans"), i, v) add_product(m, "plan", v);
        json_array_foreach(json_object_get(catalog, "packages"), i, v) add_product(m, "package", v);
    }
    json_decref(catalog);
    return 0;
}

static void add_account(struct import *m, const struct account *a)
{
    size_t len;
    const char *text = account_state(a, &len), *service = account_owner(a);
    json_t *state = json_loadb(text, len, 0, NULL), *ids = json_object_get(state, "ids");
    json_t *row = json_pack("{s:b, s:s}", "synced", service[0] != '\0', "service", service);
    add_text(row, "account_number", ids);
    add_text(row, "external_id", ids);
    add_text(row, "login", state);
    add_text(row, "status", state);
    add_text(row, "plan", state);
    json_object_set_new(row, "packages", joined(json_object_get(state, "packages")));
    json_object_set_new(row, "devices", joined(json_object_get(state, "devices")));
    add_of_devices(row, "serials", json_object_get(state, "devices"), "serial");
    add_of_devices(row, "models", json_object_get(state, "devices"), "model");
    if (service[0] == '\0' || !(m->options.unsynced || m->options.events))
        json_array_append(m->rows, row);
    json_decref(row);
    json_decref(state);
}

/* Which service an account is: by the records. */
static void find_owners(struct accounts *all, const struct book *known)
{
    for (size_t i = 0; i < book_count(known); i++) {
        const char *service = book_key(known, i);
        json_t *record = known_get(known, service);
        struct link l = {0};
        if (record != NULL && strcmp(json_text(record, "status"), "terminated") != 0)
            link_find(all, &(struct link_ask){service, NULL, record, false}, &l);
        if (l.result == LINK_ONE)
            account_set_owner(l.account, service);
        json_decref(record);
    }
}

static int take_accounts(struct import *m, struct err *reterr)
{
    struct accounts *all = accounts_new();
    struct book *known = book_new();
    struct scanner *s = scanner_new(&m->place, reterr);
    int rc = all == NULL || known == NULL ? err_nomem(reterr) : s == NULL ? -1 : 0;
    if (rc == 0)
        rc = known_read(s, m->provider, known, reterr);
    if (rc == 0)
        rc = platform_accounts(&m->platform, all, NULL, NULL, reterr);
    if (rc == 0)
        find_owners(all, known);
    for (size_t i = 0; rc == 0 && i < accounts_count(all); i++)
        add_account(m, accounts_at(all, i));
    scanner_free(s);
    accounts_free(all);
    book_free(known);
    return rc;
}

/* ---- output ---- */

static void show_event(const struct import *m, const json_t *row, const char *kind)
{
    char id[JSON_DIGEST_SIZE] = "", time[CLOCK_RFC3339_SIZE], type[64], subject[ACCOUNT_TEXT_SIZE];
    static const char *const ids[] = {"id", "external_id", "account_number", "login"};
    (void)json_digest(NULL, 0, row, id); /* a function of what it says: billing drops what it has seen */
    clock_format_rfc3339(clock_real_ms(), time);
    snprintf(type, sizeof(type), "tvbridge.found.%s", kind);
    subject[0] = '\0';
    for (size_t i = 0; subject[0] == '\0' && i < ARRAY_LEN(ids); i++)
        account_text(json_object_get(row, ids[i]), subject);
    json_t *e = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:O}", "specversion", "1.0", "id", id, "source", "/tvbridge/import",
                          "type", type, "time", time, "datacontenttype", "application/json", "provider", m->provider, "data", row);
    if (subject[0] != '\0')
        json_object_set_new(e, "subject", json_string(subject));
    json_dumpf(e, stdout, JSON_COMPACT);
    putchar('\n');
    json_decref(e);
}

static void show_events(const struct import *m, const char *kind)
{
    json_t *row;
    size_t i;
    json_array_foreach(m->rows, i, row)
        if (json_object_get(row, "fault") == NULL) /* billing could not name it */
            show_event(m, row, kind != NULL ? kind : json_text(row, "kind"));
}

static void show(const struct import *m, const char *kind)
{
    const struct listing l = {m->members, m->member_count, m->rows};
    if (m->options.events)
        show_events(m, kind);
    else
        listing_show(&l, m->options.csv ? LISTING_CSV : m->options.json ? LISTING_JSON : LISTING_TABLE);
    fflush(stdout);
}

/* ---- the commands ---- */

enum what { CATALOG, ACCOUNTS, CHANNELS };

static int take(struct import *m, enum what what, struct err *reterr)
{
    switch (what) {
    case CATALOG:
        m->members = catalog_members;
        m->member_count = ARRAY_LEN(catalog_members);
        return take_catalog(m, false, reterr);
    case ACCOUNTS:
        m->members = account_members;
        m->member_count = ARRAY_LEN(account_members);
        return take_accounts(m, reterr);
    case CHANNELS:
        m->members = channel_members;
        m->member_count = ARRAY_LEN(channel_members);
        return take_catalog(m, true, reterr);
    }
    return -1;
}

static enum cli_status run(struct import *m, enum what what)
{
    struct err err = {0};
    const struct settings_provider *sp = settings_provider(m->place.settings, m->provider);
    if (sp == NULL)
        return cli_fail(m->command, CLI_REFUSED, "the settings have no provider \"%s\"", m->provider);
    m->rows = json_array();
    if (platform_open(&m->platform, sp, NULL, &err) != 0 || take(m, what, &err) != 0)
        return cli_fail(m->command, cli_status_of(&err), "%s", err.msg);
    show(m, what == ACCOUNTS ? "account" : what == CHANNELS ? "channel" : NULL);
    if (m->faults == 0)
        return CLI_OK;
    return cli_fail(m->command, CLI_REFUSED, "%zu have no external id: billing cannot name them until somebody gives them one at the platform",
                    m->faults);
}

static int import(const struct cli_command *c, enum what what, int argc, char **argv)
{
    struct import m = {.command = c};
    struct kafka_options kafka;
    kafka_options_init(&kafka);
    const struct cli_group groups[] = {
        {"Importing", import_options, ARRAY_LEN(import_options), &m.options},
        {"Accounts", account_options, what == ACCOUNTS ? ARRAY_LEN(account_options) : 0, &m.options},
        kafka_options_group(&kafka, true),
    };
    enum cli_status status = cli_parse_provider(c, groups, ARRAY_LEN(groups), argc, argv, &m.provider);
    if (status == CLI_RUN && m.options.json + m.options.csv + m.options.events > 1)
        status = cli_usage(c, "one of --json, --csv and --events");
    if (status == CLI_RUN && kafka.settings == NULL)
        status = cli_usage(c, "--settings FILE is needed: it says where the platform is");
    if (status == CLI_RUN)
        status = kafka_place_open(&m.place, c, &kafka);
    if (status == CLI_RUN)
        status = run(&m, what);
    json_decref(m.rows);
    platform_close(&m.platform);
    kafka_place_fini(&m.place);
    return status;
}

int cmd_import_catalog(int argc, char **argv)
{
    static const struct cli_command command = {
        .name = "import catalog",
        .operands = "PROVIDER",
        .about = "The platform's plans and packages, for billing's own tariffs. Those without an external id are faults: billing\n"
                 "cannot name them.",
        .examples = "  tvbridge import catalog stalker -S tvbridge.yaml\n"
                    "  tvbridge import catalog stalker -S tvbridge.yaml --events | billing-import\n",
        .operands_max = 1,
    };
    return import(&command, CATALOG, argc, argv);
}

int cmd_import_accounts(int argc, char **argv)
{
    static const struct cli_command command = {
        .name = "import accounts",
        .operands = "PROVIDER",
        .about = "The platform's accounts, and which service each is; those that no service has yet are marked. The logins are\n"
                 "personal data.",
        .examples = "  tvbridge import accounts stalker -S tvbridge.yaml --unsynced --csv > accounts.csv\n",
        .operands_max = 1,
    };
    return import(&command, ACCOUNTS, argc, argv);
}

int cmd_import_channels(int argc, char **argv)
{
    static const struct cli_command command = {
        .name = "import channels",
        .operands = "PROVIDER",
        .about = "The platform's channels.",
        .examples = "  tvbridge import channels stalker -S tvbridge.yaml --csv > channels.csv\n",
        .operands_max = 1,
    };
    return import(&command, CHANNELS, argc, argv);
}
