#include "contract/act.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "base/clock.h"

#define TYPE_PREFIX "tvbridge.act."
#define ANSWER_TYPE "tvbridge.act_answer"
#define PROVIDER_PREFIX "provider:"
#define PARTITION_PREFIX "partition:"

/* ---- words ---- */

static const char *const kinds[ACT_KIND_COUNT] = {
    [ACT_RELEASE] = "release", [ACT_RESOLVE_DOUBT] = "resolve_doubt", [ACT_REDRIVE] = "redrive",
    [ACT_DROP] = "drop",       [ACT_APPROVE] = "approve",             [ACT_PAUSE] = "pause",
    [ACT_RESUME] = "resume",   [ACT_REBASE_ORDER] = "rebase_order",
};

static const char *const results[ACT_RESULT_COUNT] = {
    [ACT_DONE] = "done",
    [ACT_TOO_LATE] = "too_late",
    [ACT_REFUSED] = "refused",
};

const char *act_kind_name(enum act_kind k)
{
    return (size_t)k < ARRAY_LEN(kinds) ? kinds[k] : "";
}

int act_kind_parse(const char *name, enum act_kind *ret)
{
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (strcmp(kinds[i], name) == 0) {
            *ret = (enum act_kind)i;
            return 0;
        }
    return -1;
}

const char *act_result_name(enum act_result r)
{
    return (size_t)r < ARRAY_LEN(results) ? results[r] : "";
}

int act_result_parse(const char *name, enum act_result *ret)
{
    for (size_t i = 0; i < ARRAY_LEN(results); i++)
        if (strcmp(results[i], name) == 0) {
            *ret = (enum act_result)i;
            return 0;
        }
    return -1;
}

/* ---- keys ---- */

void partition_key_format(int32_t partition, char ret[PARTITION_KEY_SIZE])
{
    snprintf(ret, PARTITION_KEY_SIZE, PARTITION_PREFIX "%" PRId32, partition);
}

int partition_key_parse(const char *key, size_t len, int32_t *ret)
{
    size_t prefix = sizeof(PARTITION_PREFIX) - 1;
    if (key == NULL || len <= prefix || len > prefix + 9 || memcmp(key, PARTITION_PREFIX, prefix) != 0)
        return -1;
    int32_t v = 0;
    for (size_t i = prefix; i < len; i++) {
        if (key[i] < '0' || key[i] > '9')
            return -1;
        v = v * 10 + (key[i] - '0');
    }
    if (key[prefix] == '0' && len > prefix + 1)
        return -1;
    *ret = v;
    return 0;
}

static void key_of(const char *service, int32_t partition, char ret[ACT_KEY_SIZE])
{
    if (service[0] != '\0')
        snprintf(ret, ACT_KEY_SIZE, "%s", service);
    else
        partition_key_format(partition, ret);
}

bool act_is_provider_wide(const struct act *a)
{
    return a->service[0] == '\0';
}

void act_key(const struct act *a, char ret[ACT_KEY_SIZE])
{
    key_of(a->service, a->partition, ret);
}

void act_answer_key(const struct act_answer *a, char ret[ACT_KEY_SIZE])
{
    key_of(a->service, a->partition, ret);
}

/* ---- writing ---- */

static void add_text(struct buf *out, const char *name_with_comma, const char *text)
{
    buf_adds(out, name_with_comma);
    buf_add_json_str(out, text);
}

static void add_number(struct buf *out, const char *name_with_comma, uint64_t v)
{
    buf_adds(out, name_with_comma);
    buf_addu(out, v);
}

static void add_time(struct buf *out, const char *name_with_comma, int64_t ms)
{
    char text[CLOCK_RFC3339_SIZE];
    clock_format_rfc3339(ms, text);
    add_text(out, name_with_comma, text);
}

static void add_place(struct buf *out, struct entry_place p)
{
    char text[ENTRY_PLACE_SIZE];
    entry_place_format(p, text);
    add_text(out, ",\"place\":", text);
}

