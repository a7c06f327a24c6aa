/* The gateway's HTTP server as its peers see it: bytes over a socket. The server runs on a loop in a thread of its own. */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "serve_http.h"

#define LIMIT 1000
#define ALL 1500

/* What the handlers do goes by the path: /echo, /head (refused by its head), /later (answered from a timer). */
struct server {
    struct loop *loop;
    struct serve_http *http;
    struct loop_async *stop, *drain, *answer;
    struct serve_request *late[8];
    size_t late_count;
    pthread_t thread;
    _Atomic int gone, answered; /* requests that ended; with an answer */
    _Atomic size_t waiting;
};

static bool is_at(const struct serve_request *r, const char *path)
{
    return strcmp(serve_request_path(r), path) == 0;
}

static void on_head(void *arg, struct serve_request *r)
{
    (void)arg;
    if (is_at(r, "/head"))
        buf_adds(serve_answer(r, 401, "text/plain"), "no\n");
    else if (!is_at(r, "/none"))
        serve_request_limit(r, LIMIT);
}

static void on_whole(void *arg, struct serve_request *r)
{
    struct server *s = arg;
    size_t len;
    if (is_at(r, "/later")) {
        s->late[s->late_count++] = r;
        s->waiting++;
        return;
    }
    const char *body = serve_request_body(r, &len), *who = serve_request_query(r, "who");
    struct buf *out = serve_answer(r, 200, "text/plain");
    serve_answer_header(r, "X-Method", serve_request_method(r));
    buf_addf(out, "%zu bytes of %s: ", len, who != NULL ? who : "nobody");
    buf_add(out, body, len);
}

static void on_too_large(void *arg, struct serve_request *r, bool all)
{
    (void)arg;
    buf_adds(serve_answer(r, all ? 503 : 413, "text/plain"), all ? "too much at once\n" : "too large\n");
}

static void on_gone(void *arg, struct serve_request *r, unsigned status)
{
    struct server *s = arg;
    (void)r;
    s->answered += status != 0;
    s->gone++;
}

static void on_answer(void *arg)
{
    struct server *s = arg;
    for (size_t i = 0; i < s->late_count; i++) {
        buf_adds(serve_answer(s->late[i], 202, "text/plain"), "late\n");
        serve_answer_done(s->late[i]);
    }
    s->late_count = 0;
}

static void on_stop(void *arg)
{
    loop_stop(((struct server *)arg)->loop);
}

static void on_drain(void *arg)
{
    serve_http_drain(((struct server *)arg)->http);
}

static void *run(void *arg)
{
    loop_run(((struct server *)arg)->loop);
    return NULL;
}

static struct server *start(void)
{
    struct err e = {0};
    struct server *s = calloc(1, sizeof(*s));
    s->loop = loop_new(&e);
    s->stop = loop_async_new(s->loop, on_stop, s, &e);
    s->drain = loop_async_new(s->loop, on_drain, s, &e);
    s->answer = loop_async_new(s->loop, on_answer, s, &e);
    const struct serve_http_options o = {
        .loop = s->loop, .host = "127.0.0.1", .connections = 20, .buffered_bytes = ALL,
        .handlers = {.arg = s, .head = on_head, .whole = on_whole, .too_large = on_too_large, .gone = on_gone}};
    s->http = serve_http_new(&o, &e);
    cr_assert(ne(ptr, s->http, NULL), "%s", e.msg);
    cr_assert(eq(int, pthread_create(&s->thread, NULL, run, s), 0));
    return s;
}

static void end(struct server *s)
{
    loop_async_send(s->stop);
    pthread_join(s->thread, NULL);
    serve_http_free(s->http);
    loop_async_free(s->stop);
    loop_async_free(s->drain);
    loop_async_free(s->answer);
    loop_free(s->loop);
    free(s);
}

static int dial(const struct server *s)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)serve_http_port(s->http))};
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(fd, (struct sockaddr *)&at, sizeof at) == 0)
        return fd;
    close(fd);
    return -1;
}

static void say(int fd, const char *text, size_t len)
{
    while (len > 0) {
        ssize_t n = send(fd, text, len, MSG_NOSIGNAL);
        if (n <= 0)
            return;
        text += n;
        len -= (size_t)n;
    }
}

static void send_post(int fd, const char *path, size_t body)
{
    char head[200], *bytes = malloc(body + 1);
    memset(bytes, 'x', body);
    int n = snprintf(head, sizeof(head), "POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: %zu\r\n\r\n", path, body);
    say(fd, head, (size_t)n);
    say(fd, bytes, body);
    free(bytes);
}

