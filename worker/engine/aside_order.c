/* aside_order.c - who waits for whom: an event beside the entries of its service in the waiting topic. RELIABILITY.md sections 1
 * and 5. core/waits.h decides; the entries are aside.c's. */
#include "engine/aside.h"
#include "engine/state.h"

/* @order: room for it, as long as the event is looked at. */
static struct covers_event event_of(const struct job *j, struct order *order)
{
    const struct event *e = &j->work->event;
    *order = event_order(e, j->worker->o.settings->epoch, j->offset);
    return (struct covers_event){.type = e->type, .axes = &e->axes, .data = e->data, .order = order};
}

static struct entry_place place_of(const struct job *j)
{
    return (struct entry_place){.partition = j->partition, .offset = j->offset};
}

struct wait *aside_entry_of(const struct job *j)
{
    return waits_find(j->part->waits, j->work->event.service, place_of(j));
}

struct wait *aside_blocker(const struct job *j)
{
    if (waits_count(j->part->waits) == 0)
        return NULL;
    if (j->from_entry)
        return waits_blocker_as(j->wait, j->presumed ? ENTRY_DOUBT : ENTRY_UNSENT);
    if (j->wait != NULL && (j->wait->state == ENTRY_DOUBT || j->wait->state == ENTRY_SENDING))
        return waits_blocker_of(j->wait);
    struct order order;
    struct covers_event e = event_of(j, &order);
    struct wait *x = waits_holder(j->part->waits, j->work->event.service, &e, place_of(j));
    return x != NULL ? x : waits_same(j->part->waits, j->work->event.service, j->work->event.key, place_of(j));
}

bool aside_may_have_passed(const struct job *j, const struct wait *x)
{
    struct order order;
    struct covers_event e = event_of(j, &order);
    return x->place.offset > j->offset || waits_covers_idle(&e, x);
}

struct wait *aside_covered(const struct job *j, const struct wait *after)
{
    if (waits_count(j->part->waits) == 0)
        return NULL;
    struct order order;
    struct covers_event e = event_of(j, &order);
    return waits_covered(j->part->waits, j->work->event.service, &e, place_of(j), after);
}

/* Their own claims say that they are superseded, and a dead one is closed. Until they are settled @j's offset is not: whoever is
 * next would not know of them. */
bool aside_supersede(struct job *j)
{
    struct partition *p = j->part;
    if (waits_count(p->waits) == 0 || !p->waits_ready || !job_moved_record(j))
        return false;
    struct order order;
    struct covers_event e = event_of(j, &order);
    struct wait_debt *debt = NULL;
    struct wait *x = NULL;
    while ((x = waits_covered(p->waits, j->work->event.service, &e, place_of(j), x)) != NULL) {
        if (!j->from_entry && debt == NULL && (debt = waits_debt_new(j->offset)) == NULL) {
            partitions_drain(j->worker, DRAIN_STOP);
            return true;
        }
        if (x->state == ENTRY_UNSENT) {
            x->act = PARK_SUPERSEDED;
            x->busy = x->superseded = true;
        } else { /* others may wait for it */
            aside_call_back(p, x, PARK_SUPERSEDED);
        }
        if (debt != NULL)
            waits_owe(x, debt);
    }
    return debt != NULL;
}
