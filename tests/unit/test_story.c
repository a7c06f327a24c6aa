/* One service's messages told as a story, and the rows of the lists. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "contract/act.h"
#include "contract/deadletter.h"
#include "contract/entry.h"
#include "contract/outcome.h"
#include "contract/partition_record.h"
#include "event_help.h"
#include "found.h"
#include "story.h"

#define NOW INT64_C(1795341600000)
#define P 4

static struct story *story;

static void setup(void)
{
    struct err err = {.code = ERR_NONE};
    setenv("TVBRIDGE_SCHEMAS", TVB_ROOT "/schemas", 1);
    story = story_new("stalker", "70001", P, false, &err);
    cr_assert(ne(ptr, story, NULL), "%s", err.msg);
}

static void teardown(void)
{
    story_free(story);
}

TestSuite(story, .init = setup, .fini = teardown);

static void take(enum topic_kind kind, int64_t offset, const char *key, const char *value, const struct event_header *h,
                 size_t n)
{
    const struct scan_message m = {
        .kind = kind,
        .provider = "stalker",
        .partition = P,
        .offset = offset,
        .timestamp_ms = NOW + offset,
        .message = {.key = key,
                    .key_len = strlen(key),
                    .value = value,
                    .value_len = value == NULL ? 0 : strlen(value),
                    .headers = h,
                    .header_count = n},
    };
    cr_assert(story_take(story, &m));
}

static void take_event(int64_t offset, const char *id, const char *type)
{
    char text[400];
    snprintf(text, sizeof(text),
             "{\"specversion\":\"1.0\",\"id\":\"%s\",\"source\":\"/b\",\"type\":\"tvbridge.%s\",\"subject\":\"70001\","
             "\"provider\":\"stalker\",\"data\":{\"login\":\"ann\"}}",
             id, type);
    take(TOPIC_EVENTS, offset, "70001", text, NULL, 0);
}

static void take_outcome(int64_t offset, const char *id, const char *kind, bool final, int round)
{
    char text[600];
    snprintf(text, sizeof(text),
             "{\"time\":\"2026-11-22T10:00:01.250Z\",\"data\":{\"event\":{\"id\":\"%s\",\"source\":\"/b\",\"type\":"
             "\"tvbridge.plan.changed\"},\"kind\":\"%s\",\"final\":%s,\"attempts\":2,\"round\":%d,\"reason\":\"why\","
             "\"place\":{\"partition\":4,\"offset\":%d}}}",
             id, kind, final ? "true" : "false", round, (int)offset);
    take(TOPIC_OUTCOMES, offset, "stalker/70001", text, NULL, 0);
}

static void take_entry(int64_t offset, enum entry_state state, enum entry_reason reason, unsigned round)
{
    struct entry e = {
        .service = "70001",
        .place = {P, offset, 0},
        .state = state,
        .reason = reason,
        .type = EVENT_PLAN_CHANGED,
        .round = round,
        .release_at_ms = NOW + 60000,
        .since_ms = NOW,
        .now_ms = NOW + 5,
        .key = "0f343b0931126a20f133d67c2b018a3b0f343b0931126a20f133d67c2b018a3b",
        .fingerprint = "0f343b0931126a20f133d67c2b018a3b0f343b0931126a20f133d67c2b018a3b",
        .axes = {1, {"plan"}},
    };
    struct entry_store store;
    struct event_header headers[ENTRY_HEADERS_MAX];
    char key[ENTRY_KEY_SIZE];
    entry_key_format(e.service, e.place, key);
    take(TOPIC_WAITING, offset, key, "{}", headers, entry_headers(&e, &store, headers));
}

static void take_letter(int64_t offset, int64_t at, enum dead_reason reason, unsigned round)
{
    const struct dead_letter d = {.reason = reason, .detail = "attempts_exhausted", .topic = "t", .partition = P,
                                  .offset = at, .attempts = 8, .round = round, .now_ms = NOW};
    struct dead_store store;
    struct event_header headers[DEAD_HEADERS_MAX];
    take(TOPIC_DEAD, offset, "70001", BLOCKED, headers, dead_letter_headers(&d, &store, headers));
}

static void take_act(int64_t offset, enum act_kind kind, int64_t at, bool answer, enum act_result result)
{
    struct act a = {.kind = kind, .id = "a1", .source = "tvbridge/cli", .provider = "stalker", .service = "70001",
                    .partition = -1, .time_ms = NOW + 7, .who = "ann", .reason = "ticket", .of_entry = true,
                    .place = {P, at, 0}, .round = 1, .letter = -1};
    struct act_answer given;
    struct buf out;
    buf_init(&out, 65536);
    act_answer_init(&given, &a, offset, result, "", NOW + 8);
    if (answer)
        act_answer_encode(&given, &out);
    else
        act_encode(&a, &out);
    take(TOPIC_CONTROL, offset, "70001", buf_cstr(&out), NULL, 0);
    buf_fini(&out);
}

static json_t *told(void)
{
    json_t *t = story_tell(story, 0, 0);
    cr_assert(ne(ptr, t, NULL));
    return t;
}

static const char *at(const json_t *t, const char *pointer)
{
    const char *s = json_string_value(json_at_pointer(t, pointer));
    return s == NULL ? "(absent)" : s;
}

static size_t count(const json_t *t, const char *name)
{
    return json_array_size(json_object_get(t, name));
}

Test(story, of_nothing_says_so)
{
    json_t *t = told();
    cr_expect(eq(int, json_is_false(json_object_get(t, "known")), 1));
    cr_expect(eq(str, (char *)at(t, "/verdict/0"), "nothing is known of this service here"));
    json_decref(t);
}

Test(story, an_event_is_unfinished_until_its_final_outcome)
{
    take_event(10, "e1", "plan.changed");
    take_event(11, "e2", "contract.blocked");
    take_outcome(10, "e1", "waiting", false, 1);
    json_t *t = told();
    cr_expect(eq(sz, count(t, "unfinished"), 2));
    json_decref(t);
    take_outcome(10, "e1", "applied", true, 1);
    t = told();
    cr_expect(eq(sz, count(t, "unfinished"), 1));
    cr_expect(eq(str, (char *)at(t, "/unfinished/0/id"), "e2"));
    cr_expect(eq(str, (char *)at(t, "/verdict/0"), "1 events have no final outcome yet; the oldest came at "
                                                   "2026-11-22T10:00:00.011Z"));
    json_decref(t);
    take_outcome(11, "e2", "stale", true, 1);
    t = told();
    cr_expect(eq(str, (char *)at(t, "/verdict/0"), "nothing waits: it is as its last events say"));
    cr_expect(eq(sz, count(t, "timeline"), 5));
    json_decref(t);
}

Test(story, a_snapshot_says_what_it_made_and_no_login)
{
    take_event(10, "s", "service.snapshot");
    take(TOPIC_OUTCOMES, 10, "stalker/70001",
         "{\"time\":\"2026-11-22T10:00:01.250Z\",\"data\":{\"event\":{\"id\":\"s\",\"source\":\"/b\",\"type\":\"tvbridge.service.snapshot\"},"
         "\"kind\":\"applied\",\"final\":true,\"attempts\":1,\"round\":1,\"place\":{\"partition\":4,\"offset\":10},\"given\":{\"changes\":["
         "{\"type\":\"credentials.changed\",\"what\":\"login ann -> eve\",\"id\":\"part/1\"},{\"type\":\"contract.blocked\",\"what\":\"block\"}],"
         "\"left\":[\"a\",\"b\"]}}}",
         NULL, 0);
    json_t *t = told();
    cr_expect(eq(str, (char *)at(t, "/timeline/1/text"),
                 "service.snapshot: applied, 1 calls; changes: credentials.changed, contract.blocked; 2 left as they are"));
    json_decref(t);
}

Test(story, a_later_round_opens_it_again)
{
    take_event(10, "e1", "plan.changed");
    take_outcome(10, "e1", "dead", true, 1);
    take_outcome(10, "e1", "in_doubt", false, 2);
    take_outcome(10, "e1", "dead", true, 1); /* published again */
    json_t *t = told();
    cr_expect(eq(sz, count(t, "unfinished"), 1));
    json_decref(t);
}

