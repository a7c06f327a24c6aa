#include "rehearsal.h"

#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "contract/event.h"
#include "contract/schema.h"
#include "play_report.h"
#include "redact.h"
#include "trial.h"

#define PACKS_MAX 64
#define HEADERS_MAX 128

struct known {
    UT_hash_handle hh;
    json_t *record; /* owned; NULL: none was found */
    char key[];     /* "<provider>/<service>" */
};

struct player {
    const struct rehearsal *r;
    struct event_schemas *schemas;
    struct known *known;
    struct {
        const char *provider;
        struct trial_pack pack;
    } packs[PACKS_MAX];
    size_t pack_count;
    bool failed; /* out of memory */
};

static size_t key_of(const char *provider, const char *service, size_t service_len, char ret[400])
{
    int n = snprintf(ret, 400, "%s/%.*s", provider, (int)service_len, service);
    return n < 0 || n >= 400 ? 0 : (size_t)n;
}

/* ---- records ---- */

static void want_record(struct player *p, const struct found *f)
{
    char key[400];
    struct known *k = NULL;
    size_t n = key_of(f->provider, f->service, strlen(f->service), key);
    HASH_FIND(hh, p->known, key, n, k);
    if (k != NULL)
        return;
    k = calloc(1, sizeof(*k) + n + 1);
    if (k == NULL) {
        p->failed = true;
        return;
    }
    memcpy(k->key, key, n);
    HASH_ADD_KEYPTR(hh, p->known, k->key, n, k);
}

static bool on_record(void *arg, const struct scan_message *m)
{
    struct player *p = arg;
    char key[400];
    struct known *k = NULL;
    if (m->message.key == NULL || m->message.key_len > ENTRY_SERVICE_SIZE)
        return true;
    HASH_FIND(hh, p->known, key, key_of(m->provider, m->message.key, m->message.key_len, key), k);
    if (k == NULL)
        return true;
    json_decref(k->record);
    k->record = m->message.value == NULL ? NULL : json_loadb(m->message.value, m->message.value_len, 0, NULL);
    return true;
}

/* The partitions of @provider in which rows are. */
static int read_records_of(struct player *p, struct scanner *s, const struct found_list *list, const char *provider,
                           struct err *reterr)
{
    int32_t count = scanner_partitions(s, TOPIC_RECORDS, provider, reterr);
    if (count < 0)
        return -1;
    struct scan_source *sources = calloc((size_t)count + 1, sizeof(*sources));
    bool *seen = calloc((size_t)count + 1, sizeof(*seen));
    size_t n = 0;
    int rc = 0;
    if (sources == NULL || seen == NULL)
        rc = err_nomem(reterr);
    for (size_t i = 0; rc == 0 && i < list->n && seen != NULL; i++) {
        int32_t partition = list->rows[i]->partition;
        if (strcmp(list->rows[i]->provider, provider) != 0 || partition >= count || seen[partition])
            continue;
        seen[partition] = true;
        sources[n++] = (struct scan_source){TOPIC_RECORDS, provider, partition, SCAN_BEGINNING};
    }
    if (rc == 0 && n > 0)
        rc = scan(s, sources, n, on_record, p, reterr);
    free(sources);
    free(seen);
    return rc;
}

static int read_records(struct player *p, struct scanner *s, const struct found_list *list, struct err *reterr)
{
    for (size_t i = 0; i < list->n; i++)
        want_record(p, list->rows[i]);
    if (p->failed)
        return err_nomem(reterr);
    for (size_t i = 0; i < list->n; i++) { /* sorted by provider: each once */
        const char *provider = list->rows[i]->provider;
        if ((i == 0 || strcmp(list->rows[i - 1]->provider, provider) != 0) &&
            read_records_of(p, s, list, provider, reterr) != 0)
            return -1;
    }
    return 0;
}

/* ---- packs ---- */

