#include "http_client.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <string.h>

#include "base/attr.h"

#define OK_ANSWER "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"

void client_start(struct client *c)
{
    struct err err = {0};
    *c = (struct client){.may = true};
    struct http_options o = {.max_in_flight = 8,
                             .connect_ms = 400,
                             .request_ms = 700,
                             .answer_max_bytes = 2000,
                             .tls_verify = true,
                             .user_agent = "tvbridge-test"};
    cr_assert(zero(int, http_global_init(&err)));
    c->loop = loop_new(&err);
    c->http = http_new(c->loop, &o, &err);
    cr_assert(ne(ptr, c->http, NULL), "%s", err.msg);
}

void client_finish(struct client *c)
{
    http_free(c->http);
    loop_free(c->loop);
    http_global_cleanup();
}

void client_keep(void *arg, const struct call_reply *r)
{
    struct client *c = arg;
    c->reply = *r;
    snprintf(c->body, sizeof(c->body), "%s", r->body);
    snprintf(c->type, sizeof(c->type), "%s", r->content_type);
    c->header[0] = '\0';
    for (size_t i = 0; i < r->header_count; i++)
        if (strcmp(r->headers[i].name, "X-Id") == 0)
            snprintf(c->header, sizeof(c->header), "%s", r->headers[i].value);
    c->reply.body = c->body;
    c->done++;
    if (!c->leave_running)
        loop_stop(c->loop);
}

bool client_may(void *arg)
{
    return ((struct client *)arg)->may;
}

struct call_request client_post(const char *url)
{
    return (struct call_request){.method = "POST",
                                 .url = url,
                                 .headers = {{"Content-Type", "application/json"}},
                                 .header_count = 1,
                                 .body = "{\"status\":0}",
                                 .body_len = 12,
                                 .repeat = CALL_SAFE};
}

void client_call(struct client *c, const struct call_request *r)
{
    cr_assert(ne(ptr, http_call(c->http, r, client_may, client_keep, c), NULL));
    loop_run(c->loop);
}

void peer_url(const struct http_peer *p, char url[64])
{
    snprintf(url, 64, "http://127.0.0.1:%d/users/1", http_peer_port(p));
}

/* One POST to a peer that answers with @fn. */
void client_post_to(struct client *c, peer_answer_fn *fn)
{
    char url[64];
    struct http_peer *p = http_peer_start(fn);
    peer_url(p, url);
    struct call_request r = client_post(url);
    client_start(c);
    client_call(c, &r);
    client_finish(c);
    http_peer_stop(p);
}

/* ---- answers ---- */

bool peer_says_ok(struct http_peer *p, int fd, const struct peer_request *r)
{
    (void)p, (void)r;
    peer_say(fd, OK_ANSWER);
    return true;
}

bool peer_says_nothing(struct http_peer *p, int fd, const struct peer_request *r)
{
    (void)p, (void)r;
    peer_wait_for_end(fd);
    return false;
}

bool peer_no_content(struct http_peer *p, int fd, const struct peer_request *r)
{
    (void)p, (void)r;
    peer_say(fd, "HTTP/1.1 204 No Content\r\n\r\n");
    return true;
}

bool peer_interim_first(struct http_peer *p, int fd, const struct peer_request *r)
{
    (void)p, (void)r;
    peer_say(fd, "HTTP/1.1 103 Early Hints\r\nX-Id: early\r\n\r\nHTTP/1.1 201 Created\r\nX-Id:  7 \r\n"
                 "Content-Type: text/plain\r\nContent-Length: 2\r\n\r\nok");
    return true;
}
