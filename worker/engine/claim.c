/* claim.c - the right to work one event: asks Redis, and does what the answer says. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/crash_point.h"
#include "contract/json_read.h"
#include "engine/aside.h"
#include "engine/dates.h"
#include "engine/state.h"

#define CLAIM_AGAIN_MS 100
#define BEHIND_AGAIN_MS 200

static void on_claim(void *arg, const struct claim_reply *r);
static bool let_entry_before(struct worker *w, struct job *j);

/* Whether others that were set aside may hold it back: not when something of it may have been sent under a claim of ours, when it is
 * decided, or when its entry was called back to be claimed whatever stands before it, or says that it is being sent and Redis that its
 * lane waits for it. */
static bool looks_for_entries(const struct job *j)
{
    if (j->doubt || j->work->changed || j->decided_life == j->worker->redis_life + 1)
        return false;
    if (j->from_entry)
        return !j->claimed_before && !j->goes_first && j->act != PARK_APPLIED && j->act != PARK_SUPERSEDED;
    return j->wait == NULL || j->wait->state != ENTRY_SENDING || !(j->claimed_before || j->goes_first);
}

static void on_asked(void *arg, enum redis_result res)
{
    struct job *j = arg;
    struct worker *w = j->worker;
    if (job_callback_is_late(w, j))
        return;
    j->looked = res == REDIS_OK || res == REDIS_FENCED;
    if (res == REDIS_FENCED)
        j->decided_life = w->redis_life + 1;
    job_wait(w, j, j->looked ? 0 : CLAIM_AGAIN_MS, false);
}

/* An earlier owner may have let it go before the doubt that holds it back now, since it covers that, and have decided it: set aside as
 * unsent, it would hold back what was sent after it. True: Redis is asked. */
static bool asks_if_decided(struct worker *w, struct job *j, const struct wait *before)
{
    const struct event *e = &j->work->event;
    bool again = takeover_was_begun(j->part, j->offset);
    bool sent = before->place.offset < j->offset && (before->state == ENTRY_DOUBT || before->state == ENTRY_SENDING);
    if (j->from_entry || j->wait != NULL || j->looked || !again || !sent)
        return false;
    job_go(w, j, JOB_CLAIMING);
    if (redis_reopen(w->redis, e->service, e->key, 1, on_asked, j) == 0)
        j->pending++;
    else
        job_wait(w, j, CLAIM_AGAIN_MS, false);
    return true;
}

void claim_start(struct worker *w, struct job *j)
{
    struct work *k = j->work;
    struct claim_request c = {
        .service = k->event.service,
        .event_key = k->event.key,
        .event_id = k->event.id,
        .fingerprint = k->fingerprint,
        .order = k->order,
        .place = k->offset,
        .order_by = event_order_by(&k->event),
        .axes = (const char(*)[AXIS_NAME_SIZE])k->event.axes.name,
        .axis_count = k->event.axes.n,
        .retry = j->claimed_before,
        .alone = w->alone == j,
    };
    if (!aside_take(j)) {
        if (k->run == NULL && aside_leaves_it(w, j))
            return;
        if (!let_entry_before(w, j))
            job_wait(w, j, BEHIND_AGAIN_MS, false);
        return;
    }
    bool looks = looks_for_entries(j);
    const struct wait *before = looks ? aside_blocker(j) : NULL;
    bool waits = before != NULL || (looks && aside_covered(j, NULL) != NULL);
    if (waits && !j->part->waits_ready) { /* an earlier owner may be at its end by now */
        job_wait(w, j, BEHIND_AGAIN_MS, false);
        return;
    }
    if (before != NULL) {
        if (!asks_if_decided(w, j, before))
            aside_behind(w, j, before);
        return;
    }
    if (aside_says_sending(w, j))
        return;
    guard_watch(w, j->part);
    c.maybe_sent = j->presumed || j->doubt || k->changed;
    struct covered_keys covered;
    bool asked = false;
    if (supersede_keys(w, j, &covered)) {
        c.covered = (const char(*)[EVENT_KEY_SIZE])covered.key;
        c.covered_count = covered.n;
        c.waiting_count = covered.waiting;
        job_go(w, j, JOB_CLAIMING);
        asked = redis_claim(w->redis, &c, on_claim, j) == 0;
        supersede_keys_free(&covered);
    }
    if (asked)
        j->pending++;
    else
        job_wait(w, j, CLAIM_AGAIN_MS, k->run != NULL);
}

