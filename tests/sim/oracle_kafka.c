/* oracle_kafka.c - what stands in Kafka: outcomes, records, dead letters, commits. */
#include "contract/act.h"
#include "contract/entry.h"
#include "oracle_state.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* ---- settled ---- */

static bool needs_dead_letter(enum outcome_kind k)
{
    return k == OUTCOME_DEAD || k == OUTCOME_CONFLICT;
}

bool place_is_settled(const struct oracle *o, const struct place *p)
{
    if (p->kind != PLACE_EVENT)
        return p->dead_acked;
    if (!p->outcome_acked || (needs_dead_letter(p->outcome) && !p->dead_acked))
        return false;
    if (p->outcome == OUTCOME_DEAD && !p->was_dead && !o->events[p->event]->dropped)
        return false;
    return p->outcome != OUTCOME_APPLIED || o->events[p->event]->record_acked;
}

/* ---- outcomes ---- */

/* Its last step is, so all are. */
static bool is_done(const struct oevent *e)
{
    return e->kind == KIND_SNAPSHOT ? e->decided || e->recorded : e->steps[steps_of(e) - 1].effects > 0;
}

/* For `superseded` (@done) it was done at the platform, which Redis may have been told though Kafka was not; for `stale` it
 * is as new at least. */
bool has_newer(const struct oracle *o, const struct oevent *e, bool done)
{
    for (unsigned i = 0; i < o->event_count; i++) {
        const struct oevent *n = o->events[i];
        bool sets = same_axis(n, e) || says_all(n) || (says_all(e) && e->kind == KIND_SNAPSHOT && !has_no_axis(n));
        if (n != e && (moved_record(n) || (done && is_done(n))) && n->service == e->service && n->order >= e->order + done && sets)
            return true;
    }
    return false;
}

static void check_applied(struct sim *s, const struct oevent *e, const struct place *p)
{
    if (e->variant >= 0 && e->variant != (int)p->variant)
        sim_broken(s, "11: e%u is said to be applied with a content that was never sent", e->number);
    for (unsigned i = 0; i < steps_of(e); i++)
        if (e->steps[i].effects == 0)
            sim_broken(s, "17: e%u is said to be applied, but step %s was never done", e->number,
                       op_entry(kind_entry(e->kind)->ops[i])->name);
    if (e->refused)
        sim_broken(s, "17: e%u is said to be applied, but the platform refuses it", e->number);
}

static void check_untouched(struct sim *s, const struct oevent *e, const struct place *p, const char *word)
{
    if (e->variant == (int)p->variant && (effects_of(e) > 0 || doubts_of(e) > 0))
        sim_broken(s, "17: e%u is said to be %s, but it was sent (%u effects, %u doubts)", e->number, word, effects_of(e),
                   doubts_of(e));
}

/* One that may have been sent by an owner who is gone is superseded only when nothing of it can come any more. */
static void check_superseded(struct sim *s, const struct oevent *e, const struct place *p)
{
    const struct settings_numbers *n = &s->env->provider->numbers;
    if (!has_newer(s->oracle, e, true))
        sim_broken(s, "17: e%u is said to be superseded, but nothing newer that covers it was applied", e->number);
    if (e->variant != (int)p->variant || (effects_of(e) == 0 && doubts_of(e) == 0))
        return;
    if (p->was_parked)
        sim_mark(s, MARK_DOUBT_COVERED);
    sim_mark(s, MARK_SUPERSEDED_DOUBT);
    for (unsigned i = 0; i < steps_of(e); i++)
        if (e->steps[i].last_left > 0 && (s->now - e->steps[i].last_left) / SIM_MS < n->request_ms + n->provider_max_ms)
            sim_broken(s, "17: e%u is superseded before the quarantine of what was sent of it", e->number);
}

static void check_dead(struct sim *s, struct oevent *e, const char *reason)
{
    e->in_doubt |= steps_of(e) > 1;
    sim_mark(s, MARK_DEAD_EXHAUSTED);
    if (steps_of(e) == 1 && (effects_of(e) > 0 || doubts_of(e) > 0))
        sim_broken(s, "17: e%u is dead as %s, but it may have been done (%u effects, %u doubts)", e->number, reason,
                   effects_of(e), doubts_of(e));
}

