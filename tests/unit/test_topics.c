/* Names and settings of the topics. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "contract/topics.h"

Test(topics, names_follow_the_prefix_and_the_provider)
{
    static const struct {
        enum topic_kind kind;
        const char *want;
    } rows[] = {
        {TOPIC_EVENTS, "tvbridge.events.stalker"},   {TOPIC_OUTCOMES, "tvbridge.outcomes"},
        {TOPIC_RECORDS, "tvbridge.records.stalker"}, {TOPIC_WAITING, "tvbridge.waiting.stalker"},
        {TOPIC_CONTROL, "tvbridge.control.stalker"}, {TOPIC_DEAD, "tvbridge.dead.stalker"},
    };
    char name[TOPIC_NAME_SIZE];
    cr_expect(eq(sz, ARRAY_LEN(rows), TOPIC_KIND_COUNT));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        cr_expect(eq(int, topic_name(rows[i].kind, "tvbridge.", "stalker", name), 0));
        cr_expect(eq(str, name, (char *)rows[i].want));
    }
    cr_expect(eq(int, topic_name(TOPIC_EVENTS, "test.7.", "ole", name), 0));
    cr_expect(eq(str, name, "test.7.events.ole"));
}

Test(topics, a_name_that_kafka_would_refuse_for_its_length_is_an_error)
{
    char prefix[TOPIC_NAME_SIZE], name[TOPIC_NAME_SIZE];
    memset(prefix, 'p', sizeof(prefix));
    prefix[249 - strlen("events.ole")] = '\0';
    cr_expect(eq(int, topic_name(TOPIC_EVENTS, prefix, "ole", name), 0));
    cr_expect(eq(sz, strlen(name), 249));
    cr_expect(eq(int, topic_name(TOPIC_EVENTS, prefix, "ole2", name), -1));
}

static const char *config_of(enum topic_kind k, const char *name)
{
    size_t n;
    const struct topic_config *c = topic_configs(k, &n);
    for (size_t i = 0; i < n; i++)
        if (strcmp(c[i].name, name) == 0)
            return c[i].value;
    return "none";
}

Test(topics, records_and_waiting_are_compacted_and_the_others_are_not)
{
    for (int k = 0; k < TOPIC_KIND_COUNT; k++) {
        const char *want = k == TOPIC_RECORDS || k == TOPIC_WAITING ? "compact" : "delete";
        cr_expect(eq(str, (char *)config_of((enum topic_kind)k, "cleanup.policy"), (char *)want),
                  "kind %d", k);
    }
}

Test(topics, outcomes_outlive_the_memory_of_ids_and_control_is_kept)
{
    const long long week_ms = 7LL * 24 * 3600 * 1000;
    cr_expect(ge(llong, atoll(config_of(TOPIC_OUTCOMES, "retention.ms")), week_ms));
    cr_expect(eq(str, (char *)config_of(TOPIC_CONTROL, "retention.ms"), "-1"));
}

Test(topics, what_leaves_may_be_larger_than_what_came)
{
    long long in = atoll(config_of(TOPIC_EVENTS, "max.message.bytes"));
    cr_expect(lt(llong, 1048576, in), "an event over 1 MiB must arrive, to be a dead letter");
    cr_expect(lt(llong, in, atoll(config_of(TOPIC_DEAD, "max.message.bytes"))));
    cr_expect(lt(llong, in, atoll(config_of(TOPIC_WAITING, "max.message.bytes"))));
}
