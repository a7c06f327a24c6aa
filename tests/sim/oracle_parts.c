/* oracle_parts.c - snapshots, and the events that workers make of them: each is what its snapshot asks for, once; all that the outcome
 * names stand in Kafka before it; nothing older begins once it is decided; and in the end the platform is as the snapshot said. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "contract/order.h"
#include "oracle_state.h"

enum { PART_KEY_DIGITS = 32 };

void oracle_snapshot(struct sim *s, unsigned event, const struct snapshot_ask *ask)
{
    s->oracle->events[event]->ask = *ask;
    s->oracle->events[event]->variant = 0; /* nothing of it leaves */
}

void oracle_tell_ask(struct sim *s, const struct oevent *e)
{
    static const char *const words[] = {[ASK_ON] = "on", [ASK_BLOCKED] = "blocked", [ASK_SUSPENDED] = "suspended"};
    char text[64];
    snprintf(text, sizeof(text), "%s%s; plan and packages:", e->ask.preview ? "preview: " : "", words[e->ask.status]);
    sim_note(s, NULL, "asks for", text, e->ask.plan, e->ask.packages);
}

/* In mode apply. */
static bool is_to_apply(const struct oevent *e)
{
    return e->kind == KIND_SNAPSHOT && !e->ask.preview;
}

bool says_all(const struct oevent *e)
{
    return e->kind == KIND_DELETE || is_to_apply(e);
}

bool has_no_axis(const struct oevent *e)
{
    return e->kind == KIND_MESSAGE || (e->kind == KIND_SNAPSHOT && e->ask.preview);
}

bool moved_record(const struct oevent *e)
{
    int final = e->variant >= 0 ? e->final[e->variant] : -1;
    return final == OUTCOME_APPLIED || (e->kind == KIND_SNAPSHOT && final == OUTCOME_UNCHANGED);
}

/* ---- ids ---- */

/* As in an URL, in which a slash is %2F. */
static bool is_id(const char *id, const char *text, size_t len)
{
    size_t at = 0;
    for (; *id && at < len; id++) {
        bool escaped = *id == '/' && len - at >= 3 && strncmp(text + at, "%2F", 3) == 0;
        if (!escaped && text[at] != *id)
            return false;
        at += escaped ? 3 : 1;
    }
    return *id == '\0' && at == len;
}

unsigned oracle_event_of_id(const struct sim *s, const char *id, size_t len)
{
    const struct oracle *o = s->oracle;
    if (len > 1 && id[0] == 'e') {
        unsigned n = (unsigned)strtoul(id + 1, NULL, 10);
        return n < o->event_count ? n : EVENTS_NONE;
    }
    for (unsigned i = 0; i < o->event_count; i++)
        if (o->events[i]->id && is_id(o->events[i]->id, id, len))
            return i;
    return EVENTS_NONE;
}

/* ---- the platform's account ---- */

static const struct oevent *last_on(const struct oracle *o, unsigned service, unsigned slot)
{
    int n = o->slots[service][slot].event;
    return n >= 0 ? o->events[n] : NULL;
}

static bool is_off(const struct oracle *o, unsigned service)
{
    const struct oevent *block = last_on(o, service, SLOT_BLOCK), *cut = last_on(o, service, SLOT_SUSPENSION);
    return (block && block->kind == KIND_BLOCK) || (cut && cut->kind == KIND_CUT);
}

static int plan_of(const struct oracle *o, unsigned service)
{
    const struct oevent *plan = last_on(o, service, SLOT_PLAN);
    return plan ? plan->variant : -1;
}

static bool has_package(const struct oracle *o, unsigned service, unsigned part)
{
    const struct oevent *e = last_on(o, service, SLOT_PACKAGE + part);
    return e && e->kind == KIND_PACKAGE;
}

void oracle_account(struct sim *s, unsigned service, char *ret, size_t size)
{
    static const char *const packages[] = {"", "\"p0\"", "\"p1\"", "\"p0\",\"p1\""};
    const struct oracle *o = s->oracle;
    unsigned has = (has_package(o, service, 0) ? 1U : 0U) | (has_package(o, service, 1) ? 2U : 0U);
    char plan[24] = "";
    if (plan_of(o, service) >= 0)
        snprintf(plan, sizeof(plan), "\"plan\":\"v%d\",", plan_of(o, service));
    snprintf(ret, size, "{\"ok\":true,\"login\":\"s%u\",\"status\":\"%s\",%s\"packages\":[%s]}", service,
             is_off(o, service) ? "suspended" : "active", plan, packages[has]);
}

/* ---- parts ---- */

