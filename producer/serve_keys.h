/* serve_keys.h - who calls the gateway: a key is known by its digest, says what its holder may, and has a pace.
 *
 * Pure: the time is an argument. Not thread-safe. */
#ifndef TVB_PRODUCER_SERVE_KEYS_H
#define TVB_PRODUCER_SERVE_KEYS_H

#include <stdbool.h>
#include <stdint.h>

#include "contract/settings.h"

struct serve_keys;

struct serve_key {
    const struct settings_key *of; /* borrowed from the settings */
    double tokens;                 /* below 0: a batch that is still being paid off */
    int64_t filled_ms;
};

/* @s must outlive it. NULL: out of memory. */
struct serve_keys *serve_keys_new(const struct settings_serve *s, int64_t now_ms);
void serve_keys_free(struct serve_keys *k); /* NULL is fine */

/* Whose key an Authorization header bears ("Bearer tvb_..."); NULL: there is none, or nobody's. Every key is looked at, each
 * in a time that does not depend on how far it agrees. @authorization may be NULL. */
struct serve_key *serve_keys_find(struct serve_keys *k, const char *authorization);

bool serve_key_reaches(const struct serve_key *k, const struct settings_provider *p);

/* 0: one more may come now; else in so many ms. */
int64_t serve_key_wait_ms(struct serve_key *k, int64_t now_ms);
/* @n events or questions came: more than there are tokens go on credit, so that a batch larger than the burst is possible. */
void serve_key_spend(struct serve_key *k, double n, int64_t now_ms);

#define SERVE_KEY_SIZE 57 /* "tvb_", 52 characters for 32 random bytes, NUL */
/* A new key's text and, in hex, its digest for the settings. -1: the system gives no random bytes. */
int serve_key_make(char ret_key[SERVE_KEY_SIZE], char ret_sha256[2 * HASH_SHA256_SIZE + 1], struct err *reterr);

#endif