static void check_kind(struct sim *s, struct oevent *e, const struct place *p, enum outcome_kind kind, const char *reason)
{
    switch (kind) {
    case OUTCOME_APPLIED:
    case OUTCOME_UNCHANGED:
        check_applied(s, e, p);
        return;
    case OUTCOME_REJECTED:
        sim_mark(s, MARK_REJECTED);
        if (!e->refused)
            sim_broken(s, "17: e%u is rejected as %s, but nobody refused it", e->number, reason);
        return;
    case OUTCOME_STALE:
        if (!oracle_is_rebased(s->oracle, e->service, e->order)) /* else it counts as applied, however far it came */
            check_untouched(s, e, p, "stale");
        if (!has_newer(s->oracle, e, false) && !oracle_is_rebased(s->oracle, e->service, e->order))
            sim_broken(s, "17: e%u is said to be stale, but nothing newer was applied", e->number);
        return;
    case OUTCOME_EXPIRED:
        sim_mark(s, MARK_EXPIRED);
        check_untouched(s, e, p, "expired");
        if (e->expires_ms == 0)
            sim_broken(s, "17: e%u is said to be expired, but has no expirytime", e->number);
        return;
    case OUTCOME_CONFLICT:
        sim_mark(s, MARK_CONFLICT);
        check_untouched(s, e, p, "a conflict");
        return;
    case OUTCOME_DEAD:
        check_dead(s, e, reason);
        return;
    case OUTCOME_SUPERSEDED:
        check_superseded(s, e, p);
        return;
    case OUTCOME_PREVIEW:
    case OUTCOME_HELD:
    case OUTCOME_IN_DOUBT:
    case OUTCOME_WAITING:
    case OUTCOME_KIND_COUNT:
        return;
    }
}

static const char *text_of(const json_t *o, const char *name)
{
    const char *t = json_string_value(json_object_get(o, name));
    return t ? t : "";
}

/* The next round begins, if an operator asked for it. False: @round is one before the present one. */
static bool take_round(struct sim *s, struct oevent *e, unsigned variant, unsigned round, enum outcome_kind kind)
{
    unsigned r = round - 1;
    if (r < e->round[variant]) {
        if (e->past[variant][r % ROUNDS_MAX] != (int)kind && !e->excused)
            sim_broken(s, "10: e%u has another outcome of round %u", e->number, round);
        return false;
    }
    if (r > e->round[variant]) {
        if (r > e->asked)
            sim_broken(s, "10: e%u has an outcome of round %u, for which nobody asked", e->number, round);
        for (; e->round[variant] < r; e->round[variant]++)
            e->past[variant][e->round[variant] % ROUNDS_MAX] = e->final[variant];
        e->final[variant] = -1;
        sim_mark(s, MARK_REDRIVEN);
    }
    return true;
}

/* The place that the data of an outcome is about; NULL: none. */
static struct place *place_told(struct oracle *o, const json_t *data)
{
    const json_t *at = json_object_get(data, "place");
    return place_at(o, (int32_t)json_integer_value(json_object_get(at, "partition")), json_integer_value(json_object_get(at, "offset")));
}

