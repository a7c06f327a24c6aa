/* marks.h - rare paths that a run must have hit, counted. The table is in marks.c. */
#ifndef TVB_SIM_MARKS_H
#define TVB_SIM_MARKS_H

#include <stdbool.h>

enum mark {
    MARK_REBALANCE,
    MARK_COMMIT_FENCED,
    MARK_COMMIT_OUTSIDE,     /* of a client in no group, while the group is empty */
    MARK_COMMIT_RETRIED,
    MARK_PUBLISHED_AGAIN,
    MARK_WRITTEN_FAILED,     /* written and reported as failed */
    MARK_DONE_MAP,           /* a commit that carried a map of what is done */
    MARK_CLAIM_DOUBT,
    MARK_CLAIM_DECIDED,
    MARK_CLAIM_BUSY,
    MARK_CLAIM_STALE,
    MARK_CLAIM_SUPERSEDED,
    MARK_CLAIM_COVERED,
    MARK_SUPERSEDED_DOUBT,
    MARK_CLAIM_REPEATED,
    MARK_CLAIM_CONFLICT,
    MARK_CLAIM_PAUSED,
    MARK_LEASE_REFUSED,      /* a worker waits for one of the provider's slots */
    MARK_LEASE_WANTED,       /* and another has to give one back for it */
    MARK_FENCED,             /* a script was refused for its fence */
    MARK_STEP,
    MARK_RELEASE,
    MARK_READ_BACK,          /* a doubt was resolved by asking */
    MARK_RESENT_KEYED,
    MARK_RESENT_SAFE,
    MARK_RESENT_QUERY,
    MARK_LATE_LANDED,        /* carried out after its sender gave up */
    MARK_KEY_SEEN,           /* the platform knew the key */
    MARK_SET_ASIDE,
    MARK_CALLED_BACK,
    MARK_PARKED_DOUBT,       /* set aside for a person, in doubt */
    MARK_PARKED_DEAD,        /* a dead event's entry */
    MARK_HELD_BEHIND,        /* set aside behind an entry */
    MARK_FLOOD,              /* set aside since its lane was long */
    MARK_HELD_ACCESS,        /* set aside until its user was there */
    MARK_HELD_DATE,          /* set aside until its time */
    MARK_DEAD_EXHAUSTED,
    MARK_DEAD_INVALID,
    MARK_DEAD_MISPLACED,
    MARK_EXPIRED,
    MARK_REJECTED,
    MARK_CONFLICT,
    MARK_RESUMED,            /* a workflow went on after a step that another life did */
    MARK_REMEMBERED,         /* a record said it before the request that destroys it */
    MARK_PUT_BACK,
    MARK_POISONED,           /* an event killed its worker */
    MARK_DOUBT_COVERED,      /* a newer event superseded one that waited for a person */
    MARK_DEAD_COVERED,       /* a newer event closed a dead one */
    MARK_CULPRIT,            /* and was told from the innocent ones */
    MARK_LOST,               /* partitions went away without being given back */
    MARK_DRAINED,
    MARK_EXCUSED,
    MARK_ACT_DONE,
    MARK_ACT_TOO_LATE,
    MARK_ACT_REFUSED,
    MARK_REDRIVEN,
    MARK_RESOLVED_APPLIED,
    MARK_RESOLVED_NOT_APPLIED,
    MARK_DROPPED,
    MARK_APPROVED,
    MARK_CUT_BY_PERCENT,     /* more than the number of accounts alone lets go */
    MARK_RELEASED,
    MARK_REBASED,
    MARK_PART,               /* a worker wrote an event that a snapshot asks for */
    MARK_PART_AGAIN,         /* and once more, after a crash */
    MARK_COMPACTED,
    MARK_REACHED,            /* in the end the platform is as a snapshot says */
    MARK_BREAKER_OPENED,
    MARK_BREAKER_CLOSED,     /* after probes */
    MARK_WINDOW_FULL,
    MARK_WAITING_FULL,
    MARK_CRASH_POLLED, /* a crash at each place that worker/ names */
    MARK_CRASH_CEILING_RAISED,
    MARK_CRASH_CLAIMED,
    MARK_CRASH_CHECKING,
    MARK_CRASH_SENDING,
    MARK_CRASH_ANSWERED,
    MARK_CRASH_STEPPED,
    MARK_CRASH_KEPT,
    MARK_CRASH_PART_SENT,
    MARK_CRASH_PARTS_SENT,
    MARK_CRASH_DECIDED,
    MARK_CRASH_PRODUCED,
    MARK_CRASH_ACKNOWLEDGED,
    MARK_CRASH_COMMITTING,
    MARK_CRASH_COMMITTED,
    MARK_CRASH_SET_ASIDE,
    MARK_CRASH_ENTRY_SENDING,
    MARK_CRASH_ENTRY_DECIDED,
    MARK_CRASH_SUPERSEDING,
    MARK_CRASH_ASSIGNED, /* and at those of the simulated clients */
    MARK_CRASH_LEFT,
    MARK_CRASH_ACKED,
    MARK_CRASH_REVOKED,
    MARK_COUNT
};

enum { POINT_FIRST = MARK_CRASH_POLLED, POINT_COUNT = MARK_COUNT - POINT_FIRST };

struct mark_entry {
    const char *name;
    bool required; /* by a run of all standard faults */
};
const struct mark_entry *mark_entry(enum mark m);

#endif
