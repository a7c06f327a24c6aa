#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

int err_set(struct err *reterr, enum err_code code, const char *fmt, ...)
{
    if (reterr == NULL)
        return -1;
    va_list ap;
    va_start(ap, fmt);
    char msg[sizeof(reterr->msg)]; /* an argument may be the old message */
    vsnprintf(msg, sizeof(msg), fmt, ap);
    va_end(ap);
    utf8_make_line(msg);
    reterr->code = code;
    memcpy(reterr->msg, msg, sizeof(msg));
    return -1;
}

int err_prefix(struct err *reterr, const char *fmt, ...)
{
    if (reterr == NULL)
        return -1;
    char text[sizeof(reterr->msg)];
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    if (n < 0)
        return -1;
    size_t used = (size_t)n < sizeof(text) ? (size_t)n : sizeof(text) - 1;
    snprintf(text + used, sizeof(text) - used, ": %s", reterr->msg);
    utf8_make_line(text);
    memcpy(reterr->msg, text, sizeof(text));
    return -1;
}

int err_nomem(struct err *reterr)
{
    return err_set(reterr, ERR_NOMEM, "out of memory");
}
