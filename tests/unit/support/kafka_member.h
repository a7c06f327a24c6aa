/* kafka_member.h - a consumer and a producer on a loop of their own, with all that they said, for tests. */
#ifndef TESTS_KAFKA_MEMBER_H
#define TESTS_KAFKA_MEMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "contract/settings.h"
#include "io/consumer.h"
#include "io/loop.h"
#include "io/producer.h"

#define MEMBER_PARTITIONS 16

/* The settings of a small installation on @brokers. */
void member_settings(struct settings *ret, struct settings_provider *ret_provider, const char *brokers);

struct member {
    struct loop *loop; /* borrowed: members may share one */
    struct consumer *consumer;
    /* assigned */
    unsigned assignments, revocations;
    bool owns[MEMBER_PARTITIONS];
    size_t owned;
    int64_t committed[MEMBER_PARTITIONS]; /* offsets given with the assignment */
    char metadata[MEMBER_PARTITIONS][4200];
    size_t metadata_len[MEMBER_PARTITIONS];
    /* the same of the control topic, for members that have one */
    struct member_control {
        bool owns[MEMBER_PARTITIONS];
        size_t owned;
        int64_t committed[MEMBER_PARTITIONS], next[MEMBER_PARTITIONS];
        char metadata[MEMBER_PARTITIONS][64];
        size_t delivered, out_of_order;
        char last_value[64];
    } control;
    bool revoking; /* revoked() came, consumer_revoke_done() was not called */
    bool lost;
    bool hold_revoke; /* the test calls consumer_revoke_done() itself */
    /* delivered */
    size_t delivered, out_of_order;
    size_t pause_at; /* the partition is paused inside of this delivery; 0: never */
    size_t hold_at;  /* all is held back inside of this delivery; 0: never */
    int64_t next[MEMBER_PARTITIONS];
    char last_key[64], last_value[256], last_header[64];
    bool last_is_tombstone;
    int64_t last_timestamp_ms;
    int32_t last_partition;
    /* commits */
    unsigned commits_done, commits_ok, commits_fenced;
    char commit_why[256];
    /* errors */
    unsigned errors, fatal;
    char error[512];     /* the last one */
    char errors_text[8192]; /* all of them, a line each */
};

/* NULL on failure, the reason on stderr. @provider must outlive it. */
struct member *member_new(struct loop *l, const struct settings *s, const struct settings_provider *p,
                          const char *topic, const char *group, unsigned thread);
/* The same with a control topic. */
struct member *member_new_with_control(struct loop *l, const struct settings *s, const struct settings_provider *p,
                                       const char *topic, const char *control_topic, const char *group,
                                       unsigned thread);
void member_free(struct member *m);
/* Commits @offset with @metadata for one partition; the result as consumer_commit(). */
int member_commit(struct member *m, int32_t partition, int64_t offset, const char *metadata, size_t len);

/* Runs the loop until @fn says true; false after @timeout_ms. */
typedef bool until_fn(void *arg);
bool run_until(struct loop *l, until_fn *fn, void *arg, int64_t timeout_ms);
void run_for(struct loop *l, int64_t ms);
/* The usual conditions on a member. */
bool member_has_assignment(void *arg);
bool member_commit_is_done(void *arg); /* none outstanding */

/* Producing: counts what was acknowledged. */
struct acks {
    unsigned ok, failed;
    char why[256];
};
void count_ack(void *arg, bool ok, int64_t offset, const char *why);
/* Sends @n messages "v<i>" with key "k" to one partition and waits for their ends. True when all were acknowledged. */
bool produce_some(struct loop *l, const struct settings *s, const char *topic, int32_t partition, unsigned n);

#endif
