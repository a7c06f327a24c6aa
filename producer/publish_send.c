#include "publish_send.h"

#include <stdlib.h>
#include <string.h>

#include "contract/topics.h"

#define TOPICS_MAX 256
#define HEADERS_MAX 60 /* of one message */

struct target {
    enum topic_kind kind;
    char provider[TOPIC_NAME_SIZE];
    rd_kafka_topic_t *topic;
    int32_t partitions;
};

struct sender {
    const struct kafka_place *place;
    struct kafka_client *client;
    const struct rd_kafka_metadata *metadata;
    struct target targets[TOPICS_MAX];
    size_t target_count;
    struct sender_counts counts;
};

static void on_delivery(rd_kafka_t *rk, const rd_kafka_message_t *m, void *opaque)
{
    struct sender *s = kafka_client_arg(opaque);
    (void)rk;
    if (m->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
        s->counts.acked++;
        s->counts.partition = m->partition;
        s->counts.offset = m->offset;
        if (s->counts.acked == 1)
            snprintf(s->counts.topic, sizeof(s->counts.topic), "%s", rd_kafka_topic_name(m->rkt));
        return;
    }
    if (s->counts.failed++ == 0) {
        s->counts.code = kafka_err_code(m->err);
        snprintf(s->counts.why, sizeof(s->counts.why), "%s", rd_kafka_err2str(m->err));
    }
}

static void set_callbacks(rd_kafka_conf_t *conf)
{
    rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
}

struct sender *sender_new(const struct kafka_place *place, int64_t delivery_ms, struct err *reterr)
{
    char delivery[24];
    snprintf(delivery, sizeof(delivery), "%lld", (long long)delivery_ms);
    const struct settings_pair own[] = {
        {"enable.idempotence", "true"},
        {"message.timeout.ms", delivery},
        {"message.max.bytes", "2097152"}, /* as the topics': an event of 1 MiB and its headers */
        {"linger.ms", "5"},
        {"queue.buffering.max.messages", "100000"},
        {"queue.buffering.max.kbytes", "32768"},
    };
    struct sender *s = calloc(1, sizeof(*s));
    if (s == NULL) {
        err_nomem(reterr);
        return NULL;
    }
    s->place = place;
    s->client = kafka_client_new(place, RD_KAFKA_PRODUCER, own, ARRAY_LEN(own), set_callbacks, s, reterr);
    if (s->client != NULL)
        s->metadata = kafka_client_metadata(s->client, place, place->options->timeout_ms, reterr);
    if (s->metadata != NULL)
        return s;
    sender_free(s);
    return NULL;
}

