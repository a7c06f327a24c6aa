/* http.c - see http.h. Drives libcurl's multi interface from the loop.
 *
 * libcurl takes its socket off the list between two requests of a kept connection. Telling epoll each time would
 * cost two system calls a request, so a socket keeps its poll handle until libcurl really closes it, and what is
 * watched changes at the end of the turn only, and only where it must. */
#include "io/http.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/copy.h"
#include "io/http_handle.h"

/* One descriptor that libcurl uses. */
struct sock {
    struct http *http;
    struct loop_poll *poll;
    int fd;
    int wanted;  /* LOOP_ bits; 0: libcurl does not care now */
    int watched; /* what the poll handle was told */
    bool ours;   /* made in on_open: on_close tells when it goes */
    bool dirty;  /* in the list of changes */
};

struct http {
    struct loop *loop;
    CURLM *multi;
    struct http_options options;
    struct http_socket_functions functions;
    struct loop_hook *hook;
    struct loop_timer *timer;
    int64_t timer_due_ms; /* libcurl's next deadline, of loop_now_ms(); -1: none */
    int64_t armed_ms;     /* when the loop's timer fires; -1: not armed */
    bool due;             /* libcurl has something to do at once */
    bool harvesting, freed;

    struct http_call *pool, *active;
    unsigned in_flight, connections;

    struct sock **socks; /* by descriptor */
    size_t sock_cap;
    int *dirty; /* descriptors whose mask may have to change */
    size_t dirty_n, dirty_cap;
};

static void harvest(struct http *h);
static void sock_change(struct sock *s, int wanted);

/* ---- sockets ---- */

static void on_sock(void *arg, int events)
{
    struct sock *s = arg;
    struct http *h = s->http;
    if (s->wanted == 0) { /* an idle connection that the other side closed: libcurl finds out before using it again */
        loop_poll_set(s->poll, 0);
        s->watched = 0;
        return;
    }
    if (events == (LOOP_READABLE | LOOP_WRITABLE))
        sock_change(s, s->wanted); /* maybe an error, after which the poll handle watches nothing */
    int what = ((events & LOOP_READABLE) ? CURL_CSELECT_IN : 0) | ((events & LOOP_WRITABLE) ? CURL_CSELECT_OUT : 0);
    int running = 0;
    curl_multi_socket_action(h->multi, s->fd, what, &running);
    harvest(h);
}

static struct sock *sock_find(const struct http *h, int fd)
{
    return fd >= 0 && (size_t)fd < h->sock_cap ? h->socks[fd] : NULL;
}

static int sock_make_room(struct http *h, int fd)
{
    size_t cap = h->sock_cap ? h->sock_cap : 64;
    while (cap <= (size_t)fd)
        cap *= 2;
    if (cap == h->sock_cap)
        return 0;
    struct sock **socks = realloc(h->socks, cap * sizeof(struct sock *));
    if (!socks)
        return -1;
    memset(socks + h->sock_cap, 0, (cap - h->sock_cap) * sizeof(struct sock *));
    h->socks = socks;
    h->sock_cap = cap;
    return 0;
}

static struct sock *sock_add(struct http *h, int fd)
{
    if (sock_make_room(h, fd))
        return NULL;
    struct sock *s = calloc(1, sizeof(*s));
    if (!s)
        return NULL;
    *s = (struct sock){.http = h, .fd = fd};
    s->poll = loop_poll_new(h->loop, fd, on_sock, s, NULL);
    if (!s->poll) {
        free(s);
        return NULL;
    }
    h->socks[fd] = s;
    return s;
}

static void sock_free(void *arg)
{
    free(arg);
}

/* Before the descriptor is closed. The memory goes later: this may run inside on_sock(). */
static void sock_drop(struct sock *s)
{
    struct http *h = s->http;
    h->connections -= s->ours;
    h->socks[s->fd] = NULL;
    loop_poll_free(s->poll);
    loop_defer(h->loop, sock_free, s);
}

static void sock_change(struct sock *s, int wanted)
{
    struct http *h = s->http;
    s->wanted = wanted;
    if (s->dirty)
        return;
    if (h->dirty_n == h->dirty_cap) {
        size_t cap = h->dirty_cap ? 2 * h->dirty_cap : 64;
        int *dirty = realloc(h->dirty, cap * sizeof(int));
        if (!dirty) { /* no room to be lazy */
            loop_poll_set(s->poll, wanted);
            s->watched = wanted;
            return;
        }
        h->dirty = dirty;
        h->dirty_cap = cap;
    }
    h->dirty[h->dirty_n++] = s->fd;
    s->dirty = true;
}

