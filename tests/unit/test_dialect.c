/* test_dialect.c - the billings' words: each of them becomes an event that is valid, and their pages say the same. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/file.h"
#include "contract/axes.h"
#include "contract/json_scan.h"
#include "contract/schema.h"
#include "contract/yaml.h"
#include "dialect.h"
#include "publish_event.h"

#define SCHEMAS TVB_ROOT "/schemas"

static const char *const billings[] = {"abills", "isp-integrator", "ispadmin", "ixc", "mk"};

static struct dialect *load(const char *name)
{
    struct err error = {0};
    struct dialect *d = dialect_load(SCHEMAS, name, &error);
    cr_assert(ne(ptr, d, NULL), "%s", error.msg);
    return d;
}

/* A dialect of the test's own, as text. */
static struct dialect *load_text(const char *operations, const char *states, struct err *reterr)
{
    char path[] = "/tmp/tvb-dialect-XXXXXX";
    int fd = mkstemp(path);
    FILE *f = fdopen(fd, "w");
    fprintf(f, "billing: mine\ntitle: Mine\nlanguage: en\npacks: [stalker]\nservice: the contract\noperations:\n%sstates:%s\n", operations, states);
    fclose(f);
    struct dialect *d = dialect_load(SCHEMAS, path, reterr);
    unlink(path);
    return d;
}

static json_t *event_of(const char *type, const char *data)
{
    json_t *e = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "specversion", "1.0", "id", "i", "source", "/s", "subject", "70001", "provider",
                          "stalker", "type", type);
    if (data != NULL)
        json_object_set_new(e, "data", json_loads(data, 0, NULL));
    return e;
}

/* ---- every word of every billing ---- */

/* What a billing would send: its word, and in the data what the event cannot do without. */
static json_t *spoken(const json_t *operation, const char *word)
{
    const char *event = json_text(operation, "event");
    bool is_list = strcmp(event, "catalog.requested") == 0 || strcmp(event, "accounts.requested") == 0;
    json_t *e = event_of(word, NULL);
    if (is_list)
        json_object_set_new(e, "subject", json_string("provider:stalker"));
    if (json_object_get(operation, "example") != NULL)
        json_object_set(e, "data", json_object_get(operation, "example"));
    return e;
}

static void upper(char *text)
{
    for (char *s = text; *s != '\0'; s++)
        *s = *s == ' ' ? '_' : (char)toupper((unsigned char)*s);
}

/* The word becomes a valid event of that type, with all that it says. */
static void expect_valid(const struct publish_rules *rules, const json_t *operation, const char *word)
{
    struct publish_event made;
    struct fault fault = {.pointer = ""};
    json_t *e = spoken(operation, word), *v;
    const char *name;
    char *text = json_dumps(e, JSON_COMPACT), want[80];
    snprintf(want, sizeof(want), EVENT_TYPE_PREFIX "%s", json_text(operation, "event"));
    cr_assert(eq(int, publish_event_init(&made, rules, text, strlen(text), &fault), 0), "%s: %s %s", word, fault.pointer, fault.reason);
    cr_expect(eq(str, (char *)json_text(made.root, "type"), want), "%s", word);
    json_object_foreach(json_object_get(operation, "data"), name, v)
        cr_expect(eq(int, json_equal(json_object_get(json_object_get(made.root, "data"), name), v), 1), "%s: %s", word, name);
    json_object_foreach(json_object_get(operation, "default"), name, v)
        cr_expect(eq(int, json_equal(json_object_get(json_object_get(made.root, "data"), name), v), 1), "%s: %s", word, name);
    publish_event_fini(&made);
    free(text);
    json_decref(e);
}

static size_t expect_all_valid(const struct publish_rules *rules, const json_t *operation)
{
    const json_t *also = json_object_get(operation, "also");
    char loud[200];
    expect_valid(rules, operation, json_text(operation, "word"));
    snprintf(loud, sizeof(loud), "tvbridge.%s", json_text(operation, "word"));
    upper(loud + strlen("tvbridge."));
    expect_valid(rules, operation, loud);
    for (size_t i = 0; i < json_array_size(also); i++)
        expect_valid(rules, operation, json_string_value(json_array_get(also, i)));
    return 2 + json_array_size(also);
}

