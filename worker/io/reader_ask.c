/* reader_ask.c - where a read starts and where it ends, asked of the brokers on another thread: librdkafka blocks there.
 *
 * 1 All reads that wait are put into one question: first the ends, then the starts, so that a start that is not found
 *   by its time lies at or past the end.
 * 2 The answers come back on the loop: nothing to read: done; else the read is assigned.
 * 3 What failed waits and is asked again. A partition that fails fails the whole request in librdkafka 2.0.2: then each
 *   is asked by itself.
 * A read that is cancelled between 1 and 2 is taken out of the question; its reader that ends waits for the other thread
 * and cuts the question loose. */
#include <stdio.h>
#include <stdlib.h>

#include <utlist.h>

#include "io/reader_state.h"

#define ASK_TIMEOUT_MS 1000
#define AGAIN_MS 300
#define FAILURES_MAX 3 /* doublings of AGAIN_MS */
#define MISSING_MAX 10 /* answers in a row: a topic that was made just now is not known to all brokers at once */
#define SHORTER_MAX 20 /* answers in a row: a new leader may not know yet how far the log is acknowledged */

/* Owned by the loop's work until done. */
struct reader_ask {
    struct reader *reader; /* NULL: cut loose */
    rd_kafka_t *rk;
    struct reader_read **reads; /* the loop's side only; NULL: cancelled */
    size_t n;
    rd_kafka_topic_partition_list_t *starts, *ends; /* as @reads: what is asked for, then the answers */
};

static void ask_free(struct reader_ask *a)
{
    if (a->starts)
        rd_kafka_topic_partition_list_destroy(a->starts);
    if (a->ends)
        rd_kafka_topic_partition_list_destroy(a->ends);
    free(a->reads);
    free(a);
}

/* ---- on the other thread: touches nothing of the reader but its lock and librdkafka's handle ---- */

static bool is_closing(struct reader *r)
{
    pthread_mutex_lock(&r->lock);
    bool closing = r->closing;
    pthread_mutex_unlock(&r->lock);
    return closing;
}

/* What was not answered by itself gets the error of all. */
static void spread(rd_kafka_topic_partition_list_t *list, rd_kafka_resp_err_t code)
{
    for (int i = 0; i < list->cnt; i++) {
        rd_kafka_resp_err_t *own = &list->elems[i].err;
        if (*own == RD_KAFKA_RESP_ERR_NO_ERROR || *own == RD_KAFKA_RESP_ERR__IN_PROGRESS)
            *own = code;
    }
}

static bool is_of_one_partition(rd_kafka_resp_err_t code)
{
    return code != RD_KAFKA_RESP_ERR_NO_ERROR && code != RD_KAFKA_RESP_ERR__TIMED_OUT &&
           code != RD_KAFKA_RESP_ERR__TRANSPORT && code != RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN &&
           code != RD_KAFKA_RESP_ERR__DESTROY;
}

static rd_kafka_resp_err_t ask_one(struct reader_ask *a, rd_kafka_topic_partition_t *tp)
{
    rd_kafka_topic_partition_list_t *one = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(one, tp->topic, tp->partition)->offset = tp->offset;
    rd_kafka_resp_err_t code = rd_kafka_offsets_for_times(a->rk, one, ASK_TIMEOUT_MS);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        spread(one, code);
    tp->offset = one->elems[0].offset;
    tp->err = one->elems[0].err;
    rd_kafka_topic_partition_list_destroy(one);
    return code;
}

static void ask_each(struct reader_ask *a, rd_kafka_topic_partition_list_t *list)
{
    rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR_NO_ERROR;
    for (int i = 0; i < list->cnt; i++) {
        if ((code != RD_KAFKA_RESP_ERR_NO_ERROR && !is_of_one_partition(code)) || is_closing(a->reader))
            list->elems[i].err = RD_KAFKA_RESP_ERR__TIMED_OUT; /* the brokers are away: later */
        else
            code = ask_one(a, &list->elems[i]);
    }
}

/* In each offset a time (or one of the logical ones) is asked, and the answer comes there. */
static void ask_list(struct reader_ask *a, rd_kafka_topic_partition_list_t *list)
{
    rd_kafka_topic_partition_list_t *all = rd_kafka_topic_partition_list_copy(list);
    rd_kafka_resp_err_t code = rd_kafka_offsets_for_times(a->rk, all, ASK_TIMEOUT_MS);
    if (is_of_one_partition(code) && list->cnt > 1) {
        ask_each(a, list);
    } else {
        if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
            spread(all, code);
        for (int i = 0; i < list->cnt; i++) {
            list->elems[i].offset = all->elems[i].offset;
            list->elems[i].err = all->elems[i].err;
        }
    }
    rd_kafka_topic_partition_list_destroy(all);
}

