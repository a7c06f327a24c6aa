/* test_pack_load.c - what a pack may not say: each refusal names file, line and pointer; and no bytes crash the loader. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "support/pack_files.h"

static const char good_workflows[] =
    "arazzo: 1.0.1\n"
    "info: {title: Good, version: 2.0.0}\n"
    "sourceDescriptions: [{name: t, url: openapi.yaml, type: openapi}]\n"
    "workflows:\n"
    "  - workflowId: contract.blocked\n"
    "    summary: Off\n"
    "    inputs: {type: object, required: [record]}\n"
    "    steps:\n"
    "      - stepId: off\n"
    "        operationId: updateUser\n"
    "        parameters:\n"
    "          - {name: login, in: path, value: $inputs.record.login}\n"
    "        requestBody:\n"
    "          contentType: application/x-www-form-urlencoded\n"
    "          payload:\n"
    "            status: '0'\n"
    "        successCriteria:\n"
    "          - condition: $response.body#/status == 'OK'\n"
    "        onFailure:\n"
    "          - name: again\n"
    "            type: retry\n"
    "            retryAfter: 1\n"
    "            retryLimit: 3\n"
    "          - {reference: $components.failureActions.stop}\n"
    "        outputs:\n"
    "          v: $response.body#/v\n"
    "    outputs:\n"
    "      v: $steps.off.outputs.v\n"
    "    x-record: {block: blocked}\n"
    "  - workflowId: read\n"
    "    steps:\n"
    "      - stepId: get\n"
    "        operationPath: '{$sourceDescriptions.t.url}#/paths/~1users~1{login}/get'\n"
    "        parameters: [{name: login, in: path, value: x}]\n"
    "components:\n"
    "  failureActions:\n"
    "    stop: {name: stop, type: end, x-outcome: {kind: rejected, reason: stopped}}\n";

/* @text with the first @from replaced; the caller frees it. */
static char *edit(const char *text, const char *from, const char *to)
{
    const char *at = strstr(text, from);
    cr_assert(at != NULL, "no `%s`", from);
    char *out;
    cr_assert(asprintf(&out, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from)) > 0);
    return out;
}

static int line_of(const char *text, const char *mark)
{
    const char *at = strstr(text, mark);
    int line = 1;
    cr_assert(at != NULL, "no `%s`", mark);
    for (const char *s = text; s < at; s++)
        line += *s == '\n';
    return line;
}

struct refusal {
    const char *from, *to; /* the edit */
    const char *mark;      /* stands in the line that must be named; NULL: any */
    const char *pointer, *text;
};

static void expect_fault(const struct refusal *r, const struct pack_faults *f, const char *file, const char *edited)
{
    for (size_t i = 0; i < f->n; i++) {
        const struct pack_fault *one = &f->list[i];
        if (strstr(one->text, r->text) == NULL || strcmp(one->pointer, r->pointer) != 0)
            continue;
        cr_expect(strstr(one->file, file) != NULL, "%s: %s", r->text, one->file);
        if (r->mark != NULL)
            cr_expect(eq(int, one->line, line_of(edited, r->mark)), "%s", r->text);
        return;
    }
    cr_expect(false, "`%s` at %s was not told; first: %s: %s", r->text, r->pointer, f->n == 0 ? "-" : f->list[0].pointer,
              f->n == 0 ? "-" : f->list[0].text);
}

static void check_rows(const struct refusal *rows, size_t n, bool in_openapi)
{
    for (size_t i = 0; i < n; i++) {
        struct pack_faults f;
        char *edited = edit(in_openapi ? pack_files_openapi : good_workflows, rows[i].from, rows[i].to);
        struct pack *p = pack_files_load(in_openapi ? edited : pack_files_openapi, in_openapi ? good_workflows : edited, &f);
        cr_expect(p == NULL, "%s", rows[i].text);
        expect_fault(&rows[i], &f, in_openapi ? "/openapi.yaml" : "/workflows.arazzo.yaml", edited);
        pack_faults_fini(&f);
        pack_free(p);
        free(edited);
    }
}

