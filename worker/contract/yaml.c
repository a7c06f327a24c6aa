/* yaml.c - libyaml's events made into jansson values; the only file that sees libyaml. */
#include "contract/yaml.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/buf.h"
#include "base/file.h"
#include "contract/json_scan.h"
#include "contract/yaml_scalar.h"

#define FILE_MAX_BYTES (16 * 1024 * 1024)
#define POINTER_MAX_BYTES (64 * 1024)
#define DEPTH_MAX 64

struct place {
    char *pointer;
    int line; /* from 1 */
};

struct yaml_doc {
    char *name;
    json_t *root;
    struct place *places; /* in the order of the file */
    size_t count, cap;
};

struct reader {
    yaml_parser_t parser;
    struct yaml_doc *doc;
    struct buf pointer;
    unsigned depth;
    struct err *reterr;
};

static json_t *read_node(struct reader *r, const yaml_event_t *ev);

static void *refuse(struct reader *r, size_t line, const char *fmt, ...) ATTR_PRINTF(3, 4);
static void *refuse(struct reader *r, size_t line, const char *fmt, ...)
{
    char what[300];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(what, sizeof(what), fmt, ap);
    va_end(ap);
    err_set(r->reterr, ERR_INVAL, "%s:%zu: %s", r->doc->name, line, what);
    return NULL;
}

static size_t line_of(const yaml_event_t *ev)
{
    return ev->start_mark.line + 1;
}

/* Remembers where a node stands; the first answer (a member's key) stays. */
static void add_place(struct yaml_doc *d, const char *pointer, int line)
{
    if (d->count > 0 && strcmp(d->places[d->count - 1].pointer, pointer) == 0)
        return;
    if (d->count == d->cap) {
        size_t cap = d->cap == 0 ? 64 : d->cap * 2;
        struct place *p = realloc(d->places, cap * sizeof(*p));
        if (p == NULL)
            return; /* without memory, messages name the line of a node above */
        d->places = p;
        d->cap = cap;
    }
    char *copy = strdup(pointer);
    if (copy != NULL)
        d->places[d->count++] = (struct place){copy, line};
}

static bool next(struct reader *r, yaml_event_t *ret)
{
    if (yaml_parser_parse(&r->parser, ret))
        return true;
    const yaml_parser_t *p = &r->parser;
    if (p->error == YAML_MEMORY_ERROR)
        err_nomem(r->reterr);
    else if (p->error == YAML_READER_ERROR)
        err_set(r->reterr, ERR_INVAL, "%s: byte %zu: %s", r->doc->name, p->problem_offset,
                p->problem);
    else
        refuse(r, p->problem_mark.line + 1, "not YAML: %s%s%s",
               p->problem != NULL ? p->problem : "cannot be read", p->context != NULL ? " " : "",
               p->context != NULL ? p->context : "");
    return false;
}

/* Anchors, aliases and tags make a file say other than what a reader sees. */
static bool is_plain_node(struct reader *r, const yaml_event_t *ev, const yaml_char_t *anchor,
                          const yaml_char_t *tag)
{
    if (anchor != NULL)
        return refuse(r, line_of(ev), "the anchor &%s is not supported: write the value out",
                      (const char *)anchor) != NULL;
    if (tag != NULL)
        return refuse(r, line_of(ev), "the tag %s is not supported: use plain or quoted values",
                      (const char *)tag) != NULL;
    return true;
}

