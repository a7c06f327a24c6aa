/* bench_http.c - CPU of one HTTP call of the worker: N calls with M in flight to a light sink in another process.
 *
 *   bench-http [calls] [in flight]
 * Prints user and system microseconds a call, of this process only. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "io/http.h"

static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 31\r\n\r\n"
                             "{\"status\":\"OK\",\"results\":true}\n";

/* ---- the sink: every read is one whole request ---- */

static void serve(int listener)
{
    int ep = epoll_create1(0);
    struct epoll_event ev = {.events = EPOLLIN, .data.fd = listener}, got[256];
    char buf[65536];
    epoll_ctl(ep, EPOLL_CTL_ADD, listener, &ev);
    for (;;) {
        int n = epoll_wait(ep, got, 256, -1);
        for (int i = 0; i < n; i++) {
            int fd = got[i].data.fd;
            if (fd == listener) {
                ev.data.fd = accept(listener, NULL, NULL);
                setsockopt(ev.data.fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
                epoll_ctl(ep, EPOLL_CTL_ADD, ev.data.fd, &ev);
            } else if (recv(fd, buf, sizeof(buf), 0) > 0) {
                (void)!send(fd, answer, sizeof(answer) - 1, MSG_NOSIGNAL);
            } else {
                close(fd);
            }
        }
    }
}

static pid_t start_sink(int *ret_port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(a);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(fd, (struct sockaddr *)&a, sizeof(a)) || listen(fd, 1024) || getsockname(fd, (struct sockaddr *)&a, &len))
        abort();
    *ret_port = ntohs(a.sin_port);
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        serve(fd);
    }
    close(fd);
    return pid;
}

/* ---- the calls ---- */

struct bench {
    struct loop *loop;
    struct http *http;
    struct call_request req;
    unsigned long left, done, bad;
    unsigned in_flight;
};

static void on_done(void *arg, const struct call_reply *r)
{
    struct bench *b = arg;
    b->bad += call_fate_of(r) != CALL_ANSWERED || r->status != 200;
    b->done++;
    if (b->left > 0) {
        b->left--;
        http_call(b->http, &b->req, NULL, on_done, b);
    } else if (http_in_flight(b->http) == 0) {
        loop_stop(b->loop);
    }
}

static void run(struct bench *b, unsigned long calls)
{
    unsigned first = b->in_flight < calls ? b->in_flight : (unsigned)calls;
    b->left = calls - first;
    b->done = b->bad = 0;
    for (unsigned i = 0; i < first; i++)
        http_call(b->http, &b->req, NULL, on_done, b);
    loop_run(b->loop);
}

static double us(struct timeval a, struct timeval b)
{
    return (double)(b.tv_sec - a.tv_sec) * 1e6 + (double)(b.tv_usec - a.tv_usec);
}

static void measure(struct bench *b, unsigned long calls)
{
    struct rusage before, after;
    int64_t start = clock_mono_ns();
    getrusage(RUSAGE_SELF, &before);
    run(b, calls);
    getrusage(RUSAGE_SELF, &after);
    double user = us(before.ru_utime, after.ru_utime) / (double)calls;
    double sys = us(before.ru_stime, after.ru_stime) / (double)calls;
    printf("calls=%lu in_flight=%u bad=%lu calls_per_s=%.0f user_us=%.2f sys_us=%.2f cpu_us=%.2f connections=%u\n",
           b->done, b->in_flight, b->bad, (double)calls * 1e9 / (double)(clock_mono_ns() - start), user, sys,
           user + sys, http_connections(b->http));
}

int main(int argc, char **argv)
{
    struct bench b = {.in_flight = argc > 2 ? (unsigned)atoi(argv[2]) : 100};
    unsigned long calls = argc > 1 ? strtoul(argv[1], NULL, 10) : 200000;
    char url[96];
    int port;
    pid_t sink = start_sink(&port);
    snprintf(url, sizeof(url), "http://127.0.0.1:%d/stalker_portal/api/users/login70001", port);
    b.req = (struct call_request){.method = "PUT",
                                  .url = url,
                                  .headers = {{"Authorization", "Basic c3RhbGtlcjpzdGFsa2Vy"},
                                              {"Content-Type", "application/x-www-form-urlencoded"},
                                              {"traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}},
                                  .header_count = 3,
                                  .body = "status=0",
                                  .body_len = 8,
                                  .repeat = CALL_SAFE};
    struct http_options o = {.max_in_flight = b.in_flight,
                             .connect_ms = 2000,
                             .request_ms = 10000,
                             .answer_max_bytes = 1024 * 1024,
                             .tls_verify = true,
                             .user_agent = "tvbridge/bench"};
    struct err err = {0};
    http_global_init(&err);
    b.loop = loop_new(&err);
    b.http = http_new(b.loop, &o, &err);
    if (!b.http) {
        fprintf(stderr, "%s\n", err.msg);
        return 1;
    }
    run(&b, calls < 1000 ? calls : 1000); /* connections and buffers */
    measure(&b, calls);
    http_free(b.http);
    loop_free(b.loop);
    http_global_cleanup();
    kill(sink, SIGKILL);
    waitpid(sink, NULL, 0);
    return b.bad > 0;
}
