/* Operators' acts and the answers to them: there and back, by the vectors, and what is refused where. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <dirent.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "contract/act.h"

static struct act_schemas *schemas;

static void setup(void)
{
    struct err err = {.code = ERR_NONE};
    schemas = act_schemas_load(TVB_ROOT "/schemas", &err);
    cr_assert(ne(ptr, schemas, NULL), "%s", err.msg);
}

static void teardown(void)
{
    act_schemas_free(schemas);
}

TestSuite(act, .init = setup, .fini = teardown);

static enum control_decoded decode(const char *key, const char *value, struct act *a, struct act_answer *answer,
                                   struct fault *f)
{
    const struct event_message m = {
        .key = key, .key_len = strlen(key), .value = value, .value_len = strlen(value)};
    return control_decode(schemas, &m, a, answer, f);
}

static struct act act_of(enum act_kind kind)
{
    struct act a = {
        .kind = kind,
        .id = "0b1c2d3e",
        .source = "tvbridge/cli",
        .provider = "stalker",
        .service = "70001",
        .partition = -1,
        .time_ms = 1795341601250,
        .who = "ann",
        .reason = "ticket \"4711\" \xd0\x9e\xd0\xbb\xd1\x8f",
        .letter = -1,
    };
    return a;
}

static struct act entry_act(enum act_kind kind)
{
    struct act a = act_of(kind);
    a.of_entry = true;
    a.place = (struct entry_place){4, 1812, 3};
    a.round = 2;
    a.try_no = 7;
    return a;
}

static struct act wide_act(enum act_kind kind)
{
    struct act a = act_of(kind);
    a.service[0] = '\0';
    a.partition = 11;
    return a;
}

static void expect_back(const struct act *a)
{
    struct act back;
    struct act_answer answer;
    struct fault f = {.pointer = ""};
    struct buf out;
    char key[ACT_KEY_SIZE];
    buf_init(&out, 65536);
    act_encode(a, &out);
    act_key(a, key);
    cr_assert(eq(int, (int)decode(key, buf_cstr(&out), &back, &answer, &f), CONTROL_IS_ACT), "%s: %s %s", f.pointer,
              f.reason, buf_cstr(&out));
    cr_expect(eq(int, (int)back.kind, (int)a->kind));
    cr_expect(eq(str, back.id, (char *)a->id));
    cr_expect(eq(str, back.source, (char *)a->source));
    cr_expect(eq(str, back.provider, (char *)a->provider));
    cr_expect(eq(str, back.service, (char *)a->service));
    cr_expect(eq(int, back.partition, a->partition));
    cr_expect(eq(i64, back.time_ms, a->time_ms));
    cr_expect(eq(str, back.who, (char *)a->who));
    cr_expect(eq(str, back.reason, (char *)a->reason));
    cr_expect(eq(int, back.of_entry, a->of_entry));
    cr_expect(entry_place_equal(back.place, a->place));
    cr_expect(eq(uint, back.round, a->round));
    cr_expect(eq(uint, back.try_no, a->try_no));
    cr_expect(eq(i64, back.letter, a->letter));
    cr_expect(eq(int, back.applied, a->applied));
    cr_expect(eq(i64, back.until_ms, a->until_ms));
    cr_expect(eq(u64, back.max, a->max));
    cr_expect(eq(u64, back.max_total, a->max_total));
    cr_expect(eq(int, back.by_sequence, a->by_sequence));
    cr_expect(eq(u64, back.number, a->number));
    cr_expect(eq(str, back.fence, (char *)a->fence));
    buf_fini(&out);
}

Test(act, comes_back_as_it_was_written)
{
    static const enum act_kind of_entries[] = {ACT_RELEASE, ACT_RESOLVE_DOUBT, ACT_REDRIVE, ACT_DROP, ACT_APPROVE};
    for (size_t i = 0; i < ARRAY_LEN(of_entries); i++) {
        struct act a = entry_act(of_entries[i]);
        expect_back(&a);
        a.applied = a.kind == ACT_RESOLVE_DOUBT;
        a.letter = a.kind == ACT_REDRIVE || a.kind == ACT_DROP ? 17 : -1;
        expect_back(&a);
    }
    struct act a = wide_act(ACT_PAUSE);
    expect_back(&a);
    a = wide_act(ACT_RESUME);
    expect_back(&a);
    a = wide_act(ACT_APPROVE);
    a.until_ms = 1795391601000;
    a.max = 250;
    a.max_total = 3000;
    expect_back(&a);
    a = act_of(ACT_REBASE_ORDER);
    a.number = 999999999999999999;
    a.by_sequence = true;
    snprintf(a.fence, sizeof(a.fence), "1795342800000001");
    expect_back(&a);
    a.by_sequence = false;
    a.fence[0] = '\0';
    expect_back(&a);
}

Test(act, has_the_service_or_the_partition_as_key)
{
    char key[ACT_KEY_SIZE];
    struct act a = entry_act(ACT_DROP);
    act_key(&a, key);
    cr_expect(eq(str, key, "70001"));
    a = wide_act(ACT_PAUSE);
    act_key(&a, key);
    cr_expect(eq(str, key, "partition:11"));
}

Test(act, under_another_key_is_refused)
{
    struct act a = entry_act(ACT_DROP), back;
    struct act_answer answer;
    struct fault f = {.pointer = ""};
    struct buf out;
    buf_init(&out, 65536);
    act_encode(&a, &out);
    cr_expect(eq(int, (int)decode("70002", buf_cstr(&out), &back, &answer, &f), CONTROL_IS_INVALID));
    cr_expect(eq(str, f.pointer, "/subject"));
    cr_expect(eq(int, (int)decode("7000", buf_cstr(&out), &back, &answer, &f), CONTROL_IS_INVALID));
    buf_reset(&out);
    a = wide_act(ACT_PAUSE);
    act_encode(&a, &out);
    cr_expect(eq(int, (int)decode("partition:1", buf_cstr(&out), &back, &answer, &f), CONTROL_IS_INVALID));
    buf_fini(&out);
}

Test(act, a_tombstone_or_no_json_is_none)
{
    struct act a;
    struct act_answer answer;
    struct fault f = {.pointer = "x"};
    struct event_message none = {.key = "1", .key_len = 1};
    cr_expect(eq(int, (int)control_decode(schemas, &none, &a, &answer, &f), CONTROL_IS_INVALID));
    cr_expect(eq(str, f.pointer, ""));
    cr_expect(eq(int, (int)decode("1", "{", &a, &answer, &f), CONTROL_IS_INVALID));
    cr_expect(eq(int, (int)decode("1", "[]", &a, &answer, &f), CONTROL_IS_INVALID));
    cr_expect(eq(int, (int)decode("1", "{\"type\":7}", &a, &answer, &f), CONTROL_IS_INVALID));
}

/* ---- answers ---- */

