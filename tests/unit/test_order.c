/* The order of a service's events, as text and as numbers. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "contract/order.h"

Test(order, text_is_fixed_width)
{
    char text[ORDER_TEXT_SIZE];
    order_format((struct order){.epoch = 1, .number = 42, .sub = 7}, text);
    cr_expect(eq(str, text, "000001-000000000000000042-000007"));
    order_format((struct order){.epoch = 999999, .number = 999999999999999999u, .sub = 999999},
                 text);
    cr_expect(eq(str, text, "999999-999999999999999999-999999"));
}

Test(order, text_comes_back_as_the_same_order)
{
    struct order o = {.epoch = 12, .number = 345678901234567890u, .sub = 3}, back;
    char text[ORDER_TEXT_SIZE];
    order_format(o, text);
    cr_assert(eq(int, order_parse(text, &back), 0));
    cr_expect(eq(int, order_cmp(o, back), 0));
}

Test(order, other_texts_are_refused)
{
    static const char *const rows[] = {
        "",
        "0",
        "000001-000000000000000042",
        "000001-000000000000000042-",
        "000001-000000000000000042-00000",
        "000001-000000000000000042-0000070",
        "000001_000000000000000042-000007",
        "000001-00000000000000004x-000007",
        "-00001-000000000000000042-000007",
        " 00001-000000000000000042-000007",
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct order o;
        cr_expect(eq(int, order_parse(rows[i], &o), -1), "%s", rows[i]);
    }
}

Test(order, epoch_goes_before_number_and_number_before_sub)
{
    static const struct {
        const char *why;
        struct order low, high;
    } rows[] = {
        {"epoch", {1, 999, 9}, {2, 0, 0}},
        {"number", {1, 9, 9}, {1, 10, 0}},
        {"sub", {1, 9, 0}, {1, 9, 1}},
        {"a large number", {0, 99999999999999999u, 0}, {0, 100000000000000000u, 0}},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        cr_expect(lt(int, order_cmp(rows[i].low, rows[i].high), 0), "%s", rows[i].why);
        cr_expect(lt(int, 0, order_cmp(rows[i].high, rows[i].low)), "%s", rows[i].why);
    }
}

/* Redis compares the texts byte by byte: it must come to the same end. */
Test(order, byte_order_of_the_text_is_the_order)
{
    unsigned seed = 20261122;
    for (int i = 0; i < 20000; i++) {
        struct order o[2];
        char text[2][ORDER_TEXT_SIZE];
        for (int k = 0; k < 2; k++) {
            uint64_t number = (uint64_t)rand_r(&seed) * 2147483648u + (uint64_t)rand_r(&seed);
            o[k] = (struct order){.epoch = (uint32_t)rand_r(&seed) % 3,
                                  .number = number % 1000000000000000000u >> (rand_r(&seed) % 60),
                                  .sub = (uint32_t)rand_r(&seed) % 3};
            order_format(o[k], text[k]);
        }
        int by_text = strcmp(text[0], text[1]), by_number = order_cmp(o[0], o[1]);
        cr_assert(eq(int, (by_text > 0) - (by_text < 0), by_number), "%s %s", text[0], text[1]);
    }
}

Test(order, sequence_is_one_to_eighteen_digits_compared_as_a_number)
{
    static const struct {
        const char *text;
        int rc;
        uint64_t value;
    } rows[] = {
        {"0", 0, 0},     {"007", 0, 7},
        {"123", 0, 123}, {"999999999999999999", 0, 999999999999999999u},
        {"", -1, 0},     {"1000000000000000000", -1, 0},
        {"-1", -1, 0},   {"+1", -1, 0},
        {"1.0", -1, 0},  {" 1", -1, 0},
        {"1a", -1, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        uint64_t v = 0;
        cr_expect(eq(int, order_parse_sequence(rows[i].text, &v), rows[i].rc), "%s", rows[i].text);
        cr_expect(eq(u64, v, rows[i].value), "%s", rows[i].text);
    }
}

/* ---- basis ---- */

Test(basis, is_read_back_as_it_was_written_and_stands_just_above_its_order)
{
    static const struct {
        struct basis basis;
        const char *text;
    } rows[] = {
        {{ORDER_BY_SEQUENCE, {.number = 101}, 1}, "sequence:000000-000000000000000101-000000+1"},
        {{ORDER_BY_OFFSET, {.epoch = 2, .number = 7, .sub = 3}, 12}, "offset:000002-000000000000000007-000003+12"},
        {{ORDER_BY_NOTHING, {0}, BASIS_STEP_MAX}, "none:000000-000000000000000000-000000+999"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[BASIS_TEXT_SIZE];
        struct basis back;
        basis_format(&rows[i].basis, text);
        cr_expect(eq(str, text, (char *)rows[i].text));
        cr_assert(zero(int, basis_parse(text, &back)));
        struct order own = basis_order(&back);
        cr_expect(eq(int, back.by, rows[i].basis.by));
        cr_expect(lt(int, 0, order_cmp(own, rows[i].basis.order)));
        cr_expect(eq(int, own.sub, rows[i].basis.order.sub + rows[i].basis.step));
        cr_expect(lt(int, order_cmp(own, (struct order){.epoch = own.epoch, .number = own.number + 1}), 0));
    }
}

Test(basis, of_another_form_is_refused)
{
    static const char *const rows[] = {
        "", "sequence", "sequence:", "sequence:101+1", "time:000000-000000000000000101-000000+1",
        "sequence:000000-000000000000000101-000000", "sequence:000000-000000000000000101-000000+",
        "sequence:000000-000000000000000101-000000+0", "sequence:000000-000000000000000101-000000+01",
        "sequence:000000-000000000000000101-000000+1000", "sequence:000000-000000000000000101-000000+1 ",
        "sequence:000000-000000000000000101-000000-1", "sequence:000000-00000000000000010x-000000+1",
        "sequence:000000-000000000000000101-999999+1", "offset:000000-000000000000000101-999001+999",
    };
    struct basis b;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        cr_expect(eq(int, basis_parse(rows[i], &b), -1), "%s", rows[i]);
    cr_expect(zero(int, basis_parse("offset:000000-000000000000000101-999000+999", &b)));
}