static void ask_work(void *arg)
{
    struct reader_ask *a = arg;
    if (!is_closing(a->reader))
        ask_list(a, a->ends);
    if (!is_closing(a->reader))
        ask_list(a, a->starts);
    pthread_mutex_lock(&a->reader->lock);
    a->reader->asking--;
    pthread_cond_signal(&a->reader->cond);
    pthread_mutex_unlock(&a->reader->lock);
}

/* ---- when to ask ---- */

/* One question at a time; when it ends, it looks here again. */
static void schedule(struct reader *r)
{
    const struct reader_read *d;
    int64_t at = INT64_MAX, now = loop_now_ms(r->loop);
    if (r->ask)
        return;
    DL_FOREACH(r->reads, d)
        if (d->state == READ_WAITING && d->ask_ms < at)
            at = d->ask_ms;
    if (at < INT64_MAX)
        loop_timer_start(r->ask_timer, at > now ? at - now : 0);
}

/* ---- the answers, on the loop ---- */

/* Where @d goes on; at or past its end when it has nothing (more) to read. @told: the log's start, or what was found for
 * its time. */
static int64_t start_of(const struct reader_read *d, int64_t told)
{
    int64_t from = d->at >= 0 ? d->at : d->value;
    if (d->at < 0 && d->from == READER_TIME)
        return told < 0 ? d->end : told;
    if (d->at < 0 && d->from == READER_BEGINNING)
        return told;
    return from > told ? from : told;
}

/* The end of the log is told to be @end. False: to be asked again. */
static bool take_end(struct reader_read *d, int64_t end)
{
    if (d->end >= 0 && end < d->end && ++d->shorter < SHORTER_MAX)
        return false;
    if (d->end >= 0 && end < d->end) {
        reader_tell(d->reader, "%s partition %d has become shorter: it ended at %lld and now at %lld; read to there",
                    d->topic, (int)d->partition, (long long)d->end, (long long)end);
        d->end = end;
    }
    if (d->end < 0)
        d->end = end;
    d->shorter = 0;
    return true;
}

enum verdict { VERDICT_READ, VERDICT_DONE, VERDICT_AGAIN, VERDICT_MISSING };

/* Without an answer: again, and again later. */
static enum verdict judge_failure(struct reader_read *d, rd_kafka_resp_err_t code)
{
    d->missing = reader_is_missing(code) ? d->missing + 1 : 0;
    if (d->missing > 0)
        return d->missing < MISSING_MAX ? VERDICT_AGAIN : VERDICT_MISSING;
    if (d->failures < FAILURES_MAX)
        d->failures++;
    reader_tell(d->reader, "asking for the end of %s partition %d: %s; asking again", d->topic, (int)d->partition,
                rd_kafka_err2str(code));
    return VERDICT_AGAIN;
}

static enum verdict judge(struct reader_read *d, const rd_kafka_topic_partition_t *start,
                          const rd_kafka_topic_partition_t *end)
{
    if (end->err != RD_KAFKA_RESP_ERR_NO_ERROR || start->err != RD_KAFKA_RESP_ERR_NO_ERROR)
        return judge_failure(d, end->err != RD_KAFKA_RESP_ERR_NO_ERROR ? end->err : start->err);
    d->failures = d->missing = 0;
    if (!take_end(d, end->offset))
        return VERDICT_AGAIN;
    d->at = start_of(d, start->offset);
    return d->at >= d->end ? VERDICT_DONE : VERDICT_READ;
}

/* Those to be read are handed over before any callback: that may start, cancel or end others. */
static void take_answers(struct reader *r, struct reader_ask *a, enum verdict *verdicts, struct reader_read **list)
{
    size_t n = 0;
    for (size_t i = 0; i < a->n; i++) {
        struct reader_read *d = a->reads[i];
        if (d == NULL)
            continue;
        verdicts[i] = judge(d, &a->starts->elems[i], &a->ends->elems[i]);
        if (verdicts[i] == VERDICT_READ)
            list[n++] = d;
        if (verdicts[i] == VERDICT_AGAIN)
            reader_ask_for(d, (int64_t)AGAIN_MS << d->failures);
    }
    if (n > 0)
        reader_assign(r, list, n);
}

static void end_those_done(struct reader_ask *a, const enum verdict *verdicts)
{
    for (size_t i = 0; i < a->n; i++) {
        char why[400];
        struct reader_read *d = a->reads[i];
        if (d == NULL)
            continue;
        if (verdicts[i] == VERDICT_DONE)
            reader_end(d, true, "");
        if (verdicts[i] != VERDICT_MISSING)
            continue;
        snprintf(why, sizeof why, "topic %s has no partition %d: create it with `tvbridge topics create`", d->topic,
                 (int)d->partition);
        reader_end(d, false, why);
    }
}

