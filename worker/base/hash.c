#include "base/hash.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

/* The one-shot context API costs a fetch of the algorithm at each call in OpenSSL 3
 * (about 1 us); the plain SHA256_* functions do not, and are what remains fast. */
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

void hash_sha256_parts(const struct hash_part *parts, size_t n, uint8_t ret[HASH_SHA256_SIZE])
{
    SHA256_CTX ctx;
    SHA256_Init(&ctx);
    for (size_t i = 0; i < n; i++) {
        uint8_t len[8];
        for (int b = 0; b < 8; b++)
            len[b] = (uint8_t)((uint64_t)parts[i].len >> (56 - 8 * b));
        SHA256_Update(&ctx, len, sizeof(len));
        SHA256_Update(&ctx, parts[i].data, parts[i].len);
    }
    SHA256_Final(ret, &ctx);
}

void hash_sha256(const void *data, size_t len, uint8_t ret[HASH_SHA256_SIZE])
{
    SHA256_CTX ctx;
    SHA256_Init(&ctx);
    SHA256_Update(&ctx, data, len);
    SHA256_Final(ret, &ctx);
}

void hash_hmac_sha256(const void *key, size_t key_len, const void *data, size_t len,
                      uint8_t ret[HASH_SHA256_SIZE])
{
    unsigned n = HASH_SHA256_SIZE;
    if (HMAC(EVP_sha256(), key, (int)key_len, data, len, ret, &n) == NULL)
        abort(); /* only out of memory in libcrypto: nothing sane can follow */
}

uint32_t hash_murmur2(const void *key, size_t len)
{
    const uint8_t *p = key;
    const uint32_t m = 0x5bd1e995;
    uint32_t h = 0x9747b28c ^ (uint32_t)len;
    size_t left = len;
    for (; left >= 4; p += 4, left -= 4) {
        uint32_t k = (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
        k *= m;
        k ^= k >> 24;
        k *= m;
        h *= m;
        h ^= k;
    }
    if (left >= 3)
        h ^= (uint32_t)p[2] << 16;
    if (left >= 2)
        h ^= (uint32_t)p[1] << 8;
    if (left >= 1) {
        h ^= p[0];
        h *= m;
    }
    h ^= h >> 13;
    h *= m;
    h ^= h >> 15;
    return h & 0x7fffffff;
}

uint32_t hash_crc32(const void *data, size_t len)
{
    const uint8_t *p = data;
    uint32_t crc = 0xffffffff;
    for (size_t i = 0; i < len; i++) {
        crc ^= p[i];
        for (int b = 0; b < 8; b++)
            crc = crc & 1 ? crc >> 1 ^ 0xedb88320 : crc >> 1;
    }
    return ~crc;
}

void hash_hex(const uint8_t *data, size_t n, char *ret)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < n; i++) {
        *ret++ = digits[data[i] >> 4];
        *ret++ = digits[data[i] & 15];
    }
    *ret = '\0';
}

void hash_base32(const uint8_t *data, size_t n, char *ret)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    uint32_t acc = 0;
    unsigned bits = 0;
    for (size_t i = 0; i < n; i++) {
        acc = acc << 8 | data[i];
        for (bits += 8; bits >= 5; bits -= 5)
            *ret++ = digits[acc >> (bits - 5) & 31];
    }
    if (bits > 0)
        *ret++ = digits[acc << (5 - bits) & 31];
    *ret = '\0';
}

void hash_base64(const uint8_t *data, size_t n, char *ret)
{
    EVP_EncodeBlock((unsigned char *)ret, data, (int)n);
}