Test(story, other_services_and_partitions_are_passed_over)
{
    const struct scan_message m = {.kind = TOPIC_EVENTS, .provider = "stalker", .partition = P + 1, .offset = 1,
                                   .message = {.key = "70001", .key_len = 5, .value = BLOCKED, .value_len = strlen(BLOCKED)}};
    cr_expect(story_take(story, &m));
    take(TOPIC_EVENTS, 2, "70002", BLOCKED, NULL, 0);
    take(TOPIC_OUTCOMES, 3, "ole/70001", "{\"data\":{\"kind\":\"applied\"}}", NULL, 0);
    take(TOPIC_RECORDS, 4, "7000", "{}", NULL, 0);
    take(TOPIC_CONTROL, 5, "partition:5", "{}", NULL, 0);
    json_t *t = told();
    cr_expect(eq(int, json_is_false(json_object_get(t, "known")), 1));
    json_decref(t);
}

Test(story, an_entry_waits_until_its_tombstone)
{
    take_event(10, "e1", "plan.changed");
    take_entry(10, ENTRY_UNSENT, ENTRY_FOR_DATE, 1);
    take_entry(10, ENTRY_UNSENT, ENTRY_FOR_RETRY, 1);
    json_t *t = told();
    cr_expect(eq(sz, count(t, "waiting"), 1));
    cr_expect(eq(sz, count(t, "unfinished"), 0), "what waits is told as waiting");
    cr_expect(eq(str, (char *)at(t, "/waiting/0/waits_for"), "retry"));
    cr_expect(eq(str, (char *)at(t, "/verdict/0"), "plan.changed at 4-10 waits for retry until 2026-11-22 10:01:00; freed by "
                                                   "the clock, or `tvbridge waiting release`"));
    json_decref(t);
    take(TOPIC_WAITING, 11, "70001/4-10", NULL, NULL, 0);
    t = told();
    cr_expect(eq(sz, count(t, "waiting"), 0));
    json_decref(t);
}

