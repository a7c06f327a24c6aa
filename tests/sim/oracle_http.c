/* oracle_http.c - requests and effects. */
#include "oracle_state.h"

#include <string.h>

enum slot_name slot_of(const struct request *r)
{
    switch (r->op) {
    case OP_BLOCK:
        return SLOT_BLOCK;
    case OP_CUT:
    case OP_BACK:
        return SLOT_SUSPENSION;
    case OP_DELETE:
        return SLOT_DELETE;
    case OP_LABEL:
        return SLOT_LABEL;
    case OP_PLAN:
        return SLOT_PLAN;
    case OP_TAG:
        return SLOT_TAG;
    case OP_PACKAGE:
        return (enum slot_name)(SLOT_PACKAGE + r->part % PARTS_MAX);
    case OP_NOTE:
        return SLOT_NOTE;
    case OP_LIMIT:
        return SLOT_LIMIT;
    case OP_PING:
    case OP_DONE:
    case OP_EXTRAS:
    case OP_SEEN:
    case OP_ACCOUNT:
    case OP_MESSAGE:
    case OP_COUNT:
        return SLOT_COUNT;
    }
    return SLOT_COUNT;
}

static struct oevent *event_of(struct sim *s, const struct request *r)
{
    struct oracle *o = s->oracle;
    struct oevent *e = r->event < o->event_count ? o->events[r->event] : NULL;
    if (!e || e->service != r->service || step_of(e, r->op) < 0) {
        sim_broken(s, "a request of no event: %s e%u s%u", op_entry(r->op)->name, r->event, r->service);
        return NULL;
    }
    return e;
}

/* 8: what may have been done is not sent again, but as its class allows. */
static void check_again(struct sim *s, const struct oevent *e, const struct ostep *st, const struct request *r)
{
    const struct settings_numbers *n = &s->env->provider->numbers;
    int64_t age_ms = (s->now - st->last_left) / SIM_MS;
    switch (op_entry(r->op)->repeat) {
    case CALL_READ:
        return;
    case CALL_SAFE:
        sim_mark(s, MARK_RESENT_SAFE);
        return;
    case CALL_KEYED:
        sim_mark(s, MARK_RESENT_KEYED);
        if (strcmp(st->key, r->key) != 0)
            sim_broken(s, "8: %s of e%u is sent again with another key", op_entry(r->op)->name, e->number);
        return;
    case CALL_QUERY:
        if (age_ms < n->request_ms + n->provider_max_ms)
            sim_broken(s, "8: %s of e%u is sent again %lld ms after one in doubt", op_entry(r->op)->name, e->number,
                       (long long)age_ms);
        return;
    case CALL_NEVER:
        sim_broken(s, "8: %s of e%u may have been done and is sent again", op_entry(r->op)->name, e->number);
        return;
    }
}

/* 7: one call in flight a service. Those of a process that stands still are not counted. */
static void check_alone(struct sim *s, const struct request *r)
{
    struct flight **at = &s->oracle->flights[r->service];
    unsigned in_flight = 0;
    while (*at) {
        const struct request *f = (*at)->r;
        if (f->given_up || !f->p->alive) {
            *at = (*at)->next;
            continue;
        }
        if (!f->p->paused)
            sim_broken(s, "7: %s of e%u leaves while %s of e%u is in flight for the same service", op_entry(r->op)->name,
                       r->event, op_entry(f->op)->name, f->event);
        in_flight++;
        at = &(*at)->next;
    }
}

/* One that is under way for longer is that of a process which stands still: its time is over. Where the slots are split by
 * partitions, those of a process that stood still may be another's with them; a lease is not, before it ends. */
static bool is_under_way(const struct sim *s, const struct flight *f)
{
    const struct request *r = f->r;
    bool leased = s->cfg.in_flight < (unsigned)s->cfg.partitions;
    if (r->given_up || !r->p->alive || (!leased && r->p->pauses != f->pauses))
        return false;
    return s->now - r->left_at <= s->env->provider->numbers.request_ms * SIM_MS;
}

/* 15: no more calls at once than the platform bears, whoever makes them. Leases that a Redis lost may be given twice, and end in
 * time. `probe` is nobody's call. */