static void remember_fence(struct worker *w, struct work *k, const char *fence)
{
    size_t n = strlen(fence), max = strlen(w->fence);
    if (n == 0 || n >= FENCE_SIZE)
        return;
    memcpy(k->fence, fence, n + 1);
    if (n > max || (n == max && memcmp(fence, w->fence, n) > 0))
        memcpy(w->fence, fence, n + 1);
}

/* A run that was kept over a wait goes on reading the record that it was started with. */
static bool take_record(struct work *k, const struct worker *w, const struct claim_reply *r)
{
    if (k->run != NULL && k->run_record == NULL)
        k->run_record = k->record;
    else
        json_decref(k->record);
    k->record = r->record_len > 0 ? record_parse(r->record, r->record_len) : NULL;
    if (k->record == NULL && r->record_len > 0 && json_read_lacked_memory(r->record, r->record_len))
        return false; /* a new one in its place would lose what is known */
    if (k->record == NULL)
        k->record = record_new(w->provider->name, k->event.service);
    return k->record != NULL;
}

/* Highest number that the record's axes have seen at this epoch; -1: none. */
static int64_t record_highest(const json_t *record)
{
    int64_t highest = -1;
    const char *axis;
    json_t *v;
    json_object_foreach (json_object_get(record, "axes"), axis, v) {
        struct order o;
        const char *text = json_string_value(json_object_get(v, "order"));
        if (text != NULL && order_parse(text, &o) == 0 && (int64_t)o.number > highest)
            highest = (int64_t)o.number;
    }
    return highest;
}

/* RELIABILITY.md section 1: `sequence_jump` (off at 0) keeps a mistyped sequence from making all later ones stale. */
static bool is_implausible(const struct worker *w, const struct work *k)
{
    int64_t jump = w->numbers->sequence_jump;
    if (jump == 0 || k->event.sequence == NULL)
        return false;
    int64_t highest = record_highest(k->record);
    struct order o;
    return highest >= 0 && order_parse(k->order, &o) == 0 && (int64_t)o.number - highest > jump;
}

static const struct workflow *workflow_of(const struct worker *w, const struct work *k)
{
    return w->plan->by_type[k->event.type];
}

static void run_inputs_of(const struct worker *w, const struct job *j, struct run_inputs *ret)
{
    const struct work *k = j->work;
    *ret = (struct run_inputs){
        .event = k->event.root,
        .data = k->event.data,
        .record = k->record,
        .key = k->event.key,
        .came_ms = j->came_ms,
        .token = token_valid(w) ? w->token : NULL,
    };
}

/* Nothing of such a run can be believed: it is made anew at the next try. */
static void forget_if_out_of_memory(struct work *k)
{
    if (k->run == NULL || run_is_out_of_memory(k->run))
        call_drop_run(k);
}

static void new_run(struct worker *w, struct job *j, const struct workflow *wf)
{
    struct work *k = j->work;
    struct run_inputs in;
    run_inputs_of(w, j, &in);
    k->plan = plan_ref(w->plan);
    k->run = run_new(k->plan->bound, wf, &in);
    forget_if_out_of_memory(k);
}

/* False: the text does not fit, unless *@ret_no_memory. */
static bool restore_run(struct worker *w, struct job *j, const char *steps, size_t steps_len, bool *ret_no_memory)
{
    struct work *k = j->work;
    struct run_inputs in;
    run_inputs_of(w, j, &in);
    k->plan = plan_ref(w->plan);
    k->run = run_restore(k->plan->bound, workflow_of(w, k), &in, steps, steps_len);
    *ret_no_memory = k->run == NULL ? errno == ENOMEM : run_is_out_of_memory(k->run);
    forget_if_out_of_memory(k);
    k->changed = k->run != NULL && run_changed(k->run);
    return k->run != NULL;
}

/* Nothing was done and nothing is in doubt: what its steps have read, others may have changed since, and what it remembered they
 * may have put back. */
static void forget_if_untouched(struct job *j)
{
    struct work *k = j->work;
    if (k->run != NULL && !k->changed && !j->doubt && j->act == PARK_NO_ACT)
        call_drop_run(k);
}

/* The pack has changed between two steps: what is left to do is not known. A person said what the last of them came to, or is
 * asked. */
static void without_steps(struct worker *w, struct job *j, const struct workflow *wf)
{
    struct work *k = j->work;
    if (j->act == PARK_NO_ACT) {
        park_doubt(w, j, "steps_lost");
    } else if (j->act == PARK_APPLIED) {
        j->act = PARK_NO_ACT;
        k->outcome.kind = OUTCOME_APPLIED;
        snprintf(k->outcome.resolved, sizeof(k->outcome.resolved), "operator");
        decide_start(w, j, NULL);
    } else if (wf == NULL) {
        decide_refused(w, j, "unsupported", "the pack has no workflow for this event type");
    } else {
        new_run(w, j, wf);
        if (k->run != NULL)
            call_advance(w, j);
        else
            call_retry_later(w, j, false, -1, "out of memory");
    }
}

