/* A password that a record keeps can be checked, and is not there. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

#include "base/attr.h"
#include "contract/password.h"

#define KEY "0123456789abcdef0123456789abcdef"

static const struct password_of ann = {"neotv", "70001", "s3cret"};

static struct password_kept kept(const char *key, const struct password_of *p)
{
    struct password_kept k;
    password_keep(key, p, &k);
    return k;
}

Test(password, only_the_same_one_fits)
{
    static const struct {
        const char *why;
        struct password_of p;
    } others[] = {
        {"another password", {"neotv", "70001", "s3cret "}},
        {"without its last letter", {"neotv", "70001", "s3cre"}},
        {"an empty one", {"neotv", "70001", ""}},
        {"of another service", {"neotv", "70002", "s3cret"}},
        {"at another provider", {"cdntv", "70001", "s3cret"}},
        {"parts that run into each other", {"neotv", "7000", "1s3cret"}},
    };
    struct password_kept k = kept(KEY, &ann);
    cr_expect(password_fits(&k, KEY, &ann));
    for (size_t i = 0; i < ARRAY_LEN(others); i++)
        cr_expect(not(password_fits(&k, KEY, &others[i].p)), "%s", others[i].why);
}

Test(password, one_kept_under_another_key_is_told_from_a_wrong_one)
{
    struct password_kept k = kept(KEY, &ann);
    cr_expect(password_is_under(&k, KEY));
    cr_expect(not(password_is_under(&k, KEY "x")));
    cr_expect(not(password_fits(&k, KEY "x", &ann)));
}

/* Worked out with another program: HMAC-SHA256 over the SHA-256 of the parts, each after its length as 8 bytes. */
Test(password, is_the_hmac_that_its_header_says)
{
    char text[PASSWORD_TEXT_SIZE];
    struct password_kept k = kept(KEY, &ann), again;
    password_format(&k, text);
    cr_expect(eq(str, text, "d100bdfd:b0c59ab6e3fbec2943cb9fd47c83d0932e7561c9949c4f71327dc7b34a9624db"));
    cr_assert(eq(int, password_parse(text, &again), 0));
    cr_expect(eq(int, memcmp(&again, &k, sizeof(k)), 0));
}

Test(password, other_texts_are_no_kept_password)
{
    char text[PASSWORD_TEXT_SIZE + 1];
    struct password_kept k = kept(KEY, &ann);
    password_format(&k, text);
    cr_expect(eq(int, password_parse("", &k), -1));
    cr_expect(eq(int, password_parse(text + 1, &k), -1));
    strcat(text, "0");
    cr_expect(eq(int, password_parse(text, &k), -1));
    text[strlen(text) - 1] = '\0';
    text[20] = 'x';
    cr_expect(eq(int, password_parse(text, &k), -1));
    text[20] = '0';
    text[8] = '.';
    cr_expect(eq(int, password_parse(text, &k), -1));
}
