/* settable.c - see settable.h. */
#include "workflow/settable.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "workflow/path.h"
#include "workflow/template.h"

#define WORD_MAX_BYTES 4096

/* --- compiling --- */

static bool is_setting(const struct expr *e)
{
    return e->source == EXPR_SETTINGS && (e->pointer == NULL || is_setting(e->pointer));
}

/* Whether it names settings, and nothing that is only known when a request is made. */
static bool names_settings(const struct tmpl *t)
{
    bool good = t->kind == TMPL_TEXT;
    if (t->kind == TMPL_EXPR)
        return is_setting(t->expr);
    for (size_t i = 0; i < t->n && good; i++)
        good = t->parts[i].text != NULL || is_setting(t->parts[i].expr);
    return good;
}

static const struct tmpl *compile_word(struct loader *l, const json_t *v, const char *key, const struct at *at)
{
    static const struct workflow none; /* no steps to be named */
    const struct where w = {.workflow = &none};
    const char *text = load_string(l, v, key, at, false);
    struct at here = at_key(at, key);
    const struct tmpl *t = text == NULL ? NULL : tmpl_compile_text(l, &w, text, strlen(text), &here);
    if (t == NULL || names_settings(t))
        return t;
    load_fault(l, &here, "%s is text with $inputs.settings in it, and no other expression", key);
    return NULL;
}

void settable_compile(struct loader *l, const json_t *v, struct operation *op, const struct at *at)
{
    op->own_path = compile_word(l, v, "x-path", at);
    op->own_method = compile_word(l, v, "x-method", at);
}

/* --- binding --- */

static int refuse(const struct operation *op, const char *key, const char *why, struct err *reterr)
{
    return err_set(reterr, ERR_INVAL, "the operation %s: the settings' %s: %s", op->id, key, why);
}

/* What the settings say; *ret stays NULL when they say nothing. */
static int word_of(struct bound_pack *b, const struct operation *op, const char *key, const struct tmpl *t,
                   const char **ret, struct err *reterr)
{
    static const struct run_inputs nothing;
    struct buf scratch;
    if (t == NULL)
        return 0;
    buf_init(&scratch, WORD_MAX_BYTES);
    struct scope s = {.in = &nothing, .bound = b, .arena = &b->arena, .scratch = &scratch};
    struct value v = tmpl_value(&s, t);
    bool given = !value_is_empty(&v), fits = !s.failed && (!given || v.kind == VALUE_TEXT);
    if (!s.no_memory && fits && given)
        *ret = arena_text(&b->arena, v.text.s, v.text.n);
    bool no_memory = s.no_memory || (fits && given && *ret == NULL);
    buf_fini(&scratch);
    if (no_memory)
        return err_nomem(reterr);
    return fits ? 0 : refuse(op, key, s.failed ? "too long" : "it must be text", reterr);
}

static int bind_method(struct bound_pack *b, const struct operation *op, struct err *reterr)
{
    static const char *const known[] = {"GET", "PUT", "POST", "DELETE", "PATCH", "HEAD", "OPTIONS"};
    struct bound_op *o = &b->ops[op->index];
    const char *word = NULL;
    o->method = op->method;
    if (word_of(b, op, "method", op->own_method, &word, reterr) != 0)
        return -1;
    for (size_t i = 0; i < ARRAY_LEN(known) && word != NULL; i++) {
        if (strcasecmp(known[i], word) != 0)
            continue;
        o->method = known[i];
        return 0;
    }
    return word == NULL ? 0 : refuse(op, "method", "GET, PUT, POST, DELETE, PATCH, HEAD or OPTIONS", reterr);
}

const struct step_param *settable_param(const struct step *s, const char *name)
{
    const struct step_param *found = NULL;
    for (size_t i = 0; i < s->param_count; i++) {
        if (strcmp(s->params[i].decl->name, name) != 0)
            continue;
        if (s->params[i].decl->in == IN_PATH)
            return &s->params[i];
        found = found == NULL ? &s->params[i] : found;
    }
    return found;
}

bool settable_took(const struct bound_op *o, const struct step *s, const struct step_param *p)
{
    for (size_t i = 0; i < o->path_count && o->path != s->op->path; i++)
        if (o->path[i].param != NULL && settable_param(s, o->path[i].param) == p)
            return true;
    return p->decl->path_only;
}

/* Every step that uses @op gives it. */
static bool is_given(const struct pack *p, const struct operation *op, const char *name)
{
    for (size_t w = 0; w < p->workflow_count; w++)
        for (size_t i = 0; i < p->workflows[w].step_count; i++) {
            const struct step *s = &p->workflows[w].steps[i];
            if (s->op == op && settable_param(s, name) == NULL)
                return false;
        }
    return true;
}

/* What may stand in a request line as it is (RFC 3986): a fragment may not, nor what must be encoded. */
static bool is_plain(const struct path_part *part)
{
    for (size_t i = 0; i < part->len; i++)
        if (part->text[i] <= ' ' || part->text[i] >= 0x7F || strchr("#}\"<>\\^`|", part->text[i]) != NULL)
            return false;
    return true;
}

static int check_path(struct bound_pack *b, const struct operation *op, struct err *reterr)
{
    struct bound_op *o = &b->ops[op->index];
    char why[120];
    for (size_t i = 0; i < o->path_count; i++) {
        const struct path_part *part = &o->path[i];
        if (part->text != NULL && !is_plain(part))
            return refuse(op, "path", "it has characters that must be percent-encoded", reterr);
        if (part->text != NULL && memchr(part->text, '?', part->len) != NULL)
            o->path_has_query = true;
        if (part->param == NULL || is_given(b->pack, op, part->param))
            continue;
        snprintf(why, sizeof(why), "the pack has nothing to put in place of {%.60s}", part->param);
        return refuse(op, "path", why, reterr);
    }
    return 0;
}

static int bind_path(struct bound_pack *b, const struct operation *op, struct err *reterr)
{
    struct bound_op *o = &b->ops[op->index];
    const char *word = NULL;
    o->path = op->path;
    o->path_count = op->path_count;
    if (word_of(b, op, "path", op->own_path, &word, reterr) != 0)
        return -1;
    if (word == NULL)
        return 0;
    struct err why = {0};
    if (path_split(&b->arena, word, &o->path, &o->path_count, &why) == 0)
        return check_path(b, op, reterr);
    return why.code == ERR_NOMEM ? err_nomem(reterr) : refuse(op, "path", why.msg, reterr);
}

int settable_bind(struct bound_pack *b, const struct operation *op, struct err *reterr)
{
    return bind_method(b, op, reterr) != 0 ? -1 : bind_path(b, op, reterr);
}
