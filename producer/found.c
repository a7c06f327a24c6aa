#include "found.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "base/clock.h"
#include "contract/axes.h"
#include "contract/deadletter.h"
#include "contract/event_mode.h"

/* ---- rows ---- */

struct kept *kept_new(const struct event_message *m)
{
    size_t size = sizeof(struct kept) + m->header_count * sizeof(struct event_header) + m->key_len + m->value_len;
    for (size_t i = 0; i < m->header_count; i++)
        size += strlen(m->headers[i].name) + 1 + m->headers[i].len;
    struct kept *k = malloc(size);
    if (k == NULL)
        return NULL;
    struct event_header *headers = (struct event_header *)(void *)(k + 1);
    char *at = (char *)(headers + m->header_count);
    k->message = *m;
    k->message.headers = headers;
    if (m->key != NULL)
        k->message.key = memcpy(at, m->key, m->key_len);
    at += m->key_len;
    if (m->value != NULL)
        k->message.value = memcpy(at, m->value, m->value_len);
    at += m->value_len;
    for (size_t i = 0; i < m->header_count; i++) {
        size_t name = strlen(m->headers[i].name) + 1;
        headers[i] = (struct event_header){.name = memcpy(at, m->headers[i].name, name), .len = m->headers[i].len};
        at += name;
        if (m->headers[i].value != NULL)
            headers[i].value = memcpy(at, m->headers[i].value, m->headers[i].len);
        at += m->headers[i].len;
    }
    return k;
}

void found_free(struct found *f)
{
    if (f == NULL)
        return;
    free(f->detail);
    free(f->axes);
    free(f->kept);
    free(f);
}

static struct found *found_new(const struct scan_message *m, const char *detail, const char *axes, bool keep)
{
    struct found *f = calloc(1, sizeof(*f));
    if (f == NULL)
        return NULL;
    f->provider = m->provider;
    f->partition = m->partition;
    f->offset = m->offset;
    f->detail = strdup(detail);
    f->axes = strdup(axes);
    f->kept = keep ? kept_new(&m->message) : NULL;
    if (f->detail != NULL && f->axes != NULL && (f->kept != NULL || !keep))
        return f;
    found_free(f);
    return NULL;
}

struct found *found_of_entry(const struct scan_message *m, const struct entry *e, bool keep)
{
    char axes[AXES_MAX * AXIS_NAME_SIZE] = "";
    size_t at = 0;
    for (size_t i = 0; i < e->axes.n; i++)
        at += (size_t)snprintf(axes + at, sizeof(axes) - at, "%s%s", i > 0 ? " " : "", e->axes.name[i]);
    struct found *f = found_new(m, e->detail, axes, keep);
    if (f == NULL)
        return NULL;
    memcpy(f->service, e->service, sizeof(f->service));
    f->place = e->place;
    f->state = e->state;
    f->reason = e->reason;
    f->behind = e->behind;
    snprintf(f->type, sizeof(f->type), "%s", event_type_name(e->type));
    order_format(e->order, f->order);
    f->round = e->round;
    f->try_no = e->try_no;
    f->attempts = e->attempts;
    f->counted = e->counted;
    f->status = e->status;
    memcpy(f->step, e->step, sizeof(f->step));
    f->release_at_ms = e->release_at_ms;
    f->first_try_ms = e->first_try_ms;
    f->sent_ms = e->sent_ms;
    f->since_ms = e->since_ms;
    f->now_ms = e->now_ms;
    return f;
}

/* The header's text, "" when it is not there; the last of a name counts. */
static void header_text(const struct event_message *m, const char *name, char *ret, size_t size)
{
    ret[0] = '\0';
    for (size_t i = 0; i < m->header_count; i++)
        if (strcmp(m->headers[i].name, name) == 0 && m->headers[i].value != NULL)
            snprintf(ret, size, "%.*s", (int)m->headers[i].len, m->headers[i].value);
}

