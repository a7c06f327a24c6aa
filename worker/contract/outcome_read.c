#include "contract/outcome_read.h"

#include <stdio.h>
#include <string.h>

#include "contract/json.h"
#include "contract/json_read.h"

static void copy_text(const json_t *object, const char *name, char *ret, size_t size)
{
    snprintf(ret, size, "%s", json_text(object, name));
}

static unsigned number_of(const json_t *object, const char *name, unsigned otherwise)
{
    const json_t *v = json_object_get(object, name);
    json_int_t n = json_integer_value(v);
    return json_is_integer(v) && n >= 0 && n <= UINT32_MAX ? (unsigned)n : otherwise;
}

static int read_facts(const json_t *data, struct outcome *o)
{
    const json_t *answer = json_object_get(data, "provider_answer");
    o->attempts = number_of(data, "attempts", 0);
    o->round = number_of(data, "round", 1);
    o->status = (int)number_of(answer, "status", 0) % 1000;
    copy_text(data, "reason", o->reason, sizeof(o->reason));
    copy_text(data, "resolved", o->resolved, sizeof(o->resolved));
    copy_text(answer, "text", o->answer, sizeof(o->answer));
    json_t *given = json_object_get(data, "given");
    o->given = json_is_object(given) ? json_incref(given) : NULL;
    const char *by = json_text(data, "by");
    o->by = by[0] != '\0' ? strdup(by) : NULL;
    return by[0] == '\0' || o->by != NULL ? 0 : -1;
}

static int read_data(const json_t *data, struct outcome_seen *s)
{
    const json_t *event = json_object_get(data, "event");
    const char *id = json_text(event, "id"), *source = json_text(event, "source");
    if (id[0] == '\0' || source[0] == '\0' || outcome_kind_parse(json_text(data, "kind"), &s->facts.kind) != 0)
        return -1;
    event_key(s->service, source, id, s->key);
    s->fingerprint = json_text(event, "fingerprint");
    s->fence = json_text(data, "fence");
    s->final = outcome_kind_is_final(s->facts.kind);
    if (read_facts(data, &s->facts) != 0)
        return -1;
    json_t *record = json_object_get(data, "record");
    s->record = json_is_object(record) ? record : NULL;
    return 0;
}

int outcome_read(const char *text, size_t len, struct outcome_seen *ret)
{
    struct outcome_seen s = {.root = json_read_any(text, len)};
    s.provider = json_text(s.root, "provider");
    s.service = json_text(s.root, "subject");
    bool is_outcome = strcmp(json_text(s.root, "type"), "tvbridge.outcome") == 0 && s.service[0] != '\0';
    if (!is_outcome || read_data(json_object_get(s.root, "data"), &s) != 0) {
        outcome_fini(&s.facts);
        json_decref(s.root);
        return -1;
    }
    *ret = s;
    return 0;
}

void outcome_seen_fini(struct outcome_seen *s)
{
    outcome_fini(&s->facts);
    json_decref(s->root);
    s->root = NULL;
}