static void on_outcome(struct sim *s, const struct kmessage *m)
{
    json_t *root = json_loadb(m->value, m->value_len, 0, NULL);
    const json_t *data = json_object_get(root, "data");
    struct place *p = place_told(s->oracle, data);
    enum outcome_kind kind = OUTCOME_KIND_COUNT;
    if (!p || p->kind != PLACE_EVENT || outcome_kind_parse(text_of(data, "kind"), &kind) != 0) {
        sim_broken(s, "an outcome of nothing that was sent: %.*s", (int)m->value_len, m->value);
    } else if (outcome_kind_is_final(kind)) {
        struct oevent *e = s->oracle->events[p->event];
        int *final = &e->final[p->variant];
        const char *reason = text_of(data, "reason");
        sim_note(s, NULL, "outcome", text_of(data, "kind"), e->number, p->variant);
        if (!take_round(s, e, p->variant, (unsigned)json_integer_value(json_object_get(data, "round")), kind)) {
            p->outcome_written = true;
            p->outcome = kind;
            json_decref(root);
            return;
        }
        if (strcmp(text_of(data, "resolved"), "read_back") == 0)
            sim_mark(s, MARK_READ_BACK);
        if (*final >= 0 && *final != (int)kind && !e->excused)
            sim_broken(s, "10: e%u has the outcomes %s and %s", e->number, outcome_kind_name((enum outcome_kind)*final),
                       outcome_kind_name(kind));
        if (*final < 0)
            check_kind(s, e, p, kind, reason);
        oracle_count_attempts(s, e, (unsigned)json_integer_value(json_object_get(data, "attempts")));
        if (e->kind == KIND_SNAPSHOT && outcome_kind_moves_record(kind))
            oracle_snapshot_ended(s, e, data);
        *final = (int)kind;
        p->outcome_written = true;
        p->outcome = kind;
    }
    json_decref(root);
}

/* ---- records ---- */

static void on_record(struct sim *s, const struct kmessage *m)
{
    struct oracle *o = s->oracle;
    json_t *root = json_loadb(m->value, m->value_len, 0, NULL), *axis;
    const char *name;
    json_object_foreach (json_object_get(root, "axes"), name, axis) {
        const char *id = text_of(axis, "id");
        unsigned n = oracle_event_of_id(s, id, strlen(id));
        if (n < o->event_count)
            o->events[n]->recorded = true;
    }
    json_decref(root);
}

/* The record says this event's order on its axis, or a later one's. */
static void record_acked(struct sim *s, const struct kmessage *m)
{
    struct oracle *o = s->oracle;
    json_t *root = json_loadb(m->value, m->value_len, 0, NULL), *axis;
    unsigned service = (unsigned)strtoul(m->key + 1, NULL, 10);
    const char *name;
    if (json_object_get(root, "remembered") != NULL && o->extras[service] != 0)
        sim_mark(s, MARK_REMEMBERED);
    o->remembered[service] = (unsigned)json_integer_value(json_object_get(json_object_get(root, "remembered"), "extras"));
    json_object_foreach (json_object_get(root, "axes"), name, axis) {
        const char *id = text_of(axis, "id");
        unsigned n = oracle_event_of_id(s, id, strlen(id));
        for (unsigned i = 0; i < o->event_count && n < o->event_count; i++)
            if (o->events[i] == o->events[n] || (same_axis(o->events[i], o->events[n]) && o->events[i]->order <= o->events[n]->order))
                o->events[i]->record_acked = true;
    }
    for (unsigned i = 0; i < o->event_count; i++) /* these have no axis: any record does */
        if (o->events[i]->service == service && has_no_axis(o->events[i]))
            o->events[i]->record_acked = true;
    json_decref(root);
}

/* ---- waiting entries ---- */

static struct place *place_of_entry(struct sim *s, const struct kmessage *m, struct entry *ret, enum entry_decoded *ret_what)
{
    const struct event_message em = {m->key, m->key_len, m->value, m->value_len, m->headers, m->header_count};
    struct fault fault;
    *ret_what = entry_decode(&em, ret, &fault);
    struct place *p = *ret_what == ENTRY_IS_INVALID ? NULL : place_at(s->oracle, ret->place.partition, ret->place.offset);
    if (p == NULL || p->kind != PLACE_EVENT)
        sim_broken(s, "14: a waiting entry of nothing that was sent: %.*s", (int)m->key_len, m->key);
    return p;
}

static bool is_for_person(const struct entry *e)
{
    return (e->state == ENTRY_DOUBT && e->reason == ENTRY_FOR_DOUBT) || (e->state == ENTRY_DEAD && e->reason == ENTRY_FOR_DEAD);
}

