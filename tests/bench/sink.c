/* sink.c - a platform's API reduced to what a benchmark needs: one thread, kept connections, the least work a request.
 *
 * Answers PUT /users/s<N> with `sequence=<K>` in a form body like Stalker does, optionally after a delay, refuses a
 * share of the first tries with 503, and counts doubles and overtaking. GET /_stats answers the counts.
 * On its output: "listening on 127.0.0.1:PORT", "first NS" at the first request, "all NS" when --events are done,
 * "tip N NS" for each request of a service t<N>, and the counts as JSON at SIGTERM. NS is CLOCK_MONOTONIC. */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "sink_http.h"
#include "sink_order.h"

enum { IN_MAX = 16384, OUT_MAX = 1024, TURN_EVENTS = 256, FAILING_TRIES = 3 };

struct conn {
    int fd;
    bool waiting; /* an answer is due: it is in the queue of delayed answers */
    bool closed;  /* the peer went away while it was waiting; freed when its turn comes */
    struct sink_request request;
    bool ok; /* what the delayed answer will be */
    int64_t due_ns;
    struct conn *next; /* in the queue of delayed answers */
    size_t used;
    char in[IN_MAX];
};

struct sink {
    int epoll, listener, timer, signals;
    int64_t delay_ns;
    unsigned fail_percent;
    uint64_t events; /* how many make "all" */
    struct sink_order *order;
    struct conn *first, *last; /* delayed answers: the delay is one for all, so the queue is sorted */
    uint64_t unreadable;
    unsigned in_flight, in_flight_max, connections, connections_max;
    int64_t first_ns, last_ns;
    bool all_said, stop;
};

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* Tips and the bulk live in lanes of their own. */
static uint32_t lane_of(const struct sink_request *r)
{
    return r->service * 2 + (r->tip ? 1 : 0);
}

/* Whether this try is to fail: a pure function, so that two runs fail alike. */
static bool is_failing(const struct sink *s, const struct sink_request *r, unsigned try)
{
    uint64_t h = ((uint64_t)lane_of(r) << 32 | r->sequence) * 4 + try;
    h = (h ^ h >> 31) * 0x9e3779b97f4a7c15u;
    h = (h ^ h >> 29) * 0xbf58476d1ce4e5b9u;
    return !r->tip && try <= FAILING_TRIES && (h >> 33) % 100 < s->fail_percent;
}

static void stats_text(const struct sink *s, char *out, size_t room)
{
    const struct sink_counts *c = sink_order_counts(s->order);
    snprintf(out, room,
             "{\"requests\":%llu,\"done\":%llu,\"refused\":%llu,\"doubled\":%llu,\"overtaken\":%llu,\"unreadable\":%llu,"
             "\"in_flight_max\":%u,\"connections_max\":%u,\"first_ns\":%lld,\"last_ns\":%lld}",
             (unsigned long long)c->begun, (unsigned long long)c->done, (unsigned long long)c->refused,
             (unsigned long long)c->doubled, (unsigned long long)c->overtaken, (unsigned long long)s->unreadable,
             s->in_flight_max, s->connections_max, (long long)s->first_ns, (long long)s->last_ns);
}

static void say(const char *word, int64_t ns)
{
    printf("%s %lld\n", word, (long long)ns);
    fflush(stdout);
}

static void conn_close(struct sink *s, struct conn *c)
{
    if (!c->closed) {
        close(c->fd);
        s->connections--;
    }
    c->closed = true;
    if (!c->waiting)
        free(c);
}

/* False: the connection is gone. A small answer always fits a socket buffer that the peer reads one at a time. */
static bool answer(struct sink *s, struct conn *c, int status, const char *body)
{
    char out[OUT_MAX];
    size_t n = sink_http_answer(status, body, out, sizeof(out));
    if (n > 0 && write(c->fd, out, n) == (ssize_t)n)
        return true;
    conn_close(s, c);
    return false;
}

