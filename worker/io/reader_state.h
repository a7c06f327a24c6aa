/* reader_state.h - what a reader is made of. Private to reader*.c. */
#ifndef TVB_IO_READER_STATE_H
#define TVB_IO_READER_STATE_H

#include <pthread.h>

#include "io/kafka_left.h"
#include "io/kafka_message.h"
#include "io/kafka_queue.h"
#include "io/reader.h"

/* Where one read stands. reader_enter() is the only writer. */
enum read_state {
    READ_WAITING, /* until its end is asked for, at first or again */
    READ_ASKED,   /* the broker is being asked for start and end */
    READ_READING, /* assigned to the client: messages come */
    READ_ENDED,   /* out of the list; its last callback is under way */
};

struct reader_read {
    struct reader_read *prev, *next; /* of reader->reads */
    struct reader *reader;
    char *topic;
    int32_t partition;
    enum reader_from from;
    int64_t value; /* the offset or the time to start from */
    reader_message_fn *message;
    reader_done_fn *done;
    void *arg;
    enum read_state state;
    int64_t at;       /* the next offset to read; -1: not known yet */
    int64_t end;      /* -1: not known yet */
    int64_t heard_ms; /* when it was assigned or the last message came */
    int64_t ask_ms;   /* waiting: not to be asked for before */
    /* in a row: */
    unsigned failures; /* questions without an answer */
    unsigned missing;  /* answers that the topic does not exist */
    unsigned shorter;  /* answers that the log ends before @end */
};

struct reader_ask; /* one question for starts and ends, reader_ask.c */

struct reader {
    struct loop *loop;
    const struct settings *settings;
    void (*error)(void *arg, const char *why);
    void *arg;
    rd_kafka_t *rk; /* NULL: not made yet */
    struct kafka_queue queue;
    struct reader_read *reads;   /* those that have not ended */
    struct reader_read *current; /* whose message callback is under way; NULL: none, or it was cancelled inside */
    const rd_kafka_topic_t *hit_topic; /* the last lookup: most messages are of the partition of the one before */
    struct reader_read *hit;
    struct loop_timer *ask_timer, *watch;
    struct reader_ask *ask; /* whose answer is awaited, or NULL */
    pthread_mutex_t lock;
    pthread_cond_t cond;
    int asking;   /* under lock: questions that another thread is at */
    bool closing; /* under lock */
    size_t burst_messages, burst_bytes; /* since the queue was last seen empty */
    struct kafka_headers headers;
    struct kafka_left left;
    struct kafka_hush hush;
};

void reader_enter(struct reader_read *d, enum read_state next);
void reader_tell(struct reader *r, const char *fmt, ...) ATTR_PRINTF(2, 3);
/* Ends it with its last callback. */
void reader_end(struct reader_read *d, bool ok, const char *why);
/* Whether it says that there is no such topic or partition. */
bool reader_is_missing(rd_kafka_resp_err_t code);
/* Hands these to the client, to be read from where they are. */
void reader_assign(struct reader *r, struct reader_read *const *reads, size_t n);

/* reader_ask.c */
int reader_ask_init(struct reader *r, struct err *reterr);
void reader_ask_fini(struct reader *r); /* waits for the question under way, a second or so */
/* @d waits from now on, and is asked for in @after_ms. */
void reader_ask_for(struct reader_read *d, int64_t after_ms);
/* @d has ended: no answer for it. */
void reader_ask_forget(struct reader *r, const struct reader_read *d);

#endif
