/* consumer_assign.c - rebalances: from what the group says to partitions with offsets, and back.
 *
 * 1 ASSIGN comes. The committed offsets are asked for on another thread, since librdkafka blocks there.
 * 2 The answer comes back on the loop: assigned() is called, then rd_kafka_assign() with explicit offsets.
 * 3 REVOKE comes. revoked() is called; after the drain consumer_revoke_done() gives the partitions back.
 * A REVOKE between 1 and 2 makes the answer worthless: the question is cut loose from its consumer. */
#include <stdlib.h>
#include <string.h>

#include "io/consumer_state.h"

#define ASK_TIMEOUT_MS 1000
#define ASK_AGAIN_MS 300

/* Owned by the loop's work until done. The other thread may use the consumer's handle as long as it is counted in
 * c->asking, also when the consumer has cut the question loose. */
struct offsets_ask {
    struct consumer *consumer;
    bool loose; /* its answer is no longer wanted, maybe the consumer is no more */
    rd_kafka_topic_partition_list_t *list;
    int64_t *was; /* for each of list: the committed offset when it is outside of the log, else -1 */
    rd_kafka_resp_err_t code;
};

static void ask_free(struct offsets_ask *a)
{
    if (a->list)
        rd_kafka_topic_partition_list_destroy(a->list);
    free(a->was);
    free(a);
}

/* ---- the group's answer becomes ours ---- */

static void forget_parts(struct consumer *c, struct consumer_topic *t)
{
    for (int32_t i = 0; i < t->count; i++) {
        if (t->parts[i].assigned)
            kafka_left_add(&c->left, c->rk, t->name, i, false);
        t->parts[i] = (struct consumer_part){.assigned = false};
    }
}

/* librdkafka keeps a pause over assignments: a partition that is paused now and comes back would never be read. */
static void give_back(struct consumer *c)
{
    for (int32_t i = 0; i < c->events.count; i++)
        consumer_resume(c, i);
    for (int32_t i = 0; i < c->control.count; i++)
        consumer_resume_acts(c, i);
    forget_parts(c, &c->events);
    forget_parts(c, &c->control);
    rd_kafka_resp_err_t code = rd_kafka_assign(c->rk, NULL);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        consumer_tell(c, "giving partitions back: %s", rd_kafka_err2str(code));
    consumer_enter(c, CONSUMER_OUT);
}

static bool make_room(struct consumer_topic *t, int32_t count)
{
    if (count <= t->count)
        return true;
    struct consumer_part *p = realloc(t->parts, (size_t)count * sizeof *p);
    if (p == NULL)
        return false;
    memset(p + t->count, 0, (size_t)(count - t->count) * sizeof *p);
    t->parts = p;
    t->count = count;
    return true;
}

static bool take_parts(struct consumer *c, const rd_kafka_topic_partition_list_t *list)
{
    for (int i = 0; i < list->cnt; i++) {
        struct consumer_topic *t = consumer_topic_of(c, list->elems[i].topic);
        if (t && !make_room(t, list->elems[i].partition + 1))
            return false;
    }
    for (int i = 0; i < list->cnt; i++) {
        struct consumer_topic *t = consumer_topic_of(c, list->elems[i].topic);
        if (t)
            t->parts[list->elems[i].partition] = (struct consumer_part){.assigned = true};
    }
    return true;
}

/* Tells of the partitions of @a that came without those of @b. */
static void tell_unpaired(struct consumer *c, const struct consumer_topic *a, const struct consumer_topic *b,
                          const char *then)
{
    int32_t first = -1, n = 0;
    for (int32_t i = a->count; i-- > 0;) {
        if (consumer_part_of(a, i) == NULL || consumer_part_of(b, i) != NULL)
            continue;
        first = i;
        n++;
    }
    if (n > 0)
        consumer_tell(c,
                      "%d partitions of topic %s came without those of topic %s, the first is %d: %s. Both topics must "
                      "exist with as many partitions, and all members of the group must run the same version",
                      (int)n, a->name, b->name, (int)first, then);
}

/* `range` deals out each topic by itself: partition i goes to member i * members / partitions of the same sorted list
 * of members. Equal counts and equal subscriptions therefore give equal numbers; here is where it is seen if not. */
static void check_pairs(struct consumer *c)
{
    if (c->control.name == NULL)
        return;
    tell_unpaired(c, &c->events, &c->control, "no act of an operator is carried out for these");
    tell_unpaired(c, &c->control, &c->events, "the acts in these are not carried out");
}

