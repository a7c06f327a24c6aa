#include "sync_apply.h"

#include <string.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/hash.h"
#include "contract/json.h"
#include "contract/json_scan.h"
#include "contract/order.h"
#include "known.h"

#define BATCH 100 /* services between two notes of what is acknowledged */
#define EVENT_ID_SIZE 64

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

/* The id of a service's @n-th event, from 0: a function of these, so that sent again it is the same event. */
static void event_id_of(const char *prefix, const char *preview, const char *service, size_t n, char ret[EVENT_ID_SIZE])
{
    uint8_t digest[HASH_SHA256_SIZE], number = (uint8_t)n;
    const struct hash_part parts[] = {{preview, strlen(preview)}, {service, strlen(service)}, {&number, 1}};
    hash_sha256_parts(parts, ARRAY_LEN(parts), digest);
    size_t len = (size_t)snprintf(ret, 24, "%s", prefix);
    hash_hex(digest, 16, ret + len);
}

/* Its place among the changes that the preview shows of the service; SIZE_MAX: it shows none such. */
static size_t place_of(const json_t *line, const json_t *change)
{
    const json_t *shown = json_object_get(line, "changes");
    for (size_t i = 0; i < json_array_size(shown); i++) {
        const json_t *one = json_array_get(shown, i);
        if (strcmp(json_text(one, "type"), json_text(change, "type")) == 0 && strcmp(json_text(one, "what"), json_text(change, "what")) == 0)
            return i;
    }
    return SIZE_MAX;
}

static bool are_shown(const json_t *line, const json_t *found)
{
    const json_t *changes = json_object_get(found, "changes");
    for (size_t i = 0; i < json_array_size(changes); i++)
        if (place_of(line, json_array_get(changes, i)) == SIZE_MAX)
            return false;
    return true;
}

/* The record stands where it stood when the first of @n events was sent, or where one of these has put it. */
static bool only_ours_since(const json_t *from, const json_t *known, size_t n)
{
    const char *top = json_text(known, "top");
    bool is = strcmp(top, json_text(from, "top")) == 0;
    for (unsigned i = 1; !is && i <= n; i++) {
        char text[BASIS_TEXT_SIZE], order[ORDER_TEXT_SIZE];
        struct basis b;
        known_basis(from, i, text);
        if (basis_parse(text, &b) == 0) {
            order_format(basis_order(&b), order);
            is = strcmp(top, order) == 0;
        }
    }
    return is;
}

bool sync_apply_resumes(const json_t *line, const json_t *found, const json_t *begun, const json_t *known)
{
    return are_shown(line, found) && only_ours_since(begun, known, json_array_size(json_object_get(line, "changes")));
}

/* Of one service: what is to be sent, and the record's order when its first event was sent, or is. */
struct turn {
    const json_t *line;
    json_t *found, *from;
    bool resumes; /* some may be done: those that are left have the places and the basis that they had then */
};

static int send_changes(struct sync_apply *a, const char *service, const struct turn *t, struct err *reterr)
{
    json_t *changes = json_object_get(t->found, "changes"), *v;
    size_t i;
    int rc = 0;
    json_array_foreach(changes, i, v)
    {
        char id[EVENT_ID_SIZE], basis[BASIS_TEXT_SIZE];
        size_t n = t->resumes ? place_of(t->line, v) : i;
        event_id_of(a->prefix, a->preview->head.id, service, n, id);
        known_basis(t->from, (unsigned)n + 1, basis);
        const struct own_event e = {
            .service = service, .type = json_text(v, "type"), .id = id, .basis = basis, .data = json_object_get(v, "data")};
        rc = own_events_send(a->events, &e, reterr);
        if (rc != 0)
            break;
    }
    return rc;
}

/* Both sides are as they were shown; or all that differs is what this preview's own first events have done. */
static bool still_holds(const struct sync_apply *a, const char *service, struct turn *t, const char *hash)
{
    const json_t *begun = progress_begun(a->done, service);
    json_t *known = known_get(a->known, service);
    bool same = strcmp(hash, json_text(t->line, "hash")) == 0;
    t->resumes = !same && begun != NULL && sync_apply_resumes(t->line, t->found, begun, known);
    t->from = begun != NULL ? json_incref(json_unconst(begun)) : json_incref(known);
    json_decref(known);
    return same || t->resumes;
}

