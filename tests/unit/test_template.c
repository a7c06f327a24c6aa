/* test_template.c - values that are chosen, picked, taken apart and put together: each row is a payload and the request it gives. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>
#include <string.h>

#include "support/pack_files.h"

struct row {
    const char *why, *value, *data;
    const char *want; /* of `v`; NULL: nothing */
};

static char *try_members(const char *members, const char *data)
{
    char *text = pack_files_workflow(members);
    struct pack *p = pack_files_good(pack_files_openapi, text);
    char *got = pack_files_try(p, &(struct trial_inputs){.data = data, .record = "{\"block\":\"late\"}"});
    pack_free(p);
    free(text);
    return got;
}

static char *members_of_value(const char *value)
{
    char *members;
    cr_assert(asprintf(&members, "    steps: [{stepId: j, operationId: postJson, requestBody: {payload: {v: %s}}}]\n", value) > 0);
    return members;
}

static char *try_value(const char *value, const char *data)
{
    char *members = members_of_value(value), *got = try_members(members, data);
    free(members);
    return got;
}

static void check_rows(const struct row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const char *want = rows[i].want;
        char *whole, *got = try_value(rows[i].value, rows[i].data);
        cr_assert(asprintf(&whole, "POST http://tv/json {%s%s}\n=> waits", want == NULL ? "" : "\"v\":", want == NULL ? "" : want) > 0);
        cr_expect(eq(str, got, whole), "%s", rows[i].why);
        free(whole);
        free(got);
    }
}

Test(template, a_condition_may_be_a_list_of_criteria)
{
    static const struct row rows[] = {
        {"a regex chooses", "{x-case: [{when: [{type: regex, context: $inputs.data.d, condition: '^[0-9]{14}$'}], value: J}, {value: F}]}",
         "{\"d\":\"12345678901234\"}", "\"J\""},
        {"or does not", "{x-case: [{when: [{type: regex, context: $inputs.data.d, condition: '^[0-9]{14}$'}], value: J}, {value: F}]}",
         "{\"d\":\"12345678901\"}", "\"F\""},
        {"all of them must hold", "{x-case: [{when: [{condition: $inputs.data.a}, {condition: $inputs.data.b}], value: both}]}", "{\"a\":1}", NULL},
        {"for one of a list", "{x-case: [{when: [{condition: $item.status == 'online', x-any: $inputs.data.l}], value: true}, {value: false}]}",
         "{\"l\":[{\"status\":\"offline\"},{\"status\":\"online\"}]}", "true"},
        {"for none of it", "{x-case: [{when: [{condition: $item.status == 'online', x-none: $inputs.data.l}], value: true}, {value: false}]}",
         "{\"l\":[{\"status\":\"online\"}]}", "false"},
        {"no criteria hold always", "{x-case: [{when: [], value: 1}]}", "{}", "1"},
        {"x-where too", "{x-each: $inputs.data.l, x-where: [{type: regex, context: $item, condition: '^a'}], value: $item}", "{\"l\":[\"ab\",\"b\"]}",
         "[\"ab\"]"},
    };
    check_rows(rows, ARRAY_LEN(rows));
}

Test(template, outer_is_the_item_of_the_loop_around)
{
    static const struct row rows[] = {
        {"what two lists have in common",
         "{x-each: $inputs.data.plans, x-where: [{condition: $item == $outer.name, x-any: $inputs.data.names}], x-key: $item.id, value: {}}",
         "{\"plans\":[{\"id\":\"7\",\"name\":\"Gold\"},{\"id\":\"8\",\"name\":\"Sport\"}],\"names\":[\"Sport\",\"x\"]}", "{\"8\":{}}"},
        {"what only the first has", "{x-each: $inputs.data.a, x-where: [{condition: $item.id == $outer.id, x-none: $inputs.data.b}], value: $item.id}",
         "{\"a\":[{\"id\":1},{\"id\":2}],\"b\":[{\"id\":2}]}", "[1]"},
        {"three deep: only the next one out", "{x-each: $inputs.data.a, value: {x-each: $item.b, value: {x-each: $item.c, value: '{$outer.n}{$item}'}}}",
         "{\"a\":[{\"n\":\"A\",\"b\":[{\"n\":\"B\",\"c\":[1,2]}]}]}", "[[[\"B1\",\"B2\"]]]"},
        {"it is itself again after an inner loop", "{x-each: $inputs.data.a, value: [{x-each: $item.b, value: $outer.n}, $item.n]}",
         "{\"a\":[{\"n\":\"A\",\"b\":[1,2]}]}", "[[[\"A\",\"A\"],\"A\"]]"},
    };
    check_rows(rows, ARRAY_LEN(rows));
}