static json_t *read_scalar(struct reader *r, const yaml_event_t *ev)
{
    if (!is_plain_node(r, ev, ev->data.scalar.anchor, ev->data.scalar.tag))
        return NULL;
    const char *text = (const char *)ev->data.scalar.value;
    size_t len = ev->data.scalar.length;
    if (memchr(text, '\0', len) != NULL)
        return refuse(r, line_of(ev), "a NUL byte in a text");
    if (ev->data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
        return json_stringn(text, len);
    const char *why = "out of memory";
    json_t *v = yaml_scalar(text, len, &why);
    return v != NULL ? v : refuse(r, line_of(ev), "%s", why);
}

static void pointer_cut(struct reader *r, size_t len)
{
    r->pointer.len = len;
    r->pointer.failed = false;
    if (r->pointer.data != NULL)
        r->pointer.data[len] = '\0';
}

/* The next node in full, whatever it is; ends events of containers are told by @ret_end. */
static json_t *read_next(struct reader *r, bool *ret_end)
{
    yaml_event_t ev;
    *ret_end = false;
    if (!next(r, &ev))
        return NULL;
    *ret_end = ev.type == YAML_SEQUENCE_END_EVENT || ev.type == YAML_MAPPING_END_EVENT;
    if (!*ret_end)
        add_place(r->doc, buf_cstr(&r->pointer), (int)line_of(&ev));
    json_t *v = *ret_end ? NULL : read_node(r, &ev);
    yaml_event_delete(&ev);
    return v;
}

static json_t *read_items(struct reader *r, json_t *array)
{
    size_t base = r->pointer.len;
    for (uint64_t i = 0;; i++) {
        buf_addc(&r->pointer, '/');
        buf_addu(&r->pointer, i);
        bool end;
        json_t *item = read_next(r, &end);
        pointer_cut(r, base);
        if (end)
            return array;
        if (item == NULL || json_array_append_new(array, item) != 0)
            return NULL;
    }
}

/* A member's key as text, whatever it looks like (`200:` in OpenAPI is "200"); the caller frees it.
 * NULL with *ret_end: the mapping is over. */
static char *read_key(struct reader *r, const json_t *object, bool *ret_end)
{
    yaml_event_t ev;
    *ret_end = false;
    if (!next(r, &ev))
        return NULL;
    char *key = NULL;
    *ret_end = ev.type == YAML_MAPPING_END_EVENT;
    if (*ret_end) {
        yaml_event_delete(&ev);
        return NULL;
    }
    if (ev.type != YAML_SCALAR_EVENT)
        refuse(r, line_of(&ev), "a key must be a text");
    else if (memchr(ev.data.scalar.value, '\0', ev.data.scalar.length) != NULL)
        refuse(r, line_of(&ev), "a NUL byte in a key");
    else if (is_plain_node(r, &ev, ev.data.scalar.anchor, ev.data.scalar.tag) &&
             (key = strdup((const char *)ev.data.scalar.value)) == NULL)
        err_nomem(r->reterr);
    if (key != NULL && json_object_get(object, key) != NULL) {
        refuse(r, line_of(&ev), "the key \"%s\" stands twice", key);
        free(key);
        key = NULL;
    }
    if (key != NULL) {
        json_pointer_add(&r->pointer, key);
        add_place(r->doc, buf_cstr(&r->pointer), (int)line_of(&ev));
    }
    yaml_event_delete(&ev);
    return key;
}

static json_t *read_members(struct reader *r, json_t *object)
{
    size_t base = r->pointer.len;
    for (;;) {
        bool end;
        char *key = read_key(r, object, &end);
        if (key == NULL)
            return end ? object : NULL;
        json_t *value = read_next(r, &end);
        pointer_cut(r, base);
        int rc = value != NULL ? json_object_set_new(object, key, value) : -1;
        free(key);
        if (rc != 0)
            return NULL;
    }
}

static json_t *read_container(struct reader *r, const yaml_event_t *ev, bool is_map)
{
    if (++r->depth > DEPTH_MAX)
        return refuse(r, line_of(ev), "nested deeper than %d levels", DEPTH_MAX);
    json_t *v = is_map ? json_object() : json_array();
    json_t *full = v == NULL ? NULL : is_map ? read_members(r, v) : read_items(r, v);
    r->depth--;
    if (full == NULL)
        json_decref(v);
    return full;
}

static json_t *read_node(struct reader *r, const yaml_event_t *ev)
{
    if (ev->type == YAML_SCALAR_EVENT)
        return read_scalar(r, ev);
    if (ev->type == YAML_ALIAS_EVENT)
        return refuse(r, line_of(ev), "the alias *%s is not supported: write the value out",
                      (const char *)ev->data.alias.anchor);
    bool is_map = ev->type == YAML_MAPPING_START_EVENT;
    if (!is_map && ev->type != YAML_SEQUENCE_START_EVENT)
        return refuse(r, line_of(ev), "a value is wanted here");
    const yaml_char_t *anchor =
        is_map ? ev->data.mapping_start.anchor : ev->data.sequence_start.anchor;
    const yaml_char_t *tag = is_map ? ev->data.mapping_start.tag : ev->data.sequence_start.tag;
    return is_plain_node(r, ev, anchor, tag) ? read_container(r, ev, is_map) : NULL;
}

/* Skips events of @type that carry nothing; the first other event is the answer. */
static bool next_but(struct reader *r, yaml_event_type_t type, yaml_event_t *ret)
{
    while (next(r, ret)) {
        if (ret->type != type)
            return true;
        yaml_event_delete(ret);
    }
    return false;
}

/* Nothing but the stream's end may follow the first document. */
static int expect_end(struct reader *r)
{
    yaml_event_t ev;
    if (!next_but(r, YAML_DOCUMENT_END_EVENT, &ev))
        return -1;
    bool end = ev.type == YAML_STREAM_END_EVENT;
    if (!end)
        refuse(r, line_of(&ev), "a second document in the file: wanted one");
    yaml_event_delete(&ev);
    return end ? 0 : -1;
}

static int read_document(struct reader *r)
{
    yaml_event_t ev;
    if (!next_but(r, YAML_STREAM_START_EVENT, &ev))
        return -1;
    bool empty = ev.type != YAML_DOCUMENT_START_EVENT;
    yaml_event_delete(&ev);
    if (empty) {
        refuse(r, 1, "the file is empty");
        return -1;
    }
    bool end;
    r->doc->root = read_next(r, &end);
    return r->doc->root != NULL ? expect_end(r) : -1;
}

static int read_yaml(struct yaml_doc *d, const char *text, size_t len, struct err *reterr)
{
    struct err error = {0}; /* the caller's is written on failure only */
    struct reader r = {.doc = d, .reterr = &error};
    if (!yaml_parser_initialize(&r.parser))
        return err_nomem(reterr);
    buf_init(&r.pointer, POINTER_MAX_BYTES);
    yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&r.parser, (const unsigned char *)text, len);
    err_set(&error, ERR_NOMEM, "%s: out of memory", d->name);
    int rc = read_document(&r);
    buf_fini(&r.pointer);
    yaml_parser_delete(&r.parser);
    return rc == 0 ? 0 : err_set(reterr, error.code, "%s", error.msg);
}