static void check_limit(struct sim *s, struct request *r)
{
    struct oracle *o = s->oracle;
    const struct settings_numbers *n = &s->env->provider->numbers;
    unsigned calls = 1;
    for (struct flight **at = &o->calls; *at;) {
        bool is = is_under_way(s, *at);
        calls += is;
        if (is)
            at = &(*at)->next;
        else
            *at = (*at)->next;
    }
    struct flight *f = sim_alloc(s, sizeof(*f));
    *f = (struct flight){o->calls, r, r->p->pauses};
    o->calls = f;
    bool lost = o->redis_lost && s->now - o->redis_lost_at <= n->lease_ms * SIM_MS;
    if (calls > s->cfg.in_flight && !lost)
        sim_broken(s, "15: %s of e%u is call %u at once, of %u", op_entry(r->op)->name, r->event, calls, s->cfg.in_flight);
}

/* 13: who lost the partition sends nothing later than O. */
static void check_owner(struct sim *s, const struct request *r)
{
    char key[16];
    int len = snprintf(key, sizeof(key), "s%u", r->service);
    int32_t part = partition_of(PARTITIONER_MURMUR2, key, (size_t)len, s->kafka->partitions);
    const struct owner *o = &s->oracle->owners[part];
    int64_t since_ms = (s->now - o->since) / SIM_MS;
    oracle_acts_left(s, r, part);
    if (o->p && o->p != r->p && since_ms > s->env->provider->numbers.ownership_ms)
        sim_broken(s, "13: %s of e%u leaves %lld ms after partition %d went to another", op_entry(r->op)->name, r->event,
                   (long long)since_ms, (int)part);
}

static void check_rights(struct sim *s, const struct oevent *e, const struct request *r)
{
    const char *name = op_entry(r->op)->name;
    if (e->claimed_by != r->p)
        sim_broken(s, "4: %s of e%u leaves without a claim", name, e->number);
    else if (e->step_owed)
        sim_broken(s, "4: %s of e%u leaves before the step before it is noted", name, e->number);
    else if (r->value >= VARIANTS || (e->variant >= 0 && e->variant != (int)r->value))
        sim_broken(s, "11: e%u is sent with another content", e->number);
    else if (e->final[r->value] >= 0 && !e->excused && e->asked <= e->round[r->value])
        sim_broken(s, "17: %s of e%u leaves after its outcome", name, e->number);
}

/* 3: whoever is next knows that it may have been sent: a commit's ceiling says so, or its entry. */
static void check_covered(struct sim *s, const struct oevent *e, const struct request *r, int32_t partition)
{
    const struct oracle *o = s->oracle;
    for (int64_t at = 0; at < o->place_count[partition]; at++) {
        const struct place *p = o->places[partition][at];
        bool ceiling = at >= o->committed[partition] && at < o->ceiling[partition];
        bool covered = ceiling || (p->waits && p->state == ENTRY_SENDING); /* an index is read before the first claim */
        if (p->kind == PLACE_EVENT && p->event == e->number && covered)
            return;
    }
    sim_broken(s, "3: %s of e%u leaves, and neither the ceiling of partition %d (%lld) nor an entry covers it", op_entry(r->op)->name, e->number,
               (int)partition, (long long)o->ceiling[partition]);
}

/* 22: what a cut takes away stands in Kafka before the cut leaves. */
static void check_remembered(struct sim *s, const struct oevent *e, const struct request *r)
{
    unsigned lacks = s->oracle->extras[r->service] & ~s->oracle->remembered[r->service];
    if (r->op == OP_CUT && lacks != 0)
        sim_broken(s, "22: cut of e%u leaves though no acknowledged record remembers extras %u", e->number, lacks);
}

static int64_t first_place(const struct oracle *o, int32_t partition, unsigned event)
{
    int64_t at = 0;
    while (at < o->place_count[partition] &&
           (o->places[partition][at]->kind != PLACE_EVENT || o->places[partition][at]->event != event))
        at++;
    return at;
}

int32_t partition_of_service(const struct sim *s, unsigned service)
{
    char key[16];
    int len = snprintf(key, sizeof(key), "s%u", service);
    return partition_of(PARTITIONER_MURMUR2, key, (size_t)len, s->kafka->partitions);
}

/* Of two that may both have been sent the newer one goes first. */
static bool goes_first(const struct oevent *e, const struct oevent *older)
{
    return !e->fresh && e->order > older->order && same_axis(e, older);
}

