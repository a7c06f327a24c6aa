#include "contract/entry.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/attr.h"
#include "base/clock.h"

#define AXES_SEPARATOR '\x1f' /* no id may hold it: schemas/events/definitions.schema.json */

/* ---- places and keys ---- */

void entry_place_format(struct entry_place p, char ret[ENTRY_PLACE_SIZE])
{
    int n = snprintf(ret, ENTRY_PLACE_SIZE, "%" PRId32 "-%" PRId64, p.partition, p.offset);
    if (p.sub != 0)
        snprintf(ret + n, ENTRY_PLACE_SIZE - (size_t)n, ".%" PRIu32, p.sub);
}

/* Digits from @*at on, at most @max, without needless zeros before them. */
static int take_number(const char **at, const char *end, uint64_t max, uint64_t *ret)
{
    const char *s = *at;
    uint64_t v = 0;
    if (s == end || (*s == '0' && s + 1 < end && s[1] >= '0' && s[1] <= '9'))
        return -1;
    for (; s < end && *s >= '0' && *s <= '9'; s++) {
        uint64_t digit = (uint64_t)(*s - '0');
        if (v > (max - digit) / 10)
            return -1;
        v = v * 10 + digit;
    }
    if (s == *at)
        return -1;
    *at = s;
    *ret = v;
    return 0;
}

int entry_place_parse(const char *s, size_t len, struct entry_place *ret)
{
    const char *end = s + len;
    uint64_t partition = 0, offset = 0, sub = 0;
    if (take_number(&s, end, INT32_MAX, &partition) != 0 || s == end || *s++ != '-' ||
        take_number(&s, end, INT64_MAX, &offset) != 0)
        return -1;
    if (s < end && (*s++ != '.' || take_number(&s, end, UINT32_MAX, &sub) != 0 || sub == 0))
        return -1;
    if (s != end)
        return -1;
    *ret = (struct entry_place){(int32_t)partition, (int64_t)offset, (uint32_t)sub};
    return 0;
}

int entry_place_cmp(struct entry_place a, struct entry_place b)
{
    if (a.partition != b.partition)
        return a.partition < b.partition ? -1 : 1;
    if (a.offset != b.offset)
        return a.offset < b.offset ? -1 : 1;
    if (a.sub != b.sub)
        return a.sub < b.sub ? -1 : 1;
    return 0;
}

bool entry_place_equal(struct entry_place a, struct entry_place b)
{
    return entry_place_cmp(a, b) == 0;
}

size_t entry_key_format(const char *service, struct entry_place p, char ret[ENTRY_KEY_SIZE])
{
    size_t n = strnlen(service, ENTRY_SERVICE_SIZE);
    ret[0] = '\0';
    if (n == 0 || n == ENTRY_SERVICE_SIZE)
        return 0;
    memcpy(ret, service, n);
    ret[n++] = '/';
    entry_place_format(p, ret + n);
    return strlen(ret);
}

int entry_key_parse(const char *key, size_t len, char ret_service[ENTRY_SERVICE_SIZE], struct entry_place *ret_place)
{
    const char *slash = key == NULL ? NULL : memchr(key, '/', len); /* no service holds one */
    size_t n = slash == NULL ? 0 : (size_t)(slash - key);
    if (n == 0 || n >= ENTRY_SERVICE_SIZE || memchr(key, '\0', n) != NULL ||
        entry_place_parse(slash + 1, len - n - 1, ret_place) != 0)
        return -1;
    memcpy(ret_service, key, n);
    ret_service[n] = '\0';
    return 0;
}

/* ---- words ---- */

static const char *const states[ENTRY_STATE_COUNT] = {
    [ENTRY_UNSENT] = "unsent",
    [ENTRY_SENDING] = "sending",
    [ENTRY_DOUBT] = "doubt",
    [ENTRY_DEAD] = "dead",
};