static bool finish_request(struct sink *s, struct conn *c)
{
    s->in_flight--;
    sink_order_end(s->order, lane_of(&c->request), c->request.sequence, c->ok);
    s->last_ns = now_ns();
    bool alive = !c->closed && answer(s, c, c->ok ? 200 : 503,
                                      c->ok ? "{\"status\":\"OK\",\"results\":true}" : "{\"status\":\"ERROR\"}");
    if (!s->all_said && s->events > 0 && sink_order_counts(s->order)->done >= s->events) {
        s->all_said = true;
        say("all", s->last_ns);
    }
    return alive;
}

static void arm_timer(const struct sink *s)
{
    struct itimerspec t = {0};
    if (s->first != NULL) {
        t.it_value.tv_sec = s->first->due_ns / 1000000000;
        t.it_value.tv_nsec = s->first->due_ns % 1000000000;
    }
    timerfd_settime(s->timer, TFD_TIMER_ABSTIME, &t, NULL);
}

static void delay_answer(struct sink *s, struct conn *c)
{
    c->waiting = true;
    c->due_ns = now_ns() + s->delay_ns;
    c->next = NULL;
    if (s->last != NULL)
        s->last->next = c;
    else
        s->first = c;
    s->last = c;
    if (s->first == c)
        arm_timer(s);
}

static void begin_tip(const struct sink_request *r)
{
    printf("tip %u %lld\n", (unsigned)r->service, (long long)now_ns());
    fflush(stdout);
}

/* False: the connection is gone. */
static bool serve(struct sink *s, struct conn *c)
{
    char text[OUT_MAX];
    if (c->request.stats) {
        stats_text(s, text, sizeof(text));
        return answer(s, c, 200, text);
    }
    if (c->request.tip)
        begin_tip(&c->request);
    else if (s->first_ns == 0)
        say("first", s->first_ns = now_ns());
    unsigned try = sink_order_begin(s->order, lane_of(&c->request), c->request.sequence);
    if (try == 0) {
        s->unreadable++;
        return answer(s, c, 400, "{\"status\":\"ERROR\"}");
    }
    c->ok = !is_failing(s, &c->request, try);
    if (++s->in_flight > s->in_flight_max)
        s->in_flight_max = s->in_flight;
    if (s->delay_ns == 0)
        return finish_request(s, c);
    delay_answer(s, c);
    return true;
}

/* Serves what is complete in the buffer. A connection that waits for its answer reads no further request. */
static void conn_advance(struct sink *s, struct conn *c)
{
    while (!c->waiting && c->used > 0) {
        size_t used = 0;
        enum sink_parse p = sink_http_parse(c->in, c->used, &c->request, &used);
        if (p == SINK_PARSE_MORE && c->used < sizeof(c->in))
            return;
        if (p != SINK_PARSE_DONE) {
            s->unreadable++;
            if (answer(s, c, 400, "{\"status\":\"ERROR\"}"))
                conn_close(s, c);
            return;
        }
        memmove(c->in, c->in + used, c->used - used);
        c->used -= used;
        if (!serve(s, c))
            return;
    }
}

static void conn_readable(struct sink *s, struct conn *c)
{
    ssize_t n = read(c->fd, c->in + c->used, sizeof(c->in) - c->used);
    if (n <= 0) {
        if (n == 0 || (errno != EAGAIN && errno != EINTR))
            conn_close(s, c);
        return;
    }
    c->used += (size_t)n;
    conn_advance(s, c);
}

static void answers_due(struct sink *s)
{
    uint64_t ticks;
    if (read(s->timer, &ticks, sizeof(ticks)) < 0)
        return;
    int64_t now = now_ns();
    while (s->first != NULL && s->first->due_ns <= now) {
        struct conn *c = s->first;
        s->first = c->next;
        if (s->first == NULL)
            s->last = NULL;
        c->waiting = false;
        bool gone = c->closed; /* before, because a failing answer frees the connection */
        if (finish_request(s, c))
            conn_advance(s, c);
        else if (gone)
            free(c);
    }
    arm_timer(s);
}

