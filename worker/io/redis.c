/* redis.c - see redis.h: the connection's life. The commands are in redis_claim.c, the wire in redis_link.c.
 *
 * A connection is used for claims only after it was asked who is there: not a cluster, not loading, not a replica;
 * then the scripts are loaded and the birth mark is read, or written by the first who finds none. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/copy.h"
#include "base/hash.h"
#include "contract/outcome.h"
#include "io/redis_private.h"

enum {
    BACKOFF_FIRST_MS = 100,
    BACKOFF_MAX_MS = 2000,
    SENTINEL_FIRST_MS = 2000, /* so long nobody is told that the master is not known yet */
};

static void tell(struct redis *r, enum redis_event ev, const char *why)
{
    r->fn(r->arg, ev, why);
}

/* ---- up ---- */

static bool differs(const char *known, const char *now)
{
    return known[0] && strcmp(known, now) != 0;
}

static void remember(struct redis *r)
{
    memcpy(r->known_run_id, r->run_id, sizeof(r->run_id));
    memcpy(r->known_replication_id, r->replication_id, sizeof(r->replication_id));
    memcpy(r->known_mark, r->mark, sizeof(r->mark));
    snprintf(r->identity, sizeof(r->identity), "%s %s %s", r->run_id, r->replication_id, r->mark);
}

static void go_up(struct redis *r)
{
    const char *forgot = NULL;
    if (differs(r->known_mark, r->mark))
        forgot = "the birth mark is another: Redis was emptied";
    else if (differs(r->known_run_id, r->run_id))
        forgot = "another run of Redis: what it wrote last may be lost";
    else if (differs(r->known_replication_id, r->replication_id))
        forgot = "another replication history: what it wrote last may be lost";
    remember(r);
    r->state = REDIS_STATE_READY;
    r->backoff_ms = BACKOFF_FIRST_MS;
    r->why[0] = '\0';
    if (forgot)
        tell(r, REDIS_FORGOT, forgot);
    if (!r->freed && r->state == REDIS_STATE_READY)
        tell(r, REDIS_UP, "");
}

/* What may stand in the metadata of commits (redis_identity()). */
static bool is_word(const char *s, size_t n)
{
    return strspn(s, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_") == n;
}

/* ---- the birth mark ---- */

static void on_mark(void *owner, void *arg, const struct reply *a);

static void ask_mark(struct redis *r)
{
    redis_link_begin(r->link, 2);
    redis_link_str(r->link, "GET");
    redis_link_cat(r->link, r->options.prefix, "birth", NULL);
    redis_link_end(r->link, on_mark, NULL);
}

static void on_ignored(void *owner, void *arg, const struct reply *a)
{
    (void)owner, (void)arg, (void)a;
}

/* Another worker may write it at the same moment: NX, and what is there then is read. */
static void write_mark(struct redis *r)
{
    uint8_t random[16];
    char mark[REDIS_MARK_SIZE];
    if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random)) {
        redis_link_fail(r->link, "no random bytes from the system");
        return;
    }
    hash_hex(random, sizeof(random), mark);
    redis_link_begin(r->link, 4);
    redis_link_str(r->link, "SET");
    redis_link_cat(r->link, r->options.prefix, "birth", NULL);
    redis_link_str(r->link, mark);
    redis_link_str(r->link, "NX");
    redis_link_end(r->link, on_ignored, NULL);
    ask_mark(r);
}

static void on_mark(void *owner, void *arg, const struct reply *a)
{
    struct redis *r = owner;
    (void)arg;
    if (!a || r->state != REDIS_STATE_CONNECTING)
        return;
    if (a->type == REPLY_NIL) {
        write_mark(r);
    } else if (a->type == REPLY_STRING && a->len > 0 && a->len < sizeof(r->mark) && is_word(a->str, a->len)) {
        memcpy(r->mark, a->str, a->len + 1);
        go_up(r);
    } else {
        redis_link_fail(r->link, a->type == REPLY_ERROR ? a->str : "the birth mark is not one of ours");
    }
}

/* ---- who is there ---- */

/* The value of "\r\n<name>:" in INFO's text; "" when absent. */
static void info_value(const char *info, const char *name, char *ret, size_t size)
{
    size_t n = strlen(name);
    ret[0] = '\0';
    for (const char *line = info; line; line = strchr(line, '\n')) {
        if (*line == '\n')
            line++;
        if (strncmp(line, name, n) == 0 && line[n] == ':') {
            snprintf(ret, size, "%.*s", (int)strcspn(line + n + 1, "\r\n"), line + n + 1);
            return;
        }
    }
}

