#include "preview.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/hash.h"
#include "contract/json.h"
#include "contract/json_read.h"

#define FILE_MAX_BYTES ((size_t)1024 * 1024 * 1024)

/* ---- writing ---- */

int preview_head_new(struct preview_head *ret, const char *kind, const char *provider, const char *desired, int64_t now_ms,
                     bool remove_unknown, struct err *reterr)
{
    uint8_t random[(PREVIEW_ID_SIZE - 1) / 2];
    *ret = (struct preview_head){
        .kind = kind, .provider = provider, .desired = desired, .made_ms = now_ms, .remove_unknown = remove_unknown};
    if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
        return err_set(reterr, ERR_IO, "the system gives no random bytes");
    hash_hex(random, sizeof(random), ret->id);
    return 0;
}

void preview_write_line(const json_t *line, FILE *out)
{
    json_dumpf(line, out, JSON_COMPACT);
    fputc('\n', out);
}

void preview_write_head(const struct preview_head *h, FILE *out)
{
    char made[CLOCK_RFC3339_SIZE];
    clock_format_rfc3339(h->made_ms, made);
    json_t *o = json_pack("{s:s, s:s, s:s, s:s, s:s?, s:b}", "preview", h->kind, "id", h->id, "provider", h->provider, "made", made,
                          "desired", h->desired, "remove_unknown", h->remove_unknown);
    if (h->catalogue != NULL)
        json_object_set_new(o, "catalogue", json_string(h->catalogue));
    if (h->first_name != NULL)
        json_object_set_new(o, "first_name", json_string(h->first_name));
    if (h->last_name != NULL)
        json_object_set_new(o, "last_name", json_string(h->last_name));
    preview_write_line(o, out);
    json_decref(o);
}

void preview_write_service(const json_t *found, const char *hash, FILE *out)
{
    json_t *changes = json_array(), *v;
    size_t i;
    json_array_foreach(json_object_get(found, "changes"), i, v)
        json_array_append_new(changes, json_pack("{s:O, s:O}", "type", json_object_get(v, "type"), "what", json_object_get(v, "what")));
    json_t *o = json_pack("{s:O, s:O, s:s, s:o, s:O}", "service", json_object_get(found, "service"), "kind", json_object_get(found, "kind"),
                          "hash", hash, "changes", changes, "left", json_object_get(found, "left"));
    static const char *const more[] = {"client", "read"};
    for (size_t k = 0; k < ARRAY_LEN(more); k++)
        if (json_object_get(found, more[k]) != NULL)
            json_object_set(o, more[k], json_object_get(found, more[k]));
    preview_write_line(o, out);
    json_decref(o);
}

/* ---- reading ---- */

static int take_head(struct preview *p, const char *kind, const char *provider, int64_t now_ms, int64_t max_age_ms, struct err *reterr)
{
    const json_t *o = p->root;
    struct preview_head *h = &p->head;
    *h = (struct preview_head){.kind = json_text(o, "preview"), .provider = json_text(o, "provider")};
    const char *id = json_text(o, "id");
    bool is_id = strlen(id) == PREVIEW_ID_SIZE - 1 && strspn(id, "0123456789abcdef") == PREVIEW_ID_SIZE - 1;
    snprintf(h->id, sizeof(h->id), "%s", is_id ? id : "");
    h->desired = json_string_value(json_object_get(o, "desired"));
    h->catalogue = json_string_value(json_object_get(o, "catalogue"));
    h->first_name = json_string_value(json_object_get(o, "first_name"));
    h->last_name = json_string_value(json_object_get(o, "last_name"));
    h->remove_unknown = json_is_true(json_object_get(o, "remove_unknown"));
    if (strcmp(h->kind, kind) != 0 || !is_id || clock_parse_rfc3339(json_text(o, "made"), &h->made_ms) != 0)
        return err_set(reterr, ERR_INVAL, "is not a preview of this command");
    if (strcmp(h->provider, provider) != 0)
        return err_set(reterr, ERR_INVAL, "is a preview of %s", h->provider);
    if (now_ms - h->made_ms > max_age_ms)
        return err_set(reterr, ERR_INVAL, "is older than %lld minutes: look again", (long long)(max_age_ms / 60000));
    return 0;
}

/* What a file of lines still has: NULL when that is nothing. */
struct lines {
    char *rest, *end;
};

/* The next line, and how long it is: NUL bytes, as a crash leaves them in a file, do not end it. NULL: there is none. */
static const char *next_line(struct lines *l, size_t *ret_len)
{
    char *line = l->rest;
    if (line == NULL)
        return NULL;
    char *end = memchr(line, '\n', (size_t)(l->end - line));
    *ret_len = (size_t)((end != NULL ? end : l->end) - line);
    l->rest = end != NULL ? end + 1 : NULL;
    return line;
}

/* *@ret_end: it was the last line. */
static int take_line(struct preview *p, json_t *line, bool *ret_end, struct err *reterr)
{
    const char *service = json_text(line, "service");
    *ret_end = json_is_true(json_object_get(line, "end"));
    if (service[0] == '\0')
        return 0;
    return json_object_set(p->services, service, line) == 0 ? 0 : err_nomem(reterr);
}

static int take_lines(struct preview *p, char *text, size_t size, struct err *reterr)
{
    struct lines lines = {text, text + size};
    const char *one;
    size_t len;
    bool end = false;
    long number = 0;
    while (!end && (one = next_line(&lines, &len)) != NULL) {
        number++;
        if (len == 0)
            continue;
        json_t *line = json_read_any(one, len);
        int rc = json_is_object(line) ? 0 : err_set(reterr, ERR_INVAL, "line %ld is no JSON object", number);
        if (rc == 0 && p->root == NULL)
            p->root = json_incref(line);
        else if (rc == 0)
            rc = take_line(p, line, &end, reterr);
        json_decref(line);
        if (rc != 0)
            return rc;
    }
    return end ? 0 : err_set(reterr, ERR_INVAL, "is not whole: its last line is missing");
}

