/* race.h - for the race tests: threads that start at once, and failures counted over all of them.
 *
 * Race tests are plain programs, as ThreadSanitizer cannot start under Criterion. Without it they still check that what
 * the threads share gives each of them what it gives one alone. */
#ifndef TEST_SUPPORT_RACE_H
#define TEST_SUPPORT_RACE_H

#include <stdbool.h>

#include "base/attr.h"

#define RACE_THREADS_MAX 16

typedef void race_fn(void *arg, int thread);

/* Calls @fn in @n threads, 0 to n - 1, that all begin together. Returns when all have ended. */
void race_run(int n, race_fn *fn, void *arg);

/* Counts a failure, and prints the first ones, when not @ok. */
void race_expect(bool ok, const char *fmt, ...) ATTR_PRINTF(2, 3);
/* Ends the program when not @ok: for what a test stands on. */
void race_need(bool ok, const char *fmt, ...) ATTR_PRINTF(2, 3);

/* Prints what was done; gives what main() returns. */
int race_end(const char *fmt, ...) ATTR_PRINTF(1, 2);

#endif
