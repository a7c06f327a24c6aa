/* redis_guard.c - the accounts of a partition that were cut within the last hour: what core/guard.h counts, kept for the
 * partition's next owner; and how many exist. A sorted set for each partition: services by the time of their last cut, ms of Redis'
 * clock; and a set, which DECIDE and MERGE keep (redis_scripts.c). */
#include <inttypes.h>
#include <stdio.h>

#include "io/redis_private.h"

/* KEYS birth, guard. ARGV 1 birth mark, 2 hour in ms, 3 service. */
static const char note_text[] =
    "if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 2 end\n"
    "local t = redis.call('TIME')\n"
    "local now = t[1] * 1000 + math.floor(t[2] / 1000)\n"
    "redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', string.format('%.0f', now - ARGV[2]))\n"
    "redis.call('ZADD', KEYS[2], string.format('%.0f', now), ARGV[3])\n"
    "redis.call('PEXPIRE', KEYS[2], ARGV[2])\n"
    "return 0\n";

/* KEYS birth, guard, accounts. ARGV 1 birth mark, 2 hour in ms. Answers 2, or {service, ms ago, ..., accounts}, the oldest first. */
static const char load_text[] =
    "if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 2 end\n"
    "local t = redis.call('TIME')\n"
    "local now = t[1] * 1000 + math.floor(t[2] / 1000)\n"
    "local all = redis.call('ZRANGEBYSCORE', KEYS[2], string.format('(%.0f', now - ARGV[2]), '+inf', 'WITHSCORES')\n"
    "for i = 2, #all, 2 do all[i] = now - tonumber(all[i]) end\n"
    "all[#all + 1] = redis.call('SCARD', KEYS[3])\n"
    "return all\n";

/* KEYS birth, accounts. ARGV 1 birth mark. Answers -1: another mark, or how many. */
static const char count_text[] =
    "if redis.call('GET', KEYS[1]) ~= ARGV[1] then return -1 end\n"
    "return redis.call('SCARD', KEYS[2])\n";

/* The script, the number of keys and the first of them. */
static void begin(struct redis *r, const char *text, size_t keys, size_t args)
{
    redis_link_begin(r->link, 3 + keys + args);
    redis_link_str(r->link, "EVAL");
    redis_link_str(r->link, text);
    redis_link_int(r->link, (int64_t)keys);
    redis_link_cat(r->link, r->options.prefix, "birth", NULL);
}

static void add_guard_key(struct redis *r, int32_t partition)
{
    char number[16];
    snprintf(number, sizeof(number), ":%" PRId32, partition);
    redis_link_cat(r->link, r->options.prefix, "guard:", r->options.provider, number, NULL);
}

int redis_guard_note(struct redis *r, int32_t partition, const char *service, redis_done_fn *fn, void *arg)
{
    struct redis_request *q = redis_request_take(r);
    if (q == NULL)
        return -1;
    begin(r, note_text, 2, 3);
    add_guard_key(r, partition);
    redis_link_str(r->link, r->mark);
    redis_link_int(r->link, REDIS_GUARD_MS);
    redis_link_str(r->link, service);
    return redis_request_end(r, fn, arg, q);
}

static enum redis_result result_of(const struct reply *a)
{
    if (a == NULL || a->type == REPLY_ERROR)
        return REDIS_FAILED;
    if (a->type != REPLY_ARRAY)
        return REDIS_LOST;
    return a->n % 2 == 1 && a->items[a->n - 1].type == REPLY_INTEGER ? REDIS_OK : REDIS_FAILED;
}

static void on_load(void *owner, void *arg, const struct reply *a)
{
    const struct redis_guard_load *l = arg;
    enum redis_result res = result_of(a);
    (void)owner;
    for (size_t i = 0; res == REDIS_OK && i + 1 < a->n; i += 2)
        l->cut(l->arg, a->items[i].str, a->items[i + 1].integer);
    l->end(l->arg, res, res == REDIS_OK ? a->items[a->n - 1].integer : 0);
}

int redis_guard_load(struct redis *r, int32_t partition, struct redis_guard_load *l)
{
    if (r->state != REDIS_STATE_READY)
        return -1;
    begin(r, load_text, 3, 2);
    add_guard_key(r, partition);
    redis_key_accounts(r, partition);
    redis_link_str(r->link, r->mark);
    redis_link_int(r->link, REDIS_GUARD_MS);
    return redis_link_end(r->link, on_load, l);
}

static void on_count(void *owner, void *arg, const struct reply *a)
{
    const struct redis_guard_count *c = arg;
    (void)owner;
    if (a == NULL || a->type != REPLY_INTEGER)
        c->end(c->arg, REDIS_FAILED, 0);
    else if (a->integer < 0)
        c->end(c->arg, REDIS_LOST, 0);
    else
        c->end(c->arg, REDIS_OK, a->integer);
}

int redis_guard_count(struct redis *r, int32_t partition, struct redis_guard_count *c)
{
    if (r->state != REDIS_STATE_READY)
        return -1;
    begin(r, count_text, 2, 1);
    redis_key_accounts(r, partition);
    redis_link_str(r->link, r->mark);
    return redis_link_end(r->link, on_count, c);
}