Test(template, outer_of_a_steps_loop_is_its_item)
{
    static const char members[] = "    steps:\n      - stepId: j\n        operationId: postJson\n        x-for-each: $inputs.data.l\n"
                                  "        requestBody: {payload: {v: {x-each: $item.n, value: '{$outer.id}{$loop.id}{$item}'}}}\n";
    char *text = pack_files_workflow(members);
    struct pack *p = pack_files_good(pack_files_openapi, text);
    char *got = pack_files_try(p, &(struct trial_inputs){.data = "{\"l\":[{\"id\":\"a\",\"n\":[1]},{\"id\":\"b\",\"n\":[2]}]}",
                                                         .replies = (const char *const[]){"201 ", "201 ", NULL}});
    cr_expect(eq(str, got, "POST http://tv/json {\"v\":[\"aa1\"]}\nPOST http://tv/json {\"v\":[\"bb2\"]}\n=> applied"));
    free(got);
    free(text);
    pack_free(p);
}

Test(template, x_match_takes_a_part_of_a_text)
{
    static const struct row rows[] = {
        {"the whole match", "{x-match: '[0-9]+', value: $inputs.data.t}", "{\"t\":\"a12b\"}", "\"12\""},
        {"groups put anew", "{x-match: '^([0-9]{5})([0-9]{3})$', give: '$1-$2', value: $inputs.data.t}", "{\"t\":\"01310100\"}", "\"01310-100\""},
        {"a value inside a value", "{x-match: '^(?:55)?([0-9]{2})[0-9]{8,9}$', give: $1, value: {x-format: digits, value: $inputs.data.t}}",
         "{\"t\":\"+55 (11) 98888-7777\"}", "\"11\""},
        {"a dollar", "{x-match: '([a-z])', give: '$$$1', value: $inputs.data.t}", "{\"t\":\"x\"}", "\"$x\""},
        {"a group that took no part", "{x-match: '(a)|(b)', give: '[$1$2]', value: $inputs.data.t}", "{\"t\":\"b\"}", "\"[b]\""},
        {"a number is text", "{x-match: '^1', value: $inputs.data.t}", "{\"t\":123}", "\"1\""},
        {"letters that are more than a byte", "{x-match: '^..', value: $inputs.data.t}", "{\"t\":\"\xc3\xa9\xc3\xa3x\"}", "\"\xc3\xa9\xc3\xa3\""},
        {"no match is nothing", "{x-match: '^z', value: $inputs.data.t}", "{\"t\":\"a\"}", NULL},
        {"nothing stays nothing", "{x-match: '^z', value: $inputs.data.gone}", "{}", NULL},
        {"a list matches nothing", "{x-match: 'a', value: $inputs.data.t}", "{\"t\":[\"a\"]}", NULL},
        {"an empty match", "{x-match: 'z*', value: $inputs.data.t}", "{\"t\":\"a\"}", "\"\""},
    };
    check_rows(rows, ARRAY_LEN(rows));
}