/* An idle connection stays watched for reading: the next request will want that anyway. */
static void socks_flush(struct http *h)
{
    for (size_t i = 0; i < h->dirty_n; i++) {
        struct sock *s = sock_find(h, h->dirty[i]);
        if (!s || !s->dirty)
            continue;
        s->dirty = false;
        int mask = s->wanted ? s->wanted : (s->watched & LOOP_READABLE);
        loop_poll_set(s->poll, mask);
        s->watched = mask;
    }
    h->dirty_n = 0;
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *sock_arg)
{
    struct http *h = arg;
    (void)easy, (void)sock_arg;
    struct sock *s = sock_find(h, fd);
    if (what == CURL_POLL_REMOVE) {
        if (s && s->ours && (s->wanted & LOOP_READABLE))
            sock_change(s, 0);
        else if (s)
            sock_drop(s); /* the resolver's pipe, or still connecting: libcurl closes those without telling */
        return 0;
    }
    if (!s)
        s = sock_add(h, fd);
    if (!s)
        return -1;
    sock_change(s, ((what & CURL_POLL_IN) ? LOOP_READABLE : 0) | ((what & CURL_POLL_OUT) ? LOOP_WRITABLE : 0));
    return 0;
}

static curl_socket_t on_open(void *arg, curlsocktype purpose, struct curl_sockaddr *a)
{
    struct http *h = arg;
    (void)purpose;
    int fd = socket(a->family, a->socktype | SOCK_CLOEXEC, a->protocol);
    if (fd < 0)
        return CURL_SOCKET_BAD;
    /* A number that libcurl closed without telling and has not taken off its list: it thinks that it is watched. */
    struct sock *old = sock_find(h, fd);
    int wanted = old ? old->wanted : 0;
    if (old)
        sock_drop(old);
    struct sock *s = sock_add(h, fd);
    if (!s) {
        close(fd);
        return CURL_SOCKET_BAD;
    }
    s->ours = true;
    h->connections++;
    if (wanted)
        sock_change(s, wanted);
    return fd;
}

static int on_close(void *arg, curl_socket_t fd)
{
    struct http *h = arg;
    struct sock *s = sock_find(h, fd);
    if (s)
        sock_drop(s);
    return close(fd);
}

/* ---- time ---- */

static int on_curl_timer(CURLM *multi, long timeout_ms, void *arg)
{
    struct http *h = arg;
    (void)multi;
    h->due = timeout_ms == 0;
    h->timer_due_ms = timeout_ms > 0 ? loop_now_ms(h->loop) + timeout_ms : -1;
    return 0;
}

static void on_timer(void *arg)
{
    struct http *h = arg;
    h->armed_ms = -1;
    if (h->timer_due_ms >= 0 && loop_now_ms(h->loop) >= h->timer_due_ms) {
        h->timer_due_ms = -1;
        h->due = true; /* done by the hook, in this turn */
    }
}

/* libcurl moves its deadline with each call; the loop's timer follows only when it must fire earlier. */
static void timer_flush(struct http *h)
{
    if (h->timer_due_ms < 0 || (h->armed_ms >= 0 && h->armed_ms <= h->timer_due_ms))
        return;
    h->armed_ms = h->timer_due_ms;
    loop_timer_start(h->timer, h->armed_ms - loop_now_ms(h->loop) + 1);
}

enum { DUE_ROUNDS_MAX = 8 };

static void on_harvest(void *arg)
{
    harvest(arg);
}

