#include "contract/outcome.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/utf8.h"
#include "contract/json_read.h"

static const char *const names[OUTCOME_KIND_COUNT] = {
    [OUTCOME_APPLIED] = "applied",       [OUTCOME_UNCHANGED] = "unchanged",
    [OUTCOME_SUPERSEDED] = "superseded", [OUTCOME_STALE] = "stale",
    [OUTCOME_REJECTED] = "rejected",     [OUTCOME_DEAD] = "dead",
    [OUTCOME_EXPIRED] = "expired",       [OUTCOME_PREVIEW] = "preview",
    [OUTCOME_CONFLICT] = "conflict",     [OUTCOME_HELD] = "held",
    [OUTCOME_IN_DOUBT] = "in_doubt",     [OUTCOME_WAITING] = "waiting",
};

const char *outcome_kind_name(enum outcome_kind k)
{
    return (size_t)k < ARRAY_LEN(names) ? names[k] : "";
}

int outcome_kind_parse(const char *name, enum outcome_kind *ret)
{
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (strcmp(name, names[i]) == 0) {
            *ret = (enum outcome_kind)i;
            return 0;
        }
    return -1;
}

bool outcome_kind_is_final(enum outcome_kind k)
{
    return k < OUTCOME_HELD;
}

bool outcome_kind_moves_record(enum outcome_kind k)
{
    return k == OUTCOME_APPLIED || k == OUTCOME_UNCHANGED;
}

void outcome_fini(struct outcome *o)
{
    json_decref(o->given);
    free(o->by);
    o->given = NULL;
    o->by = NULL;
}

/* A provider answers with what bytes it likes, and a cut may split a character; the outcome stays JSON. */
static void add_text(struct buf *out, const char *text, size_t size)
{
    char clean[256];
    size_t n = strnlen(text, size < sizeof(clean) ? size : sizeof(clean));
    for (size_t i = 0; i < n;) {
        size_t len = utf8_len(text + i, n - i);
        if (len == 0)
            clean[i++] = '?';
        else
            for (; len > 0; len--, i++)
                clean[i] = text[i];
    }
    buf_add_json(out, clean, n);
}

static void add_member(struct buf *out, const char *name_with_comma, const char *text, size_t size)
{
    if (text[0] == '\0')
        return;
    buf_adds(out, name_with_comma);
    add_text(out, text, size);
}

/* The part that facts and outcome share, the outcome's words. */
static void add_words(const struct outcome *o, struct buf *out)
{
    add_member(out, ",\"reason\":", o->reason, sizeof(o->reason));
    add_member(out, ",\"resolved\":", o->resolved, sizeof(o->resolved));
    buf_adds(out, ",\"attempts\":");
    buf_addu(out, o->attempts);
    buf_adds(out, ",\"round\":");
    buf_addu(out, o->round);
    if (o->by != NULL) {
        buf_adds(out, ",\"by\":");
        buf_add_json_str(out, o->by);
    }
}

static void add_given(const struct outcome *o, struct buf *out)
{
    if (o->given == NULL || json_object_size(o->given) == 0)
        return;
    buf_adds(out, ",\"given\":");
    json_add_compact(out, o->given);
}

void outcome_facts_encode(const struct outcome *o, struct buf *out)
{
    buf_adds(out, "{\"kind\":\"");
    buf_adds(out, outcome_kind_name(o->kind));
    buf_addc(out, '"');
    add_words(o, out);
    if (o->status != 0) {
        buf_adds(out, ",\"status\":");
        buf_addi(out, o->status);
    }
    add_member(out, ",\"answer\":", o->answer, sizeof(o->answer));
    add_given(o, out);
    buf_addc(out, '}');
}

static void take_text(const json_t *facts, const char *name, char *ret, size_t size)
{
    const char *text = json_string_value(json_object_get(facts, name));
    if (text != NULL)
        snprintf(ret, size, "%s", text);
}

static int take_number(const json_t *facts, const char *name, json_int_t max, json_int_t *ret)
{
    const json_t *v = json_object_get(facts, name);
    if (v == NULL)
        return 0;
    if (!json_is_integer(v) || json_integer_value(v) < 0 || json_integer_value(v) > max)
        return -1;
    *ret = json_integer_value(v);
    return 0;
}

static int take_facts(const json_t *facts, struct outcome *o)
{
    const char *kind = json_string_value(json_object_get(facts, "kind"));
    json_int_t attempts = 0, round = 1, status = 0;
    if (kind == NULL || outcome_kind_parse(kind, &o->kind) != 0)
        return -1;
    if (take_number(facts, "attempts", UINT32_MAX, &attempts) != 0 ||
        take_number(facts, "round", UINT32_MAX, &round) != 0 ||
        take_number(facts, "status", 999, &status) != 0)
        return -1;
    json_t *given = json_object_get(facts, "given");
    const char *by = json_string_value(json_object_get(facts, "by"));
    if (given != NULL && !json_is_object(given))
        return -1;
    if (by != NULL && (o->by = strdup(by)) == NULL)
        return -1;
    o->attempts = (unsigned)attempts;
    o->round = (unsigned)round;
    o->status = (int)status;
    take_text(facts, "reason", o->reason, sizeof(o->reason));
    take_text(facts, "resolved", o->resolved, sizeof(o->resolved));
    take_text(facts, "answer", o->answer, sizeof(o->answer));
    o->given = json_incref(given);
    return 0;
}

