/* catalogue_apply.c - billing's ids in an event's data become the platform's. All is decided by billing's ids first: what is added, what
 * needs what, which are bases; then each becomes the platform's, bases first, as platforms want them. */
#include <stdio.h>
#include <string.h>

#include "catalogue.h"
#include "contract/axes.h"
#include "contract/json_scan.h"
#include "words.h"

#define NEAR_SIZE 90
#define ID_SHOWN 40
#define QUANTITY_MAX 100 /* of an event: schemas/events/definitions.schema.json */

/* One event, or one service's desired state. */
struct sale {
    const json_t *of;     /* the provider's catalogue */
    const char *provider; /* its name */
    json_t *data;
    bool whole;           /* the data say all of the service: what they do not say is added */
    struct fault *fault;
};

/* ---- what is refused ---- */

static int unknown(const struct sale *s, const char *pointer, const char *kind, const char *id)
{
    struct words_nearest near;
    char text[NEAR_SIZE], folded[WORDS_SIZE];
    const char *name;
    json_t *v, *among = json_object_get(s->of, kind);
    words_nearest_init(&near, id);
    json_object_foreach(among, name, v) if (words_fold(name, folded)) words_nearest_try(&near, name, folded);
    words_nearest_text(&near, text, sizeof(text));
    return fault_set(s->fault, pointer, "\"%.*s\" is none of the %s of %s in the catalogue%s", words_fit(id, ID_SHOWN), id, kind, s->provider,
                     text);
}

static int refuse_package(const struct sale *s, size_t i, const char *id, const char *why)
{
    char pointer[64];
    snprintf(pointer, sizeof(pointer), "/data/packages/%zu/id", i);
    return fault_set(s->fault, pointer, "\"%.*s\" %s", words_fit(id, ID_SHOWN), id, why);
}

/* ---- billing's side ---- */

static const json_t *plan_of(const struct sale *s, const char *id)
{
    return json_object_get(json_object_get(s->of, "plans"), id);
}

static const json_t *package_of(const struct sale *s, const char *id)
{
    return json_object_get(json_object_get(s->of, "packages"), id);
}

static bool is_base(const struct sale *s, const char *id)
{
    return json_is_true(json_object_get(package_of(s, id), "base"));
}

static json_t *packages(const struct sale *s)
{
    json_t *list = json_object_get(s->data, "packages");
    return json_is_array(list) ? list : NULL; /* what is no list is for the schema to say */
}

static const char *id_at(const json_t *list, size_t i)
{
    return json_text(json_array_get(list, i), "id");
}

static bool has_package(const struct sale *s, const char *id)
{
    const json_t *list = packages(s);
    for (size_t i = 0; i < json_array_size(list); i++)
        if (strcmp(id_at(list, i), id) == 0)
            return true;
    return false;
}

static int check_known(const struct sale *s)
{
    const json_t *list = packages(s);
    const char *plan = json_text(s->data, "plan");
    char pointer[64];
    if (plan[0] != '\0' && plan_of(s, plan) == NULL)
        return unknown(s, "/data/plan", "plans", plan);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *id = id_at(list, i);
        snprintf(pointer, sizeof(pointer), "/data/packages/%zu/id", i);
        if (id[0] != '\0' && package_of(s, id) == NULL)
            return unknown(s, pointer, "packages", id);
        for (size_t k = 0; k < i; k++)
            if (id[0] != '\0' && strcmp(id_at(list, k), id) == 0)
                return refuse_package(s, i, id, "is there twice: say quantity");
    }
    return 0;
}

/* ---- what a whole service needs ---- */

/* Unless billing says it itself. */
static int add_package(struct sale *s, const char *id, json_int_t quantity)
{
    if (has_package(s, id))
        return 0;
    if (json_object_get(s->data, "packages") == NULL && json_object_set_new(s->data, "packages", json_array()) != 0)
        return fault_nomem(s->fault);
    json_t *list = packages(s);
    if (list == NULL)
        return 0;
    json_t *one = quantity > 1 ? json_pack("{s:s, s:I}", "id", id, "quantity", quantity) : json_pack("{s:s}", "id", id);
    return json_array_append_new(list, one) == 0 ? 0 : fault_nomem(s->fault);
}

static int add_default_plan(struct sale *s)
{
    const char *id = json_text(s->of, "default_plan");
    if (!s->whole || id[0] == '\0' || json_object_get(s->data, "plan") != NULL)
        return 0;
    return json_object_set_new(s->data, "plan", json_string(id)) == 0 ? 0 : fault_nomem(s->fault);
}

static int add_of_plan(struct sale *s)
{
    const json_t *list = json_object_get(plan_of(s, json_text(s->data, "plan")), "packages");
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < json_array_size(list); i++)
        rc = add_package(s, json_string_value(json_array_get(list, i)), 1);
    return rc;
}

