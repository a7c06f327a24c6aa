#include "story.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "base/clock.h"
#include "contract/act.h"
#include "contract/axes.h"
#include "contract/event_mode.h"
#include "contract/outcome.h"
#include "contract/partition_record.h"
#include "found.h"
#include "redact.h"


/* An event that billing sent, and whether it has its final outcome. */
struct told_event {
    UT_hash_handle hh;
    struct entry_place place; /* of its last coming */
    int64_t at_ms;
    char type[40];
    bool final;
    unsigned round;
    char *id;   /* in key */
    char key[]; /* source, NUL, id */
};

/* A waiting entry or dead letter that is there now. */
struct told_row {
    UT_hash_handle hh;
    struct found *row;
    char key[];
};

struct moment {
    int64_t at_ms;
    size_t n; /* in the order of reading: the second key */
    json_t *json;
};

struct story {
    char provider[ACT_PROVIDER_SIZE], service[ENTRY_SERVICE_SIZE];
    int32_t partition;
    bool show_data;
    struct act_schemas *schemas;
    struct told_event *events;
    struct told_row *waiting, *letters;
    json_t *record;
    struct partition_record whole;
    bool has_whole;
    struct moment *moments;
    size_t moment_count, moment_cap;
};

struct story *story_new(const char *provider, const char *service, int32_t partition, bool show_data,
                        struct err *reterr)
{
    struct story *s = calloc(1, sizeof(*s));
    if (s == NULL) {
        err_nomem(reterr);
        return NULL;
    }
    snprintf(s->provider, sizeof(s->provider), "%s", provider);
    snprintf(s->service, sizeof(s->service), "%s", service);
    s->partition = partition;
    s->show_data = show_data;
    s->schemas = act_schemas_load(schema_dir(NULL), reterr);
    if (s->schemas != NULL)
        return s;
    story_free(s);
    return NULL;
}

static void drop_row(struct told_row **rows, struct told_row *r)
{
    HASH_DEL(*rows, r);
    found_free(r->row);
    free(r);
}

void story_free(struct story *s)
{
    if (s == NULL)
        return;
    struct told_event *e, *next_event;
    struct told_row *r, *next_row;
    HASH_ITER(hh, s->events, e, next_event)
    {
        HASH_DEL(s->events, e); /* NOLINT(clang-analyzer-unix.Malloc): of uthash's own links */
        free(e);
    }
    HASH_ITER(hh, s->waiting, r, next_row)
        drop_row(&s->waiting, r);
    HASH_ITER(hh, s->letters, r, next_row)
        drop_row(&s->letters, r);
    for (size_t i = 0; i < s->moment_count; i++)
        json_decref(s->moments[i].json);
    free(s->moments);
    json_decref(s->record);
    act_schemas_free(s->schemas);
    free(s);
}

/* ---- the timeline ---- */

static bool has_room(struct story *s)
{
    if (s->moment_count < s->moment_cap)
        return true;
    size_t cap = s->moment_cap == 0 ? 64 : 2 * s->moment_cap;
    struct moment *more = realloc(s->moments, cap * sizeof(*more));
    if (more == NULL)
        return false;
    s->moments = more;
    s->moment_cap = cap;
    return true;
}

/* @place may be NULL. */
static bool ATTR_PRINTF(5, 6)
    note(struct story *s, int64_t at_ms, const char *what, const struct entry_place *place, const char *fmt, ...)
{
    char text[1024], time[CLOCK_RFC3339_SIZE], where[ENTRY_PLACE_SIZE];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    if (!has_room(s))
        return false;
    clock_format_rfc3339(at_ms < 0 ? 0 : at_ms, time);
    json_t *o = json_pack("{ss ss}", "time", time, "what", what);
    if (place != NULL) {
        entry_place_format(*place, where);
        json_object_set_new(o, "place", json_string(where));
    }
    json_t *said = json_string(text);
    json_object_set_new(o, "text", said != NULL ? said : json_string("(no UTF-8)"));
    s->moments[s->moment_count] = (struct moment){at_ms, s->moment_count, o};
    s->moment_count++;
    return true;
}

/* ---- what is taken ---- */

static const char *text_at(const json_t *root, const char *pointer)
{
    const char *s = json_string_value(json_at_pointer(root, pointer));
    return s == NULL ? "" : s;
}

static bool is_key(const struct scan_message *m, const char *key)
{
    size_t n = strlen(key);
    return m->message.key != NULL && m->message.key_len == n && memcmp(m->message.key, key, n) == 0;
}

