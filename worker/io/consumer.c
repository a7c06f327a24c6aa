/* consumer.c - see consumer.h: life, messages, pause. The group is in consumer_assign.c, commits are in
 * consumer_commit.c. */
#include "io/consumer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "base/clock.h"
#include "base/copy.h"
#include "io/consumer_state.h"
#include "io/kafka_conf.h"

#define TICK_MS 1000 /* polled at least so often, whatever happens: max.poll.interval.ms */
#define LEAVE_MS 2000
#define TOPIC_TEXT 260 /* Kafka allows 249 characters */

void consumer_enter(struct consumer *c, enum consumer_state next)
{
    c->state = next;
}

void consumer_tell(struct consumer *c, const char *fmt, ...)
{
    char text[512];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    if (c->h.error && kafka_hush_passes(&c->hush, text, loop_now_ms(c->loop)))
        c->h.error(c->h.arg, false, text);
}

struct consumer_topic *consumer_topic_of(struct consumer *c, const char *name)
{
    if (strcmp(name, c->events.name) == 0)
        return &c->events;
    return c->control.name != NULL && strcmp(name, c->control.name) == 0 ? &c->control : NULL;
}

struct consumer_part *consumer_part_of(const struct consumer_topic *t, int32_t partition)
{
    if (t == NULL || partition < 0 || partition >= t->count || !t->parts[partition].assigned)
        return NULL;
    return &t->parts[partition];
}

/* ---- messages ---- */

/* Offsets that start again mean another log: what we know of this one is void. */
static void stop_at_new_log(struct consumer *c, const char *topic, struct consumer_part *p, int64_t offset)
{
    char text[256];
    snprintf(text, sizeof text, "topic %s was made anew: offset %lld came after %lld; start again", topic,
             (long long)offset, (long long)p->next);
    p->sought = false;
    if (c->h.error)
        c->h.error(c->h.arg, true, text);
}

static void deliver(struct consumer *c, const rd_kafka_message_t *m)
{
    struct consumer_topic *t = c->control.name == NULL ? &c->events : consumer_topic_of(c, rd_kafka_topic_name(m->rkt));
    struct consumer_part *p = consumer_part_of(t, m->partition);
    if (p == NULL || c->state != CONSUMER_READING)
        return;
    if (m->offset < p->next) {
        if (p->sought)
            stop_at_new_log(c, t->name, p, m->offset);
        return;
    }
    p->sought = false;
    p->next = m->offset + 1;
    struct consumer_delivery d = {
        .control = t == &c->control,
        .partition = m->partition,
        .offset = m->offset,
        .timestamp_ms = rd_kafka_message_timestamp(m, NULL),
        .message = kafka_message_read(&c->headers, m),
    };
    c->h.delivery(c->h.arg, &d);
}

/* ---- errors ---- */

static void on_topic_error(struct consumer *c, rd_kafka_resp_err_t code, const rd_kafka_topic_partition_t *tp,
                           const char *text)
{
    if (code == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION && tp)
        kafka_left_add(&c->left, c->rk, tp->topic, tp->partition, true);
    if (code == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET && tp)
        consumer_on_out_of_range(c, tp->topic, tp->partition);
    else
        consumer_tell(c, "topic %s: %s", tp ? tp->topic : c->events.name, text);
}

/* Of a topic that is missing at the start librdkafka gives only the name, in the text. */
static bool is_of_control(const struct consumer *c, const rd_kafka_topic_partition_t *tp, const char *text)
{
    char events[TOPIC_TEXT], control[TOPIC_TEXT];
    if (c->control.name == NULL)
        return false;
    if (tp)
        return strcmp(tp->topic, c->control.name) == 0;
    snprintf(events, sizeof events, ": %s: ", c->events.name);
    snprintf(control, sizeof control, ": %s: ", c->control.name);
    return strstr(text, control) && !strstr(text, events);
}

