/* oracle.c - the registry of events and places, Redis' side, the ends. */
#include "oracle_state.h"

#include <string.h>
#include <unistd.h>

#include "io/redis_scripts.h"
#include "proc_name.h"

static const struct kind_entry kinds[KIND_COUNT] = {
    [KIND_BLOCK] = {"contract.blocked", {OP_BLOCK}},
    [KIND_UNBLOCK] = {"contract.unblocked", {OP_BLOCK}},
    [KIND_DELETE] = {"service.deleted", {OP_DELETE}},
    [KIND_PLAN] = {"plan.changed", {OP_PLAN}},
    [KIND_PACKAGE] = {"package.added", {OP_PACKAGE}},
    [KIND_MESSAGE] = {"message.requested", {OP_MESSAGE}},
    [KIND_LIMIT] = {"device_limit.changed", {OP_LIMIT}},
    [KIND_CUT] = {"contract.suspended", {OP_CUT}},
    [KIND_BACK] = {"contract.reactivated", {OP_BACK}},
    [KIND_UNPACK] = {"package.removed", {OP_PACKAGE}},
    [KIND_UPDATE] = {"service.updated", {OP_TAG, OP_LABEL, OP_NOTE}},
    [KIND_SNAPSHOT] = {"service.snapshot", {OP_PING}},
};

const struct kind_entry *kind_entry(enum event_kind k)
{
    return &kinds[k];
}

#define PUT_OFF_NS (600 * SIM_S)

/* ---- registry ---- */

struct oracle *oracle_new(struct sim *s)
{
    struct oracle *o = sim_alloc(s, sizeof(*o));
    o->sim = s;
    for (unsigned i = 0; i < SERVICES_MAX; i++)
        for (unsigned k = 0; k < SLOT_COUNT; k++)
            o->slots[i][k] = (struct slot){-1, -1};
    for (unsigned i = 0; i < SERVICES_MAX; i++)
        o->extras[i] = EXTRAS_ALL;
    return o;
}

unsigned oracle_event(struct sim *s, enum event_kind kind, unsigned service, unsigned part, int64_t order, bool refused,
                      bool put_off, int64_t expires_ms)
{
    struct oracle *o = s->oracle;
    struct oevent *e = sim_alloc(s, sizeof(*e));
    *e = (struct oevent){.number = o->event_count, .service = service, .part = part, .kind = kind, .order = order < 0 ? -1 : ORDER_STEPS * order,
                         .refused = refused, .put_off = put_off, .expires_ms = expires_ms, .variant = -1, .final = {-1, -1}};
    o->events[o->event_count] = e;
    return o->event_count++;
}

void oracle_key(struct sim *s, unsigned event, const char *key)
{
    snprintf(s->oracle->events[event]->key, sizeof(s->oracle->events[event]->key), "%s", key);
}

void oracle_sent(struct sim *s, int32_t partition, int64_t offset, enum place_kind kind, unsigned event, unsigned variant)
{
    struct oracle *o = s->oracle;
    if (o->place_count[partition] == o->place_cap[partition]) {
        int64_t cap = o->place_cap[partition] ? 2 * o->place_cap[partition] : 64;
        struct place **more = sim_alloc(s, (size_t)cap * sizeof(struct place *));
        if (o->place_count[partition] > 0)
            memcpy(more, o->places[partition], (size_t)o->place_count[partition] * sizeof(struct place *));
        o->places[partition] = more;
        o->place_cap[partition] = cap;
    }
    struct place *p = sim_alloc(s, sizeof(*p));
    *p = (struct place){.kind = kind, .event = event, .variant = variant, .behind = -1};
    o->places[partition][o->place_count[partition]++] = p;
    if (kind != PLACE_EVENT)
        return;
    struct oevent *e = o->events[event];
    if (e->order < 0)
        e->order = ORDER_STEPS * offset;
    char text[128];
    snprintf(text, sizeof(text), "e%u: %s of s%u, order %lld%s, at", event, kind_entry(e->kind)->type, e->service,
             (long long)(e->order / ORDER_STEPS), e->of ? " and a step" : "");
    sim_note(s, NULL, "event", text, partition, offset);
    if (e->kind == KIND_SNAPSHOT)
        oracle_tell_ask(s, e);
}

