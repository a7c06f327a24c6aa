/* outcome_read.h - a published outcome read back: what a new owner learns of events that are done. RELIABILITY.md section 3. */
#ifndef TVB_CONTRACT_OUTCOME_READ_H
#define TVB_CONTRACT_OUTCOME_READ_H

#include <jansson.h>
#include <stdbool.h>

#include "contract/event.h"
#include "contract/outcome.h"

struct outcome_seen {
    json_t *root; /* owned: the texts below point into it */
    const char *provider, *service;
    const char *fingerprint; /* "" when it does not say */
    const char *fence;       /* "" when it does not say */
    bool final;
    char key[EVENT_KEY_SIZE]; /* of the event that it is about */
    struct outcome facts;
    json_t *record; /* borrowed from root; NULL: none */
};

/* 0 (outcome_seen_fini() frees it), or -1 when @text is not an outcome. */
int outcome_read(const char *text, size_t len, struct outcome_seen *ret);
void outcome_seen_fini(struct outcome_seen *s);

#endif
