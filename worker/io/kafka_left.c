/* kafka_left.c - see kafka_left.h. */
#include "io/kafka_left.h"

#include <stdlib.h>
#include <string.h>

struct kafka_left_queue {
    char *topic;
    int32_t partition;
    bool vanished;
    rd_kafka_queue_t *q;
};

/* The queue of the partition that is there now. */
static struct kafka_left_queue *find(const struct kafka_left *l, const char *topic, int32_t partition)
{
    for (size_t i = 0; i < l->n; i++) {
        struct kafka_left_queue *at = &l->queues[i];
        if (!at->vanished && at->partition == partition && strcmp(at->topic, topic) == 0)
            return at;
    }
    return NULL;
}

static bool make_room(struct kafka_left *l)
{
    if (l->n < l->cap)
        return true;
    size_t cap = l->cap > 0 ? 2 * l->cap : 32;
    struct kafka_left_queue *q = realloc(l->queues, cap * sizeof *q);
    if (q == NULL)
        return false;
    l->queues = q;
    l->cap = cap;
    return true;
}

void kafka_left_add(struct kafka_left *l, rd_kafka_t *rk, const char *topic, int32_t partition, bool vanished)
{
    struct kafka_left_queue *known = find(l, topic, partition);
    if (known) {
        known->vanished = vanished;
        return;
    }
    struct kafka_left_queue new = {.topic = strdup(topic), .partition = partition, .vanished = vanished};
    new.q = new.topic && make_room(l) ? rd_kafka_queue_get_partition(rk, topic, partition) : NULL;
    if (new.q)
        l->queues[l->n++] = new;
    else
        free(new.topic); /* most partitions do not vanish */
}

/* The client works off what was asked of it in order: when this has its answer, the partitions have stopped. */
static void wait_for_stops(rd_kafka_t *rk)
{
    rd_kafka_topic_partition_list_t *list = NULL;
    if (rd_kafka_assignment(rk, &list) == RD_KAFKA_RESP_ERR_NO_ERROR)
        rd_kafka_topic_partition_list_destroy(list);
}

static void empty(rd_kafka_queue_t *q)
{
    rd_kafka_event_t *ev;
    while ((ev = rd_kafka_queue_poll(q, 0)))
        rd_kafka_event_destroy(ev);
    rd_kafka_queue_destroy(q);
}

void kafka_left_fini(struct kafka_left *l, rd_kafka_t *rk)
{
    if (l->n > 0)
        wait_for_stops(rk);
    for (size_t i = 0; i < l->n; i++) {
        empty(l->queues[i].q);
        free(l->queues[i].topic);
    }
    free(l->queues);
    *l = (struct kafka_left){.n = 0};
}
