/* convert_state.h - which accounts bear a client's id where a service's is wanted, and the events that convert each. PROVIDERS.md 1.2,
 * 4NET.TV 11. Pure, but for what it is filled from. */
#ifndef TVB_PRODUCER_CONVERT_STATE_H
#define TVB_PRODUCER_CONVERT_STATE_H

#include <jansson.h>
#include <stdbool.h>

#include "account.h"
#include "base/err.h"
#include "book.h"
#include "sync_state.h"

struct convert_state {
    struct book *known;      /* service -> known_of(), and `adopted`: the id of the event that adopted it */
    struct book *rows;       /* service -> its row of the map, canonical */
    struct accounts *accounts;
    const char *first_name, *last_name; /* templates: {name}, {service}, {service_name}, {client} */
};

/* Reads the map: CSV or JSON lines with service and client, and name and service_name for the new name. */
int convert_read_map(struct convert_state *s, const char *path, struct err *reterr);
/* Accounts whose services are known are nobody else's, and each client's account is its service's. */
void convert_link(struct convert_state *s);

#define CONVERT_PREFIX "convert-" /* of the ids of the events */

/* 1 and *@ret, the caller's: { service, client, kind (convert, or left), read: { account_number, external_id, login, status, plan,
 * packages, devices }, changes: [{ type, data, what }], left: [text] }. 0: it is converted. -1: out of memory. Its hash in @ret_hash. */
int convert_find(const struct convert_state *s, const char *service, json_t **ret, char ret_hash[SYNC_HASH_SIZE]);

/* @template with what the row says in place of the words in braces; "" when one of them is not said. -1: it has other words. */
int convert_fill(const char *template, const char *service, const json_t *row, char *ret, size_t size, struct err *reterr);

#endif
