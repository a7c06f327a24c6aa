#include "rstore.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

/* ---- keys ---- */

static unsigned bucket_of(const char *name, size_t len)
{
    uint32_t h = 2166136261u;
    for (size_t i = 0; i < len; i++)
        h = (h ^ (unsigned char)name[i]) * 16777619u;
    return h % RSTORE_BUCKETS;
}

static bool is(const struct rtext *t, const char *data, size_t len)
{
    return t->len == len && memcmp(t->data, data, len) == 0;
}

static void key_remove(struct rstore *r, const char *name, size_t len)
{
    struct rkey **at = &r->buckets[bucket_of(name, len)];
    while (*at && !is(&(*at)->name, name, len))
        at = &(*at)->next;
    if (*at)
        *at = (*at)->next;
}

struct rkey *rstore_find(struct rstore *r, const char *name, size_t len)
{
    struct rkey *k = r->buckets[bucket_of(name, len)];
    while (k && !is(&k->name, name, len))
        k = k->next;
    if (!k || k->expires_ms < 0 || k->expires_ms > r->now_us / 1000)
        return k;
    key_remove(r, name, len);
    return NULL;
}

static struct rtext keep(struct rstore *r, struct rtext t)
{
    return (struct rtext){sim_copy(r->sim, t.data, t.len), t.len};
}

static struct rkey *key_make(struct rstore *r, struct rtext name, bool is_hash)
{
    struct rkey *k = rstore_find(r, name.data, name.len);
    if (k)
        return k;
    k = sim_alloc(r->sim, sizeof(*k));
    struct rkey **at = &r->buckets[bucket_of(name.data, name.len)];
    *k = (struct rkey){.next = *at, .name = keep(r, name), .is_hash = is_hash, .expires_ms = -1};
    *at = k;
    return k;
}

static struct rfield *field_of(const struct rkey *k, const char *name, size_t len)
{
    for (struct rfield *f = k->fields; f; f = f->next)
        if (is(&f->name, name, len))
            return f;
    return NULL;
}

const struct rtext *rstore_field(const struct rkey *k, const char *name)
{
    const struct rfield *f = field_of(k, name, strlen(name));
    return f ? &f->value : NULL;
}

static bool field_set(struct rstore *r, struct rkey *k, struct rtext name, struct rtext value)
{
    struct rfield *f = field_of(k, name.data, name.len);
    if (r->on_set)
        r->on_set(r, k, &name, f ? &f->value : NULL, &value);
    if (f) {
        f->value = keep(r, value);
        return false;
    }
    struct rfield **at = &k->fields;
    while (*at)
        at = &(*at)->next;
    *at = sim_alloc(r->sim, sizeof(**at));
    **at = (struct rfield){NULL, keep(r, name), keep(r, value)};
    return true;
}

static struct rfield *copy_fields(struct sim *s, const struct rfield *f)
{
    struct rfield *first = NULL, **at = &first;
    for (; f; f = f->next) {
        *at = sim_alloc(s, sizeof(**at));
        **at = (struct rfield){NULL, f->name, f->value};
        at = &(*at)->next;
    }
    return first;
}

struct rstore *rstore_copy(const struct rstore *r)
{
    struct rstore *to = sim_alloc(r->sim, sizeof(*to));
    *to = *r;
    for (unsigned i = 0; i < RSTORE_BUCKETS; i++) {
        struct rkey **at = &to->buckets[i];
        *at = NULL;
        for (const struct rkey *k = r->buckets[i]; k; k = k->next) {
            *at = sim_alloc(r->sim, sizeof(**at));
            **at = *k;
            (*at)->fields = copy_fields(r->sim, k->fields);
            (*at)->next = NULL;
            at = &(*at)->next;
        }
    }
    return to;
}

void rstore_clear(struct rstore *r)
{
    memset(r->buckets, 0, sizeof(r->buckets));
}

/* ---- answers ---- */

static struct reply *answer(struct rstore *r, enum reply_type type)
{
    struct reply *a = sim_alloc(r->sim, sizeof(*a));
    a->type = type;
    a->str = "";
    return a;
}

static struct reply *number(struct rstore *r, long long v)
{
    struct reply *a = answer(r, REPLY_INTEGER);
    a->integer = v;
    return a;
}

static struct reply *text(struct rstore *r, enum reply_type type, const char *data, size_t len)
{
    struct reply *a = answer(r, type);
    a->str = sim_copy(r->sim, data, len);
    a->len = len;
    return a;
}

