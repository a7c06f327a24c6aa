/* rows.h - rows of a file that a person or a billing system wrote: CSV with a line of names (RFC 4180; comma, semicolon or tab), JSON
 * lines, or one JSON array. The form is found by looking at the beginning.
 *
 * A name that the command does not know is refused: a misspelt `packages` must not look as if none were wanted. */
#ifndef TVB_PRODUCER_ROWS_H
#define TVB_PRODUCER_ROWS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/* What a file calls something, as in `--map serial=CASN`; upper case, spaces and dashes do not matter. */
struct rows_alias {
    const char *column;
    const char *name; /* of the form; NULL: the column is passed over */
};

/* Which members a row may have. */
struct rows_form {
    const char *const *names;
    size_t n;
    const struct rows_alias *aliases; /* looked at before the names */
    size_t alias_count;
};

/* One row, an object without empty members ("" and null say nothing); borrowed for the call. Of CSV all values are text. -1 and @reterr:
 * the reading ends. */
typedef int rows_fn(void *arg, const json_t *row, long line, struct err *reterr);

/* Faults of single rows, which do not end the reading: each is told on stderr, with file and line, the first 20 of them. */
struct rows_faults {
    const char *file; /* "-": stdin */
    size_t n;
};
/* @err, of the row at @line, is told and counted: 0. -1 and @reterr: it is none of the row's. */
int rows_faults_take(struct rows_faults *f, long line, const struct err *err, struct err *reterr);
/* How many more there are than were told. */
void rows_faults_end(const struct rows_faults *f);

/* Reads @path ("-": stdin). -1 and @reterr, which names file and line. */
int rows_read(const char *path, const struct rows_form *form, rows_fn *fn, void *arg, struct err *reterr);

#endif
