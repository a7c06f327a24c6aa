/* waits.h - the events of one partition that were set aside: who holds back whom, and what is due. RELIABILITY.md section 5.
 *
 * An index: the bytes are in the waiting topic. An entry holds back later events of its service that share an axis with it, but
 * for those that cover it while it is unsent, dead, or a doubt for a person of which nothing can come any more, and those that
 * take away before its day what it would take away then; and an unsent one waits for a newer one that covers it and waits
 * itself. Of two that may both have been sent the newer one goes first, as in a lane (engine/supersede.c).
 * Pure: the time is an argument. Not thread-safe. */
#ifndef TVB_CORE_WAITS_H
#define TVB_CORE_WAITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/hash.h"
#include "contract/entry.h"
#include "contract/covers.h"
#include "core/heap.h"

struct waits;
struct wait_service;

struct wait {
    struct wait_service *service;
    struct wait *prev, *next;  /* of its service, by place */
    struct heap_item timer;    /* in by release time, where the clock releases it */
    struct entry_place place;
    int64_t at;                /* offset of its newest version in the waiting topic; -1: not known */
    struct entry_place behind; /* with ENTRY_FOR_BEHIND */
    enum entry_state state;
    enum entry_reason reason;
    enum event_type type;
    struct order order;
    unsigned round, try_no;
    uint64_t fence;            /* of that version; 0: none */
    bool keyed;
    uint8_t key[HASH_SHA256_SIZE]; /* the event's idempotency key, if keyed */
    int64_t since_ms;          /* Unix ms */
    int64_t written_ms;        /* Unix ms: that version */
    int64_t first_try_ms;      /* Unix ms; 0: none */
    bool busy;                 /* being written, read or worked */
    bool wanted;               /* to be read from the topic; the caller's */
    bool gone;                 /* its tombstone was read; the caller's, as the next two */
    bool overwritten;          /* in the topic, by one with a lower fence */
    bool unsure;               /* its event may be decided */
    bool uncounted;            /* its last failure counts only if the answer to `asked` says so; the caller's */
    uint64_t asked;
    bool called, in_order;     /* waits_call() */
    bool superseded;           /* to be called back for that when there is room; busy; the caller's */
    bool is_holder;
    struct wait *holder_prev, *holder_next; /* of its service, by place: those for which an older one may have to wait */
    struct wait_debt *debt;    /* waits_owe() */
    unsigned act;              /* what is being done to it by a person's word; the caller's */
    size_t axes_len;
    char axes[];               /* the names, each with its NUL */
};

struct waits *waits_new(void); /* NULL: out of memory */
void waits_free(struct waits *ws);
size_t waits_count(const struct waits *ws);

/* A dead entry may be covered (its axes are enough); false at first. */
void waits_let_dead_be_covered(struct waits *ws);
/* At @now_ms (Unix ms) nothing can come any more of doubts that were written @quarantine_ms before or earlier: they may be covered.
 * Of none, at first. */
void waits_set_quiet(struct waits *ws, int64_t now_ms, int64_t quarantine_ms);

/* Adds the entry, or brings what is known of it up to date; @at: where that version stands. NULL: out of memory. */
ATTR_MUST_USE struct wait *waits_put(struct waits *ws, const struct entry *e, int64_t at);
struct wait *waits_find(const struct waits *ws, const char *service, struct entry_place place); /* NULL: none */
void waits_remove(struct waits *ws, struct wait *x);
const char *wait_service_name(const struct wait *x);
/* The first of the service, by place; then ->next. NULL: it has none. */
struct wait *waits_first(const struct waits *ws, const char *service);
size_t waits_count_of(const struct waits *ws, const char *service);