Test(pack_load, a_good_pack_says_who_it_is)
{
    struct pack *p = pack_files_good(pack_files_openapi, good_workflows);
    cr_expect(eq(str, (char *)pack_title(p), "Good"));
    cr_expect(eq(str, (char *)pack_version(p), "2.0.0"));
    cr_expect(eq(sz, pack_workflow_count(p), 2u));
    cr_expect(eq(str, (char *)workflow_id(pack_workflow_at(p, 0)), "contract.blocked"));
    cr_expect(eq(str, (char *)workflow_summary(pack_workflow(p, "contract.blocked")), "Off"));
    cr_expect(pack_workflow(p, "contract") == NULL);
    cr_expect(pack_workflow_at(p, 2) == NULL);
    pack_free(p);
}

#define STEP "/workflows/0/steps/0"

Test(pack_load, workflows_that_are_not_supported_are_refused_by_name)
{
    static const struct refusal rows[] = {
        {"1.0.1", "1.1.0", "1.1.0", "/arazzo", "Arazzo 1.1.0 is not supported"},
        {"type: openapi", "type: arazzo", "arazzo}", "/sourceDescriptions/0/type", "of type `arazzo` is not supported"},
        {"[{name: t,", "[{name: s, url: b.yaml}, {name: t,", NULL, "/sourceDescriptions", "exactly one source description"},
        {"url: openapi.yaml", "url: ../openapi.yaml", NULL, "/sourceDescriptions/0/url", "a file of the pack's folder"},
        {"    summary: Off\n", "    dependsOn: [read]\n", "dependsOn", "/workflows/0/dependsOn", "dependsOn is not supported"},
        {"    summary: Off\n", "    sumary: Off\n", "sumary", "/workflows/0/sumary", "`sumary` is not a member of a workflow"},
        {"        operationId: updateUser\n", "        workflowId: read\n", "workflowId: read", STEP "/workflowId", "runs a workflow is not supported"},
        {"operationId: updateUser", "operationId: nobody", "nobody", STEP "/operationId", "there is no operation `nobody`"},
        {"    steps:\n      - stepId: get\n        operationPath: '{$sourceDescriptions.t.url}#/paths/~1users~1{login}/get'\n"
         "        parameters: [{name: login, in: path, value: x}]\n", "    steps: []\n", "steps: []", "/workflows/1/steps",
         "a workflow that belongs to no event needs a step"},
        {"#/paths/~1users~1{login}/get", "#/paths/~1gone/get", "gone", "/workflows/1/steps/0/operationPath", "there is no operation at"},
        {"in: path, value: $inputs.record.login", "in: cookie, value: 1", "cookie", STEP "/parameters/0", "`cookie` are not supported"},
        {"name: login, in: path, value: $inputs.record.login", "name: other, in: query, value: 1", "other", STEP "/parameters/0", "has no parameter `other` in query"},
        {"          - {name: login, in: path, value: $inputs.record.login}\n", "          []\n", NULL, STEP, "needs the parameter `login`"},
        {"application/x-www-form-urlencoded", "application/xml", "xml", STEP "/requestBody/contentType", "does not declare `application/xml`"},
        {"            status: '0'\n", "            status: {a: 1}\n", "{a: 1}", STEP "/requestBody/payload/status", "no nested objects"},
        {"          payload:\n            status: '0'\n", "          payload: {a: 1}\n          replacements: [{target: //a, value: 1}]\n", NULL,
         STEP "/requestBody/replacements/0", "has no place"},
        {"          payload:\n            status: '0'\n", "          payload: {a: 1}\n          replacements: [{target: a, value: 1}]\n", NULL,
         STEP "/requestBody/replacements/0/target", "XPath is not supported"},
        {"condition: $response.body#/status == 'OK'", "{condition: '$.x', context: $response.body, type: jsonpath}", "jsonpath",
         STEP "/successCriteria/0/type", "`jsonpath` are not supported"},
        {"            type: retry\n", "            type: goto\n            workflowId: read\n", "workflowId: read", STEP "/onFailure/0/workflowId",
         "goto to a workflow is not supported"},
        {"            type: retry\n", "            type: goto\n", NULL, STEP "/onFailure/0", "`stepId` is missing"},
        {"            type: retry\n", "            type: goto\n            stepId: gone\n", "stepId: gone", STEP "/onFailure/0/stepId", "there is no step `gone`"},
        {"            type: retry\n", "            type: stop\n", "type: stop", STEP "/onFailure/0/type", "`stop` is not known"},
        {"            type: retry\n", "            type: retry\n            workflowId: read\n", "workflowId: read", STEP "/onFailure/0/workflowId",
         "retry with a workflow is not supported"},
        {"            type: retry\n", "            type: retry\n            workflowId: authenticate\n", "authenticate", STEP "/onFailure/0/workflowId",
         "there is no workflow `authenticate`"},
        {"retryAfter: 1\n", "retryAfter: -1\n", "retryAfter", STEP "/onFailure/0/retryAfter", "must be a number of seconds"},
        {"retryLimit: 3", "retryLimit: x", "retryLimit", STEP "/onFailure/0/retryLimit", "must be a whole number"},
        {"$components.failureActions.stop", "$components.failureActions.gone", "gone", STEP "/onFailure/1", "there is no $components.failureActions.gone"},
        {"$components.failureActions.stop", "$components.successActions.stop", "successActions", STEP "/onFailure/1", "the reference must be"},
        {"{name: stop, type: end, x-outcome: {kind: rejected, reason: stopped}}", "{name: again, type: end}", NULL, STEP "/onFailure/1", "there are two actions `again`"},
        {"kind: rejected", "kind: done", "kind: done", "/components/failureActions/stop/x-outcome", "kind must be applied"},
        {"kind: rejected, reason: stopped", "kind: held, reason: stopped", "kind: held", "/components/failureActions/stop/x-outcome", "what is held waits for first_access or activation"},
        {"reason: stopped", "reason: Not A Word", "Not A", "/components/failureActions/stop/x-outcome", "must be a word"},
        {"workflowId: read", "workflowId: contract.blocked", NULL, "/workflows/1", "used twice"},
        {"workflowId: contract.blocked", "workflowId: service.snapshot", NULL, "/workflows/0", "`service.snapshot` is no pack's workflow"},
        {"workflowId: contract.blocked", "workflowId: billing.processed", NULL, "/workflows/0", "the worker notes it in the record"},
        {"workflowId: contract.blocked", "workflowId: service.adopted", NULL, "/workflows/0", "`service.adopted` is no pack's workflow"},
        {"          v: $response.body#/v\n", "          'a b': 1\n", "'a b'", STEP "/outputs/a b", "the name of an output"},
        {"required: [record]", "required: [other]", NULL, "/workflows/0/inputs", "not `other`"},
        {"required: [record]", "properties: {data: {properties: {a: {patern: x}}}}", NULL, "/workflows/0/inputs/properties/data", "patern"},
        {"    x-record: {block: blocked}\n", "    x-record: {block: $steps.gone.outputs.x}\n", "gone", "/workflows/0/x-record/block", "no step of that name"},
        {"    x-record: {block: blocked}\n", "    x-record: {block: {x-format: nope, value: 1}}\n", "nope", "/workflows/0/x-record/block/x-format", "there is no format"},
        {"    x-record: {block: blocked}\n", "    x-token: {scheme: session, value: x}\n", NULL, "/workflows/0", "belongs to the workflow `authenticate`"},
        {"    x-record: {block: blocked}\n", "    x-dates: {}\n", NULL, "/workflows/0/x-dates", "want `begins` or `after`, `ends`, or both"},
        {"    x-record: {block: blocked}\n", "    x-dates: {ends: {type: contract.unblocked, events: []}}\n", NULL, "/workflows/0/x-dates/ends", "for which the pack has a workflow"},
        {"    x-record: {block: blocked}\n", "    x-dates: {ends: {type: contract.blocked}}\n", NULL, "/workflows/0/x-dates/ends", "`events` is missing"},
        {"    x-record: {block: blocked}\n", "    x-dates: {begins: 2026-12-01, after: 2026-12-01}\n", NULL, "/workflows/0/x-dates", "`begins` or `after`, not both"},
        {"  - workflowId: read\n", "  - workflowId: package.removed\n    steps: []\n    x-dates: {after: 2026-12-31}\n  - workflowId: read\n", NULL,
         "/workflows/1/x-dates", "a workflow with no step is done at once"},
        {"    x-record: {block: blocked}\n", "    x-dates: {later: {type: contract.unblocked, of: packages, begins: []}}\n", NULL, "/workflows/0/x-dates/later", "for which the pack has a workflow"},
        {"    x-record: {block: blocked}\n", "    x-dates: {later: {type: contract.blocked, begins: []}}\n", NULL, "/workflows/0/x-dates/later", "`of` is missing"},
        {"    x-record: {block: blocked}\n", "    x-dates: {later: {type: contract.blocked, of: packages}}\n", NULL, "/workflows/0/x-dates/later", "`begins` is missing"},
        {"    x-record: {block: blocked}\n", "    x-dates: {later: {type: contract.blocked, of: packages, begins: [], from: x}}\n", NULL, "/workflows/0/x-dates/later/from", "not a member of x-dates.later"},
        {"    x-record: {block: blocked}\n", "    x-dates: {begin: x}\n", NULL, "/workflows/0/x-dates", "begin"},
        {"workflows:\n", "workflows: 7\nignored:\n", NULL, "/workflows", "must be a list"},
        {"info: {title: Good, version: 2.0.0}\n", "", NULL, "", "`info` is missing"},
        {"  - workflowId: contract.blocked\n", "  - workflowId: [\n", NULL, "", ""},
    };
    check_rows(rows, ARRAY_LEN(rows), false);
}

