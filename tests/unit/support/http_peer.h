/* http_peer.h - a small TCP server in threads that does to a client what real ones do on bad days.
 *
 * It reads each request whole and lets the test's function answer it, byte for byte. */
#ifndef TVB_TEST_HTTP_PEER_H
#define TVB_TEST_HTTP_PEER_H

#include <stdbool.h>
#include <stddef.h>

struct http_peer;

struct peer_request {
    unsigned connection, number; /* from 0: of the server, on the connection */
    const char *text;            /* all of it, NUL-terminated */
    size_t len;
};

/* Answers on @fd. False: close the connection. */
typedef bool peer_answer_fn(struct http_peer *p, int fd, const struct peer_request *r);

struct http_peer *http_peer_start(peer_answer_fn *fn);
void http_peer_stop(struct http_peer *p); /* ends all connections, waits for the threads */
int http_peer_port(const struct http_peer *p);
unsigned http_peer_requests(const struct http_peer *p); /* that arrived whole */
unsigned http_peer_bytes(const struct http_peer *p);    /* that arrived at all */
unsigned http_peer_connections(const struct http_peer *p);
void http_peer_await_closed(const struct http_peer *p, unsigned n); /* until it has closed @n of them */
/* The last request's text; the caller frees it. */
char *http_peer_last(struct http_peer *p);

/* For answers. */
void peer_say(int fd, const char *text);
void peer_reset(int fd);                  /* the connection will end with RST */
void peer_wait_for_end(int fd);           /* until the other side closes */
void http_peer_close_door(struct http_peer *p); /* no more connections: refused */

/* A port on which nobody listens, and one whose backlog is full (its descriptors in @fds, at most 16). */
int peer_refused_port(void);
int peer_full_port(int *fds, size_t *n);

#endif
