/* sim_link.c - io/redis_link.h over the simulated Redis: the real io/redis.c, redis_claim.c and redis_scripts.c run above
 * it. Commands gather and leave once a turn; answers come in order; a broken connection loses what was on its way, in
 * either direction. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "io/redis_private.h"
#include "oracle.h"
#include "rserver.h"

enum { ARGS_MAX = 96, KEPT_MAX = 4096 };

struct command {
    struct command *next;
    struct redis_link *link;
    enum script_id script; /* SCRIPT_COUNT: none */
    struct rtext *args;
    size_t n;
    redis_link_reply_fn *fn;
    void *arg;
    int64_t deadline_ms;
    const struct reply *reply;
};

struct list {
    struct command *first, *last;
};

struct redis_link {
    struct redis_link *next; /* rserver.links */
    struct proc *p;
    struct rserver *server;
    struct loop *loop;
    struct redis_link_handlers handlers;
    struct loop_timer *timer;
    struct loop_hook *hook;
    int64_t timeout_ms, armed_ms;
    bool connected, dead, freed;
    bool cut;                /* the connection is no more; the client has not heard of it yet */
    bool lost;               /* nothing comes to the server any more */
    char why[128];
    struct list gathered;    /* to be written at the end of the turn */
    struct list under_way;   /* written, not answered */
    struct command *building;
    int64_t sent_until, answered_until; /* what comes later on the wire arrives later */
};

/* Some commands with one way over the wire. */
struct packet {
    struct redis_link *link;
    struct command **items;
    size_t n;
};

static void list_add(struct list *l, struct command *c)
{
    c->next = NULL;
    *(l->last ? &l->last->next : &l->first) = c;
    l->last = c;
}

static struct command *list_take(struct list *l)
{
    struct command *c = l->first;
    if (c) {
        l->first = c->next;
        if (!l->first)
            l->last = NULL;
    }
    return c;
}

struct redis_link *redis_link_next(struct redis_link *k)
{
    return k->next;
}

static void set_why(struct redis_link *k, const char *why)
{
    if (!k->why[0])
        snprintf(k->why, sizeof(k->why), "%s", why);
}

void redis_link_fail(struct redis_link *k, const char *why)
{
    set_why(k, why);
}

/* ---- the end ---- */

static void on_heard(void *arg)
{
    struct redis_link *k = arg;
    if (!k->dead)
        set_why(k, "connection reset");
}

void redis_link_cut(struct redis_link *k, const char *why)
{
    if (k->cut || k->dead)
        return;
    k->cut = true;
    sim_note(k->p->sim, k->p, "redis connection cut", why, -1, -1);
    proc_post_after(k->p, rserver_latency(k->server), on_heard, k);
}

static void unlink_link(struct redis_link *k)
{
    for (struct redis_link **at = &k->server->links; *at; at = &(*at)->next) {
        if (*at == k) {
            *at = k->next;
            return;
        }
    }
}

static void die(struct redis_link *k)
{
    struct command *c;
    k->dead = true;
    k->cut = true;
    k->handlers.broken(k->handlers.owner);
    while (!k->freed && (c = list_take(&k->under_way)))
        c->fn(k->handlers.owner, c->arg, NULL);
    while (!k->freed && (c = list_take(&k->gathered)))
        c->fn(k->handlers.owner, c->arg, NULL);
    if (!k->freed)
        k->handlers.down(k->handlers.owner, k->why);
}

void redis_link_free(struct redis_link *k)
{
    if (!k || k->freed)
        return;
    k->freed = k->dead = k->cut = true;
    unlink_link(k);
    loop_timer_free(k->timer);
    loop_hook_free(k->hook);
}

/* ---- answers ---- */

/* EVALSHA, digest, number of keys, birth, slots, mark, worker, has, wants, max */
static void mark_slots(const struct command *c)
{
    const struct reply *a = c->reply;
    struct sim *s = c->link->p->sim;
    if (a->type != REPLY_ARRAY)
        return;
    if (a->items[0].integer < atoi(c->args[7].data) + atoi(c->args[8].data))
        sim_mark(s, MARK_LEASE_REFUSED);
    if (a->items[1].integer > 0)
        sim_mark(s, MARK_LEASE_WANTED);
}