static bool is_asked_for(const struct snapshot_ask *a, const struct oevent *e, unsigned variant)
{
    switch (e->kind) {
    case KIND_PLAN:
        return a->plan == (int)variant;
    case KIND_PACKAGE:
        return a->packages >= 0 && (a->packages & 1 << e->part) != 0;
    case KIND_UNPACK:
        return a->packages >= 0 && (a->packages & 1 << e->part) == 0;
    case KIND_BLOCK:
        return a->status == ASK_BLOCKED;
    case KIND_CUT:
        return a->status == ASK_SUSPENDED;
    case KIND_UNBLOCK:
    case KIND_BACK:
        return a->status == ASK_ON;
    case KIND_DELETE:
    case KIND_MESSAGE:
    case KIND_LIMIT:
    case KIND_UPDATE:
    case KIND_SNAPSHOT:
    case KIND_COUNT:
        return false;
    }
    return false;
}

static struct oevent *snapshot_of(const struct oracle *o, const char *id)
{
    const char *key = strncmp(id, "part/", 5) == 0 ? id + 5 : "?";
    for (unsigned i = 0; i < o->event_count; i++)
        if (o->events[i]->kind == KIND_SNAPSHOT && strncmp(o->events[i]->key, key, PART_KEY_DIGITS) == 0)
            return o->events[i];
    return NULL;
}

static enum event_kind kind_of(const char *type)
{
    int kind = 0;
    while (kind < KIND_COUNT && strcmp(kind_entry((enum event_kind)kind)->type, type) != 0)
        kind++;
    return (enum event_kind)kind;
}

/* "v1" or "p1" is 1. */
static unsigned number_in(const json_t *v)
{
    const char *text = json_string_value(v);
    return text && text[0] ? (unsigned)strtoul(text + 1, NULL, 10) : 0;
}

static void check_part(struct sim *s, const struct oevent *e, const struct oevent *of, unsigned variant)
{
    if (e->order <= of->order || e->order >= of->order + ORDER_STEPS)
        sim_broken(s, "25: %s is a part of e%u, and does not stand just above it", e->id, of->number);
    else if (e->service != of->service)
        sim_broken(s, "25: %s is a part of e%u, and another service's", e->id, of->number);
    else if (of->ask.preview || !is_asked_for(&of->ask, e, variant))
        sim_broken(s, "25: %s is a part of e%u, which does not ask for that: %s", e->id, of->number, kind_entry(e->kind)->type);
    else if (moved_record(of) && !of->excused)
        sim_broken(s, "25: %s is made of e%u after that was decided", e->id, of->number);
}

/* NULL: it is none. */
static struct oevent *add_part(struct sim *s, const struct event *e, unsigned variant)
{
    struct oracle *o = s->oracle;
    struct oevent *of = snapshot_of(o, e->id);
    enum event_kind kind = kind_of(event_type_name(e->type));
    const struct order order = event_order(e, 0, 0);
    if (!of || kind == KIND_COUNT || o->event_count == EVENTS_MAX) {
        sim_broken(s, "25: a worker makes an event of nothing that was sent: %s", e->id);
        return NULL;
    }
    unsigned part = number_in(json_object_get(json_array_get(json_object_get(e->data, "packages"), 0), "id"));
    unsigned n = oracle_event(s, kind, (unsigned)strtoul(e->service + 1, NULL, 10), part, -1, false, false, 0);
    struct oevent *made = o->events[n];
    made->order = ORDER_STEPS * (int64_t)order.number + order.sub;
    made->id = sim_copy(s, e->id, strlen(e->id));
    made->of = of;
    oracle_key(s, n, e->key);
    check_part(s, made, of, variant);
    return made;
}

void oracle_part_written(struct sim *s, int32_t partition, const struct kmessage *m)
{
    struct event_message em = {m->key, m->key_len, m->value, m->value_len, m->headers, m->header_count};
    struct event e;
    struct fault fault;
    if (m->offset < s->oracle->place_count[partition]) /* billing's: it is known by now */
        return;
    if (event_decode(s->env->schemas, &em, &e, &fault) != 0) {
        sim_broken(s, "25: a worker writes an invalid event: %s %s", fault.pointer, fault.reason);
        return;
    }
    unsigned n = oracle_event_of_id(s, e.id, strlen(e.id)), variant = e.type == EVENT_PLAN_CHANGED ? number_in(json_object_get(e.data, "plan")) : 0;
    struct oevent *part = n != EVENTS_NONE ? s->oracle->events[n] : add_part(s, &e, variant);
    event_fini(&e);
    if (!part)
        return;
    sim_mark(s, n != EVENTS_NONE ? MARK_PART_AGAIN : MARK_PART);
    if (!part->text)
        part->text = m->value;
    else if (strcmp(part->text, m->value) != 0)
        sim_broken(s, "25: %s is made with two contents: %s and %s", part->id, part->text, m->value);
    oracle_sent(s, partition, m->offset, PLACE_EVENT, part->number, variant);
}

