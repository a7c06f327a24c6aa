/* The index of what was set aside: who holds back whom, and what is due. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <string.h>

#include "core/bits.h"
#include "core/waits.h"

static struct entry_place at(int64_t offset)
{
    return (struct entry_place){.partition = 3, .offset = offset};
}

static struct axes axes_of_names(const char *first, const char *second)
{
    struct axes a = {.n = 0};
    if (first != NULL)
        snprintf(a.name[a.n++], AXIS_NAME_SIZE, "%s", first);
    if (second != NULL)
        snprintf(a.name[a.n++], AXIS_NAME_SIZE, "%s", second);
    return a;
}

static struct wait *put(struct waits *ws, const char *service, int64_t offset, const char *axis, enum entry_reason reason,
                        int64_t release_at_ms)
{
    struct entry e = {.place = at(offset), .state = ENTRY_UNSENT, .reason = reason, .round = 1,
                      .release_at_ms = release_at_ms, .axes = axes_of_names(axis, NULL)};
    snprintf(e.service, sizeof(e.service), "%s", service);
    struct wait *x = waits_put(ws, &e, 100 + offset);
    cr_assert(ne(ptr, x, NULL));
    return x;
}

static struct wait *blocker(struct waits *ws, const char *service, const char *axis, int64_t offset)
{
    struct axes a = axes_of_names(axis, NULL);
    return waits_blocker(ws, service, &a, at(offset));
}

Test(waits, an_entry_holds_back_only_later_events_that_share_an_axis)
{
    struct waits *ws = waits_new();
    struct wait *block = put(ws, "s1", 10, "block", ENTRY_FOR_RETRY, 5000);
    struct wait *news = put(ws, "s1", 12, "package:news", ENTRY_FOR_BEHIND, 0);
    cr_expect(eq(ptr, blocker(ws, "s1", "block", 20), block));
    cr_expect(eq(ptr, blocker(ws, "s1", "package:news", 20), news));
    cr_expect(eq(ptr, blocker(ws, "s1", "package:kids", 20), NULL));
    cr_expect(eq(ptr, blocker(ws, "s1", NULL, 20), NULL), "an event without an axis");
    cr_expect(eq(ptr, blocker(ws, "s1", "existence", 20), news), "existence shares all: the newest");
    cr_expect(eq(ptr, blocker(ws, "s1", "block", 9), NULL), "an earlier event");
    cr_expect(eq(ptr, blocker(ws, "s2", "block", 20), NULL), "another service");
    waits_remove(ws, block);
    cr_expect(eq(ptr, blocker(ws, "s1", "block", 20), NULL));
    waits_free(ws);
}

Test(waits, what_touches_existence_holds_back_everything)
{
    struct waits *ws = waits_new();
    struct wait *made = put(ws, "s1", 10, "existence", ENTRY_FOR_DEAD, 0);
    struct wait *behind = put(ws, "s1", 11, "block", ENTRY_FOR_BEHIND, 0);
    cr_expect(eq(ptr, blocker(ws, "s1", NULL, 20), made));
    cr_expect(eq(ptr, waits_blocker_of(behind), made));
    cr_expect(eq(ptr, waits_blocker_of(made), NULL));
    waits_free(ws);
}

#define KEY_A "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define KEY_B "0f112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static struct wait *put_keyed(struct waits *ws, int64_t offset, const char *key, enum entry_state state, enum entry_reason reason)
{
    struct entry e = {.service = "s1", .place = at(offset), .state = state, .reason = reason, .round = 1, .fence = "1790000000000007"};
    snprintf(e.key, sizeof(e.key), "%s", key);
    struct wait *x = waits_put(ws, &e, offset);
    cr_assert(ne(ptr, x, NULL));
    return x;
}

Test(waits, an_event_without_an_axis_holds_back_only_its_own_repeat)
{
    struct waits *ws = waits_new();
    struct wait *first = put_keyed(ws, 10, KEY_A, ENTRY_DOUBT, ENTRY_FOR_DOUBT);
    struct wait *other = put_keyed(ws, 11, KEY_B, ENTRY_UNSENT, ENTRY_FOR_FLOOD);
    struct wait *repeat = put_keyed(ws, 12, KEY_A, ENTRY_UNSENT, ENTRY_FOR_BEHIND);
    cr_expect(eq(u64, first->fence, UINT64_C(1790000000000007)));
    cr_expect(eq(ptr, waits_same(ws, "s1", KEY_A, at(20)), repeat));
    cr_expect(eq(ptr, waits_same(ws, "s1", KEY_A, at(12)), first));
    cr_expect(eq(ptr, waits_same(ws, "s1", KEY_A, at(10)), NULL), "not its own");
    cr_expect(eq(ptr, waits_same(ws, "s2", KEY_A, at(20)), NULL), "another service");
    cr_expect(eq(ptr, waits_same(ws, "s1", "", at(20)), NULL), "no key");
    cr_expect(eq(ptr, waits_blocker_of(other), NULL));
    cr_expect(eq(ptr, waits_blocker_of(repeat), first));
    waits_free(ws);
}

/* The older one waits with all that the doubt covers; that doubt waits for nobody's sake of its own event. */
Test(waits, a_repeat_that_may_have_been_sent_does_not_wait_for_its_unsent_first)
{
    struct waits *ws = waits_new();
    struct wait *first = put_keyed(ws, 10, KEY_A, ENTRY_UNSENT, ENTRY_FOR_BEHIND);
    struct wait *repeat = put_keyed(ws, 12, KEY_A, ENTRY_DOUBT, ENTRY_FOR_BEHIND);
    cr_expect(eq(ptr, waits_blocker_of(repeat), NULL));
    first->busy = true;
    cr_expect(eq(ptr, waits_blocker_of(repeat), first), "it is at work: its own claim tells");
    first->busy = false;
    first->state = ENTRY_DOUBT;
    cr_expect(eq(ptr, waits_blocker_of(repeat), first));
    waits_free(ws);
}