static void expect_answer_back(const struct act *a, enum act_result result, const char *why)
{
    struct act_answer given, back;
    struct act none;
    struct fault f = {.pointer = ""};
    struct buf out;
    char key[ACT_KEY_SIZE];
    act_answer_init(&given, a, 17, result, why, 1795341602000);
    buf_init(&out, 65536);
    act_answer_encode(&given, &out);
    act_answer_key(&given, key);
    cr_assert(eq(int, (int)decode(key, buf_cstr(&out), &none, &back, &f), CONTROL_IS_ANSWER), "%s: %s %s", f.pointer,
              f.reason, buf_cstr(&out));
    cr_expect(eq(int, (int)back.result, (int)result));
    cr_expect(eq(str, back.why, (char *)(why == NULL ? "" : why)));
    cr_expect(eq(int, (int)back.kind, (int)a->kind));
    cr_expect(eq(str, back.id, (char *)a->id));
    cr_expect(eq(str, back.source, (char *)a->source));
    cr_expect(eq(str, back.provider, (char *)a->provider));
    cr_expect(eq(str, back.service, (char *)a->service));
    cr_expect(eq(int, back.partition, a->partition));
    cr_expect(eq(i64, back.offset, 17));
    cr_expect(eq(int, back.of_entry, a->of_entry));
    cr_expect(entry_place_equal(back.place, a->place));
    cr_expect(eq(uint, back.round, a->round));
    cr_expect(eq(i64, back.now_ms, 1795341602000));
    buf_fini(&out);
}

Test(act, answers_come_back_as_they_were_written)
{
    for (int r = 0; r < ACT_RESULT_COUNT; r++) {
        struct act a = entry_act(ACT_REDRIVE);
        expect_answer_back(&a, (enum act_result)r, "other_round");
        a = wide_act(ACT_RESUME);
        expect_answer_back(&a, (enum act_result)r, NULL);
        a = act_of(ACT_REBASE_ORDER);
        expect_answer_back(&a, (enum act_result)r, "");
    }
}

static void answer_text(const struct act *a, enum act_result result, int64_t now_ms, struct buf *out)
{
    struct act_answer answer;
    act_answer_init(&answer, a, 17, result, "", now_ms);
    act_answer_encode(&answer, out);
}

/* The id is the first member after specversion. */
static const char *id_of(struct buf *b)
{
    return strstr(buf_cstr(b), "\"id\":");
}

Test(act, the_same_answer_given_twice_has_the_same_id)
{
    struct buf one, two, other;
    struct act a = entry_act(ACT_DROP);
    buf_init(&one, 65536);
    buf_init(&two, 65536);
    buf_init(&other, 65536);
    answer_text(&a, ACT_DONE, 1, &one);
    answer_text(&a, ACT_DONE, 2, &two);
    answer_text(&a, ACT_TOO_LATE, 1, &other);
    cr_expect(eq(int, strncmp(id_of(&one), id_of(&two), 39), 0));
    cr_expect(ne(int, strncmp(id_of(&one), id_of(&other), 39), 0));
    buf_fini(&one);
    buf_fini(&two);
    buf_fini(&other);
}

