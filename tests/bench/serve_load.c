/* serve_load.c - callers of `tvbridge serve`: so many kept connections, one request at a time on each, for so long.
 *
 *   bench-serve-load events|ask --port P [--connections N] [--seconds S] [--batch B] [--services N] [--provider NAME]
 *
 * The key comes in the environment (TVB_KEY). `events`: batches of B events of 512 bytes, the services in turn. `ask`: questions
 * for the logins s0 ... with their passwords. The last line is one JSON object: what was answered, and how long it took. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#define EVENT_BYTES 512
#define CONNECTIONS_MAX 1000
#define TIMES_MAX 4000000

struct caller {
    int fd;
    char *request;
    size_t request_len, written;
    char answer[4096];
    size_t answer_len;
    int64_t began_ns;
};

struct load {
    bool asks;
    int port;
    unsigned connections, batch;
    double seconds;
    uint64_t services, next;
    const char *provider, *key;
    struct caller callers[CONNECTIONS_MAX];
    uint64_t accepted, refused, events;
    uint32_t *times_us;
    size_t times;
};

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void die(const char *what)
{
    fprintf(stderr, "bench-serve-load: %s: %s\n", what, strerror(errno));
    exit(1);
}

/* ---- requests ---- */

static size_t add_event(const struct load *l, uint64_t n, char *to)
{
    static const char end[] = "\"}}";
    int len = snprintf(to, EVENT_BYTES,
                       "{\"specversion\":\"1.0\",\"id\":\"l%llu-%lld\",\"source\":\"/bench\",\"type\":\"tvbridge.contract.unblocked\","
                       "\"subject\":\"s%llu\",\"time\":\"2026-11-22T10:00:00Z\",\"datacontenttype\":\"application/json\","
                       "\"provider\":\"%s\",\"sequence\":\"%llu\",\"data\":{\"reason\":\"delinquency\",\"note\":\"",
                       (unsigned long long)n, (long long)getpid(), (unsigned long long)(n % l->services), l->provider,
                       (unsigned long long)(n / l->services + 1));
    memset(to + len, 'x', EVENT_BYTES - (size_t)len - (sizeof(end) - 1));
    memcpy(to + EVENT_BYTES - (sizeof(end) - 1), end, sizeof(end) - 1);
    return EVENT_BYTES;
}

static size_t add_head(const struct load *l, char *to, const char *path, const char *type, size_t body)
{
    return (size_t)sprintf(to, "POST %s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n\r\n",
                           path, l->key, type, body);
}

static void make_events(struct load *l, struct caller *c)
{
    size_t body = l->batch * (EVENT_BYTES + 1) + 1;
    char *at = c->request + add_head(l, c->request, "/v1/events", "application/cloudevents-batch+json", body);
    for (unsigned i = 0; i < l->batch; i++) {
        *at++ = i == 0 ? '[' : ',';
        at += add_event(l, l->next++, at);
    }
    *at++ = ']';
    c->request_len = (size_t)(at - c->request);
}

static void make_question(struct load *l, struct caller *c)
{
    char body[200];
    uint64_t n = l->next++ * 2654435761u % l->services;
    int len = sprintf(body, "{\"provider\":\"%s\",\"login\":\"s%llu\",\"password\":\"pw-%llu\"}", l->provider, (unsigned long long)n,
                      (unsigned long long)n);
    size_t head = add_head(l, c->request, "/v1/entitlement", "application/json", (size_t)len);
    memcpy(c->request + head, body, (size_t)len);
    c->request_len = head + (size_t)len;
}

/* ---- connections ---- */

static void push(struct caller *c)
{
    while (c->written < c->request_len) {
        ssize_t n = write(c->fd, c->request + c->written, c->request_len - c->written);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (n <= 0)
            die("write");
        c->written += (size_t)n;
    }
}

static void begin(struct load *l, struct caller *c)
{
    if (l->asks)
        make_question(l, c);
    else
        make_events(l, c);
    c->written = c->answer_len = 0;
    c->began_ns = now_ns();
    push(c);
}

static void open_caller(struct load *l, int epoll, struct caller *c)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)l->port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    struct epoll_event e = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data = {.ptr = c}};
    int on = 1;
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    c->request = malloc(l->asks ? 2000 : l->batch * (EVENT_BYTES + 1) + 1000);
    if (c->fd < 0 || c->request == NULL || connect(c->fd, (struct sockaddr *)&at, sizeof(at)) != 0)
        die("connect");
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    fcntl(c->fd, F_SETFL, O_NONBLOCK);
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, c->fd, &e) != 0)
        die("epoll_ctl");
}

