/* May this login watch, and what? By the records alone. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "base/clock.h"
#include "contract/password.h"
#include "entitlement.h"

static const char key[] = "0123456789abcdef0123456789abcdef";
#define AXES "\"axes\":{}"

/* @members: those beside service, provider, axes; a password is put in where it is not NULL. */
static void put_at(struct entitlement *e, int32_t partition, const char *service, const char *password, const char *members)
{
    char text[2000], hmac[PASSWORD_TEXT_SIZE + 40] = "";
    if (password != NULL) {
        struct password_kept k;
        char kept[PASSWORD_TEXT_SIZE];
        password_keep(key, &(struct password_of){"neotv", service, password}, &k);
        password_format(&k, kept);
        snprintf(hmac, sizeof(hmac), ",\"password_hmac\":\"%s\"", kept);
    }
    snprintf(text, sizeof(text), "{\"service\":\"%s\",\"provider\":\"neotv\",\"axes\":{}%s%s%s}", service, hmac, members[0] != '\0' ? "," : "",
             members);
    cr_assert(eq(int, entitlement_put(e, partition, service, strlen(service), text, strlen(text)), 0));
}

static void put(struct entitlement *e, const char *service, const char *password, const char *members)
{
    put_at(e, 0, service, password, members);
}

static struct entitlement *made(void)
{
    struct entitlement *e = entitlement_new("neotv", key);
    cr_assert(ne(ptr, e, NULL));
    return e;
}

static void expect_at(const struct entitlement *e, const char *now, const char *login, const char *password, const char *want)
{
    struct buf out;
    struct entitlement_question q = {.login = login, .password = password, .age_ms = 7};
    cr_assert(eq(int, clock_parse_rfc3339(now, &q.now_real_ms), 0));
    buf_init(&out, 100000);
    (void)entitlement_answer(e, &q, &out);
    cr_expect(eq(str, (char *)buf_cstr(&out), (char *)want), "%s %s", login, password != NULL ? password : "without a password");
    buf_fini(&out);
}

static void expect(const struct entitlement *e, const char *login, const char *password, const char *want)
{
    expect_at(e, "2026-12-01T12:00:00Z", login, password, want);
}

#define WRONG "{\"may_watch\":false,\"reason\":\"wrong_login_or_password\",\"age_ms\":7}"

Test(entitlement, the_login_and_its_password_may_watch_what_the_record_says)
{
    struct entitlement *e = made();
    put(e, "70001", "pw", "\"status\":\"active\",\"block\":\"none\",\"login\":\"ann\",\"plan\":\"basic\",\"packages\":{\"P1\":{},\"P2\":{}}");
    put(e, "70002", "pw", "\"status\":\"active\",\"login\":\"bea\"");
    expect(e, "ann", "pw", "{\"may_watch\":true,\"service\":\"70001\",\"plan\":\"basic\",\"packages\":[\"P1\",\"P2\"],\"age_ms\":7}");
    expect(e, "bea", "pw", "{\"may_watch\":true,\"service\":\"70002\",\"packages\":[],\"age_ms\":7}");
    expect(e, "ann", "pw ", WRONG);
    expect(e, "ann", "", WRONG);
    expect(e, "Ann", "pw", WRONG);
    expect(e, "nobody", "pw", WRONG);
    expect(e, "70001", "pw", WRONG);
    entitlement_free(e);
}

Test(entitlement, each_state_of_the_record_says_yes_or_why_not)
{
    static const struct {
        const char *members, *want; /* of the answer, behind may_watch */
    } rows[] = {
        {"\"status\":\"active\"", "true,\"service\":\"1\",\"packages\":[]"},
        {"\"status\":\"active\",\"block\":\"none\"", "true,\"service\":\"1\",\"packages\":[]"},
        {"\"status\":\"suspended\",\"block\":\"blocked\"", "false,\"reason\":\"blocked\",\"service\":\"1\""},
        {"\"status\":\"active\",\"block\":\"partial\"", "false,\"reason\":\"blocked\",\"service\":\"1\""},
        {"\"status\":\"active\",\"block\":\"a_new_word\"", "false,\"reason\":\"blocked\",\"service\":\"1\""},
        {"\"status\":\"suspended\",\"block\":\"none\"", "false,\"reason\":\"suspended\",\"service\":\"1\""},
        {"\"status\":\"active\",\"suspended\":true", "false,\"reason\":\"suspended\",\"service\":\"1\""},
        {"\"status\":\"inactive\"", "false,\"reason\":\"inactive\",\"service\":\"1\""},
        {"\"status\":\"pending\"", "false,\"reason\":\"inactive\",\"service\":\"1\""},
        {"\"status\":\"terminated\"", "false,\"reason\":\"inactive\",\"service\":\"1\""},
        {"\"status\":\"unknown\"", "false,\"reason\":\"inactive\",\"service\":\"1\""},
        {"\"status\":\"another_word\"", "false,\"reason\":\"inactive\",\"service\":\"1\""},
        {"\"x\":1", "false,\"reason\":\"inactive\",\"service\":\"1\""},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char members[200], want[200];
        struct entitlement *e = made();
        snprintf(members, sizeof(members), "\"login\":\"ann\",%s", rows[i].members);
        snprintf(want, sizeof(want), "{\"may_watch\":%s,\"age_ms\":7}", rows[i].want);
        put(e, "1", "pw", members);
        expect(e, "ann", "pw", want);
        expect(e, "ann", NULL, want);
        expect(e, "ann", "other", WRONG);
        entitlement_free(e);
    }
}