Test(template, x_merge_makes_one_of_several)
{
    static const struct row rows[] = {
        {"lists one after the other", "{x-merge: [$inputs.data.a, {x-each: $inputs.data.b, value: $item.id}]}", "{\"a\":[1,2],\"b\":[{\"id\":3}]}", "[1,2,3]"},
        {"a list of lists", "{x-merge: $inputs.data.a}", "{\"a\":[[1],[],[2,[3]]]}", "[1,2,[3]]"},
        {"the lists that a loop makes", "{x-merge: {x-each: $inputs.data.a, value: $item.l}}", "{\"a\":[{\"l\":[1,2]},{},{\"l\":[3]}]}", "[1,2,3]"},
        {"objects as a merge patch", "{x-merge: [$inputs.data.a, {x-each: $inputs.data.b, x-key: $item, value: null}, {d: {e: 1}}]}",
         "{\"a\":{\"k\":1,\"l\":2,\"d\":{\"f\":2}},\"b\":[\"k\"]}", "{\"l\":2,\"d\":{\"f\":2,\"e\":1}}"},
        {"nothing and null are passed over", "{x-merge: [$inputs.data.gone, null, $inputs.data.a]}", "{\"a\":[1]}", "[1]"},
        {"all of them nothing", "{x-merge: [$inputs.data.gone]}", "{}", NULL},
        {"what is no list becomes an item", "{x-merge: [[a], b, {c: 1}]}", "{}", "[\"a\",\"b\",{\"c\":1}]"},
    };
    check_rows(rows, ARRAY_LEN(rows));
    char *got = try_value("{x-merge: [{a: 1}, $inputs.data.t]}", "{\"t\":\"text\"}");
    cr_expect(eq(str, got, "=> rejected invalid_input (step j: a value cannot be rewritten, see /workflows/0/steps/0/requestBody/payload/v)"));
    free(got);
}

Test(template, x_merge_leaves_what_it_was_made_of)
{
    char *got = try_members("    steps: [{stepId: j, operationId: postJson, requestBody: {payload: {v: {x-merge: [$inputs.data.a, {k: null, d: {e: 1}}]},"
                            " w: $inputs.data.a}}}]\n", "{\"a\":{\"k\":1,\"d\":{\"f\":2}}}");
    cr_expect(eq(str, got, "POST http://tv/json {\"v\":{\"d\":{\"f\":2,\"e\":1}},\"w\":{\"k\":1,\"d\":{\"f\":2}}}\n=> waits"));
    free(got);
}

Test(template, x_times_gives_an_item_more_than_once)
{
    static const struct row rows[] = {
        {"as often as it says, once where it says nothing", "{x-each: $inputs.data.l, x-times: $item.n, value: $item.id}",
         "{\"l\":[{\"id\":\"a\",\"n\":2},{\"id\":\"b\"},{\"id\":\"c\",\"n\":null},{\"id\":\"d\",\"n\":\"3\"}]}", "[\"a\",\"a\",\"b\",\"c\",\"d\",\"d\",\"d\"]"},
        {"never", "{x-each: $inputs.data.l, x-times: 0, value: $item}", "{\"l\":[1]}", "[]"},
        {"each its own", "{x-each: $inputs.data.l, x-times: 2, value: {id: $item}}", "{\"l\":[1]}", "[{\"id\":1},{\"id\":1}]"},
        {"a value that is nothing", "{x-each: $inputs.data.l, x-times: 2, value: $item.id}", "{\"l\":[{}]}", "[]"},
    };
    check_rows(rows, ARRAY_LEN(rows));
    static const char *const wrong[] = {"{\"n\":-1}", "{\"n\":1001}", "{\"n\":\"x\"}", "{\"n\":1.5}", "{\"n\":[2]}"};
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        char *got = try_value("{x-each: $inputs.data, x-times: $item.value, value: x}", wrong[i]);
        cr_expect(strncmp(got, "=> rejected invalid_input", 25) == 0, "%s: %s", wrong[i], got);
        free(got);
    }
}

Test(template, they_stand_in_forms_as_in_json)
{
    char *got = try_members("    steps: [{stepId: f, operationId: updateUser, parameters: [{name: login, in: path, value: l}],"
                            " requestBody: {payload: {'p[]': {x-merge: [{x-each: $inputs.data.a, x-times: $item.n, value: $item.id}, [z]]},"
                            " cep: {x-match: '([0-9]{5})([0-9]{3})', give: '$1-$2', value: $inputs.data.c}}}}]\n",
                            "{\"a\":[{\"id\":\"x\",\"n\":2}],\"c\":\"01310100\"}");
    cr_expect(eq(str, got, "PUT http://tv/users/l p[]=x&p[]=x&p[]=z&cep=01310-100\n=> waits"));
    free(got);
}

#define GET(id, more)                                                                                                  \
    "      - stepId: " id "\n        operationId: getUser\n        parameters: [{name: login, in: path, value: " id "}]\n" more

