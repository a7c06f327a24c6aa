/* crash_point.h - named places at which a test ends or stops this process; nothing at all without the build option.
 *
 * Built with TVB_CRASH_POINTS, the environment variable TVB_CRASH_POINT says NAME:N or NAME:N:stop, and at the N-th pass
 * (from 1) of that name, over all threads, the process gets SIGKILL or SIGSTOP. tests/faults/harness/points.py lists the
 * names, after RELIABILITY.md section 10. Thread-safe. */
#ifndef TVB_BASE_CRASH_POINT_H
#define TVB_BASE_CRASH_POINT_H

#ifdef TVB_CRASH_POINTS
void crash_point(const char *name);
#else
static inline void crash_point(const char *name)
{
    (void)name;
}
#endif

#endif
