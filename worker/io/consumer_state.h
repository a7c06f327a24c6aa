/* consumer_state.h - what a consumer is made of. Private to consumer*.c. */
#ifndef TVB_IO_CONSUMER_STATE_H
#define TVB_IO_CONSUMER_STATE_H

#include <pthread.h>

#include "io/consumer.h"
#include "io/kafka_left.h"
#include "io/kafka_message.h"
#include "io/kafka_queue.h"

/* Where this member stands with its group. consumer_enter() is the only writer. */
enum consumer_state {
    CONSUMER_OUT,      /* no assignment */
    CONSUMER_FETCHING, /* assigned by the group; committed offsets are being asked for */
    CONSUMER_READING,  /* assigned() was called, messages flow */
    CONSUMER_REVOKING, /* revoked() was called, consumer_revoke_done() is awaited */
};

struct consumer_part {
    bool assigned;
    bool paused;
    bool sought; /* after an offset out of range, until the next message */
    int64_t next; /* below it, messages were delivered before: drop */
};

struct consumer_topic {
    char *name; /* NULL: not in use */
    struct consumer_part *parts; /* by partition number */
    int32_t count;
};

struct offsets_ask; /* one question for committed offsets, consumer_assign.c */

struct consumer {
    struct loop *loop;
    struct consumer_handlers h;
    struct consumer_topic events, control;
    rd_kafka_t *rk;
    struct kafka_queue queue;
    struct loop_timer *tick;
    enum consumer_state state;
    rd_kafka_topic_partition_list_t *given; /* the group's assignment, until answered; owned */
    struct offsets_ask *ask;                /* whose answer is awaited, or NULL */
    pthread_mutex_t ask_lock;
    pthread_cond_t ask_cond;
    int asking; /* under ask_lock: questions that other threads are at, those cut loose too */
    struct loop_timer *ask_again;
    bool member;
    char *membership; /* member id and generation of this assignment, as librdkafka writes them; NULL: not known */
    size_t membership_len;
    bool commit_outstanding;
    bool closing;
    struct kafka_headers headers;
    struct kafka_left left;
    struct kafka_hush hush;
};

void consumer_enter(struct consumer *c, enum consumer_state next);
/* An error for the log, held back when repeated. */
void consumer_tell(struct consumer *c, const char *fmt, ...) ATTR_PRINTF(2, 3);
/* Which of the two; NULL: neither. */
struct consumer_topic *consumer_topic_of(struct consumer *c, const char *name);
/* The part of @partition when it is assigned, or NULL; @t may be NULL. */
struct consumer_part *consumer_part_of(const struct consumer_topic *t, int32_t partition);

/* consumer_commit.c: this assignment's membership is that of now; and whether it is so still. */
void consumer_note_membership(struct consumer *c);
bool consumer_is_same_member(const struct consumer *c);
void consumer_forget_membership(struct consumer *c);

/* consumer_assign.c */
void consumer_on_rebalance(struct consumer *c, rd_kafka_event_t *ev);
/* The next offset of @partition is outside of the log. */
void consumer_on_out_of_range(struct consumer *c, const char *topic, int32_t partition);
void consumer_assign_init(struct consumer *c);
void consumer_assign_fini(struct consumer *c); /* waits for the question under way, a second or so */
void consumer_on_ask_again(void *arg);

/* consumer_commit.c */
void consumer_on_commit(struct consumer *c, rd_kafka_event_t *ev);

#endif
