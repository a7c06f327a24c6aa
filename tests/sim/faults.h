/* faults.h - what can go wrong in the simulated world. The table is in faults.c: one line a fault. */
#ifndef TVB_SIM_FAULTS_H
#define TVB_SIM_FAULTS_H

#include <stdbool.h>
#include <stddef.h>

enum trouble {
    /* processes */
    FAULT_CRASH,
    FAULT_CRASH_POINT,
    FAULT_SAME_PID,
    FAULT_DRAIN,
    FAULT_PAUSE,
    FAULT_PAUSE_POINT,
    FAULT_PAUSE_LONG,
    FAULT_CLOCK,
    /* Kafka */
    FAULT_COMMIT_LOST,
    FAULT_COMMIT_UNANSWERED,
    FAULT_PRODUCE_UNANSWERED,
    FAULT_PRODUCE_FAILS,
    FAULT_KAFKA_SLOW,
    FAULT_KAFKA_AWAY,
    FAULT_KAFKA_AWAY_LONG,
    FAULT_OUTCOMES_REFUSED,
    FAULT_LOST_UNSAID,
    /* Redis */
    FAULT_REDIS_CUT,
    FAULT_REDIS_SLOW,
    FAULT_REDIS_AWAY,
    FAULT_REDIS_RESTART,
    FAULT_REDIS_OOM,
    FAULT_REDIS_LOADING,
    FAULT_REDIS_OWED,
    FAULT_REDIS_ROLLBACK,
    FAULT_REDIS_EMPTIED,
    /* the platform */
    FAULT_HTTP_REFUSED,
    FAULT_HTTP_CUT,
    FAULT_HTTP_5XX,
    FAULT_HTTP_429,
    FAULT_HTTP_HANG,
    FAULT_HTTP_GARBAGE,
    FAULT_HTTP_REJECT,
    FAULT_HTTP_PUT_OFF,
    FAULT_HTTP_LATE,
    FAULT_HTTP_LATE_SAFE,
    FAULT_HTTP_LATE_DEAD,
    FAULT_HTTP_OUTAGE,
    /* billing */
    FAULT_DUPLICATES,
    FAULT_REORDER,
    FAULT_CONFLICT,
    FAULT_INVALID,
    FAULT_EXPIRY,
    FAULT_POISON,
    /* operators */
    FAULT_ACTS,
    FAULT_GUARD,
    /* the platform's users */
    FAULT_FIRST_ACCESS,
    FAULT_DATES,
    FAULT_SNAPSHOTS,
    FAULT_COMPACTION,
    FAULT_FLOODS,
    /* settings */
    FAULT_TOUCHY,
    FAULT_NARROW,
    FAULT_COUNT
};

struct fault_entry {
    const char *name;
    bool happens;     /* by itself, at some time; else to a message, a request or an event */
    bool standard;    /* in the set that is used when none is named */
    const char *what; /* and, where it is not standard, what the engine needs first */
};
const struct fault_entry *fault_entry(enum trouble f);
/* "standard", "all", "none", names, "+name" and "-name", with commas between: into @ret. False: an unknown name, at *@ret_bad. */
bool faults_parse(const char *text, bool ret[FAULT_COUNT], const char **ret_bad);

#endif
