/* alloc.h - allocations of our code and of jansson, counted and failed on demand.
 *
 * The linker gives us malloc(), calloc(), realloc(), strdup(), strndup() and free() of all that is linked statically
 * (--wrap), which is our own code and no library; jansson is given the same by json_set_alloc_funcs(). Any thread. */
#ifndef TVB_ALLOC_ALLOC_H
#define TVB_ALLOC_ALLOC_H

#include <stdbool.h>
#include <stdint.h>

/* Which allocations fail, counted from alloc_arm(): those from @first to @last, from 1 on; 0: none. */
void alloc_arm(uint64_t first, uint64_t last);
/* How many there were since alloc_arm(), and how many of them failed. */
uint64_t alloc_count(void);
uint64_t alloc_failed(void);
/* Between alloc_hold(true) and alloc_hold(false) none fails or is counted: for what a check itself needs. */
void alloc_hold(bool on);
/* What is allocated and not freed yet, in pieces. */
int64_t alloc_live(void);
/* From now on each failure prints where it was, in builds with sanitizers. Before there are threads. */
void alloc_trace(void);
/* Keeps the numbers in that file of at least 48 bytes from now on, so that another process can arm and look: first, last,
 * count, failed, live, held. -1: it cannot be mapped. */
int alloc_share(const char *path);
/* Gives jansson these functions. Once, before its first value. */
void alloc_take_jansson(void);

#endif
