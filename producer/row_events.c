#include "row_events.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "contract/event.h"
#include "contract/schema.h"
#include "known.h"
#include "own_events.h"
#include "publish_event.h"
#include "scan.h"

struct row_events {
    const char *provider, *source, *type;
    struct event_schemas *schemas;
    struct buf text;   /* of one event */
    json_t *rows;      /* as they came */
    json_t *events;    /* beside each its { service, id, data } */
    json_t *row_of;    /* an event's id to its place in both */
    size_t not_done;
};

struct row_events *row_events_new(const char *provider, const char *source, const char *type, const char *schemas, struct err *reterr)
{
    struct row_events *r = calloc(1, sizeof(*r));
    if (r == NULL) {
        err_nomem(reterr);
        return NULL;
    }
    *r = (struct row_events){
        .provider = provider, .source = source, .type = type, .rows = json_array(), .events = json_array(), .row_of = json_object()};
    buf_init(&r->text, JSON_EVENT_MAX_BYTES + 1);
    r->schemas = event_schemas_load(schema_dir(schemas), reterr);
    if (r->schemas != NULL && r->rows != NULL && r->events != NULL && r->row_of != NULL)
        return r;
    if (r->schemas != NULL)
        err_nomem(reterr);
    row_events_free(r);
    return NULL;
}

void row_events_free(struct row_events *r)
{
    if (r == NULL)
        return;
    event_schemas_free(r->schemas);
    buf_fini(&r->text);
    json_decref(r->rows);
    json_decref(r->events);
    json_decref(r->row_of);
    free(r);
}

const json_t *row_events_rows(const struct row_events *r)
{
    return r->rows;
}

size_t row_events_not_done(const struct row_events *r)
{
    return r->not_done;
}

/* ---- adding ---- */

static int check(struct row_events *r, const struct own_event *e, struct fault *ret_fault)
{
    const struct publish_rules rules = {.schemas = r->schemas, .partition = -1};
    struct publish_event made;
    struct err err;
    if (own_event_write(e, r->provider, r->source, &r->text, &err) != 0)
        return -1;
    *ret_fault = (struct fault){.pointer = ""};
    if (publish_event_init(&made, &rules, buf_cstr(&r->text), r->text.len, ret_fault) != 0)
        return ret_fault->nomem ? -1 : 1;
    publish_event_fini(&made);
    return 0;
}

int row_events_add(struct row_events *r, json_t *row, const char *service, const char *id, const json_t *data, struct fault *ret_fault)
{
    const struct own_event e = {.service = service, .type = r->type, .id = id, .data = data};
    int rc = check(r, &e, ret_fault);
    if (rc != 0)
        return rc;
    json_t *event = json_pack("{s:s, s:s, s:O}", "service", service, "id", id, "data", data);
    rc |= json_object_set_new(row, "result", json_string(""));
    rc |= json_object_set_new(r->row_of, id, json_integer((json_int_t)json_array_size(r->rows)));
    rc |= json_array_append(r->rows, row);
    return rc | json_array_append_new(r->events, event);
}

int row_events_print(struct row_events *r, struct err *reterr)
{
    json_t *e;
    size_t i;
    json_array_foreach(r->events, i, e)
    {
        const struct own_event event = {json_text(e, "service"), r->type, json_text(e, "id"), NULL, json_object_get(e, "data")};
        if (own_event_write(&event, r->provider, r->source, &r->text, reterr) != 0)
            return -1;
        puts(buf_cstr(&r->text));
    }
    return 0;
}

/* ---- sending ---- */

static void set_result(struct row_events *r, size_t i, const char *text)
{
    (void)json_object_set_new(json_array_get(r->rows, i), "result", json_string(text)); /* one that is not shown was sent all the same */
}

static void on_outcome(void *arg, const char *service, const char *id, enum outcome_kind kind, const char *reason)
{
    struct row_events *r = arg;
    char text[160];
    (void)service;
    snprintf(text, sizeof(text), "%s%s%s", outcome_kind_name(kind), reason[0] != '\0' ? ", " : "", reason);
    set_result(r, (size_t)json_integer_value(json_object_get(r->row_of, id)), text);
    r->not_done += kind != OUTCOME_APPLIED && kind != OUTCOME_UNCHANGED;
}

/* How manieth of its service this one is. */
static unsigned count_of(json_t *counts, const char *service)
{
    json_int_t n = 1 + json_integer_value(json_object_get(counts, service));
    (void)json_object_set_new(counts, service, json_integer(n));
    return (unsigned)n;
}

static int send_one(struct row_events *r, struct own_events *out, const struct book *known, json_t *counts, size_t i, struct err *reterr)
{
    const json_t *e = json_array_get(r->events, i);
    const char *service = json_text(e, "service");
    char basis[BASIS_TEXT_SIZE];
    json_t *record = known_get(known, service);
    known_basis(record, count_of(counts, service), basis);
    json_decref(record);
    const struct own_event event = {service, r->type, json_text(e, "id"), basis, json_object_get(e, "data")};
    if (own_events_send(out, &event, reterr) != 0)
        return -1;
    set_result(r, i, "sent");
    return 0;
}

static int send_all(struct row_events *r, struct own_events *out, const struct book *known, struct cli_progress *progress, struct err *reterr)
{
    size_t n = json_array_size(r->events);
    json_t *counts = json_object();
    struct err late = {0};
    int rc = counts == NULL ? err_nomem(reterr) : 0;
    for (size_t i = 0; rc == 0 && i < n; i++) {
        rc = send_one(r, out, known, counts, i, reterr);
        cli_progress_show(progress, clock_boot_ms(), "%zu of %zu events", i + 1, n);
        if (rc == 0 && cli_interrupt_pending())
            rc = err_set(reterr, ERR_INVAL, "stopped after %zu of %zu events: the same list sent again goes on", i + 1, n);
    }
    cli_progress_end(progress);
    if (own_events_flush(out, &late) != 0 && rc == 0) {
        *reterr = late;
        rc = -1;
    }
    json_decref(counts);
    return rc;
}

int64_t row_events_send(struct row_events *r, const struct row_sending *s, struct err *reterr)
{
    struct scanner *scanner = scanner_new(s->place, reterr);
    struct book *known = book_new();
    struct own_events *out = NULL;
    int64_t silent = -1;
    int rc = scanner == NULL ? -1 : known == NULL ? err_nomem(reterr) : known_read(scanner, r->provider, known, reterr);
    if (rc == 0)
        out = own_events_new(scanner, s->place, r->provider, r->source, s->rate, reterr);
    if (out != NULL && send_all(r, out, known, s->progress, reterr) == 0)
        silent = own_events_follow(out, s->wait_ms, on_outcome, r, reterr);
    own_events_free(out);
    book_free(known);
    scanner_free(scanner);
    return silent;
}