struct place *place_at(struct oracle *o, int32_t partition, int64_t offset)
{
    if (partition < 0 || partition >= KAFKA_PARTS_MAX || offset < 0 || offset >= o->place_count[partition])
        return NULL;
    return o->places[partition][offset];
}

struct oevent *event_of_key(struct oracle *o, const char *redis_key)
{
    const char *hex = strstr(redis_key, ":e:");
    if (!hex)
        return NULL;
    for (unsigned i = 0; i < o->event_count; i++)
        if (strcmp(o->events[i]->key, hex + 3) == 0)
            return o->events[i];
    return NULL;
}

bool oracle_is_refused(struct sim *s, unsigned event)
{
    return event < s->oracle->event_count && s->oracle->events[event]->refused;
}

/* When the operator has seen it lie dead for long enough, he has a word with the platform. */
bool oracle_is_put_off(struct sim *s, unsigned event)
{
    if (s->cfg.on[FAULT_ACTS] && s->now > (s->cfg.publish_ms + s->cfg.faults_ms) * SIM_MS + PUT_OFF_NS)
        return false;
    return event < s->oracle->event_count && s->oracle->events[event]->put_off;
}

void oracle_poison(struct sim *s, unsigned event)
{
    s->oracle->events[event]->poison = true;
}

void oracle_begins(struct sim *s, unsigned event, int64_t at_ms)
{
    s->oracle->events[event]->begins_ms = at_ms;
}

bool oracle_is_poison(struct sim *s, unsigned event)
{
    return event < s->oracle->event_count && s->oracle->events[event]->poison;
}

int step_of(const struct oevent *e, enum op op)
{
    for (int i = 0; i < STEPS; i++)
        if (kinds[e->kind].ops[i] == op && op != OP_PING)
            return i;
    return -1;
}

bool oracle_was_done(struct sim *s, unsigned event, enum op op)
{
    const struct oevent *e = event < s->oracle->event_count ? s->oracle->events[event] : NULL;
    int step = e ? step_of(e, op) : -1;
    return step >= 0 && e->steps[step].effects > 0;
}

unsigned steps_of(const struct oevent *e)
{
    unsigned n = 0;
    for (int i = 0; i < STEPS; i++)
        n += kinds[e->kind].ops[i] != OP_PING;
    return n;
}

unsigned effects_of(const struct oevent *e)
{
    unsigned n = 0;
    for (int i = 0; i < STEPS; i++)
        n += e->steps[i].effects;
    return n;
}

unsigned doubts_of(const struct oevent *e)
{
    unsigned n = 0;
    for (int i = 0; i < STEPS; i++)
        n += e->steps[i].doubts;
    return n;
}

bool same_axis(const struct oevent *a, const struct oevent *b)
{
    if (a->service != b->service || a->kind == KIND_MESSAGE || a->kind == KIND_SNAPSHOT)
        return false;
    if (a->kind == KIND_BLOCK || a->kind == KIND_UNBLOCK)
        return b->kind == KIND_BLOCK || b->kind == KIND_UNBLOCK;
    if (a->kind == KIND_CUT || a->kind == KIND_BACK)
        return b->kind == KIND_CUT || b->kind == KIND_BACK;
    if (a->kind == KIND_PACKAGE || a->kind == KIND_UNPACK)
        return (b->kind == KIND_PACKAGE || b->kind == KIND_UNPACK) && a->part == b->part;
    return a->kind == b->kind;
}

bool holds_back(const struct oevent *earlier, const struct oevent *later)
{
    if (earlier->service != later->service)
        return false;
    return earlier == later || same_axis(earlier, later) || says_all(earlier) || says_all(later);
}

/* ---- Redis ---- */

/* 12: a decided event stays as it is; a dead one may go on in another round, or be dropped. */
void oracle_event_state(struct sim *s, const char *key, char before, char after)
{
    bool act = before == 'X' && (after == 'H' || after == 'C'); /* what was dropped does not go on */
    struct oevent *e = after == 'C' ? event_of_key(s->oracle, key) : NULL;
    if (e && !e->dropped) {
        if (!has_newer(s->oracle, e, true))
            sim_broken(s, "12: dead e%u is closed, but nobody dropped it and nothing newer that covers it was applied", e->number);
        e->dropped = true;
        sim_mark(s, MARK_DEAD_COVERED);
    }
    if ((before == 'D' || before == 'X' || before == 'C') && after != before && !act)
        sim_broken(s, "12: event %s went from %c to %c in Redis", key, before, after);
}