static int add_points(struct sale *s)
{
    const json_t *point = json_object_get(s->of, "additional_point");
    json_int_t included = json_integer_value(json_object_get(point, "included"));
    json_int_t devices = (json_int_t)json_array_size(json_object_get(s->data, "devices"));
    return point == NULL || devices <= included ? 0 : add_package(s, json_text(point, "package"), devices - included);
}

/* Where the catalogue knows bases, exactly one of them is on. */
static int settle_base(struct sale *s)
{
    const char *name, *found = NULL, *base = json_text(s->of, "default_base");
    const json_t *list = packages(s);
    json_t *v;
    bool has_bases = false;
    for (size_t i = 0; i < json_array_size(list); i++) {
        if (is_base(s, id_at(list, i)) && found != NULL)
            return refuse_package(s, i, id_at(list, i), "is a second base package: a service has one");
        found = is_base(s, id_at(list, i)) ? id_at(list, i) : found;
    }
    json_object_foreach(json_object_get(s->of, "packages"), name, v) has_bases = has_bases || is_base(s, name);
    if (!has_bases || found != NULL)
        return 0;
    if (base[0] == '\0')
        return fault_set(s->fault, "/data/packages", "wanted one of the base packages of %s: the catalogue has no default_base", s->provider);
    return add_package(s, base, 1);
}

static int check_needs(const struct sale *s)
{
    const json_t *list = packages(s);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *needs = json_object_get(package_of(s, id_at(list, i)), "needs");
        bool met = needs == NULL;
        for (size_t k = 0; k < json_array_size(needs); k++) {
            const char *id = json_string_value(json_array_get(needs, k));
            met = met || strcmp(json_text(s->data, "plan"), id) == 0 || has_package(s, id);
        }
        if (!met)
            return refuse_package(s, i, id_at(list, i), "is an add-on of plans or base packages that this service does not have");
    }
    return 0;
}

/* ---- the platform's side ---- */

static int put_plan(struct sale *s)
{
    const json_t *plan = plan_of(s, json_text(s->data, "plan"));
    if (plan == NULL)
        return 0;
    return json_object_set(s->data, "plan", json_object_get(plan, "id")) == 0 ? 0 : fault_nomem(s->fault);
}

static json_int_t quantity_of(const json_t *v)
{
    const json_t *n = json_object_get(v, "quantity");
    return json_is_integer(n) ? json_integer_value(n) : 1;
}

/* An extra's price; of several that are one of billing's the first one bears it. False: out of memory. */
static bool put_price(json_t *made, const json_t *as, bool first)
{
    json_t *price = json_object_get(as, "price"), *currency = json_object_get(as, "currency");
    if (!first) {
        json_object_del(made, "price");
        json_object_del(made, "currency");
        return true;
    }
    if (json_object_get(made, "price") != NULL || price == NULL)
        return true;
    return json_object_set(made, "price", price) == 0 && (currency == NULL || json_object_set(made, "currency", currency) == 0);
}

static int append_as(const struct sale *s, json_t *into, const json_t *theirs, const json_t *as, json_t *id, bool first, bool priced)
{
    json_t *made = json_deep_copy(theirs);
    json_int_t quantity = quantity_of(theirs);
    if (quantity >= 1 && quantity <= QUANTITY_MAX) /* what is none is for the schema to say */
        quantity *= quantity_of(as);
    bool good = made != NULL && json_object_set(made, "id", id) == 0;
    if (good && quantity != quantity_of(theirs))
        good = json_object_set_new(made, "quantity", json_integer(quantity)) == 0;
    if (good && priced)
        good = put_price(made, as, first);
    good = good && json_array_append(into, made) == 0;
    json_decref(made);
    return good ? 0 : fault_nomem(s->fault);
}

static int append(const struct sale *s, json_t *into, json_t *theirs, bool priced)
{
    const json_t *as = package_of(s, json_text(theirs, "id")), *ids = json_object_get(as, "ids");
    int rc = 0;
    if (as == NULL) /* no text as its id: for the schema to say */
        return json_array_append(into, theirs) == 0 ? 0 : fault_nomem(s->fault);
    if (ids == NULL)
        return append_as(s, into, theirs, as, json_object_get(as, "id"), true, priced);
    for (size_t i = 0; rc == 0 && i < json_array_size(ids); i++)
        rc = append_as(s, into, theirs, as, json_array_get(ids, i), i == 0, priced);
    return rc;
}

static int put_packages(struct sale *s, bool priced)
{
    json_t *list = packages(s), *made = json_array(), *v;
    size_t i;
    int rc = made == NULL ? fault_nomem(s->fault) : 0;
    for (int bases = 1; list != NULL && bases >= 0; bases--)
        json_array_foreach(list, i, v)
        {
            if (rc == 0 && is_base(s, json_text(v, "id")) == (bases == 1))
                rc = append(s, made, v, priced);
        }
    if (rc == 0 && list != NULL && json_object_set(s->data, "packages", made) != 0)
        rc = fault_nomem(s->fault);
    json_decref(made);
    return rc;
}

