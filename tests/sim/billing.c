#include "billing.h"

#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "kafka.h"
#include "oracle.h"

#define TOPIC "tvbridge.events.sim"
#define PERSON "\"login\":\"" PERSONAL "login\",\"password\":\"" PERSONAL "password\",\"name\":\"" PERSONAL "name\",\"phone\":\"" PERSONAL "phone\""

/* A message that will be written. */
struct letter {
    char key[16], value[900];
    enum place_kind kind;
    unsigned event, variant;
};

static void data_of(char *to, size_t size, enum event_kind kind, unsigned part, unsigned variant, bool first_access)
{
    switch (kind) {
    case KIND_BLOCK:
    case KIND_UNBLOCK:
        snprintf(to, size, "{\"reason\":\"delinquency\",\"note\":\"v%u\",\"extra\":{" PERSON "}}", variant);
        return;
    case KIND_DELETE:
        snprintf(to, size, "{\"note\":\"v%u\"}", variant);
        return;
    case KIND_PLAN:
        snprintf(to, size, "{\"plan\":\"v%u\"}", variant);
        return;
    case KIND_PACKAGE:
    case KIND_UNPACK:
        snprintf(to, size, "{\"packages\":[{\"id\":\"p%u\"}],\"extra\":{\"v\":\"v%u\"," PERSON "}}", part, variant);
        return;
    case KIND_MESSAGE:
        snprintf(to, size, "{\"message\":{\"text\":\"v%u\"}}", variant);
        return;
    case KIND_LIMIT:
        snprintf(to, size, "{\"device_limit\":%u%s}", variant + 1, first_access ? ",\"extra\":{\"first_access\":true}" : "");
        return;
    case KIND_CUT:
    case KIND_BACK:
        snprintf(to, size, "{\"reason\":\"customer_request\",\"note\":\"v%u\",\"extra\":{" PERSON "}}", variant);
        return;
    case KIND_UPDATE:
        snprintf(to, size, "{\"comment\":\"v%u\",\"extra\":{" PERSON "}}", variant);
        return;
    case KIND_SNAPSHOT: /* snapshot_data() */
    case KIND_COUNT:
        return;
    }
}

static void snapshot_data(char *to, size_t size, const struct snapshot_ask *a)
{
    static const char *const packages[] = {"[]", "[{\"id\":\"p0\"}]", "[{\"id\":\"p1\"}]", "[{\"id\":\"p0\"},{\"id\":\"p1\"}]"};
    int n = snprintf(to, size, "{\"mode\":\"%s\",\"status\":\"%s\",\"block\":\"%s\"", a->preview ? "preview" : "apply",
                     a->status == ASK_SUSPENDED ? "suspended" : "active", a->status == ASK_BLOCKED ? "total" : "none");
    if (a->plan >= 0)
        n += snprintf(to + n, size - (size_t)n, ",\"plan\":\"v%d\"", a->plan);
    if (a->packages >= 0)
        n += snprintf(to + n, size - (size_t)n, ",\"packages\":%s", packages[a->packages]);
    snprintf(to + n, size - (size_t)n, "}");
}

struct facts {
    enum event_kind kind;
    unsigned service, part;
    int64_t sequence; /* -1: none */
    int64_t expires_ms;
    bool first_access;
    int64_t begins_ms; /* 0: at once */
    struct snapshot_ask ask; /* of a snapshot */
};

