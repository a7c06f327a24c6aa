#include "sync_apply.h"

#include <string.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/hash.h"
#include "contract/json.h"
#include "known.h"

#define BATCH 100 /* services between two notes of what is acknowledged */

static const char *const names[SYNC_RESULT_COUNT] = {
    [SYNC_SENT] = "sent",       [SYNC_DONE] = "done",   [SYNC_BEFORE] = "done before",
    [SYNC_ALREADY] = "already", [SYNC_MOVED] = "moved", [SYNC_FAILED] = "failed",
};

const char *sync_result_name(enum sync_result r)
{
    return (size_t)r < ARRAY_LEN(names) ? names[r] : "";
}

static void set_result(struct sync_apply *a, const char *service, enum sync_result r, const char *why)
{
    json_object_set_new(a->results, service, json_pack("{s:s, s:s}", "result", names[r], "why", why));
}

/* ---- sending ---- */

void sync_event_id(const char *prefix, const char *preview, const char *service, size_t n, char ret[SYNC_EVENT_ID_SIZE])
{
    uint8_t digest[HASH_SHA256_SIZE], number = (uint8_t)n;
    const struct hash_part parts[] = {{preview, strlen(preview)}, {service, strlen(service)}, {&number, 1}};
    hash_sha256_parts(parts, ARRAY_LEN(parts), digest);
    size_t len = (size_t)snprintf(ret, 24, "%s", prefix);
    hash_hex(digest, 16, ret + len);
}

/* Its place among all that the preview has of the service: some may be done. */
static size_t place_of(const json_t *change, size_t i)
{
    const json_t *n = json_object_get(change, "n");
    return json_is_integer(n) ? (size_t)json_integer_value(n) : i;
}

static int send_changes(struct sync_apply *a, const char *service, const json_t *found, struct err *reterr)
{
    json_t *changes = json_object_get(found, "changes"), *v, *record = known_get(a->known, service);
    size_t i;
    int rc = 0;
    json_array_foreach(changes, i, v)
    {
        char id[SYNC_EVENT_ID_SIZE], basis[BASIS_TEXT_SIZE];
        size_t n = place_of(v, i);
        sync_event_id(a->prefix, a->preview->head.id, service, n, id);
        known_basis(record, (unsigned)n + 1, basis);
        const struct own_event e = {
            .service = service, .type = json_text(v, "type"), .id = id, .basis = basis, .data = json_object_get(v, "data")};
        rc = own_events_send(a->events, &e, reterr);
        if (rc != 0)
            break;
    }
    json_decref(record);
    return rc;
}

/* Both sides are as they were shown; or all that differs is what this preview's own first events have done. */
static bool still_holds(const json_t *line, const json_t *found, const char *hash)
{
    const char *begun = json_text(found, "begun");
    if (strcmp(hash, json_text(line, "hash")) == 0)
        return true;
    return json_is_true(json_object_get(found, "resumes")) && begun[0] != '\0' && strcmp(begun, json_text(line, "begun")) == 0;
}

/* 1: its events were sent; 0: there is nothing to send. */
static int apply_one(struct sync_apply *a, const char *service, const json_t *line, struct err *reterr)
{
    char hash[SYNC_HASH_SIZE];
    json_t *found = NULL;
    if (json_array_size(json_object_get(line, "changes")) == 0)
        return 0;
    if (progress_has(a->done, service)) {
        set_result(a, service, SYNC_BEFORE, "");
        return 0;
    }
    int rc = a->find(a->arg, service, &found, hash);
    if (rc < 0)
        return err_nomem(reterr);
    if (rc == 0) {
        set_result(a, service, SYNC_ALREADY, "nothing differs any more");
    } else if (!still_holds(line, found, hash)) {
        rc = 0;
        set_result(a, service, SYNC_MOVED, "it is not as in the preview any more: look again");
    } else {
        rc = send_changes(a, service, found, reterr) == 0 ? 1 : -1;
        if (rc == 1)
            set_result(a, service, SYNC_SENT, "");
    }
    json_decref(found);
    return rc;
}

/* Those that were sent since the last time are acknowledged, then noted. */
static int note_batch(struct sync_apply *a, json_t *batch, struct err *reterr)
{
    json_t *v;
    size_t i;
    if (own_events_flush(a->events, reterr) != 0)
        return -1;
    json_array_foreach(batch, i, v) if (progress_note(a->done, json_string_value(v)) != 0)
        return err_set(reterr, ERR_INVAL, "the progress of this preview cannot be written");
    json_array_clear(batch);
    return progress_sync(a->done, reterr);
}