/* Found, or made; NULL: out of memory. */
static struct told_event *event_of(struct story *s, const char *source, const char *id)
{
    size_t source_len = strlen(source) + 1, len = source_len + strlen(id);
    struct told_event *e = NULL;
    char *key = malloc(len + 1);
    if (key == NULL)
        return NULL;
    memcpy(key, source, source_len);
    memcpy(key + source_len, id, len - source_len + 1);
    HASH_FIND(hh, s->events, key, len, e);
    if (e == NULL && (e = calloc(1, sizeof(*e) + len + 1)) != NULL) {
        memcpy(e->key, key, len);
        e->id = e->key + source_len;
        HASH_ADD_KEYPTR(hh, s->events, e->key, len, e);
    }
    free(key);
    return e;
}

static bool take_event(struct story *s, const struct scan_message *m)
{
    struct fault f = {.pointer = ""};
    const struct entry_place place = {.partition = m->partition, .offset = m->offset};
    if (!is_key(m, s->service))
        return true;
    json_t *root = event_root_of(&m->message, &f);
    const char *id = text_at(root, "/id"), *type = event_type_short(text_at(root, "/type"));
    const char *sequence = text_at(root, "/sequence");
    bool good = false;
    if (root == NULL) {
        good = note(s, m->timestamp_ms, "event", &place, "came, and cannot be read: %s", f.reason);
    } else {
        struct told_event *e = event_of(s, text_at(root, "/source"), id);
        if (e != NULL) {
            e->place = place;
            e->at_ms = m->timestamp_ms;
            snprintf(e->type, sizeof(e->type), "%s", type);
            good = note(s, m->timestamp_ms, "event", &place, "%s came%s%s (id %s)", type,
                        sequence[0] != '\0' ? ", sequence " : "", sequence, id);
        }
    }
    json_decref(root);
    return good;
}

static void add_words(const json_t *root, char *ret, size_t size)
{
    const char *reason = text_at(root, "/data/reason"), *resolved = text_at(root, "/data/resolved");
    json_int_t attempts = json_integer_value(json_at_pointer(root, "/data/attempts"));
    json_int_t round = json_integer_value(json_at_pointer(root, "/data/round"));
    json_int_t status = json_integer_value(json_at_pointer(root, "/data/provider_answer/status"));
    int n = snprintf(ret, size, "%s%s%s%s", reason[0] != '\0' ? ": " : "", reason,
                     resolved[0] != '\0' ? ", resolved by " : "", resolved);
    if (n >= 0 && (size_t)n < size)
        n += snprintf(ret + n, size - (size_t)n, ", %" JSON_INTEGER_FORMAT " calls", attempts);
    if (n >= 0 && (size_t)n < size && status != 0)
        n += snprintf(ret + n, size - (size_t)n, ", status %" JSON_INTEGER_FORMAT, status);
    if (n >= 0 && (size_t)n < size && round > 1)
        snprintf(ret + n, size - (size_t)n, ", round %" JSON_INTEGER_FORMAT, round);
}

/* What a snapshot made of itself: the types alone, since the words of a change may name a login. */
static void add_changes(const json_t *root, char *ret, size_t size)
{
    const json_t *changes = json_at_pointer(root, "/data/given/changes"), *left = json_at_pointer(root, "/data/given/left");
    size_t n = strlen(ret), all = json_array_size(changes);
    if (strcmp(event_type_short(text_at(root, "/data/event/type")), "service.snapshot") != 0)
        return;
    for (size_t i = 0; i < all && n < size; i++)
        n += (size_t)snprintf(ret + n, size - n, "%s%s", i == 0 ? "; changes: " : ", ", json_text(json_array_get(changes, i), "type"));
    if (json_array_size(left) > 0 && n < size)
        snprintf(ret + n, size - n, "; %zu left as they are", json_array_size(left));
}

