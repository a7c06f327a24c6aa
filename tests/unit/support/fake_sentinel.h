/* fake_sentinel.h - what answers to a Sentinel's two questions as a test wants it; lives on the test's own loop. */
#ifndef TVB_TEST_FAKE_SENTINEL_H
#define TVB_TEST_FAKE_SENTINEL_H

#include <stdbool.h>

#include "io/loop.h"

#define FAKE_CONNECTIONS 64

struct fake_sentinel {
    struct loop *loop;
    int fd, port;
    struct loop_poll *poll;
    struct fake_connection {
        struct fake_sentinel *owner;
        int fd;
        struct loop_poll *poll;
        bool greeted;
    } connections[FAKE_CONNECTIONS];
    unsigned connected; /* in all */
    unsigned asked;     /* questions that came */
    bool mute;          /* asked and silent, like a process that is stopped */
    char answer[512];
    char first[256];    /* what came first on the last connection */
};

/* Listens on 127.0.0.1; it does not know a master until it is told. */
void fake_sentinel_start(struct fake_sentinel *f, struct loop *l);
void fake_sentinel_says(struct fake_sentinel *f, const char *host, int port, unsigned epoch);
void fake_sentinel_stop(struct fake_sentinel *f); /* closes all; may be called twice */

#endif
