/* race_canary.c - a race on purpose: when ThreadSanitizer does not report it, it does not watch the others either. */
#include "support/race.h"

static volatile int unguarded; /* volatile: each round is an access, and they overlap */

static void count(void *arg, int thread)
{
    (void)arg;
    (void)thread;
    for (int i = 0; i < 300000; i++)
        unguarded++;
}

int main(void)
{
    race_run(2, count, (void *)0);
    return race_end("two threads counted to %d without a lock", unguarded);
}