/* The whole answer's length; 0: more is to come. */
static size_t answer_size(const struct caller *c)
{
    const char *end = memmem(c->answer, c->answer_len, "\r\n\r\n", 4);
    const char *length = end != NULL ? strcasestr(c->answer, "\r\nContent-Length:") : NULL;
    if (length == NULL)
        return 0;
    size_t all = (size_t)(end + 4 - c->answer) + strtoul(length + 17, NULL, 10);
    return c->answer_len >= all ? all : 0;
}

static void note(struct load *l, struct caller *c)
{
    bool good = strncmp(c->answer, l->asks ? "HTTP/1.1 200" : "HTTP/1.1 202", 12) == 0;
    good = good && (!l->asks || strstr(c->answer, "\"may_watch\":true") != NULL);
    if (!good && l->refused++ == 0)
        fprintf(stderr, "bench-serve-load: first refusal: %.*s\n", (int)c->answer_len, c->answer);
    l->accepted += good;
    l->events += good ? l->batch : 0;
    if (l->times < TIMES_MAX)
        l->times_us[l->times++] = (uint32_t)((now_ns() - c->began_ns) / 1000);
}

static void pull(struct load *l, struct caller *c, bool go_on)
{
    for (;;) {
        ssize_t n = read(c->fd, c->answer + c->answer_len, sizeof(c->answer) - 1 - c->answer_len);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (n <= 0)
            die("the gateway closed a connection");
        c->answer_len += (size_t)n;
        c->answer[c->answer_len] = '\0';
        if (answer_size(c) == 0)
            continue;
        note(l, c);
        if (!go_on)
            return;
        begin(l, c);
    }
}

/* ---- the run ---- */

static void run(struct load *l)
{
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event events[64];
    for (unsigned i = 0; i < l->connections; i++) {
        open_caller(l, epoll, &l->callers[i]);
        begin(l, &l->callers[i]);
    }
    int64_t end = now_ns() + (int64_t)(l->seconds * 1e9);
    while (now_ns() < end) {
        int n = epoll_wait(epoll, events, 64, 100);
        for (int i = 0; i < n; i++) {
            struct caller *c = events[i].data.ptr;
            if (events[i].events & EPOLLOUT)
                push(c);
            if (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR))
                pull(l, c, now_ns() < end);
        }
    }
}

static int by_size(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static double share_ms(const struct load *l, double share)
{
    size_t at = (size_t)((double)l->times * share);
    return l->times == 0 ? 0 : l->times_us[at < l->times ? at : l->times - 1] / 1000.0;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"port", required_argument, NULL, 'p'}, {"connections", required_argument, NULL, 'c'}, {"seconds", required_argument, NULL, 's'},
        {"batch", required_argument, NULL, 'b'}, {"services", required_argument, NULL, 'n'}, {"provider", required_argument, NULL, 'r'}, {0},
    };
    static struct load l = {.connections = 16, .batch = 100, .seconds = 5, .services = 20000, .provider = "stalker"};
    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        switch (c) {
        case 'p': l.port = atoi(optarg); break;
        case 'c': l.connections = (unsigned)atoi(optarg); break;
        case 's': l.seconds = atof(optarg); break;
        case 'b': l.batch = (unsigned)atoi(optarg); break;
        case 'n': l.services = strtoull(optarg, NULL, 10); break;
        case 'r': l.provider = optarg; break;
        default: return 2;
        }
    }
    l.asks = optind < argc && strcmp(argv[optind], "ask") == 0;
    l.key = getenv("TVB_KEY");
    l.times_us = malloc(TIMES_MAX * sizeof(*l.times_us));
    if (l.key == NULL || l.port == 0 || l.connections > CONNECTIONS_MAX || l.batch < 1 || l.batch > 10000 || l.services < 1 || l.times_us == NULL)
        return 2;
    int64_t from = now_ns();
    run(&l);
    double seconds = (double)(now_ns() - from) / 1e9;
    qsort(l.times_us, l.times, sizeof(*l.times_us), by_size);
    printf("{\"answered\":%llu,\"refused\":%llu,\"events\":%llu,\"seconds\":%.3f,\"ms_p50\":%.3f,\"ms_p99\":%.3f,\"ms_max\":%.3f}\n",
           (unsigned long long)l.accepted, (unsigned long long)l.refused, (unsigned long long)(l.asks ? 0 : l.events), seconds,
           share_ms(&l, 0.5), share_ms(&l, 0.99), share_ms(&l, 1.0));
    return l.refused > 0;
}
