/* test_run.c - what a workflow does: each row is a workflow, its inputs, the answers, and the trace that must come. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "support/pack_files.h"

#define OK_IF "        successCriteria: [{condition: $response.body#/status == 'OK'}]\n"
#define OFF                                                                                                            \
    "    steps:\n      - stepId: off\n        operationId: updateUser\n"                                              \
    "        parameters: [{name: login, in: path, value: $inputs.record.login}]\n"
#define GET(id)                                                                                                        \
    "      - stepId: " id "\n        operationId: getUser\n"                                                          \
    "        parameters: [{name: login, in: path, value: " id "}]\n"

struct row {
    const char *why, *members, *data, *record;
    const char *replies[8];
    const char *want;
};

static void run_rows(const struct row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char *text = pack_files_workflow(rows[i].members);
        struct pack *p = pack_files_good(pack_files_openapi, text);
        const struct trial_inputs in = {.data = rows[i].data, .record = rows[i].record, .replies = rows[i].replies};
        char *got = pack_files_try(p, &in);
        cr_expect(eq(str, got, (char *)rows[i].want), "%s", rows[i].why);
        free(got);
        free(text);
        pack_free(p);
    }
}

/* For a platform that is not called, but asks. */
Test(run, without_a_step_only_the_record_is_told)
{
    static const struct row rows[] = {
        {"the record, from what came", "    steps: []\n    x-record: {login: $inputs.data.login, block: none}\n", "{\"login\":\"ann\"}", NULL,
         {NULL}, "=> applied record {\"login\":\"ann\",\"block\":\"none\"}"},
        {"inputs are checked all the same",
         "    steps: []\n    inputs: {type: object, required: [data], properties: {data: {required: [login]}}}\n    x-record: {a: 1}\n", "{}", NULL,
         {NULL}, "=> rejected missing_input (data.login)"},
        {"its end means what it says", "    steps: []\n    x-outcome: {kind: unchanged, reason: not_kept}\n", NULL, NULL, {NULL},
         "=> unchanged not_kept"},
    };
    run_rows(rows, ARRAY_LEN(rows));
}

Test(run, one_step_ends_as_its_answer_says)
{
    static const struct row rows[] = {
        {"the criteria hold", OFF "        requestBody: {payload: {status: '0'}}\n" OK_IF "    x-record: {block: blocked}\n", NULL,
         "{\"login\":\"ann b\"}", {"{\"status\":\"OK\"}"},
         "PUT http://tv/users/ann%20b status=0\n=> applied record {\"block\":\"blocked\"}"},
        {"case does not matter", OFF OK_IF, NULL, "{\"login\":\"a\"}", {"{\"status\":\"ok\"}"}, "PUT http://tv/users/a\n=> applied"},
        {"no criterion knows it", OFF OK_IF, NULL, "{\"login\":\"a\"}", {"{\"status\":\"ERROR\"}"}, "PUT http://tv/users/a\n=> unknown"},
        {"a body that is not JSON", OFF OK_IF, NULL, "{\"login\":\"a\"}", {"API not enabled"}, "PUT http://tv/users/a\n=> unknown"},
        {"a number beyond 64 bits", OFF OK_IF, NULL, "{\"login\":\"a\"}", {"{\"status\":\"OK\",\"id\":123456789012345678901234}"},
         "PUT http://tv/users/a\n=> applied"},
        {"JSON after a byte order mark", OFF OK_IF, NULL, "{\"login\":\"a\"}", {"\xEF\xBB\xBF {\"status\":\"OK\"}"},
         "PUT http://tv/users/a\n=> applied"},
        {"an empty body", OFF OK_IF, NULL, "{\"login\":\"a\"}", {""}, "PUT http://tv/users/a\n=> unknown"},
        {"a cut body", OFF OK_IF, NULL, "{\"login\":\"a\"}", {"{\"status\":\"OK\""}, "PUT http://tv/users/a\n=> unknown"},
        {"without criteria a declared 2xx is success", OFF, NULL, "{\"login\":\"a\"}", {"200 x"}, "PUT http://tv/users/a\n=> applied"},
        {"another 2xx is not", OFF, NULL, "{\"login\":\"a\"}", {"204 "}, "PUT http://tv/users/a\n=> unknown"},
        {"a failure action names the end",
         OFF OK_IF "        onFailure:\n          - {name: other, type: end, criteria: [{condition: $statusCode == 404}], x-outcome: {kind: dead}}\n"
         "          - {name: unknown account, type: end, criteria: [{condition: $response.body#/error == 'Account not found'}],"
         " x-outcome: {kind: rejected, reason: unknown_account, detail: 'said {$response.body#/error}'}}\n    x-record: {a: 1}\n",
         NULL, "{\"login\":\"a\"}", {"{\"status\":\"ERROR\",\"error\":\"Account not found\"}"},
         "PUT http://tv/users/a\n=> rejected unknown_account (said Account not found)"},
        {"without x-outcome the action's name is the reason",
         OFF OK_IF "        onFailure: [{name: Not  known!, type: end}]\n", NULL, "{\"login\":\"a\"}", {"{}"},
         "PUT http://tv/users/a\n=> rejected not_known"},
        {"an end on success says unchanged, and the record is written",
         OFF OK_IF "        onSuccess: [{name: same, type: end, criteria: [{condition: $response.body#/results == false}],"
         " x-outcome: {kind: unchanged}}]\n    x-record: {plan: null}\n",
         NULL, "{\"login\":\"a\"}", {"{\"status\":\"OK\",\"results\":false}"},
         "PUT http://tv/users/a\n=> unchanged record {\"plan\":null}"},
        {"the workflow's own outcome", OFF "    x-outcome: {kind: held, reason: first_access}\n", NULL, "{\"login\":\"a\"}", {"200 "},
         "PUT http://tv/users/a\n=> held first_access"},
        {"outputs keep their types", OFF "        outputs: {n: $response.body#/n, h: $response.header.X-A, gone: $response.body#/x}\n"
         "    outputs: {n: $steps.off.outputs.n, h: $steps.off.outputs.h, gone: $steps.off.outputs.gone}\n"
         "    x-outputs: {pair: [$outputs.n, $outputs.n]}\n",
         NULL, "{\"login\":\"a\"}", {"200|X-a: v|{\"n\":7}"},
         "PUT http://tv/users/a\n=> applied {\"n\":7,\"h\":\"v\",\"pair\":[7,7]}"},
    };
    run_rows(rows, ARRAY_LEN(rows));
}

