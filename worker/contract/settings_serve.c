/* settings_serve.c - the `serve:` section: where the gateway listens, its bounds, and who may call it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "contract/json_scan.h"
#include "contract/settings_impl.h"

#define MIB ((int64_t)1024 * 1024)

static int64_t integer_of(const json_t *object, const char *key, int64_t otherwise)
{
    const json_t *v = json_object_get(object, key);
    return json_is_number(v) ? (int64_t)json_number_value(v) : otherwise;
}

static bool has_word(const json_t *list, const char *word)
{
    size_t i;
    json_t *v;
    json_array_foreach(json_unconst(list), i, v)
        if (strcmp(json_string_value(v), word) == 0)
            return true;
    return false;
}

/* @i: of the key in its list. The schema has seen that there is at least one. */
static int read_key_providers(struct settings_loader *l, struct settings_key *k, size_t i, const json_t *list)
{
    char at[120];
    k->providers = calloc(json_array_size(list) + 1, sizeof(struct settings_provider *));
    if (k->providers == NULL)
        return err_nomem(l->reterr);
    for (size_t n = 0; n < json_array_size(list); n++) {
        const struct settings_provider *p = settings_provider(l->s, json_string_value(json_array_get(list, n)));
        if (p == NULL) {
            snprintf(at, sizeof(at), "/serve/keys/%zu/providers/%zu", i, n);
            return settings_refuse(l, at, "wanted the name of a provider of this file");
        }
        k->providers[k->provider_count++] = p;
    }
    return 0;
}

/* A name is what logs and metrics say of a key, and a digest is what finds it: neither is there twice. */
static int check_unlike_others(struct settings_loader *l, const struct settings_key *k, size_t i)
{
    char at[120];
    for (size_t n = 0; n < i; n++) {
        const struct settings_key *other = &l->s->serve.keys[n];
        bool same_name = strcmp(other->name, k->name) == 0;
        if (!same_name && memcmp(other->sha256, k->sha256, sizeof(k->sha256)) != 0)
            continue;
        snprintf(at, sizeof(at), "/serve/keys/%zu/%s", i, same_name ? "name" : "sha256");
        return settings_refuse(l, at, "the same stands at /serve/keys/%zu", n);
    }
    return 0;
}

/* A dialect with a slash is a path, and so is a catalogue. -1: refused already. */
static int read_key_words(struct settings_loader *l, struct settings_key *k, const json_t *o)
{
    const char *dialect = json_string_value(json_object_get(o, "dialect")), *catalogue = json_string_value(json_object_get(o, "catalogue"));
    k->dialect = dialect != NULL && strchr(dialect, '/') != NULL ? settings_path(l, dialect) : dialect;
    k->catalogue = catalogue != NULL ? settings_path(l, catalogue) : NULL;
    return (dialect == NULL) == (k->dialect == NULL) && (catalogue == NULL) == (k->catalogue == NULL) ? 0 : -1;
}

static int read_key(struct settings_loader *l, struct settings_key *k, size_t i, const json_t *o)
{
    const json_t *may = json_object_get(o, "may"), *rate = json_object_get(o, "rate_per_s");
    k->name = json_string_value(json_object_get(o, "name"));
    if (hash_unhex(json_string_value(json_object_get(o, "sha256")), sizeof(k->sha256), k->sha256) != 0)
        return settings_refuse(l, "/serve/keys", "sha256 wants 64 hex digits"); /* the schema has seen them */
    k->may_publish = has_word(may, "publish");
    k->may_ask = has_word(may, "entitlement");
    k->rate_per_s = json_is_number(rate) ? json_number_value(rate) : 0;
    k->burst = (double)integer_of(o, "burst", k->rate_per_s < 1 ? 1 : (int64_t)k->rate_per_s);
    if (read_key_words(l, k, o) != 0 || read_key_providers(l, k, i, json_object_get(o, "providers")) != 0)
        return -1;
    return check_unlike_others(l, k, i);
}

static int read_keys(struct settings_loader *l, const json_t *list)
{
    struct settings_serve *s = &l->s->serve;
    s->keys = calloc(json_array_size(list) + 1, sizeof(*s->keys));
    if (s->keys == NULL)
        return err_nomem(l->reterr);
    for (size_t i = 0; i < json_array_size(list); i++) {
        s->key_count++;
        if (read_key(l, &s->keys[i], i, json_array_get(list, i)) != 0)
            return -1;
    }
    return 0;
}

static int check_bounds(struct settings_loader *l)
{
    const struct settings_serve *s = &l->s->serve;
    if (s->buffered_bytes < s->body_bytes)
        return settings_refuse(l, "/serve/buffered_bytes", "buffered_bytes is %zu, wanted at least %zu, which is body_bytes",
                               s->buffered_bytes, s->body_bytes);
    long long least = 2 * (long long)s->ack_timeout_ms; /* a request may be sent for so long, and then wait for so long */
    if (s->drain_ms < least)
        return settings_refuse(l, "/serve/drain_ms", "drain_ms is %lld, wanted at least %lld, which is twice ack_timeout_ms",
                               (long long)s->drain_ms, least);
    return 0;
}

int settings_read_serve(struct settings_loader *l)
{
    struct settings_serve *s = &l->s->serve;
    const json_t *o = json_object_get(l->root, "serve");
    if (o == NULL)
        return 0;
    const char *host = json_string_value(json_object_get(o, "host"));
    s->host = host != NULL ? host : "127.0.0.1";
    s->port = (int)integer_of(o, "port", 9465);
    s->connections = (unsigned)integer_of(o, "connections", 512);
    s->batch_events = (unsigned)integer_of(o, "batch_events", 10000);
    s->body_bytes = (size_t)integer_of(o, "body_bytes", 8 * MIB);
    s->buffered_bytes = (size_t)integer_of(o, "buffered_bytes", 64 * MIB);
    s->ack_timeout_ms = integer_of(o, "ack_timeout_ms", 10000);
    s->drain_ms = integer_of(o, "drain_ms", 20000);
    s->records_every_ms = integer_of(o, "records_every_ms", 500);
    return check_bounds(l) == 0 ? read_keys(l, json_object_get(o, "keys")) : -1;
}

void settings_free_serve(struct settings_serve *s)
{
    for (size_t i = 0; i < s->key_count; i++)
        free(s->keys[i].providers);
    free(s->keys);
}
