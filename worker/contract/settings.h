/* settings.h - one YAML file, checked by schemas/settings.schema.json.
 *
 * `${ENV}` inside a text and `file:PATH` as a whole text stand for secrets and are resolved here. Every refusal
 * names file, line, pointer, value found and value wanted. Read-only after loading; any thread may read. */
#ifndef TVB_CONTRACT_SETTINGS_H
#define TVB_CONTRACT_SETTINGS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/hash.h"
#include "base/log.h"
#include "contract/event.h"

/* RELIABILITY.md section 9; ms unless the name says otherwise. */
struct settings_numbers {
    int64_t ownership_ms;        /* O, 6000 */
    int64_t connect_ms;          /* 2000 */
    int64_t request_ms;          /* T_req, the whole transfer, 10000 */
    int64_t provider_max_ms;     /* 30000: how long the platform may still apply what it received */
    int64_t lease_ms;            /* L, 20000 */
    int64_t quarantine_ms;       /* Q, 48000 */
    int64_t session_timeout_ms;  /* 10000 */
    int64_t max_poll_ms;         /* 300000 */
    int64_t drain_ms;            /* 15000 */
    int64_t window_events;       /* a partition, 20000 */
    int64_t window_bytes;        /* a worker, 32 MiB */
    int64_t lane_limit;          /* 1000 */
    int64_t waiting_limit;       /* entries of the waiting topic, a partition, 1000000 */
    int64_t aside_after_ms;      /* an event that would be tried later than this after its first failure is set aside, 60000 */
    int64_t held_poll_ms;        /* how soon the platform is asked again for an account that is not active yet, 300000 */
    int64_t sequence_jump;       /* a sequence further ahead of the service's last is implausible; 0: off */
    int64_t id_memory_ms;        /* 7 days */
    int64_t queued_kbytes;       /* queued.max.messages.kbytes, 12288 */
    int64_t commit_ms;           /* how often a moved watermark is committed at most, 1000 */
    int64_t redis_timeout_ms;    /* 2000 */
    int64_t outcome_timeout_ms;  /* message.timeout.ms of the producer; below the quarantine, 30000 */
};

struct settings_retry {
    int64_t base_ms;      /* 200 */
    int64_t cap_ms;       /* 30000 */
    int64_t max_age_ms;   /* 15 min from the first try */
    int64_t retry_after_cap_ms; /* 5 min */
    unsigned attempts;    /* 8 */
    unsigned budget_percent; /* of the first tries of ten seconds may be as many retries, 10 */
    double budget_per_s;     /* and so many on top, 1 */
};

/* When a provider counts as down, and for how long it is left alone. */
struct settings_breaker {
    unsigned calls;       /* within ten seconds, before it is judged, 20 */
    unsigned bad_percent; /* of these were not sent, in doubt or answered 5xx, 50 */
    int64_t open_ms;      /* 5000; doubles */
    int64_t open_max_ms;  /* 60000 */
};

/* How many accounts may be cut off within an hour before further cuts are held: the larger of the two, in each partition (core/guard.h). */
struct settings_guard {
    unsigned percent;  /* of the partition's accounts, 5; 100: no guard */
    unsigned accounts; /* of the whole provider, 50: divided by the partitions */
};

/* `tvbridge sync --autosync`. */
struct settings_autosync {
    int64_t every_ms;     /* 0: it is off */
    const char *desired;  /* a file; NULL: what the records say */
    const char *folder;   /* where previews are kept */
    bool remove_unknown;  /* false */
    unsigned rate_per_s;  /* 20 */
    size_t max_changes;   /* services that one run may change, 1000 */
};

struct settings_limits {
    unsigned in_flight;     /* calls at once for the whole provider, 1..10000; below the number of partitions each by a lease */
    double rate_per_s;      /* calls a second for the whole provider; 0: no limit */
    unsigned burst;         /* tokens kept, at least 1 */
    size_t answer_max_bytes; /* a larger answer is in doubt; 1 MiB */
    bool adaptive;          /* fewer at once while the platform is slow or throttles; true */
};

