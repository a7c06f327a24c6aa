/* What Redis answers, from the socket to the callbacks. The first byte of the input says what else is right:
 *   'c'  the greeting is answered as Redis would; then claim, decide, step, release, slots and renew are asked, and the rest of
 *        the input is what comes back
 *   else the rest of the input is all that ever comes, from the connect on
 * The second byte says where the bytes are cut in two. */
#include "fuzz.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/buf.h"
#include "io/loop.h"
#include "io/redis.h"

enum { CLAIMS = 3, OTHERS = 5, SLOTS_HAD = 1, SLOTS_WANTED = 2 };

static const char good_info[] = "# Server\r\nredis_mode:standalone\r\nrun_id:0123456789abcdef0123456789abcdef01234567\r\n"
                                "role:master\r\nloading:0\r\nmaxmemory_policy:noeviction\r\n"
                                "master_replid:76543210fedcba9876543210fedcba9876543210\r\ncluster_enabled:0\r\n";
static const char good_config[] = "*4\r\n$4\r\nsave\r\n$0\r\n\r\n$10\r\nappendonly\r\n$3\r\nyes\r\n";
static const char good_mark[] = "00112233445566778899aabbccddeeff";

struct place {
    struct loop *loop;
    struct redis *redis;
    struct loop_poll *door, *line;
    int fd;            /* the accepted connection; -1: none */
    struct buf heard;  /* commands that are not answered yet */
    struct fuzz_text answers;
    size_t cut;        /* bytes of the first write */
    bool greets;       /* the greeting is answered as it should be */
    bool greeted, answered, ended;
    unsigned claims, dones, asked_claims, asked_others;
    bool asked;
    struct redis_slots slots;
};

static int listener(void)
{
    static int fd = -1;
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    if (fd >= 0)
        return fd;
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    snprintf(a.sun_path, sizeof(a.sun_path), "%s", fuzz_path("redis.sock"));
    fuzz_check(fd >= 0 && bind(fd, (struct sockaddr *)&a, sizeof(a)) == 0 && listen(fd, 8) == 0, "no socket");
    return fd;
}

/* --- the server's side --- */

static void say(struct place *p, const char *data, size_t n)
{
    while (n > 0) {
        ssize_t sent = send(p->fd, data, n, MSG_NOSIGNAL);
        if (sent < 0 && errno == EAGAIN)
            continue; /* never: inputs are far below the socket's room */
        if (sent <= 0)
            return;
        data += sent;
        n -= (size_t)sent;
    }
}

static void say_bulk(struct place *p, const char *text)
{
    char head[32];
    size_t n = strlen(text);
    say(p, head, (size_t)snprintf(head, sizeof(head), "$%zu\r\n", n));
    say(p, text, n);
    say(p, "\r\n", 2);
}

static void answer_greeting(struct place *p, const char *name)
{
    if (strcmp(name, "INFO") == 0)
        say_bulk(p, good_info);
    else if (strcmp(name, "CONFIG") == 0)
        say(p, good_config, strlen(good_config));
    else if (strcmp(name, "SCRIPT") == 0)
        say_bulk(p, "0123456789abcdef0123456789abcdef01234567");
    else if (strcmp(name, "GET") == 0)
        say_bulk(p, good_mark);
    else
        say(p, "+OK\r\n", 5);
}

/* Takes a whole command off the front of what was heard; its first word. False: not all of it is here. */
static bool take_command(struct place *p, char *ret_name, size_t size)
{
    const char *at = buf_cstr(&p->heard), *end = at + p->heard.len;
    char *next;
    long args = *at == '*' ? strtol(at + 1, &next, 10) : -1;
    if (args < 1 || end - next < 2)
        return false;
    next += 2;
    for (long i = 0; i < args; i++) {
        long n = next < end && *next == '$' ? strtol(next + 1, &next, 10) : -1;
        if (n < 0 || end - next < n + 4)
            return false;
        if (i == 0)
            snprintf(ret_name, size, "%.*s", (int)n, next + 2);
        next += 2 + n + 2;
    }
    size_t used = (size_t)(next - p->heard.data);
    memmove(p->heard.data, next, p->heard.len - used);
    buf_truncate(&p->heard, p->heard.len - used);
    return true;
}

static void hear(struct place *p)
{
    char bytes[16384];
    ssize_t n;
    while ((n = read(p->fd, bytes, sizeof(bytes))) > 0)
        buf_add(&p->heard, bytes, (size_t)n);
}

static void give_answers(struct place *p)
{
    size_t first = p->cut < p->answers.len ? p->cut : p->answers.len;
    if (!p->answered) {
        say(p, p->answers.data, first);
        p->answered = true;
        loop_poll_set(p->line, LOOP_WRITABLE); /* the second half in a turn of its own */
        return;
    }
    say(p, p->answers.data + first, p->answers.len - first);
    loop_poll_set(p->line, LOOP_READABLE);
    shutdown(p->fd, SHUT_WR);
    p->ended = true;
}

static void on_line(void *arg, int events)
{
    struct place *p = arg;
    char name[32];
    if (events & LOOP_READABLE)
        hear(p);
    if (p->greets && !p->greeted) {
        while (take_command(p, name, sizeof(name)))
            answer_greeting(p, name);
        return;
    }
    if (!p->ended)
        give_answers(p);
}

