/* Calls against a peer that misbehaves: each row of RELIABILITY.md section 7. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/attr.h"
#include "io/http.h"
#include "io/http_url.h"
#include "support/http_peer.h"

#define OK_ANSWER "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"

/* ---- a client: one loop, and the last reply kept ---- */

struct client {
    struct loop *loop;
    struct http *http;
    struct call_reply reply; /* borrows from the texts below */
    char body[4096], type[128];
    char header[64];         /* of X-Id */
    bool may, leave_running;
    unsigned done;
};

static void start(struct client *c)
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

static void finish(struct client *c)
{
    http_free(c->http);
    loop_free(c->loop);
    http_global_cleanup();
}

static void keep(void *arg, const struct call_reply *r)
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

static bool may(void *arg)
{
    return ((struct client *)arg)->may;
}

static struct call_request post(const char *url)
{
    return (struct call_request){.method = "POST",
                                 .url = url,
                                 .headers = {{"Content-Type", "application/json"}},
                                 .header_count = 1,
                                 .body = "{\"status\":0}",
                                 .body_len = 12,
                                 .repeat = CALL_SAFE};
}

static void call(struct client *c, const struct call_request *r)
{
    cr_assert(ne(ptr, http_call(c->http, r, may, keep, c), NULL));
    loop_run(c->loop);
}

static void url_of(const struct http_peer *p, char url[64])
{
    snprintf(url, 64, "http://127.0.0.1:%d/users/1", http_peer_port(p));
}

/* One POST to a peer that answers with @fn. */
static void post_to(struct client *c, peer_answer_fn *fn)
{
    char url[64];
    struct http_peer *p = http_peer_start(fn);
    url_of(p, url);
    struct call_request r = post(url);
    start(c);
    call(c, &r);
    finish(c);
    http_peer_stop(p);
}

/* ---- what peers do ---- */

static bool says_ok(struct http_peer *p, int fd, const struct peer_request *r)
{
    (void)p, (void)r;
    peer_say(fd, OK_ANSWER);
    return true;
}

static bool says_nothing(struct http_peer *p, int fd, const struct peer_request *r)
{
    (void)p, (void)r;
    peer_wait_for_end(fd);
    return false;
}

static bool closes(struct http_peer *p, int fd, const struct peer_request *r)
{
    (void)p, (void)fd, (void)r;
    return false;
}

static bool resets(struct http_peer *p, int fd, const struct peer_request *r)
{
    (void)p, (void)r;
    peer_reset(fd);
    return false;
}

static bool cuts_status_line(struct http_peer *p, int fd, const struct peer_request *r)
{
    (void)p, (void)r;
    peer_say(fd, "HTTP/1.");
    return false;
}

static bool cuts_header(struct http_peer *p, int fd, const struct peer_request *r)
{
    (void)p, (void)r;
    peer_say(fd, "HTTP/1.1 200 OK\r\nContent-Len");
    return false;
}

static bool cuts_body(struct http_peer *p, int fd, const struct peer_request *r)
{
    (void)p, (void)r;
    peer_say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{\"a");
    return false;
}

static bool resets_in_body(struct http_peer *p, int fd, const struct peer_request *r)
{
    cuts_body(p, fd, r);
    usleep(50000); /* the bytes first */
    return resets(p, fd, r);
}

