/* alloc.c - see alloc.h. */
#include "alloc.h"

#include <fcntl.h>
#include <jansson.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* As alloc_share() lays it out in a file: 64-bit numbers in this order. */
struct state {
    _Atomic uint64_t first, last, count, failed;
    _Atomic int64_t live;
    _Atomic uint64_t held;
};

static struct state own, *state = &own;
static bool trace;

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);
void __real_free(void *p);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t n);
char *__wrap_strdup(const char *s);
char *__wrap_strndup(const char *s, size_t n);
void __wrap_free(void *p);

void __sanitizer_print_stack_trace(void) __attribute__((weak)); /* there in builds with sanitizers */

static bool fails(void)
{
    if (atomic_load(&state->held))
        return false;
    uint64_t n = atomic_fetch_add(&state->count, 1) + 1;
    if (n < atomic_load(&state->first) || n > atomic_load(&state->last))
        return false;
    atomic_fetch_add(&state->failed, 1);
    if (trace && __sanitizer_print_stack_trace != NULL)
        __sanitizer_print_stack_trace();
    return true;
}

static void *counted(void *p)
{
    if (p != NULL)
        atomic_fetch_add(&state->live, 1);
    return p;
}

void *__wrap_malloc(size_t n)
{
    return fails() ? NULL : counted(__real_malloc(n));
}

void *__wrap_calloc(size_t n, size_t size)
{
    return fails() ? NULL : counted(__real_calloc(n, size));
}

void *__wrap_realloc(void *p, size_t n)
{
    if (fails())
        return NULL;
    void *q = __real_realloc(p, n);
    return p == NULL ? counted(q) : q;
}

char *__wrap_strndup(const char *s, size_t n)
{
    size_t len = strnlen(s, n);
    char *copy = __wrap_malloc(len + 1);
    if (copy == NULL)
        return NULL;
    memcpy(copy, s, len);
    copy[len] = '\0';
    return copy;
}

char *__wrap_strdup(const char *s)
{
    return __wrap_strndup(s, SIZE_MAX);
}

void __wrap_free(void *p)
{
    if (p != NULL)
        atomic_fetch_sub(&state->live, 1);
    __real_free(p);
}

void alloc_arm(uint64_t first, uint64_t last)
{
    atomic_store(&state->first, 0);
    atomic_store(&state->last, 0);
    atomic_store(&state->count, 0);
    atomic_store(&state->failed, 0);
    atomic_store(&state->last, last);
    atomic_store(&state->first, first == 0 ? UINT64_MAX : first);
}

void alloc_hold(bool on)
{
    atomic_store(&state->held, on);
}

uint64_t alloc_count(void)
{
    return atomic_load(&state->count);
}

uint64_t alloc_failed(void)
{
    return atomic_load(&state->failed);
}

int64_t alloc_live(void)
{
    return atomic_load(&state->live);
}

void alloc_trace(void)
{
    trace = true;
}

int alloc_share(const char *path)
{
    int fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return -1;
    void *at = mmap(NULL, sizeof(struct state), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (at == MAP_FAILED)
        return -1;
    state = at;
    return 0;
}

void alloc_take_jansson(void)
{
    json_set_alloc_funcs(__wrap_malloc, __wrap_free);
}