/* In either mode; "" when it cannot be told. */
static void letter_type(const struct event_message *m, char ret[40])
{
    struct fault f;
    json_t *root = event_root_of(m, &f);
    const char *type = json_string_value(json_object_get(root, "type"));
    const char *name = type != NULL ? event_type_short(type) : NULL;
    if (name != type && strlen(name) < 40)
        memcpy(ret, name, strlen(name) + 1);
    json_decref(root);
}

struct found *found_of_letter(const struct scan_message *m, bool keep)
{
    char detail[320], why[16], time[32];
    int64_t partition = dead_letter_number(&m->message, "tvbridge-partition");
    int64_t offset = dead_letter_number(&m->message, "tvbridge-offset");
    int64_t round = dead_letter_number(&m->message, "tvbridge-round");
    header_text(&m->message, "tvbridge-detail", detail, sizeof(detail));
    header_text(&m->message, "tvbridge-reason", why, sizeof(why));
    header_text(&m->message, "tvbridge-time", time, sizeof(time));
    if (partition < 0 || partition > INT32_MAX || offset < 0 || round > UINT32_MAX)
        return NULL;
    struct found *f = found_new(m, detail, "", keep);
    if (f == NULL)
        return NULL;
    f->letter = true;
    f->state = ENTRY_DEAD;
    f->reason = ENTRY_FOR_DEAD;
    f->place = (struct entry_place){.partition = (int32_t)partition, .offset = offset};
    f->round = round < 1 ? 1 : (unsigned)round;
    int64_t attempts = dead_letter_number(&m->message, "tvbridge-attempts");
    f->attempts = attempts < 0 ? 0 : (unsigned)attempts;
    memcpy(f->why, why, sizeof(f->why));
    if (m->message.key_len < sizeof(f->service) && m->message.key != NULL)
        memcpy(f->service, m->message.key, m->message.key_len);
    if (clock_parse_rfc3339(time, &f->now_ms) != 0)
        f->now_ms = m->timestamp_ms;
    f->since_ms = f->now_ms;
    letter_type(&m->message, f->type);
    return f;
}

/* ---- what is asked for ---- */

static bool one_of(const struct cli_list *wanted, const char *is)
{
    for (size_t i = 0; i < wanted->n; i++)
        if (strcmp(wanted->item[i], is) == 0)
            return true;
    return wanted->n == 0;
}

static bool is_type(const struct cli_list *wanted, const char *type)
{
    for (size_t i = 0; i < wanted->n; i++)
        if (strcmp(event_type_short(wanted->item[i]), type) == 0)
            return true;
    return wanted->n == 0;
}

/* A cause is the word of what it waits for, of the dead letter, or the detail. */
static bool is_cause(const struct cli_list *wanted, const struct found *f)
{
    if (wanted->n == 0 || one_of(wanted, f->detail))
        return true;
    return one_of(wanted, f->letter ? f->why : entry_reason_name(f->reason));
}

static bool matches(const struct found_filter *f, const struct found *row)
{
    char place[ENTRY_PLACE_SIZE];
    entry_place_format(row->place, place);
    if ((f->states >> row->state & 1) == 0 || (f->reasons >> row->reason & 1) == 0)
        return false;
    if (f->older_than_ms > 0 && row->since_ms > f->now_ms - f->older_than_ms)
        return false;
    return one_of(&f->services, row->service) && is_cause(&f->causes, row) && is_type(&f->types, row->type) &&
           one_of(&f->places, place);
}

/* ---- gathering ---- */

struct item {
    UT_hash_handle hh;
    struct found *row; /* owned */
    char key[];        /* entry: its Kafka key; letter: "@partition-offset", which no entry has */
};

/* What stands for the event of a place. */
struct at_place {
    UT_hash_handle hh;
    struct entry_place place;
    unsigned entry_round, letter_round, closed_round;
};

struct gathering {
    const struct found_filter *filter;
    struct item *items;
    struct at_place *places;
    struct act_schemas *schemas; /* NULL: entries only */
    bool failed;                 /* out of memory */
};

