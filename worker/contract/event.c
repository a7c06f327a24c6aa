#include "contract/event.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "contract/event_mode.h"
#include "contract/schema.h"

struct event_schemas {
    struct schema *envelope;
    struct schema *data[EVENT_TYPE_COUNT];
};

struct event_schemas *event_schemas_load(const char *dir, struct err *reterr)
{
    char path[4096];
    struct event_schemas *s = calloc(1, sizeof(*s));
    if (s == NULL) {
        err_nomem(reterr);
        return NULL;
    }
    snprintf(path, sizeof(path), "%s/event.schema.json", dir);
    s->envelope = schema_load(path, reterr);
    if (s->envelope == NULL)
        goto fail;
    for (size_t i = 0; i < EVENT_TYPE_COUNT; i++) {
        snprintf(path, sizeof(path), "%s/events/%s.schema.json", dir,
                 event_type_name((enum event_type)i));
        s->data[i] = schema_load(path, reterr);
        if (s->data[i] == NULL)
            goto fail;
    }
    return s;
fail:
    event_schemas_free(s);
    return NULL;
}

void event_schemas_free(struct event_schemas *s)
{
    if (s == NULL)
        return;
    schema_free(s->envelope);
    for (size_t i = 0; i < EVENT_TYPE_COUNT; i++)
        schema_free(s->data[i]);
    free(s);
}

static const char *text_of(const json_t *root, const char *name)
{
    return json_string_value(json_object_get(root, name));
}

/* The envelope is valid: what it requires is there. */
static void take_attributes(struct event *e)
{
    e->id = text_of(e->root, "id");
    e->source = text_of(e->root, "source");
    e->service = text_of(e->root, "subject");
    e->provider = text_of(e->root, "provider");
    e->time = text_of(e->root, "time");
    e->sequence = text_of(e->root, "sequence");
    e->basis = text_of(e->root, "basis");
    e->traceparent = text_of(e->root, "traceparent");
}

static bool is_list(enum event_type t)
{
    return t == EVENT_CATALOG_REQUESTED || t == EVENT_ACCOUNTS_REQUESTED;
}

static int check_subject(const struct event *e, struct fault *ret_fault)
{
    static const char prefix[] = "provider:", partition[] = "partition:";
    if (strncmp(e->service, partition, sizeof(partition) - 1) == 0)
        return fault_set(ret_fault, "/subject", "no service's id begins with partition:");
    bool of_provider = strncmp(e->service, prefix, sizeof(prefix) - 1) == 0;
    if (!is_list(e->type))
        return of_provider ? fault_set(ret_fault, "/subject",
                                       "this type is about a service, not about a provider")
                           : 0;
    if (!of_provider || strcmp(e->service + sizeof(prefix) - 1, e->provider) != 0)
        return fault_set(ret_fault, "/subject",
                         "this type has no service: want provider:<name of the provider>");
    return 0;
}

static int take_times(struct event *e, struct fault *ret_fault)
{
    const char *expiry = text_of(e->root, "expirytime"), *begins = text_of(e->root, "notbefore");
    e->expires_ms = e->not_before_ms = 0;
    if (expiry != NULL && clock_parse_rfc3339(expiry, &e->expires_ms) != 0)
        return fault_set(ret_fault, "/expirytime", "not an RFC 3339 date-time");
    if (begins != NULL && clock_parse_rfc3339(begins, &e->not_before_ms) != 0)
        return fault_set(ret_fault, "/notbefore", "not an RFC 3339 date-time");
    return 0;
}

static int check_basis(const struct event *e, struct fault *ret_fault)
{
    struct basis b;
    if (e->basis == NULL)
        return 0;
    if (e->sequence != NULL)
        return fault_set(ret_fault, "/basis", "an event that has a sequence has none");
    if (is_list(e->type))
        return fault_set(ret_fault, "/basis", "this type has no service, and so no order");
    return basis_parse(e->basis, &b) == 0 ? 0 : fault_set(ret_fault, "/basis", "its order is too high");
}

static int check_partitionkey(const struct event *e, const struct event_message *m,
                              struct fault *ret_fault)
{
    const char *key = text_of(e->root, "partitionkey");
    if (key == NULL)
        return 0;
    if (m->key == NULL || strlen(key) != m->key_len || memcmp(key, m->key, m->key_len) != 0)
        return fault_set(ret_fault, "/partitionkey", "is not the key of the Kafka message");
    return 0;
}

static int check_data(const struct event_schemas *s, struct event *e, struct fault *ret_fault)
{
    e->data = json_object_get(e->root, "data");
    if (e->data == NULL) {
        e->data = json_object();
        if (json_object_set_new(e->root, "data", e->data) != 0)
            return fault_nomem(ret_fault);
    }
    struct fault inner;
    if (schema_check(s->data[e->type], e->data, &inner))
        return 0;
    return fault_below(ret_fault, "/data", &inner);
}

