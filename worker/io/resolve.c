/* resolve.c - see resolve.h. */
#include "io/resolve.h"

#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

struct resolve {
    resolve_fn *fn; /* the loop's side only; NULL: cancelled */
    void *arg;
    char *name;
    int code; /* getaddrinfo's */
    char address[NI_MAXHOST];
};

static void resolve_free(struct resolve *r)
{
    free(r->name);
    free(r);
}

static int look_up(struct resolve *r, int family)
{
    struct addrinfo hints = {.ai_family = family, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    int code = getaddrinfo(r->name, NULL, &hints, &found);
    if (code != 0)
        return code;
    code = getnameinfo(found->ai_addr, found->ai_addrlen, r->address, sizeof(r->address), NULL, 0, NI_NUMERICHOST);
    freeaddrinfo(found);
    return code;
}

/* On another thread. */
static void work(void *arg)
{
    struct resolve *r = arg;
    r->code = look_up(r, AF_INET);
    if (r->code != 0)
        r->code = look_up(r, AF_INET6);
}

static void done(void *arg)
{
    struct resolve *r = arg;
    if (r->fn)
        r->fn(r->arg, r->code == 0 ? r->address : NULL, r->code == 0 ? "" : gai_strerror(r->code));
    resolve_free(r);
}

struct resolve *resolve_start(struct loop *l, const char *name, resolve_fn *fn, void *arg, struct err *reterr)
{
    struct resolve *r = calloc(1, sizeof(*r));
    if (r)
        *r = (struct resolve){.fn = fn, .arg = arg, .name = strdup(name)};
    if (r && r->name && loop_work(l, work, done, r) == 0)
        return r;
    err_nomem(reterr);
    if (r)
        resolve_free(r);
    return NULL;
}

void resolve_cancel(struct resolve *r)
{
    if (r)
        r->fn = NULL;
}

bool resolve_is_address(const char *host)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_flags = AI_NUMERICHOST};
    struct addrinfo *found = NULL;
    int code = getaddrinfo(host, NULL, &hints, &found);
    if (code == 0)
        freeaddrinfo(found);
    return code == 0;
}