static struct consumer_partition *describe(const struct consumer *c, const rd_kafka_topic_partition_list_t *list)
{
    struct consumer_partition *out = calloc((size_t)list->cnt + 1, sizeof *out);
    for (int i = 0; out && i < list->cnt; i++) {
        const rd_kafka_topic_partition_t *tp = &list->elems[i];
        out[i].control = c->control.name && strcmp(tp->topic, c->control.name) == 0;
        out[i].partition = tp->partition;
        out[i].offset = tp->offset >= 0 ? tp->offset : -1;
        out[i].metadata = tp->metadata_size > 0 ? tp->metadata : "";
        out[i].metadata_len = tp->metadata_size;
    }
    return out;
}

static void pause_again(struct consumer *c)
{
    for (int32_t i = 0; i < c->events.count; i++) {
        struct consumer_part *p = consumer_part_of(&c->events, i);
        if (p && p->paused) {
            p->paused = false;
            consumer_pause(c, i);
        }
    }
    for (int32_t i = 0; i < c->control.count; i++) {
        struct consumer_part *p = consumer_part_of(&c->control, i);
        if (p && p->paused) {
            p->paused = false;
            consumer_pause_acts(c, i);
        }
    }
}

static void start_reading(struct consumer *c, rd_kafka_topic_partition_list_t *list)
{
    for (int i = 0; i < list->cnt; i++) {
        rd_kafka_topic_partition_t *tp = &list->elems[i];
        struct consumer_part *p = consumer_part_of(consumer_topic_of(c, tp->topic), tp->partition);
        if (p)
            p->next = tp->offset >= 0 ? tp->offset : 0;
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
    struct consumer_partition *told = describe(c, list);
    if (told == NULL || !take_parts(c, list)) {
        free(told);
        consumer_tell(c, "out of memory: partitions are not taken yet");
        loop_timer_start(c->ask_again, ASK_AGAIN_MS);
        return;
    }
    consumer_enter(c, CONSUMER_READING);
    consumer_note_membership(c);
    check_pairs(c);
    c->h.assigned(c->h.arg, told, (size_t)list->cnt);
    free(told);
    start_reading(c, list);
}

/* ---- asking for committed offsets ---- */

/* Moves a committed offset that is outside of the log to the nearest one inside. */
static void fit_into_log(struct offsets_ask *a, int i)
{
    rd_kafka_topic_partition_t *tp = &a->list->elems[i];
    int64_t low = 0, high = INT64_MAX;
    if (tp->offset < 0 || rd_kafka_query_watermark_offsets(a->consumer->rk, tp->topic, tp->partition, &low, &high,
                                                           ASK_TIMEOUT_MS) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return;
    if (tp->offset >= low && tp->offset <= high)
        return;
    a->was[i] = tp->offset;
    if (tp->offset > high)
        tp->metadata_size = 0; /* it speaks of another log; its bytes are freed with the list */
    tp->offset = tp->offset < low ? low : high;
}

/* On another thread: touches nothing of the consumer but librdkafka's handle. */
static void ask_work(void *arg)
{
    struct offsets_ask *a = arg;
    a->code = rd_kafka_committed(a->consumer->rk, a->list, ASK_TIMEOUT_MS);
    for (int i = 0; i < a->list->cnt && a->code == RD_KAFKA_RESP_ERR_NO_ERROR; i++)
        a->code = a->list->elems[i].err;
    for (int i = 0; i < a->list->cnt && a->code == RD_KAFKA_RESP_ERR_NO_ERROR; i++)
        fit_into_log(a, i);
    pthread_mutex_lock(&a->consumer->ask_lock);
    a->consumer->asking--;
    pthread_cond_signal(&a->consumer->ask_cond);
    pthread_mutex_unlock(&a->consumer->ask_lock);
}

static void tell_moved(struct consumer *c, const struct offsets_ask *a)
{
    for (int i = 0; i < a->list->cnt; i++) {
        const rd_kafka_topic_partition_t *tp = &a->list->elems[i];
        if (a->was[i] >= 0)
            consumer_tell(c,
                          "committed offset %lld of %s partition %d is no longer there: events may have been lost to "
                          "retention or by a topic made anew; reading goes on at %lld",
                          (long long)a->was[i], tp->topic, (int)tp->partition, (long long)tp->offset);
    }
}

static void ask_done(void *arg)
{
    struct offsets_ask *a = arg;
    struct consumer *c = a->consumer;
    if (!a->loose) {
        c->ask = NULL;
        if (a->code == RD_KAFKA_RESP_ERR_NO_ERROR) {
            tell_moved(c, a);
            take_assignment(c, a->list);
        } else {
            consumer_tell(c, "asking for committed offsets: %s; asking again", rd_kafka_err2str(a->code));
            loop_timer_start(c->ask_again, ASK_AGAIN_MS);
        }
    }
    ask_free(a);
}

static struct offsets_ask *ask_new(struct consumer *c)
{
    struct offsets_ask *a = calloc(1, sizeof *a);
    if (a == NULL)
        return NULL;
    a->consumer = c;
    a->list = rd_kafka_topic_partition_list_copy(c->given);
    a->was = malloc((size_t)a->list->cnt * sizeof *a->was);
    if (a->was == NULL) {
        ask_free(a);
        return NULL;
    }
    for (int i = 0; i < a->list->cnt; i++)
        a->was[i] = -1;
    return a;
}

static void count_ask(struct consumer *c, int by)
{
    pthread_mutex_lock(&c->ask_lock);
    c->asking += by;
    pthread_mutex_unlock(&c->ask_lock);
}

static void ask_offsets(struct consumer *c)
{
    struct offsets_ask *a = ask_new(c);
    count_ask(c, a ? 1 : 0);
    if (a && loop_work(c->loop, ask_work, ask_done, a) == 0) {
        c->ask = a;
        return;
    }
    count_ask(c, a ? -1 : 0);
    if (a)
        ask_free(a);
    loop_timer_start(c->ask_again, ASK_AGAIN_MS);
}

void consumer_on_ask_again(void *arg)
{
    struct consumer *c = arg;
    if (c->state == CONSUMER_FETCHING && c->ask == NULL)
        ask_offsets(c);
}

static void cut_loose(struct consumer *c)
{
    if (c->ask_again)
        loop_timer_stop(c->ask_again);
    if (c->ask)
        c->ask->loose = true;
    c->ask = NULL;
}

void consumer_assign_init(struct consumer *c)
{
    pthread_mutex_init(&c->ask_lock, NULL);
    pthread_cond_init(&c->ask_cond, NULL);
}

/* The handle must outlive the other threads' calls; each of them ends after ASK_TIMEOUT_MS. */
void consumer_assign_fini(struct consumer *c)
{
    pthread_mutex_lock(&c->ask_lock);
    while (c->asking > 0)
        pthread_cond_wait(&c->ask_cond, &c->ask_lock);
    pthread_mutex_unlock(&c->ask_lock);
    cut_loose(c);
    pthread_cond_destroy(&c->ask_cond);
    pthread_mutex_destroy(&c->ask_lock);
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
    size_t n = 0;
    int32_t *partitions = calloc((size_t)list->cnt + 1, sizeof *partitions);
    if (partitions == NULL) {
        give_back(c); /* without a word: the next commit is refused and says so */
        return;
    }
    for (int i = 0; i < list->cnt; i++)
        if (consumer_topic_of(c, list->elems[i].topic) == &c->events)
            partitions[n++] = list->elems[i].partition;
    c->h.revoked(c->h.arg, partitions, n, lost);
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

/* Retention ate what was not read yet: goes on at the beginning. Were it a topic made anew, its offsets would start
 * again below what was read; deliver() sees that. */
void consumer_on_out_of_range(struct consumer *c, const char *topic, int32_t partition)
{
    struct consumer_part *p = consumer_part_of(consumer_topic_of(c, topic), partition);
    if (p == NULL || c->state != CONSUMER_READING)
        return;
    consumer_tell(c,
                  "offset %lld of %s partition %d is no longer there: events were lost to retention; reading goes "
                  "on at the beginning of the log",
                  (long long)p->next, topic, (int)partition);
    p->sought = true;
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, topic, partition)->offset = RD_KAFKA_OFFSET_BEGINNING;
    rd_kafka_error_t *e = rd_kafka_seek_partitions(c->rk, list, 0);
    if (e) {
        consumer_tell(c, "seek: %s", rd_kafka_error_string(e));
        rd_kafka_error_destroy(e);
    }
    rd_kafka_topic_partition_list_destroy(list);
}
