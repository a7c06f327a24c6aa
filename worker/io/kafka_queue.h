/* kafka_queue.h - a librdkafka queue on a loop: drained when it wakes the loop.
 *
 * librdkafka writes to the descriptor only when the queue goes from empty to non-empty, so each wake-up drains it
 * until it is empty, but at most a bounded number of events a turn, so that nothing else on the loop starves.
 * Private to the kafka family of files. */
#ifndef TVB_IO_KAFKA_QUEUE_H
#define TVB_IO_KAFKA_QUEUE_H

#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "io/loop.h"

/* One event; freed by the queue when this returns. */
typedef void kafka_event_fn(void *arg, rd_kafka_event_t *ev);

struct kafka_queue {
    rd_kafka_queue_t *q; /* NULL: not in use */
    struct loop_poll *poll;
    int fd;
    bool held;
    unsigned events_a_turn; /* at most so many; may be changed after kafka_queue_init() */
    kafka_event_fn *fn;
    void *arg;
};

/* Takes @q whatever happens. */
int kafka_queue_init(struct kafka_queue *kq, struct loop *l, rd_kafka_queue_t *q, kafka_event_fn *fn, void *arg,
                     struct err *reterr);
void kafka_queue_fini(struct kafka_queue *kq); /* also of a zeroed one, and twice */
/* Handles what is there, up to the bound; the loop goes on with the rest. */
void kafka_queue_drain(struct kafka_queue *kq);
/* While it is held nothing is handled; what comes stays with librdkafka. May be called from @fn. */
void kafka_queue_hold(struct kafka_queue *kq, bool hold);
/* Waits up to @timeout_ms for one event and handles it. Blocks: for the end of life only. False: none came. */
bool kafka_queue_wait(struct kafka_queue *kq, int timeout_ms);

/* Texts of errors and log lines that come again and again: each at most once in 30 s. Numbers in the text
 * (milliseconds, ports, counts) do not make it another one. Zeroed is fresh. */
struct kafka_hush {
    struct {
        uint64_t hash;
        int64_t until_ms;
    } seen[16];
    unsigned next;
};
bool kafka_hush_passes(struct kafka_hush *h, const char *text, int64_t now_ms);

/* The text of a LOG event worth telling, or NULL. */
const char *kafka_log_text(rd_kafka_event_t *ev);

#endif
