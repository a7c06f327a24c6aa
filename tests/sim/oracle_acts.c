/* oracle_acts.c - operators' acts: each has its answer, what was answered is so, and nothing is done twice. */
#include <jansson.h>
#include <string.h>

#include "contract/act.h"
#include "oracle_state.h"

/* ---- the acts of a partition, in the order of the topic ---- */

static struct oact *act_at(struct oracle *o, int32_t partition, int64_t offset)
{
    for (struct oact *a = o->acts[partition]; a; a = a->next)
        if (a->offset == offset)
            return a;
    return NULL;
}

/* What is true from when the operator says so: a round that he asks for may begin, and what he found not done is not. */
static void on_entry_act(struct oracle *o, const struct act *act)
{
    const struct place *p = place_at(o, act->place.partition, act->place.offset);
    struct oevent *e = p && p->kind == PLACE_EVENT ? o->events[p->event] : NULL;
    if (e && act->kind == ACT_REDRIVE && act->round > e->asked)
        e->asked = act->round;
    if (e && act->kind == ACT_DROP)
        e->dropped = true;
    for (int i = 0; e && act->kind == ACT_RESOLVE_DOUBT && !act->applied && i < STEPS; i++)
        if (e->steps[i].effects == 0)
            e->steps[i].doubts = 0;
}

bool oracle_entry_done(const struct sim *s, struct entry_place at, const char *step)
{
    const struct place *p = place_at(s->oracle, at.partition, at.offset);
    const struct oevent *e = p && p->kind == PLACE_EVENT ? s->oracle->events[p->event] : NULL;
    if (e && step[0] == '\0') /* the event as a whole */
        return steps_of(e) > 0 && e->steps[steps_of(e) - 1].effects > 0;
    for (int i = 0; e && i < STEPS; i++)
        if (strcmp(op_entry(kind_entry(e->kind)->ops[i])->name, step) == 0)
            return e->steps[i].effects > 0;
    return false;
}

static void note_act(struct sim *s, int32_t partition, int64_t offset, const struct act *act)
{
    struct oact *a = sim_alloc(s, sizeof(*a)), **at = &s->oracle->acts[partition];
    *a = (struct oact){.offset = offset, .act = *act, .result = -1};
    while (*at)
        at = &(*at)->next;
    *at = a;
    sim_note(s, NULL, "act", act_kind_name(act->kind), partition, offset);
    if (act->of_entry)
        on_entry_act(s->oracle, act);
}

static void mark_done(struct sim *s, const struct act *act)
{
    sim_mark(s, MARK_ACT_DONE);
    if (act->kind == ACT_RESOLVE_DOUBT)
        sim_mark(s, act->applied ? MARK_RESOLVED_APPLIED : MARK_RESOLVED_NOT_APPLIED);
    else if (act->kind == ACT_DROP)
        sim_mark(s, MARK_DROPPED);
    else if (act->kind == ACT_APPROVE && act->of_entry)
        sim_mark(s, MARK_APPROVED);
    else if (act->kind == ACT_RELEASE)
        sim_mark(s, MARK_RELEASED);
    else if (act->kind == ACT_REBASE_ORDER)
        sim_mark(s, MARK_REBASED);
}

static void note_answer(struct sim *s, int32_t partition, const struct act_answer *answer)
{
    struct oact *a = act_at(s->oracle, partition, answer->offset);
    sim_note(s, NULL, "answer of", act_kind_name(answer->kind), partition, answer->offset);
    if (!a || strcmp(a->act.id, answer->id) != 0 || a->act.kind != answer->kind) {
        sim_broken(s, "an answer to no act: %s at %d-%lld", answer->id, (int)partition, (long long)answer->offset);
        return;
    }
    bool other = a->result >= 0 && a->result != (int)answer->result;
    if (other && answer->result != ACT_TOO_LATE && a->result != ACT_TOO_LATE)
        sim_broken(s, "act %s at %d-%lld was answered %s and %s", a->act.id, (int)partition, (long long)answer->offset,
                   act_result_name((enum act_result)a->result), act_result_name(answer->result));
    if (a->result < 0)
        a->answered = s->now;
    if (a->result < 0 || answer->result == ACT_DONE)
        a->result = (int)answer->result;
    if (answer->result == ACT_TOO_LATE)
        sim_mark(s, MARK_ACT_TOO_LATE);
    else if (answer->result == ACT_REFUSED)
        sim_mark(s, MARK_ACT_REFUSED);
    else
        mark_done(s, &a->act);
}