/* No call of its own can be in doubt: it is decided here, or compared. */
static bool is_ours(enum event_type t)
{
    return t == EVENT_SERVICE_ADOPTED || t == EVENT_BILLING_PROCESSED || t == EVENT_SERVICE_SNAPSHOT;
}

/* True: it goes on as any event, with a workflow. */
static bool begins_ours(struct worker *w, struct job *j)
{
    enum event_type t = j->work->event.type;
    if (j->doubt && !j->doubt_own && !takeover_is_quiet(w, j)) /* an earlier owner may have published what came of it */
        return false;
    j->act = PARK_NO_ACT;
    if (t == EVENT_SERVICE_SNAPSHOT)
        return snapshot_reads(w, j);
    if (t == EVENT_SERVICE_ADOPTED)
        adopt_start(w, j);
    else
        billed_start(w, j);
    return false;
}

/* Ours to work: at its first step, or after the last step that is known. */
static void begin_run(struct worker *w, struct job *j, const struct claim_reply *r)
{
    struct work *k = j->work;
    const struct workflow *wf = workflow_of(w, k);
    job_go(w, j, JOB_CALLING);
    if (is_ours(k->event.type) && !begins_ours(w, j))
        return;
    if (k->run != NULL) { /* kept over a wait: it goes on where it was */
        call_resume(w, j);
        return;
    }
    bool no_memory = false;
    bool entry_knows = j->steps_known && j->steps_len > 0; /* Redis may have forgotten them, or know earlier ones alone */
    const char *steps = r->steps_len > 0 && !entry_knows ? r->steps : j->steps;
    size_t steps_len = r->steps_len > 0 && !entry_knows ? r->steps_len : j->steps_len;
    j->steps_known = false;
    if (steps_len > 0 && (wf == NULL || !restore_run(w, j, steps, steps_len, &no_memory)) && !no_memory) {
        without_steps(w, j, wf);
        return;
    }
    forget_if_untouched(j);
    if (k->run != NULL && j->doubt && !j->doubt_own) /* what an earlier owner repeated is not noted */
        j->doubt_safe |= run_did_safe(k->run);
    bool is_new = wf != NULL && k->run == NULL && !no_memory;
    if (is_new)
        new_run(w, j, wf);
    if (wf == NULL)
        decide_refused(w, j, "unsupported", "the pack has no workflow for this event type");
    else if (k->run == NULL)
        call_retry_later(w, j, !no_memory, -1, "out of memory"); /* what was noted of its steps stays in Redis */
    else if (!is_new || !dates_pack_waits(w, j))
        call_advance(w, j);
}

void claim_go_on(struct worker *w, struct job *j)
{
    begin_run(w, j, &(struct claim_reply){.state = CLAIM_FRESH});
}

/* Its decision was fenced: what came of it is known, and only has to be decided again. */
static bool has_result(const struct work *k)
{
    return k->run != NULL && run_state(k->run) == RUN_END;
}

/* When an earlier owner sent it is not known: at the latest when this assignment began. */
static void inherit_doubt(struct worker *w, struct job *j, const struct claim_reply *r)
{
    int64_t assigned_for = clock_boot_ms() - w->assigned_ms;
    call_doubt(w, j, false);
    j->doubt_since_ms -= r->sent_ms < assigned_for ? r->sent_ms : assigned_for;
    j->doubt_all |= r->any_step && !j->steps_known;
    j->doubt_forgotten |= r->any_step;
    if (event_is_cut(j->work->event.type)) /* who sent it may have died before he noted it */
        guard_saw(j->part, j->work->event.service, 0);
}

