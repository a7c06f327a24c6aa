/* redis_sentinel.c - see redis_sentinel.h. */
#include "io/redis_sentinel.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/copy.h"
#include "io/redis_link.h"

enum {
    PORT_DEFAULT = 26379,
    POLL_MS = 500,
    TIMEOUT_MAX_MS = 1000,
    FRESH_MS = 3000,  /* an answer counts for so long */
    FIRST_MS = 1500,  /* at the start all are heard before one is believed, but no longer than this */
    SILENT_MS = 10000,
    HOST_SIZE = 256,
};

struct answer {
    char host[HOST_SIZE];
    int port;
    uint64_t epoch;
    int64_t at_ms; /* 0: none yet */
};

/* One sentinel. */
struct watch {
    struct redis_sentinel *owner;
    char *host;
    int port;
    struct redis_link *link; /* NULL: to be connected at the next tick */
    bool connected, asked;   /* asked: the answer is under way */
    bool tried;              /* it has answered or failed at least once */
    struct answer coming, last;
    char why[160];           /* of the last failure */
};

struct redis_sentinel {
    struct loop *loop;
    struct redis_sentinel_handlers handlers;
    char *master_name, *password;
    int64_t timeout_ms, started_ms, heard_ms;
    struct loop_timer *tick;
    struct watch *watches;
    size_t count;
    struct answer master; /* the believed one; at_ms 0: none */
    bool silent, freed;
    char why[320];
};

/* ---- whom to believe ---- */

static bool is_fresh(const struct answer *a, int64_t now)
{
    return a->at_ms > 0 && now - a->at_ms < FRESH_MS;
}

static bool same_place(const struct answer *a, const struct answer *b)
{
    return a->port == b->port && strcmp(a->host, b->host) == 0;
}

/* Of two with the same number, the one that names the present master. */
static bool is_better(const struct redis_sentinel *s, const struct answer *a, const struct answer *than)
{
    if (than == NULL || a->epoch != than->epoch)
        return than == NULL || a->epoch > than->epoch;
    return same_place(a, &s->master) && !same_place(than, &s->master);
}

static void believe(struct redis_sentinel *s, const struct answer *a)
{
    bool moved = s->master.at_ms == 0 || !same_place(&s->master, a);
    s->master = *a;
    if (moved)
        s->handlers.moved(s->handlers.arg);
}

static void decide(struct redis_sentinel *s)
{
    const struct answer *best = NULL;
    size_t fresh = 0, tried = 0;
    int64_t now = loop_now_ms(s->loop);
    for (size_t i = 0; i < s->count; i++) {
        const struct watch *w = &s->watches[i];
        tried += w->tried;
        fresh += is_fresh(&w->last, now);
        if (is_fresh(&w->last, now) && is_better(s, &w->last, best))
            best = &w->last;
    }
    bool first = s->master.at_ms == 0;
    if (best == NULL || (first && tried < s->count && now - s->started_ms < FIRST_MS))
        return;
    if (first || best->epoch >= s->master.epoch || fresh == s->count)
        believe(s, best);
}

/* ---- the answers of one ---- */

static void failed(struct watch *w, const char *why)
{
    w->tried = true;
    snprintf(w->why, sizeof(w->why), "%s", why);
}

static void on_address(void *owner, void *arg, const struct reply *r)
{
    struct watch *w = owner;
    (void)arg;
    w->coming.port = 0;
    if (r == NULL)
        return;
    if (r->type == REPLY_NIL) {
        failed(w, "it does not know a master of that name");
    } else if (r->type != REPLY_ARRAY || r->n != 2 || r->items[0].len == 0 || r->items[0].len >= HOST_SIZE) {
        failed(w, r->type == REPLY_ERROR ? r->str : "not understood what it answered");
    } else {
        memcpy(w->coming.host, r->items[0].str, r->items[0].len + 1);
        w->coming.port = atoi(r->items[1].str);
    }
}

/* The value of a field in a flat list of names and values; NULL when absent. */
static const char *field_of(const struct reply *r, const char *name)
{
    for (size_t i = 0; r->type == REPLY_ARRAY && i + 1 < r->n; i += 2)
        if (strcmp(r->items[i].str, name) == 0)
            return r->items[i + 1].str;
    return NULL;
}

static void on_master(void *owner, void *arg, const struct reply *r)
{
    struct watch *w = owner;
    struct redis_sentinel *s = w->owner;
    (void)arg;
    w->asked = false;
    const char *epoch = r ? field_of(r, "config-epoch") : NULL;
    if (epoch == NULL || w->coming.port <= 0) {
        if (r && w->coming.port > 0)
            failed(w, r->type == REPLY_ERROR ? r->str : "its answer has no config-epoch");
        return;
    }
    w->coming.epoch = strtoull(epoch, NULL, 10);
    w->coming.at_ms = s->heard_ms = loop_now_ms(s->loop);
    w->last = w->coming;
    w->tried = true;
    w->why[0] = '\0';
    s->silent = false;
    decide(s);
}

/* Both in one write: nothing changes in the sentinel between the two answers. */
static void ask(struct watch *w)
{
    struct redis_link *k = w->link;
    w->asked = true;
    redis_link_begin(k, 3);
    redis_link_str(k, "SENTINEL");
    redis_link_str(k, "GET-MASTER-ADDR-BY-NAME");
    redis_link_str(k, w->owner->master_name);
    redis_link_end(k, on_address, NULL);
    redis_link_begin(k, 3);
    redis_link_str(k, "SENTINEL");
    redis_link_str(k, "MASTER");
    redis_link_str(k, w->owner->master_name);
    redis_link_end(k, on_master, NULL);
}

/* ---- the connection to one ---- */

