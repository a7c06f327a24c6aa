/* redis_link.c - see redis_link.h. */
#include "io/redis_link.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <hiredis/hiredis.h>

#include "base/buf.h"
#include "io/resolve.h"

enum {
    READ_BYTES = 64 * 1024,
    REPLY_ITEMS = 64,                  /* of one reply: most have fewer than ten, Sentinel's about 60, the guard's two an account */
    REPLY_ITEMS_MAX = 1024 * 1024,
    REPLY_BYTES_MAX = 16 * 1024 * 1024,
    OUT_BYTES_MAX = 256 * 1024 * 1024, /* written or not, until answered */
    COMPACT_BYTES = 64 * 1024,
    HEAD_BYTES = 1 + 20 + 2, /* a letter, a number, the end of the line */
};

/* A command under way. Its bytes stay in the buffer until it is answered, for NOSCRIPT. */
struct command {
    redis_link_reply_fn *fn;
    void *arg;
    int64_t deadline_ms;
    size_t start, len;                 /* in link->out */
    const struct redis_script *script; /* NULL: not an EVALSHA */
};

struct command_ring {
    struct command *items;
    size_t head, n, cap; /* cap: a power of two */
};

/* The reply under way: its root is the first item. */
struct arena {
    struct reply *items;
    size_t n, cap;
    struct buf text;
};

struct redis_link {
    struct loop *loop;
    redisContext *ctx;       /* NULL while the name is looked up */
    struct resolve *resolve; /* under way, or NULL */
    int port;                /* for when it has ended */
    struct loop_poll *poll;
    struct loop_timer *timer;
    struct loop_hook *hook;
    struct redis_link_handlers handlers;
    int64_t timeout_ms, armed_ms; /* armed_ms: when the timer fires; -1: not armed */
    bool connected, dead, freed;
    char why[128]; /* not "": ends at the end of the turn */

    struct buf out;    /* answered, written, not yet written */
    size_t written;    /* in out */
    struct command_ring under_way;
    struct command building;
    size_t args_left;
    struct arena arena;
    char in[READ_BYTES];
};

/* ---- reply objects for hiredis' reader: flat, in the arena ---- */

static bool arena_grow(struct arena *a)
{
    size_t cap = a->cap ? 2 * a->cap : REPLY_ITEMS;
    struct reply *items = cap <= REPLY_ITEMS_MAX ? realloc(a->items, cap * sizeof(*items)) : NULL;
    if (!items)
        return false;
    a->items = items;
    a->cap = cap;
    return true;
}

/* Good until the next one is added, which may move all. */
static struct reply *arena_add(const redisReadTask *t, enum reply_type type, const char *s, size_t len)
{
    struct arena *a = t->privdata;
    if ((t->parent && t->parent->parent) || (a->n == a->cap && !arena_grow(a)))
        return NULL;
    struct reply *r = &a->items[a->n++];
    *r = (struct reply){.type = type, .str = "", .len = len, .at = a->text.len};
    buf_add(&a->text, s, len);
    buf_addc(&a->text, '\0');
    return buf_ok(&a->text) ? r : NULL;
}

static void *make_string(const redisReadTask *t, char *s, size_t len)
{
    enum reply_type type = REPLY_STRING;
    if (t->type == REDIS_REPLY_STATUS)
        type = REPLY_STATUS;
    else if (t->type == REDIS_REPLY_ERROR)
        type = REPLY_ERROR;
    return arena_add(t, type, s, len);
}

static void *make_array(const redisReadTask *t, int n)
{
    struct reply *r = arena_add(t, REPLY_ARRAY, "", 0);
    if (!r || n < 0)
        return NULL;
    r->n = (size_t)n;
    return r;
}

static void *make_integer(const redisReadTask *t, long long v)
{
    struct reply *r = arena_add(t, REPLY_INTEGER, "", 0);
    if (r)
        r->integer = v;
    return r;
}

static void *make_nil(const redisReadTask *t)
{
    return arena_add(t, REPLY_NIL, "", 0);
}

static void free_nothing(void *r)
{
    (void)r;
}

static int reader_init(struct redis_link *k)
{
    static const redisReplyObjectFunctions functions = {make_string, make_array, make_integer, make_nil, free_nothing};
    redisReader *r = redisReaderCreateWithFunctions((redisReplyObjectFunctions *)(uintptr_t)&functions);
    if (!r)
        return -1;
    r->privdata = &k->arena;
    r->maxbuf = 0; /* keep the buffer */
    redisReaderFree(k->ctx->reader);
    k->ctx->reader = r;
    buf_init(&k->arena.text, REPLY_BYTES_MAX);
    return 0;
}

