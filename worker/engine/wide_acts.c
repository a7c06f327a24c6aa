/* wide_acts.c - how a provider stands in a partition: paused, and which cuts are approved ahead. RELIABILITY.md section 5.
 *
 * That is the partition's record. It is written to the records topic, for whoever looks, and under the same key to the waiting
 * topic: records are read back only when Redis forgot, the waiting topic by every new owner before his first claim. Who wrote
 * it last may have lost the partition, so it is written again after the quarantine; until then the write with the most acts counts,
 * wherever it stands. An act is done, and a cut may go that an approval pays, when both are acknowledged. */
#include <string.h>

#include "engine/acts.h"

#define WRITE_AGAIN_MS 500
#define CREDIT_POLL_MS 50
#define CREDIT_LASTS_MS 60000 /* who wanted it and did not come for it ended otherwise */

/* ---- written ---- */

static void written(struct control *c, bool ok)
{
    c->writes--;
    c->write_failed |= !ok;
    if (c->writes > 0)
        return;
    if (c->write_failed) {
        c->sent = c->durable;
        c->write_again_ms = loop_now_ms(c->worker->loop) + WRITE_AGAIN_MS;
        return;
    }
    c->durable = c->sent;
    if (c->buying > 0 && c->buying_version <= c->durable) {
        c->credit += c->buying;
        c->credit_ms = loop_now_ms(c->worker->loop);
        c->buying = 0;
    }
}

static void on_written(void *arg, bool ok, int64_t offset, const char *why)
{
    struct control *c = arg;
    (void)offset, (void)why; /* the producer tells what is wrong; it is sent again */
    if (!control_callback_is_late(c))
        written(c, ok);
}

static bool send_to(struct worker *w, struct control *c, enum topic_kind topic)
{
    char key[PARTITION_KEY_SIZE];
    partition_key_format(c->part->number, key);
    struct producer_message m = {
        .topic = w->topic[topic],
        .partition = c->part->number,
        .key = key,
        .key_len = strlen(key),
        .value = w->scratch.data,
        .value_len = w->scratch.len,
    };
    if (producer_send(w->producer, &m, on_written, c, NULL) != 0)
        return false;
    c->pending++;
    c->writes++;
    return true;
}

static void write_record(struct worker *w, struct control *c)
{
    snprintf(c->record.fence, sizeof(c->record.fence), "%s", w->fence);
    buf_reset(&w->scratch);
    partition_record_encode(&c->record, &w->scratch);
    c->write_failed = !buf_ok(&w->scratch) || !send_to(w, c, TOPIC_RECORDS) || !send_to(w, c, TOPIC_WAITING);
    if (c->writes > 0)
        c->sent = c->version;
    else
        c->write_again_ms = loop_now_ms(w->loop) + WRITE_AGAIN_MS;
}

/* Cuts that are to be paid are so together, with the next version. */
static void buy(struct control *c)
{
    int64_t now = clock_real_ms();
    if (c->wanted == 0 || c->buying > 0)
        return;
    while (c->buying < c->wanted && partition_record_take(&c->record, now))
        c->buying++;
    c->wanted = 0;
    if (c->buying > 0)
        c->buying_version = ++c->version;
}

static bool says_something(const struct partition_record *r)
{
    return r->paused || r->approval_count > 0;
}

void wide_tick(struct worker *w, struct control *c)
{
    if (!c->renewed && c->part->waits_ready) {
        c->renewed = true;
        c->version += says_something(&c->record);
    }
    buy(c);
    if (c->version > c->durable && c->writes == 0 && loop_now_ms(w->loop) >= c->write_again_ms && commits_own(w))
        write_record(w, c);
}

/* ---- read back ---- */

static void log_unreadable(struct worker *w, int32_t partition, const struct fault *f)
{
    if (!log_begin(w->log, LOG_LEVEL_ERROR, "partition_record_unreadable"))
        return;
    log_int(w->log, "partition", partition);
    log_str(w->log, "pointer", f->pointer);
    log_str(w->log, "error", f->reason);
    log_str(w->log, "next", "what it said of pauses and approvals is not known: say it again");
    log_end(w->log);
}

/* An earlier owner's, also one that came after the first reading: he may have answered the acts that it has. Those that he did not
 * are done here. */
static void merge(struct control *c, const struct partition_record *his)
{
    bool was = c->record.paused;
    partition_record_merge(&c->record, his);
    if (was && !c->record.paused)
        intake_unstop(c->worker);
}

bool wide_load(struct partition *p, const struct reader_message *rm)
{
    const struct event_message *m = &rm->message;
    struct control *c = p->control;
    struct partition_record r;
    struct fault fault = {0};
    int32_t partition;
    if (partition_key_parse(m->key, m->key_len, &partition) != 0)
        return false;
    if (m->value == NULL)
        return true;
    if (partition_record_decode(m->value, m->value_len, &r, &fault) != 0)
        log_unreadable(p->worker, p->number, &fault);
    else if (r.partition != p->number || strcmp(r.provider, p->worker->provider->name) != 0)
        return true;
    else
        merge(c, &r);
    wide_tell(p->worker);
    return true;
}

/* ---- paused ---- */

bool wide_is_paused(const struct partition *p)
{
    return p->control->record.paused;
}

void wide_tell(struct worker *w)
{
    int paused = 0;
    for (int32_t i = 0; i < w->part_count; i++)
        paused += w->parts[i] != NULL && wide_is_paused(w->parts[i]);
    atomic_store_explicit(&w->paused_parts, paused, memory_order_relaxed);
    telemetry_gauge(w->tel, GAUGE_PAUSED, paused);
}

/* ---- approved ---- */

bool wide_pays(struct partition *p)
{
    struct control *c = p->control;
    if (loop_now_ms(c->worker->loop) - c->credit_ms >= CREDIT_LASTS_MS)
        c->credit = 0;
    return c->credit > 0 || c->buying > 0 || partition_record_left(&c->record, clock_real_ms()) > 0;
}

int64_t wide_buy(struct partition *p)
{
    struct control *c = p->control;
    if (c->credit > 0)
        return 0;
    c->wanted += c->buying == 0; /* else it comes again, and wants it then if nothing is left */
    return CREDIT_POLL_MS;
}

void wide_spend(struct partition *p)
{
    p->control->credit--;
}

/* ---- the acts ---- */

bool wide_act_step(struct worker *w, struct act_item *it)
{
    struct control *c = it->control;
    if (it->stage == 0) {
        bool again;
        it->result = partition_record_act(&c->record, &it->act, it->offset, clock_real_ms(), &it->why, &again);
        if (it->result != ACT_DONE)
            return act_is(it, it->result, it->why);
        it->stage = 1;
        it->version = ++c->version; /* an act that it has already is answered again, and may not be durable yet */
        wide_tell(w);
        if (it->act.kind == ACT_RESUME)
            intake_unstop(w);
    }
    return it->version <= c->durable && act_is(it, ACT_DONE, "");
}
