/* utf8.h - one UTF-8 character (RFC 3629). Pure. */
#ifndef TVB_CONTRACT_UTF8_H
#define TVB_CONTRACT_UTF8_H

#include <stddef.h>
#include <stdint.h>

/* Length of the character at @s of at most @n bytes, 1 to 4; 0 when there is none: cut, overlong, a surrogate. */
size_t utf8_length(const unsigned char *s, size_t n);
/* Writes @code (at most U+10FFFF, no surrogate); returns its length, 1 to 4. */
size_t utf8_put(uint32_t code, char *to);

#endif