/* Only one that kills its worker, or that other crashes made look like it, is blamed for that; and before a person says that
 * it be worked again, its cause is mended. */
static void check_culprit(struct sim *s, struct oevent *e, const char *detail)
{
    if (strcmp(detail, "crashed") == 0) {
        sim_mark(s, MARK_CULPRIT);
        if (!e->poison && e->crashes == 0 && !e->culprit)
            sim_broken(s, "18: e%u is blamed for crashes that are another's", e->number);
    }
    e->culprit |= e->poison; /* its entry may have to be written again */
    e->poison = false;
}

static void on_entry(struct sim *s, const struct kmessage *m)
{
    struct entry e;
    enum entry_decoded what;
    struct place *p = place_of_entry(s, m, &e, &what);
    if (p == NULL || what != ENTRY_IS_ENTRY)
        return;
    char text[64];
    snprintf(text, sizeof(text), "%s %s", entry_state_name(e.state), entry_reason_name(e.reason));
    sim_note(s, NULL, "entry", text, p->event, e.place.offset);
    oracle_pace_aside(s, s->oracle->events[p->event]);
    if (e.reason == ENTRY_FOR_GUARD)
        oracle_held(s, s->oracle->events[p->event], e.place.partition);
    if (e.state == ENTRY_DOUBT && (is_for_person(&e) || e.reason == ENTRY_FOR_BEHIND)) {
        s->oracle->events[p->event]->in_doubt = true;
        check_culprit(s, s->oracle->events[p->event], e.detail);
        sim_mark(s, MARK_PARKED_DOUBT);
    }
}

/* ---- dead letters ---- */

static int64_t header_number(const struct kmessage *m, const char *name)
{
    for (size_t i = 0; i < m->header_count; i++)
        if (strcmp(m->headers[i].name, name) == 0)
            return strtoll(m->headers[i].value, NULL, 10);
    return -1;
}

static struct place *place_of_dead(struct oracle *o, const struct kmessage *m)
{
    return place_at(o, (int32_t)header_number(m, "tvbridge-partition"), header_number(m, "tvbridge-offset"));
}

static void on_dead(struct sim *s, const struct kmessage *m)
{
    struct place *p = place_of_dead(s->oracle, m);
    if (!p) {
        sim_broken(s, "a dead letter of nothing that was sent");
        return;
    }
    p->dead_written = true;
    if (p->kind == PLACE_INVALID)
        sim_mark(s, MARK_DEAD_INVALID);
    else if (p->kind == PLACE_MISPLACED)
        sim_mark(s, MARK_DEAD_MISPLACED);
}

/* ---- written, acknowledged ---- */

/* How the provider stands there: wide_acts.c. */
static bool is_of_partition(const struct kmessage *m)
{
    int32_t partition;
    return partition_key_parse(m->key, m->key_len, &partition) == 0;
}

void oracle_written(struct sim *s, const struct ktopic *t, int32_t partition, const struct kmessage *m)
{
    for (size_t i = 0; i < m->header_count; i++)
        oracle_private(s, "a header", m->headers[i].value);
    if (strstr(t->name, "control"))
        oracle_control_written(s, partition, m);
    else if (strstr(t->name, "outcomes"))
        on_outcome(s, m);
    else if (strstr(t->name, "records") && !is_of_partition(m))
        on_record(s, m);
    else if (strstr(t->name, "waiting") && !is_of_partition(m))
        on_entry(s, m);
    else if (strstr(t->name, "dead"))
        on_dead(s, m);
    else if (strstr(t->name, "events"))
        oracle_part_written(s, partition, m);
}

struct final_told {
    struct place *place; /* NULL: of nothing, or no final outcome */
    enum outcome_kind kind;
    unsigned round;
};