Test(story, a_letter_lies_there_until_an_act_closes_it)
{
    take_letter(0, 10, DEAD_EXHAUSTED, 1);
    json_t *t = told();
    cr_expect(eq(sz, count(t, "letters"), 1));
    cr_expect(ne(ptr, strstr(at(t, "/verdict/0"), "contract.blocked at 4-10 lies in the dead letters, dead"), NULL));
    json_decref(t);
    take_act(0, ACT_REDRIVE, 10, false, ACT_DONE);
    take_act(1, ACT_REDRIVE, 10, true, ACT_TOO_LATE);
    t = told();
    cr_expect(eq(sz, count(t, "letters"), 1), "an act that was not done closes nothing");
    json_decref(t);
    take_act(2, ACT_REDRIVE, 10, true, ACT_DONE);
    t = told();
    cr_expect(eq(sz, count(t, "letters"), 0));
    cr_expect(eq(sz, count(t, "timeline"), 4));
    json_decref(t);
}

Test(story, the_entry_stands_for_its_letter)
{
    take_letter(0, 10, DEAD_EXHAUSTED, 1);
    take_entry(10, ENTRY_DEAD, ENTRY_FOR_DEAD, 1);
    json_t *t = told();
    cr_expect(eq(sz, count(t, "letters"), 0));
    cr_expect(eq(sz, count(t, "waiting"), 1));
    cr_expect(eq(sz, count(t, "verdict"), 1));
    json_decref(t);
}

Test(story, a_pause_of_the_provider_is_told)
{
    struct partition_record r;
    struct buf out;
    partition_record_init(&r, "stalker", P);
    r.paused = true;
    strcpy(r.paused_act, "a1");
    strcpy(r.paused_who, "ann");
    strcpy(r.paused_reason, "moving");
    buf_init(&out, 65536);
    partition_record_encode(&r, &out);
    take(TOPIC_RECORDS, 0, "partition:4", buf_cstr(&out), NULL, 0);
    take(TOPIC_RECORDS, 1, "70001", "{\"service\":\"70001\",\"login\":\"ann\",\"plan\":\"3\"}", NULL, 0);
    json_t *t = told();
    cr_expect(eq(str, (char *)at(t, "/verdict/0"), "the provider is paused by ann: moving"));
    cr_expect(eq(str, (char *)at(t, "/record/login"), "***"));
    cr_expect(eq(str, (char *)at(t, "/record/plan"), "3"));
    json_decref(t);
    buf_fini(&out);
}

