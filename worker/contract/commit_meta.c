#include "contract/commit_meta.h"

#include <stdbool.h>
#include <string.h>

static const char version[] = "v1;";

/* Decimal digits only, at most 18. -1: none. */
static int64_t number(const char *text, size_t len)
{
    int64_t v = 0;
    if (len == 0 || len > 18)
        return -1;
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9')
            return -1;
        v = v * 10 + (text[i] - '0');
    }
    return v;
}

static void copy(char *ret, size_t size, const char *text, size_t len)
{
    if (len >= size || memchr(text, '\0', len) != NULL)
        return;
    memcpy(ret, text, len);
    ret[len] = '\0';
}

static bool is(const char *name, size_t len, const char *want)
{
    return len == strlen(want) && memcmp(name, want, len) == 0;
}

/* Without leading zeros: the longer of two fences is the higher one. */
static void take_fence(struct commit_meta *m, const char *value, size_t len)
{
    if (number(value, len) < 0)
        return;
    for (; len > 1 && *value == '0'; value++)
        len--;
    copy(m->fence, sizeof(m->fence), value, len);
}

static void take(struct commit_meta *m, const char *name, size_t name_len, const char *value, size_t len)
{
    if (is(name, name_len, "ceil")) {
        m->ceiling = number(value, len);
    } else if (is(name, name_len, "out")) {
        m->out = number(value, len);
    } else if (is(name, name_len, "fence")) {
        take_fence(m, value, len);
    } else if (is(name, name_len, "redis")) {
        copy(m->redis, sizeof(m->redis), value, len);
    } else if (is(name, name_len, "done")) {
        m->done = value;
        m->done_len = len;
    }
}

int commit_meta_parse(const char *text, size_t len, struct commit_meta *ret)
{
    *ret = (struct commit_meta){.ceiling = -1, .out = -1, .done = ""};
    size_t head = sizeof(version) - 1;
    if (len < head || memcmp(text, version, head) != 0)
        return -1;
    const char *end = text + len;
    for (const char *at = text + head; at < end;) {
        const char *stop = memchr(at, ';', (size_t)(end - at));
        if (stop == NULL)
            stop = end;
        const char *eq = memchr(at, '=', (size_t)(stop - at));
        if (eq != NULL)
            take(ret, at, (size_t)(eq - at), eq + 1, (size_t)(stop - eq - 1));
        at = stop + 1;
    }
    return 0;
}

static void add_number(struct buf *out, const char *name, int64_t value)
{
    if (value < 0)
        return;
    buf_adds(out, name);
    buf_addi(out, value);
}

static void add_text(struct buf *out, const char *name, const char *value)
{
    if (value[0] == '\0')
        return;
    buf_adds(out, name);
    buf_adds(out, value);
}

void commit_meta_write(const struct commit_meta *m, struct buf *out)
{
    buf_adds(out, "v1");
    add_number(out, ";ceil=", m->ceiling);
    add_number(out, ";out=", m->out);
    add_text(out, ";fence=", m->fence);
    add_text(out, ";redis=", m->redis);
    buf_adds(out, ";done=");
}

const char *commit_meta_higher_fence(const char *a, const char *b)
{
    size_t na = strlen(a), nb = strlen(b);
    if (na != nb)
        return na > nb ? a : b;
    return strcmp(a, b) >= 0 ? a : b;
}