/* Once a turn: start what was queued, let libcurl's timeouts run, tell epoll what changed. */
static void on_hook(void *arg)
{
    struct http *h = arg;
    bool acted = h->due;
    for (int i = 0; h->due && i < DUE_ROUNDS_MAX; i++) {
        int running = 0;
        h->due = false;
        curl_multi_socket_action(h->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    }
    if (h->due)
        loop_wake(h->loop);
    if (acted && h->active)
        loop_defer(h->loop, on_harvest, h);
    socks_flush(h);
    timer_flush(h);
}

/* ---- calls ---- */

static void list_add(struct http_call **head, struct http_call *c)
{
    c->prev = NULL;
    c->next = *head;
    if (*head)
        (*head)->prev = c;
    *head = c;
}

static void list_del(struct http_call **head, struct http_call *c)
{
    if (c->prev)
        c->prev->next = c->next;
    else
        *head = c->next;
    if (c->next)
        c->next->prev = c->prev;
}

static void finish(struct http_call *c, CURLcode code)
{
    struct http *h = c->http;
    struct call_reply reply;
    http_handle_read(c, code, &reply);
    reply.took_ns = loop_now_ns(h->loop) - c->started_ns;
    list_del(&h->active, c);
    h->in_flight--;
    c->done(c->arg, &reply);
    http_handle_reset(c);
    if (h->freed)
        http_handle_free(c);
    else
        list_add(&h->pool, c);
}

/* Hands out what has ended. Never from inside libcurl. */
static void harvest(struct http *h)
{
    if (h->harvesting || h->freed)
        return;
    h->harvesting = true;
    CURLMsg *m;
    int left;
    while (!h->freed && (m = curl_multi_info_read(h->multi, &left))) {
        if (m->msg != CURLMSG_DONE)
            continue;
        CURL *easy = m->easy_handle;
        CURLcode code = m->data.result;
        char *priv = NULL;
        curl_easy_getinfo(easy, CURLINFO_PRIVATE, &priv);
        curl_multi_remove_handle(h->multi, easy);
        finish((struct http_call *)(void *)priv, code);
    }
    h->harvesting = false;
}

static struct http_call *take_handle(struct http *h)
{
    struct http_call *c = h->pool;
    if (c) {
        list_del(&h->pool, c);
        return c;
    }
    c = http_handle_new(&h->options, &h->functions);
    if (c)
        c->http = h;
    return c;
}

struct http_call *http_call(struct http *h, const struct call_request *req, http_may_send_fn *may_send,
                            http_done_fn *done, void *arg)
{
    if (h->in_flight >= h->options.max_in_flight)
        return NULL;
    struct http_call *c = take_handle(h);
    if (!c)
        return NULL;
    c->req = req;
    c->may_send = may_send;
    c->done = done;
    c->arg = arg;
    c->started_ns = loop_now_ns(h->loop);
    if (http_handle_load(c) || curl_multi_add_handle(h->multi, c->easy)) {
        http_handle_reset(c);
        list_add(&h->pool, c);
        return NULL;
    }
    list_add(&h->active, c);
    h->in_flight++;
    return c;
}

static void on_aborted(void *arg)
{
    struct http_call *c = arg;
    if (c->http->freed)
        http_handle_free(c);
    else
        finish(c, CURLE_ABORTED_BY_CALLBACK);
}

void http_abort(struct http_call *c)
{
    if (c->aborted)
        return;
    c->aborted_bytes = http_handle_sent(c);
    c->aborted = true;
    curl_multi_remove_handle(c->http->multi, c->easy);
    loop_defer(c->http->loop, on_aborted, c);
}

unsigned http_in_flight(const struct http *h)
{
    return h->in_flight;
}

unsigned http_connections(const struct http *h)
{
    return h->connections;
}

/* ---- birth and death ---- */

static int copy_options(struct http *h, const struct http_options *o)
{
    bool failed = false;
    h->options = *o;
    h->options.proxy = copy_text(o->proxy, &failed);
    h->options.ca_file = copy_text(o->ca_file, &failed);
    h->options.user_agent = copy_text(o->user_agent, &failed);
    return failed ? -1 : 0;
}

static int set_multi(struct http *h)
{
    h->multi = curl_multi_init();
    if (!h->multi)
        return -1;
    int bad = 0;
    bad |= curl_multi_setopt(h->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    bad |= curl_multi_setopt(h->multi, CURLMOPT_SOCKETDATA, h);
    bad |= curl_multi_setopt(h->multi, CURLMOPT_TIMERFUNCTION, on_curl_timer);
    bad |= curl_multi_setopt(h->multi, CURLMOPT_TIMERDATA, h);
    bad |= curl_multi_setopt(h->multi, CURLMOPT_MAXCONNECTS, (long)h->options.max_in_flight + 8);
    bad |= curl_multi_setopt(h->multi, CURLMOPT_PIPELINING, CURLPIPE_NOTHING);
    return bad ? -1 : 0;
}

void http_set_max(struct http *h, unsigned max_in_flight)
{
    h->options.max_in_flight = max_in_flight;
    (void)curl_multi_setopt(h->multi, CURLMOPT_MAXCONNECTS, (long)max_in_flight + 8);
}

struct http *http_new(struct loop *l, const struct http_options *o, struct err *reterr)
{
    struct http *h = calloc(1, sizeof(*h));
    if (!h) {
        err_nomem(reterr);
        return NULL;
    }
    h->loop = l;
    h->timer_due_ms = h->armed_ms = -1;
    h->functions = (struct http_socket_functions){on_open, on_close, h};
    h->hook = loop_hook_new(l, on_hook, h, reterr);
    h->timer = loop_timer_new(l, on_timer, h, reterr);
    if (copy_options(h, o) || !h->hook || !h->timer || set_multi(h)) {
        err_nomem(reterr);
        http_free(h);
        return NULL;
    }
    return h;
}

static void free_memory(void *arg)
{
    struct http *h = arg;
    free((void *)(uintptr_t)h->options.proxy);
    free((void *)(uintptr_t)h->options.ca_file);
    free((void *)(uintptr_t)h->options.user_agent);
    free(h->socks);
    free(h->dirty);
    free(h);
}

void http_free(struct http *h)
{
    if (!h)
        return;
    h->freed = true;
    struct http_call *next;
    for (struct http_call *c = h->active; c; c = next) {
        next = c->next;
        if (c->aborted)
            continue; /* on_aborted() frees it */
        curl_multi_remove_handle(h->multi, c->easy);
        http_handle_free(c);
    }
    for (struct http_call *c = h->pool; c; c = next) {
        next = c->next;
        http_handle_free(c);
    }
    curl_multi_cleanup(h->multi);
    for (size_t i = 0; i < h->sock_cap; i++)
        if (h->socks[i])
            sock_drop(h->socks[i]);
    loop_hook_free(h->hook);
    loop_timer_free(h->timer);
    loop_defer(h->loop, free_memory, h);
}

const char *http_version(void)
{
    return curl_version();
}

int http_global_init(struct err *reterr)
{
    CURLcode rc = curl_global_init(CURL_GLOBAL_DEFAULT);
    return rc ? err_set(reterr, ERR_IO, "libcurl: %s", curl_easy_strerror(rc)) : 0;
}

void http_global_cleanup(void)
{
    curl_global_cleanup();
}
