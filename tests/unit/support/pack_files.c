/* pack_files.c - see pack_files.h. */
#include "support/pack_files.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const char pack_files_openapi[] =
    "openapi: 3.0.3\n"
    "info: {title: T, version: '1'}\n"
    "servers: [{url: 'https://{host}/api/', variables: {host: {default: tv.example}}}]\n"
    "security: [{op: []}]\n"
    "components:\n"
    "  securitySchemes:\n"
    "    op: {type: http, scheme: basic}\n"
    "    session: {type: http, scheme: bearer}\n"
    "    key: {type: apiKey, in: query, name: api key}\n"
    "  parameters:\n"
    "    login: {name: login, in: path, required: true, schema: {type: string}}\n"
    "paths:\n"
    "  /users:\n"
    "    post:\n"
    "      operationId: createUser\n"
    "      x-repeat: query\n"
    "      requestBody: {content: {application/x-www-form-urlencoded: {schema: {properties: {'sub[]': {}}}}}}\n"
    "      responses: {'200': {description: d}}\n"
    "  /users/{login}:\n"
    "    parameters: [{$ref: '#/components/parameters/login'}]\n"
    "    get:\n"
    "      operationId: getUser\n"
    "      responses: {'200': {description: d, content: {application/json: {}}}}\n"
    "    put:\n"
    "      operationId: updateUser\n"
    "      x-repeat: safe\n"
    "      requestBody: {content: {application/x-www-form-urlencoded: {}}}\n"
    "      responses: {'200': {description: d}}\n"
    "  /json:\n"
    "    post:\n"
    "      operationId: postJson\n"
    "      x-repeat: safe\n"
    "      security: []\n"
    "      requestBody: {required: true, content: {application/json: {}}}\n"
    "      responses: {'201': {description: d}}\n"
    "  /keyed:\n"
    "    post:\n"
    "      operationId: keyed\n"
    "      x-repeat: keyed\n"
    "      x-repeat-header: X-Once\n"
    "      security: []\n"
    "      responses: {2XX: {description: d}}\n"
    "  /list:\n"
    "    get:\n"
    "      operationId: list\n"
    "      security: [{key: []}]\n"
    "      parameters:\n"
    "        - {name: id, in: query, schema: {type: array}}\n"
    "        - {name: csv, in: query, explode: false, schema: {type: array}}\n"
    "        - {name: must, in: query, required: true, schema: {type: string}}\n"
    "        - {name: X-H, in: header, schema: {type: string}}\n"
    "      responses: {default: {description: d}}\n"
    "  /me:\n"
    "    get:\n"
    "      operationId: me\n"
    "      security: [{session: []}]\n"
    "      responses: {'200': {description: d}}\n"
    "  /login:\n"
    "    post:\n"
    "      operationId: login\n"
    "      x-repeat: read\n"
    "      security: []\n"
    "      requestBody: {content: {application/json: {}}}\n"
    "      responses: {'200': {description: d}}\n";

static void write_file(const char *dir, const char *name, const char *text)
{
    char path[300];
    snprintf(path, sizeof(path), "%s/%s", dir, name);
    FILE *f = fopen(path, "w");
    cr_assert(f != NULL);
    fputs(text, f);
    fclose(f);
}

static void remove_file(const char *dir, const char *name)
{
    char path[300];
    snprintf(path, sizeof(path), "%s/%s", dir, name);
    unlink(path);
}

/* @settings may be NULL. */
static void write_pack(const char *dir, const char *openapi, const char *workflows, const char *settings)
{
    if (openapi != NULL)
        write_file(dir, "openapi.yaml", openapi);
    if (workflows != NULL)
        write_file(dir, "workflows.arazzo.yaml", workflows);
    if (settings != NULL)
        write_file(dir, "settings.yaml", settings);
}

