/* What billing wants against what the platform has: rows, accounts, links, differences. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>
#include <unistd.h>

#include "account.h"
#include "base/attr.h"
#include "base/buf.h"
#include "base/clock.h"
#include "book.h"
#include "contract/json.h"
#include "contract/diff.h"
#include "known.h"
#include "link.h"
#include "rows.h"
#include "wanted.h"

static json_t *json(const char *text)
{
    json_error_t e;
    json_t *v = json_loads(text, JSON_DECODE_ANY, &e);
    cr_assert(v != NULL, "%s: %s", text, e.text);
    return v;
}

static void expect_json(const char *why, const json_t *got, const char *want)
{
    json_t *w = json(want);
    char *text = got == NULL ? strdup("nothing") : json_dumps(got, JSON_SORT_KEYS | JSON_ENCODE_ANY);
    cr_expect(got != NULL && json_equal(got, w), "%s: %s instead of %s", why, text, want);
    free(text);
    json_decref(w);
}

/* ---- book ---- */

Test(book, keeps_the_last_text_of_each_key_in_the_order_of_the_first)
{
    struct book *b = book_new();
    char key[16];
    size_t len;
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < 5000; i++) {
            snprintf(key, sizeof(key), "k%d", (i * 7) % 5000);
            json_t *v = json_pack("{s:i, s:i}", "i", i, "round", round);
            cr_assert(zero(int, book_put_json(b, key, v)));
            json_decref(v);
        }
    cr_expect(eq(sz, book_count(b), 5000));
    cr_expect(eq(str, (char *)book_key(b, 1), "k7"));
    cr_expect(eq(str, (char *)book_get(b, "k7", &len), "{\"i\":1,\"round\":1}"));
    cr_expect(book_get(b, "k5000", &len) == NULL && len == 0);
    cr_expect(book_get_json(b, "k") == NULL);
    book_sort(b);
    cr_expect(eq(str, (char *)book_key(b, 0), "k0"));
    cr_expect(eq(str, (char *)book_key(b, 2), "k10"));
    cr_expect(eq(str, (char *)book_get(b, "k10", &len), "{\"i\":1430,\"round\":1}"));
    book_free(b);
    book_free(NULL);
}

/* ---- rows ---- */

struct seen {
    struct buf all;
};

static int on_row(void *arg, const json_t *row, long line, struct err *reterr)
{
    struct seen *s = arg;
    (void)reterr;
    buf_addf(&s->all, "%ld ", line);
    json_add_canonical(&s->all, row);
    buf_addc(&s->all, '\n');
    return 0;
}

/* The rows of a file with that text, one a line; or the error, without its path. */
static char *rows_of(const char *text, size_t len)
{
    char path[] = "/tmp/tvb-rows-XXXXXX";
    struct seen s;
    struct err err = {0};
    int fd = mkstemp(path);
    cr_assert(fd >= 0 && write(fd, text, len) == (ssize_t)len);
    close(fd);
    buf_init(&s.all, 1 << 20);
    int rc = rows_read(path, &map_form, on_row, &s, &err);
    char *ret = rc == 0 ? strdup(buf_cstr(&s.all)) : strdup(err.msg + strlen(path) + 1);
    unlink(path);
    buf_fini(&s.all);
    return ret;
}