Test(pack_load, what_a_step_remembers_wrongly_is_refused_by_name)
{
    static const char with_last[] = "      - stepId: last\n        operationId: getUser\n        parameters: [{name: login, in: path, value: x}]\n    outputs:\n      v:";
    static const struct refusal rows[] = {
        {"        x-record: {before: next, remembered: {a: 1}}\n", "        x-record: {remembered: {a: 1}}\n", "x-record: {remembered", STEP "/x-record", "`before` is missing"},
        {"before: next", "before: end", "before: end", STEP "/x-record/before", "must be `next`"},
        {"before: next, remembered: {a: 1}", "before: next", "before: next", STEP "/x-record", "here is nothing"},
        {"before: next, remembered: {a: 1}", "before: next, axes: {a: 1}", "axes:", STEP "/x-record/axes", "`axes` is written by tvbridge itself"},
        {"before: next, remembered: {a: 1}", "before: next, status: active", "before: next, status:", STEP "/x-record/status", "`status` is written by"},
        {"before: next, remembered: {a: 1}", "before: next, remembered: null", "remembered:", STEP "/x-record/remembered", "null forgets"},
        {"before: next, remembered: {a: 1}", "before: next, remembered: {a: {b: null}}", "remembered:", STEP "/x-record/remembered", "null forgets"},
        {"before: next, remembered: {a: 1}", "before: next, remembered: $outputs.v", "remembered:", STEP "/x-record/remembered", "$outputs can be named"},
        {"before: next, remembered: {a: 1}", "before: next, remembered: $steps.gone.outputs.x", "gone", STEP "/x-record/remembered", "no step of that name"},
        {"      - stepId: last\n        operationId: getUser\n        parameters: [{name: login, in: path, value: x}]\n", "", "before: next", STEP "/x-record", "no request follows"},
        {"  - workflowId: contract.blocked\n", "  - workflowId: list\n", "before: next", STEP "/x-record", "`list` belongs to no event"},
        {"    x-record: {block: blocked}\n", "    x-record: {before: next, block: blocked}\n", NULL, "/workflows/0/x-record/before", "belongs to the x-record of a step"},
    };
    char *half = edit(good_workflows, "    outputs:\n      v:", with_last);
    char *whole = edit(half, "          v: $response.body#/v\n", "          v: $response.body#/v\n        x-record: {before: next, remembered: {a: 1}}\n");
    struct pack_faults f;
    pack_free(pack_files_good(pack_files_openapi, whole));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char *edited = edit(whole, rows[i].from, rows[i].to);
        cr_expect(pack_files_load(pack_files_openapi, edited, &f) == NULL, "%s", rows[i].text);
        expect_fault(&rows[i], &f, "/workflows.arazzo.yaml", edited);
        pack_faults_fini(&f);
        free(edited);
    }
    free(half);
    free(whole);
}

