#include "contract/known.h"

#include <stdio.h>
#include <string.h>

#include "base/attr.h"
#include "contract/axes.h"
#include "contract/json.h"
#include "contract/json_scan.h"
#include "contract/record.h"

static bool copy(json_t *ret, const json_t *record, const char *name)
{
    json_t *v = json_object_get(record, name);
    return v == NULL || json_is_null(v) || json_object_set(ret, name, v) == 0;
}

static const char *top_of(const json_t *axes)
{
    const char *axis, *top = "";
    json_t *last, *from = json_unconst(axes);
    json_object_foreach(from, axis, last) if (strcmp(json_text(last, "order"), top) > 0) top = json_text(last, "order");
    return top;
}

/* Billing's are those that an event set, and all of an account that was made here. */
static bool is_billings(const json_t *record, const char *package)
{
    char axis[80];
    snprintf(axis, sizeof(axis), "package:%s", package);
    return json_object_get(record, "adopted") == NULL || json_object_get(json_object_get(record, "axes"), axis) != NULL;
}

static bool take_packages(json_t *ret, const json_t *record)
{
    const char *id;
    json_t *v, *set = json_object();
    if (json_object_set_new(ret, "packages", set) != 0)
        return false;
    json_object_foreach(json_object_get(record, "packages"), id, v)
    {
        json_t *one = json_pack("{s:b}", "ours", is_billings(record, id));
        if (json_object_set_new(set, id, one) != 0 || !copy(one, v, "valid_from") || !copy(one, v, "valid_to"))
            return false;
    }
    return true;
}

json_t *known_of(const json_t *record)
{
    static const char *const kept[] = {"status", "login", "plan", "block", "suspended", "ids"};
    const char *by = json_text(record, "order_by");
    json_t *ret = json_pack("{ss ss ss sb}", "fence", json_text(record, "fence"), "by", by[0] != '\0' ? by : "none", "top",
                            top_of(json_object_get(record, "axes")), "known", record_is_known(record));
    bool good = ret != NULL && take_packages(ret, record);
    for (size_t i = 0; good && i < ARRAY_LEN(kept); i++)
        good = copy(ret, record, kept[i]);
    if (good)
        return ret;
    json_decref(ret);
    return NULL;
}

void known_basis(const json_t *known, unsigned n, char ret[BASIS_TEXT_SIZE])
{
    struct basis b = {.by = ORDER_BY_NOTHING, .step = AXES_MAX + n};
    const char *by = json_text(known, "by");
    if (strcmp(by, "sequence") == 0)
        b.by = ORDER_BY_SEQUENCE;
    else if (strcmp(by, "offset") == 0)
        b.by = ORDER_BY_OFFSET;
    (void)order_parse(json_text(known, "top"), &b.order); /* none: nothing was applied, all is above it */
    basis_format(&b, ret);
}