/* ---- its outcome ---- */

void oracle_snapshot_ended(struct sim *s, struct oevent *e, const json_t *data)
{
    const json_t *given = json_object_get(data, "given"), *changes = json_object_get(given, "changes");
    const char *compared = json_string_value(json_object_get(given, "compared"));
    e->compared = compared && strcmp(compared, "platform") == 0;
    for (size_t i = 0; i < json_array_size(json_object_get(given, "left")); i++)
        sim_note(s, NULL, "left", json_string_value(json_array_get(json_object_get(given, "left"), i)), e->number, -1);
    for (size_t i = 0; i < json_array_size(changes); i++) {
        const char *id = json_string_value(json_object_get(json_array_get(changes, i), "id"));
        if (!e->ask.preview && (!id || oracle_event_of_id(s, id, strlen(id)) == EVENTS_NONE))
            sim_broken(s, "25: e%u is applied, and its part %s does not stand in Kafka", e->number, id ? id : "(none)");
    }
}

/* Nothing older begins once a snapshot is decided. */
void oracle_check_passed(struct sim *s, const struct oevent *e)
{
    const struct oracle *o = s->oracle;
    if (has_no_axis(e) || effects_of(e) > 0 || doubts_of(e) > 0)
        return;
    for (unsigned i = 0; i < o->event_count; i++) {
        const struct oevent *n = o->events[i];
        if (is_to_apply(n) && n->service == e->service && n->order > e->order && moved_record(n) && !n->excused)
            sim_broken(s, "25: e%u leaves, and e%u, which is a newer snapshot, is decided", e->number, n->number);
    }
}

/* ---- in the end ---- */

static bool is_of_status(const struct oevent *e)
{
    return e->kind == KIND_BLOCK || e->kind == KIND_UNBLOCK || e->kind == KIND_CUT || e->kind == KIND_BACK;
}

static bool touches(const struct oevent *e, enum event_kind like, unsigned part)
{
    const struct oevent as = {.service = e->service, .kind = like, .part = part};
    return like == KIND_BLOCK ? is_of_status(e) : same_axis(e, &as);
}

/* Something else may have set it since, or nobody knows what became of it. */
static bool is_open(const struct oracle *o, const struct oevent *snapshot, enum event_kind like, unsigned part)
{
    for (unsigned i = 0; i < o->event_count; i++) {
        const struct oevent *e = o->events[i];
        bool own = e->of == snapshot;
        if (e == snapshot || e->service != snapshot->service)
            continue;
        if (e->kind == KIND_DELETE || (is_to_apply(e) && e->order > snapshot->order))
            return true;
        if (touches(e, like, part) && ((!own && e->order > snapshot->order) || e->in_doubt || e->excused || e->dropped || (own && !moved_record(e))))
            return true;
    }
    return false;
}

static void check_reached(struct sim *s, const struct oevent *e)
{
    const struct oracle *o = s->oracle;
    bool off = is_off(o, e->service);
    if (off != (e->ask.status != ASK_ON) && !is_open(o, e, KIND_BLOCK, 0))
        sim_broken(s, "25: e%u was applied, and s%u is %s", e->number, e->service, off ? "off" : "on");
    if (e->ask.plan >= 0 && plan_of(o, e->service) != e->ask.plan && !is_open(o, e, KIND_PLAN, 0))
        sim_broken(s, "25: e%u was applied, and s%u has plan v%d", e->number, e->service, plan_of(o, e->service));
    for (unsigned part = 0; part < 2 && e->ask.packages >= 0; part++)
        if (has_package(o, e->service, part) != ((e->ask.packages & 1 << part) != 0) && !is_open(o, e, KIND_PACKAGE, part))
            sim_broken(s, "25: e%u was applied, and p%u of s%u is not as it says", e->number, part, e->service);
    sim_mark(s, MARK_REACHED);
}

void oracle_snapshots_final(struct sim *s)
{
    const struct oracle *o = s->oracle;
    for (unsigned i = 0; i < o->event_count && !s->failure[0]; i++)
        if (is_to_apply(o->events[i]) && o->events[i]->compared && moved_record(o->events[i]))
            check_reached(s, o->events[i]);
}
