/* What arrives of a call, and many calls at once: requests, targets, bodies, headers, connections. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "io/http.h"
#include "io/http_url.h"
#include "support/http_client.h"

/* ---- what arrives ---- */

Test(http_request, a_request_arrives_as_it_was_asked_for)
{
    static const struct {
        const char *method, *body, *want;
    } rows[] = {
        {"GET", NULL, "GET /users/1 HTTP/1.1\r\n"},       {"HEAD", NULL, "HEAD /users/1 HTTP/1.1\r\n"},
        {"POST", "a=1", "POST /users/1 HTTP/1.1\r\n"},    {"POST", NULL, "POST /users/1 HTTP/1.1\r\n"},
        {"PUT", "a=1", "PUT /users/1 HTTP/1.1\r\n"},      {"PATCH", "a=1", "PATCH /users/1 HTTP/1.1\r\n"},
        {"DELETE", NULL, "DELETE /users/1 HTTP/1.1\r\n"}, {"DELETE", "a=1", "DELETE /users/1 HTTP/1.1\r\n"},
        {"GET", NULL, "GET /users/1 HTTP/1.1\r\n"},
    };
    struct client c;
    char url[64];
    struct http_peer *p = http_peer_start(peer_no_content);
    peer_url(p, url);
    client_start(&c);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct call_request r = {.method = rows[i].method,
                                 .url = url,
                                 .headers = {{"X-Key", "k 1"}, {"Content-Type", "text/x"}, {"X-Empty", ""}},
                                 .header_count = 3,
                                 .body = rows[i].body,
                                 .body_len = rows[i].body ? 3 : 0,
                                 .repeat = CALL_SAFE};
        client_call(&c, &r);
        cr_expect(eq(int, c.reply.status, 204), "%s", rows[i].method);
        char *got = http_peer_last(p);
        cr_expect(zero(int, strncmp(got, rows[i].want, strlen(rows[i].want))), "%s", got);
        cr_expect(ne(ptr, strstr(got, "\r\nX-Key: k 1\r\n"), NULL), "%s", got);
        cr_expect(ne(ptr, strstr(got, "\r\nX-Empty:"), NULL), "%s", got);
        cr_expect(ne(ptr, strstr(got, "\r\nContent-Type: text/x\r\n"), NULL), "%s", got);
        cr_expect(ne(ptr, strstr(got, "\r\nUser-Agent: tvbridge-test\r\n"), NULL), "%s", got);
        cr_expect(eq(ptr, strstr(got, "Expect"), NULL), "%s", got);
        cr_expect(eq(ptr, strstr(got, "Accept-Encoding"), NULL), "%s", got);
        if (rows[i].body)
            cr_expect(ne(ptr, strstr(got, "\r\n\r\na=1"), NULL), "%s", got);
        free(got);
    }
    cr_expect(eq(uint, http_peer_connections(p), 1u));
    client_finish(&c);
    http_peer_stop(p);
}

/* A form's type is libcurl's own default: it is there once, and there is none where the request has none. */
Test(http_request, the_content_type_is_the_request_s_alone)
{
    static const struct {
        const char *method, *type, *body;
    } rows[] = {
        {"PUT", "application/x-www-form-urlencoded", "a=1"},  {"POST", "application/x-www-form-urlencoded", "a=1"},
        {"POST", "application/x-www-form-urlencoded", ""},    {"POST", "application/json", "{}"},
        {"DELETE", "application/x-www-form-urlencoded", "a"}, {"GET", "application/x-www-form-urlencoded", NULL},
        {"POST", NULL, "a=1"},
    };
    struct client c;
    char url[64], want[128];
    struct http_peer *p = http_peer_start(peer_no_content);
    peer_url(p, url);
    client_start(&c);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct call_request r = {.method = rows[i].method,
                                 .url = url,
                                 .headers = {{"Content-Type", rows[i].type}},
                                 .header_count = rows[i].type ? 1 : 0,
                                 .body = rows[i].body,
                                 .body_len = rows[i].body ? strlen(rows[i].body) : 0,
                                 .repeat = CALL_SAFE};
        client_call(&c, &r);
        char *got = http_peer_last(p), *found = strstr(got, "Content-Type");
        snprintf(want, sizeof(want), "Content-Type: %s\r\n", rows[i].type ? rows[i].type : "");
        cr_expect(eq(int, found != NULL, rows[i].type != NULL), "%s", got);
        cr_expect(found == NULL || strncmp(found, want, strlen(want)) == 0, "%s", got);
        cr_expect(found == NULL || strstr(found + 1, "Content-Type") == NULL, "%s", got);
        free(got);
    }
    client_finish(&c);
    http_peer_stop(p);
}