static void turn_fini(struct turn *t)
{
    json_decref(t->found);
    json_decref(t->from);
    *t = (struct turn){0};
}

/* 1: @ret is its turn; 0: there is nothing to send. */
static int look_at(struct sync_apply *a, const char *service, struct turn *ret, struct err *reterr)
{
    char hash[SYNC_HASH_SIZE];
    if (json_array_size(json_object_get(ret->line, "changes")) == 0)
        return 0;
    if (progress_has(a->done, service)) {
        set_result(a, service, SYNC_BEFORE, "");
        return 0;
    }
    int rc = a->find(a->arg, service, &ret->found, hash);
    if (rc < 0)
        return err_nomem(reterr);
    if (rc == 0) {
        set_result(a, service, SYNC_ALREADY, "nothing differs any more");
    } else if (!still_holds(a, service, ret, hash)) {
        rc = 0;
        set_result(a, service, SYNC_MOVED, "it is not as in the preview any more: look again");
    }
    return rc;
}

/* Services whose events are sent together: before the first one is sent, and when all are acknowledged, the progress says so. */
struct batch {
    const char *service[BATCH];
    struct turn turn[BATCH];
    size_t n, sent;
};

static int not_written(struct err *reterr)
{
    return err_set(reterr, ERR_INVAL, "the progress of this preview cannot be written");
}

static int note_begun(const struct sync_apply *a, const struct batch *b, struct err *reterr)
{
    for (size_t i = 0; i < b->n; i++)
        if (progress_begun(a->done, b->service[i]) == NULL && progress_begin(a->done, b->service[i], b->turn[i].from) != 0)
            return not_written(reterr);
    return progress_sync(a->done, reterr);
}

static int note_sent(const struct sync_apply *a, const struct batch *b, struct err *reterr)
{
    if (own_events_flush(a->events, reterr) != 0)
        return -1;
    for (size_t i = 0; i < b->sent; i++)
        if (progress_note(a->done, b->service[i]) != 0)
            return not_written(reterr);
    return progress_sync(a->done, reterr);
}

static int stopped(struct err *reterr)
{
    return cli_interrupt_pending() ? err_set(reterr, ERR_INVAL, "stopped: the same preview applied again goes on") : 0;
}

/* What was sent is noted also where it stops in between. */
static int send_batch(struct sync_apply *a, struct batch *b, size_t before, struct err *reterr)
{
    struct err late = {0};
    int rc = b->n == 0 ? 0 : note_begun(a, b, reterr);
    for (; rc == 0 && b->sent < b->n; b->sent++) {
        rc = stopped(reterr) != 0 ? -1 : send_changes(a, b->service[b->sent], &b->turn[b->sent], reterr);
        if (rc != 0)
            break;
        set_result(a, b->service[b->sent], SYNC_SENT, "");
        cli_progress_show(a->progress, clock_boot_ms(), "%zu of %zu services", before + b->sent + 1, json_object_size(a->preview->services));
    }
    if (b->sent > 0 && note_sent(a, b, &late) != 0 && rc == 0) {
        *reterr = late;
        rc = -1;
    }
    for (size_t i = 0; i < b->n; i++)
        turn_fini(&b->turn[i]);
    *b = (struct batch){0};
    return rc;
}

int sync_apply_send(struct sync_apply *a, struct err *reterr)
{
    const char *service;
    json_t *line;
    struct batch b = {0};
    size_t before = 0;
    int rc = 0;
    if (a->results == NULL)
        a->results = json_object();
    json_object_foreach(a->preview->services, service, line)
    {
        struct turn t = {.line = line};
        rc = look_at(a, service, &t, reterr);
        if (rc == 1) {
            b.service[b.n] = service;
            b.turn[b.n++] = t;
        } else {
            turn_fini(&t);
            before++;
        }
        if (rc >= 0 && b.n == BATCH) {
            rc = send_batch(a, &b, before, reterr);
            before += BATCH;
        }
        if (rc >= 0 && stopped(reterr) != 0)
            rc = -1;
        if (rc < 0)
            break;
    }
    if (rc >= 0)
        return send_batch(a, &b, before, reterr);
    for (size_t i = 0; i < b.n; i++)
        turn_fini(&b.turn[i]);
    return -1;
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
