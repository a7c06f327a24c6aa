/* arazzo_body.c - a step's Request Body Object: media type, payload, replacements. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "workflow/arazzo.h"
#include "workflow/pointer.h"
#include "workflow/template.h"

static const json_t *own(struct loader *l, json_t *v)
{
    if (v != NULL && json_array_append_new(l->pack->owned, v) == 0)
        return v;
    l->out_of_memory = true;
    return NULL;
}

/* --- media type --- */

static enum body_kind kind_of(const char *media)
{
    size_t n = strcspn(media, "; ");
    static const char form[] = "application/x-www-form-urlencoded", json[] = "application/json";
    if (n == strlen(form) && strncasecmp(media, form, n) == 0)
        return BODY_FORM;
    if (n == strlen(json) && strncasecmp(media, json, n) == 0)
        return BODY_JSON;
    return n > 5 && strncasecmp(media + n - 5, "+json", 5) == 0 ? BODY_JSON : BODY_NONE;
}

static const char *first_supported(const json_t *content)
{
    const char *media;
    json_t *v;
    json_object_foreach((json_t *)(uintptr_t)content, media, v)
        if (kind_of(media) != BODY_NONE)
            return media;
    return NULL;
}

static void choose_media(struct loader *l, struct step *ret, const json_t *v, const struct at *at)
{
    const char *media = load_string(l, v, "contentType", at, false);
    struct at here = at_key(at, "contentType");
    if (ret->op->content == NULL)
        load_fault(l, at, "the operation `%s` declares no requestBody", ret->op->id);
    else if (media != NULL && json_object_get(ret->op->content, media) == NULL)
        load_fault(l, &here, "the operation `%s` does not declare `%s`", ret->op->id, media);
    else if (media == NULL)
        media = first_supported(ret->op->content);
    ret->content_type = media;
    ret->body_kind = media == NULL ? BODY_NONE : kind_of(media);
    if (ret->body_kind == BODY_NONE && ret->op->content != NULL)
        load_fault(l, &here, "bodies of type `%s` are not supported: JSON and application/x-www-form-urlencoded are",
                   media == NULL ? "that the operation declares" : media);
}

/* --- payloads that are text --- */

static bool is_expression(const char *s)
{
    return s[0] == '$' && isalpha((unsigned char)s[1]);
}

static void set_text(json_t *object, const char *key, const char *s, size_t n)
{
    json_object_set_new(object, key, json_stringn(s, n));
}

/* "a={$inputs.data.a}&b=1": pairs, so that values are encoded and cannot break out. Not decoded: written as meant. */
static const json_t *read_pairs(struct loader *l, const char *s, const struct at *at)
{
    json_t *object = json_object();
    while (*s != '\0' && object != NULL) {
        size_t n = strcspn(s, "&\r\n");
        const char *equals = memchr(s, '=', n);
        size_t key_len = equals == NULL ? n : (size_t)(equals - s);
        const char *key = load_text(l, s, key_len);
        if (key_len == 0 || key == NULL || json_object_get(object, key) != NULL) {
            load_fault(l, at, "a form as text is a=VALUE&b=VALUE, each name once");
            json_decref(object);
            return NULL;
        }
        set_text(object, key, equals == NULL ? "" : equals + 1, equals == NULL ? 0 : n - key_len - 1);
        s += n;
        s += strspn(s, "&\r\n");
    }
    return own(l, object);
}

static const json_t *read_text(struct loader *l, enum body_kind kind, const json_t *v, const struct at *at)
{
    const char *s = json_string_value(v);
    if (is_expression(s))
        return v;
    if (kind == BODY_FORM)
        return read_pairs(l, s, at);
    json_error_t error;
    json_t *parsed = json_loads(s, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, &error);
    if (parsed != NULL)
        return own(l, parsed);
    load_fault(l, at, "the payload is no JSON text with expressions inside its strings (its line %d: %s)", error.line,
               error.text);
    return NULL;
}

/* --- forms --- */

/* The name that openapi.yaml gives the property: `subscribed` may be declared as `subscribed[]`. */
static const char *declared_name(struct loader *l, const json_t *properties, const char *key)
{
    size_t size = strlen(key) + sizeof("[]");
    char *name = load_alloc(l, size, 1);
    if (name == NULL)
        return key;
    snprintf(name, size, "%s[]", key);
    bool renamed = json_object_get(properties, key) == NULL && json_object_get(properties, name) != NULL;
    return renamed ? name : key;
}