static bool info_is(const char *info, const char *name, const char *value)
{
    char found[64];
    info_value(info, name, found, sizeof(found));
    return strcmp(found, value) == 0;
}

static const char *refusal(const char *info)
{
    if (info_is(info, "cluster_enabled", "1"))
        return "this is a Redis Cluster, which is not supported: use a single server or Sentinel";
    if (info_is(info, "loading", "1"))
        return "Redis is still loading its data";
    if (info_is(info, "role", "slave"))
        return "this Redis is a replica: point the settings at its master";
    return NULL;
}

static void on_info(void *owner, void *arg, const struct reply *a)
{
    struct redis *r = owner;
    (void)arg;
    if (!a)
        return;
    if (a->type != REPLY_STRING) {
        redis_link_fail(r->link, a->type == REPLY_ERROR ? a->str : "INFO answered something else");
        return;
    }
    const char *why = refusal(a->str);
    if (why) {
        redis_link_fail(r->link, why);
        return;
    }
    info_value(a->str, "run_id", r->run_id, sizeof(r->run_id));
    info_value(a->str, "master_replid", r->replication_id, sizeof(r->replication_id));
    if (!is_word(r->run_id, strlen(r->run_id)) || !is_word(r->replication_id, strlen(r->replication_id))) {
        redis_link_fail(r->link, "INFO names a run or replication id that is not one");
        return;
    }
    if (!r->warned && !info_is(a->str, "maxmemory_policy", "noeviction"))
        tell(r, REDIS_WARNING, "maxmemory-policy is not noeviction: Redis may throw claims away");
}

static void on_save(void *owner, void *arg, const struct reply *a)
{
    struct redis *r = owner;
    (void)arg;
    if (!a || r->warned)
        return;
    r->warned = true;
    if (a->type != REPLY_ARRAY || a->n != 4)
        return; /* CONFIG may be forbidden: then nobody knows */
    bool kept = false;
    for (size_t i = 0; i < a->n; i += 2) {
        const char *name = a->items[i].str, *value = a->items[i + 1].str;
        if (strcmp(name, "save") == 0)
            kept |= value[0] != '\0';
        else
            kept |= strcmp(value, "yes") == 0;
    }
    if (!kept)
        tell(r, REDIS_WARNING, "neither appendonly nor save is on: a restart forgets everything");
}

static void on_loaded(void *owner, void *arg, const struct reply *a)
{
    struct redis *r = owner;
    struct redis_script *s = arg;
    if (!a)
        return;
    if (a->type == REPLY_STRING && a->len == sizeof(s->sha) - 1)
        memcpy(s->sha, a->str, sizeof(s->sha));
    else
        redis_link_fail(r->link, a->type == REPLY_ERROR ? a->str : "SCRIPT LOAD answered something else");
}

/* AUTH and SELECT. */
static void on_greeting(void *owner, void *arg, const struct reply *a)
{
    struct redis *r = owner;
    if (a && a->type == REPLY_ERROR)
        redis_link_fail(r->link, arg);
}

static void greet(struct redis *r)
{
    struct redis_link *k = r->link;
    static char auth_failed[] = "Redis refuses the user or password of the settings";
    static char select_failed[] = "Redis has no database of that number";
    if (r->options.password) {
        redis_link_begin(k, r->options.user ? 3 : 2);
        redis_link_str(k, "AUTH");
        if (r->options.user)
            redis_link_str(k, r->options.user);
        redis_link_str(k, r->options.password);
        redis_link_end(k, on_greeting, auth_failed);
    }
    if (r->options.db > 0) {
        redis_link_begin(k, 2);
        redis_link_str(k, "SELECT");
        redis_link_int(k, r->options.db);
        redis_link_end(k, on_greeting, select_failed);
    }
}

static void load_scripts(struct redis *r)
{
    for (int i = 0; i < SCRIPT_COUNT; i++) {
        redis_link_begin(r->link, 3);
        redis_link_str(r->link, "SCRIPT");
        redis_link_str(r->link, "LOAD");
        redis_link_str(r->link, r->scripts[i].text);
        redis_link_end(r->link, on_loaded, &r->scripts[i]);
    }
}

