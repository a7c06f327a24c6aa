/* loop.c - see loop.h. The only file that includes libuv.
 *
 * Every object is one heap block that holds its libuv handle; closing hands the block to libuv, and close_done()
 * frees it when the handle is really gone. A turn is: timers, hooks, deferred calls, sleep, I/O callbacks. */
#include "io/loop.h"

#include <stdlib.h>
#include <uv.h>

#include "base/clock.h"

struct deferred {
    loop_fn *fn;
    void *arg;
};

struct deferred_list {
    struct deferred *items;
    size_t n, cap;
};

/* The time of the turn: read by the first who asks after the loop slept. */
struct turn {
    bool known;
    int64_t now_ns;
};

struct loop_hook {
    struct loop_hook *next;
    loop_fn *fn; /* NULL: freed, unlinked at the end of the turn */
    void *arg;
};

struct loop {
    uv_loop_t uv;
    uv_prepare_t prepare;
    uv_idle_t idle; /* active: the loop does not sleep */
    struct loop_hook *hooks;
    struct deferred_list deferred;
    struct turn *turn;
    bool wake;
    bool stopped; /* in the last end_turn() of a run */
};

struct loop_poll {
    uv_poll_t uv;
    int mask; /* what libuv watches now */
    loop_poll_fn *fn;
    void *arg;
};

struct loop_timer {
    uv_timer_t uv;
    loop_fn *fn;
    void *arg;
};

struct loop_async {
    uv_async_t uv;
    loop_fn *fn;
    void *arg;
};

struct loop_signal {
    uv_signal_t uv;
    loop_signal_fn *fn;
    void *arg;
};

struct work {
    uv_work_t uv;
    loop_fn *work, *done;
    void *arg;
};

static void close_done(uv_handle_t *h)
{
    free(h->data);
}

static int fail(struct err *reterr, const char *what, int rc)
{
    return err_set(reterr, rc == UV_ENOMEM ? ERR_NOMEM : ERR_IO, "%s: %s", what, uv_strerror(rc));
}

/* ---- the turn ---- */

static void run_hooks(struct loop *l)
{
    for (struct loop_hook *h = l->hooks; h; h = h->next)
        if (h->fn)
            h->fn(h->arg);
}

static void sweep_hooks(struct loop *l)
{
    struct loop_hook **at = &l->hooks;
    while (*at) {
        struct loop_hook *h = *at;
        if (h->fn) {
            at = &h->next;
        } else {
            *at = h->next;
            free(h);
        }
    }
}

/* Those that the deferred calls defer are called as well. True when there were any. */
static bool run_deferred(struct loop *l)
{
    if (l->deferred.n == 0)
        return false;
    for (size_t i = 0; i < l->deferred.n; i++) {
        struct deferred d = l->deferred.items[i];
        d.fn(d.arg);
    }
    l->deferred.n = 0;
    return true;
}

enum { END_ROUNDS_MAX = 16 };

/* What a deferred call queued must leave in this turn too: the hooks run again after them. */
static void end_turn(struct loop *l)
{
    int rounds = 0;
    do {
        run_hooks(l);
        if (++rounds == END_ROUNDS_MAX) {
            l->wake = true;
            break;
        }
    } while (run_deferred(l));
    sweep_hooks(l);
}

static void on_idle(uv_idle_t *h)
{
    (void)h;
}

/* libuv calls this right before it sleeps, and asks only then for how long. */
static void on_prepare(uv_prepare_t *h)
{
    struct loop *l = h->loop->data;
    end_turn(l);
    if (l->wake)
        uv_idle_start(&l->idle, on_idle);
    else
        uv_idle_stop(&l->idle);
    l->wake = false;
    l->turn->known = false;
}

/* ---- the loop ---- */

static void loop_free_memory(struct loop *l)
{
    free(l->deferred.items);
    free(l->turn);
    free(l);
}

struct loop *loop_new(struct err *reterr)
{
    struct loop *l = calloc(1, sizeof(*l));
    if (l)
        l->turn = calloc(1, sizeof(*l->turn));
    if (!l || !l->turn) {
        free(l);
        err_nomem(reterr);
        return NULL;
    }
    int rc = uv_loop_init(&l->uv);
    if (rc) {
        fail(reterr, "event loop", rc);
        loop_free_memory(l);
        return NULL;
    }
    l->uv.data = l;
    uv_prepare_init(&l->uv, &l->prepare);
    uv_prepare_start(&l->prepare, on_prepare);
    uv_idle_init(&l->uv, &l->idle);
    return l;
}