/* The newest entry before @place with which an event of @service with @axes shares one. NULL: none. */
struct wait *waits_blocker(const struct waits *ws, const char *service, const struct axes *axes, struct entry_place place);
/* The newest entry before @place of the event with that idempotency key (hex): what is decided of it is decided of both. NULL: none. */
struct wait *waits_same(const struct waits *ws, const char *service, const char *key, struct entry_place place);
/* The entry of the event with that key which may have been sent, or else its first one. NULL: none. */
struct wait *waits_of_key(const struct waits *ws, const char *service, const char *key);
/* The entry for which that event has to wait: one before it that it does not cover or that may have been sent, or a newer one
 * that covers it. NULL: none. */
struct wait *waits_holder(const struct waits *ws, const char *service, const struct covers_event *e, struct entry_place place);
/* The same for an entry; and for one that is to be seen in another state than its own. */
struct wait *waits_blocker_of(const struct wait *x);
struct wait *waits_blocker_as(const struct wait *x, enum entry_state as);
/* The same where it may be called back behind others: what may have been sent waits until those before it are done, and what was not
 * follows them into its lane. There its claim sees once more who holds it back. */
struct wait *waits_blocker_in_order(const struct wait *x);
/* Whether @e, which is newer, does not wait for @older as long as nobody works that one. */
bool waits_covers_idle(const struct covers_event *e, const struct wait *older);
/* The first entry of the service behind @after (NULL: of all) that the event at @place supersedes once it is applied: older,
 * not busy, covered, and no repeat of one that is there. NULL: no more. */
struct wait *waits_covered(const struct waits *ws, const char *service, const struct covers_event *e, struct entry_place place,
                           const struct wait *after);
/* Unix ms: when @x may be covered, a doubt for a person of which something can come yet. 0: any other. */
int64_t waits_quiet_at(const struct wait *x);
/* One that the clock releases by @now_ms (Unix ms) and that nothing holds back and nobody works; it is out of the timers
 * then. NULL: none is due. One that is held back is then for its caller, waits_is_over(), unless it is by a doubt that will be
 * quiet: it is due again then. */
struct wait *waits_pop_due(struct waits *ws, int64_t now_ms);
/* It was called back, until it stands() again or is removed. @in_order: it goes into its lane behind the older ones that were. */
void waits_call(struct wait *x, bool in_order);
void waits_stand(struct wait *x);
size_t waits_called(const struct waits *ws, const char *service);
/* Something changed for the service's entries, so that some may not be held back any more: all of them are to be looked at. That is done
 * piece by piece, as there may be very many: each call of look_on() takes @max at the front, where something has mostly ended, and as
 * many further on. @fn must not remove any; false: it has no room for this one now, nor for those behind it, until the next call.
 * False: the service has none. */
bool waits_look(struct waits *ws, const char *service);
void waits_look_on(struct waits *ws, const char *service, size_t max, bool (*fn)(void *arg, struct wait *x), void *arg);
/* For each service of which some are to be looked at still. */
void waits_each_look(struct waits *ws, void (*fn)(void *arg, const char *service), void *arg);
/* What the event at @offset, which superseded entries, owes: its offset is not settled before the last of them. NULL: out of memory.
 * It is freed with the last one. */
struct wait_debt *waits_debt_new(int64_t offset);
void waits_owe(struct wait *x, struct wait_debt *d);
/* Nothing waits for @x any more. The offset that is to be settled, as it was the last one; -1: none. */
int64_t waits_pay(struct wait *x);
/* It is in doubt or dead, and only an act or a covering event ends that. */
bool wait_is_for_person(const struct wait *x);
/* The clock has released it, and it waits only for those before it. */
bool waits_is_over(const struct wait *x);
/* It is to be looked at again at @at_ms. -1: out of memory. */
ATTR_MUST_USE int waits_set_due(struct waits *ws, struct wait *x, int64_t at_ms);
/* Removes each for which @fn says so. */
void waits_remove_if(struct waits *ws, bool (*fn)(void *arg, const struct wait *x), void *arg);
/* Calls @fn for every entry, in no order; it must not add or remove any. */
void waits_each(const struct waits *ws, void (*fn)(void *arg, struct wait *x), void *arg);

#endif
