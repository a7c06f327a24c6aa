/* Who calls the gateway, and how fast. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <string.h>

#include "base/attr.h"
#include "serve_keys.h"

static const struct settings_provider providers[] = {{.name = "stalker"}, {.name = "neotv"}, {.name = "oletv"}};
static const struct settings_provider *both[] = {&providers[0], &providers[1]}, *one[] = {&providers[1]};

static struct settings_key key_of(const char *text, const char *name, double rate, double burst)
{
    struct settings_key k = {.name = name, .rate_per_s = rate, .burst = burst, .providers = both, .provider_count = 2};
    hash_sha256(text, strlen(text), k.sha256);
    return k;
}

static struct serve_keys *made(struct settings_key *list, size_t n)
{
    struct serve_keys *k = serve_keys_new(&(struct settings_serve){.keys = list, .key_count = n}, 1000);
    cr_assert(ne(ptr, k, NULL));
    return k;
}

Test(serve_keys, a_caller_is_known_by_the_whole_of_its_key_alone)
{
    static const struct {
        const char *why, *authorization, *want; /* NULL: nobody */
    } rows[] = {
        {"the first", "Bearer tvb_one", "a"},
        {"the last", "Bearer tvb_three", "c"},
        {"the scheme in any case", "bEARER tvb_two", "b"},
        {"none", NULL, NULL},
        {"empty", "", NULL},
        {"the scheme alone", "Bearer ", NULL},
        {"another scheme", "Basic tvb_one", NULL},
        {"without its scheme", "tvb_one", NULL},
        {"with something behind it", "Bearer tvb_one ", NULL},
        {"a part of it", "Bearer tvb_on", NULL},
        {"in another case", "Bearer TVB_ONE", NULL},
    };
    struct settings_key list[] = {key_of("tvb_one", "a", 0, 1), key_of("tvb_two", "b", 0, 1), key_of("tvb_three", "c", 0, 1)};
    struct serve_keys *k = made(list, ARRAY_LEN(list));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct serve_key *found = serve_keys_find(k, rows[i].authorization);
        cr_expect(rows[i].want == NULL ? found == NULL : found != NULL && strcmp(found->of->name, rows[i].want) == 0, "%s", rows[i].why);
    }
    serve_keys_free(k);
}

Test(serve_keys, what_is_in_the_settings_opens_nothing)
{
    char hex[2 * HASH_SHA256_SIZE + 1], header[100];
    struct settings_key list[] = {key_of("tvb_one", "a", 0, 1)};
    struct serve_keys *k = made(list, 1);
    hash_hex(list[0].sha256, sizeof(list[0].sha256), hex);
    snprintf(header, sizeof(header), "Bearer %s", hex);
    cr_expect(serve_keys_find(k, header) == NULL);
    serve_keys_free(k);
}

Test(serve_keys, a_key_is_for_the_providers_that_it_names)
{
    struct settings_key list[] = {key_of("one", "a", 0, 1), key_of("two", "b", 0, 1)};
    list[1].providers = one;
    list[1].provider_count = 1;
    struct serve_keys *k = made(list, 2);
    const struct serve_key *a = serve_keys_find(k, "Bearer one"), *b = serve_keys_find(k, "Bearer two");
    cr_expect(serve_key_reaches(a, &providers[0]) && serve_key_reaches(a, &providers[1]) && !serve_key_reaches(a, &providers[2]));
    cr_expect(serve_key_reaches(b, &providers[1]) && !serve_key_reaches(b, &providers[0]));
    serve_keys_free(k);
}

Test(serve_keys, without_a_rate_nobody_waits)
{
    struct settings_key list[] = {key_of("one", "a", 0, 1)};
    struct serve_keys *k = made(list, 1);
    struct serve_key *a = serve_keys_find(k, "Bearer one");
    serve_key_spend(a, 1e9, 1000);
    cr_expect(eq(i64, serve_key_wait_ms(a, 1000), 0));
    serve_keys_free(k);
}

Test(serve_keys, the_burst_may_come_at_once_and_then_the_rate)
{
    struct settings_key list[] = {key_of("one", "a", 10, 3)};
    struct serve_keys *k = made(list, 1);
    struct serve_key *a = serve_keys_find(k, "Bearer one");
    for (int i = 0; i < 3; i++) {
        cr_expect(eq(i64, serve_key_wait_ms(a, 1000), 0));
        serve_key_spend(a, 1, 1000);
    }
    cr_expect(eq(i64, serve_key_wait_ms(a, 1000), 100));
    cr_expect(eq(i64, serve_key_wait_ms(a, 1060), 40));
    cr_expect(eq(i64, serve_key_wait_ms(a, 1100), 0));
    cr_expect(eq(i64, serve_key_wait_ms(a, 900000), 0), "a long rest");
    serve_key_spend(a, 3, 900000);
    cr_expect(eq(i64, serve_key_wait_ms(a, 900000), 100), "gathers no more than the burst");
    serve_keys_free(k);
}

Test(serve_keys, a_batch_larger_than_the_burst_is_paid_off_afterwards)
{
    struct settings_key list[] = {key_of("one", "a", 100, 10)};
    struct serve_keys *k = made(list, 1);
    struct serve_key *a = serve_keys_find(k, "Bearer one");
    cr_expect(eq(i64, serve_key_wait_ms(a, 1000), 0));
    serve_key_spend(a, 1000, 1000);
    cr_expect(eq(i64, serve_key_wait_ms(a, 1000), 9910));
    cr_expect(eq(i64, serve_key_wait_ms(a, 10909), 1));
    cr_expect(eq(i64, serve_key_wait_ms(a, 10910), 0));
    serve_keys_free(k);
}

Test(serve_keys, one_callers_pace_is_not_anothers)
{
    struct settings_key list[] = {key_of("one", "a", 1, 1), key_of("two", "b", 1, 1)};
    struct serve_keys *k = made(list, 2);
    serve_key_spend(serve_keys_find(k, "Bearer one"), 50, 1000);
    cr_expect(serve_key_wait_ms(serve_keys_find(k, "Bearer one"), 1000) > 0);
    cr_expect(eq(i64, serve_key_wait_ms(serve_keys_find(k, "Bearer two"), 1000), 0));
    serve_keys_free(k);
}

Test(serve_keys, a_key_that_was_made_is_found_by_its_digest)
{
    char text[2][SERVE_KEY_SIZE], hex[2][2 * HASH_SHA256_SIZE + 1], header[100];
    struct err e = {0};
    for (int i = 0; i < 2; i++)
        cr_assert(eq(int, serve_key_make(text[i], hex[i], &e), 0));
    cr_expect(strcmp(text[0], text[1]) != 0);
    cr_expect(eq(sz, strlen(text[0]), SERVE_KEY_SIZE - 1));
    cr_expect(eq(sz, strspn(text[0], "abcdefghijklmnopqrstuvwxyz234567_"), SERVE_KEY_SIZE - 1));
    struct settings_key list[] = {{.name = "made", .burst = 1}};
    cr_assert(eq(int, hash_unhex(hex[1], HASH_SHA256_SIZE, list[0].sha256), 0));
    struct serve_keys *k = made(list, 1);
    snprintf(header, sizeof(header), "Bearer %s", text[1]);
    cr_expect(serve_keys_find(k, header) != NULL);
    snprintf(header, sizeof(header), "Bearer %s", text[0]);
    cr_expect(serve_keys_find(k, header) == NULL);
    serve_keys_free(k);
}
