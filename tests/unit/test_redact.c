/* What events and records show of persons: nothing, unless asked for. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "redact.h"

static char *text_of(json_t *v)
{
    char *text = json_dumps(v, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);
    json_decref(v);
    return text;
}

static void expect(json_t *(*fn)(const json_t *, bool), const char *from, const char *want)
{
    json_t *v = json_loads(from, 0, NULL);
    cr_assert(ne(ptr, v, NULL), "%s", from);
    char *got = text_of(fn(v, false)), *shown = text_of(fn(v, true)), *whole = text_of(json_deep_copy(v));
    cr_expect(eq(str, got, (char *)want), "%s", from);
    cr_expect(eq(str, shown, whole), "shown when asked for");
    free(got);
    free(shown);
    free(whole);
    json_decref(v);
}

Test(redact, data_keeps_what_is_to_be_done_and_hides_with_whom)
{
    expect(redact_data, "{\"reason\":\"delinquency\",\"scope\":\"total\"}",
           "{\"reason\":\"delinquency\",\"scope\":\"total\"}");
    expect(redact_data, "{\"login\":\"ann\",\"password\":\"pw\",\"pin\":\"1234\",\"plan\":\"3\"}",
           "{\"login\":\"***\",\"password\":\"***\",\"pin\":\"***\",\"plan\":\"3\"}");
    expect(redact_data, "{\"subscriber\":{\"name\":\"Ann\",\"id\":\"7\",\"plan\":\"x\",\"phones\":[\"1\",2],\"vip\":true}}",
           "{\"subscriber\":{\"id\":\"***\",\"name\":\"***\",\"phones\":[\"***\",\"***\"],\"plan\":\"***\",\"vip\":true}}");
    expect(redact_data, "{\"packages\":[{\"id\":\"P1\",\"note\":\"for Ann\"}],\"device\":{\"mac\":\"AA:BB\"}}",
           "{\"device\":{\"mac\":\"AA:BB\"},\"packages\":[{\"id\":\"P1\",\"note\":\"***\"}]}");
    expect(redact_data, "{\"extra\":{\"id\":\"7\",\"deep\":{\"plan\":\"x\"}},\"birth\":19700101}",
           "{\"birth\":\"***\",\"extra\":{\"deep\":{\"plan\":\"***\"},\"id\":\"***\"}}");
    expect(redact_data, "{\"text\":\"Dear Ann\",\"ttl\":60,\"none\":null}", "{\"none\":null,\"text\":\"***\",\"ttl\":60}");
}

Test(redact, an_event_keeps_its_attributes)
{
    expect(redact_event,
           "{\"id\":\"e1\",\"source\":\"/b\",\"subject\":\"70001\",\"type\":\"t\",\"tenant\":\"Ann\",\"data\":{\"login\":\"a\"}}",
           "{\"data\":{\"login\":\"***\"},\"id\":\"e1\",\"source\":\"/b\",\"subject\":\"70001\",\"tenant\":\"***\",\"type\":\"t\"}");
    expect(redact_event, "[\"Ann\"]", "\"***\"");
}

Test(redact, a_record_keeps_the_books_and_hides_the_rest)
{
    expect(redact_record,
           "{\"service\":\"1\",\"status\":\"active\",\"login\":\"ann\",\"name\":\"Ann\",\"packages\":{\"P1\":{\"x\":1}},"
           "\"ids\":{\"account_number\":\"501\"},\"axes\":{\"block\":{\"order\":\"0\",\"id\":\"e1\"}}}",
           "{\"axes\":{\"block\":{\"id\":\"e1\",\"order\":\"0\"}},\"ids\":{\"account_number\":\"501\"},\"login\":\"***\","
           "\"name\":\"***\",\"packages\":{\"P1\":{\"x\":1}},\"service\":\"1\",\"status\":\"active\"}");
}

Test(redact, steps_hide_what_the_platform_gave)
{
    expect(redact_steps,
           "{\"at\":{\"step\":\"create\",\"tries\":[1],\"gathered\":{\"pins\":[\"1234\"]}},\"outputs\":{\"a\":{\"pin\":\"1\"}},"
           "\"changed\":true,\"jumps\":2}",
           "{\"at\":{\"gathered\":{\"pins\":[\"***\"]},\"step\":\"create\",\"tries\":[1]},\"changed\":true,\"jumps\":2,"
           "\"outputs\":{\"a\":{\"pin\":\"***\"}}}");
}

/* Leaves below `subscriber`, and the credentials, of every valid vector: none of them is in what is shown. */
static void expect_hidden(const json_t *v, const char *shown)
{
    const char *name;
    json_t *member, *object = (json_t *)(uintptr_t)v;
    json_object_foreach(object, name, member)
    {
        char quoted[300];
        snprintf(quoted, sizeof(quoted), "\"%.280s\"", json_is_string(member) ? json_string_value(member) : "(none)");
        cr_expect(strstr(shown, quoted) == NULL, "%s is shown", name);
        expect_hidden(member, shown);
    }
}

static int is_json(const struct dirent *d)
{
    return strstr(d->d_name, ".json") != NULL;
}

Test(redact, no_valid_event_shows_a_person)
{
    struct dirent **list;
    int looked = 0, n = scandir(TVB_ROOT "/schemas/vectors/valid", &list, is_json, alphasort);
    for (int i = 0; i < n; i++) {
        char path[1024];
        snprintf(path, sizeof(path), TVB_ROOT "/schemas/vectors/valid/%s", list[i]->d_name);
        json_t *event = json_load_file(path, 0, NULL), *data = json_object_get(event, "data");
        char *shown = text_of(redact_data(data, false));
        static const char *const secret[] = {"login", "password", "pin"};
        expect_hidden(json_object_get(data, "subscriber"), shown);
        looked += json_object_get(data, "subscriber") != NULL;
        for (size_t k = 0; k < 3; k++) {
            const char *hidden = json_string_value(json_object_get(data, secret[k]));
            char quoted[300];
            snprintf(quoted, sizeof(quoted), "\"%s\":\"***\"", secret[k]);
            cr_expect(hidden == NULL || strstr(shown, quoted) != NULL, "%s: %s", path, secret[k]);
        }
        free(shown);
        json_decref(event);
        free(list[i]);
    }
    free(list);
    cr_expect(lt(int, 3, looked));
}
