/* settings_kafka.c - the `librdkafka:` map: any property passes, but for those on which the promise stands. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "contract/settings_impl.h"

/* Properties that the worker sets itself, and what to do in their place. */
static const struct {
    const char *name, *instead;
} owned[] = {
    {"bootstrap.servers", "say kafka.brokers"},
    {"metadata.broker.list", "say kafka.brokers"},
    {"group.id", "it follows from kafka.prefix and the provider"},
    {"group.instance.id", "say kafka.instance"},
    {"enable.auto.commit", "offsets are committed only behind acknowledged outcomes"},
    {"auto.commit.interval.ms", "say numbers.commit_ms"},
    {"enable.auto.offset.store", "offsets are committed only behind acknowledged outcomes"},
    {"auto.offset.reset", "a lost offset must be noticed, not skipped"},
    {"offset.store.method", "offsets are kept by the brokers"},
    {"enable.partition.eof", "the worker needs it as it is"},
    {"partition.assignment.strategy", "librdkafka 2.0.2 keeps its assignment only with range"},
    {"session.timeout.ms", "say numbers.session_timeout_ms"},
    {"max.poll.interval.ms", "say numbers.max_poll_ms"},
    {"queued.max.messages.kbytes", "say numbers.queued_kbytes"},
    {"message.timeout.ms", "say numbers.outcome_timeout_ms"},
    {"delivery.timeout.ms", "say numbers.outcome_timeout_ms"},
    {"enable.idempotence", "outcomes are always produced idempotently"},
    {"acks", "outcomes always want acks=all"},
    {"request.required.acks", "outcomes always want acks=all"},
    {"retries", "the idempotent producer sets it"},
    {"message.send.max.retries", "the idempotent producer sets it"},
    {"max.in.flight", "the idempotent producer sets it"},
    {"max.in.flight.requests.per.connection", "the idempotent producer sets it"},
    {"transactional.id", "transactions are not used"},
    {"partitioner", "say kafka.partitioner"},
    {"allow.auto.create.topics", "topics are made by `tvbridge topics create`"},
    {"log.queue", "the worker needs it as it is"},
    {"opaque", "it cannot be set from a file"},
};

static bool is_callback(const char *name)
{
    size_t n = strlen(name);
    return n > 3 && strcmp(name + n - 3, "_cb") == 0;
}

static int refuse_owned(struct settings_loader *l, const char *pointer, const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(owned); i++)
        if (strcmp(name, owned[i].name) == 0)
            return settings_refuse(l, pointer, "the worker sets %s itself: %s", name,
                                   owned[i].instead);
    if (is_callback(name))
        return settings_refuse(l, pointer, "%s cannot be set from a file", name);
    return 0;
}

static int refuse_scram(struct settings_loader *l, const char *pointer, const char *name,
                        const json_t *v)
{
    bool mechanism = strcmp(name, "sasl.mechanisms") == 0 || strcmp(name, "sasl.mechanism") == 0;
    const char *text = json_string_value(v);
    if (mechanism && text != NULL && strcasestr(text, "SCRAM-") != NULL)
        return settings_refuse(l, pointer,
                               "librdkafka 2.0.2 cannot speak SCRAM to 4.x brokers: wanted PLAIN "
                               "or OAUTHBEARER over TLS, or "
                               "TLS client certificates");
    return 0;
}

static const char *as_text(struct settings_loader *l, const json_t *v)
{
    if (json_is_string(v))
        return json_string_value(v);
    if (json_is_boolean(v))
        return json_is_true(v) ? "true" : "false";
    if (json_is_integer(v))
        return settings_keep(l, "%lld", (long long)json_integer_value(v));
    return settings_keep(l, "%.15g", json_real_value(v));
}

static int check_property(struct settings_loader *l, const char *name, const json_t *v)
{
    struct buf pointer;
    buf_init(&pointer, 4096);
    buf_adds(&pointer, "/kafka/librdkafka");
    json_pointer_add(&pointer, name);
    int rc = refuse_owned(l, buf_cstr(&pointer), name);
    if (rc == 0)
        rc = refuse_scram(l, buf_cstr(&pointer), name, v);
    buf_fini(&pointer);
    return rc;
}

int settings_read_librdkafka(struct settings_loader *l, const json_t *map)
{
    struct settings *s = l->s;
    s->librdkafka = calloc(json_object_size(map) + 1, sizeof(*s->librdkafka));
    if (s->librdkafka == NULL)
        return err_nomem(l->reterr);
    const char *name;
    json_t *v, *it = json_unconst(map);
    json_object_foreach(it, name, v)
    {
        const char *text = check_property(l, name, v) == 0 ? as_text(l, v) : NULL;
        if (text == NULL)
            return -1;
        s->librdkafka[s->librdkafka_count++] = (struct settings_pair){name, text};
    }
    return 0;
}
