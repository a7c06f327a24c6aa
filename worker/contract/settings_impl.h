/* settings_impl.h - what the settings_*.c files share while one file is being loaded. Private to contract. */
#ifndef TVB_CONTRACT_SETTINGS_IMPL_H
#define TVB_CONTRACT_SETTINGS_IMPL_H

#include <stdbool.h>

#include "base/attr.h"
#include "contract/schema_impl.h"
#include "contract/settings.h"
#include "contract/yaml.h"

struct settings_loader {
    struct yaml_doc
        *doc;     /* as written: what messages quote, so that no resolved secret is in them */
    json_t *root; /* with ${ENV} and file: resolved; what settings point into */
    json_t *made; /* texts that were put together here; kept alive as @root */
    char *folder; /* of the file */
    struct settings *s;
    struct err *reterr;
};

/* ---- settings_refuse.c: "FILE:LINE: POINTER: what" ---- */

/* Returns -1. The first refusal stays the one that is told. */
int settings_refuse(struct settings_loader *l, const char *pointer, const char *fmt, ...)
    ATTR_PRINTF(3, 4);
/* What the schema refused, with the value found, unless it could be a secret. Returns -1. */
int settings_refuse_fault(struct settings_loader *l, const struct schema_result *found);

/* ---- settings_resolve.c ---- */

/* Resolves every text below l->root in place. */
int settings_resolve(struct settings_loader *l);

/* ---- settings_read.c: from the checked document into struct settings ---- */

int settings_read(struct settings_loader *l);
/* The text, kept alive with the settings. NULL: out of memory, already refused. */
const char *settings_keep(struct settings_loader *l, const char *fmt, ...) ATTR_PRINTF(2, 3);
/* @path, seen from the settings file's folder. */
const char *settings_path(struct settings_loader *l, const char *path);

/* ---- settings_provider.c ---- */

int settings_read_providers(struct settings_loader *l);

/* ---- settings_serve.c; after the providers ---- */

int settings_read_serve(struct settings_loader *l);
void settings_free_serve(struct settings_serve *s);

/* ---- settings_kafka.c ---- */

int settings_read_librdkafka(struct settings_loader *l, const json_t *map);

#endif