static void close_leftover(uv_handle_t *h, void *arg)
{
    (void)arg;
    if (!uv_is_closing(h))
        uv_close(h, NULL);
}

void loop_free(struct loop *l)
{
    if (!l)
        return;
    run_deferred(l);
    uv_close((uv_handle_t *)&l->prepare, NULL);
    uv_close((uv_handle_t *)&l->idle, NULL);
    uv_walk(&l->uv, close_leftover, NULL);
    while (uv_loop_close(&l->uv) == UV_EBUSY)
        uv_run(&l->uv, UV_RUN_DEFAULT); /* returns early once where loop_stop() was called before */
    run_deferred(l);
    for (struct loop_hook *h = l->hooks; h; h = h->next)
        h->fn = NULL;
    sweep_hooks(l);
    loop_free_memory(l);
}

void loop_run(struct loop *l)
{
    uv_run(&l->uv, UV_RUN_DEFAULT);
    l->stopped = true;
    end_turn(l); /* of the turn that stopped it */
    l->stopped = false;
}

void loop_stop(struct loop *l)
{
    if (!l->stopped)
        uv_stop(&l->uv);
}

int64_t loop_now_ns(const struct loop *l)
{
    if (!l->turn->known) {
        l->turn->now_ns = clock_mono_ns();
        l->turn->known = true;
    }
    return l->turn->now_ns;
}

int64_t loop_now_ms(const struct loop *l)
{
    return loop_now_ns(l) / 1000000;
}

/* ---- polls ---- */

struct loop_poll *loop_poll_new(struct loop *l, int fd, loop_poll_fn *fn, void *arg, struct err *reterr)
{
    struct loop_poll *p = calloc(1, sizeof(*p));
    if (!p) {
        err_nomem(reterr);
        return NULL;
    }
    int rc = uv_poll_init(&l->uv, &p->uv, fd);
    if (rc) {
        free(p);
        fail(reterr, "watch a descriptor", rc);
        return NULL;
    }
    p->uv.data = p;
    p->fn = fn;
    p->arg = arg;
    return p;
}

static void on_poll(uv_poll_t *h, int status, int events)
{
    struct loop_poll *p = h->data;
    int got = 0;
    if (status < 0) { /* an error on the descriptor: libuv has stopped; the owner finds it by reading and writing */
        p->mask = 0;
        got = LOOP_READABLE | LOOP_WRITABLE;
    }
    if (events & UV_READABLE)
        got |= LOOP_READABLE;
    if (events & UV_WRITABLE)
        got |= LOOP_WRITABLE;
    p->fn(p->arg, got);
}

void loop_poll_set(struct loop_poll *p, int events)
{
    if (p->mask == events)
        return;
    p->mask = events;
    if (events == 0)
        uv_poll_stop(&p->uv);
    else
        uv_poll_start(&p->uv,
                      ((events & LOOP_READABLE) ? UV_READABLE : 0) | ((events & LOOP_WRITABLE) ? UV_WRITABLE : 0),
                      on_poll);
}

void loop_poll_free(struct loop_poll *p)
{
    if (p)
        uv_close((uv_handle_t *)&p->uv, close_done);
}

/* ---- timers ---- */

struct loop_timer *loop_timer_new(struct loop *l, loop_fn *fn, void *arg, struct err *reterr)
{
    struct loop_timer *t = calloc(1, sizeof(*t));
    if (!t) {
        err_nomem(reterr);
        return NULL;
    }
    uv_timer_init(&l->uv, &t->uv);
    t->uv.data = t;
    t->fn = fn;
    t->arg = arg;
    return t;
}

static void on_timer(uv_timer_t *h)
{
    struct loop_timer *t = h->data;
    t->fn(t->arg);
}

void loop_timer_start(struct loop_timer *t, int64_t after_ms)
{
    uv_update_time(t->uv.loop); /* counted from now, not from when the loop last woke */
    uv_timer_start(&t->uv, on_timer, after_ms > 0 ? (uint64_t)after_ms : 0, 0);
}