Test(waits, a_doubt_and_a_dead_event_are_for_a_person_until_they_are_called_back)
{
    static const struct { enum entry_state state; enum entry_reason reason; bool want; } rows[] = {
        {ENTRY_DOUBT, ENTRY_FOR_DOUBT, true},     {ENTRY_DEAD, ENTRY_FOR_DEAD, true},
        {ENTRY_SENDING, ENTRY_FOR_DOUBT, false},  {ENTRY_SENDING, ENTRY_FOR_DEAD, false},
        {ENTRY_DOUBT, ENTRY_FOR_RETRY, false},    {ENTRY_UNSENT, ENTRY_FOR_GUARD, false},
    };
    struct waits *ws = waits_new();
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct wait *x = put_keyed(ws, 10, KEY_A, rows[i].state, rows[i].reason);
        cr_expect(eq(int, wait_is_for_person(x), rows[i].want), "row %zu", i);
        cr_expect(not(rows[i].want && waits_pop_due(ws, INT64_MAX) != NULL), "no clock ends it");
    }
    waits_free(ws);
}

static bool is_gone(void *arg, const struct wait *x)
{
    (void)arg;
    return x->gone;
}

Test(waits, what_is_gone_is_removed_at_once)
{
    struct waits *ws = waits_new();
    struct wait *first = put(ws, "s1", 10, "block", ENTRY_FOR_FLOOD, 0);
    put(ws, "s1", 11, "block", ENTRY_FOR_FLOOD, 0);
    struct wait *last = put(ws, "s1", 12, "block", ENTRY_FOR_FLOOD, 0), *alone = put(ws, "s2", 13, "block", ENTRY_FOR_FLOOD, 0);
    first->gone = last->gone = alone->gone = true;
    waits_remove_if(ws, is_gone, NULL);
    cr_expect(eq(sz, waits_count(ws), 1));
    cr_expect(eq(sz, waits_count_of(ws, "s1"), 1));
    cr_expect(eq(ptr, waits_first(ws, "s2"), NULL));
    waits_free(ws);
}