static bool take_outcome(struct story *s, const struct scan_message *m)
{
    char key[ACT_PROVIDER_SIZE + ENTRY_SERVICE_SIZE], words[400];
    int64_t at_ms = m->timestamp_ms;
    snprintf(key, sizeof(key), "%s/%s", s->provider, s->service);
    if (!is_key(m, key) || m->message.value == NULL)
        return true;
    json_t *root = json_loadb(m->message.value, m->message.value_len, 0, NULL);
    const char *kind = text_at(root, "/data/kind");
    bool good = true;
    if (kind[0] != '\0') {
        struct told_event *e = event_of(s, text_at(root, "/data/event/source"), text_at(root, "/data/event/id"));
        const struct entry_place place = {
            .partition = (int32_t)json_integer_value(json_at_pointer(root, "/data/place/partition")),
            .offset = json_integer_value(json_at_pointer(root, "/data/place/offset"))};
        json_int_t round = json_integer_value(json_at_pointer(root, "/data/round"));
        (void)clock_parse_rfc3339(text_at(root, "/time"), &at_ms);
        add_words(root, words, sizeof(words));
        add_changes(root, words, sizeof(words));
        if (e != NULL && round >= e->round) {
            e->round = (unsigned)round;
            e->final = json_is_true(json_at_pointer(root, "/data/final"));
        }
        good = e != NULL && note(s, at_ms, "outcome", &place, "%s: %s%s", event_type_short(text_at(root, "/data/event/type")),
                                 kind, words);
    }
    json_decref(root);
    return good;
}

static void take_whole(struct story *s, const struct scan_message *m)
{
    struct fault f;
    s->has_whole = m->message.value != NULL &&
                   partition_record_decode(m->message.value, m->message.value_len, &s->whole, &f) == 0;
}

static bool take_record(struct story *s, const struct scan_message *m)
{
    char key[PARTITION_KEY_SIZE];
    partition_key_format(s->partition, key);
    if (is_key(m, key))
        take_whole(s, m);
    if (!is_key(m, s->service))
        return true;
    json_decref(s->record);
    s->record = m->message.value == NULL ? NULL : json_loadb(m->message.value, m->message.value_len, 0, NULL);
    return true;
}

/* Takes @row over; NULL removes. */
static bool set_row(struct told_row **rows, const char *key, struct found *row)
{
    struct told_row *r = NULL;
    HASH_FIND_STR(*rows, key, r);
    if (r != NULL)
        drop_row(rows, r);
    if (row == NULL)
        return true;
    r = calloc(1, sizeof(*r) + strlen(key) + 1);
    if (r == NULL) {
        found_free(row);
        return false;
    }
    memcpy(r->key, key, strlen(key) + 1);
    r->row = row;
    HASH_ADD_KEYPTR(hh, *rows, r->key, strlen(r->key), r);
    return true;
}

static bool take_entry(struct story *s, const struct scan_message *m)
{
    struct entry e;
    struct fault f;
    char key[ENTRY_PLACE_SIZE], waits[200];
    enum entry_decoded d = entry_decode(&m->message, &e, &f);
    if (d == ENTRY_IS_INVALID || strcmp(e.service, s->service) != 0)
        return true;
    entry_place_format(e.place, key);
    if (d == ENTRY_IS_TOMBSTONE)
        return set_row(&s->waiting, key, NULL) && note(s, m->timestamp_ms, "waiting", &e.place, "waits no more");
    struct found *row = found_of_entry(m, &e, false);
    if (row == NULL)
        return false;
    row->provider = s->provider;
    found_waits_for(row, waits, sizeof(waits));
    return set_row(&s->waiting, key, row) &&
           note(s, e.now_ms, "waiting", &e.place, "%s is set aside, %s: waits for %s", event_type_name(e.type),
                entry_state_name(e.state), waits);
}

static bool take_letter(struct story *s, const struct scan_message *m)
{
    char key[ENTRY_PLACE_SIZE];
    if (!is_key(m, s->service))
        return true;
    struct found *row = found_of_letter(m, false);
    if (row == NULL)
        return true; /* somebody else wrote it */
    row->provider = s->provider;
    entry_place_format(row->place, key);
    bool good = note(s, row->now_ms, "dead_letter", &row->place, "%s is a dead letter, %s%s%s",
                     row->type[0] != '\0' ? row->type : "a message", row->why, row->detail[0] != '\0' ? ": " : "", row->detail);
    return set_row(&s->letters, key, row) && good;
}

static bool tell_act(struct story *s, const struct act *a, int64_t at_ms)
{
    const struct entry_place *place = a->of_entry ? &a->place : NULL;
    const char *verdict = a->kind != ACT_RESOLVE_DOUBT ? "" : a->applied ? " as applied" : " as not applied";
    return note(s, at_ms, "act", place, "%s asked to %s%s%s: %s", a->who, act_kind_name(a->kind), verdict,
                act_is_provider_wide(a) ? " the whole provider" : "", a->reason);
}