Test(dialect, every_word_of_every_billing_becomes_a_valid_event)
{
    struct err error = {0};
    struct event_schemas *schemas = event_schemas_load(SCHEMAS, &error);
    cr_assert(ne(ptr, schemas, NULL), "%s", error.msg);
    size_t words = 0;
    for (size_t b = 0; b < ARRAY_LEN(billings); b++) {
        struct dialect *d = load(billings[b]);
        const json_t *list = json_object_get(dialect_document(d), "operations");
        const struct publish_rules rules = {.schemas = schemas, .dialect = d, .partition = -1};
        for (size_t i = 0; i < json_array_size(list); i++)
            words += expect_all_valid(&rules, json_array_get(list, i));
        dialect_free(d);
    }
    cr_expect(lt(sz, 200, words), "%zu words", words);
    event_schemas_free(schemas);
}

Test(dialect, each_billing_bears_the_name_of_its_file)
{
    for (size_t b = 0; b < ARRAY_LEN(billings); b++) {
        struct dialect *d = load(billings[b]);
        cr_expect(eq(str, (char *)json_text(dialect_document(d), "billing"), (char *)billings[b]));
        dialect_free(d);
    }
}

/* ---- their pages, and the packs that they speak of ---- */

static char *read_all(const char *path)
{
    struct err error = {0};
    size_t len;
    char *text = file_read(path, (size_t)4 * 1024 * 1024, &len, &error);
    cr_assert(ne(ptr, text, NULL), "%s", error.msg);
    return text;
}

/* Each member of that name of the list's elements stands in the row. */
static void expect_in_row(const char *row, const json_t *operation, const char *list, const char *member)
{
    const json_t *of = json_object_get(operation, list);
    for (size_t i = 0; i < json_array_size(of); i++)
        cr_expect(ne(ptr, strstr(row, json_text(json_array_get(of, i), member)), NULL), "%s of %s: %s", member, list, row);
}

/* The row of the page's table that begins with the word: "| **word**". */
static void expect_row(const char *page, const char *billing, const json_t *operation)
{
    char begin[200], row[4096], event[100];
    const json_t *also = json_object_get(operation, "also");
    snprintf(begin, sizeof(begin), "\n| **%s**", json_text(operation, "word"));
    const char *at = strstr(page, begin);
    cr_assert(ne(ptr, (void *)at, NULL), "%s.md has no row for %s", billing, json_text(operation, "word"));
    snprintf(row, sizeof(row), "%.*s", (int)strcspn(at + 1, "\n"), at + 1);
    snprintf(event, sizeof(event), "`%s`", json_text(operation, "event"));
    cr_expect(ne(ptr, strstr(row, event), NULL), "%s: %s in %s", billing, event, row);
    cr_expect(ne(ptr, strstr(row, json_text(operation, "grade")), NULL), "%s: its grade in %s", billing, row);
    for (size_t i = 0; i < json_array_size(also); i++)
        cr_expect(ne(ptr, strstr(row, json_string_value(json_array_get(also, i))), NULL), "%s: %s", billing, row);
    expect_in_row(row, operation, "fields", "theirs");
    expect_in_row(row, operation, "fields", "ours");
    expect_in_row(row, operation, "outcomes", "kind");
    expect_in_row(row, operation, "outcomes", "reason");
    expect_in_row(row, operation, "outcomes", "means");
    expect_in_row(row, operation, "write_back", "to");
    expect_in_row(row, operation, "write_back", "from");
    expect_in_row(row, operation, "write_back", "line");
    cr_expect(ne(ptr, strstr(row, json_text(operation, "note")), NULL), "%s: its note in %s", billing, row);
}

