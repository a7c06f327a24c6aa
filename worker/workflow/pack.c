/* pack.c - loads and frees a pack. */
#include "workflow/pack.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "workflow/arazzo.h"
#include "workflow/inputs.h"
#include "workflow/openapi.h"
#include "workflow/pack_settings.h"
#include "workflow/regex.h"

#define WORKFLOWS_FILE "workflows.arazzo.yaml"

void pack_faults_fini(struct pack_faults *f)
{
    free(f->list);
    *f = (struct pack_faults){0};
}

int pack_faults_say(const struct pack_faults *f, struct err *reterr)
{
    if (f->n == 0)
        return err_nomem(reterr);
    const struct pack_fault *one = &f->list[0];
    return err_set(reterr, ERR_INVAL, "%s:%d: %s: %s%s", one->file, one->line, one->pointer, one->text,
                   f->n > 1 ? " (and more: see `tvbridge pack check`)" : "");
}

void pack_free(struct pack *p)
{
    if (p == NULL)
        return;
    for (size_t i = 0; i < p->regex_count; i++)
        regex_free(p->regexes[i]);
    for (size_t i = 0; i < p->workflow_count; i++)
        inputs_fini(&p->workflows[i]);
    free(p->regexes);
    json_decref(p->empty);
    json_decref(p->owned);
    json_decref(p->defaults);
    yaml_doc_free(p->openapi);
    yaml_doc_free(p->arazzo);
    arena_fini(&p->arena);
    free(p);
}

static struct pack *pack_new(void)
{
    struct pack *p = calloc(1, sizeof(*p));
    if (p == NULL)
        return NULL;
    p->title = p->version = "";
    p->empty = json_object();
    p->owned = json_array();
    p->defaults = json_object();
    if (p->empty != NULL && p->owned != NULL && p->defaults != NULL)
        return p;
    pack_free(p);
    return NULL;
}

static void load_documents(struct loader *l)
{
    struct pack *p = l->pack;
    p->arazzo = load_document(l, WORKFLOWS_FILE);
    if (p->arazzo == NULL)
        return;
    load_point_at(l, p->arazzo);
    const char *source = arazzo_source(l);
    if (source == NULL)
        return;
    p->openapi = load_document(l, source);
    if (p->openapi == NULL)
        return;
    load_point_at(l, p->openapi);
    openapi_compile(l);
    load_point_at(l, p->arazzo);
    arazzo_compile(l);
}

struct pack *pack_load(const char *dir, struct pack_faults *ret_faults)
{
    *ret_faults = (struct pack_faults){0};
    struct loader l = {.pack = pack_new(), .faults = ret_faults, .dir = dir};
    struct at root = at_root("");
    snprintf(l.file, sizeof(l.file), "%s", dir);
    if (l.pack != NULL)
        pack_settings_load(&l);
    if (l.pack != NULL && ret_faults->n == 0)
        load_documents(&l);
    if (l.pack == NULL || l.out_of_memory)
        load_fault(&l, &root, "out of memory");
    if (l.pack != NULL && !l.out_of_memory && ret_faults->n == 0)
        return l.pack;
    pack_free(l.pack);
    return NULL;
}

const char *pack_title(const struct pack *p)
{
    return p->own_title != NULL ? p->own_title : p->title;
}

const char *pack_version(const struct pack *p)
{
    return p->version;
}

const struct workflow *pack_workflow(const struct pack *p, const char *id)
{
    for (size_t i = 0; i < p->workflow_count; i++)
        if (strcmp(p->workflows[i].id, id) == 0)
            return &p->workflows[i];
    return NULL;
}

/* What the worker does with an event that it does not give to the pack. NULL: of no such type. */
static const char *workers_own(const char *id)
{
    static const struct {
        const char *type, *does;
    } own[] = {
        {"service.snapshot", "reads, compares, and sends an event for each change"},
        {"service.adopted", "makes what it says the record"},
        {"billing.processed", "notes it in the record"},
    };
    for (size_t i = 0; i < ARRAY_LEN(own); i++)
        if (strcmp(own[i].type, id) == 0)
            return own[i].does;
    return NULL;
}

bool pack_may_not_have(const char *id)
{
    return workers_own(id) != NULL;
}

int pack_say_no_workflow(const char *id, struct err *reterr)
{
    const char *does = workers_own(id);
    if (does != NULL)
        return err_set(reterr, ERR_INVAL, "`%s` is no pack's workflow: the worker %s", id, does);
    return err_set(reterr, ERR_INVAL, "the pack has no workflow `%s`; tvbridge pack check --json lists them", id);
}

size_t pack_workflow_count(const struct pack *p)
{
    return p->workflow_count;
}

const struct workflow *pack_workflow_at(const struct pack *p, size_t i)
{
    return i < p->workflow_count ? &p->workflows[i] : NULL;
}

bool workflow_only_reads(const struct workflow *w)
{
    for (size_t i = 0; i < w->step_count; i++)
        if (w->steps[i].op->repeat != CALL_READ)
            return false;
    return true;
}

bool workflow_implies(const struct workflow *w)
{
    return w->dates.events != NULL;
}

bool workflow_defers(const struct workflow *w)
{
    return w->dates.later != NULL;
}

const char *workflow_id(const struct workflow *w)
{
    return w->id;
}

const char *workflow_summary(const struct workflow *w)
{
    return w->summary;
}
