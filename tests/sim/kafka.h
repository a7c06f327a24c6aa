/* kafka.h - the simulated Kafka: topics, one consumer group, its commits. kafka.c has the logs and the faults, group.c
 * the group; sim_consumer.c, sim_producer.c and sim_reader.c are the clients.
 *
 * Offsets are places in an array. Nothing acknowledged is ever lost (section 12). */
#ifndef TVB_SIM_KAFKA_H
#define TVB_SIM_KAFKA_H

#include "io/consumer.h"
#include "io/producer.h"
#include "sim.h"

struct kmessage {
    int64_t offset, ts_ms;
    const char *key, *value; /* value NULL: a tombstone */
    size_t key_len, value_len;
    const struct event_header *headers;
    size_t header_count;
    bool gone; /* compacted away */
    const struct final_told *told; /* oracle_kafka.c: an outcome's content, once it was looked at */
};

struct klog {
    struct kmessage **items;
    int64_t n, cap;
};

struct ktopic {
    char name[64];
    struct klog *parts;
};

enum { KAFKA_TOPICS_MAX = 8, KAFKA_MEMBERS_MAX = 64, KAFKA_PARTS_MAX = 16 };

/* Of one consumer; a member anew gets another one. */
struct kmember {
    struct consumer *c;
    struct proc *p;
    bool in;     /* known to the group */
    bool joined; /* in the present round */
    int64_t generation; /* -1: none yet */
    bool owns[KAFKA_PARTS_MAX];
};

enum group_state { GROUP_EMPTY, GROUP_PREPARING, GROUP_COMPLETING, GROUP_STABLE };

struct kcommit {
    int64_t offset; /* -1: none */
    const char *metadata;
    size_t metadata_len;
};

struct kafka {
    struct sim *sim;
    int32_t partitions;
    struct ktopic topics[KAFKA_TOPICS_MAX];
    unsigned topic_count;
    bool away, outcomes_refused;
    unsigned outages;
    int64_t slow_until;
    /* the group */
    enum group_state state;
    int64_t generation, not_before;
    uint64_t round;
    struct kmember *members[KAFKA_MEMBERS_MAX];
    unsigned member_count;
    struct kcommit commits[KAFKA_PARTS_MAX];
    int64_t control_commits[KAFKA_PARTS_MAX]; /* -1: none */
    struct consumer *readers; /* all consumers that live, to be told of messages */
};

struct kafka *kafka_new(struct sim *s);
struct ktopic *kafka_topic(struct kafka *k, const char *name); /* made at first use */
/* Appends; the bytes are copied. */
struct kmessage *kafka_append(struct kafka *k, struct ktopic *t, int32_t partition, const struct producer_message *m);
/* How long a request of @p's client takes to or from the broker. */
int64_t kafka_latency(struct kafka *k);
void kafka_go_away(struct kafka *k, int64_t ns);
void kafka_refuse_outcomes(struct kafka *k, int64_t ns);
void kafka_compact(struct kafka *k, struct ktopic *t);

/* ---- group.c ---- */
void group_join(struct kafka *k, struct kmember *m);
void group_leave(struct kafka *k, struct kmember *m);
enum commit_code { COMMIT_OK, COMMIT_FENCED, COMMIT_BUSY };
/* @generation: that of the member when it sent this; -1: it was in no group. */
enum commit_code group_commit(struct kafka *k, const struct kmember *m, int64_t generation,
                              const struct consumer_partition *list, size_t n);
void kafka_proc_gone(struct proc *p);
void kafka_proc_paused(struct proc *p);
void kafka_proc_resumed(struct proc *p);
/* The broker was away for longer than the session timeout: everybody is out. */
void group_all_lost(struct kafka *k);

/* ---- sim_consumer.c, for the group ---- */
struct kmember *consumer_kmember(struct consumer *c);
void consumer_told_to_rejoin(struct consumer *c);
void consumer_told_assignment(struct consumer *c, struct kmember *m);
void consumer_told_lost(struct consumer *c);
void consumers_look(struct kafka *k); /* something to read, or the broker is back */

#endif