static void on_auth(void *owner, void *arg, const struct reply *r)
{
    struct watch *w = owner;
    (void)arg;
    if (r && r->type == REPLY_ERROR)
        redis_link_fail(w->link, "it refuses the sentinel_password of the settings");
}

static void on_connected(void *owner)
{
    struct watch *w = owner;
    w->connected = true;
    if (w->owner->password) {
        redis_link_begin(w->link, 2);
        redis_link_str(w->link, "AUTH");
        redis_link_str(w->link, w->owner->password);
        redis_link_end(w->link, on_auth, NULL);
    }
    ask(w);
}

static void on_broken(void *owner)
{
    struct watch *w = owner;
    w->connected = false;
}

static void on_down(void *owner, const char *why)
{
    struct watch *w = owner;
    redis_link_free(w->link);
    w->link = NULL;
    w->asked = false;
    failed(w, why);
    decide(w->owner);
}

static void connect_to(struct watch *w)
{
    struct redis_link_address a = {.host = w->host, .port = w->port};
    struct redis_link_handlers h = {w, on_connected, on_broken, on_down};
    struct err err = {0};
    w->link = redis_link_new(w->owner->loop, &a, w->owner->timeout_ms, &h, &err);
    if (w->link == NULL)
        failed(w, err.msg);
}

/* ---- twice a second ---- */

/* One connection that fails each time is tried each time: a refusal costs little, and silence a second. */
static void on_tick(void *arg)
{
    struct redis_sentinel *s = arg;
    int64_t now = loop_now_ms(s->loop);
    loop_timer_start(s->tick, POLL_MS);
    for (size_t i = 0; i < s->count; i++) {
        struct watch *w = &s->watches[i];
        if (w->link == NULL)
            connect_to(w);
        else if (w->connected && !w->asked)
            ask(w);
    }
    if (s->master.at_ms == 0)
        decide(s);
    if (!s->freed && !s->silent && now - s->heard_ms >= SILENT_MS) {
        s->silent = true;
        s->handlers.silent(s->handlers.arg, redis_sentinel_why(s));
    }
}

/* ---- birth and death ---- */

/* "host:port", "[address]:port", "host". */
static int parse_address(struct watch *w, const char *text, struct err *reterr)
{
    const char *colon = strrchr(text, ':');
    bool bracketed = text[0] == '[';
    size_t len = strlen(text);
    w->port = PORT_DEFAULT;
    if (colon && (!bracketed || (colon > text && colon[-1] == ']'))) {
        w->port = atoi(colon + 1);
        len = (size_t)(colon - text);
    }
    if (bracketed && len >= 2) {
        text++;
        len -= 2;
    }
    if (w->port <= 0 || w->port > 65535 || len == 0)
        return err_set(reterr, ERR_INVAL, "sentinel %s: wanted host:port", text);
    w->host = strndup(text, len);
    return w->host ? 0 : err_nomem(reterr);
}

static int fill(struct redis_sentinel *s, const struct redis_sentinel_options *o, struct err *reterr)
{
    bool no_memory = false;
    s->master_name = copy_text(o->master_name, &no_memory);
    s->password = copy_text(o->password, &no_memory);
    s->watches = calloc(o->count, sizeof(*s->watches));
    if (no_memory || s->watches == NULL)
        return err_nomem(reterr);
    s->count = o->count;
    for (size_t i = 0; i < s->count; i++) {
        s->watches[i].owner = s;
        if (parse_address(&s->watches[i], o->addresses[i], reterr) != 0)
            return -1;
    }
    s->tick = loop_timer_new(s->loop, on_tick, s, reterr);
    return s->tick ? 0 : -1;
}

struct redis_sentinel *redis_sentinel_new(struct loop *l, const struct redis_sentinel_options *o,
                                          const struct redis_sentinel_handlers *h, struct err *reterr)
{
    struct redis_sentinel *s = calloc(1, sizeof(*s));
    if (s == NULL) {
        err_nomem(reterr);
        return NULL;
    }
    s->loop = l;
    s->handlers = *h;
    s->timeout_ms = o->timeout_ms < TIMEOUT_MAX_MS ? o->timeout_ms : TIMEOUT_MAX_MS;
    s->started_ms = s->heard_ms = loop_now_ms(l);
    if (fill(s, o, reterr) != 0) {
        redis_sentinel_free(s);
        return NULL;
    }
    loop_timer_start(s->tick, 0);
    return s;
}

static void free_memory(void *arg)
{
    struct redis_sentinel *s = arg;
    for (size_t i = 0; i < s->count; i++)
        free(s->watches[i].host);
    free(s->watches);
    free(s->master_name);
    free(s->password);
    free(s);
}

void redis_sentinel_free(struct redis_sentinel *s)
{
    if (s == NULL || s->freed)
        return;
    s->freed = true;
    for (size_t i = 0; i < s->count; i++) {
        redis_link_free(s->watches[i].link);
        s->watches[i].link = NULL;
    }
    loop_timer_free(s->tick);
    loop_defer(s->loop, free_memory, s);
}

/* ---- what others ask ---- */

bool redis_sentinel_master(const struct redis_sentinel *s, const char **ret_host, int *ret_port)
{
    *ret_host = s->master.host;
    *ret_port = s->master.port;
    return s->master.at_ms > 0;
}

const char *redis_sentinel_why(struct redis_sentinel *s)
{
    for (size_t i = 0; i < s->count; i++) {
        const struct watch *w = &s->watches[i];
        if (w->why[0] == '\0')
            continue;
        snprintf(s->why, sizeof(s->why), "no sentinel says where %s is; %s:%d: %s", s->master_name, w->host, w->port,
                 w->why);
        return s->why;
    }
    return "no sentinel has answered yet";
}