Test(template, x_outputs_of_a_step_are_values)
{
    static const char members[] =
        "    steps:\n" GET("a", "        outputs: {n: $response.body#/n}\n"
                               "        x-outputs: {ids: {x-each: $response.body#/l, value: $item.id}, both: [$statusCode, $response.body#/n]}\n"
                               "        onSuccess: [{name: none, type: end, criteria: [{condition: '!$steps.a.outputs.ids[0]'}], x-outcome: {kind: unchanged}}]\n")
            GET("b", "        x-for-each: $steps.a.outputs.ids\n        x-outputs: {o: {of: $item}}\n")
        "    outputs: {n: $steps.a.outputs.n}\n    x-outputs: {of: $steps.b.outputs.o, both: $steps.a.outputs.both}\n";
    static const struct {
        const char *replies[4], *want;
    } rows[] = {
        {{"{\"n\":7,\"l\":[{\"id\":\"x\"},{\"id\":\"y\"}]}", "200 ", "200 "},
         "GET http://tv/users/a\nGET http://tv/users/b\nGET http://tv/users/b\n=> applied {\"n\":7,\"of\":[{\"of\":\"x\"},{\"of\":\"y\"}],\"both\":[200,7]}"},
        {{"{\"l\":[]}"}, "GET http://tv/users/a\n=> unchanged {\"both\":[200]}"},
    };
    char *text = pack_files_workflow(members);
    struct pack *p = pack_files_good(pack_files_openapi, text);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char *got = pack_files_try(p, &(struct trial_inputs){.replies = rows[i].replies});
        cr_expect(eq(str, got, (char *)rows[i].want));
        free(got);
    }
    free(text);
    pack_free(p);
}

