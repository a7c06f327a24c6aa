/* resolve.h - a host's name becomes an address on another thread: DNS may take long, and a loop must not wait. */
#ifndef TVB_IO_RESOLVE_H
#define TVB_IO_RESOLVE_H

#include <stdbool.h>

#include "base/err.h"
#include "io/loop.h"

struct resolve;

/* @address: as text, borrowed for the callback; NULL: not found, @why says so. IPv4 first. */
typedef void resolve_fn(void *arg, const char *address, const char *why);

/* The callback comes once, from the loop, never from inside; @r is gone when it is called. NULL: out of memory. */
struct resolve *resolve_start(struct loop *l, const char *name, resolve_fn *fn, void *arg, struct err *reterr);
/* No callback any more; NULL is fine. The other thread ends by itself. */
void resolve_cancel(struct resolve *r);

/* Whether @host is an address already: nothing to look up. */
bool resolve_is_address(const char *host);

#endif
