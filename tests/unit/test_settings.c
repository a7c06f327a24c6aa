#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/attr.h"
#include "contract/settings.h"

#define KAFKA "kafka: {brokers: 'k:9092'}\n"
#define PROVIDER "providers: {p: {pack: ./pack}}\n"
#define MINIMAL KAFKA PROVIDER

static char folder[64];

static void put(const char *name, const char *text)
{
    char path[200];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *f = fopen(path, "w");
    cr_assert(f != NULL);
    fputs(text, f);
    fclose(f);
}

static void make_folder(void)
{
    char path[200];
    strcpy(folder, "/tmp/tvb-settings-XXXXXX");
    cr_assert(mkdtemp(folder) != NULL);
    snprintf(path, sizeof(path), "%s/pack", folder);
    cr_assert(eq(int, mkdir(path, 0700), 0));
    setenv("TVBRIDGE_SCHEMAS", TVB_ROOT "/schemas", 1);
    unsetenv("TVB_TEST_UNSET");
    setenv("TVB_TEST_SECRET", "hunter2", 1);
    put("secret", "from file\n");
    put("empty", "\n");
    put("long_secret", "0123456789abcdef0123456789abcdef\n");
}

static void remove_folder(void)
{
    static const char *const names[] = {"s.yaml", "secret", "long_secret", "empty", "ca.pem", "pack"};
    char path[200];
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
        remove(path);
    }
    rmdir(folder);
}

TestSuite(settings, .init = make_folder, .fini = remove_folder);

static struct settings *load(const char *text, struct err *reterr)
{
    char path[200];
    put("s.yaml", text);
    snprintf(path, sizeof(path), "%s/s.yaml", folder);
    return settings_load(path, reterr);
}

static struct settings *load_good(const char *text)
{
    struct err e = {0};
    struct settings *s = load(text, &e);
    cr_assert(s != NULL, "%s", e.msg);
    return s;
}

/* The message without the folder in front. */
static void refused(const char *text, const char *want)
{
    struct err e = {0};
    struct settings *s = load(text, &e);
    cr_expect(s == NULL, "must be refused: %s", text);
    const char *msg = strstr(e.msg, "s.yaml");
    cr_expect(msg != NULL && strncmp(msg, want, strlen(want)) == 0, "\"%s\"\nwanted \"%s\"", e.msg,
              want);
    cr_expect(strstr(e.msg, "hunter2") == NULL, "a secret is told: %s", e.msg);
    settings_free(s);
}

Test(settings, what_is_absent_has_its_default)
{
    struct settings *s = load_good(MINIMAL);
    cr_expect(eq(str, (char *)s->brokers, "k:9092"));
    cr_expect(eq(str, (char *)s->prefix, "tvbridge."));
    cr_expect(eq(int, s->partitions, 12));
    cr_expect(eq(int, s->partitioner, PARTITIONER_MURMUR2));
    cr_expect(eq(u32, s->epoch, 0));
    cr_expect(s->instance == NULL);
    cr_expect(eq(sz, s->librdkafka_count, 0));
    cr_expect(eq(str, (char *)s->redis_host, "127.0.0.1"));
    cr_expect(eq(int, s->redis_port, 6379));
    cr_expect(s->redis_unix == NULL && s->redis_user == NULL && s->redis_password == NULL);
    cr_expect(eq(int, s->log_format, LOG_FORMAT_LOGFMT));
    cr_expect(eq(int, s->log_level, LOG_LEVEL_INFO));
    cr_expect(eq(str, (char *)s->admin_host, "127.0.0.1"));
    cr_expect(eq(int, s->admin_port, 9464));
    cr_expect(eq(str, (char *)s->schemas, TVB_ROOT "/schemas"));
    settings_free(s);
}

