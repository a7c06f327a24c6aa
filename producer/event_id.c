#include "event_id.h"

#include <stdio.h>
#include <string.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/hash.h"
#include "contract/json.h"

int event_id_of(const char *prefix, const char *provider, const char *service, const json_t *data, char ret[EVENT_ID_SIZE],
                struct err *reterr)
{
    struct buf text;
    uint8_t digest[HASH_SHA256_SIZE];
    char hex[33];
    buf_init(&text, JSON_EVENT_MAX_BYTES);
    json_add_canonical(&text, data);
    const struct hash_part parts[] = {{provider, strlen(provider) + 1}, {service, strlen(service) + 1}, {text.data, text.len}};
    bool good = buf_ok(&text);
    if (good)
        hash_sha256_parts(parts, ARRAY_LEN(parts), digest);
    buf_fini(&text);
    if (!good)
        return err_nomem(reterr);
    hash_hex(digest, 16, hex);
    snprintf(ret, EVENT_ID_SIZE, "%.14s-%s", prefix, hex);
    return 0;
}
