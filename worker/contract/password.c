#include "contract/password.h"

#include <string.h>

#include "base/attr.h"

static struct hash_part part(const char *text)
{
    return (struct hash_part){.data = text, .len = strlen(text)};
}

static void digest_of(const char *key, const struct password_of *p, uint8_t ret[HASH_SHA256_SIZE])
{
    const struct hash_part parts[] = {part(p->provider), part(p->service), part(p->password)};
    uint8_t all[HASH_SHA256_SIZE];
    hash_sha256_parts(parts, ARRAY_LEN(parts), all); /* with their lengths: they cannot run into each other */
    hash_hmac_sha256(key, strlen(key), all, sizeof(all), ret);
}

static void key_id_of(const char *key, uint8_t ret[PASSWORD_KEY_ID_SIZE])
{
    const struct hash_part parts[] = {part("tvbridge password key"), part(key)};
    uint8_t all[HASH_SHA256_SIZE];
    hash_sha256_parts(parts, ARRAY_LEN(parts), all);
    memcpy(ret, all, PASSWORD_KEY_ID_SIZE);
}

void password_keep(const char *key, const struct password_of *p, struct password_kept *ret)
{
    key_id_of(key, ret->key_id);
    digest_of(key, p, ret->digest);
}

bool password_is_under(const struct password_kept *kept, const char *key)
{
    uint8_t id[PASSWORD_KEY_ID_SIZE];
    key_id_of(key, id);
    return hash_equal(kept->key_id, id, sizeof(id));
}

bool password_fits(const struct password_kept *kept, const char *key, const struct password_of *p)
{
    uint8_t digest[HASH_SHA256_SIZE];
    digest_of(key, p, digest);
    return hash_equal(kept->digest, digest, sizeof(digest));
}

void password_format(const struct password_kept *kept, char ret[PASSWORD_TEXT_SIZE])
{
    hash_hex(kept->key_id, sizeof(kept->key_id), ret);
    ret[2 * PASSWORD_KEY_ID_SIZE] = ':';
    hash_hex(kept->digest, sizeof(kept->digest), ret + 2 * PASSWORD_KEY_ID_SIZE + 1);
}

int password_parse(const char *text, struct password_kept *ret)
{
    if (strlen(text) != PASSWORD_TEXT_SIZE - 1 || text[2 * PASSWORD_KEY_ID_SIZE] != ':')
        return -1;
    if (hash_unhex(text, PASSWORD_KEY_ID_SIZE, ret->key_id) != 0)
        return -1;
    return hash_unhex(text + 2 * PASSWORD_KEY_ID_SIZE + 1, HASH_SHA256_SIZE, ret->digest);
}
