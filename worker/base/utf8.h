/* utf8.h - well-formed UTF-8 (Unicode 15, table 3-7), and what of a text JSON takes as it is. */
#ifndef TVB_BASE_UTF8_H
#define TVB_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes of the well-formed sequence at @s, of which @left (at least 1) bytes are there; 0 when it is none. */
size_t utf8_len(const char *s, size_t left);
/* Writes @code (at most U+10FFFF, no surrogate) to @ret; its length, 1 to 4. */
size_t utf8_put(uint32_t code, char *ret);
/* Makes @text, which may be anything and may have been cut, one line of UTF-8, in place: a control (DEL and C1 too) or a byte that is no
 * UTF-8 becomes '?', and a character that is not whole at the end falls away. */
void utf8_make_line(char *text);

#define UTF8_EACH UINT64_C(0x0101010101010101) /* times a byte: that byte eight times */

/* 0x80 at each of the eight bytes of text in @w that does not stand for itself in a JSON text (RFC 8259 section 7):
 * '"', '\\' and the controls; 0 at all others. No sum carries into the next byte. */
static inline uint64_t utf8_json_marks(uint64_t w)
{
    uint64_t low = w & 0x7f * UTF8_EACH;
    uint64_t not_control = low + 0x60 * UTF8_EACH;
    uint64_t not_quote = (low ^ 0x22 * UTF8_EACH) + 0x7f * UTF8_EACH;
    uint64_t not_backslash = (low ^ 0x5c * UTF8_EACH) + 0x7f * UTF8_EACH;
    return ~((not_control & not_quote & not_backslash) | w) & 0x80 * UTF8_EACH;
}

/* Which of eight bytes in memory is the first that has its 0x80 set in @marks, which is not 0. */
static inline size_t utf8_first_mark(uint64_t marks)
{
    bool little = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__;
    return (size_t)(little ? __builtin_ctzll(marks) : __builtin_clzll(marks)) / 8;
}

#endif
