/* redis_claim.c - the commands of redis.h: arguments in, answers out. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/redis_private.h"

/* What a command under way needs when its answer comes. Goes back to redis->spare then. */
struct redis_request {
    struct redis_request *next, *next_spare;
    claim_fn *claimed;
    redis_done_fn *done;
    void *arg;
};

/* NULL: not connected, or out of memory. */
struct redis_request *redis_request_take(struct redis *r)
{
    if (r->state != REDIS_STATE_READY)
        return NULL;
    struct redis_request *q = r->spare;
    if (q) {
        r->spare = q->next_spare;
        return q;
    }
    q = calloc(1, sizeof(*q));
    if (!q)
        return NULL;
    q->next = r->requests;
    r->requests = q;
    return q;
}

static void request_give(struct redis *r, struct redis_request *q)
{
    q->next_spare = r->spare;
    r->spare = q;
}

void redis_requests_fini(struct redis *r)
{
    while (r->requests) {
        struct redis_request *q = r->requests;
        r->requests = q->next;
        free(q);
    }
}

static void key_event(struct redis *r, const char *service, const char *event_key)
{
    redis_link_cat(r->link, r->options.prefix, "{", r->options.provider, "/", service, "}:e:", event_key, NULL);
}

static void key_lane(struct redis *r, const char *service)
{
    redis_link_cat(r->link, r->options.prefix, "{", r->options.provider, "/", service, "}:l", NULL);
}

void redis_key_accounts(struct redis *r, int32_t partition)
{
    char number[16];
    snprintf(number, sizeof(number), ":%" PRId32, partition);
    redis_link_cat(r->link, r->options.prefix, "accounts:", r->options.provider, number, NULL);
}

/* The script's name, number of keys and the three keys that all take. */
static void begin(struct redis *r, enum script_id id, size_t keys, size_t args, const char *service,
                  const char *event_key)
{
    redis_link_begin_script(r->link, &r->scripts[id], 1 + keys + args);
    redis_link_int(r->link, (int64_t)keys);
    redis_link_cat(r->link, r->options.prefix, "birth", NULL);
    key_event(r, service, event_key);
    key_lane(r, service);
}

void redis_look_at_error(struct redis *r, const struct reply *a)
{
    if (a && a->type == REPLY_ERROR && (strncmp(a->str, "READONLY", 8) == 0 || strncmp(a->str, "LOADING", 7) == 0))
        redis_unusable(r, a->str);
}

/* ---- CLAIM ---- */

static const enum claim_state states[CODE_COUNT] = {
    [CODE_FRESH] = CLAIM_FRESH,       [CODE_DOUBT] = CLAIM_DOUBT,       [CODE_DECIDED] = CLAIM_DECIDED,
    [CODE_BUSY] = CLAIM_BUSY,         [CODE_STALE] = CLAIM_STALE,       [CODE_REPEATED] = CLAIM_REPEATED,
    [CODE_CONFLICT] = CLAIM_CONFLICT, [CODE_MIXED] = CLAIM_MIXED,       [CODE_PAUSED] = CLAIM_PAUSED,
    [CODE_FORGOT] = CLAIM_FORGOT,     [CODE_SUPERSEDED] = CLAIM_SUPERSEDED, [CODE_COVERED] = CLAIM_COVERED,
};

enum { FENCE_BYTES_MAX = 19 };

static bool is_text(const struct reply *r)
{
    return r->type == REPLY_STRING || r->type == REPLY_STATUS;
}

/* {code, fence, record, facts or steps, ms, any step, crashes}; what is claimed has a fence. */
static bool is_claim(const struct reply *a)
{
    const struct reply *r = a->items;
    if (a->type != REPLY_ARRAY || a->n < 5 || a->n > 7 || r[0].type != REPLY_INTEGER || r[4].type != REPLY_INTEGER ||
        !is_text(&r[1]) || !is_text(&r[2]) || !is_text(&r[3]))
        return false;
    long long code = r[0].integer;
    if (code < 0 || code >= CODE_COUNT || (r[4].integer < 0 && code != CODE_DOUBT)) /* Redis' clock may go back */
        return false;
    if (code != CODE_FRESH && code != CODE_DOUBT)
        return true;
    return r[1].len > 0 && r[1].len <= FENCE_BYTES_MAX && strspn(r[1].str, "0123456789") == r[1].len;
}

