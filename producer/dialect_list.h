/* dialect_list.h - a dialect's words for people: each with its event, what it says of the data, and what to expect. */
#ifndef TVB_PRODUCER_DIALECT_LIST_H
#define TVB_PRODUCER_DIALECT_LIST_H

#include <stdbool.h>

#include "dialect.h"

/* On stdout, as a table, or with @json one operation of the document a line. */
void dialect_list(const struct dialect *d, bool json);

#endif
