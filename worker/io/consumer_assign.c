/* consumer_assign.c - rebalances: from what the group says to partitions with offsets, and back.
 *
 * 1 ASSIGN comes. The committed offsets are asked for on another thread, since librdkafka blocks there.
 * 2 The answer comes back on the loop: assigned() is called, then rd_kafka_assign() with explicit offsets.
 * 3 REVOKE comes. revoked() is called; after the drain consumer_revoke_done() gives the partitions back.
 * A REVOKE between 1 and 2 makes the answer worthless: the question is cut loose from its consumer. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "io/consumer_state.h"

#define ASK_TIMEOUT_MS 1000
#define ASK_AGAIN_MS 300

/* Owned by the loop's work until done; the consumer may cut it loose (consumer = NULL) before. */
struct offsets_ask {
    struct consumer *consumer;
    rd_kafka_t *rk;
    rd_kafka_topic_partition_list_t *list;
    rd_kafka_resp_err_t code;
    pthread_mutex_t lock;
    pthread_cond_t cond;
    bool answered; /* under lock: the other thread is through with rk */
};

static void ask_free(struct offsets_ask *a)
{
    rd_kafka_topic_partition_list_destroy(a->list);
    pthread_cond_destroy(&a->cond);
    pthread_mutex_destroy(&a->lock);
    free(a);
}

/* ---- the group's answer becomes ours ---- */

static void give_back(struct consumer *c)
{
    for (int32_t i = 0; i < c->part_count; i++)
        c->parts[i] = (struct consumer_part){.assigned = false};
    rd_kafka_resp_err_t code = rd_kafka_assign(c->rk, NULL);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        consumer_tell(c, "giving partitions back: %s", rd_kafka_err2str(code));
    consumer_enter(c, CONSUMER_OUT);
}

static bool make_room(struct consumer *c, int32_t count)
{
    if (count <= c->part_count)
        return true;
    struct consumer_part *p = realloc(c->parts, (size_t)count * sizeof *p);
    if (p == NULL)
        return false;
    memset(p + c->part_count, 0, (size_t)(count - c->part_count) * sizeof *p);
    c->parts = p;
    c->part_count = count;
    return true;
}

static bool take_parts(struct consumer *c, const rd_kafka_topic_partition_list_t *list)
{
    for (int i = 0; i < list->cnt; i++)
        if (!make_room(c, list->elems[i].partition + 1))
            return false;
    for (int i = 0; i < list->cnt; i++)
        c->parts[list->elems[i].partition] = (struct consumer_part){.assigned = true};
    return true;
}

static struct consumer_partition *describe(const rd_kafka_topic_partition_list_t *list)
{
    struct consumer_partition *out = calloc((size_t)list->cnt + 1, sizeof *out);
    for (int i = 0; out && i < list->cnt; i++) {
        const rd_kafka_topic_partition_t *tp = &list->elems[i];
        out[i].partition = tp->partition;
        out[i].offset = tp->offset >= 0 ? tp->offset : -1;
        out[i].metadata = tp->metadata_size > 0 ? tp->metadata : "";
        out[i].metadata_len = tp->metadata_size;
    }
    return out;
}

static void pause_again(struct consumer *c)
{
    for (int32_t i = 0; i < c->part_count; i++) {
        if (c->parts[i].assigned && c->parts[i].paused) {
            c->parts[i].paused = false;
            consumer_pause(c, i);
        }
    }
}

static void start_reading(struct consumer *c, rd_kafka_topic_partition_list_t *list)
{
    for (int i = 0; i < list->cnt; i++) {
        rd_kafka_topic_partition_t *tp = &list->elems[i];
        c->parts[tp->partition].next = tp->offset >= 0 ? tp->offset : 0;
        if (tp->offset < 0)
            tp->offset = RD_KAFKA_OFFSET_BEGINNING;
        free(tp->metadata); /* the assignment does not need it */
        tp->metadata = NULL;
        tp->metadata_size = 0;
    }
    rd_kafka_resp_err_t code = rd_kafka_assign(c->rk, list);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        consumer_tell(c, "taking partitions: %s", rd_kafka_err2str(code));
    c->member = true;
    pause_again(c);
}

static void take_assignment(struct consumer *c, rd_kafka_topic_partition_list_t *list)
{
    struct consumer_partition *told = describe(list);
    if (told == NULL || !take_parts(c, list)) {
        free(told);
        consumer_tell(c, "out of memory: partitions are not taken yet");
        loop_timer_start(c->ask_again, ASK_AGAIN_MS);
        return;
    }
    consumer_enter(c, CONSUMER_READING);
    c->h.assigned(c->h.arg, told, (size_t)list->cnt);
    free(told);
    start_reading(c, list);
}

/* ---- asking for committed offsets ---- */

/* On another thread: touches nothing of the consumer but librdkafka's handle. */
static void ask_work(void *arg)
{
    struct offsets_ask *a = arg;
    a->code = rd_kafka_committed(a->rk, a->list, ASK_TIMEOUT_MS);
    for (int i = 0; i < a->list->cnt && a->code == RD_KAFKA_RESP_ERR_NO_ERROR; i++)
        a->code = a->list->elems[i].err;
    pthread_mutex_lock(&a->lock);
    a->answered = true;
    pthread_cond_signal(&a->cond);
    pthread_mutex_unlock(&a->lock);
}

