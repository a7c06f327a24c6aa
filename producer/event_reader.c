#include "event_reader.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "contract/json.h"

#define CHUNK ((size_t)256 * 1024)                         /* bytes asked for at once */
#define LARGEST ((size_t)JSON_EVENT_MAX_BYTES + CHUNK / 4) /* bytes of one event with the white space in it */

enum form {
    FORM_UNKNOWN, /* nothing was read yet */
    FORM_LINES,   /* one event a line */
    FORM_ARRAY,   /* within [ ] */
    FORM_VALUES,  /* JSON documents one after another, each over as many lines as it likes */
    FORM_DONE,    /* the array has ended: only white space may follow */
};

struct event_reader {
    int fd;
    enum form form;
    bool eof;
    bool comma;         /* within an array: the next thing must be , or ] */
    long line;          /* of data[start] */
    size_t start, end;  /* what is read and not yet given out */
    char *data;         /* CHUNK + LARGEST bytes */
};

struct event_reader *event_reader_new(int fd)
{
    struct event_reader *r = calloc(1, sizeof(*r));
    if (r == NULL)
        return NULL;
    r->data = malloc(CHUNK + LARGEST);
    r->fd = fd;
    r->line = 1;
    if (r->data != NULL)
        return r;
    free(r);
    return NULL;
}

void event_reader_free(struct event_reader *r)
{
    if (r == NULL)
        return;
    free(r->data);
    free(r);
}