/* The attributes that both have, up to and with the beginning of data. */
static void add_context(struct buf *out, const char *provider, const char *service, int64_t time_ms)
{
    buf_adds(out, ",\"subject\":");
    if (service[0] != '\0') {
        buf_add_json_str(out, service);
    } else {
        buf_adds(out, "\"" PROVIDER_PREFIX);
        buf_add_json_inner(out, provider, strlen(provider));
        buf_addc(out, '"');
    }
    add_time(out, ",\"time\":", time_ms);
    buf_adds(out, ",\"datacontenttype\":\"application/json\"");
    add_text(out, ",\"provider\":", provider);
}

static void add_entry(const struct act *a, struct buf *out)
{
    add_place(out, a->place);
    add_number(out, ",\"round\":", a->round);
    add_number(out, ",\"try\":", a->try_no);
    if (a->letter >= 0)
        add_number(out, ",\"letter\":", (uint64_t)a->letter);
    if (a->kind == ACT_RESOLVE_DOUBT)
        add_text(out, ",\"verdict\":", a->applied ? "applied" : "not_applied");
}

static void add_allowance(const struct act *a, struct buf *out)
{
    add_time(out, ",\"until\":", a->until_ms);
    add_number(out, ",\"max\":", a->max);
    add_number(out, ",\"max_total\":", a->max_total);
}

static void add_rebase(const struct act *a, struct buf *out)
{
    char number[24];
    *buf_put_u(number, a->number) = '\0';
    add_text(out, ",\"order_by\":", a->by_sequence ? "sequence" : "offset");
    add_text(out, ",\"number\":", number); /* text: 18 digits are more than every reader's numbers hold */
    add_text(out, ",\"fence\":", a->fence);
}

void act_encode(const struct act *a, struct buf *out)
{
    add_text(out, "{\"specversion\":\"1.0\",\"id\":", a->id);
    add_text(out, ",\"source\":", a->source);
    buf_adds(out, ",\"type\":\"" TYPE_PREFIX);
    buf_adds(out, act_kind_name(a->kind));
    buf_addc(out, '"');
    add_context(out, a->provider, a->service, a->time_ms);
    add_text(out, ",\"data\":{\"who\":", a->who);
    add_text(out, ",\"reason\":", a->reason);
    if (act_is_provider_wide(a))
        add_number(out, ",\"partition\":", (uint64_t)a->partition);
    if (a->of_entry)
        add_entry(a, out);
    if (a->kind == ACT_APPROVE && !a->of_entry)
        add_allowance(a, out);
    if (a->kind == ACT_REBASE_ORDER)
        add_rebase(a, out);
    buf_adds(out, "}}");
}

/* ---- the answer ---- */

void act_answer_init(struct act_answer *ret, const struct act *a, int64_t offset, enum act_result result, const char *why,
                     int64_t now_ms)
{
    *ret = (struct act_answer){
        .result = result,
        .kind = a->kind,
        .partition = a->partition,
        .offset = offset,
        .of_entry = a->of_entry,
        .place = a->place,
        .round = a->round,
        .now_ms = now_ms,
    };
    snprintf(ret->why, sizeof(ret->why), "%s", why == NULL ? "" : why);
    memcpy(ret->id, a->id, sizeof(ret->id));
    memcpy(ret->source, a->source, sizeof(ret->source));
    memcpy(ret->provider, a->provider, sizeof(ret->provider));
    memcpy(ret->service, a->service, sizeof(ret->service));
}

/* Answered twice with the same result, it is the same answer: readers drop repeats by the id. */
static void answer_id(const struct act_answer *a, char ret[33])
{
    const char *result = act_result_name(a->result);
    const struct hash_part parts[] = {
        {a->source, strlen(a->source)}, {a->id, strlen(a->id)}, {result, strlen(result)}};
    uint8_t digest[HASH_SHA256_SIZE];
    hash_sha256_parts(parts, ARRAY_LEN(parts), digest);
    hash_hex(digest, 16, ret);
}