static void on_door(void *arg, int events)
{
    struct place *p = arg;
    struct err err;
    (void)events;
    int fd = accept4(listener(), NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0 || p->fd >= 0) {
        if (fd >= 0)
            close(fd);
        return;
    }
    p->fd = fd;
    p->line = loop_poll_new(p->loop, fd, on_line, p, &err);
    loop_poll_set(p->line, LOOP_READABLE);
}

/* --- the worker's side --- */

static bool is_fence(const char *s)
{
    return s[0] != '\0' && strlen(s) < 24 && strspn(s, "0123456789") == strlen(s);
}

static void on_claim(void *arg, const struct claim_reply *a)
{
    struct place *p = arg;
    p->claims++;
    fuzz_check(a->fence != NULL && a->record != NULL && a->outcome != NULL && a->steps != NULL && a->error != NULL,
               "half a reply");
    fuzz_check(a->record_len == 0 || a->record[a->record_len] == '\0', "a record without its end");
    if (a->state == CLAIM_FRESH || a->state == CLAIM_DOUBT)
        fuzz_check(is_fence(a->fence), "a claim under the fence \"%s\"", a->fence);
    if (a->state == CLAIM_BUSY || a->state == CLAIM_PAUSED)
        fuzz_check(a->wait_ms >= 0, "a wait of %lld ms", (long long)a->wait_ms);
}

static void on_done(void *arg, enum redis_result res)
{
    struct place *p = arg;
    fuzz_check(res == REDIS_OK || res == REDIS_FENCED || res == REDIS_LOST || res == REDIS_FAILED, "no result");
    p->dones++;
}

static void on_slots(void *arg, enum redis_result res, unsigned has, unsigned others)
{
    fuzz_check(has <= SLOTS_HAD + SLOTS_WANTED, "%u of %d leases", has, SLOTS_HAD + SLOTS_WANTED);
    fuzz_check(res == REDIS_OK || (has == 0 && others == 0), "leases without an answer");
    on_done(arg, res);
}

static void ask(struct place *p)
{
    static const char block[1][72] = {"block"};
    const struct claim_request c = {.service = "s1", .event_key = "k", .event_id = "e", .fingerprint = "f",
                                    .order = "000000-000000000000000001-000000", .axes = block, .axis_count = 1};
    const struct decide_request d = {.service = "s1", .event_key = "k", .event_id = "e", .fence = "17", .outcome = "{}",
                                     .outcome_len = 2, .record = "{}", .record_len = 2, .order = c.order, .axes = block,
                                     .axis_count = 1};
    for (int i = 0; i < CLAIMS; i++)
        p->asked_claims += redis_claim(p->redis, &c, on_claim, p) == 0;
    p->asked_others += redis_decide(p->redis, &d, on_done, p) == 0;
    p->asked_others += redis_step(p->redis, "s1", "k", "17", "{}", 2, on_done, p) == 0;
    p->asked_others += redis_release(p->redis, "s1", "k", "17", on_done, p) == 0;
    p->slots = (struct redis_slots){.worker = "w", .has = SLOTS_HAD, .wants = SLOTS_WANTED, .max = 3, .end = on_slots, .arg = p};
    p->asked_others += redis_slots(p->redis, &p->slots) == 0;
    p->asked_others += redis_renew(p->redis, "s1", "k", "17", on_done, p) == 0;
}

static void on_redis(void *arg, enum redis_event ev, const char *why)
{
    struct place *p = arg;
    fuzz_check(why != NULL, "an event without a text");
    switch (ev) {
    case REDIS_UP:
        p->greeted = true;
        fuzz_check(redis_is_up(p->redis) && redis_identity(p->redis)[0] != '\0', "up, and not up");
        fuzz_check(strpbrk(redis_identity(p->redis), ";=\r\n") == NULL && fuzz_is_text(redis_identity(p->redis)),
                   "an identity that no commit could bear: %s", redis_identity(p->redis));
        if (!p->asked)
            ask(p);
        p->asked = true;
        return;
    case REDIS_DOWN:
        fuzz_check(!redis_is_up(p->redis) && why[0] != '\0', "down, and not down");
        loop_stop(p->loop);
        return;
    case REDIS_FORGOT:
    case REDIS_WARNING:
        return;
    }
}

static void finish(struct place *p)
{
    redis_free(p->redis);
    loop_poll_free(p->door);
    loop_poll_free(p->line);
    if (p->fd >= 0)
        close(p->fd);
    loop_free(p->loop);
    buf_fini(&p->heard);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err = {0};
    if (size < 2 || size > 32 * 1024)
        return -1;
    int door = listener(); /* before fuzz_path(), whose text lives only until the next one */
    struct redis_options o = {.unix_path = fuzz_path("redis.sock"), .timeout_ms = 20000, .prefix = "t:", .provider = "p",
                              .owner = "w-1", .lease_ms = 20000, .id_memory_ms = 600000};
    struct place p = {.loop = loop_new(&err), .fd = -1, .greets = data[0] == 'c', .cut = data[1]};
    p.answers = fuzz_input(data + 2, size - 2);
    buf_init(&p.heard, 1 << 24);
    p.door = loop_poll_new(p.loop, door, on_door, &p, &err);
    loop_poll_set(p.door, LOOP_READABLE);
    p.redis = redis_new(p.loop, &o, on_redis, &p, &err);
    fuzz_check(p.redis != NULL && p.door != NULL, "%s", err.msg);
    loop_run(p.loop);
    fuzz_check(p.claims == p.asked_claims && p.dones == p.asked_others, "%u of %u claims and %u of %u others were answered",
               p.claims, p.asked_claims, p.dones, p.asked_others);
    finish(&p);
    return 0;
}