static void remove_pack(const char *dir)
{
    remove_file(dir, "openapi.yaml");
    remove_file(dir, "workflows.arazzo.yaml");
    remove_file(dir, "settings.yaml");
    rmdir(dir);
}

struct pack *pack_files_load_with(const char *openapi, const char *workflows, const char *settings,
                                  struct pack_faults *ret_faults)
{
    char dir[] = "/tmp/tvb-pack-XXXXXX";
    cr_assert(mkdtemp(dir) != NULL);
    write_pack(dir, openapi, workflows, settings);
    struct pack *p = pack_load(dir, ret_faults);
    remove_pack(dir);
    return p;
}

struct pack *pack_files_load(const char *openapi, const char *workflows, struct pack_faults *ret_faults)
{
    return pack_files_load_with(openapi, workflows, NULL, ret_faults);
}

struct pack *pack_files_load_named(const char *openapi, const char *workflows, const char *settings, const char *named,
                                   struct pack_faults *ret_faults)
{
    char up[] = "/tmp/tvb-packs-XXXXXX", base[64], own[64];
    cr_assert(mkdtemp(up) != NULL);
    snprintf(base, sizeof(base), "%s/base", up);
    snprintf(own, sizeof(own), "%s/own", up);
    cr_assert(mkdir(base, 0700) == 0 && mkdir(own, 0700) == 0);
    write_pack(base, openapi, workflows, settings);
    write_pack(own, NULL, NULL, named);
    struct pack *p = pack_load(own, ret_faults);
    remove_pack(base);
    remove_pack(own);
    rmdir(up);
    return p;
}

struct pack *pack_files_good(const char *openapi, const char *workflows)
{
    struct pack_faults f;
    struct pack *p = pack_files_load(openapi, workflows, &f);
    for (size_t i = 0; i < f.n; i++)
        cr_log_error("%s:%d: %s: %s\n%s", f.list[i].file, f.list[i].line, f.list[i].pointer, f.list[i].text, workflows);
    pack_faults_fini(&f);
    cr_assert(p != NULL, "the pack was refused");
    return p;
}

char *pack_files_workflow(const char *members)
{
    char *text;
    int n = asprintf(&text,
                     "arazzo: 1.0.1\n"
                     "info: {title: T, version: 1.2.3}\n"
                     "sourceDescriptions: [{name: t, url: openapi.yaml, type: openapi}]\n"
                     "workflows:\n"
                     "  - workflowId: w\n"
                     "%s",
                     members);
    cr_assert(n > 0);
    return text;
}

static struct bound_pack *bind_with(const struct pack *p, const char *text)
{
    struct err err = {0};
    json_t *credentials = pack_credentials(p, "u"), *settings = json_loads(text, 0, NULL);
    cr_assert(settings != NULL, "%s", text);
    struct bound_pack *b = pack_bind(p, "http://tv/", credentials, settings, "s3cret", &err);
    cr_assert(b != NULL, "%s", err.msg);
    json_decref(credentials);
    json_decref(settings);
    return b;
}

struct bound_pack *pack_files_bind(const struct pack *p)
{
    return bind_with(p, "{\"region\":\"north\"}");
}

/* --- trials --- */

static void add_request(struct buf *out, const struct call_request *q, bool headers)
{
    buf_addf(out, "%s %s", q->method, q->url);
    for (size_t i = 0; i < q->header_count && headers; i++)
        if (strcmp(q->headers[i].name, "Accept") != 0 && strcmp(q->headers[i].name, "Content-Type") != 0)
            buf_addf(out, " %s=%s", q->headers[i].name, q->headers[i].value);
    if (q->body != NULL) {
        buf_addc(out, ' ');
        buf_add(out, q->body, q->body_len);
    }
    buf_addc(out, '\n');
}