Test(run, missing_inputs_end_it_before_the_first_call)
{
    static const char inputs[] = "    inputs: {type: object, required: [data], properties: {data: {type: object, required: [login, plan],"
                                 " properties: {plan: {type: [string, 'null'], maxLength: 3}, device: {type: object, required: [mac]}}}}}\n" OFF;
    static const struct row rows[] = {
        {"no data at all", inputs, NULL, "{\"login\":\"a\"}", {NULL}, "=> rejected missing_input (data)"},
        {"a member", inputs, "{\"plan\":\"1\"}", "{\"login\":\"a\"}", {NULL}, "=> rejected missing_input (data.login)"},
        {"null is missing", inputs, "{\"plan\":\"1\",\"login\":null}", "{\"login\":\"a\"}", {NULL}, "=> rejected missing_input (data.login)"},
        {"but not where it may be null", inputs, "{\"plan\":null,\"login\":\"x\"}", "{\"login\":\"a\"}", {NULL}, "PUT http://tv/users/a\n=> waits"},
        {"further down", inputs, "{\"plan\":\"1\",\"login\":\"x\",\"device\":{}}", "{\"login\":\"a\"}", {NULL},
         "=> rejected missing_input (data.device.mac)"},
        {"a path parameter", OFF, NULL, "{}", {NULL},
         "=> rejected missing_input (step off: the path parameter login has no value ($inputs.record.login))"},
        {"an empty path parameter, which some take for all", OFF, NULL, "{\"login\":\"\"}", {NULL},
         "=> rejected missing_input (step off: the path parameter login has no value ($inputs.record.login))"},
        {"a required query parameter", "    steps: [{stepId: l, operationId: list, parameters: [{name: must, in: query, value: $inputs.data.m}]}]\n",
         "{}", NULL, {NULL}, "=> rejected missing_input (step l: the query parameter must has no value ($inputs.data.m))"},
        {"a step up in the path", OFF, NULL, "{\"login\":\"..\"}", {NULL},
         "=> rejected invalid_input (step off: the value of the path parameter login cannot be sent)"},
        {"an object in the path", OFF, NULL, "{\"login\":{}}", {NULL},
         "=> rejected invalid_input (step off: the value of the path parameter login cannot be sent)"},
        {"after half of the work it is dead, not rejected",
         OFF "      - stepId: two\n        operationId: updateUser\n        parameters: [{name: login, in: path, value: $inputs.data.x}]\n",
         "{}", "{\"login\":\"a\"}", {"200 "},
         "PUT http://tv/users/a\n=> dead missing_input (step two: the path parameter login has no value ($inputs.data.x))"},
    };
    run_rows(rows, ARRAY_LEN(rows));
}

Test(run, inputs_that_do_not_fit_the_schema_are_refused)
{
    char *text = pack_files_workflow("    inputs: {properties: {record: {properties: {login: {maxLength: 3}}}}}\n" OFF);
    struct pack *p = pack_files_good(pack_files_openapi, text);
    char *got = pack_files_try(p, &(struct trial_inputs){.record = "{\"login\":\"long\"}"});
    cr_expect(strncmp(got, "=> rejected invalid_input (record/login: ", 41) == 0, "%s", got);
    free(got);
    free(text);
    pack_free(p);
}