/* All questions in one write; the answers come in order, and the birth mark's is the last. */
static void on_connected(void *owner)
{
    struct redis *r = owner;
    struct redis_link *k = r->link;
    greet(r);
    redis_link_begin(k, 1);
    redis_link_str(k, "INFO");
    redis_link_end(k, on_info, NULL);
    if (!r->warned) {
        redis_link_begin(k, 4);
        redis_link_str(k, "CONFIG");
        redis_link_str(k, "GET");
        redis_link_str(k, "save");
        redis_link_str(k, "appendonly");
        redis_link_end(k, on_save, NULL);
    }
    load_scripts(r);
    ask_mark(r);
}

/* ---- down ---- */

static void wait_and_retry(struct redis *r, const char *why)
{
    r->state = REDIS_STATE_WAITING;
    loop_timer_start(r->retry, r->backoff_ms);
    r->backoff_ms = 2 * r->backoff_ms > BACKOFF_MAX_MS ? BACKOFF_MAX_MS : 2 * r->backoff_ms;
    if (strcmp(r->why, why) == 0)
        return; /* told already, and nothing is new */
    snprintf(r->why, sizeof(r->why), "%s", why);
    tell(r, REDIS_DOWN, r->why);
}

static void on_broken(void *owner)
{
    struct redis *r = owner;
    r->state = REDIS_STATE_WAITING;
}

static void on_down(void *owner, const char *why)
{
    struct redis *r = owner;
    redis_link_free(r->link);
    r->link = NULL;
    wait_and_retry(r, why);
}

/* ---- where it is ---- */

static bool find_address(const struct redis *r, struct redis_link_address *ret)
{
    *ret = (struct redis_link_address){r->options.host, r->options.unix_path, r->options.port};
    return r->sentinel == NULL || redis_sentinel_master(r->sentinel, &ret->host, &ret->port);
}

/* Whatever the old master still answers: nothing more is asked of it. */
static void on_moved(void *arg)
{
    struct redis *r = arg;
    r->backoff_ms = BACKOFF_FIRST_MS;
    if (r->link == NULL) {
        loop_timer_start(r->retry, 0);
        return;
    }
    if (r->state == REDIS_STATE_READY)
        r->state = REDIS_STATE_CONNECTING;
    redis_link_fail(r->link, "Sentinel names another master");
}

static void on_silent(void *arg, const char *why)
{
    tell(arg, REDIS_WARNING, why);
}

static int make_sentinel(struct redis *r, const struct redis_options *o, struct err *reterr)
{
    if (o->sentinel_count == 0)
        return 0;
    struct redis_sentinel_options so = {.addresses = o->sentinels,
                                        .count = o->sentinel_count,
                                        .master_name = o->master_name,
                                        .password = o->sentinel_password,
                                        .timeout_ms = o->timeout_ms};
    struct redis_sentinel_handlers h = {.arg = r, .moved = on_moved, .silent = on_silent};
    r->sentinel = redis_sentinel_new(r->loop, &so, &h, reterr);
    return r->sentinel ? 0 : -1;
}

static void on_retry(void *arg)
{
    struct redis *r = arg;
    struct redis_link_address a;
    if (!find_address(r, &a)) {
        wait_and_retry(r, redis_sentinel_why(r->sentinel));
        return;
    }
    struct redis_link_handlers h = {r, on_connected, on_broken, on_down};
    struct err err = {0};
    r->state = REDIS_STATE_CONNECTING;
    r->link = redis_link_new(r->loop, &a, r->options.timeout_ms, &h, &err);
    if (!r->link)
        wait_and_retry(r, err.msg);
}

void redis_unusable(struct redis *r, const char *why)
{
    if (r->state != REDIS_STATE_READY)
        return;
    r->state = REDIS_STATE_CONNECTING;
    redis_link_fail(r->link, why);
}

/* ---- birth and death ---- */

static int copy_options(struct redis *r, const struct redis_options *o)
{
    bool failed = false;
    r->options = *o;
    r->options.sentinels = NULL; /* redis_sentinel.c has its own copy of these */
    r->options.master_name = r->options.sentinel_password = NULL;
    r->options.host = copy_text(o->host, &failed);
    r->options.unix_path = copy_text(o->unix_path, &failed);
    r->options.user = copy_text(o->user, &failed);
    r->options.password = copy_text(o->password, &failed);
    r->options.prefix = copy_text(o->prefix ? o->prefix : "", &failed);
    r->options.provider = copy_text(o->provider, &failed);
    r->options.owner = copy_text(o->owner ? o->owner : "", &failed);
    return failed ? -1 : 0;
}

