/* wide_act.h - an act on a whole provider: sent once for each partition, since each owner answers for its own. */
#ifndef TVB_PRODUCER_WIDE_ACT_H
#define TVB_PRODUCER_WIDE_ACT_H

#include <stdint.h>

#include "act_send.h"
#include "cli.h"
#include "contract/act.h"
#include "kafka_client.h"

struct wide_act {
    const struct cli_command *command;
    enum act_kind kind; /* PAUSE, RESUME, or APPROVE with until_ms and max */
    const char *provider;
    const struct kafka_place *place;
    const struct act_options *options;
    int64_t until_ms;   /* Unix ms */
    int64_t max;        /* of all partitions together: shared out among them */
};

/* Sends it, waits for the answers and shows them; with --dry-run only says what would be sent. */
enum cli_status wide_act(const struct wide_act *w);

/* An RFC 3339 time, or a duration from now on ("8h"), as Unix ms. -1: neither. */
int wide_act_until(const char *text, int64_t now_ms, int64_t *ret_ms);

#endif
