/* err.h - an error with a code to branch on and a text for a person.
 *
 * Lives on the caller's stack; no heap. Functions that can fail take a
 * `struct err *reterr` last, return -1 (or NULL) and log nothing. */
#ifndef TVB_BASE_ERR_H
#define TVB_BASE_ERR_H

#include "base/attr.h"

enum err_code {
    ERR_NONE = 0,
    ERR_NOMEM,   /* an allocation failed */
    ERR_INVAL,   /* the input is wrong and will stay wrong: never retry */
    ERR_IO,      /* the peer or the network failed: retry may help */
    ERR_TIMEOUT, /* no answer before the deadline: the outcome is unknown */
};

struct err {
    enum err_code code;
    char msg[512]; /* one line of UTF-8 (utf8_make_line()); longer texts are cut */
};

/* Sets @reterr (may be NULL) and returns -1, so that `return err_set(...)` ends a function. */
int err_set(struct err *reterr, enum err_code code, const char *fmt, ...) ATTR_PRINTF(3, 4);

/* Puts "text: " before the message that is already there. Returns -1. */
int err_prefix(struct err *reterr, const char *fmt, ...) ATTR_PRINTF(2, 3);

/* err_set(ERR_NOMEM) for a failed allocation. Returns -1. */
int err_nomem(struct err *reterr);

#endif
