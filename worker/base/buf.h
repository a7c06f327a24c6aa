/* buf.h - a growing byte buffer that declares its maximum at birth.
 *
 * Failure is sticky: after a failed add (out of memory, or over the maximum)
 * every later add does nothing and buf_ok() is false, so a writer checks once
 * at the end. The caller owns the struct; buf_fini() frees the bytes. */
#ifndef TVB_BASE_BUF_H
#define TVB_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/attr.h"

struct buf {
    char *data;    /* NUL-terminated when len > 0 or after buf_cstr() */
    size_t len;    /* bytes, without the NUL */
    size_t cap;    /* bytes */
    size_t max;    /* bytes; an add that would pass it fails */
    bool failed;
    bool no_memory; /* it failed because there was none, and not at its maximum */
};

void buf_init(struct buf *b, size_t max_bytes);
void buf_fini(struct buf *b);  /* safe to call twice */
void buf_reset(struct buf *b); /* empties, keeps the memory, forgets a failure */
bool buf_ok(const struct buf *b);
void buf_truncate(struct buf *b, size_t len); /* cuts back to @len bytes; longer than it is: nothing */

/* Room for @n more bytes at b->data + b->len; NULL and sticky failure when there is none. */
char *buf_reserve(struct buf *b, size_t n);

void buf_add_slow(struct buf *b, const void *data, size_t n); /* buf_add() where there is no room yet */

/* Inline, since an event's way is mostly this. @data may be NULL when @n is 0. */
static inline void buf_add(struct buf *b, const void *data, size_t n)
{
    if (b->failed || n == 0 || n >= b->cap - b->len) { /* one byte stays for the NUL */
        buf_add_slow(b, data, n);
        return;
    }
    memcpy(b->data + b->len, data, n);
    b->len += n;
    b->data[b->len] = '\0';
}

static inline void buf_adds(struct buf *b, const char *s)
{
    buf_add(b, s, strlen(s));
}

static inline void buf_addc(struct buf *b, char c)
{
    buf_add(b, &c, 1);
}

/* @v in decimal at @to (room for 20); its end. */
char *buf_put_u(char *to, uint64_t v);
/* The last @n digits of @v at @to, with zeros before them; their end. */
char *buf_put_digits(char *to, uint64_t v, size_t n);

void buf_addu(struct buf *b, uint64_t v); /* decimal */
void buf_addi(struct buf *b, int64_t v);  /* decimal */
void buf_addf(struct buf *b, const char *fmt, ...) ATTR_PRINTF(2, 3);

/* @s as a JSON string with its quotes (RFC 8259 section 7; @s must be UTF-8). */
void buf_add_json(struct buf *b, const char *s, size_t n);
void buf_add_json_str(struct buf *b, const char *s);
/* The same without the quotes. */
void buf_add_json_inner(struct buf *b, const char *s, size_t n);

/* application/x-www-form-urlencoded (WHATWG URL 5.2: space is '+'), and RFC 3986 percent-encoding (unreserved kept). */
void buf_add_form(struct buf *b, const char *s, size_t n);
void buf_add_percent(struct buf *b, const char *s, size_t n);

/* The bytes as a C string; "" when empty or failed. Valid until the next add. */
const char *buf_cstr(struct buf *b);

/* Hands the bytes (NUL-terminated) to the caller, who frees them; the buffer is empty again. NULL when failed. */
char *buf_steal(struct buf *b, size_t *ret_len);

#endif