static void on_missing(struct consumer *c, const rd_kafka_topic_partition_t *tp, const char *text)
{
    bool control = is_of_control(c, tp, text);
    if (tp)
        kafka_left_add(&c->left, c->rk, tp->topic, tp->partition, true);
    consumer_tell(c, "topic %s does not exist: create it with `tvbridge topics create`%s",
                  control ? c->control.name : c->events.name,
                  control ? "; until then no act of an operator is carried out" : "");
}

static void on_fatal(struct consumer *c)
{
    char why[256] = "";
    rd_kafka_fatal_error(c->rk, why, sizeof why);
    if (c->h.error && !c->closing)
        c->h.error(c->h.arg, true, why);
}

static void on_error(struct consumer *c, rd_kafka_event_t *ev)
{
    rd_kafka_resp_err_t code = rd_kafka_event_error(ev);
    rd_kafka_topic_partition_t *tp = rd_kafka_event_topic_partition(ev);
    const char *text = rd_kafka_event_error_string(ev);
    if (code == RD_KAFKA_RESP_ERR__FATAL || rd_kafka_event_error_is_fatal(ev))
        on_fatal(c);
    else if (code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART || code == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC)
        on_missing(c, tp, text);
    else
        on_topic_error(c, code, tp, text);
    if (tp)
        rd_kafka_topic_partition_destroy(tp);
}

static void on_message_event(struct consumer *c, rd_kafka_event_t *ev)
{
    const rd_kafka_message_t *m;
    while ((m = rd_kafka_event_message_next(ev)))
        if (m->err == RD_KAFKA_RESP_ERR_NO_ERROR)
            deliver(c, m);
}

static void on_log(struct consumer *c, rd_kafka_event_t *ev)
{
    const char *text = kafka_log_text(ev);
    if (text)
        consumer_tell(c, "%s", text);
}

static void on_event(void *arg, rd_kafka_event_t *ev)
{
    struct consumer *c = arg;
    switch (rd_kafka_event_type(ev)) {
    case RD_KAFKA_EVENT_FETCH:
        on_message_event(c, ev);
        break;
    case RD_KAFKA_EVENT_REBALANCE:
        consumer_on_rebalance(c, ev);
        break;
    case RD_KAFKA_EVENT_OFFSET_COMMIT:
        consumer_on_commit(c, ev);
        break;
    case RD_KAFKA_EVENT_ERROR:
        on_error(c, ev);
        break;
    case RD_KAFKA_EVENT_LOG:
        on_log(c, ev);
        break;
    }
}

static void on_tick(void *arg)
{
    struct consumer *c = arg;
    kafka_queue_drain(&c->queue);
    loop_timer_start(c->tick, TICK_MS);
}

/* ---- life ---- */

static int set_member(rd_kafka_conf_t *conf, const struct settings *s, const struct settings_provider *p,
                      const char *group, unsigned thread, struct err *reterr)
{
    char id[256];
    snprintf(id, sizeof id, "tvbridge-%s-%u", p->name, thread);
    if (kafka_conf_set(conf, "group.id", group, reterr) < 0 || kafka_conf_set(conf, "client.id", id, reterr) < 0)
        return -1;
    if (s->instance == NULL)
        return 0;
    snprintf(id, sizeof id, "%s-%s-%u", s->instance, p->name, thread);
    return kafka_conf_set(conf, "group.instance.id", id, reterr);
}

static int set_numbers(rd_kafka_conf_t *conf, const struct settings_numbers *n, struct err *reterr)
{
    if (kafka_conf_set_int(conf, "session.timeout.ms", n->session_timeout_ms, reterr) < 0 ||
        kafka_conf_set_int(conf, "heartbeat.interval.ms", n->session_timeout_ms / 4, reterr) < 0 ||
        kafka_conf_set_int(conf, "max.poll.interval.ms", n->max_poll_ms, reterr) < 0)
        return -1;
    /* No more than the window holds: rebalances and the ends of commits wait behind what was fetched. */
    int64_t window_kbytes = n->window_bytes / 1024;
    int64_t queued_kbytes = n->queued_kbytes < window_kbytes ? n->queued_kbytes : window_kbytes;
    return kafka_conf_set_int(conf, "queued.max.messages.kbytes", queued_kbytes, reterr);
}