Test(waits, entries_of_a_service_stand_by_place_whatever_comes_first)
{
    struct waits *ws = waits_new();
    struct wait *third = put(ws, "s1", 30, "block", ENTRY_FOR_BEHIND, 0);
    struct wait *first = put(ws, "s1", 10, "block", ENTRY_FOR_BEHIND, 0);
    struct wait *second = put(ws, "s1", 20, "block", ENTRY_FOR_BEHIND, 0);
    cr_expect(eq(ptr, waits_first(ws, "s1"), first));
    cr_expect(eq(ptr, first->next, second));
    cr_expect(eq(ptr, second->next, third));
    cr_expect(eq(ptr, waits_blocker_of(third), second));
    cr_expect(eq(sz, waits_count_of(ws, "s1"), 3));
    cr_expect(eq(sz, waits_count(ws), 3));
    cr_expect(eq(str, (char *)wait_service_name(third), "s1"));
    waits_remove(ws, second);
    cr_expect(eq(ptr, waits_blocker_of(third), first));
    cr_expect(eq(ptr, waits_find(ws, "s1", at(20)), NULL));
    waits_free(ws);
}

Test(waits, a_newer_version_moves_the_entry_and_keeps_its_place)
{
    struct waits *ws = waits_new();
    struct wait *x = put(ws, "s1", 10, "block", ENTRY_FOR_RETRY, 5000);
    cr_expect(eq(ptr, put(ws, "s1", 10, "block", ENTRY_FOR_DEAD, 0), x));
    cr_expect(eq(int, x->reason, ENTRY_FOR_DEAD));
    cr_expect(eq(sz, waits_count(ws), 1));
    cr_expect(eq(ptr, waits_pop_due(ws, 9000), NULL), "the clock does not release it any more");
    waits_free(ws);
}

Test(waits, the_clock_releases_what_nothing_holds_back)
{
    struct waits *ws = waits_new();
    struct wait *late = put(ws, "s1", 10, "block", ENTRY_FOR_RETRY, 5000);
    struct wait *soon = put(ws, "s2", 11, "block", ENTRY_FOR_DATE, 4000);
    struct wait *held = put(ws, "s2", 12, "block", ENTRY_FOR_DATE, 3000);
    cr_expect(eq(ptr, waits_pop_due(ws, 2999), NULL));
    cr_expect(not(waits_is_over(held)));
    cr_expect(eq(ptr, waits_pop_due(ws, 3000), NULL), "the one before it comes first");
    cr_expect(waits_is_over(held));
    cr_expect(eq(ptr, waits_pop_due(ws, 6000), soon));
    late->busy = true;
    cr_expect(eq(ptr, waits_pop_due(ws, 6000), NULL), "at work");
    late->busy = false;
    cr_assert(zero(int, waits_set_due(ws, late, 7000)));
    cr_expect(eq(ptr, waits_pop_due(ws, 7000), late));
    waits_free(ws);
}

Test(bits, what_was_set_is_there_and_nothing_else)
{
    struct bits *b = bits_new();
    bits_set(b, 0);
    bits_set(b, 63);
    bits_set(b, 100000);
    bits_set(b, BITS_MAX);
    cr_expect(bits_has(b, 0) && bits_has(b, 63) && bits_has(b, 100000));
    cr_expect(not(bits_has(b, 1) || bits_has(b, 64) || bits_has(b, 99999) || bits_has(b, 100001)));
    cr_expect(not(bits_has(b, BITS_MAX)), "beyond the bound it is not kept");
    bits_free(b);
    bits_free(NULL);
}

/* ---- what a newer event covers ---- */

static struct wait *put_typed(struct waits *ws, int64_t offset, enum event_type type, const char *axis, enum entry_state state,
                              enum entry_reason reason)
{
    struct entry e = {.order = {.number = (uint64_t)offset}, .place = at(offset), .state = state, .reason = reason, .round = 1, .type = type,
                      .release_at_ms = 1, .axes = axes_of_names(axis, NULL)};
    snprintf(e.service, sizeof(e.service), "s1");
    struct wait *x = waits_put(ws, &e, 100 + offset);
    cr_assert(ne(ptr, x, NULL));
    return x;
}

static struct wait *holder(struct waits *ws, enum event_type type, const char *axis, int64_t offset)
{
    struct axes a = axes_of_names(axis, NULL);
    struct covers_event e = {.type = type, .axes = &a};
    return waits_holder(ws, "s1", &e, at(offset));
}