static struct reply *word(struct rstore *r, enum reply_type type, const char *s)
{
    return text(r, type, s, strlen(s));
}

static void put(struct rstore *r, struct reply *a, const struct rtext *t)
{
    *a = (struct reply){.type = REPLY_NIL, .str = ""};
    if (t)
        *a = (struct reply){.type = REPLY_STRING, .str = sim_copy(r->sim, t->data, t->len), .len = t->len};
}

static struct reply *array(struct rstore *r, size_t n, struct reply **ret_items)
{
    struct reply *a = answer(r, REPLY_ARRAY);
    *ret_items = sim_alloc(r->sim, (n + 1) * sizeof(struct reply));
    a->items = *ret_items;
    a->n = n;
    return a;
}

static const struct reply *wrong_type(struct rstore *r)
{
    return word(r, REPLY_ERROR, "WRONGTYPE Operation against a key holding the wrong kind of value");
}

/* ---- commands: a[0] is the name ---- */

typedef const struct reply *command_fn(struct rstore *r, const struct rtext *a, size_t n);

static const struct reply *do_get(struct rstore *r, const struct rtext *a, size_t n)
{
    (void)n;
    const struct rkey *k = rstore_find(r, a[1].data, a[1].len);
    if (k && k->is_hash)
        return wrong_type(r);
    return k ? text(r, REPLY_STRING, k->value.data, k->value.len) : answer(r, REPLY_NIL);
}

static const struct reply *do_mget(struct rstore *r, const struct rtext *a, size_t n)
{
    struct reply *items, *out = array(r, n - 1, &items);
    for (size_t i = 1; i < n; i++) {
        const struct rkey *k = rstore_find(r, a[i].data, a[i].len);
        put(r, &items[i - 1], k && !k->is_hash ? &k->value : NULL);
    }
    return out;
}

static int64_t to_int(const struct rtext *t)
{
    return strtoll(t->data, NULL, 10);
}

static const struct reply *do_set(struct rstore *r, const struct rtext *a, size_t n)
{
    bool only_new = false;
    int64_t expires = -1;
    for (size_t i = 3; i < n; i++) {
        if (strcasecmp(a[i].data, "NX") == 0)
            only_new = true;
        else if (strcasecmp(a[i].data, "PX") == 0 && i + 1 < n)
            expires = r->now_us / 1000 + to_int(&a[++i]);
        else
            return word(r, REPLY_ERROR, "ERR syntax error");
    }
    if (only_new && rstore_find(r, a[1].data, a[1].len))
        return answer(r, REPLY_NIL);
    key_remove(r, a[1].data, a[1].len);
    struct rkey *k = key_make(r, a[1], false);
    k->value = keep(r, a[2]);
    k->expires_ms = expires;
    return word(r, REPLY_STATUS, "OK");
}

static const struct reply *do_del(struct rstore *r, const struct rtext *a, size_t n)
{
    long long gone = 0;
    for (size_t i = 1; i < n; i++) {
        gone += rstore_find(r, a[i].data, a[i].len) != NULL;
        key_remove(r, a[i].data, a[i].len);
    }
    return number(r, gone);
}

static const struct reply *do_exists(struct rstore *r, const struct rtext *a, size_t n)
{
    long long there = 0;
    for (size_t i = 1; i < n; i++)
        there += rstore_find(r, a[i].data, a[i].len) != NULL;
    return number(r, there);
}

static const struct reply *do_incrby(struct rstore *r, const struct rtext *a, size_t n)
{
    struct rkey *k = key_make(r, a[1], false);
    if (k->is_hash)
        return wrong_type(r);
    long long v = (k->value.data ? to_int(&k->value) : 0) + (n > 2 ? to_int(&a[2]) : 1);
    char t[32];
    int len = snprintf(t, sizeof(t), "%lld", v);
    k->value = keep(r, (struct rtext){t, (size_t)len});
    return number(r, v);
}

static const struct reply *do_hset(struct rstore *r, const struct rtext *a, size_t n)
{
    if (n < 4 || n % 2 != 0)
        return word(r, REPLY_ERROR, "ERR wrong number of arguments for 'hset' command");
    struct rkey *k = key_make(r, a[1], true);
    if (!k->is_hash)
        return wrong_type(r);
    long long added = 0;
    for (size_t i = 2; i < n; i += 2)
        added += field_set(r, k, a[i], a[i + 1]);
    return number(r, added);
}

