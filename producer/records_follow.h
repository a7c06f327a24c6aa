/* records_follow.h - a provider's records topic, read from its beginning and then on and on, outside of every group.
 *
 * Each partition is read to the end that it has at that moment, rests a little and begins again. So it is known how old what
 * is known is at most: since the read began that came to its end. While Kafka is away the age grows, and nothing else happens.
 * On a loop. */
#ifndef TVB_PRODUCER_RECORDS_FOLLOW_H
#define TVB_PRODUCER_RECORDS_FOLLOW_H

#include <stdbool.h>
#include <stdint.h>

#include "contract/settings.h"
#include "io/loop.h"
#include "io/reader.h"

struct records_follow;

struct records_follow_options {
    struct loop *loop;
    struct reader *reader; /* may be shared by several */
    const struct settings *settings;
    const struct settings_provider *provider;
    int64_t every_ms;
    /* One message of a partition, in order. False: it could not be taken, the partition is read again from there. */
    bool (*message)(void *arg, int32_t partition, const struct event_message *m);
    /* The partition's log was made anew: what it said is void, and it is read from its beginning. */
    void (*forget)(void *arg, int32_t partition);
    /* Something is wrong for good until a person acts (a topic is missing); tried again every few seconds. */
    void (*error)(void *arg, const char *why);
    void *arg;
};

/* Begins to read. NULL and @reterr. */
struct records_follow *records_follow_new(const struct records_follow_options *o, struct err *reterr);
void records_follow_free(struct records_follow *f); /* before its reader; NULL is fine */

/* How old what is known is at most, in ms; -1: not all of it was read yet. */
int64_t records_follow_age_ms(const struct records_follow *f);

#endif