Test(settings, a_provider_has_its_defaults_too)
{
    struct settings *s = load_good(MINIMAL);
    const struct settings_provider *p = settings_provider(s, "p");
    cr_assert(p != NULL && settings_provider(s, "q") == NULL);
    char pack[200];
    snprintf(pack, sizeof(pack), "%s/./pack", folder);
    cr_expect(eq(str, (char *)p->pack_dir, pack));
    cr_expect(p->base_url == NULL && p->proxy == NULL && p->ca_file == NULL &&
              p->idempotency_secret == NULL);
    cr_expect(eq(u32, p->threads, 1));
    cr_expect(p->tls_verify);
    cr_expect(eq(int, json_typeof(p->settings), JSON_OBJECT));
    cr_expect(eq(int, json_typeof(p->credentials), JSON_OBJECT));
    cr_expect(eq(u32, p->limits.in_flight, 32));
    cr_expect(eq(u32, p->limits.burst, 32));
    cr_expect(eq(sz, p->limits.answer_max_bytes, 1048576));
    cr_expect(eq(u32, p->retry.attempts, 8));
    cr_expect(eq(i64, p->retry.max_age_ms, 900000));
    cr_expect(eq(u32, p->retry.budget_percent, 10));
    cr_expect(eq(dbl, p->retry.budget_per_s, 1.0));
    cr_expect(p->limits.adaptive);
    cr_expect(eq(u32, p->breaker.calls, 20));
    cr_expect(eq(u32, p->breaker.bad_percent, 50));
    cr_expect(eq(i64, p->breaker.open_ms, 5000));
    cr_expect(eq(i64, p->breaker.open_max_ms, 60000));
    cr_expect(eq(u32, p->guard.percent, 5));
    cr_expect(eq(u32, p->guard.accounts, 50));
    cr_expect(p->park_dead);
    cr_expect(not(p->cuts_known));
    cr_expect(eq(i64, p->numbers.lease_ms, 20000));
    cr_expect(eq(i64, p->numbers.id_memory_ms, 604800000));
    settings_free(s);
}

Test(settings, everything_that_is_said_is_taken)
{
    put("ca.pem", "x");
    struct settings *s =
        load_good("kafka: {brokers: 'a:1,b:2', prefix: x., partitions: 3, partitioner: crc32, "
                  "epoch: 999999, instance: i-1,\n"
                  "  librdkafka: {security.protocol: ssl, socket.timeout.ms: 5000, debug: '', "
                  "log.connection.close: false}}\n"
                  "redis: {unix: /run/r.sock, db: 2, user: u, password: 'file:secret'}\n"
                  "log: {format: json, level: debug}\n"
                  "admin: off\n"
                  "numbers: {connect_ms: 500, request_ms: 5000}\n"
                  "providers:\n"
                  "  p: {pack: ./pack, base_url: 'http://h/${TVB_TEST_UNSET:-api}', threads: 2, "
                  "tls_verify: false, ca_file: ca.pem,\n"
                  "    credentials: {basic: {username: u, password: '${TVB_TEST_SECRET}!$${x}'}}, "
                  "settings: {a: 1},\n"
                  "    idempotency_secret: 0123456789abcdef, proxy: 'http://px:3128',\n"
                  "    limits: {in_flight: 100, rate_per_s: 2.5, burst: 7, adaptive: false}, "
                  "retry: {attempts: 3, budget_percent: 20, budget_per_s: 0.5},\n"
                  "    breaker: {calls: 7, bad_percent: 80, open_ms: 100, open_max_ms: 900}, "
                  "guard: {percent: 100, accounts: 9}, park: nothing, cuts: known, "
                  "numbers: {connect_ms: 600}}\n");
    const struct settings_provider *p = settings_provider(s, "p");
    cr_expect(eq(int, s->partitioner, PARTITIONER_CRC32));
    cr_expect(eq(u32, s->epoch, 999999));
    cr_expect(eq(str, (char *)s->redis_unix, "/run/r.sock"));
    cr_expect(s->redis_host == NULL);
    cr_expect(eq(int, s->redis_db, 2));
    cr_expect(eq(str, (char *)s->redis_password, "from file"));
    cr_expect(eq(int, s->log_format, LOG_FORMAT_JSON));
    cr_expect(s->admin_host == NULL);
    cr_expect(eq(sz, s->librdkafka_count, 4));
    cr_expect(eq(str, (char *)s->librdkafka[1].name, "socket.timeout.ms"));
    cr_expect(eq(str, (char *)s->librdkafka[1].value, "5000"));
    cr_expect(eq(str, (char *)s->librdkafka[3].value, "false"));
    cr_expect(eq(str, (char *)p->base_url, "http://h/api"));
    cr_expect(eq(int, p->tls_verify, false));
    cr_expect(eq(u32, p->threads, 2));
    const json_t *basic = json_object_get(p->credentials, "basic");
    cr_expect(
        eq(str, (char *)json_string_value(json_object_get(basic, "password")), "hunter2!${x}"));
    cr_expect(eq(i64, p->numbers.connect_ms, 600));
    cr_expect(eq(i64, p->numbers.request_ms, 5000));
    cr_expect(eq(u32, p->limits.burst, 7));
    cr_expect(eq(dbl, p->limits.rate_per_s, 2.5));
    cr_expect(eq(u32, p->retry.attempts, 3));
    cr_expect(eq(u32, p->retry.budget_percent, 20));
    cr_expect(eq(dbl, p->retry.budget_per_s, 0.5));
    cr_expect(not(p->limits.adaptive));
    cr_expect(eq(u32, p->breaker.calls, 7));
    cr_expect(eq(u32, p->breaker.bad_percent, 80));
    cr_expect(eq(i64, p->breaker.open_ms, 100));
    cr_expect(eq(i64, p->breaker.open_max_ms, 900));
    cr_expect(eq(u32, p->guard.percent, 100));
    cr_expect(eq(u32, p->guard.accounts, 9));
    cr_expect(not(p->park_dead));
    cr_expect(p->cuts_known);
    settings_free(s);
}

