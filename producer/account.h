/* account.h - all accounts of a platform (each one: contract/account.h), found by what they bear. */
#ifndef TVB_PRODUCER_ACCOUNT_H
#define TVB_PRODUCER_ACCOUNT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "contract/account.h"

/* What an account may be found by. */
enum account_key { ACCOUNT_EXTERNAL_ID, ACCOUNT_NUMBER, ACCOUNT_LOGIN, ACCOUNT_KEY_COUNT };
const char *account_key_name(enum account_key k); /* "external_id", "account_number", "login" */

struct accounts;
struct account; /* one of them; owned by all */

struct accounts *accounts_new(void); /* NULL: out of memory */
void accounts_free(struct accounts *a); /* NULL is fine */
/* -1: out of memory. */
int accounts_add(struct accounts *a, const json_t *account);
size_t accounts_count(const struct accounts *a);
struct account *accounts_at(const struct accounts *a, size_t i); /* in the order in which they were added */
/* Those that bear @value, the first one; further ones by account_same(). Logins are found without regard to case (ASCII). NULL: none. */
struct account *accounts_find(const struct accounts *a, enum account_key k, const char *value);
struct account *account_same(const struct account *a, enum account_key k);

/* "" where it bears none. Borrowed. */
const char *account_bears(const struct account *a, enum account_key k);
const char *account_state(const struct account *a, size_t *ret_len); /* account_record() as compact JSON */
/* Which service was found to be its owner: "" at first. @service must live as long as @a. */
const char *account_owner(const struct account *a);
void account_set_owner(struct account *a, const char *service);

#endif