static int load_pack(const struct kafka_place *place, const char *provider, struct trial_pack *ret, struct err *reterr)
{
    char dir[4096];
    const struct settings_provider *sp = place->settings == NULL ? NULL : settings_provider(place->settings, provider);
    if (sp != NULL)
        return trial_pack_load(ret, sp->pack_dir, sp->base_url, sp->settings, reterr);
    snprintf(dir, sizeof(dir), "%s/providers/%s", schema_dir(NULL), provider);
    if (trial_pack_load(ret, dir, NULL, NULL, reterr) == 0)
        return 0;
    return err_prefix(reterr, "--settings names no provider %s, so its pack was looked for here", provider);
}

static const struct trial_pack *pack_of(struct player *p, const char *provider, struct err *reterr)
{
    for (size_t i = 0; i < p->pack_count; i++)
        if (strcmp(p->packs[i].provider, provider) == 0)
            return &p->packs[i].pack;
    if (p->pack_count == PACKS_MAX) {
        err_set(reterr, ERR_INVAL, "more than %d providers at once", PACKS_MAX);
        return NULL;
    }
    p->packs[p->pack_count].provider = provider;
    struct trial_pack *t = &p->packs[p->pack_count++].pack;
    return load_pack(p->r->place, provider, t, reterr) == 0 ? t : NULL;
}

/* ---- one row ---- */

/* What the platform would not be called for. */
static const char *without_call(const struct rehearsal *r)
{
    return r->kind == ACT_DROP ? "no call: it is closed without another outcome" : NULL;
}

/* run_save() of an entry that has begun, with what the platform gave hidden; NULL: it begins at its first step. */
static char *steps_of(const struct player *p, const struct found *f)
{
    struct entry e;
    struct fault fault;
    if (f->letter || entry_decode(&f->kept->message, &e, &fault) != ENTRY_IS_ENTRY || e.steps == NULL)
        return NULL;
    json_t *steps = json_loadb(e.steps, e.steps_len, 0, NULL);
    json_t *shown = steps == NULL ? NULL : redact_steps(steps, p->r->show_data);
    char *text = shown == NULL ? NULL : json_dumps(shown, JSON_COMPACT);
    json_decref(steps);
    json_decref(shown);
    return text;
}

/* As the worker that sends it knows it: what began later then is left to an event of its own. */
static int64_t came_ms_of(const struct found *f)
{
    struct entry e;
    struct fault fault;
    if (f->letter)
        return f->now_ms;
    return entry_decode(&f->kept->message, &e, &fault) == ENTRY_IS_ENTRY ? e.came_ms : 0;
}

static json_t *record_of(struct player *p, const struct found *f)
{
    char key[400];
    struct known *k = NULL;
    HASH_FIND(hh, p->known, key, key_of(f->provider, f->service, strlen(f->service), key), k);
    return k == NULL || k->record == NULL ? NULL : redact_record(k->record, p->r->show_data);
}

static json_t *play_event(struct player *p, const struct found *f, const struct event *e, struct err *reterr)
{
    const struct trial_pack *pack = pack_of(p, f->provider, reterr);
    if (pack == NULL)
        return NULL;
    json_t *event = redact_event(e->root, p->r->show_data), *data = redact_data(e->data, p->r->show_data);
    json_t *record = record_of(p, f);
    char *steps = p->r->kind == ACT_REDRIVE ? NULL : steps_of(p, f); /* the next round begins anew */
    const struct trial_inputs in = {
        .type = event_type_name(e->type),
        .event = event,
        .data = data,
        .record = record,
        .key = e->key,
        .came_ms = came_ms_of(f),
        .steps = steps,
        .steps_len = steps == NULL ? 0 : strlen(steps),
        .step_done = p->r->kind == ACT_RESOLVE_DOUBT && p->r->applied,
    };
    json_t *report = trial_run(pack, &in, NULL, reterr);
    json_decref(event);
    json_decref(data);
    json_decref(record);
    free(steps);
    return report;
}

