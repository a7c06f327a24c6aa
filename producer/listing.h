/* listing.h - rows for a person or a program: a table, JSON lines, or CSV with a line of names, on stdout. */
#ifndef TVB_PRODUCER_LISTING_H
#define TVB_PRODUCER_LISTING_H

#include <jansson.h>
#include <stddef.h>

#include "cli.h"

/* A member of each row, and its column. */
struct listing_member {
    const char *name;
    struct cli_column column;
};

struct listing {
    const struct listing_member *members;
    size_t n; /* at most CLI_COLUMNS_MAX */
    const json_t *rows; /* a list of objects; borrowed */
};

enum listing_form { LISTING_TABLE, LISTING_JSON, LISTING_CSV };

/* JSON has all members of a row, the others those that are listed; CSV is RFC 4180's. */
void listing_show(const struct listing *l, enum listing_form form);

#endif