Test(dialect, every_operation_and_state_stands_on_the_billings_page)
{
    for (size_t b = 0; b < ARRAY_LEN(billings); b++) {
        char path[300], state[600];
        snprintf(path, sizeof(path), SCHEMAS "/billing/%s.md", billings[b]);
        struct dialect *d = load(billings[b]);
        const json_t *operations = json_object_get(dialect_document(d), "operations"), *states = json_object_get(dialect_document(d), "states");
        char *page = read_all(path);
        for (size_t i = 0; i < json_array_size(operations); i++)
            expect_row(page, billings[b], json_array_get(operations, i));
        for (size_t i = 0; i < json_array_size(states); i++) {
            const json_t *one = json_array_get(states, i);
            snprintf(state, sizeof(state), "\n| %s | %s", json_text(one, "word"), json_text(one, "follows"));
            cr_expect(ne(ptr, strstr(page, state), NULL), "%s: %s", path, state);
        }
        free(page);
        dialect_free(d);
    }
}

/* Where a pack's workflows stand; of a pack that names another one, that one's. */
static void workflows_path(const char *pack, char path[300])
{
    char other[80] = "";
    snprintf(path, 300, SCHEMAS "/providers/%s/settings.yaml", pack);
    if (access(path, R_OK) == 0) {
        char *settings = read_all(path);
        sscanf(settings, "pack: %79s", other);
        const char *at = strstr(settings, "\npack: ");
        if (at != NULL)
            sscanf(at, "\npack: %79s", other);
        free(settings);
    }
    snprintf(path, 300, SCHEMAS "/providers/%s/workflows.arazzo.yaml", other[0] != '\0' ? other : pack);
}

static struct yaml_doc *workflows_of(const char *pack)
{
    char path[300];
    struct err error = {0};
    workflows_path(pack, path);
    struct yaml_doc *d = yaml_load_file(path, &error);
    cr_assert(ne(ptr, d, NULL), "%s", error.msg);
    return d;
}

static const json_t *workflow_of(const struct yaml_doc *d, const char *event)
{
    const json_t *list = json_object_get(yaml_root(d), "workflows");
    for (size_t i = 0; i < json_array_size(list); i++)
        if (strcmp(json_text(json_array_get(list, i), "workflowId"), event) == 0)
            return json_array_get(list, i);
    return NULL;
}

/* The component that @at refers to: `$components.failureActions.unknown_account`, or the name of an x-step. */
static const json_t *referred(const json_t *root, const char *at)
{
    const json_t *components = json_object_get(root, "components");
    char group[60], name[60];
    if (sscanf(at, "$components.%59[^.].%59s", group, name) == 2)
        return json_object_get(json_object_get(components, group), name);
    return json_object_get(json_object_get(components, "x-steps"), at);
}

/* An outcome of this kind and reason stands in @at, or in what it refers to. */
static bool says_outcome(const json_t *root, const json_t *at, const char *kind, const char *reason)
{
    const json_t *o = json_object_get(at, "x-outcome");
    const char *member;
    json_t *v;
    size_t i;
    if (strcmp(json_text(o, "kind"), kind) == 0 && strcmp(json_text(o, "reason"), reason) == 0)
        return true;
    bool found = false;
    json_array_foreach(json_unconst(at), i, v) found = found || says_outcome(root, v, kind, reason);
    json_object_foreach(json_unconst(at), member, v)
    {
        bool refers = strcmp(member, "reference") == 0 || strcmp(member, "x-step") == 0;
        found = found || says_outcome(root, refers ? referred(root, json_string_value(v)) : v, kind, reason);
    }
    return found;
}

/* The event's workflow may end so: @what is the outcome. */
static bool has_outcome(const char *pack, const char *event, const json_t *what)
{
    struct yaml_doc *d = workflows_of(pack);
    bool found = says_outcome(yaml_root(d), workflow_of(d, event), json_text(what, "kind"), json_text(what, "reason"));
    yaml_doc_free(d);
    return found;
}

/* The event's workflow gives an output of that name. */
static bool has_output(const char *pack, const char *event, const json_t *what)
{
    struct yaml_doc *d = workflows_of(pack);
    const json_t *w = workflow_of(d, event);
    const char *name = json_text(what, "from") + strlen("given.");
    bool found = json_object_get(json_object_get(w, "outputs"), name) != NULL || json_object_get(json_object_get(w, "x-outputs"), name) != NULL;
    yaml_doc_free(d);
    return found;
}

