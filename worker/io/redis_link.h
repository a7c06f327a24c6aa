/* redis_link.h - one connection to Redis on the loop: commands out, replies in the order of the commands.
 *
 * Private to the redis files, and the only place that speaks hiredis: its non-blocking connect and its reader, with
 * our own reply objects (flat, in one arena, no allocation a reply). Commands gather and leave with one write a
 * turn. Each has a deadline; replies come in order, so one timer over the oldest is enough, and a missed one ends
 * the connection. Every command's callback is called exactly once, redis_link_free() aside. */
#ifndef TVB_IO_REDIS_LINK_H
#define TVB_IO_REDIS_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "io/loop.h"

struct redis_link;

enum reply_type { REPLY_STRING, REPLY_ARRAY, REPLY_INTEGER, REPLY_NIL, REPLY_STATUS, REPLY_ERROR };

/* Borrowed for the callback. */
struct reply {
    enum reply_type type;
    long long integer;
    const char *str; /* string, status, error: NUL-terminated; else "" */
    size_t len;
    const struct reply *items; /* array: flat */
    size_t n;
    size_t at; /* private: where str starts in the arena */
};

/* @reply NULL: the connection ended before the answer. */
typedef void redis_link_reply_fn(void *owner, void *arg, const struct reply *reply);

struct redis_link_handlers {
    void *owner;
    void (*connected)(void *owner);
    /* It has ended: no more commands from now on. Those under way end next, then down() comes. */
    void (*broken)(void *owner);
    /* Once; after it the link is dead and is to be freed. Every command's callback was called before. */
    void (*down)(void *owner, const char *why);
};

struct redis_link_address {
    const char *host, *unix_path; /* unix_path first */
    int port;
};

/* Starts to connect; a host's name is looked up on another thread first, and @timeout_ms counts from then on. NULL when
 * that fails at once. */
struct redis_link *redis_link_new(struct loop *l, const struct redis_link_address *a, int64_t timeout_ms,
                                  const struct redis_link_handlers *h, struct err *reterr);
void redis_link_free(struct redis_link *k); /* NULL is fine; inside its callbacks too */
/* Ends it at the end of the turn with @why, as if the connection had broken. */
void redis_link_fail(struct redis_link *k, const char *why);

/* ---- a command: begin, its arguments, end ---- */
void redis_link_begin(struct redis_link *k, size_t args);
void redis_link_arg(struct redis_link *k, const char *data, size_t len);
void redis_link_str(struct redis_link *k, const char *s);
void redis_link_int(struct redis_link *k, int64_t v);
/* A key or field made of pieces; ends with NULL. */
void redis_link_cat(struct redis_link *k, ...) __attribute__((sentinel));
/* -1: out of memory; the callback will not be called and the connection ends at the end of the turn. */
int redis_link_end(struct redis_link *k, redis_link_reply_fn *fn, void *arg);

/* A script: begins EVALSHA with @args arguments after the digest; on NOSCRIPT the link sends the text itself. */
struct redis_script {
    const char *text;
    char sha[41];
};
void redis_link_begin_script(struct redis_link *k, const struct redis_script *s, size_t args);

#endif
