/* copy.h - copies of optional texts, many in a row with one check at the end. */
#ifndef TVB_BASE_COPY_H
#define TVB_BASE_COPY_H

#include <stdbool.h>

/* A copy of @s that the caller frees; NULL for NULL. Sets *@failed, and else leaves it, when out of memory. */
char *copy_text(const char *s, bool *failed);

#endif