Test(run, actions_lead_from_step_to_step)
{
    static const struct row rows[] = {
        {"one after the other", "    steps:\n" GET("a") GET("b"), NULL, NULL, {"200 ", "200 "},
         "GET http://tv/users/a\nGET http://tv/users/b\n=> applied"},
        {"goto on success", "    steps:\n" GET("a") "        onSuccess: [{name: g, type: goto, stepId: c}]\n" GET("b") GET("c"), NULL, NULL,
         {"200 ", "200 "}, "GET http://tv/users/a\nGET http://tv/users/c\n=> applied"},
        {"goto on failure", "    steps:\n" GET("a") "        onFailure: [{name: g, type: goto, stepId: c}]\n" GET("b") GET("c"), NULL, NULL,
         {"500 ", "200 "}, "GET http://tv/users/a\nGET http://tv/users/c\n=> applied"},
        {"retry once by default, then the next action",
         "    steps:\n" GET("a") "        onFailure: [{name: r, type: retry, retryAfter: 1.5}, {name: e, type: end}]\n", NULL, NULL,
         {"500 ", "500 "}, "GET http://tv/users/a\nretry 1500\nGET http://tv/users/a\n=> rejected e"},
        {"Retry-After comes first", "    steps:\n" GET("a") "        onFailure: [{name: r, type: retry, retryAfter: 1, retryLimit: 2}]\n", NULL,
         NULL, {"503|Retry-After: 7|", "500 ", "500 "},
         "GET http://tv/users/a\nretry 7000\nGET http://tv/users/a\nretry 1000\nGET http://tv/users/a\n=> unknown"},
        {"retryLimit 0 never retries", "    steps:\n" GET("a") "        onFailure: [{name: r, type: retry, retryLimit: 0}]\n", NULL, NULL,
         {"500 "}, "GET http://tv/users/a\n=> unknown"},
        {"retry through another step",
         "    steps:\n" GET("a") "        onFailure: [{name: r, type: retry, stepId: c, retryLimit: 2}]\n        onSuccess: [{name: e, type: end}]\n"
         GET("b") GET("c"), NULL, NULL, {"500 ", "200 ", "500 ", "200 ", "200 "},
         "GET http://tv/users/a\nretry 0\nGET http://tv/users/c\nGET http://tv/users/a\nretry 0\nGET http://tv/users/c\nGET http://tv/users/a\n=> applied"},
        {"retry through a step that is skipped still waits",
         "    steps:\n" GET("a") "        onFailure: [{name: r, type: retry, retryAfter: 2, stepId: c}]\n        onSuccess: [{name: e, type: end}]\n"
         GET("c") "        x-when: [{condition: 'false'}]\n", NULL, NULL, {"500 ", "200 "},
         "GET http://tv/users/a\nretry 2000\nGET http://tv/users/a\n=> applied"},
        {"the counters start again when a step is entered again",
         "    steps:\n" GET("a") "        onFailure: [{name: r, type: retry}]\n" GET("b")
         "        onSuccess: [{name: again, type: goto, stepId: a, criteria: [{condition: $response.body#/again}]}]\n", NULL, NULL,
         {"500 ", "200 ", "{\"again\":true}", "500 ", "500 "},
         "GET http://tv/users/a\nretry 0\nGET http://tv/users/a\nGET http://tv/users/b\nGET http://tv/users/a\nretry 0\nGET http://tv/users/a\n=> unknown"},
        {"the workflow's actions come after the step's, but not those of the same name",
         "    failureActions: [{name: x, type: end, x-outcome: {kind: dead}}, {name: y, type: end, x-outcome: {kind: held, reason: activation}}]\n"
         "    steps:\n" GET("a") "        onFailure: [{name: x, type: end, criteria: [{condition: $statusCode == 1}]}]\n", NULL, NULL,
         {"500 "}, "GET http://tv/users/a\n=> held activation"},
        {"x-when skips", "    steps:\n" GET("a") "        x-when: [{condition: $inputs.data.go == true}]\n" GET("b"), "{\"go\":false}", NULL,
         {"200 "}, "GET http://tv/users/b\n=> applied"},
        {"all skipped", "    steps:\n" GET("a") "        x-when: [{condition: $inputs.data.go}]\n", "{}", NULL, {NULL}, "=> applied"},
        {"components and parameters of the workflow",
         "    parameters: [{name: login, in: path, value: all}, {name: X-H, in: header, value: v}]\n"
         "    steps: [{stepId: a, operationId: getUser, onFailure: [{reference: $components.failureActions.stop}]}]\n"
         "components: {failureActions: {stop: {name: stop, type: end}}}\n", NULL, NULL, {"500 "},
         "GET http://tv/users/all\n=> rejected stop"},
    };
    run_rows(rows, ARRAY_LEN(rows));
}

Test(run, endless_jumps_end_dead)
{
    char *text = pack_files_workflow("    steps:\n" GET("a") "        onFailure: [{name: g, type: goto, stepId: a}]\n");
    struct pack *p = pack_files_good(pack_files_openapi, text);
    struct bound_pack *b = pack_files_bind(p);
    struct run *r = run_new(b, pack_workflow(p, "w"), &(struct run_inputs){0});
    const struct call_reply reply = {.status = 500, .body = "", .content_type = "", .retry_after_ms = -1};
    unsigned calls = 0;
    for (; run_state(r) == RUN_CALL && calls < 5000; calls++)
        run_reply(r, &reply);
    cr_expect(eq(uint, calls, 1001u));
    cr_expect(eq(int, run_state(r), RUN_END));
    cr_expect(eq(str, (char *)run_result(r)->reason, "too_many_jumps"));
    run_free(r);
    bound_pack_free(b);
    pack_free(p);
    free(text);
}

Test(run, a_loop_goes_over_its_items)
{
    static const char add[] = "    steps:\n      - stepId: add\n        operationId: getUser\n        x-for-each: $inputs.data.list\n"
                              "        parameters: [{name: login, in: path, value: $item.id}]\n        outputs: {got: $response.body#/v}\n"
                              "        onFailure: [{name: r, type: retry, criteria: [{condition: $statusCode == 503}]}]\n"
                              "        x-when: [{condition: $item.id != 'skip'}]\n    outputs: {all: $steps.add.outputs.got}\n";
    static const struct row rows[] = {
        {"each once, in order", add, "{\"list\":[{\"id\":\"p\"},{\"id\":\"q\"}]}", NULL, {"{\"v\":1}", "{}"},
         "GET http://tv/users/p\nGET http://tv/users/q\n=> applied {\"all\":[1,null]}"},
        {"x-when is looked at for each", add, "{\"list\":[{\"id\":\"skip\"},{\"id\":\"q\"},{\"id\":\"skip\"}]}", NULL, {"{\"v\":1}"},
         "GET http://tv/users/q\n=> applied {\"all\":[null,1,null]}"},
        {"retry repeats the item", add, "{\"list\":[{\"id\":\"p\"},{\"id\":\"q\"}]}", NULL, {"{\"v\":1}", "503 ", "{\"v\":2}"},
         "GET http://tv/users/p\nGET http://tv/users/q\nretry 0\nGET http://tv/users/q\n=> applied {\"all\":[1,2]}"},
        {"an empty list", add, "{\"list\":[]}", NULL, {NULL}, "=> applied {\"all\":[]}"},
        {"nothing", add, "{}", NULL, {NULL}, "=> applied {\"all\":[]}"},
        {"an object's entries",
         "    steps: [{stepId: a, operationId: getUser, x-for-each: $inputs.record.packages, parameters: [{name: login, in: path,"
         " value: '{$item.key}-{$item.value.n}'}]}]\n", NULL, "{\"packages\":{\"P1\":{\"n\":4},\"P2\":{\"n\":5}}}", {"200 ", "200 "},
         "GET http://tv/users/P1-4\nGET http://tv/users/P2-5\n=> applied"},
        {"$loop inside x-any",
         "    steps: [{stepId: a, operationId: getUser, x-for-each: $inputs.data.list, parameters: [{name: login, in: path, value: $item}],"
         " successCriteria: [{condition: $item.id == $loop, x-any: $response.body}], onFailure: [{name: no, type: end}]}]\n",
         "{\"list\":[\"x\",\"y\"]}", NULL, {"[{\"id\":\"z\"},{\"id\":\"X\"}]", "[{\"id\":\"x\"}]"},
         "GET http://tv/users/x\nGET http://tv/users/y\n=> rejected no"},
    };
    run_rows(rows, ARRAY_LEN(rows));
}

