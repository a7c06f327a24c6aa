#include "core/job.h"

#include "base/attr.h"

static const char *const names[JOB_STATE_COUNT] = {
    [JOB_QUEUED] = "queued",         [JOB_CLAIMING] = "claiming",     [JOB_CLAIMED] = "claimed",
    [JOB_CALLING] = "calling",       [JOB_CONFIRMING] = "confirming", [JOB_STEPPING] = "stepping",
    [JOB_WAITING] = "waiting",       [JOB_DECIDING] = "deciding",     [JOB_PUBLISHING] = "publishing",
    [JOB_OWING] = "owing",           [JOB_SETTLED] = "settled",       [JOB_DROPPED] = "dropped",
    [JOB_ASIDE] = "aside",
};

static unsigned bit(enum job_state s)
{
    return 1U << s;
}

/* Where a job may go from each state; DROPPED is open to all but the finished. */
static unsigned allowed(enum job_state from)
{
    switch (from) {
    case JOB_QUEUED: /* an undecodable event is published at once: there is no key to claim; without memory it waits */
        return bit(JOB_CLAIMING) | bit(JOB_PUBLISHING) | bit(JOB_WAITING) | bit(JOB_ASIDE) | bit(JOB_DROPPED);
    case JOB_CLAIMING: /* Redis down: back to its lane */
        return bit(JOB_CALLING) | bit(JOB_CONFIRMING) | bit(JOB_WAITING) | bit(JOB_DECIDING) |
               bit(JOB_PUBLISHING) | bit(JOB_QUEUED) | bit(JOB_ASIDE) | bit(JOB_DROPPED);
    case JOB_CLAIMED:
        return bit(JOB_CALLING) | bit(JOB_WAITING) | bit(JOB_DROPPED);
    case JOB_CALLING:
        return bit(JOB_CLAIMED) | bit(JOB_STEPPING) | bit(JOB_CONFIRMING) | bit(JOB_WAITING) | bit(JOB_DECIDING) |
               bit(JOB_ASIDE) | bit(JOB_DROPPED);
    case JOB_CONFIRMING:
        return bit(JOB_CALLING) | bit(JOB_STEPPING) | bit(JOB_WAITING) | bit(JOB_DECIDING) | bit(JOB_ASIDE) |
               bit(JOB_DROPPED);
    case JOB_ASIDE: /* called back: into its lane; set aside: settled */
        return bit(JOB_QUEUED) | bit(JOB_SETTLED) | bit(JOB_DROPPED);
    case JOB_STEPPING:
        return bit(JOB_CALLING) | bit(JOB_WAITING) | bit(JOB_DROPPED);
    case JOB_WAITING:
        return bit(JOB_QUEUED) | bit(JOB_DROPPED);
    case JOB_DECIDING:
        return bit(JOB_PUBLISHING) | bit(JOB_ASIDE) | bit(JOB_WAITING) | bit(JOB_DROPPED);
    case JOB_PUBLISHING:
        return bit(JOB_OWING) | bit(JOB_SETTLED) | bit(JOB_DROPPED);
    case JOB_OWING:
        return bit(JOB_SETTLED) | bit(JOB_DROPPED);
    case JOB_SETTLED:
    case JOB_DROPPED:
    case JOB_STATE_COUNT:
        return 0;
    }
    return 0;
}

const char *job_state_name(enum job_state s)
{
    return s < JOB_STATE_COUNT ? names[s] : "?";
}

bool job_enter(enum job_state *state, enum job_state next)
{
    if ((allowed(*state) & bit(next)) == 0)
        return false;
    *state = next;
    return true;
}
