#include "platform.h"

#include <stdlib.h>
#include <string.h>

#include "oracle.h"

static const struct op_entry ops[OP_COUNT] = {
    [OP_PING] = {"ping", CALL_READ},       [OP_DONE] = {"done", CALL_READ},       [OP_EXTRAS] = {"extras", CALL_READ},
    [OP_SEEN] = {"seen", CALL_READ},       [OP_ACCOUNT] = {"account", CALL_READ}, [OP_CUT] = {"cut", CALL_SAFE},         [OP_BACK] = {"back", CALL_SAFE},     [OP_BLOCK] = {"block", CALL_SAFE},
    [OP_DELETE] = {"delete", CALL_SAFE},   [OP_LABEL] = {"label", CALL_SAFE},     [OP_PLAN] = {"plan", CALL_KEYED},
    [OP_TAG] = {"tag", CALL_KEYED},        [OP_PACKAGE] = {"package", CALL_QUERY}, [OP_NOTE] = {"note", CALL_QUERY},
    [OP_MESSAGE] = {"message", CALL_NEVER}, [OP_LIMIT] = {"limit", CALL_NEVER},
};

const struct op_entry *op_entry(enum op op)
{
    return &ops[op];
}

/* A key that was honoured. */
struct seen {
    struct seen *next;
    char key[64];
};

struct platform {
    struct sim *sim;
    struct seen *seen;
    bool away;
};

struct platform *platform_new(struct sim *s)
{
    struct platform *pl = sim_alloc(s, sizeof(*pl));
    pl->sim = s;
    return pl;
}

/* ---- reading: http://tv.sim/s/s<service>/<op>?id=<event>&v=v<variant>&part=p<package>&step=<op> ---- */

static int find_op(const char *name, size_t len)
{
    for (int i = 0; i < OP_COUNT; i++)
        if (strlen(ops[i].name) == len && memcmp(ops[i].name, name, len) == 0)
            return i;
    return -1;
}

static const char *query(const char *url, const char *name, size_t *ret_len)
{
    const char *at = strchr(url, '?');
    size_t n = strlen(name);
    while (at) {
        at++;
        if (strncmp(at, name, n) == 0 && at[n] == '=') {
            *ret_len = strcspn(at + n + 1, "&");
            return at + n + 1;
        }
        at = strchr(at, '&');
    }
    *ret_len = 0;
    return NULL;
}

/* "v1" is variant 1, "p2" part 2. */
static unsigned read_value(const char *v, size_t len)
{
    return v && len > 1 ? (unsigned)strtoul(v + 1, NULL, 10) : 0;
}

bool platform_read(struct platform *pl, const struct call_request *req, struct request *ret)
{
    static const char stem[] = "http://tv.sim/s/s";
    size_t len = 0;
    *ret = (struct request){.op = OP_PING, .key = ""};
    if (strcmp(req->url, "http://tv.sim/ping") == 0)
        return true;
    const char *id = query(req->url, "id", &len), *v;
    if (strncmp(req->url, stem, sizeof(stem) - 1) != 0 || !id) {
        sim_broken(pl->sim, "a request that is none: %s", req->url);
        return false;
    }
    ret->event = oracle_event_of_id(pl->sim, id, len);
    char *end;
    ret->service = (unsigned)strtoul(req->url + sizeof(stem) - 1, &end, 10);
    int op = find_op(end + 1, strcspn(end + 1, "?"));
    ret->op = (enum op)op;
    v = query(req->url, "v", &len);
    ret->value = read_value(v, len);
    v = query(req->url, "part", &len);
    ret->part = read_value(v, len);
    if (op == OP_LIMIT && ret->value > 0)
        ret->value--; /* no limit of 0 devices */
    v = query(req->url, "step", &len);
    if (op == OP_DONE && v)
        ret->part = (unsigned)find_op(v, len);
    v = query(req->url, "set", &len);
    if (op == OP_BACK)
        ret->part = v ? (unsigned)strtoul(v, NULL, 10) : 0;
    for (size_t i = 0; i < req->header_count; i++)
        if (strcmp(req->headers[i].name, "Idempotency-Key") == 0)
            ret->key = sim_copy(pl->sim, req->headers[i].value, strlen(req->headers[i].value));
    if (op < 0 || req->repeat != ops[op].repeat)
        sim_broken(pl->sim, "a request of another class: %s", req->url);
    return op >= 0;
}

/* ---- doing ---- */

static bool knows_key(struct platform *pl, const char *key)
{
    for (const struct seen *k = pl->seen; k; k = k->next)
        if (strcmp(k->key, key) == 0)
            return true;
    struct seen *k = sim_alloc(pl->sim, sizeof(*k));
    snprintf(k->key, sizeof(k->key), "%s", key);
    k->next = pl->seen;
    pl->seen = k;
    return false;
}

void platform_do(struct platform *pl, struct request *r)
{
    if (ops[r->op].repeat == CALL_READ)
        return;
    if (r->given_up)
        sim_mark(pl->sim, MARK_LATE_LANDED);
    if (ops[r->op].repeat == CALL_KEYED && knows_key(pl, r->key)) {
        sim_mark(pl->sim, MARK_KEY_SEEN);
        sim_note(pl->sim, NULL, "known key", ops[r->op].name, r->event, r->value);
        return;
    }
    sim_note(pl->sim, NULL, r->given_up ? "DONE LATE" : "DONE", ops[r->op].name, r->event, r->value);
    oracle_effect(pl->sim, r);
}

bool platform_has_seen(const struct sim *s, unsigned service)
{
    int64_t comes = (int64_t)(sim_pick(s, 1 + service) % (uint64_t)(s->cfg.publish_ms + s->cfg.faults_ms));
    return !s->cfg.on[FAULT_FIRST_ACCESS] || s->now >= comes * SIM_MS;
}

const char *platform_answer(struct platform *pl, const struct request *r)
{
    char text[128];
    if (r->op == OP_ACCOUNT) {
        oracle_account(pl->sim, r->service, text, sizeof(text));
        return sim_copy(pl->sim, text, strlen(text));
    }
    if (r->op == OP_EXTRAS) {
        int len = snprintf(text, sizeof(text), "{\"ok\":true,\"extras\":%u}", oracle_extras(pl->sim, r->service));
        return sim_copy(pl->sim, text, (size_t)len);
    }
    if (r->op == OP_SEEN)
        return platform_has_seen(pl->sim, r->service) ? "{\"ok\":true,\"seen\":true}" : "{\"ok\":true,\"seen\":false}";
    if (r->op != OP_DONE)
        return "{\"ok\":true}";
    return oracle_was_done(pl->sim, r->event, (enum op)r->part) ? "{\"ok\":true,\"done\":true}" : "{\"ok\":true,\"done\":false}";
}

static void on_back(struct sim *s, void *arg)
{
    struct platform *pl = arg;
    pl->away = false;
    sim_note(s, NULL, "platform is back", "", -1, -1);
}

void platform_go_away(struct platform *pl, int64_t ns)
{
    pl->away = true;
    sim_note(pl->sim, NULL, "platform is away", "ms", ns / SIM_MS, -1);
    sim_after(pl->sim, ns, on_back, pl);
}

bool platform_is_away(const struct platform *pl)
{
    return pl->away;
}