Test(rows, are_read_from_csv_and_json_alike)
{
    static const struct {
        const char *why, *text, *want;
    } rows[] = {
        {"commas", "service,login\n1,ann\n2,bob\n", "2 {\"login\":\"ann\",\"service\":\"1\"}\n3 {\"login\":\"bob\",\"service\":\"2\"}\n"},
        {"semicolons, CRLF, no last line end, names as people write them", "Service;Account number\r\n1;7\r\n2;8",
         "2 {\"account_number\":\"7\",\"service\":\"1\"}\n3 {\"account_number\":\"8\",\"service\":\"2\"}\n"},
        {"tabs and a byte order mark", "\xEF\xBB\xBF" "service\tname\n1\tAnn B\n", "2 {\"name\":\"Ann B\",\"service\":\"1\"}\n"},
        {"quotes", "service,name\n1,\"B, \"\"Ann\"\"\nthe second\"\n2,x\n",
         "2 {\"name\":\"B, \\\"Ann\\\"\\nthe second\",\"service\":\"1\"}\n4 {\"name\":\"x\",\"service\":\"2\"}\n"},
        {"empty cells say nothing, empty lines are none", "service,login,name\n\n1,,x\n,,\n", "3 {\"name\":\"x\",\"service\":\"1\"}\n"},
        {"a name alone", "service\n1\n", "2 {\"service\":\"1\"}\n"},
        {"JSON lines", "{\"service\":\"1\",\"login\":\"a\"}\n{\"service\":2}\n", "1 {\"login\":\"a\",\"service\":\"1\"}\n2 {\"service\":2}\n"},
        {"empty members say nothing", "{\"service\":\"1\",\"login\":\"\",\"name\":null}\n", "1 {\"service\":\"1\"}\n"},
        {"a JSON array", " [{\"service\":\"1\"},\n{\"service\":\"2\"}]", "1 {\"service\":\"1\"}\n2 {\"service\":\"2\"}\n"},
        {"nothing", "", ""},
        {"white space", "\n \n", ""},
        {"an unknown column", "service,logn\n1,a\n", "1: \"logn\" is no name that is known here: service, login, account_number, external_id, client, name, service_name"},
        {"an unknown member", "{\"service\":\"1\"}\n{\"plan\":\"3\"}\n", "2: \"plan\" is no name that is known here: service, login, account_number, external_id, client, name, service_name"},
        {"a column twice", "service,login,service\n", "1: the column service is there twice"},
        {"too many cells", "service\n1,2\n", "2: more cells than the first line has names"},
        {"an open quote", "service,name\n1,\"x\n2,y\n", "2: a quote is not closed"},
        {"text behind a quote", "service,name\n1,\"x\"y\n", "2: text behind a closing quote"},
        {"no object", "[1]", "1: wanted a JSON object, each member once"},
        {"a member twice", "{\"service\":1,\"service\":2}\n", "1: wanted a JSON object, each member once"},
        {"not UTF-8", "service,name\n1,\xff\n", "2: name: want UTF-8 text"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char *got = rows_of(rows[i].text, strlen(rows[i].text));
        cr_expect(eq(str, got, (char *)rows[i].want), "%s", rows[i].why);
        free(got);
    }
}

/* A text ends there for whoever looks at it later. */
Test(rows, have_no_nul)
{
    static const char name[] = "service\0x,login\n1,a\n", cell[] = "service,login\n1,a\n2,b\0c\n";
    char *got = rows_of(name, sizeof(name) - 1);
    cr_expect(eq(str, got, "1: a cell with a NUL: want UTF-8 text"));
    free(got);
    got = rows_of(cell, sizeof(cell) - 1);
    cr_expect(eq(str, got, "3: a cell with a NUL: want UTF-8 text"));
    free(got);
}

/* ---- wanted ---- */

Test(wanted, is_one_form_of_what_rows_say)
{
    static const struct {
        const char *why, *row, *want;
    } rows[] = {
        {"a row of CSV", "{\"service\":\"1\",\"plan\":\"3\",\"status\":\"active\",\"packages\":\"P1 P2@2026-12-01..2026-12-31;P3@..2027-01-01\"}",
         "{\"plan\":\"3\",\"status\":\"active\",\"packages\":{\"P1\":{},\"P2\":{\"valid_from\":\"2026-12-01\",\"valid_to\":\"2026-12-31\"},\"P3\":{\"valid_to\":\"2027-01-01\"}}}"},
        {"no package is wanted", "{\"service\":\"1\",\"packages\":\"-\"}", "{\"packages\":{}}"},
        {"nothing is said of packages", "{\"service\":\"1\",\"packages\":null,\"login\":\"a\"}", "{\"login\":\"a\"}"},
        {"lists of JSON", "{\"service\":1,\"packages\":[\"P1\",7,{\"id\":\"P2\",\"valid_to\":\"2026-12-31T10:00:00Z\",\"price\":\"4.90\",\"quantity\":2}]}",
         "{\"packages\":{\"P1\":{},\"7\":{},\"P2\":{\"valid_to\":\"2026-12-31T10:00:00Z\",\"price\":\"4.90\",\"quantity\":2}}}"},
        {"for a creation", "{\"service\":\"1\",\"password\":\"x\",\"devices\":[{\"mac\":\"a\"}],\"device_limit\":2,\"subscriber\":{\"name\":\"n\"}}",
         "{\"password\":\"x\",\"devices\":[{\"mac\":\"a\"}],\"device_limit\":2,\"subscriber\":{\"name\":\"n\"}}"},
        {"no service", "{\"login\":\"a\"}", "service is missing"},
        {"a service that is none", "{\"service\":\"a b\"}", "service: want 1 to 128 visible characters, without space, slash or brace"},
        {"a partition", "{\"service\":\"partition:1\"}", "service: want 1 to 128 visible characters, without space, slash or brace"},
        {"another status", "{\"service\":\"1\",\"status\":\"on\"}", "status: want active, blocked, suspended or terminated"},
        {"a package twice", "{\"service\":\"1\",\"packages\":\"P1 P1\"}", "package P1 is there twice"},
        {"no date", "{\"service\":\"1\",\"packages\":\"P1@tomorrow\"}", "package P1: want days (2026-12-31) or RFC 3339 times"},
        {"no such day", "{\"service\":\"1\",\"packages\":\"P1@2026-02-30\"}", "package P1: want days (2026-12-31) or RFC 3339 times"},
        {"an end before its beginning", "{\"service\":\"1\",\"packages\":\"P1@2026-12-31..2026-12-01\"}", "package P1: it ends before it begins"},
        {"packages of another type", "{\"service\":\"1\",\"packages\":{\"P1\":{}}}", "packages: want a list of ids or of {id, valid_from, valid_to}"},
        {"a package without an id", "{\"service\":\"1\",\"packages\":[{\"valid_to\":\"2026-12-31\"}]}", "packages: an id of 1 to 63 bytes is wanted"},
        {"a plan of another type", "{\"service\":\"1\",\"plan\":[3]}", "plan: want text of 1 to 255 bytes"},
        {"a subscriber of another type", "{\"service\":\"1\",\"subscriber\":\"ann\"}", "subscriber: want an object"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char service[WANTED_SERVICE_SIZE] = "";
        struct err err = {0};
        json_t *row = json(rows[i].row), *got = wanted_read(row, service, &err);
        if (rows[i].want[0] == '{') {
            expect_json(rows[i].why, got, rows[i].want);
            cr_expect(eq(str, service, "1"));
        } else {
            cr_expect(got == NULL, "%s", rows[i].why);
            cr_expect(eq(str, err.msg, (char *)rows[i].want), "%s", rows[i].why);
        }
        json_decref(got);
        json_decref(row);
    }
}

/* ---- accounts ---- */

Test(account, is_told_in_a_records_words)
{
    static const struct {
        const char *why, *account, *want;
    } rows[] = {
        {"of a list", "{\"login\":\"ann\",\"account_number\":7,\"status\":\"active\",\"plan\":3,\"packages\":[\"P1\",2],\"name\":\"Ann\",\"last_active\":\"x\"}",
         "{\"login\":\"ann\",\"status\":\"active\",\"plan\":\"3\",\"packages\":{\"P1\":{},\"2\":{}},\"ids\":{\"account_number\":\"7\"}}"},
        {"of read", "{\"status\":\"suspended\",\"packages\":{\"P1\":{\"valid_to\":\"2026-12-31\",\"price\":\"1\"}},\"mac\":\"001a794d2b11\",\"model\":\"M\"}",
         "{\"status\":\"suspended\",\"packages\":{\"P1\":{\"valid_to\":\"2026-12-31\"}},\"devices\":{\"00:1A:79:4D:2B:11\":{\"model\":\"M\"}}}"},
        {"several devices", "{\"devices\":[{\"mac\":\"00-1a-79-4d-2b-11\",\"serial\":\"S1\"},{\"serial\":\"S2\"},\"001A.794D.2B12\",{\"model\":\"M\"}]}",
         "{\"devices\":{\"00:1A:79:4D:2B:11\":{\"serial\":\"S1\"},\"S2\":{\"serial\":\"S2\"},\"00:1A:79:4D:2B:12\":{}}}"},
        {"no box", "{\"mac\":\"\"}", "{\"devices\":{}}"},
        {"ids", "{\"external_id\":\"c-1\",\"ids\":{\"block\":5,\"pin\":\"1\"}}", "{\"ids\":{\"external_id\":\"c-1\",\"block\":\"5\",\"pin\":\"1\"}}"},
        {"nulls, and words that are not ours", "{\"login\":null,\"plan\":null,\"status\":\"on\",\"packages\":null}", "{}"},
        {"nothing", "{}", "{}"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        json_t *account = json(rows[i].account), *got = account_record(account);
        expect_json(rows[i].why, got, rows[i].want);
        json_decref(got);
        json_decref(account);
    }
}

static struct accounts *accounts(const char *list)
{
    struct accounts *a = accounts_new();
    json_t *all = json(list), *one;
    size_t i;
    json_array_foreach(all, i, one) cr_assert(zero(int, accounts_add(a, one)));
    json_decref(all);
    return a;
}

#define PORTAL                                                                                                         \
    "[{\"login\":\"ann\",\"account_number\":\"101\"},{\"login\":\"Bob\",\"account_number\":\"102\"}," \
    "{\"login\":\"102\",\"account_number\":\"103\"},{\"login\":\"twin1\",\"account_number\":\"9\"},"                      \
    "{\"login\":\"twin2\",\"account_number\":\"9\"},{\"login\":\"eve\",\"external_id\":\"c-5\"}]"

Test(link, finds_one_account_or_says_why_not)
{
    static const struct {
        const char *why, *service, *row, *record;
        bool strict;
        enum link_result want;
        const char *login, *says;
    } rows[] = {
        {"by what the row says", "1", "{\"login\":\"ANN\"}", NULL, true, LINK_ONE, "ann", "login"},
        {"by two things that agree", "1", "{\"login\":\"ann\",\"account_number\":\"101\"}", NULL, true, LINK_ONE, "ann", "account_number"},
        {"by its own id as external id", "c-5", "{}", NULL, true, LINK_ONE, "eve", "external_id"},
        {"by its own id as account number before login", "102", "{}", NULL, true, LINK_ONE, "Bob", "account_number"},
        {"by its own id as login", "ann", "{}", NULL, true, LINK_ONE, "ann", "login"},
        {"by its record", "1", "{\"plan\":\"3\"}", "{\"login\":\"eve\",\"ids\":{\"external_id\":\"c-5\"}}", false, LINK_ONE, "eve", "external_id"},
        {"a login that is to be another", "1", "{\"login\":\"anna\"}", "{\"login\":\"ann\"}", false, LINK_ONE, "ann", "login"},
        {"none", "5", "{}", NULL, true, LINK_NONE, NULL, ""},
        {"none of what the row says, whatever its id finds", "ann", "{\"login\":\"zoe\"}", NULL, true, LINK_NONE, NULL, ""},
        {"two accounts", "1", "{\"login\":\"ann\",\"account_number\":\"102\"}", NULL, true, LINK_DOUBTFUL, "Bob", "account_number and login are those of two accounts"},
        {"a number of several", "1", "{\"account_number\":\"9\"}", NULL, true, LINK_DOUBTFUL, "twin1", "several accounts have this account_number"},
        {"another number", "1", "{\"login\":\"ann\",\"account_number\":\"555\"}", NULL, true, LINK_DOUBTFUL, "ann", "found by its login, and its account_number is another"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct accounts *a = accounts(PORTAL);
        json_t *row = json(rows[i].row), *record = rows[i].record == NULL ? NULL : json(rows[i].record);
        struct link l;
        link_find(a, &(struct link_ask){rows[i].service, row, record, rows[i].strict}, &l);
        cr_expect(eq(int, l.result, rows[i].want), "%s: %s", rows[i].why, l.why);
        if (rows[i].login != NULL)
            cr_expect(eq(str, (char *)account_bears(l.account, ACCOUNT_LOGIN), (char *)rows[i].login), "%s", rows[i].why);
        cr_expect(eq(str, l.result == LINK_DOUBTFUL ? l.why : (char *)l.by, (char *)rows[i].says), "%s", rows[i].why);
        json_decref(row);
        json_decref(record);
        accounts_free(a);
    }
}

Test(link, gives_an_account_to_one_service_only)
{
    struct accounts *a = accounts(PORTAL);
    json_t *row = json("{\"login\":\"ann\"}");
    struct link l;
    link_find(a, &(struct link_ask){"1", row, NULL, true}, &l);
    account_set_owner(l.account, "1");
    link_find(a, &(struct link_ask){"1", row, NULL, true}, &l);
    cr_expect(eq(int, l.result, LINK_ONE));
    link_find(a, &(struct link_ask){"2", row, NULL, true}, &l);
    cr_expect(eq(int, l.result, LINK_DOUBTFUL));
    cr_expect(eq(str, l.why, "this account is that of service 1 already"));
    json_decref(row);
    accounts_free(a);
}

/* ---- known ---- */

Test(known, is_the_record_without_what_no_comparison_needs)
{
    json_t *made = json("{\"service\":\"1\",\"status\":\"active\",\"login\":\"ann\",\"order_by\":\"sequence\",\"fence\":\"7\",\"remembered\":{\"a\":1},"
                        "\"packages\":{\"P1\":{\"valid_to\":\"2026-12-31\",\"x\":1}},\"axes\":{\"existence\":{\"order\":\"000000-000000000000000009-000000\",\"id\":\"a\"},"
                        "\"block\":{\"order\":\"000000-000000000000000010-000002\",\"id\":\"b\"}}}");
    json_t *adopted = json("{\"service\":\"1\",\"status\":\"active\",\"fence\":\"8\",\"adopted\":\"a1\",\"packages\":{\"P1\":{},\"P2\":{}},"
                           "\"axes\":{\"package:P2\":{\"order\":\"000000-000000000000000003-000000\",\"id\":\"a\"}}}");
    json_t *a = known_of(made), *b = known_of(adopted);
    char basis[BASIS_TEXT_SIZE];
    expect_json("made here", a, "{\"fence\":\"7\",\"by\":\"sequence\",\"top\":\"000000-000000000000000010-000002\",\"known\":true,\"status\":\"active\","
                                "\"login\":\"ann\",\"packages\":{\"P1\":{\"ours\":true,\"valid_to\":\"2026-12-31\"}}}");
    expect_json("adopted", b, "{\"fence\":\"8\",\"by\":\"none\",\"top\":\"000000-000000000000000003-000000\",\"known\":true,\"status\":\"active\","
                              "\"packages\":{\"P1\":{\"ours\":false},\"P2\":{\"ours\":true}}}");
    known_basis(a, 2, basis);
    cr_expect(eq(str, basis, "sequence:000000-000000000000000010-000002+42"));
    known_basis(NULL, 1, basis);
    cr_expect(eq(str, basis, "none:000000-000000000000000000-000000+41"));
    json_decref(a);
    json_decref(b);
    json_decref(made);
    json_decref(adopted);
}

/* ---- diff ---- */

#define KNOWN "{\"known\":true,\"login\":\"ann\",\"packages\":{\"P1\":{\"ours\":true},\"P9\":{\"ours\":false}}}"
#define REAL(status, packages) "{\"status\":\"" status "\",\"login\":\"ann\",\"plan\":\"3\",\"packages\":{" packages "}}"

/* "kind: type, type | left; left", or "same". */
static void told(const json_t *found, char *ret, size_t size)
{
    size_t i;
    json_t *v;
    snprintf(ret, size, "%s:", found == NULL ? "same" : json_text(found, "kind"));
    json_array_foreach(json_object_get(found, "changes"), i, v)
        snprintf(ret + strlen(ret), size - strlen(ret), " %s%s", json_text(v, "what"), i + 1 < json_array_size(json_object_get(found, "changes")) ? "," : "");
    json_array_foreach(json_object_get(found, "left"), i, v)
        snprintf(ret + strlen(ret), size - strlen(ret), " | %s", json_string_value(v));
}

Test(diff, says_what_would_make_the_two_one)
{
    static const struct {
        const char *why, *wanted, *real, *record;
        struct diff_rules rules;
        const char *want;
    } rows[] = {
        {"they are one", "{\"plan\":\"3\",\"status\":\"active\",\"packages\":{\"P1\":{}}}", REAL("active", "\"P1\":{}"), KNOWN, {0}, "same:"},
        {"what is not said stays", "{}", REAL("suspended", "\"P1\":{},\"P7\":{}"), KNOWN, {0}, "same:"},
        {"no account", "{\"plan\":\"3\",\"packages\":{\"P1\":{}}}", NULL, NULL, {0}, "create: create, plan 3"},
        {"no account, and blocked at once", "{\"plan\":\"3\",\"status\":\"blocked\"}", NULL, NULL, {0}, "create: create, plan 3, block"},
        {"no account, and none wanted", "{\"status\":\"terminated\"}", NULL, NULL, {0}, "same:"},
        {"all at once, in a safe order", "{\"login\":\"anna\",\"plan\":\"7\",\"status\":\"active\",\"packages\":{\"P2\":{}}}",
         REAL("suspended", "\"P1\":{}"), KNOWN, {0}, "change: login ann -> anna, switch on, plan 3 -> 7, add P2, remove P1"},
        {"off at the end", "{\"plan\":\"7\",\"status\":\"blocked\"}", REAL("active", ""), KNOWN, {0}, "change: plan 3 -> 7, block"},
        {"suspended", "{\"status\":\"suspended\"}", REAL("active", ""), KNOWN, {0}, "change: suspend"},
        {"off already", "{\"status\":\"blocked\"}", REAL("suspended", ""), KNOWN, {0}, "same:"},
        {"gone", "{\"status\":\"terminated\"}", REAL("active", ""), KNOWN, {0}, "remove: delete"},
        {"added by hand", "{\"packages\":{\"P1\":{}}}", REAL("active", "\"P1\":{},\"P9\":{},\"P8\":{}"), KNOWN, {0},
         "left: | package P9 is unknown to billing: --remove-unknown removes it | package P8 is unknown to billing: --remove-unknown removes it"},
        {"and removed when that is said", "{\"packages\":{\"P1\":{}}}", REAL("active", "\"P1\":{},\"P9\":{},\"P8\":{}"), KNOWN, {.remove_unknown = true},
         "change: remove P9 P8"},
        {"by an id that no event can bear", "{\"packages\":{}}", REAL("active", "\"P\\u0001\":{},\"P8\":{}"), KNOWN, {.remove_unknown = true},
         "change: remove P8 | a package whose id no event can bear stays"},
        {"billing's, and wanted no more", "{\"packages\":{}}", REAL("active", "\"P1\":{}"), KNOWN, {0}, "change: remove P1"},
        {"not named by billing", NULL, REAL("active", ""), KNOWN, {0}, "left: | billing does not name it: --remove-unknown deletes it"},
        {"and deleted when that is said", NULL, REAL("active", ""), KNOWN, {.remove_unknown = true}, "remove: delete"},
        {"not adopted", "{\"plan\":\"7\"}", REAL("active", ""), NULL, {0}, "left: | not adopted: `tvbridge adopt` reads it first"},
        {"not adopted, and known by its login", "{\"plan\":\"7\"}", "{\"status\":\"active\",\"login\":\"70001\"}", NULL, {0}, "change: plan none -> 7"},
        {"but not cut off", "{\"plan\":\"7\",\"status\":\"blocked\"}", "{\"status\":\"active\",\"login\":\"70001\"}", NULL, {.cuts_known = true},
         "change: plan none -> 7 | block: not adopted, and the settings say `cuts: known`"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        json_t *wanted = rows[i].wanted == NULL ? NULL : json(rows[i].wanted), *real = rows[i].real == NULL ? NULL : json(rows[i].real);
        json_t *record = rows[i].record == NULL ? NULL : json(rows[i].record), *found = NULL;
        char text[1024];
        int rc = diff_find(&rows[i].rules, &(struct diff_ask){"70001", wanted, real, record}, &found);
        told(found, text, sizeof(text));
        cr_expect(eq(str, text, (char *)rows[i].want), "%s", rows[i].why);
        cr_expect(eq(int, rc, found != NULL), "%s", rows[i].why);
        json_decref(found);
        json_decref(wanted);
        json_decref(real);
        json_decref(record);
    }
}

Test(diff, puts_dated_packages_on_and_off_by_their_dates)
{
    static const struct {
        const char *now, *real, *want;
    } rows[] = {
        {"2026-11-30T23:59:59Z", "", "same:"},
        {"2026-12-01T00:00:00Z", "", "change: add HBO"},
        {"2026-12-15T00:00:00Z", "\"HBO\":{}", "same:"},
        {"2026-12-31T23:59:59Z", "\"HBO\":{}", "same:"},
        {"2027-01-01T00:00:00Z", "\"HBO\":{}", "change: remove HBO"},
        {"2027-01-01T00:00:00Z", "", "same:"},
        {"2026-11-30T00:00:00Z", "\"HBO\":{}", "same:"},
    };
    json_t *wanted = json("{\"packages\":{\"HBO\":{\"valid_from\":\"2026-12-01\",\"valid_to\":\"2026-12-31\"}}}"), *record = json(KNOWN);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct diff_rules rules = {0};
        char text[512], real_text[256];
        json_t *found = NULL;
        snprintf(real_text, sizeof(real_text), "{\"status\":\"active\",\"login\":\"ann\",\"packages\":{%s}}", rows[i].real);
        json_t *real = json(real_text);
        cr_assert(zero(int, clock_parse_rfc3339(rows[i].now, &rules.now_ms)));
        (void)diff_find(&rules, &(struct diff_ask){"70001", wanted, real, record}, &found);
        told(found, text, sizeof(text));
        cr_expect(eq(str, text, (char *)rows[i].want), "at %s", rows[i].now);
        json_decref(found);
        json_decref(real);
    }
    json_decref(wanted);
    json_decref(record);
}

Test(diff, leaves_what_the_platform_does_not_have)
{
    json_t *catalog = json("{\"plans\":{\"3\":{}},\"packages\":{\"P1\":{}}}"), *real = json(REAL("active", "")), *record = json(KNOWN);
    json_t *wanted = json("{\"plan\":\"8\",\"packages\":{\"P1\":{},\"P5\":{}}}"), *found = NULL;
    struct diff_rules rules = {.catalog = catalog};
    char text[512];
    cr_assert(eq(int, diff_find(&rules, &(struct diff_ask){"70001", wanted, real, record}, &found), 1));
    told(found, text, sizeof(text));
    cr_expect(eq(str, text, "change: add P1 | plan 8 is not in the platform's catalogue | package P5 is not in the platform's catalogue"));
    json_decref(found);
    cr_assert(eq(int, diff_find(&rules, &(struct diff_ask){"70001", wanted, NULL, NULL}, &found), 1));
    told(found, text, sizeof(text));
    cr_expect(eq(str, text, "left: | package P5 is not in the platform's catalogue | plan 8 is not in the platform's catalogue"));
    json_decref(found);
    json_decref(wanted);
    json_decref(record);
    json_decref(real);
    json_decref(catalog);
}

Test(diff, makes_events_of_at_most_32_packages)
{
    json_t *wanted = json_pack("{s:{}}", "packages"), *real = json(REAL("active", "")), *record = json(KNOWN), *found = NULL;
    char id[8];
    size_t n = 0, i;
    for (int k = 0; k < 70; k++) {
        snprintf(id, sizeof(id), "Q%d", k);
        json_object_set_new(json_object_get(wanted, "packages"), id, json_object());
    }
    struct diff_rules rules = {0};
    cr_assert(eq(int, diff_find(&rules, &(struct diff_ask){"70001", wanted, real, record}, &found), 1));
    json_t *changes = json_object_get(found, "changes"), *c;
    cr_expect(eq(sz, json_array_size(changes), 3));
    json_array_foreach(changes, i, c) {
        size_t here = json_array_size(json_object_get(json_object_get(c, "data"), "packages"));
        cr_expect(le(sz, here, 32));
        n += here;
    }
    cr_expect(eq(sz, n, 70));
    json_decref(found);
    json_decref(wanted);
    json_decref(record);
    json_decref(real);
}

Test(diff, of_records_is_what_they_say)
{
    static const struct {
        const char *record, *want;
    } rows[] = {
        {"{\"known\":true,\"status\":\"active\",\"login\":\"ann\",\"plan\":\"3\",\"packages\":{\"P1\":{\"ours\":true,\"valid_to\":\"2026-12-31\"}}}",
         "{\"status\":\"active\",\"login\":\"ann\",\"plan\":\"3\",\"packages\":{\"P1\":{\"valid_to\":\"2026-12-31\"}}}"},
        {"{\"known\":true,\"status\":\"suspended\",\"block\":\"blocked\"}", "{\"status\":\"blocked\",\"packages\":{}}"},
        {"{\"known\":true,\"status\":\"suspended\",\"block\":\"none\",\"suspended\":true}", "{\"status\":\"suspended\",\"packages\":{}}"},
        {"{\"status\":\"unknown\",\"packages\":{\"P1\":{}}}", "{}"},
        {"{\"known\":true,\"status\":\"terminated\"}", "{\"status\":\"terminated\",\"packages\":{}}"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        json_t *record = json(rows[i].record), *got = diff_wanted_of_record(record);
        expect_json("wanted", got, rows[i].want);
        json_decref(got);
        json_decref(record);
    }
}