static const struct reply *do_hget(struct rstore *r, const struct rtext *a, size_t n)
{
    (void)n;
    const struct rkey *k = rstore_find(r, a[1].data, a[1].len);
    if (k && !k->is_hash)
        return wrong_type(r);
    const struct rfield *f = k ? field_of(k, a[2].data, a[2].len) : NULL;
    return f ? text(r, REPLY_STRING, f->value.data, f->value.len) : answer(r, REPLY_NIL);
}

static const struct reply *do_hmget(struct rstore *r, const struct rtext *a, size_t n)
{
    const struct rkey *k = rstore_find(r, a[1].data, a[1].len);
    if (k && !k->is_hash)
        return wrong_type(r);
    struct reply *items, *out = array(r, n - 2, &items);
    for (size_t i = 2; i < n; i++) {
        const struct rfield *f = k ? field_of(k, a[i].data, a[i].len) : NULL;
        put(r, &items[i - 2], f ? &f->value : NULL);
    }
    return out;
}

static const struct reply *do_hgetall(struct rstore *r, const struct rtext *a, size_t n)
{
    (void)n;
    const struct rkey *k = rstore_find(r, a[1].data, a[1].len);
    if (k && !k->is_hash)
        return wrong_type(r);
    size_t fields = 0;
    for (const struct rfield *f = k ? k->fields : NULL; f; f = f->next)
        fields++;
    struct reply *items, *out = array(r, 2 * fields, &items);
    for (const struct rfield *f = k ? k->fields : NULL; f; f = f->next) {
        put(r, items++, &f->name);
        put(r, items++, &f->value);
    }
    return out;
}

static const struct reply *do_hdel(struct rstore *r, const struct rtext *a, size_t n)
{
    struct rkey *k = rstore_find(r, a[1].data, a[1].len);
    if (k && !k->is_hash)
        return wrong_type(r);
    long long gone = 0;
    for (size_t i = 2; k && i < n; i++) {
        struct rfield **at = &k->fields;
        while (*at && !is(&(*at)->name, a[i].data, a[i].len))
            at = &(*at)->next;
        if (*at) {
            *at = (*at)->next;
            gone++;
        }
    }
    if (k && !k->fields)
        key_remove(r, a[1].data, a[1].len);
    return number(r, gone);
}

/* ---- sets by score: kept as a hash from member to score ---- */

static const struct reply *do_zadd(struct rstore *r, const struct rtext *a, size_t n)
{
    (void)n;
    return number(r, field_set(r, key_make(r, a[1], true), a[3], a[2]));
}

/* "-inf", "+inf", "(5" (not included) or "5". */
static bool is_above(const struct rtext *score, const struct rtext *low)
{
    if (low->data[0] == '-')
        return true;
    double v = strtod(score->data, NULL), l = strtod(low->data + (low->data[0] == '('), NULL);
    return low->data[0] == '(' ? v > l : v >= l;
}

static bool is_below(const struct rtext *score, const struct rtext *high)
{
    return high->data[0] == '+' || strtod(score->data, NULL) <= strtod(high->data, NULL);
}

static const struct reply *do_zremrangebyscore(struct rstore *r, const struct rtext *a, size_t n)
{
    (void)n;
    struct rkey *k = rstore_find(r, a[1].data, a[1].len);
    long long gone = 0;
    for (struct rfield **at = k ? &k->fields : NULL; at && *at;) {
        if (is_above(&(*at)->value, &a[2]) && is_below(&(*at)->value, &a[3])) {
            *at = (*at)->next;
            gone++;
        } else {
            at = &(*at)->next;
        }
    }
    if (k && !k->fields)
        key_remove(r, a[1].data, a[1].len);
    return number(r, gone);
}

static const struct rfield *next_by_score(const struct rkey *k, const struct rfield *after, const struct rtext *low)
{
    const struct rfield *next = NULL;
    for (const struct rfield *f = k->fields; f; f = f->next) {
        double v = strtod(f->value.data, NULL), last = after ? strtod(after->value.data, NULL) : 0;
        bool later = !after || v > last || (v == last && strcmp(f->name.data, after->name.data) > 0);
        double best = next ? strtod(next->value.data, NULL) : 0;
        bool sooner = !next || v < best || (v == best && strcmp(f->name.data, next->name.data) < 0);
        if (later && sooner && is_above(&f->value, low))
            next = f;
    }
    return next;
}