Test(entitlement, packages_are_told_from_and_until_their_dates)
{
    struct entitlement *e = made();
    put(e, "1", NULL,
        "\"login\":\"ann\",\"status\":\"active\",\"packages\":{\"days\":{\"valid_from\":\"2026-12-02\",\"valid_to\":\"2026-12-03\"},"
        "\"moments\":{\"valid_from\":\"2026-12-02T10:00:00Z\",\"valid_to\":\"2026-12-02T12:00:00+01:00\"},\"always\":{},"
        "\"odd\":{\"valid_from\":\"soon\",\"valid_to\":7},\"begins\":{\"valid_from\":\"2026-12-03\"},\"ends\":{\"valid_to\":\"2026-12-01\"}}");
    static const struct {
        const char *now, *packages;
    } rows[] = {
        {"2026-12-01T23:59:59Z", "\"always\",\"odd\",\"ends\""},
        {"2026-12-02T00:00:00Z", "\"days\",\"always\",\"odd\""},
        {"2026-12-02T09:59:59Z", "\"days\",\"always\",\"odd\""},
        {"2026-12-02T10:00:00Z", "\"days\",\"moments\",\"always\",\"odd\""},
        {"2026-12-02T11:00:00Z", "\"days\",\"always\",\"odd\""},
        {"2026-12-03T23:59:59Z", "\"days\",\"always\",\"odd\",\"begins\""},
        {"2026-12-04T00:00:00Z", "\"always\",\"odd\",\"begins\""},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char want[300];
        snprintf(want, sizeof(want), "{\"may_watch\":true,\"service\":\"1\",\"packages\":[%s],\"age_ms\":7}", rows[i].packages);
        expect_at(e, rows[i].now, "ann", NULL, want);
    }
    entitlement_free(e);
}

Test(entitlement, a_password_that_cannot_be_checked_is_told_from_a_wrong_one)
{
    static const char unkept[] = "{\"may_watch\":false,\"reason\":\"password_not_kept\",\"service\":\"1\",\"age_ms\":7}";
    struct entitlement *e = made(), *other = entitlement_new("neotv", "another key, of 32 characters...."),
                       *keyless = entitlement_new("neotv", NULL);
    put(e, "1", NULL, "\"login\":\"ann\",\"status\":\"active\"");
    put(other, "1", "pw", "\"login\":\"ann\",\"status\":\"active\"");
    put(keyless, "1", "pw", "\"login\":\"ann\",\"status\":\"active\"");
    expect(e, "ann", "pw", unkept);
    expect(other, "ann", "pw", unkept);
    expect(keyless, "ann", "pw", unkept);
    expect(keyless, "nobody", "pw", WRONG);
    entitlement_free(e);
    entitlement_free(other);
    entitlement_free(keyless);
}

Test(entitlement, a_password_is_of_its_own_service_and_provider)
{
    struct entitlement *e = made(), *elsewhere = entitlement_new("cdntv", key);
    struct password_kept k;
    char kept[PASSWORD_TEXT_SIZE], members[300];
    password_keep(key, &(struct password_of){"neotv", "2", "pw"}, &k);
    password_format(&k, kept);
    snprintf(members, sizeof(members), "\"login\":\"ann\",\"status\":\"active\",\"password_hmac\":\"%s\"", kept);
    put(e, "1", NULL, members);
    put(elsewhere, "2", NULL, members);
    expect(e, "ann", "pw", WRONG);
    expect(elsewhere, "ann", "pw", WRONG);
    entitlement_free(e);
    entitlement_free(elsewhere);
}

Test(entitlement, of_services_with_one_login_the_right_one_answers)
{
    struct entitlement *e = made();
    put(e, "1", "old", "\"login\":\"ann\",\"status\":\"inactive\"");
    put(e, "2", "new", "\"login\":\"ann\",\"status\":\"active\"");
    put(e, "3", "new", "\"login\":\"ann\",\"status\":\"suspended\"");
    expect(e, "ann", "new", "{\"may_watch\":true,\"service\":\"2\",\"packages\":[],\"age_ms\":7}");
    expect(e, "ann", "old", "{\"may_watch\":false,\"reason\":\"inactive\",\"service\":\"1\",\"age_ms\":7}");
    expect(e, "ann", "none", WRONG);
    expect(e, "ann", NULL, "{\"may_watch\":true,\"service\":\"2\",\"packages\":[],\"age_ms\":7}");
    entitlement_free(e);
}