static struct wait *superseded(struct waits *ws, enum event_type type, const char *axis, int64_t offset)
{
    struct axes a = axes_of_names(axis, NULL);
    struct covers_event e = {.type = type, .axes = &a};
    return waits_covered(ws, "s1", &e, at(offset), NULL);
}

Test(waits, a_newer_event_passes_an_unsent_entry_that_it_covers)
{
    struct waits *ws = waits_new();
    struct wait *cut = put_typed(ws, 10, EVENT_CONTRACT_BLOCKED, "block", ENTRY_UNSENT, ENTRY_FOR_GUARD);
    cr_expect(eq(ptr, holder(ws, EVENT_CONTRACT_UNBLOCKED, "block", 20), NULL));
    cr_expect(eq(ptr, superseded(ws, EVENT_CONTRACT_UNBLOCKED, "block", 20), cut));
    cr_expect(eq(ptr, superseded(ws, EVENT_CONTRACT_UNBLOCKED, "block", 9), NULL), "an earlier one");
    cr_expect(eq(ptr, holder(ws, EVENT_CONTRACT_BLOCKED, "block", 20), cut), "of one type: its fields are not known here");
    cr_expect(eq(ptr, holder(ws, EVENT_CONTRACT_CANCELLED, "existence", 20), NULL));
    cut->busy = true;
    cr_expect(eq(ptr, holder(ws, EVENT_CONTRACT_UNBLOCKED, "block", 20), cut), "it is at work");
    cut->busy = false;
    cut->state = ENTRY_SENDING;
    cr_expect(eq(ptr, holder(ws, EVENT_CONTRACT_UNBLOCKED, "block", 20), cut), "it may have been sent");
    cr_expect(eq(ptr, superseded(ws, EVENT_CONTRACT_UNBLOCKED, "block", 20), NULL));
    waits_free(ws);
}

Test(waits, what_is_taken_away_before_its_day_passes_the_removal_that_waits_for_it)
{
    struct waits *ws = waits_new();
    struct wait *end = put_typed(ws, 10, EVENT_PACKAGE_REMOVED, "package:A", ENTRY_UNSENT, ENTRY_FOR_DATE);
    cr_expect(eq(ptr, holder(ws, EVENT_PACKAGE_REMOVED, "package:B", 20), NULL));
    cr_expect(eq(ptr, holder(ws, EVENT_PACKAGE_REMOVED, "package:A", 20), NULL));
    cr_expect(eq(ptr, superseded(ws, EVENT_PACKAGE_REMOVED, "package:A", 20), end));
    struct wait *early = put_typed(ws, 20, EVENT_PACKAGE_REMOVED, "package:A", ENTRY_UNSENT, ENTRY_FOR_RETRY);
    cr_expect(eq(ptr, waits_blocker_of(early), NULL), "an entry, too");
    end->busy = true;
    cr_expect(eq(ptr, waits_blocker_of(early), end), "its day has come");
    end->busy = false;
    end->reason = ENTRY_FOR_RETRY;
    cr_expect(eq(ptr, holder(ws, EVENT_PACKAGE_REMOVED, "package:A", 20), end), "of one type: its fields are not known here");
    end->reason = ENTRY_FOR_DATE;
    end->type = early->type = EVENT_PLAN_CHANGED;
    cr_expect(eq(ptr, waits_blocker_of(early), end), "a value, not a removal");
    waits_free(ws);
}

Test(waits, an_older_one_waits_with_the_newer_that_covers_it)
{
    struct waits *ws = waits_new();
    struct wait *older = put_typed(ws, 10, EVENT_CONTRACT_BLOCKED, "block", ENTRY_UNSENT, ENTRY_FOR_RETRY);
    struct wait *newer = put_typed(ws, 20, EVENT_CONTRACT_UNBLOCKED, "block", ENTRY_UNSENT, ENTRY_FOR_RETRY);
    cr_expect(eq(ptr, waits_blocker_of(older), newer));
    cr_expect(eq(ptr, waits_blocker_of(newer), NULL));
    cr_expect(eq(ptr, holder(ws, EVENT_CONTRACT_BLOCKED, "block", 15), newer), "an event of the lane, too");
    newer->state = ENTRY_DEAD;
    cr_expect(eq(ptr, waits_blocker_of(older), NULL), "dead: not applied, the older one runs");
    newer->state = ENTRY_UNSENT;
    newer->reason = ENTRY_FOR_FLOOD;
    cr_expect(eq(ptr, waits_blocker_of(older), NULL), "it waits for the lane, in which those before it go on");
    waits_free(ws);
}

