/* oracle_guard.c - the guard: no more accounts are cut in an hour than the limit, but for those that are approved; none is held before
 * that; and Redis counts as accounts those that its records say are there.
 *
 * How many accounts a worker knows of at a moment is not seen from here. It is never more than were ever given something; and
 * never less than those of which he was told that his DECIDE had added them, and those of which somebody was before the partition
 * was his. */
#include <jansson.h>
#include <string.h>

#include "oracle_state.h"
#include "rserver.h"

static uint64_t limit_of(const struct sim *s, uint64_t accounts)
{
    uint64_t partitions = (uint64_t)s->cfg.partitions, least = (s->cfg.guard + partitions - 1) / partitions;
    uint64_t part = accounts * s->cfg.guard_percent / 100;
    return part > least ? part : least;
}

static bool is_cut(enum event_kind kind)
{
    char name[64];
    enum event_type type;
    snprintf(name, sizeof(name), "tvbridge.%s", kind_entry(kind)->type);
    return event_type_parse(name, &type) == 0 && event_is_cut(type);
}

/* ---- Redis' set of accounts: those whose record says so ---- */

/* As record.schema.json has it; what was only remembered has no axis. */
static bool says_it_exists(const json_t *record)
{
    const char *status = json_string_value(json_object_get(record, "status"));
    bool silent = status == NULL || strcmp(status, "unknown") == 0;
    const json_t *axes = json_object_get(record, "axes");
    bool touched = json_object_size(axes) > (json_object_get(axes, "all") ? 1U : 0U); /* a snapshot alone sets nothing */
    return silent ? touched : strcmp(status, "terminated") != 0;
}

static bool text_says_it_exists(const char *text, size_t len)
{
    json_t *record = json_loadb(text, len, 0, NULL);
    bool exists = says_it_exists(record);
    json_decref(record);
    return exists;
}

static const struct rkey *find(const struct sim *s, const char *name)
{
    return rstore_find(s->redis->store, name, strlen(name));
}

static bool is_member(const struct sim *s, const char *prefix, unsigned service)
{
    char set[96], name[16];
    snprintf(set, sizeof(set), "%saccounts:sim:%d", prefix, (int)partition_of_service(s, service));
    snprintf(name, sizeof(name), "s%u", service);
    const struct rkey *k = find(s, set);
    return k && rstore_field(k, name);
}

/* "<prefix>{sim/s<service>}...". False: a key of no service. */
static bool read_key(const char *key, char prefix[40], unsigned *ret_service)
{
    const char *tag = strstr(key, "{sim/s");
    if (!tag)
        return false;
    snprintf(prefix, 40, "%.*s", (int)(tag - key), key);
    return sscanf(tag, "{sim/s%u}", ret_service) == 1 && *ret_service < SERVICES_MAX;
}

/* 1: a script sets both or neither. */
static void check_member(struct sim *s, const char *prefix, unsigned service, bool member)
{
    char lane[96];
    snprintf(lane, sizeof(lane), "%s{sim/s%u}:l", prefix, service);
    const struct rkey *k = find(s, lane);
    const struct rtext *rec = k ? rstore_field(k, "rec") : NULL;
    struct oaccount *a = &s->oracle->accounts[service];
    if (!rec || rec->data != a->record)
        a->exists = rec && text_says_it_exists(rec->data, rec->len);
    a->record = rec ? rec->data : NULL;
    if (a->exists != member)
        sim_broken(s, "1: Redis counts s%u as %s, but its record there says %s", service, member ? "an account" : "none",
                   a->exists ? "that it is one" : "that it is none");
}

void oracle_accounts_did(struct sim *s, struct proc *p, int script, const char *key, const struct oevent *e)
{
    struct oracle *o = s->oracle;
    unsigned service;
    char prefix[40];
    if (!read_key(key, prefix, &service))
        return;
    struct oaccount *a = &o->accounts[service];
    bool member = is_member(s, prefix, service);
    check_member(s, prefix, service, member);
    if (member && !a->member) {
        a->adder = script == SCRIPT_DECIDE ? p : NULL;
        a->event = e ? e->number : EVENTS_NONE;
    }
    if (member != a->member)
        a->told = NULL;
    a->member = member;
    memcpy(o->redis_prefix, prefix, sizeof(o->redis_prefix));
}

void oracle_accounts_told(struct sim *s, struct proc *p, const struct oevent *e)
{
    struct oaccount *a = &s->oracle->accounts[e->service];
    if (!a->member || a->adder != p || a->event != e->number)
        return;
    a->told = p;
    a->told_at = s->now;
}

void oracle_accounts_effect(struct sim *s, const struct oevent *e)
{
    if (e->kind != KIND_DELETE && e->kind != KIND_MESSAGE)
        s->oracle->accounts[e->service].was_given = true;
}

/* The newest record in Kafka; NULL: none. */
static const struct kmessage *newest_record(const struct sim *s, unsigned service)
{
    char key[16];
    int len = snprintf(key, sizeof(key), "s%u", service);
    const struct klog *l = &kafka_topic(s->kafka, "tvbridge.records.sim")->parts[partition_of_service(s, service)];
    for (int64_t i = l->n - 1; i >= 0; i--)
        if (l->items[i]->key_len == (size_t)len && memcmp(l->items[i]->key, key, (size_t)len) == 0)
            return l->items[i];
    return NULL;
}

