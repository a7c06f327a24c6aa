/* Settings. What is taken is whole and consistent; what is refused says why, and never says a secret. */
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "contract/settings.h"

#define SECRET "kEpT-fRoM-mEsSaGeS"

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    setenv("TVBRIDGE_SCHEMAS", TVB_ROOT "/schemas", 1);
    setenv("SECRET", SECRET, 1); /* ${SECRET} in a seed, and file:secret */
    fuzz_write("secret", (struct fuzz_text){SECRET "\n", sizeof(SECRET)});
    return 0;
}

static void look_at_provider(const struct settings_provider *p)
{
    const struct settings_numbers *n = &p->numbers;
    fuzz_check(p->name != NULL && p->pack_dir != NULL && json_is_object(p->settings), "half a provider");
    fuzz_check(json_is_object(p->credentials) && p->threads >= 1 && p->threads <= 64, "half a provider");
    fuzz_check(p->limits.in_flight >= 1 && p->limits.in_flight <= 10000 && p->limits.burst >= 1, "limits");
    fuzz_check(p->limits.rate_per_s >= 0 && p->limits.answer_max_bytes > 0, "limits");
    fuzz_check(p->retry.base_ms > 0 && p->retry.cap_ms >= p->retry.base_ms && p->retry.attempts >= 1, "retry");
    fuzz_check(n->quarantine_ms > n->ownership_ms + n->request_ms + n->provider_max_ms, "the quarantine is too short");
    fuzz_check(n->lease_ms > n->ownership_ms + n->request_ms, "the lease is too short");
    fuzz_check(n->outcome_timeout_ms < n->quarantine_ms && n->connect_ms > 0 && n->request_ms > 0, "numbers");
    fuzz_check(n->window_events > 0 && n->window_bytes > 0 && n->lane_limit > 0 && n->drain_ms > 0, "bounds");
}

static void look_at(const struct settings *s)
{
    fuzz_check(s->brokers != NULL && s->prefix != NULL && s->schemas != NULL, "half the settings");
    fuzz_check(s->partitions >= 1 && (s->redis_host != NULL) != (s->redis_unix != NULL), "half the settings");
    fuzz_check(s->redis_port >= 0 && s->redis_port <= 65535 && s->redis_db >= 0, "Redis' place");
    fuzz_check(s->admin_port >= 0 && s->admin_port <= 65535 && s->provider_count >= 1, "half the settings");
    for (size_t i = 0; i < s->librdkafka_count; i++)
        fuzz_check(s->librdkafka[i].name != NULL && s->librdkafka[i].value != NULL, "half a pair");
    for (size_t i = 0; i < s->provider_count; i++) {
        look_at_provider(&s->providers[i]);
        fuzz_check(settings_provider(s, s->providers[i].name) == &s->providers[i], "two providers of one name");
    }
}

/* The secret comes from the environment or a file; what the settings say themselves in its words is none. */
static bool says_it(struct fuzz_text t)
{
    return memmem(t.data, t.len, SECRET, sizeof(SECRET) - 1) != NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err = {0};
    fuzz_write("settings.yaml", fuzz_input(data, size));
    struct settings *s = settings_load(fuzz_path("settings.yaml"), &err);
    if (s != NULL)
        look_at(s);
    else
        fuzz_check(err.code != ERR_NONE && err.code != ERR_NOMEM && err.msg[0] != '\0', "refused with \"%s\"", err.msg);
    fuzz_check(says_it(fuzz_input(data, size)) || strstr(err.msg, SECRET) == NULL, "a secret in a message: %s", err.msg);
    settings_free(s);
    return 0;
}
