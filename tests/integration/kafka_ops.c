#include "kafka_ops.h"

#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WAIT_MS 30000

struct kafka_ops {
    char brokers[256];
    rd_kafka_t *rk;   /* plain */
    rd_kafka_t *open; /* whose transaction was left open, or NULL */
    rd_kafka_queue_t *queue;
};

static void die(const char *what, const char *why)
{
    fprintf(stderr, "%s: %s\n", what, why);
    exit(1);
}

static rd_kafka_t *producer(const struct kafka_ops *o, const char *transactional_id)
{
    char why[256] = "";
    rd_kafka_conf_t *c = rd_kafka_conf_new();
    rd_kafka_conf_set(c, "bootstrap.servers", o->brokers, why, sizeof why);
    rd_kafka_conf_set(c, "linger.ms", "20", why, sizeof why);
    rd_kafka_conf_set(c, "acks", "all", why, sizeof why);
    if (transactional_id)
        rd_kafka_conf_set(c, "transactional.id", transactional_id, why, sizeof why);
    rd_kafka_t *rk = rd_kafka_new(RD_KAFKA_PRODUCER, c, why, sizeof why);
    if (rk == NULL)
        die("producer", why);
    return rk;
}

struct kafka_ops *kafka_ops_new(const char *brokers)
{
    struct kafka_ops *o = calloc(1, sizeof *o);
    if (o == NULL)
        exit(1);
    snprintf(o->brokers, sizeof o->brokers, "%s", brokers);
    o->rk = producer(o, NULL);
    o->queue = rd_kafka_queue_new(o->rk);
    return o;
}

void kafka_ops_free(struct kafka_ops *o)
{
    rd_kafka_queue_destroy(o->queue);
    if (o->open)
        rd_kafka_destroy(o->open);
    rd_kafka_destroy(o->rk);
    free(o);
}

/* ---- admin ---- */

static rd_kafka_event_t *wait_for(struct kafka_ops *o, const char *what)
{
    rd_kafka_event_t *ev = rd_kafka_queue_poll(o->queue, WAIT_MS);
    if (ev == NULL)
        die(what, "no answer");
    if (rd_kafka_event_error(ev))
        die(what, rd_kafka_event_error_string(ev));
    return ev;
}

static void check_topics(const rd_kafka_topic_result_t **res, size_t n, const char *what)
{
    for (size_t i = 0; i < n; i++)
        if (rd_kafka_topic_result_error(res[i]))
            die(what, rd_kafka_err2str(rd_kafka_topic_result_error(res[i])));
}

static void set_config(rd_kafka_NewTopic_t *t, const char *text)
{
    char name[128];
    const char *eq = strchr(text, '=');
    snprintf(name, sizeof name, "%.*s", (int)(eq - text), text);
    rd_kafka_NewTopic_set_config(t, name, eq + 1);
}

void kafka_ops_create(struct kafka_ops *o, const char *topic, int partitions, const char *const *config)
{
    char why[256];
    size_t n = 0;
    rd_kafka_NewTopic_t *t = rd_kafka_NewTopic_new(topic, partitions, 1, why, sizeof why);
    for (size_t i = 0; config && config[i]; i++)
        set_config(t, config[i]);
    rd_kafka_CreateTopics(o->rk, &t, 1, NULL, o->queue);
    rd_kafka_event_t *ev = wait_for(o, "create a topic");
    const rd_kafka_topic_result_t **res = rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(ev), &n);
    check_topics(res, n, "create a topic");
    rd_kafka_event_destroy(ev);
    rd_kafka_NewTopic_destroy(t);
}

void kafka_ops_delete(struct kafka_ops *o, const char *topic)
{
    size_t n = 0;
    rd_kafka_DeleteTopic_t *t = rd_kafka_DeleteTopic_new(topic);
    rd_kafka_DeleteTopics(o->rk, &t, 1, NULL, o->queue);
    rd_kafka_event_t *ev = wait_for(o, "delete a topic");
    const rd_kafka_topic_result_t **res = rd_kafka_DeleteTopics_result_topics(rd_kafka_event_DeleteTopics_result(ev), &n);
    check_topics(res, n, "delete a topic");
    rd_kafka_event_destroy(ev);
    rd_kafka_DeleteTopic_destroy(t);
}

