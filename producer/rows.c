#include "rows.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "contract/json_read.h"
#include "event_reader.h"

#define FILE_MAX_BYTES ((size_t)512 * 1024 * 1024)
#define COLUMNS_MAX 64
#define COLUMN_SIZE 64
#define CHUNK ((size_t)65536)
#define FAULTS_SHOWN 20

struct reading {
    const struct rows_form *form;
    rows_fn *fn;
    void *arg;
    /* CSV */
    const char *at, *end;
    char delimiter;
    long line;
    const char *column[COLUMNS_MAX]; /* of form->names; NULL: passed over */
    size_t columns;
    struct buf cell;
};

/* "Account number" is account_number. */
static void to_name(char *s)
{
    for (; *s != '\0'; s++)
        *s = *s == ' ' || *s == '-' ? '_' : *s >= 'A' && *s <= 'Z' ? (char)(*s - 'A' + 'a') : *s;
}

static bool is_called(const char *column, const char *name)
{
    char called[COLUMN_SIZE];
    snprintf(called, sizeof(called), "%s", column);
    to_name(called);
    return strcmp(called, name) == 0;
}

/* Whether the form knows @name, and as what; NULL: it is passed over. */
static bool known(const struct rows_form *form, const char *name, const char **ret)
{
    for (size_t i = 0; i < form->alias_count; i++)
        if (is_called(form->aliases[i].column, name)) {
            *ret = form->aliases[i].name;
            return true;
        }
    for (size_t i = 0; i < form->n; i++)
        if (strcmp(form->names[i], name) == 0) {
            *ret = form->names[i];
            return true;
        }
    return false;
}

static int unknown(const struct rows_form *form, const char *name, struct err *reterr)
{
    char all[120] = "";
    for (size_t i = 0; i < form->n && strlen(all) + strlen(form->names[i]) + 3 < sizeof(all); i++)
        snprintf(all + strlen(all), sizeof(all) - strlen(all), "%s%s", i > 0 ? ", " : "", form->names[i]);
    return err_set(reterr, ERR_INVAL, "\"%.30s\" is no name that is known here: %s", name, all);
}

/* ---- JSON ---- */

/* It says nothing, as an empty cell of CSV does. */
static bool is_empty(const json_t *v)
{
    return json_is_null(v) || (json_is_string(v) && json_string_length(v) == 0);
}

static int take_member(const struct reading *r, json_t *row, const char *name, json_t *v, struct err *reterr)
{
    char called[COLUMN_SIZE];
    const char *as = NULL;
    snprintf(called, sizeof(called), "%s", name);
    if (r->form->alias_count > 0)
        to_name(called);
    if (strlen(name) >= sizeof(called) || !known(r->form, called, &as))
        return unknown(r->form, name, reterr);
    if (as == NULL || is_empty(v))
        return 0;
    if (json_object_get(row, as) != NULL)
        return err_set(reterr, ERR_INVAL, "%s is there twice", as);
    return json_object_set(row, as, v) == 0 ? 0 : err_nomem(reterr);
}

static int take_json(struct reading *r, const struct event_text *t, struct err *reterr)
{
    const char *name;
    json_t *v;
    if (t->fault != NULL)
        return err_set(reterr, ERR_INVAL, "%s", t->fault);
    json_t *of = json_read_any(t->data, t->len), *row = json_object();
    int rc = json_is_object(of) ? 0 : err_set(reterr, ERR_INVAL, "wanted a JSON object, each member once");
    if (rc == 0)
        json_object_foreach(of, name, v) rc = rc == 0 ? take_member(r, row, name, v, reterr) : rc;
    if (rc == 0)
        rc = r->fn(r->arg, row, t->line, reterr);
    json_decref(row);
    json_decref(of);
    return rc;
}

static int read_json(struct reading *r, int fd, struct err *reterr)
{
    struct event_text t;
    int more = 0;
    struct event_reader *reader = event_reader_new(fd);
    if (reader == NULL)
        return err_nomem(reterr);
    r->line = 0;
    while ((more = event_reader_next(reader, &t, reterr)) > 0) {
        r->line = t.line;
        if (take_json(r, &t, reterr) != 0)
            break;
    }
    event_reader_free(reader);
    return more == 0 ? 0 : -1;
}

