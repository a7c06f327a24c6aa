/* metrics.h - counters, gauges and histograms, written by one thread each and read by any.
 *
 * Each worker thread has its own struct metrics (nothing shared, no lock on the
 * hot path); metrics_render() adds up series of the same name and labels over
 * several sets and writes the Prometheus text format (version 0.0.4).
 * A series is looked up once and kept: the lookup takes a lock, the update not. */
#ifndef TVB_BASE_METRICS_H
#define TVB_BASE_METRICS_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct metrics;
struct metric; /* one series: a counter, a gauge or a histogram; lives as long as its set */

struct metrics *metrics_new(void); /* NULL when out of memory */
void metrics_free(struct metrics *m);

/* The series @name with @labels, made when it is new. @labels is the text between the braces,
 * already escaped (`pool="stalker",outcome="applied"`), or "". @help is the family's text.
 * Never NULL: without memory, a series that counts and is not shown. */
struct metric *metrics_counter(struct metrics *m, const char *name, const char *help, const char *labels);
struct metric *metrics_gauge(struct metrics *m, const char *name, const char *help, const char *labels);
/* Durations: give seconds' names, observe nanoseconds. Buckets 100 us to 60 s, about 3 a decade. */
struct metric *metrics_histogram(struct metrics *m, const char *name, const char *help, const char *labels);

void metric_add(struct metric *s, uint64_t n); /* counter */
void metric_set(struct metric *s, int64_t v);  /* gauge, in its unit */
void metric_set_ms(struct metric *s, int64_t ms); /* gauge that is shown in seconds */
void metric_observe_ns(struct metric *s, int64_t ns);
uint64_t metric_value(const struct metric *s); /* of a counter: for tests */

/* Appends the text of all @n sets to @out, families sorted by name. */
void metrics_render(struct metrics *const *sets, size_t n, struct buf *out);

/* Appends @value as a label value, escaped as the text format wants. */
void metrics_escape(struct buf *out, const char *value);

#endif
