#include "event_id.h"

#include <stdio.h>
#include <string.h>

#include "base/attr.h"
#include "contract/json.h"

int event_id_of(const char *prefix, const char *provider, const char *service, const json_t *data, char ret[EVENT_ID_SIZE],
                struct err *reterr)
{
    char hex[JSON_DIGEST_SIZE];
    const struct hash_part of[] = {{provider, strlen(provider) + 1}, {service, strlen(service) + 1}};
    if (json_digest(of, ARRAY_LEN(of), data, hex) != 0)
        return err_nomem(reterr);
    snprintf(ret, EVENT_ID_SIZE, "%.14s-%s", prefix, hex);
    return 0;
}
