/* path.c - see path.h. */
#include "workflow/path.h"

#include <string.h>

static int add_part(struct arena *a, struct path_part *part, const char *s, const char **ret_next, struct err *reterr)
{
    if (*s != '{') {
        size_t n = strcspn(s, "{");
        *part = (struct path_part){.text = s, .len = n};
        *ret_next = s + n;
        return 0;
    }
    const char *close = strchr(s, '}');
    if (close == NULL || close == s + 1)
        return err_set(reterr, ERR_INVAL, "the path has `{` without a name and `}`");
    part->param = arena_text(a, s + 1, (size_t)(close - s - 1));
    *ret_next = close + 1;
    return part->param == NULL ? err_nomem(reterr) : 0;
}

int path_split(struct arena *a, const char *path, const struct path_part **ret, size_t *ret_n, struct err *reterr)
{
    size_t max = 1;
    for (const char *s = path; *s != '\0'; s++)
        max += 2 * (*s == '{');
    struct path_part *parts = arena_alloc(a, max * sizeof(*parts));
    *ret = parts;
    *ret_n = 0;
    if (parts == NULL)
        return err_nomem(reterr);
    for (const char *s = path; *s != '\0'; (*ret_n)++)
        if (add_part(a, &parts[*ret_n], s, &s, reterr) != 0)
            return -1;
    return path[0] == '/' ? 0 : err_set(reterr, ERR_INVAL, "a path begins with /");
}