static void ours(struct worker *w, struct job *j, const struct claim_reply *r)
{
    struct work *k = j->work;
    bool untouched = !j->was_doubt && r->state == CLAIM_FRESH && r->steps_len == 0 && k->run == NULL;
    j->claimed_before = true;
    j->goes_first = false;
    if (j->act == PARK_SUPERSEDED)
        j->act = PARK_NO_ACT;
    takeover_claimed(j);
    supersede_claimed(j);
    j->goods_seen = w->goods;
    j->own_goods = 0;
    k->called = k->dead_letter = false; /* a decision that was fenced is taken anew */
    k->outcome.reason[0] = '\0';
    if (r->state == CLAIM_DOUBT && k->run == NULL && !(j->doubt && j->doubt_own))
        inherit_doubt(w, j, r);
    if (!isolate_admits(w, j, r))
        return;
    if (k->event.expires_ms != 0 && untouched && clock_real_ms() >= k->event.expires_ms) {
        k->outcome.kind = OUTCOME_EXPIRED;
        job_go(w, j, JOB_CALLING);
        decide_start(w, j, NULL);
    } else if (!has_result(k) && !call_count_late(w, j)) {
        job_go(w, j, JOB_CALLING);
        if (r->steps_len > 0)
            park_keep_steps(j, r->steps, r->steps_len);
        if (j->doubt)
            park_doubt(w, j, "attempts_exhausted");
        else
            decide_dead(w, j, DEAD_EXHAUSTED, "attempts_exhausted");
    } else if (untouched && is_implausible(w, k)) {
        job_go(w, j, JOB_CALLING);
        decide_dead(w, j, DEAD_IMPLAUSIBLE, "implausible");
    } else if (k->run == NULL && r->steps_len == 0 && j->steps_len == 0 && dates_event_waits(w, j)) {
        return;
    } else if (!untouched || !(adopt_refuses(w, j) || guard_stops(w, j))) {
        begin_run(w, j, r);
    }
}

static void on_reopened(void *arg, enum redis_result res)
{
    struct job *j = arg;
    struct worker *w = j->worker;
    if (job_callback_is_late(w, j))
        return;
    j->round_decided = res == REDIS_FENCED;
    job_wait(w, j, res == REDIS_OK || res == REDIS_FENCED ? 0 : CLAIM_AGAIN_MS, false);
}

/* It was decided in an earlier round: that of a redrive begins. */
static void reopen(struct worker *w, struct job *j)
{
    const struct event *e = &j->work->event;
    if (redis_reopen(w->redis, e->service, e->key, j->round, on_reopened, j) == 0)
        j->pending++;
    else
        job_wait(w, j, CLAIM_AGAIN_MS, false);
}

/* Decided before: the same outcome is published again, under the same id, with the present record. */
static void already_decided(struct worker *w, struct job *j, const struct claim_reply *r)
{
    struct work *k = j->work;
    struct outcome facts = {0};
    if (outcome_facts_decode(r->outcome, r->outcome_len, &facts) != 0) {
        call_retry_later(w, j, false, -1, "the outcome kept in Redis is not readable");
        return;
    }
    if (facts.round < j->round && !j->round_decided) {
        outcome_fini(&facts);
        reopen(w, j);
        return;
    }
    outcome_fini(&k->outcome);
    k->outcome = facts;
    if (k->outcome.round < j->round && !r->dropped) /* what CLAIM says by itself */
        k->outcome.round = j->round;
    k->dropped = r->dropped;
    k->decided_before = true;
    if (outcome_kind_moves_record(facts.kind) && r->record_len > 0)
        buf_add(&k->record_text, r->record, r->record_len);
    if (facts.kind == OUTCOME_DEAD) {
        k->dead_letter = true;
        k->dead_reason = DEAD_EXHAUSTED;
        if (strcmp(facts.reason, dead_reason_name(DEAD_IN_DOUBT)) == 0)
            k->dead_reason = DEAD_IN_DOUBT;
        else if (strcmp(facts.reason, dead_reason_name(DEAD_IMPLAUSIBLE)) == 0)
            k->dead_reason = DEAD_IMPLAUSIBLE;
    }
    k->judged_ns = loop_now_ns(w->loop);
    publish_start(w, j);
}

/* It is done, says the record, and what it found then. */
static enum outcome_kind kind_of_repeated(const struct claim_reply *r)
{
    struct outcome facts = {0};
    enum outcome_kind kind = OUTCOME_APPLIED;
    if (outcome_facts_decode(r->outcome, r->outcome_len, &facts) == 0)
        kind = facts.kind;
    outcome_fini(&facts);
    return kind;
}

static void answered(struct worker *w, struct job *j, enum outcome_kind kind, const char *resolved)
{
    struct work *k = j->work;
    k->outcome.kind = kind;
    snprintf(k->outcome.resolved, sizeof(k->outcome.resolved), "%s", resolved);
    k->judged_ns = loop_now_ns(w->loop);
    publish_start(w, j);
}

static void refused(struct worker *w, struct job *j, enum outcome_kind kind, enum dead_reason why,
                    const char *detail)
{
    struct work *k = j->work;
    k->dead_letter = true;
    k->dead_reason = why;
    fault_set(&k->fault, "", "%s", detail);
    if (kind == OUTCOME_REJECTED)
        snprintf(k->outcome.reason, sizeof(k->outcome.reason), "%s", dead_reason_name(why));
    answered(w, j, kind, "");
}

