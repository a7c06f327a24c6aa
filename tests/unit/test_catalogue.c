/* test_catalogue.c - billing's plans and packages become the platform's, or the event is refused. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/attr.h"
#include "catalogue.h"
#include "contract/schema.h"
#include "publish_event.h"
#include "wanted.h"

#define SCHEMAS TVB_ROOT "/schemas"
#define EXAMPLE TVB_ROOT "/deploy/catalogue.example.yaml"

static struct catalogue *example(void)
{
    struct err error = {0};
    struct catalogue *c = catalogue_load(EXAMPLE, SCHEMAS, &error);
    cr_assert(ne(ptr, c, NULL), "%s", error.msg);
    return c;
}

static struct catalogue *load_text(const char *text, struct err *reterr)
{
    char path[] = "/tmp/tvb-catalogue-XXXXXX";
    int fd = mkstemp(path);
    cr_assert(eq(sz, (size_t)write(fd, text, strlen(text)), strlen(text)));
    close(fd);
    struct catalogue *c = catalogue_load(path, SCHEMAS, reterr);
    unlink(path);
    return c;
}

static json_t *event_of(const char *provider, const char *type, const char *data)
{
    json_t *d = json_loads(data, 0, NULL);
    cr_assert(ne(ptr, d, NULL), "%s", data);
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:o}", "specversion", "1.0", "id", "i", "source", "/s", "subject", "70001", "provider",
                     provider, "type", type, "data", d);
}

static void expect_json(const json_t *is, const char *want, const char *why)
{
    json_t *w = json_loads(want, 0, NULL);
    char *text = json_dumps(is, JSON_COMPACT);
    cr_assert(ne(ptr, w, NULL), "%s", want);
    cr_expect(eq(int, json_equal(is, w), 1), "%s: %s", why, text);
    free(text);
    json_decref(w);
}

#define CREATED "tvbridge.service.created"
#define SNAPSHOT "tvbridge.service.snapshot"
#define PLAN "tvbridge.plan.changed"
#define ADDED "tvbridge.package.added"
#define REMOVED "tvbridge.package.removed"

Test(catalogue, billings_ids_become_the_platforms)
{
    static const struct { const char *why, *provider, *type, *data, *want; } rows[] = {
        {"a plan", "oletv", PLAN, "{\"plan\":\"TV-ESSENCIAL\"}", "{\"plan\":\"10\"}"},
        {"an extra's price", "oletv", ADDED, "{\"packages\":[{\"id\":\"HBO\"}]}", "{\"packages\":[{\"id\":\"32\",\"price\":\"29.90\",\"currency\":\"BRL\"}]}"},
        {"unless the event has one", "oletv", ADDED, "{\"packages\":[{\"id\":\"HBO\",\"price\":\"9.90\"}]}", "{\"packages\":[{\"id\":\"32\",\"price\":\"9.90\"}]}"},
        {"no price where it goes", "oletv", REMOVED, "{\"packages\":[{\"id\":\"HBO\"}]}", "{\"packages\":[{\"id\":\"32\"}]}"},
        {"dates stay", "oletv", ADDED, "{\"packages\":[{\"id\":\"FILMES\",\"valid_to\":\"2027-01-01\",\"quantity\":2}]}",
         "{\"packages\":[{\"id\":\"31\",\"valid_to\":\"2027-01-01\",\"quantity\":2}]}"},
        {"one is two", "playhub", REMOVED, "{\"packages\":[{\"id\":\"INFANTIL\"}]}", "{\"packages\":[{\"id\":\"K01\"},{\"id\":\"K02\"}]}"},
        {"the first of two bears the price", "playhub", ADDED, "{\"packages\":[{\"id\":\"INFANTIL\",\"price\":\"5\",\"currency\":\"BRL\"}]}",
         "{\"packages\":[{\"id\":\"K01\",\"price\":\"5\",\"currency\":\"BRL\"},{\"id\":\"K02\"}]}"},
        {"an add-on alone: what the service has is not known", "playhub", ADDED, "{\"packages\":[{\"id\":\"ESPORTES\"}]}", "{\"packages\":[{\"id\":\"ESP\"}]}"},
        {"the default plan", "oletv", CREATED, "{\"login\":\"a\"}", "{\"login\":\"a\",\"plan\":\"10\"}"},
        {"a plan and what comes with it", "oletv", CREATED, "{\"plan\":\"TV-COMPLETO\"}", "{\"plan\":\"11\",\"packages\":[{\"id\":\"31\"}]}"},
        {"what comes with it, said by billing", "oletv", CREATED, "{\"plan\":\"TV-COMPLETO\",\"packages\":[{\"id\":\"FILMES\",\"price\":\"0\"}]}",
         "{\"plan\":\"11\",\"packages\":[{\"id\":\"31\",\"price\":\"0\"}]}"},
        {"a point for a box", "oletv", CREATED, "{\"plan\":\"TV-ESSENCIAL\",\"devices\":[{\"serial\":\"1\"}]}",
         "{\"plan\":\"10\",\"devices\":[{\"serial\":\"1\"}],\"packages\":[{\"id\":\"40\"}]}"},
        {"two for two", "oletv", CREATED, "{\"plan\":\"TV-ESSENCIAL\",\"devices\":[{\"serial\":\"1\"},{\"serial\":\"2\"}]}",
         "{\"plan\":\"10\",\"devices\":[{\"serial\":\"1\"},{\"serial\":\"2\"}],\"packages\":[{\"id\":\"40\",\"quantity\":2}]}"},
        {"points that billing counts itself", "oletv", CREATED, "{\"plan\":\"TV-ESSENCIAL\",\"devices\":[{\"serial\":\"1\"}],\"packages\":[{\"id\":\"PONTO\",\"quantity\":3}]}",
         "{\"plan\":\"10\",\"devices\":[{\"serial\":\"1\"}],\"packages\":[{\"id\":\"40\",\"quantity\":3}]}"},
        {"the default base, first", "playhub", CREATED, "{\"packages\":[{\"id\":\"INFANTIL\"}]}", "{\"packages\":[{\"id\":\"BAS\"},{\"id\":\"K01\"},{\"id\":\"K02\"}]}"},
        {"a base before its add-on", "playhub", CREATED, "{\"packages\":[{\"id\":\"ESPORTES\"},{\"id\":\"PREMIUM\"}]}", "{\"packages\":[{\"id\":\"PRE\"},{\"id\":\"ESP\"}]}"},
        {"a snapshot is whole too", "playhub", SNAPSHOT, "{\"mode\":\"apply\",\"status\":\"active\"}", "{\"mode\":\"apply\",\"status\":\"active\",\"packages\":[{\"id\":\"BAS\"}]}"},
        {"one that ends needs nothing", "playhub", SNAPSHOT, "{\"mode\":\"apply\",\"status\":\"terminated\"}", "{\"mode\":\"apply\",\"status\":\"terminated\"}"},
        {"no sale", "nobody", "tvbridge.contract.blocked", "{\"reason\":\"delinquency\"}", "{\"reason\":\"delinquency\"}"},
        {"an unknown type is for the schema", "nobody", "tvbridge.some.thing", "{\"plan\":\"x\"}", "{\"plan\":\"x\"}"},
        {"data of a wrong shape are for the schema", "playhub", ADDED, "{\"packages\":\"TNT\"}", "{\"packages\":\"TNT\"}"},
        {"so are packages of a wrong shape", "playhub", ADDED, "{\"packages\":[1,{\"id\":2}]}", "{\"packages\":[1,{\"id\":2}]}"},
    };
    struct catalogue *c = example();
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct fault fault = {.pointer = ""};
        json_t *e = event_of(rows[i].provider, rows[i].type, rows[i].data);
        cr_expect(eq(int, catalogue_apply(c, e, &fault), 0), "%s: %s %s", rows[i].why, fault.pointer, fault.reason);
        expect_json(json_object_get(e, "data"), rows[i].want, rows[i].why);
        json_decref(e);
    }
    catalogue_free(c);
}

Test(catalogue, what_is_not_in_it_is_refused_in_words)
{
    static const struct { const char *provider, *type, *data, *pointer, *want; } rows[] = {
        {"oletv", PLAN, "{\"plan\":\"TV-COMPLETA\"}", "/data/plan", "\"TV-COMPLETA\" is none of the plans of oletv in the catalogue: near it \"TV-COMPLETO\""},
        {"oletv", ADDED, "{\"packages\":[{\"id\":\"HBO\"},{\"id\":\"TNT\"}]}", "/data/packages/1/id", "\"TNT\" is none of the packages of oletv in the catalogue"},
        {"oletv", REMOVED, "{\"packages\":[{\"id\":\"32\"}]}", "/data/packages/0/id", "\"32\" is none of the packages"},
        {"oletv", CREATED, "{\"plan\":\"10\"}", "/data/plan", "\"10\" is none of the plans"},
        {"oletv", ADDED, "{\"packages\":[{\"id\":\"HBO\"},{\"id\":\"HBO\",\"price\":\"1\"}]}", "/data/packages/1/id", "\"HBO\" is there twice: say quantity"},
        {"oletv", PLAN, "{\"plan\":\"TV-COMPLETO\"}", "/data/plan", "brings packages, which plan.changed cannot say: send service.snapshot"},
        {"playhub", CREATED, "{\"packages\":[{\"id\":\"BASICO\"},{\"id\":\"PREMIUM\"}]}", "/data/packages/1/id", "\"PREMIUM\" is a second base package"},
        {"playhub", CREATED, "{\"packages\":[{\"id\":\"BASICO\"},{\"id\":\"ESPORTES\"}]}", "/data/packages/1/id", "\"ESPORTES\" is an add-on of plans or base packages"},
        {"nobody", ADDED, "{\"packages\":[{\"id\":\"HBO\"}]}", "/provider", "\"nobody\" is not in the catalogue, which has oletv, playhub, stalker"},
    };
    struct catalogue *c = example();
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct fault fault = {.pointer = ""};
        json_t *e = event_of(rows[i].provider, rows[i].type, rows[i].data);
        cr_expect(eq(int, catalogue_apply(c, e, &fault), -1), "%s", rows[i].data);
        cr_expect(eq(str, fault.pointer, (char *)rows[i].pointer), "%s", rows[i].data);
        cr_expect(strstr(fault.reason, rows[i].want) != NULL, "%s: %s", rows[i].data, fault.reason);
        json_decref(e);
    }
    catalogue_free(c);
}

Test(catalogue, a_package_of_several_and_points_that_are_included)
{
    struct err error = {0};
    struct fault fault = {.pointer = ""};
    struct catalogue *c = load_text("providers:\n  p:\n    packages:\n      DUO: { id: d, quantity: 2 }\n      PT: { id: pt }\n      B: { id: b, base: true }\n"
                                    "    additional_point: { package: PT, included: 2 }\n", &error);
    cr_assert(ne(ptr, c, NULL), "%s", error.msg);
    json_t *e = event_of("p", CREATED, "{\"packages\":[{\"id\":\"DUO\",\"quantity\":3},{\"id\":\"B\"}],\"devices\":[{\"serial\":\"1\"},{\"serial\":\"2\"}]}");
    cr_expect(eq(int, catalogue_apply(c, e, &fault), 0), "%s", fault.reason);
    expect_json(json_object_get(json_object_get(e, "data"), "packages"), "[{\"id\":\"b\"},{\"id\":\"d\",\"quantity\":6}]", "no point for two devices");
    json_decref(e);
    e = event_of("p", ADDED, "{\"packages\":[{\"id\":\"DUO\",\"quantity\":9223372036854775807}]}");
    cr_expect(eq(int, catalogue_apply(c, e, &fault), 0), "%s", fault.reason);
    expect_json(json_object_get(json_object_get(e, "data"), "packages"), "[{\"id\":\"d\",\"quantity\":9223372036854775807}]",
                "what is no quantity is for the schema");
    json_decref(e);
    e = event_of("p", CREATED, "{\"packages\":[{\"id\":\"DUO\"}]}");
    cr_expect(eq(int, catalogue_apply(c, e, &fault), -1));
    cr_expect(strstr(fault.reason, "wanted one of the base packages of p: the catalogue has no default_base") != NULL, "%s", fault.reason);
    json_decref(e);
    catalogue_free(c);
}

Test(catalogue, a_fault_is_utf8_however_long_the_id_is)
{
    struct catalogue *c = example();
    for (size_t n = 1; n < 120; n++) {
        char id[400] = "";
        for (size_t i = 0; i < n; i++)
            memcpy(id + (n % 2) + 2 * i, "\u00e9", 3);
        if (n % 2)
            id[0] = 'x';
        struct fault fault = {.pointer = ""};
        json_t *e = json_pack("{s:s, s:s, s:{s:s}}", "provider", "oletv", "type", PLAN, "data", "plan", id);
        cr_expect(eq(int, catalogue_apply(c, e, &fault), -1));
        json_t *text = json_string(fault.reason);
        cr_expect(ne(ptr, text, NULL), "%zu: %s", n, fault.reason);
        json_decref(text);
        json_decref(e);
    }
    catalogue_free(c);
}

Test(catalogue, with_a_dialect_an_event_is_valid_and_whole)
{
    static const char text[] = "{\"specversion\":\"1.0\",\"id\":\"i\",\"source\":\"/s\",\"type\":\"ATIVAR USUARIO TV\",\"subject\":\"1\",\"provider\":\"oletv\","
                               "\"data\":{\"login\":\"a@example.com\",\"packages\":[{\"id\":\"HBO\"}]}}";
    struct err error = {0};
    struct fault fault = {.pointer = ""};
    struct publish_event made;
    struct event_schemas *schemas = event_schemas_load(SCHEMAS, &error);
    struct dialect *d = dialect_load(SCHEMAS, "ixc", &error);
    struct catalogue *c = example();
    cr_assert(d != NULL && schemas != NULL, "%s", error.msg);
    const struct publish_rules rules = {.schemas = schemas, .dialect = d, .catalogue = c, .partition = -1};
    cr_assert(eq(int, publish_event_init(&made, &rules, text, strlen(text), &fault), 0), "%s %s", fault.pointer, fault.reason);
    json_t *sent = json_loadb(made.message.value, made.message.value_len, 0, NULL);
    cr_expect(eq(str, (char *)json_text(sent, "type"), CREATED), "the bytes that are sent are in our words");
    expect_json(json_object_get(sent, "data"),
                "{\"login\":\"a@example.com\",\"plan\":\"10\",\"packages\":[{\"id\":\"32\",\"price\":\"29.90\",\"currency\":\"BRL\"}]}", "data");
    json_decref(sent);
    publish_event_fini(&made);
    cr_expect(eq(int, publish_event_init(&made, &rules, "{", 1, &fault), -1), "broken JSON is refused as ever");
    event_schemas_free(schemas);
    dialect_free(d);
    catalogue_free(c);
}

/* ---- desired states ---- */

