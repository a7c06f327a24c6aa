/* arazzo.c - the document and its workflows. */
#include "workflow/arazzo.h"

#include <stdio.h>
#include <string.h>

#include "contract/entry.h"
#include "contract/json.h"
#include "workflow/criteria.h"
#include "workflow/openapi.h"
#include "workflow/template.h"

bool arazzo_is_word(const char *s)
{
    size_t n = strlen(s);
    return n > 0 && n < 64 && strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789_") == n;
}

static bool is_id(const char *s, bool dots)
{
    static const char chars[] = ".-_0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    size_t n = strlen(s);
    return n > 0 && n < 128 && strspn(s, dots ? chars : chars + 1) == n;
}

size_t arazzo_step_index(const struct workflow *w, const char *id)
{
    for (size_t i = 0; i < w->step_count; i++)
        if (w->steps[i].id != NULL && strcmp(w->steps[i].id, id) == 0)
            return i;
    return SIZE_MAX;
}

const char *arazzo_source(struct loader *l)
{
    struct at root = at_root(""), up = at_key(&root, "sourceDescriptions"), at = at_index(&up, 0);
    const json_t *list = load_list(l, yaml_root(l->doc), "sourceDescriptions", &root, true);
    if (list == NULL)
        return NULL;
    if (json_array_size(list) != 1) {
        load_fault(l, &up, "exactly one source description is supported, of type openapi");
        return NULL;
    }
    const json_t *v = json_array_get(list, 0);
    load_known(l, v, " name url type ", &at, "a source description");
    const char *type = load_string(l, v, "type", &at, false), *url = load_string(l, v, "url", &at, true);
    load_string(l, v, "name", &at, true);
    struct at type_at = at_key(&at, "type"), url_at = at_key(&at, "url");
    if (type != NULL && strcmp(type, "openapi") != 0) {
        load_fault(l, &type_at, "a source description of type `%s` is not supported: openapi is", type);
        return NULL;
    }
    if (url != NULL && strncmp(url, "./", 2) == 0)
        url += 2;
    if (url != NULL && (strchr(url, '/') != NULL || url[0] == '.' || url[0] == '\0')) {
        load_fault(l, &url_at, "the url must be a file of the pack's folder");
        return NULL;
    }
    return url;
}

struct node arazzo_reuse(struct loader *l, const json_t *v, const char *kind, const struct at *at)
{
    const char *ref = json_object_get(v, "reference") == NULL ? NULL : load_string(l, v, "reference", at, true);
    if (json_object_get(v, "reference") == NULL)
        return (struct node){v, *at};
    char prefix[64], pointer[200];
    snprintf(prefix, sizeof(prefix), "$components.%s.", kind);
    if (ref == NULL || strncmp(ref, prefix, strlen(prefix)) != 0 || !is_id(ref + strlen(prefix), true)) {
        load_fault(l, at, "the reference must be %sNAME", prefix);
        return (struct node){NULL, *at};
    }
    snprintf(pointer, sizeof(pointer), "/components/%s/%s", kind, ref + strlen(prefix));
    const json_t *to = json_at_pointer(yaml_root(l->doc), pointer);
    const char *base = load_text(l, pointer, strlen(pointer));
    if (to == NULL || base == NULL) {
        load_fault(l, at, "there is no %s", ref);
        return (struct node){NULL, *at};
    }
    return (struct node){to, at_root(base)};
}

bool arazzo_ending(struct loader *l, const struct where *w, const json_t *v, struct ending *ret, const struct at *at)
{
    static const enum outcome_kind kinds[] = {OUTCOME_APPLIED, OUTCOME_UNCHANGED, OUTCOME_REJECTED, OUTCOME_HELD,
                                              OUTCOME_DEAD};
    static const char *const names[] = {"applied", "unchanged", "rejected", "held", "dead"};
    const json_t *x = load_object(l, v, "x-outcome", at, false);
    struct at here = at_key(at, "x-outcome"), detail_at = at_key(&here, "detail");
    *ret = (struct ending){.kind = OUTCOME_APPLIED, .reason = ""};
    if (x == NULL)
        return false;
    load_known(l, x, " kind reason detail ", &here, "x-outcome");
    const char *kind = load_string(l, x, "kind", &here, true), *reason = load_string(l, x, "reason", &here, false);
    size_t i = 0;
    while (kind != NULL && i < ARRAY_LEN(names) && strcmp(kind, names[i]) != 0)
        i++;
    if (kind != NULL && i == ARRAY_LEN(names))
        load_fault(l, &here, "kind must be applied, unchanged, rejected, held or dead");
    else if (kind != NULL)
        ret->kind = kinds[i];
    enum entry_reason waits_for;
    if (reason != NULL && !arazzo_is_word(reason))
        load_fault(l, &here, "the reason must be a word of a-z, 0-9 and _");
    else if (ret->kind == OUTCOME_HELD && (reason == NULL || entry_reason_parse(reason, &waits_for) != 0 || !entry_reason_is_polled(waits_for)))
        load_fault(l, &here, "what is held waits for first_access or activation: that is the reason");
    ret->reason = reason == NULL ? "" : reason;
    if (json_object_get(x, "detail") != NULL)
        ret->detail = tmpl_compile(l, w, json_object_get(x, "detail"), &detail_at);
    return true;
}