/* It covers one that is dead, or of which nothing can come any more: that is closed, or superseded. */
static bool covers_parked(const struct sim *s, const struct oevent *e, const struct oevent *older, bool dead)
{
    const struct settings_numbers *n = &s->env->provider->numbers;
    if (!may_cover(e, older))
        return false;
    for (unsigned i = 0; i < steps_of(older) && !dead; i++)
        if (older->steps[i].last_left > 0 && (s->now - older->steps[i].last_left) / SIM_MS < n->request_ms + n->provider_max_ms)
            return false;
    return true;
}

/* 14: what waits for a person holds back what comes after it. */
static void check_held(struct sim *s, const struct oevent *e, const struct request *r)
{
    const struct oracle *o = s->oracle;
    int32_t part = partition_of_service(s, r->service);
    int64_t first = first_place(o, part, e->number);
    for (int64_t i = 0; i < first && i < o->place_count[part]; i++) {
        const struct place *p = o->places[part][i];
        const struct oevent *held = p->kind == PLACE_EVENT && p->waits && p->parked ? o->events[p->event] : NULL;
        if (held && held != e && holds_back(held, e) && !goes_first(e, held) && !covers_parked(s, e, held, p->state == ENTRY_DEAD))
            sim_broken(s, "14: %s of e%u leaves while e%u waits for a person", op_entry(r->op)->name, e->number, p->event);
    }
}

/* 24: by the clock of who begins it; what one with a faster clock began goes on. A person need not wait for it. */
static void check_begins(struct sim *s, const struct oevent *e, const struct request *r)
{
    for (unsigned i = 0; i < steps_of(e); i++)
        if (e->steps[i].last_left > 0)
            return;
    if (!e->begun && sim_real_ms(s) + r->p->real_offset_ms < e->begins_ms && !s->cfg.on[FAULT_ACTS])
        sim_broken(s, "24: %s of e%u leaves before its time", op_entry(r->op)->name, e->number);
}

/* 9: a claim, or a step that was noted, lets a request leave once; what leaves again has another. */
static void check_try(struct sim *s, const struct oevent *e, const struct ostep *st, const struct request *r)
{
    if (st->last_left > 0 && st->try_no == e->tries)
        sim_broken(s, "9: %s of e%u leaves twice in one try", op_entry(r->op)->name, e->number);
}

/* For oracle_count.c. */
static void note_sent(struct sim *s, const struct request *r)
{
    struct oevent *e = r->event < s->oracle->event_count ? s->oracle->events[r->event] : NULL;
    if (!e || r->op == OP_PING || r->op == OP_DONE)
        return;
    e->sent++;
}

void oracle_left(struct sim *s, struct request *r)
{
    if (r->op != OP_PING)
        check_limit(s, r);
    note_sent(s, r);
    if (op_entry(r->op)->repeat == CALL_READ)
        return;
    struct oevent *e = event_of(s, r);
    if (!e)
        return;
    struct ostep *st = &e->steps[step_of(e, r->op)];
    check_rights(s, e, r);
    check_try(s, e, st, r);
    if (st->last_left > 0 && op_entry(r->op)->repeat == CALL_QUERY)
        sim_mark(s, MARK_RESENT_QUERY);
    if (st->doubts > 0)
        check_again(s, e, st, r);
    check_covered(s, e, r, partition_of_service(s, r->service));
    check_remembered(s, e, r);
    check_alone(s, r);
    check_owner(s, r);
    oracle_check_proof(s, r);
    check_held(s, e, r);
    check_begins(s, e, r);
    oracle_check_passed(s, e);
    oracle_cut_left(s, e, partition_of_service(s, r->service));
    e->variant = (int)r->value;
    st->doubts++;
    st->last_left = s->now;
    st->try_no = e->tries;
    snprintf(st->key, sizeof(st->key), "%s", r->key);
    struct flight *f = sim_alloc(s, sizeof(*f));
    *f = (struct flight){s->oracle->flights[r->service], r, r->p->pauses};
    s->oracle->flights[r->service] = f;
}

/* The platform was asked and said so: nothing of it is in doubt any more. */
static void was_asked(struct sim *s, const struct request *r, const struct call_reply *reply)
{
    struct oracle *o = s->oracle;
    int step = r->event < o->event_count ? step_of(o->events[r->event], (enum op)r->part) : -1;
    if (step >= 0 && reply->result == CALL_OK && reply->status == 200 && reply->body[0] == '{')
        o->events[r->event]->steps[step].doubts = 0;
}

