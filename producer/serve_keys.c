#include "serve_keys.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

#define PREFIX "tvb_"

struct serve_keys {
    size_t n;
    struct serve_key list[];
};

struct serve_keys *serve_keys_new(const struct settings_serve *s, int64_t now_ms)
{
    struct serve_keys *k = calloc(1, sizeof(*k) + s->key_count * sizeof(k->list[0]));
    if (k == NULL)
        return NULL;
    k->n = s->key_count;
    for (size_t i = 0; i < k->n; i++)
        k->list[i] = (struct serve_key){.of = &s->keys[i], .tokens = s->keys[i].burst, .filled_ms = now_ms};
    return k;
}

void serve_keys_free(struct serve_keys *k)
{
    free(k);
}

/* RFC 6750 section 2.1; NULL: another scheme. */
static const char *token_of(const char *authorization)
{
    static const char scheme[] = "Bearer ";
    if (authorization == NULL || strncasecmp(authorization, scheme, sizeof(scheme) - 1) != 0)
        return NULL;
    return authorization + sizeof(scheme) - 1;
}

struct serve_key *serve_keys_find(struct serve_keys *k, const char *authorization)
{
    uint8_t digest[HASH_SHA256_SIZE];
    struct serve_key *found = NULL;
    const char *token = token_of(authorization);
    if (token == NULL)
        return NULL;
    hash_sha256(token, strlen(token), digest);
    for (size_t i = 0; i < k->n; i++)
        if (hash_equal(digest, k->list[i].of->sha256, sizeof(digest)))
            found = &k->list[i];
    return found;
}

bool serve_key_reaches(const struct serve_key *k, const struct settings_provider *p)
{
    for (size_t i = 0; i < k->of->provider_count; i++)
        if (k->of->providers[i] == p)
            return true;
    return false;
}

static void fill(struct serve_key *k, int64_t now_ms)
{
    double more = k->of->rate_per_s * (double)(now_ms - k->filled_ms) / 1000.0;
    k->tokens = fmin(k->tokens + fmax(more, 0), k->of->burst);
    k->filled_ms = now_ms;
}

int64_t serve_key_wait_ms(struct serve_key *k, int64_t now_ms)
{
    if (k->of->rate_per_s <= 0)
        return 0;
    fill(k, now_ms);
    double missing = 1 - k->tokens - 1e-6; /* of a token; what rounding leaves is none */
    return missing <= 0 ? 0 : (int64_t)ceil(missing * 1000.0 / k->of->rate_per_s);
}

void serve_key_spend(struct serve_key *k, double n, int64_t now_ms)
{
    if (k->of->rate_per_s <= 0)
        return;
    fill(k, now_ms);
    k->tokens -= n;
}

int serve_key_make(char ret_key[SERVE_KEY_SIZE], char ret_sha256[2 * HASH_SHA256_SIZE + 1], struct err *reterr)
{
    uint8_t bytes[32], digest[HASH_SHA256_SIZE];
    if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
        return err_set(reterr, ERR_IO, "the system gives no random bytes");
    memcpy(ret_key, PREFIX, sizeof(PREFIX));
    hash_base32(bytes, sizeof(bytes), ret_key + strlen(PREFIX));
    for (char *c = ret_key; *c != '\0'; c++)
        *c = (char)tolower((unsigned char)*c);
    hash_sha256(ret_key, strlen(ret_key), digest);
    hash_hex(digest, sizeof(digest), ret_sha256);
    return 0;
}
