/* faults.c - see faults.h. A fault that the engine cannot bear yet says what it waits for; --faults names it all the same. */
#include "faults.h"

#include <string.h>

/* name, happens by itself, standard, what */
static const struct fault_entry table[FAULT_COUNT] = {
    [FAULT_CRASH] = {"crash", true, true, "kill -9 at any time, started again"},
    [FAULT_CRASH_POINT] = {"crash-point", false, true, "kill -9 at places that the worker's code names (section 10)"},
    [FAULT_SAME_PID] = {"same-pid", false, true, "containers: the new life has the old one's host name and process id"},
    [FAULT_DRAIN] = {"drain", true, true, "SIGTERM, started again"},
    [FAULT_PAUSE] = {"pause", true, true, "SIGSTOP for less than the session timeout"},
    [FAULT_PAUSE_POINT] = {"pause-point", false, true, "the same right after a callback that passed such a place"},
    [FAULT_PAUSE_LONG] = {"pause-long", true, true, "SIGSTOP for longer than that: needs the proof of ownership (section 4)"},
    [FAULT_CLOCK] = {"clock", false, true, "the machines' time of day is up to a minute apart"},
    [FAULT_COMMIT_LOST] = {"commit-lost", false, true, "a commit does not come to the broker"},
    [FAULT_COMMIT_UNANSWERED] = {"commit-unanswered", false, true, "a commit is kept and its answer lost"},
    [FAULT_PRODUCE_UNANSWERED] = {"produce-unanswered", false, true, "written, the acknowledgement lost, sent again"},
    [FAULT_PRODUCE_FAILS] = {"produce-fails", false, true, "reported as failed, written or not"},
    [FAULT_KAFKA_SLOW] = {"kafka-slow", true, true, "the broker takes up to 2 s"},
    [FAULT_KAFKA_AWAY] = {"kafka-away", true, true, "the broker is away for less than the session timeout"},
    [FAULT_KAFKA_AWAY_LONG] = {"kafka-away-long", true, true, "the broker is away for longer: everybody's partitions are lost"},
    [FAULT_OUTCOMES_REFUSED] = {"outcomes-refused", true, true, "the outcomes topic takes nothing for up to a minute"},
    [FAULT_LOST_UNSAID] = {"lost-unsaid", false, true, "the client calls partitions revoked that are lost"},
    [FAULT_REDIS_CUT] = {"redis-cut", true, true, "connections break: commands done or not, answers lost"},
    [FAULT_REDIS_SLOW] = {"redis-slow", true, true, "answers take up to 3 s"},
    [FAULT_REDIS_AWAY] = {"redis-away", true, true, "not reachable for a while"},
    [FAULT_REDIS_RESTART] = {"redis-restart", true, true, "another run id, all data there"},
    [FAULT_REDIS_OOM] = {"redis-oom", true, true, "scripts are refused for want of memory"},
    [FAULT_REDIS_LOADING] = {"redis-loading", true, true, "up, and still loading"},
    [FAULT_REDIS_OWED] = {"redis-owed", false, true, "no excuse for an owner that goes while it owes Redis a DECIDE"},
    [FAULT_REDIS_ROLLBACK] = {"redis-rollback", true, true, "fail-over to an older state"},
    [FAULT_REDIS_EMPTIED] = {"redis-emptied", true, true, "FLUSHALL or a new one"},
    [FAULT_HTTP_REFUSED] = {"http-refused", false, true, "no connection"},
    [FAULT_HTTP_CUT] = {"http-cut", false, true, "the connection breaks, done or not"},
    [FAULT_HTTP_5XX] = {"http-5xx", false, true, "500, 502, 504 and 408, done or not"},
    [FAULT_HTTP_429] = {"http-429", false, true, "429 and 503 with Retry-After"},
    [FAULT_HTTP_HANG] = {"http-hang", false, true, "no answer, done or not"},
    [FAULT_HTTP_GARBAGE] = {"http-garbage", false, true, "200 with a body that nobody knows, done or not"},
    [FAULT_HTTP_REJECT] = {"http-reject", false, true, "422: a business no"},
    [FAULT_HTTP_PUT_OFF] = {"http-put-off", false, true, "an event that the platform puts off again and again (429)"},
    [FAULT_HTTP_LATE] = {"http-late", false, true, "a request that is carried out after its sender gave up"},
    [FAULT_HTTP_LATE_SAFE] = {"http-late-safe", false, true, "the same for x-repeat safe: needs the wait of Q before the lane goes on (section 6)"},
    [FAULT_HTTP_LATE_DEAD] = {"http-late-dead", false, true, "the same, after which the event ends dead: needs parking (section 5)"},
    [FAULT_HTTP_OUTAGE] = {"http-outage", true, true, "the platform is away for up to two minutes"},
    [FAULT_DUPLICATES] = {"duplicates", false, true, "billing sends events twice"},
    [FAULT_REORDER] = {"reorder", false, true, "an event with an older sequence comes after a newer one"},
    [FAULT_CONFLICT] = {"conflict", false, true, "the same id with other content"},
    [FAULT_INVALID] = {"invalid", false, true, "messages that are no events, or in the wrong partition"},
    [FAULT_EXPIRY] = {"expiry", false, true, "events with an expirytime"},
    [FAULT_POISON] = {"poison", false, true, "an event that kills the worker which works it, whenever it does"},
    [FAULT_ACTS] = {"acts", false, true, "operators act on the provider, on a service's order and on all that waits; some of it twice"},
    [FAULT_GUARD] = {"guard", false, true, "few accounts may be cut in an hour: with acts, which approve the others"},
    [FAULT_FIRST_ACCESS] = {"first-access", false, true, "users come for the first time when they like, and a limit of devices is nothing before that"},
    [FAULT_DATES] = {"dates", false, true, "events that are for later"},
    [FAULT_SNAPSHOTS] = {"snapshots", false, true, "billing says all of a service, and the workers make events of what differs"},
    [FAULT_COMPACTION] = {"compaction", false, true, "records and entries that a later one replaced are gone, once they are old"},
    [FAULT_FLOODS] = {"floods", false, true, "a lane takes a few events, and those behind them are set aside"},
    [FAULT_TOUCHY] = {"touchy", false, true, "few bad calls are enough for the provider to count as down"},
    [FAULT_NARROW] = {"narrow", false, true, "windows and lanes of a few events"},
};

