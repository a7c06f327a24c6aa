/* schema.c - the life of a compiled schema, and where schema documents are found. */
#include "contract/schema.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "contract/schema_impl.h"
#include "contract/yaml.h"

void *schema_alloc(struct schema *s, size_t n, struct err *reterr)
{
    struct schema_block *b = calloc(1, sizeof(*b) + n);
    if (b == NULL) {
        err_nomem(reterr);
        return NULL;
    }
    b->next = s->blocks;
    s->blocks = b;
    return b->data;
}

char *schema_strdup(struct schema *s, const char *text, struct err *reterr)
{
    size_t n = strlen(text) + 1;
    char *copy = schema_alloc(s, n, reterr);
    return copy != NULL ? memcpy(copy, text, n) : NULL;
}

void schema_free(struct schema *s)
{
    if (s == NULL)
        return;
    schema_patterns_free(s->patterns);
    for (struct schema_resource *r = s->resources; r != NULL; r = r->next)
        if (r->owns_root)
            json_decref(r->root);
    while (s->blocks != NULL) {
        struct schema_block *b = s->blocks;
        s->blocks = b->next;
        free(b);
    }
    free(s);
}

struct schema *schema_load(const char *path, struct err *reterr)
{
    struct yaml_doc *d = yaml_load_file(path, reterr);
    if (d == NULL)
        return NULL;
    char *folder = file_folder(path);
    struct schema *s = NULL;
    if (folder == NULL)
        err_nomem(reterr);
    else
        s = schema_compile(path, yaml_root(d), folder, reterr);
    free(folder);
    yaml_doc_free(d);
    return s;
}

/* Where `cmake --install` puts them, whatever the prefix: <program>/../share/tvbridge/schemas. NULL: not there.
 * Every call writes the same bytes, so that it does not matter which thread was first. */
static const char *installed_beside(void)
{
    static char dir[4096];
    char program[4000];
    ssize_t n = readlink("/proc/self/exe", program, sizeof(program) - 1);
    if (n <= 0)
        return NULL;
    program[n] = '\0';
    *strrchr(program, '/') = '\0';
    snprintf(dir, sizeof(dir), "%s/../share/tvbridge/schemas", program);
    return access(dir, R_OK) == 0 ? dir : NULL;
}

const char *schema_dir(const char *override)
{
    if (override != NULL)
        return override;
    const char *env = getenv("TVBRIDGE_SCHEMAS");
    if (env != NULL && *env != '\0')
        return env;
    const char *beside = installed_beside();
    if (beside != NULL)
        return beside;
    return access(TVB_SCHEMA_DIR_SOURCE, R_OK) == 0 ? TVB_SCHEMA_DIR_SOURCE
                                                    : TVB_SCHEMA_DIR_INSTALLED;
}
