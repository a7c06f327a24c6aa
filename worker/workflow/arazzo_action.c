/* arazzo_action.c - success and failure actions (Arazzo 1.0.1, "Success Action Object", "Failure Action Object"). */
#include <ctype.h>
#include <string.h>

#include "workflow/arazzo.h"
#include "workflow/criteria.h"

#define RETRY_AFTER_MAX_S 86400.0
#define RETRY_LIMIT_MAX 1000
#define STATUS_MIN 300
#define STATUS_MAX 599

/* "login already in use" as "login_already_in_use". */
static const char *word_of(struct loader *l, const char *name)
{
    char word[64] = "";
    size_t n = 0;
    for (; *name != '\0' && n < sizeof(word) - 1; name++) {
        if (isalnum((unsigned char)*name))
            word[n++] = (char)tolower((unsigned char)*name);
        else if (n > 0 && word[n - 1] != '_')
            word[n++] = '_';
    }
    while (n > 0 && word[n - 1] == '_')
        n--;
    return load_text(l, word, n);
}

/* x-status: the answer counts as if it had this status, and the engine judges it. */
static void compile_status(struct loader *l, const json_t *v, bool success, struct action *ret, const struct at *at)
{
    const json_t *status = json_object_get(v, "x-status");
    json_int_t n = json_integer_value(status);
    struct at here = at_key(at, "x-status");
    if (status == NULL)
        return;
    if (success || ret->type != ACTION_END || json_object_get(v, "x-outcome") != NULL)
        load_fault(l, &here, "x-status belongs to a failure action of type end, and stands there in place of x-outcome");
    else if (!json_is_integer(status) || n < STATUS_MIN || n > STATUS_MAX)
        load_fault(l, &here, "x-status must be an HTTP status from 300 to 599");
    else
        ret->status = (int)n;
}

static void compile_end(struct loader *l, const struct where *w, const json_t *v, bool success, struct action *ret,
                        const struct at *at)
{
    ret->type = ACTION_END;
    ret->has_ending = arazzo_ending(l, w, v, &ret->ending, at);
    if (ret->has_ending || success)
        return;
    ret->has_ending = true;
    ret->ending.kind = OUTCOME_REJECTED;
    ret->ending.reason = word_of(l, ret->name);
}

static void compile_target(struct loader *l, const struct making *m, const json_t *v, struct action *ret,
                           const struct at *at)
{
    const char *id = load_string(l, v, "stepId", at, false);
    struct at here = at_key(at, "stepId");
    ret->step = id == NULL ? SIZE_MAX : arazzo_step_index(m->workflow, id);
    if (id != NULL && ret->step == SIZE_MAX)
        load_fault(l, &here, "there is no step `%s` in this workflow", id);
}

static void compile_goto(struct loader *l, const struct making *m, const json_t *v, struct action *ret,
                         const struct at *at)
{
    struct at here = at_key(at, "workflowId");
    ret->type = ACTION_GOTO;
    if (json_object_get(v, "workflowId") != NULL)
        load_fault(l, &here, "goto to a workflow is not supported");
    else if (load_string(l, v, "stepId", at, true) != NULL)
        compile_target(l, m, v, ret, at);
}

static void compile_retry(struct loader *l, const struct making *m, const json_t *v, struct action *ret,
                          const struct at *at)
{
    const char *workflow = load_string(l, v, "workflowId", at, false);
    const json_t *after = json_object_get(v, "retryAfter"), *limit = json_object_get(v, "retryLimit");
    struct at workflow_at = at_key(at, "workflowId"), after_at = at_key(at, "retryAfter"),
              limit_at = at_key(at, "retryLimit");
    ret->type = ACTION_RETRY;
    ret->retry_limit = 1;
    compile_target(l, m, v, ret, at);
    if (workflow != NULL && strcmp(workflow, "authenticate") != 0)
        load_fault(l, &workflow_at, "retry with a workflow is not supported, but for `authenticate`");
    else if (workflow != NULL && pack_workflow(l->pack, workflow) == NULL)
        load_fault(l, &workflow_at, "there is no workflow `authenticate`");
    ret->token = workflow != NULL;
    double seconds = json_number_value(after);
    if (after != NULL && (!json_is_number(after) || !(seconds >= 0 && seconds <= RETRY_AFTER_MAX_S)))
        load_fault(l, &after_at, "retryAfter must be a number of seconds from 0 to 86400");
    else
        ret->retry_after_ms = (int64_t)(seconds * 1000);
    json_int_t n = json_integer_value(limit);
    if (limit != NULL && (!json_is_integer(limit) || n < 0 || n > RETRY_LIMIT_MAX))
        load_fault(l, &limit_at, "retryLimit must be a whole number from 0 to 1000");
    else if (limit != NULL)
        ret->retry_limit = (unsigned)n;
}