void act_answer_encode(const struct act_answer *a, struct buf *out)
{
    char id[33];
    answer_id(a, id);
    add_text(out, "{\"specversion\":\"1.0\",\"id\":", id);
    buf_adds(out, ",\"source\":\"tvbridge/");
    buf_add_json_inner(out, a->provider, strlen(a->provider));
    buf_adds(out, "\",\"type\":\"" ANSWER_TYPE "\"");
    add_context(out, a->provider, a->service, a->now_ms);
    add_text(out, ",\"data\":{\"act\":{\"id\":", a->id);
    add_text(out, ",\"source\":", a->source);
    add_text(out, ",\"kind\":", act_kind_name(a->kind));
    add_number(out, ",\"offset\":", (uint64_t)a->offset);
    buf_addc(out, '}');
    add_text(out, ",\"result\":", act_result_name(a->result));
    if (a->why[0] != '\0')
        add_text(out, ",\"why\":", a->why);
    if (a->service[0] == '\0')
        add_number(out, ",\"partition\":", (uint64_t)a->partition);
    if (a->of_entry) {
        add_place(out, a->place);
        add_number(out, ",\"round\":", a->round);
    }
    buf_adds(out, "}}");
}

/* ---- reading ---- */

struct act_schemas {
    struct schema *act, *answer;
};

static struct schema *load(const char *dir, const char *name, struct err *reterr)
{
    char path[4096];
    snprintf(path, sizeof(path), "%s/%s", dir, name);
    return schema_load(path, reterr);
}

struct act_schemas *act_schemas_load(const char *dir, struct err *reterr)
{
    struct act_schemas *s = calloc(1, sizeof(*s));
    if (s == NULL) {
        err_nomem(reterr);
        return NULL;
    }
    s->act = load(dir, "control.schema.json", reterr);
    if (s->act != NULL)
        s->answer = load(dir, "control-answer.schema.json", reterr);
    if (s->answer != NULL)
        return s;
    act_schemas_free(s);
    return NULL;
}

void act_schemas_free(struct act_schemas *s)
{
    if (s == NULL)
        return;
    schema_free(s->act);
    schema_free(s->answer);
    free(s);
}

static const char *text_at(const json_t *o, const char *name)
{
    const char *s = json_string_value(json_object_get(o, name));
    return s == NULL ? "" : s;
}

static uint64_t number_at(const json_t *o, const char *name)
{
    return (uint64_t)json_integer_value(json_object_get(o, name));
}

/* Fits by the schema; a text that does not is cut and would be found as another one, so it is refused. */
static int copy(char *ret, size_t size, const char *text, const char *pointer, struct fault *ret_fault)
{
    if (snprintf(ret, size, "%s", text) < (int)size)
        return 0;
    return fault_set(ret_fault, pointer, "longer than %zu bytes", size - 1);
}

static int take_time(const json_t *o, const char *name, const char *pointer, int64_t *ret, struct fault *ret_fault)
{
    return clock_parse_rfc3339(text_at(o, name), ret) == 0 ? 0 : fault_set(ret_fault, pointer, "want an RFC 3339 time");
}

static int take_place(const json_t *data, struct entry_place *ret, struct fault *ret_fault)
{
    const char *text = text_at(data, "place");
    return entry_place_parse(text, strlen(text), ret) == 0
               ? 0
               : fault_set(ret_fault, "/data/place", "want <partition>-<offset>, as numbers that fit");
}