/* ZRANGEBYSCORE key min +inf WITHSCORES */
static const struct reply *do_zrangebyscore(struct rstore *r, const struct rtext *a, size_t n)
{
    (void)n;
    const struct rkey *k = rstore_find(r, a[1].data, a[1].len);
    size_t fields = 0, used = 0;
    for (const struct rfield *f = k ? k->fields : NULL; f; f = f->next)
        fields++;
    struct reply *items, *out = array(r, 2 * fields, &items);
    for (const struct rfield *f = k ? next_by_score(k, NULL, &a[2]) : NULL; f; f = next_by_score(k, f, &a[2])) {
        put(r, &items[used++], &f->name);
        put(r, &items[used++], &f->value);
    }
    out->n = used;
    return out;
}

/* ---- sets: kept as a hash from member to "" ---- */

static const struct reply *do_sadd(struct rstore *r, const struct rtext *a, size_t n)
{
    struct rkey *k = rstore_find(r, a[1].data, a[1].len);
    if (k && !k->is_set)
        return wrong_type(r);
    k = key_make(r, a[1], true);
    k->is_set = true;
    long long added = 0;
    for (size_t i = 2; i < n; i++)
        added += field_set(r, k, a[i], (struct rtext){"", 0});
    return number(r, added);
}

static const struct reply *do_srem(struct rstore *r, const struct rtext *a, size_t n)
{
    const struct rkey *k = rstore_find(r, a[1].data, a[1].len);
    return k && !k->is_set ? wrong_type(r) : do_hdel(r, a, n);
}

static const struct reply *do_scard(struct rstore *r, const struct rtext *a, size_t n)
{
    (void)n;
    const struct rkey *k = rstore_find(r, a[1].data, a[1].len);
    if (k && !k->is_set)
        return wrong_type(r);
    long long members = 0;
    for (const struct rfield *f = k ? k->fields : NULL; f; f = f->next)
        members++;
    return number(r, members);
}

static const struct reply *do_hexists(struct rstore *r, const struct rtext *a, size_t n)
{
    const struct reply *got = do_hget(r, a, n);
    return got->type == REPLY_ERROR ? got : number(r, got->type == REPLY_STRING);
}

static const struct reply *do_pexpire(struct rstore *r, const struct rtext *a, size_t n)
{
    (void)n;
    struct rkey *k = rstore_find(r, a[1].data, a[1].len);
    if (!k)
        return number(r, 0);
    k->expires_ms = r->now_us / 1000 + to_int(&a[2]);
    if (k->expires_ms <= r->now_us / 1000)
        key_remove(r, a[1].data, a[1].len);
    return number(r, 1);
}

static const struct reply *do_persist(struct rstore *r, const struct rtext *a, size_t n)
{
    (void)n;
    struct rkey *k = rstore_find(r, a[1].data, a[1].len);
    if (!k || k->expires_ms < 0)
        return number(r, 0);
    k->expires_ms = -1;
    return number(r, 1);
}

static const struct reply *do_pttl(struct rstore *r, const struct rtext *a, size_t n)
{
    (void)n;
    const struct rkey *k = rstore_find(r, a[1].data, a[1].len);
    if (!k)
        return number(r, -2);
    return number(r, k->expires_ms < 0 ? -1 : k->expires_ms - r->now_us / 1000);
}

static const struct reply *do_time(struct rstore *r, const struct rtext *a, size_t n)
{
    (void)a, (void)n;
    struct reply *items, *out = array(r, 2, &items);
    char t[32];
    for (int i = 0; i < 2; i++) {
        int len = snprintf(t, sizeof(t), "%" PRId64, i == 0 ? r->now_us / 1000000 : r->now_us % 1000000);
        put(r, &items[i], &(struct rtext){t, (size_t)len});
    }
    return out;
}

static const struct reply *do_eval(struct rstore *r, const struct rtext *a, size_t n)
{
    return rstore_eval(r, a[1].data, a + 2, n - 2);
}

