#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <string.h>

#include "base/attr.h"
#include "base/hash.h"

static void expect_hex(const uint8_t *digest, const char *want)
{
    char hex[2 * HASH_SHA256_SIZE + 1];
    hash_hex(digest, HASH_SHA256_SIZE, hex);
    cr_expect(eq(str, hex, (char *)want));
}

Test(hash, sha256_is_that_of_fips_180)
{
    uint8_t d[HASH_SHA256_SIZE];
    hash_sha256("", 0, d);
    expect_hex(d, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    hash_sha256("abc", 3, d);
    expect_hex(d, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

Test(hash, hmac_is_that_of_rfc_4231)
{
    uint8_t d[HASH_SHA256_SIZE], key[131];
    hash_hmac_sha256("Jefe", 4, "what do ya want for nothing?", 28, d);
    expect_hex(d, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    memset(key, 0xaa, sizeof(key));
    hash_hmac_sha256(key, sizeof(key), "Test Using Larger Than Block-Size Key - Hash Key First", 54,
                     d);
    expect_hex(d, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

Test(hash, parts_do_not_run_into_each_other)
{
    uint8_t a[HASH_SHA256_SIZE], b[HASH_SHA256_SIZE], c[HASH_SHA256_SIZE];
    hash_sha256_parts((struct hash_part[]){{"ab", 2}, {"c", 1}}, 2, a);
    hash_sha256_parts((struct hash_part[]){{"a", 1}, {"bc", 2}}, 2, b);
    hash_sha256("\0\0\0\0\0\0\0\2ab\0\0\0\0\0\0\0\1c", 19, c);
    cr_expect(ne(int, memcmp(a, b, sizeof(a)), 0));
    cr_expect(eq(int, memcmp(a, c, sizeof(a)), 0));
}

/* Against one text that holds the parts and their lengths; sizes around those at which parts are gathered. */
Test(hash, parts_of_any_size_are_hashed_whole_and_in_order)
{
    static const size_t sizes[] = {0, 1, 7, 8, 9, 1007, 1008, 1009, 1015, 1016, 1017, 1023, 1024, 1025, 3000};
    static uint8_t bytes[3000], text[3 * 3008];
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)(i * 7 + i / 251);
    for (size_t i = 0; i < ARRAY_LEN(sizes) * ARRAY_LEN(sizes) * ARRAY_LEN(sizes); i++) {
        struct hash_part parts[3] = {{bytes, sizes[i % ARRAY_LEN(sizes)]},
                                     {bytes, sizes[i / ARRAY_LEN(sizes) % ARRAY_LEN(sizes)]},
                                     {bytes, sizes[i / ARRAY_LEN(sizes) / ARRAY_LEN(sizes)]}};
        uint8_t got[HASH_SHA256_SIZE], want[HASH_SHA256_SIZE];
        size_t n = 0;
        for (size_t p = 0; p < 3; p++) {
            for (int shift = 56; shift >= 0; shift -= 8)
                text[n++] = (uint8_t)((uint64_t)parts[p].len >> shift);
            memcpy(text + n, bytes, parts[p].len);
            n += parts[p].len;
        }
        hash_sha256_parts(parts, 3, got);
        hash_sha256(text, n, want);
        cr_assert(zero(int, memcmp(got, want, sizeof(got))), "%zu", i);
    }
    hash_sha256_parts((struct hash_part[]){{NULL, 0}}, 1, bytes);
    hash_sha256("\0\0\0\0\0\0\0", 8, bytes + HASH_SHA256_SIZE);
    cr_expect(zero(int, memcmp(bytes, bytes + HASH_SHA256_SIZE, HASH_SHA256_SIZE)), "no bytes, no place");
}

Test(hash, every_byte_has_its_two_digits_at_every_place)
{
    for (size_t n = 1; n <= 12; n++)
        for (size_t at = 0; at < n; at++)
            for (int c = 0; c < 256; c++) {
                uint8_t bytes[12] = {0};
                char text[25], want[25], two[3];
                memset(want, '0', 2 * n);
                want[2 * n] = '\0';
                bytes[at] = (uint8_t)c;
                snprintf(two, sizeof(two), "%02x", c);
                memcpy(want + 2 * at, two, 2);
                hash_hex(bytes, n, text);
                cr_assert(eq(str, text, want));
            }
}

/* org.apache.kafka.common.utils.UtilsTest */
Test(hash, murmur2_places_keys_as_java_does)
{
    static const struct {
        const char *key;
        int32_t java; /* before the sign bit is cleared */
    } rows[] = {
        {"21", -973932308},
        {"foobar", -790332482},
        {"a-little-bit-long-string", -985981536},
        {"a-little-bit-longer-string", -1486304829},
        {"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971},
        {"abc", 479470107},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        cr_expect(eq(u32, hash_murmur2(rows[i].key, strlen(rows[i].key)),
                     (uint32_t)rows[i].java & 0x7fffffff),
                  "%s", rows[i].key);
}

Test(hash, crc32_is_that_of_ieee_802_3)
{
    cr_expect(eq(u32, hash_crc32("123456789", 9), 0xcbf43926));
    cr_expect(eq(u32, hash_crc32("", 0), 0));
}

/* RFC 4648 section 10; base32 here has no padding. */
Test(hash, bytes_become_text_as_rfc_4648_says)
{
    static const struct {
        const char *bytes, *base32, *base64, *hex;
    } rows[] = {
        {"", "", "", ""},
        {"f", "MY", "Zg==", "66"},
        {"fo", "MZXQ", "Zm8=", "666f"},
        {"foo", "MZXW6", "Zm9v", "666f6f"},
        {"foob", "MZXW6YQ", "Zm9vYg==", "666f6f62"},
        {"fooba", "MZXW6YTB", "Zm9vYmE=", "666f6f6261"},
        {"foobar", "MZXW6YTBOI", "Zm9vYmFy", "666f6f626172"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char text[32];
        const uint8_t *bytes = (const uint8_t *)rows[i].bytes;
        hash_base32(bytes, strlen(rows[i].bytes), text);
        cr_expect(eq(str, text, (char *)rows[i].base32));
        hash_base64(bytes, strlen(rows[i].bytes), text);
        cr_expect(eq(str, text, (char *)rows[i].base64));
        hash_hex(bytes, strlen(rows[i].bytes), text);
        cr_expect(eq(str, text, (char *)rows[i].hex));
    }
}

Test(hash, base32_of_high_bytes_keeps_all_bits)
{
    const uint8_t bytes[] = {0xff, 0xff, 0xff, 0xff, 0xff, 0x00, 0x80, 0xfe};
    char text[32];
    hash_base32(bytes, sizeof(bytes), text);
    cr_expect(eq(str, text, "77777777ACAP4"));
}

Test(hash, hex_becomes_bytes_and_nothing_else_does)
{
    uint8_t bytes[3];
    cr_assert(eq(int, hash_unhex("00fFA9", 3, bytes), 0));
    cr_expect(eq(int, memcmp(bytes, "\x00\xff\xa9", 3), 0));
    static const char *const wrong[] = {"", "0", "00ff", "00ffg0", "00ff0", " 0ff00", "00ff-1"};
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
        cr_expect(eq(int, hash_unhex(wrong[i], 3, bytes), -1), "%s", wrong[i]);
}

Test(hash, equal_bytes_are_told_from_others_at_every_place)
{
    char a[32], b[32];
    memset(a, 7, sizeof(a));
    memcpy(b, a, sizeof(b));
    cr_expect(hash_equal(a, b, sizeof(a)));
    for (size_t i = 0; i < sizeof(b); i++) {
        b[i] ^= 1;
        cr_expect(not(hash_equal(a, b, sizeof(a))), "byte %zu", i);
        b[i] ^= 1;
    }
    cr_expect(hash_equal(a, b, 0));
}
