/* book.h - texts by a key, kept compact: a line for each of 100,000 services costs little more than its bytes.
 *
 * In the order in which keys came first. Owned by its caller; not thread-safe. */
#ifndef TVB_PRODUCER_BOOK_H
#define TVB_PRODUCER_BOOK_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct book;
struct book *book_new(void); /* NULL: out of memory */
void book_free(struct book *b); /* NULL is fine */

/* In place of what stood there. -1: out of memory. */
int book_put(struct book *b, const char *key, size_t key_len, const char *text, size_t len);
/* The same with the value as compact JSON. */
int book_put_json(struct book *b, const char *key, const json_t *v);
/* NULL: nothing. Borrowed until the key is put again. */
const char *book_get(const struct book *b, const char *key, size_t *ret_len);
/* The value, parsed, owned by the caller; NULL: nothing. */
json_t *book_get_json(const struct book *b, const char *key);

size_t book_count(const struct book *b);
const char *book_key(const struct book *b, size_t i); /* of 0 .. count - 1 */
/* Sorted by key from now on; keys that come later stand behind. */
void book_sort(struct book *b);

#endif
