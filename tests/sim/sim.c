/* sim.c - see sim.h: time, chance, memory, trace. */
#include "sim.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "proc_name.h"

/* ---- memory ---- */

enum { BLOCK_BYTES = 1 << 20 };

struct sim_block {
    struct sim_block *next;
    size_t used, size;
    _Alignas(16) char data[];
};

static struct sim_block *block_new(struct sim *s, size_t size)
{
    if (size < BLOCK_BYTES)
        size = BLOCK_BYTES;
    struct sim_block *b = malloc(sizeof(*b) + size);
    if (!b)
        abort();
    *b = (struct sim_block){.next = s->blocks, .size = size};
    s->blocks = b;
    return b;
}

void *sim_alloc(struct sim *s, size_t size)
{
    size = (size + 15) & ~(size_t)15;
    struct sim_block *b = s->blocks;
    if (!b || b->size - b->used < size)
        b = block_new(s, size);
    void *p = b->data + b->used;
    b->used += size;
    return memset(p, 0, size);
}

char *sim_copy(struct sim *s, const void *data, size_t len)
{
    if (!data)
        return NULL;
    char *p = sim_alloc(s, len + 1);
    if (len > 0)
        memcpy(p, data, len);
    return p;
}

/* ---- chance: xorshift64* ---- */

uint64_t sim_random(struct sim *s)
{
    uint64_t x = s->random;
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    s->random = x;
    return x * UINT64_C(0x2545f4914f6cdd1d);
}

uint64_t sim_pick(const struct sim *s, uint64_t what)
{
    uint64_t x = (s->seed + 1) * UINT64_C(0x9e3779b97f4a7c15) + what * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

int64_t sim_range(struct sim *s, int64_t low, int64_t high)
{
    return low + (int64_t)((sim_random(s) >> 11) % (uint64_t)(high - low + 1));
}

bool sim_chance(struct sim *s, unsigned per_mille)
{
    return sim_range(s, 0, 999) < per_mille;
}

bool sim_fault(struct sim *s, enum trouble f, unsigned per_mille)
{
    return s->cfg.on[f] && !s->healed && sim_chance(s, per_mille);
}

int64_t sim_latency(struct sim *s)
{
    int64_t us = s->cfg.net_us;
    return sim_range(s, us / 2, 2 * us) * SIM_US;
}

/* ---- what will happen: a heap by time, then by order of birth ---- */

static bool earlier(const struct sim_event *a, const struct sim_event *b)
{
    return a->at != b->at ? a->at < b->at : a->seq < b->seq;
}

static void sift_up(struct sim *s, size_t i, struct sim_event e)
{
    for (; i > 0 && earlier(&e, &s->queue[(i - 1) / 2]); i = (i - 1) / 2)
        s->queue[i] = s->queue[(i - 1) / 2];
    s->queue[i] = e;
}

static void sift_down(struct sim *s, size_t i, struct sim_event e)
{
    for (size_t child; (child = 2 * i + 1) < s->queued; i = child) {
        if (child + 1 < s->queued && earlier(&s->queue[child + 1], &s->queue[child]))
            child++;
        if (!earlier(&s->queue[child], &e))
            break;
        s->queue[i] = s->queue[child];
    }
    s->queue[i] = e;
}

void sim_after(struct sim *s, int64_t after, void (*fn)(struct sim *s, void *arg), void *arg)
{
    if (s->queued == s->queue_cap) {
        s->queue_cap = s->queue_cap ? 2 * s->queue_cap : 1024;
        s->queue = realloc(s->queue, s->queue_cap * sizeof(*s->queue));
        if (!s->queue)
            abort();
    }
    struct sim_event e = {s->now + (after > 0 ? after : 0), s->next_seq++, fn, arg};
    sift_up(s, s->queued++, e);
}

bool sim_step(struct sim *s)
{
    if (s->queued == 0 || s->failure[0])
        return false;
    struct sim_event e = s->queue[0];
    struct sim_event last = s->queue[--s->queued];
    if (s->queued > 0)
        sift_down(s, 0, last);
    s->now = e.at;
    s->steps++;
    e.fn(s, e.arg);
    return true;
}

/* ---- trace and findings ---- */

static void mix(struct sim *s, uint64_t v)
{
    s->hash = (s->hash ^ v) * UINT64_C(0x100000001b3);
    s->hash ^= s->hash >> 29;
}

static void mix_text(struct sim *s, const char *text)
{
    for (; *text; text++)
        s->hash = (s->hash ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
}

static void print_step(struct sim *s, const struct proc *p, const char *what, const char *text, int64_t a, int64_t b)
{
    char name[40] = "world";
    if (p)
        proc_name(p, name, sizeof(name));
    fprintf(s->out, "%12.6f  %-8s %-22s %s", (double)s->now / 1e9, name, what, text);
    if (a >= 0)
        fprintf(s->out, " %lld", (long long)a);
    if (b >= 0)
        fprintf(s->out, " %lld", (long long)b);
    fputc('\n', s->out);
}

void sim_note(struct sim *s, const struct proc *p, const char *what, const char *text, int64_t a, int64_t b)
{
    mix(s, (uint64_t)s->now);
    mix_text(s, what);
    mix_text(s, text);
    mix(s, (uint64_t)a);
    mix(s, (uint64_t)b);
    if (s->tracing)
        print_step(s, p, what, text, a, b);
}

void sim_mark(struct sim *s, enum mark m)
{
    s->marks[m]++;
}

void sim_broken(struct sim *s, const char *fmt, ...)
{
    if (s->failure[0])
        return;
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(s->failure, sizeof(s->failure), fmt, ap);
    va_end(ap);
    sim_note(s, s->current, "BROKEN", s->failure, -1, -1);
}

/* ---- life ---- */

/* splitmix64: neighbours among seeds are worlds apart. */
static uint64_t spread(uint64_t x)
{
    x += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

void sim_init(struct sim *s, struct sim_env *env, uint64_t seed)
{
    struct sim_event *queue = s->queue;
    size_t cap = s->queue_cap;
    struct sim_block *blocks = s->blocks;
    *s = (struct sim){.env = env, .seed = seed, .queue = queue, .queue_cap = cap, .blocks = blocks, .out = stdout};
    s->random = spread(seed) | 1;
    s->hash = UINT64_C(0xcbf29ce484222325);
    sim_clock_use(s);
}

void sim_fini(struct sim *s)
{
    while (s->blocks && s->blocks->next) {
        struct sim_block *b = s->blocks;
        s->blocks = b->next;
        free(b);
    }
    if (s->blocks)
        s->blocks->used = 0;
    s->queued = 0;
}

void sim_free(struct sim *s)
{
    while (s->blocks) {
        struct sim_block *b = s->blocks;
        s->blocks = b->next;
        free(b);
    }
    free(s->queue);
    s->queue = NULL;
}