void oracle_redis_lost(struct sim *s)
{
    s->oracle->redis_lost = true;
    s->oracle->redis_lost_at = s->now;
}

void oracle_redis_did(struct sim *s, struct proc *p, int script, const char *key, const struct reply *a)
{
    static const char *const names[] = {"CLAIM", "DECIDE", "STEP", "RELEASE", "RENEW", "MERGE", "PARK", "REOPEN", "CLOSE", "REST", "SLOTS"};
    struct oevent *e = script >= 0 ? event_of_key(s->oracle, key) : NULL;
    oracle_accounts_did(s, p, script, key, e);
    if (script < 0 || !a)
        return;
    int64_t code = a->type == REPLY_INTEGER ? a->integer : a->type == REPLY_ARRAY && a->n > 0 ? a->items[0].integer : -1;
    if (e && script == SCRIPT_DECIDE)
        e->decides = false;
    if (e && script == SCRIPT_DECIDE && code == 0)
        e->decided = true;
    if (e && script == SCRIPT_CLAIM && (code == CODE_FRESH || code == CODE_DOUBT))
        e->granted_to = p;
    if (e && script == SCRIPT_STEP && code == 0 && sim_real_ms(s) + p->real_offset_ms >= e->begins_ms)
        e->begun = true;
    sim_note(s, p, "redis did", script < (int)ARRAY_LEN(names) ? names[script] : "?", e ? (int64_t)e->number : -1, code);
}

/* From when it is sent nothing more may leave under the claim. */
void oracle_script_sent(struct sim *s, struct proc *p, const char *key, int script)
{
    struct oevent *e = event_of_key(s->oracle, key);
    if (e && e->claimed_by == p && (script == SCRIPT_RELEASE || script == SCRIPT_DECIDE))
        e->claimed_by = NULL;
    if (e && script == SCRIPT_DECIDE && e->granted_to == p)
        e->decides = true;
    if (e && script == SCRIPT_RELEASE)
        oracle_released(s, p, e);
    if (e && script == SCRIPT_CLAIM)
        oracle_pace_claims(s, p, e);
}

static void mark_claim(struct sim *s, int code)
{
    static const enum mark marks[CODE_COUNT] = {
        [CODE_DOUBT] = MARK_CLAIM_DOUBT,       [CODE_DECIDED] = MARK_CLAIM_DECIDED,   [CODE_BUSY] = MARK_CLAIM_BUSY,
        [CODE_STALE] = MARK_CLAIM_STALE,       [CODE_REPEATED] = MARK_CLAIM_REPEATED, [CODE_CONFLICT] = MARK_CLAIM_CONFLICT,
        [CODE_PAUSED] = MARK_CLAIM_PAUSED,     [CODE_SUPERSEDED] = MARK_CLAIM_SUPERSEDED, [CODE_COVERED] = MARK_CLAIM_COVERED,
    };
    if (code > 0 && code < CODE_COUNT && marks[code])
        sim_mark(s, marks[code]);
}

void oracle_claim(struct sim *s, struct proc *p, const char *key, int code, size_t steps_len)
{
    struct oevent *e = event_of_key(s->oracle, key);
    mark_claim(s, code);
    if (!e || (code != CODE_FRESH && code != CODE_DOUBT))
        return;
    e->tries++;
    if (e->claimed_by != p)
        e->step_owed = false;
    if (e->produced && !s->cfg.on[FAULT_REDIS_OWED] && !e->excused) {
        e->excused = true;
        sim_mark(s, MARK_EXCUSED);
    }
    if (steps_len > 0 && e->claimed_by != p)
        sim_mark(s, MARK_RESUMED);
    if (e->granted_to == p) /* else the answer comes late: it is another's by now */
        e->claimed_by = p;
    e->fresh = code == CODE_FRESH;
}

void oracle_script(struct sim *s, struct proc *p, const char *key, int script, int result)
{
    struct oevent *e = event_of_key(s->oracle, key);
    if (result == SCRIPT_FENCED)
        sim_mark(s, MARK_FENCED);
    if (!e || result != SCRIPT_OK)
        return;
    if (script == SCRIPT_DECIDE) {
        oracle_accounts_told(s, p, e);
    } else if (script == SCRIPT_STEP) {
        sim_mark(s, MARK_STEP);
        e->tries++;
        if (e->claimed_by == p)
            e->step_owed = false;
    } else if (script == SCRIPT_RELEASE) {
        sim_mark(s, MARK_RELEASE);
    }
}

