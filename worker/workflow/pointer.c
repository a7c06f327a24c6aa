/* pointer.c - see pointer.h. */
#include "workflow/pointer.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "contract/json.h"

static bool is_index(const char *s)
{
    size_t n = strspn(s, "0123456789");
    return n > 0 && n < 10 && s[n] == '\0' && (n == 1 || s[0] != '0');
}

static int set_token(json_t *parent, const char *token, json_t *v)
{
    if (json_is_object(parent))
        return json_object_set_new(parent, token, v);
    if (json_is_array(parent) && strcmp(token, "-") == 0)
        return json_array_append_new(parent, v);
    if (json_is_array(parent) && is_index(token) && strtoul(token, NULL, 10) < json_array_size(parent))
        return json_array_set_new(parent, strtoul(token, NULL, 10), v);
    json_decref(v);
    return -1;
}

static void unescape(char *s)
{
    char *to = s;
    for (; *s != '\0'; s++) {
        bool escaped = s[0] == '~' && (s[1] == '0' || s[1] == '1');
        *to++ = !escaped ? *s : s[1] == '1' ? '/' : '~';
        s += escaped;
    }
    *to = '\0';
}

int pointer_set(json_t **root, const char *pointer, json_t *v)
{
    if (pointer[0] == '\0') {
        json_decref(*root);
        *root = v;
        return 0;
    }
    char *path = strdup(pointer);
    char *slash = path == NULL ? NULL : strrchr(path, '/');
    if (slash == NULL) {
        free(path);
        json_decref(v);
        return -1;
    }
    *slash = '\0';
    unescape(slash + 1);
    int rc = set_token(json_at_pointer(*root, path), slash + 1, v);
    free(path);
    return rc;
}
