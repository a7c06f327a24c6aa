/* sink_order.c - one byte of state an event, one small array a lane. */
#include "sink_order.h"

#include <stdlib.h>
#include <string.h>

enum { LANES_MAX = 16 << 20, SEQUENCE_MAX = 1000000, TRIES_MAX = 60 };

/* An event's byte: tries so far, and what became of the last one. */
enum { TRIES = 0x3f, BUSY = 0x40, DONE = 0x80 };

struct lane {
    uint8_t *events; /* by sequence - 1 */
    uint32_t room;
    uint32_t settled; /* all up to this sequence are done */
};

struct sink_order {
    struct lane *lanes;
    size_t room;
    struct sink_counts counts;
};

struct sink_order *sink_order_new(void)
{
    return calloc(1, sizeof(struct sink_order));
}

void sink_order_free(struct sink_order *o)
{
    if (o == NULL)
        return;
    for (size_t i = 0; i < o->room; i++)
        free(o->lanes[i].events);
    free(o->lanes);
    free(o);
}

/* Room for at least @want, at least doubled so that growing stays cheap. */
static size_t grown(size_t room, size_t want)
{
    size_t twice = room * 2;
    return twice > want ? twice : want;
}

static struct lane *lane_at(struct sink_order *o, uint32_t number)
{
    if (number >= LANES_MAX)
        return NULL;
    if (number >= o->room) {
        size_t room = grown(o->room, (size_t)number + 1024);
        struct lane *lanes = realloc(o->lanes, room * sizeof(*lanes));
        if (lanes == NULL)
            return NULL;
        memset(lanes + o->room, 0, (room - o->room) * sizeof(*lanes));
        o->lanes = lanes;
        o->room = room;
    }
    return &o->lanes[number];
}

static uint8_t *event_at(struct lane *l, uint32_t sequence)
{
    if (sequence == 0 || sequence > SEQUENCE_MAX)
        return NULL;
    if (sequence > l->room) {
        size_t room = grown(l->room, (size_t)sequence + 8);
        uint8_t *events = realloc(l->events, room);
        if (events == NULL)
            return NULL;
        memset(events + l->room, 0, room - l->room);
        l->events = events;
        l->room = (uint32_t)room;
    }
    return &l->events[sequence - 1];
}

unsigned sink_order_begin(struct sink_order *o, uint32_t lane, uint32_t sequence)
{
    struct lane *l = lane_at(o, lane);
    uint8_t *event = l != NULL ? event_at(l, sequence) : NULL;
    if (event == NULL)
        return 0;
    o->counts.begun++;
    o->counts.doubled += (*event & (BUSY | DONE)) != 0;
    o->counts.overtaken += l->settled + 1 < sequence;
    if ((*event & TRIES) < TRIES_MAX)
        ++*event;
    *event |= BUSY;
    return *event & TRIES;
}

void sink_order_end(struct sink_order *o, uint32_t lane, uint32_t sequence, bool ok)
{
    struct lane *l = lane_at(o, lane);
    uint8_t *event = l != NULL ? event_at(l, sequence) : NULL;
    if (event == NULL)
        return;
    *event &= (uint8_t)~BUSY;
    if (!ok) {
        o->counts.refused++;
        return;
    }
    o->counts.done += (*event & DONE) == 0;
    *event |= DONE;
    while (l->settled < l->room && (l->events[l->settled] & DONE) != 0)
        l->settled++;
}

const struct sink_counts *sink_order_counts(const struct sink_order *o)
{
    return &o->counts;
}
