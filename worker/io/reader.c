/* reader.c - see reader.h: the client, the reads, their messages. Where each starts and ends is asked in reader_ask.c.
 *
 * A read's way: it waits, is asked for, is assigned to the client from its start on, and ends with the message
 * before its end, or with librdkafka's word that the end of the log was reached: the last offsets may be without
 * messages. What goes wrong on the way leads back to the first step; what was delivered stays delivered, since all
 * below the next offset is dropped.
 *
 * The client's queue is kept small for the memory's sake. When it was full, librdkafka 2.0.2 looks again only after
 * a second: an emptied queue that may have been full is therefore followed by a seek to where we are, which makes it
 * fetch at once. No fetch is under way then, since none leaves while the queue is full. */
#include "io/reader.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "base/attr.h"
#include "io/kafka_conf.h"
#include "io/reader_state.h"

#define QUEUE_MESSAGES 20000
#define QUEUE_KBYTES 8192
#define EVENTS_A_TURN 256
#define WATCH_MS 5000
#define SILENCE_MS 30000
#define AGAIN_MS 300

void reader_enter(struct reader_read *d, enum read_state next)
{
    d->state = next;
}

void reader_tell(struct reader *r, const char *fmt, ...)
{
    char text[512];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    if (r->error && kafka_hush_passes(&r->hush, text, loop_now_ms(r->loop)))
        r->error(r->arg, text);
}

bool reader_is_missing(rd_kafka_resp_err_t code)
{
    return code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART || code == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC ||
           code == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION;
}

/* ---- a read's end ---- */

static void forget_hit(struct reader *r)
{
    r->hit_topic = NULL;
    r->hit = NULL;
}

static void unassign(struct reader_read *d)
{
    struct reader *r = d->reader;
    forget_hit(r);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, d->topic, d->partition);
    kafka_left_add(&r->left, r->rk, d->topic, d->partition, false);
    rd_kafka_error_t *e = rd_kafka_incremental_unassign(r->rk, list);
    if (e) {
        reader_tell(r, "giving %s partition %d back: %s", d->topic, (int)d->partition, rd_kafka_error_string(e));
        rd_kafka_error_destroy(e);
    }
    rd_kafka_topic_partition_list_destroy(list);
}

static void take_out(struct reader_read *d)
{
    struct reader *r = d->reader;
    if (d->state == READ_READING)
        unassign(d);
    reader_ask_forget(r, d);
    if (r->current == d)
        r->current = NULL;
    forget_hit(r);
    DL_DELETE(r->reads, d);
    reader_enter(d, READ_ENDED);
}

static void read_free(void *arg)
{
    struct reader_read *d = arg;
    free(d->topic);
    free(d);
}

void reader_end(struct reader_read *d, bool ok, const char *why)
{
    take_out(d);
    if (d->done)
        d->done(d->arg, ok, ok ? d->end : -1, why);
    loop_defer(d->reader->loop, read_free, d);
}

void reader_cancel(struct reader_read *d)
{
    if (d == NULL || d->state == READ_ENDED)
        return;
    take_out(d);
    loop_defer(d->reader->loop, read_free, d);
}

/* Back to the first step. */
static void start_again(struct reader_read *d)
{
    if (d->state != READ_READING)
        return;
    unassign(d);
    reader_ask_for(d, AGAIN_MS);
}

/* ---- messages ---- */

static struct reader_read *find(const struct reader *r, const char *topic, int32_t partition)
{
    struct reader_read *d;
    DL_FOREACH(r->reads, d)
        if (d->partition == partition && strcmp(d->topic, topic) == 0)
            return d;
    return NULL;
}

/* An assigned partition holds on to its topic's handle, so that the same pointer is the same topic while the read is
 * there. */
static struct reader_read *read_of(struct reader *r, const rd_kafka_message_t *m)
{
    if (r->hit && r->hit_topic == m->rkt && r->hit->partition == m->partition)
        return r->hit;
    struct reader_read *d = find(r, rd_kafka_topic_name(m->rkt), m->partition);
    if (d == NULL || d->state != READ_READING)
        return NULL;
    r->hit_topic = m->rkt;
    r->hit = d;
    return d;
}

static void deliver(struct reader *r, struct reader_read *d, const rd_kafka_message_t *m)
{
    struct reader_message out = {
        .offset = m->offset,
        .timestamp_ms = rd_kafka_message_timestamp(m, NULL),
        .message = kafka_message_read(&r->headers, m),
    };
    d->at = m->offset + 1;
    d->heard_ms = loop_now_ms(r->loop);
    r->current = d;
    d->message(d->arg, &out);
    bool there = r->current == d;
    r->current = NULL;
    if (there && d->at >= d->end)
        reader_end(d, true, "");
}

static void on_message(struct reader *r, const rd_kafka_message_t *m)
{
    struct reader_read *d = read_of(r, m);
    if (d == NULL || m->offset < d->at)
        return;
    if (m->offset < d->end)
        deliver(r, d, m);
    else
        reader_end(d, true, "");
}