Test(waits, nobody_waits_in_a_circle)
{
    struct waits *ws = waits_new();
    struct wait *block = put_typed(ws, 10, EVENT_CONTRACT_BLOCKED, "block", ENTRY_UNSENT, ENTRY_FOR_RETRY);
    struct wait *created = put_typed(ws, 15, EVENT_SERVICE_CREATED, "existence", ENTRY_UNSENT, ENTRY_FOR_BEHIND);
    struct wait *newer = put_typed(ws, 20, EVENT_CONTRACT_UNBLOCKED, "block", ENTRY_UNSENT, ENTRY_FOR_RETRY);
    cr_expect(eq(ptr, waits_blocker_of(newer), created), "which it does not cover");
    cr_expect(eq(ptr, waits_blocker_of(created), block));
    cr_expect(eq(ptr, waits_blocker_of(block), NULL));
    waits_free(ws);
}

/* An earlier owner called all three back at once, and ended before the first one's tombstone. */
Test(waits, what_was_called_back_behind_another_does_not_hold_what_that_one_waits_for)
{
    struct waits *ws = waits_new();
    struct wait *older = put_typed(ws, 10, EVENT_PLAN_CHANGED, "plan", ENTRY_DOUBT, ENTRY_FOR_BEHIND);
    struct wait *snapshot = put_typed(ws, 15, EVENT_SERVICE_SNAPSHOT, "all", ENTRY_SENDING, ENTRY_FOR_BEHIND);
    struct wait *newer = put_typed(ws, 20, EVENT_PLAN_CHANGED, "plan", ENTRY_SENDING, ENTRY_FOR_BEHIND);
    cr_expect(eq(ptr, waits_blocker_of(newer), snapshot), "which it does not cover");
    cr_expect(eq(ptr, waits_blocker_of(snapshot), older), "a snapshot passes no doubt");
    cr_expect(eq(ptr, waits_blocker_of(older), NULL));
    snapshot->unsure = true;
    cr_expect(eq(ptr, waits_blocker_of(older), newer), "its tombstone was overwritten: it may be decided, and the newer one sent");
    waits_free(ws);
}

Test(waits, of_two_that_may_have_been_sent_the_newer_goes_first)
{
    struct waits *ws = waits_new();
    struct wait *older = put_typed(ws, 10, EVENT_PLAN_CHANGED, "plan", ENTRY_DOUBT, ENTRY_FOR_BEHIND);
    struct wait *newer = put_typed(ws, 20, EVENT_PLAN_CHANGED, "plan", ENTRY_DOUBT, ENTRY_FOR_RETRY);
    cr_expect(eq(ptr, waits_blocker_of(newer), NULL));
    cr_expect(eq(ptr, waits_blocker_of(older), newer));
    newer->state = ENTRY_UNSENT;
    cr_expect(eq(ptr, waits_blocker_of(newer), older));
    cr_expect(eq(ptr, waits_blocker_of(older), NULL));
    waits_free(ws);
}

/* Where the order is the place, the repeat's says nothing: the one between them covers the first, and nobody waits in a circle. */
Test(waits, of_two_that_are_one_event_the_first_goes_first)
{
    struct waits *ws = waits_new();
    struct wait *first = put_typed(ws, 10, EVENT_PLAN_CHANGED, "plan", ENTRY_DOUBT, ENTRY_FOR_BEHIND);
    struct wait *between = put_typed(ws, 15, EVENT_PLAN_CHANGED, "plan", ENTRY_DOUBT, ENTRY_FOR_BEHIND);
    struct wait *repeat = put_typed(ws, 20, EVENT_PLAN_CHANGED, "plan", ENTRY_DOUBT, ENTRY_FOR_BEHIND);
    cr_expect(eq(ptr, waits_blocker_of(between), repeat), "two events");
    first->keyed = repeat->keyed = true;
    cr_expect(eq(ptr, waits_blocker_of(repeat), first));
    cr_expect(eq(ptr, waits_blocker_of(first), between));
    cr_expect(eq(ptr, waits_blocker_of(between), NULL));
    waits_free(ws);
}

