/* test_expr.c - runtime expressions and values: what each finds, and which are refused. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>
#include <string.h>

#include "support/pack_files.h"
#include "workflow/format.h"
#include "workflow/value.h"

/* A pack whose workflow `w` makes one call and puts the value of @expr out as `v`. JSON is YAML, so that quoting is no matter. */
static char *pack_with(const char *expr)
{
    json_t *doc = json_pack(
        "{s:s, s:{s:s, s:s}, s:[{s:s, s:s, s:s}], s:[{s:s, s:[{s:s, s:s, s:{s:s}}, {s:s, s:s, s:[{s:s, s:s, s:s}], s:{s:{s:s, s:s}},"
        " s:{s:s}}], s:{s:s}}]}",
        "arazzo", "1.0.1", "info", "title", "t", "version", "1", "sourceDescriptions", "name", "n", "url", "openapi.yaml", "type",
        "openapi", "workflows", "workflowId", "w", "steps",
        "stepId", "first", "operationId", "keyed", "outputs", "a.b", "$response.body",
        "stepId", "s", "operationId", "updateUser", "parameters", "name", "login", "in", "path", "value", "{$inputs.data.l}x",
        "requestBody", "payload", "status", "$inputs.data.n", "list", "$inputs.data.list",
        "outputs", "v", expr, "outputs", "v", "$steps.s.outputs.v");
    cr_assert(doc != NULL);
    char *text = json_dumps(doc, JSON_INDENT(1));
    json_decref(doc);
    return text;
}

static char *value_of(const char *expr)
{
    static const char *const replies[] = {
        "{\"deep\":[{\"x.y\":{\"~/\":\"found\"}}]}",
        "200|X-Count: 12|{\"status\":\"OK\",\"results\":{\"a\":[10,20],\"0\":\"zero\"},\"nul\":null,\"empty\":\"\"}", NULL};
    char *text = pack_with(expr);
    struct pack *p = pack_files_good(pack_files_openapi, text);
    char *got = pack_files_try(p, &(struct trial_inputs){
        .replies = replies, .event = "{\"id\":\"e-1\"}", .record = "{\"ids\":{\"account_number\":\"A7\"},\"x\":{\"a/b\":[1,[2,3]]}}",
        .data = "{\"l\":\"lo\",\"n\":5,\"real\":0.1,\"t\":true,\"list\":[\"P1\",\"P2\"],\"o\":{\"k\":null},\"nul\":null,\"a-b_c\":1,"
                "\"to\":\"/results/a/1\",\"top\":\"\",\"way\":\"/a~1b/1/1\",\"list_at\":\"/list/1\"}"});
    char *end = strstr(got, "=> ");
    char *copy = strdup(end == NULL ? got : end);
    free(got);
    free(text);
    pack_free(p);
    return copy;
}

