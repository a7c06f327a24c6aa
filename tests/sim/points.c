/* points.c - base/crash_point.h: the places that worker/ names, and some of the simulated clients, which name theirs by the
 * same call. A mark's name says which there are (marks.c): a place without one breaks the seed that comes by.
 *
 * A seed chooses some of them and for each the pass, counted over all processes, at which the process crashes or, as soon as
 * its callback returns, pauses; after a crash then another pass, further on. So a place that is seldom passed has its turn as
 * well as one that each event passes, and no storm of crashes keeps the events from coming as far as the last one. */
#include <string.h>

#include "base/crash_point.h"
#include "sim.h"

enum { PICK = 7000, NEXT_MAX = 60 };

static const char *point_name(unsigned point)
{
    return mark_entry((enum mark)(POINT_FIRST + point))->name + strlen("crash_");
}

/* POINT_COUNT: none has that name. */
static unsigned point_of(const char *name)
{
    unsigned i = 0;
    while (i < POINT_COUNT && strcmp(point_name(i), name) != 0)
        i++;
    return i;
}

void points_choose(struct sim *s)
{
    if (!s->cfg.on[FAULT_CRASH_POINT] && !s->cfg.on[FAULT_PAUSE_POINT])
        return;
    for (unsigned i = 0; i < POINT_COUNT; i++) {
        uint64_t pick = sim_pick(s, PICK + i);
        s->points[i] = pick % 3 == 0 ? 1u << pick / 3 % 4 : 0;
    }
}

/* To the group a long pause is a crash: as many as there are crashes, of one event, would look as if it were the culprit. */
static void pause_there(struct sim *s, struct proc *p, unsigned point)
{
    s->points[point] = 0;
    if (s->healed)
        return;
    sim_note(s, p, "point", point_name(point), -1, -1);
    p->pause_ns = sim_range(s, 100, s->cfg.on[FAULT_PAUSE_LONG] ? 60000 : 6000) * SIM_MS;
}

static void crash_there(struct sim *s, struct proc *p, unsigned point)
{
    s->points[point] = s->healed ? 0 : (unsigned)sim_range(s, 1, NEXT_MAX);
    sim_note(s, p, "point", point_name(point), -1, -1);
    sim_mark(s, (enum mark)(POINT_FIRST + point));
    proc_crash(p, "at the point");
}

void crash_point(const char *name)
{
    struct proc *p = sim_current_proc();
    struct sim *s = p->sim;
    unsigned point = point_of(name);
    if (point == POINT_COUNT) {
        sim_broken(s, "the crash point %s has no mark", name);
        return;
    }
    if (!p->alive || s->ending || s->points[point] == 0 || --s->points[point] > 0)
        return;
    bool both = s->cfg.on[FAULT_CRASH_POINT] && s->cfg.on[FAULT_PAUSE_POINT];
    if (both ? sim_chance(s, 300) : s->cfg.on[FAULT_PAUSE_POINT])
        pause_there(s, p, point);
    else
        crash_there(s, p, point);
}