static struct item *item_find(struct gathering *g, const char *key, size_t len)
{
    struct item *i = NULL;
    HASH_FIND(hh, g->items, key, len, i);
    return i;
}

static void item_drop(struct gathering *g, struct item *i)
{
    if (i == NULL)
        return;
    HASH_DEL(g->items, i); /* NOLINT(clang-analyzer-unix.Malloc): of uthash's own links */
    found_free(i->row);
    free(i);
}

/* Takes @row over. */
static void item_put(struct gathering *g, const char *key, size_t len, struct found *row)
{
    item_drop(g, item_find(g, key, len));
    if (row == NULL || !matches(g->filter, row)) {
        found_free(row);
        return;
    }
    struct item *i = malloc(sizeof(*i) + len);
    if (i == NULL) {
        found_free(row);
        g->failed = true;
        return;
    }
    i->row = row;
    memcpy(i->key, key, len);
    HASH_ADD_KEYPTR(hh, g->items, i->key, len, i);
}

static struct at_place *place_of(struct gathering *g, struct entry_place p)
{
    struct entry_place key;
    memset(&key, 0, sizeof(key)); /* it is hashed byte by byte */
    key.partition = p.partition;
    key.offset = p.offset;
    key.sub = p.sub;
    struct at_place *at = NULL;
    HASH_FIND(hh, g->places, &key, sizeof(key), at);
    if (at != NULL)
        return at;
    at = calloc(1, sizeof(*at));
    if (at == NULL) {
        g->failed = true;
        return NULL;
    }
    memcpy(&at->place, &key, sizeof(key));
    HASH_ADD(hh, g->places, place, sizeof(at->place), at);
    return at;
}

static void take_entry(struct gathering *g, const struct scan_message *m)
{
    struct entry e;
    struct fault f;
    enum entry_decoded d = entry_decode(&m->message, &e, &f);
    struct at_place *at = d == ENTRY_IS_INVALID || g->schemas == NULL ? NULL : place_of(g, e.place);
    if (at != NULL)
        at->entry_round = d == ENTRY_IS_ENTRY ? e.round : 0;
    if (d == ENTRY_IS_TOMBSTONE)
        item_drop(g, item_find(g, m->message.key, m->message.key_len));
    if (d != ENTRY_IS_ENTRY)
        return;
    struct found *row = found_of_entry(m, &e, g->filter->keep);
    g->failed = g->failed || row == NULL;
    item_put(g, m->message.key, m->message.key_len, row);
}

static void take_letter(struct gathering *g, const struct scan_message *m)
{
    char key[64];
    struct found *row = found_of_letter(m, g->filter->keep);
    if (row == NULL)
        return; /* somebody else wrote it */
    struct at_place *at = place_of(g, row->place);
    if (at != NULL && row->round > at->letter_round)
        at->letter_round = row->round;
    int n = snprintf(key, sizeof(key), "@%" PRId32 "-%" PRId64, m->partition, m->offset);
    item_put(g, key, (size_t)n, row);
}

static void take_control(struct gathering *g, const struct scan_message *m)
{
    struct act act;
    struct act_answer a;
    struct fault f;
    if (control_decode(g->schemas, &m->message, &act, &a, &f) != CONTROL_IS_ANSWER || a.result != ACT_DONE ||
        !a.of_entry || (a.kind != ACT_REDRIVE && a.kind != ACT_DROP))
        return;
    struct at_place *at = place_of(g, a.place);
    if (at != NULL && a.round > at->closed_round)
        at->closed_round = a.round;
}

static bool on_message(void *arg, const struct scan_message *m)
{
    struct gathering *g = arg;
    if (m->kind == TOPIC_WAITING)
        take_entry(g, m);
    else if (m->kind == TOPIC_DEAD)
        take_letter(g, m);
    else
        take_control(g, m);
    return !g->failed;
}