static struct final_told final_of(struct sim *s, const char *value, size_t len)
{
    json_t *root = json_loadb(value, len, 0, NULL);
    const json_t *data = json_object_get(root, "data");
    struct final_told t = {.round = (unsigned)json_integer_value(json_object_get(data, "round"))};
    bool final = outcome_kind_parse(text_of(data, "kind"), &t.kind) == 0 && outcome_kind_is_final(t.kind);
    if (final != json_is_true(json_object_get(data, "final")))
        sim_broken(s, "an outcome that says of itself the contrary of what its kind is: %.*s", (int)len, value);
    t.place = final ? place_told(s->oracle, data) : NULL;
    json_decref(root);
    return t;
}

static const struct final_told *final_of_message(struct sim *s, const struct kmessage *m)
{
    if (!m->told) {
        struct final_told *t = sim_alloc(s, sizeof(*t));
        *t = final_of(s, m->value, m->value_len);
        ((struct kmessage *)(uintptr_t)m)->told = t;
    }
    return m->told;
}

const struct place *oracle_final_of(struct sim *s, const struct kmessage *m, enum outcome_kind *ret_kind, unsigned *ret_round)
{
    const struct final_told *t = final_of_message(s, m);
    *ret_kind = t->kind;
    *ret_round = t->round;
    return t->place;
}

static void outcome_produced(struct sim *s, const struct producer_message *m)
{
    struct final_told t = final_of(s, m->value, m->value_len);
    if (t.place && t.place->kind == PLACE_EVENT && t.kind != OUTCOME_CONFLICT)
        s->oracle->events[t.place->event]->produced = true;
}

void oracle_produced(struct sim *s, const struct producer_message *m)
{
    if (strstr(m->topic, "control"))
        oracle_control_produced(s, m);
    else if (strstr(m->topic, "outcomes"))
        outcome_produced(s, m);
}

static void outcome_acked(struct sim *s, const struct kmessage *m)
{
    struct place *p = final_of_message(s, m)->place;
    if (p)
        p->outcome_acked = true;
}

/* An entry that is written before its outcome is there must not end before it. */
static void entry_acked(struct sim *s, const struct kmessage *m)
{
    struct entry e;
    enum entry_decoded what;
    struct place *p = place_of_entry(s, m, &e, &what);
    if (p == NULL || m->offset < p->entry_at) /* an older version, read once more */
        return;
    p->entry_at = m->offset;
    p->waits = what == ENTRY_IS_ENTRY;
    p->state = p->waits ? e.state : ENTRY_STATE_COUNT;
    p->parked = p->waits && is_for_person(&e);
    p->was_parked |= p->parked;
    p->behind = p->waits && e.reason == ENTRY_FOR_BEHIND ? e.behind.offset : -1;
    if (p->parked && e.state == ENTRY_DEAD) {
        p->was_dead = true;
        sim_mark(s, MARK_PARKED_DEAD);
        if (!p->outcome_acked || !p->dead_acked)
            sim_broken(s, "14: the entry of e%u is dead before its outcome and dead letter are acknowledged", p->event);
    }
    if (p->waits && e.reason == ENTRY_FOR_BEHIND)
        sim_mark(s, MARK_HELD_BEHIND);
    if (p->waits && e.reason == ENTRY_FOR_FLOOD)
        sim_mark(s, MARK_FLOOD);
    if (p->waits && e.reason == ENTRY_FOR_FIRST_ACCESS && e.state == ENTRY_UNSENT)
        sim_mark(s, MARK_HELD_ACCESS);
    if (p->waits && e.reason == ENTRY_FOR_DATE)
        sim_mark(s, MARK_HELD_DATE);
    if (p->waits)
        oracle_entries(s, e.place.partition);
    sim_mark(s, p->waits ? MARK_SET_ASIDE : MARK_CALLED_BACK);
    if (!p->waits && !p->outcome_acked)
        sim_broken(s, "14: the entry of e%u ended before its outcome was acknowledged", p->event);
}