Test(pack_load, descriptions_that_are_not_supported_are_refused_by_name)
{
    static const struct refusal rows[] = {
        {"openapi: 3.0.3", "openapi: 2.0.0", "2.0.0", "/openapi", "OpenAPI 2.0.0 is not supported"},
        {"      x-repeat: safe\n", "", "put:", "/paths/~1users~1{login}/put", "updateUser says no x-repeat"},
        {"x-repeat: safe", "x-repeat: maybe", "maybe", "/paths/~1users~1{login}/put/x-repeat", "must be read, safe"},
        {"x-repeat-header: X-Once", "x-repeat-header: 'a b'", "a b", "/paths/~1keyed/post/x-repeat-header", "a header's name"},
        {"{type: http, scheme: basic}", "{type: oauth2, flows: {}}", "oauth2", "/components/securitySchemes/op", "`oauth2` is not supported"},
        {"{type: http, scheme: basic}", "{type: http, scheme: digest}", "digest", "/components/securitySchemes/op", "`digest` is not supported"},
        {"in: query, name: api key", "in: cookie, name: k", "cookie", "/components/securitySchemes/key", "`cookie` is not supported"},
        {"security: [{op: []}]", "security: [{gone: []}]", NULL, "/security/0", "no security scheme `gone`"},
        {"in: query, schema: {type: array}", "in: cookie, schema: {type: array}", "in: cookie", "/paths/~1list/get/parameters/0", "`cookie` are not supported"},
        {"in: query, schema: {type: array}", "in: query, style: deepObject", "deepObject", "/paths/~1list/get/parameters/0", "`deepObject` is not supported"},
        {"name: must, in: query, required: true", "name: must, in: query, required: true, x-path-only: true", "must, in", "/paths/~1list/get/parameters/2", "x-path-only is for"},
        {"in: query, schema: {type: array}", "in: query, allowReserved: true", "allowReserved", "/paths/~1list/get/parameters/0", "allowReserved"},
        {"{$ref: '#/components/parameters/login'}", "{$ref: 'other.yaml#/x'}", "other.yaml", "/paths/~1users~1{login}/parameters/0", "another file"},
        {"{$ref: '#/components/parameters/login'}", "{$ref: '#/components/gone'}", "gone", "/paths/~1users~1{login}/parameters/0", "leads nowhere"},
        {"name: login, in: path, required: true", "$ref: '#/components/parameters/login', a: 1", NULL, "/paths/~1users~1{login}/parameters/0", "in a circle"},
        {"name: login, in: path, required: true", "name: login, in: path", NULL, "/components/parameters/login", "required: true"},
        {"  /users/{login}:\n", "  /users/{user}:\n", NULL, "/paths/~1users~1{user}/get", "`user` is not declared"},
        {"operationId: getUser", "operationId: createUser", NULL, "/paths/~1users~1{login}/get", "two operations `createUser`"},
        {"      x-repeat: safe\n", "      x-repeat: safe\n      servers: []\n", NULL, "/paths/~1users~1{login}/put", "`servers` below the root"},
        {"variables: {host: {default: tv.example}}", "variables: {}", "servers", "/servers/0/url", "`host` has no default"},
        {"'200': {description: d}", "two: {description: d}", "two:", "/paths/~1users/post/responses/two", "is no status"},
        {"    post:\n", "    psot:\n", "psot", "/paths/~1users/psot", "`psot` is not a member of a path"},
    };
    check_rows(rows, ARRAY_LEN(rows), true);
}

