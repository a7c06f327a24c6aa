/* diff.h - what billing wants of a service against what the platform has, and the events that would make them one. Pure.
 *
 * The rules of PROVIDERS.md 1.2 (4NET.TV): packages go on and off by their dates; what somebody put there by hand stays, and is named,
 * unless it is said to go. Only accounts that tvbridge knows are changed: of others the pack would guess the login. */
#ifndef TVB_PRODUCER_DIFF_H
#define TVB_PRODUCER_DIFF_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct pack;

struct diff_rules {
    int64_t now_ms;            /* Unix ms: which dated packages are on */
    bool remove_unknown;       /* packages that billing does not know go, and accounts that it does not name */
    bool cuts_known;           /* the provider's settings say `cuts: known` */
    const struct pack *pack;   /* which events it can carry out; NULL: all */
    const json_t *catalog;     /* { plans: id -> .., packages: id -> .. } that the platform has; NULL: not known */
};

struct diff_ask {
    const char *service;
    const json_t *wanted; /* wanted_read(); NULL: billing does not name it */
    const json_t *real;   /* account_record(); NULL: the platform has no account of it */
    const json_t *record; /* known_of(); NULL: none */
};

/* 1 and *@ret, the caller's: { service, kind, changes: [{ type, data, what }], left: [text] }, where kind is create, change, remove, or
 * left (nothing is to be done about what differs). 0: they are one. -1: out of memory. */
int diff_find(const struct diff_rules *rules, const struct diff_ask *ask, json_t **ret);

/* What the record says, as if billing wanted it: for --from-records. The caller owns it. NULL: out of memory. */
json_t *diff_wanted_of_record(const json_t *record);

#endif