static void read_claim(const struct reply *a, struct claim_reply *ret)
{
    if (!a || a->type == REPLY_ERROR) {
        ret->error = a ? a->str : "no answer from Redis";
        return;
    }
    const struct reply *code = a->items;
    if (!is_claim(a)) {
        ret->error = "Redis answered something else";
        return;
    }
    ret->state = states[code->integer];
    ret->fence = code[1].str;
    ret->record = code[2].str;
    ret->record_len = code[2].len;
    bool flag = a->n > 5 && code[5].type == REPLY_INTEGER && code[5].integer == 1;
    ret->crashes = a->n > 6 && code[6].type == REPLY_INTEGER && code[6].integer > 0 ? (unsigned)code[6].integer : 0;
    bool claimed = ret->state == CLAIM_FRESH || ret->state == CLAIM_DOUBT;
    if (ret->state == CLAIM_BUSY || ret->state == CLAIM_COVERED) {
        ret->first = code[3].str;
        ret->wait_ms = code[4].integer;
        return;
    }
    *(claimed ? &ret->any_step : &ret->dropped) = flag;
    const char **text = claimed ? &ret->steps : &ret->outcome;
    *text = code[3].str;
    *(claimed ? &ret->steps_len : &ret->outcome_len) = code[3].len;
    *(claimed ? &ret->sent_ms : &ret->wait_ms) = code[4].integer;
}

static void on_claim(void *owner, void *arg, const struct reply *a)
{
    struct redis *r = owner;
    struct redis_request q = *(struct redis_request *)arg;
    struct claim_reply reply = {
        .state = CLAIM_FAILED, .fence = "", .record = "", .outcome = "", .steps = "", .first = "", .error = ""};
    request_give(r, arg);
    redis_look_at_error(r, a);
    read_claim(a, &reply);
    if (reply.state == CLAIM_FORGOT)
        redis_unusable(r, "the birth mark is another: asking again who is there");
    q.claimed(q.arg, &reply);
}

const char *redis_order_by(enum order_by by)
{
    return by == ORDER_BY_NOTHING ? "" : by == ORDER_BY_SEQUENCE ? "s" : "o";
}

static const char *what_claim(const struct claim_request *c)
{
    if (c->alone)
        return c->maybe_sent ? "3" : "4";
    return c->maybe_sent ? "2" : c->retry ? "1" : "0";
}

int redis_claim(struct redis *r, const struct claim_request *c, claim_fn *fn, void *arg)
{
    struct redis_request *q = redis_request_take(r);
    if (!q)
        return -1;
    q->claimed = fn;
    q->arg = arg;
    struct redis_link *k = r->link;
    begin(r, SCRIPT_CLAIM, 4 + c->covered_count, 11 + c->axis_count, c->service, c->event_key);
    redis_link_cat(k, r->options.prefix, "pause:", r->options.provider, NULL);
    for (size_t i = 0; i < c->covered_count; i++)
        key_event(r, c->service, c->covered[i]);
    redis_link_str(k, r->mark);
    redis_link_str(k, r->options.owner);
    redis_link_str(k, c->fingerprint);
    redis_link_str(k, r->fence_floor);
    redis_link_str(k, c->order);
    redis_link_str(k, redis_order_by(c->order_by));
    redis_link_str(k, c->event_id);
    redis_link_str(k, what_claim(c));
    redis_link_str(k, c->event_key);
    redis_link_str(k, c->place ? c->place : "");
    redis_link_int(k, (int64_t)c->waiting_count);
    for (size_t i = 0; i < c->axis_count; i++)
        redis_link_cat(k, "a:", c->axes[i], NULL);
    if (redis_link_end(k, on_claim, q) == 0)
        return 0;
    request_give(r, q);
    return -1;
}

/* ---- the others ---- */

static enum redis_result result_of(const struct reply *a)
{
    if (!a || a->type != REPLY_INTEGER)
        return REDIS_FAILED;
    if (a->integer == SCRIPT_OK)
        return REDIS_OK;
    if (a->integer == SCRIPT_FENCED)
        return REDIS_FENCED;
    return a->integer == SCRIPT_LOST ? REDIS_LOST : REDIS_FAILED;
}

static void on_done(void *owner, void *arg, const struct reply *a)
{
    struct redis *r = owner;
    struct redis_request q = *(struct redis_request *)arg;
    request_give(r, arg);
    redis_look_at_error(r, a);
    enum redis_result res = result_of(a);
    if (res == REDIS_LOST)
        redis_unusable(r, "the birth mark is another: asking again who is there");
    if (q.done)
        q.done(q.arg, res);
}