static void give_reply(struct run *r, const char *text)
{
    char *copy = strdup(text), *body = copy;
    struct call_header headers[1];
    struct call_reply reply = {.status = 200, .content_type = "", .retry_after_ms = -1, .headers = headers};
    if (strspn(copy, "0123456789") == 3 && (copy[3] == ' ' || copy[3] == '|')) {
        reply.status = atoi(copy);
        body = copy + 4;
        char *bar = copy[3] == '|' ? strchr(body, '|') : NULL;
        if (bar != NULL) {
            *bar = '\0';
            char *colon = strstr(body, ": ");
            *colon = '\0';
            headers[0] = (struct call_header){body, colon + 2};
            reply.header_count = 1;
            if (strcmp(body, "Retry-After") == 0)
                reply.retry_after_ms = atoi(colon + 2) * 1000;
            body = bar + 1;
        }
    }
    reply.body = body;
    reply.body_len = strlen(body);
    run_reply(r, &reply);
    free(copy);
}

static void add_end(struct buf *out, const struct run_result *x)
{
    char *outputs = json_dumps(x->outputs, JSON_COMPACT), *record = json_dumps(x->record, JSON_COMPACT);
    buf_addf(out, "=> %s", outcome_kind_name(x->kind));
    if (x->reason[0] != '\0')
        buf_addf(out, " %s", x->reason);
    if (x->detail[0] != '\0')
        buf_addf(out, " (%s)", x->detail);
    if (json_object_size(x->outputs) > 0)
        buf_addf(out, " %s", outputs);
    if (json_object_size(x->record) > 0)
        buf_addf(out, " record %s", record);
    if (x->token != NULL)
        buf_addf(out, " token %s for %lld", x->token, (long long)x->token_life_ms);
    free(outputs);
    free(record);
}

static void add_kept(struct buf *out, struct run *r)
{
    if (run_kept(r) == NULL)
        return;
    char *text = json_dumps(run_kept(r), JSON_COMPACT);
    buf_addf(out, "remembers %s\n", text);
    run_kept_done(r);
    free(text);
}

static bool go_on(struct run *r, const struct trial_inputs *in, size_t *at, struct buf *out)
{
    switch (run_state(r)) {
    case RUN_RETRY:
        buf_addf(out, "retry %lld\n", (long long)run_retry_after_ms(r));
        run_request(r);
        return true;
    case RUN_CALL:
        add_request(out, run_request(r), in->headers);
        if (in->replies == NULL || in->replies[*at] == NULL) {
            buf_adds(out, "=> waits");
            return false;
        }
        give_reply(r, in->replies[(*at)++]);
        add_kept(out, r);
        return true;
    case RUN_TOKEN:
        buf_adds(out, "token\n");
        run_set_token(r, "fresh");
        return true;
    case RUN_UNKNOWN:
        buf_adds(out, "=> unknown");
        return false;
    case RUN_END:
        add_end(out, run_result(r));
        return false;
    }
    return false;
}

static json_t *parsed(const char *text)
{
    json_error_t e;
    json_t *v = text == NULL ? NULL : json_loads(text, 0, &e);
    cr_assert(text == NULL || v != NULL, "%s: %s", text, e.text);
    return v;
}

char *pack_files_try(const struct pack *p, const struct trial_inputs *in)
{
    struct bound_pack *b = in->settings == NULL ? pack_files_bind(p) : bind_with(p, in->settings);
    json_t *data = parsed(in->data), *record = parsed(in->record), *event = parsed(in->event);
    const struct run_inputs inputs = {.event = event, .data = data, .record = record, .key = "svc/src/1",
                                      .token = in->token};
    const struct workflow *w = pack_workflow(p, in->workflow == NULL ? "w" : in->workflow);
    cr_assert(w != NULL);
    struct run *r = run_new(b, w, &inputs);
    struct buf out;
    size_t at = 0;
    buf_init(&out, 1024 * 1024);
    while (go_on(r, in, &at, &out))
        ;
    run_free(r);
    bound_pack_free(b);
    json_decref(data);
    json_decref(record);
    json_decref(event);
    return buf_steal(&out, NULL);
}