static bool cuts_chunk(struct http_peer *p, int fd, const struct peer_request *r)
{
    (void)p, (void)r;
    peer_say(fd, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel");
    return false;
}

static bool cuts_between_chunks(struct http_peer *p, int fd, const struct peer_request *r)
{
    (void)p, (void)r;
    peer_say(fd, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
    return false;
}

static bool bad_chunk(struct http_peer *p, int fd, const struct peer_request *r)
{
    (void)p, (void)r;
    peer_say(fd, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n0\r\n\r\n");
    return false;
}

static bool unknown_encoding(struct http_peer *p, int fd, const struct peer_request *r)
{
    (void)p, (void)r;
    peer_say(fd, "HTTP/1.1 200 OK\r\nTransfer-Encoding: rot13\r\nContent-Length: 2\r\n\r\n{}");
    return false;
}

static bool garbage(struct http_peer *p, int fd, const struct peer_request *r)
{
    (void)p, (void)r;
    peer_say(fd, "\x16\x03\x01 what is this\r\n\r\n");
    return false;
}

static bool endless_header(struct http_peer *p, int fd, const struct peer_request *r)
{
    (void)p, (void)r;
    peer_say(fd, "HTTP/1.1 200 OK\r\nX-Long: ");
    for (int i = 0; i < 4096; i++)
        peer_say(fd, "0123456789012345678901234567890123456789012345678901234567890123");
    return false;
}

static bool endless_headers(struct http_peer *p, int fd, const struct peer_request *r)
{
    (void)p, (void)r;
    peer_say(fd, "HTTP/1.1 200 OK\r\n");
    for (int i = 0; i < 4096; i++)
        peer_say(fd, "X-More: 01234567890123456789012345678901234567890123456789\r\n");
    return false;
}

static bool large_body(struct http_peer *p, int fd, const struct peer_request *r)
{
    (void)p, (void)r;
    peer_say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n");
    for (int i = 0; i < 100; i++)
        peer_say(fd, "0123456789012345678901234567890123456789012345678901234567890123");
    return false;
}

static bool large_chunks(struct http_peer *p, int fd, const struct peer_request *r)
{
    (void)p, (void)r;
    peer_say(fd, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (int i = 0; i < 100; i++)
        peer_say(fd, "40\r\n0123456789012345678901234567890123456789012345678901234567890123\r\n");
    return false;
}

static bool slow_bytes(struct http_peer *p, int fd, const struct peer_request *r)
{
    (void)p, (void)r;
    peer_say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n");
    for (int i = 0; i < 60; i++) {
        peer_say(fd, "x");
        usleep(20000);
    }
    return false;
}

static bool no_content(struct http_peer *p, int fd, const struct peer_request *r)
{
    (void)p, (void)r;
    peer_say(fd, "HTTP/1.1 204 No Content\r\n\r\n");
    return true;
}

static bool redirects(struct http_peer *p, int fd, const struct peer_request *r)
{
    (void)p, (void)r;
    peer_say(fd, "HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n");
    return true;
}

static bool interim_first(struct http_peer *p, int fd, const struct peer_request *r)
{
    (void)p, (void)r;
    peer_say(fd, "HTTP/1.1 103 Early Hints\r\nX-Id: early\r\n\r\nHTTP/1.1 201 Created\r\nX-Id:  7 \r\n"
                 "Content-Type: text/plain\r\nContent-Length: 2\r\n\r\nok");
    return true;
}

static bool until_close(struct http_peer *p, int fd, const struct peer_request *r)
{
    (void)p, (void)r;
    peer_say(fd, "HTTP/1.1 200 OK\r\n\r\nall of it");
    return false;
}

static bool server_error(struct http_peer *p, int fd, const struct peer_request *r)
{
    (void)p, (void)r;
    peer_say(fd, "HTTP/1.1 500 Oops\r\nContent-Length: 4\r\n\r\noops");
    return true;
}

Test(http, what_a_peer_does_after_the_request_arrived_is_told_apart)
{
    static const struct {
        const char *why;
        peer_answer_fn *fn;
        enum call_result result;
        enum call_fate fate;
        int status;
        const char *body;
    } rows[] = {
        {"a good answer", says_ok, CALL_OK, CALL_ANSWERED, 200, "{}"},
        {"no content", no_content, CALL_OK, CALL_ANSWERED, 204, ""},
        {"a body until the end of the connection", until_close, CALL_OK, CALL_ANSWERED, 200, "all of it"},
        {"a server's error", server_error, CALL_OK, CALL_ANSWERED, 500, "oops"},
        {"a redirect is not followed", redirects, CALL_OK, CALL_ANSWERED, 302, ""},
        {"an interim answer first", interim_first, CALL_OK, CALL_ANSWERED, 201, "ok"},
        {"silence", says_nothing, CALL_TIMED_OUT, CALL_DOUBTFUL, 0, ""},
        {"closed before the answer", closes, CALL_CUT, CALL_DOUBTFUL, 0, ""},
        {"reset before the answer", resets, CALL_CUT, CALL_DOUBTFUL, 0, ""},
        {"cut in the status line", cuts_status_line, CALL_CUT, CALL_DOUBTFUL, 0, ""},
        {"cut in a header: looks whole, without a body", cuts_header, CALL_OK, CALL_ANSWERED, 200, ""},
        {"cut in the body", cuts_body, CALL_CUT, CALL_DOUBTFUL, 200, "{\"a"},
        {"reset in the body", resets_in_body, CALL_CUT, CALL_DOUBTFUL, 200, "{\"a"},
        {"cut in a chunk", cuts_chunk, CALL_CUT, CALL_DOUBTFUL, 200, "hel"},
        {"cut between chunks", cuts_between_chunks, CALL_CUT, CALL_DOUBTFUL, 200, "hello"},
        {"a chunk's length is no number", bad_chunk, CALL_CUT, CALL_DOUBTFUL, 200, ""},
        {"an encoding that nobody asked for", unknown_encoding, CALL_CUT, CALL_DOUBTFUL, 200, ""},
        {"garbage", garbage, CALL_CUT, CALL_DOUBTFUL, 0, ""},
        {"a header without end", endless_header, CALL_CUT, CALL_DOUBTFUL, 200, ""},
        {"headers without end", endless_headers, CALL_CUT, CALL_DOUBTFUL, 200, ""},
        {"a byte now and then", slow_bytes, CALL_TIMED_OUT, CALL_DOUBTFUL, 200, NULL},
        {"over the cap, announced", large_body, CALL_TOO_LARGE, CALL_DOUBTFUL, 200, NULL},
        {"over the cap, in chunks", large_chunks, CALL_TOO_LARGE, CALL_DOUBTFUL, 200, NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct client c;
        post_to(&c, rows[i].fn);
        cr_expect(eq(int, (int)c.reply.result, (int)rows[i].result), "%s: result (%s)", rows[i].why, c.reply.error);
        cr_expect(eq(int, (int)call_fate_of(&c.reply), (int)rows[i].fate), "%s: fate", rows[i].why);
        cr_expect(eq(int, c.reply.status, rows[i].status), "%s: status", rows[i].why);
        if (rows[i].body)
            cr_expect(eq(str, c.body, (char *)rows[i].body), "%s: body", rows[i].why);
        cr_expect(gt(i64, c.reply.request_bytes, 0), "%s: bytes", rows[i].why);
        cr_expect(eq(int, c.reply.error[0] == '\0', rows[i].result == CALL_OK), "%s: words", rows[i].why);
    }
}

/* ---- nothing left ---- */

static void expect_not_sent(const struct client *c, const char *why)
{
    cr_expect(eq(int, (int)call_fate_of(&c->reply), (int)CALL_NOT_SENT), "%s: fate", why);
    cr_expect(zero(i64, c->reply.request_bytes), "%s: bytes", why);
    cr_expect(ne(int, (int)c->reply.error[0], 0), "%s: words", why);
}

Test(http, a_refused_connection_is_proven_unsent)
{
    struct client c;
    char url[64];
    snprintf(url, sizeof(url), "http://127.0.0.1:%d/", peer_refused_port());
    struct call_request r = post(url);
    start(&c);
    call(&c, &r);
    cr_expect(eq(int, (int)c.reply.result, (int)CALL_NO_CONNECTION));
    expect_not_sent(&c, "refused");
    cr_expect(eq(uint, http_connections(c.http), 0u));
    finish(&c);
}

Test(http, an_unknown_name_is_proven_unsent)
{
    struct client c;
    struct call_request r = post("http://no-such-host.invalid/");
    start(&c);
    call(&c, &r);
    expect_not_sent(&c, "unknown name");
    finish(&c);
}

Test(http, a_full_backlog_times_out_unsent)
{
    struct client c;
    char url[64];
    int fds[16];
    size_t n;
    snprintf(url, sizeof(url), "http://127.0.0.1:%d/", peer_full_port(fds, &n));
    struct call_request r = post(url);
    start(&c);
    call(&c, &r);
    cr_expect(eq(int, (int)c.reply.result, (int)CALL_TIMED_OUT));
    expect_not_sent(&c, "connect timeout");
    finish(&c);
    while (n > 0)
        close(fds[--n]);
}

Test(http, tls_to_a_plain_port_is_proven_unsent)
{
    struct client c;
    char url[64];
    struct http_peer *p = http_peer_start(says_ok);
    /* what the client says is no request: the peer waits, and the client gives up */
    snprintf(url, sizeof(url), "https://127.0.0.1:%d/", http_peer_port(p));
    struct call_request r = post(url);
    start(&c);
    call(&c, &r);
    expect_not_sent(&c, "TLS to a plain port");
    cr_expect(zero(uint, http_peer_requests(p)));
    finish(&c);
    http_peer_stop(p);
}

Test(http, a_bad_address_never_leaves)
{
    static const char *const urls[] = {"ftp://127.0.0.1/", "file:///etc/hostname", "http://[::bad/", ""};
    for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
        struct client c;
        struct call_request r = post(urls[i]);
        start(&c);
        call(&c, &r);
        cr_expect(eq(int, (int)c.reply.result, (int)CALL_INVALID), "%s: %s", urls[i], c.reply.error);
        cr_expect(eq(int, (int)call_fate_of(&c.reply), (int)CALL_IMPOSSIBLE), "%s", urls[i]);
        finish(&c);
    }
}

Test(http, without_leave_to_send_nothing_arrives)
{
    struct client c;
    char url[64];
    struct http_peer *p = http_peer_start(says_ok);
    url_of(p, url);
    struct call_request r = post(url);
    start(&c);
    c.may = false;
    call(&c, &r);
    cr_expect(eq(int, (int)c.reply.result, (int)CALL_ABORTED));
    cr_expect(not(c.reply.resend_refused));
    expect_not_sent(&c, "no leave");
    finish(&c);
    cr_expect(zero(uint, http_peer_bytes(p)));
    http_peer_stop(p);
}

/* ---- stopped ---- */

static struct http_call *under_way;

static bool stops_the_client(struct http_peer *p, int fd, const struct peer_request *r)
{
    return says_nothing(p, fd, r);
}

struct stopper {
    struct client *c;
    struct http_peer *p;
    struct loop_timer *timer;
};

static void stop_when_arrived(void *arg)
{
    struct stopper *s = arg;
    if (http_peer_requests(s->p) > 0)
        http_abort(under_way);
    else
        loop_timer_start(s->timer, 5);
}

Test(http, a_call_that_is_stopped_tells_that_it_had_left)
{
    struct client c;
    char url[64];
    struct http_peer *p = http_peer_start(stops_the_client);
    url_of(p, url);
    struct call_request r = post(url);
    start(&c);
    struct stopper s = {&c, p, NULL};
    s.timer = loop_timer_new(c.loop, stop_when_arrived, &s, NULL);
    under_way = http_call(c.http, &r, may, keep, &c);
    loop_timer_start(s.timer, 5);
    loop_run(c.loop);
    cr_expect(eq(int, (int)c.reply.result, (int)CALL_ABORTED));
    cr_expect(eq(int, (int)call_fate_of(&c.reply), (int)CALL_DOUBTFUL));
    cr_expect(eq(uint, c.done, 1u));
    loop_timer_free(s.timer);
    finish(&c);
    http_peer_stop(p);
}

Test(http, a_call_that_is_stopped_at_once_never_left)
{
    struct client c;
    char url[64];
    struct http_peer *p = http_peer_start(says_ok);
    url_of(p, url);
    struct call_request r = post(url);
    start(&c);
    http_abort(http_call(c.http, &r, may, keep, &c));
    cr_expect(zero(uint, c.done), "never from inside");
    loop_run(c.loop);
    expect_not_sent(&c, "stopped at once");
    cr_expect(zero(uint, http_in_flight(c.http)));
    finish(&c);
    cr_expect(zero(uint, http_peer_bytes(p)));
    http_peer_stop(p);
}

Test(http, what_is_in_flight_ends_silently_with_its_owner)
{
    struct client c;
    char url[64];
    struct http_peer *p = http_peer_start(says_nothing);
    url_of(p, url);
    struct call_request r = post(url);
    start(&c);
    struct stopper s = {&c, p, NULL};
    (void)s;
    cr_assert(ne(ptr, http_call(c.http, &r, may, keep, &c), NULL));
    cr_assert(ne(ptr, http_call(c.http, &r, may, keep, &c), NULL));
    cr_expect(eq(uint, http_in_flight(c.http), 2u));
    finish(&c);
    cr_expect(zero(uint, c.done));
    http_peer_stop(p);
}

/* ---- the hidden second transmission ---- */

/* The first request is answered and the connection kept; the next ones are read, and the connection dies. */
static bool dies_at_the_second(struct http_peer *p, int fd, const struct peer_request *r)
{
    if (r->number == 0 && r->connection == 0)
        return says_ok(p, fd, r);
    return false;
}

static size_t swallow(char *data, size_t size, size_t n, void *arg)
{
    (void)data, (void)arg;
    return size * n;
}

static unsigned requests_of_plain_libcurl(void)
{
    char url[64];
    struct http_peer *p = http_peer_start(dies_at_the_second);
    url_of(p, url);
    CURL *e = curl_easy_init();
    curl_easy_setopt(e, CURLOPT_URL, url);
    curl_easy_setopt(e, CURLOPT_POSTFIELDS, "{}");
    curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, swallow);
    cr_assert(zero(int, (int)curl_easy_perform(e)));
    (void)curl_easy_perform(e);
    curl_easy_cleanup(e);
    unsigned n = http_peer_requests(p);
    http_peer_stop(p);
    return n - 1;
}

Test(http, a_request_is_sent_once_where_plain_libcurl_sends_it_twice)
{
    struct client c;
    char url[64];
    struct http_peer *p = http_peer_start(dies_at_the_second);
    url_of(p, url);
    struct call_request r = post(url);
    start(&c);
    call(&c, &r);
    cr_expect(eq(int, (int)call_fate_of(&c.reply), (int)CALL_ANSWERED));
    call(&c, &r);
    cr_expect(c.reply.resend_refused);
    cr_expect(eq(int, (int)c.reply.result, (int)CALL_ABORTED));
    cr_expect(eq(int, (int)call_fate_of(&c.reply), (int)CALL_DOUBTFUL));
    finish(&c);
    cr_expect(eq(uint, http_peer_requests(p) - 1, 1u), "ours");
    http_peer_stop(p);
    cr_expect(eq(uint, requests_of_plain_libcurl(), 2u), "plain libcurl");
}

static bool dies_and_shuts_the_door(struct http_peer *p, int fd, const struct peer_request *r)
{
    if (r->number == 0)
        return says_ok(p, fd, r);
    http_peer_close_door(p);
    return false;
}

Test(http, a_second_connection_that_is_refused_proves_nothing_about_the_first)
{
    struct client c;
    char url[64];
    struct http_peer *p = http_peer_start(dies_and_shuts_the_door);
    url_of(p, url);
    struct call_request r = post(url);
    start(&c);
    call(&c, &r);
    call(&c, &r);
    cr_expect(gt(i64, c.reply.request_bytes, 0));
    cr_expect(eq(int, (int)call_fate_of(&c.reply), (int)CALL_DOUBTFUL), "%s", c.reply.error);
    finish(&c);
    cr_expect(eq(uint, http_peer_requests(p), 2u));
    http_peer_stop(p);
}

Test(http, a_request_that_must_not_be_repeated_has_a_connection_of_its_own)
{
    struct client c;
    char url[64];
    struct http_peer *p = http_peer_start(says_ok);
    url_of(p, url);
    struct call_request r = post(url);
    start(&c);
    call(&c, &r);
    call(&c, &r);
    cr_expect(eq(uint, http_peer_connections(p), 1u), "kept");
    r.repeat = CALL_NEVER;
    call(&c, &r);
    cr_expect(eq(uint, http_peer_connections(p), 2u), "fresh");
    r.repeat = CALL_SAFE;
    call(&c, &r);
    cr_expect(eq(uint, http_peer_connections(p), 2u), "kept again");
    finish(&c);
    http_peer_stop(p);
}

/* ---- Retry-After ---- */

static bool says_later_in_seconds(struct http_peer *p, int fd, const struct peer_request *r)
{
    (void)p, (void)r;
    peer_say(fd, "HTTP/1.1 429 Slow Down\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n");
    return true;
}

static bool says_later_by_date(struct http_peer *p, int fd, const struct peer_request *r)
{
    (void)p, (void)r;
    char text[200], date[64];
    time_t at = time(NULL) + 120;
    struct tm tm;
    strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&at, &tm));
    snprintf(text, sizeof(text), "HTTP/1.1 503 Later\r\nretry-after: %s\r\nContent-Length: 0\r\n\r\n", date);
    peer_say(fd, text);
    return true;
}

static bool says_later_without_sense(struct http_peer *p, int fd, const struct peer_request *r)
{
    (void)p, (void)r;
    peer_say(fd, "HTTP/1.1 503 Later\r\nRetry-After: soon\r\nContent-Length: 0\r\n\r\n");
    return true;
}

Test(http, retry_after_is_read_in_both_forms)
{
    struct client c;
    post_to(&c, says_later_in_seconds);
    cr_expect(eq(i64, c.reply.retry_after_ms, 7000));
    post_to(&c, says_later_by_date);
    cr_expect(gt(i64, c.reply.retry_after_ms, 60000));
    cr_expect(le(i64, c.reply.retry_after_ms, 120000));
    post_to(&c, says_later_without_sense);
    cr_expect(eq(i64, c.reply.retry_after_ms, -1));
    post_to(&c, says_ok);
    cr_expect(eq(i64, c.reply.retry_after_ms, -1));
}

/* ---- what arrives ---- */

Test(http, a_request_arrives_as_it_was_asked_for)
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
    struct http_peer *p = http_peer_start(no_content);
    url_of(p, url);
    start(&c);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct call_request r = {.method = rows[i].method,
                                 .url = url,
                                 .headers = {{"X-Key", "k 1"}, {"Content-Type", "text/x"}, {"X-Empty", ""}},
                                 .header_count = 3,
                                 .body = rows[i].body,
                                 .body_len = rows[i].body ? 3 : 0,
                                 .repeat = CALL_SAFE};
        call(&c, &r);
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
    finish(&c);
    http_peer_stop(p);
}

