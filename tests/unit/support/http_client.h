/* http_client.h - for tests of http.h: one loop, one client, and the last reply kept; answers that several of them want. */
#ifndef TVB_TEST_HTTP_CLIENT_H
#define TVB_TEST_HTTP_CLIENT_H

#include <stdbool.h>

#include "http_peer.h"
#include "io/http.h"

struct client {
    struct loop *loop;
    struct http *http;
    struct call_reply reply; /* borrows from the texts below */
    char body[4096], type[128];
    char header[64];         /* of X-Id */
    bool may, leave_running;
    unsigned done;
};

/* At most 8 calls in flight, answers of at most 2,000 bytes, short times. */
void client_start(struct client *c);
void client_finish(struct client *c);
/* A call_done_fn and a leave to send, both with the client as argument. */
void client_keep(void *arg, const struct call_reply *r);
bool client_may(void *arg);
struct call_request client_post(const char *url);
/* Calls, and runs the loop until the reply is there. */
void client_call(struct client *c, const struct call_request *r);
/* One POST to a peer that answers with @fn; the client is over. */
void client_post_to(struct client *c, peer_answer_fn *fn);
void peer_url(const struct http_peer *p, char url[64]);

bool peer_says_ok(struct http_peer *p, int fd, const struct peer_request *r); /* {} */
bool peer_says_nothing(struct http_peer *p, int fd, const struct peer_request *r);
bool peer_no_content(struct http_peer *p, int fd, const struct peer_request *r);
bool peer_interim_first(struct http_peer *p, int fd, const struct peer_request *r); /* then 201 with X-Id and "ok" */

#endif
