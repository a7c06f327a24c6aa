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
#include "support/http_client.h"

/* ---- what peers do ---- */

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

static bool redirects(struct http_peer *p, int fd, const struct peer_request *r)
{
    (void)p, (void)r;
    peer_say(fd, "HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n");
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
        {"a good answer", peer_says_ok, CALL_OK, CALL_ANSWERED, 200, "{}"},
        {"no content", peer_no_content, CALL_OK, CALL_ANSWERED, 204, ""},
        {"a body until the end of the connection", until_close, CALL_OK, CALL_ANSWERED, 200, "all of it"},
        {"a server's error", server_error, CALL_OK, CALL_ANSWERED, 500, "oops"},
        {"a redirect is not followed", redirects, CALL_OK, CALL_ANSWERED, 302, ""},
        {"an interim answer first", peer_interim_first, CALL_OK, CALL_ANSWERED, 201, "ok"},
        {"silence", peer_says_nothing, CALL_TIMED_OUT, CALL_DOUBTFUL, 0, ""},
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
        client_post_to(&c, rows[i].fn);
        cr_expect(eq(int, (int)c.reply.result, (int)rows[i].result), "%s: result (%s)", rows[i].why, c.reply.error);
        cr_expect(eq(int, (int)call_fate_of(&c.reply), (int)rows[i].fate), "%s: fate", rows[i].why);
        cr_expect(eq(int, c.reply.status, rows[i].status), "%s: status", rows[i].why);
        if (rows[i].body)
            cr_expect(eq(str, c.body, (char *)rows[i].body), "%s: body", rows[i].why);
        cr_expect(lt(i64, 0, c.reply.request_bytes), "%s: bytes", rows[i].why);
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
    struct call_request r = client_post(url);
    client_start(&c);
    client_call(&c, &r);
    cr_expect(eq(int, (int)c.reply.result, (int)CALL_NO_CONNECTION));
    expect_not_sent(&c, "refused");
    cr_expect(eq(uint, http_connections(c.http), 0u));
    client_finish(&c);
}

Test(http, an_unknown_name_is_proven_unsent)
{
    struct client c;
    struct call_request r = client_post("http://no-such-host.invalid/");
    client_start(&c);
    client_call(&c, &r);
    expect_not_sent(&c, "unknown name");
    client_finish(&c);
}

Test(http, a_full_backlog_times_out_unsent)
{
    struct client c;
    char url[64];
    int fds[16];
    size_t n;
    snprintf(url, sizeof(url), "http://127.0.0.1:%d/", peer_full_port(fds, &n));
    struct call_request r = client_post(url);
    client_start(&c);
    client_call(&c, &r);
    cr_expect(eq(int, (int)c.reply.result, (int)CALL_TIMED_OUT));
    expect_not_sent(&c, "connect timeout");
    client_finish(&c);
    while (n > 0)
        close(fds[--n]);
}

Test(http, tls_to_a_plain_port_is_proven_unsent)
{
    struct client c;
    char url[64];
    struct http_peer *p = http_peer_start(peer_says_ok);
    /* what the client says is no request: the peer waits, and the client gives up */
    snprintf(url, sizeof(url), "https://127.0.0.1:%d/", http_peer_port(p));
    struct call_request r = client_post(url);
    client_start(&c);
    client_call(&c, &r);
    expect_not_sent(&c, "TLS to a plain port");
    cr_expect(zero(uint, http_peer_requests(p)));
    client_finish(&c);
    http_peer_stop(p);
}

Test(http, a_bad_address_never_leaves)
{
    static const char *const urls[] = {"ftp://127.0.0.1/", "file:///etc/hostname", "http://[::bad/", ""};
    for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
        struct client c;
        struct call_request r = client_post(urls[i]);
        client_start(&c);
        client_call(&c, &r);
        cr_expect(eq(int, (int)c.reply.result, (int)CALL_INVALID), "%s: %s", urls[i], c.reply.error);
        cr_expect(eq(int, (int)call_fate_of(&c.reply), (int)CALL_IMPOSSIBLE), "%s", urls[i]);
        client_finish(&c);
    }
}

Test(http, without_leave_to_send_nothing_arrives)
{
    struct client c;
    char url[64];
    struct http_peer *p = http_peer_start(peer_says_ok);
    peer_url(p, url);
    struct call_request r = client_post(url);
    client_start(&c);
    c.may = false;
    client_call(&c, &r);
    cr_expect(eq(int, (int)c.reply.result, (int)CALL_ABORTED));
    cr_expect(not(c.reply.resend_refused));
    expect_not_sent(&c, "no leave");
    client_finish(&c);
    cr_expect(zero(uint, http_peer_bytes(p)));
    http_peer_stop(p);
}

/* ---- stopped ---- */

static struct http_call *under_way;