static const struct {
    const char *name;
    size_t least;
    command_fn *fn;
} commands[] = {
    {"GET", 2, do_get},         {"MGET", 2, do_mget},       {"SET", 3, do_set},         {"DEL", 2, do_del},
    {"EXISTS", 2, do_exists},   {"INCR", 2, do_incrby},     {"INCRBY", 3, do_incrby},   {"HSET", 4, do_hset},
    {"HGET", 3, do_hget},       {"HMGET", 3, do_hmget},     {"HGETALL", 2, do_hgetall}, {"HDEL", 3, do_hdel},
    {"HEXISTS", 3, do_hexists}, {"PEXPIRE", 3, do_pexpire}, {"PERSIST", 2, do_persist}, {"PTTL", 2, do_pttl},
    {"TIME", 1, do_time},       {"EVAL", 3, do_eval},       {"ZADD", 4, do_zadd},
    {"ZREMRANGEBYSCORE", 4, do_zremrangebyscore},           {"ZRANGEBYSCORE", 5, do_zrangebyscore},
    {"SADD", 3, do_sadd},       {"SREM", 3, do_srem},       {"SCARD", 2, do_scard},
};

const struct reply *rstore_command(struct rstore *r, const struct rtext *a, size_t n)
{
    for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
        if (strcasecmp(commands[i].name, a[0].data) != 0)
            continue;
        if (n < commands[i].least)
            return word(r, REPLY_ERROR, "ERR wrong number of arguments");
        return commands[i].fn(r, a, n);
    }
    sim_broken(r->sim, "the simulated Redis has no command %s: add it to rstore.c", a[0].data);
    return word(r, REPLY_ERROR, "ERR unknown command");
}

/* ---- Lua: as in Redis' scripting (script_lua.c) ---- */

static const char store_key = 's'; /* its address is the registry's key */

enum { ARGS_MAX = 256 };

static void push_answer(lua_State *l, const struct reply *a)
{
    switch (a->type) {
    case REPLY_STRING:
        lua_pushlstring(l, a->str, a->len);
        return;
    case REPLY_INTEGER:
        lua_pushnumber(l, (lua_Number)a->integer);
        return;
    case REPLY_NIL:
        lua_pushboolean(l, 0);
        return;
    case REPLY_STATUS:
    case REPLY_ERROR:
        lua_newtable(l);
        lua_pushlstring(l, a->str, a->len);
        lua_setfield(l, -2, a->type == REPLY_STATUS ? "ok" : "err");
        return;
    case REPLY_ARRAY:
        lua_createtable(l, (int)a->n, 0);
        for (size_t i = 0; i < a->n; i++) {
            push_answer(l, &a->items[i]);
            lua_rawseti(l, -2, (int)i + 1);
        }
        return;
    }
}

/* A number goes as Redis writes it: whole where it is whole. */
static struct rtext argument(struct rstore *r, lua_State *l, int at)
{
    if (lua_type(l, at) == LUA_TNUMBER) {
        char t[64];
        int len = snprintf(t, sizeof(t), "%.17g", (double)lua_tonumber(l, at));
        return (struct rtext){sim_copy(r->sim, t, (size_t)len), (size_t)len};
    }
    size_t len = 0;
    const char *s = lua_tolstring(l, at, &len);
    return (struct rtext){s, len};
}

static int on_call(lua_State *l)
{
    lua_pushlightuserdata(l, (void *)(uintptr_t)&store_key);
    lua_rawget(l, LUA_REGISTRYINDEX);
    struct rstore *r = lua_touserdata(l, -1);
    lua_pop(l, 1);
    struct rtext args[ARGS_MAX];
    int n = lua_gettop(l);
    if (n == 0 || n > ARGS_MAX)
        return luaL_error(l, "ERR wrong number of arguments for redis.call");
    for (int i = 0; i < n; i++) {
        if (!lua_isstring(l, i + 1))
            return luaL_error(l, "ERR Lua redis lib command arguments must be strings or integers");
        args[i] = argument(r, l, i + 1);
    }
    const struct reply *a = rstore_command(r, args, (size_t)n);
    push_answer(l, a);
    return a->type == REPLY_ERROR ? lua_error(l) : 1;
}

struct lua_State *rstore_lua_new(void)
{
    lua_State *l = luaL_newstate();
    if (!l)
        return NULL;
    luaL_openlibs(l);
    lua_newtable(l);
    lua_pushcfunction(l, on_call);
    lua_setfield(l, -2, "call");
    lua_setglobal(l, "redis");
    lua_newtable(l);
    lua_setglobal(l, "scripts");
    return l;
}

static void read_value(struct rstore *r, lua_State *l, struct reply *to);

