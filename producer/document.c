#include "document.h"

#include <stdarg.h>
#include <stdio.h>

#include "contract/schema.h"

int document_refuse(const struct yaml_doc *d, const char *pointer, struct err *reterr, const char *fmt, ...)
{
    char what[400];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(what, sizeof(what), fmt, ap);
    va_end(ap);
    return err_set(reterr, ERR_INVAL, "%s:%d: %s: %s", yaml_name(d), yaml_line(d, pointer), pointer[0] != '\0' ? pointer : "/", what);
}

static int check(const struct yaml_doc *d, const char *path, struct err *reterr)
{
    struct fault fault;
    struct schema *s = schema_load(path, reterr);
    if (s == NULL)
        return -1;
    int rc = schema_check(s, yaml_root(d), &fault) ? 0 : document_refuse(d, fault.pointer, reterr, "%s", fault.reason);
    schema_free(s);
    return rc;
}

struct yaml_doc *document_load(const char *path, const char *schemas, const char *schema, struct err *reterr)
{
    char of[4096];
    struct yaml_doc *d = yaml_load_file(path, reterr);
    if (d == NULL)
        return NULL;
    snprintf(of, sizeof(of), "%s/%s", schemas, schema);
    if (check(d, of, reterr) == 0)
        return d;
    yaml_doc_free(d);
    return NULL;
}
