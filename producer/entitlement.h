/* entitlement.h - who may watch what, by login: one provider's records as the platform's questions want them.
 *
 * Fed with the messages of the records topic, in each partition's order; of two records of a service the one with the higher
 * fence counts (RELIABILITY.md section 2). Pure: no I/O, no clock. Not thread-safe. */
#ifndef TVB_PRODUCER_ENTITLEMENT_H
#define TVB_PRODUCER_ENTITLEMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct entitlement;

/* @provider, @password_key: borrowed; the key NULL: passwords are not checked. NULL: out of memory. */
struct entitlement *entitlement_new(const char *provider, const char *password_key);
void entitlement_free(struct entitlement *e); /* NULL is fine */

/* One message: @value NULL is a tombstone. What is no record is passed over. -1: out of memory, what was known stays. */
int entitlement_put(struct entitlement *e, int32_t partition, const char *key, size_t key_len, const char *value,
                    size_t value_len);
/* Forgets a partition whose log was made anew. */
void entitlement_forget(struct entitlement *e, int32_t partition);
/* Services known, deleted ones too. */
size_t entitlement_count(const struct entitlement *e);

enum entitlement_verdict {
    ENTITLED,
    ENTITLEMENT_WRONG,    /* no such login, or another password */
    ENTITLEMENT_UNKEPT,   /* the record keeps no password, or one under another key */
    ENTITLEMENT_BLOCKED,  /* by billing, in whole or in part */
    ENTITLEMENT_SUSPENDED,
    ENTITLEMENT_INACTIVE, /* not begun, cancelled, or of a status that is not known */
};
#define ENTITLEMENT_VERDICTS (ENTITLEMENT_INACTIVE + 1)
/* "entitled", "wrong_login_or_password", ... : also the answer's `reason`. */
const char *entitlement_verdict_name(enum entitlement_verdict v);

struct entitlement_question {
    const char *login;
    const char *password; /* NULL: not asked for */
    int64_t now_real_ms;  /* packages are told from and until their dates */
    int64_t age_ms;       /* of what is known; goes into the answer */
};
/* Appends the answer, a JSON object. Where several services have the login, the one that may watch and whose password fits
 * counts. The time that a password takes does not depend on whether there is such a login. */
enum entitlement_verdict entitlement_answer(const struct entitlement *e, const struct entitlement_question *q,
                                            struct buf *out);

#endif