Test(expr, finds_what_it_names)
{
    static const struct {
        const char *expr, *want; /* NULL: nothing */
    } rows[] = {
        {"$inputs.data.l", "\"lo\""},
        {"$inputs.data.a-b_c", "1"},
        {"$inputs.data.o", "{\"k\":null}"},
        {"$inputs.data.o.k", "null"},
        {"$inputs.data.o.k.deeper", NULL},
        {"$inputs.data#/list/1", "\"P2\""},
        {"$inputs.data.list[0]", "\"P1\""},
        {"$inputs.data.list[9]", NULL},
        {"$inputs.data.list.x", NULL},
        {"$inputs.data#/list/01", NULL},
        {"$inputs.data#/list/-", NULL},
        {"$inputs.record.ids.account_number", "\"A7\""},
        {"$inputs.record#/x/a~1b/1/0", "2"},
        {"$inputs.record.x#/a~1b/0", "1"},
        {"$inputs.event.id", "\"e-1\""},
        {"$inputs.settings.region", "\"north\""},
        {"$statusCode", "200"},
        {"$method", "\"PUT\""},
        {"$url", "\"http://tv/users/lox\""},
        {"$request.path.login", "\"lox\""},
        {"$request.body#/status", "5"},
        {"$request.body", "{\"status\":5,\"list\":[\"P1\",\"P2\"]}"},
        {"$response.header.x-count", "\"12\""},
        {"$response.header.Other", NULL},
        {"$response.body#/status", "\"OK\""},
        {"$response.body#/results/a/1", "20"},
        {"$response.body#/results/0", "\"zero\""},
        {"$response.body#/nul", "null"},
        {"$response.body#/status/x", NULL},
        {"$response.body#", "{\"status\":\"OK\",\"results\":{\"a\":[10,20],\"0\":\"zero\"},\"nul\":null,\"empty\":\"\"}"},
        {"$steps.first.outputs.a.b", "{\"deep\":[{\"x.y\":{\"~/\":\"found\"}}]}"},
        {"$steps.first.outputs.a.b.deep[0]#/x.y/~0~1", "\"found\""},
        {"$response.body#{$inputs.data.to}", "20"},
        {"$response.body#{$inputs.data.gone}", NULL},
        {"$response.body#{$inputs.data.n}", NULL},
        {"$response.body#{$inputs.data.l}", NULL},
        {"$response.body#{$inputs.data.top}", "{\"status\":\"OK\",\"results\":{\"a\":[10,20],\"0\":\"zero\"},\"nul\":null,\"empty\":\"\"}"},
        {"$response.body#{$steps.first.outputs.a.b}", NULL},
        {"$inputs.record.x#{$inputs.data.way}", "3"},
        {"$request.body#{$inputs.data.list_at}", "\"P2\""},
        {"$inputs.data.gone#{$inputs.data.to}", NULL},
        {"a {$inputs.data.l} b {$inputs.data.n}{$inputs.data.t}", "\"a lo b 5true\""},
        {"{$inputs.data.real}", "\"0.1\""},
        {"{$inputs.data.list}", "\"[\\\"P1\\\",\\\"P2\\\"]\""},
        {"{$inputs.data.gone} x", NULL},
        {"{$inputs.data.nul} x", NULL},
        {"{$response.body#/empty}|", "\"|\""},
        {"no {braces} $here", "\"no {braces} $here\""},
        {"$5", "\"$5\""},
        {"", "\"\""},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char want[300], *got = value_of(rows[i].expr);
        snprintf(want, sizeof(want), rows[i].want == NULL ? "=> applied" : "=> applied {\"v\":%s}", rows[i].want);
        cr_expect(eq(str, got, want), "%s", rows[i].expr);
        free(got);
    }
}

