/* test_pack_settings.c - what an installation's settings say of a pack: paths, methods, and the pack's own settings.yaml. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>
#include <string.h>

#include "support/pack_files.h"

static const char api[] =
    "openapi: 3.0.3\n"
    "info: {title: T, version: '1'}\n"
    "servers: [{url: 'http://tv.example'}]\n"
    "paths:\n"
    "  /users/{login}:\n"
    "    put:\n"
    "      operationId: put\n"
    "      x-repeat: safe\n"
    "      x-path: $inputs.settings.paths.put\n"
    "      x-method: $inputs.settings.methods.put\n"
    "      parameters:\n"
    "        - {name: login, in: path, required: true, schema: {type: string}}\n"
    "        - {name: page, in: query, schema: {type: string}}\n"
    "        - {name: unused, in: query, schema: {type: string}}\n"
    "        - {name: id, in: query, x-path-only: true, schema: {type: string}}\n"
    "        - {name: X-Operator, in: header, schema: {type: string}}\n"
    "      responses: {'200': {description: d}}\n"
    "  /api/call:\n"
    "    post:\n"
    "      operationId: call\n"
    "      x-repeat: safe\n"
    "      x-path: '/api/{$inputs.settings.call}'\n"
    "      responses: {'200': {description: d}}\n";

#define PUT                                                                                                            \
    "    steps: [{stepId: s, operationId: put, parameters: [{name: login, in: path, value: $inputs.data.login}, "      \
    "{name: page, in: query, value: $inputs.data.page}, {name: id, in: query, value: 'i/d'}, {name: X-Operator, in: header, value: op}], "                  \
    "outputs: {m: $method}}]\n    outputs: {m: $steps.s.outputs.m}\n"
#define CALL "    steps: [{stepId: s, operationId: call}]\n"

static struct pack *pack_of(const char *members)
{
    char *text = pack_files_workflow(members);
    struct pack *p = pack_files_good(api, text);
    free(text);
    return p;
}

Test(pack_settings, paths_and_methods_are_what_the_settings_say)
{
    static const struct {
        const char *why, *members, *settings, *data, *want;
    } rows[] = {
        {"as declared", PUT, "{}", "{\"login\":\"a/b\",\"page\":\"2\"}", "PUT http://tv/users/a%2Fb?page=2 X-Operator=op\n=> applied {\"m\":\"PUT\"}"},
        {"another path, its values encoded", PUT, "{\"paths\":{\"put\":\"/v2/customers/{login}/state\"}}", "{\"login\":\"a/b\"}",
         "PUT http://tv/v2/customers/a%2Fb/state X-Operator=op\n=> applied {\"m\":\"PUT\"}"},
        {"another method, in any case", PUT, "{\"methods\":{\"put\":\"patch\"}}", "{\"login\":\"a\"}",
         "PATCH http://tv/users/a X-Operator=op\n=> applied {\"m\":\"PATCH\"}"},
        {"a query of its own", PUT, "{\"paths\":{\"put\":\"/x.php?api=view.detail&user={login}\"}}", "{\"login\":\"a&b\",\"page\":\"2\"}",
         "PUT http://tv/x.php?api=view.detail&user=a%26b&page=2 X-Operator=op\n=> applied {\"m\":\"PUT\"}"},
        {"what the path takes from another place is not sent there too", PUT, "{\"paths\":{\"put\":\"/{X-Operator}/{page}\"}}",
         "{\"login\":\"a\",\"page\":\"2\"}", "PUT http://tv/op/2\n=> applied {\"m\":\"PUT\"}"},
        {"what is for such a path only", PUT, "{\"paths\":{\"put\":\"/ids/{id}\"}}", "{\"login\":\"a\"}",
         "PUT http://tv/ids/i%2Fd X-Operator=op\n=> applied {\"m\":\"PUT\"}"},
        {"a value that the path needs is missing", PUT, "{\"paths\":{\"put\":\"/p/{page}\"}}", "{\"login\":\"a\"}",
         "=> rejected missing_input (step s: the query parameter page has no value ($inputs.data.page))"},
        {"dots alone are no segment", PUT, "{\"paths\":{\"put\":\"/p/{login}/x\"}}", "{\"login\":\"..\"}",
         "=> rejected invalid_input (step s: the value of the path parameter login cannot be sent)"},
        {"text with settings in it", CALL, "{\"call\":\"subscriber/create\"}", NULL, "POST http://tv/api/subscriber/create\n=> applied"},
        {"without the setting, as declared", CALL, "{}", NULL, "POST http://tv/api/call\n=> applied"},
        {"null is no setting", CALL, "{\"call\":null}", NULL, "POST http://tv/api/call\n=> applied"},
    };
    static const char *const replies[] = {"200 ", NULL};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct pack *p = pack_of(rows[i].members);
        char *got = pack_files_try(p, &(struct trial_inputs){
            .data = rows[i].data, .settings = rows[i].settings, .replies = replies, .headers = true});
        cr_expect(eq(str, got, (char *)rows[i].want), "%s", rows[i].why);
        free(got);
        pack_free(p);
    }
}

Test(pack_settings, a_path_or_method_that_cannot_be_is_refused_when_the_pack_is_bound)
{
    static const struct {
        const char *settings, *want;
    } rows[] = {
        {"{\"paths\":{\"put\":\"users/{login}\"}}", "the operation put: the settings' path: a path begins with /"},
        {"{\"paths\":{\"put\":\"/users/{login\"}}", "`{` without a name and `}`"},
        {"{\"paths\":{\"put\":\"/users/{}\"}}", "`{` without a name and `}`"},
        {"{\"paths\":{\"put\":\"/users/{mac}\"}}", "the pack has nothing to put in place of {mac}"},
        {"{\"paths\":{\"put\":\"/users/{unused}\"}}", "the pack has nothing to put in place of {unused}"},
        {"{\"paths\":{\"put\":\"/a b\"}}", "must be percent-encoded"},
        {"{\"paths\":{\"put\":\"/a#b\"}}", "must be percent-encoded"},
        {"{\"paths\":{\"put\":\"/a}\"}}", "must be percent-encoded"},
        {"{\"paths\":{\"put\":\"/caf\\u00e9\"}}", "must be percent-encoded"},
        {"{\"paths\":{\"put\":7}}", "it must be text"},
        {"{\"methods\":{\"put\":\"FETCH\"}}", "the operation put: the settings' method: GET, PUT"},
        {"{\"methods\":{\"put\":[\"GET\"]}}", "it must be text"},
    };
    struct pack *p = pack_of(PUT);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err err = {0};
        json_t *settings = json_loads(rows[i].settings, 0, NULL);
        cr_assert(settings != NULL);
        cr_expect(pack_bind(p, NULL, NULL, settings, NULL, &err) == NULL, "%s", rows[i].settings);
        cr_expect(strstr(err.msg, rows[i].want) != NULL, "%s: %s", rows[i].settings, err.msg);
        json_decref(settings);
    }
    pack_free(p);
}

static char *refusal(struct pack *p, struct pack_faults *f)
{
    char *text = NULL;
    cr_expect(p == NULL);
    cr_assert(f->n > 0);
    cr_assert(asprintf(&text, "%s:%d: %s: %s", strrchr(f->list[0].file, '/') + 1, f->list[0].line, f->list[0].pointer, f->list[0].text) > 0);
    pack_free(p);
    pack_faults_fini(f);
    return text;
}

Test(pack_settings, x_path_names_settings_only)
{
    static const char *const wrong[] = {"$inputs.data.login", "/users/{login}", "'/{$inputs.settings.a}/{$inputs.event.id}'",
                                        "$inputs.settings#{$inputs.data.a}"};
    char *workflow = pack_files_workflow(PUT);
    const char *mark = "$inputs.settings.paths.put";
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        struct pack_faults f;
        char *text = NULL, *at = strstr(api, mark);
        cr_assert(asprintf(&text, "%.*s%s%s", (int)(at - api), api, wrong[i], at + strlen(mark)) > 0);
        char *why = refusal(pack_files_load(text, workflow, &f), &f);
        cr_expect(eq(str, why, "openapi.yaml:9: /paths/~1users~1{login}/put/x-path: x-path is text with $inputs.settings in it, and no other expression"));
        free(why);
        free(text);
    }
    free(workflow);
}

#define SHOW                                                                                                           \
    "    steps: [{stepId: s, operationId: call, outputs: {a: $inputs.settings.a, b: $inputs.settings.b, c: $inputs.settings.c}}]\n" \
    "    outputs: {a: $steps.s.outputs.a, b: $steps.s.outputs.b, c: $steps.s.outputs.c}\n"

static const char base_settings[] = "settings: {a: {x: base, y: base}, b: base, c: [1, 2], call: of-base}\n";

static void expect_run(struct pack *p, const char *settings, const char *want)
{
    static const char *const replies[] = {"200 ", NULL};
    cr_assert(p != NULL);
    char *got = pack_files_try(p, &(struct trial_inputs){.settings = settings, .replies = replies});
    cr_expect(eq(str, got, (char *)want));
    free(got);
    pack_free(p);
}

Test(pack_settings, an_installations_settings_go_over_the_packs_own)
{
    struct pack_faults f;
    char *workflow = pack_files_workflow(SHOW);
    expect_run(pack_files_load_with(api, workflow, base_settings, &f), "{}",
               "POST http://tv/api/of-base\n=> applied {\"a\":{\"x\":\"base\",\"y\":\"base\"},\"b\":\"base\",\"c\":[1,2]}");
    expect_run(pack_files_load_with(api, workflow, base_settings, &f), "{\"a\":{\"y\":\"mine\"},\"b\":null,\"c\":[3],\"call\":null}",
               "POST http://tv/api/call\n=> applied {\"a\":{\"x\":\"base\",\"y\":\"mine\"},\"c\":[3]}");
    free(workflow);
}

Test(pack_settings, a_folder_may_name_another_whose_documents_it_uses)
{
    struct pack_faults f;
    char *workflow = pack_files_workflow(SHOW);
    static const char named[] = "pack: base\ntitle: Mine\nsettings: {a: {x: named}, b: null, call: of-named}\n";
    struct pack *p = pack_files_load_named(api, workflow, base_settings, named, &f);
    cr_assert(p != NULL);
    cr_expect(eq(str, (char *)pack_title(p), "Mine"));
    expect_run(p, "{\"a\":{\"z\":1}}",
               "POST http://tv/api/of-named\n=> applied {\"a\":{\"x\":\"named\",\"y\":\"base\",\"z\":1},\"c\":[1,2]}");
    p = pack_files_load_named(api, workflow, NULL, "pack: base\n", &f);
    cr_assert(p != NULL);
    cr_expect(eq(str, (char *)pack_title(p), "T"));
    expect_run(p, "{}", "POST http://tv/api/call\n=> applied");
    free(workflow);
}

Test(pack_settings, a_settings_file_that_cannot_be_is_refused_with_its_line)
{
    static const struct {
        const char *base, *named, *want;
    } rows[] = {
        {NULL, "pack: ../base\n", "settings.yaml:1: /pack: `pack` is the name of a folder beside this one"},
        {NULL, "pack: .\n", "settings.yaml:1: /pack: `pack` is the name of a folder beside this one"},
        {NULL, "title: T\npack: 7\n", "settings.yaml:2: /pack: `pack` must be text"},
        {NULL, "pack: gone\n", "workflows.arazzo.yaml:0: : No such file or directory"},
        {NULL, "pack: base\nsetting: {}\n", "settings.yaml:2: /setting: `setting` is not a member of settings.yaml"},
        {NULL, "pack: base\nsettings: []\n", "settings.yaml:2: /settings: `settings` must be an object"},
        {NULL, "[]\n", "settings.yaml:1: : settings.yaml is an object with pack, title and settings"},
        {NULL, "pack: [\n", NULL},
        {"pack: own\n", "pack: base\n", "settings.yaml:1: /pack: a pack that another one names cannot name a third"},
    };
    char *workflow = pack_files_workflow(SHOW);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct pack_faults f;
        char *why = refusal(pack_files_load_named(api, workflow, rows[i].base, rows[i].named, &f), &f);
        if (rows[i].want != NULL)
            cr_expect(eq(str, why, (char *)rows[i].want), "%s", rows[i].named);
        free(why);
    }
    free(workflow);
}
