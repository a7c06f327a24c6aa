#include "kafka_client.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define PARTITIONS_MAX 10000
#define SCRAM_MENDED 0x02060100 /* the first version whose SCRAM Kafka 4.x accepts */

static const struct cli_option options[] = {
    {"settings", 'S', CLI_TEXT, "FILE", offsetof(struct kafka_options, settings),
     "the worker's settings file: brokers, prefix, partitions, TLS, SASL\n(default: $TVBRIDGE_SETTINGS when set)"},
    {"brokers", 'b', CLI_TEXT, "HOST:PORT", offsetof(struct kafka_options, brokers),
     "Kafka's bootstrap servers, instead of the settings'"},
    {"prefix", 0, CLI_TEXT, "TEXT", offsetof(struct kafka_options, prefix), "what all topics begin with (tvbridge.)"},
    {"partitions", 0, CLI_NUMBER, "N", offsetof(struct kafka_options, partitions),
     "partitions that each topic must have"},
    {"property", 'X', CLI_LIST, "NAME=VALUE", offsetof(struct kafka_options, properties),
     "a property of librdkafka, e.g. security.protocol=ssl; secrets are refused\nhere: settings file, or environment "
     "(TVBRIDGE_KAFKA_SASL_PASSWORD)"},
    {"timeout", 0, CLI_DURATION, "TIME", offsetof(struct kafka_options, timeout_ms),
     "how long a broker may take to answer (10s)"},
};

/* Properties whose values must not stand in a process list. */
static const char *const secrets[] = {
    "sasl.password", "ssl.key.password", "ssl.keystore.password", "ssl.key.pem", "sasl.oauthbearer.client.secret",
    "sasl.oauthbearer.config",
};

/* What the commands rely on. */
static const char *const reserved[] = {"bootstrap.servers", "metadata.broker.list", "enable.idempotence", "acks",
                                       "request.required.acks", "group.id", "enable.auto.commit"};

void kafka_options_init(struct kafka_options *o)
{
    *o = (struct kafka_options){.settings = getenv("TVBRIDGE_SETTINGS"), .timeout_ms = KAFKA_TIMEOUT_MS};
}

struct cli_group kafka_options_group(struct kafka_options *o, bool timeout)
{
    return (struct cli_group){"Kafka", options, ARRAY_LEN(options) - (timeout ? 0 : 1), o}; /* it is the last one */
}

static bool is_one_of(const char *const *names, size_t n, const char *name, size_t len)
{
    for (size_t i = 0; i < n; i++)
        if (strlen(names[i]) == len && strncmp(names[i], name, len) == 0)
            return true;
    return false;
}

/* "sasl.password" -> "TVBRIDGE_KAFKA_SASL_PASSWORD" */
static void secret_variable(const char *name, char ret[80])
{
    int at = snprintf(ret, 80, "TVBRIDGE_KAFKA_%s", name);
    for (int i = 0; i < at; i++)
        ret[i] = (char)(ret[i] == '.' ? '_' : toupper((unsigned char)ret[i]));
}

static int check_property(const char *text, struct err *reterr)
{
    size_t name = strcspn(text, "=");
    char variable[80];
    if (text[name] != '=' || name == 0 || name > 60)
        return err_set(reterr, ERR_INVAL, "-X wants NAME=VALUE");
    if (is_one_of(reserved, ARRAY_LEN(reserved), text, name))
        return err_set(reterr, ERR_INVAL, "-X %.*s: tvbridge sets this property itself%s", (int)name, text,
                       strncmp(text, "bootstrap", 9) == 0 ? ": use --brokers" : "");
    if (strncmp(text, "sasl.mechanism", strlen("sasl.mechanism")) == 0 && strncmp(text + name, "=SCRAM", 6) == 0 &&
        rd_kafka_version() < SCRAM_MENDED)
        return err_set(reterr, ERR_INVAL, "-X %s: SASL/SCRAM of librdkafka %s fails on Kafka 4.x (mended in 2.6.1): use "
                                          "PLAIN over TLS, OAUTHBEARER, or a client certificate",
                       text, rd_kafka_version_str());
    if (!is_one_of(secrets, ARRAY_LEN(secrets), text, name))
        return 0;
    char property[64];
    snprintf(property, sizeof(property), "%.*s", (int)name, text);
    secret_variable(property, variable);
    return err_set(reterr, ERR_INVAL,
                   "-X %s: a secret on the command line can be read by every user of this machine: put it into the "
                   "settings file (kafka.librdkafka) or into the environment variable %s",
                   property, variable);
}

