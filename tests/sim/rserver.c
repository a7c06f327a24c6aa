#include "rserver.h"

#include <string.h>

#include "oracle.h"

static void new_id(struct sim *s, char ret[41])
{
    for (int i = 0; i < 40; i++)
        ret[i] = "0123456789abcdef"[sim_range(s, 0, 15)];
    ret[40] = '\0';
}

static void on_set(struct rstore *r, const struct rkey *k, const struct rtext *field, const struct rtext *old,
                   const struct rtext *value)
{
    if (field->len == 2 && memcmp(field->data, "st", 2) == 0)
        oracle_event_state(r->sim, k->name.data, old ? old->data[0] : '-', value->data[0]);
}

struct rserver *rserver_new(struct sim *s)
{
    struct rserver *r = sim_alloc(s, sizeof(*r));
    r->sim = s;
    r->store = sim_alloc(s, sizeof(*r->store));
    r->store->sim = s;
    r->store->on_set = on_set;
    if (s->cfg.on[FAULT_CLOCK])
        r->offset_ms = sim_range(s, -60000, 60000);
    new_id(s, r->run_id);
    new_id(s, r->replication_id);
    return r;
}

int64_t rserver_latency(struct rserver *r)
{
    struct sim *s = r->sim;
    int64_t ns = sim_latency(s) / 4;
    if (s->now < r->slow_until)
        ns += sim_range(s, 0, 3000) * SIM_MS;
    return ns;
}

/* ---- what goes wrong ---- */

void rserver_cut(struct rserver *r)
{
    for (struct redis_link *k = r->links; k; k = redis_link_next(k))
        redis_link_cut(k, "connection reset");
}

static void on_back(struct sim *s, void *arg)
{
    struct rserver *r = arg;
    r->away = r->loading = r->oom = false;
    sim_note(s, NULL, "redis is well", "", -1, -1);
}

void rserver_go_away(struct rserver *r, int64_t ns)
{
    if (r->away)
        return;
    r->away = true;
    sim_note(r->sim, NULL, "redis is away", "ms", ns / SIM_MS, -1);
    sim_after(r->sim, ns, on_back, r);
}

void rserver_restart(struct rserver *r, int64_t ns)
{
    new_id(r->sim, r->run_id);
    rserver_cut(r);
    rserver_go_away(r, ns);
}

void rserver_load(struct rserver *r, int64_t ns)
{
    r->loading = true;
    sim_note(r->sim, NULL, "redis is loading", "ms", ns / SIM_MS, -1);
    sim_after(r->sim, ns, on_back, r);
}

void rserver_fill(struct rserver *r, int64_t ns)
{
    r->oom = true;
    sim_note(r->sim, NULL, "redis is full", "ms", ns / SIM_MS, -1);
    sim_after(r->sim, ns, on_back, r);
}

void rserver_take_snapshot(struct rserver *r)
{
    r->snapshot = rstore_copy(r->store);
}

void rserver_roll_back(struct rserver *r)
{
    if (!r->snapshot)
        return;
    sim_note(r->sim, NULL, "redis fails over", "", -1, -1);
    oracle_redis_lost(r->sim);
    r->store = rstore_copy(r->snapshot);
    new_id(r->sim, r->run_id);
    new_id(r->sim, r->replication_id);
    rserver_cut(r);
}

void rserver_empty(struct rserver *r, bool same_run)
{
    sim_note(r->sim, NULL, "redis is emptied", same_run ? "FLUSHALL" : "a new one", -1, -1);
    oracle_redis_lost(r->sim);
    rstore_clear(r->store);
    r->snapshot = NULL;
    if (same_run)
        return;
    new_id(r->sim, r->run_id);
    new_id(r->sim, r->replication_id);
    rserver_cut(r);
}

/* ---- commands ---- */

static const struct reply *made(struct rserver *r, enum reply_type type, const char *text)
{
    struct reply *a = sim_alloc(r->sim, sizeof(*a));
    *a = (struct reply){.type = type, .len = strlen(text)};
    a->str = sim_copy(r->sim, text, a->len);
    return a;
}

static const struct reply *info(struct rserver *r)
{
    char text[400];
    snprintf(text, sizeof(text),
             "# Server\r\nrun_id:%s\r\ncluster_enabled:0\r\nloading:%d\r\nrole:master\r\nmaster_replid:%s\r\n"
             "maxmemory_policy:noeviction\r\n",
             r->run_id, r->loading, r->replication_id);
    return made(r, REPLY_STRING, text);
}

static const struct reply *config(struct rserver *r)
{
    static const char *const words[] = {"save", "3600 1", "appendonly", "yes"};
    struct reply *a = sim_alloc(r->sim, sizeof(*a)), *items = sim_alloc(r->sim, 4 * sizeof(*items));
    for (int i = 0; i < 4; i++)
        items[i] = *made(r, REPLY_STRING, words[i]);
    *a = (struct reply){.type = REPLY_ARRAY, .str = "", .items = items, .n = 4};
    return a;
}

const struct reply *rserver_command(struct rserver *r, const char *script, const struct rtext *a, size_t n)
{
    r->store->now_us = (sim_real_ms(r->sim) + r->offset_ms) * 1000 + r->sim->now / SIM_US % 1000;
    if (strcmp(a[0].data, "INFO") == 0)
        return info(r);
    if (strcmp(a[0].data, "CONFIG") == 0)
        return config(r);
    if (r->loading)
        return made(r, REPLY_ERROR, "LOADING Redis is loading the dataset in memory");
    if (strcmp(a[0].data, "SCRIPT") == 0)
        return made(r, REPLY_STRING, "0123456789012345678901234567890123456789");
    if (r->oom && (script || strcmp(a[0].data, "GET") != 0))
        return made(r, REPLY_ERROR, "OOM command not allowed when used memory > 'maxmemory'.");
    if (script)
        return rstore_eval(r->store, script, a + 2, n - 2);
    return rstore_command(r->store, a, n);
}
