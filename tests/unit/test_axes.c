/* What each type of event sets. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/attr.h"
#include "contract/axes.h"

Test(axes, every_type_has_a_name_that_parses_back)
{
    for (int t = 0; t < EVENT_TYPE_COUNT; t++) {
        char name[64];
        enum event_type back = EVENT_TYPE_COUNT;
        snprintf(name, sizeof(name), "tvbridge.%s", event_type_name((enum event_type)t));
        cr_expect(eq(int, event_type_parse(name, &back), 0), "%s", name);
        cr_expect(eq(int, back, t), "%s", name);
    }
}

Test(axes, other_types_are_refused)
{
    static const char *const rows[] = {"",
                                       "contract.blocked",
                                       "tvbridge.",
                                       "tvbridge.contract",
                                       "tvbridge.contract.blockedx",
                                       "Tvbridge.contract.blocked",
                                       "tvbridge.outcome"};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        enum event_type t;
        cr_expect(eq(int, event_type_parse(rows[i], &t), -1), "%s", rows[i]);
    }
}

/* The axes of @type with @data as "a,b". */
static const char *axes_text(enum event_type t, const char *data, char *text, size_t size)
{
    struct axes a;
    struct fault f;
    json_t *v = json_loads(data, 0, NULL);
    cr_assert(ne(ptr, v, NULL), "%s", data);
    cr_assert(eq(int, axes_of(t, v, &a, &f), 0), "%s", data);
    json_decref(v);
    text[0] = '\0';
    for (size_t i = 0; i < a.n; i++)
        snprintf(text + strlen(text), size - strlen(text), "%s%s", i == 0 ? "" : ",", a.name[i]);
    return text;
}

Test(axes, are_those_of_the_protocol)
{
    static const struct {
        enum event_type type;
        const char *data, *want;
    } rows[] = {
        {EVENT_SERVICE_CREATED, "{\"plan\":\"3\",\"packages\":[{\"id\":\"P1\"}]}", "existence"},
        {EVENT_SERVICE_DELETED, "{}", "existence"},
        {EVENT_SERVICE_UPDATED,
         "{\"comment\":\"x\",\"subscriber\":{\"name\":\"n\",\"email\":\"e\"}}",
         "profile:comment,profile:name,profile:email"},
        {EVENT_PLAN_CHANGED, "{\"plan\":\"3\"}", "plan"},
        {EVENT_CREDENTIALS_CHANGED, "{\"password\":\"x\",\"login\":\"y\"}",
         "credentials:login,credentials:password"},
        {EVENT_SUBSCRIBER_UPDATED, "{\"subscriber\":{\"phone\":\"1\"}}", "profile:phone"},
        {EVENT_SERVICE_CONVERTED, "{}", ""},
        {EVENT_BILLING_PROCESSED, "{\"due\":\"2026-12-10\",\"value\":\"1\"}", ""},
        {EVENT_SERVICE_ADOPTED, "{}", ""},
        {EVENT_CONTRACT_ACTIVATED, "{}", "block,suspension"},
        {EVENT_CONTRACT_BLOCKED, "{\"reason\":\"delinquency\"}", "block"},
        {EVENT_CONTRACT_UNBLOCKED, "{}", "block"},
        {EVENT_CONTRACT_SUSPENDED, "{}", "suspension"},
        {EVENT_CONTRACT_REACTIVATED, "{}", "suspension"},
        {EVENT_CONTRACT_CANCELLED, "{}", "existence"},
        {EVENT_CONTRACT_AWAITING_SIGNATURE, "{}", "block"},
        {EVENT_CONTRACT_LATE_NOTICE, "{}", "block"},
        {EVENT_PACKAGE_ADDED, "{\"packages\":[{\"id\":\"P1\"},{\"id\":\"P2\"}]}",
         "package:P1,package:P2"},
        {EVENT_PACKAGE_REMOVED, "{\"packages\":[{\"id\":\"P1\"}]}", "package:P1"},
        {EVENT_DEVICE_ADDED, "{\"device\":{\"mac\":\"00-1a-79-4d-2b-11\",\"serial\":\"S\"}}",
         "device:00:1A:79:4D:2B:11"},
        {EVENT_DEVICE_REMOVED, "{\"device\":{\"serial\":\"S1\"}}", "device:S1"},
        {EVENT_DEVICE_REPLACED, "{\"old\":{\"mac\":\"001A794D2B11\"}}", ""},
        {EVENT_PAIRING_CODE_REQUESTED, "{}", ""},
        {EVENT_DEVICE_LIMIT_CHANGED, "{\"device_limit\":2}", "device_limit"},
        {EVENT_MESSAGE_REQUESTED, "{\"message\":{\"text\":\"t\"}}", ""},
        {EVENT_SERVICE_SNAPSHOT, "{\"mode\":\"apply\"}", "all"},
        {EVENT_SERVICE_SNAPSHOT, "{\"mode\":\"preview\"}", ""},
        {EVENT_CATALOG_REQUESTED, "{}", ""},
        {EVENT_ACCOUNTS_REQUESTED, "{}", ""},
    };
    cr_expect(eq(sz, ARRAY_LEN(rows), EVENT_TYPE_COUNT + 1),
              "a row for each type, two for the snapshot");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char text[1024];
        cr_expect(eq(str, (char *)axes_text(rows[i].type, rows[i].data, text, sizeof(text)),
                     (char *)rows[i].want),
                  "%s", event_type_name(rows[i].type));
    }
}