/* Some of these libcurl parses, some go to it as a target: whoever reads them must not be able to tell. One handle. */
Test(http_request, a_path_arrives_as_it_was_given)
{
    static const struct {
        const char *path, *want;
    } rows[] = {
        {"/users/70001", "/users/70001"},
        {"/users/a%2Fb%20c?x=1&y=%D0%BB+2", "/users/a%2Fb%20c?x=1&y=%D0%BB+2"},
        {"/a/../b/./c", "/b/c"},
        {"/a#there", "/a"},
        {"", "/"},
        {"?q=1", "/?q=1"},
        {"/", "/"},
        {"/users/1:2/@x;y=(3)!*'~", "/users/1:2/@x;y=(3)!*'~"},
    };
    struct client c;
    char base[64], url[128], want[128];
    struct http_peer *p = http_peer_start(peer_no_content);
    peer_url(p, base);
    *strrchr(base, '/') = '\0'; /* peer_url() ends in /users/1 */
    *strrchr(base, '/') = '\0';
    client_start(&c);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        snprintf(url, sizeof(url), "%s%s", base, rows[i].path);
        struct call_request r = {.method = "GET", .url = url, .repeat = CALL_READ};
        client_call(&c, &r);
        snprintf(want, sizeof(want), "GET %s HTTP/1.1\r\nHost: %s\r\n", rows[i].want, base + strlen("http://"));
        char *got = http_peer_last(p);
        cr_expect(zero(int, strncmp(got, want, strlen(want))), "%s: %s", rows[i].path, got);
        free(got);
    }
    cr_expect(eq(uint, http_peer_connections(p), 1u));
    client_finish(&c);
    http_peer_stop(p);
}

Test(http_request, calls_to_two_servers_with_one_handle_reach_their_own)
{
    struct client c;
    char url[2][64];
    struct http_peer *p[2] = {http_peer_start(peer_no_content), http_peer_start(peer_no_content)};
    peer_url(p[0], url[0]);
    peer_url(p[1], url[1]);
    client_start(&c);
    for (unsigned i = 0; i < 4; i++) {
        struct call_request r = {.method = "GET", .url = url[i % 2], .repeat = CALL_READ};
        client_call(&c, &r);
        cr_expect(eq(int, c.reply.status, 204));
        cr_expect(eq(uint, http_peer_requests(p[i % 2]), i / 2 + 1));
    }
    client_finish(&c);
    http_peer_stop(p[0]);
    http_peer_stop(p[1]);
}

/* What could end the request line early must not leave as it is. */
Test(http_request, only_visible_ascii_goes_as_a_target)
{
    cr_expect(eq(sz, http_url_base("http://h:1/a?b"), strlen("http://h:1")));
    cr_expect(eq(sz, http_url_base("https://u:p@[::1]:1/"), strlen("https://u:p@[::1]:1")));
    static const char *const usual[] = {"http://h/a b", "http://h/a\r\nX: y", "http://h/a\tb", "http://h/\xc3\xa9", "http://h/a#b",
                                        "http://h/../a", "http://h/a/.", "http://h", "http://h?a", "http://h\\a/b", "h/a", "http:/h/a?u=http://z/y", ""};
    for (size_t i = 0; i < ARRAY_LEN(usual); i++)
        cr_expect(zero(sz, http_url_base(usual[i])), "%s", usual[i]);
}