static const char *const reasons[ENTRY_REASON_COUNT] = {
    [ENTRY_FOR_DEAD] = "dead",
    [ENTRY_FOR_DOUBT] = "doubt",
    [ENTRY_FOR_DATE] = "date",
    [ENTRY_FOR_RETRY] = "retry",
    [ENTRY_FOR_FLOOD] = "flood",
    [ENTRY_FOR_GUARD] = "guard",
    [ENTRY_FOR_FIRST_ACCESS] = "first_access",
    [ENTRY_FOR_ACTIVATION] = "activation",
    [ENTRY_FOR_IMPLAUSIBLE] = "implausible",
    [ENTRY_FOR_BEHIND] = "behind",
};

/* The index of the word; @n when there is none. */
static size_t find_word(const char *const *words, size_t n, const char *word, size_t len)
{
    size_t i = 0;
    while (i < n && (strlen(words[i]) != len || memcmp(words[i], word, len) != 0))
        i++;
    return i;
}

const char *entry_state_name(enum entry_state s)
{
    return (size_t)s < ARRAY_LEN(states) ? states[s] : "";
}

int entry_state_parse(const char *name, enum entry_state *ret)
{
    size_t i = find_word(states, ARRAY_LEN(states), name, strlen(name));
    if (i == ARRAY_LEN(states))
        return -1;
    *ret = (enum entry_state)i;
    return 0;
}

const char *entry_reason_name(enum entry_reason r)
{
    return (size_t)r < ARRAY_LEN(reasons) ? reasons[r] : "";
}

int entry_reason_parse(const char *name, enum entry_reason *ret)
{
    size_t i = find_word(reasons, ARRAY_LEN(reasons), name, strlen(name));
    if (i == ARRAY_LEN(reasons))
        return -1;
    *ret = (enum entry_reason)i;
    return 0;
}

bool entry_reason_is_polled(enum entry_reason r)
{
    return r == ENTRY_FOR_FIRST_ACCESS || r == ENTRY_FOR_ACTIVATION;
}

bool entry_reason_is_timed(enum entry_reason r)
{
    switch (r) {
    case ENTRY_FOR_DATE:
    case ENTRY_FOR_RETRY:
    case ENTRY_FOR_FIRST_ACCESS:
    case ENTRY_FOR_ACTIVATION:
        return true;
    case ENTRY_FOR_DEAD:
    case ENTRY_FOR_DOUBT:
    case ENTRY_FOR_FLOOD:
    case ENTRY_FOR_GUARD:
    case ENTRY_FOR_IMPLAUSIBLE:
    case ENTRY_FOR_BEHIND:
    case ENTRY_REASON_COUNT:
        break;
    }
    return false;
}

/* ---- the headers ---- */

enum name {
    NAME_STATE, NAME_REASON, NAME_BEHIND, NAME_DETAIL, NAME_STEP, NAME_STATUS, NAME_TYPE, NAME_ORDER, NAME_ROUND,
    NAME_TRY, NAME_ATTEMPTS, NAME_COUNTED, NAME_RELEASE_AT, NAME_FIRST_TRY, NAME_SENT, NAME_CAME, NAME_SINCE, NAME_TIME,
    NAME_FENCE, NAME_KEY, NAME_FINGERPRINT, NAME_AXES, NAME_STEPS, NAME_COUNT,
};
_Static_assert(NAME_COUNT == ENTRY_HEADERS_MAX, "entry.h says how many there are");

#define PREFIX "tvbridge-"
static const char *const header_names[NAME_COUNT] = {
    [NAME_STATE] = PREFIX "state",           [NAME_REASON] = PREFIX "reason",
    [NAME_BEHIND] = PREFIX "behind",         [NAME_DETAIL] = PREFIX "detail",
    [NAME_STEP] = PREFIX "step",             [NAME_STATUS] = PREFIX "status",
    [NAME_TYPE] = PREFIX "type",             [NAME_ORDER] = PREFIX "order",
    [NAME_ROUND] = PREFIX "round",           [NAME_TRY] = PREFIX "try",
    [NAME_ATTEMPTS] = PREFIX "attempts",     [NAME_COUNTED] = PREFIX "counted",
    [NAME_RELEASE_AT] = PREFIX "release-at", [NAME_FIRST_TRY] = PREFIX "first-try",
    [NAME_SENT] = PREFIX "sent",             [NAME_CAME] = PREFIX "came",
    [NAME_SINCE] = PREFIX "since",           [NAME_TIME] = PREFIX "time",
    [NAME_FENCE] = PREFIX "fence",           [NAME_KEY] = PREFIX "key",
    [NAME_FINGERPRINT] = PREFIX "fingerprint", [NAME_AXES] = PREFIX "axes",
    [NAME_STEPS] = PREFIX "steps",
};

