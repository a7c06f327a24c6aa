/* event.h - one CloudEvents 1.0 message from billing, decoded and validated.
 *
 * Structured and binary mode of the Kafka protocol binding (CloudEvents spec 1.0.2,
 * kafka-protocol-binding.md). The service is `subject`, the provider the extension `provider`,
 * the order `sequence`; service + source + id is the idempotency key. */
#ifndef TVB_CONTRACT_EVENT_H
#define TVB_CONTRACT_EVENT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/hash.h"
#include "contract/axes.h"
#include "contract/json.h"
#include "contract/order.h"

struct event_header {
    const char *name;
    const char *value; /* not NUL-terminated; may be NULL with len 0 */
    size_t len;
};

/* A Kafka message as it came: borrowed, alive only during the call. */
struct event_message {
    const char *key;
    size_t key_len;
    const char *value; /* NULL: a tombstone */
    size_t value_len;
    const struct event_header *headers;
    size_t header_count;
};

#define EVENT_KEY_SIZE (2 * HASH_SHA256_SIZE + 1)
/* The idempotency key: hex SHA-256 of service, source and id. */
void event_key(const char *service, const char *source, const char *id, char ret[EVENT_KEY_SIZE]);

struct event {
    enum event_type type;
    json_t *root;        /* the event in structured form, owned; the pointers below point into it */
    const char *id, *source, *service, *provider;
    const char *time;        /* NULL when absent */
    const char *sequence;    /* NULL when absent: the offset orders */
    const char *basis;       /* of an event that tvbridge made: it orders instead; NULL when absent */
    const char *traceparent; /* NULL when absent */
    int64_t expires_ms;      /* expirytime as Unix ms; 0 when absent */
    int64_t not_before_ms;   /* notbefore as Unix ms; 0 when absent */
    json_t *data;            /* borrowed from root; an empty object when the event has none */
    struct axes axes;
    uint8_t fingerprint[HASH_SHA256_SIZE]; /* of type, subject, provider, sequence, canonical data */
    char key[EVENT_KEY_SIZE];              /* event_key() */
};

struct event_schemas; /* the envelope's schema and one for each type, compiled; read-only, for any thread */

/* Loads <dir>/event.schema.json and <dir>/events/<type>.schema.json. */
struct event_schemas *event_schemas_load(const char *dir, struct err *reterr);
void event_schemas_free(struct event_schemas *s);

/* Decodes and validates. 0 and @ret (event_fini() frees it), or -1 and @ret_fault: invalid. Checks: size, JSON,
 * envelope, type, data, and that `partitionkey`, when present, is the message's key. That
 * key and service agree, and the partition, is checked by event_is_misplaced(). */
int event_decode(const struct event_schemas *s, const struct event_message *m, struct event *ret,
                 struct fault *ret_fault);
void event_fini(struct event *e);

enum partitioner { PARTITIONER_MURMUR2, PARTITIONER_CRC32 };
/* The partition where @key belongs. */
int32_t partition_of(enum partitioner p, const char *key, size_t key_len, int32_t partitions);

/* True, and why in @ret_fault, when the event is not where its key belongs: the service is not the message's key, or
 * the provider is not @provider, or the partition is not that of the key. */
bool event_is_misplaced(const struct event *e, const struct event_message *m, const char *provider,
                        enum partitioner p, int32_t partition, int32_t partitions, struct fault *ret_fault);

/* What it is ordered by. */
enum order_by event_order_by(const struct event *e);
/* The event's order: just above its basis, its sequence, or @offset where it has neither. */
struct order event_order(const struct event *e, uint32_t epoch, int64_t offset);

#endif