/* A form's type is libcurl's own default: it is there once, and there is none where the request has none. */
Test(http, the_content_type_is_the_request_s_alone)
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
    struct http_peer *p = http_peer_start(no_content);
    url_of(p, url);
    start(&c);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct call_request r = {.method = rows[i].method,
                                 .url = url,
                                 .headers = {{"Content-Type", rows[i].type}},
                                 .header_count = rows[i].type ? 1 : 0,
                                 .body = rows[i].body,
                                 .body_len = rows[i].body ? strlen(rows[i].body) : 0,
                                 .repeat = CALL_SAFE};
        call(&c, &r);
        char *got = http_peer_last(p), *found = strstr(got, "Content-Type");
        snprintf(want, sizeof(want), "Content-Type: %s\r\n", rows[i].type ? rows[i].type : "");
        cr_expect(eq(int, found != NULL, rows[i].type != NULL), "%s", got);
        cr_expect(found == NULL || strncmp(found, want, strlen(want)) == 0, "%s", got);
        cr_expect(found == NULL || strstr(found + 1, "Content-Type") == NULL, "%s", got);
        free(got);
    }
    finish(&c);
    http_peer_stop(p);
}

/* Some of these libcurl parses, some go to it as a target: whoever reads them must not be able to tell. One handle. */
Test(http, a_path_arrives_as_it_was_given)
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
    struct http_peer *p = http_peer_start(no_content);
    url_of(p, base);
    *strrchr(base, '/') = '\0'; /* url_of() ends in /users/1 */
    *strrchr(base, '/') = '\0';
    start(&c);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        snprintf(url, sizeof(url), "%s%s", base, rows[i].path);
        struct call_request r = {.method = "GET", .url = url, .repeat = CALL_READ};
        call(&c, &r);
        snprintf(want, sizeof(want), "GET %s HTTP/1.1\r\nHost: %s\r\n", rows[i].want, base + strlen("http://"));
        char *got = http_peer_last(p);
        cr_expect(zero(int, strncmp(got, want, strlen(want))), "%s: %s", rows[i].path, got);
        free(got);
    }
    cr_expect(eq(uint, http_peer_connections(p), 1u));
    finish(&c);
    http_peer_stop(p);
}