/* What CLAIM writes when it decides by itself from the record. */
static int encode_facts(struct redis *r)
{
    struct outcome stale = {.kind = OUTCOME_STALE, .round = 1};
    struct outcome repeated = {.kind = OUTCOME_APPLIED, .round = 1, .resolved = "record"};
    struct outcome unchanged = {.kind = OUTCOME_UNCHANGED, .round = 1, .resolved = "record"};
    struct outcome superseded = {.kind = OUTCOME_SUPERSEDED, .round = 1};
    const struct {
        const struct outcome *outcome;
        struct buf *facts;
    } all[] = {
        {&stale, &r->stale_facts}, {&repeated, &r->repeated_facts}, {&unchanged, &r->unchanged_facts}, {&superseded, &r->superseded_facts}};
    bool ok = true;
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        buf_init(all[i].facts, 4096);
        outcome_facts_encode(all[i].outcome, all[i].facts);
        ok &= buf_ok(all[i].facts);
    }
    return ok ? 0 : -1;
}

static int make_scripts(struct redis *r)
{
    if (encode_facts(r))
        return -1;
    struct redis_script_constants constants = {.lease_ms = r->options.lease_ms,
                                               .id_memory_ms = r->options.id_memory_ms,
                                               .stale_facts = buf_cstr(&r->stale_facts),
                                               .repeated_facts = buf_cstr(&r->repeated_facts),
                                               .unchanged_facts = buf_cstr(&r->unchanged_facts),
                                               .superseded_facts = buf_cstr(&r->superseded_facts)};
    for (int i = 0; i < SCRIPT_COUNT; i++) {
        r->scripts[i].text = redis_script_new((enum script_id)i, &constants);
        if (!r->scripts[i].text)
            return -1;
    }
    return 0;
}

struct redis *redis_new(struct loop *l, const struct redis_options *o, redis_event_fn *fn, void *arg,
                        struct err *reterr)
{
    struct redis *r = calloc(1, sizeof(*r));
    if (!r) {
        err_nomem(reterr);
        return NULL;
    }
    r->loop = l;
    r->fn = fn;
    r->arg = arg;
    r->backoff_ms = BACKOFF_FIRST_MS;
    strcpy(r->fence_floor, "0");
    r->retry = loop_timer_new(l, on_retry, r, reterr);
    if (copy_options(r, o) || make_scripts(r) || !r->retry) {
        err_nomem(reterr);
        redis_free(r);
        return NULL;
    }
    if (make_sentinel(r, o, reterr)) {
        redis_free(r);
        return NULL;
    }
    /* Connects from the loop: no event comes from inside this call. */
    loop_timer_start(r->retry, r->sentinel ? SENTINEL_FIRST_MS : 0);
    return r;
}

static void free_text(const char *s)
{
    free((void *)(uintptr_t)s);
}

static void free_memory(void *arg)
{
    struct redis *r = arg;
    free_text(r->options.host);
    free_text(r->options.unix_path);
    free_text(r->options.user);
    free_text(r->options.password);
    free_text(r->options.prefix);
    free_text(r->options.provider);
    free_text(r->options.owner);
    for (int i = 0; i < SCRIPT_COUNT; i++)
        free_text(r->scripts[i].text);
    buf_fini(&r->stale_facts);
    buf_fini(&r->repeated_facts);
    buf_fini(&r->unchanged_facts);
    buf_fini(&r->superseded_facts);
    redis_requests_fini(r);
    free(r);
}

void redis_free(struct redis *r)
{
    if (!r)
        return;
    r->freed = true;
    r->state = REDIS_STATE_WAITING;
    redis_link_free(r->link);
    r->link = NULL;
    redis_sentinel_free(r->sentinel);
    r->sentinel = NULL;
    loop_timer_free(r->retry);
    loop_defer(r->loop, free_memory, r);
}

/* ---- what others ask ---- */

bool redis_is_up(const struct redis *r)
{
    return r->state == REDIS_STATE_READY;
}

void redis_set_owner(struct redis *r, const char *owner)
{
    char *c = strdup(owner);
    if (!c)
        abort(); /* under the old name, an old claim would be taken for our own */
    free_text(r->options.owner);
    r->options.owner = c;
}

const char *redis_identity(const struct redis *r)
{
    return r->identity;
}

static bool fence_above(const char *a, const char *b)
{
    size_t na = strlen(a), nb = strlen(b);
    return na != nb ? na > nb : strcmp(a, b) > 0;
}

void redis_raise_fence(struct redis *r, const char *fence)
{
    if (strlen(fence) < sizeof(r->fence_floor) && strspn(fence, "0123456789") == strlen(fence) &&
        fence_above(fence, r->fence_floor))
        snprintf(r->fence_floor, sizeof(r->fence_floor), "%s", fence);
}