void sender_free(struct sender *s)
{
    if (s == NULL)
        return;
    for (size_t i = 0; i < s->target_count; i++)
        rd_kafka_topic_destroy(s->targets[i].topic);
    if (s->metadata != NULL)
        rd_kafka_metadata_destroy(s->metadata);
    if (s->client != NULL)
        rd_kafka_purge(s->client->rk, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    kafka_client_free(s->client);
    free(s);
}

static int check_topic(const struct sender *s, const char *name, const char *provider, int32_t *ret, struct err *reterr)
{
    const rd_kafka_metadata_topic_t *t = kafka_find_topic(s->metadata, name);
    int32_t want = s->place->partitions;
    if (t == NULL)
        return err_set(reterr, ERR_INVAL,
                       "there is no topic %s: is \"%s\" the right provider? "
                       "`tvbridge topics create --provider %s` makes its topics",
                       name, provider, provider);
    if (want > 0 && t->partition_cnt != want)
        return err_set(reterr, ERR_INVAL,
                       "topic %s has %d partitions, the settings say %d: the events would go to wrong partitions. "
                       "Correct kafka.partitions or --partitions, or the topic",
                       name, t->partition_cnt, (int)want);
    *ret = t->partition_cnt;
    return 0;
}

/* The provider's topic, looked up once. */
static struct target *target_of(struct sender *s, enum topic_kind kind, const char *provider, struct err *reterr)
{
    char name[TOPIC_NAME_SIZE];
    int32_t partitions = 0;
    for (size_t i = 0; i < s->target_count; i++)
        if (s->targets[i].kind == kind && strcmp(s->targets[i].provider, provider) == 0)
            return &s->targets[i];
    if (topic_name(kind, s->place->prefix, provider, name) < 0 || s->target_count == TOPICS_MAX) {
        err_set(reterr, ERR_INVAL, "the provider's name is too long, or there are more than %d of them", TOPICS_MAX);
        return NULL;
    }
    if (check_topic(s, name, provider, &partitions, reterr) < 0)
        return NULL;
    struct target *t = &s->targets[s->target_count];
    t->topic = rd_kafka_topic_new(s->client->rk, name, NULL);
    if (t->topic == NULL) {
        err_set(reterr, ERR_INVAL, "topic %s: %s", name, rd_kafka_err2str(rd_kafka_last_error()));
        return NULL;
    }
    snprintf(t->provider, sizeof(t->provider), "%s", provider);
    t->kind = kind;
    t->partitions = partitions;
    s->target_count++;
    return t;
}

static rd_kafka_resp_err_t produce(struct sender *s, const struct target *t, const struct sender_message *m,
                                   int32_t partition)
{
    rd_kafka_vu_t v[HEADERS_MAX + 5];
    size_t n = 0;
    v[n++] = (rd_kafka_vu_t){.vtype = RD_KAFKA_VTYPE_RKT, .u.rkt = t->topic};
    v[n++] = (rd_kafka_vu_t){.vtype = RD_KAFKA_VTYPE_PARTITION, .u.i32 = partition};
    v[n++] = (rd_kafka_vu_t){.vtype = RD_KAFKA_VTYPE_MSGFLAGS, .u.i = RD_KAFKA_MSG_F_COPY};
    /* librdkafka copies both; its structs want pointers to what may change */
    v[n].vtype = RD_KAFKA_VTYPE_KEY;
    memcpy(&v[n].u.mem.ptr, &m->key, sizeof(m->key));
    v[n++].u.mem.size = m->key_len;
    v[n].vtype = RD_KAFKA_VTYPE_VALUE;
    memcpy(&v[n].u.mem.ptr, &m->value, sizeof(m->value));
    v[n++].u.mem.size = m->value_len;
    for (size_t i = 0; i < m->header_count && i < HEADERS_MAX; i++)
        v[n++] = (rd_kafka_vu_t){.vtype = RD_KAFKA_VTYPE_HEADER,
                                 .u.header = {.name = m->headers[i].name, .val = m->headers[i].value,
                                              .size = (ssize_t)m->headers[i].len}};
    rd_kafka_error_t *e = rd_kafka_produceva(s->client->rk, v, n);
    rd_kafka_resp_err_t code = e == NULL ? RD_KAFKA_RESP_ERR_NO_ERROR : rd_kafka_error_code(e);
    if (e != NULL)
        rd_kafka_error_destroy(e);
    return code;
}

static int failed_before(const struct sender *s, struct err *reterr)
{
    return err_set(reterr, s->counts.code, "an event was not acknowledged: %s%s%s", s->counts.why,
                   s->client->why[0] != '\0' ? ": " : "", s->client->why);
}

int sender_send(struct sender *s, const struct sender_message *m, struct err *reterr)
{
    struct target *t = target_of(s, m->kind, m->provider, reterr);
    if (t == NULL)
        return -1;
    if (m->header_count > HEADERS_MAX)
        return err_set(reterr, ERR_INVAL, "the event has more than %d headers", HEADERS_MAX);
    int32_t partition = m->partition;
    if (partition < 0)
        partition = partition_of(s->place->partitioner, m->key, m->key_len, t->partitions);
    for (;;) {
        rd_kafka_resp_err_t code = produce(s, t, m, partition);
        if (code != RD_KAFKA_RESP_ERR__QUEUE_FULL) {
            if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
                return err_set(reterr, kafka_err_code(code), "Kafka's client refuses the event: %s",
                               rd_kafka_err2str(code));
            s->counts.sent++;
            break;
        }
        rd_kafka_poll(s->client->rk, 50); /* every event ends after delivery_ms: the queue cannot stay full */
        if (s->counts.failed > 0)
            break;
    }
    if ((s->counts.sent & 255) == 0)
        rd_kafka_poll(s->client->rk, 0);
    return s->counts.failed > 0 ? failed_before(s, reterr) : 0;
}

int64_t sender_wait(struct sender *s, int wait_ms)
{
    int64_t left = s->counts.sent - s->counts.acked - s->counts.failed;
    if (left > 0)
        rd_kafka_flush(s->client->rk, wait_ms); /* flush sends at once instead of waiting for linger.ms */
    return s->counts.sent - s->counts.acked - s->counts.failed;
}

const struct sender_counts *sender_counts(const struct sender *s)
{
    return &s->counts;
}