/* ---- JSON: what libyaml cannot read of it (tabs, surrogate pairs) is legal there ---- */

struct lines {
    struct yaml_doc *doc;
    const char *text;
    size_t at;
    int line;
};

static void note_line(void *arg, const char *pointer, size_t offset)
{
    struct lines *l = arg;
    for (; l->at < offset; l->at++)
        if (l->text[l->at] == '\n')
            l->line++;
    add_place(l->doc, pointer, l->line);
}

static bool read_json(struct yaml_doc *d, const char *text, size_t len)
{
    size_t from = strspn(text, " \t\r\n");
    if (text[from] != '{' && text[from] != '[')
        return false;
    d->root = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
    if (d->root == NULL)
        return false;
    struct lines l = {d, text, 0, 1};
    if (json_scan(text, len, DEPTH_MAX, note_line, &l, NULL) == 0)
        return true;
    json_decref(d->root);
    d->root = NULL;
    return false;
}

struct yaml_doc *yaml_load_text(const char *name, const char *text, size_t len, struct err *reterr)
{
    struct yaml_doc *d = calloc(1, sizeof(*d));
    char *copy = strndup(text, len); /* NUL-terminated for strspn() */
    if (d == NULL || copy == NULL || (d->name = strdup(name)) == NULL)
        err_nomem(reterr);
    else if (read_json(d, copy, len) || read_yaml(d, text, len, reterr) == 0) {
        free(copy);
        return d;
    }
    free(copy);
    yaml_doc_free(d);
    return NULL;
}

struct yaml_doc *yaml_load_file(const char *path, struct err *reterr)
{
    size_t len;
    char *text = file_read(path, FILE_MAX_BYTES, &len, reterr);
    if (text == NULL)
        return NULL;
    struct yaml_doc *d = yaml_load_text(path, text, len, reterr);
    free(text);
    return d;
}

void yaml_doc_free(struct yaml_doc *d)
{
    if (d == NULL)
        return;
    for (size_t i = 0; i < d->count; i++)
        free(d->places[i].pointer);
    free(d->places);
    json_decref(d->root);
    free(d->name);
    free(d);
}

json_t *yaml_root(const struct yaml_doc *d)
{
    return d->root;
}

const char *yaml_name(const struct yaml_doc *d)
{
    return d->name;
}

static const struct place *find_place(const struct yaml_doc *d, const char *pointer, size_t len)
{
    for (size_t i = 0; i < d->count; i++)
        if (strncmp(d->places[i].pointer, pointer, len) == 0 && d->places[i].pointer[len] == '\0')
            return &d->places[i];
    return NULL;
}

int yaml_line(const struct yaml_doc *d, const char *pointer)
{
    size_t len = strlen(pointer);
    for (;;) {
        const struct place *p = find_place(d, pointer, len);
        if (p != NULL)
            return p->line;
        if (len == 0)
            return 1;
        do
            len--;
        while (len > 0 && pointer[len] != '/');
    }
}