/* ---- events ---- */

/* All of a service, or what a row says of it: without packages there is nothing to complete. */
static int sell(struct sale *s)
{
    bool complete = s->whole || packages(s) != NULL;
    if (add_default_plan(s) != 0 || check_known(s) != 0)
        return -1;
    if (complete && (add_of_plan(s) != 0 || settle_base(s) != 0 || add_points(s) != 0))
        return -1;
    if (complete && (s->whole || json_object_get(s->data, "plan") != NULL) && check_needs(s) != 0)
        return -1;
    return put_plan(s) == 0 ? put_packages(s, true) : -1;
}

static int change_plan(struct sale *s)
{
    if (check_known(s) != 0)
        return -1;
    if (json_array_size(json_object_get(plan_of(s, json_text(s->data, "plan")), "packages")) > 0)
        return fault_set(s->fault, "/data/plan", "\"%.*s\" brings packages, which plan.changed cannot say: send service.snapshot",
                         words_fit(json_text(s->data, "plan"), ID_SHOWN), json_text(s->data, "plan"));
    return put_plan(s);
}

static bool speaks_of_sales(enum event_type t)
{
    return t == EVENT_SERVICE_CREATED || t == EVENT_SERVICE_SNAPSHOT || t == EVENT_PLAN_CHANGED || t == EVENT_PACKAGE_ADDED ||
           t == EVENT_PACKAGE_REMOVED;
}

static int apply(struct sale *s, enum event_type t)
{
    if (t == EVENT_PLAN_CHANGED)
        return change_plan(s);
    if (t == EVENT_PACKAGE_ADDED || t == EVENT_PACKAGE_REMOVED)
        return check_known(s) == 0 ? put_packages(s, t == EVENT_PACKAGE_ADDED) : -1;
    s->whole = strcmp(json_text(s->data, "status"), "terminated") != 0;
    return sell(s);
}

static int no_provider(const struct catalogue *c, const char *provider, struct fault *ret_fault)
{
    char names[NEAR_SIZE];
    catalogue_names(c, names, sizeof(names));
    return fault_set(ret_fault, "/provider", "\"%.*s\" is not in the catalogue, which has %s", words_fit(provider, ID_SHOWN), provider, names);
}

int catalogue_apply(const struct catalogue *c, json_t *event, struct fault *ret_fault)
{
    enum event_type t;
    struct sale s = {.provider = json_text(event, "provider"), .data = json_object_get(event, "data"), .fault = ret_fault};
    if (event_type_parse(json_text(event, "type"), &t) != 0 || !speaks_of_sales(t) || !json_is_object(s.data))
        return 0;
    s.of = catalogue_of(c, s.provider);
    if (s.of == NULL)
        return no_provider(c, s.provider, ret_fault);
    return apply(&s, t);
}

/* ---- desired states, whose packages are by id ---- */

/* NULL: out of memory, as below. */
static json_t *list_of(const json_t *by_id)
{
    json_t *list = json_array(), *v;
    const char *id;
    bool good = list != NULL;
    json_object_foreach(json_unconst(by_id), id, v)
    {
        json_t *one = json_deep_copy(v);
        good = good && json_object_set_new(one, "id", json_string(id)) == 0 && json_array_append(list, one) == 0;
        json_decref(one);
    }
    if (good)
        return list;
    json_decref(list);
    return NULL;
}

static json_t *by_id_of(const json_t *list)
{
    json_t *ret = json_object(), *v;
    size_t i;
    bool good = ret != NULL;
    json_array_foreach(list, i, v)
    {
        json_t *one = json_copy(v);
        if (one != NULL)
            json_object_del(one, "id");
        good = good && json_object_set(ret, json_text(v, "id"), one) == 0;
        json_decref(one);
    }
    if (good)
        return ret;
    json_decref(ret);
    return NULL;
}

int catalogue_apply_wanted(const struct catalogue *c, const char *provider, json_t *wanted, struct err *reterr)
{
    struct fault fault = {.pointer = ""};
    struct sale s = {.of = catalogue_of(c, provider), .provider = provider, .data = wanted, .fault = &fault};
    const json_t *by_id = json_object_get(wanted, "packages");
    if (s.of == NULL) {
        no_provider(c, provider, &fault);
        return err_set(reterr, ERR_INVAL, "%s", fault.reason);
    }
    if (by_id != NULL && json_object_set_new(wanted, "packages", list_of(by_id)) != 0)
        return err_nomem(reterr);
    if (sell(&s) != 0)
        return fault.nomem ? err_nomem(reterr) : err_set(reterr, ERR_INVAL, "%s", fault.reason);
    if (packages(&s) != NULL && json_object_set_new(wanted, "packages", by_id_of(packages(&s))) != 0)
        return err_nomem(reterr);
    return 0;
}
