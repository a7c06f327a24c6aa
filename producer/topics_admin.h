/* topics_admin.h - an installation's topics as they are, as they should be, and the requests that create or mend them.
 *
 * Blocking; each request takes at most the timeout. */
#ifndef TVB_PRODUCER_TOPICS_ADMIN_H
#define TVB_PRODUCER_TOPICS_ADMIN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "contract/topics.h"
#include "kafka_client.h"

enum topic_state {
    TOPIC_MISSING, /* is not there */
    TOPIC_THERE,   /* is there; its settings were not looked at (yet) */
    TOPIC_OK,      /* is there and as it should be */
    TOPIC_DIFFERS, /* is there and not as it should be */
    TOPIC_CREATED, /* was made just now */
    TOPIC_FIXED,   /* its settings were mended just now */
    TOPIC_FAILED,  /* could not be made or mended: see why */
};

#define TOPIC_CONFIGS_MAX 12
#define TOPIC_VALUE_SIZE 128
struct topic_entry {
    char name[TOPIC_NAME_SIZE];
    enum topic_state state;
    int32_t partitions, partitions_wanted;   /* 0: is not there */
    int32_t replication, replication_wanted;
    size_t config_count;
    struct topic_config config[TOPIC_CONFIGS_MAX]; /* as wanted */
    char is[TOPIC_CONFIGS_MAX][TOPIC_VALUE_SIZE];  /* as found; "" before admin_describe() */
    char why[256];
};

/* True when the setting @i was found to be another than wanted. */
bool topic_config_differs(const struct topic_entry *t, size_t i);
/* OK or DIFFERS, by partitions, replicas and settings. */
enum topic_state topic_judge(const struct topic_entry *t);

struct admin;
struct admin *admin_new(struct kafka_client *c, int64_t timeout_ms, struct err *reterr);
void admin_free(struct admin *a);

/* Makes the MISSING ones: each becomes CREATED or FAILED. @dry: the broker only checks whether it would.
 * -1: not answered (ERR_IO), or @ret_unsupported: the broker has no such request. */
int admin_create(struct admin *a, struct topic_entry *t, size_t n, bool dry, bool *ret_unsupported,
                 struct err *reterr);
/* Reads the settings of those that are THERE, and judges them. */
int admin_describe(struct admin *a, struct topic_entry *t, size_t n, bool *ret_unsupported, struct err *reterr);
/* Mends the settings of those that DIFFER (after admin_describe()); what else a topic has of its own stays. Returns when
 * the broker shows it, or after the time that it has for an answer. */
int admin_fix(struct admin *a, struct topic_entry *t, size_t n, struct err *reterr);

#endif