void loop_timer_stop(struct loop_timer *t)
{
    uv_timer_stop(&t->uv);
}

void loop_timer_free(struct loop_timer *t)
{
    if (t)
        uv_close((uv_handle_t *)&t->uv, close_done);
}

/* ---- wake-ups ---- */

static void on_async(uv_async_t *h)
{
    struct loop_async *a = h->data;
    a->fn(a->arg);
}

struct loop_async *loop_async_new(struct loop *l, loop_fn *fn, void *arg, struct err *reterr)
{
    struct loop_async *a = calloc(1, sizeof(*a));
    if (!a) {
        err_nomem(reterr);
        return NULL;
    }
    a->fn = fn;
    a->arg = arg;
    int rc = uv_async_init(&l->uv, &a->uv, on_async);
    if (rc) {
        free(a);
        fail(reterr, "wake-up", rc);
        return NULL;
    }
    a->uv.data = a;
    return a;
}

void loop_async_send(struct loop_async *a)
{
    uv_async_send(&a->uv);
}

void loop_async_free(struct loop_async *a)
{
    if (a)
        uv_close((uv_handle_t *)&a->uv, close_done);
}

/* ---- hooks ---- */

struct loop_hook *loop_hook_new(struct loop *l, loop_fn *fn, void *arg, struct err *reterr)
{
    struct loop_hook *h = calloc(1, sizeof(*h));
    if (!h) {
        err_nomem(reterr);
        return NULL;
    }
    h->fn = fn;
    h->arg = arg;
    struct loop_hook **at = &l->hooks; /* called in the order they were made */
    while (*at)
        at = &(*at)->next;
    *at = h;
    return h;
}

void loop_hook_free(struct loop_hook *h)
{
    if (h)
        h->fn = NULL;
}

void loop_wake(struct loop *l)
{
    l->wake = true;
}

/* ---- work ---- */

static void on_work(uv_work_t *req)
{
    struct work *w = req->data;
    w->work(w->arg);
}

static void on_work_done(uv_work_t *req, int status)
{
    (void)status; /* never cancelled here */
    struct work *w = req->data;
    w->done(w->arg);
    free(w);
}

int loop_work(struct loop *l, loop_fn *work, loop_fn *done, void *arg)
{
    struct work *w = calloc(1, sizeof(*w));
    if (!w)
        return -1;
    *w = (struct work){.work = work, .done = done, .arg = arg};
    w->uv.data = w;
    if (uv_queue_work(&l->uv, &w->uv, on_work, on_work_done)) {
        free(w);
        return -1;
    }
    return 0;
}

/* ---- signals ---- */

static void on_signal(uv_signal_t *h, int signum)
{
    struct loop_signal *s = h->data;
    s->fn(s->arg, signum);
}

struct loop_signal *loop_signal_new(struct loop *l, int signum, loop_signal_fn *fn, void *arg, struct err *reterr)
{
    struct loop_signal *s = calloc(1, sizeof(*s));
    if (!s) {
        err_nomem(reterr);
        return NULL;
    }
    uv_signal_init(&l->uv, &s->uv);
    s->uv.data = s;
    s->fn = fn;
    s->arg = arg;
    int rc = uv_signal_start(&s->uv, on_signal, signum);
    if (rc) {
        uv_close((uv_handle_t *)&s->uv, close_done);
        fail(reterr, "catch a signal", rc);
        return NULL;
    }
    return s;
}

void loop_signal_free(struct loop_signal *s)
{
    if (s)
        uv_close((uv_handle_t *)&s->uv, close_done);
}

/* ---- deferred calls ---- */

void loop_defer(struct loop *l, loop_fn *fn, void *arg)
{
    struct deferred_list *d = &l->deferred;
    if (d->n == d->cap) {
        size_t cap = d->cap ? 2 * d->cap : 64;
        struct deferred *items = realloc(d->items, cap * sizeof(*items));
        if (!items)
            abort(); /* what cannot be retired would be used after it ended */
        d->items = items;
        d->cap = cap;
    }
    d->items[d->n++] = (struct deferred){fn, arg};
}