static void write_letter(struct letter *l, const struct facts *f, unsigned event, unsigned variant)
{
    char data[400], sequence[48] = "", expires[64] = "", begins[64] = "", at[CLOCK_RFC3339_SIZE];
    if (f->kind == KIND_SNAPSHOT)
        snapshot_data(data, sizeof(data), &f->ask);
    else
        data_of(data, sizeof(data), f->kind, f->part, variant, f->first_access);
    if (f->sequence >= 0)
        snprintf(sequence, sizeof(sequence), "\"sequence\":\"%" PRId64 "\",", f->sequence);
    if (f->expires_ms > 0) {
        clock_format_rfc3339(f->expires_ms, at);
        snprintf(expires, sizeof(expires), "\"expirytime\":\"%s\",", at);
    }
    if (f->begins_ms > 0) {
        clock_format_rfc3339(f->begins_ms, at);
        snprintf(begins, sizeof(begins), "\"notbefore\":\"%s\",", at);
    }
    snprintf(l->key, sizeof(l->key), "s%u", f->service);
    snprintf(l->value, sizeof(l->value),
             "{\"specversion\":\"1.0\",\"id\":\"e%u\",\"source\":\"/sim\",\"type\":\"tvbridge.%s\",\"subject\":\"s%u\","
             "\"provider\":\"sim\",%s%s%s\"data\":%s}",
             event, kind_entry(f->kind)->type, f->service, sequence, expires, begins, data);
    l->event = event;
    l->variant = variant;
}

/* ---- writing ---- */

static struct producer_message message_of(const struct letter *l)
{
    static const struct event_header type = {"content-type", "application/cloudevents+json", 28};
    return (struct producer_message){.topic = TOPIC, .key = l->key, .key_len = strlen(l->key), .value = l->value,
                                     .value_len = strlen(l->value), .headers = &type, .header_count = 1};
}

static void on_letter(struct sim *s, void *arg)
{
    const struct letter *l = arg;
    struct kafka *k = s->kafka;
    struct ktopic *t = kafka_topic(k, TOPIC);
    struct producer_message m = message_of(l);
    int32_t part = partition_of(PARTITIONER_MURMUR2, l->key, strlen(l->key), k->partitions);
    if (l->kind == PLACE_MISPLACED)
        part = (part + 1) % k->partitions;
    oracle_sent(s, part, t->parts[part].n, l->kind, l->event, l->variant);
    kafka_append(k, t, part, &m);
    s->letters--;
}

static void post(struct sim *s, const struct letter *l, int64_t at_ms)
{
    struct letter *copy = sim_alloc(s, sizeof(*copy));
    *copy = *l;
    s->letters++;
    sim_after(s, at_ms * SIM_MS, on_letter, copy);
}

/* ---- planning ---- */

static enum event_kind some_kind(struct sim *s)
{
    unsigned all = 0;
    for (int i = 0; i < KIND_MIXED; i++)
        all += s->cfg.mix[i];
    unsigned at = (unsigned)sim_range(s, 0, all - 1);
    int kind = 0;
    while (at >= s->cfg.mix[kind])
        at -= s->cfg.mix[kind++];
    return (enum event_kind)kind;
}

static void learn_key(struct sim *s, const struct letter *l, unsigned event)
{
    struct producer_message m = message_of(l);
    struct event_message em = {m.key, m.key_len, m.value, m.value_len, m.headers, m.header_count};
    struct event e;
    struct fault fault;
    if (event_decode(s->env->schemas, &em, &e, &fault) != 0) {
        sim_broken(s, "the simulated billing writes an invalid event: %s %s", fault.pointer, fault.reason);
        return;
    }
    oracle_key(s, event, e.key);
    event_fini(&e);
}

static void post_broken(struct sim *s, struct letter *l, int64_t at_ms)
{
    l->kind = s->cfg.partitions > 1 && sim_chance(s, 500) ? PLACE_MISPLACED : PLACE_INVALID;
    if (l->kind == PLACE_INVALID)
        l->value[sim_range(s, 0, 40)] = '\x01';
    post(s, l, at_ms);
}