int redis_request_end(struct redis *r, redis_done_fn *fn, void *arg, struct redis_request *q)
{
    q->done = fn;
    q->arg = arg;
    if (redis_link_end(r->link, on_done, q) == 0)
        return 0;
    request_give(r, q);
    return -1;
}

/* What an axis is set to. */
static void add_mover(struct redis_link *k, const char *order, const char *place, bool unchanged, const char *event_id)
{
    bool known = place && place[0] != '\0';
    redis_link_cat(k, order, known ? "@" : "", known ? place : "", known && unchanged ? "=" : "", " ", event_id, NULL);
}

/* What the record changes in the set of accounts; the key stands before the other arguments. */
static void add_account(struct redis_link *k, enum redis_account account, const char *service)
{
    if (account != REDIS_ACCOUNT_SAME)
        redis_link_cat(k, account == REDIS_ACCOUNT_EXISTS ? "+" : "-", service, NULL);
}

static void add_record(struct redis_link *k, const struct decide_request *d)
{
    redis_link_arg(k, d->record, d->record_len);
    redis_link_str(k, redis_order_by(d->order_by));
    for (size_t i = 0; i < d->axis_count; i++) {
        redis_link_cat(k, "a:", d->axes[i], NULL);
        add_mover(k, d->order, d->place, d->unchanged, d->event_id);
    }
    add_account(k, d->account, d->service);
}

int redis_decide(struct redis *r, const struct decide_request *d, redis_done_fn *fn, void *arg)
{
    struct redis_request *q = redis_request_take(r);
    if (!q)
        return -1;
    struct redis_link *k = r->link;
    size_t account = d->record && d->account != REDIS_ACCOUNT_SAME ? 1 : 0;
    begin(r, SCRIPT_DECIDE, 3 + account, 4 + (d->record ? 2 + 2 * d->axis_count + account : 0), d->service, d->event_key);
    if (account > 0)
        redis_key_accounts(r, d->partition);
    redis_link_str(k, r->mark);
    redis_link_str(k, d->fence);
    redis_link_arg(k, d->outcome, d->outcome_len);
    redis_link_str(k, d->dead ? "X" : "D");
    if (d->record)
        add_record(k, d);
    return redis_request_end(r, fn, arg, q);
}

/* STEP, RELEASE, RENEW, PARK: the holder's scripts. @steps, or PARK's event key, may be NULL. */
static int holder(struct redis *r, enum script_id id, const char *service, const char *event_key, const char *fence,
                  const char *steps, size_t steps_len, redis_done_fn *fn, void *arg)
{
    struct redis_request *q = redis_request_take(r);
    if (!q)
        return -1;
    begin(r, id, 3, steps ? 3 : 2, service, event_key);
    redis_link_str(r->link, r->mark);
    redis_link_str(r->link, fence);
    if (steps)
        redis_link_arg(r->link, steps, steps_len);
    return redis_request_end(r, fn, arg, q);
}

int redis_step(struct redis *r, const char *service, const char *event_key, const char *fence, const char *steps,
               size_t steps_len, redis_done_fn *fn, void *arg)
{
    return holder(r, SCRIPT_STEP, service, event_key, fence, steps, steps_len, fn, arg);
}

int redis_keep(struct redis *r, const char *service, const char *event_key, const char *fence, const struct redis_kept *kept,
               redis_done_fn *fn, void *arg)
{
    struct redis_request *q = redis_request_take(r);
    if (!q)
        return -1;
    begin(r, SCRIPT_STEP, 3, 4, service, event_key);
    redis_link_str(r->link, r->mark);
    redis_link_str(r->link, fence);
    redis_link_arg(r->link, kept->steps, kept->steps_len);
    redis_link_arg(r->link, kept->record, kept->record_len);
    return redis_request_end(r, fn, arg, q);
}

int redis_release(struct redis *r, const char *service, const char *event_key, const char *fence,
                  redis_done_fn *fn, void *arg)
{
    return holder(r, SCRIPT_RELEASE, service, event_key, fence, NULL, 0, fn, arg);
}

int redis_park(struct redis *r, const char *service, const char *event_key, const char *fence,
               redis_done_fn *fn, void *arg)
{
    return holder(r, SCRIPT_PARK, service, event_key, fence, "1", 1, fn, arg);
}

