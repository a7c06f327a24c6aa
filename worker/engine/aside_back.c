/* aside_back.c - who of those that were set aside is called back, and when. RELIABILITY.md section 5.
 *
 * What waits for nothing any more is read from the waiting topic, and goes into its lane again. Of a service a number of entries is there
 * at a time, so that memory has its bound however many wait; and where they are very many, some are looked at in a turn. */
#include <string.h>

#include "engine/aside.h"

#define CALLED_AT_ONCE 100 /* of one service; fewer where lanes are to be short */
#define LOOKED_AT_ONCE (5 * CALLED_AT_ONCE)

/* ---- reading ---- */

static struct wait *wanted(struct partition *p, const struct entry *e, int64_t offset)
{
    struct wait *x = waits_find(p->waits, e->service, e->place);
    return x != NULL && x->wanted && x->at == offset ? x : NULL;
}

static void on_wanted(void *arg, const struct reader_message *rm)
{
    struct partition *p = arg;
    struct worker *w = p->worker;
    struct entry e;
    struct fault fault;
    if (entry_decode(&rm->message, &e, &fault) != ENTRY_IS_ENTRY)
        return;
    struct wait *x = wanted(p, &e, rm->offset);
    if (x == NULL)
        return;
    struct job *j = aside_job_of(p, wait_service_name(x), x->place, rm);
    if (j == NULL) /* no memory: it is read again */
        return;
    j->wait = x;
    x->wanted = false;
    p->wanted--;
    aside_begin_again(w, j, &e);
    if (p->wanted == 0) {
        reader_cancel(p->waits_read);
        p->waits_read = NULL;
    }
}

static void find_lowest(void *arg, struct wait *x)
{
    struct partition *p = arg;
    if (x->wanted && x->at < p->wanted_from)
        p->wanted_from = x->at;
}

/* Those that were asked for when the read was past them are still wanted: the next read begins at the lowest. */
static void on_wanted_end(void *arg, bool ok, int64_t end, const char *why)
{
    struct partition *p = arg;
    (void)ok, (void)end, (void)why;
    p->waits_read = NULL;
    p->wanted_from = INT64_MAX;
    waits_each(p->waits, find_lowest, p);
}

static void read_wanted(struct worker *w, struct partition *p)
{
    struct reader_range r = {
        .topic = w->topic[TOPIC_WAITING], .partition = p->number, .from = READER_OFFSET, .offset = p->wanted_from};
    if (p->wanted > 0 && p->waits_read == NULL)
        p->waits_read = reader_start(w->reader, &r, on_wanted, on_wanted_end, p);
}

static void call_back(struct partition *p, struct wait *x)
{
    if (p->wanted == 0 || x->at < p->wanted_from)
        p->wanted_from = x->at;
    x->busy = x->wanted = true;
    p->wanted++;
}

void aside_call_back(struct partition *p, struct wait *x, enum park_act act)
{
    x->act = act;
    call_back(p, x);
}

void aside_call_superseded(struct partition *p, struct wait *x)
{
    x->superseded = false;
    waits_call(x, false);
    call_back(p, x);
}

/* ---- who is called back ---- */

struct look {
    struct partition *part;
    size_t room;
    bool lane_is_short;
};

static bool lane_is_short(const struct worker *w, const char *service)
{
    return lanes_depth_of(w->lanes, service, strlen(service)) <= (size_t)w->numbers->lane_limit / 2;
}

/* It waits for nothing but others of its service. False: for one still; behind a doubt that it may cover, until that is quiet. */
static bool call_back_if_free(struct partition *p, struct wait *x)
{
    const struct wait *b = waits_blocker_in_order(x);
    if (b == NULL) {
        waits_call(x, x->state == ENTRY_UNSENT);
        call_back(p, x);
        return true;
    }
    int64_t quiet = waits_quiet_at(b);
    if (quiet > 0 && waits_set_due(p->waits, x, quiet) != 0)
        partitions_drain(p->worker, DRAIN_STOP);
    return false;
}

/* It waits for nothing any more but for others of its service. */
static bool is_over(const struct look *l, const struct wait *x)
{
    bool begun = x->state == ENTRY_SENDING; /* by an earlier owner */
    return begun || x->unsure || x->reason == ENTRY_FOR_BEHIND || waits_is_over(x) || (x->reason == ENTRY_FOR_FLOOD && l->lane_is_short);
}

static bool look_at(void *arg, struct wait *x)
{
    struct look *l = arg;
    if (!x->superseded && (x->busy || !is_over(l, x)))
        return true;
    if (l->room == 0)
        return false;
    if (x->superseded) {
        aside_call_superseded(l->part, x);
        l->room--;
    } else if (call_back_if_free(l->part, x)) {
        l->room--;
    }
    return true;
}

static size_t called_at_once(const struct worker *w)
{
    size_t most = (size_t)(w->numbers->lane_limit + 1) / 2;
    return most < CALLED_AT_ONCE ? most : CALLED_AT_ONCE;
}

/* Room comes for many at once: they are read at once. */
static void look_on(void *arg, const char *service)
{
    struct partition *p = arg;
    size_t most = called_at_once(p->worker), called = waits_called(p->waits, service);
    struct look l = {.part = p, .room = called <= most / 2 ? most - called : 0, .lane_is_short = lane_is_short(p->worker, service)};
    waits_look_on(p->waits, service, LOOKED_AT_ONCE / CALLED_AT_ONCE * most, look_at, &l);
}

void aside_look(struct worker *w, struct partition *p, const char *service)
{
    if (waits_count(p->waits) == 0 || !p->waits_ready)
        return;
    if (waits_look(p->waits, service))
        look_on(p, service);
    read_wanted(w, p);
}

/* ---- once a while ---- */

static void note_all(void *arg, struct wait *x)
{
    struct partition *p = arg;
    bool behind = x->reason == ENTRY_FOR_BEHIND || x->reason == ENTRY_FOR_FLOOD;
    bool begun = x->state == ENTRY_SENDING; /* whatever it waited for: an earlier owner had called it back */
    if (x->busy)
        return;
    if (x->overwritten) {
        aside_call_back(p, x, PARK_REWRITE);
        return;
    }
    if (x->unsure || behind || begun)
        waits_look(p->waits, wait_service_name(x));
    if (wait_is_for_person(x))
        park_check(p->worker, p, x);
}

/* The quarantine after the assignment is over: no other owner's message comes any more. */
static void become_ready(struct worker *w, struct partition *p)
{
    if (p->waits_ready || clock_boot_ms() - w->assigned_ms < w->numbers->quarantine_ms)
        return;
    (void)aside_load(w, p);
}

void aside_tick(struct worker *w)
{
    if (w->drain != DRAIN_NONE)
        return;
    for (int32_t i = 0; i < w->part_count; i++) {
        struct partition *p = w->parts[i];
        if (p == NULL || p->phase != PART_OPEN)
            continue;
        bool was = p->waits_swept;
        become_ready(w, p);
        if (!p->waits_ready)
            continue;
        p->waits_swept = true;
        struct wait *x;
        int64_t now = clock_real_ms();
        waits_set_quiet(p->waits, now, w->numbers->quarantine_ms);
        if (!was)
            waits_each(p->waits, note_all, p);
        while ((x = waits_pop_due(p->waits, now)) != NULL)
            waits_look(p->waits, wait_service_name(x));
        waits_each_look(p->waits, look_on, p);
        read_wanted(w, p);
    }
}