Test(http_request, a_large_body_arrives_whole_and_without_expect)
{
    enum { SIZE = 2 * 1024 * 1024 };
    struct client c;
    char url[64];
    struct http_peer *p = http_peer_start(peer_says_ok);
    peer_url(p, url);
    char *body = malloc(SIZE + 1);
    memset(body, 'x', SIZE);
    body[SIZE] = '\0';
    struct call_request r = client_post(url);
    r.body = body;
    r.body_len = SIZE;
    client_start(&c);
    client_call(&c, &r);
    cr_expect(eq(int, c.reply.status, 200), "%s", c.reply.error);
    char *got = http_peer_last(p);
    cr_expect(eq(ptr, strstr(got, "Expect"), NULL));
    cr_expect(eq(sz, strlen(strstr(got, "\r\n\r\n") + 4), (size_t)SIZE));
    free(got);
    free(body);
    client_finish(&c);
    http_peer_stop(p);
}

Test(http_request, the_answer_s_headers_are_those_of_the_last_status)
{
    struct client c;
    client_post_to(&c, peer_interim_first);
    cr_expect(eq(str, c.header, "7"));
    cr_expect(eq(str, c.type, "text/plain"));
    client_post_to(&c, peer_says_ok);
    cr_expect(eq(str, c.type, "application/json"));
}

/* ---- many ---- */

struct many {
    struct client c;
    struct call_request r;
    unsigned left, under_way, most;
};

static void on_one_of_many(void *arg, const struct call_reply *reply)
{
    struct many *m = arg;
    m->c.done += call_fate_of(reply) == CALL_ANSWERED && reply->status == 200 && reply->body_len == 2;
    m->under_way--;
    while (m->left > 0 && http_in_flight(m->c.http) < 8) {
        cr_assert(ne(ptr, http_call(m->c.http, &m->r, NULL, on_one_of_many, m), NULL));
        m->left--;
        m->under_way++;
    }
    if (m->under_way > m->most)
        m->most = m->under_way;
    if (m->under_way == 0)
        loop_stop(m->c.loop);
}

Test(http_request, many_calls_share_few_connections)
{
    struct many m = {.left = 2000};
    char url[64];
    struct http_peer *p = http_peer_start(peer_says_ok);
    peer_url(p, url);
    client_start(&m.c);
    m.r = client_post(url);
    m.under_way = 1;
    struct call_reply none = {.body = ""};
    on_one_of_many(&m, &none);
    loop_run(m.c.loop);
    cr_expect(eq(uint, m.c.done, 2000u));
    cr_expect(eq(uint, m.most, 8u));
    cr_expect(eq(uint, http_peer_connections(p), 8u));
    cr_expect(eq(uint, http_connections(m.c.http), 8u));
    client_finish(&m.c);
    http_peer_stop(p);
}

Test(http_request, more_than_may_be_in_flight_is_refused)
{
    struct client c;
    char url[64];
    struct http_peer *p = http_peer_start(peer_says_nothing);
    peer_url(p, url);
    struct call_request r = client_post(url);
    client_start(&c);
    for (int i = 0; i < 8; i++)
        cr_expect(ne(ptr, http_call(c.http, &r, client_may, client_keep, &c), NULL));
    cr_expect(eq(ptr, http_call(c.http, &r, client_may, client_keep, &c), NULL));
    client_finish(&c);
    http_peer_stop(p);
}

static bool closes_after_the_answer(struct http_peer *p, int fd, const struct peer_request *r)
{
    peer_says_ok(p, fd, r);
    return false;
}

Test(http_request, a_connection_that_died_while_idle_costs_nothing_but_a_new_one)
{
    struct client c;
    char url[64];
    struct http_peer *p = http_peer_start(closes_after_the_answer);
    peer_url(p, url);
    struct call_request r = client_post(url);
    client_start(&c);
    for (unsigned i = 0; i < 20; i++) {
        client_call(&c, &r);
        cr_expect(eq(int, c.reply.status, 200), "%s", c.reply.error);
        http_peer_await_closed(p, i + 1);
    }
    client_finish(&c);
    cr_expect(eq(uint, http_peer_requests(p), 20u));
    http_peer_stop(p);
}
