/* reply_file.c - see reply_file.h. */
#include "reply_file.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/file.h"

#define REPLY_MAX_BYTES (16 * 1024 * 1024)
#define RETRY_AFTER_DIGITS 9 /* seconds; more of them are no wait that anybody means */

/* Cuts the line at @s off and returns the next one; NULL when the text has no further line. */
static char *cut_line(char *s)
{
    char *end = strchr(s, '\n');
    if (end == NULL)
        return NULL;
    *end = '\0';
    if (end > s && end[-1] == '\r')
        end[-1] = '\0';
    return end + 1;
}

static int add_header(struct reply_file *f, char *line, const char *path, struct err *reterr)
{
    char *colon = strchr(line, ':');
    if (colon == NULL || f->reply.header_count == REPLY_HEADERS_MAX)
        return err_set(reterr, ERR_INVAL, "%s: headers are NAME: VALUE, at most %d, then an empty line", path,
                       REPLY_HEADERS_MAX);
    *colon = '\0';
    char *value = colon + 1 + strspn(colon + 1, " \t");
    f->headers[f->reply.header_count++] = (struct call_header){line, value};
    if (strcasecmp(line, "Content-Type") == 0)
        f->reply.content_type = value;
    size_t digits = strspn(value, "0123456789");
    if (strcasecmp(line, "Retry-After") == 0 && value[digits] == '\0' && digits > 0 && digits <= RETRY_AFTER_DIGITS)
        f->reply.retry_after_ms = strtoll(value, NULL, 10) * 1000;
    return 0;
}

static int read_head(struct reply_file *f, size_t len, const char *path, struct err *reterr)
{
    char *line = f->text, *next = cut_line(line);
    const char *space = strchr(line, ' ');
    f->reply.status = space == NULL ? 0 : atoi(space + 1);
    if (f->reply.status < 100 || f->reply.status > 599)
        return err_set(reterr, ERR_INVAL, "%s: the first line must be like HTTP/1.1 200 OK", path);
    for (line = next; line != NULL; line = next) {
        next = cut_line(line);
        if (line[0] == '\0' || line[0] == '\r')
            break;
        if (add_header(f, line, path, reterr) != 0)
            return -1;
    }
    f->reply.body = line == NULL || next == NULL ? f->text + len : next;
    return 0;
}

int reply_file_read(const char *path, struct reply_file *ret, struct err *reterr)
{
    size_t len;
    *ret = (struct reply_file){0};
    ret->text = file_read(path, REPLY_MAX_BYTES, &len, reterr);
    if (ret->text == NULL)
        return -1;
    ret->reply = (struct call_reply){.result = CALL_OK, .request_bytes = 1, .status = 200, .body = ret->text,
                                     .content_type = "", .retry_after_ms = -1, .headers = ret->headers};
    if (strncmp(ret->text, "HTTP/", 5) == 0 && read_head(ret, len, path, reterr) != 0) {
        reply_file_fini(ret);
        return -1;
    }
    ret->reply.body_len = len - (size_t)(ret->reply.body - ret->text);
    return 0;
}

void reply_file_fini(struct reply_file *f)
{
    free(f->text);
    f->text = NULL;
}