Test(http, calls_to_two_servers_with_one_handle_reach_their_own)
{
    struct client c;
    char url[2][64];
    struct http_peer *p[2] = {http_peer_start(no_content), http_peer_start(no_content)};
    url_of(p[0], url[0]);
    url_of(p[1], url[1]);
    start(&c);
    for (unsigned i = 0; i < 4; i++) {
        struct call_request r = {.method = "GET", .url = url[i % 2], .repeat = CALL_READ};
        call(&c, &r);
        cr_expect(eq(int, c.reply.status, 204));
        cr_expect(eq(uint, http_peer_requests(p[i % 2]), i / 2 + 1));
    }
    finish(&c);
    http_peer_stop(p[0]);
    http_peer_stop(p[1]);
}

/* What could end the request line early must not leave as it is. */
Test(http, only_visible_ascii_goes_as_a_target)
{
    cr_expect(eq(sz, http_url_base("http://h:1/a?b"), strlen("http://h:1")));
    cr_expect(eq(sz, http_url_base("https://u:p@[::1]:1/"), strlen("https://u:p@[::1]:1")));
    static const char *const usual[] = {"http://h/a b", "http://h/a\r\nX: y", "http://h/a\tb", "http://h/\xc3\xa9", "http://h/a#b",
                                        "http://h/../a", "http://h/a/.", "http://h", "http://h?a", "http://h\\a/b", "h/a", "http:/h/a?u=http://z/y", ""};
    for (size_t i = 0; i < ARRAY_LEN(usual); i++)
        cr_expect(zero(sz, http_url_base(usual[i])), "%s", usual[i]);
}