/* ---- a queue that was full ---- */

static void fetch_at_once(struct reader *r)
{
    struct reader_read *d;
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(8);
    DL_FOREACH(r->reads, d)
        if (d->state == READ_READING)
            rd_kafka_topic_partition_list_add(list, d->topic, d->partition)->offset = d->at;
    rd_kafka_error_t *e = list->cnt > 0 ? rd_kafka_seek_partitions(r->rk, list, 0) : NULL;
    if (e)
        rd_kafka_error_destroy(e); /* then it looks again in a second */
    rd_kafka_topic_partition_list_destroy(list);
}

/* What was taken since the queue was last empty is at least what it has held at any time. */
static void count_burst(struct reader *r, const rd_kafka_message_t *m)
{
    r->burst_messages++;
    r->burst_bytes += m->len;
    if (rd_kafka_queue_length(r->queue.q) > 0)
        return;
    bool was_full = r->burst_messages >= QUEUE_MESSAGES || r->burst_bytes >= (size_t)QUEUE_KBYTES * 1024;
    r->burst_messages = r->burst_bytes = 0;
    if (was_full)
        fetch_at_once(r);
}

static void on_messages(struct reader *r, rd_kafka_event_t *ev)
{
    const rd_kafka_message_t *m;
    while ((m = rd_kafka_event_message_next(ev))) {
        if (m->err != RD_KAFKA_RESP_ERR_NO_ERROR)
            continue;
        on_message(r, m);
        count_burst(r, m);
    }
}

/* ---- errors ---- */

/* Below the end that was told at first, the end of the log is worth a question. */
static void on_log_end(struct reader_read *d, int64_t offset)
{
    if (offset >= d->end)
        reader_end(d, true, "");
    else
        start_again(d);
}

static void on_partition_error(struct reader *r, const rd_kafka_topic_partition_t *tp, rd_kafka_event_t *ev)
{
    struct reader_read *d = find(r, tp->topic, tp->partition);
    if (d == NULL || d->state != READ_READING)
        return;
    if (rd_kafka_event_error(ev) == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
        on_log_end(d, tp->offset);
        return;
    }
    reader_tell(r, "reading %s partition %d: %s", d->topic, (int)d->partition, rd_kafka_event_error_string(ev));
    start_again(d);
    if (reader_is_missing(rd_kafka_event_error(ev)))
        kafka_left_add(&r->left, r->rk, d->topic, d->partition, true);
}

static void on_error(struct reader *r, rd_kafka_event_t *ev)
{
    rd_kafka_topic_partition_t *tp = rd_kafka_event_topic_partition(ev);
    if (tp == NULL) {
        reader_tell(r, "%s", rd_kafka_event_error_string(ev));
        return;
    }
    on_partition_error(r, tp, ev);
    rd_kafka_topic_partition_destroy(tp);
}

static void on_event(void *arg, rd_kafka_event_t *ev)
{
    struct reader *r = arg;
    const char *text;
    switch (rd_kafka_event_type(ev)) {
    case RD_KAFKA_EVENT_FETCH:
        on_messages(r, ev);
        break;
    case RD_KAFKA_EVENT_ERROR:
        on_error(r, ev);
        break;
    case RD_KAFKA_EVENT_LOG:
        text = kafka_log_text(ev);
        if (text)
            reader_tell(r, "%s", text);
        break;
    }
}

/* Nothing may wait for ever unseen. */
static void on_watch(void *arg)
{
    struct reader *r = arg;
    struct reader_read *d;
    int64_t now = loop_now_ms(r->loop);
    if (r->reads)
        loop_timer_start(r->watch, WATCH_MS);
    DL_FOREACH(r->reads, d) {
        if (d->state != READ_READING || now - d->heard_ms < SILENCE_MS)
            continue;
        reader_tell(r, "reading %s partition %d: nothing has come for %d s at offset %lld of %lld; starting again there",
                    d->topic, (int)d->partition, SILENCE_MS / 1000, (long long)d->at, (long long)d->end);
        start_again(d);
    }
}

/* ---- the client ---- */

static rd_kafka_conf_t *conf_of(const struct settings *s, struct err *reterr)
{
    static const struct kafka_prop defaults[] = {
        {"client.id", "tvbridge-reader"},
        {"fetch.min.bytes", "1"},
        {"fetch.wait.max.ms", "20"}, /* how long the end of a log without a last message keeps a read */
        {"fetch.error.backoff.ms", "100"},
        {"fetch.message.max.bytes", "1048576"},
        {"fetch.max.bytes", "4194304"},
        {"check.crcs", "false"},
        {"socket.timeout.ms", "15000"},
    };
    static const struct kafka_prop needed[] = {
        {"enable.auto.commit", "false"},       {"enable.auto.offset.store", "false"},
        {"auto.offset.reset", "earliest"},     {"enable.partition.eof", "true"},
        {"allow.auto.create.topics", "false"}, {"isolation.level", "read_committed"},
    };
    char group[300]; /* librdkafka wants one for assign(); nobody joins it, and nothing is committed */
    snprintf(group, sizeof group, "%sreader", s->prefix);
    rd_kafka_conf_t *conf = kafka_conf_new(s, RD_KAFKA_EVENT_FETCH, defaults, ARRAY_LEN(defaults), needed,
                                           ARRAY_LEN(needed), reterr);
    if (conf && (kafka_conf_set(conf, "group.id", group, reterr) < 0 ||
                 kafka_conf_set_int(conf, "queued.min.messages", QUEUE_MESSAGES, reterr) < 0 ||
                 kafka_conf_set_int(conf, "queued.max.messages.kbytes", QUEUE_KBYTES, reterr) < 0)) {
        rd_kafka_conf_destroy(conf);
        return NULL;
    }
    return conf;
}

