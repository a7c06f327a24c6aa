/* kafka_conf.h - what consumer, producer and the small askers share: librdkafka's settings.
 *
 * In this order, the later wins: our defaults, the settings' `librdkafka:` map, what the protocol needs
 * (RELIABILITY.md sections 4 and 13). Private to the kafka family of files. */
#ifndef TVB_IO_KAFKA_CONF_H
#define TVB_IO_KAFKA_CONF_H

#include <librdkafka/rdkafka.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "contract/settings.h"

struct kafka_prop {
    const char *name, *value;
};

/* A configuration with @defaults, the brokers, the settings' map and then @needed. NULL and @reterr names the
 * property; a secret's value is never in the text. Errors and logs come as events: @events is a mask. */
rd_kafka_conf_t *kafka_conf_new(const struct settings *s, int events, const struct kafka_prop *defaults, size_t n,
                                const struct kafka_prop *needed, size_t needed_n, struct err *reterr);
/* Sets one more property. 0, or -1 and @reterr. */
int kafka_conf_set(rd_kafka_conf_t *conf, const char *name, const char *value, struct err *reterr);
int kafka_conf_set_int(rd_kafka_conf_t *conf, const char *name, int64_t value, struct err *reterr);

/* Makes the client; @conf is taken whatever happens. */
rd_kafka_t *kafka_handle_new(rd_kafka_type_t type, rd_kafka_conf_t *conf, struct err *reterr);

#endif
