/* request.c - URL, headers and body of a step's request. */
#include "workflow/request.h"

#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "workflow/settable.h"
#include "workflow/template.h"

static const char missing_input[] = "missing_input", invalid_input[] = "invalid_input";
static const char *const places[] = {"path", "query", "header"};

static const char *lacks(struct request_maker *m, const struct step_param *p)
{
    buf_addf(m->detail, "step %s: the %s parameter %s has no value", m->step_name, places[p->decl->in], p->decl->name);
    if (p->value->kind == TMPL_EXPR)
        buf_addf(m->detail, " (%s)", p->value->expr->text);
    return missing_input;
}

static const char *is_wrong(struct request_maker *m, const char *what, const char *name)
{
    buf_addf(m->detail, "step %s: the value of the %s %s cannot be sent", m->step_name, what, name);
    return invalid_input;
}

/* --- parameters as text --- */

static void add_encoded(struct request_maker *m, const struct value *v, struct buf *out)
{
    struct buf *text = m->scope->scratch;
    size_t mark = text->len;
    if (v->kind == VALUE_TEXT) {
        buf_add_percent(out, v->text.s, v->text.n);
        return;
    }
    value_add_text(v, text);
    if (buf_ok(text) && text->len > mark)
        buf_add_percent(out, text->data + mark, text->len - mark);
    text->len = mark;
}

/* The items of a list that have a value, one after the other; another value itself. False: nested. */
static bool next_item(const struct value *v, size_t *at, struct value *ret)
{
    if (v->kind != VALUE_TREE) {
        *ret = *v;
        return (*at)++ == 0;
    }
    while (*at < json_array_size(v->json)) {
        *ret = value_of_json(json_array_get(v->json, (*at)++));
        if (!value_is_empty(ret))
            return true;
    }
    return false;
}

static bool can_be_param(const struct value *v)
{
    if (v->kind != VALUE_TREE)
        return true;
    if (!json_is_array(v->json))
        return false;
    for (size_t i = 0; i < json_array_size(v->json); i++)
        if (json_is_object(json_array_get(v->json, i)) || json_is_array(json_array_get(v->json, i)))
            return false;
    return true;
}

static bool has_no_items(const struct value *v)
{
    size_t at = 0;
    struct value item;
    return value_is_empty(v) || !next_item(v, &at, &item);
}

/* --- URL --- */

/* Dots alone would be taken for a step up in the path (RFC 3986 section 5.2.4). */
static bool is_dots(const char *s, size_t n)
{
    return (n == 1 || n == 2) && memcmp(s, "..", n) == 0;
}

static const char *add_path_param(struct request_maker *m, const struct step_param *p)
{
    struct value item, v = tmpl_value(m->scope, p->value);
    if (!can_be_param(&v))
        return is_wrong(m, "path parameter", p->decl->name);
    size_t at = 0, mark = m->url->len;
    while (!value_is_empty(&v) && next_item(&v, &at, &item)) {
        if (m->url->len > mark)
            buf_addc(m->url, ',');
        add_encoded(m, &item, m->url);
    }
    if (m->url->len == mark)
        return m->scope->bad != NULL ? is_wrong(m, "path parameter", p->decl->name) : lacks(m, p);
    if (buf_ok(m->url) && is_dots(m->url->data + mark, m->url->len - mark))
        return is_wrong(m, "path parameter", p->decl->name);
    return NULL;
}

static const char *add_path(struct request_maker *m, const struct bound_op *o)
{
    for (size_t i = 0; i < o->path_count; i++) {
        const struct path_part *part = &o->path[i];
        if (part->text != NULL) {
            buf_add(m->url, part->text, part->len);
            continue;
        }
        const char *reason = add_path_param(m, settable_param(m->scope->step, part->param));
        if (reason != NULL)
            return reason;
    }
    return NULL;
}

static void add_query_param(struct request_maker *m, const struct param_decl *d, const struct value *v, char *sep)
{
    size_t at = 0;
    struct value item;
    bool first = true;
    while (next_item(v, &at, &item)) {
        if (first || d->explode) {
            buf_addc(m->url, *sep);
            buf_add_percent(m->url, d->name, strlen(d->name));
            buf_addc(m->url, '=');
        } else {
            buf_addc(m->url, ',');
        }
        add_encoded(m, &item, m->url);
        *sep = '&';
        first = false;
    }
}

