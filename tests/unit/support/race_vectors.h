/* race_vectors.h - the vectors of schemas/vectors/, read into memory for the race tests. */
#ifndef TEST_SUPPORT_RACE_VECTORS_H
#define TEST_SUPPORT_RACE_VECTORS_H

#include "contract/event.h"

#define RACE_VECTORS_MAX 256

struct race_vectors {
    size_t n;
    char *text[RACE_VECTORS_MAX]; /* structured events */
    char *key[RACE_VECTORS_MAX];  /* the subject, or "" */
};

void race_vectors_load(struct race_vectors *v, const char *folder);
void race_vectors_fini(struct race_vectors *v);
struct event_message race_vectors_message(const struct race_vectors *v, size_t i);

/* The schemas of the source tree; ends the program when they do not load. */
struct event_schemas *race_schemas(void);

#endif
