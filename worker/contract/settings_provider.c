/* settings_provider.c - one provider of the settings: where it is, how hard it may be called, by which numbers. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "contract/settings_impl.h"
#include "contract/settings_numbers.h"

static int64_t integer_of(const json_t *object, const char *key, int64_t otherwise)
{
    const json_t *v = json_object_get(object, key);
    return json_is_number(v) ? (int64_t)json_number_value(v) : otherwise;
}

/* ---- numbers ---- */

static void read_numbers(const json_t *top, const json_t *own, struct settings_numbers *ret)
{
    size_t n;
    const struct settings_number *t = settings_number_table(&n);
    for (size_t i = 0; i < n; i++) {
        int64_t v = integer_of(own, t[i].name, integer_of(top, t[i].name, t[i].standard));
        *(int64_t *)(void *)((char *)ret + t[i].offset) = v;
    }
}

/* Where @member was set for @provider; false when nowhere. */
static bool place_of(const struct settings_loader *l, const char *provider, const char *member,
                     char *ret, size_t size)
{
    snprintf(ret, size, "/providers/%s/numbers/%s", provider, member);
    if (json_at_pointer(l->root, ret) != NULL)
        return true;
    snprintf(ret, size, "/numbers/%s", member);
    return json_at_pointer(l->root, ret) != NULL;
}

static int check_numbers(struct settings_loader *l, const struct settings_provider *p)
{
    struct settings_disagreement d;
    char at[200];
    if (settings_numbers_agree(&p->numbers, &d))
        return 0;
    if (!place_of(l, p->name, d.member, at, sizeof(at)) &&
        (d.other == NULL || !place_of(l, p->name, d.other, at, sizeof(at))))
        snprintf(at, sizeof(at),
                 json_object_get(l->root, "numbers") != NULL ? "/numbers" : "/providers/%s",
                 p->name);
    return settings_refuse(l, at, "%s", d.reason);
}

/* ---- limits and retries ---- */

static void read_limits(const json_t *o, struct settings_limits *ret)
{
    const json_t *rate = json_object_get(o, "rate_per_s");
    ret->in_flight = (unsigned)integer_of(o, "in_flight", 32);
    ret->rate_per_s = json_is_number(rate) ? json_number_value(rate) : 0;
    ret->burst = (unsigned)integer_of(o, "burst", ret->in_flight);
    ret->answer_max_bytes = (size_t)integer_of(o, "answer_max_bytes", 1024 * 1024);
    ret->adaptive = !json_is_false(json_object_get(o, "adaptive"));
}

static void read_retry(const json_t *o, struct settings_retry *ret)
{
    ret->base_ms = integer_of(o, "base_ms", 200);
    ret->cap_ms = integer_of(o, "cap_ms", 30000);
    ret->max_age_ms = integer_of(o, "max_age_ms", 15 * 60 * 1000);
    ret->retry_after_cap_ms = integer_of(o, "retry_after_cap_ms", 5 * 60 * 1000);
    ret->attempts = (unsigned)integer_of(o, "attempts", 8);
    const json_t *per_s = json_object_get(o, "budget_per_s");
    ret->budget_percent = (unsigned)integer_of(o, "budget_percent", 10);
    ret->budget_per_s = json_is_number(per_s) ? json_number_value(per_s) : 1;
}

static void read_breaker(const json_t *o, struct settings_breaker *ret)
{
    ret->calls = (unsigned)integer_of(o, "calls", 20);
    ret->bad_percent = (unsigned)integer_of(o, "bad_percent", 50);
    ret->open_ms = integer_of(o, "open_ms", 5000);
    ret->open_max_ms = integer_of(o, "open_max_ms", 60000);
}

static void read_guard(const json_t *o, struct settings_guard *ret)
{
    ret->percent = (unsigned)integer_of(o, "percent", 5);
    ret->accounts = (unsigned)integer_of(o, "accounts", 50);
}

static int read_entitlement(struct settings_loader *l, struct settings_provider *p, const json_t *o)
{
    char at[200];
    p->entitlement = o != NULL;
    p->password_key = json_string_value(json_object_get(o, "password_key"));
    p->entitlement_without_password = json_is_true(json_object_get(o, "without_password"));
    if (!p->entitlement || p->password_key != NULL || p->entitlement_without_password)
        return 0;
    snprintf(at, sizeof(at), "/providers/%s/entitlement", p->name);
    return settings_refuse(l, at, "nobody could be answered: wanted password_key, or without_password: true");
}

static int check_breaker(struct settings_loader *l, const struct settings_provider *p)
{
    char at[200];
    if (p->breaker.open_ms <= p->breaker.open_max_ms)
        return 0;
    snprintf(at, sizeof(at), "/providers/%s/breaker", p->name);
    return settings_refuse(l, at, "open_ms is %lld, wanted at most %lld, which is open_max_ms",
                           (long long)p->breaker.open_ms, (long long)p->breaker.open_max_ms);
}

static int check_retry(struct settings_loader *l, const struct settings_provider *p)
{
    const struct settings_retry *r = &p->retry;
    const struct {
        const char *name;
        int64_t value, limit;
        const char *why;
    } rules[] = {
        {"base_ms", r->base_ms, r->cap_ms, "cap_ms"},
        {"cap_ms", r->cap_ms, r->max_age_ms, "max_age_ms"},
        {"retry_after_cap_ms", r->retry_after_cap_ms, r->max_age_ms, "max_age_ms"},
        {"max_age_ms", r->max_age_ms, p->numbers.id_memory_ms, "numbers.id_memory_ms"},
    };
    char at[200];
    for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
        if (rules[i].value <= rules[i].limit)
            continue;
        snprintf(at, sizeof(at), "/providers/%s/retry/%s", p->name, rules[i].name);
        return settings_refuse(l, at, "%s is %lld, wanted at most %lld, which is %s", rules[i].name,
                               (long long)rules[i].value, (long long)rules[i].limit, rules[i].why);
    }
    return 0;
}

