/* test_criteria.c - simple and regex criteria: what holds for one answer, and what is refused. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>
#include <string.h>

#include "support/pack_files.h"

static const char answer[] =
    "200|X-Mode: On|{\"s\":\"OK\",\"n\":10,\"one\":\"1\",\"f\":2.5,\"t\":true,\"no\":false,\"nul\":null,\"e\":\"\",\"zero\":0,\"tt\":\"TRUE\","
    "\"list\":[{\"id\":\"3\",\"on\":1},{\"id\":\"4\",\"on\":0}],\"o\":{\"a\":[1]},\"o2\":{\"a\":[1]},\"none\":[],\"q\":\"it's\","
    "\"msg\":\"Cliente J\xc3\x81 cadastrado\"}";

/* A pack whose one step succeeds when the criterion holds, and else ends as rejected. */
static char *pack_with(json_t *criterion)
{
    json_t *doc = json_pack("{s:s, s:{s:s, s:s}, s:[{s:s, s:s, s:s}], s:[{s:s, s:[{s:s, s:s, s:[o], s:[{s:s, s:s}]}]}]}", "arazzo",
                            "1.0.1", "info", "title", "t", "version", "1", "sourceDescriptions", "name", "n", "url",
                            "openapi.yaml", "type", "openapi", "workflows", "workflowId", "w", "steps", "stepId", "s",
                            "operationId", "keyed", "successCriteria", criterion, "onFailure", "name", "no", "type", "end");
    cr_assert(doc != NULL);
    char *text = json_dumps(doc, JSON_INDENT(1));
    json_decref(doc);
    return text;
}

static bool holds(json_t *criterion)
{
    static const char *const replies[] = {answer, NULL};
    char *text = pack_with(criterion);
    struct pack *p = pack_files_good(pack_files_openapi, text);
    char *got = pack_files_try(p, &(struct trial_inputs){.replies = replies, .data = "{\"plan\":3,\"word\":\"ok\"}"});
    bool good = strstr(got, "=> applied") != NULL;
    cr_expect(good || strstr(got, "=> rejected no") != NULL, "%s", got);
    free(got);
    free(text);
    pack_free(p);
    return good;
}

#define B "$response.body#/"