static int place_from_settings(struct kafka_place *p, const char *path, struct err *reterr)
{
    p->settings = settings_load(path, reterr);
    if (p->settings == NULL)
        return -1;
    p->brokers = p->settings->brokers;
    p->prefix = p->settings->prefix;
    p->partitions = p->settings->partitions;
    p->partitioner = p->settings->partitioner;
    return 0;
}

static int place_from_options(struct kafka_place *p, const struct kafka_options *o, struct err *reterr)
{
    if (o->brokers != NULL)
        p->brokers = o->brokers;
    if (o->prefix != NULL)
        p->prefix = o->prefix;
    if (o->partitions > PARTITIONS_MAX)
        return err_set(reterr, ERR_INVAL, "--partitions: at most %d", PARTITIONS_MAX);
    if (o->partitions > 0)
        p->partitions = (int32_t)o->partitions;
    if (p->brokers == NULL || p->brokers[0] == '\0')
        return err_set(reterr, ERR_INVAL, "where is Kafka? Give --settings FILE or --brokers HOST:PORT");
    for (size_t i = 0; i < o->properties.n; i++)
        if (check_property(o->properties.item[i], reterr) < 0)
            return -1;
    return 0;
}

enum cli_status kafka_place_open(struct kafka_place *ret, const struct cli_command *c, const struct kafka_options *o)
{
    struct err error = {0};
    *ret = (struct kafka_place){.prefix = "tvbridge.", .partitioner = PARTITIONER_MURMUR2, .options = o};
    if (o->settings != NULL && place_from_settings(ret, o->settings, &error) < 0)
        return cli_fail(c, CLI_REFUSED, "%s", error.msg);
    if (place_from_options(ret, o, &error) < 0)
        return cli_usage(c, "%s", error.msg);
    return CLI_RUN;
}

void kafka_place_fini(struct kafka_place *p)
{
    settings_free(p->settings);
    p->settings = NULL;
}

/* ---- the client ---- */

/* What librdkafka carries as opaque: the client's own part and the command's. */
struct carrier {
    struct kafka_client client;
    void *arg;
};

void *kafka_client_arg(void *opaque)
{
    return ((struct carrier *)opaque)->arg;
}

/* "all brokers are down" says less than the complaint of the one that came before it. */
static void on_error(rd_kafka_t *rk, int code, const char *reason, void *opaque)
{
    struct carrier *c = opaque;
    (void)rk;
    if (code != RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN || c->client.why[0] == '\0')
        snprintf(c->client.why, sizeof(c->client.why), "%s", reason);
}

/* librdkafka would write to stderr by itself: what matters comes through on_error(). */
static void on_log(const rd_kafka_t *rk, int level, const char *facility, const char *text)
{
    (void)rk;
    (void)level;
    (void)facility;
    (void)text;
}

static int conf_set(rd_kafka_conf_t *conf, const char *name, const char *value, struct err *reterr)
{
    char why[256];
    if (rd_kafka_conf_set(conf, name, value, why, sizeof(why)) == RD_KAFKA_CONF_OK)
        return 0;
    if (is_one_of(secrets, ARRAY_LEN(secrets), name, strlen(name)))
        return err_set(reterr, ERR_INVAL, "librdkafka refuses the value of %s", name);
    return err_set(reterr, ERR_INVAL, "librdkafka refuses %s: %s", name, why);
}

static int conf_set_pairs(rd_kafka_conf_t *conf, const struct settings_pair *pairs, size_t n, struct err *reterr)
{
    for (size_t i = 0; i < n; i++)
        if (conf_set(conf, pairs[i].name, pairs[i].value, reterr) < 0)
            return -1;
    return 0;
}

static int conf_set_secrets(rd_kafka_conf_t *conf, struct err *reterr)
{
    for (size_t i = 0; i < ARRAY_LEN(secrets); i++) {
        char variable[80];
        secret_variable(secrets[i], variable);
        const char *value = getenv(variable);
        if (value != NULL && conf_set(conf, secrets[i], value, reterr) < 0)
            return -1;
    }
    return 0;
}

