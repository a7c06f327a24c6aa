#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "contract/settings_impl.h"

#define SHOWN_MAX_BYTES 64

int settings_refuse(struct settings_loader *l, const char *pointer, const char *fmt, ...)
{
    char what[400];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(what, sizeof(what), fmt, ap);
    va_end(ap);
    return err_set(l->reterr, ERR_INVAL, "%s:%d: %s: %s", yaml_name(l->doc),
                   yaml_line(l->doc, pointer), *pointer != '\0' ? pointer : "/", what);
}

/* Words in a member's name that say: never quote what stands here or below. */
static bool is_secret_place(const char *pointer)
{
    static const char *const words[] = {"credentials", "password", "passwd",  "secret",
                                        "token",       "key",      "pem",     "jaas",
                                        "sasl",        "proxy",    "settings"};
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (strcasestr(pointer, words[i]) != NULL)
            return true;
    return false;
}

/* Only what is wrong in itself is quoted: an unknown member may be a misspelt secret. */
static bool is_quotable(const char *keyword)
{
    static const char *const words[] = {"type",
                                        "enum",
                                        "const",
                                        "minimum",
                                        "maximum",
                                        "exclusiveMinimum",
                                        "exclusiveMaximum",
                                        "multipleOf",
                                        "pattern",
                                        "format",
                                        "minLength",
                                        "maxLength",
                                        "anyOf"};
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (strcmp(keyword, words[i]) == 0)
            return true;
    return false;
}

/* The value as JSON, or "" when it is no small scalar or might hold a password. */
static void quote(const json_t *v, char *ret, size_t size)
{
    struct buf b;
    *ret = '\0';
    if (v == NULL || json_is_object(v) || json_is_array(v))
        return;
    if (json_is_string(v) &&
        (json_string_length(v) > SHOWN_MAX_BYTES || strchr(json_string_value(v), '@') != NULL))
        return;
    buf_init(&b, 8 * SHOWN_MAX_BYTES);
    json_add_compact(&b, v);
    if (buf_ok(&b) && b.len < size)
        snprintf(ret, size, "%s", buf_cstr(&b));
    buf_fini(&b);
}

/* A text where a whole object is wanted is likely a URL with all in it, the password too. */
static bool wants_container(const struct schema_result *found)
{
    return strcmp(found->keyword, "type") == 0 &&
           strstr(found->fault.reason, "wanted an object") != NULL;
}

int settings_refuse_fault(struct settings_loader *l, const struct schema_result *found)
{
    char value[160] = "";
    const char *at = found->fault.pointer;
    if (is_quotable(found->keyword) && !is_secret_place(at) && !wants_container(found))
        quote(json_at_pointer(yaml_root(l->doc), at), value, sizeof(value));
    if (*value == '\0')
        return settings_refuse(l, at, "%s", found->fault.reason);
    bool typed = strcmp(found->keyword, "type") == 0; /* the reason ends with "found a text" */
    return settings_refuse(l, at, "%s%s%s", found->fault.reason, typed ? ": " : ", found ", value);
}