static struct hash_part part(const char *text)
{
    return (struct hash_part){.data = text, .len = text == NULL ? 0 : strlen(text)};
}

void event_key(const char *service, const char *source, const char *id, char ret[EVENT_KEY_SIZE])
{
    const struct hash_part who[] = {part(service), part(source), part(id)};
    uint8_t digest[HASH_SHA256_SIZE];
    hash_sha256_parts(who, ARRAY_LEN(who), digest);
    hash_hex(digest, sizeof(digest), ret);
}

static int take_digests(struct event *e, struct fault *ret_fault)
{
    static const size_t max_bytes = JSON_EVENT_MAX_BYTES;
    struct buf data;
    buf_init(&data, 8 * max_bytes); /* escapes may lengthen it, six times at worst */
    buf_reserve(&data, 1024);       /* one allocation for most */
    json_add_canonical(&data, e->data);
    if (!buf_ok(&data)) {
        buf_fini(&data);
        return fault_nomem(ret_fault);
    }
    const struct hash_part what[] = {
        part(event_type_name(e->type)), part(e->service), part(e->provider), part(e->sequence),
        {data.data, data.len},
    };
    hash_sha256_parts(what, ARRAY_LEN(what), e->fingerprint);
    buf_fini(&data);

    event_key(e->service, e->source, e->id, e->key);
    return 0;
}

static int take_type(struct event *e, struct fault *ret_fault)
{
    if (event_type_parse(text_of(e->root, "type"), &e->type) != 0)
        return fault_set(ret_fault, "/type", "no such event type: see schemas/events/");
    return 0;
}

static int decode(const struct event_schemas *s, const struct event_message *m, struct event *e,
                  struct fault *ret_fault)
{
    if (!schema_check(s->envelope, e->root, ret_fault))
        return -1;
    take_attributes(e);
    if (take_type(e, ret_fault) != 0 || check_subject(e, ret_fault) != 0 ||
        take_times(e, ret_fault) != 0 || check_basis(e, ret_fault) != 0 || check_partitionkey(e, m, ret_fault) != 0)
        return -1;
    if (check_data(s, e, ret_fault) != 0 || take_digests(e, ret_fault) != 0)
        return -1;
    return axes_of(e->type, e->data, &e->axes, ret_fault);
}

int event_decode(const struct event_schemas *s, const struct event_message *m, struct event *ret,
                 struct fault *ret_fault)
{
    ret->root = event_root_of(m, ret_fault);
    if (ret->root == NULL)
        return -1;
    if (decode(s, m, ret, ret_fault) == 0)
        return 0;
    event_fini(ret);
    return -1;
}

void event_fini(struct event *e)
{
    json_decref(e->root);
    e->root = NULL;
}

int32_t partition_of(enum partitioner p, const char *key, size_t key_len, int32_t partitions)
{
    switch (p) {
    case PARTITIONER_MURMUR2:
        return (int32_t)(hash_murmur2(key, key_len) % (uint32_t)partitions);
    case PARTITIONER_CRC32:
        return (int32_t)(hash_crc32(key, key_len) % (uint32_t)partitions);
    }
    return 0;
}

bool event_is_misplaced(const struct event *e, const struct event_message *m, const char *provider,
                        enum partitioner p, int32_t partition, int32_t partitions,
                        struct fault *ret_fault)
{
    size_t len = strlen(e->service);
    if (m->key == NULL || m->key_len != len || memcmp(m->key, e->service, len) != 0)
        fault_set(ret_fault, "/subject", "the key of the Kafka message is not the service");
    else if (strcmp(e->provider, provider) != 0)
        fault_set(ret_fault, "/provider", "the topic is that of another provider");
    else if (partition_of(p, m->key, m->key_len, partitions) != partition)
        fault_set(ret_fault, "/subject",
                  "the key belongs to partition %d: the producer uses another partitioner",
                  (int)partition_of(p, m->key, m->key_len, partitions));
    else
        return false;
    return true;
}

enum order_by event_order_by(const struct event *e)
{
    struct basis b;
    if (e->basis != NULL && basis_parse(e->basis, &b) == 0)
        return b.by;
    return e->sequence != NULL ? ORDER_BY_SEQUENCE : ORDER_BY_OFFSET;
}

struct order event_order(const struct event *e, uint32_t epoch, int64_t offset)
{
    struct order o = {.epoch = epoch, .number = (uint64_t)offset};
    struct basis b;
    if (e->basis != NULL && basis_parse(e->basis, &b) == 0) /* decode has seen it */
        return basis_order(&b);
    if (e->sequence != NULL)
        (void)order_parse_sequence(e->sequence, &o.number); /* the envelope's pattern has seen it */
    return o;
}
