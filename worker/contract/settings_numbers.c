#include "contract/settings_numbers.h"

#include <stddef.h>
#include <stdio.h>

#include "base/attr.h"

static const struct settings_number table[] = {
    {"ownership_ms", offsetof(struct settings_numbers, ownership_ms), 6000, 3000, 600000},
    {"connect_ms", offsetof(struct settings_numbers, connect_ms), 2000, 50, 60000},
    {"request_ms", offsetof(struct settings_numbers, request_ms), 10000, 100, 600000},
    {"provider_max_ms", offsetof(struct settings_numbers, provider_max_ms), 30000, 0, 3600000},
    {"lease_ms", offsetof(struct settings_numbers, lease_ms), 20000, 5000, 3600000},
    {"quarantine_ms", offsetof(struct settings_numbers, quarantine_ms), 48000, 5000, 7200000},
    {"session_timeout_ms", offsetof(struct settings_numbers, session_timeout_ms), 10000, 6000,
     1800000},
    {"max_poll_ms", offsetof(struct settings_numbers, max_poll_ms), 300000, 10000, 86400000},
    {"drain_ms", offsetof(struct settings_numbers, drain_ms), 15000, 1000, 600000},
    {"window_events", offsetof(struct settings_numbers, window_events), 20000, 10, 1000000},
    {"window_bytes", offsetof(struct settings_numbers, window_bytes), 33554432, 2097152,
     1073741824},
    {"lane_limit", offsetof(struct settings_numbers, lane_limit), 1000, 1, 1000000},
    {"waiting_limit", offsetof(struct settings_numbers, waiting_limit), 1000000, 10, 10000000},
    {"aside_after_ms", offsetof(struct settings_numbers, aside_after_ms), 60000, 100, 86400000},
    {"held_poll_ms", offsetof(struct settings_numbers, held_poll_ms), 300000, 100, 86400000},
    {"sequence_jump", offsetof(struct settings_numbers, sequence_jump), 0, 0, 9007199254740991},
    {"id_memory_ms", offsetof(struct settings_numbers, id_memory_ms), 604800000, 60000,
     31536000000},
    {"queued_kbytes", offsetof(struct settings_numbers, queued_kbytes), 12288, 1024, 2097151},
    {"commit_ms", offsetof(struct settings_numbers, commit_ms), 1000, 10, 60000},
    {"redis_timeout_ms", offsetof(struct settings_numbers, redis_timeout_ms), 2000, 50, 60000},
    {"outcome_timeout_ms", offsetof(struct settings_numbers, outcome_timeout_ms), 30000, 1000,
     3600000},
};

const struct settings_number *settings_number_table(size_t *ret_count)
{
    *ret_count = ARRAY_LEN(table);
    return table;
}

static int64_t value_of(const struct settings_numbers *n, const struct settings_number *t)
{
    return *(const int64_t *)(const void *)((const char *)n + t->offset);
}

static bool in_range(const struct settings_numbers *n, struct settings_disagreement *ret)
{
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        int64_t v = value_of(n, &table[i]);
        if (v >= table[i].min && v <= table[i].max)
            continue;
        ret->member = table[i].name;
        ret->other = NULL;
        snprintf(ret->reason, sizeof(ret->reason), "%s is %lld, wanted %lld to %lld", table[i].name,
                 (long long)v, (long long)table[i].min, (long long)table[i].max);
        return false;
    }
    return true;
}

struct rule {
    const char *member, *other;
    int64_t value;
    bool at_most; /* else at least */
    int64_t limit;
    const char *why;
};

static bool holds(const struct rule *r, struct settings_disagreement *ret)
{
    if (r->at_most ? r->value <= r->limit : r->value >= r->limit)
        return true;
    ret->member = r->member;
    ret->other = r->other;
    snprintf(ret->reason, sizeof(ret->reason), "%s is %lld, wanted at %s %lld: %s", r->member,
             (long long)r->value, r->at_most ? "most" : "least", (long long)r->limit, r->why);
    return false;
}

bool settings_numbers_agree(const struct settings_numbers *n, struct settings_disagreement *ret)
{
    if (!in_range(n, ret))
        return false;
    const struct rule rules[] = {
        {"connect_ms", "request_ms", n->connect_ms, true, n->request_ms - 1,
         "below request_ms, which it is a part of"},
        {"lease_ms", "request_ms", n->lease_ms, false, n->ownership_ms + n->request_ms + 4000,
         "ownership_ms + request_ms + 4000, so that no call outlives its lease"},
        {"redis_timeout_ms", "lease_ms", n->redis_timeout_ms, true,
         n->lease_ms - n->ownership_ms - n->request_ms,
         "what lease_ms leaves beside ownership_ms and request_ms"},
        {"quarantine_ms", "provider_max_ms", n->quarantine_ms, false,
         n->ownership_ms + n->request_ms + n->provider_max_ms + 2000,
         "ownership_ms + request_ms + provider_max_ms + 2000, so that a call in doubt has ended "
         "before it is looked at"},
        {"outcome_timeout_ms", "quarantine_ms", n->outcome_timeout_ms, true, n->quarantine_ms - 1,
         "below quarantine_ms, so that no old outcome is written after a new owner has read them"},
        {"commit_ms", "ownership_ms", n->commit_ms, true, n->ownership_ms / 2,
         "half of ownership_ms, so that one lost commit does not stop the calls"},
        {"drain_ms", "request_ms", n->drain_ms, false, n->request_ms + n->redis_timeout_ms,
         "request_ms + redis_timeout_ms, so that a call that just left can end and be decided"},
        {"drain_ms", "max_poll_ms", n->drain_ms, true, n->max_poll_ms - 1,
         "below max_poll_ms, in which a revoked partition must be given back"},
        {"session_timeout_ms", "max_poll_ms", n->session_timeout_ms, true, n->max_poll_ms,
         "max_poll_ms, as Kafka's client wants it"},
        {"lane_limit", "window_events", n->lane_limit, true, n->window_events,
         "window_events: a lane is a part of its partition's window"},
        {"id_memory_ms", "quarantine_ms", n->id_memory_ms, false, n->quarantine_ms + 1,
         "above quarantine_ms, so that an event in doubt is not forgotten"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rules); i++)
        if (!holds(&rules[i], ret))
            return false;
    return true;
}
