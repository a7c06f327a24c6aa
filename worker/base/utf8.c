#include "base/utf8.h"

#include <string.h>

size_t utf8_len(const char *s, size_t left)
{
    unsigned char first = (unsigned char)s[0];
    if (first < 0x80)
        return 1;
    size_t n = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (first < 0xc2 || first > 0xf4 || left < n)
        return 0;
    unsigned char low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
    unsigned char high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
    if ((unsigned char)s[1] < low || (unsigned char)s[1] > high)
        return 0;
    for (size_t i = 2; i < n; i++)
        if (((unsigned char)s[i] & 0xc0) != 0x80)
            return 0;
    return n;
}

size_t utf8_put(uint32_t code, char *ret)
{
    if (code < 0x80) {
        ret[0] = (char)code;
        return 1;
    }
    size_t n = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    static const unsigned char leads[] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t i = n - 1; i > 0; i--) {
        ret[i] = (char)(0x80 | (code & 0x3f));
        code >>= 6;
    }
    ret[0] = (char)(leads[n] | code);
    return n;
}

/* U+0000 to U+001F, U+007F to U+009F: terminals obey them. */
static bool is_control(const char *s, size_t len)
{
    unsigned char first = (unsigned char)s[0];
    return first < 0x20 || first == 0x7f || (len == 2 && first == 0xc2 && (unsigned char)s[1] <= 0x9f);
}

/* @s begins a character, of which the last @left bytes are not all. */
static bool is_cut(const char *s, size_t left)
{
    unsigned char first = (unsigned char)s[0];
    size_t n = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (first < 0xc2 || first > 0xf4 || left >= n)
        return false;
    for (size_t i = 1; i < left; i++)
        if (((unsigned char)s[i] & 0xc0) != 0x80)
            return false;
    return true;
}

void utf8_make_line(char *text)
{
    char *to = text;
    const char *at = text;
    for (size_t len, n = strlen(text); n > 0 && !is_cut(at, n); at += len, n -= len) {
        len = utf8_len(at, n);
        if (len > 0 && !is_control(at, len)) {
            memmove(to, at, len);
            to += len;
        } else {
            *to++ = '?';
            len = len > 0 ? len : 1;
        }
    }
    *to = '\0';
}