/* All of it is there: its root. */
static const struct reply *arena_settle(struct arena *a)
{
    for (size_t i = 0; i < a->n; i++)
        a->items[i].str = a->text.data + a->items[i].at;
    a->items[0].items = a->items + 1; /* children follow: nothing nests deeper */
    return a->items;
}

static void arena_fini(struct arena *a)
{
    free(a->items);
    a->items = NULL;
    a->n = a->cap = 0;
}

/* What one long reply took is not kept. */
static void arena_reset(struct arena *a)
{
    if (a->cap > REPLY_ITEMS)
        arena_fini(a);
    a->n = 0;
    buf_reset(&a->text);
}

/* ---- commands under way ---- */

static int ring_push(struct command_ring *r, const struct command *c)
{
    if (r->n == r->cap) {
        size_t cap = r->cap ? 2 * r->cap : 64;
        struct command *items = malloc(cap * sizeof(*items));
        if (!items)
            return -1;
        for (size_t i = 0; i < r->n; i++)
            items[i] = r->items[(r->head + i) & (r->cap - 1)];
        free(r->items);
        *r = (struct command_ring){items, 0, r->n, cap};
    }
    r->items[(r->head + r->n++) & (r->cap - 1)] = *c;
    return 0;
}

static struct command *ring_at(const struct command_ring *r, size_t i)
{
    return &r->items[(r->head + i) & (r->cap - 1)];
}

static struct command ring_pop(struct command_ring *r)
{
    struct command c = *ring_at(r, 0);
    r->head = (r->head + 1) & (r->cap - 1);
    r->n--;
    return c;
}

/* Drops the bytes of what was answered. */
static void compact(struct redis_link *k)
{
    size_t keep = k->under_way.n ? ring_at(&k->under_way, 0)->start : k->out.len;
    if (keep == 0 || (keep < k->out.len && keep < COMPACT_BYTES))
        return;
    memmove(k->out.data, k->out.data + keep, k->out.len - keep);
    k->out.len -= keep;
    k->written -= keep;
    for (size_t i = 0; i < k->under_way.n; i++)
        ring_at(&k->under_way, i)->start -= keep;
}

/* ---- the end of a link ---- */

static void set_why(struct redis_link *k, const char *why)
{
    if (!k->why[0])
        snprintf(k->why, sizeof(k->why), "%s", why);
}

void redis_link_fail(struct redis_link *k, const char *why)
{
    set_why(k, why);
}

static void die(struct redis_link *k)
{
    k->dead = true;
    loop_poll_free(k->poll);
    k->poll = NULL;
    k->handlers.broken(k->handlers.owner);
    while (!k->freed && k->under_way.n) {
        struct command c = ring_pop(&k->under_way);
        c.fn(k->handlers.owner, c.arg, NULL);
    }
    if (!k->freed)
        k->handlers.down(k->handlers.owner, k->why);
}

static void free_memory(void *arg)
{
    struct redis_link *k = arg;
    if (k->ctx)
        redisFree(k->ctx);
    buf_fini(&k->out);
    buf_fini(&k->arena.text);
    arena_fini(&k->arena);
    free(k->under_way.items);
    free(k);
}

void redis_link_free(struct redis_link *k)
{
    if (!k || k->freed)
        return;
    k->freed = k->dead = true;
    resolve_cancel(k->resolve);
    loop_poll_free(k->poll);
    loop_timer_free(k->timer);
    loop_hook_free(k->hook);
    loop_defer(k->loop, free_memory, k);
}

/* ---- reading ---- */

/* The script is not there (SCRIPT FLUSH, a restart): the same command again, with the text in place of the digest. */
static bool resend_as_text(struct redis_link *k, struct command c, const struct reply *r)
{
    if (!c.script || r->type != REPLY_ERROR || strncmp(r->str, "NOSCRIPT", 8) != 0)
        return false;
    const struct redis_script *s = c.script;
    const char *old = k->out.data + c.start;
    size_t head = strcspn(old, "\r") + 2; /* "*<n>\r\n", kept */
    size_t skip = head + strlen("$7\r\nEVALSHA\r\n$40\r\n\r\n") + 40;
    size_t start = k->out.len;
    if (!buf_reserve(&k->out, c.len + strlen(s->text) + 64))
        return false;
    buf_add(&k->out, k->out.data + c.start, head);
    buf_addf(&k->out, "$4\r\nEVAL\r\n$%zu\r\n", strlen(s->text));
    buf_adds(&k->out, s->text);
    buf_adds(&k->out, "\r\n");
    buf_add(&k->out, k->out.data + c.start + skip, c.len - skip);
    c.start = start;
    c.len = k->out.len - start;
    c.script = NULL;
    c.deadline_ms = loop_now_ms(k->loop) + k->timeout_ms;
    return ring_push(&k->under_way, &c) == 0;
}

