/* The loop: what runs when in a turn, and that nothing is freed under its own callback. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "io/loop.h"

struct seen {
    struct loop *loop;
    struct loop_hook *hook;
    struct loop_poll *poll;
    struct loop_timer *timer;
    struct loop_async *async;
    int pair[2];
    int polls, hooks, timers, asyncs, deferred, works, dones, signals;
    int hooks_when_deferred;
    int last_events;
    int64_t ns[3];
};

static void setup(struct seen *s)
{
    *s = (struct seen){.loop = loop_new(NULL)};
    cr_assert(ne(ptr, s->loop, NULL));
    cr_assert(zero(int, socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, s->pair)));
}

static void teardown(struct seen *s)
{
    loop_poll_free(s->poll);
    loop_timer_free(s->timer);
    loop_async_free(s->async);
    loop_hook_free(s->hook);
    loop_free(s->loop);
    close(s->pair[0]);
    close(s->pair[1]);
}

static void stop(void *arg)
{
    struct seen *s = arg;
    s->timers++;
    loop_stop(s->loop);
}

static void read_and_stop(void *arg, int events)
{
    struct seen *s = arg;
    char c;
    s->polls++;
    s->last_events = events;
    cr_expect(eq(long, (long)read(s->pair[0], &c, 1), 1L));
    loop_stop(s->loop);
}

Test(loop, a_poll_tells_what_its_descriptor_is_ready_for)
{
    struct seen s;
    setup(&s);
    s.poll = loop_poll_new(s.loop, s.pair[0], read_and_stop, &s, NULL);
    loop_poll_set(s.poll, LOOP_READABLE);
    loop_poll_set(s.poll, LOOP_READABLE);
    cr_assert(eq(long, (long)write(s.pair[1], "x", 1), 1L));
    loop_run(s.loop);
    cr_expect(eq(int, s.polls, 1));
    cr_expect(eq(int, s.last_events, LOOP_READABLE));
    teardown(&s);
}

Test(loop, a_poll_that_was_set_to_nothing_is_silent)
{
    struct seen s;
    setup(&s);
    s.poll = loop_poll_new(s.loop, s.pair[0], read_and_stop, &s, NULL);
    s.timer = loop_timer_new(s.loop, stop, &s, NULL);
    loop_poll_set(s.poll, LOOP_READABLE);
    loop_poll_set(s.poll, 0);
    cr_assert(eq(long, (long)write(s.pair[1], "x", 1), 1L));
    loop_timer_start(s.timer, 20);
    loop_run(s.loop);
    cr_expect(eq(int, s.polls, 0));
    loop_poll_set(s.poll, LOOP_READABLE);
    loop_run(s.loop);
    cr_expect(eq(int, s.polls, 1));
    teardown(&s);
}

static void free_poll_and_wait(void *arg, int events)
{
    struct seen *s = arg;
    (void)events;
    s->polls++;
    loop_poll_free(s->poll);
    s->poll = NULL;
    loop_timer_start(s->timer, 10);
}

Test(loop, a_poll_may_be_freed_inside_its_own_callback)
{
    struct seen s;
    setup(&s);
    s.poll = loop_poll_new(s.loop, s.pair[0], free_poll_and_wait, &s, NULL);
    s.timer = loop_timer_new(s.loop, stop, &s, NULL);
    loop_poll_set(s.poll, LOOP_WRITABLE);
    loop_run(s.loop);
    cr_expect(eq(int, s.polls, 1));
    teardown(&s);
}

static void count_hook(void *arg)
{
    struct seen *s = arg;
    s->hooks++;
}

static void note_deferred(void *arg)
{
    struct seen *s = arg;
    s->deferred++;
    s->hooks_when_deferred = s->hooks;
}

static void defer_in_poll(void *arg, int events)
{
    struct seen *s = arg;
    (void)events;
    if (s->polls++ == 0) {
        loop_defer(s->loop, note_deferred, s);
        s->hooks = 0; /* counts from here */
        loop_timer_start(s->timer, 10);
    }
    loop_poll_set(s->poll, 0);
}

Test(loop, hooks_run_after_io_and_again_after_what_was_deferred)
{
    struct seen s;
    setup(&s);
    s.hook = loop_hook_new(s.loop, count_hook, &s, NULL);
    s.poll = loop_poll_new(s.loop, s.pair[0], defer_in_poll, &s, NULL);
    s.timer = loop_timer_new(s.loop, stop, &s, NULL);
    loop_poll_set(s.poll, LOOP_WRITABLE);
    loop_run(s.loop);
    cr_expect(eq(int, s.deferred, 1));
    cr_expect(eq(int, s.hooks_when_deferred, 1), "the hook ran before the deferred call");
    cr_expect(ge(int, s.hooks, 2), "and after it, so that what it queued leaves in the same turn");
    teardown(&s);
}