static enum name name_of(const char *header)
{
    if (strncmp(header, PREFIX, sizeof(PREFIX) - 1) != 0)
        return NAME_COUNT;
    return (enum name)find_word(header_names, NAME_COUNT, header, strlen(header));
}

bool entry_owns_header(const char *name)
{
    static const char *const of_letters[] = {PREFIX "pointer", PREFIX "topic", PREFIX "partition", PREFIX "offset"};
    return name_of(name) != NAME_COUNT || find_word(of_letters, ARRAY_LEN(of_letters), name, strlen(name)) != ARRAY_LEN(of_letters);
}

size_t entry_original_headers(const struct event_message *m, struct event_header *ret)
{
    size_t n = 0;
    for (size_t i = 0; i < m->header_count; i++)
        if (!entry_owns_header(m->headers[i].name))
            ret[n++] = m->headers[i];
    return n;
}

/* ---- writing ---- */

struct writer {
    struct entry_store *store;
    struct event_header *headers;
    size_t n;
};

static void put(struct writer *w, enum name name, const char *value, size_t len)
{
    w->headers[w->n++] = (struct event_header){.name = header_names[name], .value = value, .len = len};
}

/* @value lives in the entry or is constant; "" is left out. */
static void put_text(struct writer *w, enum name name, const char *value)
{
    if (value[0] != '\0')
        put(w, name, value, strlen(value));
}

static void put_number(struct writer *w, enum name name, uint64_t value)
{
    char *text = w->store->text[w->n];
    *buf_put_u(text, value) = '\0';
    put(w, name, text, strlen(text));
}

/* 0: there is none. */
static void put_time(struct writer *w, enum name name, int64_t ms)
{
    if (ms == 0)
        return;
    char *text = w->store->text[w->n];
    clock_format_rfc3339(ms, text);
    put(w, name, text, strlen(text));
}

static void put_behind(struct writer *w, const struct entry *e)
{
    if (e->reason != ENTRY_FOR_BEHIND)
        return;
    char *text = w->store->text[w->n];
    entry_place_format(e->behind, text);
    put(w, NAME_BEHIND, text, strlen(text));
}

static void put_order(struct writer *w, const struct entry *e)
{
    char *text = w->store->text[w->n];
    order_format(e->order, text);
    put(w, NAME_ORDER, text, strlen(text));
}

static void put_axes(struct writer *w, const struct axes *a)
{
    char *at = w->store->axes;
    for (size_t i = 0; i < a->n; i++) {
        size_t len = strlen(a->name[i]);
        if (i > 0)
            *at++ = AXES_SEPARATOR;
        memcpy(at, a->name[i], len);
        at += len;
    }
    if (a->n > 0)
        put(w, NAME_AXES, w->store->axes, (size_t)(at - w->store->axes));
}

size_t entry_headers(const struct entry *e, struct entry_store *store, struct event_header ret[ENTRY_HEADERS_MAX])
{
    struct writer w = {.store = store, .headers = ret};
    if (e->steps_len > ENTRY_STEPS_MAX)
        return 0;
    put_text(&w, NAME_STATE, entry_state_name(e->state));
    put_text(&w, NAME_REASON, entry_reason_name(e->reason));
    put_behind(&w, e);
    put_text(&w, NAME_DETAIL, e->detail);
    put_text(&w, NAME_STEP, e->step);
    if (e->status != 0)
        put_number(&w, NAME_STATUS, (uint64_t)e->status);
    put_text(&w, NAME_TYPE, event_type_name(e->type));
    put_order(&w, e);
    put_number(&w, NAME_ROUND, e->round);
    put_number(&w, NAME_TRY, e->try_no);
    put_number(&w, NAME_ATTEMPTS, e->attempts);
    put_number(&w, NAME_COUNTED, e->counted);
    put_time(&w, NAME_RELEASE_AT, e->release_at_ms);
    put_time(&w, NAME_FIRST_TRY, e->first_try_ms);
    put_time(&w, NAME_SENT, e->sent_ms);
    put_time(&w, NAME_CAME, e->came_ms);
    put_time(&w, NAME_SINCE, e->since_ms);
    put_time(&w, NAME_TIME, e->now_ms);
    put_text(&w, NAME_FENCE, e->fence);
    put_text(&w, NAME_KEY, e->key);
    put_text(&w, NAME_FINGERPRINT, e->fingerprint);
    put_axes(&w, &e->axes);
    if (e->steps != NULL && e->steps_len > 0)
        put(&w, NAME_STEPS, e->steps, e->steps_len);
    return w.n;
}

