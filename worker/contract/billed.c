#include "contract/billed.h"

#include <stdint.h>
#include <string.h>

#include "contract/decimal.h"
#include "contract/json.h"
#include "contract/json_scan.h"

/* "4.9" and "4.90" are one amount. */
static bool is_same_amount(const json_t *a, const json_t *b)
{
    int64_t x = 0, y = 0;
    return decimal_parse(json_text(a, "value"), &x) == 0 && decimal_parse(json_text(b, "value"), &y) == 0 && x == y &&
           strcmp(json_text(a, "currency"), json_text(b, "currency")) == 0;
}

/* Days sort as text. NULL: none. */
static const char *oldest_of(const json_t *days)
{
    json_t *p = json_unconst(days);
    const char *oldest = NULL;
    for (void *it = json_object_iter(p); it != NULL; it = json_object_iter_next(p, it))
        if (oldest == NULL || strcmp(json_object_iter_key(it), oldest) < 0)
            oldest = json_object_iter_key(it);
    return oldest;
}

enum billed billed_judge(const json_t *record, const json_t *data, const char *id)
{
    const json_t *days = json_object_get(record, "billed");
    const char *due = json_text(data, "due");
    const json_t *there = json_object_get(days, due);
    if (there != NULL && strcmp(json_text(there, "event"), id) == 0)
        return BILLED_BY_IT;
    if (there != NULL)
        return is_same_amount(there, data) ? BILLED_BEFORE : BILLED_OTHER;
    return json_object_size(days) >= BILLED_MAX && strcmp(due, oldest_of(days)) < 0 ? BILLED_TOO_OLD : BILLED_NEW;
}

int billed_note(json_t *record, const json_t *data, const char *id)
{
    json_t *days = json_object_get(record, "billed");
    if (billed_judge(record, data, id) != BILLED_NEW)
        return 0;
    if (!json_is_object(days)) {
        days = json_object();
        if (json_object_set_new(record, "billed", days) != 0)
            return -1;
    }
    json_t *day = json_pack("{s:O, s:O*, s:s}", "value", json_object_get(data, "value"), "currency", json_object_get(data, "currency"),
                            "event", id);
    if (json_object_set_new(days, json_text(data, "due"), day) != 0)
        return -1;
    while (json_object_size(days) > BILLED_MAX)
        (void)json_object_del(days, oldest_of(days));
    return 0;
}