typedef bool pack_has_fn(const char *pack, const char *event, const json_t *what);

/* The pack that @what names, or where it names none one of the billing's. */
static bool some_pack_has(const json_t *document, pack_has_fn *has, const char *event, const json_t *what)
{
    const json_t *packs = json_object_get(document, "packs");
    const char *pack = json_text(what, "pack");
    bool found = false;
    for (size_t i = 0; !found && i < json_array_size(packs); i++) {
        const char *name = json_string_value(json_array_get(packs, i));
        found = (pack[0] == '\0' || strcmp(pack, name) == 0) && has(name, event, what);
    }
    return found;
}

/* Each pack that has the event's workflow, of those that @what is about. */
static bool all_packs_have(const json_t *document, pack_has_fn *has, const char *event, const json_t *what)
{
    const json_t *packs = json_object_get(document, "packs");
    const char *pack = json_text(what, "pack");
    size_t n = 0;
    for (size_t i = 0; i < json_array_size(packs); i++) {
        const char *name = json_string_value(json_array_get(packs, i));
        struct yaml_doc *d = workflows_of(name);
        bool asked = (pack[0] == '\0' || strcmp(pack, name) == 0) && workflow_of(d, event) != NULL;
        yaml_doc_free(d);
        if (asked && !has(name, event, what))
            return false;
        n += asked;
    }
    return n > 0;
}

/* What the worker itself says, whatever the pack. */
static bool is_own(const char *event, const char *said)
{
    static const struct {
        const char *event, *said; /* event NULL: of every one */
    } rows[] = {
        {NULL, "invalid_input"}, {NULL, "missing_input"}, {NULL, "unsupported"},
        {"service.snapshot", "given.changes"}, {"service.snapshot", "given.left"}, {"service.snapshot", "something_left"},
        {"billing.processed", "already_processed"}, {"billing.processed", "processed_otherwise"},
    };
    bool own = false;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        own = own || (strcmp(rows[i].said, said) == 0 && (rows[i].event == NULL || strcmp(rows[i].event, event) == 0));
    return own;
}

static void expect_words_of_packs(const json_t *document, const json_t *operation)
{
    const json_t *outcomes = json_object_get(operation, "outcomes"), *back = json_object_get(operation, "write_back");
    const char *word = json_text(operation, "word"), *event = json_text(operation, "event");
    for (size_t i = 0; i < json_array_size(outcomes); i++) {
        const json_t *o = json_array_get(outcomes, i);
        const char *reason = json_text(o, "reason");
        if (reason[0] != '\0' && !is_own(event, reason))
            cr_expect(some_pack_has(document, has_outcome, event, o), "%s: %s %s", word, json_text(o, "kind"), reason);
    }
    for (size_t i = 0; i < json_array_size(back); i++) {
        const json_t *w = json_array_get(back, i);
        const char *from = json_text(w, "from");
        if (strncmp(from, "given.", 6) == 0 && !is_own(event, from))
            cr_expect(all_packs_have(document, has_output, event, w), "%s: %s", word, from);
    }
}

Test(dialect, every_reason_and_every_value_is_one_that_the_packs_give)
{
    for (size_t b = 0; b < ARRAY_LEN(billings); b++) {
        struct dialect *d = load(billings[b]);
        const json_t *list = json_object_get(dialect_document(d), "operations");
        for (size_t i = 0; i < json_array_size(list); i++)
            expect_words_of_packs(dialect_document(d), json_array_get(list, i));
        dialect_free(d);
    }
}

/* ---- what is told ---- */

