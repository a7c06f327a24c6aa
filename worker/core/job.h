/* job.h - the states of one event's way through a worker, and the steps that are allowed between them. */
#ifndef TVB_CORE_JOB_H
#define TVB_CORE_JOB_H

#include <stdbool.h>

enum job_state {
    JOB_QUEUED,     /* in its lane, bytes undecoded */
    JOB_CLAIMING,   /* CLAIM is on its way to Redis */
    JOB_CLAIMED,    /* ours to work; its next request waits for a slot */
    JOB_CALLING,    /* its workflow is at work: a call in flight, or a token awaited */
    JOB_CONFIRMING, /* in doubt; the provider is being asked what came of the call */
    JOB_STEPPING,   /* between two steps: STEP is on its way to Redis, or the events of a snapshot are to Kafka */
    JOB_WAITING,    /* holds its lane only: the next try has a time */
    JOB_DECIDING,   /* judged; DECIDE, or for a person's doubt PARK, is on its way to Redis */
    JOB_PUBLISHING, /* outcome, record, dead letter: not all acknowledged */
    JOB_ASIDE,      /* an entry of the waiting topic is being written for it: it leaves, or comes back */
    JOB_OWING,      /* published and settled; Redis has not been told yet */
    JOB_SETTLED,    /* finished: the lane goes on */
    JOB_DROPPED,    /* the partition went away: nothing more is sent or published */
    JOB_STATE_COUNT
};

const char *job_state_name(enum job_state s);

/* True, and *@state is @next, when that step is allowed. The only writer of a job's state. */
bool job_enter(enum job_state *state, enum job_state next);

#endif
