/* arazzo_step.c - one step: its operation, parameters, criteria and extensions. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "workflow/arazzo.h"
#include "workflow/criteria.h"
#include "workflow/openapi.h"
#include "workflow/template.h"

/* "NAME" or "$sourceDescriptions.SOURCE.NAME". */
static struct operation *by_id(struct loader *l, const char *id, const struct at *at)
{
    static const char prefix[] = "$sourceDescriptions.";
    if (strncmp(id, prefix, sizeof(prefix) - 1) == 0) {
        const char *dot = strchr(id + sizeof(prefix) - 1, '.');
        id = dot == NULL ? id : dot + 1;
    }
    struct operation *op = openapi_operation(l->pack, id);
    if (op == NULL)
        load_fault(l, at, "there is no operation `%s` in openapi.yaml", id);
    return op;
}

/* '{$sourceDescriptions.SOURCE.url}#/paths/~1users/get' */
static struct operation *by_path(struct loader *l, const char *path, const struct at *at)
{
    const char *hash = strchr(path, '#');
    struct operation *op = hash == NULL ? NULL : openapi_operation_at(l->pack, hash + 1);
    if (op == NULL)
        load_fault(l, at, "there is no operation at `%s` in openapi.yaml", path);
    return op;
}

static struct operation *find_operation(struct loader *l, const json_t *v, const struct at *at)
{
    const char *id = load_string(l, v, "operationId", at, false), *path = load_string(l, v, "operationPath", at, false);
    struct at workflow_at = at_key(at, "workflowId"), id_at = at_key(at, "operationId"),
              path_at = at_key(at, "operationPath");
    if (json_object_get(v, "workflowId") != NULL)
        load_fault(l, &workflow_at, "a step that runs a workflow is not supported");
    else if ((id == NULL) == (path == NULL))
        load_fault(l, at, "a step needs either operationId or operationPath");
    else
        return id != NULL ? by_id(l, id, &id_at) : by_path(l, path, &path_at);
    return NULL;
}

/* --- parameters --- */

static const struct param_decl *find_decl(const struct operation *op, const char *name, const char *in)
{
    static const char *const names[] = {"path", "query", "header"};
    for (size_t i = 0; i < op->param_count; i++) {
        const struct param_decl *d = &op->params[i];
        if (strcmp(names[d->in], in) != 0)
            continue;
        if (d->in == IN_HEADER ? strcasecmp(d->name, name) == 0 : strcmp(d->name, name) == 0)
            return d;
    }
    return NULL;
}

static bool has_param(const struct step *s, const struct param_decl *d)
{
    for (size_t i = 0; i < s->param_count; i++)
        if (s->params[i].decl == d)
            return true;
    return false;
}

static void add_param(struct loader *l, const struct where *w, struct step *s, const json_t *v, bool inherited,
                      const struct at *at)
{
    struct node n = arazzo_reuse(l, v, "parameters", at);
    if (n.v == NULL)
        return;
    load_known(l, n.v, " name in value ", &n.at, "a parameter");
    const char *name = load_string(l, n.v, "name", &n.at, true), *in = load_string(l, n.v, "in", &n.at, true);
    bool own_value = n.v != v && json_object_get(v, "value") != NULL;
    const json_t *value = json_object_get(own_value ? v : n.v, "value");
    struct at value_at = at_key(own_value ? at : &n.at, "value");
    if (name == NULL || in == NULL)
        return;
    if (value == NULL)
        load_fault(l, &n.at, "`value` is missing");
    const struct param_decl *d = find_decl(s->op, name, in);
    if (d == NULL && strcmp(in, "cookie") == 0)
        load_fault(l, &n.at, "parameters in `cookie` are not supported: path, query and header are");
    else if (d == NULL && !inherited)
        load_fault(l, &n.at, "the operation `%s` has no parameter `%s` in %s", s->op->id, name, in);
    else if (d != NULL && has_param(s, d) && !inherited)
        load_fault(l, &n.at, "the parameter `%s` is given twice", name);
    if (d == NULL || value == NULL || has_param(s, d))
        return;
    s->params[s->param_count].decl = d;
    s->params[s->param_count].value = tmpl_compile(l, w, value, &value_at);
    s->param_count += s->params[s->param_count].value != NULL;
}

static void add_params(struct loader *l, const struct where *w, struct step *s, const json_t *owner, bool inherited,
                       const struct at *at)
{
    const json_t *list = load_list(l, owner, "parameters", at, false);
    struct at up = at_key(at, "parameters");
    for (size_t i = 0; i < json_array_size(list); i++) {
        struct at here = at_index(&up, i);
        add_param(l, w, s, json_array_get(list, i), inherited, &here);
    }
}