static const json_t *check_form(struct loader *l, const struct step *s, const json_t *payload, const struct at *at)
{
    const json_t *media = json_object_get(s->op->content, s->content_type);
    const json_t *properties = json_object_get(json_object_get(media, "schema"), "properties");
    json_t *form = json_object(), *v;
    const char *key;
    json_object_foreach((json_t *)(uintptr_t)payload, key, v) {
        struct at here = at_key(at, key);
        if (json_is_object(v) && !tmpl_is_special(v))
            load_fault(l, &here, "a form has no nested objects");
        if (form != NULL)
            json_object_set(form, declared_name(l, properties, key), v);
    }
    return own(l, form);
}

/* --- replacements --- */

static bool check_target(struct loader *l, const json_t *v, const char *target, const struct at *at)
{
    struct at here = at_key(at, "target");
    if (target != NULL && target[0] != '/')
        load_fault(l, &here, "the target must be a JSON pointer; XPath is not supported");
    if (json_object_get(v, "value") == NULL)
        load_fault(l, at, "`value` is missing");
    return target != NULL && target[0] == '/' && json_object_get(v, "value") != NULL;
}

/* A payload that is written out is changed before it is compiled. */
static const json_t *replace_written(struct loader *l, const json_t *payload, const json_t *list, const struct at *up)
{
    json_t *copy = json_deep_copy(payload);
    for (size_t i = 0; i < json_array_size(list) && copy != NULL; i++) {
        const json_t *v = json_array_get(list, i);
        struct at at = at_index(up, i);
        load_known(l, v, " target value ", &at, "a replacement");
        const char *target = load_string(l, v, "target", &at, true);
        if (check_target(l, v, target, &at) &&
            pointer_set(&copy, target, json_deep_copy(json_object_get(v, "value"))) != 0)
            load_fault(l, &at, "the payload has no place `%s`", target);
    }
    return own(l, copy);
}

/* A payload that is an expression is changed when it is known. */
static const struct tmpl *replace_later(struct loader *l, const struct where *w, const struct tmpl *base,
                                        const json_t *list, const struct at *up)
{
    for (size_t i = 0; i < json_array_size(list) && base != NULL; i++) {
        const json_t *v = json_array_get(list, i);
        struct at at = at_index(up, i), value_at = at_key(&at, "value");
        load_known(l, v, " target value ", &at, "a replacement");
        const char *target = load_string(l, v, "target", &at, true);
        struct tmpl *t = load_alloc(l, 1, sizeof(*t));
        if (t == NULL || !check_target(l, v, target, &at))
            return NULL;
        t->kind = TMPL_REPLACE;
        t->pointer = at_keep(l, &at);
        t->replace.base = base;
        t->replace.target = target;
        t->replace.value = tmpl_compile(l, w, json_object_get(v, "value"), &value_at);
        base = t->replace.value == NULL ? NULL : t;
    }
    return base;
}

/* --- all --- */

static void compile_payload(struct loader *l, const struct where *w, struct step *ret, const json_t *v,
                            const struct at *at)
{
    const json_t *payload = json_object_get(v, "payload"), *list = load_list(l, v, "replacements", at, false);
    struct at here = at_key(at, "payload"), up = at_key(at, "replacements");
    if (payload == NULL) {
        load_fault(l, at, "`payload` is missing");
        return;
    }
    if (json_is_string(payload))
        payload = read_text(l, ret->body_kind, payload, &here);
    bool written = payload != NULL && (!json_is_string(payload) || !is_expression(json_string_value(payload)));
    if (written && list != NULL)
        payload = replace_written(l, payload, list, &up);
    if (payload != NULL && ret->body_kind == BODY_FORM && written && !json_is_object(payload))
        load_fault(l, &here, "the payload of a form must be an object");
    else if (json_is_object(payload) && ret->body_kind == BODY_FORM && !tmpl_is_special(payload))
        payload = check_form(l, ret, payload, &here);
    if (payload != NULL)
        ret->body = tmpl_compile(l, w, payload, &here);
    if (!written && list != NULL && ret->body != NULL)
        ret->body = replace_later(l, w, ret->body, list, &up);
}

void arazzo_body(struct loader *l, const struct where *w, struct step *ret, const json_t *v, const struct at *at)
{
    const json_t *body = load_object(l, v, "requestBody", at, false);
    struct at here = at_key(at, "requestBody");
    if (body == NULL) {
        if (ret->op->body_required)
            load_fault(l, at, "the operation `%s` needs a requestBody", ret->op->id);
        return;
    }
    load_known(l, body, " contentType payload replacements ", &here, "a requestBody");
    choose_media(l, ret, body, &here);
    if (ret->body_kind != BODY_NONE)
        compile_payload(l, w, ret, body, &here);
}