Test(waits, one_that_was_called_back_is_held_by_what_it_is)
{
    struct waits *ws = waits_new();
    struct wait *older = put_typed(ws, 10, EVENT_CONTRACT_BLOCKED, "block", ENTRY_DOUBT, ENTRY_FOR_DOUBT);
    struct wait *newer = put_typed(ws, 20, EVENT_CONTRACT_UNBLOCKED, "block", ENTRY_SENDING, ENTRY_FOR_BEHIND);
    older->written_ms = 1;
    cr_expect(eq(ptr, waits_blocker_as(newer, ENTRY_UNSENT), older), "it was unsent");
    cr_expect(eq(ptr, waits_blocker_as(newer, ENTRY_DOUBT), NULL), "it may have been sent: then it goes first");
    cr_expect(eq(ptr, waits_blocker_of(older), newer));
    waits_free(ws);
}

Test(waits, a_newer_event_passes_a_dead_one_whose_axes_it_covers)
{
    struct waits *ws = waits_new();
    struct wait *dead = put_typed(ws, 10, EVENT_PLAN_CHANGED, "plan", ENTRY_DEAD, ENTRY_FOR_DEAD);
    cr_expect(eq(ptr, holder(ws, EVENT_PLAN_CHANGED, "plan", 20), dead), "not where it is to hold always");
    waits_let_dead_be_covered(ws);
    cr_expect(eq(ptr, holder(ws, EVENT_PLAN_CHANGED, "plan", 20), NULL), "its axes are enough");
    cr_expect(eq(ptr, superseded(ws, EVENT_PLAN_CHANGED, "plan", 20), dead));
    cr_expect(eq(ptr, holder(ws, EVENT_SERVICE_CREATED, "existence", 20), dead), "which covers nothing");
    struct wait *newer = put_typed(ws, 20, EVENT_PLAN_CHANGED, "plan", ENTRY_UNSENT, ENTRY_FOR_BEHIND);
    cr_expect(eq(ptr, waits_blocker_of(newer), NULL), "an entry, too");
    waits_free(ws);
}

Test(waits, a_newer_event_passes_a_doubt_for_a_person_once_it_is_quiet)
{
    struct waits *ws = waits_new();
    struct wait *doubt = put_typed(ws, 10, EVENT_CONTRACT_BLOCKED, "block", ENTRY_DOUBT, ENTRY_FOR_DOUBT);
    struct wait *newer = put_typed(ws, 20, EVENT_CONTRACT_UNBLOCKED, "block", ENTRY_UNSENT, ENTRY_FOR_BEHIND);
    doubt->written_ms = 1000;
    waits_set_quiet(ws, 1999, 1000);
    cr_expect(eq(ptr, waits_blocker_of(newer), doubt));
    cr_expect(eq(ptr, holder(ws, EVENT_CONTRACT_UNBLOCKED, "block", 30), newer), "of one type: its fields are not known here");
    waits_set_quiet(ws, 2000, 1000);
    cr_expect(eq(ptr, waits_blocker_of(newer), NULL));
    cr_expect(eq(ptr, superseded(ws, EVENT_CONTRACT_UNBLOCKED, "block", 15), doubt));
    doubt->reason = ENTRY_FOR_RETRY;
    cr_expect(eq(ptr, waits_blocker_of(newer), doubt), "the clock calls that one back");
    waits_free(ws);
}

