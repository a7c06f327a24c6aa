/* outcomes_post.h - `tvbridge outcomes --post URL`: each outcome to billing's web hook until it answers 2xx.
 *
 * In order for each service, at least once; the outcome's id goes along as Idempotency-Key. Where it stands is kept in
 * a consumer group, so that a restart goes on and several of these share the work. */
#ifndef TVB_PRODUCER_OUTCOMES_POST_H
#define TVB_PRODUCER_OUTCOMES_POST_H

#include <stdbool.h>
#include <stdint.h>

#include "cli.h"
#include "kafka_client.h"
#include "outcome_view.h"

struct post_options {
    const char *url, *group, *header_file, *ca_file;
    int64_t give_up_after; /* tries; 0: never */
    int64_t timeout_ms;    /* of one request */
    int64_t retry_max_ms;  /* longest wait between two tries */
};

struct post_rules {
    const struct cli_command *command;
    const struct post_options *options;
    const struct kafka_place *place;
    const struct outcome_filter *filter;
    const char *topic;
    bool follow, json;
    int64_t max, end_ms; /* outcomes to deliver, 0: all; CLOCK_BOOTTIME ms to stop at, 0: none */
};

enum cli_status outcomes_post(const struct post_rules *rules);

/* What the answer to one try means, in ms from now: -1 delivered, else when to try again. Pure.
 * @status 0: no answer came. @retry_after_s: the hook's word, 0 none. */
int64_t post_judge(long status, unsigned tries, int64_t retry_after_s, int64_t retry_max_ms, uint32_t rnd);

#endif
