#include "known.h"

#include <string.h>

#include "contract/act.h"
#include "contract/record.h"

struct reading {
    known_fn *of;
    const void *arg;
    struct book *into;
    bool failed;
};

/* The last one counts; a tombstone says that there is none any more. */
static bool on_record(void *arg, const struct scan_message *m)
{
    struct reading *r = arg;
    int32_t partition;
    char service[256];
    if (m->message.key == NULL || m->message.key_len >= sizeof(service) ||
        partition_key_parse(m->message.key, m->message.key_len, &partition) == 0)
        return true;
    memcpy(service, m->message.key, m->message.key_len);
    service[m->message.key_len] = '\0';
    json_t *record = m->message.value == NULL ? NULL : record_parse(m->message.value, m->message.value_len);
    json_t *known = record == NULL ? json_null() : r->of(r->arg, record);
    r->failed = known == NULL || book_put_json(r->into, service, known) != 0;
    json_decref(known);
    json_decref(record);
    return !r->failed;
}

int known_read_as(struct scanner *s, const char *provider, known_fn *of, const void *arg, struct book *into, struct err *reterr)
{
    const struct scan_source from = {TOPIC_RECORDS, provider, SCAN_ALL, SCAN_BEGINNING};
    struct reading r = {.of = of, .arg = arg, .into = into};
    if (scan(s, &from, 1, on_record, &r, reterr) != 0)
        return -1;
    return r.failed ? err_nomem(reterr) : 0;
}

static json_t *in_short(const void *arg, const json_t *record)
{
    (void)arg;
    return known_of(record);
}

int known_read(struct scanner *s, const char *provider, struct book *into, struct err *reterr)
{
    return known_read_as(s, provider, in_short, NULL, into, reterr);
}

json_t *known_get(const struct book *known, const char *service)
{
    json_t *v = book_get_json(known, service);
    if (json_is_object(v))
        return v;
    json_decref(v);
    return NULL;
}