static const char *add_query(struct request_maker *m, const struct bound_op *o, char *sep)
{
    const struct step *s = m->scope->step;
    for (size_t i = 0; i < s->param_count; i++) {
        const struct step_param *p = &s->params[i];
        if (p->decl->in != IN_QUERY || settable_took(o, s, p))
            continue;
        struct value v = tmpl_value(m->scope, p->value);
        if (!can_be_param(&v))
            return is_wrong(m, "query parameter", p->decl->name);
        if (!has_no_items(&v))
            add_query_param(m, p->decl, &v, sep);
        else if (p->decl->required)
            return m->scope->bad != NULL ? is_wrong(m, "query parameter", p->decl->name) : lacks(m, p);
    }
    return NULL;
}

static void add_key_query(struct request_maker *m, const struct bound_op *o, char sep)
{
    const struct scheme *s = m->scope->bound->pack->token_scheme;
    if (o->query != NULL) {
        buf_addc(m->url, sep);
        buf_adds(m->url, o->query);
        sep = '&';
    }
    if (!o->needs_token || s->kind != SCHEME_KEY_QUERY || m->token == NULL)
        return;
    buf_addc(m->url, sep);
    buf_add_percent(m->url, s->name, strlen(s->name));
    buf_addc(m->url, '=');
    buf_add_percent(m->url, m->token, strlen(m->token));
}

static const char *make_url(struct request_maker *m, const struct bound_op *o)
{
    char sep = o->path_has_query ? '&' : '?';
    buf_reset(m->url);
    buf_adds(m->url, m->scope->bound->base_url);
    const char *reason = add_path(m, o);
    if (reason == NULL)
        reason = add_query(m, o, &sep);
    if (reason == NULL)
        add_key_query(m, o, sep);
    m->request->url = buf_cstr(m->url);
    return reason;
}

/* --- headers --- */

static const char *add_header(struct request_maker *m, const char *name, const char *value)
{
    if (m->request->header_count == CALL_HEADERS_MAX || value == NULL)
        return is_wrong(m, "header", name);
    for (const char *s = value; *s != '\0'; s++)
        if (((unsigned char)*s < 0x20 && *s != '\t') || *s == 0x7F)
            return is_wrong(m, "header", name);
    m->request->headers[m->request->header_count++] = (struct call_header){name, value};
    return NULL;
}

static const char *header_text(struct request_maker *m, const struct value *v)
{
    struct buf *text = m->scope->scratch;
    size_t at = 0, mark = text->len;
    struct value item;
    while (next_item(v, &at, &item)) {
        if (at > 1)
            buf_addc(text, ',');
        value_add_text(&item, text);
    }
    const char *s = buf_ok(text) ? arena_text(m->scope->arena, buf_cstr(text) + mark, text->len - mark) : NULL;
    if (s == NULL && buf_ok(text))
        scope_out_of_memory(m->scope);
    bool whole = s != NULL && strlen(s) == text->len - mark;
    text->len = mark;
    return whole ? s : NULL;
}

static const char *add_param_headers(struct request_maker *m, const struct bound_op *o)
{
    const struct step *s = m->scope->step;
    for (size_t i = 0; i < s->param_count; i++) {
        const struct step_param *p = &s->params[i];
        if (p->decl->in != IN_HEADER || settable_took(o, s, p))
            continue;
        struct value v = tmpl_value(m->scope, p->value);
        const char *reason = NULL;
        if (!can_be_param(&v))
            reason = is_wrong(m, "header", p->decl->name);
        else if (!has_no_items(&v))
            reason = add_header(m, p->decl->name, header_text(m, &v));
        else if (p->decl->required)
            reason = m->scope->bad != NULL ? is_wrong(m, "header", p->decl->name) : lacks(m, p);
        if (reason != NULL)
            return reason;
    }
    return NULL;
}

