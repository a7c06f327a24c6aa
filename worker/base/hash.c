#include "base/hash.h"

#include <endian.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

/* The one-shot context API costs a fetch of the algorithm at each call in OpenSSL 3
 * (about 1 us); the plain SHA256_* functions do not, and are what remains fast. */
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

/* Small parts leave for libcrypto together: a call costs more than what it has to do for them. */
struct gather {
    SHA256_CTX ctx;
    size_t n;
    uint8_t bytes[1024];
};

static void gather_flush(struct gather *g)
{
    SHA256_Update(&g->ctx, g->bytes, g->n);
    g->n = 0;
}

static void gather_add(struct gather *g, const void *data, size_t n)
{
    if (n > sizeof(g->bytes) - g->n)
        gather_flush(g);
    if (n > sizeof(g->bytes)) {
        SHA256_Update(&g->ctx, data, n);
    } else if (n > 0) {
        memcpy(g->bytes + g->n, data, n);
        g->n += n;
    }
}

void hash_sha256_parts(const struct hash_part *parts, size_t n, uint8_t ret[HASH_SHA256_SIZE])
{
    struct gather g;
    g.n = 0;
    SHA256_Init(&g.ctx);
    for (size_t i = 0; i < n; i++) {
        uint64_t len = htobe64(parts[i].len);
        gather_add(&g, &len, sizeof(len));
        gather_add(&g, parts[i].data, parts[i].len);
    }
    gather_flush(&g);
    SHA256_Final(ret, &g.ctx);
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

bool hash_equal(const void *a, const void *b, size_t n)
{
    return CRYPTO_memcmp(a, b, n) == 0;
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

/* Four bytes as eight digits: all at once, a nibble in each byte of a word. */
static void hex_four(const uint8_t *data, char *ret)
{
    const uint64_t each = 0x0101010101010101;
    uint32_t four;
    memcpy(&four, data, sizeof(four));
    uint64_t v = be32toh(four);
    v = (v << 16 | v) & 0x0000ffff0000ffff;
    v = (v << 8 | v) & 0x00ff00ff00ff00ff;
    v = (v << 4 | v) & 0x0f0f0f0f0f0f0f0f;
    uint64_t letters = (v + 6 * each) >> 4 & each; /* 1 where a nibble is past 9 */
    v = htobe64(v + '0' * each + ('a' - '0' - 10) * letters);
    memcpy(ret, &v, sizeof(v));
}

void hash_hex(const uint8_t *data, size_t n, char *ret)
{
    static const char digits[] = "0123456789abcdef";
    for (; n >= 4; data += 4, n -= 4, ret += 8)
        hex_four(data, ret);
    for (; n > 0; data++, n--) {
        *ret++ = digits[*data >> 4];
        *ret++ = digits[*data & 15];
    }
    *ret = '\0';
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

int hash_unhex(const char *hex, size_t n, uint8_t *ret)
{
    for (size_t i = 0; i < n; i++, hex += 2) {
        int high = hex_value(hex[0]), low = high < 0 ? -1 : hex_value(hex[1]);
        if (low < 0)
            return -1;
        ret[i] = (uint8_t)(high << 4 | low);
    }
    return 0;
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
