#include "core/guard.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

struct entry {
    UT_hash_handle hh; /* its order is that of the last cuts */
    int64_t at_ms;
    bool approved;     /* does not count */
    char service[];
};

struct guard {
    struct entry *entries;
    int64_t counted;
};

struct guard *guard_new(void)
{
    return calloc(1, sizeof(struct guard));
}

static void entry_remove(struct guard *g, struct entry *e)
{
    g->counted -= !e->approved;
    HASH_DEL(g->entries, e); /* NOLINT(clang-analyzer-unix.Malloc): of uthash's own links */
    free(e);
}

void guard_free(struct guard *g)
{
    if (g == NULL)
        return;
    while (g->entries != NULL)
        entry_remove(g, g->entries);
    free(g);
}

int64_t guard_limit(const struct settings_guard *policy, int64_t accounts, int32_t partitions)
{
    if (policy->percent >= 100)
        return INT64_MAX;
    int64_t part = accounts / 100 * policy->percent + accounts % 100 * policy->percent / 100;
    int64_t least = partitions > 1 ? ((int64_t)policy->accounts + partitions - 1) / partitions : policy->accounts;
    if (least < 1)
        least = 1;
    return part > least ? part : least;
}

static void expire(struct guard *g, int64_t now_ms)
{
    /* The analyzer does not see that the head of uthash's list moves. */
    while (g->entries != NULL && now_ms - g->entries->at_ms >= GUARD_WINDOW_MS) /* NOLINT(clang-analyzer-unix.Malloc) */
        entry_remove(g, g->entries);
}

static struct entry *find(struct guard *g, const char *service)
{
    struct entry *e;
    HASH_FIND_STR(g->entries, service, e);
    return e;
}

/* Without memory an account is not counted: the guard is a second line, and must not stop the first. */
static void add(struct guard *g, const char *service, int64_t at_ms, bool approved)
{
    size_t n = strlen(service) + 1;
    struct entry *e = calloc(1, sizeof(*e) + n);
    if (e == NULL)
        return;
    memcpy(e->service, service, n);
    e->at_ms = at_ms;
    e->approved = approved;
    HASH_ADD_STR(g->entries, service, e);
    g->counted += !approved;
}

/* It was cut before and is cut again: its hour begins anew, at the end of the order. */
static void touch(struct guard *g, struct entry *e, int64_t at_ms)
{
    HASH_DEL(g->entries, e);
    e->at_ms = at_ms;
    HASH_ADD_STR(g->entries, service, e);
}

static bool pays(struct guard_approval *approval, int64_t now_ms)
{
    if (approval == NULL || now_ms >= approval->until_ms || approval->used >= approval->max)
        return false;
    approval->used++;
    return true;
}

enum guard_answer guard_cut(struct guard *g, const char *service, int64_t limit, struct guard_approval *approval,
                            int64_t now_ms)
{
    expire(g, now_ms);
    struct entry *e = find(g, service);
    if (e != NULL) {
        touch(g, e, now_ms);
        return GUARD_ALLOWED;
    }
    bool approved = pays(approval, now_ms);
    if (!approved && g->counted >= limit)
        return GUARD_HELD;
    add(g, service, now_ms, approved);
    return approved ? GUARD_APPROVED : GUARD_ALLOWED;
}

void guard_note(struct guard *g, const char *service, int64_t at_ms, int64_t now_ms)
{
    expire(g, now_ms);
    if (now_ms - at_ms >= GUARD_WINDOW_MS)
        return;
    struct entry *e = find(g, service);
    if (e == NULL)
        add(g, service, at_ms, false);
    else if (at_ms > e->at_ms)
        touch(g, e, at_ms);
}

int64_t guard_count(struct guard *g, int64_t now_ms)
{
    expire(g, now_ms);
    return g->counted;
}
