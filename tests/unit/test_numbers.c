#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

#include "base/attr.h"
#include "contract/settings_numbers.h"
#include "contract/yaml.h"
#include "core/numbers.h"

static int64_t *number(struct settings_numbers *n, const char *name)
{
    size_t count;
    const struct settings_number *t = settings_number_table(&count);
    for (size_t i = 0; i < count; i++)
        if (strcmp(t[i].name, name) == 0)
            return (int64_t *)(void *)((char *)n + t[i].offset);
    cr_assert(0, "no number %s", name);
    return NULL;
}

static struct settings_numbers standard(void)
{
    struct settings_numbers n;
    size_t count;
    const struct settings_number *t = settings_number_table(&count);
    cr_assert(eq(sz, count * sizeof(int64_t), sizeof(n)), "a number is missing from the table");
    for (size_t i = 0; i < count; i++)
        *number(&n, t[i].name) = t[i].standard;
    return n;
}

Test(numbers, the_defaults_hold_together)
{
    struct settings_numbers n = standard();
    struct err e = {0};
    cr_expect(eq(int, numbers_check(&n, &e), 0), "%s", e.msg);
    cr_expect(eq(i64, n.lease_ms, n.ownership_ms + n.request_ms + 4000));
    cr_expect(eq(i64, n.quarantine_ms, n.ownership_ms + n.request_ms + n.provider_max_ms + 2000));
}

Test(numbers, each_disagreement_is_refused_and_named)
{
    static const struct {
        const char *name;
        int64_t value, nearest; /* refused; accepted */
        const char *want;
    } rows[] = {
        {"lease_ms", 19999, 20000, "lease_ms is 19999, wanted at least 20000"},
        {"quarantine_ms", 47999, 48000, "quarantine_ms is 47999, wanted at least 48000"},
        {"provider_max_ms", 30001, 30000, "quarantine_ms is 48000, wanted at least 48001"},
        {"request_ms", 10001, 10000, "lease_ms is 20000, wanted at least 20001"},
        {"ownership_ms", 6001, 6000, "lease_ms is 20000, wanted at least 20001"},
        {"outcome_timeout_ms", 48000, 47999, "outcome_timeout_ms is 48000, wanted at most 47999"},
        {"connect_ms", 10000, 9999, "connect_ms is 10000, wanted at most 9999"},
        {"session_timeout_ms", 5999, 6000, "session_timeout_ms is 5999, wanted 6000 to"},
        {"session_timeout_ms", 300001, 300000,
         "session_timeout_ms is 300001, wanted at most 300000"},
        {"drain_ms", 11999, 12000, "drain_ms is 11999, wanted at least 12000"},
        {"drain_ms", 300000, 299999, "drain_ms is 300000, wanted at most 299999"},
        {"redis_timeout_ms", 4001, 4000, "redis_timeout_ms is 4001, wanted at most 4000"},
        {"commit_ms", 3001, 3000, "commit_ms is 3001, wanted at most 3000"},
        {"lane_limit", 20001, 20000, "lane_limit is 20001, wanted at most 20000"},
        {"id_memory_ms", 59999, 60000, "id_memory_ms is 59999, wanted 60000 to"},
        {"window_bytes", 1048576, 2097152, "window_bytes is 1048576, wanted 2097152 to"},
        {"queued_kbytes", 1023, 1024, "queued_kbytes is 1023, wanted 1024 to"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct settings_numbers n = standard();
        struct err e = {0};
        *number(&n, rows[i].name) = rows[i].value;
        cr_expect(eq(int, numbers_check(&n, &e), -1), "%s", rows[i].want);
        cr_expect(strncmp(e.msg, rows[i].want, strlen(rows[i].want)) == 0, "\"%s\": wanted \"%s\"",
                  e.msg, rows[i].want);
        *number(&n, rows[i].name) = rows[i].nearest;
        cr_expect(eq(int, numbers_check(&n, &e), 0), "%s %lld: %s", rows[i].name,
                  (long long)rows[i].nearest, e.msg);
    }
}

Test(numbers, an_id_is_remembered_longer_than_a_doubt_lasts)
{
    struct settings_numbers n = standard();
    struct err e = {0};
    n.quarantine_ms = n.id_memory_ms = 100000;
    cr_expect(eq(int, numbers_check(&n, &e), -1));
    cr_expect(strstr(e.msg, "id_memory_ms is 100000, wanted at least 100001") != NULL, "%s", e.msg);
}

Test(numbers, the_schema_says_the_same_as_the_table)
{
    struct err e = {0};
    struct yaml_doc *d = yaml_load_file(TVB_ROOT "/schemas/settings.schema.json", &e);
    cr_assert(d != NULL, "%s", e.msg);
    json_t *props = json_object_get(
        json_object_get(json_object_get(yaml_root(d), "definitions"), "numbers"), "properties");
    size_t count;
    const struct settings_number *t = settings_number_table(&count);
    cr_expect(eq(sz, json_object_size(props), count));
    for (size_t i = 0; i < count; i++) {
        const json_t *p = json_object_get(props, t[i].name);
        cr_expect(eq(i64, json_integer_value(json_object_get(p, "default")), t[i].standard), "%s",
                  t[i].name);
        cr_expect(eq(i64, json_integer_value(json_object_get(p, "minimum")), t[i].min), "%s",
                  t[i].name);
        cr_expect(eq(i64, json_integer_value(json_object_get(p, "maximum")), t[i].max), "%s",
                  t[i].name);
    }
    yaml_doc_free(d);
}
