/* Billing's plans and packages. Input: a catalogue as YAML, or "example"; a line "%%"; events with billing's ids, a part
 * each, or rows of a list, which have no type. What comes out has the platform's ids alone, or it is refused at its place. */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "catalogue.h"
#include "contract/axes.h"
#include "contract/json_scan.h"
#include "publish_event.h"
#include "wanted.h"

#define SCHEMAS TVB_ROOT "/schemas"

static const struct catalogue *example(void)
{
    static const struct catalogue *c;
    struct err err = {0};
    if (c == NULL)
        c = catalogue_load(TVB_ROOT "/deploy/catalogue.example.yaml", SCHEMAS, &err);
    fuzz_check(c != NULL, "%s", err.msg);
    return c;
}

static bool speaks_of_sales(enum event_type t)
{
    return t == EVENT_SERVICE_CREATED || t == EVENT_SERVICE_SNAPSHOT || t == EVENT_PLAN_CHANGED || t == EVENT_PACKAGE_ADDED ||
           t == EVENT_PACKAGE_REMOVED;
}

/* ---- what is the platform's ---- */

static bool is_one_of(const json_t *as, const char *id)
{
    const json_t *ids = json_object_get(as, "ids");
    bool found = strcmp(json_text(as, "id"), id) == 0;
    for (size_t i = 0; i < json_array_size(ids); i++)
        found = found || strcmp(json_string_value(json_array_get(ids, i)), id) == 0;
    return found;
}

static void is_platforms(const json_t *of, const char *kind, const char *id)
{
    const char *name;
    json_t *as;
    bool found = id[0] == '\0';
    json_object_foreach(json_object_get(of, kind), name, as) found = found || is_one_of(as, id);
    fuzz_check(found, "\"%s\" is none of the platform's %s", id, kind);
}

/* Two packages of billing's are never one of the platform's: each is at most once there. */
static void are_platforms(const json_t *of, const json_t *data)
{
    const json_t *list = json_object_get(data, "packages");
    const char *id;
    json_t *v;
    is_platforms(of, "plans", json_text(data, "plan"));
    json_object_foreach(json_unconst(list), id, v) is_platforms(of, "packages", id);
    for (size_t i = 0; i < json_array_size(list); i++) {
        id = json_text(json_array_get(list, i), "id");
        is_platforms(of, "packages", id);
        for (size_t k = 0; k < i; k++)
            fuzz_check(id[0] == '\0' || strcmp(id, json_text(json_array_get(list, k), "id")) != 0, "\"%s\" is there twice", id);
    }
}

/* What billing names and the catalogue does not have is not taken. */
static void was_known(const json_t *of, const json_t *data)
{
    const json_t *list = json_object_get(data, "packages");
    const char *plan = json_text(data, "plan");
    fuzz_check(plan[0] == '\0' || json_object_get(json_object_get(of, "plans"), plan) != NULL, "the plan \"%s\" was taken", plan);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *id = json_text(json_array_get(list, i), "id");
        fuzz_check(id[0] == '\0' || json_object_get(json_object_get(of, "packages"), id) != NULL, "the package \"%s\" was taken", id);
    }
}

/* ---- events ---- */

/* What the event says beside plan and packages stays, and so does all of an event that is of no sale. */
static void stays(enum event_type t, const json_t *before, const json_t *after)
{
    const char *name;
    json_t *v, *data = json_object_get(after, "data");
    if (!speaks_of_sales(t)) {
        fuzz_check(json_equal(json_unconst(before), json_unconst(after)), "an event of no sale was changed");
        return;
    }
    json_object_foreach(json_object_get(before, "data"), name, v)
        fuzz_check(strcmp(name, "plan") == 0 || strcmp(name, "packages") == 0 || json_equal(json_object_get(data, name), v),
                   "\"%s\" of the data changed", name);
}

static void apply(const struct catalogue *c, const json_t *event)
{
    struct fault f = {.reason = ""}, g = {.reason = ""};
    enum event_type t;
    json_t *once = json_deep_copy(event), *twice = json_deep_copy(event);
    int rc = catalogue_apply(c, once, &f);
    fuzz_check(catalogue_apply(c, twice, &g) == rc && json_equal(once, twice), "the second time it is another");
    fuzz_check(rc == 0 || strcmp(f.reason, g.reason) == 0, "refused in other words the second time");
    if (rc != 0)
        fuzz_refused_at(&f);
    else if (event_type_parse(json_text(event, "type"), &t) == 0) {
        stays(t, event, once);
        if (speaks_of_sales(t) && json_is_object(json_object_get(once, "data"))) {
            const json_t *of = catalogue_of(c, json_text(event, "provider"));
            was_known(of, json_object_get(event, "data"));
            are_platforms(of, json_object_get(once, "data"));
        }
    }
    json_decref(once);
    json_decref(twice);
}

static void publish(const struct catalogue *c, struct fuzz_text t)
{
    const struct publish_rules rules = {.schemas = fuzz_schemas(), .catalogue = c, .partition = -1};
    struct publish_event made;
    struct fault f = {.reason = ""};
    struct event e;
    if (publish_event_init(&made, &rules, t.data, t.len, &f) != 0) {
        fuzz_refused_at(&f);
        return;
    }
    fuzz_valid_event(made.root, &e);
    event_fini(&e);
    publish_event_fini(&made);
}

/* ---- rows ---- */

static void want(const struct catalogue *c, const char *provider, const json_t *row)
{
    char service[WANTED_SERVICE_SIZE];
    struct err err = {0};
    json_t *wanted = wanted_read(row, service, &err), *before = json_deep_copy(wanted);
    bool said = json_object_get(wanted, "packages") != NULL;
    if (wanted == NULL)
        fuzz_refused(&err, NULL);
    else if (catalogue_apply_wanted(c, provider, wanted, &err) != 0)
        fuzz_refused(&err, NULL);
    else {
        are_platforms(catalogue_of(c, provider), wanted);
        fuzz_check(said == (json_object_get(wanted, "packages") != NULL), "packages that the row does not say");
        fuzz_check(json_object_get(before, "plan") != NULL || json_object_get(wanted, "plan") == NULL, "a plan that the row does not say");
    }
    json_decref(wanted);
    json_decref(before);
}

static void take(const struct catalogue *c, struct fuzz_text t)
{
    struct fault ignored;
    json_t *v = json_parse_strict(t.data, t.len, &ignored);
    if (json_object_get(v, "type") != NULL)
        apply(c, v);
    else if (json_is_object(v))
        want(c, json_text(v, "provider"), v);
    json_decref(v);
    publish(c, t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_text rest = fuzz_input(data, size), first = fuzz_part(&rest);
    const struct catalogue *c = first.len == 7 && memcmp(first.data, "example", 7) == 0 ? example() : NULL;
    struct catalogue *own = NULL;
    struct err err = {0};
    char names[60];
    if (c == NULL) {
        fuzz_write("catalogue.yaml", first);
        c = own = catalogue_load(fuzz_path("catalogue.yaml"), SCHEMAS, &err);
        if (own == NULL)
            fuzz_refused_document(&err, fuzz_path("catalogue.yaml"));
    }
    if (c != NULL) {
        catalogue_names(c, names, sizeof(names));
        fuzz_check(fuzz_is_text(names), "a name is cut: %s", names);
    }
    while (c != NULL && rest.len > 0)
        take(c, fuzz_part(&rest));
    catalogue_free(own);
    return 0;
}