/* Reads more behind what is there. 1: there is more now; 0: the end, or an event's most bytes are there; -1: failed. */
static int fill(struct event_reader *r, struct err *reterr)
{
    if (r->eof || r->end - r->start > LARGEST)
        return 0;
    memmove(r->data, r->data + r->start, r->end - r->start);
    r->end -= r->start;
    r->start = 0;
    for (;;) {
        size_t room = CHUNK + LARGEST - r->end;
        ssize_t n = read(r->fd, r->data + r->end, room < CHUNK ? room : CHUNK);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_set(reterr, ERR_IO, "reading failed: %s", strerror(errno));
        r->eof = n == 0;
        r->end += (size_t)n;
        return n > 0;
    }
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Forgets @n bytes, counting their lines. */
static void drop(struct event_reader *r, size_t n)
{
    const char *p = r->data + r->start;
    const char *end = p + n;
    while ((p = memchr(p, '\n', (size_t)(end - p))) != NULL) {
        r->line++;
        p++;
    }
    r->start += n;
}

/* To the next byte that is no white space. 1: there is one; 0: the end; -1. */
static int skip_space(struct event_reader *r, struct err *reterr)
{
    for (;;) {
        size_t n = 0;
        while (r->start + n < r->end && is_space(r->data[r->start + n]))
            n++;
        drop(r, n);
        if (r->start < r->end)
            return 1;
        int more = fill(r, reterr);
        if (more <= 0)
            return more;
    }
}

/* Where a JSON value is, as far as brackets and strings tell. */
struct scan {
    int depth;
    bool in_string, escaped, ended;
};

/* Takes one byte. True when the value ended: with it (brackets), or before it (s->ended stays false: a bare word). */
static bool scan_byte(struct scan *s, char c)
{
    if (s->in_string) {
        if (s->escaped)
            s->escaped = false;
        else if (c == '\\')
            s->escaped = true;
        else if (c == '"')
            s->in_string = false;
        s->ended = !s->in_string && s->depth == 0;
        return s->ended;
    }
    if (c == '"')
        s->in_string = true;
    else if (c == '{' || c == '[')
        s->depth++;
    else if (s->depth == 0)
        return is_space(c) || c == ',' || c == ']' || c == '}';
    else if (c == '}' || c == ']')
        s->ended = --s->depth == 0;
    return s->ended;
}

/* True when a whole value stands in the first @n bytes. */
static bool is_whole(const char *p, size_t n)
{
    struct scan s = {0};
    for (size_t i = 0; i < n; i++)
        if (scan_byte(&s, p[i]))
            return true;
    return false;
}

/* The offset of the first line's end; more is read until it is there. */
static int first_line(struct event_reader *r, size_t *ret, struct err *reterr)
{
    for (;;) {
        const char *p = r->data + r->start;
        const char *nl = memchr(p, '\n', r->end - r->start);
        *ret = nl != NULL ? (size_t)(nl - p) : r->end - r->start;
        if (nl != NULL)
            return 0;
        int more = fill(r, reterr);
        if (more <= 0)
            return more;
    }
}

/* Lines, when the first one is a whole value or the second one begins another. */
static int find_form(struct event_reader *r, struct err *reterr)
{
    size_t n = 0;
    if (first_line(r, &n, reterr) < 0)
        return -1;
    if (r->end - r->start >= 3 && memcmp(r->data + r->start, "\xEF\xBB\xBF", 3) == 0)
        r->start += 3; /* a byte order mark */
    int more = skip_space(r, reterr);
    if (more < 0 || (more > 0 && first_line(r, &n, reterr) < 0))
        return -1;
    if (more == 0) {
        r->form = FORM_VALUES; /* nothing at all */
        return 0;
    }
    if (r->data[r->start] == '[') {
        r->form = FORM_ARRAY;
        drop(r, 1);
        return 0;
    }
    if (is_whole(r->data + r->start, n) || r->data[r->start] != '{') {
        r->form = FORM_LINES;
        return 0;
    }
    while (r->end - r->start < n + 2 && (more = fill(r, reterr)) > 0)
        ;
    if (more < 0)
        return -1;
    r->form = r->end - r->start >= n + 2 && r->data[r->start + n + 1] == '{' ? FORM_LINES : FORM_VALUES;
    return 0;
}

/* The rest of a line that is too long is read and forgotten. */
static int skip_line(struct event_reader *r, struct err *reterr)
{
    for (;;) {
        const char *nl = memchr(r->data + r->start, '\n', r->end - r->start);
        if (nl != NULL) {
            drop(r, (size_t)(nl + 1 - (r->data + r->start)));
            return 0;
        }
        r->start = r->end;
        int more = fill(r, reterr);
        if (more <= 0)
            return more;
    }
}

static int next_line(struct event_reader *r, struct event_text *ret, struct err *reterr)
{
    size_t n = 0;
    int more = skip_space(r, reterr);
    if (more <= 0)
        return more;
    if (first_line(r, &n, reterr) < 0)
        return -1;
    *ret = (struct event_text){.data = r->data + r->start, .len = n, .line = r->line};
    if (n > LARGEST) {
        *ret = (struct event_text){.data = "", .line = r->line, .fault = "the line is longer than an event may be"};
        return skip_line(r, reterr) < 0 ? -1 : 1;
    }
    bool has_newline = r->start + n < r->end;
    drop(r, n + (has_newline ? 1 : 0));
    while (ret->len > 0 && is_space(ret->data[ret->len - 1]))
        ret->len--;
    return 1;
}

static int broken(const struct event_reader *r, const char *what, struct err *reterr)
{
    return err_set(reterr, ERR_INVAL, "line %ld: %s", r->line, what);
}

/* The value that begins at data[start]. */
static int next_value(struct event_reader *r, struct event_text *ret, struct err *reterr)
{
    struct scan s = {0};
    size_t n = 0;
    for (;;) {
        while (r->start + n < r->end) {
            if (scan_byte(&s, r->data[r->start + n])) {
                n += s.ended ? 1 : 0;
                if (n == 0)
                    return broken(r, "this is not the beginning of an event", reterr);
                *ret = (struct event_text){.data = r->data + r->start, .len = n, .line = r->line};
                drop(r, n);
                return 1;
            }
            n++;
        }
        int more = fill(r, reterr);
        if (more < 0)
            return -1;
        if (more == 0)
            return broken(r, r->eof ? "the event that begins here does not end" : "this event is larger than 1 MiB",
                          reterr);
    }
}

static int next_in_array(struct event_reader *r, struct event_text *ret, struct err *reterr)
{
    for (;;) {
        int more = skip_space(r, reterr);
        if (more <= 0)
            return more < 0 ? -1 : broken(r, "the array does not end: ] is missing", reterr);
        char c = r->data[r->start];
        if (c == ']') {
            drop(r, 1);
            r->form = FORM_DONE;
            return 0;
        }
        if (!r->comma) {
            r->comma = true;
            return next_value(r, ret, reterr);
        }
        if (c != ',')
            return broken(r, "a , or ] is missing after the event before", reterr);
        drop(r, 1);
        r->comma = false;
    }
}

int event_reader_next(struct event_reader *r, struct event_text *ret, struct err *reterr)
{
    int more = 0;
    if (r->form == FORM_UNKNOWN && find_form(r, reterr) < 0)
        return -1;
    if (r->form == FORM_ARRAY && (more = next_in_array(r, ret, reterr)) != 0)
        return more;
    switch (r->form) {
    case FORM_LINES:
        return next_line(r, ret, reterr);
    case FORM_VALUES:
        more = skip_space(r, reterr);
        return more <= 0 ? more : next_value(r, ret, reterr);
    case FORM_DONE:
        more = skip_space(r, reterr);
        return more <= 0 ? more : broken(r, "something stands after the end of the array", reterr);
    case FORM_UNKNOWN:
    case FORM_ARRAY:
        break;
    }
    return 0;
}
