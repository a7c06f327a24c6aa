#include "contract/yaml_scalar.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"

static bool is_one_of(const char *text, const char *const *words, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(text, words[i]) == 0)
            return true;
    return false;
}

static bool is_null(const char *t)
{
    static const char *const words[] = {"", "~", "null", "Null", "NULL"};
    return is_one_of(t, words, ARRAY_LEN(words));
}

static bool is_true(const char *t)
{
    static const char *const words[] = {"true", "True", "TRUE"};
    return is_one_of(t, words, ARRAY_LEN(words));
}

static bool is_false(const char *t)
{
    static const char *const words[] = {"false", "False", "FALSE"};
    return is_one_of(t, words, ARRAY_LEN(words));
}

static bool is_infinite(const char *t)
{
    static const char *const words[] = {".inf", ".Inf", ".INF", ".nan", ".NaN", ".NAN"};
    return is_one_of(*t == '-' || *t == '+' ? t + 1 : t, words, ARRAY_LEN(words));
}

#define DIGITS "0123456789"

/* 10, 8 or 16 when @t is an integer of that base, else 0. */
static int integer_base(const char *t)
{
    if (strncmp(t, "0o", 2) == 0)
        return t[2] != '\0' && t[2 + strspn(t + 2, "01234567")] == '\0' ? 8 : 0;
    if (strncmp(t, "0x", 2) == 0)
        return t[2] != '\0' && t[2 + strspn(t + 2, DIGITS "abcdefABCDEF")] == '\0' ? 16 : 0;
    if (*t == '-' || *t == '+')
        t++;
    size_t n = strspn(t, DIGITS);
    return n > 0 && t[n] == '\0' ? 10 : 0;
}

/* [-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )? */
static bool is_real(const char *t)
{
    if (*t == '-' || *t == '+')
        t++;
    size_t whole = strspn(t, DIGITS), part = 0;
    t += whole;
    if (*t == '.') {
        part = strspn(t + 1, DIGITS);
        t += 1 + part;
    }
    if (whole + part == 0)
        return false;
    if (*t == 'e' || *t == 'E') {
        t += t[1] == '-' || t[1] == '+' ? 2 : 1;
        size_t n = strspn(t, DIGITS);
        if (n == 0)
            return false;
        t += n;
    }
    return *t == '\0';
}

static json_t *integer(const char *t, int base, const char **ret_why)
{
    errno = 0;
    long long v = strtoll(base == 10 ? t : t + 2, NULL, base);
    if (errno == 0)
        return json_integer(v);
    *ret_why = "a number beyond 64 bits: quote it when it is a text";
    return NULL;
}

static json_t *real(const char *t, const char **ret_why)
{
    double d = strtod(t, NULL);
    if (isfinite(d))
        return json_real(d);
    *ret_why = "a number too large: quote it when it is a text";
    return NULL;
}

json_t *yaml_scalar(const char *text, size_t len, const char **ret_why)
{
    if (is_null(text))
        return json_null();
    if (is_true(text))
        return json_true();
    if (is_false(text))
        return json_false();
    int base = integer_base(text);
    if (base != 0)
        return integer(text, base, ret_why);
    if (is_real(text))
        return real(text, ret_why);
    if (!is_infinite(text))
        return json_stringn(text, len);
    *ret_why = "infinity and not-a-number are not supported";
    return NULL;
}
