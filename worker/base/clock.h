/* clock.h - the only place that reads a clock. Decisions take the time as an argument. */
#ifndef TVB_BASE_CLOCK_H
#define TVB_BASE_CLOCK_H

#include <stddef.h>
#include <stdbool.h>
#include <stdint.h>

int64_t clock_mono_ns(void); /* CLOCK_MONOTONIC: durations */
int64_t clock_boot_ms(void); /* CLOCK_BOOTTIME: deadlines that must count a suspended machine's sleep */
int64_t clock_real_ms(void); /* CLOCK_REALTIME since 1970-01-01T00:00:00Z */

#define CLOCK_RFC3339_SIZE 25 /* "2026-11-22T10:00:00.000Z" and the NUL */
/* RFC 3339 in UTC with milliseconds. */
void clock_format_rfc3339(int64_t real_ms, char ret[CLOCK_RFC3339_SIZE]);
/* Parses an RFC 3339 date-time. 0, or -1 when @s is none. */
int clock_parse_rfc3339(const char *s, int64_t *ret_real_ms);
/* The same, or a day (2026-12-01), which is its start in UTC; with @whole_day its end. */
int clock_parse_when(const char *s, bool whole_day, int64_t *ret_real_ms);

#endif
