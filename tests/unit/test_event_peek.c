#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "contract/event_peek.h"

static int peek(const char *value, size_t len, const char *ce_type)
{
    struct event_header h[] = {{"content-type", "x", 1}, {"ce_type", ce_type, ce_type != NULL ? strlen(ce_type) : 0}};
    struct event_message m = {.value = value, .value_len = len, .headers = h, .header_count = ce_type != NULL ? 2 : 1};
    enum event_type t;
    return event_peek_type(&m, &t) ? (int)t : -1;
}

Test(event_peek, finds_the_type_where_it_stands)
{
    static const struct { const char *why, *value; int want; } rows[] = {
        {"as the command writes it", "{\"id\":\"1\",\"type\":\"tvbridge.contract.blocked\",\"data\":{}}", EVENT_CONTRACT_BLOCKED},
        {"with white space", "{ \"type\" :\n\t\"tvbridge.package.added\" }", EVENT_PACKAGE_ADDED},
        {"behind another member of that name", "{\"data\":{\"type\":\"x\"},\"type\":\"tvbridge.plan.changed\"}", EVENT_PLAN_CHANGED},
        {"behind a value of that text", "{\"id\":\"type\",\"type\":\"tvbridge.plan.changed\"}", EVENT_PLAN_CHANGED},
        {"not one of ours", "{\"type\":\"tvbridge.nothing\"}", -1},
        {"no text", "{\"type\":7}", -1},
        {"no end", "{\"type\":\"tvbridge.contract.blocked", -1},
        {"no value", "{\"type\"", -1},
        {"only a colon", "{\"type\":", -1},
        {"none", "{\"id\":\"1\"}", -1},
        {"nothing", "", -1},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        /* exactly as long as it is: a byte read behind it is a fault under the sanitizer */
        size_t n = strlen(rows[i].value);
        char *exact = malloc(n > 0 ? n : 1);
        memcpy(exact, rows[i].value, n);
        cr_expect(eq(int, peek(exact, n, NULL), rows[i].want), "%s", rows[i].why);
        free(exact);
    }
}

Test(event_peek, a_header_says_it_in_binary_mode)
{
    cr_expect(eq(int, peek("{\"type\":\"tvbridge.plan.changed\"}", 32, "tvbridge.contract.unblocked"), EVENT_CONTRACT_UNBLOCKED));
    cr_expect(eq(int, peek("{}", 2, "other"), -1));
    cr_expect(eq(int, peek(NULL, 0, NULL), -1), "a tombstone");
}

Test(event_peek, looks_no_further_than_it_says)
{
    static char text[3000];
    memset(text, ' ', sizeof(text));
    text[0] = '{';
    static const char type[] = "\"type\":\"tvbridge.plan.changed\"";
    memcpy(text + EVENT_PEEK_BYTES - (sizeof(type) - 1), type, sizeof(type) - 1);
    cr_expect(eq(int, peek(text, sizeof(text), NULL), EVENT_PLAN_CHANGED));
    memset(text + 1, ' ', sizeof(text) - 1);
    memcpy(text + EVENT_PEEK_BYTES - (sizeof(type) - 1) + 1, type, sizeof(type) - 1);
    cr_expect(eq(int, peek(text, sizeof(text), NULL), -1));
}

static uint64_t names(const char *text)
{
    size_t n = strlen(text);
    char *exact = malloc(n > 0 ? n : 1);
    memcpy(exact, text, n);
    uint64_t bits = event_peek_names(exact, n);
    free(exact);
    return bits;
}

Test(event_peek, names_tell_who_lacks_a_member)
{
    uint64_t ab = names("{\"alpha\":1,\"list\":[{\"beta\" : \"gamma\"}]}");
    cr_expect(eq(u64, names("{}"), 0));
    cr_expect(eq(u64, names("{\"list\":[\"alpha\",\"beta\"],\"beta\":{},\"alpha\":\"a\\\"b\"}"), ab), "values are no names, in any order");
    cr_expect(eq(u64, names("{\"alpha\":0}") & ~ab, 0), "fewer");
    cr_expect(ne(u64, names("{\"alpha\":0,\"delta\":1}") & ~ab, 0), "one more");
    cr_expect(eq(u64, names("{\"\\u0061lpha\":0}"), UINT64_MAX), "written with escapes");
    cr_expect(eq(u64, names("{\"alpha"), UINT64_MAX), "no JSON");
    cr_expect(eq(u64, names("{\"alpha\\"), UINT64_MAX), "no JSON");
    cr_expect(eq(u64, names("{\"alpha\""), 0), "no JSON");
}
