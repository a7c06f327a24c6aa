/* slots.c - slots that are leases: what core/leases.h decides, told to the limit and to Redis. */
#include "engine/state.h"

static struct leases_times times_of(const struct worker *w)
{
    return (struct leases_times){.lease_ms = w->numbers->lease_ms, .call_ms = w->numbers->request_ms};
}

static unsigned good(const struct worker *w)
{
    struct leases_times t = times_of(w);
    return leases_good(&w->leases, &t, clock_boot_ms());
}

void slots_tick(struct worker *w)
{
    if (!w->limit.is_leased)
        return;
    leases_yield(&w->leases, limit_used(&w->limit), clock_boot_ms());
    limit_lease(&w->limit, good(w));
}

bool slots_may_call(const struct worker *w)
{
    return !w->limit.is_leased || w->limit.in_flight <= good(w);
}

static void on_answer(void *arg, enum redis_result res, unsigned has, unsigned others)
{
    struct worker *w = arg;
    struct leases_times t = times_of(w);
    if (res == REDIS_OK)
        leases_answered(&w->leases, &t, has, others, worker_random(w), clock_boot_ms());
    else
        leases_failed(&w->leases, worker_random(w), clock_boot_ms());
}

static void ask(struct worker *w, const struct leases_question *q)
{
    w->slots = (struct redis_slots){.worker = w->name, .has = q->has, .wants = q->wants, .max = w->plan->limits.in_flight,
                                    .end = on_answer, .arg = w};
    if (redis_slots(w->redis, &w->slots) != 0)
        leases_not_asked(&w->leases, worker_random(w), clock_boot_ms());
}

static struct leases_use use_of(struct worker *w)
{
    unsigned waiting = isolate_waits(w) ? 1 : intake_waiting(w, w->limit.max_in_flight);
    return (struct leases_use){
        .in_flight = w->limit.in_flight,
        .used = limit_used(&w->limit),
        .needed = limit_needs(&w->limit, waiting, loop_now_ms(w->loop)),
        .waits = waiting > 0 || w->claimed.n > 0,
        .rnd = worker_random(w),
        .now_ms = clock_boot_ms(),
    };
}

void slots_end(struct worker *w)
{
    if (leases_end(&w->leases) && redis_is_up(w->redis))
        redis_slots_give(w->redis, w->name);
    limit_lease(&w->limit, 0);
}

void slots_pump(struct worker *w)
{
    struct leases_question q;
    w->slots_wait_ms = INT64_MAX;
    if (!redis_is_up(w->redis))
        return;
    if (!w->limit.is_leased) { /* the settings were read again, and say more */
        slots_end(w);
        return;
    }
    struct leases_use use = use_of(w);
    if (leases_ask(&w->leases, &use, &q, &w->slots_wait_ms))
        ask(w, &q);
    limit_lease(&w->limit, good(w));
}
