/* link.h - which account at the platform is a service's. Pure.
 *
 * By what the row says of it and what the record knows: external id, account number, login. All that find an account must find the same
 * one. Where neither says anything, the service's own id is looked for, in that order. */
#ifndef TVB_PRODUCER_LINK_H
#define TVB_PRODUCER_LINK_H

#include <jansson.h>
#include <stdbool.h>

#include "account.h"

enum link_result { LINK_NONE, LINK_ONE, LINK_DOUBTFUL };

struct link_ask {
    const char *service;
    const json_t *row;    /* wanted_read(); may be NULL */
    const json_t *record; /* known_get(), may be NULL */
    bool strict;          /* what the row says must be what the account bears */
};

struct link {
    enum link_result result;
    struct account *account; /* of LINK_ONE; of LINK_DOUBTFUL one of those, or NULL */
    const char *by;          /* account_key_name() of what found it */
    char why[120];           /* of LINK_DOUBTFUL, for a person; holds no names */
};

void link_find(const struct accounts *a, const struct link_ask *ask, struct link *ret);

#endif