/* The letter that an act has closed is no more. */
static bool tell_answer(struct story *s, const struct act_answer *a)
{
    char key[ENTRY_PLACE_SIZE];
    struct told_row *r = NULL;
    bool closes = a->result == ACT_DONE && a->of_entry && (a->kind == ACT_REDRIVE || a->kind == ACT_DROP);
    entry_place_format(a->place, key);
    HASH_FIND_STR(s->letters, key, r);
    if (closes && r != NULL && r->row->round <= a->round)
        drop_row(&s->letters, r);
    return note(s, a->now_ms, "answer", a->of_entry ? &a->place : NULL, "%s: %s%s%s", act_kind_name(a->kind),
                act_result_name(a->result), a->why[0] != '\0' ? ", " : "", a->why);
}

static bool take_control(struct story *s, const struct scan_message *m)
{
    struct act act;
    struct act_answer answer;
    struct fault f;
    char key[PARTITION_KEY_SIZE];
    partition_key_format(s->partition, key);
    if (!is_key(m, s->service) && !is_key(m, key))
        return true;
    switch (control_decode(s->schemas, &m->message, &act, &answer, &f)) {
    case CONTROL_IS_ACT:
        return tell_act(s, &act, act.time_ms);
    case CONTROL_IS_ANSWER:
        return tell_answer(s, &answer);
    case CONTROL_IS_INVALID:
        break;
    }
    return note(s, m->timestamp_ms, "act", NULL, "an act came that cannot be read: %s %s", f.pointer, f.reason);
}

bool story_take(struct story *s, const struct scan_message *m)
{
    if (m->partition != s->partition)
        return true;
    switch (m->kind) {
    case TOPIC_EVENTS:
        return take_event(s, m);
    case TOPIC_OUTCOMES:
        return take_outcome(s, m);
    case TOPIC_RECORDS:
        return take_record(s, m);
    case TOPIC_WAITING:
        return take_entry(s, m);
    case TOPIC_CONTROL:
        return take_control(s, m);
    case TOPIC_DEAD:
        return take_letter(s, m);
    case TOPIC_KIND_COUNT:
        break;
    }
    return true;
}

/* ---- what is told ---- */

static bool is_waiting(const struct story *s, struct entry_place p)
{
    char key[ENTRY_PLACE_SIZE];
    struct told_row *w = NULL, *l = NULL;
    entry_place_format(p, key);
    HASH_FIND_STR(s->waiting, key, w);
    HASH_FIND_STR(s->letters, key, l);
    return w != NULL || l != NULL;
}

/* A letter for which an entry stands, or whose event went on in a later round, is no news. */
static bool letter_counts(const struct story *s, const struct told_row *l)
{
    struct told_row *w = NULL;
    HASH_FIND_STR(s->waiting, l->key, w);
    return w == NULL || w->row->round < l->row->round;
}

static json_t *rows_json(const struct story *s, struct told_row *rows, bool letters)
{
    json_t *list = json_array();
    for (struct told_row *r = rows; r != NULL; r = r->hh.next)
        if (!letters || letter_counts(s, r))
            json_array_append_new(list, found_json(r->row));
    return list;
}

static json_t *unfinished_json(const struct story *s)
{
    json_t *list = json_array();
    for (struct told_event *e = s->events; e != NULL; e = e->hh.next) {
        char place[ENTRY_PLACE_SIZE], time[CLOCK_RFC3339_SIZE];
        if (e->final || e->type[0] == '\0' || is_waiting(s, e->place))
            continue;
        entry_place_format(e->place, place);
        clock_format_rfc3339(e->at_ms < 0 ? 0 : e->at_ms, time);
        json_array_append_new(list, json_pack("{ss ss ss ss}", "place", place, "type", e->type, "id", e->id, "since", time));
    }
    return list;
}

static void say(json_t *list, const char *fmt, ...) ATTR_PRINTF(2, 3);
static void say(json_t *list, const char *fmt, ...)
{
    char text[1024];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    json_array_append_new(list, json_string(text));
}