static void drop_client(struct reader *r)
{
    kafka_queue_fini(&r->queue);
    if (r->rk == NULL)
        return;
    rd_kafka_assign(r->rk, NULL);
    kafka_left_fini(&r->left, r->rk);
    rd_kafka_destroy_flags(r->rk, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    r->rk = NULL;
}

static int make_client(struct reader *r, struct err *reterr)
{
    rd_kafka_conf_t *conf = conf_of(r->settings, reterr);
    r->rk = conf ? kafka_handle_new(RD_KAFKA_CONSUMER, conf, reterr) : NULL;
    if (r->rk == NULL)
        return -1;
    rd_kafka_poll_set_consumer(r->rk);
    rd_kafka_queue_t *q = rd_kafka_queue_get_consumer(r->rk);
    rd_kafka_set_log_queue(r->rk, q);
    if (kafka_queue_init(&r->queue, r->loop, q, on_event, r, reterr) < 0) {
        drop_client(r);
        return -1;
    }
    r->queue.events_a_turn = EVENTS_A_TURN;
    return 0;
}

void reader_assign(struct reader *r, struct reader_read *const *reads, size_t n)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)n);
    for (size_t i = 0; i < n; i++) {
        rd_kafka_topic_partition_list_add(list, reads[i]->topic, reads[i]->partition)->offset = reads[i]->at;
        reads[i]->heard_ms = loop_now_ms(r->loop);
        reader_enter(reads[i], READ_READING);
    }
    rd_kafka_error_t *e = rd_kafka_incremental_assign(r->rk, list);
    if (e) {
        reader_tell(r, "taking partitions to read: %s", rd_kafka_error_string(e));
        rd_kafka_error_destroy(e);
    }
    rd_kafka_topic_partition_list_destroy(list);
}

void reader_hold(struct reader *r, bool hold)
{
    if (r->rk != NULL && r->queue.held != hold)
        kafka_queue_hold(&r->queue, hold);
}

/* ---- life ---- */

struct reader *reader_new(struct loop *l, const struct settings *s, void (*error)(void *arg, const char *why),
                          void *arg, struct err *reterr)
{
    struct reader *r = calloc(1, sizeof *r);
    if (r == NULL) {
        err_nomem(reterr);
        return NULL;
    }
    *r = (struct reader){.loop = l, .settings = s, .error = error, .arg = arg};
    bool begun = reader_ask_init(r, reterr) == 0;
    r->watch = loop_timer_new(l, on_watch, r, reterr);
    if (!begun || r->watch == NULL) {
        reader_free(r);
        return NULL;
    }
    return r;
}

void reader_free(struct reader *r)
{
    if (r == NULL)
        return;
    reader_ask_fini(r);
    loop_timer_free(r->watch);
    while (r->reads) {
        struct reader_read *d = r->reads;
        DL_DELETE(r->reads, d);
        if (d->state == READ_READING)
            kafka_left_add(&r->left, r->rk, d->topic, d->partition, false);
        read_free(d);
    }
    drop_client(r);
    free(r->headers.items);
    free(r);
}

static struct reader_read *read_new(struct reader *r, const struct reader_range *range)
{
    struct reader_read *d = calloc(1, sizeof *d);
    if (d)
        d->topic = strdup(range->topic);
    if (d == NULL || d->topic == NULL) {
        free(d);
        return NULL;
    }
    d->reader = r;
    d->partition = range->partition;
    d->from = range->from;
    d->value = range->from == READER_TIME ? range->time_ms : range->offset;
    if (d->value < 0)
        d->value = 0;
    d->at = d->end = -1;
    return d;
}

struct reader_read *reader_start(struct reader *r, const struct reader_range *range, reader_message_fn *message,
                                 reader_done_fn *done, void *arg)
{
    struct err err;
    if (find(r, range->topic, range->partition))
        return NULL;
    if (r->rk == NULL && make_client(r, &err) < 0) {
        reader_tell(r, "%s", err.msg);
        return NULL;
    }
    struct reader_read *d = read_new(r, range);
    if (d == NULL)
        return NULL;
    d->message = message;
    d->done = done;
    d->arg = arg;
    if (r->reads == NULL)
        loop_timer_start(r->watch, WATCH_MS);
    DL_APPEND(r->reads, d);
    reader_ask_for(d, 0);
    return d;
}