Test(axes, a_package_that_is_named_twice_is_one_axis)
{
    char text[256];
    cr_expect(eq(str,
                 (char *)axes_text(EVENT_PACKAGE_ADDED,
                                   "{\"packages\":[{\"id\":\"P\"},{\"id\":\"P\",\"price\":\"1\"}]}",
                                   text, sizeof(text)),
                 "package:P"));
}

Test(axes, two_writings_of_a_mac_are_the_same_axis)
{
    char a[256], b[256];
    axes_text(EVENT_DEVICE_ADDED, "{\"device\":{\"mac\":\"001a.794d.2b11\"}}", a, sizeof(a));
    axes_text(EVENT_DEVICE_REMOVED, "{\"device\":{\"mac\":\"00:1A:79:4D:2B:11\"}}", b, sizeof(b));
    cr_expect(eq(str, a, b));
}

static json_t *many_packages(int n)
{
    json_t *packages = json_array();
    for (int i = 0; i < n; i++)
        json_array_append_new(packages, json_pack("{s:o}", "id", json_sprintf("P%d", i)));
    return json_pack("{s:o}", "packages", packages);
}

Test(axes, more_than_the_bound_is_a_fault_not_a_cut)
{
    struct axes a;
    struct fault f;
    json_t *most = many_packages(AXES_MAX), *over = many_packages(AXES_MAX + 1);
    cr_expect(eq(int, axes_of(EVENT_PACKAGE_ADDED, most, &a, &f), 0));
    cr_expect(eq(sz, a.n, AXES_MAX));
    cr_expect(eq(int, axes_of(EVENT_PACKAGE_ADDED, over, &a, &f), -1));
    cr_expect(eq(str, f.pointer, "/data"));
    json_decref(most);
    json_decref(over);
}

Test(axes, an_id_of_63_bytes_fits_and_one_of_64_is_a_fault)
{
    struct axes a;
    struct fault f;
    char id[65];
    memset(id, 'x', 64);
    id[64] = '\0';
    json_t *over = json_pack("{s:[{s:s}]}", "packages", "id", id);
    id[63] = '\0';
    json_t *fits = json_pack("{s:[{s:s}]}", "packages", "id", id);
    cr_expect(eq(int, axes_of(EVENT_PACKAGE_ADDED, fits, &a, &f), 0));
    cr_expect(eq(int, axes_of(EVENT_PACKAGE_ADDED, over, &a, &f), -1));
    json_decref(fits);
    json_decref(over);
}

Test(mac, usual_writings_become_one)
{
    static const char *const rows[] = {
        "00:1A:79:4D:2B:11", "00:1a:79:4d:2b:11", "00-1A-79-4d-2b-11", "001A.794D.2B11",
        "001a-794d-2b11",    "001a794d2b11",      "00.1a.79.4d.2b.11"};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char mac[18] = "";
        cr_expect(eq(int, mac_normalise(rows[i], mac), 0), "%s", rows[i]);
        cr_expect(eq(str, mac, "00:1A:79:4D:2B:11"), "%s", rows[i]);
    }
}

Test(mac, other_texts_are_refused)
{
    static const char *const rows[] = {"",
                                       "00:1A:79:4D:2B",
                                       "00:1A:79:4D:2B:1G",
                                       "00:1A-79:4D:2B:11",
                                       "001A794D2B1",
                                       "00 1A 79 4D 2B 11",
                                       "001A.794D:2B11",
                                       "00:1A:79:4D:2B:11:22",
                                       ":::::::::::::::::"};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char mac[18];
        cr_expect(eq(int, mac_normalise(rows[i], mac), -1), "%s", rows[i]);
    }
}

Test(axes, what_takes_the_service_away_is_a_cut_and_what_gives_it_a_restore)
{
    static const char *const cut[] = {"service.deleted", "contract.blocked", "contract.suspended", "contract.cancelled",
                                      "package.removed"};
    static const char *const restore[] = {"service.created", "contract.activated", "contract.unblocked",
                                          "contract.reactivated", "package.added"};
    for (int t = 0; t < EVENT_TYPE_COUNT; t++) {
        bool is_cut = false, is_restore = false;
        for (size_t i = 0; i < sizeof(cut) / sizeof(cut[0]); i++) {
            is_cut |= strcmp(event_type_name((enum event_type)t), cut[i]) == 0;
            is_restore |= strcmp(event_type_name((enum event_type)t), restore[i]) == 0;
        }
        cr_expect(eq(int, event_is_cut((enum event_type)t), is_cut), "%s", event_type_name((enum event_type)t));
        cr_expect(eq(int, event_is_restore((enum event_type)t), is_restore), "%s", event_type_name((enum event_type)t));
    }
}
