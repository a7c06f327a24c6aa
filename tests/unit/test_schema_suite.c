/* The public JSON-Schema-Test-Suite for draft 7, as the Debian package json-schema-test-suite installs it. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "base/attr.h"
#include "contract/schema.h"

#define SUITE "/usr/share/json-schema-test-suite/tests/draft7"

struct tally {
    unsigned passed, failed, refused; /* cases; refused: their schema uses what we do not support */
    unsigned wrongly_refused;
};

/* What may be refused when a schema is compiled; any other refusal is a failure. */
static bool may_refuse(const char *why)
{
    static const char *const reasons[] = {
        "nothing is fetched from elsewhere",            /* refs to remote documents */
        "the keyword \"tilda~field\" is not supported", /* places for $ref that are no keywords */
    };
    for (size_t i = 0; i < ARRAY_LEN(reasons); i++)
        if (strstr(why, reasons[i]) != NULL)
            return true;
    return false;
}

static void run_cases(const struct schema *s, const char *file, json_t *group, struct tally *t)
{
    size_t i;
    json_t *one;
    json_array_foreach(json_object_get(group, "tests"), i, one)
    {
        bool want = json_is_true(json_object_get(one, "valid"));
        struct fault f = {.reason = ""};
        bool got = schema_check(s, json_object_get(one, "data"), &f);
        if (got == want) {
            t->passed++;
            cr_expect(got || f.reason[0] != '\0', "%s: a refusal without a reason", file);
            continue;
        }
        t->failed++;
        cr_expect(0, "%s: %s: %s: wanted %s (%s %s)", file,
                  json_string_value(json_object_get(group, "description")),
                  json_string_value(json_object_get(one, "description")),
                  want ? "valid" : "invalid", f.pointer, f.reason);
    }
}

static void run_group(const char *file, json_t *group, struct tally *t)
{
    struct err e = {0};
    struct schema *s = schema_compile("suite", json_object_get(group, "schema"), NULL, &e);
    unsigned cases = (unsigned)json_array_size(json_object_get(group, "tests"));
    if (s == NULL) {
        t->refused += cases;
        printf("refused: %s: %u cases: %s\n", file, cases, e.msg);
        bool fair = may_refuse(e.msg);
        t->wrongly_refused += fair ? 0 : cases;
        cr_expect(fair, "%s: %s: must compile: %s", file,
                  json_string_value(json_object_get(group, "description")), e.msg);
        return;
    }
    run_cases(s, file, group, t);
    schema_free(s);
}

static void run_file(const char *folder, const char *file, struct tally *t)
{
    char path[512];
    snprintf(path, sizeof(path), "%s/%s", folder, file);
    json_t *groups = json_load_file(path, JSON_ALLOW_NUL, NULL);
    cr_assert(groups != NULL, "%s cannot be read", path);
    size_t i;
    json_t *group;
    json_array_foreach(groups, i, group) run_group(file, group, t);
    json_decref(groups);
}

Test(schema_suite, every_required_case_is_answered_as_the_suite_says)
{
    struct tally t = {0};
    DIR *d = opendir(SUITE);
    cr_assert(d != NULL, "the package json-schema-test-suite is not installed");
    for (const struct dirent *e; (e = readdir(d)) != NULL;)
        if (strlen(e->d_name) > 5 && strcmp(e->d_name + strlen(e->d_name) - 5, ".json") == 0)
            run_file(SUITE, e->d_name, &t);
    closedir(d);
    printf("draft 7, required: %u passed, %u failed, %u refused at compile\n", t.passed, t.failed,
           t.refused);
    cr_expect(eq(u32, t.failed, 0));
    cr_expect(eq(u32, t.wrongly_refused, 0));
    cr_expect(lt(u32, 390, t.passed), "the suite has shrunk");
    cr_expect(lt(u32, t.refused, 40), "too much is refused");
}

Test(schema_suite, the_formats_that_are_supported_are_checked_as_the_suite_says)
{
    static const char *const files[] = {"date-time.json",     "date.json",  "email.json",
                                        "hostname.json",      "ipv4.json",  "ipv6.json",
                                        "json-pointer.json",  "regex.json", "time.json",
                                        "uri-reference.json", "uri.json"};
    struct tally t = {0};
    for (size_t i = 0; i < ARRAY_LEN(files); i++)
        run_file(SUITE "/optional/format", files[i], &t);
    run_file(SUITE "/optional", "zeroTerminatedFloats.json", &t);
    run_file(SUITE "/optional", "ecmascript-regex.json", &t);
    printf("draft 7, optional: %u passed, %u failed, %u refused at compile\n", t.passed, t.failed,
           t.refused);
    cr_expect(eq(u32, t.failed, 0));
    cr_expect(lt(u32, 90, t.passed));
}
