#include "core/offsets.h"

#include <stdlib.h>
#include <string.h>

struct offsets {
    int64_t base;   /* the watermark */
    int64_t next;   /* one above the newest opened */
    size_t mask;    /* ring size - 1; the ring holds offsets [base, base + size) */
    size_t window;
    size_t open_count;
    uint64_t *open; /* bit: opened and not settled */
    uint64_t *done; /* bit: done by an earlier owner, not seen yet */
};

/* The ring starts small and grows with the span that is really used. */
#define RING_START 1024

struct offsets *offsets_new(int64_t watermark, size_t window)
{
    struct offsets *o = calloc(1, sizeof(*o));
    if (o == NULL)
        return NULL;
    o->base = o->next = watermark;
    o->window = window;
    o->mask = RING_START - 1;
    o->open = calloc(RING_START / 64, sizeof(*o->open));
    o->done = calloc(RING_START / 64, sizeof(*o->done));
    if (o->open != NULL && o->done != NULL)
        return o;
    offsets_free(o);
    return NULL;
}

void offsets_free(struct offsets *o)
{
    if (o == NULL)
        return;
    free(o->open);
    free(o->done);
    free(o);
}

static bool bit_get(const struct offsets *o, const uint64_t *bits, int64_t offset)
{
    size_t i = (size_t)offset & o->mask;
    return bits[i / 64] >> (i % 64) & 1;
}

static void bit_set(struct offsets *o, uint64_t *bits, int64_t offset, bool on)
{
    size_t i = (size_t)offset & o->mask;
    uint64_t bit = UINT64_C(1) << (i % 64);
    bits[i / 64] = on ? bits[i / 64] | bit : bits[i / 64] & ~bit;
}

/* A bitmap of @size bits with the bits of the ring's span at their new places. */
static uint64_t *bits_moved(const struct offsets *o, const uint64_t *bits, size_t size)
{
    uint64_t *to = calloc(size / 64, sizeof(*to));
    if (to == NULL)
        return NULL;
    for (int64_t at = o->base; at <= o->base + (int64_t)o->mask; at++)
        if (bit_get(o, bits, at))
            to[((size_t)at & (size - 1)) / 64] |= UINT64_C(1) << ((size_t)at % 64);
    return to;
}

/* Makes the ring span @span offsets. False: out of memory. */
static bool ring_grow(struct offsets *o, uint64_t span)
{
    size_t size = o->mask + 1;
    while (size < span)
        size *= 2;
    if (size == o->mask + 1)
        return true;
    uint64_t *open = bits_moved(o, o->open, size), *done = bits_moved(o, o->done, size);
    if (open == NULL || done == NULL) {
        free(open);
        free(done);
        return false;
    }
    free(o->open);
    free(o->done);
    o->open = open;
    o->done = done;
    o->mask = size - 1;
    return true;
}

/* With nothing open, a gap of any length is stepped over. */
static void skip_gap(struct offsets *o, int64_t offset)
{
    if (o->open_count > 0 || offset <= o->next)
        return;
    int64_t size = (int64_t)o->mask + 1;
    if (offset - o->base >= size)
        memset(o->done, 0, (o->mask + 1) / 8);
    else
        for (int64_t at = o->base; at < offset; at++)
            bit_set(o, o->done, at, false);
    o->base = o->next = offset;
}

enum offsets_opened offsets_open(struct offsets *o, int64_t offset)
{
    if (offset < o->next)
        return OFFSETS_DONE;
    skip_gap(o, offset);
    uint64_t span = (uint64_t)(offset - o->base) + 1;
    if (span > o->window || !ring_grow(o, span))
        return OFFSETS_FULL;
    for (; o->next < offset; o->next++) /* a gap: a bit of the map for what never comes */
        bit_set(o, o->done, o->next, false);
    o->next = offset + 1;
    if (bit_get(o, o->done, offset)) {
        bit_set(o, o->done, offset, false);
        if (o->open_count == 0)
            o->base = o->next;
        return OFFSETS_DONE;
    }
    bit_set(o, o->open, offset, true);
    o->open_count++;
    if (o->open_count == 1)
        o->base = offset;
    return OFFSETS_OPENED;
}

bool offsets_is_open(const struct offsets *o, int64_t offset)
{
    return offset >= o->base && offset < o->next && bit_get(o, o->open, offset);
}

/* The lowest open offset at or above @from; o->next when there is none. */
static int64_t lowest_open(const struct offsets *o, int64_t from)
{
    while (from < o->next) {
        size_t i = (size_t)from & o->mask;
        uint64_t word = o->open[i / 64] >> (i % 64);
        if (word != 0)
            return from + __builtin_ctzll(word);
        from += (int64_t)(64 - i % 64);
    }
    return o->next;
}

bool offsets_settle(struct offsets *o, int64_t offset)
{
    if (offset < o->base || offset >= o->next || !bit_get(o, o->open, offset))
        return false;
    bit_set(o, o->open, offset, false);
    o->open_count--;
    if (offset != o->base)
        return false;
    o->base = o->open_count == 0 ? o->next : lowest_open(o, offset + 1);
    return true;
}

int64_t offsets_watermark(const struct offsets *o)
{
    return o->base;
}

int64_t offsets_next(const struct offsets *o)
{
    return o->next;
}

size_t offsets_open_count(const struct offsets *o)
{
    return o->open_count;
}

static int64_t run_end(const struct offsets *o, int64_t from, bool open)
{
    while (from < o->next && bit_get(o, o->open, from) == open)
        from++;
    return from;
}

void offsets_add_done(const struct offsets *o, size_t max_bytes, struct buf *out)
{
    size_t start = out->len;
    for (int64_t at = o->base; at < o->next;) {
        int64_t open_end = run_end(o, at, true);
        int64_t done_end = run_end(o, open_end, false);
        if (done_end == open_end)
            return;
        size_t before = out->len;
        if (before > start)
            buf_addc(out, ',');
        buf_addi(out, open_end - at);
        buf_addc(out, '.');
        buf_addi(out, done_end - open_end);
        if (out->len - start > max_bytes) {
            buf_truncate(out, before);
            return;
        }
        at = done_end;
    }
}

/* Decimal digits at *@p, at most 9 of them. -1 when there is none. */
static int64_t number(const char **p, const char *end)
{
    int64_t v = 0;
    const char *from = *p;
    for (; *p < end && **p >= '0' && **p <= '9' && *p - from < 9; (*p)++)
        v = v * 10 + (**p - '0');
    return *p == from ? -1 : v;
}

/* One "<open>.<done>" at *@p. */
static int run_read(const char **p, const char *end, int64_t *ret_open, int64_t *ret_done)
{
    *ret_open = number(p, end);
    if (*ret_open < 0 || *p == end || **p != '.')
        return -1;
    (*p)++;
    *ret_done = number(p, end);
    if (*ret_done < 0 || (*p < end && **p != ','))
        return -1;
    if (*p < end)
        (*p)++;
    return 0;
}

int offsets_load_done(struct offsets *o, const char *text, size_t len)
{
    const char *end = text + len;
    int64_t at = o->base, open = 0, done = 0;
    for (const char *p = text; p < end;)
        if (run_read(&p, end, &open, &done) != 0)
            return -1;
    for (const char *p = text; p < end;) {
        run_read(&p, end, &open, &done);
        at += open;
        uint64_t span = (uint64_t)(at - o->base + done);
        if (span > o->window || !ring_grow(o, span))
            return 0; /* the rest is worked again, safely */
        for (; done > 0; done--, at++)
            bit_set(o, o->done, at, true);
    }
    return 0;
}
