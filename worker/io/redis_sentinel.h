/* redis_sentinel.h - asks Redis Sentinel where the master is, and goes on asking.
 *
 * Every sentinel is asked twice a second, over a connection of its own that stays: so a fail-over is known half a second
 * after Sentinel has switched, whatever the old master does, and a sentinel that hangs keeps nobody waiting. Polled, and
 * not subscribed to +switch-master: a subscription that broke says nothing, so the question would be needed all the same.
 *
 * Whom to believe: Sentinel numbers the fail-overs (config-epoch), and a majority of the sentinels gives the numbers. The
 * highest counts, so a sentinel that was cut off from the others and still names the old master is not heard. A lower
 * number than the last believed one is taken only when every sentinel answers and all give lower ones: somebody has set
 * them up anew. Private to the redis files. */
#ifndef TVB_IO_REDIS_SENTINEL_H
#define TVB_IO_REDIS_SENTINEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "io/loop.h"

struct redis_sentinel;

struct redis_sentinel_options {
    const char *const *addresses; /* "host:port", "[address]:port", or without ":port": 26379 */
    size_t count;                 /* >= 1 */
    const char *master_name;
    const char *password;         /* of the sentinels; NULL: none */
    int64_t timeout_ms;           /* of a connect and of an answer; at most a second is waited */
};

struct redis_sentinel_handlers {
    void *arg;
    /* The master is known for the first time, or is another. */
    void (*moved)(void *arg);
    /* No sentinel has answered for some seconds: a fail-over would not be seen. Once, until one answers again. */
    void (*silent)(void *arg, const char *why);
};

/* Copies @o. The handlers are called from the loop, never from inside. */
struct redis_sentinel *redis_sentinel_new(struct loop *l, const struct redis_sentinel_options *o,
                                          const struct redis_sentinel_handlers *h, struct err *reterr);
void redis_sentinel_free(struct redis_sentinel *s); /* NULL is fine; inside its handlers too */

/* Where the master is: false when it is not known yet. The text is borrowed until the next `moved`. */
bool redis_sentinel_master(const struct redis_sentinel *s, const char **ret_host, int *ret_port);
/* Why it is not known, for a person. */
const char *redis_sentinel_why(struct redis_sentinel *s);

#endif