/* ---- CSV ---- */

static char delimiter_of(const char *text, size_t len)
{
    const char *candidates = ",;\t";
    size_t line = 0;
    char best = ',';
    size_t most = 0;
    while (line < len && text[line] != '\n')
        line++;
    for (const char *c = candidates; *c != '\0'; c++) {
        size_t n = 0;
        for (size_t i = 0; i < line; i++)
            n += text[i] == *c;
        if (n > most) {
            most = n;
            best = *c;
        }
    }
    return best;
}

static int quoted(struct reading *r, struct err *reterr)
{
    for (r->at++; r->at < r->end; r->at++) {
        if (*r->at == '"' && (r->at + 1 == r->end || r->at[1] != '"')) {
            r->at++;
            return 0;
        }
        if (*r->at == '"')
            r->at++;
        r->line += *r->at == '\n';
        buf_addc(&r->cell, *r->at);
    }
    return err_set(reterr, ERR_INVAL, "a quote is not closed");
}

/* One cell into r->cell. *@ret_last: it ends its line. */
static int read_cell(struct reading *r, bool *ret_last, struct err *reterr)
{
    buf_reset(&r->cell);
    while (r->at < r->end && *r->at == ' ')
        r->at++;
    if (r->at < r->end && *r->at == '"') {
        if (quoted(r, reterr) != 0)
            return -1;
    } else {
        while (r->at < r->end && *r->at != r->delimiter && *r->at != '\n' && *r->at != '\r')
            buf_addc(&r->cell, *r->at++);
        while (r->cell.len > 0 && r->cell.data[r->cell.len - 1] == ' ')
            buf_truncate(&r->cell, r->cell.len - 1);
    }
    while (r->at < r->end && (*r->at == ' ' || *r->at == '\r'))
        r->at++;
    *ret_last = r->at == r->end || *r->at == '\n';
    if (!*ret_last && *r->at != r->delimiter)
        return err_set(reterr, ERR_INVAL, "text behind a closing quote");
    r->at += r->at < r->end;
    if (!buf_ok(&r->cell))
        return err_set(reterr, ERR_INVAL, "a cell of more than %zu bytes", CHUNK);
    return memchr(buf_cstr(&r->cell), '\0', r->cell.len) == NULL ? 0 : err_set(reterr, ERR_INVAL, "a cell with a NUL: want UTF-8 text");
}

static int read_names(struct reading *r, struct err *reterr)
{
    char name[COLUMN_SIZE];
    bool last = false;
    while (!last) {
        if (read_cell(r, &last, reterr) != 0)
            return -1;
        snprintf(name, sizeof(name), "%s", buf_cstr(&r->cell));
        to_name(name);
        if (r->columns == COLUMNS_MAX)
            return err_set(reterr, ERR_INVAL, "more than %d columns", COLUMNS_MAX);
        if (!known(r->form, name, &r->column[r->columns]))
            return unknown(r->form, name, reterr);
        for (size_t i = 0; i < r->columns && r->column[r->columns] != NULL; i++)
            if (r->column[i] != NULL && strcmp(r->column[i], r->column[r->columns]) == 0)
                return err_set(reterr, ERR_INVAL, "the column %s is there twice", r->column[i]);
        r->columns++;
    }
    return 0;
}

/* The next line as an object; an empty one gives none. */
static int read_line(struct reading *r, json_t *row, struct err *reterr)
{
    bool last = false;
    for (size_t i = 0; !last; i++) {
        if (read_cell(r, &last, reterr) != 0)
            return -1;
        if (r->cell.len == 0)
            continue;
        if (i >= r->columns)
            return err_set(reterr, ERR_INVAL, "more cells than the first line has names");
        if (r->column[i] == NULL)
            continue;
        if (json_object_set_new(row, r->column[i], json_stringn(r->cell.data, r->cell.len)) != 0)
            return err_set(reterr, ERR_INVAL, "%s: want UTF-8 text", r->column[i]);
    }
    return 0;
}

