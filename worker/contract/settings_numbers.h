/* settings_numbers.h - the numbers of RELIABILITY.md section 9: defaults, ranges, and what must hold between them.
 * Pure. core/numbers.c speaks it as errors, settings.c as refusals with a line. */
#ifndef TVB_CONTRACT_SETTINGS_NUMBERS_H
#define TVB_CONTRACT_SETTINGS_NUMBERS_H

#include <stdbool.h>

#include "contract/settings.h"

struct settings_number {
    const char *name; /* as in the file and in struct settings_numbers */
    size_t offset;
    int64_t standard, min, max; /* the schema says the same */
};
/* All of them; *ret_count how many. */
const struct settings_number *settings_number_table(size_t *ret_count);

struct settings_disagreement {
    const char *member; /* the number that is wrong */
    const char *other;  /* the one that it disagrees with; NULL: it is out of its own range */
    char reason[240];
};
/* True when all holds. Else false and the first thing that does not. */
bool settings_numbers_agree(const struct settings_numbers *n, struct settings_disagreement *ret);

#endif
