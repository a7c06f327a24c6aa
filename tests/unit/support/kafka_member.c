#include "support/kafka_member.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void member_settings(struct settings *ret, struct settings_provider *ret_provider, const char *brokers)
{
    *ret = (struct settings){
        .brokers = brokers, .prefix = "tvbridge.", .partitions = 4, .partitioner = PARTITIONER_MURMUR2};
    *ret_provider = (struct settings_provider){
        .name = "demo",
        .threads = 1,
        .numbers = {.session_timeout_ms = 6000, .max_poll_ms = 300000, .queued_kbytes = 12288, .window_bytes = 33554432, .drain_ms = 15000},
    };
}

static void copy_text(char *to, size_t size, const char *from, size_t len)
{
    snprintf(to, size, "%.*s", (int)(from ? len : 0), from ? from : "");
}

/* ---- the consumer's callbacks ---- */

static void on_control_assigned(struct member_control *c, const struct consumer_partition *p)
{
    c->owned++;
    c->owns[p->partition] = true;
    c->committed[p->partition] = p->offset;
    c->next[p->partition] = p->offset < 0 ? 0 : p->offset;
    copy_text(c->metadata[p->partition], sizeof c->metadata[0], p->metadata, p->metadata_len);
}

static void on_assigned(void *arg, const struct consumer_partition *p, size_t n)
{
    struct member *m = arg;
    m->assignments++;
    m->owned = m->control.owned = 0;
    for (size_t i = 0; i < n; i++) {
        int32_t k = p[i].partition;
        if (p[i].control) {
            on_control_assigned(&m->control, &p[i]);
            continue;
        }
        m->owned++;
        m->owns[k] = true;
        m->committed[k] = p[i].offset;
        m->next[k] = p[i].offset < 0 ? 0 : p[i].offset;
        m->metadata_len[k] = p[i].metadata_len;
        memcpy(m->metadata[k], p[i].metadata, p[i].metadata_len);
        m->metadata[k][p[i].metadata_len] = '\0';
    }
}

static void on_revoked(void *arg, const int32_t *partitions, size_t n, bool lost)
{
    struct member *m = arg;
    m->revocations++;
    m->revoking = true;
    m->lost = lost;
    for (size_t i = 0; i < n; i++)
        m->owns[partitions[i]] = false;
    m->owned = 0;
    memset(m->control.owns, 0, sizeof m->control.owns);
    m->control.owned = 0;
    if (m->hold_revoke)
        return;
    m->revoking = false;
    consumer_revoke_done(m->consumer);
}

static void on_control_delivery(struct member_control *c, const struct consumer_delivery *d)
{
    c->delivered++;
    c->out_of_order += d->offset != c->next[d->partition];
    c->next[d->partition] = d->offset + 1;
    copy_text(c->last_value, sizeof c->last_value, d->message.value, d->message.value_len);
}

static void on_delivery(void *arg, const struct consumer_delivery *d)
{
    struct member *m = arg;
    if (d->control) {
        on_control_delivery(&m->control, d);
        return;
    }
    m->delivered++;
    if (d->offset != m->next[d->partition])
        m->out_of_order++;
    m->next[d->partition] = d->offset + 1;
    copy_text(m->last_key, sizeof m->last_key, d->message.key, d->message.key_len);
    copy_text(m->last_value, sizeof m->last_value, d->message.value, d->message.value_len);
    m->last_is_tombstone = d->message.value == NULL;
    if (m->pause_at > 0 && m->delivered == m->pause_at)
        consumer_pause(m->consumer, d->partition);
    if (m->hold_at > 0 && m->delivered == m->hold_at)
        consumer_hold(m->consumer, true);
    m->last_partition = d->partition;
    m->last_timestamp_ms = d->timestamp_ms;
    if (d->message.header_count > 0)
        snprintf(m->last_header, sizeof m->last_header, "%s=%.*s", d->message.headers[0].name,
                 (int)d->message.headers[0].len, d->message.headers[0].value);
}

static void on_committed(void *arg, bool ok, bool fenced, const char *why)
{
    struct member *m = arg;
    m->commits_done++;
    m->commits_ok += ok;
    m->commits_fenced += fenced;
    snprintf(m->commit_why, sizeof m->commit_why, "%s", why);
}