void kafka_ops_delete_before(struct kafka_ops *o, const char *topic, int64_t offset)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, topic, 0)->offset = offset;
    rd_kafka_DeleteRecords_t *d = rd_kafka_DeleteRecords_new(list);
    rd_kafka_DeleteRecords(o->rk, &d, 1, NULL, o->queue);
    rd_kafka_event_t *ev = wait_for(o, "delete records");
    const rd_kafka_topic_partition_list_t *res =
        rd_kafka_DeleteRecords_result_offsets(rd_kafka_event_DeleteRecords_result(ev));
    if (res->elems[0].err)
        die("delete records", rd_kafka_err2str(res->elems[0].err));
    rd_kafka_event_destroy(ev);
    rd_kafka_DeleteRecords_destroy(d);
    rd_kafka_topic_partition_list_destroy(list);
}

/* ---- messages ---- */

static void send_one(rd_kafka_t *rk, const char *topic, int32_t partition, const char *key, const char *value, size_t len)
{
    rd_kafka_resp_err_t code;
    while ((code = rd_kafka_producev(rk, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_PARTITION(partition),
                                     RD_KAFKA_V_KEY(key, strlen(key)), RD_KAFKA_V_VALUE((void *)(uintptr_t)value, len),
                                     RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END)) ==
           RD_KAFKA_RESP_ERR__QUEUE_FULL)
        rd_kafka_poll(rk, 10);
    if (code)
        die("produce", rd_kafka_err2str(code));
}

void kafka_ops_produce(struct kafka_ops *o, const char *topic, int32_t partition, unsigned n, size_t bytes,
                       unsigned keys)
{
    char *value = malloc(bytes + 1), key[24];
    if (value == NULL)
        exit(1);
    memset(value, 'v', bytes);
    for (unsigned i = 0; i < n; i++) {
        snprintf(key, sizeof key, "k%u", i % keys);
        send_one(o->rk, topic, partition, key, value, bytes);
    }
    free(value);
    if (rd_kafka_flush(o->rk, WAIT_MS))
        die("produce", "not acknowledged");
}

void kafka_ops_tombstone(struct kafka_ops *o, const char *topic, unsigned i)
{
    char key[24];
    snprintf(key, sizeof key, "k%u", i);
    send_one(o->rk, topic, 0, key, NULL, 0);
    if (rd_kafka_flush(o->rk, WAIT_MS))
        die("produce", "not acknowledged");
}

static void must(rd_kafka_error_t *e, const char *what)
{
    if (e)
        die(what, rd_kafka_error_string(e));
}

void kafka_ops_transaction(struct kafka_ops *o, const char *topic, unsigned n, enum kafka_ops_end end)
{
    char id[300];
    snprintf(id, sizeof id, "%s.%d", topic, (int)end);
    rd_kafka_t *rk = producer(o, id);
    must(rd_kafka_init_transactions(rk, WAIT_MS), "init transactions");
    must(rd_kafka_begin_transaction(rk), "begin a transaction");
    for (unsigned i = 0; i < n; i++)
        send_one(rk, topic, 0, "t", "v", 1);
    if (rd_kafka_flush(rk, WAIT_MS))
        die("transaction", "not acknowledged");
    if (end == KAFKA_COMMIT)
        must(rd_kafka_commit_transaction(rk, WAIT_MS), "commit a transaction");
    if (end == KAFKA_ABORT)
        must(rd_kafka_abort_transaction(rk, WAIT_MS), "abort a transaction");
    if (end == KAFKA_LEAVE_OPEN)
        o->open = rk;
    else
        rd_kafka_destroy(rk);
}
