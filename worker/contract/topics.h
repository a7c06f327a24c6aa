/* topics.h - the names and settings of the topics of an installation. RELIABILITY.md section 2. */
#ifndef TVB_CONTRACT_TOPICS_H
#define TVB_CONTRACT_TOPICS_H

#include <stdbool.h>
#include <stddef.h>

enum topic_kind { TOPIC_EVENTS, TOPIC_OUTCOMES, TOPIC_RECORDS, TOPIC_WAITING, TOPIC_CONTROL, TOPIC_DEAD, TOPIC_KIND_COUNT };

#define TOPIC_NAME_SIZE 250 /* Kafka allows 249 characters */

/* "<prefix>events.<provider>"; for TOPIC_OUTCOMES the provider is not used. -1 when it would be too long. */
int topic_name(enum topic_kind k, const char *prefix, const char *provider, char ret[TOPIC_NAME_SIZE]);

/* The topic-level settings that this kind wants, as name/value pairs (e.g. cleanup.policy=compact). */
struct topic_config {
    const char *name, *value;
};
const struct topic_config *topic_configs(enum topic_kind k, size_t *ret_n);

#endif