static void take_no_answers(struct reader_ask *a)
{
    for (size_t i = 0; i < a->n; i++)
        if (a->reads[i])
            reader_ask_for(a->reads[i], AGAIN_MS);
}

/* It stays the reader's question until the callbacks are over, so that a cancel inside of them is seen here. */
static void ask_done(void *arg)
{
    struct reader_ask *a = arg;
    struct reader *r = a->reader;
    enum verdict *verdicts = calloc(a->n, sizeof *verdicts);
    struct reader_read **list = calloc(a->n, sizeof(struct reader_read *));
    if (r && verdicts && list) {
        take_answers(r, a, verdicts, list);
        end_those_done(a, verdicts);
    } else if (r) {
        take_no_answers(a);
    }
    if (r) {
        r->ask = NULL;
        schedule(r); /* for those that came to wait meanwhile */
    }
    free(verdicts);
    free(list);
    ask_free(a);
}

/* ---- asking ---- */

static int64_t question_of(const struct reader_read *d)
{
    return d->from == READER_TIME && d->at < 0 ? d->value : RD_KAFKA_OFFSET_BEGINNING;
}

static bool is_due(const struct reader_read *d)
{
    return d->state == READ_WAITING && d->ask_ms <= loop_now_ms(d->reader->loop);
}

static struct reader_ask *ask_new(struct reader *r)
{
    size_t n = 0;
    struct reader_read *d;
    struct reader_ask *a = calloc(1, sizeof *a);
    if (a == NULL)
        return NULL;
    DL_FOREACH(r->reads, d)
        n += is_due(d);
    a->reads = calloc(n + 1, sizeof(struct reader_read *));
    a->starts = rd_kafka_topic_partition_list_new((int)n);
    a->ends = rd_kafka_topic_partition_list_new((int)n);
    if (a->reads == NULL) {
        ask_free(a);
        return NULL;
    }
    a->reader = r;
    a->rk = r->rk;
    DL_FOREACH(r->reads, d) {
        if (!is_due(d))
            continue;
        a->reads[a->n++] = d;
        rd_kafka_topic_partition_list_add(a->starts, d->topic, d->partition)->offset = question_of(d);
        rd_kafka_topic_partition_list_add(a->ends, d->topic, d->partition)->offset = RD_KAFKA_OFFSET_END;
    }
    return a;
}

static void count_asking(struct reader *r, int by)
{
    pthread_mutex_lock(&r->lock);
    r->asking += by;
    pthread_mutex_unlock(&r->lock);
}

static void on_ask_timer(void *arg)
{
    struct reader *r = arg;
    if (r->ask)
        return; /* its end looks again */
    struct reader_ask *a = ask_new(r);
    if (a && a->n == 0) {
        ask_free(a);
        schedule(r);
        return;
    }
    count_asking(r, a ? 1 : 0);
    if (a && loop_work(r->loop, ask_work, ask_done, a) == 0) {
        r->ask = a;
        for (size_t i = 0; i < a->n; i++)
            reader_enter(a->reads[i], READ_ASKED);
        return;
    }
    count_asking(r, a ? -1 : 0);
    if (a)
        ask_free(a);
    loop_timer_start(r->ask_timer, AGAIN_MS);
}

void reader_ask_for(struct reader_read *d, int64_t after_ms)
{
    reader_enter(d, READ_WAITING);
    d->ask_ms = loop_now_ms(d->reader->loop) + after_ms;
    schedule(d->reader);
}

void reader_ask_forget(struct reader *r, const struct reader_read *d)
{
    for (size_t i = 0; r->ask && i < r->ask->n; i++)
        if (r->ask->reads[i] == d)
            r->ask->reads[i] = NULL;
}

/* ---- life ---- */

int reader_ask_init(struct reader *r, struct err *reterr)
{
    pthread_mutex_init(&r->lock, NULL);
    pthread_cond_init(&r->cond, NULL);
    r->ask_timer = loop_timer_new(r->loop, on_ask_timer, r, reterr);
    return r->ask_timer ? 0 : -1;
}

/* The handle must outlive the other thread's calls; each of them ends after ASK_TIMEOUT_MS. */
void reader_ask_fini(struct reader *r)
{
    pthread_mutex_lock(&r->lock);
    r->closing = true;
    while (r->asking > 0)
        pthread_cond_wait(&r->cond, &r->lock);
    pthread_mutex_unlock(&r->lock);
    loop_timer_free(r->ask_timer);
    if (r->ask)
        r->ask->reader = NULL;
    pthread_cond_destroy(&r->cond);
    pthread_mutex_destroy(&r->lock);
}
