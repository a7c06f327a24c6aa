/* loop.h - one thread's event loop (libuv) and what the other io files hang on it.
 *
 * Everything on a loop runs on the thread that runs it, loop_async_send() aside. Callbacks never free what
 * called them: retire it (loop_defer) and the loop reaps it at the end of the turn. */
#ifndef TVB_IO_LOOP_H
#define TVB_IO_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct loop;
struct loop_poll;
struct loop_timer;
struct loop_async;
struct loop_hook;

struct loop *loop_new(struct err *reterr);
/* Closes what is still open on it. Every poll, timer, async and hook must have been freed first. */
void loop_free(struct loop *l);
/* Runs until loop_stop(). */
void loop_run(struct loop *l);
void loop_stop(struct loop *l);
/* Monotonic time of this turn: read once a turn. */
int64_t loop_now_ns(const struct loop *l);
int64_t loop_now_ms(const struct loop *l);

/* ---- a file descriptor: one poll handle a descriptor ---- */
enum { LOOP_READABLE = 1, LOOP_WRITABLE = 2 };
typedef void loop_poll_fn(void *arg, int events);
struct loop_poll *loop_poll_new(struct loop *l, int fd, loop_poll_fn *fn, void *arg, struct err *reterr);
void loop_poll_set(struct loop_poll *p, int events); /* 0: nothing; no system call when unchanged */
void loop_poll_free(struct loop_poll *p);            /* NULL is fine; before the descriptor is closed */

/* ---- one-shot timer ---- */
typedef void loop_fn(void *arg);
struct loop_timer *loop_timer_new(struct loop *l, loop_fn *fn, void *arg, struct err *reterr);
void loop_timer_start(struct loop_timer *t, int64_t after_ms); /* again: moves it */
void loop_timer_stop(struct loop_timer *t);
void loop_timer_free(struct loop_timer *t); /* NULL is fine */

/* ---- a wake-up from another thread ---- */
struct loop_async *loop_async_new(struct loop *l, loop_fn *fn, void *arg, struct err *reterr);
void loop_async_send(struct loop_async *a); /* any thread, signal handlers too */
void loop_async_free(struct loop_async *a);

/* ---- once a turn, after I/O and before the loop sleeps: write what has gathered ---- */
struct loop_hook *loop_hook_new(struct loop *l, loop_fn *fn, void *arg, struct err *reterr);
void loop_hook_free(struct loop_hook *h);
/* This turn must not sleep: some hook left work for the next one. */
void loop_wake(struct loop *l);

/* ---- work in libuv's thread pool (for the few calls that block) ---- */
/* @work runs on another thread, then @done on the loop. -1 when it cannot be queued. */
int loop_work(struct loop *l, loop_fn *work, loop_fn *done, void *arg);

/* ---- signals: main thread's loop only ---- */
typedef void loop_signal_fn(void *arg, int signum);
struct loop_signal;
struct loop_signal *loop_signal_new(struct loop *l, int signum, loop_signal_fn *fn, void *arg, struct err *reterr);
void loop_signal_free(struct loop_signal *s);

/* Calls @fn(@arg) at the end of this turn: the way to free an object from inside its own callback. */
void loop_defer(struct loop *l, loop_fn *fn, void *arg);

#endif