/* Its owner died when its record was in Kafka, and neither its outcome nor Redis' DECIDE was taken: it is worked once more, or waits for
 * a person. */
static bool is_owed(const struct oracle *o, unsigned service)
{
    for (unsigned i = 0; i < o->event_count; i++) {
        const struct oevent *e = o->events[i];
        if (e->service == service && e->recorded && e->in_doubt && e->variant >= 0 && e->final[e->variant] < 0)
            return true;
    }
    return false;
}

/* At the end Redis counts what Kafka says. */
void oracle_accounts_final(struct sim *s)
{
    struct oracle *o = s->oracle;
    for (unsigned i = 0; i < s->cfg.services && !o->redis_lost; i++) {
        const struct kmessage *m = newest_record(s, i);
        bool exists = m && text_says_it_exists(m->value, m->value_len);
        if (exists != is_member(s, o->redis_prefix, i) && !is_owed(o, i))
            sim_broken(s, "1: at the end Redis counts s%u as %s, but its newest record in Kafka says otherwise", i,
                       exists ? "none" : "an account");
    }
}

/* ---- the limit ---- */

/* At most. */
static unsigned all_accounts(const struct sim *s, int32_t partition)
{
    unsigned n = 0;
    for (unsigned i = 0; i < s->cfg.services; i++)
        n += partition_of_service(s, i) == partition && s->oracle->accounts[i].was_given;
    return n;
}

/* At least. */
static unsigned known_accounts(const struct sim *s, int32_t partition, const struct proc *p)
{
    const struct owner *owner = &s->oracle->owners[partition];
    unsigned n = 0;
    for (unsigned i = 0; i < s->cfg.services; i++) {
        const struct oaccount *a = &s->oracle->accounts[i];
        bool inherited = owner->p == p && a->told && a->told_at < owner->since;
        n += partition_of_service(s, i) == partition && a->member && (a->told == p || inherited);
    }
    return n;
}

/* Where so many accounts are known. What an owner had noted may be lost with him, or with Redis; a story is shorter than the hour. */
static uint64_t may_be_cut(const struct sim *s, int32_t partition, uint64_t accounts)
{
    uint64_t limit = limit_of(s, accounts), all = limit;
    all += limit * (s->oracle->changes[partition] + s->oracle->redis_lost);
    for (const struct oact *a = s->oracle->acts[partition]; a; a = a->next)
        if (a->act.kind == ACT_APPROVE)
            all += a->act.of_entry ? 1 : a->act.max;
    return all;
}

void oracle_cut_left(struct sim *s, const struct oevent *e, int32_t partition)
{
    if (s->cfg.guard == 0 || !is_cut(e->kind))
        return;
    unsigned *cut = &s->oracle->cut[partition];
    if (!e->fresh) /* what may have been sent before cannot be held any more; nor what follows for that service */
        s->oracle->cut_in_doubt |= 1u << e->service;
    if ((s->oracle->cut_in_doubt & 1u << e->service) != 0)
        return;
    *cut |= 1u << e->service;
    unsigned n = (unsigned)__builtin_popcount(*cut);
    uint64_t most = may_be_cut(s, partition, all_accounts(s, partition));
    if (n > most)
        sim_broken(s, "e%u is cut, the %uth service of partition %d, and the guard lets %llu go", e->number, n, (int)partition,
                   (unsigned long long)most);
    if (n > may_be_cut(s, partition, 0))
        sim_mark(s, MARK_CUT_BY_PERCENT);
}

/* It may be because the guard holds it: the number that he lets go then, at least. */
void oracle_released(struct sim *s, struct proc *p, struct oevent *e)
{
    uint64_t least = limit_of(s, known_accounts(s, partition_of_service(s, e->service), p));
    if (!e->was_released || least < e->least)
        e->least = least;
    e->was_released = true;
}

/* Services of the partition, but for that of @e, of which a cut was sent by billing: who else can have been counted. */
static unsigned others_to_cut(const struct oracle *o, int32_t partition, const struct oevent *e)
{
    unsigned services = 0;
    for (int64_t i = 0; i < o->place_count[partition]; i++) {
        const struct place *p = o->places[partition][i];
        if (p->kind == PLACE_EVENT && is_cut(o->events[p->event]->kind))
            services |= 1u << o->events[p->event]->service;
    }
    return (unsigned)__builtin_popcount(services & ~(1u << e->service));
}

/* Its entry says that the guard holds it. */
void oracle_held(struct sim *s, struct oevent *e, int32_t partition)
{
    unsigned others = others_to_cut(s->oracle, partition, e);
    if (!e->was_held && e->was_released && !s->oracle->redis_lost && others < e->least)
        sim_broken(s, "e%u is held, though at most %u other services of partition %d can have been cut, and %llu may be", e->number,
                   others, (int)partition, (unsigned long long)e->least);
    e->was_held = true;
}
