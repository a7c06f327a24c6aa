/* admin.h - the admin HTTP server (libmicrohttpd, its own thread): /metrics, /healthz, /readyz.
 *
 * It calls back into the program from its own thread: the callbacks must be thread-safe. */
#ifndef TVB_IO_ADMIN_H
#define TVB_IO_ADMIN_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"

struct admin;

struct admin_handlers {
    void *arg;
    void (*metrics)(void *arg, struct buf *out);          /* appends the Prometheus text */
    bool (*ready)(void *arg, struct buf *ret_why);         /* false: @ret_why says what is missing, a line each */
};

/* Listens on @host (an address) and @port (0: a free one). */
struct admin *admin_start(const char *host, int port, const struct admin_handlers *h, struct err *reterr);
int admin_port(const struct admin *a);
void admin_stop(struct admin *a); /* NULL is fine */

const char *admin_version(void); /* libmicrohttpd's */

#endif
