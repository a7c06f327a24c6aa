/* fuzz.c - see fuzz.h. */
#include "fuzz.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/utf8.h"
#include "contract/yaml.h"

void fuzz_check(bool good, const char *fmt, ...)
{
    if (good)
        return;
    va_list ap;
    va_start(ap, fmt);
    fputs("\nfuzz: broken promise: ", stderr);
    vfprintf(stderr, fmt, ap);
    fputc('\n', stderr);
    va_end(ap);
    abort();
}

/* --- parts --- */

struct fuzz_text fuzz_input(const uint8_t *data, size_t size)
{
    return (struct fuzz_text){(const char *)data, size};
}

static struct fuzz_text cut(struct fuzz_text *rest, const char *mark, size_t mark_len)
{
    struct fuzz_text all = *rest;
    const char *at = all.len == 0 ? NULL : memmem(all.data, all.len, mark, mark_len);
    if (at == NULL) {
        *rest = (struct fuzz_text){"", 0};
        return all;
    }
    size_t n = (size_t)(at - all.data);
    *rest = (struct fuzz_text){at + mark_len, all.len - n - mark_len};
    return (struct fuzz_text){all.data, n};
}

struct fuzz_text fuzz_part(struct fuzz_text *rest)
{
    return cut(rest, "\n%%\n", 4);
}

struct fuzz_text fuzz_line(struct fuzz_text *rest)
{
    return cut(rest, "\n", 1);
}

char *fuzz_cstr(struct fuzz_text t)
{
    char *s = malloc(t.len + 1);
    fuzz_check(s != NULL, "no memory for a copy");
    if (t.len > 0)
        memcpy(s, t.data, t.len);
    s[t.len] = '\0';
    return s;
}

/* --- messages --- */

static void take_line(struct fuzz_message *in, struct fuzz_text line)
{
    const char *colon = memchr(line.data, ':', line.len);
    size_t n = colon != NULL ? (size_t)(colon - line.data) : line.len;
    struct fuzz_text value = {colon != NULL ? colon + 1 : "", colon != NULL ? line.len - n - 1 : 0};
    if (n == 3 && memcmp(line.data, "key", 3) == 0 && in->key == NULL) {
        in->key = fuzz_cstr(value);
        in->m.key = in->key;
        in->m.key_len = value.len;
        return;
    }
    size_t i = in->m.header_count;
    if (i == FUZZ_HEADERS_MAX)
        return;
    in->names[i] = fuzz_cstr((struct fuzz_text){line.data, n});
    in->values[i] = colon != NULL ? malloc(value.len + (value.len == 0)) : NULL; /* no NUL behind it, as in librdkafka */
    if (colon != NULL && value.len > 0)
        memcpy(in->values[i], value.data, value.len);
    in->headers[i] = (struct event_header){in->names[i], in->values[i], value.len};
    in->m.header_count++;
}

void fuzz_message_init(struct fuzz_message *in, struct fuzz_text rest)
{
    *in = (struct fuzz_message){.m = {.headers = in->headers}};
    for (struct fuzz_text line; rest.len > 0 && (line = fuzz_line(&rest)).len > 0;)
        take_line(in, line);
    in->m.value = rest.data;
    in->m.value_len = rest.len;
}

void fuzz_message_fini(struct fuzz_message *in)
{
    for (size_t i = 0; i < in->m.header_count; i++) {
        free(in->names[i]);
        free(in->values[i]);
    }
    free(in->key);
}

/* --- files --- */

static char folder[256];

static void remove_folder(void)
{
    DIR *d = opendir(folder);
    struct dirent *e;
    while (d != NULL && (e = readdir(d)) != NULL)
        (void)unlinkat(dirfd(d), e->d_name, 0);
    if (d != NULL)
        closedir(d);
    (void)rmdir(folder);
}

const char *fuzz_folder(void)
{
    if (folder[0] != '\0')
        return folder;
    const char *tmp = getenv("TMPDIR"), *memory = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp"; /* some are synced each time */
    snprintf(folder, sizeof(folder), "%s/tvb-fuzz-XXXXXX", tmp != NULL ? tmp : memory);
    fuzz_check(mkdtemp(folder) != NULL, "no temporary folder");
    atexit(remove_folder);
    return folder;
}

const char *fuzz_path(const char *name)
{
    static char path[512];
    snprintf(path, sizeof(path), "%s/%s", fuzz_folder(), name);
    return path;
}