/* Orders of a service grow, but for the few that come late. */
static void plan_one(struct sim *s, int64_t *sequences, int64_t at_ms)
{
    struct scenario *c = &s->cfg;
    struct facts f = {.kind = some_kind(s), .service = (unsigned)sim_range(s, 0, c->services - 1), .sequence = -1,
                      .first_access = c->on[FAULT_FIRST_ACCESS]};
    struct letter l = {.kind = PLACE_EVENT};
    f.part = (unsigned)sim_range(s, 0, 1);
    if (!c->by_offset || f.service % 2 == 0) {
        sequences[f.service] += 10;
        f.sequence = sequences[f.service];
        if (c->on[FAULT_REORDER] && f.sequence > 30 && sim_chance(s, 150))
            f.sequence -= 10 * sim_range(s, 1, 3) + sim_range(s, 1, 9);
    }
    if (c->on[FAULT_EXPIRY] && sim_chance(s, 150))
        f.expires_ms = sim_real_ms(s) + at_ms + sim_range(s, -70000, 120000);
    if (c->on[FAULT_INVALID] && sim_chance(s, 60)) {
        write_letter(&l, &f, EVENTS_NONE, 0);
        post_broken(s, &l, at_ms);
        return;
    }
    bool refused = c->on[FAULT_HTTP_REJECT] && sim_chance(s, 100);
    bool put_off = !refused && c->on[FAULT_HTTP_PUT_OFF] && sim_chance(s, 60);
    unsigned event = oracle_event(s, f.kind, f.service, f.part, f.sequence, refused, put_off, f.expires_ms);
    if (c->on[FAULT_POISON] && sim_chance(s, 60))
        oracle_poison(s, event);
    if (c->on[FAULT_DATES] && sim_pick(s, 1000 + event) % 6 == 0) {
        f.begins_ms = sim_real_ms(s) + at_ms + (int64_t)(sim_pick(s, 2000 + event) % 150000);
        oracle_begins(s, event, f.begins_ms);
    }
    write_letter(&l, &f, event, 0);
    learn_key(s, &l, event);
    post(s, &l, at_ms);
    while (c->on[FAULT_DUPLICATES] && sim_chance(s, 200))
        post(s, &l, at_ms + sim_range(s, 1, 60000));
    if (c->on[FAULT_CONFLICT] && sim_chance(s, 100)) {
        write_letter(&l, &f, event, 1);
        post(s, &l, at_ms + sim_range(s, 1, 20000));
    }
}

/* By what the seed says of it alone: so the rest of the story is the same with it and without it. */
static void plan_snapshot(struct sim *s, int64_t *sequences, unsigned number, int64_t at_ms)
{
    uint64_t pick = sim_pick(s, 3000 + number);
    struct facts f = {.kind = KIND_SNAPSHOT, .service = (unsigned)(pick / 8 % s->cfg.services), .sequence = -1};
    struct letter l = {.kind = PLACE_EVENT};
    if (pick % 4 != 0)
        return;
    pick = sim_pick(s, 4000 + number);
    f.ask = (struct snapshot_ask){.preview = pick % 8 == 0, .status = pick / 8 % 4 < 2 ? ASK_ON : pick / 8 % 4 == 2 ? ASK_BLOCKED : ASK_SUSPENDED,
                                  .plan = (int)(pick / 32 % 3) - 1, .packages = (int)(pick / 96 % 5) - 1};
    if (!s->cfg.by_offset || f.service % 2 == 0) {
        sequences[f.service] += 10;
        f.sequence = sequences[f.service];
    }
    unsigned event = oracle_event(s, KIND_SNAPSHOT, f.service, 0, f.sequence, false, false, 0);
    oracle_snapshot(s, event, &f.ask);
    write_letter(&l, &f, event, 0);
    learn_key(s, &l, event);
    post(s, &l, at_ms);
    if (s->cfg.on[FAULT_DUPLICATES] && pick / 1024 % 4 == 0)
        post(s, &l, at_ms + (int64_t)(pick / 4096 % 60000));
}

void billing_plan(struct sim *s)
{
    int64_t sequences[16] = {0};
    int64_t each = s->cfg.publish_ms / s->cfg.events;
    for (unsigned i = 0; i < s->cfg.events; i++) {
        plan_one(s, sequences, each * i + sim_range(s, 0, each));
        if (s->cfg.on[FAULT_SNAPSHOTS])
            plan_snapshot(s, sequences, i, each * (i + 1));
    }
}

bool billing_is_done(const struct sim *s)
{
    return s->letters == 0;
}
