/* fold.h - the letters of a UTF-8 text, one at a time, without regard to case. No locale. */
#ifndef TVB_WORKFLOW_FOLD_H
#define TVB_WORKFLOW_FOLD_H

#include <stdbool.h>
#include <stdint.h>

struct fold {
    const char *at, *end;
};

#define FOLD_END 0u

/* The next code point, folded, plus 1 (so that U+0000 is not the end); FOLD_END at the end. Bytes that are not
 * UTF-8 count one by one, above all code points. */
uint32_t fold_next(struct fold *f);

#endif