Test(story, what_cannot_be_read_is_told_and_stops_nothing)
{
    take(TOPIC_EVENTS, 0, "70001", "{", NULL, 0);
    take(TOPIC_OUTCOMES, 1, "stalker/70001", "{", NULL, 0);
    take(TOPIC_OUTCOMES, 1, "stalker/70001", NULL, NULL, 0);
    take(TOPIC_RECORDS, 2, "70001", "{", NULL, 0);
    take(TOPIC_WAITING, 3, "70001/4-1", "{}", NULL, 0);
    take(TOPIC_CONTROL, 4, "70001", "{\"type\":7}", NULL, 0);
    take(TOPIC_DEAD, 5, "70001", "{", NULL, 0);
    json_t *t = told();
    cr_expect(eq(sz, count(t, "timeline"), 2));
    json_decref(t);
}

Test(story, the_timeline_is_cut_by_time_and_number)
{
    for (int i = 0; i < 100; i++)
        take_event(i, "e1", "plan.changed");
    json_t *t = story_tell(story, NOW + 90, 0);
    cr_expect(eq(sz, count(t, "timeline"), 10));
    json_decref(t);
    t = story_tell(story, 0, 3);
    cr_expect(eq(sz, count(t, "timeline"), 3));
    cr_expect(eq(str, (char *)at(t, "/timeline/2/place"), "4-99"));
    json_decref(t);
}

/* ---- rows ---- */

Test(found, a_kept_message_is_a_whole_copy)
{
    char key[] = "70001", value[] = "{}", name[] = "a", text[] = "xyz";
    const struct event_header h[] = {{name, text, 3}, {"empty", NULL, 0}};
    struct event_message m = {.key = key, .key_len = 5, .value = value, .value_len = 2, .headers = h, .header_count = 2};
    struct kept *k = kept_new(&m);
    cr_assert(ne(ptr, k, NULL));
    memset(key, 0, sizeof(key));
    memset(value, 0, sizeof(value));
    memset(name, 0, sizeof(name));
    memset(text, 0, sizeof(text));
    cr_expect(eq(int, memcmp(k->message.key, "70001", 5), 0));
    cr_expect(eq(int, memcmp(k->message.value, "{}", 2), 0));
    cr_expect(eq(str, (char *)k->message.headers[0].name, "a"));
    cr_expect(eq(int, memcmp(k->message.headers[0].value, "xyz", 3), 0));
    cr_expect(eq(str, (char *)k->message.headers[1].name, "empty"));
    cr_expect(eq(ptr, (void *)k->message.headers[1].value, NULL));
    free(k);
    m = (struct event_message){.key = NULL};
    k = kept_new(&m);
    cr_expect(eq(ptr, (void *)k->message.key, NULL));
    cr_expect(eq(ptr, (void *)k->message.value, NULL));
    free(k);
}

Test(found, what_no_act_can_bring_back_is_told)
{
    static const struct {
        enum dead_reason reason;
        bool hopeless;
    } rows[] = {{DEAD_INVALID, true},      {DEAD_MISPLACED, true},    {DEAD_CONFLICT, true}, {DEAD_IMPLAUSIBLE, false},
                {DEAD_MIXED_ORDER, false}, {DEAD_EXHAUSTED, false}, {DEAD_IN_DOUBT, false}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct found f = {.letter = true, .service = "70001"};
        snprintf(f.why, sizeof(f.why), "%s", dead_reason_name(rows[i].reason));
        cr_expect(eq(int, found_not_redrivable(&f) != NULL, rows[i].hopeless), "%s", f.why);
        f.letter = false;
        cr_expect(eq(ptr, (void *)found_not_redrivable(&f), NULL), "an entry was readable");
    }
}
