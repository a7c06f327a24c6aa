/* oracle_bounds.c - 16: every queue has its bound; 19: nothing private stands where anybody may read it. */
#include <string.h>

#include "oracle_state.h"

/* ---- 16 ---- */

/* Below it, all that the partition's owner was told of is settled, as far as anybody can know. */
static int64_t settled_up_to(struct oracle *o, int32_t partition)
{
    int64_t at = o->settled[partition];
    struct place *const *list = o->places[partition];
    while (at < o->place_count[partition] && (list[at]->waits || place_is_settled(o, list[at])))
        at++;
    return at;
}

/* 16: of a partition no more events are taken than its window has room for. One that is a member no more may be given some that it
 * does not take. */
void oracle_delivered(struct sim *s, const struct kmember *m, int32_t partition, int64_t offset)
{
    const struct proc *p = m->p;
    int64_t open = offset + 1 - settled_up_to(s->oracle, partition), window = s->env->provider->numbers.window_events;
    oracle_count_delivered(m->p);
    if (open > window && m->in && m->generation == s->kafka->generation)
        sim_broken(s, "16: w%u.%u takes %d-%lld, and %lld events of the partition are open, of %lld", p->slot, p->life, (int)partition,
                   (long long)offset, (long long)open, (long long)window);
    if (open == window)
        sim_mark(s, MARK_WINDOW_FULL);
}

/* 16: when so many wait in its topic no more are taken; those that were taken may follow them. What an operator has redriven is his. */
void oracle_entries(struct sim *s, int32_t partition)
{
    const struct settings_numbers *n = &s->env->provider->numbers;
    struct oracle *o = s->oracle;
    int64_t waiting = 0, most = n->waiting_limit + n->window_events;
    for (int64_t at = 0; o->place_count[partition] > most && at < o->place_count[partition]; at++) {
        const struct place *p = o->places[partition][at];
        waiting += p->waits && o->events[p->event]->asked == 0;
    }
    if (waiting > most)
        sim_broken(s, "16: %lld entries wait in partition %d, of %lld and a window of %lld", (long long)waiting, (int)partition,
                   (long long)n->waiting_limit, (long long)n->window_events);
    if (waiting >= n->waiting_limit)
        sim_mark(s, MARK_WAITING_FULL);
}

/* ---- 19 ---- */

void oracle_private(struct sim *s, const char *where, const char *text)
{
    const char *at = strstr(text, PERSONAL), *line = at;
    while (at && line > text && line[-1] != '\n')
        line--;
    if (at)
        sim_broken(s, "19: %s: %.*s", where, (int)strcspn(line, "\n"), line);
}
