/* sim_clock.c - the clocks of base/clock.h, and the few other things that the engine asks the system for, from the
 * simulated world. The linker puts __wrap_x in place of x (tests/sim/CMakeLists.txt). */
#include <string.h>
#include <sys/types.h>

#include "base/clock.h"
#include "sim.h"

#define EPOCH_MS INT64_C(1790000000000)
#define BOOTED_NS (INT64_C(3600) * SIM_S)

/* One thread, one world at a time; the functions below have no argument to find it by. */
static struct sim *world;

void sim_clock_use(struct sim *s)
{
    world = s;
}

struct proc *sim_current_proc(void)
{
    return world->current;
}

int64_t sim_real_ms(const struct sim *s)
{
    return EPOCH_MS + s->now / SIM_MS;
}

int64_t clock_mono_ns(void)
{
    return BOOTED_NS + world->now;
}

int64_t clock_boot_ms(void)
{
    return (BOOTED_NS + world->now) / SIM_MS;
}

int64_t clock_real_ms(void)
{
    return sim_real_ms(world) + (world->current ? world->current->real_offset_ms : 0);
}

ssize_t __wrap_getrandom(void *buf, size_t len, unsigned flags);
pid_t __wrap_getpid(void);
int __wrap_gethostname(char *name, size_t len);

ssize_t __wrap_getrandom(void *buf, size_t len, unsigned flags)
{
    (void)flags;
    for (size_t i = 0; i < len; i++)
        ((unsigned char *)buf)[i] = (unsigned char)sim_random(world);
    return (ssize_t)len;
}

pid_t __wrap_getpid(void)
{
    return world->current ? world->current->pid : 1;
}

int __wrap_gethostname(char *name, size_t len)
{
    strncpy(name, world->current ? world->current->host : "nowhere", len);
    return 0;
}