static void add_outputs(struct loader *l, const struct where *w, const json_t *v, const char *key, struct output *list,
                        size_t *n, const struct at *at)
{
    struct at up = at_key(at, key);
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)load_object(l, v, key, at, false), name, value) {
        struct at here = at_key(&up, name);
        if (!is_id(name, true))
            load_fault(l, &here, "the name of an output has letters, digits, `.`, `-` and `_` only");
        list[*n].name = name;
        list[*n].value = tmpl_compile(l, w, value, &here);
        *n += list[*n].value != NULL;
    }
}

void arazzo_outputs(struct loader *l, const struct where *w, const json_t *v, bool more, struct outputs *ret,
                    const struct at *at)
{
    size_t max = json_object_size(json_object_get(v, "outputs")) + json_object_size(json_object_get(v, "x-outputs"));
    struct output *list = load_alloc(l, max, sizeof(*list));
    if (list == NULL)
        return;
    add_outputs(l, w, v, "outputs", list, &ret->n, at);
    if (more)
        add_outputs(l, w, v, "x-outputs", list, &ret->n, at);
    ret->list = list;
}

/* --- workflows --- */

static void compile_token(struct loader *l, const struct where *w, const json_t *v, struct token_rule *ret,
                          const struct at *at)
{
    const json_t *x = load_object(l, v, "x-token", at, true);
    struct at here = at_key(at, "x-token"), value_at = at_key(&here, "value"), life_at = at_key(&here, "expires-in");
    if (x == NULL)
        return;
    load_known(l, x, " scheme value expires-in ", &here, "x-token");
    const char *id = load_string(l, x, "scheme", &here, true);
    const struct scheme *s = id == NULL ? NULL : openapi_scheme(l->pack, id);
    if (id != NULL && s == NULL)
        load_fault(l, &here, "there is no security scheme `%s` in openapi.yaml", id);
    else if (s != NULL && s->kind == SCHEME_BASIC)
        load_fault(l, &here, "a session token needs a scheme of type bearer or apiKey");
    if (json_object_get(x, "value") == NULL)
        load_fault(l, &here, "`value` is missing");
    else
        ret->value = tmpl_compile(l, w, json_object_get(x, "value"), &value_at);
    if (json_object_get(x, "expires-in") != NULL)
        ret->expires_in = tmpl_compile(l, w, json_object_get(x, "expires-in"), &life_at);
    ret->scheme = s;
    l->pack->token_scheme = s;
}

static const struct tmpl *compile_object_member(struct loader *l, const struct where *w, const json_t *v,
                                                const char *key, const struct at *at)
{
    const json_t *x = load_object(l, v, key, at, false);
    struct at here = at_key(at, key);
    return x == NULL ? NULL : tmpl_compile(l, w, x, &here);
}

static void compile_ends(struct loader *l, struct making *m, const struct at *at)
{
    struct workflow *w = m->workflow;
    arazzo_ending(l, &m->where, m->v, &w->ending, at);
    arazzo_outputs(l, &m->where, m->v, false, &w->outputs, at);
    struct where after = m->where;
    after.raw_outputs_of = m->v;
    w->more_outputs = compile_object_member(l, &after, m->v, "x-outputs", at);
    w->record = compile_object_member(l, &after, m->v, "x-record", at);
    arazzo_keep_misplaced(l, m->v, at);
    bool login = strcmp(w->id, "authenticate") == 0;
    if (login)
        compile_token(l, &after, m->v, &w->token, at);
    else if (json_object_get(m->v, "x-token") != NULL)
        load_fault(l, at, "x-token belongs to the workflow `authenticate`");
}

/* A step that another one's retry runs first must not do the same: the way back would be lost. */
static void check_nested_retry(struct loader *l, const struct workflow *w, const struct at *at)
{
    for (size_t i = 0; i < w->step_count; i++) {
        for (size_t k = 0; k < w->steps[i].on_failure.n; k++) {
            const struct action *a = &w->steps[i].on_failure.list[k];
            bool through = a->type == ACTION_RETRY && a->step != SIZE_MAX;
            const struct actions *of = through ? &w->steps[a->step].on_failure : NULL;
            for (size_t n = 0; of != NULL && n < of->n; n++)
                if (of->list[n].type == ACTION_RETRY && of->list[n].step != SIZE_MAX)
                    load_fault(l, at, "step `%s` is run by a retry of `%s` and has such a retry itself: not supported",
                               w->steps[a->step].id, w->steps[i].id);
        }
    }
}

