/* form.c - a payload as application/x-www-form-urlencoded (WHATWG URL 5.2; brackets of names as they are, as PHP's
 * clients write them). */
#include <string.h>

#include "workflow/request.h"
#include "workflow/template.h"

static void add_name(struct buf *out, const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (s[i] == '[' || s[i] == ']')
            buf_addc(out, s[i]);
        else
            buf_add_form(out, s + i, 1);
    }
}

static void take_failure(const struct buf *from, struct buf *to)
{
    to->failed = true;
    to->no_memory = to->no_memory || from->no_memory;
}

static void add_pair(const char *key, size_t key_len, const struct value *v, struct buf *text, struct buf *out)
{
    if (out->len > 0)
        buf_addc(out, '&');
    add_name(out, key, key_len);
    buf_addc(out, '=');
    if (v->kind == VALUE_TEXT) {
        buf_add_form(out, v->text.s, v->text.n);
        return;
    }
    size_t mark = text->len;
    value_add_text(v, text);
    if (buf_ok(text))
        buf_add_form(out, text->data + mark, text->len - mark);
    else
        take_failure(text, out);
    text->len = mark;
}

static bool add_member(struct scope *s, const char *key, size_t key_len, const struct value *v, struct buf *out)
{
    if (value_is_empty(v))
        return true;
    if (v->kind != VALUE_TREE) {
        add_pair(key, key_len, v, s->scratch, out);
        return true;
    }
    if (!json_is_array(v->json))
        return false;
    for (size_t i = 0; i < json_array_size(v->json); i++) {
        struct value item = value_of_json(json_array_get(v->json, i));
        if (item.kind == VALUE_TREE)
            return false;
        if (!value_is_empty(&item))
            add_pair(key, key_len, &item, s->scratch, out);
    }
    return true;
}

static const char *write_tree(struct scope *s, const json_t *object, struct buf *out)
{
    const char *key;
    json_t *v;
    json_object_foreach((json_t *)(uintptr_t)object, key, v) {
        struct value value = value_of_json(v);
        if (!add_member(s, key, strlen(key), &value, out))
            return key;
    }
    return NULL;
}

const char *form_write(struct scope *s, const struct tmpl *payload, struct buf *out)
{
    if (payload->kind != TMPL_OBJECT) {
        struct value v = tmpl_value(s, payload);
        if (v.kind == VALUE_NOTHING)
            return NULL;
        return v.kind == VALUE_TREE && json_is_object(v.json) ? write_tree(s, v.json, out) : "payload";
    }
    for (size_t i = 0; i < payload->n; i++) {
        struct value key, v = tmpl_value(s, payload->members[i].value);
        if (!value_is_empty(&v) && tmpl_key(s, payload->members[i].key, &key) &&
            !add_member(s, key.text.s, key.text.n, &v, out)) {
            const char *name = arena_text(s->arena, key.text.s, key.text.n);
            return name != NULL ? name : "payload";
        }
    }
    return NULL;
}