/* An entry, a later letter or an act stands for it. */
static bool letter_is_over(struct gathering *g, const struct found *row)
{
    const struct at_place *at = place_of(g, row->place);
    return at != NULL &&
           (at->entry_round >= row->round || at->letter_round > row->round || at->closed_round >= row->round);
}

static int hand_over(struct gathering *g, struct found_list *list, struct err *reterr)
{
    size_t n = HASH_COUNT(g->items);
    struct found **rows = realloc(list->rows, (list->n + n + 1) * sizeof(struct found *));
    if (rows == NULL)
        return err_nomem(reterr);
    list->rows = rows;
    struct item *i, *next;
    HASH_ITER(hh, g->items, i, next)
    {
        if (i->row->letter && letter_is_over(g, i->row))
            continue;
        list->rows[list->n++] = i->row;
        i->row = NULL;
    }
    return 0;
}

static void gathering_fini(struct gathering *g)
{
    struct item *i, *next;
    struct at_place *p, *next_place;
    HASH_ITER(hh, g->items, i, next)
        item_drop(g, i);
    HASH_ITER(hh, g->places, p, next_place)
    {
        HASH_DEL(g->places, p); /* NOLINT(clang-analyzer-unix.Malloc): of uthash's own links */
        free(p);
    }
    act_schemas_free(g->schemas);
}

static int gather(struct scanner *s, const char *provider, struct gathering *g, struct found_list *list, size_t sources,
                  struct err *reterr)
{
    const struct scan_source from[] = {
        {TOPIC_WAITING, provider, SCAN_ALL, SCAN_BEGINNING},
        {TOPIC_DEAD, provider, SCAN_ALL, SCAN_BEGINNING},
        {TOPIC_CONTROL, provider, SCAN_ALL, SCAN_BEGINNING},
    };
    int rc = scan(s, from, sources, on_message, g, reterr);
    if (rc == 0 && g->failed)
        rc = err_nomem(reterr);
    if (rc == 0)
        rc = hand_over(g, list, reterr);
    gathering_fini(g);
    if (rc == 0)
        found_sort_by_place(list);
    return rc;
}

int found_entries(struct scanner *s, const char *provider, const struct found_filter *f, struct found_list *list,
                  struct err *reterr)
{
    struct gathering g = {.filter = f};
    return gather(s, provider, &g, list, 1, reterr);
}

int found_dead(struct scanner *s, const char *provider, const struct found_filter *f, struct found_list *list,
               struct err *reterr)
{
    struct gathering g = {.filter = f, .schemas = act_schemas_load(schema_dir(NULL), reterr)};
    return g.schemas == NULL ? -1 : gather(s, provider, &g, list, 3, reterr);
}

void found_list_fini(struct found_list *list)
{
    for (size_t i = 0; i < list->n; i++)
        found_free(list->rows[i]);
    free(list->rows);
    *list = (struct found_list){0};
}

static int by_place(const void *a, const void *b)
{
    const struct found *x = *(struct found *const *)a, *y = *(struct found *const *)b;
    int c = strcmp(x->provider, y->provider);
    if (c == 0)
        c = strcmp(x->service, y->service);
    if (c == 0)
        c = entry_place_cmp(x->place, y->place);
    return c != 0 ? c : (x->offset > y->offset) - (x->offset < y->offset);
}

static int by_time(const void *a, const void *b)
{
    const struct found *x = *(struct found *const *)a, *y = *(struct found *const *)b;
    if (x->since_ms != y->since_ms)
        return x->since_ms < y->since_ms ? -1 : 1;
    return by_place(a, b);
}

void found_sort_by_time(struct found_list *list)
{
    if (list->n > 1)
        qsort(list->rows, list->n, sizeof(*list->rows), by_time);
}

void found_sort_by_place(struct found_list *list)
{
    if (list->n > 1)
        qsort(list->rows, list->n, sizeof(*list->rows), by_place);
}