Test(waits, what_is_due_behind_a_doubt_is_due_again_when_that_is_quiet)
{
    struct waits *ws = waits_new();
    struct wait *doubt = put_typed(ws, 10, EVENT_CONTRACT_BLOCKED, "block", ENTRY_DOUBT, ENTRY_FOR_DOUBT);
    struct wait *newer = put_typed(ws, 20, EVENT_CONTRACT_UNBLOCKED, "block", ENTRY_UNSENT, ENTRY_FOR_DATE);
    doubt->written_ms = 1000;
    cr_assert(eq(int, waits_set_due(ws, newer, 1500), 0));
    waits_set_quiet(ws, 1500, 1000);
    cr_expect(eq(ptr, waits_pop_due(ws, 1500), NULL), "held back");
    cr_expect(eq(i64, waits_quiet_at(doubt), 2001));
    waits_set_quiet(ws, 2001, 1000);
    cr_expect(eq(ptr, waits_pop_due(ws, 2001), newer));
    cr_expect(eq(i64, waits_quiet_at(doubt), 0), "it is");
    waits_free(ws);
}

/* ---- rows of very many ---- */

Test(waits, those_that_are_called_back_follow_one_another)
{
    struct waits *ws = waits_new();
    struct wait *first = put_typed(ws, 10, EVENT_PLAN_CHANGED, "plan", ENTRY_UNSENT, ENTRY_FOR_FLOOD);
    struct wait *second = put_typed(ws, 20, EVENT_PLAN_CHANGED, "plan", ENTRY_UNSENT, ENTRY_FOR_FLOOD);
    first->busy = true;
    cr_expect(eq(ptr, waits_blocker_in_order(second), first));
    waits_call(first, false);
    cr_expect(eq(ptr, waits_blocker_in_order(second), first), "it comes into the lane when it likes");
    waits_call(first, true);
    waits_call(first, true);
    cr_expect(eq(sz, waits_called(ws, "s1"), 1));
    cr_expect(eq(ptr, waits_blocker_in_order(second), NULL));
    cr_expect(eq(ptr, waits_blocker_of(second), first), "it is there still when the second one is to be claimed");
    second->state = ENTRY_DOUBT;
    cr_expect(eq(ptr, waits_blocker_in_order(second), first), "it may have been sent");
    second->state = ENTRY_UNSENT;
    waits_stand(first);
    first->busy = false;
    cr_expect(eq(ptr, waits_blocker_in_order(second), first), "it was set aside again");
    waits_call(second, true);
    waits_remove(ws, second);
    cr_expect(eq(sz, waits_called(ws, "s1"), 0));
    waits_free(ws);
}

struct looked {
    int64_t offsets[16];
    size_t n, room;
};

static bool look(void *arg, struct wait *x)
{
    struct looked *l = arg;
    if (l->room == 0)
        return false;
    l->room--;
    l->offsets[l->n++] = x->place.offset;
    return true;
}

/* What was looked at, as text. */
static const char *look_on(struct waits *ws, size_t max, size_t room)
{
    static char text[100];
    struct looked l = {.room = room};
    size_t len = 0;
    text[0] = '\0';
    waits_look_on(ws, "s1", max, look, &l);
    for (size_t i = 0; i < l.n; i++)
        len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%d", i > 0 ? " " : "", (int)l.offsets[i]);
    return text;
}

#define LOOKS(max, room, want) cr_expect(eq(str, (char *)look_on(ws, (max), (room)), (want)))

Test(waits, all_are_looked_at_piece_by_piece_and_the_front_each_time)
{
    struct waits *ws = waits_new();
    struct wait *row[7];
    for (int i = 0; i < 7; i++)
        row[i] = put(ws, "s1", i, "block", ENTRY_FOR_FLOOD, 0);
    LOOKS(2, 9, "");
    waits_look(ws, "s1");
    LOOKS(2, 9, "0 1 2 3");
    LOOKS(2, 9, "0 1 4 5");
    waits_remove(ws, row[6]);
    LOOKS(2, 9, "0 1 2 3");
    LOOKS(2, 9, "0 1 4 5");
    LOOKS(2, 9, "");
    waits_look(ws, "s1");
    LOOKS(2, 3, "0 1 2");
    waits_look(ws, "s1");
    LOOKS(2, 9, "0 1 3 4");
    LOOKS(2, 9, "0 1 5");
    LOOKS(2, 9, "0 1 2 3");
    LOOKS(9, 9, "0 1 2 3 4 5");
    LOOKS(9, 9, "");
    waits_look(ws, "s1");
    LOOKS(9, 0, "");
    LOOKS(9, 9, "0 1 2 3 4 5");
    waits_look(ws, "s2");
    waits_free(ws);
}

