/* openapi.c - operations of an OpenAPI 3.0 or 3.1 document. */
#include "workflow/openapi.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "workflow/openapi_parts.h"
#include "workflow/path.h"
#include "workflow/settable.h"

static const char *const methods[] = {"get", "put", "post", "delete", "options", "head", "patch", "trace"};
static const char operation_members[] =
    " tags summary description externalDocs operationId parameters requestBody responses callbacks deprecated security "
    "servers ";

struct operation *openapi_operation(const struct pack *p, const char *id)
{
    for (size_t i = 0; i < p->op_count; i++)
        if (strcmp(p->ops[i].id, id) == 0)
            return &p->ops[i];
    return NULL;
}

struct operation *openapi_operation_at(const struct pack *p, const char *pointer)
{
    for (size_t i = 0; i < p->op_count; i++)
        if (strcmp(p->ops[i].pointer, pointer) == 0)
            return &p->ops[i];
    return NULL;
}

const struct scheme *openapi_scheme(const struct pack *p, const char *id)
{
    for (size_t i = 0; i < p->scheme_count; i++)
        if (p->schemes[i].id != NULL && strcmp(p->schemes[i].id, id) == 0)
            return &p->schemes[i];
    return NULL;
}

/* --- x-repeat --- */

static bool is_reading(const char *method)
{
    return strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
}

static void compile_repeat(struct loader *l, const json_t *v, struct operation *op, const struct at *at)
{
    static const char *const names[] = {"read", "safe", "keyed", "query", "never"};
    struct at here = at_key(at, "x-repeat"), header_at = at_key(at, "x-repeat-header");
    const char *repeat = load_string(l, v, "x-repeat", at, false);
    const char *header = load_string(l, v, "x-repeat-header", at, false);
    op->repeat_header = header == NULL ? "Idempotency-Key" : header;
    if (json_object_get(v, "x-repeat") == NULL) {
        if (!is_reading(op->method))
            load_fault(l, at, "%s says no x-repeat: safe, keyed, query or never (or read)", op->id);
        op->repeat = CALL_READ;
        return;
    }
    for (size_t i = 0; repeat != NULL && i < ARRAY_LEN(names); i++) {
        if (strcmp(names[i], repeat) != 0)
            continue;
        op->repeat = (enum call_repeat)((int)CALL_READ + (int)i);
        if (header != NULL && (op->repeat != CALL_KEYED || !part_is_token(header)))
            load_fault(l, &header_at, "x-repeat-header is a header's name, for x-repeat: keyed");
        return;
    }
    load_fault(l, &here, "x-repeat must be read, safe, keyed, query or never");
}

/* --- path --- */

static void compile_path(struct loader *l, const char *path, struct operation *op, const struct at *at)
{
    struct err err = {0};
    if (path_split(&l->pack->arena, path, &op->path, &op->path_count, &err) == 0)
        return;
    if (err.code == ERR_NOMEM)
        l->out_of_memory = true;
    else
        load_fault(l, at, "%s", err.msg);
}

/* --- body and answers --- */

static void compile_body(struct loader *l, const json_t *v, struct operation *op, const struct at *at)
{
    const json_t *body = load_object(l, v, "requestBody", at, false);
    struct at here = at_key(at, "requestBody");
    if (body == NULL)
        return;
    struct node n = load_resolve(l, body, &here);
    if (n.v == NULL)
        return;
    op->content = load_object(l, n.v, "content", &n.at, true);
    op->body_required = json_is_true(json_object_get(n.v, "required"));
}

static const char *first_media(const json_t *response)
{
    return json_object_iter_key(json_object_iter(json_object_get(response, "content")));
}

static void compile_responses(struct loader *l, const json_t *v, struct operation *op, const struct at *at)
{
    op->responses = load_object(l, v, "responses", at, true);
    struct at up = at_key(at, "responses");
    const char *status;
    json_t *response;
    json_object_foreach((json_t *)(uintptr_t)op->responses, status, response) {
        struct at here = at_key(&up, status);
        bool code = strlen(status) == 3 && strchr("12345", status[0]) != NULL && status[0] != '\0';
        if (!code && strcmp(status, "default") != 0 && strncmp(status, "x-", 2) != 0)
            load_fault(l, &here, "`%s` is no status: 200, 2XX or default, in quotes", status);
        if (status[0] == '2' && op->accept == NULL)
            op->accept = first_media(load_resolve(l, response, &here).v);
    }
}