int redis_doubt(struct redis *r, const char *service, const char *event_key, const char *fence,
                redis_done_fn *fn, void *arg)
{
    return holder(r, SCRIPT_PARK, service, event_key, fence, NULL, 0, fn, arg);
}

static int of_round(struct redis *r, enum script_id id, const char *service, const char *event_key, unsigned round,
                    redis_done_fn *fn, void *arg)
{
    struct redis_request *q = redis_request_take(r);
    if (!q)
        return -1;
    begin(r, id, 3, 2, service, event_key);
    redis_link_str(r->link, r->mark);
    redis_link_int(r->link, round);
    return redis_request_end(r, fn, arg, q);
}

int redis_reopen(struct redis *r, const char *service, const char *event_key, unsigned round, redis_done_fn *fn, void *arg)
{
    return of_round(r, SCRIPT_REOPEN, service, event_key, round, fn, arg);
}

int redis_close(struct redis *r, const char *service, const char *event_key, unsigned round, redis_done_fn *fn, void *arg)
{
    return of_round(r, SCRIPT_CLOSE, service, event_key, round, fn, arg);
}

int redis_rest(struct redis *r, const char *service, const char *event_key, const char *fence,
               redis_done_fn *fn, void *arg)
{
    return holder(r, SCRIPT_REST, service, event_key, fence, NULL, 0, fn, arg);
}

int redis_renew(struct redis *r, const char *service, const char *event_key, const char *fence,
                redis_done_fn *fn, void *arg)
{
    return holder(r, SCRIPT_RENEW, service, event_key, fence, NULL, 0, fn, arg);
}

static void add_axes_and_account(struct redis_link *k, const struct merge_request *m)
{
    for (size_t i = 0; i < m->axis_count; i++) {
        redis_link_cat(k, "a:", m->axes[i].name, NULL);
        add_mover(k, m->axes[i].order, m->axes[i].place, m->axes[i].unchanged, m->axes[i].event_id);
    }
    if (m->record)
        add_account(k, m->account, m->service);
}

int redis_merge(struct redis *r, const struct merge_request *m, redis_done_fn *fn, void *arg)
{
    struct redis_request *q = redis_request_take(r);
    if (!q)
        return -1;
    struct redis_link *k = r->link;
    const char *key = m->event_key ? m->event_key : "";
    size_t account = m->record && m->account != REDIS_ACCOUNT_SAME ? 1 : 0;
    begin(r, SCRIPT_MERGE, 3 + account, 8 + 2 * m->axis_count + account, m->service, key);
    if (account > 0)
        redis_key_accounts(r, m->partition);
    redis_link_str(k, r->mark);
    redis_link_str(k, m->fence);
    redis_link_str(k, key[0] ? m->fingerprint : "");
    redis_link_str(k, m->dead ? "X" : "D");
    redis_link_arg(k, m->outcome ? m->outcome : "", m->outcome ? m->outcome_len : 0);
    redis_link_str(k, key);
    redis_link_arg(k, m->record ? m->record : "", m->record ? m->record_len : 0);
    redis_link_str(k, m->order_by[0] == '\0' ? "" : m->order_by[0] == 's' ? "s" : "o");
    add_axes_and_account(k, m);
    return redis_request_end(r, fn, arg, q);
}

static void on_nothing(void *owner, void *arg, const struct reply *a)
{
    (void)owner, (void)arg, (void)a;
}

int redis_pause_provider(struct redis *r, int64_t ms)
{
    /* An end by Redis' clock, which every claim compares; only Redis knows it, so it is set by a small script. */
    static const char text[] = "local t = redis.call('TIME')\n"
                               "local till = t[1] * 1000 + math.floor(t[2] / 1000) + ARGV[1]\n"
                               "if tonumber(redis.call('GET', KEYS[1]) or 0) >= till then return 0 end\n"
                               "redis.call('SET', KEYS[1], string.format('%.0f', till), 'PX', ARGV[1])\n"
                               "return 0\n";
    if (r->state != REDIS_STATE_READY)
        return -1;
    if (ms <= 0)
        return 0;
    redis_link_begin(r->link, 5);
    redis_link_str(r->link, "EVAL");
    redis_link_str(r->link, text);
    redis_link_str(r->link, "1");
    redis_link_cat(r->link, r->options.prefix, "pause:", r->options.provider, NULL);
    redis_link_int(r->link, ms);
    return redis_link_end(r->link, on_nothing, NULL);
}