/* ---- workers ---- */

void oracle_proc_ended(struct sim *s, struct proc *p, bool poisoned)
{
    struct oracle *o = s->oracle;
    oracle_counts_ended(s, p);
    for (unsigned i = 0; i < o->event_count; i++) {
        struct oevent *e = o->events[i];
        bool deciding = e->granted_to == p && e->decides; /* and Redis had not done it yet */
        if (e->claimed_by != p && !deciding)
            continue;
        e->claimed_by = NULL;
        e->crashes += !poisoned;
    }
}

void oracle_log(struct sim *s, struct proc *p)
{
    char text[4096], name[40];
    ssize_t n;
    if (!s->tracing)
        return;
    proc_name(p, name, sizeof(name));
    while ((n = read(s->env->log_fd, text, sizeof(text) - 1)) > 0) {
        text[n] = '\0';
        for (char *line = text, *end; *line; line = end + 1) {
            end = strchr(line, '\n');
            if (!end)
                break;
            *end = '\0';
            fprintf(s->out, "%12.6f  %-8s   | %s\n", (double)s->now / 1e9, name, line);
        }
    }
}

/* ---- ends ---- */

/* A deletion covers what sets something, and nothing that makes an account or ends one. */
bool may_cover(const struct oevent *newer, const struct oevent *older)
{
    if (newer->service != older->service || newer->order <= older->order || has_no_axis(older))
        return false;
    if (newer->kind == KIND_DELETE)
        return !says_all(older);
    return same_axis(newer, older) || says_all(newer);
}

/* An event passes what is dead or was not sent and it covers, and a doubt for a person once nothing of that can come any
 * more: in the end, that is. What one of the same type says is not known there, and of one that is dead does not matter. */
static bool passes(const struct oracle *o, const struct place *newer, const struct place *older)
{
    const struct oevent *e = o->events[newer->event], *d = o->events[older->event];
    if (older->waits && older->state == ENTRY_DEAD)
        return may_cover(e, d);
    bool may = older->parked ? e->kind != KIND_SNAPSHOT : older->waits && older->state == ENTRY_UNSENT;
    return may && (e->kind != d->kind || says_all(e)) && may_cover(e, d);
}

/* It waits for a person, or behind one that does: an older one, the newer one that its entry names, which covers it, or one that came
 * to wait for a person since. @rests: what is known of them so far. */
static bool is_at_rest(const struct oracle *o, int32_t partition, int64_t at, const bool *rests)
{
    struct place *const *list = o->places[partition];
    const struct place *p = list[at];
    if (p->kind != PLACE_EVENT || !p->waits)
        return false;
    bool rest = p->parked;
    for (int64_t i = 0; i < at && !rest; i++)
        rest = rests[i] && holds_back(o->events[list[i]->event], o->events[p->event]) && !passes(o, p, list[i]);
    if (!rest && p->state != ENTRY_SENDING && p->behind > at && p->behind < o->place_count[partition]) /* else it was called back since */
        rest = rests[p->behind] && holds_back(o->events[list[p->behind]->event], o->events[p->event]);
    for (int64_t i = at + 1; i < o->place_count[partition] && !rest; i++)
        rest = list[i]->kind == PLACE_EVENT && list[i]->waits && list[i]->parked && list[i]->state != ENTRY_DEAD &&
               may_cover(o->events[list[i]->event], o->events[p->event]);
    return rest;
}

/* Those of the partition that wait for a person to act; in the simulation's memory. */
static const bool *resting(struct sim *s, int32_t partition)
{
    struct oracle *o = s->oracle;
    bool more = true;
    if (o->rests_cap < o->place_count[partition]) {
        o->rests_cap = 2 * o->place_count[partition];
        o->rests = sim_alloc(s, (size_t)o->rests_cap * sizeof(*o->rests));
    }
    for (int64_t at = 0; at < o->place_count[partition]; at++)
        o->rests[at] = false;
    while (more) {
        more = false;
        for (int64_t at = 0; at < o->place_count[partition]; at++) {
            bool was = o->rests[at];
            o->rests[at] = was || is_at_rest(o, partition, at, o->rests);
            more |= o->rests[at] != was;
        }
    }
    return o->rests;
}