Test(pack_load, a_query_operation_needs_a_way_to_ask)
{
    struct pack_faults f;
    char *text = edit(good_workflows, "operationId: updateUser\n        parameters:\n          - {name: login, in: path, value: $inputs.record.login}\n",
                      "operationId: createUser\n");
    cr_expect(pack_files_load(pack_files_openapi, text, &f) == NULL);
    cr_expect(eq(sz, f.n, 1u));
    cr_expect(strstr(f.list[0].text, "needs x-confirm") != NULL);
    pack_faults_fini(&f);
    free(text);
}

Test(pack_load, all_faults_are_told_not_only_the_first)
{
    struct pack_faults f;
    char *one = edit(good_workflows, "operationId: updateUser", "operationId: nobody");
    char *half = edit(one, "type: retry", "type: again");
    char *two = edit(half, "    x-record: {block: blocked}", "    x-record: {block: $what}");
    char *three = edit(two, "value: x}", "value: $inputs.nope}");
    char *api = edit(pack_files_openapi, "      x-repeat: safe\n", "");
    cr_expect(pack_files_load(api, three, &f) == NULL);
    cr_expect(eq(sz, f.n, 5u));
    pack_faults_fini(&f);
    free(one);
    free(half);
    free(two);
    free(three);
    free(api);
}