static json_t *play(struct player *p, const struct found *f, struct err *reterr)
{
    struct event_header headers[HEADERS_MAX];
    struct event_message m = f->kept->message;
    struct event e;
    struct fault fault = {.pointer = ""};
    if (m.header_count > HEADERS_MAX)
        m.header_count = HEADERS_MAX;
    m.header_count = entry_original_headers(&m, headers);
    m.headers = headers;
    m.key = f->service;
    m.key_len = strlen(f->service);
    if (event_decode(p->schemas, &m, &e, &fault) != 0) {
        err_set(reterr, ERR_INVAL, "the event cannot be read: %s: %s", fault.pointer, fault.reason);
        return NULL;
    }
    json_t *report = play_event(p, f, &e, reterr);
    event_fini(&e);
    return report;
}

static void show_json(const struct rehearsal *r, const struct found *f, const json_t *report, const char *why)
{
    json_t *o = found_json(f), *copy = json_deep_copy(report);
    json_object_set_new(o, "act", json_string(act_kind_name(r->kind)));
    if (copy != NULL)
        json_object_update(o, copy);
    json_decref(copy);
    if (why != NULL)
        json_object_set_new(o, "note", json_string(why));
    json_dumpf(o, stdout, JSON_COMPACT);
    putchar('\n');
    json_decref(o);
}

static void show_text(const struct rehearsal *r, const struct found *f, const json_t *report, const char *why)
{
    char place[ENTRY_PLACE_SIZE];
    entry_place_format(f->place, place);
    printf("%s of %s, service %s at %s (%s), round %u\n", act_kind_name(r->kind), f->type[0] != '\0' ? f->type : "a message",
           f->service, place, f->provider, r->kind == ACT_REDRIVE ? f->round + 1 : f->round);
    if (report != NULL)
        play_report_print(report, "  ", ": what follows depends on the answer", stdout);
    if (why != NULL)
        printf("  %s\n", why);
    putchar('\n');
}

static bool play_row(struct player *p, const struct found *f)
{
    struct err err = {0};
    const char *why = without_call(p->r);
    if (why == NULL && p->r->kind == ACT_REDRIVE)
        why = found_not_redrivable(f);
    bool good = why == NULL || p->r->kind == ACT_DROP;
    json_t *report = why == NULL ? play(p, f, &err) : NULL;
    if (why == NULL && report == NULL) {
        why = err.msg;
        good = false;
    }
    if (p->r->json)
        show_json(p->r, f, report, why);
    else
        show_text(p->r, f, report, why);
    json_decref(report);
    return good;
}

static void player_fini(struct player *p)
{
    struct known *k, *next;
    HASH_ITER(hh, p->known, k, next)
    {
        HASH_DEL(p->known, k); /* NOLINT(clang-analyzer-unix.Malloc): of uthash's own links */
        json_decref(k->record);
        free(k);
    }
    for (size_t i = 0; i < p->pack_count; i++)
        trial_pack_fini(&p->packs[i].pack);
    event_schemas_free(p->schemas);
}

int rehearse(const struct rehearsal *r, struct scanner *s, const struct found_list *list, enum cli_status *ret_status,
             struct err *reterr)
{
    struct player p = {.r = r, .schemas = event_schemas_load(schema_dir(NULL), reterr)};
    int rc = p.schemas == NULL ? -1 : read_records(&p, s, list, reterr);
    *ret_status = CLI_OK;
    for (size_t i = 0; i < list->n && rc == 0; i++)
        if (!play_row(&p, list->rows[i]))
            *ret_status = CLI_REFUSED;
    if (rc == 0 && !r->json)
        printf("%zu acts would be sent; nothing was%s\n", list->n,
               r->show_data ? "" : ". Values of persons are shown as " REDACTED ": --show-data shows them");
    player_fini(&p);
    return rc;
}