static bool is_over(struct sim *s, int32_t partition)
{
    struct oracle *o = s->oracle;
    int64_t n = o->place_count[partition], at = o->settled[partition];
    while (at < n && place_is_settled(o, o->places[partition][at]))
        at++;
    o->settled[partition] = at;
    const bool *rests = at < n ? resting(s, partition) : NULL;
    for (; at < n; at++)
        if (!rests[at] && !place_is_settled(o, o->places[partition][at]))
            return false;
    return n == 0 || o->committed[partition] >= n;
}

bool oracle_all_settled(struct sim *s)
{
    bool all = true;
    for (int32_t i = 0; i < s->kafka->partitions; i++)
        all &= is_over(s, i);
    return all;
}

void oracle_tell_unsettled(struct sim *s, char *ret, size_t size)
{
    struct oracle *o = s->oracle;
    ret[0] = '\0';
    size_t len = oracle_tell_acts(s, ret, size);
    for (int32_t i = 0; i < s->kafka->partitions && len < size; i++) {
        if (o->committed[i] < o->place_count[i])
            len += (size_t)snprintf(ret + len, size - len, " %d:%lld", (int)i, (long long)o->committed[i]);
        const bool *rests = resting(s, i);
        for (int64_t at = 0; at < o->place_count[i] && len < size; at++)
            if (!rests[at] && !place_is_settled(o, o->places[i][at]))
                len += (size_t)snprintf(ret + len, size - len, " e%u@%d-%lld", o->places[i][at]->event, (int)i, (long long)at);
    }
}

/* The newest of the events that were applied on an axis; NULL: none. */
static const struct oevent *newest_applied(const struct oracle *o, const struct oevent *like)
{
    const struct oevent *newest = NULL;
    for (unsigned i = 0; i < o->event_count; i++) {
        const struct oevent *e = o->events[i];
        if (moved_record(e) && same_axis(e, like) && (!newest || e->order > newest->order))
            newest = e;
    }
    return newest;
}

/* A part of it was done, and it is no longer wanted: what it set went with the account, or an operator has ordered the service anew. */
static bool counts_no_more(const struct oracle *o, const struct oevent *e)
{
    if (oracle_is_rebased(o, e->service, e->order))
        return true;
    for (unsigned i = 0; i < o->event_count; i++) {
        const struct oevent *n = o->events[i];
        if (n->kind == KIND_DELETE && n->service == e->service && n->order > e->order && moved_record(n))
            return true;
    }
    return false;
}

/* 5: the platform stands where the newest applied event put it; only one that ended in doubt may have changed it since. */
static void check_axis(struct sim *s, const struct oevent *e)
{
    struct oracle *o = s->oracle;
    const struct oevent *newest = newest_applied(o, e);
    for (int i = 0; newest && i < STEPS; i++) {
        struct request r = {.op = kinds[newest->kind].ops[i], .part = e->part};
        if (r.op == OP_PING)
            continue;
        const struct slot *at = &o->slots[e->service][slot_of(&r)];
        const struct oevent *last = at->event >= 0 ? o->events[at->event] : NULL;
        bool excused = newest->excused || (last && (last->in_doubt || last->excused || (!moved_record(last) && counts_no_more(o, last))));
        if (last != newest && !excused)
            sim_broken(s, "5: service s%u ends with e%d on %s, but the newest applied is e%u", e->service, at->event,
                       op_entry(r.op)->name, newest->number);
    }
}

static void check_records(struct sim *s)
{
    struct oracle *o = s->oracle;
    for (unsigned i = 0; i < o->event_count; i++) {
        const struct oevent *e = o->events[i];
        if (moved_record(e) && !has_no_axis(e) && !e->recorded)
            sim_broken(s, "1: e%u was applied and no record says so", i);
    }
}

void oracle_final(struct sim *s)
{
    struct oracle *o = s->oracle;
    for (unsigned i = 0; i < o->event_count && !s->failure[0]; i++)
        if (o->events[i]->kind != KIND_MESSAGE)
            check_axis(s, o->events[i]);
    check_records(s);
    oracle_accounts_final(s);
    oracle_snapshots_final(s);
}