static void compile_one(struct loader *l, const struct making *m, const struct where *w, const json_t *v, bool success,
                        struct action *ret, const struct at *at)
{
    struct at criteria_at = at_key(at, "criteria"), type_at = at_key(at, "type");
    load_known(l, v, success ? " name type workflowId stepId criteria "
                             : " name type workflowId stepId retryAfter retryLimit criteria ",
               at, "an action");
    const char *type = load_string(l, v, "type", at, true);
    ret->step = SIZE_MAX;
    criteria_compile(l, w, load_list(l, v, "criteria", at, false), &ret->criteria, &criteria_at);
    if (type == NULL)
        return;
    if (strcmp(type, "end") == 0)
        compile_end(l, w, v, success, ret, at);
    else if (strcmp(type, "goto") == 0)
        compile_goto(l, m, v, ret, at);
    else if (strcmp(type, "retry") == 0 && !success)
        compile_retry(l, m, v, ret, at);
    else
        load_fault(l, &type_at, "an action of type `%s` is not known here", type);
    compile_status(l, v, success, ret, at);
}

static bool has_name(const struct action *list, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(list[i].name, name) == 0)
            return true;
    return false;
}

struct gathering {
    const struct making *m;
    const struct where *w;
    struct action *list;
    size_t n;
    bool success;
};

/* Adds the actions of @owner. Those of the workflow (@inherited) give way to the step's of the same name. */
static void gather(struct loader *l, struct gathering *g, const json_t *owner, const char *key, bool inherited,
                   const struct at *at)
{
    const json_t *list = load_list(l, owner, key, at, false);
    struct at up = at_key(at, key);
    for (size_t i = 0; i < json_array_size(list); i++) {
        struct at here = at_index(&up, i);
        const char *kind = g->success ? "successActions" : "failureActions";
        struct node n = arazzo_reuse(l, json_array_get(list, i), kind, &here);
        const char *name = n.v == NULL ? NULL : load_string(l, n.v, "name", &n.at, true);
        if (name == NULL)
            continue;
        bool twice = has_name(g->list, g->n, name);
        if (twice && !inherited)
            load_fault(l, &here, "there are two actions `%s`", name);
        if (twice)
            continue;
        g->list[g->n].name = name;
        compile_one(l, g->m, g->w, n.v, g->success, &g->list[g->n++], &n.at);
    }
}

void arazzo_actions(struct loader *l, const struct making *m, const struct where *w, const json_t *step, bool success,
                    struct actions *ret, const struct at *at)
{
    const char *own = success ? "onSuccess" : "onFailure", *shared = success ? "successActions" : "failureActions";
    struct at root = at_root("/workflows"), workflow_at = at_index(&root, (size_t)(m->workflow - l->pack->workflows));
    size_t max = json_array_size(json_object_get(step, own)) + json_array_size(json_object_get(m->v, shared));
    struct gathering g = {.m = m, .w = w, .list = load_alloc(l, max, sizeof(*g.list)), .success = success};
    if (g.list == NULL)
        return;
    gather(l, &g, step, own, false, at);
    gather(l, &g, m->v, shared, true, &workflow_at);
    *ret = (struct actions){g.list, g.n};
}
