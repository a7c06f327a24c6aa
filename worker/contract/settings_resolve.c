/* settings_resolve.c - ${NAME}, ${NAME:-text} and file:PATH in the texts of a settings file. "$${" is a plain "${". */
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "contract/settings_impl.h"

#define TEXT_MAX_BYTES (64 * 1024)

static int resolve_value(struct settings_loader *l, struct buf *pointer, json_t *v);

static int keep(struct settings_loader *l, const char *pointer, json_t *text, const char *value,
                size_t len)
{
    if (memchr(value, '\0', len) != NULL || json_string_setn(text, value, len) != 0)
        return settings_refuse(l, pointer, "what it stands for is not UTF-8 text");
    return 0;
}

static int resolve_file(struct settings_loader *l, const char *pointer, json_t *text)
{
    const char *name = json_string_value(text) + strlen("file:");
    struct err e;
    size_t len = 0;
    char *path = NULL, *data = NULL;
    struct buf b;
    buf_init(&b, TEXT_MAX_BYTES);
    if (*name != '/')
        buf_addf(&b, "%s/", l->folder);
    buf_adds(&b, name);
    path = buf_steal(&b, NULL);
    if (path != NULL)
        data = file_read(path, TEXT_MAX_BYTES, &len, &e);
    else
        err_set(&e, ERR_INVAL, "the path is too long");
    buf_fini(&b);
    free(path);
    if (data == NULL)
        return settings_refuse(l, pointer, "%s", e.msg);
    while (len > 0 && (data[len - 1] == '\n' || data[len - 1] == '\r'))
        len--;
    int rc = len > 0 ? keep(l, pointer, text, data, len)
                     : settings_refuse(l, pointer, "file %s is empty", name);
    free(data);
    return rc;
}

/* At "${"; moves *at behind the closing brace. */
static int add_variable(struct settings_loader *l, const char *pointer, const char **at,
                        struct buf *out)
{
    const char *from = *at + 2;
    size_t n = strspn(from, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_");
    const char *end = strchr(from, '}');
    bool has_default = strncmp(from + n, ":-", 2) == 0;
    char name[128];
    if (end == NULL || n == 0 || n >= sizeof(name) || (from + n != end && !has_default))
        return settings_refuse(
            l, pointer, "wanted ${NAME} or ${NAME:-text}; a plain \"${\" is written \"$${\"");
    memcpy(name, from, n);
    name[n] = '\0';
    *at = end + 1;
    const char *value = getenv(name);
    if (value != NULL && (*value != '\0' || !has_default))
        buf_adds(out, value);
    else if (has_default)
        buf_add(out, from + n + 2, (size_t)(end - from) - n - 2);
    else
        return settings_refuse(l, pointer, "the environment variable %s is not set", name);
    return 0;
}

static int resolve_variables(struct settings_loader *l, const char *pointer, json_t *text)
{
    struct buf b;
    int rc = 0;
    buf_init(&b, TEXT_MAX_BYTES);
    for (const char *at = json_string_value(text); rc == 0 && *at != '\0';) {
        if (strncmp(at, "$${", 3) == 0) {
            buf_adds(&b, "${");
            at += 3;
        } else if (strncmp(at, "${", 2) == 0) {
            rc = add_variable(l, pointer, &at, &b);
        } else {
            buf_addc(&b, *at++);
        }
    }
    if (rc == 0 && !buf_ok(&b))
        rc = settings_refuse(l, pointer, "the text is longer than %d bytes", TEXT_MAX_BYTES);
    if (rc == 0)
        rc = keep(l, pointer, text, buf_cstr(&b), b.len);
    buf_fini(&b);
    return rc;
}

static int resolve_text(struct settings_loader *l, const char *pointer, json_t *text)
{
    const char *s = json_string_value(text);
    if (strncmp(s, "file:", 5) == 0)
        return resolve_file(l, pointer, text);
    return strstr(s, "${") != NULL ? resolve_variables(l, pointer, text) : 0;
}

static int resolve_below(struct settings_loader *l, struct buf *pointer, json_t *v)
{
    size_t base = pointer->len;
    const char *key;
    json_t *item;
    size_t i;
    int rc = 0;
    json_object_foreach(v, key, item)
    {
        json_pointer_add(pointer, key);
        rc = resolve_value(l, pointer, item);
        pointer->len = base;
        if (rc != 0)
            return rc;
    }
    json_array_foreach(v, i, item)
    {
        buf_addc(pointer, '/');
        buf_addu(pointer, i);
        rc = resolve_value(l, pointer, item);
        pointer->len = base;
        if (rc != 0)
            return rc;
    }
    return 0;
}

static int resolve_value(struct settings_loader *l, struct buf *pointer, json_t *v)
{
    if (json_is_string(v))
        return resolve_text(l, buf_cstr(pointer), v);
    return resolve_below(l, pointer, v);
}

int settings_resolve(struct settings_loader *l)
{
    struct buf pointer;
    buf_init(&pointer, TEXT_MAX_BYTES);
    int rc = resolve_value(l, &pointer, l->root);
    buf_fini(&pointer);
    return rc;
}
