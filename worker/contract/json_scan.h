/* json_scan.h - finds where a JSON text breaks the rules, and where its nodes stand.
 *
 * The slow second look, taken only after the fast parser refused a text (it does not tell a
 * pointer) or when a file's line numbers are wanted. Private to contract. */
#ifndef TVB_CONTRACT_JSON_SCAN_H
#define TVB_CONTRACT_JSON_SCAN_H

#include <jansson.h>
#include <stddef.h>

#include "contract/json.h"

/* Told of each value: its RFC 6901 pointer and the byte where it (or its key) begins. */
typedef void json_node_fn(void *arg, const char *pointer, size_t offset);

/* 0 when @data is one JSON value within @max_depth containers. -1 and @ret_fault otherwise (nomem: it could not be looked
 * at). @fn may be NULL. */
int json_scan(const char *data, size_t len, unsigned max_depth, json_node_fn *fn, void *arg,
              struct fault *ret_fault);

/* Appends "/token" with RFC 6901's escapes. */
void json_pointer_add(struct buf *b, const char *token);

/* jansson's iterators take no const though they change nothing. */
static inline json_t *json_unconst(const json_t *v)
{
    return (json_t *)(uintptr_t)v;
}

#endif
