/* kafka_read.h - one read of a reader with all that came of it, for tests. */
#ifndef TESTS_KAFKA_READ_H
#define TESTS_KAFKA_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "io/loop.h"
#include "io/reader.h"

struct taken {
    struct reader *reader;
    struct reader_read *read; /* NULL: not begun, cancelled or done */
    size_t messages, out_of_order, tombstones;
    int64_t first, last; /* offsets; -1: none */
    char last_key[64], last_value[64], last_header[64];
    int64_t last_timestamp_ms;
    size_t cancel_at;   /* cancelled inside of this message; 0: never */
    void (*each)(struct taken *t); /* called for each message; may be NULL */
    void *each_arg;
    unsigned done;
    bool ok;
    int64_t end;
    char why[256];
};

/* What a reader told for the log. */
struct told {
    unsigned n;
    char text[8192]; /* a line each */
};
void note_told(void *arg, const char *why);

/* Starts it; @ret_t is zeroed first, but for each, each_arg and cancel_at. False: refused. */
bool take(struct taken *ret_t, struct reader *r, const struct reader_range *range);
bool take_from(struct taken *ret_t, struct reader *r, const char *topic, int32_t partition, int64_t offset);
/* For run_until(): @arg is a struct taken. */
bool taken_is_done(void *arg);

#endif
