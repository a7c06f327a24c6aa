/* password.h - a subscriber's password as a record keeps it: enough to check it, not to know it.
 *
 * HMAC-SHA256 (RFC 2104) under the installation's key, over provider, service and password, so that equal passwords of two
 * services do not look equal and a text that is moved to another record fits nobody. Without the key it cannot be guessed
 * at. The text is "<which key>:<digest>" in hex; which key is the beginning of the key's own SHA-256, so that a password
 * kept under another key is told from a wrong one. Pure. */
#ifndef TVB_CONTRACT_PASSWORD_H
#define TVB_CONTRACT_PASSWORD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/hash.h"

#define PASSWORD_KEY_ID_SIZE 4
struct password_kept {
    uint8_t key_id[PASSWORD_KEY_ID_SIZE];
    uint8_t digest[HASH_SHA256_SIZE];
};

struct password_of {
    const char *provider, *service, *password;
};

void password_keep(const char *key, const struct password_of *p, struct password_kept *ret);
/* Whether @kept was made with @key. */
bool password_is_under(const struct password_kept *kept, const char *key);
/* Whether it is the password that was kept; the time does not depend on how far they agree. */
bool password_fits(const struct password_kept *kept, const char *key, const struct password_of *p);

#define PASSWORD_TEXT_SIZE (2 * PASSWORD_KEY_ID_SIZE + 1 + 2 * HASH_SHA256_SIZE + 1)
void password_format(const struct password_kept *kept, char ret[PASSWORD_TEXT_SIZE]);
/* -1: no such text. */
int password_parse(const char *text, struct password_kept *ret);

#endif
