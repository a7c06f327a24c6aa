#include "bill.h"

#include <stdio.h>
#include <string.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/clock.h"
#include "contract/decimal.h"
#include "contract/json.h"
#include "wanted.h"

#define DAY_MS ((int64_t)24 * 3600 * 1000)

int bill_day_parse(const char *text, struct bill_day *ret)
{
    char instant[40];
    if (strlen(text) != BILL_DUE_SIZE - 1)
        return -1;
    snprintf(instant, sizeof(instant), "%sT00:00:00Z", text);
    if (clock_parse_rfc3339(instant, &ret->begins_ms) != 0)
        return -1;
    memcpy(ret->due, text, BILL_DUE_SIZE);
    ret->ends_ms = ret->begins_ms + DAY_MS;
    return 0;
}

/* ---- one service ---- */

struct bill {
    int64_t value;
    const char *currency; /* of the first item */
    json_t *items;
    struct buf text;
    json_int_t unpriced;
    const char *fault;
};

/* One that is blocked owes all the same; unknown: nobody made it here, and packages came. */
static bool is_over(const json_t *record)
{
    const char *status = json_text(record, "status");
    return strcmp(status, "inactive") == 0 || strcmp(status, "terminated") == 0;
}

static bool add_item(struct bill *b, const char *id, const json_t *package, int64_t price)
{
    json_t *quantity = json_object_get(package, "quantity");
    int64_t times = json_is_integer(quantity) ? json_integer_value(quantity) : 1;
    const char *currency = json_text(package, "currency");
    if (json_array_size(b->items) == 0)
        b->currency = currency;
    if (strcmp(b->currency, currency) != 0)
        b->fault = "packages in several currencies";
    if (decimal_add(&b->value, price, times) != 0 || b->value > DECIMAL_MAX)
        b->fault = "too large a sum";
    buf_addf(&b->text, "%s%s ", b->text.len > 0 ? ", " : "", id);
    if (times != 1)
        buf_addf(&b->text, "%lld x ", (long long)times);
    buf_adds(&b->text, json_text(package, "price"));
    json_t *item = json_pack("{s:s, s:O, s:O*, s:O*}", "id", id, "price", json_object_get(package, "price"), "currency",
                             json_object_get(package, "currency"), "quantity", quantity);
    return json_array_append_new(b->items, item) == 0;
}

/* False: out of memory. */
static bool take_package(struct bill *b, const char *id, const json_t *package, const struct bill_day *day)
{
    int64_t from = 0, to = 0, price = 0;
    if (wanted_times(package, &from, &to) != 0) {
        b->fault = "a package's dates are no dates";
        return true;
    }
    if (from >= day->ends_ms || to <= day->begins_ms)
        return true;
    if (json_object_get(package, "price") == NULL) {
        b->unpriced++;
        return true;
    }
    if (decimal_parse(json_text(package, "price"), &price) != 0) {
        b->fault = "a package's price is no decimal text";
        return true;
    }
    return add_item(b, id, package, price);
}

static bool take_packages(struct bill *b, const json_t *record, const struct bill_day *day)
{
    json_t *packages = json_object_get(record, "packages"), *one;
    const char *id;
    bool good = b->items != NULL;
    if (!is_over(record))
        json_object_foreach(packages, id, one) good = good && take_package(b, id, one, day);
    return good && buf_ok(&b->text);
}

static bool set_text(json_t *row, const char *name, const char *text)
{
    return text[0] == '\0' || json_object_set_new(row, name, json_string(text)) == 0;
}

static bool set_processed(json_t *row, const json_t *billed, const struct bill *b)
{
    int64_t was = 0;
    char text[DECIMAL_TEXT_SIZE];
    bool same = decimal_parse(json_text(billed, "value"), &was) == 0 && was == b->value;
    return set_text(row, "state", BILL_PROCESSED) && set_text(row, "value", json_text(billed, "value")) &&
           set_text(row, "currency", json_text(billed, "currency")) && (same || set_text(row, "now", decimal_format(b->value, text)));
}