/* ---- what is shown, and what is done ---- */

void found_waits_for(const struct found *f, char *ret, size_t size)
{
    char place[ENTRY_PLACE_SIZE], until[CLOCK_RFC3339_SIZE] = "";
    const char *word = entry_reason_name(f->reason);
    if (f->reason == ENTRY_FOR_BEHIND) {
        entry_place_format(f->behind, place);
        snprintf(ret, size, "%s %s", word, place);
        return;
    }
    if (f->release_at_ms > 0)
        clock_format_rfc3339(f->release_at_ms, until);
    if (until[0] != '\0')
        until[10] = ' ';
    snprintf(ret, size, "%s%s%.19s%s%s", word, until[0] != '\0' ? " until " : "", until, f->detail[0] != '\0' ? ": " : "",
             f->detail);
}

static void set_text(json_t *o, const char *name, const char *text)
{
    if (text[0] == '\0')
        return;
    json_t *v = json_string(text);
    json_object_set_new(o, name, v != NULL ? v : json_string("\xEF\xBF\xBD")); /* a dead letter's header may be no UTF-8 */
}

static void set_time(json_t *o, const char *name, int64_t ms)
{
    char text[CLOCK_RFC3339_SIZE];
    if (ms <= 0)
        return;
    clock_format_rfc3339(ms, text);
    set_text(o, name, text);
}

static void set_place(json_t *o, const char *name, struct entry_place p)
{
    char text[ENTRY_PLACE_SIZE];
    entry_place_format(p, text);
    set_text(o, name, text);
}

json_t *found_json(const struct found *f)
{
    json_t *o = json_object();
    set_text(o, "provider", f->provider);
    set_text(o, "service", f->service);
    set_place(o, "place", f->place);
    set_text(o, "type", f->type);
    if (f->letter) {
        set_text(o, "dead_letter", f->why);
        json_object_set_new(o, "letter", json_integer(f->offset));
    } else {
        set_text(o, "state", entry_state_name(f->state));
        set_text(o, "waits_for", entry_reason_name(f->reason));
    }
    if (f->reason == ENTRY_FOR_BEHIND)
        set_place(o, "behind", f->behind);
    set_text(o, "detail", f->detail);
    set_text(o, "step", f->step);
    json_object_set_new(o, "round", json_integer(f->round));
    json_object_set_new(o, "try", json_integer(f->try_no));
    json_object_set_new(o, "attempts", json_integer(f->attempts));
    if (f->status != 0)
        json_object_set_new(o, "status", json_integer(f->status));
    set_text(o, "order", f->order);
    set_text(o, "axes", f->axes);
    set_time(o, "since", f->since_ms);
    set_time(o, "first_try", f->first_try_ms);
    set_time(o, "sent", f->sent_ms);
    set_time(o, "release_at", f->release_at_ms);
    return o;
}

void found_act(const struct found *f, enum act_kind kind, struct act *ret)
{
    *ret = (struct act){
        .kind = kind,
        .partition = -1,
        .of_entry = true,
        .place = f->place,
        .round = f->round,
        .try_no = f->try_no,
        .letter = f->letter ? f->offset : -1,
    };
    snprintf(ret->source, sizeof(ret->source), "tvbridge/cli");
    snprintf(ret->provider, sizeof(ret->provider), "%s", f->provider);
    memcpy(ret->service, f->service, sizeof(ret->service));
}

const char *found_not_redrivable(const struct found *f)
{
    static const enum dead_reason hopeless[] = {DEAD_INVALID, DEAD_MISPLACED, DEAD_CONFLICT};
    if (f->letter && f->service[0] == '\0')
        return "it has no service for a key: publish it anew";
    for (size_t i = 0; f->letter && i < ARRAY_LEN(hopeless); i++)
        if (strcmp(f->why, dead_reason_name(hopeless[i])) == 0)
            return "an event as it came would end here again: correct it and publish it anew";
    return NULL;
}