static void accept_all(struct sink *s)
{
    int fd;
    while ((fd = accept4(s->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        struct conn *c = calloc(1, sizeof(*c));
        int on = 1;
        if (c == NULL) {
            close(fd);
            continue;
        }
        c->fd = fd;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        struct epoll_event e = {.events = EPOLLIN, .data.ptr = c};
        epoll_ctl(s->epoll, EPOLL_CTL_ADD, fd, &e);
        if (++s->connections > s->connections_max)
            s->connections_max = s->connections;
    }
}

static void turn(struct sink *s)
{
    struct epoll_event list[TURN_EVENTS];
    int n = epoll_wait(s->epoll, list, TURN_EVENTS, -1);
    bool due = false;
    for (int i = 0; i < n; i++) {
        if (list[i].data.ptr == &s->listener)
            accept_all(s);
        else if (list[i].data.ptr == &s->timer)
            due = true;
        else if (list[i].data.ptr == &s->signals)
            s->stop = true;
        else
            conn_readable(s, list[i].data.ptr);
    }
    /* Last: answering may free a connection that this turn still names. */
    if (due)
        answers_due(s);
}

static int watch(const struct sink *s, int fd, void *mark)
{
    struct epoll_event e = {.events = EPOLLIN, .data.ptr = mark};
    return fd < 0 ? -1 : epoll_ctl(s->epoll, EPOLL_CTL_ADD, fd, &e);
}

static int open_sockets(struct sink *s, unsigned port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    socklen_t len = sizeof(at);
    int on = 1;
    sigset_t ending;

    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    sigemptyset(&ending);
    sigaddset(&ending, SIGTERM);
    sigaddset(&ending, SIGINT);
    sigprocmask(SIG_BLOCK, &ending, NULL);
    s->epoll = epoll_create1(EPOLL_CLOEXEC);
    s->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    s->signals = signalfd(-1, &ending, SFD_NONBLOCK | SFD_CLOEXEC);
    s->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    setsockopt(s->listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(s->listener, (struct sockaddr *)&at, sizeof(at)) != 0 || listen(s->listener, 4096) != 0 ||
        getsockname(s->listener, (struct sockaddr *)&at, &len) != 0 || watch(s, s->listener, &s->listener) != 0 ||
        watch(s, s->timer, &s->timer) != 0 || watch(s, s->signals, &s->signals) != 0)
        return -1;
    printf("listening on 127.0.0.1:%u\n", (unsigned)ntohs(at.sin_port));
    fflush(stdout);
    return 0;
}

static bool parse_options(int argc, char **argv, struct sink *s, unsigned *ret_port)
{
    static const struct option options[] = {
        {"port", required_argument, NULL, 'p'},         {"delay-ms", required_argument, NULL, 'd'},
        {"fail-percent", required_argument, NULL, 'f'}, {"events", required_argument, NULL, 'e'},
        {NULL, 0, NULL, 0},
    };
    int o;
    while ((o = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (o) {
        case 'p': *ret_port = (unsigned)strtoul(optarg, NULL, 10); break;
        case 'd': s->delay_ns = (int64_t)(strtod(optarg, NULL) * 1e6); break;
        case 'f': s->fail_percent = (unsigned)strtoul(optarg, NULL, 10); break;
        case 'e': s->events = strtoull(optarg, NULL, 10); break;
        default: return false;
        }
    }
    return optind == argc;
}

int main(int argc, char **argv)
{
    struct sink s = {.epoll = -1};
    char text[OUT_MAX];
    unsigned port = 0;

    if (!parse_options(argc, argv, &s, &port)) {
        fprintf(stderr, "usage: bench-sink [--port N] [--delay-ms D] [--fail-percent P] [--events N]\n");
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    s.order = sink_order_new();
    if (s.order == NULL || open_sockets(&s, port) != 0) {
        perror("bench-sink");
        return 1;
    }
    while (!s.stop)
        turn(&s);
    stats_text(&s, text, sizeof(text));
    puts(text);
    sink_order_free(s.order);
    return 0;
}
