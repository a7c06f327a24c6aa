/* arena.h - memory that is given out in pieces and freed at once: a pack's plan, a run's texts. Not thread-safe. */
#ifndef TVB_WORKFLOW_ARENA_H
#define TVB_WORKFLOW_ARENA_H

#include <stddef.h>

struct arena_block;
struct arena {
    struct arena_block *blocks; /* the newest first; owned */
    char *at, *end;             /* what is free of the newest */
};

void arena_fini(struct arena *a);
/* Gives @mem of @size bytes, owned by the caller and outliving the arena, out first. */
void arena_init(struct arena *a, void *mem, size_t size);
/* Zeroed, aligned for any type. NULL: out of memory. */
void *arena_alloc(struct arena *a, size_t size);
/* @n bytes of @s and a NUL. NULL: out of memory. */
char *arena_text(struct arena *a, const char *s, size_t n);

#endif