void oracle_acked(struct sim *s, const char *topic, int32_t partition, int64_t offset)
{
    const struct kmessage *m = kafka_topic(s->kafka, topic)->parts[partition].items[offset];
    struct place *p;
    sim_note(s, s->current, "acknowledged", topic, partition, offset);
    if (strstr(topic, "control"))
        oracle_control_acked(s, partition, m);
    else if (strstr(topic, "outcomes"))
        outcome_acked(s, m);
    else if (strstr(topic, "records") && !is_of_partition(m))
        record_acked(s, m);
    else if (strstr(topic, "waiting") && !is_of_partition(m))
        entry_acked(s, m);
    else if (strstr(topic, "dead") && (p = place_of_dead(s->oracle, m)))
        p->dead_acked = true;
}

/* ---- commits ---- */

static void check_settled(struct sim *s, int32_t partition, int64_t offset)
{
    struct oracle *o = s->oracle;
    const struct place *p = place_at(o, partition, offset);
    if (!p)
        sim_broken(s, "1: a commit of %d-%lld, which was never sent", (int)partition, (long long)offset);
    else if (!place_is_settled(o, p) && !p->waits)
        sim_broken(s, "1: a commit says that %d-%lld (e%u) is done, but its outcome, record or dead letter is not acknowledged",
                   (int)partition, (long long)offset, p->event);
}

/* What a commit's metadata says of @name (";ceil="), in @text; "": nothing. */
static const char *said_in(const struct consumer_partition *c, const char *name, char text[CONSUMER_METADATA_MAX + 1])
{
    snprintf(text, CONSUMER_METADATA_MAX + 1, "%.*s", (int)c->metadata_len, c->metadata);
    const char *at = strstr(text, name);
    return at ? at + strlen(name) : "";
}

static void check_map(struct sim *s, const struct consumer_partition *c)
{
    char text[CONSUMER_METADATA_MAX + 1];
    const char *at = said_in(c, ";done=", text);
    int64_t offset = c->offset;
    while (*at >= '0' && *at <= '9') {
        char *end;
        offset += strtoll(at, &end, 10);
        int64_t done = *end == '.' ? strtoll(end + 1, &end, 10) : 0;
        for (; done > 0 && !s->failure[0]; done--)
            check_settled(s, c->partition, offset++);
        sim_mark(s, MARK_DONE_MAP);
        at = *end == ',' ? end + 1 : end;
    }
}

/* 1: looked at when it leaves: from then on it may count. */
void oracle_commit_sent(struct sim *s, struct proc *p, const struct consumer_partition *c)
{
    struct oracle *o = s->oracle;
    oracle_count_commit_sent(s, p);
    if (c->control) {
        oracle_control_commit(s, c);
        return;
    }
    (void)oracle_all_settled(s); /* moves o->settled */
    for (int64_t at = o->settled[c->partition]; at < c->offset && !s->failure[0]; at++)
        check_settled(s, c->partition, at);
    check_map(s, c);
}

/* 2: commits never go back. */
void oracle_committed(struct sim *s, const struct kmember *m, int64_t generation, const struct consumer_partition *c)
{
    struct oracle *o = s->oracle;
    (void)m;
    sim_note(s, NULL, "committed", c->control ? "control" : "", c->partition, c->offset);
    if (c->control)
        return;
    if (c->offset < o->committed[c->partition])
        sim_broken(s, "2: the commit of partition %d goes back from %lld to %lld (generation %lld)", (int)c->partition,
                   (long long)o->committed[c->partition], (long long)c->offset, (long long)generation);
    o->committed[c->partition] = c->offset;
    char text[CONSUMER_METADATA_MAX + 1];
    o->ceiling[c->partition] = strtoll(said_in(c, ";ceil=", text), NULL, 10);
}

void oracle_assigned(struct sim *s, const struct kmember *m)
{
    oracle_pace_assigned(s, m);
    oracle_count_assigned(m);
    for (int32_t i = 0; i < s->kafka->partitions; i++)
        if (m->owns[i] && s->oracle->owners[i].p != m->p) {
            s->oracle->changes[i] += s->oracle->owners[i].p != NULL;
            s->oracle->owners[i] = (struct owner){m->p, s->now};
        }
}

void oracle_unassigned(struct sim *s, const struct kmember *m)
{
    (void)s;
    oracle_count_assigned(m); /* what it had is dropped, answered or not */
}
