/* The control topic: operators' acts and their answers. Input: a message as fuzz.h says. What is taken comes back. */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "contract/act.h"

static const struct act_schemas *schemas(void)
{
    static struct act_schemas *s;
    struct err err = {0};
    if (s == NULL)
        s = act_schemas_load(TVB_ROOT "/schemas", &err);
    fuzz_check(s != NULL, "%s", err.msg);
    return s;
}

static void same_text(const char *a, const char *b, const char *what)
{
    fuzz_check(strcmp(a, b) == 0, "%s: %s became %s", what, a, b);
}

static struct event_message message_of(const struct buf *text, const char *key)
{
    return (struct event_message){.key = key, .key_len = strlen(key), .value = text->data, .value_len = text->len};
}

static void same_act(const struct act *a, const struct act *b)
{
    fuzz_check(a->kind == b->kind && a->partition == b->partition && a->time_ms == b->time_ms, "kind, partition, time");
    fuzz_check(a->of_entry == b->of_entry && a->round == b->round && a->try_no == b->try_no && a->letter == b->letter,
               "round, try or letter changed");
    fuzz_check(a->until_ms == b->until_ms && a->max == b->max && a->max_total == b->max_total && a->number == b->number &&
                   a->applied == b->applied && a->by_sequence == b->by_sequence,
               "a number changed");
    fuzz_check(a->place.partition == b->place.partition && a->place.offset == b->place.offset, "the place changed");
    same_text(a->id, b->id, "id");
    same_text(a->source, b->source, "source");
    same_text(a->provider, b->provider, "provider");
    same_text(a->service, b->service, "service");
    same_text(a->who, b->who, "who");
    same_text(a->reason, b->reason, "reason");
    same_text(a->fence, b->fence, "fence");
}

static void act_comes_back(const struct act *a)
{
    struct act back;
    struct act_answer none;
    struct fault f = {.reason = ""};
    struct buf text;
    char key[ACT_KEY_SIZE];
    buf_init(&text, 1 << 20);
    act_encode(a, &text);
    act_key(a, key);
    struct event_message m = message_of(&text, key);
    fuzz_check(buf_ok(&text) && control_decode(schemas(), &m, &back, &none, &f) == CONTROL_IS_ACT, "refused: %s %s: %s",
               f.pointer, f.reason, buf_cstr(&text));
    same_act(a, &back);
    buf_fini(&text);
}

static void answer_comes_back(const struct act_answer *a)
{
    struct act none;
    struct act_answer back;
    struct fault f = {.reason = ""};
    struct buf text;
    char key[ACT_KEY_SIZE];
    buf_init(&text, 1 << 20);
    act_answer_encode(a, &text);
    act_answer_key(a, key);
    struct event_message m = message_of(&text, key);
    fuzz_check(buf_ok(&text) && control_decode(schemas(), &m, &none, &back, &f) == CONTROL_IS_ANSWER, "refused: %s %s: %s",
               f.pointer, f.reason, buf_cstr(&text));
    fuzz_check(a->kind == back.kind && a->result == back.result && a->offset == back.offset && a->round == back.round &&
                   a->partition == back.partition && a->now_ms == back.now_ms && a->of_entry == back.of_entry,
               "a number changed: %s", buf_cstr(&text));
    same_text(a->why, back.why, "why");
    same_text(a->id, back.id, "id");
    same_text(a->service, back.service, "service");
    buf_fini(&text);
}

static void is_answered(const struct act *a)
{
    for (int r = 0; r < ACT_RESULT_COUNT; r++) {
        struct act_answer answer;
        act_answer_init(&answer, a, 7, (enum act_result)r, r == ACT_REFUSED ? "no_entry" : "", 1763800000000);
        answer_comes_back(&answer);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_message in;
    struct act a;
    struct act_answer answer;
    struct fault f = {.reason = ""};
    fuzz_message_init(&in, fuzz_input(data, size));
    switch (control_decode(schemas(), &in.m, &a, &answer, &f)) {
    case CONTROL_IS_ACT:
        act_comes_back(&a);
        is_answered(&a);
        break;
    case CONTROL_IS_ANSWER:
        answer_comes_back(&answer);
        break;
    case CONTROL_IS_INVALID:
        fuzz_check(f.reason[0] != '\0' && !f.nomem && fuzz_is_text(f.reason), "refused without a reason");
        break;
    }
    fuzz_message_fini(&in);
    return 0;
}