static void tell_oracle(const struct command *c)
{
    struct proc *p = c->link->p;
    enum script_id id = c->script;
    const struct reply *a = c->reply;
    if (id == SCRIPT_COUNT)
        return;
    /* EVALSHA, digest, number of keys, birth, event, ... */
    const char *event = c->args[4].data;
    if (id == SCRIPT_CLAIM)
        oracle_claim(p->sim, p, event, a->type == REPLY_ARRAY && a->n > 0 ? (int)a->items[0].integer : -1,
                     a->type == REPLY_ARRAY && a->n > 3 ? a->items[3].len : 0);
    else if (id == SCRIPT_SLOTS)
        mark_slots(c);
    else
        oracle_script(p->sim, p, event, (int)id, a->type == REPLY_INTEGER ? (int)a->integer : -1);
}

static void on_answers(void *arg)
{
    struct packet *q = arg;
    struct redis_link *k = q->link;
    if (k->cut)
        return; /* lost with the connection */
    for (size_t i = 0; i < q->n && !k->dead && !k->why[0] && k->p->alive; i++) {
        struct command *c = list_take(&k->under_way);
        if (c != q->items[i]) {
            sim_broken(k->p->sim, "the simulated Redis answers out of order");
            return;
        }
        tell_oracle(c);
        c->fn(k->handlers.owner, c->arg, c->reply);
    }
}

/* ---- at the server ---- */

static int64_t in_order(struct sim *s, int64_t *until, int64_t latency)
{
    int64_t at = s->now + latency;
    if (at < *until)
        at = *until;
    *until = at;
    return at - s->now;
}

static void on_packet(struct sim *s, void *arg)
{
    struct packet *q = arg;
    struct redis_link *k = q->link;
    struct rserver *r = k->server;
    /* What was written before the end of a process or of a connection may have come, or not: the first of it. */
    bool broken = k->cut;
    if (r->away || (broken && sim_chance(s, 500)))
        k->cut = k->lost = true;
    if (k->lost)
        return;
    size_t done = 0;
    bool cut = sim_fault(s, FAULT_REDIS_CUT, s->cfg.wire_bad);
    size_t cut_at = cut ? (size_t)sim_range(s, 0, (int64_t)q->n) : q->n;
    for (; done < q->n && done < cut_at; done++) {
        struct command *c = q->items[done];
        bool is_script = c->script != SCRIPT_COUNT;
        c->reply = rserver_command(r, is_script ? r->scripts[c->script] : NULL, c->args, c->n);
        oracle_redis_did(s, k->p, is_script ? (int)c->script : -1, c->n > 4 ? c->args[4].data : c->args[0].data, c->reply);
    }
    if (cut)
        redis_link_cut(k, "in the middle");
    else if (!broken)
        proc_post_after(k->p, in_order(s, &k->answered_until, rserver_latency(r)), on_answers, q);
}

/* ---- writing ---- */

static void write_all(struct redis_link *k)
{
    size_t n = 0;
    for (const struct command *c = k->gathered.first; c; c = c->next)
        n++;
    if (n == 0)
        return;
    struct sim *s = k->p->sim;
    struct packet *q = sim_alloc(s, sizeof(*q));
    *q = (struct packet){.link = k, .items = sim_alloc(s, n * sizeof(struct command *))};
    struct command *c;
    while ((c = list_take(&k->gathered))) {
        q->items[q->n++] = c;
        list_add(&k->under_way, c);
    }
    if (!k->cut)
        sim_after(s, in_order(s, &k->sent_until, rserver_latency(k->server)), on_packet, q);
}

static void arm(struct redis_link *k)
{
    if (k->armed_ms >= 0 || !k->under_way.first)
        return;
    k->armed_ms = k->under_way.first->deadline_ms;
    loop_timer_start(k->timer, k->armed_ms - loop_now_ms(k->loop) + 1);
}

static void on_hook(void *arg)
{
    struct redis_link *k = arg;
    if (k->dead)
        return;
    if (!k->why[0] && k->connected)
        write_all(k);
    if (k->why[0])
        die(k);
    else
        arm(k);
}

