/* torture.c - see torture.h. */
#include "torture.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"

static struct {
    const char *name;
    uint64_t at;
    bool from_there_on;
} now;

void must(bool good, const char *fmt, ...)
{
    if (good)
        return;
    va_list ap;
    alloc_arm(0, 0);
    va_start(ap, fmt);
    fprintf(stderr, "%s: allocation %" PRIu64 "%s fails: ", now.name, now.at, now.from_there_on ? " and all after it" : "");
    vfprintf(stderr, fmt, ap);
    fputc('\n', stderr);
    va_end(ap);
    abort();
}

enum torture_end no_memory(const struct err *e)
{
    must(e->code == ERR_NOMEM || strstr(e->msg, "out of memory") != NULL, "the error is \"%s\", not that there is no memory", e->msg);
    return NO_MEMORY;
}

enum torture_end no_memory_fault(const struct fault *f)
{
    must(f->nomem, "the fault is \"%s\" at \"%s\", not that there is no memory", f->reason, f->pointer);
    return NO_MEMORY;
}

enum torture_end refused(const struct err *e)
{
    must(e->code != ERR_NONE && e->msg[0] != '\0', "refused without a word");
    return NO_MEMORY;
}

struct count {
    unsigned long runs, right, refused;
};

static void once(const struct torture *t, uint64_t at, bool from_there_on, struct count *c)
{
    int64_t before = alloc_live();
    now.at = at;
    now.from_there_on = from_there_on;
    alloc_arm(at, from_there_on ? UINT64_MAX : at);
    enum torture_end end = t->run();
    uint64_t failed = alloc_failed();
    alloc_arm(0, 0);
    must(end == DONE || failed > 0, "it says that there is no memory, but there was");
    must(alloc_live() == before, "%" PRId64 " pieces of memory are left", alloc_live() - before);
    c->runs++;
    c->right += end == DONE;
    c->refused += end == NO_MEMORY;
}

static void torture(const struct torture *t, unsigned long most)
{
    struct count c = {0};
    now.name = t->name;
    if (most > 0 && t->most > 0 && t->most < most)
        most = t->most;
    alloc_arm(0, 0);
    must(t->run() == DONE, "it fails in peace"); /* what is allocated once for all is there from now on */
    once(t, 0, false, &c);
    alloc_arm(0, 0);
    (void)t->run();
    uint64_t n = alloc_count(), step = most == 0 || n <= most ? 1 : (n + most - 1) / most;
    must(n > 0, "it allocates nothing");
    for (uint64_t at = 1; at <= n; at += step) {
        once(t, at, false, &c);
        once(t, at, true, &c);
    }
    printf("  ok    %-28s %6" PRIu64 " allocations, %6lu runs: %lu right, %lu without memory%s\n", t->name, n, c.runs,
           c.right, c.refused, step > 1 ? " (a sample)" : "");
    fflush(stdout);
}

static bool is_chosen(const char *name, char **names)
{
    if (names[0] == NULL)
        return true;
    for (; *names != NULL; names++)
        if (strncmp(name, *names, strlen(*names)) == 0)
            return true;
    return false;
}

void torture_all(const struct torture *list, size_t n, char **names, unsigned long most)
{
    unsigned passed = 0;
    for (size_t i = 0; i < n; i++) {
        if (!is_chosen(list[i].name, names))
            continue;
        torture(&list[i], most);
        passed++;
    }
    printf("%u passed, 0 failed\n", passed);
    if (passed == 0)
        exit(1);
}