Test(dialect, the_words_of_the_seeds_mean_what_the_guides_say)
{
    static const struct { const char *billing, *word, *event; } rows[] = {
        {"ixc", "bloqueio", "contract.blocked"},
        {"ixc", "Aviso de Atraso", "contract.late_notice"},
        {"ixc", "DESATIVAR", "contract.cancelled"},
        {"ixc", "liberacao automatica", "contract.unblocked"},
        {"ixc", "liberação-manual", "contract.unblocked"},
        {"ixc", "aguardando_assinatura", "contract.awaiting_signature"},
        {"mk", "Bloqueio parcial dos pontos deste contrato", "contract.blocked"},
        {"mk", "cancelar suspensao", "contract.reactivated"},
        {"isp-integrator", "Add. Pacote", "package.added"},
        {"isp-integrator", "trocar ponto", "device.replaced"},
        {"ispadmin", "smazani sluzby IPTV", "service.deleted"},
        {"ispadmin", "Převést službu do 4NET.TV", "service.converted"},
        {"abills", "удалить", "service.deleted"},
        {"abills", "change_tp", "plan.changed"},
        {"abills", "contract.blocked", "contract.blocked"},
        {"abills", "tvbridge.contract.blocked", "contract.blocked"},
        {"ixc", "online", NULL},
        {"ixc", "nonsense", NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct dialect *d = load(rows[i].billing);
        const char *is = dialect_type(d, rows[i].word);
        cr_expect(eq(str, (char *)(is != NULL ? is : "-"), (char *)(rows[i].event != NULL ? rows[i].event : "-")), "%s", rows[i].word);
        dialect_free(d);
    }
}

Test(dialect, an_unknown_word_is_told_with_the_nearest_ones)
{
    static const struct { const char *type, *data, *pointer, *want; } rows[] = {
        {"bloqueo", NULL, "/type", "\"bloqueo\" is no word of ixc: near it \"bloqueio\", \"bloquear\""},
        {"tvbridge.liberação", NULL, "/type", "near it \"liberação automática\""},
        {"Online", NULL, "/type", "\"online\" is a state that ixc shows, and nothing that happens"},
        {"pausar", NULL, "/type", "\"pausar\" is no word of ixc: `tvbridge publish --list` shows them"},
        {"buscar pacote", "{\"what\":[\"channels\"]}", "/data/what", "since the type is \"buscar pacote\""},
    };
    struct dialect *d = load("ixc");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct fault fault = {.pointer = ""};
        json_t *e = event_of(rows[i].type, rows[i].data);
        cr_expect(eq(int, dialect_apply(d, e, &fault), -1), "%s", rows[i].type);
        cr_expect(eq(str, fault.pointer, (char *)rows[i].pointer), "%s", rows[i].type);
        cr_expect(strstr(fault.reason, rows[i].want) != NULL, "%s: %s", rows[i].type, fault.reason);
        json_decref(e);
    }
    dialect_free(d);
}

Test(dialect, a_fault_is_utf8_however_long_the_word_is)
{
    struct dialect *d = load("abills");
    for (size_t n = 2; n < 400; n++) {
        char word[512] = "";
        for (size_t i = 0; i + 2 < n; i++)
            memcpy(word + (n % 2) + 2 * (i / 2), "\u0436", 3);
        word[0] = n % 2 ? 'x' : word[0];
        struct fault fault = {.pointer = ""};
        json_t *e = event_of(word, NULL);
        if (word[0] != '\0')
            cr_expect(eq(int, dialect_apply(d, e, &fault), -1), "%zu", n);
        json_t *text = json_string(fault.reason); /* NULL unless it is UTF-8 */
        cr_expect(ne(ptr, text, NULL), "%zu bytes: %s", n, fault.reason);
        json_decref(text);
        json_decref(e);
    }
    dialect_free(d);
}