static void on_timer(void *arg)
{
    struct redis_link *k = arg;
    k->armed_ms = -1;
    if (!k->connected)
        set_why(k, "no connection in time");
    else if (k->under_way.first && k->under_way.first->deadline_ms <= loop_now_ms(k->loop))
        set_why(k, "no answer in time");
}

/* ---- commands ---- */

void redis_link_begin(struct redis_link *k, size_t args)
{
    struct sim *s = k->p->sim;
    k->building = sim_alloc(s, sizeof(*k->building));
    *k->building = (struct command){.link = k, .script = SCRIPT_COUNT, .args = sim_alloc(s, args * sizeof(struct rtext))};
}

void redis_link_arg(struct redis_link *k, const char *data, size_t len)
{
    struct command *c = k->building;
    c->args[c->n++] = (struct rtext){sim_copy(k->p->sim, data ? data : "", len), len};
}

void redis_link_str(struct redis_link *k, const char *s)
{
    redis_link_arg(k, s, strlen(s));
}

void redis_link_int(struct redis_link *k, int64_t v)
{
    char text[24];
    snprintf(text, sizeof(text), "%lld", (long long)v);
    redis_link_str(k, text);
}

void redis_link_cat(struct redis_link *k, ...)
{
    char text[1024];
    size_t len = 0;
    va_list ap;
    va_start(ap, k);
    for (const char *s; (s = va_arg(ap, const char *));) {
        size_t n = strlen(s);
        if (len + n < sizeof(text))
            memcpy(text + len, s, n);
        len += n;
    }
    va_end(ap);
    if (len >= sizeof(text))
        sim_broken(k->p->sim, "a key of %zu bytes", len);
    else
        redis_link_arg(k, text, len);
}

void redis_link_begin_script(struct redis_link *k, const struct redis_script *script, size_t args)
{
    redis_link_begin(k, args + 2);
    redis_link_str(k, "EVALSHA");
    redis_link_str(k, "");
    /* A copy, since the commands of a process that died may still come; all workers have the same. */
    const struct redis *r = k->handlers.owner;
    enum script_id id = (enum script_id)(script - r->scripts);
    if (!k->server->scripts[id])
        k->server->scripts[id] = sim_copy(k->p->sim, script->text, strlen(script->text));
    k->building->script = id;
}

int redis_link_end(struct redis_link *k, redis_link_reply_fn *fn, void *arg)
{
    struct command *c = k->building;
    c->fn = fn;
    c->arg = arg;
    c->deadline_ms = loop_now_ms(k->loop) + k->timeout_ms;
    list_add(&k->gathered, c);
    if (c->script != SCRIPT_COUNT && k->p->alive)
        oracle_script_sent(k->p->sim, k->p, c->args[4].data, (int)c->script);
    return 0;
}

/* ---- birth ---- */

static void on_connect(void *arg)
{
    struct redis_link *k = arg;
    if (k->dead || k->why[0])
        return;
    if (k->server->away) {
        set_why(k, "connection refused");
        return;
    }
    k->connected = true;
    k->handlers.connected(k->handlers.owner);
}

struct redis_link *redis_link_new(struct loop *l, const struct redis_link_address *a, int64_t timeout_ms,
                                  const struct redis_link_handlers *h, struct err *reterr)
{
    (void)a;
    struct proc *p = sim_current_proc();
    struct redis_link *k = sim_alloc(p->sim, sizeof(*k));
    *k = (struct redis_link){.p = p, .server = p->sim->redis, .loop = l, .handlers = *h, .timeout_ms = timeout_ms, .armed_ms = -1};
    k->hook = loop_hook_new(l, on_hook, k, reterr);
    k->timer = loop_timer_new(l, on_timer, k, reterr);
    k->next = k->server->links;
    k->server->links = k;
    k->armed_ms = loop_now_ms(l) + timeout_ms;
    loop_timer_start(k->timer, timeout_ms);
    if (!k->server->away || sim_chance(p->sim, 500)) /* else nobody answers at all */
        proc_post_after(p, 2 * rserver_latency(k->server), on_connect, k);
    return k;
}