static void compile_workflow(struct loader *l, const json_t *v, struct workflow *w, const struct at *at)
{
    struct making m = {.workflow = w, .v = v, .raw_steps = arazzo_steps(l, v, at)};
    m.where = (struct where){.workflow = w, .raw_steps = m.raw_steps};
    load_known(l, v,
               " workflowId summary description inputs dependsOn steps successActions failureActions outputs "
               "parameters ",
               at, "a workflow");
    struct at depends_at = at_key(at, "dependsOn"), up = at_key(at, "steps");
    if (json_object_get(v, "dependsOn") != NULL)
        load_fault(l, &depends_at, "dependsOn is not supported");
    const char *summary = load_string(l, v, "summary", at, false);
    w->summary = summary == NULL ? "" : summary;
    arazzo_inputs(l, v, w, at);
    for (size_t i = 0; i < w->step_count; i++) {
        struct at here = at_index(&up, i);
        arazzo_step(l, &m, &w->steps[i], json_array_get(m.raw_steps, i), &here);
    }
    compile_ends(l, &m, at);
    arazzo_dates(l, &m.where, v, w->id, &w->dates, at);
    check_nested_retry(l, w, at);
}

/* --- names first, so that all can be referred to --- */

static void name_steps(struct loader *l, const json_t *v, struct workflow *w, const struct at *at)
{
    const json_t *steps = load_list(l, v, "steps", at, true);
    struct at up = at_key(at, "steps");
    size_t n = json_array_size(steps);
    w->steps = load_alloc(l, n, sizeof(*w->steps));
    if (w->steps == NULL || steps == NULL)
        return;
    if (n == 0 && arazzo_is_errand(w->id)) /* one for an event may have none: the record alone is told of it */
        load_fault(l, &up, "a workflow that belongs to no event needs a step");
    for (size_t i = 0; i < n; i++) {
        struct at here = at_index(&up, i);
        const char *id = load_string(l, json_array_get(steps, i), "stepId", &here, true);
        if (id != NULL && (!is_id(id, false) || arazzo_step_index(w, id) != SIZE_MAX))
            load_fault(l, &here, "the stepId `%s` is used twice, or has characters other than a-z, A-Z, 0-9, - _", id);
        w->steps[i].id = id == NULL ? "" : id;
        w->step_count = i + 1;
    }
}

static void name_workflow(struct loader *l, const json_t *v, const struct at *at)
{
    const char *id = load_string(l, v, "workflowId", at, true);
    if (id != NULL && (!is_id(id, true) || pack_workflow(l->pack, id) != NULL))
        load_fault(l, at, "the workflowId `%s` is used twice, or has characters other than a-z, A-Z, 0-9, - _ .", id);
    struct err why = {0};
    if (id != NULL && pack_may_not_have(id) && pack_say_no_workflow(id, &why) != 0)
        load_fault(l, at, "%s", why.msg);
    struct workflow *w = &l->pack->workflows[l->pack->workflow_count++];
    w->id = id == NULL ? "" : id;
    w->pack = l->pack;
    name_steps(l, v, w, at);
}

static void compile_info(struct loader *l, const struct at *root)
{
    const json_t *doc = yaml_root(l->doc);
    const char *version = load_string(l, doc, "arazzo", root, true);
    struct at version_at = at_key(root, "arazzo"), info_at = at_key(root, "info");
    if (version != NULL && strcmp(version, "1.0.0") != 0 && strcmp(version, "1.0.1") != 0)
        load_fault(l, &version_at, "Arazzo %s is not supported: 1.0.0 and 1.0.1 are", version);
    load_known(l, doc, " arazzo info sourceDescriptions workflows components ", root, "an Arazzo document");
    const json_t *info = load_object(l, doc, "info", root, true);
    const char *title = info == NULL ? NULL : load_string(l, info, "title", &info_at, true);
    const char *number = info == NULL ? NULL : load_string(l, info, "version", &info_at, true);
    l->pack->title = title == NULL ? "" : title;
    l->pack->version = number == NULL ? "" : number;
}

void arazzo_compile(struct loader *l)
{
    struct at root = at_root(""), up = at_key(&root, "workflows");
    compile_info(l, &root);
    const json_t *list = load_list(l, yaml_root(l->doc), "workflows", &root, true);
    size_t n = json_array_size(list);
    l->pack->workflows = load_alloc(l, n, sizeof(*l->pack->workflows));
    if (l->pack->workflows == NULL)
        return;
    if (list != NULL && n == 0)
        load_fault(l, &up, "a pack needs a workflow");
    for (size_t i = 0; i < n; i++) {
        struct at here = at_index(&up, i);
        name_workflow(l, json_array_get(list, i), &here);
    }
    for (size_t i = 0; i < n; i++) {
        struct at here = at_index(&up, i);
        compile_workflow(l, json_array_get(list, i), &l->pack->workflows[i], &here);
    }
    arazzo_shared_used(l);
}