/* The @n-th block of YAML in the manual. */
static char *manual_block(const char *manual, int n)
{
    static const char fence[] = "```yaml\n";
    const char *at = manual;
    for (int i = 0; i <= n; i++) {
        at = strstr(at, fence);
        cr_assert(at != NULL);
        at += strlen(fence);
    }
    return strndup(at, (size_t)(strstr(at, "```") - at));
}

Test(pack_load, the_manuals_example_is_a_good_pack)
{
    struct err err = {0};
    size_t len;
    char *manual = file_read(TVB_ROOT "/schemas/providers/README.md", 1024 * 1024, &len, &err);
    cr_assert(manual != NULL, "%s", err.msg);
    char *api = manual_block(manual, 0), *workflows = manual_block(manual, 1);
    struct pack *p = pack_files_good(api, workflows);
    static const char *const replies[] = {"{\"status\":\"OK\"}", "{\"status\":\"OK\",\"results\":{\"account_number\":\"A1\"}}", NULL};
    char *got = pack_files_try(p, &(struct trial_inputs){
        .workflow = "service.created", .replies = replies, .event = "{\"subject\":\"s1\"}",
        .data = "{\"login\":\"ann\",\"plan\":\"3\",\"packages\":[\"P2\",\"P3\"],\"device\":{\"mac\":\"001a79001122\"}}"});
    cr_expect(eq(str, got, "POST http://tv/users login=ann&stb_mac=00%3A1A%3A79%3A00%3A11%3A22&subscribed[]=P2&subscribed[]=P3&comment=tvbridge+s1\n"
                           "GET http://tv/users/ann\n=> applied {\"account_number\":\"A1\"} record {\"status\":\"active\",\"login\":\"ann\","
                           "\"plan\":\"3\",\"ids\":{\"account_number\":\"A1\"}}"));
    pack_free(p);
    free(got);
    free(api);
    free(workflows);
    free(manual);
}

Test(pack_load, a_folder_without_files_is_refused)
{
    struct pack_faults f;
    cr_expect(pack_load("/nonexistent/pack", &f) == NULL);
    cr_assert(eq(sz, f.n, 1u));
    cr_expect(strstr(f.list[0].file, "/nonexistent/pack/workflows.arazzo.yaml") != NULL);
    pack_faults_fini(&f);
}

