/* utf8.h - well-formed UTF-8 (Unicode 15, table 3-7). */
#ifndef TVB_BASE_UTF8_H
#define TVB_BASE_UTF8_H

#include <stddef.h>
#include <stdint.h>

/* Bytes of the well-formed sequence at @s, of which @left (at least 1) bytes are there; 0 when it is none. */
size_t utf8_len(const char *s, size_t left);
/* Writes @code (at most U+10FFFF, no surrogate) to @ret; its length, 1 to 4. */
size_t utf8_put(uint32_t code, char *ret);

#endif
