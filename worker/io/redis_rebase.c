/* redis_rebase.c - a service's record and axes set anew by an operator's act: the one way in which they go back.
 *
 * Two steps, since the record's text is made outside of Redis: looked at, then set if it is still that one. Between the two
 * nothing is held here; the caller sees to it that it claims no event of the service. */
#include <string.h>

#include "io/redis_private.h"

/* KEYS birth, lane. ARGV 1 birth mark, 2 fences start above this. Answers 2, 3: an event of the service is being worked, or
 * {record, fence that the new one may have}. */
static const char look_text[] =
    "if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 2 end\n"
    "local l = redis.call('HMGET', KEYS[2], 'rec', 'sent', 'owner', 'until', 'fence')\n"
    "local t = redis.call('TIME')\n"
    "local us = t[1] * 1000000 + t[2]\n"
    "if (l[2] or '') ~= '' then return 3 end\n"
    "if (l[3] or '') ~= '' and tonumber(l[4] or 0) > us / 1000 then return 3 end\n"
    "local above = math.max(tonumber(l[5]) or 0, tonumber(ARGV[2]) or 0)\n"
    "return {l[1] or '', string.format('%.0f', math.max(us, above + 1))}\n";

/* KEYS birth, lane. ARGV 1 birth mark, 2 the record as it was, 3 fence, 4 the record, 5 by (s|o), 6.. a:<axis>, "<order> <event id>".
 * 1: it is another one by now. The account exists as before. */
static const char set_text[] =
    "if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 2 end\n"
    "local l = redis.call('HMGET', KEYS[2], 'rec', 'sent', 'fence')\n"
    "if l[1] ~= ARGV[2] or (l[2] or '') ~= '' or tonumber(l[3] or 0) >= tonumber(ARGV[3]) then return 1 end\n"
    "redis.call('HSET', KEYS[2], 'fence', ARGV[3], 'rec', ARGV[4], 'by', ARGV[5], unpack(ARGV, 6))\n"
    "return 0\n";

static void begin(struct redis *r, const char *text, size_t args, const char *service)
{
    redis_link_begin(r->link, 6 + args);
    redis_link_str(r->link, "EVAL");
    redis_link_str(r->link, text);
    redis_link_str(r->link, "2");
    redis_link_cat(r->link, r->options.prefix, "birth", NULL);
    redis_link_cat(r->link, r->options.prefix, "{", r->options.provider, "/", service, "}:l", NULL);
    redis_link_str(r->link, r->mark);
}

enum { DONE, LOST = 2 }; /* 1 and 3: not now */

static enum redis_result result_of(struct redis *r, const struct reply *a)
{
    if (a == NULL || a->type == REPLY_ERROR)
        return REDIS_FAILED;
    if (a->type != REPLY_INTEGER)
        return REDIS_OK;
    if (a->integer == LOST) {
        redis_unusable(r, "the birth mark is another: asking again who is there");
        return REDIS_LOST;
    }
    return a->integer == DONE ? REDIS_OK : REDIS_FENCED;
}

static void on_look(void *owner, void *arg, const struct reply *a)
{
    const struct redis_rebase_look *l = arg;
    enum redis_result res = result_of(owner, a);
    bool told = res == REDIS_OK && a->type == REPLY_ARRAY && a->n == 2;
    if (told)
        l->end(l->arg, res, a->items[0].str, a->items[0].len, a->items[1].str);
    else
        l->end(l->arg, res == REDIS_OK ? REDIS_FAILED : res, "", 0, "");
}

int redis_rebase_look(struct redis *r, const char *service, struct redis_rebase_look *l)
{
    if (r->state != REDIS_STATE_READY)
        return -1;
    begin(r, look_text, 1, service);
    redis_link_str(r->link, r->fence_floor);
    return redis_link_end(r->link, on_look, l);
}

static void on_set(void *owner, void *arg, const struct reply *a)
{
    const struct redis_rebase *b = arg;
    b->done(b->arg, result_of(owner, a));
}

int redis_rebase(struct redis *r, struct redis_rebase *b)
{
    if (r->state != REDIS_STATE_READY)
        return -1;
    begin(r, set_text, 4 + 2 * b->axis_count, b->service);
    redis_link_arg(r->link, b->was, b->was_len);
    redis_link_str(r->link, b->fence);
    redis_link_arg(r->link, b->record, b->record_len);
    redis_link_str(r->link, redis_order_by(b->order_by));
    for (size_t i = 0; i < b->axis_count; i++) {
        redis_link_cat(r->link, "a:", b->axes[i].name, NULL);
        redis_link_cat(r->link, b->axes[i].order, " ", b->axes[i].event_id, NULL);
    }
    return redis_link_end(r->link, on_set, b);
}