void arazzo_params(struct loader *l, const struct making *m, const struct where *w, struct step *ret, const json_t *v,
                   const struct at *at)
{
    size_t max = json_array_size(json_object_get(v, "parameters")) +
                 json_array_size(json_object_get(m->v, "parameters"));
    size_t faults = l->faults->n;
    struct at root = at_root("/workflows"), workflow_at = at_index(&root, (size_t)(m->workflow - l->pack->workflows));
    ret->params = load_alloc(l, max, sizeof(*ret->params));
    if (ret->params == NULL)
        return;
    add_params(l, w, ret, v, false, at);
    add_params(l, w, ret, m->v, true, &workflow_at);
    for (size_t i = 0; i < ret->op->param_count && l->faults->n == faults; i++)
        if (ret->op->params[i].required && !has_param(ret, &ret->op->params[i]))
            load_fault(l, at, "the operation `%s` needs the parameter `%s`", ret->op->id, ret->op->params[i].name);
}

/* --- extensions --- */

static void compile_loop(struct loader *l, struct where *w, struct step *ret, const json_t *v, const struct at *at)
{
    if (json_object_get(v, "x-for-each") == NULL)
        return;
    ret->for_each = expr_member(l, w, v, "x-for-each", at);
    w->item = w->loop = true;
}

static const json_t *raw_workflow(const struct loader *l, const struct workflow *w)
{
    return json_array_get(json_object_get(yaml_root(l->doc), "workflows"), (size_t)(w - l->pack->workflows));
}

static void compile_confirm(struct loader *l, const struct where *w, struct step *ret, const json_t *v,
                            const struct at *at)
{
    const json_t *x = load_object(l, v, "x-confirm", at, false);
    struct at here = at_key(at, "x-confirm");
    if (x == NULL) {
        if (ret->op->repeat == CALL_QUERY)
            load_fault(l, at, "the operation `%s` says x-repeat: query, so the step needs x-confirm", ret->op->id);
        return;
    }
    load_known(l, x, " workflowId condition ", &here, "x-confirm");
    const char *id = load_string(l, x, "workflowId", &here, true);
    ret->confirm.workflow = id == NULL ? NULL : pack_workflow(l->pack, id);
    if (id != NULL && ret->confirm.workflow == NULL)
        load_fault(l, &here, "there is no workflow `%s`", id);
    if (ret->confirm.workflow == NULL)
        return;
    struct where asked = *w;
    asked.raw_outputs_of = raw_workflow(l, ret->confirm.workflow);
    ret->confirm.workflow_id = id;
    ret->confirm.cond = cond_member(l, &asked, x, "condition", &here);
}

/* --- the step --- */

static void check_login(struct loader *l, const struct making *m, const struct step *s, const struct at *at)
{
    if (strcmp(m->workflow->id, "authenticate") != 0)
        return;
    const char *id = json_string_value(json_object_get(json_object_get(m->v, "x-token"), "scheme"));
    for (size_t i = 0; id != NULL && i < s->op->security_count; i++)
        for (size_t k = 0; k < s->op->security[i].n; k++)
            if (strcmp(s->op->security[i].schemes[k]->id, id) == 0)
                load_fault(l, at, "`%s` needs the token that `authenticate` fetches: say security: [] there",
                           s->op->id);
}

static void compile_call(struct loader *l, const struct making *m, const struct where *w, struct step *ret,
                         const json_t *v, const struct at *at)
{
    ret->op->used = true;
    check_login(l, m, ret, at);
    arazzo_params(l, m, w, ret, v, at);
    arazzo_body(l, w, ret, v, at);
    compile_confirm(l, w, ret, v, at);
}

void arazzo_step(struct loader *l, const struct making *m, struct step *ret, const json_t *v, const struct at *at)
{
    struct where before = m->where, after;
    struct at when_at = at_key(at, "x-when"), success_at = at_key(at, "successCriteria");
    load_known(l, v,
               " description stepId operationId operationPath workflowId parameters requestBody successCriteria "
               "onSuccess onFailure outputs ",
               at, "a step");
    ret->op = find_operation(l, v, at);
    compile_loop(l, &before, ret, v, at);
    criteria_compile(l, &before, json_object_get(v, "x-when"), &ret->when, &when_at);
    if (ret->op != NULL)
        compile_call(l, m, &before, ret, v, at);
    after = before;
    after.step = ret;
    after.response = true;
    criteria_compile(l, &after, load_list(l, v, "successCriteria", at, false), &ret->success, &success_at);
    arazzo_actions(l, m, &after, v, true, &ret->on_success, at);
    arazzo_actions(l, m, &after, v, false, &ret->on_failure, at);
    arazzo_outputs(l, &after, v, true, &ret->outputs, at);
    arazzo_keep(l, m, &after, ret, v, at);
}