static rd_kafka_conf_t *conf_of(const struct settings *s, const struct settings_provider *p, const char *group,
                                unsigned thread, struct err *reterr)
{
    static const struct kafka_prop defaults[] = {
        {"fetch.min.bytes", "1"},
        {"fetch.wait.max.ms", "100"}, /* only how long a resumed partition waits for its turn: data answers at once */
        {"fetch.error.backoff.ms", "100"},
        {"fetch.message.max.bytes", "1048576"},
        {"fetch.max.bytes", "4194304"},
        {"queued.min.messages", "100000"},
        {"check.crcs", "false"},
        {"socket.timeout.ms", "15000"}, /* a commit that hangs keeps the next one back */
        {"topic.metadata.refresh.interval.ms", "10000"}, /* so soon a topic that appears comes alive */
    };
    static const struct kafka_prop needed[] = {
        {"enable.auto.commit", "false"},     {"enable.auto.offset.store", "false"},
        {"auto.offset.reset", "error"},      {"partition.assignment.strategy", "range"},
        {"enable.partition.eof", "false"},   {"allow.auto.create.topics", "false"},
    };
    int events = RD_KAFKA_EVENT_FETCH | RD_KAFKA_EVENT_REBALANCE | RD_KAFKA_EVENT_OFFSET_COMMIT;
    rd_kafka_conf_t *conf =
        kafka_conf_new(s, events, defaults, ARRAY_LEN(defaults), needed, ARRAY_LEN(needed), reterr);
    if (conf == NULL)
        return NULL;
    if (set_member(conf, s, p, group, thread, reterr) < 0 || set_numbers(conf, &p->numbers, reterr) < 0) {
        rd_kafka_conf_destroy(conf);
        return NULL;
    }
    return conf;
}

static int subscribe(struct consumer *c, struct err *reterr)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(2);
    rd_kafka_topic_partition_list_add(list, c->events.name, RD_KAFKA_PARTITION_UA);
    if (c->control.name)
        rd_kafka_topic_partition_list_add(list, c->control.name, RD_KAFKA_PARTITION_UA);
    rd_kafka_resp_err_t code = rd_kafka_subscribe(c->rk, list);
    rd_kafka_topic_partition_list_destroy(list);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        return err_set(reterr, ERR_IO, "subscribing to %s: %s", c->events.name, rd_kafka_err2str(code));
    return 0;
}

static int connect_to_loop(struct consumer *c, rd_kafka_conf_t *conf, struct err *reterr)
{
    c->rk = kafka_handle_new(RD_KAFKA_CONSUMER, conf, reterr);
    if (c->rk == NULL)
        return -1;
    rd_kafka_poll_set_consumer(c->rk);
    rd_kafka_queue_t *q = rd_kafka_queue_get_consumer(c->rk);
    rd_kafka_set_log_queue(c->rk, q);
    if (kafka_queue_init(&c->queue, c->loop, q, on_event, c, reterr) < 0)
        return -1;
    c->tick = loop_timer_new(c->loop, on_tick, c, reterr);
    c->ask_again = loop_timer_new(c->loop, consumer_on_ask_again, c, reterr);
    if (c->tick == NULL || c->ask_again == NULL)
        return -1;
    loop_timer_start(c->tick, TICK_MS);
    return subscribe(c, reterr);
}

static int copy_names(struct consumer *c, const char *topic, const char *control_topic, struct err *reterr)
{
    bool failed = false;
    c->events.name = copy_text(topic, &failed);
    c->control.name = copy_text(control_topic, &failed);
    return failed ? err_nomem(reterr) : 0;
}

