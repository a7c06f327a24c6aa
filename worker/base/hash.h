/* hash.h - digests and the encodings of bytes as text. Pure; backed by libcrypto. */
#ifndef TVB_BASE_HASH_H
#define TVB_BASE_HASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HASH_SHA256_SIZE 32

/* One part of what is hashed. */
struct hash_part {
    const void *data;
    size_t len;
};

/* SHA-256 (FIPS 180-4) over the parts, each preceded by its length as 8 bytes
 * (big endian), so that parts cannot run into each other. */
void hash_sha256_parts(const struct hash_part *parts, size_t n, uint8_t ret[HASH_SHA256_SIZE]);
void hash_sha256(const void *data, size_t len, uint8_t ret[HASH_SHA256_SIZE]);

/* HMAC-SHA256 (RFC 2104). */
void hash_hmac_sha256(const void *key, size_t key_len, const void *data, size_t len,
                      uint8_t ret[HASH_SHA256_SIZE]);

/* Whether both hold the same @n bytes, in a time that does not depend on what they hold: for secrets and their digests. */
bool hash_equal(const void *a, const void *b, size_t n);

/* Apache Kafka's murmur2 of a key (org.apache.kafka.common.utils.Utils), sign bit cleared:
 * partition = hash_murmur2(...) % partitions, as Java's default partitioner computes it. */
uint32_t hash_murmur2(const void *key, size_t len);
/* CRC-32 (IEEE 802.3), librdkafka's own default for `consistent`. */
uint32_t hash_crc32(const void *data, size_t len);

/* Lower-case hex of @n bytes into @ret (2n + 1 bytes). */
void hash_hex(const uint8_t *data, size_t n, char *ret);
/* The bytes that the 2 * @n hex digits at @hex stand for. -1: those are none, or fewer. */
int hash_unhex(const char *hex, size_t n, uint8_t *ret);
/* base32 without padding (RFC 4648 section 6) into @ret of at least (n * 8 + 4) / 5 + 1 bytes. */
void hash_base32(const uint8_t *data, size_t n, char *ret);
/* base64 with padding (RFC 4648 section 4) into @ret of at least 4 * ((n + 2) / 3) + 1 bytes. */
void hash_base64(const uint8_t *data, size_t n, char *ret);

#endif
