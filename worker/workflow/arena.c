/* arena.c - blocks of growing need, each twice what the last piece wanted or 2 KiB. */
#include "workflow/arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_BYTES 2048

struct arena_block {
    struct arena_block *next;
    max_align_t data[];
};

void arena_init(struct arena *a, void *mem, size_t size)
{
    *a = (struct arena){.at = mem, .end = (char *)mem + size};
}

void arena_fini(struct arena *a)
{
    while (a->blocks != NULL) {
        struct arena_block *next = a->blocks->next;
        free(a->blocks);
        a->blocks = next;
    }
    a->at = a->end = NULL;
}

static int add_block(struct arena *a, size_t size)
{
    size_t want = size > BLOCK_BYTES / 2 ? size * 2 : BLOCK_BYTES;
    struct arena_block *b = malloc(sizeof(*b) + want);
    if (b == NULL)
        return -1;
    b->next = a->blocks;
    a->blocks = b;
    a->at = (char *)b->data;
    a->end = a->at + want;
    return 0;
}

static size_t padding(const char *at)
{
    return (size_t)(-(uintptr_t)at & (alignof(max_align_t) - 1));
}

static void *take(struct arena *a, size_t size, size_t pad)
{
    if (a->at == NULL || (size_t)(a->end - a->at) < pad + size) {
        if (add_block(a, size) != 0)
            return NULL;
        pad = 0;
    }
    char *p = a->at + pad;
    a->at = p + size;
    return p;
}

void *arena_alloc(struct arena *a, size_t size)
{
    void *p = take(a, size, padding(a->at));
    return p == NULL ? NULL : memset(p, 0, size);
}

char *arena_text(struct arena *a, const char *s, size_t n)
{
    char *p = take(a, n + 1, 0);
    if (p == NULL)
        return NULL;
    if (n > 0)
        memcpy(p, s, n);
    p[n] = '\0';
    return p;
}
