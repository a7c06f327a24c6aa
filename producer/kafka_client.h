/* kafka_client.h - where Kafka is, as all commands are told, and a librdkafka client for it.
 *
 * The place comes from the worker's settings file or from a few options. Secrets are never taken from the command
 * line: they come from the settings file or from the environment (TVBRIDGE_KAFKA_SASL_PASSWORD for sasl.password). */
#ifndef TVB_PRODUCER_KAFKA_CLIENT_H
#define TVB_PRODUCER_KAFKA_CLIENT_H

#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "cli.h"
#include "contract/settings.h"

#define KAFKA_TIMEOUT_MS 10000 /* how long a broker may take to answer at first */

struct kafka_options {
    const char *settings, *brokers, *prefix;
    int64_t partitions;   /* 0: not said */
    int64_t timeout_ms;   /* KAFKA_TIMEOUT_MS unless said */
    struct cli_list properties; /* "name=value" of -X */
};

void kafka_options_init(struct kafka_options *o);
/* The options above as a group for cli_parse(); without @timeout, the command has a --timeout of its own. */
struct cli_group kafka_options_group(struct kafka_options *o, bool timeout);

struct kafka_place {
    struct settings *settings;   /* owned; NULL: no file was given */
    const char *brokers, *prefix;
    int32_t partitions;          /* what the settings want; 0: they do not say, any number is right */
    enum partitioner partitioner;
    const struct kafka_options *options; /* borrowed */
};

/* Reads the settings and checks the options against each other. CLI_RUN, or the status to end with after a message
 * on stderr: CLI_USAGE for the options, CLI_REFUSED for the settings file. */
enum cli_status kafka_place_open(struct kafka_place *ret, const struct cli_command *c, const struct kafka_options *o);
void kafka_place_fini(struct kafka_place *p);

struct kafka_client {
    rd_kafka_t *rk;
    char why[256]; /* the last thing that a broker or the connection complained of; "" when nothing */
};

/* Configures librdkafka: @own first, then the settings' and the options' properties. @setup (may be NULL) sets
 * callbacks; their opaque is @arg, that of the client itself is taken. NULL and @reterr. */
struct kafka_client *kafka_client_new(const struct kafka_place *p, rd_kafka_type_t type,
                                      const struct settings_pair *own, size_t own_count,
                                      void (*setup)(rd_kafka_conf_t *conf), void *arg, struct err *reterr);
void kafka_client_free(struct kafka_client *c); /* NULL is fine; does not flush */
/* In a librdkafka callback: the @arg of kafka_client_new(). */
void *kafka_client_arg(void *opaque);

/* All topics of the cluster (asking for one would create it). The caller frees with rd_kafka_metadata_destroy().
 * NULL: no broker answered within @timeout_ms: @reterr (ERR_IO) names them and what went wrong. */
const struct rd_kafka_metadata *kafka_client_metadata(struct kafka_client *c, const struct kafka_place *p,
                                                      int64_t timeout_ms, struct err *reterr);
/* The topic in the answer; NULL: there is none of that name. */
const rd_kafka_metadata_topic_t *kafka_find_topic(const struct rd_kafka_metadata *m, const char *name);

/* ERR_IO when the failure is of the connection, else ERR_INVAL. */
enum err_code kafka_err_code(rd_kafka_resp_err_t code);

#endif