int preview_read(struct preview *ret, const char *path, const char *kind, const char *provider, int64_t now_ms, int64_t max_age_ms,
                 struct err *reterr)
{
    size_t len;
    *ret = (struct preview){.services = json_object()};
    char *text = file_read(path, FILE_MAX_BYTES, &len, reterr);
    if (text == NULL) {
        reterr->code = ERR_INVAL; /* no peer that could come back */
        return -1;
    }
    int rc = ret->services == NULL ? err_nomem(reterr) : take_lines(ret, text, len, reterr);
    if (rc == 0)
        rc = take_head(ret, kind, provider, now_ms, max_age_ms, reterr);
    free(text);
    if (rc != 0)
        err_prefix(reterr, "%s", path);
    return rc;
}

void preview_fini(struct preview *p)
{
    json_decref(p->root);
    json_decref(p->services);
    *p = (struct preview){0};
}

/* ---- progress ---- */

struct progress_file {
    FILE *file;
    json_t *done;  /* service -> true */
    json_t *begun; /* service -> { by, top } */
    char path[4096];
};

/* A last line that is half written is that of a crash: its service is done again, which does no harm. */
static int read_progress(struct progress_file *p, const struct preview_head *h, struct err *reterr)
{
    size_t len;
    if (access(p->path, F_OK) != 0)
        return 0;
    char *text = file_read(p->path, FILE_MAX_BYTES, &len, reterr);
    if (text == NULL)
        return -1;
    struct lines lines = {text, text + len};
    const char *one;
    size_t one_len;
    bool ours = false;
    while ((one = next_line(&lines, &one_len)) != NULL) {
        json_t *line = json_read_any(one, one_len);
        ours = ours || strcmp(json_text(line, "of"), h->id) == 0;
        if (ours && json_text(line, "service")[0] != '\0')
            json_object_set_new(p->done, json_text(line, "service"), json_true());
        if (ours && json_text(line, "begun")[0] != '\0')
            json_object_set(p->begun, json_text(line, "begun"), line);
        json_decref(line);
    }
    free(text);
    if (ours || len == 0)
        return 0;
    return err_set(reterr, ERR_INVAL, "%s is of another preview: move it away", p->path);
}

static int progress_path(const char *preview_path, char *ret, size_t size)
{
    return snprintf(ret, size, "%s.progress", preview_path) < (int)size ? 0 : -1;
}

void progress_forget(const char *preview_path)
{
    char path[4096];
    if (progress_path(preview_path, path, sizeof(path)) == 0)
        (void)unlink(path); /* there may be none */
}

struct progress_file *progress_open(const char *preview_path, const struct preview_head *h, struct err *reterr)
{
    struct progress_file *p = calloc(1, sizeof(*p));
    if (p == NULL) {
        err_nomem(reterr);
        return NULL;
    }
    p->done = json_object();
    p->begun = json_object();
    if (progress_path(preview_path, p->path, sizeof(p->path)) != 0) {
        err_set(reterr, ERR_INVAL, "%s: the path is too long", preview_path);
        progress_close(p);
        return NULL;
    }
    if (read_progress(p, h, reterr) == 0) {
        int fd = open(p->path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        p->file = fd < 0 ? NULL : fdopen(fd, "a");
        if (p->file == NULL)
            err_set(reterr, ERR_INVAL, "%s: %s", p->path, strerror(errno));
    }
    if (p->file != NULL) { /* a new line, should the last one be half written */
        fprintf(p->file, "\n{\"of\":\"%s\"}\n", h->id);
        return p;
    }
    progress_close(p);
    return NULL;
}

void progress_close(struct progress_file *p)
{
    if (p == NULL)
        return;
    if (p->file != NULL)
        fclose(p->file);
    json_decref(p->done);
    json_decref(p->begun);
    free(p);
}

bool progress_has(const struct progress_file *p, const char *service)
{
    return json_object_get(p->done, service) != NULL;
}

const json_t *progress_begun(const struct progress_file *p, const char *service)
{
    return json_object_get(p->begun, service);
}

static int add_line(struct progress_file *p, json_t *o)
{
    int rc = o == NULL ? -1 : json_dumpf(o, p->file, JSON_COMPACT);
    json_decref(o);
    return rc == 0 && fputc('\n', p->file) != EOF ? 0 : -1;
}

int progress_begin(struct progress_file *p, const char *service, const json_t *known)
{
    return add_line(p, json_pack("{s:s, s:s, s:s}", "begun", service, "by", json_text(known, "by"), "top", json_text(known, "top")));
}

int progress_note(struct progress_file *p, const char *service)
{
    return add_line(p, json_pack("{s:s}", "service", service));
}

void progress_outcome(struct progress_file *p, const char *service, const char *event, const char *kind, const char *reason)
{
    json_t *o = json_pack("{s:s, s:s, s:s, s:s}", "about", service, "event", event, "outcome", kind, "reason", reason);
    json_dumpf(o, p->file, JSON_COMPACT);
    fputc('\n', p->file);
    json_decref(o);
}

int progress_sync(struct progress_file *p, struct err *reterr)
{
    if (fflush(p->file) == 0 && fdatasync(fileno(p->file)) == 0)
        return 0;
    return err_set(reterr, ERR_INVAL, "%s: %s", p->path, strerror(errno));
}