/* --- operations --- */

static struct operation *new_operation(struct loader *l, const json_t *v, const char *method, const char *path,
                                       const struct at *at)
{
    struct operation *op = &l->pack->ops[l->pack->op_count];
    char name[300], upper[16] = "";
    for (size_t i = 0; method[i] != '\0'; i++)
        upper[i] = (char)toupper((unsigned char)method[i]);
    snprintf(name, sizeof(name), "%s %s", upper, path);
    const char *id = load_string(l, v, "operationId", at, false);
    if (id != NULL && openapi_operation(l->pack, id) != NULL)
        load_fault(l, at, "there are two operations `%s`", id);
    *op = (struct operation){.index = l->pack->op_count};
    op->id = id != NULL ? id : load_text(l, name, strlen(name));
    op->method = load_text(l, upper, strlen(upper));
    op->pointer = at_keep(l, at);
    if (l->out_of_memory)
        return NULL;
    l->pack->op_count++;
    return op;
}

static void compile_operation(struct loader *l, const json_t *item, const char *method, const char *path,
                              const struct at *item_at)
{
    const json_t *v = load_object(l, item, method, item_at, false);
    struct at at = at_key(item_at, method);
    struct operation *op = v == NULL ? NULL : new_operation(l, v, method, path, &at);
    if (op == NULL)
        return;
    load_known(l, v, operation_members, &at, "an operation");
    if (json_object_get(v, "servers") != NULL)
        load_fault(l, &at, "`servers` below the root is not supported");
    compile_repeat(l, v, op, &at);
    compile_path(l, path, op, &at);
    part_params(l, item, v, op, item_at, &at);
    compile_body(l, v, op, &at);
    compile_responses(l, v, op, &at);
    part_security(l, v, op, &at);
    settable_compile(l, v, op, &at);
}

static void compile_item(struct loader *l, const char *path, const json_t *item, const struct at *at)
{
    load_known(l, item, " $ref summary description get put post delete options head patch trace servers parameters ",
               at, "a path");
    struct node n = load_resolve(l, item, at);
    if (n.v == NULL)
        return;
    if (json_object_get(n.v, "servers") != NULL)
        load_fault(l, &n.at, "`servers` below the root is not supported");
    for (size_t i = 0; i < ARRAY_LEN(methods); i++)
        compile_operation(l, n.v, methods[i], path, &n.at);
}

static void compile_paths(struct loader *l, const struct at *root)
{
    const json_t *paths = load_object(l, yaml_root(l->doc), "paths", root, true);
    struct at up = at_key(root, "paths");
    size_t n = json_object_size(paths) * ARRAY_LEN(methods);
    const char *path;
    json_t *item;
    l->pack->ops = load_alloc(l, n, sizeof(*l->pack->ops));
    if (l->pack->ops == NULL)
        return;
    json_object_foreach((json_t *)(uintptr_t)paths, path, item) {
        struct at here = at_key(&up, path);
        if (json_is_object(item))
            compile_item(l, path, item, &here);
        else if (strncmp(path, "x-", 2) != 0)
            load_fault(l, &here, "a path must be an object");
    }
}

void openapi_compile(struct loader *l)
{
    struct at root = at_root("");
    const json_t *doc = yaml_root(l->doc);
    if (!json_is_object(doc)) {
        load_fault(l, &root, "not an OpenAPI document");
        return;
    }
    const char *version = load_string(l, doc, "openapi", &root, true);
    struct at version_at = at_key(&root, "openapi");
    if (version != NULL && strncmp(version, "3.0.", 4) != 0 && strncmp(version, "3.1.", 4) != 0)
        load_fault(l, &version_at, "OpenAPI %s is not supported: 3.0 and 3.1 are", version);
    load_known(l, doc,
               " openapi info servers paths webhooks components security tags externalDocs jsonSchemaDialect ", &root,
               "an OpenAPI document");
    part_servers(l, doc, &root);
    part_schemes(l, doc, &root);
    compile_paths(l, &root);
}
