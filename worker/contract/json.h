/* json.h - JSON as the contract takes it: strict, bounded, with the place of a fault.
 *
 * Refuses duplicate keys, depth over 16, more bytes than allowed, invalid UTF-8 and
 * anything after the value (RFC 8259). */
#ifndef TVB_CONTRACT_JSON_H
#define TVB_CONTRACT_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/hash.h"

#define JSON_EVENT_MAX_BYTES 1048576 /* 1 MiB */
#define JSON_EVENT_MAX_DEPTH 16

/* What was wrong with an input, and where. Both texts are NUL-terminated, cut when too long. */
struct fault {
    char pointer[160]; /* RFC 6901 JSON pointer; "" is the whole document */
    char reason[240];  /* for a person, one line of UTF-8; holds no values that could be personal */
    bool nomem;        /* not the input's fault: there was no memory to look at it */
};

/* Sets @ret and returns -1. */
int fault_set(struct fault *ret, const char *pointer, const char *fmt, ...) ATTR_PRINTF(3, 4);
/* "out of memory", with nomem set. Returns -1. */
int fault_nomem(struct fault *ret);

/* Parses @data. NULL and @ret_fault when it is refused. The caller owns the value. */
json_t *json_parse_strict(const char *data, size_t len, struct fault *ret_fault);

/* Appends @v in canonical form: no white space, object keys sorted by code unit (RFC 8785's
 * order and escapes; numbers as jansson prints them with 17 digits). */
void json_add_canonical(struct buf *out, const json_t *v);
#define JSON_DIGEST_SIZE 33 /* with the NUL */
#define JSON_DIGEST_BEFORE_MAX 3
/* The first 32 hexadecimal digits of SHA-256 over the @n parts of @before and @v in canonical form. -1: out of memory. */
int json_digest(const struct hash_part *before, size_t n, const json_t *v, char ret[JSON_DIGEST_SIZE]);
/* Appends @v compactly, in its own order. */
void json_add_compact(struct buf *out, const json_t *v);

/* The value at an RFC 6901 pointer below @root; NULL when there is none. Borrowed. */
json_t *json_at_pointer(const json_t *root, const char *pointer);
/* The text of that member; "" when there is none or it is no text. */
const char *json_text(const json_t *object, const char *name);

#endif