struct event_header entry_tombstone_header(const char *fence)
{
    return (struct event_header){.name = header_names[NAME_FENCE], .value = fence, .len = strlen(fence)};
}

/* ---- reading ---- */

static int refuse(enum name name, const char *want, struct fault *ret_fault)
{
    char pointer[64];
    snprintf(pointer, sizeof(pointer), "/%s", header_names[name]);
    return fault_set(ret_fault, pointer, "want %s", want);
}

/* What was wanted, never what was found. */
static const char *wanted(enum name name)
{
    switch (name) {
    case NAME_STATE:
        return "unsent, sending, doubt or dead";
    case NAME_REASON:
        return "one of the words for what an entry waits for";
    case NAME_BEHIND:
        return "a place: <partition>-<offset>";
    case NAME_DETAIL:
    case NAME_STEP:
        return "a word of at most 63 bytes";
    case NAME_STATUS:
        return "an HTTP status";
    case NAME_TYPE:
        return "an event type without its prefix";
    case NAME_ORDER:
        return "epoch-number-sub in fixed width";
    case NAME_ROUND:
        return "a whole number, 1 or more";
    case NAME_TRY:
    case NAME_ATTEMPTS:
    case NAME_COUNTED:
        return "a whole number";
    case NAME_RELEASE_AT:
    case NAME_FIRST_TRY:
    case NAME_SENT:
    case NAME_CAME:
    case NAME_SINCE:
    case NAME_TIME:
        return "an RFC 3339 time";
    case NAME_FENCE:
        return "a decimal number";
    case NAME_KEY:
    case NAME_FINGERPRINT:
        return "64 hex digits";
    case NAME_AXES:
        return "names of axes, separated by 0x1f";
    case NAME_STEPS:
        return "at most 1 MiB";
    case NAME_COUNT:
        break;
    }
    return "";
}

/* Copies a header's text. -1: too long, or with a NUL in it. */
static int take_text(const struct event_header *h, char *ret, size_t size)
{
    if (h->len >= size || memchr(h->value, '\0', h->len) != NULL)
        return -1;
    memcpy(ret, h->value, h->len);
    ret[h->len] = '\0';
    return 0;
}

static int take_unsigned(const struct event_header *h, uint64_t max, unsigned *ret)
{
    const char *at = h->value;
    uint64_t v = 0;
    if (take_number(&at, h->value + h->len, max, &v) != 0 || at != h->value + h->len)
        return -1;
    *ret = (unsigned)v;
    return 0;
}

static int take_time(const struct event_header *h, int64_t *ret)
{
    char text[64];
    return take_text(h, text, sizeof(text)) != 0 ? -1 : clock_parse_rfc3339(text, ret);
}

static bool is_hex(const char *s)
{
    return s[0] != '\0' && s[strspn(s, "0123456789abcdef")] == '\0';
}

static int take_digest(const struct event_header *h, char ret[2 * HASH_SHA256_SIZE + 1])
{
    if (h->len != (size_t)2 * HASH_SHA256_SIZE || take_text(h, ret, (size_t)2 * HASH_SHA256_SIZE + 1) != 0)
        return -1;
    return is_hex(ret) ? 0 : -1;
}

static int take_fence(const struct event_header *h, char ret[ENTRY_FENCE_SIZE])
{
    if (take_text(h, ret, ENTRY_FENCE_SIZE) != 0)
        return -1;
    return ret[strspn(ret, "0123456789")] == '\0' ? 0 : -1;
}