Test(template, x_status_is_what_the_engine_judges_by)
{
    static const struct {
        const char *why, *action, *reply;
        int want; /* 0: the run ended */
    } rows[] = {
        {"as it was answered", "{name: other, type: end, criteria: [{condition: $response.body#/e == 'x'}]}", "{}", 200},
        {"as the action says", "{name: keys, type: end, criteria: [{condition: $response.body#/e == 'keys'}], x-status: 401}", "{\"e\":\"keys\"}", 401},
        {"only when its criteria hold", "{name: keys, type: end, criteria: [{condition: $response.body#/e == 'keys'}], x-status: 401}", "404 {}", 404},
        {"an end without it", "{name: keys, type: end}", "{}", 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char *members, *text;
        cr_assert(asprintf(&members, "    steps:\n" GET("a", "        successCriteria: [{condition: $response.body#/ok}]\n        onFailure: [%s]\n"),
                           rows[i].action) > 0);
        text = pack_files_workflow(members);
        struct pack *p = pack_files_good(pack_files_openapi, text);
        struct bound_pack *b = pack_files_bind(p);
        struct run *r = run_new(b, pack_workflow(p, "w"), &(struct run_inputs){0});
        bool has_status = rows[i].reply[0] != '{';
        const char *body = has_status ? rows[i].reply + 4 : rows[i].reply;
        const struct call_reply reply = {.status = has_status ? atoi(rows[i].reply) : 200, .body = body, .body_len = strlen(body), .content_type = "",
                                         .retry_after_ms = -1};
        cr_expect(eq(int, run_judged_status(r), 0), "%s", rows[i].why);
        enum run_state state = run_reply(r, &reply);
        cr_expect(eq(int, state, rows[i].want == 0 ? RUN_END : RUN_UNKNOWN), "%s", rows[i].why);
        cr_expect(eq(int, run_judged_status(r), rows[i].want), "%s", rows[i].why);
        if (state == RUN_UNKNOWN) {
            cr_expect(run_request(r) != NULL, "the step may be sent again");
            cr_expect(eq(int, run_judged_status(r), 0));
        }
        run_free(r);
        bound_pack_free(b);
        pack_free(p);
        free(text);
        free(members);
    }
}

Test(template, what_is_wrong_is_refused_when_the_pack_loads)
{
    static const struct {
        const char *value, *pointer, *why;
    } rows[] = {
        {"{x-match: '(', value: 1}", "/x-match", "the regex is wrong"},
        {"{x-match: a}", "", "x-match needs a `value`"},
        {"{x-match: a, give: $1, value: b}", "/give", "groups that the pattern has"},
        {"{x-match: '(a)', give: '$x', value: b}", "/give", "groups that the pattern has"},
        {"{x-match: '(a)', give: 'end$', value: b}", "/give", "groups that the pattern has"},
        {"{x-match: a, gives: b, value: c}", "/gives", "`gives` is not a member of x-match"},
        {"{x-merge: 7}", "/x-merge", "a list of values, or a value that gives one"},
        {"{x-merge: text}", "/x-merge", "a list of values, or a value that gives one"},
        {"{x-merge: [$inputs.nope]}", "/x-merge/0", "$inputs has data"},
        {"{x-merge: [], value: 1}", "/value", "`value` is not a member of x-merge"},
        {"{x-each: $inputs.data.l, x-key: a, x-times: 2, value: 1}", "/x-times", "x-times is for lists"},
        {"{x-each: $inputs.data.l, x-times: $item.a b, value: 1}", "/x-times", "something follows"},
        {"{x-each: $inputs.data.l, value: $outer}", "/value", "there is no such loop here"},
        {"{x-each: $inputs.data.l, x-where: {a: 1}, value: 1}", "/x-where", "criteria must be a list"},
        {"{x-each: $inputs.data.l, x-where: [{condition: '$item =='}], value: 1}", "/x-where/0/condition", "condition"},
        {"{x-case: [{when: [{type: jsonpath, condition: x}], value: 1}]}", "/x-case/0/when/0/type", "`jsonpath` are not supported"},
        {"{x-case: [{when: $inputs.data.a}]}", "/x-case/0", "each of x-case needs a `value`"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct pack_faults f;
        char *members = members_of_value(rows[i].value), *text = pack_files_workflow(members), pointer[200];
        snprintf(pointer, sizeof(pointer), "/workflows/0/steps/0/requestBody/payload/v%s", rows[i].pointer);
        cr_expect(pack_files_load(pack_files_openapi, text, &f) == NULL, "%s", rows[i].value);
        cr_expect(f.n > 0 && strstr(f.list[0].text, rows[i].why) != NULL, "%s: %s", rows[i].value, f.n == 0 ? "-" : f.list[0].text);
        cr_expect(f.n > 0 && strcmp(f.list[0].pointer, pointer) == 0, "%s: %s", rows[i].value, f.n == 0 ? "-" : f.list[0].pointer);
        pack_faults_fini(&f);
        free(text);
        free(members);
    }
}

Test(template, x_status_stands_in_failure_actions_alone)
{
    static const struct {
        const char *member, *why;
    } rows[] = {
        {"onSuccess: [{name: a, type: end, x-status: 401}]", "belongs to a failure action of type end"},
        {"onFailure: [{name: a, type: retry, x-status: 401}]", "belongs to a failure action of type end"},
        {"onFailure: [{name: a, type: end, x-status: 401, x-outcome: {kind: dead}}]", "in place of x-outcome"},
        {"onFailure: [{name: a, type: end, x-status: 200}]", "an HTTP status from 300 to 599"},
        {"onFailure: [{name: a, type: end, x-status: '401'}]", "an HTTP status from 300 to 599"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct pack_faults f;
        char *members, *text;
        cr_assert(asprintf(&members, "    steps:\n" GET("a", "        %s\n"), rows[i].member) > 0);
        text = pack_files_workflow(members);
        cr_expect(pack_files_load(pack_files_openapi, text, &f) == NULL, "%s", rows[i].member);
        cr_expect(f.n == 1 && strstr(f.list[0].text, rows[i].why) != NULL, "%s: %s", rows[i].member, f.n == 0 ? "-" : f.list[0].text);
        pack_faults_fini(&f);
        free(text);
        free(members);
    }
}

/* --- x-step --- */

static char *pack_with(const char *members, const char *shared)
{
    char *all, *text;
    cr_assert(asprintf(&all, "%s%s", members, shared) > 0);
    text = pack_files_workflow(all);
    free(all);
    return text;
}

Test(template, a_step_takes_what_it_does_not_say_from_a_shared_one)
{
    static const char shared[] =
        "components:\n  x-steps:\n    look:\n      parameters: [{name: login, in: path, value: $inputs.data.login}]\n"
        "      successCriteria: [{condition: $response.body#/ok}]\n      outputs: {n: $response.body#/n}\n"
        "      x-outputs: {a: [$response.body#/n], b: shared}\n"
        "      onFailure: [{name: gone, type: end}]\n";
    static const struct {
        const char *why, *members, *replies[3], *want;
    } rows[] = {
        {"all of it", "    steps: [{stepId: one, operationId: getUser, x-step: look}]\n    outputs: {n: $steps.one.outputs.n}\n    x-outputs: {b: $steps.one.outputs.b}\n",
         {"{\"ok\":true,\"n\":7}"}, "GET http://tv/users/ann\n=> applied {\"n\":7,\"b\":\"shared\"}"},
        {"its actions", "    steps: [{stepId: one, operationId: getUser, x-step: look}]\n", {"{}"}, "GET http://tv/users/ann\n=> rejected gone"},
        {"what the step says comes first",
         "    steps: [{stepId: one, operationId: getUser, x-step: look, parameters: [{name: login, in: path, value: bob}]}]\n",
         {"{\"ok\":true}"}, "GET http://tv/users/bob\n=> applied"},
        {"its x-outputs come to the shared ones",
         "    steps: [{stepId: one, operationId: getUser, x-step: look, x-outputs: {b: own, c: more}}]\n"
         "    x-outputs: {all: [$steps.one.outputs.a, $steps.one.outputs.b, $steps.one.outputs.c]}\n",
         {"{\"ok\":true,\"n\":7}"}, "GET http://tv/users/ann\n=> applied {\"all\":[[7],\"own\",\"more\"]}"},
        {"twice in one workflow", "    steps: [{stepId: one, operationId: getUser, x-step: look}, {stepId: two, operationId: getUser, x-step: look}]\n",
         {"{\"ok\":true}", "{\"ok\":true}"}, "GET http://tv/users/ann\nGET http://tv/users/ann\n=> applied"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char *text = pack_with(rows[i].members, shared);
        struct pack *p = pack_files_good(pack_files_openapi, text);
        char *got = pack_files_try(p, &(struct trial_inputs){.data = "{\"login\":\"ann\"}", .replies = rows[i].replies});
        cr_expect(eq(str, got, (char *)rows[i].want), "%s", rows[i].why);
        free(got);
        pack_free(p);
        free(text);
    }
}

Test(template, a_shared_step_is_refused_by_name)
{
    static const struct {
        const char *members, *shared, *pointer, *why;
    } rows[] = {
        {"    steps: [{stepId: one, operationId: me, x-step: nobody}]\n", "", "/workflows/0/steps/0/x-step", "there is no step `nobody`"},
        {"    steps: [{stepId: one, operationId: me, x-step: [look]}]\n", "", "/workflows/0/steps/0/x-step", "text"},
        {"    steps: [{stepId: one, operationId: me, x-step: look}]\n", "components: {x-steps: {look: {stepId: two}}}\n", "/workflows/0/steps/0/x-step",
         "neither stepId nor x-step"},
        {"    steps: [{stepId: one, operationId: me, x-step: look}]\n", "components: {x-steps: {look: {x-step: look}}}\n", "/workflows/0/steps/0/x-step",
         "neither stepId nor x-step"},
        {"    steps: [{stepId: one, operationId: me}]\n", "components: {x-steps: {look: {}}}\n", "/components/x-steps/look", "no step uses `look`"},
        {"    steps: [{stepId: one, operationId: me, x-step: look}]\n", "components: {x-steps: {look: {bogus: 1}}}\n", "/workflows/0/steps/0/bogus",
         "`bogus` is not a member of a step"},
        {"    steps: [{stepId: one, operationId: me, x-step: look}]\n", "components: {x-steps: {look: {outputs: {v: $steps.none.outputs.x}}}}\n",
         "/workflows/0/steps/0/outputs/v", "no step of that name"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct pack_faults f;
        char *text = pack_with(rows[i].members, rows[i].shared);
        cr_expect(pack_files_load(pack_files_openapi, text, &f) == NULL, "%s", rows[i].why);
        cr_expect(f.n == 1 && strstr(f.list[0].text, rows[i].why) != NULL, "%s: %s", rows[i].why, f.n == 0 ? "-" : f.list[0].text);
        cr_expect(f.n > 0 && strcmp(f.list[0].pointer, rows[i].pointer) == 0, "%s: %s", rows[i].why, f.n == 0 ? "-" : f.list[0].pointer);
        pack_faults_fini(&f);
        free(text);
    }
}