/* The service, or "" for the whole provider: then data says the partition. The schema has seen that it does. */
static int take_subject(const json_t *root, const json_t *data, char service[ENTRY_SERVICE_SIZE], int32_t *partition,
                        struct fault *ret_fault)
{
    const char *subject = text_at(root, "subject"), *provider = text_at(root, "provider");
    size_t prefix = sizeof(PROVIDER_PREFIX) - 1;
    bool wide = strncmp(subject, PROVIDER_PREFIX, prefix) == 0;
    *partition = -1;
    service[0] = '\0';
    if (strncmp(subject, PARTITION_PREFIX, sizeof(PARTITION_PREFIX) - 1) == 0)
        return fault_set(ret_fault, "/subject", "no service's id begins with partition:");
    if (!wide) {
        if (json_object_get(data, "partition") != NULL)
            return fault_set(ret_fault, "/data/partition", "an act on a service names none");
        return copy(service, ENTRY_SERVICE_SIZE, subject, "/subject", ret_fault);
    }
    if (strcmp(subject + prefix, provider) != 0)
        return fault_set(ret_fault, "/subject", "want provider:<name of the provider>");
    if (json_object_get(data, "partition") != NULL)
        *partition = (int32_t)number_at(data, "partition");
    return 0;
}

static int check_key(const struct event_message *m, const char *service, int32_t partition, struct fault *ret_fault)
{
    char key[ACT_KEY_SIZE];
    if (service[0] == '\0' && partition < 0)
        return fault_set(ret_fault, "/data/partition", "what is for the whole provider names its partition");
    key_of(service, partition, key);
    if (m->key != NULL && m->key_len == strlen(key) && memcmp(m->key, key, m->key_len) == 0)
        return 0;
    return fault_set(ret_fault, "/subject", "the key of the Kafka message is not the service, nor partition:<n>");
}

/* Which kinds are for one event or service, which for the provider, and which for either. */
static int check_scope(const struct act *a, struct fault *ret_fault)
{
    bool wide = act_is_provider_wide(a);
    bool may_be_wide = a->kind == ACT_APPROVE || a->kind == ACT_PAUSE || a->kind == ACT_RESUME;
    bool may_be_narrow = a->kind != ACT_PAUSE && a->kind != ACT_RESUME;
    if (wide && !may_be_wide)
        return fault_set(ret_fault, "/subject", "this act is about a service, not about a provider");
    if (!wide && !may_be_narrow)
        return fault_set(ret_fault, "/subject", "this act is about a whole provider: want provider:<name>");
    if (a->kind == ACT_APPROVE && wide == a->of_entry)
        return fault_set(ret_fault, "/data", wide ? "want until and max: an act for the whole provider names no event"
                                                  : "want the place, round and try of the event that is held");
    return 0;
}

static int take_entry(const json_t *data, struct act *a, struct fault *ret_fault)
{
    const json_t *letter = json_object_get(data, "letter");
    a->letter = letter == NULL ? -1 : (int64_t)json_integer_value(letter);
    a->of_entry = json_object_get(data, "place") != NULL;
    if (!a->of_entry)
        return 0;
    a->round = (unsigned)number_at(data, "round");
    a->try_no = (unsigned)number_at(data, "try");
    a->applied = strcmp(text_at(data, "verdict"), "applied") == 0;
    return take_place(data, &a->place, ret_fault);
}

static int take_rest(const json_t *data, struct act *a, struct fault *ret_fault)
{
    if (a->kind == ACT_APPROVE && !a->of_entry) {
        a->max = number_at(data, "max");
        a->max_total = number_at(data, "max_total");
        return take_time(data, "until", "/data/until", &a->until_ms, ret_fault);
    }
    if (a->kind != ACT_REBASE_ORDER)
        return 0;
    a->by_sequence = strcmp(text_at(data, "order_by"), "sequence") == 0;
    if (order_parse_sequence(text_at(data, "number"), &a->number) != 0)
        return fault_set(ret_fault, "/data/number", "want 1 to 18 decimal digits");
    return copy(a->fence, sizeof(a->fence), text_at(data, "fence"), "/data/fence", ret_fault);
}