Test(expr, what_it_does_not_know_is_refused_when_the_pack_loads)
{
    static const struct {
        const char *expr, *why;
    } rows[] = {
        {"$inputs.other", "$inputs has data, event"},
        {"$inputs", "not a runtime expression"},
        {"$inputs.data.", "a name is missing"},
        {"$inputs.data x", "something follows"},
        {"$inputs.data#x", "begins with /"},
        {"$inputs.data#{$inputs.data.l", "`#{` without `}`"},
        {"$inputs.data#{/l}", "not a runtime expression"},
        {"$inputs.data#{$inputs.data.l}/x", "something follows"},
        {"$inputs.data#{$inputs.data#{$inputs.data.l}}", "`#{` without `}`"},
        {"$inputs.data.list[x]", "an index must be"},
        {"$inputs.data.list[1", "without `]`"},
        {"$inputs.credentials.x", "name a scheme and a member"},
        {"$steps.nobody.outputs.v", "no step of that name"},
        {"$steps.first.outputs.other", "no output of that name"},
        {"$steps.first.inputs.x", "only .outputs"},
        {"$workflows.w.outputs.x", "not supported"},
        {"$sourceDescriptions.n.url", "not supported"},
        {"$components.parameters.x", "not supported"},
        {"$outputs.v", "in x-record"},
        {"$response.trailer", "header.NAME and body"},
        {"$request.path.other", "no parameter"},
        {"$item.x", "no such loop"},
        {"$loop", "no such loop"},
        {"$nonsense", "not a runtime expression"},
        {"x {$inputs.data.l", "without `}`"},
        {"{$what}", "not a runtime expression"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct pack_faults f;
        char *text = pack_with(rows[i].expr);
        cr_expect(pack_files_load(pack_files_openapi, text, &f) == NULL, "%s", rows[i].expr);
        cr_expect(f.n > 0 && strstr(f.list[0].text, rows[i].why) != NULL, "%s: %s", rows[i].expr, f.n == 0 ? "-" : f.list[0].text);
        cr_expect(f.n > 0 && strcmp(f.list[0].pointer, "/workflows/0/steps/1/outputs/v") == 0);
        pack_faults_fini(&f);
        free(text);
    }
}

Test(expr, texts_compare_without_regard_to_case)
{
    static const struct {
        const char *a, *b;
        int order;
    } rows[] = {
        {"abc", "ABC", 0}, {"a", "B", -1}, {"b", "A", 1}, {"", "a", -1}, {"ab", "a", 1},
        {"J\xc3\x81 CADASTRADO", "j\xc3\xa1 cadastrado", 0}, /* U+00C1, U+00E1 */
        {"\xc4\x8c\xc5\xa0\xc5\xbd", "\xc4\x8d\xc5\xa1\xc5\xbe", 0}, /* Czech */
        {"\xd0\x9d\xd0\x95\xd0\xa2", "\xd0\xbd\xd0\xb5\xd1\x82", 0}, /* Russian */
        {"\xce\x91\xce\xa3", "\xce\xb1\xcf\x82", 0}, /* Greek with its final sigma */
        {"\xc3\x97", "\xc3\xb7", -1}, /* signs are no letters */
        {"\xff", "\xff", 0}, {"\xc3", "\xc3\xa1", 1},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int got = value_compare_text(rows[i].a, strlen(rows[i].a), rows[i].b, strlen(rows[i].b));
        cr_expect(eq(int, (got > 0) - (got < 0), rows[i].order), "%s %s", rows[i].a, rows[i].b);
    }
}

Test(expr, numbers_print_in_their_shortest_form)
{
    static const struct {
        double d;
        const char *want;
    } rows[] = {{0.1, "0.1"}, {1.5, "1.5"}, {1e21, "1e+21"}, {1.0 / 3, "0.333333333333333"}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct buf b;
        buf_init(&b, 100);
        value_add_real(&b, rows[i].d);
        cr_expect(strncmp(buf_cstr(&b), rows[i].want, strlen(rows[i].want)) == 0, "%s", buf_cstr(&b));
        cr_expect(strtod(buf_cstr(&b), NULL) >= rows[i].d && strtod(buf_cstr(&b), NULL) <= rows[i].d);
        buf_fini(&b);
    }
}

Test(expr, formats_rewrite_or_refuse)
{
    static const struct {
        enum format f;
        const char *in, *want; /* NULL: refused */
    } rows[] = {
        {FORMAT_MAC, "00:1a:79:0b:c:dd", NULL}, {FORMAT_MAC, "001a790bcddd", "00:1A:79:0B:CD:DD"},
        {FORMAT_MAC, "00-1A-79-0B-CD-DD", "00:1A:79:0B:CD:DD"}, {FORMAT_MAC, "001a.790b.cddd", "00:1A:79:0B:CD:DD"},
        {FORMAT_MAC, "001a790bcddd0", NULL}, {FORMAT_MAC, "", NULL},
        {FORMAT_DIGITS, "+55 (11) 9", "55119"}, {FORMAT_DIGITS, "none", NULL},
        {FORMAT_UPPER, "aB1", "AB1"}, {FORMAT_LOWER, "aB1", "ab1"},
        {FORMAT_CPF_CNPJ, "123.456.789-01", "123.456.789-01"}, {FORMAT_CPF_CNPJ, "12345678000195", "12.345.678/0001-95"},
        {FORMAT_POINTER, "HBO", "/HBO"}, {FORMAT_POINTER, "a/b~c", "/a~1b~0c"}, {FORMAT_POINTER, "", "/"},
        {FORMAT_CPF_CNPJ, "123", NULL}, {FORMAT_CPF_CNPJ, "123456789012345", NULL},
        {FORMAT_DATE_DMY, "2026-11-22", "22/11/2026"}, {FORMAT_DATE_DMY, "2026-11-22x", NULL}, {FORMAT_DATE_DMY, "22/11/2026", NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct buf b;
        buf_init(&b, 100);
        bool good = format_add(rows[i].f, rows[i].in, strlen(rows[i].in), &b);
        cr_expect(eq(int, good, rows[i].want != NULL), "%s", rows[i].in);
        if (good && rows[i].want != NULL)
            cr_expect(eq(str, (char *)buf_cstr(&b), (char *)rows[i].want));
        buf_fini(&b);
    }
}