static void count_look(void *arg, const char *service)
{
    strcat(arg, service);
}

Test(waits, services_that_are_to_be_looked_at_are_known)
{
    struct waits *ws = waits_new();
    char names[20] = "";
    struct wait *first = put(ws, "a", 1, "block", ENTRY_FOR_FLOOD, 0);
    put(ws, "b", 2, "block", ENTRY_FOR_FLOOD, 0);
    put(ws, "c", 3, "block", ENTRY_FOR_FLOOD, 0);
    waits_look(ws, "a");
    waits_look(ws, "b");
    waits_look(ws, "c");
    waits_look(ws, "b");
    waits_remove(ws, first);
    waits_each_look(ws, count_look, names);
    cr_expect(eq(str, names, "cb"));
    waits_free(ws);
}

Test(waits, the_last_of_those_that_are_owed_pays)
{
    struct waits *ws = waits_new();
    struct wait *a = put(ws, "s1", 1, "block", ENTRY_FOR_FLOOD, 0), *b = put(ws, "s1", 2, "block", ENTRY_FOR_FLOOD, 0);
    struct wait_debt *d = waits_debt_new(77), *left = waits_debt_new(78);
    waits_owe(a, d);
    waits_owe(b, d);
    cr_expect(eq(i64, waits_pay(b), -1));
    cr_expect(eq(i64, waits_pay(b), -1), "nothing any more");
    cr_expect(eq(i64, waits_pay(a), 77));
    waits_owe(a, left);
    waits_free(ws);
}

Test(waits, a_place_is_found_wherever_it_stands)
{
    struct waits *ws = waits_new();
    for (int64_t i = 1; i <= 6; i++)
        put(ws, "s1", 10 * i, "block", ENTRY_FOR_RETRY, 0);
    for (int64_t i = 0; i <= 70; i++) {
        struct wait *x = waits_find(ws, "s1", at(i));
        cr_expect(eq(int, x != NULL, i % 10 == 0 && i > 0 && i <= 60), "%d", (int)i);
        cr_expect(x == NULL || x->place.offset == i);
        struct wait *before = holder(ws, EVENT_CONTRACT_BLOCKED, "block", i);
        cr_expect(eq(i64, before != NULL ? before->place.offset : 0, i > 60 ? 60 : i > 0 ? (i - 1) / 10 * 10 : 0), "%d", (int)i);
    }
    waits_free(ws);
}

Test(waits, a_snapshot_waits_for_the_end_of_a_doubt_and_passes_the_rest)
{
    struct waits *ws = waits_new();
    struct wait *doubt = put_typed(ws, 10, EVENT_CONTRACT_BLOCKED, "block", ENTRY_DOUBT, ENTRY_FOR_DOUBT);
    doubt->written_ms = 1000;
    waits_set_quiet(ws, 2000, 1000);
    cr_expect(eq(ptr, holder(ws, EVENT_SERVICE_SNAPSHOT, "all", 15), doubt));
    cr_expect(eq(ptr, superseded(ws, EVENT_SERVICE_SNAPSHOT, "all", 15), NULL));
    struct wait *snapshot = put_typed(ws, 20, EVENT_SERVICE_SNAPSHOT, "all", ENTRY_SENDING, ENTRY_FOR_BEHIND);
    cr_expect(eq(ptr, waits_blocker_of(snapshot), doubt), "also one that was called back");
    cr_expect(eq(ptr, waits_blocker_of(doubt), NULL), "which does not wait for it");
    doubt->state = ENTRY_UNSENT;
    cr_expect(eq(ptr, waits_blocker_of(snapshot), NULL));
    cr_expect(eq(ptr, superseded(ws, EVENT_SERVICE_SNAPSHOT, "all", 15), doubt));
    waits_free(ws);
}
