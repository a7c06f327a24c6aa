/* eval.c - evaluates compiled expressions: finds the source, then goes down. */
#include <string.h>
#include <strings.h>

#include "contract/json_read.h"
#include "workflow/expr.h"
#include "workflow/template.h"

void scope_out_of_memory(struct scope *s)
{
    s->failed = s->no_memory = true;
}

const json_t *scope_keep(struct scope *s, json_t *v)
{
    if (v == NULL)
        return NULL;
    if (s->keep == NULL)
        s->keep = json_array();
    if (json_array_append_new(s->keep, v) != 0) { /* takes @v in any case, also without a list */
        scope_out_of_memory(s);
        return NULL;
    }
    return v;
}

struct loop_place scope_enter(struct scope *s, const json_t *item)
{
    struct loop_place before = {s->item, s->outer};
    s->outer = s->item;
    s->item = item;
    return before;
}

void scope_leave(struct scope *s, struct loop_place before)
{
    s->item = before.item;
    s->outer = before.outer;
}

/* The text that a #{EXPRESSION} gives; NULL: none, or it was not written in JSON. */
static const char *given_pointer(struct scope *s, const struct expr *e)
{
    struct value v = expr_eval(s, e->pointer);
    return v.kind == VALUE_TEXT ? json_string_value(v.json) : NULL;
}

static const json_t *go_down(struct scope *s, const json_t *v, const struct expr *e)
{
    for (size_t i = 0; i < e->seg_count && v != NULL; i++) {
        const struct seg *seg = &e->segs[i];
        if (json_is_array(v))
            v = seg->index == SIZE_MAX ? NULL : json_array_get(v, seg->index);
        else
            v = seg->name == NULL ? NULL : json_object_get(v, seg->name);
    }
    const char *pointer = e->pointer == NULL || v == NULL ? "" : given_pointer(s, e);
    return pointer == NULL ? NULL : json_at_pointer(v, pointer);
}

static bool looks_like_json(const char *s, size_t n)
{
    size_t i = 0;
    while (i < n && strchr(" \t\r\n", s[i]) != NULL && s[i] != '\0')
        i++;
    return i < n && strchr("{[\"-0123456789tfn", s[i]) != NULL && s[i] != '\0';
}

static int mend(json_t *v, struct buf *text)
{
    const char *key;
    json_t *item;
    size_t i;
    int rc = 0;
    json_object_foreach(v, key, item) rc |= mend(item, text);
    json_array_foreach(v, i, item) rc |= mend(item, text);
    if (!json_is_string(v) || strlen(json_string_value(v)) == json_string_length(v))
        return rc;
    buf_reset(text);
    value_add_mended(text, json_string_value(v), json_string_length(v));
    return buf_ok(text) ? json_string_setn(v, text->data, text->len) : -1;
}

/* Its texts without NULs; NULL: out of memory. */
static json_t *mended(struct scope *s, json_t *v, size_t n)
{
    struct buf text;
    buf_init(&text, 3 * n);
    int rc = mend(v, &text);
    buf_fini(&text);
    if (rc == 0)
        return v;
    scope_out_of_memory(s);
    json_decref(v);
    return NULL;
}

/* A number beyond 64 bits must not make the whole answer unreadable: then all become reals. */
static json_t *parse(const char *text, size_t n)
{
    json_error_t e;
    json_t *v = json_read(text, n); /* the usual answer; what it does not take is jansson's */
    if (v == NULL)
        v = json_loadb(text, n, JSON_DECODE_ANY | JSON_ALLOW_NUL, &e);
    if (v == NULL && json_error_code(&e) == json_error_numeric_overflow)
        v = json_loadb(text, n, JSON_DECODE_ANY | JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL, NULL);
    return v;
}

/* The body as JSON, read once a reply; NULL when it is not JSON. A byte order mark is passed over. */
static const json_t *read_body(struct scope *s)
{
    if (s->body_read || s->reply == NULL || s->reply->body == NULL)
        return s->body;
    s->body_read = true;
    const char *text = s->reply->body;
    size_t n = s->reply->body_len;
    if (n >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0) {
        text += 3;
        n -= 3;
    }
    if (looks_like_json(text, n)) {
        s->body = parse(text, n);
        if (s->body == NULL && json_read_lacked_memory(text, n))
            scope_out_of_memory(s);
    }
    if (s->body != NULL && memmem(text, n, "\\u0000", 6) != NULL)
        s->body = mended(s, s->body, n);
    return s->body;
}

static struct value eval_body(struct scope *s, const struct expr *e)
{
    const json_t *body = read_body(s);
    if (body != NULL)
        return value_of_json(go_down(s, body, e));
    if (s->reply == NULL || s->reply->body == NULL || e->seg_count > 0 || e->pointer != NULL)
        return value_nothing();
    return value_text(s->reply->body, s->reply->body_len);
}

static struct value eval_header(const struct scope *s, const char *name)
{
    if (s->reply == NULL)
        return value_nothing();
    for (size_t i = 0; i < s->reply->header_count; i++) {
        const struct call_header *h = &s->reply->headers[i];
        if (h->name != NULL && h->value != NULL && strcasecmp(h->name, name) == 0)
            return value_text(h->value, strlen(h->value));
    }
    if (strcasecmp(name, "Content-Type") == 0 && s->reply->content_type != NULL && s->reply->content_type[0] != '\0')
        return value_text(s->reply->content_type, strlen(s->reply->content_type));
    return value_nothing();
}

static struct value eval_below(struct scope *s, const struct tmpl *t, const struct expr *e)
{
    struct value v = tmpl_value(s, t);
    if (e->seg_count == 0 && e->pointer == NULL)
        return v;
    return v.kind == VALUE_TREE ? value_of_json(go_down(s, v.json, e)) : value_nothing();
}

static struct value below(struct scope *s, const json_t *v, const struct expr *e)
{
    return value_of_json(go_down(s, v, e));
}

static const char *method_of(const struct scope *s)
{
    return s->bound->ops[s->step->op->index].method;
}

struct value expr_eval(struct scope *s, const struct expr *e)
{
    switch (e->source) {
    case EXPR_DATA:
        return below(s, s->in->data, e);
    case EXPR_EVENT:
        return below(s, s->in->event, e);
    case EXPR_RECORD:
        return below(s, s->in->record, e);
    case EXPR_SETTINGS:
        return below(s, s->bound->settings, e);
    case EXPR_CREDENTIALS:
        return below(s, s->bound->credentials, e);
    case EXPR_STEP:
        return below(s, json_object_get(s->step_outputs[e->index], e->name), e);
    case EXPR_OUTPUTS:
        return below(s, json_object_get(s->outputs, e->name), e);
    case EXPR_ITEM:
        return below(s, s->item, e);
    case EXPR_OUTER:
        return below(s, s->outer, e);
    case EXPR_LOOP:
        return below(s, s->loop, e);
    case EXPR_STATUS:
        return s->reply == NULL || s->reply->status == 0 ? value_nothing() : value_int(s->reply->status);
    case EXPR_URL:
        return s->url == NULL ? value_nothing() : value_text(s->url, strlen(s->url));
    case EXPR_METHOD:
        return value_text(method_of(s), strlen(method_of(s)));
    case EXPR_BODY:
        return eval_body(s, e);
    case EXPR_HEADER:
        return eval_header(s, e->name);
    case EXPR_REQUEST_PARAM:
        return eval_below(s, s->step->params[e->index].value, e);
    case EXPR_REQUEST_BODY:
        return eval_below(s, s->step->body, e);
    }
    return value_nothing();
}
