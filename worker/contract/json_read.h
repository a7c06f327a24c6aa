/* json_read.h - the usual JSON into jansson values, fast.
 *
 * jansson's own parser takes a text byte by byte through three functions: 512 bytes cost 7 us, most of what an
 * event costs. This one takes what messages are made of (objects, arrays, texts, whole numbers of up to 18 digits,
 * true, false, null; UTF-8 checked, duplicate keys refused) and gives the same tree. What it does not take (a
 * fraction, an exponent, a NUL, more than 64 levels) or what is wrong, it leaves to jansson. Pure. */
#ifndef TVB_CONTRACT_JSON_READ_H
#define TVB_CONTRACT_JSON_READ_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* The value, owned by the caller, or NULL: ask json_loadb(), which takes it or says what is wrong. */
json_t *json_read(const char *data, size_t len);

/* The same with json_loadb(JSON_REJECT_DUPLICATES) for what is not taken. NULL: not JSON, or an object twice. */
json_t *json_read_any(const char *data, size_t len);

/* Of a text that was not taken: true when that was for want of memory, since nothing is wrong with it. Slow. */
bool json_read_lacked_memory(const char *data, size_t len);

#endif
