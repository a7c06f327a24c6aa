/* race_event.c - threads decode and validate with one set of compiled schemas: each gets what one alone gets. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/race.h"
#include "support/race_vectors.h"

#define THREADS 4
#define ROUNDS 3

struct shared {
    struct event_schemas *schemas;
    struct race_vectors vectors;
    char want[RACE_VECTORS_MAX][HASH_SHA256_SIZE * 2 + 1]; /* the key, or the fault's pointer, as one alone finds it */
};

/* What the decoder says of vector @i, cut to the size. */
static void decode(const struct shared *s, size_t i, char *ret, size_t size)
{
    struct event e;
    struct fault f = {.pointer = ""};
    const struct event_message m = race_vectors_message(&s->vectors, i);
    if (event_decode(s->schemas, &m, &e, &f) != 0) {
        snprintf(ret, size, "%.60s", f.pointer);
        return;
    }
    snprintf(ret, size, "%s", e.key);
    event_fini(&e);
}

static void decode_all(void *arg, int thread)
{
    const struct shared *s = arg;
    for (int round = 0; round < ROUNDS; round++)
        for (size_t i = 0; i < s->vectors.n; i++) {
            char got[sizeof(s->want[0])];
            size_t at = (i + (size_t)thread * 7) % s->vectors.n;
            decode(s, at, got, sizeof(got));
            race_expect(strcmp(got, s->want[at]) == 0, "vector %zu gave %s, alone %s", at, got, s->want[at]);
        }
}

static size_t race_over(struct shared *s, const char *folder)
{
    race_vectors_load(&s->vectors, folder);
    for (size_t i = 0; i < s->vectors.n; i++)
        decode(s, i, s->want[i], sizeof(s->want[i]));
    race_run(THREADS, decode_all, s);
    size_t n = s->vectors.n;
    race_vectors_fini(&s->vectors);
    return n;
}

int main(void)
{
    struct shared *s = calloc(1, sizeof(*s));
    race_need(s != NULL, "no memory");
    s->schemas = race_schemas();
    size_t valid = race_over(s, "valid"), invalid = race_over(s, "invalid");
    event_schemas_free(s->schemas);
    free(s);
    return race_end("%d threads decoded %zu valid and %zu invalid events %d times with the same schemas", THREADS, valid,
                    invalid, ROUNDS);
}