static enum control_decoded decode(struct sim *s, const struct kmessage *m, struct act *act, struct act_answer *answer)
{
    struct event_message em = {m->key, m->key_len, m->value, m->value_len, m->headers, m->header_count};
    struct fault fault = {0};
    enum control_decoded d = control_decode(s->env->acts, &em, act, answer, &fault);
    if (d == CONTROL_IS_INVALID)
        sim_broken(s, "no act and no answer in the control topic: %s %s", fault.pointer, fault.reason);
    return d;
}

void oracle_control_written(struct sim *s, int32_t partition, const struct kmessage *m)
{
    struct act act;
    struct act_answer answer;
    enum control_decoded d = decode(s, m, &act, &answer);
    if (d == CONTROL_IS_ACT)
        note_act(s, partition, m->offset, &act);
    else if (d == CONTROL_IS_ANSWER)
        note_answer(s, partition, &answer);
}

/* Who answered it. */
void oracle_control_produced(struct sim *s, const struct producer_message *m)
{
    struct kmessage k = {.key = m->key, .key_len = m->key_len, .value = m->value, .value_len = m->value_len};
    struct act act;
    struct act_answer answer;
    struct oact *a;
    if (decode(s, &k, &act, &answer) == CONTROL_IS_ANSWER && (a = act_at(s->oracle, m->partition, answer.offset)))
        a->by = s->current;
}

void oracle_control_acked(struct sim *s, int32_t partition, const struct kmessage *m)
{
    struct act act;
    struct act_answer answer;
    struct oact *a;
    if (decode(s, m, &act, &answer) == CONTROL_IS_ANSWER && (a = act_at(s->oracle, partition, answer.offset)))
        a->acked = true;
}

/* 1: an act is settled only when its answer is there. */
void oracle_control_commit(struct sim *s, const struct consumer_partition *c)
{
    for (const struct oact *a = s->oracle->acts[c->partition]; a && a->offset < c->offset; a = a->next)
        if (!a->acked)
            sim_broken(s, "1: a commit says that act %s at %d-%lld is done, but its answer is not acknowledged", a->act.id,
                       (int)c->partition, (long long)a->offset);
}

bool oracle_acts_answered(const struct sim *s)
{
    for (int32_t i = 0; i < s->kafka->partitions; i++)
        for (const struct oact *a = s->oracle->acts[i]; a; a = a->next)
            if (!a->acked)
                return false;
    return true;
}

size_t oracle_tell_acts(const struct sim *s, char *ret, size_t size)
{
    size_t len = 0;
    for (int32_t i = 0; i < s->kafka->partitions; i++)
        for (const struct oact *a = s->oracle->acts[i]; a && len < size; a = a->next)
            if (!a->acked)
                len += (size_t)snprintf(ret + len, size - len, " %s@%d-%lld", act_kind_name(a->act.kind), (int)i, (long long)a->offset);
    return len < size ? len : size;
}

/* ---- paused: when that is answered, nothing leaves before somebody resumes ---- */

static const struct oact *last_pause(const struct oracle *o, int32_t partition)
{
    const struct oact *last = NULL;
    for (const struct oact *a = o->acts[partition]; a; a = a->next) {
        if (a->act.kind == ACT_RESUME)
            last = NULL;
        else if (a->act.kind == ACT_PAUSE && a->result == ACT_DONE)
            last = a;
    }
    return last;
}

void oracle_acts_left(struct sim *s, const struct request *r, int32_t partition)
{
    const struct oact *pause = last_pause(s->oracle, partition);
    const struct owner *o = &s->oracle->owners[partition];
    if (!pause || o->p != r->p)
        return;
    if (pause->by == r->p || o->since > pause->answered)
        sim_broken(s, "%s of e%u leaves though the provider is paused by act %s at %d-%lld", op_entry(r->op)->name, r->event,
                   pause->act.id, (int)partition, (long long)pause->offset);
}

/* ---- rebased ---- */

/* An act that may have been carried out says that all up to there counts as applied. */
bool oracle_is_rebased(const struct oracle *o, unsigned service, int64_t order)
{
    char name[16];
    snprintf(name, sizeof(name), "s%u", service);
    for (int32_t i = 0; i < o->sim->kafka->partitions; i++)
        for (const struct oact *a = o->acts[i]; a; a = a->next)
            if (a->act.kind == ACT_REBASE_ORDER && strcmp(a->act.service, name) == 0 && order <= ORDER_STEPS * (int64_t)a->act.number)
                return true;
    return false;
}
