/* Waiting entries: their keys, their headers there and back, and who waits for whom. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <jansson.h>
#include <string.h>

#include "contract/deadletter.h"
#include "contract/entry.h"
#include "contract/schema.h"
#include "event_help.h"

#define KEY_HEX "0f343b0931126a20f133d67c2b018a3b0f343b0931126a20f133d67c2b018a3b"
#define OTHER_HEX "9f86d081884c7d659a2feaa0c55ad0159f86d081884c7d659a2feaa0c55ad015"

static struct entry full(void)
{
    struct entry e = {
        .service = "70001",
        .place = {4, 1812, 0},
        .state = ENTRY_DOUBT,
        .reason = ENTRY_FOR_BEHIND,
        .behind = {4, 1700, 2},
        .type = EVENT_PACKAGE_ADDED,
        .order = {.epoch = 1, .number = 101, .sub = 3},
        .round = 2,
        .try_no = 5,
        .attempts = 9,
        .counted = 4,
        .status = 503,
        .detail = "no_answer",
        .step = "add",
        .release_at_ms = 1795341601250,
        .first_try_ms = 1795341600000,
        .sent_ms = 1795341600500,
        .came_ms = 1795341590125,
        .since_ms = 1795341600750,
        .now_ms = 1795341601000,
        .fence = "1795342800000001",
        .key = KEY_HEX,
        .fingerprint = OTHER_HEX,
        .axes = {.n = 2, .name = {"package:P2", "package:Gold, 4K"}},
        .steps = "{\"at\":{}}",
        .steps_len = 9,
    };
    return e;
}

/* What an entry cannot be without. */
static struct entry least(void)
{
    return (struct entry){
        .service = "70001",
        .place = {0, 0, 0},
        .state = ENTRY_UNSENT,
        .reason = ENTRY_FOR_FLOOD,
        .type = EVENT_MESSAGE_REQUESTED,
        .round = 1,
        .since_ms = 1795341600750,
        .now_ms = 1795341600750,
        .key = KEY_HEX,
        .fingerprint = OTHER_HEX,
    };
}

struct written {
    struct entry_store store;
    struct event_header headers[ENTRY_HEADERS_MAX + 4];
    char key[ENTRY_KEY_SIZE];
    struct event_message message;
};

static void write_entry(struct written *w, const struct entry *e)
{
    w->message = (struct event_message){.key = w->key, .value = "{}", .value_len = 2, .headers = w->headers};
    w->message.key_len = entry_key_format(e->service, e->place, w->key);
    w->message.header_count = entry_headers(e, &w->store, w->headers);
    cr_assert(lt(sz, 9, w->message.header_count));
    cr_assert(le(sz, w->message.header_count, ENTRY_HEADERS_MAX));
}

static void expect_same(const struct entry *a, const struct entry *b)
{
    cr_expect(eq(str, (char *)a->service, (char *)b->service));
    cr_expect(entry_place_equal(a->place, b->place));
    cr_expect(entry_place_equal(a->behind, b->behind));
    cr_expect(eq(int, (int)a->state, (int)b->state));
    cr_expect(eq(int, (int)a->reason, (int)b->reason));
    cr_expect(eq(int, (int)a->type, (int)b->type));
    cr_expect(eq(int, order_cmp(a->order, b->order), 0));
    cr_expect(eq(uint, a->round, b->round));
    cr_expect(eq(uint, a->try_no, b->try_no));
    cr_expect(eq(uint, a->attempts, b->attempts));
    cr_expect(eq(uint, a->counted, b->counted));
    cr_expect(eq(int, a->status, b->status));
    cr_expect(eq(str, (char *)a->detail, (char *)b->detail));
    cr_expect(eq(str, (char *)a->step, (char *)b->step));
    cr_expect(eq(i64, a->release_at_ms, b->release_at_ms));
    cr_expect(eq(i64, a->first_try_ms, b->first_try_ms));
    cr_expect(eq(i64, a->sent_ms, b->sent_ms));
    cr_expect(eq(i64, a->came_ms, b->came_ms));
    cr_expect(eq(i64, a->since_ms, b->since_ms));
    cr_expect(eq(i64, a->now_ms, b->now_ms));
    cr_expect(eq(str, (char *)a->fence, (char *)b->fence));
    cr_expect(eq(str, (char *)a->key, (char *)b->key));
    cr_expect(eq(str, (char *)a->fingerprint, (char *)b->fingerprint));
    cr_assert(eq(sz, a->axes.n, b->axes.n));
    for (size_t i = 0; i < a->axes.n; i++)
        cr_expect(eq(str, (char *)a->axes.name[i], (char *)b->axes.name[i]));
    cr_assert(eq(sz, a->steps_len, b->steps_len));
    cr_expect(a->steps_len == 0 || memcmp(a->steps, b->steps, a->steps_len) == 0);
}

