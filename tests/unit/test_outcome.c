/* The outcome as billing gets it, and its facts as Redis keeps them. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>

#include "contract/outcome.h"
#include "contract/outcome_read.h"
#include "contract/record.h"
#include "contract/schema.h"
#include "event_help.h"

static struct event event_of(const char *text)
{
    struct event_schemas *s = load_schemas();
    struct event e;
    struct fault f = {.pointer = ""};
    struct event_message m = message(text);
    cr_assert(eq(int, event_decode(s, &m, &e, &f), 0), "%s %s", f.pointer, f.reason);
    event_schemas_free(s);
    return e;
}

static const struct outcome_place place = {
    .partition = 4,
    .offset = 1812,
    .order = {.number = 7},
    .fence = "1795342800000001",
    .now_ms = 1795341601250,
};

static json_t *encoded(const struct outcome *o, const struct event *e, const char *record)
{
    struct buf out;
    buf_init(&out, 1 << 20);
    outcome_encode(o, e, &place, record, record == NULL ? 0 : strlen(record), &out);
    cr_assert(eq(int, buf_ok(&out), true));
    json_error_t err;
    json_t *v = json_loadb(out.data, out.len, JSON_REJECT_DUPLICATES, &err);
    cr_assert(ne(ptr, v, NULL), "%s: %.*s", err.text, (int)out.len, out.data);
    buf_fini(&out);
    return v;
}

static const char *at(const json_t *v, const char *pointer)
{
    const char *text = json_string_value(json_at_pointer(v, pointer));
    return text == NULL ? "absent" : text;
}

Test(outcome, kinds_have_names_that_parse_back_and_final_ones_end_an_event)
{
    static const struct {
        enum outcome_kind kind;
        const char *name;
        bool final, moves;
    } rows[] = {
        {OUTCOME_APPLIED, "applied", true, true},
        {OUTCOME_UNCHANGED, "unchanged", true, true},
        {OUTCOME_SUPERSEDED, "superseded", true, false},
        {OUTCOME_STALE, "stale", true, false},
        {OUTCOME_REJECTED, "rejected", true, false},
        {OUTCOME_DEAD, "dead", true, false},
        {OUTCOME_EXPIRED, "expired", true, false},
        {OUTCOME_PREVIEW, "preview", true, false},
        {OUTCOME_CONFLICT, "conflict", true, false},
        {OUTCOME_HELD, "held", false, false},
        {OUTCOME_IN_DOUBT, "in_doubt", false, false},
        {OUTCOME_WAITING, "waiting", false, false},
    };
    cr_expect(eq(sz, ARRAY_LEN(rows), OUTCOME_KIND_COUNT));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        enum outcome_kind k = OUTCOME_KIND_COUNT;
        cr_expect(eq(str, (char *)outcome_kind_name(rows[i].kind), (char *)rows[i].name));
        cr_expect(eq(int, outcome_kind_parse(rows[i].name, &k), 0));
        cr_expect(eq(int, k, rows[i].kind));
        cr_expect(eq(int, outcome_kind_is_final(k), rows[i].final), "%s", rows[i].name);
        cr_expect(eq(int, outcome_kind_moves_record(k), rows[i].moves), "%s", rows[i].name);
    }
    enum outcome_kind none;
    cr_expect(eq(int, outcome_kind_parse("done", &none), -1));
}

Test(outcome, says_what_came_of_which_event)
{
    struct event e = event_of(
        BLOCKED_HEAD
        ",\"sequence\":\"7\","
        "\"traceparent\":\"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\"" BLOCKED_TAIL);
    struct outcome o = {.kind = OUTCOME_REJECTED,
                        .attempts = 2,
                        .round = 1,
                        .reason = "unknown_account",
                        .status = 200,
                        .answer = "Account \"70001\" not found"};
    json_t *v = encoded(&o, &e, NULL);
    char id[33];
    outcome_id(&o, &e, id);
    cr_expect(eq(str, (char *)at(v, "/id"), id));
    cr_expect(eq(str, (char *)at(v, "/type"), "tvbridge.outcome"));
    cr_expect(eq(str, (char *)at(v, "/source"), "tvbridge/stalker"));
    cr_expect(eq(str, (char *)at(v, "/subject"), "70001"));
    cr_expect(eq(str, (char *)at(v, "/partitionkey"), "stalker/70001"));
    cr_expect(eq(str, (char *)at(v, "/time"), "2026-11-22T10:00:01.250Z"));
    cr_expect(eq(str, (char *)at(v, "/sequence"), "7"));
    cr_expect(eq(str, (char *)at(v, "/traceparent"),
                 "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"));
    cr_expect(eq(str, (char *)at(v, "/data/event/id"), "e1"));
    cr_expect(eq(str, (char *)at(v, "/data/event/source"), "/billing"));
    cr_expect(eq(str, (char *)at(v, "/data/event/type"), "tvbridge.contract.blocked"));
    cr_expect(eq(str, (char *)at(v, "/data/kind"), "rejected"));
    cr_expect(eq(str, (char *)at(v, "/data/reason"), "unknown_account"));
    cr_expect(eq(str, (char *)at(v, "/data/provider_answer/text"), "Account \"70001\" not found"));
    cr_expect(
        eq(int, (int)json_integer_value(json_at_pointer(v, "/data/provider_answer/status")), 200));
    cr_expect(eq(int, (int)json_integer_value(json_at_pointer(v, "/data/attempts")), 2));
    cr_expect(eq(int, (int)json_integer_value(json_at_pointer(v, "/data/place/offset")), 1812));
    cr_expect(eq(str, (char *)at(v, "/data/order"), "000000-000000000000000007-000000"));
    cr_expect(eq(str, (char *)at(v, "/data/fence"), "1795342800000001"));
    json_decref(v);
    event_fini(&e);
}

/* Rows of every shape, each against the schema that billing reads. */
Test(outcome, is_what_its_schema_says)
{
    struct err err = {.code = ERR_NONE};
    struct schema *s = schema_load(TVB_ROOT "/schemas/outcome.schema.json", &err);
    cr_assert(ne(ptr, s, NULL), "%s", err.msg);
    struct event rows[] = {event_of(BLOCKED), event_of(BLOCKED_HEAD BLOCKED_TAIL)};
    json_t *record = record_new("stalker", "70001");
    char *record_text = json_dumps(record, JSON_COMPACT);
    for (int k = 0; k < OUTCOME_KIND_COUNT; k++)
        for (unsigned shape = 0; shape < 16; shape++) {
            struct fault f = {.pointer = ""};
            struct outcome o = {.kind = (enum outcome_kind)k,
                                .round = 1,
                                .attempts = shape,
                                .status = shape & 1 ? 200 : 0,
                                .reason = "a_word",
                                .resolved = "record",
                                .given = shape & 2 ? json_pack("{s:s}", "pin", "1234") : NULL};
            json_t *v = encoded(&o, &rows[shape & 4 ? 1 : 0], shape & 8 ? record_text : NULL);
            cr_expect(eq(int, schema_check(s, v, &f), true), "%s: %s %s", outcome_kind_name(o.kind),
                      f.pointer, f.reason);
            json_decref(v);
            outcome_fini(&o);
        }
    free(record_text);
    json_decref(record);
    event_fini(&rows[0]);
    event_fini(&rows[1]);
    schema_free(s);
}