Test(entitlement, a_newer_record_takes_the_older_ones_place)
{
    struct entitlement *e = made();
    put(e, "1", "pw", "\"login\":\"ann\",\"status\":\"active\",\"fence\":\"100\"");
    put(e, "1", "pw", "\"login\":\"bea\",\"status\":\"suspended\",\"fence\":\"101\"");
    cr_expect(eq(sz, entitlement_count(e), 1));
    expect(e, "ann", "pw", WRONG);
    expect(e, "bea", "pw", "{\"may_watch\":false,\"reason\":\"suspended\",\"service\":\"1\",\"age_ms\":7}");
    put(e, "1", NULL, "\"status\":\"terminated\",\"fence\":\"102\"");
    expect(e, "bea", "pw", WRONG);
    cr_expect(eq(sz, entitlement_count(e), 1));
    entitlement_free(e);
}

/* RELIABILITY.md section 2: a merge takes the highest fence; a fenced owner's late write is not the last word. */
Test(entitlement, a_record_under_an_older_claim_changes_nothing)
{
    struct entitlement *e = made();
    static const char blocked[] = "{\"may_watch\":false,\"reason\":\"blocked\",\"service\":\"1\",\"age_ms\":7}";
    put(e, "1", "pw", "\"login\":\"ann\",\"status\":\"suspended\",\"block\":\"blocked\",\"fence\":\"1795342800000001\"");
    put(e, "1", "pw", "\"login\":\"ann\",\"status\":\"active\",\"fence\":\"999999999999999\"");
    expect(e, "ann", "pw", blocked);
    put(e, "1", "pw", "\"login\":\"ann\",\"status\":\"active\",\"fence\":\"1795342800000001\",\"unfinished\":\"1795342800000001\"");
    expect(e, "ann", "pw", blocked);
    put(e, "1", "pw", "\"login\":\"ann\",\"status\":\"active\",\"fence\":\"1795342800000001\"");
    expect(e, "ann", "pw", "{\"may_watch\":true,\"service\":\"1\",\"packages\":[],\"age_ms\":7}");
    entitlement_free(e);
}

Test(entitlement, a_tombstone_and_a_log_made_anew_are_forgotten)
{
    struct entitlement *e = made();
    put_at(e, 0, "1", "pw", "\"login\":\"ann\",\"status\":\"active\"");
    put_at(e, 1, "2", "pw", "\"login\":\"bea\",\"status\":\"active\"");
    put_at(e, 1, "3", "pw", "\"login\":\"ann\",\"status\":\"active\"");
    cr_assert(eq(int, entitlement_put(e, 0, "1", 1, NULL, 0), 0));
    cr_assert(eq(int, entitlement_put(e, 0, "none", 4, NULL, 0), 0));
    cr_expect(eq(sz, entitlement_count(e), 2));
    expect(e, "ann", "pw", "{\"may_watch\":true,\"service\":\"3\",\"packages\":[],\"age_ms\":7}");
    entitlement_forget(e, 1);
    cr_expect(eq(sz, entitlement_count(e), 0));
    expect(e, "bea", "pw", WRONG);
    entitlement_free(e);
}

Test(entitlement, what_is_no_record_is_passed_over)
{
    static const char *const texts[] = {"", "{", "[]", "{\"service\":\"1\"}", "{\"partition\":3}",
                                        "{\"service\":\"2\",\"provider\":\"neotv\",\"axes\":{}}"};
    struct entitlement *e = made();
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        cr_expect(eq(int, entitlement_put(e, 0, "1", 1, texts[i], strlen(texts[i])), 0), "%s", texts[i]);
    cr_expect(eq(sz, entitlement_count(e), 0));
    entitlement_free(e);
}

Test(entitlement, thousands_are_told_apart)
{
    struct entitlement *e = made();
    char service[20], members[100], want[100];
    for (int i = 0; i < 5000; i++) {
        snprintf(service, sizeof(service), "%d", i);
        snprintf(members, sizeof(members), "\"login\":\"l%d\",\"status\":\"active\",\"plan\":\"p%d\"", i % 2500, i);
        put_at(e, i % 12, service, NULL, members);
    }
    for (int i = 0; i < 5000; i += 2) {
        snprintf(service, sizeof(service), "%d", i);
        cr_assert(eq(int, entitlement_put(e, i % 12, service, strlen(service), NULL, 0), 0));
    }
    cr_expect(eq(sz, entitlement_count(e), 2500));
    snprintf(want, sizeof(want), "{\"may_watch\":true,\"service\":\"2501\",\"plan\":\"p2501\",\"packages\":[],\"age_ms\":7}");
    cr_assert(eq(int, entitlement_put(e, 1, "1", 1, NULL, 0), 0));
    expect(e, "l1", NULL, want);
    entitlement_free(e);
}