static void expect_back(const struct entry *e)
{
    struct written w;
    struct entry back;
    struct fault f = {.pointer = ""};
    write_entry(&w, e);
    cr_assert(eq(int, (int)entry_decode(&w.message, &back, &f), ENTRY_IS_ENTRY), "%s: %s", f.pointer, f.reason);
    expect_same(e, &back);
}

Test(entry, comes_back_as_it_was_written)
{
    struct entry e = full();
    expect_back(&e);
    e = least();
    expect_back(&e);
    e.axes.n = AXES_MAX;
    for (size_t i = 0; i < AXES_MAX; i++) {
        memset(e.axes.name[i], 'a', AXIS_NAME_SIZE - 1);
        e.axes.name[i][0] = (char)('A' + i);
        e.axes.name[i][AXIS_NAME_SIZE - 1] = '\0';
    }
    expect_back(&e);
}

Test(entry, of_every_state_reason_and_type_is_one_of_the_schema)
{
    struct err err = {.code = ERR_NONE};
    struct schema *s = schema_load(TVB_ROOT "/schemas/waiting-entry.schema.json", &err);
    cr_assert(ne(ptr, s, NULL), "%s", err.msg);
    for (int i = 0; i < ENTRY_STATE_COUNT * ENTRY_REASON_COUNT * EVENT_TYPE_COUNT; i++) {
        struct written w;
        struct fault f = {.pointer = ""};
        struct entry e = full();
        e.state = (enum entry_state)(i % ENTRY_STATE_COUNT);
        e.reason = (enum entry_reason)(i / ENTRY_STATE_COUNT % ENTRY_REASON_COUNT);
        e.type = (enum event_type)(i / ENTRY_STATE_COUNT / ENTRY_REASON_COUNT);
        write_entry(&w, &e);
        json_t *o = json_object();
        for (size_t k = 0; k < w.message.header_count; k++)
            json_object_set_new(o, w.headers[k].name, json_stringn(w.headers[k].value, w.headers[k].len));
        cr_expect(eq(sz, json_object_size(o), w.message.header_count), "no header twice");
        cr_expect(schema_check(s, o, &f), "%s: %s", f.pointer, f.reason);
        json_decref(o);
    }
    schema_free(s);
}

Test(entry, a_header_is_left_out_where_there_is_nothing_to_say)
{
    struct written w;
    struct entry e = least();
    write_entry(&w, &e);
    for (size_t i = 0; i < w.message.header_count; i++) {
        cr_expect(lt(sz, 0, w.headers[i].len), "%s", w.headers[i].name);
        cr_expect(ne(str, (char *)w.headers[i].name, "tvbridge-behind"));
        cr_expect(ne(str, (char *)w.headers[i].name, "tvbridge-release-at"));
        cr_expect(ne(str, (char *)w.headers[i].name, "tvbridge-axes"));
    }
}

Test(entry, steps_beyond_their_limit_are_refused)
{
    struct written w;
    struct entry e = full();
    e.steps_len = ENTRY_STEPS_MAX + 1;
    cr_expect(eq(sz, entry_headers(&e, &w.store, w.headers), 0));
}

Test(entry, original_headers_are_told_from_ours)
{
    struct written w;
    struct event_header original[ENTRY_HEADERS_MAX + 4];
    struct entry e = full();
    write_entry(&w, &e);
    size_t n = w.message.header_count;
    w.headers[n++] = header("content-type", "application/cloudevents+json");
    w.headers[n++] = header("tvbridge-tenant", "x");
    w.headers[n++] = header("traceparent", "");
    w.message.header_count = n;
    cr_expect(eq(sz, entry_original_headers(&w.message, original), 3));
    cr_expect(eq(str, (char *)original[0].name, "content-type"));
    cr_expect(eq(str, (char *)original[1].name, "tvbridge-tenant"));
    cr_expect(eq(str, (char *)original[2].name, "traceparent"));
    cr_expect(entry_owns_header("tvbridge-steps"));
    cr_expect(not(entry_owns_header("TVBRIDGE-STEPS")));
}