static json_t *wanted_of(const char *row)
{
    char service[WANTED_SERVICE_SIZE];
    struct err error = {0};
    json_t *r = json_loads(row, 0, NULL), *w = wanted_read(r, service, &error);
    cr_assert(ne(ptr, w, NULL), "%s", error.msg);
    json_decref(r);
    return w;
}

Test(catalogue, a_desired_state_has_the_platforms_ids_and_says_no_more_than_before)
{
    static const struct { const char *why, *provider, *row, *want; } rows[] = {
        {"nothing said", "oletv", "{\"service\":\"1\",\"login\":\"a\"}", "{\"login\":\"a\"}"},
        {"a plan alone leaves the packages", "oletv", "{\"service\":\"1\",\"plan\":\"TV-COMPLETO\"}", "{\"plan\":\"11\"}"},
        {"packages alone leave the plan", "oletv", "{\"service\":\"1\",\"packages\":\"HBO FILMES@2026-12-01..2027-01-01\"}",
         "{\"packages\":{\"32\":{\"price\":\"29.90\",\"currency\":\"BRL\"},\"31\":{\"valid_from\":\"2026-12-01\",\"valid_to\":\"2027-01-01\"}}}"},
        {"both", "oletv", "{\"service\":\"1\",\"plan\":\"TV-COMPLETO\",\"packages\":\"-\"}", "{\"plan\":\"11\",\"packages\":{\"31\":{}}}"},
        {"a base", "playhub", "{\"service\":\"1\",\"packages\":\"-\"}", "{\"packages\":{\"BAS\":{}}}"},
        {"two of one", "playhub", "{\"service\":\"1\",\"packages\":\"INFANTIL PREMIUM\"}", "{\"packages\":{\"PRE\":{},\"K01\":{},\"K02\":{}}}"},
    };
    struct catalogue *c = example();
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err error = {0};
        json_t *w = wanted_of(rows[i].row);
        cr_expect(eq(int, catalogue_apply_wanted(c, rows[i].provider, w, &error), 0), "%s: %s", rows[i].why, error.msg);
        expect_json(w, rows[i].want, rows[i].why);
        json_decref(w);
    }
    catalogue_free(c);
}

