/* act_send.h - acts to the control topics, at a measured pace, and the owners' answers to them. */
#ifndef TVB_PRODUCER_ACT_SEND_H
#define TVB_PRODUCER_ACT_SEND_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "cli.h"
#include "contract/act.h"
#include "kafka_client.h"
#include "scan.h"

#define ACTS_MAX 100000 /* of one command */

struct act_options {
    const char *reason;
    bool dry_run, json;
    int64_t rate;    /* acts a second; 0: as fast as Kafka takes them */
    int64_t wait_ms; /* for the answers, from the last act on; 0: not at all */
};
void act_options_init(struct act_options *o);
/* The options above as a group for cli_parse(). */
struct cli_group act_options_group(struct act_options *o);
/* The reason, when it is to be sent, must be one that can be. CLI_RUN or CLI_USAGE. */
enum cli_status act_options_check(const struct act_options *o, const struct cli_command *c);

/* One act and what came of it. */
struct act_line {
    struct act act;
    bool sent, answered;
    enum act_result result;
    char why[ENTRY_WORD_SIZE];
};

/* Gives the act id, who, reason and time. Acts of one command have ids that begin alike; the @n-th ends with it. */
void act_sign(struct act *a, const struct act_options *o, const char *batch, size_t n, int64_t now_ms);
#define ACT_BATCH_SIZE 33
/* A random beginning for ids. -1: the system gives no random bytes. */
int act_batch_id(char ret[ACT_BATCH_SIZE], struct err *reterr);

/* Sends them in their order, which for one service is the order in which they are carried out, and waits for answers.
 * The acts are signed. -1: not all were acknowledged. */
int acts_send(struct scanner *s, const struct kafka_place *place, const struct act_options *o, struct act_line *lines,
              size_t n, struct err *reterr);

/* Shows what came of them, and says the status to end with: CLI_REFUSED when any was not done, CLI_NOT_REACHED when
 * any was not answered. */
enum cli_status acts_show(const struct act_options *o, const struct act_line *lines, size_t n);

#endif
