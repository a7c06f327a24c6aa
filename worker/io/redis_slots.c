/* redis_slots.c - leases of slots: the script SLOTS asked, and its answer read. */
#include "io/redis_private.h"

enum { HAS, OTHERS, ANSWERS }; /* what it answers */

static void ask(struct redis *r, const struct redis_slots *s)
{
    redis_link_begin_script(r->link, &r->scripts[SCRIPT_SLOTS], 9);
    redis_link_int(r->link, 2);
    redis_link_cat(r->link, r->options.prefix, "birth", NULL);
    redis_link_cat(r->link, r->options.prefix, "slots:", r->options.provider, NULL);
    redis_link_str(r->link, r->mark);
    redis_link_str(r->link, s->worker);
    redis_link_int(r->link, s->has);
    redis_link_int(r->link, s->wants);
    redis_link_int(r->link, s->max);
    redis_link_int(r->link, ++r->slots_asked);
}

static bool is_number(const struct reply *a, unsigned max)
{
    return a->type == REPLY_INTEGER && a->integer >= 0 && a->integer <= max;
}

static enum redis_result result_of(struct redis *r, const struct redis_slots *s, const struct reply *a)
{
    if (a != NULL && a->type == REPLY_INTEGER && a->integer == SCRIPT_LOST) {
        redis_unusable(r, "the birth mark is another: asking again who is there");
        return REDIS_LOST;
    }
    if (a == NULL || a->type != REPLY_ARRAY || a->n != ANSWERS || !is_number(&a->items[HAS], s->has + s->wants) ||
        !is_number(&a->items[OTHERS], INT32_MAX))
        return REDIS_FAILED;
    return REDIS_OK;
}

static void on_slots(void *owner, void *arg, const struct reply *a)
{
    const struct redis_slots *s = arg;
    redis_look_at_error(owner, a);
    enum redis_result res = result_of(owner, s, a);
    bool good = res == REDIS_OK;
    s->end(s->arg, res, good ? (unsigned)a->items[HAS].integer : 0, good ? (unsigned)a->items[OTHERS].integer : 0);
}

int redis_slots(struct redis *r, const struct redis_slots *s)
{
    if (r->state != REDIS_STATE_READY)
        return -1;
    ask(r, s);
    return redis_link_end(r->link, on_slots, (void *)(uintptr_t)s);
}

static void on_nothing(void *owner, void *arg, const struct reply *a)
{
    (void)owner, (void)arg, (void)a;
}

void redis_slots_give(struct redis *r, const char *worker)
{
    if (r->state != REDIS_STATE_READY)
        return;
    ask(r, &(struct redis_slots){.worker = worker});
    (void)redis_link_end(r->link, on_nothing, NULL);
}