Test(entry, the_headers_of_a_dead_letter_are_not_the_events)
{
    const struct dead_letter d = {.reason = DEAD_INVALID, .detail = "d", .pointer = "/p", .topic = "t", .round = 1};
    struct dead_store store;
    struct event_header headers[DEAD_HEADERS_MAX + 1], original[DEAD_HEADERS_MAX + 1];
    size_t n = dead_letter_headers(&d, &store, headers);
    cr_expect(eq(sz, n, DEAD_HEADERS_MAX));
    headers[n] = header("content-type", "application/cloudevents+json");
    const struct event_message m = {.headers = headers, .header_count = n + 1};
    cr_expect(eq(sz, entry_original_headers(&m, original), 1));
    cr_expect(eq(str, (char *)original[0].name, "content-type"));
}

Test(entry, a_tombstone_says_which_entry_has_ended)
{
    struct entry e;
    struct fault f = {.pointer = ""};
    struct event_message m = {.key = "70001/4-1812", .key_len = 12};
    cr_expect(eq(int, (int)entry_decode(&m, &e, &f), ENTRY_IS_TOMBSTONE));
    cr_expect(eq(str, e.service, "70001"));
    cr_expect(entry_place_equal(e.place, (struct entry_place){4, 1812, 0}));
    cr_expect(eq(str, e.fence, ""));
}

Test(entry, a_tombstone_bears_the_fence_of_who_wrote_it)
{
    struct entry e;
    struct fault f = {.pointer = ""};
    struct event_header fence = entry_tombstone_header("1790000000000007");
    struct event_message m = {.key = "70001/4-1812", .key_len = 12, .headers = &fence, .header_count = 1};
    cr_expect(eq(int, (int)entry_decode(&m, &e, &f), ENTRY_IS_TOMBSTONE));
    cr_expect(eq(str, e.fence, "1790000000000007"));
    fence = entry_tombstone_header("17x");
    cr_expect(eq(int, (int)entry_decode(&m, &e, &f), ENTRY_IS_TOMBSTONE));
    cr_expect(eq(str, e.fence, ""), "what cannot be read is the lowest");
}

/* ---- what is refused ---- */

static struct event_header *find(struct written *w, const char *name)
{
    for (size_t i = 0; i < w->message.header_count; i++)
        if (strcmp(w->headers[i].name, name) == 0)
            return &w->headers[i];
    cr_assert(0, "%s", name);
    return NULL;
}

static void expect_refused(const char *name, const char *value)
{
    struct written w;
    struct entry e = full(), back;
    struct fault f = {.pointer = "(none)"};
    char want[64];
    write_entry(&w, &e);
    struct event_header *h = find(&w, name);
    if (value != NULL)
        *h = header(name, value);
    else
        *h = w.headers[--w.message.header_count];
    snprintf(want, sizeof(want), "/%s", name);
    cr_expect(eq(int, (int)entry_decode(&w.message, &back, &f), ENTRY_IS_INVALID), "%s: %s", name, value);
    cr_expect(eq(str, f.pointer, want), "%s", value);
    cr_expect(lt(sz, 5, strlen(f.reason)));
    cr_expect(value == NULL || value[0] == '\0' || strstr(f.reason, value) == NULL, "values stay out: %s", f.reason);
}