/* --- mutations --- */

static uint32_t next_random(uint32_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 17;
    *seed ^= *seed << 5;
    return *seed;
}

/* Changes, drops or doubles a few stretches of @text. */
static char *mutate(const char *text, uint32_t *seed)
{
    static const char *const spice[] = {"{", "}", "[", "]", ":", "- ", "\n", "'", "\"", "$", "#", "/", "{$", "null", "\t", "\xff", "&a ", "*a", "0", "x-each: $item\n", "$inputs.data"};
    size_t len = strlen(text), cap = len * 2 + 512;
    char *out = calloc(cap, 1);
    memcpy(out, text, len);
    for (unsigned n = 1 + next_random(seed) % 4; n > 0; n--) {
        size_t at = next_random(seed) % (len + 1), cut = next_random(seed) % 12;
        const char *add = spice[next_random(seed) % ARRAY_LEN(spice)];
        cut = next_random(seed) % 2 == 0 ? 0 : cut > len - at ? len - at : cut;
        if (len + strlen(add) + 1 >= cap)
            break;
        memmove(out + at + strlen(add), out + at + cut, len - at - cut + 1);
        memcpy(out + at, add, strlen(add));
        len += strlen(add) - cut;
    }
    if (next_random(seed) % 8 == 0)
        out[next_random(seed) % (len + 1)] = '\0';
    return out;
}

static void run_all(const struct pack *p)
{
    struct err err = {0};
    json_t *credentials = pack_credentials(p, "u"), *data = json_pack("{s:[s, {s:i}], s:n}", "a", "b", "c", 1, "login");
    struct bound_pack *b = pack_bind(p, "http://tv", credentials, NULL, "s", &err);
    for (size_t i = 0; b != NULL && i < pack_workflow_count(p); i++) {
        struct run *r = run_new(b, pack_workflow_at(p, i), &(struct run_inputs){.data = data, .record = data, .key = "k"});
        const struct call_reply reply = {.status = 200, .body = "{\"status\":\"OK\",\"v\":[1]}", .body_len = 23, .content_type = "", .retry_after_ms = -1};
        for (int n = 0; n < 20 && run_request(r) != NULL; n++)
            run_reply(r, &reply);
        run_free(r);
    }
    bound_pack_free(b);
    json_decref(credentials);
    json_decref(data);
}

Test(pack_load, no_mutation_crashes_the_loader)
{
    uint32_t seed = 20261122;
    unsigned loaded = 0, refused = 0;
    for (int i = 0; i < 1500; i++) {
        struct pack_faults f;
        char *workflows = i % 3 == 0 ? strdup(good_workflows) : mutate(good_workflows, &seed);
        char *api = i % 3 == 1 ? strdup(pack_files_openapi) : mutate(pack_files_openapi, &seed);
        struct pack *p = pack_files_load(api, workflows, &f);
        cr_expect(p == NULL ? f.n > 0 : f.n == 0, "refused without a fault, or loaded with one");
        if (p != NULL)
            run_all(p);
        loaded += p != NULL;
        refused += p == NULL;
        pack_free(p);
        pack_faults_fini(&f);
        free(workflows);
        free(api);
    }
    cr_expect(loaded > 20, "%u", loaded);
    cr_expect(refused > 500, "%u", refused);
}

Test(pack_load, random_bytes_are_refused)
{
    uint32_t seed = 7;
    for (int i = 0; i < 300; i++) {
        char bytes[200];
        size_t n = next_random(&seed) % (sizeof(bytes) - 1);
        for (size_t k = 0; k < n; k++)
            bytes[k] = (char)(1 + next_random(&seed) % 255);
        bytes[n] = '\0';
        struct pack_faults f;
        cr_expect(pack_files_load(i % 2 == 0 ? bytes : pack_files_openapi, i % 2 == 0 ? good_workflows : bytes, &f) == NULL);
        cr_expect(f.n > 0);
        pack_faults_fini(&f);
    }
}
