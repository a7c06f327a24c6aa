/* criteria.h - Arazzo's Criterion Objects and simple conditions, compiled at load. */
#ifndef TVB_WORKFLOW_CRITERIA_H
#define TVB_WORKFLOW_CRITERIA_H

#include "workflow/expr.h"

/* Compiles a simple condition. NULL: a fault was noted. */
const struct cond *cond_compile(struct loader *l, const struct where *w, const char *s, const struct at *at);
/* The member @key of @object as a condition. */
const struct cond *cond_member(struct loader *l, const struct where *w, const json_t *object, const char *key,
                               const struct at *at);
bool cond_holds(struct scope *s, const struct cond *c);

/* Compiles a list of criteria (NULL: none). -1: faults were noted. */
int criteria_compile(struct loader *l, const struct where *w, const json_t *list, struct criteria *ret,
                     const struct at *at);
/* The member @key of @object, which is a simple condition or a list of criteria; absent: none. -1: faults were noted. */
int criteria_member(struct loader *l, const struct where *w, const json_t *object, const char *key,
                    struct criteria *ret, const struct at *at);
/* Whether all hold; true for none. */
bool criteria_hold(struct scope *s, const struct criteria *c);

/* The items that a loop goes over, as a new list: of a list its items, of an object {key, value}, of another value itself;
 * empty for nothing and null. NULL: out of memory. */
json_t *scope_items(struct scope *s, const struct expr *list);

#endif