static bool stops_the_client(struct http_peer *p, int fd, const struct peer_request *r)
{
    return peer_says_nothing(p, fd, r);
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
    peer_url(p, url);
    struct call_request r = client_post(url);
    client_start(&c);
    struct stopper s = {&c, p, NULL};
    s.timer = loop_timer_new(c.loop, stop_when_arrived, &s, NULL);
    under_way = http_call(c.http, &r, client_may, client_keep, &c);
    loop_timer_start(s.timer, 5);
    loop_run(c.loop);
    cr_expect(eq(int, (int)c.reply.result, (int)CALL_ABORTED));
    cr_expect(eq(int, (int)call_fate_of(&c.reply), (int)CALL_DOUBTFUL));
    cr_expect(eq(uint, c.done, 1u));
    loop_timer_free(s.timer);
    client_finish(&c);
    http_peer_stop(p);
}

Test(http, a_call_that_is_stopped_at_once_never_left)
{
    struct client c;
    char url[64];
    struct http_peer *p = http_peer_start(peer_says_ok);
    peer_url(p, url);
    struct call_request r = client_post(url);
    client_start(&c);
    http_abort(http_call(c.http, &r, client_may, client_keep, &c));
    cr_expect(zero(uint, c.done), "never from inside");
    loop_run(c.loop);
    expect_not_sent(&c, "stopped at once");
    cr_expect(zero(uint, http_in_flight(c.http)));
    client_finish(&c);
    cr_expect(zero(uint, http_peer_bytes(p)));
    http_peer_stop(p);
}

Test(http, what_is_in_flight_ends_silently_with_its_owner)
{
    struct client c;
    char url[64];
    struct http_peer *p = http_peer_start(peer_says_nothing);
    peer_url(p, url);
    struct call_request r = client_post(url);
    client_start(&c);
    struct stopper s = {&c, p, NULL};
    (void)s;
    cr_assert(ne(ptr, http_call(c.http, &r, client_may, client_keep, &c), NULL));
    cr_assert(ne(ptr, http_call(c.http, &r, client_may, client_keep, &c), NULL));
    cr_expect(eq(uint, http_in_flight(c.http), 2u));
    client_finish(&c);
    cr_expect(zero(uint, c.done));
    http_peer_stop(p);
}

/* ---- the hidden second transmission ---- */

/* The first request is answered and the connection kept; the next ones are read, and the connection dies. */
static bool dies_at_the_second(struct http_peer *p, int fd, const struct peer_request *r)
{
    if (r->number == 0 && r->connection == 0)
        return peer_says_ok(p, fd, r);
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
    peer_url(p, url);
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
    peer_url(p, url);
    struct call_request r = client_post(url);
    client_start(&c);
    client_call(&c, &r);
    cr_expect(eq(int, (int)call_fate_of(&c.reply), (int)CALL_ANSWERED));
    client_call(&c, &r);
    cr_expect(c.reply.resend_refused);
    cr_expect(eq(int, (int)c.reply.result, (int)CALL_ABORTED));
    cr_expect(eq(int, (int)call_fate_of(&c.reply), (int)CALL_DOUBTFUL));
    client_finish(&c);
    cr_expect(eq(uint, http_peer_requests(p) - 1, 1u), "ours");
    http_peer_stop(p);
    cr_expect(eq(uint, requests_of_plain_libcurl(), 2u), "plain libcurl");
}

static bool dies_and_shuts_the_door(struct http_peer *p, int fd, const struct peer_request *r)
{
    if (r->number == 0)
        return peer_says_ok(p, fd, r);
    http_peer_close_door(p);
    return false;
}

Test(http, a_second_connection_that_is_refused_proves_nothing_about_the_first)
{
    struct client c;
    char url[64];
    struct http_peer *p = http_peer_start(dies_and_shuts_the_door);
    peer_url(p, url);
    struct call_request r = client_post(url);
    client_start(&c);
    client_call(&c, &r);
    client_call(&c, &r);
    cr_expect(lt(i64, 0, c.reply.request_bytes));
    cr_expect(eq(int, (int)call_fate_of(&c.reply), (int)CALL_DOUBTFUL), "%s", c.reply.error);
    client_finish(&c);
    cr_expect(eq(uint, http_peer_requests(p), 2u));
    http_peer_stop(p);
}

Test(http, a_request_that_must_not_be_repeated_has_a_connection_of_its_own)
{
    struct client c;
    char url[64];
    struct http_peer *p = http_peer_start(peer_says_ok);
    peer_url(p, url);
    struct call_request r = client_post(url);
    client_start(&c);
    client_call(&c, &r);
    client_call(&c, &r);
    cr_expect(eq(uint, http_peer_connections(p), 1u), "kept");
    r.repeat = CALL_NEVER;
    client_call(&c, &r);
    cr_expect(eq(uint, http_peer_connections(p), 2u), "fresh");
    r.repeat = CALL_SAFE;
    client_call(&c, &r);
    cr_expect(eq(uint, http_peer_connections(p), 2u), "kept again");
    client_finish(&c);
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
    client_post_to(&c, says_later_in_seconds);
    cr_expect(eq(i64, c.reply.retry_after_ms, 7000));
    client_post_to(&c, says_later_by_date);
    cr_expect(lt(i64, 60000, c.reply.retry_after_ms));
    cr_expect(le(i64, c.reply.retry_after_ms, 120000));
    client_post_to(&c, says_later_without_sense);
    cr_expect(eq(i64, c.reply.retry_after_ms, -1));
    client_post_to(&c, peer_says_ok);
    cr_expect(eq(i64, c.reply.retry_after_ms, -1));
}