Test(outcome, id_is_a_function_of_what_it_says)
{
    struct event e = event_of(BLOCKED), other = event_of(BLOCKED_HEAD BLOCKED_TAIL);
    struct outcome o = {.kind = OUTCOME_APPLIED, .round = 1, .attempts = 1};
    char first[33], id[33];
    outcome_id(&o, &e, first);
    o.attempts = 3;
    o.status = 200;
    outcome_id(&o, &e, id);
    cr_expect(eq(str, first, id), "attempts and answer do not matter");
    o.round = 2;
    outcome_id(&o, &e, id);
    cr_expect(ne(str, first, id), "round");
    o.round = 1;
    o.kind = OUTCOME_DEAD;
    outcome_id(&o, &e, id);
    cr_expect(ne(str, first, id), "kind");
    o.kind = OUTCOME_APPLIED;
    outcome_id(&o, &other, id);
    cr_expect(ne(str, first, id), "fingerprint");
    event_fini(&e);
    event_fini(&other);
}

Test(outcome, an_answer_that_is_no_utf8_still_makes_json)
{
    struct event e = event_of(BLOCKED);
    struct outcome o = {.kind = OUTCOME_REJECTED, .round = 1, .status = 500};
    memset(o.answer, '\xc3', sizeof(o.answer)); /* not even terminated */
    json_t *v = encoded(&o, &e, NULL);
    cr_expect(eq(sz, strlen(at(v, "/data/provider_answer/text")), sizeof(o.answer)));
    json_decref(v);
    static const struct {
        const char *raw, *want;
    } rows[] = {
        {"caf\xc3\xa9", "caf\xc3\xa9"},
        {"cut \xe2\x82", "cut ??"},
        {"\xed\xa0\x80", "???"},
        {"\xc0\x80", "??"},
        {"\xf4\x90\x80\x80", "????"},
        {"\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80"},
        {"tab\tnew\nline", "tab\tnew\nline"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        strcpy(o.answer, rows[i].raw);
        v = encoded(&o, &e, NULL);
        cr_expect(eq(str, (char *)at(v, "/data/provider_answer/text"), (char *)rows[i].want));
        json_decref(v);
    }
    event_fini(&e);
}

static void expect_same(const struct outcome *a, const struct outcome *b)
{
    cr_expect(eq(int, a->kind, b->kind));
    cr_expect(eq(uint, a->attempts, b->attempts));
    cr_expect(eq(uint, a->round, b->round));
    cr_expect(eq(int, a->status, b->status));
    cr_expect(eq(str, (char *)a->reason, (char *)b->reason));
    cr_expect(eq(str, (char *)a->resolved, (char *)b->resolved));
    cr_expect(eq(str, (char *)a->answer, (char *)b->answer));
    cr_expect(eq(int, json_equal(a->given, b->given) || (a->given == NULL && b->given == NULL), 1));
}

Test(outcome, facts_come_back_as_they_were)
{
    struct outcome rows[] = {
        {.kind = OUTCOME_APPLIED,
         .attempts = 1,
         .round = 1,
         .status = 200,
         .answer = "OK \"quoted\" \xc3\xa9",
         .given = json_pack("{s:s,s:{s:i}}", "account_number", "70001", "nested", "n", 3)},
        {.kind = OUTCOME_STALE, .round = 3, .resolved = "record"},
        {.kind = OUTCOME_IN_DOUBT,
         .attempts = 4294967295u,
         .round = 4294967295u,
         .reason = "no_answer"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct buf facts;
        struct outcome back;
        buf_init(&facts, 1 << 16);
        outcome_facts_encode(&rows[i], &facts);
        cr_assert(eq(int, outcome_facts_decode(facts.data, facts.len, &back), 0), "%s", facts.data);
        expect_same(&rows[i], &back);
        outcome_fini(&back);
        outcome_fini(&rows[i]);
        buf_fini(&facts);
    }
}

Test(outcome, texts_that_are_no_facts_are_refused)
{
    static const char *const rows[] = {"",
                                       "[]",
                                       "{}",
                                       "{\"kind\":\"done\"}",
                                       "{\"kind\":\"applied\",\"attempts\":-1}",
                                       "{\"kind\":\"applied\",\"status\":\"200\"}",
                                       "{\"kind\":\"applied\",\"given\":[]}",
                                       "{\"kind\":\"applied\"",
                                       "{\"kind\":\"applied\",\"round\":4294967296}"};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct outcome o;
        cr_expect(eq(int, outcome_facts_decode(rows[i], strlen(rows[i]), &o), -1), "%s", rows[i]);
    }
}

/* ---- read back ---- */

Test(outcome, what_was_published_is_read_back)
{
    struct event e = event_of(BLOCKED_HEAD ",\"sequence\":\"7\"" BLOCKED_TAIL);
    struct outcome o = {.kind = OUTCOME_APPLIED, .attempts = 2, .round = 3, .reason = "why", .resolved = "read_back",
                        .status = 200, .answer = "OK", .given = json_pack("{s:s}", "pin", "x")};
    struct outcome_seen seen;
    struct buf out;
    char fingerprint[2 * HASH_SHA256_SIZE + 1];
    buf_init(&out, 1 << 20);
    outcome_encode(&o, &e, &place, "{\"service\":\"70001\"}", 19, &out);
    hash_hex(e.fingerprint, sizeof(e.fingerprint), fingerprint);
    cr_assert(eq(int, outcome_read(out.data, out.len, &seen), 0));
    cr_expect(eq(str, (char *)seen.provider, "stalker"));
    cr_expect(eq(str, (char *)seen.service, "70001"));
    cr_expect(eq(str, seen.key, e.key));
    cr_expect(eq(str, (char *)seen.fingerprint, fingerprint));
    cr_expect(eq(str, (char *)seen.fence, "1795342800000001"));
    cr_expect(seen.final);
    cr_expect(eq(int, seen.facts.kind, OUTCOME_APPLIED));
    cr_expect(eq(str, (char *)at(seen.record, "/service"), "70001"));
    struct buf was, is;
    buf_init(&was, 4096);
    buf_init(&is, 4096);
    outcome_facts_encode(&o, &was);
    outcome_facts_encode(&seen.facts, &is);
    cr_expect(eq(str, (char *)buf_cstr(&is), (char *)buf_cstr(&was)));
    buf_fini(&was);
    buf_fini(&is);
    buf_fini(&out);
    outcome_seen_fini(&seen);
    outcome_fini(&o);
    event_fini(&e);
}

Test(outcome, what_is_none_is_not_read_as_one)
{
    static const char *const rows[] = {
        "", "{}", "[]", "{\"type\":\"tvbridge.outcome\"}",
        "{\"type\":\"tvbridge.outcome\",\"subject\":\"1\",\"data\":{\"kind\":\"applied\"}}",
        "{\"type\":\"tvbridge.outcome\",\"subject\":\"1\",\"data\":{\"kind\":\"x\",\"event\":{\"id\":\"1\",\"source\":\"/\"}}}",
        "{\"type\":\"other\",\"subject\":\"1\",\"data\":{\"kind\":\"applied\",\"event\":{\"id\":\"1\",\"source\":\"/\"}}}",
    };
    struct outcome_seen seen;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        cr_expect(eq(int, outcome_read(rows[i], strlen(rows[i]), &seen), -1), "%s", rows[i]);
}