/* A run that was kept over a wait is kept over the next one too. */
static bool has_run(const struct job *j)
{
    return j->work->run != NULL;
}

struct own_entry {
    int64_t offset;
    struct job *found;
};

static void find_entry(void *arg, struct lane_item *item)
{
    struct own_entry *own = arg;
    struct job *j = job_of_item(item);
    if (j->from_entry && j->offset == own->offset)
        own->found = j;
}

/* Its own entry came back from the waiting topic, and stands behind it. */
static bool let_entry_before(struct worker *w, struct job *j)
{
    struct own_entry own = {.offset = j->offset};
    if (!j->from_entry && !has_run(j))
        lane_each_behind(&j->item, find_entry, &own);
    struct job *entry = own.found;
    if (entry == NULL)
        return false;
    job_release_work(w, j);
    if (j->state != JOB_QUEUED)
        job_go(w, j, JOB_QUEUED);
    lanes_let_before(w->lanes, &j->item, &entry->item);
    return true;
}

static void by_state(struct worker *w, struct job *j, const struct claim_reply *r)
{
    switch (r->state) {
    case CLAIM_FRESH:
    case CLAIM_DOUBT:
        ours(w, j, r);
        return;
    case CLAIM_DECIDED:
    case CLAIM_SUPERSEDED:
        already_decided(w, j, r);
        return;
    case CLAIM_STALE:
        answered(w, j, OUTCOME_STALE, "");
        return;
    case CLAIM_REPEATED: /* the record says so; it may never have come to Kafka */
        buf_reset(&j->work->record_text);
        buf_add(&j->work->record_text, r->record, r->record_len);
        answered(w, j, kind_of_repeated(r), "record");
        return;
    case CLAIM_CONFLICT:
        refused(w, j, OUTCOME_CONFLICT, DEAD_CONFLICT,
                "an event with this service, source and id but other content came before");
        return;
    case CLAIM_MIXED:
        refused(w, j, OUTCOME_REJECTED, DEAD_MIXED_ORDER,
                "events of this service came with and without sequence: only one way of ordering is possible");
        return;
    case CLAIM_BUSY: /* the one that holds the lane in Redis may stand behind it: an older one, or one from the waiting topic */
    case CLAIM_COVERED:
        if (supersede_let_before(w, j, r->first, r->state == CLAIM_COVERED))
            return;
        if (waits_count(j->part->waits) > 0 && j->part->waits_ready) {
            park_free_lane(w, j->part, j->work->event.service, r->first);
            if (j->wait != NULL && !j->from_entry) { /* its lane went on without it, and what that came to stands behind it now */
                aside_keep(w, j);
                return;
            }
        }
        job_wait(w, j, r->wait_ms < 50 ? 50 : r->wait_ms, has_run(j));
        return;
    case CLAIM_PAUSED:
        limit_pause(&w->limit, loop_now_ms(w->loop) + r->wait_ms);
        job_wait(w, j, r->wait_ms, has_run(j));
        return;
    case CLAIM_FORGOT:
    case CLAIM_FAILED: /* the script is idempotent: it is simply asked again when Redis is back */
        job_wait(w, j, CLAIM_AGAIN_MS, has_run(j));
        return;
    }
}

static void on_claim(void *arg, const struct claim_reply *r)
{
    struct job *j = arg;
    struct worker *w = j->worker;
    if (job_callback_is_late(w, j))
        return;
    struct work *k = j->work;
    k->claimed_ns = loop_now_ns(w->loop);
    telemetry_stage(w->tel, STAGE_CLAIM, k->claimed_ns - k->started_ns);
    remember_fence(w, k, r->fence);
    k->redis_life = w->redis_life;
    bool not_now = r->state == CLAIM_BUSY || r->state == CLAIM_COVERED || r->state == CLAIM_PAUSED;
    if (not_now)
        k->fence[0] = '\0'; /* what it held under an earlier claim is another's */
    else if (r->state != CLAIM_FORGOT && r->state != CLAIM_FAILED)
        takeover_unpresume(j);
    bool needs_record = r->state == CLAIM_FRESH || r->state == CLAIM_DOUBT;
    if (needs_record)
        crash_point("claimed");
    if (needs_record && !take_record(k, w, r))
        job_wait(w, j, 1000, k->run != NULL); /* out of memory */
    else
        by_state(w, j, r);
}
