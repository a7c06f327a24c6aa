/* event_reader.h - events out of a file or a pipe: JSON lines, one JSON array, or JSON documents one after another.
 *
 * Streams: memory is bounded by the largest event that the contract allows. The form is found by looking at the
 * beginning. Only where an event begins and ends is looked at here; whether it is JSON is for event_decode(). */
#ifndef TVB_PRODUCER_EVENT_READER_H
#define TVB_PRODUCER_EVENT_READER_H

#include <stddef.h>

#include "base/err.h"

struct event_reader;

struct event_text {
    const char *data; /* valid until the next event_reader_next() */
    size_t len;
    long line;         /* where it begins, from 1 */
    const char *fault; /* NULL; or why no event could be cut out here */
};

/* Reads from @fd, which stays the caller's. NULL: out of memory. */
struct event_reader *event_reader_new(int fd);
void event_reader_free(struct event_reader *r);

/* 1: an event, or a fault and what follows can still be read; 0: the end; -1: reading failed (ERR_IO), or the input
 * is broken so that nothing after it can be told apart (ERR_INVAL, naming the line). */
int event_reader_next(struct event_reader *r, struct event_text *ret, struct err *reterr);

#endif