Test(criteria, conditions_hold_as_the_manual_says)
{
    static const struct {
        const char *condition;
        bool want;
    } rows[] = {
        {B "s == 'OK'", true}, {B "s == 'ok'", true}, {B "s=='OK'", true}, {B "s == 'KO'", false}, {B "s != 'KO'", true},
        {B "q == 'it''s'", true}, {"'a' == 'A'", true}, {"'01' == '1'", false}, {"'a' < 'B'", true},
        {B "n == 10", true}, {B "n == 10.0", true}, {B "n != 10", false}, {B "n > 9", true}, {B "n >= 10", true},
        {B "n < 10", false}, {B "n <= 10", true}, {B "n > -1", true}, {B "f == 2.5", true}, {B "f < 3", true},
        {B "one == 1", true}, {B "one == 1.0", true}, {B "one > 0", true}, {B "one == '1'", true}, {B "s > 0", false}, {B "s < 0", false},
        {B "s == 0", false}, {B "e == 0", false},
        {B "t == true", true}, {B "t == 'true'", true}, {B "tt == true", true}, {B "t == 1", false}, {B "no == false", true},
        {B "nul == null", true}, {B "gone == null", true}, {B "gone != null", false}, {B "e == null", false}, {B "zero == null", false},
        {B "gone == ''", false}, {B "gone == " B "nul", true}, {B "gone > 0", false}, {B "nul < 1", false},
        {B "o == " B "o2", true}, {B "o == " B "list", false}, {B "o == 'x'", false},
        {B "t", true}, {B "no", false}, {"!" B "no", true}, {"!!" B "t", true}, {B "zero", false}, {B "n", true}, {B "e", false},
        {B "s", true}, {B "one", true}, {B "nul", false}, {B "gone", false}, {"!" B "gone", true}, {B "o", true}, {B "none", true},
        {"true && false || true", true}, {"true || false && false", true}, {"(true || false) && false", false},
        {"!true || true", true}, {"!(true || true)", false}, {"true&&!false", true}, {"! " B "no && " B "t", true},
        {"(" B "s == 'OK')", true}, {"(" B "n) == 10", true}, {"(1 == 1) == true", true},
        {"$statusCode == 200", true}, {"$statusCode >= 200 && $statusCode < 300", true}, {"$method == 'post'", true},
        {"$response.header.x-mode == 'on'", true}, {"$response.header.X-Mode != 'on'", false},
        {B "list/0/id == $inputs.data.plan", true}, {B "s == $inputs.data.word", true}, {"$inputs.data.gone == null", true},
        {"1 == 1.0", true}, {"1e2 == 100", true}, {"-5 < 3", true}, {" \t1 == 1 \n", true},
        {"9007199254740993 == 9007199254740992", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        cr_expect(eq(int, holds(json_pack("{s:s}", "condition", rows[i].condition)), rows[i].want), "%s", rows[i].condition);
}

Test(criteria, regexes_are_searched_for_in_their_context)
{
    static const struct {
        const char *context, *pattern;
        bool want;
    } rows[] = {
        {"$response.body#/s", "^OK$", true}, {"$response.body#/s", "^ok$", false}, {"$response.body#/s", "(?i)^ok$", true},
        {"$response.body#/msg", "J\xc3\x81 cad", true}, {"$response.body#/n", "^10$", true}, {"$response.body#/t", "^true$", true},
        {"$response.body#/o", "\"a\":\\[1\\]", true}, {"$response.body#/gone", ".*", false}, {"$response.body#/nul", ".*", false},
        {"$response.body#/e", "^$", true}, {"$statusCode", "^2..$", true},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        cr_expect(eq(int, holds(json_pack("{s:s, s:s, s:s}", "context", rows[i].context, "condition", rows[i].pattern, "type", "regex")),
                     rows[i].want), "%s %s", rows[i].context, rows[i].pattern);
}

Test(criteria, lists_are_searched_with_any_and_none)
{
    static const struct {
        const char *quantifier, *list, *condition;
        bool want;
    } rows[] = {
        {"x-any", "$response.body#/list", "$item.id == 3", true}, {"x-any", "$response.body#/list", "$item.id == $inputs.data.plan && $item.on == 0", false},
        {"x-none", "$response.body#/list", "$item.id == 5", true}, {"x-none", "$response.body#/list", "$item.id == 4", false},
        {"x-any", "$response.body#/none", "true", false}, {"x-any", "$response.body#/gone", "true", false},
        {"x-none", "$response.body#/gone", "true", true}, {"x-any", "$response.body#/o", "$item.key == 'a' && $item.value[0] == 1", true},
        {"x-any", "$response.body#/s", "$item == 'ok'", true},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        cr_expect(eq(int, holds(json_pack("{s:s, s:s}", "condition", rows[i].condition, rows[i].quantifier, rows[i].list)), rows[i].want),
                  "%s %s %s", rows[i].quantifier, rows[i].list, rows[i].condition);
}

Test(criteria, what_cannot_be_understood_is_refused_with_its_place)
{
    const struct {
        json_t *criterion;
        const char *pointer, *why;
    } rows[] = {
        {json_pack("{s:s}", "condition", ""), "/condition", "wanted an expression"},
        {json_pack("{s:s}", "condition", "$statusCode = 200"), "/condition", "wanted an operator"},
        {json_pack("{s:s}", "condition", "$statusCode == "), "/condition", "wanted an expression"},
        {json_pack("{s:s}", "condition", "1 == 2 == 3"), "/condition", "wanted an operator"},
        {json_pack("{s:s}", "condition", "'open"), "/condition", "a quote is not closed"},
        {json_pack("{s:s}", "condition", "(true"), "/condition", "wanted `)`"},
        {json_pack("{s:s}", "condition", "12x == 1"), "/condition", "not a number"},
        {json_pack("{s:s}", "condition", "\"OK\" == 'x'"), "/condition", "wanted an expression"},
        {json_pack("{s:s}", "condition", "truely"), "/condition", "wanted an expression"},
        {json_pack("{s:s}", "condition", "$.body == 1"), "/condition", "not a runtime expression"},
        {json_pack("{s:i}", "condition", 1), "/condition", "must be text"},
        {json_pack("{s:s}", "context", "$statusCode"), "", "`condition` is missing"},
        {json_pack("{s:s, s:s, s:s}", "context", "$response.body", "condition", "$[0]", "type", "jsonpath"), "/type", "`jsonpath`"},
        {json_pack("{s:s, s:s, s:{s:s, s:s}}", "context", "$response.body", "condition", "/a", "type", "type", "xpath", "version", "xpath-10"), "/type", "`xpath`"},
        {json_pack("{s:s, s:s}", "condition", "x", "type", "regex"), "", "`context` is missing"},
        {json_pack("{s:s, s:s, s:s}", "context", "$response.body", "condition", "(", "type", "regex"), "/condition", "the regex is wrong"},
        {json_pack("{s:s, s:s, s:s}", "condition", "true", "x-any", "$response.body", "x-none", "$response.body"), "", "cannot stand together"},
        {json_pack("{s:s, s:i}", "condition", "true", "typ", 1), "/typ", "not a member"},
        {json_string("true"), "", "must be an object"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct pack_faults f;
        char want[200], *text = pack_with(rows[i].criterion);
        snprintf(want, sizeof(want), "/workflows/0/steps/0/successCriteria/0%s", rows[i].pointer);
        cr_expect(pack_files_load(pack_files_openapi, text, &f) == NULL, "%s", rows[i].why);
        cr_assert(f.n > 0);
        cr_expect(strstr(f.list[0].text, rows[i].why) != NULL, "%s: %s", rows[i].why, f.list[0].text);
        cr_expect(eq(str, f.list[0].pointer, want), "%s", rows[i].why);
        pack_faults_fini(&f);
        free(text);
    }
}

Test(criteria, deep_nesting_is_refused_not_a_crash)
{
    char condition[4000];
    memset(condition, '(', sizeof(condition) - 1);
    condition[sizeof(condition) - 1] = '\0';
    for (int i = 0; i < 2; i++) {
        struct pack_faults f;
        char *text = pack_with(json_pack("{s:s}", "condition", condition));
        cr_expect(pack_files_load(pack_files_openapi, text, &f) == NULL);
        cr_expect(strstr(f.list[0].text, "too deep") != NULL);
        pack_faults_fini(&f);
        free(text);
        memset(condition, '!', sizeof(condition) - 1);
    }
}