int sync_apply_send(struct sync_apply *a, struct err *reterr)
{
    const char *service;
    json_t *line, *batch = json_array();
    size_t n = 0, all = json_object_size(a->preview->services);
    struct err late = {0};
    int rc = 0;
    if (a->results == NULL)
        a->results = json_object();
    json_object_foreach(a->preview->services, service, line)
    {
        rc = apply_one(a, service, line, reterr);
        if (rc == 1)
            json_array_append_new(batch, json_string(service));
        if (rc >= 0 && json_array_size(batch) >= BATCH)
            rc = note_batch(a, batch, reterr);
        if (rc >= 0 && cli_interrupt_pending())
            rc = err_set(reterr, ERR_INVAL, "stopped: the same preview applied again goes on");
        cli_progress_show(a->progress, clock_boot_ms(), "%zu of %zu services", ++n, all);
        if (rc < 0)
            break;
    }
    if (note_batch(a, batch, &late) != 0 && rc >= 0) {
        *reterr = late;
        rc = -1;
    }
    json_decref(batch);
    return rc < 0 ? -1 : 0;
}

/* ---- outcomes ---- */

static void on_outcome(void *arg, const char *service, const char *id, enum outcome_kind kind, const char *reason)
{
    struct sync_apply *a = arg;
    char why[160];
    progress_outcome(a->done, service, id, outcome_kind_name(kind), reason);
    bool good = kind == OUTCOME_APPLIED || kind == OUTCOME_UNCHANGED;
    if (strcmp(json_text(json_object_get(a->results, service), "result"), names[SYNC_FAILED]) == 0)
        return; /* one that failed is told */
    snprintf(why, sizeof(why), "%s%s%s", outcome_kind_name(kind), reason[0] != '\0' ? ", " : "", reason);
    set_result(a, service, good ? SYNC_DONE : SYNC_FAILED, good ? "" : why);
}

int sync_apply_follow(struct sync_apply *a, int64_t wait_ms, struct err *reterr)
{
    a->silent = own_events_follow(a->events, wait_ms, on_outcome, a, reterr);
    return a->silent < 0 ? -1 : progress_sync(a->done, reterr);
}

/* ---- what is shown ---- */

static void show_json(const struct sync_apply *a, const json_t *counts)
{
    const char *service;
    json_t *v;
    json_object_foreach(a->results, service, v)
    {
        json_t *o = json_pack("{s:s, s:O, s:O}", "service", service, "result", json_object_get(v, "result"), "why", json_object_get(v, "why"));
        preview_write_line(o, stdout);
        json_decref(o);
    }
    preview_write_line(counts, stdout);
}

static bool is_well(const char *result)
{
    return strcmp(result, names[SYNC_DONE]) == 0 || strcmp(result, names[SYNC_SENT]) == 0 || strcmp(result, names[SYNC_BEFORE]) == 0;
}

static void show_table(const struct sync_apply *a, json_t *counts)
{
    static const struct cli_column columns[] = {{"SERVICE", 16, 6, false}, {"RESULT", 12, 8, false}, {"WHY", 50, 10, false}};
    struct cli_table t;
    struct buf out;
    const char *service, *name;
    json_t *v;
    bool any = false;
    buf_init(&out, 1 << 20);
    cli_table_init(&t, columns, ARRAY_LEN(columns), cli_width(stdout), cli_has_colour(stdout));
    json_object_foreach(a->results, service, v)
    {
        if (is_well(json_text(v, "result")))
            continue;
        if (!any)
            cli_table_head(&t, &out);
        any = true;
        const char *cells[] = {service, json_text(v, "result"), json_text(v, "why")};
        cli_table_row(&t, cells, NULL, &out);
        fputs(buf_cstr(&out), stdout);
        buf_reset(&out);
    }
    buf_fini(&out);
    json_object_foreach(counts, name, v)
        if (json_integer_value(v) > 0)
            printf("%" JSON_INTEGER_FORMAT " %s  ", json_integer_value(v), name);
    puts(json_object_size(a->results) == 0 ? "nothing was to be done" : "");
}

static json_t *count_results(const struct sync_apply *a)
{
    json_t *counts = json_object(), *v;
    const char *service;
    for (size_t i = 0; i < SYNC_RESULT_COUNT; i++)
        json_object_set_new(counts, names[i], json_integer(0));
    json_object_foreach(a->results, service, v)
    {
        const char *name = json_text(v, "result");
        json_object_set_new(counts, name, json_integer(1 + json_integer_value(json_object_get(counts, name))));
    }
    return counts;
}

enum cli_status sync_apply_show(const struct sync_apply *a, bool json, bool waited)
{
    json_t *counts = count_results(a);
    json_int_t bad = json_integer_value(json_object_get(counts, names[SYNC_MOVED])) +
                     json_integer_value(json_object_get(counts, names[SYNC_FAILED]));
    if (json)
        show_json(a, counts);
    else
        show_table(a, counts);
    json_decref(counts);
    fflush(stdout);
    if (bad > 0)
        return CLI_REFUSED;
    if (a->silent > 0 && waited) {
        fprintf(stderr, "%lld events have no outcome yet: they are in the events topic\n", (long long)a->silent);
        return CLI_NOT_REACHED;
    }
    return CLI_OK;
}

void sync_apply_fini(struct sync_apply *a)
{
    json_decref(a->results);
    a->results = NULL;
}