const struct fault_entry *fault_entry(enum trouble f)
{
    return &table[f];
}

static int find(const char *name, size_t len)
{
    for (int i = 0; i < FAULT_COUNT; i++)
        if (strlen(table[i].name) == len && memcmp(table[i].name, name, len) == 0)
            return i;
    return -1;
}

static void set_all(bool ret[FAULT_COUNT], bool standard, bool others)
{
    for (int i = 0; i < FAULT_COUNT; i++)
        ret[i] = table[i].standard ? standard : others;
}

static bool is_word(const char *word, size_t len, const char *name)
{
    return strlen(name) == len && memcmp(word, name, len) == 0;
}

bool faults_parse(const char *text, bool ret[FAULT_COUNT], const char **ret_bad)
{
    set_all(ret, *text == '+' || *text == '-', false);
    while (*text) {
        size_t len = strcspn(text, ",");
        bool sign = *text == '+' || *text == '-';
        int i = find(text + sign, len - sign);
        if (is_word(text, len, "standard"))
            set_all(ret, true, false);
        else if (is_word(text, len, "all"))
            set_all(ret, true, true);
        else if (i >= 0)
            ret[i] = *text != '-';
        else if (!is_word(text, len, "none")) {
            *ret_bad = text;
            return false;
        }
        text += len + (text[len] == ',');
    }
    return true;
}