Test(entry, a_wrong_header_is_named)
{
    static const char *const rows[][2] = {
        {"tvbridge-state", "sleeping"},
        {"tvbridge-state", "unsend"},
        {"tvbridge-reason", "unsent"},
        {"tvbridge-reason", ""},
        {"tvbridge-behind", "4"},
        {"tvbridge-behind", "4-"},
        {"tvbridge-behind", "-1-7"},
        {"tvbridge-status", "1000"},
        {"tvbridge-type", "tvbridge.contract.blocked"},
        {"tvbridge-order", "0-101-0"},
        {"tvbridge-round", "0"},
        {"tvbridge-round", "01"},
        {"tvbridge-round", "4294967296"},
        {"tvbridge-round", "2 "},
        {"tvbridge-try", "-1"},
        {"tvbridge-try", ""},
        {"tvbridge-attempts", "one"},
        {"tvbridge-counted", "1.0"},
        {"tvbridge-release-at", "tomorrow"},
        {"tvbridge-first-try", "2026-13-01T00:00:00Z"},
        {"tvbridge-sent", "1795341600500"},
        {"tvbridge-came", "yesterday"},
        {"tvbridge-since", ""},
        {"tvbridge-time", "2026-11-22"},
        {"tvbridge-fence", "12a"},
        {"tvbridge-fence", "123456789012345678901234"},
        {"tvbridge-key", "0f343b"},
        {"tvbridge-fingerprint", "9F86d081884c7d659a2feaa0c55ad0159f86d081884c7d659a2feaa0c55ad015"},
        {"tvbridge-axes", "plan\x1f"},
        {"tvbridge-axes", "\x1fplan"},
        {"tvbridge-axes", "plan\x1f\x1f" "block"},
        {"tvbridge-axes", "package:1234567890123456789012345678901234567890123456789012345678901234"},
        {"tvbridge-detail", "1234567890123456789012345678901234567890123456789012345678901234"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        expect_refused(rows[i][0], rows[i][1]);
}

Test(entry, a_missing_header_is_named)
{
    static const char *const names[] = {"tvbridge-state", "tvbridge-reason", "tvbridge-behind", "tvbridge-type",
                                        "tvbridge-order", "tvbridge-round",  "tvbridge-try",    "tvbridge-since",
                                        "tvbridge-time",  "tvbridge-key",    "tvbridge-fingerprint"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        expect_refused(names[i], NULL);
}

Test(entry, what_the_clock_releases_says_when)
{
    for (int r = 0; r < ENTRY_REASON_COUNT; r++) {
        struct written w;
        struct entry e = least(), back;
        struct fault f = {.pointer = ""};
        e.reason = (enum entry_reason)r;
        write_entry(&w, &e);
        bool timed = entry_reason_is_timed(e.reason);
        cr_expect(eq(int, (int)entry_decode(&w.message, &back, &f), timed ? ENTRY_IS_INVALID : ENTRY_IS_ENTRY));
        cr_expect(eq(str, f.pointer, timed ? "/tvbridge-release-at" : ""));
        e.state = ENTRY_SENDING;
        write_entry(&w, &e);
        cr_expect(eq(int, (int)entry_decode(&w.message, &back, &f), ENTRY_IS_ENTRY),
                  "released, it is not lost");
    }
}

Test(entry, more_than_forty_axes_are_refused)
{
    struct written w;
    struct entry e = full(), back;
    struct fault f = {.pointer = ""};
    char text[2 * (AXES_MAX + 1)];
    for (size_t i = 0; i < sizeof(text); i++)
        text[i] = i % 2 == 0 ? 'a' : '\x1f';
    write_entry(&w, &e);
    *find(&w, "tvbridge-axes") = (struct event_header){"tvbridge-axes", text, sizeof(text) - 1};
    cr_expect(eq(int, (int)entry_decode(&w.message, &back, &f), ENTRY_IS_INVALID));
}

Test(entry, a_key_of_something_else_is_refused)
{
    static const char *const keys[] = {"70001", "/4-1812", "70001/", "70001/4", "70001/4-", "70001/4-18x", "70001/04-1",
                                       "70001/4-1812.", "70001/4-1812.0", "70001/4-1812.1.1", "70001/4-1812 ",
                                       "partition:4", "70001/2147483648-1", "70001/1-9223372036854775808",
                                       "70001/1-1.4294967296", ""};
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        struct entry e;
        struct fault f = {.pointer = "(none)"};
        struct event_message m = {.key = keys[i], .key_len = strlen(keys[i]), .value = "{}", .value_len = 2};
        cr_expect(eq(int, (int)entry_decode(&m, &e, &f), ENTRY_IS_INVALID), "%s", keys[i]);
        cr_expect(eq(str, f.pointer, ""), "%s", keys[i]);
    }
    struct entry e;
    struct fault f = {.pointer = "(none)"};
    struct event_message none = {.key = NULL};
    cr_expect(eq(int, (int)entry_decode(&none, &e, &f), ENTRY_IS_INVALID));
}

Test(entry, keys_come_back)
{
    static const struct entry_place rows[] = {{0, 0, 0}, {11, 12, 0}, {INT32_MAX, INT64_MAX, UINT32_MAX}, {4, 1812, 1}};
    char longest[ENTRY_SERVICE_SIZE + 1] = "";
    memset(longest, 's', ENTRY_SERVICE_SIZE - 1);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char key[ENTRY_KEY_SIZE], service[ENTRY_SERVICE_SIZE];
        struct entry_place p;
        size_t n = entry_key_format(longest, rows[i], key);
        cr_assert(eq(sz, n, strlen(key)));
        cr_assert(eq(int, entry_key_parse(key, n, service, &p), 0), "%s", key);
        cr_expect(eq(str, service, longest));
        cr_expect(entry_place_equal(p, rows[i]), "%s", key);
    }
    char key[ENTRY_KEY_SIZE];
    longest[ENTRY_SERVICE_SIZE - 1] = 's';
    cr_expect(eq(sz, entry_key_format(longest, rows[0], key), 0), "129 bytes are no service");
    entry_key_format("a|b~!", (struct entry_place){4, 1812, 0}, key);
    cr_expect(eq(str, key, "a|b~!/4-1812"));
}

Test(entry, words_come_back)
{
    for (int i = 0; i < ENTRY_STATE_COUNT; i++) {
        enum entry_state s = ENTRY_STATE_COUNT;
        cr_expect(eq(int, entry_state_parse(entry_state_name((enum entry_state)i), &s), 0));
        cr_expect(eq(int, (int)s, i));
    }
    for (int i = 0; i < ENTRY_REASON_COUNT; i++) {
        enum entry_reason r = ENTRY_REASON_COUNT;
        cr_expect(eq(int, entry_reason_parse(entry_reason_name((enum entry_reason)i), &r), 0));
        cr_expect(eq(int, (int)r, i));
    }
    enum entry_state s;
    enum entry_reason r;
    cr_expect(eq(int, entry_state_parse("", &s), -1));
    cr_expect(eq(int, entry_reason_parse("deadly", &r), -1));
}

Test(entry, takes_from_the_event_what_follows_from_it)
{
    struct event_schemas *schemas = load_schemas();
    struct event_message m = message(BLOCKED);
    struct event ev;
    struct fault f;
    cr_assert(eq(int, event_decode(schemas, &m, &ev, &f), 0), "%s", f.reason);
    struct entry e = least();
    cr_expect(eq(int, entry_of_event(&ev, &e), 0));
    cr_expect(eq(str, e.service, "70001"));
    cr_expect(eq(int, (int)e.type, EVENT_CONTRACT_BLOCKED));
    cr_expect(eq(str, e.key, ev.key));
    cr_expect(eq(sz, strlen(e.fingerprint), 64));
    cr_expect(eq(sz, e.axes.n, 1));
    cr_expect(eq(str, e.axes.name[0], "block"));
    expect_back(&e);
    event_fini(&ev);
    event_schemas_free(schemas);
}

Test(entry, holds_back_what_shares_an_axis)
{
    static const struct {
        const char *why;
        struct axes a, b;
        bool share;
    } rows[] = {
        {"the same", {1, {"block"}}, {1, {"block"}}, true},
        {"a package dated for December does not hold today's block", {1, {"package:P2"}}, {1, {"block"}}, false},
        {"one of several", {2, {"block", "suspension"}}, {1, {"suspension"}}, true},
        {"another package", {1, {"package:P1"}}, {1, {"package:P2"}}, false},
        {"existence shares all", {1, {"existence"}}, {1, {"plan"}}, true},
        {"a snapshot shares all", {1, {"device:A"}}, {1, {"all"}}, true},
        {"one without an axis waits for existence", {1, {"existence"}}, {0, {""}}, true},
        {"one without an axis does not wait for a plan", {1, {"plan"}}, {0, {""}}, false},
        {"a message does not hold a pairing code", {0, {""}}, {0, {""}}, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        cr_expect(eq(int, entry_axes_share(&rows[i].a, &rows[i].b), rows[i].share), "%s", rows[i].why);
        cr_expect(eq(int, entry_axes_share(&rows[i].b, &rows[i].a), rows[i].share), "%s, reversed", rows[i].why);
    }
}