static int read_autosync(struct settings_loader *l, const json_t *o, struct settings_autosync *ret)
{
    const char *desired = json_string_value(json_object_get(o, "desired"));
    if (o == NULL)
        return 0;
    ret->every_ms = integer_of(o, "every_s", 3600) * 1000;
    ret->remove_unknown = json_is_true(json_object_get(o, "remove_unknown"));
    ret->rate_per_s = (unsigned)integer_of(o, "rate_per_s", 20);
    ret->max_changes = (size_t)integer_of(o, "max_changes", 1000);
    ret->folder = settings_path(l, json_string_value(json_object_get(o, "folder")));
    ret->desired = desired != NULL ? settings_path(l, desired) : NULL;
    return ret->folder == NULL || (desired != NULL && ret->desired == NULL) ? -1 : 0;
}

/* ---- files ---- */

static int read_pack(struct settings_loader *l, struct settings_provider *p, const json_t *o)
{
    static const char *const files[] = {"openapi.yaml", "workflows.arazzo.yaml"};
    const char *pack = json_string_value(json_object_get(o, "pack"));
    char at[200];
    snprintf(at, sizeof(at), pack != NULL ? "/providers/%s/pack" : "/providers/%s", p->name);
    if (pack != NULL && strchr(pack, '/') != NULL)
        p->pack_dir = settings_path(l, pack);
    else
        p->pack_dir =
            settings_keep(l, "%s/providers/%s", l->s->schemas, pack != NULL ? pack : p->name);
    if (p->pack_dir == NULL)
        return -1;
    struct stat st;
    if (stat(p->pack_dir, &st) != 0 || !S_ISDIR(st.st_mode))
        return settings_refuse(l, at, "no pack here: found no folder %s, wanted one with %s and %s",
                               p->pack_dir, files[0], files[1]);
    return 0;
}

static int read_files(struct settings_loader *l, struct settings_provider *p, const json_t *o)
{
    char at[200];
    snprintf(at, sizeof(at), "/providers/%s/ca_file", p->name);
    const char *ca = json_string_value(json_object_get(o, "ca_file"));
    if (ca != NULL && (p->ca_file = settings_path(l, ca)) == NULL)
        return -1;
    if (ca != NULL && access(p->ca_file, R_OK) != 0)
        return settings_refuse(l, at, "found no readable file %s, wanted certificates (PEM)",
                               p->ca_file);
    return read_pack(l, p, o);
}

/* An empty object that lives with the settings, where the file has none. */
static const json_t *object_or_empty(struct settings_loader *l, const json_t *v)
{
    if (v != NULL)
        return v;
    json_t *empty = json_object();
    return empty != NULL && json_array_append_new(l->made, empty) == 0 ? empty : NULL;
}

static int read_provider(struct settings_loader *l, struct settings_provider *p, const json_t *o)
{
    p->base_url = json_string_value(json_object_get(o, "base_url"));
    p->threads = (unsigned)integer_of(o, "threads", 1);
    p->settings = object_or_empty(l, json_object_get(o, "settings"));
    p->credentials = object_or_empty(l, json_object_get(o, "credentials"));
    p->idempotency_secret = json_string_value(json_object_get(o, "idempotency_secret"));
    p->proxy = json_string_value(json_object_get(o, "proxy"));
    p->tls_verify = !json_is_false(json_object_get(o, "tls_verify"));
    read_limits(json_object_get(o, "limits"), &p->limits);
    read_retry(json_object_get(o, "retry"), &p->retry);
    read_breaker(json_object_get(o, "breaker"), &p->breaker);
    read_guard(json_object_get(o, "guard"), &p->guard);
    const char *park = json_string_value(json_object_get(o, "park"));
    p->park_always = park != NULL && strcmp(park, "always") == 0;
    p->park_dead = park == NULL || p->park_always || strcmp(park, "dead") == 0;
    const char *cuts = json_string_value(json_object_get(o, "cuts"));
    p->cuts_known = cuts != NULL && strcmp(cuts, "known") == 0;
    read_numbers(json_object_get(l->root, "numbers"), json_object_get(o, "numbers"), &p->numbers);
    if (p->settings == NULL || p->credentials == NULL)
        return err_nomem(l->reterr);
    if (read_autosync(l, json_object_get(o, "autosync"), &p->autosync) != 0 ||
        read_entitlement(l, p, json_object_get(o, "entitlement")) != 0)
        return -1;
    if (check_numbers(l, p) != 0 || check_retry(l, p) != 0 || check_breaker(l, p) != 0)
        return -1;
    return read_files(l, p, o);
}

void settings_provider_defaults(struct settings_provider *ret)
{
    *ret = (struct settings_provider){.name = "", .threads = 1, .tls_verify = true, .park_dead = true};
    read_limits(NULL, &ret->limits);
    read_retry(NULL, &ret->retry);
    read_breaker(NULL, &ret->breaker);
    read_guard(NULL, &ret->guard);
    read_numbers(NULL, NULL, &ret->numbers);
}

int settings_read_providers(struct settings_loader *l)
{
    struct settings *s = l->s;
    json_t *all = json_object_get(l->root, "providers"), *o;
    s->providers = calloc(json_object_size(all), sizeof(*s->providers));
    if (s->providers == NULL)
        return err_nomem(l->reterr);
    const char *name;
    json_object_foreach(all, name, o)
    {
        struct settings_provider *p = &s->providers[s->provider_count++];
        p->name = name;
        if (read_provider(l, p, o) != 0)
            return -1;
    }
    return 0;
}
