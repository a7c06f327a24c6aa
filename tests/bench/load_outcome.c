/* load_outcome.c - reads what the benchmark wants to know of an outcome (schemas/outcome.schema.json). */
#include "load.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

static bool read_data(json_t *root, struct load_outcome *ret)
{
    const char *id = NULL, *kind = NULL;
    int is_final = 0;
    unsigned long long service, sequence;
    if (json_unpack(root, "{s:{s:{s:s},s:s,s:b}}", "data", "event", "id", &id, "kind", &kind, "final", &is_final) != 0)
        return false;
    if (sscanf(id, "%c%llu-%llu", &ret->kind_of_service, &service, &sequence) != 3)
        return false;
    ret->service = service;
    ret->sequence = sequence;
    ret->is_final = is_final != 0;
    snprintf(ret->kind, sizeof(ret->kind), "%s", kind);
    return sequence > 0 && (ret->kind_of_service == 's' || ret->kind_of_service == 't');
}

bool load_outcome_read(const void *value, size_t len, struct load_outcome *ret)
{
    json_t *root = json_loadb(value, len, 0, NULL);
    bool ok = root != NULL && read_data(root, ret);
    json_decref(root);
    return ok;
}