static void free_hook(void *arg)
{
    struct seen *s = arg;
    s->hooks++;
    loop_hook_free(s->hook);
    s->hook = NULL;
}

Test(loop, a_hook_may_free_itself)
{
    struct seen s;
    setup(&s);
    s.hook = loop_hook_new(s.loop, free_hook, &s, NULL);
    s.timer = loop_timer_new(s.loop, stop, &s, NULL);
    loop_timer_start(s.timer, 10);
    loop_run(s.loop);
    cr_expect(eq(int, s.hooks, 1));
    teardown(&s);
}

static void wake_thrice(void *arg)
{
    struct seen *s = arg;
    if (++s->hooks < 4)
        loop_wake(s->loop);
    else
        loop_stop(s->loop);
}

Test(loop, a_woken_loop_does_not_sleep)
{
    struct seen s;
    setup(&s);
    s.hook = loop_hook_new(s.loop, wake_thrice, &s, NULL);
    loop_run(s.loop); /* would never come back: nothing else is there to wake it */
    cr_expect(ge(int, s.hooks, 4));
    teardown(&s);
}

static void *send_async(void *arg)
{
    struct seen *s = arg;
    loop_async_send(s->async);
    return NULL;
}

static void on_async(void *arg)
{
    struct seen *s = arg;
    s->asyncs++;
    loop_stop(s->loop);
}

Test(loop, another_thread_wakes_it)
{
    struct seen s;
    pthread_t t;
    setup(&s);
    s.async = loop_async_new(s.loop, on_async, &s, NULL);
    cr_assert(zero(int, pthread_create(&t, NULL, send_async, &s)));
    loop_run(s.loop);
    pthread_join(t, NULL);
    cr_expect(eq(int, s.asyncs, 1));
    teardown(&s);
}

static void work(void *arg)
{
    struct seen *s = arg;
    s->works++;
}

static void work_done(void *arg)
{
    struct seen *s = arg;
    s->dones++;
    loop_stop(s->loop);
}

Test(loop, work_runs_elsewhere_and_its_end_is_told_on_the_loop)
{
    struct seen s;
    setup(&s);
    cr_assert(zero(int, loop_work(s.loop, work, work_done, &s)));
    loop_run(s.loop);
    cr_expect(eq(int, s.works, 1));
    cr_expect(eq(int, s.dones, 1));
    teardown(&s);
}

static void on_signal(void *arg, int signum)
{
    struct seen *s = arg;
    s->signals = signum;
    loop_stop(s->loop);
}

Test(loop, a_signal_arrives_on_the_loop)
{
    struct seen s;
    setup(&s);
    struct loop_signal *sig = loop_signal_new(s.loop, SIGUSR1, on_signal, &s, NULL);
    raise(SIGUSR1);
    loop_run(s.loop);
    cr_expect(eq(int, s.signals, SIGUSR1));
    loop_signal_free(sig);
    teardown(&s);
}

static void read_clock(void *arg)
{
    struct seen *s = arg;
    if (s->timers == 0) {
        s->ns[0] = loop_now_ns(s->loop);
        usleep(2000);
        s->ns[1] = loop_now_ns(s->loop);
        loop_timer_start(s->timer, 1);
    } else {
        s->ns[2] = loop_now_ns(s->loop);
        loop_stop(s->loop);
    }
    s->timers++;
}

Test(loop, time_stands_still_within_a_turn)
{
    struct seen s;
    setup(&s);
    s.timer = loop_timer_new(s.loop, read_clock, &s, NULL);
    loop_timer_start(s.timer, 0);
    loop_run(s.loop);
    cr_expect(eq(i64, s.ns[0], s.ns[1]));
    cr_expect(lt(i64, s.ns[1], s.ns[2]));
    teardown(&s);
}

Test(loop, a_stopped_timer_does_not_fire)
{
    struct seen s;
    setup(&s);
    struct loop_timer *other = loop_timer_new(s.loop, note_deferred, &s, NULL);
    s.timer = loop_timer_new(s.loop, stop, &s, NULL);
    loop_timer_start(other, 5);
    loop_timer_stop(other);
    loop_timer_start(s.timer, 20);
    loop_run(s.loop);
    cr_expect(eq(int, s.deferred, 0));
    loop_timer_free(other);
    teardown(&s);
}