static int conf_set_options(rd_kafka_conf_t *conf, const struct kafka_options *o, struct err *reterr)
{
    for (size_t i = 0; i < o->properties.n; i++) {
        char name[64];
        const char *text = o->properties.item[i];
        size_t len = strcspn(text, "=");
        snprintf(name, sizeof(name), "%.*s", (int)len, text);
        if (conf_set(conf, name, text + len + 1, reterr) < 0)
            return -1;
    }
    return 0;
}

static int conf_fill(rd_kafka_conf_t *conf, const struct kafka_place *p, const struct settings_pair *own,
                     size_t own_count, struct err *reterr)
{
    if (conf_set(conf, "bootstrap.servers", p->brokers, reterr) < 0 ||
        conf_set(conf, "client.id", "tvbridge", reterr) < 0 || conf_set_pairs(conf, own, own_count, reterr) < 0)
        return -1;
    if (p->settings != NULL &&
        conf_set_pairs(conf, p->settings->librdkafka, p->settings->librdkafka_count, reterr) < 0)
        return -1;
    if (conf_set_secrets(conf, reterr) < 0)
        return -1;
    return conf_set_options(conf, p->options, reterr);
}

struct kafka_client *kafka_client_new(const struct kafka_place *p, rd_kafka_type_t type,
                                      const struct settings_pair *own, size_t own_count,
                                      void (*setup)(rd_kafka_conf_t *conf), void *arg, struct err *reterr)
{
    char why[256];
    struct carrier *c = calloc(1, sizeof(*c));
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    if (c == NULL || conf_fill(conf, p, own, own_count, reterr) < 0) {
        if (c == NULL)
            err_nomem(reterr);
        rd_kafka_conf_destroy(conf);
        free(c);
        return NULL;
    }
    c->arg = arg;
    rd_kafka_conf_set_opaque(conf, c);
    rd_kafka_conf_set_error_cb(conf, on_error);
    rd_kafka_conf_set_log_cb(conf, on_log);
    if (setup != NULL)
        setup(conf);
    c->client.rk = rd_kafka_new(type, conf, why, sizeof(why)); /* takes conf when it succeeds */
    if (c->client.rk == NULL) {
        rd_kafka_conf_destroy(conf);
        free(c);
        err_set(reterr, ERR_INVAL, "librdkafka refuses these properties: %s", why);
        return NULL;
    }
    return &c->client;
}

void kafka_client_free(struct kafka_client *c)
{
    if (c == NULL)
        return;
    rd_kafka_destroy(c->rk);
    free(c); /* the carrier begins with the client */
}

enum err_code kafka_err_code(rd_kafka_resp_err_t code)
{
    bool connection = code == RD_KAFKA_RESP_ERR__TRANSPORT || code == RD_KAFKA_RESP_ERR__TIMED_OUT ||
                      code == RD_KAFKA_RESP_ERR__MSG_TIMED_OUT || code == RD_KAFKA_RESP_ERR__RESOLVE ||
                      code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN || code == RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT;
    return connection ? ERR_IO : ERR_INVAL;
}

const struct rd_kafka_metadata *kafka_client_metadata(struct kafka_client *c, const struct kafka_place *p,
                                                      int64_t timeout_ms, struct err *reterr)
{
    const struct rd_kafka_metadata *m = NULL;
    rd_kafka_resp_err_t code = rd_kafka_metadata(c->rk, 1, NULL, &m, (int)timeout_ms);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        return m;
    rd_kafka_poll(c->rk, 0); /* brings the complaints that have gathered */
    err_set(reterr, kafka_err_code(code),
            "no broker of \"%s\" answered within %lld ms: %s. Is Kafka running there, and is --brokers (kafka.brokers "
            "in the settings) right?",
            p->brokers, (long long)timeout_ms, c->why[0] != '\0' ? c->why : rd_kafka_err2str(code));
    return NULL;
}

const rd_kafka_metadata_topic_t *kafka_find_topic(const struct rd_kafka_metadata *m, const char *name)
{
    for (int i = 0; i < m->topic_cnt; i++)
        if (strcmp(m->topics[i].topic, name) == 0)
            return m->topics[i].err == RD_KAFKA_RESP_ERR_NO_ERROR ? &m->topics[i] : NULL;
    return NULL;
}
