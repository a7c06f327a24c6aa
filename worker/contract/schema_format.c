/* schema_format.c - the formats that `format` may name; another one is an error when the schema is compiled. */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "contract/schema_impl.h"

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_alpha(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_hex(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool is_alnum(char c)
{
    return is_alpha(c) || is_digit(c);
}

static bool in(char c, const char *set)
{
    return c != '\0' && strchr(set, c) != NULL;
}

/* ---- RFC 3339 ---- */

static bool is_date_time(const char *s, size_t len)
{
    int64_t ms;
    return strlen(s) == len && clock_parse_rfc3339(s, &ms) == 0;
}

static bool is_date(const char *s, size_t len)
{
    char text[40];
    if (len != 10)
        return false;
    snprintf(text, sizeof(text), "%.10sT00:00:00Z", s);
    return is_date_time(text, 20);
}

static bool is_time(const char *s, size_t len)
{
    char text[80];
    if (len > 60 || strlen(s) != len)
        return false;
    int n = snprintf(text, sizeof(text), "2000-01-02T%s", s);
    return is_date_time(text, (size_t)n);
}

/* ---- names and addresses ---- */

/* RFC 1123 section 2.1. */
static bool is_hostname(const char *s, size_t len)
{
    if (len == 0 || len > 253)
        return false;
    size_t label = 0;
    for (size_t i = 0; i < len; i++) {
        if (s[i] == '.') {
            if (label == 0 || s[i - 1] == '-')
                return false;
            label = 0;
        } else if (!(is_alnum(s[i]) || (s[i] == '-' && label > 0)) || ++label > 63) {
            return false;
        }
    }
    return label > 0 && s[len - 1] != '-';
}

static bool is_ipv4(const char *s, size_t len)
{
    struct in_addr a;
    return strlen(s) == len && inet_pton(AF_INET, s, &a) == 1;
}

static bool is_ipv6(const char *s, size_t len)
{
    struct in6_addr a;
    return strlen(s) == len && inet_pton(AF_INET6, s, &a) == 1;
}

static bool is_quoted_local(const char *s, size_t len)
{
    if (len < 2 || s[0] != '"' || s[len - 1] != '"')
        return false;
    for (size_t i = 1; i < len - 1; i++) {
        if (s[i] == '\\' && i + 2 < len)
            i++;
        else if (s[i] == '"' || s[i] == '\\' || (unsigned char)s[i] < ' ')
            return false;
    }
    return true;
}

/* RFC 5321's Local-part. */
static bool is_local_part(const char *s, size_t len)
{
    if (len == 0 || len > 64)
        return false;
    if (s[0] == '"')
        return is_quoted_local(s, len);
    for (size_t i = 0; i < len; i++) {
        bool dot = s[i] == '.' && i > 0 && i + 1 < len && s[i - 1] != '.';
        if (!dot && !is_alnum(s[i]) && !in(s[i], "!#$%&'*+-/=?^_`{|}~"))
            return false;
    }
    return true;
}

static bool is_address_literal(const char *s, size_t len)
{
    char text[64];
    if (len < 3 || len > 60 || s[0] != '[' || s[len - 1] != ']')
        return false;
    snprintf(text, sizeof(text), "%.*s", (int)len - 2, s + 1);
    return strncmp(text, "IPv6:", 5) == 0 ? is_ipv6(text + 5, strlen(text + 5))
                                          : is_ipv4(text, strlen(text));
}

static bool is_email(const char *s, size_t len)
{
    const char *at = memrchr(s, '@', len);
    if (at == NULL)
        return false;
    size_t local = (size_t)(at - s), domain = len - local - 1;
    return is_local_part(s, local) &&
           (is_hostname(at + 1, domain) || is_address_literal(at + 1, domain));
}

/* ---- RFC 3986 ---- */

static bool is_uri_char(const char *s, const char *end, size_t *ret_len)
{
    *ret_len = 1;
    if (is_alnum(*s) || in(*s, "-._~:/?@!$&'()*+,;="))
        return true;
    *ret_len = 3;
    return *s == '%' && end - s >= 3 && is_hex(s[1]) && is_hex(s[2]);
}

static bool is_uri_chars(const char *s, const char *end)
{
    size_t n;
    for (; s < end; s += n)
        if (!is_uri_char(s, end, &n))
            return false;
    return true;
}

static bool is_port(const char *s, const char *end)
{
    for (; s < end; s++)
        if (!is_digit(*s))
            return false;
    return true;
}

/* [userinfo "@"] host [":" port] */
static bool is_authority(const char *s, const char *end)
{
    const char *at = memchr(s, '@', (size_t)(end - s));
    if (at != NULL && !is_uri_chars(s, at))
        return false;
    const char *host = at != NULL ? at + 1 : s;
    if (host < end && *host == '[') {
        const char *close = memchr(host, ']', (size_t)(end - host));
        char text[64];
        if (close == NULL || close - host > 60 || (close + 1 < end && close[1] != ':'))
            return false;
        snprintf(text, sizeof(text), "%.*s", (int)(close - host - 1), host + 1);
        return is_ipv6(text, strlen(text)) && is_port(close + (close + 1 < end ? 2 : 1), end);
    }
    if (memchr(host, '@', (size_t)(end - host)) != NULL)
        return false;
    const char *colon = memchr(host, ':', (size_t)(end - host));
    return is_uri_chars(host, colon != NULL ? colon : end) &&
           (colon == NULL || is_port(colon + 1, end));
}

/* Everything behind the scheme. */
static bool is_hier_part(const char *s, const char *end)
{
    const char *fragment = memchr(s, '#', (size_t)(end - s));
    const char *stop = fragment != NULL ? fragment : end;
    if (fragment != NULL && !is_uri_chars(fragment + 1, end))
        return false;
    if (stop - s >= 2 && s[0] == '/' && s[1] == '/') {
        const char *from = s + 2;
        for (s = from; s < stop && *s != '/' && *s != '?';)
            s++;
        if (!is_authority(from, s))
            return false;
    }
    return is_uri_chars(s, stop);
}

/* Length of "scheme:"; 0 when there is none. */
static size_t scheme_len(const char *s, size_t len)
{
    if (len == 0 || !is_alpha(s[0]))
        return 0;
    size_t i = 1;
    while (i < len && (is_alnum(s[i]) || in(s[i], "+-.")))
        i++;
    return i < len && s[i] == ':' ? i + 1 : 0;
}

static bool is_uri(const char *s, size_t len)
{
    size_t n = scheme_len(s, len);
    return n > 0 && is_hier_part(s + n, s + len);
}

static bool is_uri_reference(const char *s, size_t len)
{
    if (is_uri(s, len))
        return true;
    size_t first = 0; /* a relative path's first segment has no colon */
    while (first < len && !in(s[first], "/?#:"))
        first++;
    return (first == len || s[first] != ':') && is_hier_part(s, s + len);
}

/* ---- the rest ---- */

static bool is_uuid(const char *s, size_t len)
{
    if (len != 36)
        return false;
    for (size_t i = 0; i < len; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? s[i] != '-' : !is_hex(s[i]))
            return false;
    }
    return true;
}

static bool is_json_pointer(const char *s, size_t len)
{
    if (len > 0 && s[0] != '/')
        return false;
    for (size_t i = 0; i < len; i++)
        if (s[i] == '~' && (i + 1 == len || (s[i + 1] != '0' && s[i + 1] != '1')))
            return false;
    return true;
}

static bool is_regex(const char *s, size_t len)
{
    return schema_pattern_ok(s, len, NULL);
}

schema_format_fn *schema_format_find(const char *name)
{
    static const struct {
        const char *name;
        schema_format_fn *fn;
    } formats[] = {
        {"date-time", is_date_time},
        {"date", is_date},
        {"time", is_time},
        {"email", is_email},
        {"hostname", is_hostname},
        {"ipv4", is_ipv4},
        {"ipv6", is_ipv6},
        {"uri", is_uri},
        {"uri-reference", is_uri_reference},
        {"uuid", is_uuid},
        {"json-pointer", is_json_pointer},
        {"regex", is_regex},
    };
    for (size_t i = 0; i < ARRAY_LEN(formats); i++)
        if (strcmp(name, formats[i].name) == 0)
            return formats[i].fn;
    return NULL;
}