/* One answer with its body. "" when the peer closes first. */
static char *hear(int fd)
{
    static char text[20000];
    size_t len = 0;
    for (;;) {
        text[len] = '\0';
        const char *stop = strstr(text, "\r\n\r\n"), *length = strstr(text, "Content-Length: ");
        if (stop != NULL && strncmp(text, "HTTP/1.1 100", 12) == 0)
            return text;
        if (stop != NULL && length != NULL && len >= (size_t)(stop + 4 - text) + strtoul(length + 16, NULL, 10))
            return text;
        ssize_t n = read(fd, text + len, sizeof(text) - 1 - len);
        if (n <= 0)
            return strcpy(text, "");
        len += (size_t)n;
    }
}

static bool starts(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

static bool is_closed(int fd)
{
    char c;
    return read(fd, &c, 1) <= 0;
}

Test(serve_http, a_request_is_answered_with_what_was_read_of_it)
{
    struct server *s = start();
    int fd = dial(s);
    static const char text[] = "PUT /echo?who=ann%20b HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello";
    say(fd, text, strlen(text));
    const char *answer = hear(fd);
    cr_expect(starts(answer, "HTTP/1.1 200"));
    cr_expect(strstr(answer, "X-Method: PUT\r\n") != NULL);
    cr_expect(strstr(answer, "Cache-Control: no-store\r\n") != NULL);
    cr_expect(strstr(answer, "\r\n\r\n5 bytes of ann b: hello") != NULL, "%s", answer);
    close(fd);
    end(s);
}

Test(serve_http, many_requests_come_over_one_connection_also_at_once)
{
    struct server *s = start();
    int fd = dial(s);
    for (int i = 0; i < 50; i++) {
        send_post(fd, "/echo", (size_t)i * 20);
        cr_expect(starts(hear(fd), "HTTP/1.1 200"), "%d", i);
    }
    static const char two[] = "GET /echo HTTP/1.1\r\nHost: x\r\n\r\nGET /echo HTTP/1.1\r\nHost: x\r\n\r\nGET /echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    char text[4000];
    size_t len = 0;
    say(fd, two, strlen(two));
    for (ssize_t n; len < sizeof(text) - 1 && (n = read(fd, text + len, sizeof(text) - 1 - len)) > 0;)
        len += (size_t)n;
    text[len] = '\0';
    int seen = 0;
    for (const char *at = text; (at = strstr(at, "HTTP/1.1 200")) != NULL; at++)
        seen++;
    cr_expect(eq(int, seen, 3));
    close(fd);
    end(s);
}

Test(serve_http, a_body_that_is_too_large_is_refused_and_its_sender_reads_why)
{
    struct server *s = start();
    static const size_t sizes[] = {LIMIT + 1, 100000, 3000000};
    for (size_t i = 0; i < 3; i++) {
        int fd = dial(s);
        send_post(fd, "/echo", sizes[i]);
        cr_expect(starts(hear(fd), "HTTP/1.1 413"), "%zu", sizes[i]);
        send_post(fd, "/echo", LIMIT);
        cr_expect(starts(hear(fd), "HTTP/1.1 200"), "and the connection goes on");
        close(fd);
    }
    end(s);
}

Test(serve_http, a_body_of_unsaid_length_is_bounded_too)
{
    struct server *s = start();
    int fd = dial(s);
    char chunk[612];
    say(fd, "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", 60);
    snprintf(chunk, sizeof(chunk), "258\r\n%0600d\r\n", 0);
    say(fd, chunk, strlen(chunk));
    say(fd, chunk, strlen(chunk));
    say(fd, "0\r\n\r\n", 5);
    cr_expect(starts(hear(fd), "HTTP/1.1 413"));
    close(fd);
    end(s);
}

Test(serve_http, who_asks_first_is_told_before_it_sends)
{
    struct server *s = start();
    int fd = dial(s);
    static const char refused[] = "POST /head HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 500\r\n\r\n",
                      too_large[] = "POST /echo HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 5000000\r\n\r\n",
                      good[] = "POST /echo HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n";
    say(fd, refused, strlen(refused));
    cr_expect(starts(hear(fd), "HTTP/1.1 401"));
    close(fd);
    fd = dial(s);
    say(fd, too_large, strlen(too_large));
    cr_expect(starts(hear(fd), "HTTP/1.1 413"));
    close(fd);
    fd = dial(s);
    say(fd, good, strlen(good));
    cr_expect(starts(hear(fd), "HTTP/1.1 100"));
    say(fd, "ok", 2);
    cr_expect(starts(hear(fd), "HTTP/1.1 200"));
    close(fd);
    end(s);
}

Test(serve_http, a_request_refused_by_its_head_is_read_to_its_end)
{
    struct server *s = start();
    int fd = dial(s);
    for (int i = 0; i < 3; i++) {
        send_post(fd, "/head", 200000);
        cr_expect(starts(hear(fd), "HTTP/1.1 401"), "%d", i);
    }
    close(fd);
    end(s);
}

Test(serve_http, without_a_limit_no_body_is_taken)
{
    struct server *s = start();
    int fd = dial(s);
    send_post(fd, "/none", 1);
    cr_expect(starts(hear(fd), "HTTP/1.1 413"));
    send_post(fd, "/none", 0);
    cr_expect(starts(hear(fd), "HTTP/1.1 200"));
    close(fd);
    end(s);
}

Test(serve_http, all_bodies_together_are_bounded_and_what_is_answered_makes_room)
{
    struct server *s = start();
    int first = dial(s), second = dial(s);
    send_post(first, "/later", 900);
    while (s->waiting < 1)
        usleep(1000);
    send_post(second, "/later", 900);
    cr_expect(starts(hear(second), "HTTP/1.1 503"));
    loop_async_send(s->answer);
    cr_expect(starts(hear(first), "HTTP/1.1 202"));
    send_post(second, "/echo", 900);
    cr_expect(starts(hear(second), "HTTP/1.1 200"));
    close(first);
    close(second);
    end(s);
}

Test(serve_http, a_late_answer_keeps_no_other_request)
{
    struct server *s = start();
    int slow = dial(s), quick = dial(s);
    send_post(slow, "/later", 10);
    while (s->waiting < 1)
        usleep(1000);
    for (int i = 0; i < 10; i++) {
        send_post(quick, "/echo", 10);
        cr_expect(starts(hear(quick), "HTTP/1.1 200"));
    }
    loop_async_send(s->answer);
    cr_expect(strstr(hear(slow), "\r\n\r\nlate\n") != NULL);
    send_post(slow, "/echo", 3);
    cr_expect(starts(hear(slow), "HTTP/1.1 200"));
    close(slow);
    close(quick);
    end(s);
}

Test(serve_http, draining_answers_what_came_ends_its_connection_and_takes_nobody)
{
    struct server *s = start();
    int slow = dial(s), idle = dial(s);
    send_post(slow, "/later", 10);
    while (s->waiting < 1)
        usleep(1000);
    send_post(idle, "/echo", 1);
    cr_expect(strstr(hear(idle), "Connection: close") == NULL);
    loop_async_send(s->drain);
    int late = -1;
    for (int i = 0; i < 2000 && (late = dial(s)) >= 0; i++) { /* until the listener is gone */
        close(late);
        usleep(1000);
    }
    cr_expect(eq(int, late, -1));
    send_post(idle, "/echo", 1);
    cr_expect(strstr(hear(idle), "Connection: close") != NULL);
    cr_expect(is_closed(idle));
    loop_async_send(s->answer);
    const char *answer = hear(slow);
    cr_expect(starts(answer, "HTTP/1.1 202"));
    cr_expect(strstr(answer, "Connection: close") != NULL);
    cr_expect(is_closed(slow));
    close(slow);
    close(idle);
    end(s);
}

Test(serve_http, every_request_ends_whatever_its_peer_does)
{
    struct server *s = start();
    int fd = dial(s);
    say(fd, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\nhalf", 57);
    int other = dial(s);
    send_post(other, "/later", 10);
    while (s->waiting < 1)
        usleep(1000);
    close(fd); /* by now the half was read: this is noticed by itself */
    close(other);
    loop_async_send(s->answer);
    fd = dial(s);
    send_post(fd, "/echo", 10);
    cr_expect(starts(hear(fd), "HTTP/1.1 200"));
    close(fd);
    for (int i = 0; i < 5000 && s->gone < 3; i++)
        usleep(1000);
    cr_expect(eq(int, s->gone, 3));
    cr_expect(eq(sz, serve_http_buffered(s->http), 0));
    end(s);
}

Test(serve_http, a_stop_with_requests_under_way_leaves_nothing)
{
    struct server *s = start();
    int a = dial(s), b = dial(s);
    send_post(a, "/later", 10);
    while (s->waiting < 1)
        usleep(1000);
    say(b, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\nhalf", 57);
    end(s);
    close(a);
    close(b);
}

Test(serve_http, an_address_that_is_none_and_a_taken_port_are_refused_with_words)
{
    struct server *s = start();
    struct err e = {0};
    struct serve_http_options o = {.loop = s->loop, .host = "localhost!", .connections = 1, .buffered_bytes = 1};
    cr_expect(eq(ptr, serve_http_new(&o, &e), NULL));
    cr_expect(eq(int, e.code, ERR_INVAL));
    o.host = "127.0.0.1";
    o.port = serve_http_port(s->http);
    cr_expect(eq(ptr, serve_http_new(&o, &e), NULL));
    cr_expect(eq(int, e.code, ERR_IO));
    cr_expect(strstr(e.msg, "Address already in use") != NULL, "%s", e.msg);
    end(s);
}