#define JSON_STEP(body) "    steps: [{stepId: j, operationId: postJson, requestBody: {payload: " body "}}]\n"
#define FORM_STEP(body)                                                                                                \
    "    steps: [{stepId: f, operationId: updateUser, parameters: [{name: login, in: path, value: l}], requestBody: {payload: " body "}}]\n"

Test(run, bodies_are_built_from_values)
{
    static const struct row rows[] = {
        {"JSON keeps types, leaves out what is nothing, keeps null",
         JSON_STEP("{a: $inputs.data.n, b: $inputs.data.gone, c: null, d: [1, $inputs.data.gone, x], e: {f: 'v{$inputs.data.n}', g: '{$inputs.data.gone}'}, h: $inputs.data.z}"),
         "{\"n\":1.5,\"z\":null}", NULL, {NULL},
         "POST http://tv/json {\"a\":1.5,\"c\":null,\"d\":[1,\"x\"],\"e\":{\"f\":\"v1.5\"},\"h\":null}\n=> waits"},
        {"a whole expression", JSON_STEP("$inputs.data.o"), "{\"o\":{\"k\":[true,\"\\u00e9\\n\"]}}", NULL, {NULL},
         "POST http://tv/json {\"k\":[true,\"\xc3\xa9\\n\"]}\n=> waits"},
        {"JSON text", JSON_STEP("'{\"a\": \"{$inputs.data.q}\", \"b\": 2}'"), "{\"q\":\"x\\\"}y\"}", NULL, {NULL},
         "POST http://tv/json {\"a\":\"x\\\"}y\",\"b\":2}\n=> waits"},
        {"a body that is required", JSON_STEP("$inputs.data.o"), "{}", NULL, {NULL},
         "=> rejected missing_input (step j: the body has no value)"},
        {"keys with expressions", JSON_STEP("{'{$inputs.data.k}': 1, '{$inputs.data.gone}': 2, 'x-{$inputs.data.k}': 3}"), "{\"k\":\"K\"}", NULL, {NULL},
         "POST http://tv/json {\"K\":1,\"x-K\":3}\n=> waits"},
        {"a form with arrays", FORM_STEP("{'sub[]': $inputs.data.p, a: 'x y&z', n: null, t: true, i: 3, none: $inputs.data.gone, e: []}"),
         "{\"p\":[\"P2\",\"P3\",null]}", NULL, {NULL},
         "PUT http://tv/users/l sub[]=P2&sub[]=P3&a=x+y%26z&t=true&i=3\n=> waits"},
        {"a form's single value under a name with brackets", FORM_STEP("{'sub[]': $inputs.data.p}"), "{\"p\":\"P2\"}", NULL, {NULL},
         "PUT http://tv/users/l sub[]=P2\n=> waits"},
        {"a form whose brackets openapi.yaml declares",
         "    steps: [{stepId: f, operationId: createUser, requestBody: {payload: {sub: [a, b]}}, x-confirm: {workflowId: w, condition: 'true'}}]\n",
         NULL, NULL, {NULL}, "POST http://tv/users sub[]=a&sub[]=b\n=> waits"},
        {"a form as text cannot be broken out of", FORM_STEP("'a={$inputs.data.v}&b=1'"), "{\"v\":\"1&admin=1\"}", NULL, {NULL},
         "PUT http://tv/users/l a=1%26admin%3D1&b=1\n=> waits"},
        {"a form from an object", FORM_STEP("$inputs.data.o"), "{\"o\":{\"a\":1,\"b\":[1,2]}}", NULL, {NULL},
         "PUT http://tv/users/l a=1&b=1&b=2\n=> waits"},
        {"nested objects in a form", FORM_STEP("{a: $inputs.data.o}"), "{\"o\":{}}", NULL, {NULL},
         "=> rejected invalid_input (step f: the value of the form's member a cannot be sent)"},
        {"replacements in a written payload",
         "    steps: [{stepId: j, operationId: postJson, requestBody: {payload: {a: [1, {b: 2}]}, replacements: [{target: /a/1/b, value: $inputs.data.v},"
         " {target: /a/-, value: 9}, {target: /new, value: n}]}}]\n", "{\"v\":\"r\"}", NULL, {NULL},
         "POST http://tv/json {\"a\":[1,{\"b\":\"r\"},9],\"new\":\"n\"}\n=> waits"},
        {"replacements in a payload that is an expression",
         "    steps: [{stepId: j, operationId: postJson, requestBody: {payload: $inputs.data.o, replacements: [{target: /b, value: $inputs.data.v},"
         " {target: /c, value: $inputs.data.gone}]}}]\n", "{\"v\":\"r\",\"o\":{\"a\":1}}", NULL, {NULL},
         "POST http://tv/json {\"a\":1,\"b\":\"r\"}\n=> waits"},
        {"a replacement whose place is not there",
         "    steps: [{stepId: j, operationId: postJson, requestBody: {payload: $inputs.data.o, replacements: [{target: /x/b, value: 1}]}}]\n",
         "{\"o\":{\"a\":1}}", NULL, {NULL},
         "=> rejected invalid_input (step j: a value cannot be rewritten, see /workflows/0/steps/0/requestBody/replacements/0)"},
        {"x-case, x-each, x-format",
         JSON_STEP("{s: {x-case: [{when: $inputs.data.on == 1, value: active}, {value: off}]}, "
                   "l: {x-each: $inputs.data.l, x-where: $item.n > 1, value: {id: $item.n}}, "
                   "m: {x-each: $inputs.data.l, x-key: 'k{$item.n}', value: $item.n}, mac: {x-format: mac, value: $inputs.data.mac}, "
                   "doc: {x-format: cpf_cnpj, value: '12345678901'}, day: {x-format: date_dmy, value: '2026-11-22T10:00:00Z'}}"),
         "{\"on\":\"1\",\"l\":[{\"n\":1},{\"n\":2}],\"mac\":\"001a.79AA-bb:cc\"}", NULL, {NULL},
         "POST http://tv/json {\"s\":\"active\",\"l\":[{\"id\":2}],\"m\":{\"k1\":1,\"k2\":2},\"mac\":\"00:1A:79:AA:BB:CC\","
         "\"doc\":\"123.456.789-01\",\"day\":\"22/11/2026\"}\n=> waits"},
        {"a member whose name is made up: x-format pointer, in #{}",
         "    steps: [{stepId: g, operationId: getUser, parameters: [{name: login, in: path, value: l}],"
         " outputs: {at: [{x-format: pointer, value: {x-format: mac, value: $inputs.data.mac}}, {x-format: pointer, value: $inputs.data.odd}]}}]\n"
         "    x-outputs: {mac: '$inputs.data.o#{$steps.g.outputs.at[0]}', odd: '$inputs.data.o#{$steps.g.outputs.at[1]}'}\n",
         "{\"mac\":\"001a79aabbcc\",\"odd\":\"a/~b\",\"o\":{\"00:1A:79:AA:BB:CC\":1,\"a/~b\":2}}", NULL, {"{}"},
         "GET http://tv/users/l\n=> applied {\"mac\":1,\"odd\":2}"},
        {"a value that cannot be rewritten", JSON_STEP("{mac: {x-format: mac, value: $inputs.data.mac}}"), "{\"mac\":\"zz\"}", NULL, {NULL},
         "=> rejected invalid_input (step j: a value cannot be rewritten, see /workflows/0/steps/0/requestBody/payload/mac)"},
        {"query parameters",
         "    steps: [{stepId: l, operationId: list, parameters: [{name: id, in: query, value: $inputs.data.l}, {name: csv, in: query, value: $inputs.data.l},"
         " {name: must, in: query, value: 'a/b c'}]}]\n", "{\"l\":[1,\"x y\"]}", NULL, {NULL},
         "GET http://tv/list?id=1&id=x%20y&csv=1,x%20y&must=a%2Fb%20c&api%20key=u\n=> waits"},
    };
    run_rows(rows, ARRAY_LEN(rows));
}

