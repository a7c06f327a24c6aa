/* preview.h - a saved comparison: JSON lines that a person reads, and that `--apply` takes back. It holds what would change and the hash
 * of what it was computed from, not the data: no password is in it.
 *
 *   { preview: "tvbridge.sync", id, provider, made, desired, remove_unknown }    where one was used, catalogue; of `convert` also
 *                                                                                first_name and last_name
 *   { service, kind, hash, changes: [{ type, what }], left: [..] }    for each service that differs; of `convert` also client and read
 *   { account: { .. } }                                               for each account that no service has
 *   { end: true, services, ... }                                      without it, the file is not whole */
#ifndef TVB_PRODUCER_PREVIEW_H
#define TVB_PRODUCER_PREVIEW_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/err.h"

#define PREVIEW_ID_SIZE 33

struct preview_head {
    char id[PREVIEW_ID_SIZE];
    const char *kind;     /* "tvbridge.sync", "tvbridge.convert" */
    const char *provider, *desired; /* @desired NULL: from records */
    int64_t made_ms;
    bool remove_unknown;
    const char *catalogue; /* whose ids @desired has; NULL: the platform's */
    const char *first_name, *last_name; /* of `convert`; NULL: none */
};
/* A new one, with a random id. -1: the system gives no random bytes. */
int preview_head_new(struct preview_head *ret, const char *kind, const char *provider, const char *desired, int64_t now_ms,
                     bool remove_unknown, struct err *reterr);
void preview_write_head(const struct preview_head *h, FILE *out);
/* diff_find()'s, without the events' data. */
void preview_write_service(const json_t *found, const char *hash, FILE *out);
void preview_write_line(const json_t *line, FILE *out);

/* ---- reading ---- */

struct preview {
    struct preview_head head; /* its texts point into root */
    json_t *root;             /* owned: the head's line */
    json_t *services;         /* owned: service -> its line, in the file's order */
};
/* -1 and @reterr: it is not whole, not a preview of this @kind and @provider, or older than @max_age_ms. */
int preview_read(struct preview *ret, const char *path, const char *kind, const char *provider, int64_t now_ms, int64_t max_age_ms,
                 struct err *reterr);
void preview_fini(struct preview *p);

/* ---- how far it was applied: PATH.progress, a line before a service's first event is sent, and one when all were acknowledged ---- */

struct progress_file;
/* Another preview stands at that path from now. */
void progress_forget(const char *preview_path);
/* Reads what is there, and appends to it. NULL and @reterr. */
struct progress_file *progress_open(const char *preview_path, const struct preview_head *h, struct err *reterr);
void progress_close(struct progress_file *p); /* NULL is fine */
bool progress_has(const struct progress_file *p, const char *service);
/* Some of its events may have been sent: { by, top } of known_of() at that time. NULL: none was. Borrowed. */
const json_t *progress_begun(const struct progress_file *p, const char *service);
/* What came of one of its events: kept beside it. */
void progress_outcome(struct progress_file *p, const char *service, const char *event, const char *kind, const char *reason);
/* Both note it, and are durable after progress_sync(). -1: the file cannot be written. */
int progress_begin(struct progress_file *p, const char *service, const json_t *known);
int progress_note(struct progress_file *p, const char *service);
int progress_sync(struct progress_file *p, struct err *reterr);

#endif