static int take_act(const json_t *root, const struct event_message *m, struct act *a, struct fault *ret_fault)
{
    const json_t *data = json_object_get(root, "data");
    *a = (struct act){.letter = -1};
    if (act_kind_parse(text_at(root, "type") + sizeof(TYPE_PREFIX) - 1, &a->kind) != 0)
        return fault_set(ret_fault, "/type", "no such act");
    if (copy(a->id, sizeof(a->id), text_at(root, "id"), "/id", ret_fault) != 0 ||
        copy(a->source, sizeof(a->source), text_at(root, "source"), "/source", ret_fault) != 0 ||
        copy(a->provider, sizeof(a->provider), text_at(root, "provider"), "/provider", ret_fault) != 0 ||
        copy(a->who, sizeof(a->who), text_at(data, "who"), "/data/who", ret_fault) != 0 ||
        copy(a->reason, sizeof(a->reason), text_at(data, "reason"), "/data/reason", ret_fault) != 0)
        return -1;
    if (take_time(root, "time", "/time", &a->time_ms, ret_fault) != 0 ||
        take_subject(root, data, a->service, &a->partition, ret_fault) != 0)
        return -1;
    if (take_entry(data, a, ret_fault) != 0 || check_scope(a, ret_fault) != 0 ||
        check_key(m, a->service, a->partition, ret_fault) != 0)
        return -1;
    return take_rest(data, a, ret_fault);
}

static int take_answer(const json_t *root, const struct event_message *m, struct act_answer *a, struct fault *ret_fault)
{
    const json_t *data = json_object_get(root, "data"), *act = json_object_get(data, "act");
    *a = (struct act_answer){.offset = (int64_t)number_at(act, "offset"), .round = (unsigned)number_at(data, "round")};
    if (act_kind_parse(text_at(act, "kind"), &a->kind) != 0)
        return fault_set(ret_fault, "/data/act/kind", "no such act");
    if (act_result_parse(text_at(data, "result"), &a->result) != 0)
        return fault_set(ret_fault, "/data/result", "want done, too_late or refused");
    if (copy(a->why, sizeof(a->why), text_at(data, "why"), "/data/why", ret_fault) != 0 ||
        copy(a->id, sizeof(a->id), text_at(act, "id"), "/data/act/id", ret_fault) != 0 ||
        copy(a->source, sizeof(a->source), text_at(act, "source"), "/data/act/source", ret_fault) != 0 ||
        copy(a->provider, sizeof(a->provider), text_at(root, "provider"), "/provider", ret_fault) != 0)
        return -1;
    if (take_time(root, "time", "/time", &a->now_ms, ret_fault) != 0 ||
        take_subject(root, data, a->service, &a->partition, ret_fault) != 0 ||
        check_key(m, a->service, a->partition, ret_fault) != 0)
        return -1;
    a->of_entry = json_object_get(data, "place") != NULL;
    return a->of_entry ? take_place(data, &a->place, ret_fault) : 0;
}

static enum control_decoded decode(const struct act_schemas *s, const struct event_message *m, const json_t *root,
                                   struct act *ret_act, struct act_answer *ret_answer, struct fault *ret_fault)
{
    bool answer = strcmp(text_at(root, "type"), ANSWER_TYPE) == 0;
    if (!schema_check(answer ? s->answer : s->act, root, ret_fault))
        return CONTROL_IS_INVALID;
    if (answer)
        return take_answer(root, m, ret_answer, ret_fault) == 0 ? CONTROL_IS_ANSWER : CONTROL_IS_INVALID;
    return take_act(root, m, ret_act, ret_fault) == 0 ? CONTROL_IS_ACT : CONTROL_IS_INVALID;
}

enum control_decoded control_decode(const struct act_schemas *s, const struct event_message *m, struct act *ret_act,
                                    struct act_answer *ret_answer, struct fault *ret_fault)
{
    if (m->value == NULL) {
        fault_set(ret_fault, "", "a tombstone (a message without a value) is no act");
        return CONTROL_IS_INVALID;
    }
    json_t *root = json_parse_strict(m->value, m->value_len, ret_fault);
    if (root == NULL)
        return CONTROL_IS_INVALID;
    enum control_decoded d = decode(s, m, root, ret_act, ret_answer, ret_fault);
    json_decref(root);
    return d;
}