static void ask_done(void *arg)
{
    struct offsets_ask *a = arg;
    struct consumer *c = a->consumer;
    if (c) {
        c->ask = NULL;
        if (a->code == RD_KAFKA_RESP_ERR_NO_ERROR) {
            take_assignment(c, a->list);
        } else {
            consumer_tell(c, "asking for committed offsets: %s; asking again", rd_kafka_err2str(a->code));
            loop_timer_start(c->ask_again, ASK_AGAIN_MS);
        }
    }
    ask_free(a);
}

static void ask_offsets(struct consumer *c)
{
    struct offsets_ask *a = calloc(1, sizeof *a);
    if (a == NULL) {
        loop_timer_start(c->ask_again, ASK_AGAIN_MS);
        return;
    }
    a->consumer = c;
    a->rk = c->rk;
    a->list = rd_kafka_topic_partition_list_copy(c->given);
    pthread_mutex_init(&a->lock, NULL);
    pthread_cond_init(&a->cond, NULL);
    if (loop_work(c->loop, ask_work, ask_done, a) < 0) {
        ask_free(a);
        loop_timer_start(c->ask_again, ASK_AGAIN_MS);
        return;
    }
    c->ask = a;
}

void consumer_on_ask_again(void *arg)
{
    struct consumer *c = arg;
    if (c->state == CONSUMER_FETCHING && c->ask == NULL)
        ask_offsets(c);
}

static void cut_loose(struct consumer *c)
{
    loop_timer_stop(c->ask_again);
    if (c->ask)
        c->ask->consumer = NULL;
    c->ask = NULL;
}

/* The handle must outlive the other thread's call. */
void consumer_assign_fini(struct consumer *c)
{
    struct offsets_ask *a = c->ask;
    if (a == NULL)
        return;
    pthread_mutex_lock(&a->lock);
    while (!a->answered)
        pthread_cond_wait(&a->cond, &a->lock);
    pthread_mutex_unlock(&a->lock);
    cut_loose(c);
}

/* ---- rebalance events ---- */

static void on_assign(struct consumer *c, const rd_kafka_topic_partition_list_t *list)
{
    if (c->given)
        rd_kafka_topic_partition_list_destroy(c->given);
    c->given = rd_kafka_topic_partition_list_copy(list);
    consumer_enter(c, CONSUMER_FETCHING);
    if (list->cnt == 0)
        take_assignment(c, c->given);
    else
        ask_offsets(c);
}

static void tell_revoked(struct consumer *c, const rd_kafka_topic_partition_list_t *list, bool lost)
{
    int32_t *partitions = calloc((size_t)list->cnt + 1, sizeof *partitions);
    if (partitions == NULL) {
        give_back(c); /* without a word: the next commit is refused and says so */
        return;
    }
    for (int i = 0; i < list->cnt; i++)
        partitions[i] = list->elems[i].partition;
    c->h.revoked(c->h.arg, partitions, (size_t)list->cnt, lost);
    free(partitions);
}

static void on_revoke(struct consumer *c, const rd_kafka_topic_partition_list_t *list)
{
    bool lost = rd_kafka_assignment_lost(c->rk) != 0;
    bool told = c->state == CONSUMER_READING;
    cut_loose(c);
    if (lost)
        c->member = false;
    if (!told || c->closing) {
        give_back(c);
        return;
    }
    consumer_enter(c, CONSUMER_REVOKING);
    tell_revoked(c, list, lost);
}

void consumer_on_rebalance(struct consumer *c, rd_kafka_event_t *ev)
{
    const rd_kafka_topic_partition_list_t *list = rd_kafka_event_topic_partition_list(ev);
    rd_kafka_resp_err_t code = rd_kafka_event_error(ev);
    if (code == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS && !c->closing) {
        on_assign(c, list);
        return;
    }
    if (code != RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS && code != RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS)
        consumer_tell(c, "rebalance: %s", rd_kafka_err2str(code));
    on_revoke(c, list);
}

void consumer_revoke_done(struct consumer *c)
{
    if (c->state == CONSUMER_REVOKING)
        give_back(c);
}

/* ---- an offset outside of the log ---- */

static int64_t nearest(struct consumer *c, int32_t partition)
{
    int64_t low = -1, high = -1;
    struct consumer_part *p = consumer_part_of(c, partition);
    if (rd_kafka_get_watermark_offsets(c->rk, c->topic, partition, &low, &high) == RD_KAFKA_RESP_ERR_NO_ERROR &&
        high >= 0 && p->next > high)
        return RD_KAFKA_OFFSET_END;
    return RD_KAFKA_OFFSET_BEGINNING;
}

void consumer_on_out_of_range(struct consumer *c, int32_t partition)
{
    struct consumer_part *p = consumer_part_of(c, partition);
    if (p == NULL)
        return;
    int64_t to = nearest(c, partition);
    consumer_tell(c, "offset %lld of %s partition %d is no longer there: events may have been lost to retention "
                  "or by a topic made anew; reading goes on at its %s",
                  (long long)p->next, c->topic, (int)partition, to == RD_KAFKA_OFFSET_END ? "end" : "beginning");
    if (to == RD_KAFKA_OFFSET_END)
        p->next = 0; /* the log is shorter than what was read: its offsets are new ones */
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, c->topic, partition)->offset = to;
    rd_kafka_error_t *e = rd_kafka_seek_partitions(c->rk, list, 0);
    if (e)
        consumer_tell(c, "seek: %s", rd_kafka_error_string(e));
    rd_kafka_error_destroy(e);
    rd_kafka_topic_partition_list_destroy(list);
}
