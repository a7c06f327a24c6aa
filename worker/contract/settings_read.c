/* settings_read.c - the checked document into struct settings; what is absent gets its default here. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "contract/settings_impl.h"

const char *settings_keep(struct settings_loader *l, const char *fmt, ...)
{
    char text[4096];
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    if (n < 0 || (size_t)n >= sizeof(text)) {
        err_set(l->reterr, ERR_INVAL, "%s: a path or value is too long", yaml_name(l->doc));
        return NULL;
    }
    json_t *kept = json_string(text);
    if (kept == NULL || json_array_append_new(l->made, kept) != 0) {
        err_nomem(l->reterr);
        return NULL;
    }
    return json_string_value(kept);
}

const char *settings_path(struct settings_loader *l, const char *path)
{
    return *path == '/' ? path : settings_keep(l, "%s/%s", l->folder, path);
}

static const char *text_or(const json_t *v, const char *otherwise)
{
    return json_is_string(v) ? json_string_value(v) : otherwise;
}

static int64_t integer_or(const json_t *v, int64_t otherwise)
{
    return json_is_number(v) ? (int64_t)json_number_value(v) : otherwise;
}

static int read_kafka(struct settings_loader *l)
{
    struct settings *s = l->s;
    const json_t *k = json_object_get(l->root, "kafka");
    s->brokers = json_string_value(json_object_get(k, "brokers"));
    s->prefix = text_or(json_object_get(k, "prefix"), "tvbridge.");
    s->partitions = (int32_t)integer_or(json_object_get(k, "partitions"), 12);
    s->partitioner = strcmp(text_or(json_object_get(k, "partitioner"), "murmur2"), "crc32") == 0
                         ? PARTITIONER_CRC32
                         : PARTITIONER_MURMUR2;
    s->epoch = (uint32_t)integer_or(json_object_get(k, "epoch"), 0);
    s->instance = json_string_value(json_object_get(k, "instance"));
    return settings_read_librdkafka(l, json_object_get(k, "librdkafka"));
}

/* The schema has checked that each is host or host:port, and that there is a master's name. */
static int read_sentinels(struct settings_loader *l, const json_t *r)
{
    struct settings *s = l->s;
    const json_t *list = json_object_get(r, "sentinels");
    static const char *const instead[] = {"host", "port", "unix"};
    for (size_t i = 0; list != NULL && i < ARRAY_LEN(instead); i++)
        if (json_object_get(r, instead[i]) != NULL)
            return settings_refuse(l, "/redis/sentinels", "wanted either sentinels or %s, found both", instead[i]);
    s->redis_sentinels = calloc(json_array_size(list) + 1, sizeof(*s->redis_sentinels));
    if (s->redis_sentinels == NULL)
        return err_nomem(l->reterr);
    for (size_t i = 0; i < json_array_size(list); i++)
        s->redis_sentinels[s->redis_sentinel_count++] = json_string_value(json_array_get(list, i));
    s->redis_master_name = json_string_value(json_object_get(r, "master_name"));
    s->redis_sentinel_password = json_string_value(json_object_get(r, "sentinel_password"));
    return 0;
}

static int read_redis(struct settings_loader *l)
{
    struct settings *s = l->s;
    const json_t *r = json_object_get(l->root, "redis");
    if (read_sentinels(l, r) != 0)
        return -1;
    s->redis_unix = json_string_value(json_object_get(r, "unix"));
    s->redis_host =
        text_or(json_object_get(r, "host"), s->redis_unix || s->redis_sentinel_count > 0 ? NULL : "127.0.0.1");
    s->redis_port = (int)integer_or(json_object_get(r, "port"), 6379);
    s->redis_db = (int)integer_or(json_object_get(r, "db"), 0);
    s->redis_user = json_string_value(json_object_get(r, "user"));
    s->redis_password = json_string_value(json_object_get(r, "password"));
    if (s->redis_unix != NULL && s->redis_host != NULL)
        return settings_refuse(l, "/redis/unix", "wanted either host or unix, found both");
    return 0;
}

/* The schema has checked the names. */
static int read_log(struct settings_loader *l)
{
    const json_t *g = json_object_get(l->root, "log");
    int rc = log_format_parse(text_or(json_object_get(g, "format"), "logfmt"), &l->s->log_format);
    return rc == 0 ? log_level_parse(text_or(json_object_get(g, "level"), "info"), &l->s->log_level)
                   : rc;
}

static int read_admin(struct settings_loader *l)
{
    const json_t *a = json_object_get(l->root, "admin");
    bool off = a != NULL && !json_is_object(a);
    l->s->admin_host = off ? NULL : text_or(json_object_get(a, "host"), "127.0.0.1");
    l->s->admin_port = (int)integer_or(json_object_get(a, "port"), 9464);
    return 0;
}

int settings_read(struct settings_loader *l)
{
    return read_kafka(l) == 0 && read_redis(l) == 0 && read_log(l) == 0 && read_admin(l) == 0 &&
                   settings_read_providers(l) == 0 && settings_read_serve(l) == 0
               ? 0
               : -1;
}