static int take_order(const struct event_header *h, struct order *ret)
{
    char text[ORDER_TEXT_SIZE];
    return take_text(h, text, sizeof(text)) != 0 ? -1 : order_parse(text, ret);
}

static int take_type(const struct event_header *h, enum event_type *ret)
{
    char text[64];
    if (take_text(h, text, sizeof(text)) != 0)
        return -1;
    for (int t = 0; t < EVENT_TYPE_COUNT; t++)
        if (strcmp(text, event_type_name((enum event_type)t)) == 0) {
            *ret = (enum event_type)t;
            return 0;
        }
    return -1;
}

static int take_state(const struct event_header *h, enum entry_state *ret)
{
    size_t i = find_word(states, ARRAY_LEN(states), h->value, h->len);
    *ret = (enum entry_state)i;
    return i == ARRAY_LEN(states) ? -1 : 0;
}

static int take_reason(const struct event_header *h, enum entry_reason *ret)
{
    size_t i = find_word(reasons, ARRAY_LEN(reasons), h->value, h->len);
    *ret = (enum entry_reason)i;
    return i == ARRAY_LEN(reasons) ? -1 : 0;
}

static int take_axes(const struct event_header *h, struct axes *ret)
{
    const char *at = h->value, *end = at + h->len;
    for (ret->n = 0; at < end; ret->n++) {
        const char *stop = memchr(at, AXES_SEPARATOR, (size_t)(end - at));
        const struct event_header one = {.value = at, .len = (size_t)((stop == NULL ? end : stop) - at)};
        if (ret->n == AXES_MAX || one.len == 0 || take_text(&one, ret->name[ret->n], AXIS_NAME_SIZE) != 0)
            return -1;
        at += one.len + (stop != NULL);
        if (stop != NULL && at == end)
            return -1;
    }
    return 0;
}

static int take_status(const struct event_header *h, int *ret)
{
    unsigned status = 0;
    if (take_unsigned(h, 999, &status) != 0)
        return -1;
    *ret = (int)status;
    return 0;
}

static int take_steps(const struct event_header *h, struct entry *e)
{
    e->steps = h->value;
    e->steps_len = h->len;
    return h->len <= ENTRY_STEPS_MAX ? 0 : -1;
}

static int take_value(enum name name, const struct event_header *h, struct entry *e)
{
    switch (name) {
    case NAME_STATE:
        return take_state(h, &e->state);
    case NAME_REASON:
        return take_reason(h, &e->reason);
    case NAME_BEHIND:
        return entry_place_parse(h->value, h->len, &e->behind);
    case NAME_DETAIL:
        return take_text(h, e->detail, sizeof(e->detail));
    case NAME_STEP:
        return take_text(h, e->step, sizeof(e->step));
    case NAME_STATUS:
        return take_status(h, &e->status);
    case NAME_TYPE:
        return take_type(h, &e->type);
    case NAME_ORDER:
        return take_order(h, &e->order);
    case NAME_ROUND:
        return take_unsigned(h, UINT32_MAX, &e->round) == 0 && e->round > 0 ? 0 : -1;
    case NAME_TRY:
        return take_unsigned(h, UINT32_MAX, &e->try_no);
    case NAME_ATTEMPTS:
        return take_unsigned(h, UINT32_MAX, &e->attempts);
    case NAME_COUNTED:
        return take_unsigned(h, UINT32_MAX, &e->counted);
    case NAME_RELEASE_AT:
        return take_time(h, &e->release_at_ms);
    case NAME_FIRST_TRY:
        return take_time(h, &e->first_try_ms);
    case NAME_SENT:
        return take_time(h, &e->sent_ms);
    case NAME_CAME:
        return take_time(h, &e->came_ms);
    case NAME_SINCE:
        return take_time(h, &e->since_ms);
    case NAME_TIME:
        return take_time(h, &e->now_ms);
    case NAME_FENCE:
        return take_fence(h, e->fence);
    case NAME_KEY:
        return take_digest(h, e->key);
    case NAME_FINGERPRINT:
        return take_digest(h, e->fingerprint);
    case NAME_AXES:
        return take_axes(h, &e->axes);
    case NAME_STEPS:
        return take_steps(h, e);
    case NAME_COUNT:
        break;
    }
    return 0;
}

