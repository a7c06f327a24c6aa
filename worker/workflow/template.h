/* template.h - values with expressions in them: parameters, payloads, x-record. Compiled at load. */
#ifndef TVB_WORKFLOW_TEMPLATE_H
#define TVB_WORKFLOW_TEMPLATE_H

#include "workflow/expr.h"

/* Compiles any JSON value of a document. NULL: a fault was noted. */
const struct tmpl *tmpl_compile(struct loader *l, const struct where *w, const json_t *v, const struct at *at);
/* The same from a text, which must be one that the document or the arena holds. */
const struct tmpl *tmpl_compile_text(struct loader *l, const struct where *w, const char *s, size_t n,
                                     const struct at *at);

/* Whether an object is x-case, x-each, ...: no object of members. */
bool tmpl_is_special(const json_t *v);

/* The value, borrowed from the scope. Nothing when there is none; s->bad or s->failed may be set. */
struct value tmpl_value(struct scope *s, const struct tmpl *t);
/* A new reference; NULL: nothing, or s->bad or s->failed. */
json_t *tmpl_json(struct scope *s, const struct tmpl *t);
/* Appends it as JSON text. False (and nothing appended) when it is nothing. */
bool tmpl_write_json(struct scope *s, const struct tmpl *t, struct buf *out);
/* A member's key. False: nothing, the member is left out. */
bool tmpl_key(struct scope *s, const struct tmpl *t, struct value *ret);

#endif
