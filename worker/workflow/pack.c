/* pack.c - loads and frees a pack. */
#include "workflow/pack.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "workflow/arazzo.h"
#include "workflow/inputs.h"
#include "workflow/openapi.h"
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
    if (p->empty != NULL && p->owned != NULL)
        return p;
    pack_free(p);
    return NULL;
}

/* "FILE:LINE: what" or "FILE: what" of a file that could not be read: the fault says the file already. */
static const char *split_message(const char *msg, const char *path, int *ret_line)
{
    size_t n = strlen(path);
    *ret_line = 0;
    if (strncmp(msg, path, n) != 0 || msg[n] != ':')
        return msg;
    char *end;
    *ret_line = (int)strtol(msg + n + 1, &end, 10);
    return end + strspn(end, ": ");
}

static struct yaml_doc *read_doc(struct loader *l, const char *name)
{
    struct err err = {0};
    struct at root = at_root("");
    snprintf(l->file, sizeof(l->file), "%s/%s", l->dir, name);
    l->doc = NULL;
    struct yaml_doc *d = yaml_load_file(l->file, &err);
    if (d == NULL) {
        int line;
        load_fault(l, &root, "%s", split_message(err.msg, l->file, &line));
        if (l->faults->n > 0)
            l->faults->list[l->faults->n - 1].line = line;
    }
    return d;
}

static void point_at(struct loader *l, const struct yaml_doc *doc)
{
    l->doc = doc;
    snprintf(l->file, sizeof(l->file), "%s", yaml_name(doc));
}

static void load_documents(struct loader *l)
{
    struct pack *p = l->pack;
    p->arazzo = read_doc(l, WORKFLOWS_FILE);
    if (p->arazzo == NULL)
        return;
    point_at(l, p->arazzo);
    const char *source = arazzo_source(l);
    if (source == NULL)
        return;
    p->openapi = read_doc(l, source);
    if (p->openapi == NULL)
        return;
    point_at(l, p->openapi);
    openapi_compile(l);
    point_at(l, p->arazzo);
    arazzo_compile(l);
}

struct pack *pack_load(const char *dir, struct pack_faults *ret_faults)
{
    *ret_faults = (struct pack_faults){0};
    struct loader l = {.pack = pack_new(), .faults = ret_faults, .dir = dir};
    struct at root = at_root("");
    snprintf(l.file, sizeof(l.file), "%s", dir);
    if (l.pack != NULL)
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
    return p->title;
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

size_t pack_workflow_count(const struct pack *p)
{
    return p->workflow_count;
}

const struct workflow *pack_workflow_at(const struct pack *p, size_t i)
{
    return i < p->workflow_count ? &p->workflows[i] : NULL;
}

bool workflow_implies(const struct workflow *w)
{
    return w->dates.events != NULL;
}

const char *workflow_id(const struct workflow *w)
{
    return w->id;
}

const char *workflow_summary(const struct workflow *w)
{
    return w->summary;
}