static void on_error(void *arg, bool fatal, const char *why)
{
    struct member *m = arg;
    m->errors++;
    m->fatal += fatal;
    snprintf(m->error, sizeof m->error, "%s", why);
    size_t used = strlen(m->errors_text);
    snprintf(m->errors_text + used, sizeof m->errors_text - used, "%s\n", why);
}

struct member *member_new(struct loop *l, const struct settings *s, const struct settings_provider *p,
                          const char *topic, const char *group, unsigned thread)
{
    return member_new_with_control(l, s, p, topic, NULL, group, thread);
}

struct member *member_new_with_control(struct loop *l, const struct settings *s, const struct settings_provider *p,
                                       const char *topic, const char *control_topic, const char *group,
                                       unsigned thread)
{
    struct err err = {0};
    struct member *m = calloc(1, sizeof *m);
    if (m == NULL)
        return NULL;
    m->loop = l;
    struct consumer_handlers h = {.arg = m,
                                  .assigned = on_assigned,
                                  .revoked = on_revoked,
                                  .delivery = on_delivery,
                                  .committed = on_committed,
                                  .error = on_error};
    m->consumer = consumer_new(l, s, p, topic, control_topic, group, thread, &h, &err);
    if (m->consumer == NULL) {
        fprintf(stderr, "consumer: %s\n", err.msg);
        free(m);
        return NULL;
    }
    return m;
}

void member_free(struct member *m)
{
    consumer_free(m->consumer);
    free(m);
}

int member_commit(struct member *m, int32_t partition, int64_t offset, const char *metadata, size_t len)
{
    struct consumer_partition p = {
        .partition = partition, .offset = offset, .metadata = metadata, .metadata_len = len};
    return consumer_commit(m->consumer, &p, 1, NULL);
}

/* ---- running ---- */

struct until {
    struct loop *loop;
    struct loop_timer *timer;
    until_fn *fn;
    void *arg;
    int64_t left_ms;
    bool result;
};

#define LOOK_MS 5

static void look(void *arg)
{
    struct until *u = arg;
    u->result = u->fn(u->arg);
    u->left_ms -= LOOK_MS;
    if (u->result || u->left_ms <= 0)
        loop_stop(u->loop);
    else
        loop_timer_start(u->timer, LOOK_MS);
}

bool run_until(struct loop *l, until_fn *fn, void *arg, int64_t timeout_ms)
{
    struct until u = {.loop = l, .fn = fn, .arg = arg, .left_ms = timeout_ms};
    u.timer = loop_timer_new(l, look, &u, NULL);
    loop_timer_start(u.timer, 0);
    loop_run(l);
    loop_timer_free(u.timer);
    return u.result;
}

static bool never(void *arg)
{
    (void)arg;
    return false;
}

void run_for(struct loop *l, int64_t ms)
{
    (void)run_until(l, never, NULL, ms);
}

bool member_has_assignment(void *arg)
{
    const struct member *m = arg;
    return m->assignments > 0 && m->owned > 0;
}

bool member_commit_is_done(void *arg)
{
    const struct member *m = arg;
    return !consumer_commit_outstanding(m->consumer);
}

/* ---- producing ---- */

void count_ack(void *arg, bool ok, int64_t offset, const char *why)
{
    struct acks *a = arg;
    (void)offset;
    a->ok += ok;
    a->failed += !ok;
    snprintf(a->why, sizeof a->why, "%s", why);
}

bool produce_some(struct loop *l, const struct settings *s, const char *topic, int32_t partition, unsigned n)
{
    struct acks acks = {0};
    struct err err = {0};
    struct producer *p = producer_new(l, s, 20000, NULL, NULL, &err);
    for (unsigned i = 0; p && i < n; i++) {
        char value[16];
        int len = snprintf(value, sizeof value, "v%u", i);
        struct producer_message m = {.topic = topic, .partition = partition, .key = "k", .key_len = 1,
                                     .value = value, .value_len = (size_t)len};
        if (producer_send(p, &m, count_ack, &acks, &err) < 0)
            break;
    }
    producer_free(p, 20000);
    if (acks.ok != n)
        fprintf(stderr, "produced %u of %u: %s %s\n", acks.ok, n, err.msg, acks.why);
    return acks.ok == n;
}
