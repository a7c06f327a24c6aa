/* The admin HTTP server as its peers see it: bytes over a socket. */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "io/admin.h"

struct program {
    bool ready;
};

static void metrics(void *arg, struct buf *out)
{
    (void)arg;
    buf_adds(out, "# TYPE tvbridge_up gauge\ntvbridge_up 1\n");
}

static bool ready(void *arg, struct buf *ret_why)
{
    struct program *p = arg;
    if (!p->ready)
        buf_adds(ret_why, "kafka: no assignment yet");
    return p->ready;
}

static struct admin *start(struct program *p)
{
    struct err err = {0};
    struct admin_handlers h = {.arg = p, .metrics = metrics, .ready = ready};
    struct admin *a = admin_start("127.0.0.1", 0, &h, &err);
    cr_assert(ne(ptr, a, NULL), "%s", err.msg);
    return a;
}

/* Sends "@method @path" and reads until the server closes. */
static void ask(const struct admin *a, const char *method, const char *path, char *ret, size_t size)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)admin_port(a))};
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    cr_assert(eq(int, connect(fd, (struct sockaddr *)&at, sizeof at), 0));
    dprintf(fd, "%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", method, path);
    size_t len = 0;
    for (ssize_t n; len < size - 1 && (n = read(fd, ret + len, size - 1 - len)) > 0;)
        len += (size_t)n;
    ret[len] = '\0';
    close(fd);
}

static bool says(const char *text, const char *part)
{
    return strstr(text, part) != NULL;
}

Test(admin, metrics_are_the_programs_text_in_prometheus_format)
{
    struct program p = {.ready = true};
    struct admin *a = start(&p);
    char text[4096];
    ask(a, "GET", "/metrics", text, sizeof text);
    cr_expect(says(text, "HTTP/1.1 200"));
    cr_expect(says(text, "Content-Type: text/plain; version=0.0.4"));
    cr_expect(says(text, "\ntvbridge_up 1\n"));
    admin_stop(a);
}

Test(admin, a_living_program_is_healthy_also_when_it_is_not_ready)
{
    struct program p = {.ready = false};
    struct admin *a = start(&p);
    char text[4096];
    ask(a, "GET", "/healthz", text, sizeof text);
    cr_expect(says(text, "HTTP/1.1 200"));
    admin_stop(a);
}

Test(admin, readiness_follows_the_program_and_gives_its_reasons)
{
    struct program p = {.ready = false};
    struct admin *a = start(&p);
    char text[4096];
    ask(a, "GET", "/readyz", text, sizeof text);
    cr_expect(says(text, "HTTP/1.1 503"));
    cr_expect(says(text, "kafka: no assignment yet\n"));
    p.ready = true;
    ask(a, "GET", "/readyz", text, sizeof text);
    cr_expect(says(text, "HTTP/1.1 200"));
    cr_expect(not(says(text, "kafka")));
    admin_stop(a);
}

Test(admin, an_unknown_path_is_answered_with_the_known_ones)
{
    struct program p = {.ready = true};
    struct admin *a = start(&p);
    char text[4096];
    ask(a, "GET", "/", text, sizeof text);
    cr_expect(says(text, "HTTP/1.1 404"));
    cr_expect(says(text, "/metrics\n/healthz\n/readyz\n"));
    admin_stop(a);
}

Test(admin, only_reading_is_allowed)
{
    struct program p = {.ready = true};
    struct admin *a = start(&p);
    char text[4096];
    ask(a, "POST", "/metrics", text, sizeof text);
    cr_expect(says(text, "HTTP/1.1 405"));
    cr_expect(says(text, "Allow: GET, HEAD"));
    cr_expect(not(says(text, "tvbridge_up")));
    admin_stop(a);
}

Test(admin, head_gives_the_headers_without_the_body)
{
    struct program p = {.ready = true};
    struct admin *a = start(&p);
    char text[4096];
    ask(a, "HEAD", "/metrics", text, sizeof text);
    cr_expect(says(text, "HTTP/1.1 200"));
    cr_expect(not(says(text, "tvbridge_up")));
    admin_stop(a);
}

Test(admin, an_address_that_is_none_and_a_taken_port_are_refused_with_words)
{
    struct program p = {.ready = true};
    struct admin_handlers h = {.arg = &p, .metrics = metrics, .ready = ready};
    struct err err = {0};
    cr_expect(eq(ptr, admin_start("localhost!", 0, &h, &err), NULL));
    cr_expect(eq(int, err.code, ERR_INVAL));
    struct admin *a = start(&p);
    cr_expect(eq(ptr, admin_start("127.0.0.1", admin_port(a), &h, &err), NULL));
    cr_expect(eq(int, err.code, ERR_IO));
    cr_expect(says(err.msg, "Address already in use"), "%s", err.msg);
    admin_stop(a);
}

Test(admin, stopping_nothing_is_fine)
{
    admin_stop(NULL);
}