static bool set_pending(json_t *row, const struct bill *b)
{
    char text[DECIMAL_TEXT_SIZE];
    if (b->fault != NULL)
        return set_text(row, "fault", b->fault);
    return set_text(row, "state", BILL_PENDING) && set_text(row, "value", decimal_format(b->value, text)) &&
           set_text(row, "currency", b->currency);
}

static json_t *make_row(const json_t *record, struct bill *b, const json_t *billed, const struct bill_day *day)
{
    bool has = json_array_size(b->items) > 0 || b->fault != NULL || billed != NULL;
    json_t *row = json_pack("{s:O, s:s}", "service", json_object_get(record, "service"), "due", day->due);
    bool good = row != NULL;
    if (good && billed != NULL)
        good = set_processed(row, billed, b);
    else if (good && has)
        good = set_pending(row, b);
    if (good && json_array_size(b->items) > 0)
        good = set_text(row, "packages", buf_cstr(&b->text)) && json_object_set(row, "items", b->items) == 0;
    if (good && b->unpriced > 0)
        good = json_object_set_new(row, "unpriced", json_integer(b->unpriced)) == 0;
    if (good && (has || b->unpriced > 0))
        return row;
    json_decref(row);
    return good ? json_null() : NULL;
}

json_t *bill_row(const json_t *record, const struct bill_day *day)
{
    const json_t *billed = json_object_get(json_object_get(record, "billed"), day->due);
    struct bill b = {.currency = "", .items = json_array()};
    json_t *row = NULL;
    buf_init(&b.text, (size_t)1024 * 1024);
    if (take_packages(&b, record, day))
        row = make_row(record, &b, billed, day);
    buf_fini(&b.text);
    json_decref(b.items);
    return row;
}

/* ---- all of them ---- */

int bill_sums_init(struct bill_sums *s)
{
    *s = (struct bill_sums){.by = json_object()};
    return s->by != NULL ? 0 : -1;
}

void bill_sums_fini(struct bill_sums *s)
{
    json_decref(s->by);
    s->by = NULL;
}

/* The member, made where it is not there. NULL: out of memory. */
static json_t *member_of(json_t *of, const char *name)
{
    json_t *v = json_object_get(of, name);
    if (v != NULL)
        return v;
    v = json_object();
    return json_object_set_new(of, name, v) == 0 ? v : NULL;
}

/* Of @n more ten-thousandths. */
static int add_to(json_t *of, const char *name, int64_t n)
{
    int64_t sum = json_integer_value(json_object_get(of, name));
    return decimal_add(&sum, n, 1) == 0 ? json_object_set_new(of, name, json_integer(sum)) : -1;
}

int bill_sums_add(struct bill_sums *s, const json_t *row)
{
    int64_t value = 0;
    const char *state = json_text(row, "state");
    s->unpriced += json_integer_value(json_object_get(row, "unpriced"));
    s->faults += json_object_get(row, "fault") != NULL;
    if (state[0] == '\0')
        return 0;
    json_t *of = member_of(s->by, json_text(row, "currency"));
    json_t *total = of != NULL ? member_of(of, state) : NULL;
    if (total == NULL || decimal_parse(json_text(row, "value"), &value) != 0 || add_to(total, "services", 1) != 0)
        return -1;
    return add_to(total, "value", value);
}

json_t *bill_sums_list(const struct bill_sums *s)
{
    json_t *list = json_array(), *of, *total;
    const char *currency, *state;
    char text[DECIMAL_TEXT_SIZE];
    json_object_foreach(s->by, currency, of) json_object_foreach(of, state, total)
        json_array_append_new(list, json_pack("{s:s*, s:s, s:O, s:s}", "currency", currency[0] != '\0' ? currency : NULL, "state", state,
                                              "services", json_object_get(total, "services"), "value",
                                              decimal_format(json_integer_value(json_object_get(total, "value")), text)));
    return list;
}