Test(http, a_large_body_arrives_whole_and_without_expect)
{
    enum { SIZE = 2 * 1024 * 1024 };
    struct client c;
    char url[64];
    struct http_peer *p = http_peer_start(says_ok);
    url_of(p, url);
    char *body = malloc(SIZE + 1);
    memset(body, 'x', SIZE);
    body[SIZE] = '\0';
    struct call_request r = post(url);
    r.body = body;
    r.body_len = SIZE;
    start(&c);
    call(&c, &r);
    cr_expect(eq(int, c.reply.status, 200), "%s", c.reply.error);
    char *got = http_peer_last(p);
    cr_expect(eq(ptr, strstr(got, "Expect"), NULL));
    cr_expect(eq(sz, strlen(strstr(got, "\r\n\r\n") + 4), (size_t)SIZE));
    free(got);
    free(body);
    finish(&c);
    http_peer_stop(p);
}

Test(http, the_answer_s_headers_are_those_of_the_last_status)
{
    struct client c;
    post_to(&c, interim_first);
    cr_expect(eq(str, c.header, "7"));
    cr_expect(eq(str, c.type, "text/plain"));
    post_to(&c, says_ok);
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

Test(http, many_calls_share_few_connections)
{
    struct many m = {.left = 2000};
    char url[64];
    struct http_peer *p = http_peer_start(says_ok);
    url_of(p, url);
    start(&m.c);
    m.r = post(url);
    m.under_way = 1;
    struct call_reply none = {.body = ""};
    on_one_of_many(&m, &none);
    loop_run(m.c.loop);
    cr_expect(eq(uint, m.c.done, 2000u));
    cr_expect(eq(uint, m.most, 8u));
    cr_expect(eq(uint, http_peer_connections(p), 8u));
    cr_expect(eq(uint, http_connections(m.c.http), 8u));
    finish(&m.c);
    http_peer_stop(p);
}

Test(http, more_than_may_be_in_flight_is_refused)
{
    struct client c;
    char url[64];
    struct http_peer *p = http_peer_start(says_nothing);
    url_of(p, url);
    struct call_request r = post(url);
    start(&c);
    for (int i = 0; i < 8; i++)
        cr_expect(ne(ptr, http_call(c.http, &r, may, keep, &c), NULL));
    cr_expect(eq(ptr, http_call(c.http, &r, may, keep, &c), NULL));
    finish(&c);
    http_peer_stop(p);
}

static bool closes_after_the_answer(struct http_peer *p, int fd, const struct peer_request *r)
{
    says_ok(p, fd, r);
    return false;
}

Test(http, a_connection_that_died_while_idle_costs_nothing_but_a_new_one)
{
    struct client c;
    char url[64];
    struct http_peer *p = http_peer_start(closes_after_the_answer);
    url_of(p, url);
    struct call_request r = post(url);
    start(&c);
    for (unsigned i = 0; i < 20; i++) {
        call(&c, &r);
        cr_expect(eq(int, c.reply.status, 200), "%s", c.reply.error);
        http_peer_await_closed(p, i + 1);
    }
    finish(&c);
    cr_expect(eq(uint, http_peer_requests(p), 20u));
    http_peer_stop(p);
}