/* What an entry cannot be without. */
static int check_whole(const struct entry *e, uint32_t seen, struct fault *ret_fault)
{
    static const enum name needed[] = {NAME_STATE, NAME_REASON, NAME_TYPE, NAME_ORDER, NAME_ROUND,
                                       NAME_TRY,   NAME_SINCE,  NAME_TIME, NAME_KEY,   NAME_FINGERPRINT};
    for (size_t i = 0; i < ARRAY_LEN(needed); i++)
        if ((seen >> needed[i] & 1) == 0)
            return refuse(needed[i], "this header", ret_fault);
    if (e->reason == ENTRY_FOR_BEHIND && (seen >> NAME_BEHIND & 1) == 0)
        return refuse(NAME_BEHIND, "the place of the entry that it waits behind", ret_fault);
    if (e->state == ENTRY_UNSENT && entry_reason_is_timed(e->reason) && e->release_at_ms == 0)
        return refuse(NAME_RELEASE_AT, "when it is released", ret_fault);
    return 0;
}

/* None, or one that cannot be read, is the lowest. */
static void take_tombstone_fence(const struct event_message *m, struct entry *ret)
{
    for (size_t i = 0; i < m->header_count; i++) {
        const struct event_header *h = &m->headers[i];
        if (name_of(h->name) == NAME_FENCE && h->value != NULL && take_fence(h, ret->fence) != 0)
            ret->fence[0] = '\0';
    }
}

enum entry_decoded entry_decode(const struct event_message *m, struct entry *ret, struct fault *ret_fault)
{
    uint32_t seen = 0;
    memset(ret, 0, offsetof(struct entry, axes)); /* the axes are long: only their number is set */
    ret->axes.n = 0;
    ret->steps = NULL;
    ret->steps_len = 0;
    if (entry_key_parse(m->key, m->key_len, ret->service, &ret->place) != 0) {
        fault_set(ret_fault, "", "the key is not <service>/<partition>-<offset>");
        return ENTRY_IS_INVALID;
    }
    if (m->value == NULL) {
        take_tombstone_fence(m, ret);
        return ENTRY_IS_TOMBSTONE;
    }
    for (size_t i = 0; i < m->header_count; i++) {
        const struct event_header *h = &m->headers[i];
        enum name name = name_of(h->name);
        if (name == NAME_COUNT)
            continue;
        const struct event_header given = {h->name, h->value == NULL ? "" : h->value, h->value == NULL ? 0 : h->len};
        if (take_value(name, &given, ret) != 0) {
            refuse(name, wanted(name), ret_fault);
            return ENTRY_IS_INVALID;
        }
        seen |= UINT32_C(1) << name;
    }
    return check_whole(ret, seen, ret_fault) == 0 ? ENTRY_IS_ENTRY : ENTRY_IS_INVALID;
}

int entry_of_event(const struct event *e, struct entry *ret)
{
    size_t n = strnlen(e->service, ENTRY_SERVICE_SIZE);
    if (n == ENTRY_SERVICE_SIZE)
        return -1;
    memcpy(ret->service, e->service, n + 1);
    ret->type = e->type;
    memcpy(ret->key, e->key, sizeof(ret->key));
    hash_hex(e->fingerprint, sizeof(e->fingerprint), ret->fingerprint);
    ret->axes.n = e->axes.n;
    memcpy(ret->axes.name, e->axes.name, e->axes.n * sizeof(e->axes.name[0]));
    return 0;
}

/* ---- who waits for whom ---- */

static bool touches_all(const struct axes *a)
{
    for (size_t i = 0; i < a->n; i++)
        if (strcmp(a->name[i], "existence") == 0 || strcmp(a->name[i], "all") == 0)
            return true;
    return false;
}

bool entry_axes_share(const struct axes *a, const struct axes *b)
{
    if (touches_all(a) || touches_all(b))
        return true;
    for (size_t i = 0; i < a->n; i++)
        for (size_t k = 0; k < b->n; k++)
            if (strcmp(a->name[i], b->name[k]) == 0)
                return true;
    return false;
}