static void answer(struct redis_link *k, const struct reply *r)
{
    if (k->under_way.n == 0) {
        set_why(k, "an answer that nobody asked for");
        return;
    }
    struct command c = ring_pop(&k->under_way);
    if (!resend_as_text(k, c, r))
        c.fn(k->handlers.owner, c.arg, r);
}

static void answers(struct redis_link *k)
{
    while (!k->dead && !k->why[0]) {
        void *r = NULL;
        if (redisReaderGetReply(k->ctx->reader, &r) != 0) {
            set_why(k, "not understood what it answered");
            return;
        }
        if (!r)
            break;
        answer(k, arena_settle(&k->arena));
        arena_reset(&k->arena);
    }
    if (!k->dead)
        compact(k);
}

static void read_some(struct redis_link *k)
{
    ssize_t n;
    do {
        n = read(k->ctx->fd, k->in, sizeof(k->in));
        if (n == 0) {
            set_why(k, "connection closed by Redis");
        } else if (n < 0) {
            if (errno != EAGAIN && errno != EINTR)
                set_why(k, strerror(errno));
        } else {
            redisReaderFeed(k->ctx->reader, k->in, (size_t)n);
            answers(k);
        }
    } while (n == (ssize_t)sizeof(k->in) && !k->dead && !k->why[0]);
}

/* ---- writing ---- */

static void write_some(struct redis_link *k)
{
    while (k->written < k->out.len) {
        ssize_t n = send(k->ctx->fd, k->out.data + k->written, k->out.len - k->written, MSG_NOSIGNAL);
        if (n < 0) {
            if (errno != EAGAIN && errno != EINTR)
                set_why(k, strerror(errno));
            break;
        }
        k->written += (size_t)n;
    }
    loop_poll_set(k->poll, LOOP_READABLE | (k->written < k->out.len ? LOOP_WRITABLE : 0));
}

/* ---- the loop's calls ---- */

static void connect_done(struct redis_link *k)
{
    int e = 0;
    socklen_t len = sizeof(e);
    if (getsockopt(k->ctx->fd, SOL_SOCKET, SO_ERROR, &e, &len))
        e = errno;
    if (e) {
        set_why(k, strerror(e));
        return;
    }
    k->connected = true;
    k->handlers.connected(k->handlers.owner);
}

static void on_poll(void *arg, int events)
{
    struct redis_link *k = arg;
    if (k->dead || k->why[0])
        return; /* the hook ends it */
    if (!k->connected)
        connect_done(k);
    else if (events & LOOP_READABLE)
        read_some(k);
}

static void on_timer(void *arg)
{
    struct redis_link *k = arg;
    k->armed_ms = -1;
    int64_t now = loop_now_ms(k->loop);
    if (!k->connected)
        set_why(k, "no connection in time");
    else if (k->under_way.n && ring_at(&k->under_way, 0)->deadline_ms <= now)
        set_why(k, "no answer in time");
}

static void arm(struct redis_link *k)
{
    if (k->armed_ms >= 0 || k->under_way.n == 0)
        return;
    int64_t now = loop_now_ms(k->loop);
    k->armed_ms = ring_at(&k->under_way, 0)->deadline_ms;
    loop_timer_start(k->timer, k->armed_ms - now + 1);
}

static void on_hook(void *arg)
{
    struct redis_link *k = arg;
    if (k->dead)
        return;
    if (!k->why[0] && k->connected)
        write_some(k);
    if (k->why[0])
        die(k);
    else
        arm(k);
}

/* ---- commands ---- */

static char *put_line_end(char *to)
{
    to[0] = '\r';
    to[1] = '\n';
    return to + 2;
}

/* "*<n>\r\n", "$<n>\r\n": at most HEAD_BYTES. */
static char *put_head(char *to, char kind, size_t n)
{
    *to = kind;
    return put_line_end(buf_put_u(to + 1, n));
}

void redis_link_begin(struct redis_link *k, size_t args)
{
    k->building = (struct command){.start = k->out.len};
    k->args_left = args;
    char *to = buf_reserve(&k->out, HEAD_BYTES);
    if (to)
        k->out.len = (size_t)(put_head(to, '*', args) - k->out.data);
}

/* Where the @len bytes of the next argument go; NULL: no memory, which redis_link_end() tells. */
static char *arg_begin(struct redis_link *k, size_t len)
{
    k->args_left--;
    char *to = buf_reserve(&k->out, HEAD_BYTES + len + 2);
    return to ? put_head(to, '$', len) : NULL;
}

/* @at: behind the argument's bytes. */
static void arg_end(struct redis_link *k, char *at)
{
    k->out.len = (size_t)(put_line_end(at) - k->out.data);
}

