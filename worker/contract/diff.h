/* diff.h - what billing wants of a service against what the platform has, and the events that would make them one. Pure.
 *
 * The rules of PROVIDERS.md 1.2 (4NET.TV): packages go on and off by their dates; what somebody put there by hand stays, and is named,
 * unless it is said to go. Only accounts that tvbridge knows are changed: of others the pack would guess the login. */
#ifndef TVB_CONTRACT_DIFF_H
#define TVB_CONTRACT_DIFF_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* Whether events of that type can be carried out. */
typedef bool diff_can_fn(const void *arg, const char *type);

/* How a snapshot is compared: it says all of a service. Each package and each device has an event of its own, so that what an event says
 * does not depend on what else differs; devices and their number are compared, and how much is cut off; what is to be done on a later
 * day is an event that bears it. */
struct diff_whole {
    bool ends_follow;      /* the pack makes events of the ends of packages (x-dates): they are made anew for those that stay */
    bool password_differs; /* false also when nobody can tell */
};

struct diff_rules {
    int64_t now_ms;        /* Unix ms: which dated packages are on */
    bool remove_unknown;   /* packages that billing does not know go, and accounts that it does not name */
    bool cuts_known;       /* the provider's settings say `cuts: known` */
    diff_can_fn *can;      /* NULL: all can be carried out */
    const void *can_arg;
    const json_t *catalog; /* { plans: id -> .., packages: id -> .. } that the platform has; NULL: not known */
    const struct diff_whole *whole; /* NULL: a row of a list is compared */
};

struct diff_ask {
    const char *service;
    const json_t *wanted; /* wanted.h; NULL: billing does not name it */
    const json_t *real;   /* account_record(); NULL: the platform has no account of it */
    const json_t *record; /* known_of(), for a snapshot also devices and device_limit as the record has them; NULL: none */
};

/* 1 and *@ret, the caller's: { service, kind, changes: [{ type, data, what, notbefore? }], left: [text] }, in the order in which they are
 * safe, where kind is create, change, remove, or left (nothing is to be done about what differs). notbefore: RFC 3339, of what is to be done
 * later. 0: they are one. -1: out of memory. */
int diff_find(const struct diff_rules *rules, const struct diff_ask *ask, json_t **ret);

/* What the record says, as if billing wanted it: for --from-records. The caller owns it. NULL: out of memory. */
json_t *diff_wanted_of_record(const json_t *record);

#endif
