#include "base/copy.h"

#include <string.h>

char *copy_text(const char *s, bool *failed)
{
    char *c = s != NULL ? strdup(s) : NULL;
    if (s != NULL && c == NULL)
        *failed = true;
    return c;
}