Test(settings, sentinels_stand_in_place_of_an_address)
{
    struct settings *s =
        load_good(MINIMAL "redis: {sentinels: ['s1:26379', '[::1]:7', s3], master_name: mymaster, db: 1,\n"
                          "  password: p, sentinel_password: 'file:secret'}\n");
    cr_assert(eq(sz, s->redis_sentinel_count, 3));
    cr_expect(eq(str, (char *)s->redis_sentinels[0], "s1:26379"));
    cr_expect(eq(str, (char *)s->redis_sentinels[1], "[::1]:7"));
    cr_expect(eq(str, (char *)s->redis_sentinels[2], "s3"));
    cr_expect(eq(str, (char *)s->redis_master_name, "mymaster"));
    cr_expect(eq(str, (char *)s->redis_sentinel_password, "from file"));
    cr_expect(s->redis_host == NULL && s->redis_unix == NULL);
    settings_free(s);
    static const char *const bad[] = {"a b", "a:0", "a:b", "::1", "[::1", "a:123456", ""};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        char text[200];
        struct err e = {0};
        snprintf(text, sizeof(text), MINIMAL "redis: {sentinels: ['%s'], master_name: m}\n", bad[i]);
        cr_expect(load(text, &e) == NULL, "%s", bad[i]);
        cr_expect(strstr(e.msg, "/redis/sentinels/0: ") != NULL, "%s: %s", bad[i], e.msg);
    }
}

