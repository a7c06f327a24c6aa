#include "contract/event_peek.h"

#include <string.h>

#define TYPE_MAX 64 /* no name of a type is longer */

static bool parse(const char *text, size_t len, enum event_type *ret)
{
    char type[TYPE_MAX];
    if (len >= sizeof(type))
        return false;
    memcpy(type, text, len);
    type[len] = '\0';
    return event_type_parse(type, ret) == 0;
}

static const char *skip_space(const char *at, const char *end)
{
    while (at < end && (*at == ' ' || *at == '\n' || *at == '\r' || *at == '\t'))
        at++;
    return at;
}

/* @at: behind a member's name. The text that is its value; NULL: it has none. */
static const char *value_of(const char *at, const char *end)
{
    at = skip_space(at, end);
    if (at == end || *at != ':')
        return NULL;
    at = skip_space(at + 1, end);
    return at < end && *at == '"' ? at + 1 : NULL;
}

static bool in_body(const char *at, size_t len, enum event_type *ret)
{
    static const char name[] = "\"type\"";
    const char *end = at + (len < EVENT_PEEK_BYTES ? len : EVENT_PEEK_BYTES);
    while ((at = memmem(at, (size_t)(end - at), name, sizeof(name) - 1)) != NULL) {
        at += sizeof(name) - 1;
        const char *value = value_of(at, end);
        const char *quote = value != NULL ? memchr(value, '"', (size_t)(end - value)) : NULL;
        if (quote != NULL && parse(value, (size_t)(quote - value), ret))
            return true;
    }
    return false;
}

bool event_peek_type(const struct event_message *m, enum event_type *ret)
{
    for (size_t i = 0; i < m->header_count; i++)
        if (m->headers[i].value != NULL && strcmp(m->headers[i].name, "ce_type") == 0)
            return parse(m->headers[i].value, m->headers[i].len, ret);
    return m->value != NULL && in_body(m->value, m->value_len, ret);
}

/* @at: behind a text's quote. The other quote; NULL: none. */
static const char *text_end(const char *at, const char *end, bool *ret_escaped)
{
    *ret_escaped = false;
    for (; at < end && *at != '"'; at++) {
        if (*at != '\\')
            continue;
        *ret_escaped = true;
        at++;
    }
    return at < end ? at : NULL;
}

/* Two names rarely have the same; cheaper than a hash of all of it. */
static uint64_t bits_of(const char *name, size_t n)
{
    if (n == 0)
        return 1;
    uint32_t first = (unsigned char)name[0], middle = (unsigned char)name[n / 2], last = (unsigned char)name[n - 1];
    uint32_t h = (first << 16 ^ middle << 8 ^ last ^ (uint32_t)n << 24) * 0x9e3779b1U;
    return UINT64_C(1) << (h >> 26) | UINT64_C(1) << (h >> 20 & 63);
}

uint64_t event_peek_names(const char *body, size_t len)
{
    const char *end = body + len;
    uint64_t bits = 0;
    for (const char *at = memchr(body, '"', len); at != NULL; at = memchr(at, '"', (size_t)(end - at))) {
        bool escaped;
        const char *text = at + 1, *stop = text_end(text, end, &escaped);
        if (stop == NULL)
            return UINT64_MAX;
        at = skip_space(stop + 1, end);
        if (at == end)
            break;
        if (*at != ':')
            continue;
        if (escaped)
            return UINT64_MAX;
        bits |= bits_of(text, (size_t)(stop - text));
    }
    return bits;
}
