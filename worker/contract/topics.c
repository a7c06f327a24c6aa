#include "contract/topics.h"

#include <stdio.h>

#include "base/attr.h"

static const char *word_of(enum topic_kind k)
{
    switch (k) {
    case TOPIC_EVENTS:
        return "events";
    case TOPIC_OUTCOMES:
        return "outcomes";
    case TOPIC_RECORDS:
        return "records";
    case TOPIC_WAITING:
        return "waiting";
    case TOPIC_CONTROL:
        return "control";
    case TOPIC_DEAD:
        return "dead";
    case TOPIC_KIND_COUNT:
        break;
    }
    return "";
}

int topic_name(enum topic_kind k, const char *prefix, const char *provider,
               char ret[TOPIC_NAME_SIZE])
{
    int n;
    if (k == TOPIC_OUTCOMES)
        n = snprintf(ret, TOPIC_NAME_SIZE, "%s%s", prefix, word_of(k));
    else
        n = snprintf(ret, TOPIC_NAME_SIZE, "%s%s.%s", prefix, word_of(k), provider);
    return n < 0 || n >= TOPIC_NAME_SIZE ? -1 : 0;
}

/* Times in ms, sizes in bytes. A broker's own default of 1 MiB a message would refuse the dead letter of
 * a full-sized event: what leaves may be larger than what came, by its headers and the record in it. */
static const struct topic_config events[] = {
    {"cleanup.policy", "delete"},
    {"retention.ms", "1209600000"}, /* 14 days: above the longest outage */
    {"max.message.bytes", "2097152"},
    {"unclean.leader.election.enable", "false"},
};

static const struct topic_config outcomes[] = {
    {"cleanup.policy", "delete"},
    {"retention.ms", "1209600000"}, /* at least id_memory, 7 days */
    {"max.message.bytes", "4194304"},
    {"unclean.leader.election.enable", "false"},
};

static const struct topic_config compacted[] = {
    {"cleanup.policy", "compact"},
    {"delete.retention.ms", "604800000"}, /* a tombstone outlives any owner that is still reading */
    {"min.compaction.lag.ms", "600000"},  /* what a late write overwrote is there when the next owner looks: far above the quarantine */
    {"max.message.bytes", "4194304"},
    {"unclean.leader.election.enable", "false"},
};

static const struct topic_config control[] = {
    {"cleanup.policy", "delete"},
    {"retention.ms", "-1"}, /* the audit trail */
    {"max.message.bytes", "2097152"},
    {"unclean.leader.election.enable", "false"},
};

static const struct topic_config dead[] = {
    {"cleanup.policy", "delete"},
    {"retention.ms", "7776000000"}, /* 90 days: a person must find them */
    {"max.message.bytes", "4194304"},
    {"unclean.leader.election.enable", "false"},
};

const struct topic_config *topic_configs(enum topic_kind k, size_t *ret_n)
{
    switch (k) {
    case TOPIC_EVENTS:
        *ret_n = ARRAY_LEN(events);
        return events;
    case TOPIC_OUTCOMES:
        *ret_n = ARRAY_LEN(outcomes);
        return outcomes;
    case TOPIC_RECORDS:
    case TOPIC_WAITING:
        *ret_n = ARRAY_LEN(compacted);
        return compacted;
    case TOPIC_CONTROL:
        *ret_n = ARRAY_LEN(control);
        return control;
    case TOPIC_DEAD:
        *ret_n = ARRAY_LEN(dead);
        return dead;
    case TOPIC_KIND_COUNT:
        break;
    }
    *ret_n = 0;
    return NULL;
}