static int read_csv(struct reading *r, const char *text, size_t len, struct err *reterr)
{
    r->at = text;
    r->end = text + len;
    r->delimiter = delimiter_of(text, len);
    r->line = 1;
    int rc = read_names(r, reterr);
    while (rc == 0 && r->at < r->end) {
        long line = ++r->line;
        json_t *row = json_object();
        rc = read_line(r, row, reterr);
        if (rc == 0 && json_object_size(row) > 0)
            rc = r->fn(r->arg, row, line, reterr);
        json_decref(row);
        if (rc != 0 && line < r->line)
            r->line = line; /* where it begins */
    }
    return rc;
}

/* ---- which ---- */

static int slurp(int fd, struct buf *text, struct err *reterr)
{
    for (;;) {
        char *to = buf_reserve(text, CHUNK);
        if (to == NULL)
            return err_set(reterr, ERR_INVAL, "more than %zu bytes, or no memory for them", text->max);
        ssize_t n = read(fd, to, CHUNK);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_set(reterr, ERR_INVAL, "%s", strerror(errno));
        if (n == 0)
            return 0;
        text->len += (size_t)n;
    }
}

/* A pipe is not read twice: what of it is JSON goes through an unnamed file. */
static int as_descriptor(const struct buf *text, struct err *reterr)
{
    FILE *copy = tmpfile();
    if (copy == NULL)
        return err_set(reterr, ERR_INVAL, "no temporary file: %s", strerror(errno));
    bool good = fwrite(text->data, 1, text->len, copy) == text->len && fflush(copy) == 0;
    int twin = good ? dup(fileno(copy)) : -1;
    fclose(copy);
    if (twin >= 0 && lseek(twin, 0, SEEK_SET) == 0)
        return twin;
    return err_set(reterr, ERR_INVAL, "the temporary file: %s", strerror(errno));
}

static int read_text(struct reading *r, struct buf *text, struct err *reterr)
{
    size_t skip = text->len >= 3 && memcmp(text->data, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
    size_t first = skip;
    while (first < text->len && strchr(" \t\r\n", text->data[first]) != NULL)
        first++;
    if (first == text->len)
        return 0;
    if (text->data[first] != '{' && text->data[first] != '[')
        return read_csv(r, text->data + skip, text->len - skip, reterr);
    int fd = as_descriptor(text, reterr);
    int rc = fd < 0 ? -1 : read_json(r, fd, reterr);
    if (fd >= 0)
        close(fd);
    return rc;
}

static int read_file(struct reading *r, int fd, struct err *reterr)
{
    char first = '\0';
    if (pread(fd, &first, 1, 0) == 1 && (first == '{' || first == '['))
        return read_json(r, fd, reterr);
    struct buf text;
    buf_init(&text, FILE_MAX_BYTES);
    int rc = slurp(fd, &text, reterr);
    if (rc == 0)
        rc = read_text(r, &text, reterr);
    buf_fini(&text);
    return rc;
}

int rows_read(const char *path, const struct rows_form *form, rows_fn *fn, void *arg, struct err *reterr)
{
    struct reading r = {.form = form, .fn = fn, .arg = arg};
    bool is_stdin = strcmp(path, "-") == 0;
    int fd = is_stdin ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return err_set(reterr, ERR_INVAL, "%s: %s", path, strerror(errno));
    buf_init(&r.cell, CHUNK);
    int rc = read_file(&r, fd, reterr);
    buf_fini(&r.cell);
    close(fd);
    if (rc != 0 && r.line > 0)
        err_prefix(reterr, "%s:%ld", is_stdin ? "stdin" : path, r.line);
    else if (rc != 0)
        err_prefix(reterr, "%s", is_stdin ? "stdin" : path);
    return rc;
}

/* ---- faults of single rows ---- */

int rows_faults_take(struct rows_faults *f, long line, const struct err *err, struct err *reterr)
{
    if (err->code != ERR_INVAL) {
        *reterr = *err;
        return -1;
    }
    if (++f->n <= FAULTS_SHOWN)
        fprintf(stderr, "%s:%ld: %s\n", strcmp(f->file, "-") == 0 ? "stdin" : f->file, line, err->msg);
    return 0;
}

void rows_faults_end(const struct rows_faults *f)
{
    if (f->n > FAULTS_SHOWN)
        fprintf(stderr, "... and %zu more\n", f->n - FAULTS_SHOWN);
}
