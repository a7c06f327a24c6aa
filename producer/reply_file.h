/* reply_file.h - an HTTP answer read from a file, for `tvbridge pack try --reply`. */
#ifndef TVB_PRODUCER_REPLY_FILE_H
#define TVB_PRODUCER_REPLY_FILE_H

#include "base/err.h"
#include "core/call.h"

#define REPLY_HEADERS_MAX 64

struct reply_file {
    char *text; /* owned; the reply points into it */
    struct call_header headers[REPLY_HEADERS_MAX];
    struct call_reply reply;
};

/* A status line ("HTTP/1.1 200 OK"), headers, an empty line and the body; or a body alone, which is a 200. */
int reply_file_read(const char *path, struct reply_file *ret, struct err *reterr);
void reply_file_fini(struct reply_file *f);

#endif