struct settings_provider {
    const char *name;
    const char *pack_dir;   /* resolved: a folder with openapi.yaml and workflows.arazzo.yaml */
    const char *base_url;   /* where the platform is; NULL: the OpenAPI document's first server */
    unsigned threads;       /* worker threads in this process, 1..64 */
    const json_t *settings; /* $inputs.settings (object, may be empty) */
    const json_t *credentials; /* security scheme -> its parts (object); secrets resolved */
    const char *idempotency_secret; /* for x-repeat: keyed; NULL: none */
    const char *proxy;      /* NULL: none */
    const char *ca_file;    /* NULL: the system's */
    bool tls_verify;        /* true */
    struct settings_limits limits;
    struct settings_retry retry;
    struct settings_breaker breaker;
    struct settings_guard guard;
    struct settings_autosync autosync;
    bool cuts_known;        /* only accounts that tvbridge made or adopted may be cut off; false */
    const char *password_key;     /* records keep passwords as password.h says, under it; NULL: they keep none */
    bool entitlement;             /* `tvbridge serve` answers for its subscribers; false */
    bool entitlement_without_password; /* also when no password is given; false */
    bool park_dead;         /* a dead event holds back later ones of its service that set the same thing; true */
    bool park_always;       /* also newer ones that cover it, which else pass and close it; false */
    struct settings_numbers numbers;
};

struct settings_pair {
    const char *name, *value;
};

/* Who may call `tvbridge serve`. */
struct settings_key {
    const char *name;
    uint8_t sha256[HASH_SHA256_SIZE];          /* of the key's text */
    bool may_publish, may_ask;                 /* events; entitlement */
    const struct settings_provider **providers; /* of these */
    size_t provider_count;
    const char *dialect;   /* whose words its event types may be: a name, or a path with a slash; NULL: ours only */
    const char *catalogue; /* the file that says what its plans and packages are at the platforms; NULL: it has the platforms' ids */
    double rate_per_s; /* events, or questions, a second; 0: no limit */
    double burst;      /* at once after a quiet time */
};

struct settings_serve {
    const char *host; /* NULL: there is no such section */
    int port;         /* 9465; 0: a free port, printed in the log */
    unsigned connections;     /* at once, 512 */
    unsigned batch_events;    /* in one request, 10000 */
    size_t body_bytes;        /* of one request, 8 MiB */
    size_t buffered_bytes;    /* of all requests under way, 64 MiB */
    int64_t ack_timeout_ms;   /* Kafka's acknowledgement, 10000 */
    int64_t drain_ms;         /* for requests under way, when it stops, 20000 */
    int64_t records_every_ms; /* how often records are looked for, 500 */
    struct settings_key *keys;
    size_t key_count;
};

struct settings {
    /* kafka */
    const char *brokers;        /* bootstrap.servers */
    const char *prefix;         /* "tvbridge." */
    int32_t partitions;         /* 12 */
    enum partitioner partitioner;
    uint32_t epoch;             /* 0 */
    const char *instance;       /* static membership; NULL: dynamic */
    struct settings_pair *librdkafka; /* passed through as they are */
    size_t librdkafka_count;
    /* redis */
    const char *redis_host, *redis_unix, *redis_user, *redis_password; /* NULL where not set */
    int redis_port, redis_db;
    const char **redis_sentinels; /* "host:port" each, in place of host and unix; the master is asked of them */
    size_t redis_sentinel_count;
    const char *redis_master_name, *redis_sentinel_password; /* with sentinels; the password may be NULL */
    /* log, admin */
    enum log_format log_format;
    enum log_level log_level;
    const char *admin_host; /* 127.0.0.1; NULL: no admin server */
    int admin_port;         /* 9464; 0: a free port, printed in the log */
    const char *schemas;    /* folder with the schemas */
    struct settings_provider *providers;
    size_t provider_count;
    struct settings_serve serve;
    void *owned; /* what the pointers point into */
};

/* Loads, checks, resolves secrets and defaults, and checks the numbers against each other. NULL and @reterr. */
struct settings *settings_load(const char *path, struct err *reterr);
void settings_free(struct settings *s);
/* A provider of which the settings say nothing: no pack, no credentials, the standard numbers. */
void settings_provider_defaults(struct settings_provider *ret);
/* The provider of that name, or NULL. */
const struct settings_provider *settings_provider(const struct settings *s, const char *name);

#endif