Test(settings, a_refusal_names_line_place_found_and_wanted)
{
    static const struct {
        const char *text, *want;
    } rows[] = {
        {PROVIDER, "s.yaml:1: /: wanted the member \"kafka\", which is missing"},
        {KAFKA, "s.yaml:1: /: wanted the member \"providers\", which is missing"},
        {"[]", "s.yaml:1: /: wanted an object, found a list"},
        {"kafka:\n  broker: k\n" PROVIDER,
         "s.yaml:2: /kafka/broker: unknown member; did you mean \"brokers\"?"},
        {"kafka:\n  brokers: k\n  zzz: 1\n" PROVIDER, "s.yaml:3: /kafka/zzz: unknown member"},
        {"kafka:\n  brokers: k\n  partitions: 0\n" PROVIDER,
         "s.yaml:3: /kafka/partitions: wanted at least 1, found 0"},
        {"kafka:\n  brokers: k\n  partitions: many\n" PROVIDER,
         "s.yaml:3: /kafka/partitions: wanted an integer, found a text: \"many\""},
        {"kafka:\n  brokers: k\n  partitioner: md5\n" PROVIDER,
         "s.yaml:3: /kafka/partitioner: wanted one of \"murmur2\", \"crc32\", found \"md5\""},
        {MINIMAL "log: {level: loud}\n", "s.yaml:3: /log/level: wanted one of \"debug\", \"info\", "
                                         "\"warn\", \"error\", found \"loud\""},
        {MINIMAL "admin: no\n",
         "s.yaml:3: /admin: wanted one of \"off\", false; or wanted an object, found a text"},
        {MINIMAL "admin: {prot: 1}\n",
         "s.yaml:3: /admin/prot: unknown member; did you mean \"port\"?"},
        {MINIMAL "redis: {host: h, unix: /s}\n",
         "s.yaml:3: /redis/unix: wanted either host or unix, found both"},
        {MINIMAL "redis: {host: h, sentinels: [a], master_name: m}\n",
         "s.yaml:3: /redis/sentinels: wanted either sentinels or host, found both"},
        {MINIMAL "redis: {unix: /s, sentinels: [a], master_name: m}\n",
         "s.yaml:3: /redis/sentinels: wanted either sentinels or unix, found both"},
        {MINIMAL "redis: {sentinels: [a]}\n",
         "s.yaml:3: /redis: wanted the member \"master_name\" beside \"sentinels\""},
        {MINIMAL "redis: {master_name: m}\n",
         "s.yaml:3: /redis: wanted the member \"sentinels\" beside \"master_name\""},
        {MINIMAL "redis: {sentinel_password: p}\n",
         "s.yaml:3: /redis: wanted the member \"sentinels\" beside \"sentinel_password\""},
        {MINIMAL "redis: {sentinels: [], master_name: m}\n",
         "s.yaml:3: /redis/sentinels: wanted at least 1 items, found 0"},
        {MINIMAL "redis: {user: u}\n",
         "s.yaml:3: /redis: wanted the member \"password\" beside \"user\""},
        {KAFKA "providers: {}\n", "s.yaml:2: /providers: wanted at least 1 members, found 0"},
        {KAFKA "providers: {Bad Name: {}}\n",
         "s.yaml:2: /providers/Bad Name: wanted a text that matches"},
        {KAFKA "providers:\n  p:\n    pack: nowhere\n",
         "s.yaml:4: /providers/p/pack: no pack here: found no folder "},
        {KAFKA "providers:\n  nopack: {}\n", "s.yaml:3: /providers/nopack: no pack here"},
        {KAFKA "providers:\n  p: {pack: ./pack, base_url: 'ftp://x'}\n",
         "s.yaml:3: /providers/p/base_url: wanted a text that matches"},
        {KAFKA "providers:\n  p: {pack: ./pack, ca_file: none.pem}\n",
         "s.yaml:3: /providers/p/ca_file: found no readable file "},
        {KAFKA "providers:\n  p: {pack: ./pack, breaker: {open_max_ms: 100}}\n",
         "s.yaml:3: /providers/p/breaker: open_ms is 5000, wanted at most 100, which is open_max_ms"},
        {KAFKA "providers:\n  p: {pack: ./pack, retry: {cap_ms: 100}}\n",
         "s.yaml:3: /providers/p/retry/base_ms: base_ms is 200, wanted at most 100, which is "
         "cap_ms"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        refused(rows[i].text, rows[i].want);
}

Test(settings, numbers_that_disagree_are_refused_at_the_line_that_set_them)
{
    refused(MINIMAL "numbers:\n  lease_ms: 19000\n",
            "s.yaml:4: /numbers/lease_ms: lease_ms is 19000, wanted at least 20000");
    refused(MINIMAL "numbers:\n  request_ms: 11000\n",
            "s.yaml:4: /numbers/request_ms: lease_ms is 20000, wanted at least 21000");
    refused(KAFKA
            "providers:\n  p:\n    pack: ./pack\n    numbers:\n      provider_max_ms: 60000\n",
            "s.yaml:6: /providers/p/numbers/provider_max_ms: quarantine_ms is 48000, wanted at "
            "least 78000");
    refused(MINIMAL "numbers:\n  session_timeout_ms: 5000\n",
            "s.yaml:4: /numbers/session_timeout_ms: wanted at least 6000, found 5000");
}

#define SHA_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define SHA_B "BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB"
#define SHA_C "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"
#define KEY_A "{name: a, sha256: " SHA_A ", may: [publish], providers: [p]}"

Test(settings, without_a_serve_section_nothing_is_served)
{
    struct settings *s = load_good(MINIMAL);
    cr_expect(s->serve.host == NULL && s->serve.key_count == 0);
    cr_expect(s->providers[0].password_key == NULL);
    cr_expect(not(s->providers[0].entitlement));
    settings_free(s);
}

Test(settings, a_serve_section_has_its_defaults)
{
    struct settings *s = load_good(MINIMAL "serve: {keys: [" KEY_A "]}\n");
    cr_expect(eq(str, (char *)s->serve.host, "127.0.0.1"));
    cr_expect(eq(int, s->serve.port, 9465));
    cr_expect(eq(u32, s->serve.connections, 512));
    cr_expect(eq(u32, s->serve.batch_events, 10000));
    cr_expect(eq(sz, s->serve.body_bytes, (size_t)8 << 20));
    cr_expect(eq(sz, s->serve.buffered_bytes, (size_t)64 << 20));
    cr_expect(eq(i64, s->serve.ack_timeout_ms, 10000));
    cr_expect(eq(i64, s->serve.drain_ms, 20000));
    cr_expect(eq(i64, s->serve.records_every_ms, 500));
    settings_free(s);
}

Test(settings, a_key_has_a_dialect_by_name_or_path_and_a_catalogue_beside_the_file)
{
    struct settings *s = load_good(KAFKA "providers: {p: {pack: ./pack}}\n"
        "serve:\n"
        "  keys:\n"
        "    - {name: a, sha256: " SHA_B ", may: [publish], providers: [p], dialect: ixc, catalogue: names.yaml}\n"
        "    - {name: b, sha256: " SHA_C ", may: [publish], providers: [p], dialect: ./mine.yaml, catalogue: /etc/names.yaml}\n");
    const struct settings_key *a = &s->serve.keys[0], *b = &s->serve.keys[1];
    cr_expect(eq(str, (char *)a->dialect, "ixc"));
    cr_expect(a->catalogue[0] == '/' && strstr(a->catalogue, "/names.yaml") != NULL, "%s", a->catalogue);
    cr_expect(b->dialect[0] == '/' && strstr(b->dialect, "/mine.yaml") != NULL, "%s", b->dialect);
    cr_expect(eq(str, (char *)b->catalogue, "/etc/names.yaml"));
    settings_free(s);
    s = load_good(MINIMAL "serve: {keys: [" KEY_A "]}\n");
    cr_expect(s->serve.keys[0].dialect == NULL && s->serve.keys[0].catalogue == NULL);
    settings_free(s);
}

Test(settings, who_may_call_is_taken_with_the_providers_it_names)
{
    struct settings *s = load_good(KAFKA "providers:\n"
        "  p: {pack: ./pack, entitlement: {password_key: 'file:long_secret'}}\n"
        "  q: {pack: ./pack, entitlement: {without_password: true}}\n"
        "serve:\n"
        "  host: '::1'\n"
        "  port: 0\n"
        "  keys:\n"
        "    - " KEY_A "\n"
        "    - {name: b, sha256: " SHA_B ", may: [entitlement, publish], providers: [q, p], rate_per_s: 0.5}\n"
        "    - {name: c, sha256: " SHA_C ", may: [entitlement], providers: [q], rate_per_s: 100, burst: 7}\n");
    cr_expect(eq(str, (char *)s->serve.host, "::1"));
    cr_expect(eq(int, s->serve.port, 0));
    cr_assert(eq(sz, s->serve.key_count, 3));
    const struct settings_key *a = &s->serve.keys[0], *b = &s->serve.keys[1], *c = &s->serve.keys[2];
    cr_expect(a->may_publish && !a->may_ask && b->may_publish && b->may_ask && !c->may_publish && c->may_ask);
    cr_expect(eq(int, a->sha256[31], 0xaa));
    cr_expect(eq(int, b->sha256[0], 0xbb));
    cr_assert(eq(sz, b->provider_count, 2));
    cr_expect(eq(str, (char *)b->providers[0]->name, "q"));
    cr_expect(eq(str, (char *)b->providers[1]->name, "p"));
    cr_expect(eq(dbl, a->rate_per_s, 0.0));
    cr_expect(eq(dbl, b->burst, 1.0));
    cr_expect(eq(dbl, c->burst, 7.0));
    cr_expect(eq(str, (char *)settings_provider(s, "p")->password_key, "0123456789abcdef0123456789abcdef"));
    cr_expect(settings_provider(s, "q")->password_key == NULL && settings_provider(s, "q")->entitlement_without_password);
    settings_free(s);
}

Test(settings, what_the_gateway_could_not_work_with_is_refused)
{
    static const struct {
        const char *text, *want;
    } rows[] = {
        {MINIMAL "serve: {}\n", "s.yaml:3: /serve: wanted the member \"keys\", which is missing"},
        {MINIMAL "serve: {keys: []}\n", "s.yaml:3: /serve/keys: wanted at least 1 items, found 0"},
        {MINIMAL "serve: {keys: [{name: a, sha256: hunter2, may: [publish], providers: [p]}]}\n",
         "s.yaml:3: /serve/keys/0/sha256: wanted a text that matches"},
        {MINIMAL "serve: {keys: [{name: a, sha256: " SHA_A ", may: [publish], providers: [q]}]}\n",
         "s.yaml:3: /serve/keys/0/providers/0: wanted the name of a provider of this file"},
        {MINIMAL "serve: {keys: [" KEY_A ", " KEY_A "]}\n", "s.yaml:3: /serve/keys/1/name: the same stands at /serve/keys/0"},
        {MINIMAL "serve: {keys: [" KEY_A ", {name: b, sha256: " SHA_A ", may: [publish], providers: [p]}]}\n",
         "s.yaml:3: /serve/keys/1/sha256: the same stands at /serve/keys/0"},
        {MINIMAL "serve:\n  keys: [" KEY_A "]\n  body_bytes: 2000000\n  buffered_bytes: 1900000\n",
         "s.yaml:6: /serve/buffered_bytes: buffered_bytes is 1900000, wanted at least 2000000, which is body_bytes"},
        {MINIMAL "serve:\n  keys: [" KEY_A "]\n  ack_timeout_ms: 11000\n  drain_ms: 21999\n",
         "s.yaml:6: /serve/drain_ms: drain_ms is 21999, wanted at least 22000, which is twice ack_timeout_ms"},
        {KAFKA "providers: {p: {pack: ./pack, entitlement: {password_key: hunter2}}}\n",
         "s.yaml:2: /providers/p/entitlement/password_key: wanted at least 32 characters"},
        {KAFKA "providers: {p: {pack: ./pack, entitlement: {without_password: false}}}\n",
         "s.yaml:2: /providers/p/entitlement: nobody could be answered: "},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        refused(rows[i].text, rows[i].want);
}

Test(settings, what_librdkafka_is_told_by_us_alone_is_refused_by_name)
{
    static const struct {
        const char *name, *want;
    } rows[] = {
        {"enable.auto.commit: true", "the worker sets enable.auto.commit itself: "},
        {"group.id: g", "the worker sets group.id itself: "},
        {"bootstrap.servers: x", "the worker sets bootstrap.servers itself: say kafka.brokers"},
        {"enable.idempotence: false", "the worker sets enable.idempotence itself: "},
        {"acks: 1", "the worker sets acks itself: "},
        {"message.timeout.ms: 1",
         "the worker sets message.timeout.ms itself: say numbers.outcome_timeout_ms"},
        {"partition.assignment.strategy: cooperative-sticky",
         "the worker sets partition.assignment.strategy itself"},
        {"dr_msg_cb: x", "dr_msg_cb cannot be set from a file"},
        {"sasl.mechanisms: SCRAM-SHA-512", "librdkafka 2.0.2 cannot speak SCRAM to 4.x brokers"},
        {"sasl.mechanism: scram-sha-256", "librdkafka 2.0.2 cannot speak SCRAM to 4.x brokers"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char text[300], want[300];
        snprintf(text, sizeof(text), "kafka:\n  brokers: k\n  librdkafka:\n    %s\n%s",
                 rows[i].name, PROVIDER);
        snprintf(want, sizeof(want), "s.yaml:4: /kafka/librdkafka/%.*s: %s",
                 (int)strcspn(rows[i].name, ":"), rows[i].name, rows[i].want);
        refused(text, want);
    }
}

Test(settings, a_secret_that_cannot_be_had_is_refused)
{
    refused(MINIMAL "redis:\n  password: ${TVB_TEST_UNSET}\n",
            "s.yaml:4: /redis/password: the environment variable TVB_TEST_UNSET is not set");
    refused(MINIMAL "redis:\n  password: ${}\n",
            "s.yaml:4: /redis/password: wanted ${NAME} or ${NAME:-text}");
    refused(MINIMAL "redis:\n  password: x${TVB\n",
            "s.yaml:4: /redis/password: wanted ${NAME} or ${NAME:-text}");
    refused(MINIMAL "redis:\n  password: file:empty\n",
            "s.yaml:4: /redis/password: file empty is empty");
    struct err e = {0};
    cr_expect(load(MINIMAL "redis:\n  password: file:absent\n", &e) == NULL);
    cr_expect(strstr(e.msg, "/redis/password: ") != NULL &&
                  strstr(e.msg, "absent: No such file") != NULL,
              "%s", e.msg);
}

Test(settings, a_refusal_never_tells_a_secret)
{
    refused(MINIMAL "redis: {pasword: hunter2}\n",
            "s.yaml:3: /redis/pasword: unknown member; did you mean \"password\"?");
    refused(MINIMAL "redis: 'redis://:hunter2@h'\n",
            "s.yaml:3: /redis: wanted an object, found a text");
    refused(MINIMAL "redis: hunter2\n", "s.yaml:3: /redis: wanted an object, found a text");
    refused(MINIMAL "redis: {host: h, password: [hunter2]}\n",
            "s.yaml:3: /redis/password: wanted a text, found a list");
    refused(KAFKA "providers: {p: {credentials: {basic: hunter2}}}\n",
            "s.yaml:2: /providers/p/credentials/basic: wanted an object, found a text");
    refused(KAFKA "providers: {p: {idempotency_secret: hunter2}}\n",
            "s.yaml:2: /providers/p/idempotency_secret: wanted at least 16 characters");
    refused(KAFKA "providers: {p: {base_url: 'http://u:hunter2@h/'}}\n",
            "s.yaml:2: /providers/p/base_url: wanted a text that matches ^https?://[^\\s@]+$");
    refused(KAFKA "providers: {p: {proxy: 'hunter2'}}\n",
            "s.yaml:2: /providers/p/proxy: wanted a text that matches");
    refused(MINIMAL "log: {level: '${TVB_TEST_SECRET}'}\n",
            "s.yaml:3: /log/level: wanted one of \"debug\", \"info\", \"warn\", \"error\", found "
            "\"${TVB_TEST_SECRET}\"");
}

Test(settings, a_number_in_place_of_a_password_is_not_told)
{
    struct err e = {0};
    cr_expect(load(MINIMAL "redis: {password: 987654}\n", &e) == NULL);
    cr_expect(strstr(e.msg, "/redis/password: wanted a text, found an integer") != NULL, "%s",
              e.msg);
    cr_expect(strstr(e.msg, "987654") == NULL, "%s", e.msg);
}

Test(settings, the_example_is_taken_as_it_stands)
{
    struct err e = {0};
    struct settings *s = settings_load(TVB_ROOT "/deploy/settings.example.yaml", &e);
    cr_assert(s != NULL, "%s", e.msg);
    cr_expect(settings_provider(s, "stalker") != NULL);
    settings_free(s);
}

Test(settings, a_file_that_is_not_there_is_named)
{
    struct err e = {0};
    cr_expect(settings_load("/nonexistent/s.yaml", &e) == NULL);
    cr_expect(eq(str, e.msg, "/nonexistent/s.yaml: No such file or directory"));
}
