/* kafka_conf.c - see kafka_conf.h. */
#include "io/kafka_conf.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/attr.h"
#include "io/consumer.h"

/* The first version whose SCRAM is accepted by Kafka 4.x. */
#define SCRAM_MENDED 0x02060100

static bool is_secret(const char *name)
{
    static const char *const parts[] = {"password", "secret", "pem", "key", "config", "credentials"};
    for (size_t i = 0; i < ARRAY_LEN(parts); i++)
        if (strstr(name, parts[i]))
            return true;
    return false;
}

int kafka_conf_set(rd_kafka_conf_t *conf, const char *name, const char *value, struct err *reterr)
{
    char why[256] = "";
    rd_kafka_conf_res_t res = rd_kafka_conf_set(conf, name, value, why, sizeof why);
    if (res == RD_KAFKA_CONF_OK)
        return 0;
    if (res == RD_KAFKA_CONF_INVALID && is_secret(name))
        return err_set(reterr, ERR_INVAL, "librdkafka refuses the value of %s", name);
    return err_set(reterr, ERR_INVAL, "librdkafka: %s", why);
}

int kafka_conf_set_int(rd_kafka_conf_t *conf, const char *name, int64_t value, struct err *reterr)
{
    char text[24];
    snprintf(text, sizeof text, "%" PRId64, value);
    return kafka_conf_set(conf, name, text, reterr);
}

static int set_all(rd_kafka_conf_t *conf, const struct kafka_prop *p, size_t n, struct err *reterr)
{
    for (size_t i = 0; i < n; i++)
        if (kafka_conf_set(conf, p[i].name, p[i].value, reterr) < 0)
            return -1;
    return 0;
}

static int refuse_scram(const struct settings_pair *p, struct err *reterr)
{
    if (strcmp(p->name, "sasl.mechanism") != 0 && strcmp(p->name, "sasl.mechanisms") != 0)
        return 0;
    if (strncasecmp(p->value, "SCRAM", 5) != 0 || rd_kafka_version() >= SCRAM_MENDED)
        return 0;
    return err_set(reterr, ERR_INVAL,
                   "%s: SASL/SCRAM of librdkafka %s fails on Kafka 4.x (mended in 2.6.1): use PLAIN over TLS, "
                   "OAUTHBEARER or TLS client certificates, or a newer librdkafka",
                   p->name, rd_kafka_version_str());
}

static int set_users(rd_kafka_conf_t *conf, const struct settings *s, struct err *reterr)
{
    if (s->brokers && kafka_conf_set(conf, "bootstrap.servers", s->brokers, reterr) < 0)
        return -1;
    for (size_t i = 0; i < s->librdkafka_count; i++) {
        const struct settings_pair *p = &s->librdkafka[i];
        if (refuse_scram(p, reterr) < 0 || kafka_conf_set(conf, p->name, p->value, reterr) < 0)
            return -1;
    }
    return 0;
}

rd_kafka_conf_t *kafka_conf_new(const struct settings *s, int events, const struct kafka_prop *defaults, size_t n,
                                const struct kafka_prop *needed, size_t needed_n, struct err *reterr)
{
    static const struct kafka_prop common[] = {
        {"client.id", "tvbridge"},       {"log.connection.close", "false"}, {"socket.keepalive.enable", "true"},
        {"socket.nagle.disable", "true"}, {"reconnect.backoff.max.ms", "2000"}, {"statistics.interval.ms", "0"},
    };
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    if (set_all(conf, common, ARRAY_LEN(common), reterr) < 0 || set_all(conf, defaults, n, reterr) < 0 ||
        set_users(conf, s, reterr) < 0 || set_all(conf, needed, needed_n, reterr) < 0 ||
        kafka_conf_set(conf, "log.queue", "true", reterr) < 0) {
        rd_kafka_conf_destroy(conf);
        return NULL;
    }
    rd_kafka_conf_set_events(conf, events | RD_KAFKA_EVENT_ERROR | RD_KAFKA_EVENT_LOG);
    return conf;
}

rd_kafka_t *kafka_handle_new(rd_kafka_type_t type, rd_kafka_conf_t *conf, struct err *reterr)
{
    char why[256] = "";
    rd_kafka_t *rk = rd_kafka_new(type, conf, why, sizeof why);
    if (rk == NULL) {
        rd_kafka_conf_destroy(conf); /* rd_kafka_new() takes it only when it succeeds */
        err_set(reterr, ERR_INVAL, "librdkafka: %s", why);
    }
    return rk;
}

const char *kafka_version(void)
{
    return rd_kafka_version_str();
}