void fuzz_write(const char *name, struct fuzz_text t)
{
    int fd = open(fuzz_path(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    fuzz_check(fd >= 0 && write(fd, t.data, t.len) == (ssize_t)t.len, "cannot write a file");
    close(fd);
}

int fuzz_pieces(struct fuzz_text t, size_t piece)
{
    enum { PIECES_MAX = 100 };
    int ends[2];
    if (piece < t.len / PIECES_MAX + 1)
        piece = t.len / PIECES_MAX + 1;
    fuzz_check(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0, "no sockets");
    for (size_t at = 0; at < t.len; at += piece) {
        size_t n = t.len - at < piece ? t.len - at : piece;
        fuzz_check(send(ends[0], t.data + at, n, MSG_DONTWAIT) == (ssize_t)n, "the socket is full");
    }
    close(ends[0]);
    return ends[1];
}

char *fuzz_stdout(void)
{
    static int fd = -1;
    fflush(stdout);
    if (fd < 0) {
        fd = memfd_create("stdout", MFD_CLOEXEC);
        fuzz_check(fd >= 0 && dup2(fd, STDOUT_FILENO) >= 0, "no place for what is printed");
    }
    off_t n = lseek(fd, 0, SEEK_END);
    char *text = calloc(1, (size_t)n + 1);
    fuzz_check(text != NULL && pread(fd, text, (size_t)n, 0) == n, "cannot read what was printed");
    fuzz_check(ftruncate(fd, 0) == 0 && lseek(fd, 0, SEEK_SET) == 0, "cannot forget what was printed");
    return text;
}

/* --- texts --- */

bool fuzz_is_text(const char *s)
{
    for (size_t n = strlen(s), len; n > 0; s += len, n -= len) {
        len = utf8_len(s, n);
        bool is_c1 = len == 2 && (unsigned char)s[0] == 0xc2 && (unsigned char)s[1] <= 0x9f;
        if (len == 0 || (unsigned char)*s < 0x20 || *s == 0x7f || is_c1)
            return false;
    }
    return true;
}

void fuzz_refused(const struct err *e, const char *path)
{
    fuzz_check(e->code == ERR_INVAL && e->msg[0] != '\0', "refused with %d, \"%s\"", (int)e->code, e->msg);
    fuzz_check(fuzz_is_text(e->msg), "a refusal that is no text: \"%s\"", e->msg);
    fuzz_check(path == NULL || strncmp(e->msg, path, strlen(path)) == 0, "a refusal without its file: %s", e->msg);
}

void fuzz_refused_at(const struct fault *f)
{
    fuzz_check(f->reason[0] != '\0' && !f->nomem, "refused without a reason");
    fuzz_check(fuzz_is_text(f->reason), "a reason that is no text: \"%s\"", f->reason);
    fuzz_check(f->pointer[0] == '\0' || f->pointer[0] == '/', "refused at \"%s\"", f->pointer);
}

/* The pointer at @text's begin ends with ": ", which may stand in a name as well. */
static bool begins_with_place(const json_t *root, const char *text)
{
    char *copy = strdup(text);
    bool found = false;
    for (char *end = copy; !found && (end = strstr(end + 1, ": ")) != NULL;) {
        *end = '\0';
        found = json_at_pointer(root, strcmp(copy, "/") == 0 ? "" : copy) != NULL;
        *end = ':';
    }
    free(copy);
    return found;
}

void fuzz_refused_document(const struct err *e, const char *path)
{
    struct err again;
    fuzz_refused(e, path);
    const char *line = e->msg + strlen(path) + 1, *at = strchr(line, ' ');
    struct yaml_doc *d = yaml_load_file(path, &again);
    bool is_changed = strlen(e->msg) > 150 || strchr(e->msg, '?') != NULL; /* a pointer may be cut, and a control in it is '?' */
    if (d != NULL && !is_changed)
        fuzz_check(*line >= '1' && *line <= '9' && at != NULL && begins_with_place(yaml_root(d), at + 1), "a place that is not there: %s", e->msg);
    yaml_doc_free(d);
}

char *fuzz_json(const json_t *v)
{
    char *text = json_dumps(v, JSON_COMPACT | JSON_ENCODE_ANY);
    fuzz_check(text != NULL, "a value that cannot be written as JSON");
    return text;
}

/* --- events --- */

const struct event_schemas *fuzz_schemas(void)
{
    static struct event_schemas *s;
    struct err err = {0};
    if (s == NULL)
        s = event_schemas_load(TVB_ROOT "/schemas", &err);
    fuzz_check(s != NULL, "%s", err.msg);
    return s;
}

void fuzz_valid_event(const json_t *root, struct event *ret)
{
    char *text = fuzz_json(root);
    const char *key = json_text(root, "subject");
    const struct event_message m = {.key = key, .key_len = strlen(key), .value = text, .value_len = strlen(text)};
    struct fault f = {.reason = ""};
    fuzz_check(event_decode(fuzz_schemas(), &m, ret, &f) == 0, "no event: %s %s: %s", f.pointer, f.reason, text);
    free(text);
}

const struct event *fuzz_event(enum event_type t)
{
    static struct event events[EVENT_TYPE_COUNT];
    struct event *e = &events[t];
    if (e->root != NULL)
        return e;
    char path[512];
    snprintf(path, sizeof(path), TVB_ROOT "/schemas/vectors/valid/%s-1.json", event_type_name(t));
    json_t *v = json_load_file(path, 0, NULL);
    fuzz_check(v != NULL, "cannot read %s", path);
    fuzz_valid_event(v, e);
    json_decref(v);
    return e;
}