/* Only an answer that the pack knows, or one that says "not done", ends a transmission's doubt. */
void oracle_answered(struct sim *s, const struct request *r, const struct call_reply *reply)
{
    if (r->op == OP_DONE)
        was_asked(s, r, reply);
    if (op_entry(r->op)->repeat == CALL_READ || reply->request_bytes == 0 || reply->result != CALL_OK)
        return;
    struct oevent *e = event_of(s, r);
    if (!e)
        return;
    struct ostep *st = &e->steps[step_of(e, r->op)];
    bool done = reply->status == 200 && reply->body[0] == '{';
    bool not_done = reply->status == 422 || reply->status == 429 || (reply->status == 503 && reply->retry_after_ms >= 0);
    if (done)
        st->doubts = 0;
    else if (not_done && st->doubts > 0)
        st->doubts--;
    if (done)
        e->step_owed = steps_of(e) > 1 && step_of(e, r->op) + 1 < (int)steps_of(e);
}

/* ---- effects ---- */

static void check_once(struct sim *s, const struct oevent *e, const struct ostep *st, const struct request *r)
{
    if (st->effects > 1 && op_entry(r->op)->repeat != CALL_SAFE)
        sim_broken(s, "5: %s of e%u was done %u times", op_entry(r->op)->name, e->number, st->effects);
    if (e->variant != (int)r->value)
        sim_broken(s, "11: e%u was done with another content", e->number);
    int final = e->final[r->value];
    bool denied = final == OUTCOME_STALE || final == OUTCOME_EXPIRED || final == OUTCOME_CONFLICT ||
                  final == OUTCOME_REJECTED || final == OUTCOME_SUPERSEDED;
    if (denied && !e->excused)
        sim_broken(s, "17: e%u is done after it was %s", e->number, outcome_kind_name((enum outcome_kind)final));
}

/* 6: on each axis, and below a deletion, the platform moves forward only. */
static void check_order(struct sim *s, const struct oevent *e, const struct request *r)
{
    struct slot *slots = s->oracle->slots[e->service];
    enum slot_name name = slot_of(r);
    const struct slot *gone = &slots[SLOT_DELETE];
    if (name == SLOT_COUNT)
        return;
    struct slot *at = &slots[name];
    const struct slot *newer = at->order > e->order ? at : gone->order > e->order ? gone : NULL;
    if (newer && newer->event != (int)e->number)
        sim_broken(s, "6: %s of e%u (order %lld) is done after e%d (order %lld)", op_entry(r->op)->name, e->number,
                   (long long)(e->order / ORDER_STEPS), newer->event, (long long)(newer->order / ORDER_STEPS));
    if (!newer)
        *at = (struct slot){(int)e->number, e->order};
}

/* 22: what was remembered before a cut is put back after it. */
static void change_extras(struct sim *s, const struct oevent *e, const struct request *r)
{
    unsigned *extras = &s->oracle->extras[e->service];
    if (r->op == OP_CUT)
        *extras = 0;
    if (r->op != OP_BACK)
        return;
    if (*extras == 0)
        sim_mark(s, MARK_PUT_BACK);
    *extras |= r->part;
    if (*extras != EXTRAS_ALL)
        sim_broken(s, "22: e%u put extras %u back, of %u that were there before the cut", e->number, r->part, EXTRAS_ALL);
}

unsigned oracle_extras(struct sim *s, unsigned service)
{
    return s->oracle->extras[service];
}

void oracle_effect(struct sim *s, const struct request *r)
{
    struct oevent *e = event_of(s, r);
    if (!e)
        return;
    int step = step_of(e, r->op);
    if (step > 0 && e->steps[step - 1].effects == 0)
        sim_broken(s, "a step of e%u is done before the one before it", e->number);
    e->steps[step].effects++;
    oracle_accounts_effect(s, e);
    check_once(s, e, &e->steps[step], r);
    check_order(s, e, r);
    change_extras(s, e, r);
    if (r->op == OP_LIMIT && !platform_has_seen(s, r->service))
        sim_broken(s, "23: limit of e%u is done before its user was there", e->number);
}