/* An array ends at its first nil. */
static void read_table(struct rstore *r, lua_State *l, struct reply *to)
{
    size_t n = 0;
    for (;; n++) {
        lua_rawgeti(l, -1, (int)n + 1);
        bool end = lua_isnil(l, -1);
        lua_pop(l, 1);
        if (end)
            break;
    }
    struct reply *items = sim_alloc(r->sim, (n + 1) * sizeof(*items));
    *to = (struct reply){.type = REPLY_ARRAY, .str = "", .items = items, .n = n};
    for (size_t i = 0; i < n; i++) {
        lua_rawgeti(l, -1, (int)i + 1);
        read_value(r, l, &items[i]);
        lua_pop(l, 1);
    }
}

static bool read_word(struct rstore *r, lua_State *l, const char *name, enum reply_type type, struct reply *to)
{
    lua_getfield(l, -1, name);
    size_t len = 0;
    const char *s = lua_type(l, -1) == LUA_TSTRING ? lua_tolstring(l, -1, &len) : NULL;
    if (s)
        *to = (struct reply){.type = type, .str = sim_copy(r->sim, s, len), .len = len};
    lua_pop(l, 1);
    return s != NULL;
}

static void read_value(struct rstore *r, lua_State *l, struct reply *to)
{
    size_t len = 0;
    const char *s;
    *to = (struct reply){.type = REPLY_NIL, .str = ""};
    switch (lua_type(l, -1)) {
    case LUA_TSTRING:
        s = lua_tolstring(l, -1, &len);
        *to = (struct reply){.type = REPLY_STRING, .str = sim_copy(r->sim, s, len), .len = len};
        return;
    case LUA_TNUMBER:
        *to = (struct reply){.type = REPLY_INTEGER, .str = "", .integer = (long long)lua_tonumber(l, -1)};
        return;
    case LUA_TBOOLEAN:
        if (lua_toboolean(l, -1))
            *to = (struct reply){.type = REPLY_INTEGER, .str = "", .integer = 1};
        return;
    case LUA_TTABLE:
        if (!read_word(r, l, "err", REPLY_ERROR, to) && !read_word(r, l, "ok", REPLY_STATUS, to))
            read_table(r, l, to);
        return;
    }
}

/* The compiled script on the stack; kept by its text. */
static bool push_script(struct rstore *r, lua_State *l, const char *script)
{
    lua_getglobal(l, "scripts");
    lua_getfield(l, -1, script);
    if (lua_isnil(l, -1)) {
        lua_pop(l, 1);
        if (luaL_loadbuffer(l, script, strlen(script), "@user_script") != 0) {
            sim_broken(r->sim, "a script does not compile: %s", lua_tostring(l, -1));
            return false;
        }
        lua_pushvalue(l, -1);
        lua_setfield(l, -3, script);
    }
    lua_remove(l, -2);
    return true;
}

static void set_list(lua_State *l, const char *name, const struct rtext *a, size_t n)
{
    lua_createtable(l, (int)n, 0);
    for (size_t i = 0; i < n; i++) {
        lua_pushlstring(l, a[i].data, a[i].len);
        lua_rawseti(l, -2, (int)i + 1);
    }
    lua_setglobal(l, name);
}

static const struct reply *lua_failed(struct rstore *r, lua_State *l)
{
    struct reply *a = answer(r, REPLY_NIL);
    if (lua_istable(l, -1))
        (void)read_word(r, l, "err", REPLY_ERROR, a);
    else
        a = word(r, REPLY_ERROR, lua_tostring(l, -1) ? lua_tostring(l, -1) : "ERR script");
    return a;
}

const struct reply *rstore_eval(struct rstore *r, const char *script, const struct rtext *a, size_t n)
{
    lua_State *l = r->sim->env->lua;
    size_t keys = (size_t)to_int(&a[0]);
    if (keys > n - 1)
        return word(r, REPLY_ERROR, "ERR Number of keys can't be greater than number of args");
    lua_pushlightuserdata(l, (void *)(uintptr_t)&store_key);
    lua_pushlightuserdata(l, r);
    lua_rawset(l, LUA_REGISTRYINDEX);
    set_list(l, "KEYS", a + 1, keys);
    set_list(l, "ARGV", a + 1 + keys, n - 1 - keys);
    lua_settop(l, 0);
    if (!push_script(r, l, script))
        return word(r, REPLY_ERROR, "ERR Error compiling script");
    const struct reply *out;
    if (lua_pcall(l, 0, 1, 0) != 0) {
        out = lua_failed(r, l);
        sim_note(r->sim, NULL, "script failed", out->str, -1, -1);
    } else {
        struct reply *to = answer(r, REPLY_NIL);
        read_value(r, l, to);
        out = to;
    }
    lua_settop(l, 0);
    return out;
}