void redis_link_arg(struct redis_link *k, const char *data, size_t len)
{
    char *to = arg_begin(k, len);
    if (!to)
        return;
    if (len > 0)
        memcpy(to, data, len);
    arg_end(k, to + len);
}

void redis_link_str(struct redis_link *k, const char *s)
{
    redis_link_arg(k, s, strlen(s));
}

void redis_link_int(struct redis_link *k, int64_t v)
{
    char text[21] = "-";
    char *end = buf_put_u(text + (v < 0), v < 0 ? 0 - (uint64_t)v : (uint64_t)v);
    redis_link_arg(k, text, (size_t)(end - text));
}

void redis_link_cat(struct redis_link *k, ...)
{
    va_list ap;
    size_t len = 0;
    va_start(ap, k);
    for (const char *s; (s = va_arg(ap, const char *));)
        len += strlen(s);
    va_end(ap);
    char *to = arg_begin(k, len);
    if (!to)
        return;
    va_start(ap, k);
    for (const char *s; (s = va_arg(ap, const char *));)
        to = stpcpy(to, s); /* its NUL is the next one's place, or that of "\r\n" */
    va_end(ap);
    arg_end(k, to);
}

void redis_link_begin_script(struct redis_link *k, const struct redis_script *s, size_t args)
{
    redis_link_begin(k, args + 2);
    redis_link_arg(k, "EVALSHA", 7);
    redis_link_arg(k, s->sha, 40);
    k->building.script = s;
}

int redis_link_end(struct redis_link *k, redis_link_reply_fn *fn, void *arg)
{
    struct command *c = &k->building;
    c->fn = fn;
    c->arg = arg;
    c->len = k->out.len - c->start;
    c->deadline_ms = loop_now_ms(k->loop) + k->timeout_ms;
    if (k->args_left == 0 && buf_ok(&k->out) && ring_push(&k->under_way, c) == 0)
        return 0;
    set_why(k, "out of memory"); /* half a command stands in the buffer: the connection cannot go on */
    return -1;
}

/* ---- to connect ---- */

/* @c is the link's from here on. The time to connect begins. */
static int attach(struct redis_link *k, redisContext *c, struct err *reterr)
{
    k->ctx = c;
    if (reader_init(k))
        return err_nomem(reterr);
    k->poll = loop_poll_new(k->loop, k->ctx->fd, on_poll, k, reterr);
    if (!k->poll)
        return -1;
    loop_poll_set(k->poll, LOOP_WRITABLE);
    k->armed_ms = loop_now_ms(k->loop) + k->timeout_ms;
    loop_timer_start(k->timer, k->timeout_ms);
    return 0;
}

static redisContext *check_connect(redisContext *c, struct err *reterr)
{
    if (c && !c->err)
        return c;
    if (c)
        err_set(reterr, ERR_IO, "%s", c->errstr);
    else
        err_nomem(reterr);
    if (c)
        redisFree(c);
    return NULL;
}

/* ---- birth ---- */

static void on_resolved(void *arg, const char *address, const char *why)
{
    struct redis_link *k = arg;
    struct err err = {0};
    k->resolve = NULL;
    redisContext *c = address ? check_connect(redisConnectNonBlock(address, k->port), &err) : NULL;
    if (!address)
        set_why(k, why);
    else if (!c || attach(k, c, &err) != 0)
        set_why(k, err.msg);
}

static int start_connect(struct redis_link *k, const struct redis_link_address *a, struct err *reterr)
{
    if (!a->unix_path && !resolve_is_address(a->host)) {
        k->port = a->port;
        k->resolve = resolve_start(k->loop, a->host, on_resolved, k, reterr);
        return k->resolve ? 0 : -1;
    }
    redisContext *c = check_connect(
        a->unix_path ? redisConnectUnixNonBlock(a->unix_path) : redisConnectNonBlock(a->host, a->port), reterr);
    return c ? attach(k, c, reterr) : -1;
}

struct redis_link *redis_link_new(struct loop *l, const struct redis_link_address *a, int64_t timeout_ms,
                                  const struct redis_link_handlers *h, struct err *reterr)
{
    struct redis_link *k = calloc(1, sizeof(*k));
    if (!k) {
        err_nomem(reterr);
        return NULL;
    }
    k->loop = l;
    k->handlers = *h;
    k->timeout_ms = timeout_ms;
    k->armed_ms = -1;
    buf_init(&k->out, OUT_BYTES_MAX);
    k->hook = loop_hook_new(l, on_hook, k, reterr);
    k->timer = loop_timer_new(l, on_timer, k, reterr);
    if (!k->hook || !k->timer || start_connect(k, a, reterr) != 0) {
        redis_link_free(k);
        return NULL;
    }
    return k;
}