/* base32(HMAC-SHA256(secret, key|step)): RELIABILITY.md section 6; never the try. */
static const char *add_idempotency_key(struct request_maker *m)
{
    const struct operation *op = m->scope->step->op;
    const char *key = m->scope->in->key, *secret = m->scope->bound->secret;
    uint8_t digest[HASH_SHA256_SIZE];
    char text[(HASH_SHA256_SIZE * 8 + 4) / 5 + 1];
    if (op->repeat != CALL_KEYED)
        return NULL;
    if (key == NULL) {
        buf_addf(m->detail, "step %s: the event has no idempotency key", m->step_name);
        return missing_input;
    }
    struct buf *plain = m->scope->scratch;
    size_t mark = plain->len;
    buf_adds(plain, key);
    buf_addc(plain, '|');
    buf_adds(plain, m->step_name);
    if (!buf_ok(plain))
        return is_wrong(m, "header", op->repeat_header);
    hash_hmac_sha256(secret, strlen(secret), plain->data + mark, plain->len - mark, digest);
    plain->len = mark;
    hash_base32(digest, sizeof(digest), text);
    const char *kept = arena_text(m->scope->arena, text, strlen(text));
    if (kept == NULL)
        scope_out_of_memory(m->scope);
    return add_header(m, op->repeat_header, kept);
}

static const char *add_token(struct request_maker *m, const struct bound_op *o)
{
    const struct scheme *s = m->scope->bound->pack->token_scheme;
    if (!o->needs_token || m->token == NULL || s->kind == SCHEME_KEY_QUERY)
        return NULL;
    if (s->kind == SCHEME_KEY_HEADER)
        return add_header(m, s->name, m->token);
    size_t n = strlen("Bearer ") + strlen(m->token) + 1;
    char *value = arena_alloc(m->scope->arena, n);
    if (value != NULL)
        snprintf(value, n, "Bearer %s", m->token);
    else
        scope_out_of_memory(m->scope);
    return add_header(m, s->name, value);
}

static const char *make_headers(struct request_maker *m, const struct bound_op *o)
{
    const char *reason = NULL;
    for (size_t i = 0; i < o->header_count; i++)
        m->request->headers[i] = o->headers[i];
    m->request->header_count = o->header_count;
    if (m->request->body != NULL)
        reason = add_header(m, "Content-Type", m->scope->step->content_type);
    if (reason == NULL)
        reason = add_param_headers(m, o);
    if (reason == NULL)
        reason = add_idempotency_key(m);
    return reason == NULL ? add_token(m, o) : reason;
}

/* --- body --- */

static const char *make_body(struct request_maker *m)
{
    const struct step *s = m->scope->step;
    m->request->body = NULL;
    m->request->body_len = 0;
    if (s->body == NULL)
        return NULL;
    buf_reset(m->body);
    if (s->body_kind == BODY_FORM) {
        const char *wrong = form_write(m->scope, s->body, m->body);
        if (wrong != NULL)
            return is_wrong(m, "form's member", wrong);
    } else if (!tmpl_write_json(m->scope, s->body, m->body)) {
        if (!s->op->body_required || m->scope->bad != NULL)
            return NULL;
        buf_addf(m->detail, "step %s: the body has no value", m->step_name);
        return missing_input;
    }
    m->request->body = buf_cstr(m->body);
    m->request->body_len = m->body->len;
    return NULL;
}

const char *request_make(struct request_maker *m)
{
    const struct step *s = m->scope->step;
    const struct bound_op *o = &m->scope->bound->ops[s->op->index];
    m->scope->bad = NULL;
    m->request->method = o->method;
    m->request->repeat = s->op->repeat;
    const char *reason = make_url(m, o);
    if (reason == NULL)
        reason = make_body(m);
    if (reason == NULL)
        reason = make_headers(m, o);
    if (reason == NULL && m->scope->bad != NULL) {
        buf_addf(m->detail, "step %s: a value cannot be rewritten, see %s", m->step_name, m->scope->bad->pointer);
        reason = invalid_input;
    }
    if (m->url->no_memory || m->body->no_memory || m->scope->scratch->no_memory || m->detail->no_memory)
        scope_out_of_memory(m->scope);
    if (reason == NULL && (m->scope->failed || !buf_ok(m->url) || !buf_ok(m->body) || !buf_ok(m->scope->scratch)))
        reason = is_wrong(m, "request", "(too large)");
    return reason;
}