/* ---- the vectors ---- */

static int is_json(const struct dirent *d)
{
    size_t n = strlen(d->d_name);
    return n > 5 && strcmp(d->d_name + n - 5, ".json") == 0;
}

static void key_of(const json_t *act, char key[ACT_KEY_SIZE])
{
    const char *subject = json_string_value(json_object_get(act, "subject"));
    const json_t *partition = json_object_get(json_object_get(act, "data"), "partition");
    if (strncmp(subject, "provider:", 9) == 0 && partition != NULL)
        partition_key_format((int32_t)json_integer_value(partition), key);
    else
        snprintf(key, ACT_KEY_SIZE, "%s", subject);
}

static enum control_decoded decode_vector(const json_t *act, struct act *a, struct fault *f)
{
    char key[ACT_KEY_SIZE];
    struct act_answer answer;
    char *text = json_dumps(act, JSON_COMPACT);
    key_of(act, key);
    enum control_decoded d = decode(key, text, a, &answer, f);
    free(text);
    return d;
}

static int each(const char *folder, void (*fn)(const char *name, const json_t *vector))
{
    char path[1024];
    struct dirent **list;
    snprintf(path, sizeof(path), TVB_ROOT "/schemas/vectors/acts/%s", folder);
    int n = scandir(path, &list, is_json, alphasort);
    for (int i = 0; i < n; i++) {
        json_error_t err;
        snprintf(path, sizeof(path), TVB_ROOT "/schemas/vectors/acts/%s/%s", folder, list[i]->d_name);
        json_t *v = json_load_file(path, 0, &err);
        cr_assert(ne(ptr, v, NULL), "%s: %s", path, err.text);
        fn(list[i]->d_name, v);
        json_decref(v);
        free(list[i]);
    }
    free(list);
    return n;
}

static int by_kind[ACT_KIND_COUNT];

static void expect_valid(const char *name, const json_t *vector)
{
    struct act a;
    struct fault f = {.pointer = ""};
    cr_expect(eq(int, (int)decode_vector(vector, &a, &f), CONTROL_IS_ACT), "%s: %s %s", name, f.pointer, f.reason);
    by_kind[a.kind]++;
}

Test(act, each_valid_vector_is_one_and_each_kind_has_one)
{
    cr_expect(ge(int, each("valid", expect_valid), 15));
    for (int k = 0; k < ACT_KIND_COUNT; k++)
        cr_expect(lt(int, 0, by_kind[k]), "%s", act_kind_name((enum act_kind)k));
}

static void expect_invalid(const char *name, const json_t *vector)
{
    struct act a;
    struct fault f = {.pointer = "(none)"};
    const char *want = json_string_value(json_object_get(vector, "pointer"));
    cr_assert(eq(int, want != NULL && json_is_string(json_object_get(vector, "why")), 1), "%s: why, pointer", name);
    cr_expect(eq(int, (int)decode_vector(json_object_get(vector, "act"), &a, &f), CONTROL_IS_INVALID), "%s", name);
    cr_expect(eq(str, f.pointer, (char *)want), "%s: %s", name, f.reason);
    cr_expect(lt(sz, 0, strlen(f.reason)), "%s", name);
}

Test(act, each_invalid_vector_is_refused_at_its_pointer)
{
    cr_expect(ge(int, each("invalid", expect_invalid), 28));
}

Test(act, keys_of_partitions_are_told_from_services)
{
    static const char *const services[] = {"partition:", "partition:x", "partition:01", "partition:1 ", "partition",
                                           "partition:1234567890", "70001", ""};
    int32_t n = -1;
    for (size_t i = 0; i < ARRAY_LEN(services); i++)
        cr_expect(eq(int, partition_key_parse(services[i], strlen(services[i]), &n), -1), "%s", services[i]);
    for (int32_t i = 0; i < 1000000; i += 1 + i / 3) {
        char key[PARTITION_KEY_SIZE];
        partition_key_format(i, key);
        cr_expect(eq(int, partition_key_parse(key, strlen(key), &n), 0), "%s", key);
        cr_expect(eq(int, n, i));
    }
}

Test(act, words_come_back)
{
    for (int i = 0; i < ACT_KIND_COUNT; i++) {
        enum act_kind k = ACT_KIND_COUNT;
        cr_expect(eq(int, act_kind_parse(act_kind_name((enum act_kind)i), &k), 0));
        cr_expect(eq(int, (int)k, i));
    }
    for (int i = 0; i < ACT_RESULT_COUNT; i++) {
        enum act_result r = ACT_RESULT_COUNT;
        cr_expect(eq(int, act_result_parse(act_result_name((enum act_result)i), &r), 0));
        cr_expect(eq(int, (int)r, i));
    }
    enum act_kind k;
    cr_expect(eq(int, act_kind_parse("", &k), -1));
}