Test(catalogue, a_desired_state_with_something_unknown_is_refused)
{
    static const struct { const char *provider, *row, *want; } rows[] = {
        {"oletv", "{\"service\":\"1\",\"packages\":\"HBOO\"}", "\"HBOO\" is none of the packages of oletv in the catalogue: near it \"HBO\""},
        {"oletv", "{\"service\":\"1\",\"plan\":\"10\"}", "\"10\" is none of the plans"},
        {"nobody", "{\"service\":\"1\",\"plan\":\"10\"}", "\"nobody\" is not in the catalogue"},
    };
    struct catalogue *c = example();
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err error = {0};
        json_t *w = wanted_of(rows[i].row);
        cr_expect(eq(int, catalogue_apply_wanted(c, rows[i].provider, w, &error), -1), "%s", rows[i].row);
        cr_expect(strstr(error.msg, rows[i].want) != NULL, "%s: %s", rows[i].row, error.msg);
        json_decref(w);
    }
    catalogue_free(c);
}

/* ---- files ---- */

/* 63 characters, 126 bytes. */
#define LONG_9 "\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9"
#define LONG LONG_9 LONG_9 LONG_9 LONG_9 LONG_9 LONG_9 LONG_9

Test(catalogue, what_is_wrong_in_a_file_is_named_with_its_line)
{
    static const struct { const char *why, *text, *want; } rows[] = {
        {"an id that is a number", "providers:\n  p:\n    plans: { A: { id: 10 } }\n", ":3: /providers/p/plans/A/id"},
        {"nothing sold", "providers:\n  p: { title: x }\n", "/providers/p"},
        {"id and ids", "providers:\n  p:\n    packages: { A: { id: a, ids: [b, c] } }\n", "/providers/p/packages/A"},
        {"an unknown default plan", "providers:\n  p:\n    plans: { A: { id: a } }\n    default_plan: B\n",
         ":4: /providers/p/default_plan: wanted one of the plans, found \"B\""},
        {"a default base that is none", "providers:\n  p:\n    packages: { A: { id: a } }\n    default_base: A\n",
         ":4: /providers/p/default_base: wanted a package with base: true, found \"A\""},
        {"an unknown default base", "providers:\n  p:\n    packages: { A: { id: a } }\n    default_base: B\n", "wanted one of the packages, found \"B\""},
        {"a plan that brings nothing known", "providers:\n  p:\n    plans: { A: { id: a, packages: [X] } }\n",
         ":3: /providers/p/plans/A/packages/0: wanted one of the packages, found \"X\""},
        {"an add-on of nothing known", "providers:\n  p:\n    packages: { A: { id: a, needs: [X] } }\n", "wanted one of the plans or packages, found \"X\""},
        {"a point that is no package", "providers:\n  p:\n    packages: { A: { id: a } }\n    additional_point: { package: X }\n", "/additional_point/package"},
        {"two that are one", "providers:\n  p:\n    packages:\n      A: { id: a }\n      B: { ids: [b, a] }\n",
         ":5: /providers/p/packages/B: wanted an id that \"A\" does not have, since taking one away would take the other, found \"a\""},
        {"a name with what a pointer escapes", "providers:\n  p:\n    packages:\n      A: { id: a }\n      B/C~: { id: b, needs: [X] }\n",
         ":5: /providers/p/packages/B~1C~0/needs/0: wanted"},
        {"a long name", "providers:\n  p:\n    packages:\n      A: { id: a }\n      " LONG ": { id: a }\n", ":5: /providers/p/packages/" LONG ": wanted an id"},
        {"no YAML", "providers: [", ":"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err error = {0};
        struct catalogue *c = load_text(rows[i].text, &error);
        cr_expect(eq(ptr, c, NULL), "%s", rows[i].why);
        cr_expect(strstr(error.msg, rows[i].want) != NULL, "%s: %s", rows[i].why, error.msg);
        cr_expect(eq(int, error.code, ERR_INVAL), "%s", rows[i].why);
        catalogue_free(c);
    }
}