Test(run, a_header_cannot_carry_a_line_break)
{
    static const char members[] = "    steps: [{stepId: l, operationId: list, parameters: [{name: must, in: query, value: m},"
                                  " {name: X-H, in: header, value: $inputs.data.h}]}]\n";
    char *text = pack_files_workflow(members);
    struct pack *p = pack_files_good(pack_files_openapi, text);
    static const struct {
        const char *data, *want;
    } rows[] = {
        {"{\"h\":\"v\"}", "GET http://tv/list?must=m&api%20key=u X-H=v\n=> waits"},
        {"{\"h\":[1,true]}", "GET http://tv/list?must=m&api%20key=u X-H=1,true\n=> waits"},
        {"{\"h\":\"v\\r\\nEvil: 1\"}", "=> rejected invalid_input (step l: the value of the header X-H cannot be sent)"},
        {"{\"h\":\"v\\u0000\"}", "=> rejected invalid_input (step l: the value of the header X-H cannot be sent)"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        json_error_t e;
        json_t *data = json_loads(rows[i].data, JSON_ALLOW_NUL, &e);
        if (strstr(rows[i].data, "u0000") == NULL) {
            char *got = pack_files_try(p, &(struct trial_inputs){.data = rows[i].data, .headers = true});
            cr_expect(eq(str, got, (char *)rows[i].want));
            free(got);
        } else {
            struct bound_pack *b = pack_files_bind(p);
            struct run *r = run_new(b, pack_workflow(p, "w"), &(struct run_inputs){.data = data});
            cr_expect(eq(int, run_state(r), RUN_END));
            run_free(r);
            bound_pack_free(b);
        }
        json_decref(data);
    }
    free(text);
    pack_free(p);
}

Test(run, a_keyed_request_carries_a_key_that_never_depends_on_the_try)
{
    char *text = pack_files_workflow("    steps: [{stepId: k, operationId: keyed, onFailure: [{name: r, type: retry}]}]\n");
    struct pack *p = pack_files_good(pack_files_openapi, text);
    uint8_t digest[HASH_SHA256_SIZE];
    char key[60], want[400];
    hash_hmac_sha256("s3cret", 6, "svc/src/1|k", 11, digest);
    hash_base32(digest, sizeof(digest), key);
    snprintf(want, sizeof(want), "POST http://tv/keyed X-Once=%s\nretry 0\nPOST http://tv/keyed X-Once=%s\n=> applied", key, key);
    static const char *const replies[] = {"500 ", "204 ", NULL};
    char *got = pack_files_try(p, &(struct trial_inputs){.replies = replies, .headers = true});
    cr_expect(eq(str, got, want));
    struct err err = {0};
    cr_expect(pack_bind(p, NULL, NULL, NULL, NULL, &err) == NULL);
    cr_expect(strstr(err.msg, "idempotency secret") != NULL, "%s", err.msg);
    free(got);
    free(text);
    pack_free(p);
}

static const char login_pack[] =
    "    steps: [{stepId: m, operationId: me, onFailure: [{name: t, type: retry, workflowId: authenticate, criteria: [{condition: $response.body#/code == 109}]},"
    " {name: no, type: end}]}]\n"
    "  - workflowId: authenticate\n"
    "    steps: [{stepId: l, operationId: login, requestBody: {payload: {k: $inputs.credentials.api.key}}, outputs: {t: $response.body#/t, e: $response.body#/e}}]\n"
    "    outputs: {t: $steps.l.outputs.t}\n"
    "    x-token: {scheme: session, value: $outputs.t, expires-in: $steps.l.outputs.e}\n";

Test(run, a_token_is_fetched_when_there_is_none_and_once_when_it_is_refused)
{
    char *text = pack_files_workflow(login_pack);
    struct pack *p = pack_files_good(pack_files_openapi, text);
    static const char *const good[] = {"200 ", NULL}, *const refused[] = {"401 ", "200 ", NULL},
                      *const twice[] = {"401 ", "403 ", NULL}, *const coded[] = {"500 {\"code\":109}", "200 ", NULL},
                      *const login[] = {"{\"t\":\"abc\",\"e\":\"90\"}", NULL};
    const struct {
        struct trial_inputs in;
        const char *want;
    } rows[] = {
        {{.replies = good}, "token\nGET http://tv/me Authorization=Bearer fresh\n=> applied"},
        {{.replies = good, .token = "old"}, "GET http://tv/me Authorization=Bearer old\n=> applied"},
        {{.replies = refused, .token = "old"}, "GET http://tv/me Authorization=Bearer old\ntoken\nGET http://tv/me Authorization=Bearer fresh\n=> applied"},
        {{.replies = twice, .token = "old"}, "GET http://tv/me Authorization=Bearer old\ntoken\nGET http://tv/me Authorization=Bearer fresh\n=> rejected no"},
        {{.replies = coded, .token = "old"}, "GET http://tv/me Authorization=Bearer old\ntoken\nGET http://tv/me Authorization=Bearer fresh\n=> applied"},
        {{.replies = login, .workflow = "authenticate"}, "POST http://tv/login {\"k\":\"u\"}\n=> applied {\"t\":\"abc\"} token abc for 90000"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct trial_inputs in = rows[i].in;
        in.headers = true;
        char *got = pack_files_try(p, &in);
        cr_expect(eq(str, got, (char *)rows[i].want));
        free(got);
    }
    struct bound_pack *b = pack_files_bind(p);
    cr_expect(bound_pack_needs_token(b));
    bound_pack_free(b);
    free(text);
    pack_free(p);
}

Test(run, a_token_that_its_owner_replaces_stays_good_for_the_run)
{
    char *text = pack_files_workflow(login_pack);
    struct pack *p = pack_files_good(pack_files_openapi, text);
    struct bound_pack *b = pack_files_bind(p);
    char token[] = "old";
    struct run *r = run_new(b, pack_workflow(p, "w"), &(struct run_inputs){.token = token});
    memset(token, 'x', 3);
    cr_expect(eq(str, (char *)run_token(r), "old"));
    run_set_token(r, "new");
    cr_expect(eq(str, (char *)run_token(r), "new"));
    run_free(r);
    bound_pack_free(b);
    free(text);
    pack_free(p);
}

Test(run, credentials_go_where_the_pack_says_and_missing_ones_are_named)
{
    char *text = pack_files_workflow(OFF);
    struct pack *p = pack_files_good(pack_files_openapi, text);
    char *got = pack_files_try(p, &(struct trial_inputs){.record = "{\"login\":\"a\"}", .headers = true});
    cr_expect(eq(str, got, "PUT http://tv/users/a Authorization=Basic dTp1\n=> waits"));
    struct err err = {0};
    cr_expect(pack_bind(p, NULL, NULL, NULL, "s", &err) == NULL);
    cr_expect(strstr(err.msg, "`op.username`") != NULL, "%s", err.msg);
    json_t *c = json_pack("{s:{s:s, s:s}}", "op", "username", "u", "password", "p");
    cr_expect(pack_bind(p, "ftp://x", c, NULL, "s", &err) == NULL);
    struct bound_pack *b = pack_bind(p, NULL, c, NULL, NULL, &err);
    json_t *record = json_pack("{s:s}", "login", "a");
    struct run *r = run_new(b, pack_workflow(p, "w"), &(struct run_inputs){.record = record});
    cr_expect(eq(str, (char *)run_request(r)->url, "https://tv.example/api/users/a"));
    run_free(r);
    bound_pack_free(b);
    json_decref(record);
    json_decref(c);
    free(got);
    free(text);
    pack_free(p);
}

Test(run, a_doubt_is_resolved_by_asking)
{
    char *text = pack_files_workflow(
        "    steps: [{stepId: c, operationId: createUser, requestBody: {payload: {a: b}},"
        " x-confirm: {workflowId: read, condition: $outputs.plan == $inputs.data.plan}}]\n    x-record: {plan: $inputs.data.plan}\n"
        "  - workflowId: read\n    steps: [{stepId: g, operationId: getUser, parameters: [{name: login, in: path, value: l}], outputs: {p: $response.body#/p}}]\n"
        "    outputs: {plan: $steps.g.outputs.p}\n");
    struct pack *p = pack_files_good(pack_files_openapi, text);
    struct bound_pack *b = pack_files_bind(p);
    json_t *data = json_pack("{s:s}", "plan", "3"), *same = json_pack("{s:i}", "plan", 3), *other = json_pack("{s:i}", "plan", 4);
    struct run *r = run_new(b, pack_workflow(p, "w"), &(struct run_inputs){.data = data});
    cr_expect(run_confirm(r) == pack_workflow(p, "read"));
    cr_expect(not(run_confirmed(r, other)));
    cr_expect(run_confirmed(r, same));
    cr_expect(eq(int, run_step_done(r), RUN_END));
    cr_expect(eq(int, run_result(r)->kind, OUTCOME_APPLIED));
    cr_expect(eq(str, (char *)json_string_value(json_object_get(run_result(r)->record, "plan")), "3"));
    run_free(r);
    bound_pack_free(b);
    json_decref(data);
    json_decref(same);
    json_decref(other);
    free(text);
    pack_free(p);
}

/* Runs a workflow, saving and restoring it before each reply. */
static char *with_restarts(const struct bound_pack *b, const struct workflow *w, const struct run_inputs *in,
                           const char *const *bodies)
{
    struct run *r = run_new(b, w, in);
    struct buf out, saved;
    buf_init(&out, 65536);
    for (size_t i = 0; bodies[i] != NULL && run_state(r) == RUN_CALL; i++) {
        buf_init(&saved, 65536);
        run_save(r, &saved);
        run_free(r);
        r = run_restore(b, w, in, saved.data, saved.len);
        cr_assert(r != NULL, "%s", saved.data);
        buf_fini(&saved);
        buf_addf(&out, "%s %s\n", run_step(r), run_request(r)->url);
        const struct call_reply reply = {.status = 200, .body = bodies[i], .body_len = strlen(bodies[i]), .content_type = "", .retry_after_ms = -1};
        run_reply(r, &reply);
        if (run_state(r) == RUN_RETRY)
            run_request(r);
    }
    cr_assert(run_state(r) == RUN_END);
    char *outputs = json_dumps(run_result(r)->outputs, JSON_COMPACT);
    buf_addf(&out, "=> %s %s", outcome_kind_name(run_result(r)->kind), outputs);
    free(outputs);
    run_free(r);
    return buf_steal(&out, NULL);
}

Test(run, a_saved_run_goes_on_where_it_was)
{
    char *text = pack_files_workflow(
        "    steps:\n      - stepId: one\n        operationId: getUser\n        parameters: [{name: login, in: path, value: x}]\n"
        "        outputs: {v: $response.body#/v}\n        successCriteria: [{condition: $response.body#/v}]\n"
        "        onFailure: [{name: r, type: retry, stepId: three}, {name: no, type: end}]\n"
        "      - stepId: two\n        operationId: getUser\n        x-for-each: $inputs.data.l\n        parameters: [{name: login, in: path, value: $item}]\n"
        "        outputs: {v: $response.body#/v}\n        onSuccess: [{name: e, type: end}]\n"
        "      - stepId: three\n        operationId: getUser\n        parameters: [{name: login, in: path, value: three}]\n"
        "    outputs: {a: $steps.one.outputs.v, b: $steps.two.outputs.v}\n");
    struct pack *p = pack_files_good(pack_files_openapi, text);
    struct bound_pack *b = pack_files_bind(p);
    json_t *data = json_pack("{s:[s,s]}", "l", "p", "q");
    const struct run_inputs in = {.data = data};
    static const char *const bodies[] = {"{}", "{}", "{\"v\":1}", "{\"v\":2}", "{\"v\":3}", NULL};
    char *got = with_restarts(b, pack_workflow(p, "w"), &in, bodies);
    cr_expect(eq(str, got, "one http://tv/users/x\nthree http://tv/users/three\none http://tv/users/x\ntwo[0] http://tv/users/p\n"
                           "two[1] http://tv/users/q\n=> applied {\"a\":1,\"b\":[2,3]}"));
    static const char *const bad[] = {"", "[]", "{}", "{\"at\":{\"step\":\"gone\"}}", "{\"at\":{\"step\":\"two\",\"item\":9}}",
                                      "{\"at\":{\"step\":\"two\",\"item\":0}}", "{\"at\":{\"step\":\"one\"},\"outputs\":{\"x\":{}}}", "{\"at\":"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        cr_expect(run_restore(b, pack_workflow(p, "w"), &in, bad[i], strlen(bad[i])) == NULL, "%s", bad[i]);
    free(got);
    json_decref(data);
    bound_pack_free(b);
    pack_free(p);
    free(text);
}

/* Redis' facts, records and saved runs are read by what refuses a NUL. */
Test(run, a_nul_in_an_answer_does_not_reach_what_is_kept)
{
    static const struct {
        const char *body;
        size_t n;
        const char *want;
    } rows[] = {{"{\"v\":\"a\\u0000b\"}", 16, "{\"w\":\"a\xEF\xBF\xBD" "b\"}"},
                {"{\"v\":[{\"c\":\"\\u0000\"}]}", 22, "{\"w\":[{\"c\":\"\xEF\xBF\xBD\"}]}"}};
    char *text = pack_files_workflow(
        "    steps:\n      - stepId: one\n        operationId: getUser\n        parameters: [{name: login, in: path, value: x}]\n"
        "        outputs: {v: $response.body#/v, raw: $response.body}\n"
        "      - stepId: two\n        operationId: getUser\n        parameters: [{name: login, in: path, value: y}]\n"
        "        outputs: {raw: $response.body}\n    outputs: {w: $steps.one.outputs.v}\n");
    struct pack *p = pack_files_good(pack_files_openapi, text);
    struct bound_pack *b = pack_files_bind(p);
    const struct run_inputs in = {.data = NULL};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct run *r = run_new(b, pack_workflow(p, "w"), &in), *back;
        struct call_reply reply = {.status = 200, .body = rows[i].body, .body_len = rows[i].n, .content_type = "",
                                   .retry_after_ms = -1};
        struct buf saved;
        buf_init(&saved, 65536);
        cr_assert(eq(int, (int)run_reply(r, &reply), (int)RUN_CALL));
        run_save(r, &saved);
        back = run_restore(b, pack_workflow(p, "w"), &in, saved.data, saved.len);
        cr_assert(back != NULL, "%s", saved.data);
        reply.body = "no\0JSON";
        reply.body_len = 7;
        cr_assert(eq(int, (int)run_reply(back, &reply), (int)RUN_END));
        char *outputs = json_dumps(run_result(back)->outputs, JSON_COMPACT);
        cr_expect(eq(str, outputs, (char *)rows[i].want));
        free(outputs);
        buf_fini(&saved);
        run_free(r);
        run_free(back);
    }
    bound_pack_free(b);
    pack_free(p);
    free(text);
}

#define READ                                                                                                           \
    "    steps:\n      - stepId: read\n        operationId: getUser\n        parameters: [{name: login, in: path, value: a}]\n" OK_IF
#define CUT                                                                                                            \
    "      - stepId: cut\n        operationId: updateUser\n        parameters: [{name: login, in: path, value: a}]\n"   \
    "        requestBody: {payload: {keep: $inputs.record.remembered.P1}}\n" OK_IF

Test(run, what_a_step_remembers_is_owed_before_the_next_request)
{
    static const struct row rows[] = {
        {"and the next step sees it in the record", READ "        x-record: {before: next, remembered: {x-each: $response.body#/p, x-key: $item.id, value: $item.to}}\n" CUT
         "    x-record: {block: blocked}\n", NULL, "{}", {"{\"status\":\"OK\",\"p\":[{\"id\":\"P1\",\"to\":\"x\"},{\"id\":\"P2\",\"to\":\"y\"}]}", "{\"status\":\"OK\"}"},
         "GET http://tv/users/a\nremembers {\"remembered\":{\"P1\":\"x\",\"P2\":\"y\"}}\nPUT http://tv/users/a keep=x\n=> applied record {\"block\":\"blocked\"}"},
        {"what the record has already stays", READ "        x-record: {before: next, remembered: {P1: $response.body#/p}}\n" CUT, NULL,
         "{\"remembered\":{\"P1\":\"old\"}}", {"{\"status\":\"OK\",\"p\":\"new\"}", "{\"status\":\"OK\"}"},
         "GET http://tv/users/a\nremembers {\"remembered\":{\"P1\":\"new\"}}\nPUT http://tv/users/a keep=old\n=> applied"},
        {"nothing is nothing", READ "        x-record: {before: next, remembered: $response.body#/p}\n" CUT, NULL, "{}",
         {"{\"status\":\"OK\"}", "{\"status\":\"OK\"}"}, "GET http://tv/users/a\nPUT http://tv/users/a \n=> applied"},
        {"a step that failed remembers nothing", READ "        onFailure: [{name: no, type: end}]\n        x-record: {before: next, remembered: {P1: $response.body#/p}}\n" CUT,
         NULL, "{}", {"{\"status\":\"NO\",\"p\":1}"}, "GET http://tv/users/a\n=> rejected no"},
        {"an end needs nothing", READ "        onSuccess: [{name: e, type: end}]\n        x-record: {before: next, remembered: {P1: $response.body#/p}}\n" CUT,
         NULL, "{}", {"{\"status\":\"OK\",\"p\":1}"}, "GET http://tv/users/a\n=> applied"},
        {"a value that cannot be rewritten ends it before the request", READ "        x-record: {before: next, remembered: {P1: {x-format: mac, value: $response.body#/p}}}\n" CUT,
         NULL, "{}", {"{\"status\":\"OK\",\"p\":\"zz\"}"},
         "GET http://tv/users/a\n=> rejected invalid_input (step read: a value cannot be rewritten, see /workflows/0/steps/0/x-record/remembered/P1)"},
        {"each item of a loop", "    steps:\n      - stepId: read\n        operationId: getUser\n        x-for-each: $inputs.data.l\n        parameters: [{name: login, in: path, value: $item}]\n" OK_IF
         "        x-record: {before: next, remembered: {'{$item}': $response.body#/p}}\n", "{\"l\":[\"p\",\"q\"]}", "{}",
         {"{\"status\":\"OK\",\"p\":1}", "{\"status\":\"OK\",\"p\":2}"},
         "GET http://tv/users/p\nremembers {\"remembered\":{\"p\":1}}\nGET http://tv/users/q\n=> applied"},
    };
    run_rows(rows, ARRAY_LEN(rows));
}

Test(run, what_is_to_be_remembered_is_owed_over_a_restart)
{
    char *text = pack_files_workflow(READ "        x-record: {before: next, remembered: {P1: $response.body#/p}}\n" CUT);
    struct pack *p = pack_files_good(pack_files_openapi, text);
    struct bound_pack *b = pack_files_bind(p);
    json_t *record = json_pack("{s:{}}", "remembered");
    const struct run_inputs in = {.record = record};
    struct run *r = run_new(b, pack_workflow(p, "w"), &in), *back, *later;
    const struct call_reply reply = {.status = 200, .body = "{\"status\":\"OK\",\"p\":7}", .body_len = 21, .content_type = "", .retry_after_ms = -1};
    struct buf saved, after;
    buf_init(&saved, 65536);
    buf_init(&after, 65536);
    cr_expect(run_kept(r) == NULL);
    cr_assert(eq(int, (int)run_reply(r, &reply), (int)RUN_CALL));
    run_save(r, &saved);
    back = run_restore(b, pack_workflow(p, "w"), &in, saved.data, saved.len);
    cr_assert(back != NULL);
    cr_assert(run_kept(back) != NULL);
    cr_expect(eq(int, (int)json_integer_value(json_object_get(json_object_get(run_kept(back), "remembered"), "P1")), 7));
    cr_expect(eq(str, (char *)run_request(back)->body, "keep=7"));
    run_kept_done(back);
    run_save(back, &after);
    later = run_restore(b, pack_workflow(p, "w"), &in, after.data, after.len);
    cr_assert(later != NULL);
    cr_expect(run_kept(later) == NULL);
    cr_expect(not(run_changed(later)), "only a read was answered");
    const struct call_reply done = {.status = 200, .body = "{\"status\":\"OK\"}", .body_len = 15, .content_type = "", .retry_after_ms = -1};
    run_reply(later, &done);
    cr_expect(run_changed(later));
    static const char bad[] = "{\"at\":{\"step\":\"cut\"},\"kept\":7}";
    cr_expect(run_restore(b, pack_workflow(p, "w"), &in, bad, strlen(bad)) == NULL);
    cr_expect(eq(sz, json_object_size(json_object_get(record, "remembered")), 0u)); /* the caller's is left alone */
    buf_fini(&saved);
    buf_fini(&after);
    run_free(r);
    run_free(back);
    run_free(later);
    json_decref(record);
    bound_pack_free(b);
    pack_free(p);
    free(text);
}
