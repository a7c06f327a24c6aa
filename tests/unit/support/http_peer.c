#include "http_peer.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CONNECTIONS_MAX = 256, REQUEST_MAX = 4 * 1024 * 1024 };

struct connection {
    struct http_peer *peer;
    pthread_t thread;
    unsigned number;
    int fd;
};

struct http_peer {
    int fd, port;
    peer_answer_fn *fn;
    pthread_t thread;
    pthread_mutex_t lock;
    struct connection conns[CONNECTIONS_MAX];
    atomic_uint n, requests, bytes, closed;
    char *last;
};

static struct sockaddr_in loopback(int port)
{
    return (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static int bind_free_port(int *ret_port)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in a = loopback(0);
    socklen_t len = sizeof(a);
    if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof(a)) || getsockname(fd, (struct sockaddr *)&a, &len))
        abort();
    *ret_port = ntohs(a.sin_port);
    return fd;
}

/* Bytes of a whole request that starts at @s; 0: not there yet. */
static size_t whole(const char *s, size_t n)
{
    const char *end = memmem(s, n, "\r\n\r\n", 4);
    if (!end)
        return 0;
    size_t len = (size_t)(end - s) + 4;
    const char *cl = strcasestr(s, "\r\nContent-Length:");
    if (cl && cl < end)
        len += strtoul(cl + strlen("\r\nContent-Length:"), NULL, 10);
    return n >= len ? len : 0;
}

static bool answer(struct connection *c, unsigned number, const char *s, size_t len)
{
    struct http_peer *p = c->peer;
    char *text = strndup(s, len);
    pthread_mutex_lock(&p->lock);
    free(p->last);
    p->last = strndup(s, len);
    pthread_mutex_unlock(&p->lock);
    atomic_fetch_add(&p->requests, 1);
    struct peer_request r = {c->number, number, text, len};
    bool keep = p->fn(p, c->fd, &r);
    free(text);
    return keep;
}

static void *serve(void *arg)
{
    struct connection *c = arg;
    char *buf = calloc(1, REQUEST_MAX + 1);
    size_t have = 0;
    unsigned number = 0;
    bool keep = true;
    while (keep && have < REQUEST_MAX) {
        ssize_t n = recv(c->fd, buf + have, REQUEST_MAX - have, 0);
        if (n <= 0)
            break;
        atomic_fetch_add(&c->peer->bytes, (unsigned)n);
        have += (size_t)n;
        buf[have] = '\0';
        for (size_t len; keep && (len = whole(buf, have)) > 0;) {
            keep = answer(c, number++, buf, len);
            memmove(buf, buf + len, have - len + 1);
            have -= len;
        }
    }
    free(buf);
    pthread_mutex_lock(&c->peer->lock);
    close(c->fd);
    c->fd = -1;
    atomic_fetch_add(&c->peer->closed, 1);
    pthread_mutex_unlock(&c->peer->lock);
    return NULL;
}

static void *take(void *arg)
{
    struct http_peer *p = arg;
    for (;;) {
        int fd = accept4(p->fd, NULL, NULL, SOCK_CLOEXEC);
        unsigned n = atomic_load(&p->n);
        if (fd < 0 || n == CONNECTIONS_MAX)
            return NULL;
        struct connection *c = &p->conns[n];
        *c = (struct connection){.peer = p, .number = n, .fd = fd};
        atomic_store(&p->n, n + 1); /* counted before it can answer; read again only after this thread ended */
        if (pthread_create(&c->thread, NULL, serve, c))
            abort();
    }
}

struct http_peer *http_peer_start(peer_answer_fn *fn)
{
    struct http_peer *p = calloc(1, sizeof(*p));
    p->fn = fn;
    p->fd = bind_free_port(&p->port);
    pthread_mutex_init(&p->lock, NULL);
    if (listen(p->fd, 64) || pthread_create(&p->thread, NULL, take, p))
        abort();
    return p;
}

void http_peer_close_door(struct http_peer *p)
{
    shutdown(p->fd, SHUT_RDWR); /* a closed listener refuses; the thread's accept fails */
}

void http_peer_stop(struct http_peer *p)
{
    http_peer_close_door(p);
    pthread_join(p->thread, NULL);
    close(p->fd);
    for (unsigned i = 0; i < atomic_load(&p->n); i++) {
        pthread_mutex_lock(&p->lock);
        if (p->conns[i].fd >= 0)
            shutdown(p->conns[i].fd, SHUT_RDWR);
        pthread_mutex_unlock(&p->lock);
        pthread_join(p->conns[i].thread, NULL);
    }
    pthread_mutex_destroy(&p->lock);
    free(p->last);
    free(p);
}

int http_peer_port(const struct http_peer *p)
{
    return p->port;
}

unsigned http_peer_requests(const struct http_peer *p)
{
    return atomic_load(&p->requests);
}

unsigned http_peer_bytes(const struct http_peer *p)
{
    return atomic_load(&p->bytes);
}

unsigned http_peer_connections(const struct http_peer *p)
{
    return atomic_load(&p->n);
}

void http_peer_await_closed(const struct http_peer *p, unsigned n)
{
    while (atomic_load(&p->closed) < n)
        usleep(1000);
}

char *http_peer_last(struct http_peer *p)
{
    pthread_mutex_lock(&p->lock);
    char *s = strdup(p->last ? p->last : "");
    pthread_mutex_unlock(&p->lock);
    return s;
}

void peer_say(int fd, const char *text)
{
    size_t left = strlen(text);
    while (left > 0) {
        ssize_t n = send(fd, text, left, MSG_NOSIGNAL);
        if (n <= 0)
            return;
        text += n;
        left -= (size_t)n;
    }
}

void peer_reset(int fd)
{
    struct linger l = {1, 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, sizeof(l));
}

void peer_wait_for_end(int fd)
{
    char c;
    while (recv(fd, &c, 1, 0) > 0)
        ;
}

int peer_refused_port(void)
{
    int port;
    close(bind_free_port(&port));
    return port;
}

int peer_full_port(int *fds, size_t *n)
{
    int port;
    fds[0] = bind_free_port(&port);
    listen(fds[0], 0);
    struct sockaddr_in a = loopback(port);
    for (*n = 1; *n < 16; (*n)++) {
        fds[*n] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        (void)!connect(fds[*n], (struct sockaddr *)&a, sizeof(a));
    }
    return port;
}