/* What would set it free. */
static const char *way_out(enum entry_reason r)
{
    switch (r) {
    case ENTRY_FOR_DEAD:
        return "`tvbridge dead redrive` or `drop`, or a newer event that covers it";
    case ENTRY_FOR_DOUBT:
        return "`tvbridge doubt resolve`, or a newer event that covers it";
    case ENTRY_FOR_DATE:
    case ENTRY_FOR_RETRY:
        return "the clock, or `tvbridge waiting release`";
    case ENTRY_FOR_FLOOD:
        return "by itself, when the events before it are worked";
    case ENTRY_FOR_GUARD:
        return "`tvbridge approve`, or an event that restores what it cuts";
    case ENTRY_FOR_FIRST_ACCESS:
    case ENTRY_FOR_ACTIVATION:
        return "the platform, which is asked now and then";
    case ENTRY_FOR_IMPLAUSIBLE:
        return "`tvbridge waiting release`, once its sequence was found right";
    case ENTRY_FOR_BEHIND:
        return "the end of the one it waits behind";
    case ENTRY_REASON_COUNT:
        break;
    }
    return "";
}

static void say_rows(const struct story *s, json_t *list)
{
    char waits[200];
    for (struct told_row *r = s->waiting; r != NULL; r = r->hh.next) {
        found_waits_for(r->row, waits, sizeof(waits));
        say(list, "%s at %s waits for %s; freed by %s", r->row->type, r->key, waits, way_out(r->row->reason));
    }
    for (struct told_row *r = s->letters; r != NULL; r = r->hh.next) {
        const char *hopeless = found_not_redrivable(r->row);
        if (letter_counts(s, r))
            say(list, "%s at %s lies in the dead letters, %s: %s", r->row->type[0] != '\0' ? r->row->type : "a message", r->key,
                r->row->why, hopeless != NULL ? hopeless : "`tvbridge dead redrive` or `drop`");
    }
}

static json_t *verdict_json(const struct story *s, const json_t *unfinished)
{
    json_t *list = json_array();
    size_t n = json_array_size(unfinished);
    if (s->has_whole && s->whole.paused)
        say(list, "the provider is paused by %s: %s", s->whole.paused_who, s->whole.paused_reason);
    say_rows(s, list);
    if (n > 0)
        say(list, "%zu events have no final outcome yet; the oldest came at %s", n,
            text_at(json_array_get(unfinished, 0), "/since"));
    if (json_array_size(list) == 0 && s->moment_count == 0 && s->record == NULL)
        say(list, "nothing is known of this service here");
    else if (json_array_size(list) == 0)
        say(list, "nothing waits: it is as its last events say");
    return list;
}

static int by_time(const void *a, const void *b)
{
    const struct moment *x = a, *y = b;
    if (x->at_ms != y->at_ms)
        return x->at_ms < y->at_ms ? -1 : 1;
    return (x->n > y->n) - (x->n < y->n);
}

static json_t *timeline_json(struct story *s, int64_t since_ms, size_t limit)
{
    json_t *list = json_array();
    size_t i = 0;
    if (s->moment_count > 1)
        qsort(s->moments, s->moment_count, sizeof(*s->moments), by_time);
    while (i < s->moment_count && s->moments[i].at_ms < since_ms)
        i++;
    if (limit > 0 && s->moment_count - i > limit)
        i = s->moment_count - limit;
    for (; i < s->moment_count; i++)
        json_array_append(list, s->moments[i].json);
    return list;
}

static void tell_whole(const struct story *s, json_t *o)
{
    struct buf text;
    if (!s->has_whole)
        return;
    buf_init(&text, 1 << 16);
    partition_record_encode(&s->whole, &text);
    json_t *whole = json_loadb(buf_cstr(&text), text.len, 0, NULL);
    buf_fini(&text);
    if (s->whole.paused)
        json_object_set(o, "paused", json_object_get(whole, "paused"));
    if (s->whole.approval_count > 0)
        json_object_set(o, "approvals", json_object_get(whole, "approvals"));
    json_decref(whole);
}

json_t *story_tell(struct story *s, int64_t since_ms, size_t limit)
{
    json_t *unfinished = unfinished_json(s);
    bool known = s->moment_count > 0 || s->record != NULL;
    json_t *o = json_pack("{ss ss sb si}", "provider", s->provider, "service", s->service, "known", known, "partition",
                          (int)s->partition);
    if (s->record != NULL)
        json_object_set_new(o, "record", redact_record(s->record, s->show_data));
    tell_whole(s, o);
    json_object_set_new(o, "waiting", rows_json(s, s->waiting, false));
    json_object_set_new(o, "letters", rows_json(s, s->letters, true));
    json_object_set_new(o, "verdict", verdict_json(s, unfinished));
    json_object_set_new(o, "unfinished", unfinished);
    json_object_set_new(o, "timeline", timeline_json(s, since_ms, limit));
    return o;
}