int outcome_facts_decode(const char *text, size_t len, struct outcome *ret)
{
    struct outcome o = {.round = 1};
    json_t *facts = json_read_any(text, len);
    int rc = json_is_object(facts) ? take_facts(facts, &o) : -1;
    json_decref(facts);
    if (rc == 0)
        *ret = o;
    return rc;
}

void outcome_id(const struct outcome *o, const struct event *e, char ret[33])
{
    const uint8_t round[] = {(uint8_t)(o->round >> 24), (uint8_t)(o->round >> 16),
                             (uint8_t)(o->round >> 8), (uint8_t)o->round};
    const char *kind = outcome_kind_name(o->kind);
    const struct hash_part parts[] = {
        {e->service, strlen(e->service)},
        {e->source, strlen(e->source)},
        {e->id, strlen(e->id)},
        {e->fingerprint, sizeof(e->fingerprint)},
        {kind, strlen(kind)},
        {round, sizeof(round)},
    };
    uint8_t digest[HASH_SHA256_SIZE];
    hash_sha256_parts(parts, ARRAY_LEN(parts), digest);
    hash_hex(digest, 16, ret);
}

static void add_attribute(struct buf *out, const char *name_with_comma, const char *value)
{
    if (value == NULL)
        return;
    buf_adds(out, name_with_comma);
    buf_add_json_str(out, value);
}

/* The outcome's Kafka key, "<provider>/<service>"; at most 63 and 128 bytes by the envelope's schema. */
static void add_key(const struct event *e, struct buf *out)
{
    char key[256];
    size_t provider = strnlen(e->provider, 63), service = strnlen(e->service, 128);
    memcpy(key, e->provider, provider);
    key[provider] = '/';
    memcpy(key + provider + 1, e->service, service);
    buf_adds(out, ",\"partitionkey\":");
    buf_add_json(out, key, provider + 1 + service);
}

static void add_context(const struct outcome *o, const struct event *e,
                        const struct outcome_place *at, struct buf *out)
{
    char id[33], time[CLOCK_RFC3339_SIZE];
    outcome_id(o, e, id);
    clock_format_rfc3339(at->now_ms, time);
    buf_adds(out, "{\"specversion\":\"1.0\",\"id\":\"");
    buf_adds(out, id);
    buf_adds(out, "\",\"source\":\"tvbridge/");
    buf_adds(out,
             e->provider); /* the envelope's schema lets no character in that JSON would escape */
    buf_adds(out, "\",\"type\":\"tvbridge.outcome\"");
    add_attribute(out, ",\"subject\":", e->service);
    buf_adds(out, ",\"time\":\"");
    buf_adds(out, time);
    buf_adds(out, "\",\"datacontenttype\":\"application/json\",\"provider\":\"");
    buf_adds(out, e->provider);
    buf_addc(out, '"');
    add_key(e, out);
    add_attribute(out, ",\"sequence\":", e->sequence);
    add_attribute(out, ",\"traceparent\":", e->traceparent);
}

static void add_cause(const struct event *e, struct buf *out)
{
    add_attribute(out, ",\"data\":{\"event\":{\"id\":", e->id);
    add_attribute(out, ",\"source\":", e->source);
    buf_adds(out, ",\"type\":\"tvbridge.");
    buf_adds(out, event_type_name(e->type));
    buf_addc(out, '"');
    add_attribute(out, ",\"sequence\":", e->sequence);
    char fingerprint[2 * HASH_SHA256_SIZE + 1];
    hash_hex(e->fingerprint, sizeof(e->fingerprint), fingerprint);
    buf_adds(out, ",\"fingerprint\":\"");
    buf_adds(out, fingerprint);
    buf_adds(out, "\"}");
}

static void add_answer(const struct outcome *o, struct buf *out)
{
    if (o->status == 0 && o->answer[0] == '\0')
        return;
    buf_adds(out, ",\"provider_answer\":{\"status\":");
    buf_addi(out, o->status);
    add_member(out, ",\"text\":", o->answer, sizeof(o->answer));
    buf_addc(out, '}');
}

static void add_place(const struct outcome_place *at, struct buf *out)
{
    char order[ORDER_TEXT_SIZE];
    order_format(at->order, order);
    buf_adds(out, ",\"place\":{\"partition\":");
    buf_addi(out, at->partition);
    buf_adds(out, ",\"offset\":");
    buf_addi(out, at->offset);
    buf_adds(out, "},\"order\":\"");
    buf_adds(out, order);
    buf_addc(out, '"');
    add_attribute(out, ",\"fence\":", at->fence == NULL ? "" : at->fence);
}

void outcome_encode(const struct outcome *o, const struct event *e, const struct outcome_place *at,
                    const char *record_text, size_t record_len, struct buf *out)
{
    buf_reserve(out, 1024 + record_len); /* one growth for most outcomes */
    add_context(o, e, at, out);
    add_cause(e, out);
    buf_adds(out, ",\"kind\":\"");
    buf_adds(out, outcome_kind_name(o->kind));
    buf_adds(out, outcome_kind_is_final(o->kind) ? "\",\"final\":true" : "\",\"final\":false");
    add_words(o, out);
    add_answer(o, out);
    add_given(o, out);
    if (record_text != NULL && record_len > 0) {
        buf_adds(out, ",\"record\":");
        buf_add(out, record_text, record_len);
    }
    add_place(at, out);
    buf_adds(out, "}}");
}
