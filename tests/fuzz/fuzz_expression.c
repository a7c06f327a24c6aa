/* Conditions, values and expressions of a pack. Input: a condition, a line "%%", a JSON value with expressions, a line
 * "%%", the answers as in fuzz_reply.c. They stand in a small pack of which all else is right. */
#include "fuzz_runs.h"

#include <stdlib.h>
#include <string.h>

static const char openapi[] =
    "{\"openapi\":\"3.0.3\",\"info\":{\"title\":\"T\",\"version\":\"1\"},\"servers\":[{\"url\":\"http://tv\"}],\"paths\":{"
    "\"/a/{id}\":{\"post\":{\"operationId\":\"a\",\"x-repeat\":\"safe\",\"parameters\":[{\"name\":\"id\",\"in\":\"path\","
    "\"required\":true,\"schema\":{}}],\"requestBody\":{\"content\":{\"application/json\":{}}},\"responses\":{\"200\":{"
    "\"description\":\"d\"}}}},\"/b\":{\"put\":{\"operationId\":\"b\",\"x-repeat\":\"safe\",\"requestBody\":{\"content\":{"
    "\"application/x-www-form-urlencoded\":{}}},\"responses\":{\"200\":{\"description\":\"d\"}}}}}}";

/* Two steps: the second one sees what the first one gave. */
static json_t *workflows(const char *condition, json_t *value)
{
    return json_pack(
        "{s:s, s:{s:s,s:s}, s:[{s:s,s:s,s:s}], s:[{s:s, s:["
        "{s:s,s:s,s:[{s:s,s:s,s:s}],s:{s:s,s:O},s:[{s:s}],s:{s:s}},"
        "{s:s,s:s,s:{s:s,s:{s:O}},s:[{s:s}],s:[{s:s,s:s,s:i,s:i}]}],"
        "s:{s:O}}]}",
        "arazzo", "1.0.1", "info", "title", "T", "version", "1", "sourceDescriptions", "name", "t", "url", "openapi.yaml",
        "type", "openapi", "workflows", "workflowId", "contract.blocked", "steps",
        "stepId", "one", "operationId", "a", "parameters", "name", "id", "in", "path", "value", "$inputs.event.subject",
        "requestBody", "contentType", "application/json", "payload", value, "successCriteria", "condition",
        "$statusCode == 200", "outputs", "got", "$response.body",
        "stepId", "two", "operationId", "b", "requestBody", "contentType", "application/x-www-form-urlencoded", "payload",
        "f", value, "successCriteria", "condition", condition, "onFailure", "name", "again", "type", "retry", "retryAfter", 1,
        "retryLimit", 2, "x-record", "kept", value);
}

static void load_and_play(const char *condition, json_t *value, struct fuzz_text replies)
{
    json_t *doc = workflows(condition, value);
    if (doc == NULL)
        return; /* not UTF-8 */
    char *text = fuzz_json(doc);
    struct pack_faults faults;
    fuzz_write("openapi.yaml", (struct fuzz_text){openapi, strlen(openapi)});
    fuzz_write("workflows.arazzo.yaml", (struct fuzz_text){text, strlen(text)});
    struct pack *p = pack_load(fuzz_folder(), &faults);
    struct bound_pack *b = p == NULL ? NULL : fuzz_bind(p);
    const struct workflow *w = p == NULL ? NULL : pack_workflow(p, "contract.blocked");
    struct fuzz_start s;
    fuzz_start_init(&s, "contract.blocked", (struct fuzz_text){"", 0}, (struct fuzz_text){"", 0});
    struct run *r = b == NULL || w == NULL ? NULL : run_new(b, w, &s.in);
    if (r != NULL)
        fuzz_play(r, b, w, &s.in, replies);
    run_free(r);
    fuzz_start_fini(&s);
    bound_pack_free(b);
    pack_faults_fini(&faults);
    pack_free(p);
    json_decref(doc);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_text rest = fuzz_input(data, size), condition = fuzz_part(&rest), text = fuzz_part(&rest);
    json_t *value = json_loadb(text.data, text.len, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, NULL);
    if (value == NULL)
        value = json_stringn(text.data, text.len);
    char *c = fuzz_cstr(condition);
    if (value != NULL)
        load_and_play(c, value, rest);
    free(c);
    json_decref(value);
    return 0;
}
