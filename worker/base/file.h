/* file.h - whole files, and where they lie. */
#ifndef TVB_BASE_FILE_H
#define TVB_BASE_FILE_H

#include <stddef.h>

#include "base/err.h"

/* The bytes of @path, NUL-terminated; the caller frees them. NULL and @reterr when it
 * cannot be read or has more than @max_bytes. */
char *file_read(const char *path, size_t max_bytes, size_t *ret_len, struct err *reterr);

/* The folder of @path, "." when it names none; the caller frees it. NULL when out of memory. */
char *file_folder(const char *path);

#endif
