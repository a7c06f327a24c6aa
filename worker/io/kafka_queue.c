/* kafka_queue.c - see kafka_queue.h. */
#include "io/kafka_queue.h"

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/attr.h"

#define EVENTS_A_TURN 1000
#define HUSH_MS 30000
#define LEVEL_WARNING 4 /* syslog's */

static void serve_one(struct kafka_queue *kq, rd_kafka_event_t *ev)
{
    kq->fn(kq->arg, ev);
    rd_kafka_event_destroy(ev);
}

void kafka_queue_drain(struct kafka_queue *kq)
{
    for (unsigned i = 0; i < kq->events_a_turn && !kq->held; i++) {
        rd_kafka_event_t *ev = rd_kafka_queue_poll(kq->q, 0);
        if (ev == NULL)
            return;
        serve_one(kq, ev);
    }
    /* More is there and librdkafka will not say so again: wake ourselves. It can only fail when it is awake anyway. */
    if (!kq->held)
        (void)eventfd_write(kq->fd, 1);
}

void kafka_queue_hold(struct kafka_queue *kq, bool hold)
{
    if (kq->held && !hold)
        (void)eventfd_write(kq->fd, 1);
    kq->held = hold;
}

bool kafka_queue_wait(struct kafka_queue *kq, int timeout_ms)
{
    rd_kafka_event_t *ev = rd_kafka_queue_poll(kq->q, timeout_ms);
    if (ev == NULL)
        return false;
    serve_one(kq, ev);
    return true;
}

/* First the descriptor, then the queue: what comes in between wakes again, and nothing is missed. */
static void on_readable(void *arg, int events)
{
    (void)events;
    struct kafka_queue *kq = arg;
    eventfd_t count;
    (void)eventfd_read(kq->fd, &count);
    kafka_queue_drain(kq);
}

int kafka_queue_init(struct kafka_queue *kq, struct loop *l, rd_kafka_queue_t *q, kafka_event_fn *fn, void *arg,
                     struct err *reterr)
{
    static const uint64_t one = 1;
    *kq = (struct kafka_queue){.q = q, .fn = fn, .arg = arg, .events_a_turn = EVENTS_A_TURN};
    kq->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (kq->fd < 0) {
        err_set(reterr, ERR_IO, "eventfd: %s", strerror(errno));
        kafka_queue_fini(kq);
        return -1;
    }
    kq->poll = loop_poll_new(l, kq->fd, on_readable, kq, reterr);
    if (kq->poll == NULL) {
        kafka_queue_fini(kq);
        return -1;
    }
    loop_poll_set(kq->poll, LOOP_READABLE);
    rd_kafka_queue_io_event_enable(q, kq->fd, &one, sizeof one);
    (void)eventfd_write(kq->fd, 1); /* what came before the watch */
    return 0;
}

void kafka_queue_fini(struct kafka_queue *kq)
{
    if (kq->q == NULL)
        return;
    rd_kafka_queue_io_event_enable(kq->q, -1, NULL, 0);
    loop_poll_free(kq->poll);
    if (kq->fd >= 0)
        close(kq->fd);
    rd_kafka_queue_destroy(kq->q);
    *kq = (struct kafka_queue){.fd = -1};
}

static uint64_t hash_without_digits(const char *s)
{
    uint64_t h = 14695981039346656037u; /* FNV-1a */
    for (; *s; s++)
        if (*s < '0' || *s > '9')
            h = (h ^ (unsigned char)*s) * 1099511628211u;
    return h;
}

bool kafka_hush_passes(struct kafka_hush *h, const char *text, int64_t now_ms)
{
    uint64_t hash = hash_without_digits(text);
    for (size_t i = 0; i < ARRAY_LEN(h->seen); i++) {
        if (h->seen[i].hash != hash)
            continue;
        if (now_ms < h->seen[i].until_ms)
            return false;
        h->seen[i].until_ms = now_ms + HUSH_MS;
        return true;
    }
    h->seen[h->next].hash = hash;
    h->seen[h->next].until_ms = now_ms + HUSH_MS;
    h->next = (h->next + 1) % ARRAY_LEN(h->seen);
    return true;
}

/* FAIL and ERROR come as error events too; CONFWARN tells the producer of the consumer's properties. */
const char *kafka_log_text(rd_kafka_event_t *ev)
{
    static const char *const told_elsewhere[] = {"FAIL", "ERROR", "CONFWARN", "FATAL"};
    const char *facility = NULL, *text = NULL;
    int level = 7;
    if (rd_kafka_event_log(ev, &facility, &text, &level) < 0 || level > LEVEL_WARNING)
        return NULL;
    for (size_t i = 0; i < ARRAY_LEN(told_elsewhere); i++)
        if (strcmp(facility, told_elsewhere[i]) == 0)
            return NULL;
    return text;
}
