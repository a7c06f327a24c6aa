/* log.h - one line for each thing that happened, in logfmt or JSON.
 *
 * Programs and the engine log; libraries return errors. A struct log belongs to
 * one thread: lines gather in its buffer and log_flush() writes them with one
 * write, whole lines only, so that threads that share a log_sink never mix.
 * A line starts with level and a fixed event word; values never go into that
 * word. Secrets, passwords, PINs, documents, e-mails and names never appear. */
#ifndef TVB_BASE_LOG_H
#define TVB_BASE_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARN, LOG_LEVEL_ERROR };
enum log_format { LOG_FORMAT_LOGFMT, LOG_FORMAT_JSON };

struct log_sink; /* a file descriptor and its lock; shared by threads */
struct log;

/* @fd stays the caller's. NULL when out of memory. */
struct log_sink *log_sink_new(int fd);
void log_sink_free(struct log_sink *s);

struct log *log_new(struct log_sink *sink, enum log_format format, enum log_level least);
void log_free(struct log *l); /* flushes */
void log_flush(struct log *l);
void log_set_level(struct log *l, enum log_level least);

/* Fields that each later line bears after the event word (e.g. pool, thread): "k=v" pairs are copied, up to 4096 bytes of
 * them; one that does not fit is left out. */
void log_set_context(struct log *l, const char *key, const char *value);

/* Begins a line; false when the level is not wanted (then skip the fields). time is added by itself. */
bool log_begin(struct log *l, enum log_level level, const char *event);
void log_str(struct log *l, const char *key, const char *value); /* NULL value: the field is left out */
void log_strn(struct log *l, const char *key, const char *value, size_t n);
void log_int(struct log *l, const char *key, int64_t value);
void log_us_as_ms(struct log *l, const char *key, int64_t us); /* "1.250" */
void log_bool(struct log *l, const char *key, bool value);
void log_end(struct log *l);

/* The level or format of that name; -1 when there is none. */
int log_level_parse(const char *name, enum log_level *ret);
int log_format_parse(const char *name, enum log_format *ret);

#endif
