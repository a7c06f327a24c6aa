#include "base/file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

char *file_read(const char *path, size_t max_bytes, size_t *ret_len, struct err *reterr)
{
    FILE *f = fopen(path, "re");
    if (f == NULL) {
        err_set(reterr, ERR_IO, "%s: %s", path, strerror(errno));
        return NULL;
    }
    struct buf b;
    buf_init(&b, max_bytes);
    char chunk[16384];
    size_t n;
    while ((n = fread(chunk, 1, sizeof(chunk), f)) > 0 && buf_ok(&b))
        buf_add(&b, chunk, n);
    int failed = ferror(f) ? errno : 0;
    fclose(f);
    char *data = failed ? NULL : buf_steal(&b, ret_len);
    if (failed)
        err_set(reterr, ERR_IO, "%s: %s", path, strerror(failed));
    else if (data == NULL && b.no_memory)
        err_nomem(reterr);
    else if (data == NULL)
        err_set(reterr, ERR_INVAL, "%s: more than %zu bytes", path, max_bytes);
    buf_fini(&b);
    return data;
}

char *file_folder(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == NULL ? strdup(".") : strndup(path, slash == path ? 1 : (size_t)(slash - path));
}