Test(dialect, what_the_event_says_itself_stays)
{
    struct dialect *d = load("mk");
    struct fault fault;
    json_t *e = event_of("bloqueio parcial", "{\"reason\":\"delinquency\",\"note\":\"n\"}"), *data = json_object_get(e, "data");
    cr_assert(eq(int, dialect_apply(d, e, &fault), 0));
    cr_expect(eq(str, (char *)json_text(data, "reason"), "delinquency"), "the word only implies administrative");
    cr_expect(eq(str, (char *)json_text(data, "scope"), "partial"));
    cr_expect(eq(str, (char *)json_text(data, "note"), "n"));
    json_object_set_new(e, "type", json_string("bloqueio total"));
    cr_expect(eq(int, dialect_apply(d, e, &fault), -1));
    cr_expect(eq(str, fault.pointer, "/data/scope"));
    json_decref(e);
    e = event_of("tvbridge.contract.late_notice", NULL);
    cr_expect(eq(int, dialect_apply(d, e, &fault), 0), "our own types go through");
    cr_expect(eq(ptr, json_object_get(e, "data"), NULL));
    json_decref(e);
    e = event_of("bloqueio total", "[1]");
    cr_expect(eq(int, dialect_apply(d, e, &fault), 0), "data that are no object are for the schema to refuse");
    json_decref(e);
    dialect_free(d);
}

/* ---- files ---- */

#define BLOCK "- { word: block, grade: assumed, event: contract.blocked, outcomes: [{ kind: applied }] }\n"

Test(dialect, a_file_of_ones_own_is_taken)
{
    struct err error = {0};
    struct dialect *d = load_text(BLOCK, " []", &error);
    cr_assert(ne(ptr, d, NULL), "%s", error.msg);
    cr_expect(eq(str, (char *)dialect_type(d, "Block"), "contract.blocked"));
    dialect_free(d);
}

Test(dialect, what_is_wrong_in_a_file_is_named)
{
    static const struct { const char *why, *operations, *states, *want; } rows[] = {
        {"a word of two operations", BLOCK "- { word: BLOCK, grade: assumed, event: contract.unblocked, outcomes: [{ kind: applied }] }\n", " []",
         "are the same word"},
        {"a word that is a state too", BLOCK, " [{ word: block, grade: assumed, follows: x }]", "are the same word"},
        {"an event that is none", "- { word: block, grade: assumed, event: contract.blokked, outcomes: [{ kind: applied }] }\n", " []",
         ":7: /operations/0/event: wanted an event type, as schemas/events has them, found \"contract.blokked\""},
        {"a grade that is none", "- { word: block, grade: sure, event: contract.blocked, outcomes: [{ kind: applied }] }\n", " []",
         "/operations/0/grade"},
        {"a word of nothing", "- { word: '--', grade: assumed, event: contract.blocked, outcomes: [{ kind: applied }] }\n", " []",
         "/operations/0/word: wanted a word of letters"},
        {"a word with the prefix of ours", "- { word: tvbridge.novo, grade: assumed, event: service.created, outcomes: [{ kind: applied }] }\n", " []",
         ":7: /operations/0/word: wanted a word without \"tvbridge.\""},
        {"both a value and a line", "- { word: block, grade: assumed, event: contract.blocked, outcomes: [{ kind: applied }], write_back: [{ to: x, from: kind, line: y }] }\n", " []",
         "/operations/0/write_back/0"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err error = {0};
        struct dialect *d = load_text(rows[i].operations, rows[i].states, &error);
        cr_expect(eq(ptr, d, NULL), "%s", rows[i].why);
        cr_expect(strstr(error.msg, rows[i].want) != NULL, "%s: %s", rows[i].why, error.msg);
        cr_expect(eq(int, error.code, ERR_INVAL), "%s", rows[i].why);
        dialect_free(d);
    }
}

Test(dialect, one_that_is_not_there_is_told_with_those_that_are)
{
    struct err error = {0};
    cr_expect(eq(ptr, dialect_load(SCHEMAS, "nope", &error), NULL));
    cr_expect(strstr(error.msg, "\"nope\"") != NULL && strstr(error.msg, "abills, isp-integrator, ispadmin, ixc, mk") != NULL, "%s", error.msg);
    cr_expect(eq(ptr, dialect_load(SCHEMAS, "./nope.yaml", &error), NULL));
    cr_expect(eq(ptr, dialect_load("/nowhere", "ixc", &error), NULL));
    cr_expect(strstr(error.msg, "there are none in /nowhere") != NULL, "%s", error.msg);
}
