/* kafka_topic.c - kafka_topic_partitions() and kafka_settings_check(), see consumer.h. */
#include "base/attr.h"
#include "io/consumer.h"
#include "io/kafka_conf.h"

static int count_of(const rd_kafka_metadata_t *md, const char *topic, struct err *reterr)
{
    if (md->topic_cnt != 1 || md->topics[0].err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART)
        return 0;
    if (md->topics[0].err != RD_KAFKA_RESP_ERR_NO_ERROR)
        return err_set(reterr, ERR_IO, "topic %s: %s", topic, rd_kafka_err2str(md->topics[0].err));
    return md->topics[0].partition_cnt;
}

static int ask(rd_kafka_t *rk, const char *topic, int64_t timeout_ms, struct err *reterr)
{
    const rd_kafka_metadata_t *md = NULL;
    rd_kafka_topic_t *rkt = rd_kafka_topic_new(rk, topic, NULL);
    if (rkt == NULL)
        return err_set(reterr, ERR_INVAL, "topic %s: %s", topic, rd_kafka_err2str(rd_kafka_last_error()));
    rd_kafka_resp_err_t code = rd_kafka_metadata(rk, 0, rkt, &md, (int)timeout_ms);
    int n;
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        n = count_of(md, topic, reterr);
    else
        n = err_set(reterr, ERR_IO, "Kafka is not reached: %s", rd_kafka_err2str(code));
    if (md)
        rd_kafka_metadata_destroy(md);
    rd_kafka_topic_destroy(rkt);
    return n;
}

static rd_kafka_t *asker_new(const struct settings *s, struct err *reterr)
{
    /* A consumer, since a producer's question would make the topic where the broker allows that. */
    static const struct kafka_prop needed[] = {{"allow.auto.create.topics", "false"}};
    rd_kafka_conf_t *conf = kafka_conf_new(s, 0, NULL, 0, needed, ARRAY_LEN(needed), reterr);
    return conf != NULL ? kafka_handle_new(RD_KAFKA_CONSUMER, conf, reterr) : NULL;
}

int kafka_settings_check(const struct settings *s, struct err *reterr)
{
    rd_kafka_t *rk = asker_new(s, reterr);
    if (rk == NULL)
        return -1;
    rd_kafka_destroy(rk);
    return 0;
}

int kafka_topic_partitions(const struct settings *s, const char *topic, int64_t timeout_ms, struct err *reterr)
{
    rd_kafka_t *rk = asker_new(s, reterr);
    if (rk == NULL)
        return -1;
    int n = ask(rk, topic, timeout_ms, reterr);
    rd_kafka_destroy(rk);
    return n;
}