struct consumer *consumer_new(struct loop *l, const struct settings *s, const struct settings_provider *p,
                              const char *topic, const char *control_topic, const char *group, unsigned thread,
                              const struct consumer_handlers *h, struct err *reterr)
{
    struct consumer *c = calloc(1, sizeof *c);
    if (c == NULL) {
        err_nomem(reterr);
        return NULL;
    }
    c->loop = l;
    c->h = *h;
    consumer_assign_init(c);
    bool named = copy_names(c, topic, control_topic, reterr) == 0;
    rd_kafka_conf_t *conf = named ? conf_of(s, p, group, thread, reterr) : NULL;
    if (conf == NULL || connect_to_loop(c, conf, reterr) < 0) {
        consumer_free(c);
        return NULL;
    }
    return c;
}

/* Leaving lets the group give the partitions on at once instead of after the session timeout. */
static void leave_group(struct consumer *c)
{
    int64_t end = clock_boot_ms() + LEAVE_MS;
    if (c->state == CONSUMER_REVOKING)
        consumer_revoke_done(c);
    rd_kafka_error_t *e = rd_kafka_consumer_close_queue(c->rk, c->queue.q);
    if (e) {
        rd_kafka_error_destroy(e);
        return;
    }
    while (!rd_kafka_consumer_closed(c->rk) && clock_boot_ms() < end)
        kafka_queue_wait(&c->queue, 20);
}

void consumer_free(struct consumer *c)
{
    if (c == NULL)
        return;
    c->closing = true;
    consumer_assign_fini(c);
    if (c->queue.q)
        leave_group(c);
    loop_timer_free(c->tick);
    loop_timer_free(c->ask_again);
    kafka_queue_fini(&c->queue);
    if (c->given)
        rd_kafka_topic_partition_list_destroy(c->given);
    consumer_forget_membership(c);
    if (c->rk)
        kafka_left_fini(&c->left, c->rk);
    if (c->rk)
        rd_kafka_destroy_flags(c->rk, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    free(c->events.parts);
    free(c->control.parts);
    free(c->events.name);
    free(c->control.name);
    free(c->headers.items);
    free(c);
}

/* ---- holding back ---- */

typedef rd_kafka_resp_err_t flow_fn(rd_kafka_t *rk, rd_kafka_topic_partition_list_t *list);

static void set_paused(struct consumer *c, const struct consumer_topic *t, int32_t partition, bool paused, flow_fn *fn)
{
    struct consumer_part *p = consumer_part_of(t, partition);
    if (p == NULL || p->paused == paused)
        return;
    p->paused = paused;
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, t->name, partition);
    (void)fn(c->rk, list); /* refused only for what is not assigned yet: start_reading() does it again */
    rd_kafka_topic_partition_list_destroy(list);
}

void consumer_pause(struct consumer *c, int32_t partition)
{
    set_paused(c, &c->events, partition, true, rd_kafka_pause_partitions);
}

void consumer_pause_acts(struct consumer *c, int32_t partition)
{
    set_paused(c, &c->control, partition, true, rd_kafka_pause_partitions);
}

void consumer_resume(struct consumer *c, int32_t partition)
{
    set_paused(c, &c->events, partition, false, rd_kafka_resume_partitions);
}

void consumer_resume_acts(struct consumer *c, int32_t partition)
{
    set_paused(c, &c->control, partition, false, rd_kafka_resume_partitions);
}

void consumer_hold(struct consumer *c, bool hold)
{
    kafka_queue_hold(&c->queue, hold);
}

int64_t consumer_high_watermark(const struct consumer *c, int32_t partition)
{
    int64_t low, high;
    if (rd_kafka_get_watermark_offsets(c->rk, c->events.name, partition, &low, &high) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return -1;
    return high >= 0 ? high : -1;
}

bool consumer_is_member(const struct consumer *c)
{
    return c->member;
}
