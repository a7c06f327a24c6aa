/* diff_main.c - holds the simulated Redis (rstore.c) against a real redis-server: the same random calls of the real
 * scripts, the same answers and the same keys after them. The scripts' clock is a key here, so that both read the same. */
#include <hiredis/hiredis.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "env.h"
#include "io/redis_scripts.h"
#include "support/redis_server.h"
#include "rstore.h"

enum { ARGS_MAX = 40, TEXT_MAX = 96, CALLS = 60, EVENTS = 12 };

struct call {
    const char *script;
    char text[ARGS_MAX][TEXT_MAX];
    size_t n;
};

struct diff {
    struct sim sim;
    struct rstore *store;
    redisContext *real;
    char *scripts[SCRIPT_COUNT];
    int64_t now_us;
    char fences[EVENTS + 1][TEXT_MAX]; /* that CLAIM gave last, by event */
    unsigned claimed;         /* the event that was claimed last; 0: none */
    int number;               /* of the call in its round */
    bool is_of_slots;         /* most calls of the round are */
    int64_t slots_asked;      /* the number of the newest question for slots */
    bool differs;
};

/* ---- random calls ---- */

static void arg(struct call *c, const char *text)
{
    snprintf(c->text[c->n++], TEXT_MAX, "%s", text);
}

static void argf(struct call *c, const char *fmt, ...) ATTR_PRINTF(2, 3);
static void argf(struct call *c, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(c->text[c->n++], TEXT_MAX, fmt, ap);
    va_end(ap);
}

static const char *one_of(struct diff *d, const char *const *words, size_t n)
{
    return words[sim_range(&d->sim, 0, (int64_t)n - 1)];
}

static const char *axis(struct diff *d)
{
    static const char *const axes[] = {"a:block", "a:plan", "a:existence", "a:all", "a:package:p1"};
    return one_of(d, axes, ARRAY_LEN(axes));
}

static void fence(struct diff *d, struct call *c, unsigned event)
{
    if (sim_chance(&d->sim, 850))
        arg(c, d->fences[event]);
    else
        arg(c, sim_chance(&d->sim, 500) ? d->fences[sim_range(&d->sim, 1, EVENTS)] : "1790000000000000");
}

static void order(struct diff *d, struct call *c, const char *behind)
{
    argf(c, "000000-%018lld-000000%s", (long long)d->number + sim_range(&d->sim, 1, 20), behind);
}

/* @fourth: that key, or NULL. @covered: how many more, which it covers. */
static unsigned keys(struct diff *d, struct call *c, const char *fourth, int covered)
{
    bool same = d->claimed > 0 && sim_chance(&d->sim, 700);
    unsigned event = same ? d->claimed : (unsigned)sim_range(&d->sim, 1, EVENTS);
    argf(c, "%d", (fourth ? 4 : 3) + covered);
    arg(c, "t:birth");
    argf(c, "t:{p/s}:e:%u", event);
    arg(c, "t:{p/s}:l");
    if (fourth)
        arg(c, fourth);
    for (; covered > 0; covered--)
        argf(c, "t:{p/s}:e:%lld", (long long)sim_range(&d->sim, 1, EVENTS));
    arg(c, sim_chance(&d->sim, 970) ? "mark" : "another");
    return event;
}

static void make_claim(struct diff *d, struct call *c)
{
    static const char *const retries[] = {"0", "0", "1", "2", "3", "4"};
    int covered = sim_chance(&d->sim, 300) ? (int)sim_range(&d->sim, 1, 2) : 0;
    unsigned event = keys(d, c, "t:pause:p", covered);
    argf(c, "owner%lld", (long long)sim_range(&d->sim, 1, 2));
    argf(c, "fp%u%s", event, sim_chance(&d->sim, 50) ? "x" : "");
    arg(c, sim_chance(&d->sim, 800) ? "0" : "1890000000000000");
    order(d, c, "");
    arg(c, sim_chance(&d->sim, 970) ? "s" : "o");
    argf(c, "id%u", event);
    arg(c, one_of(d, retries, ARRAY_LEN(retries)));
    argf(c, "%u", event);
    if (sim_chance(&d->sim, 100))
        arg(c, "");
    else
        argf(c, "%u", event);
    argf(c, "%lld", (long long)sim_range(&d->sim, 0, covered));
    for (int64_t n = sim_range(&d->sim, 0, 2); n > 0; n--)
        arg(c, axis(d));
}

static void add_axes(struct diff *d, struct call *c, unsigned event)
{
    char id[32];
    if (sim_chance(&d->sim, 200))
        snprintf(id, sizeof(id), " id%u\"\\", event);
    else
        snprintf(id, sizeof(id), "@%u%s id%u", event, sim_chance(&d->sim, 250) ? "=" : "", event);
    for (int64_t n = sim_range(&d->sim, 1, 2); n > 0; n--) {
        arg(c, axis(d));
        order(d, c, id);
    }
}

/* As it was at the end of a claim, or before that. */
static void record(struct diff *d, struct call *c)
{
    long long fence = (long long)(d->now_us + sim_range(&d->sim, -5, 5));
    if (sim_chance(&d->sim, 700))
        argf(c, "{\"fence\":\"%lld\"}", fence);
    else
        argf(c, "{\"fence\":\"%lld\",\"unfinished\":\"%lld\"}", fence, fence);
}

/* The key of the set that the account is added to or taken from; NULL: neither. */
static const char *accounts(struct diff *d, bool with_record)
{
    return with_record && sim_chance(&d->sim, 600) ? "t:accounts:p:0" : NULL;
}

static void account(struct diff *d, struct call *c)
{
    argf(c, "%cs%lld", sim_chance(&d->sim, 500) ? '+' : '-', (long long)sim_range(&d->sim, 1, 3));
}

static void make_decide(struct diff *d, struct call *c)
{
    bool with_record = sim_chance(&d->sim, 700);
    const char *set = accounts(d, with_record);
    unsigned event = keys(d, c, set, 0);
    fence(d, c, event);
    argf(c, "{\"kind\":\"applied\",\"n\":%lld}", (long long)sim_range(&d->sim, 1, 3));
    arg(c, sim_chance(&d->sim, 800) ? "D" : "X");
    if (!with_record)
        return;
    record(d, c);
    arg(c, "s");
    add_axes(d, c, event);
    if (set)
        account(d, c);
}

static void make_merge(struct diff *d, struct call *c)
{
    bool with_record = sim_chance(&d->sim, 700);
    const char *set = accounts(d, with_record);
    unsigned event = keys(d, c, set, 0);
    fence(d, c, event);
    if (sim_chance(&d->sim, 300))
        arg(c, "");
    else
        argf(c, "fp%u", event);
    arg(c, sim_chance(&d->sim, 800) ? "D" : "X");
    argf(c, "{\"kind\":\"applied\",\"round\":%lld}", (long long)sim_range(&d->sim, 1, 3));
    argf(c, "%u", event);
    if (!with_record) {
        arg(c, "");
        arg(c, "");
        return;
    }
    if (sim_chance(&d->sim, 500))
        record(d, c);
    else
        argf(c, "{\"fence\":\"%lld\"}", (long long)(d->now_us + sim_range(&d->sim, -5000000, 5)));
    arg(c, sim_chance(&d->sim, 800) ? "s" : "");
    add_axes(d, c, event);
    if (set)
        account(d, c);
}

static void make_slots(struct diff *d, struct call *c)
{
    arg(c, "2");
    arg(c, "t:birth");
    arg(c, "t:slots:p");
    arg(c, sim_chance(&d->sim, 970) ? "mark" : "another");
    argf(c, "worker%lld", (long long)sim_range(&d->sim, 1, 5));
    argf(c, "%lld", (long long)sim_range(&d->sim, 0, 2));
    argf(c, "%lld", (long long)sim_range(&d->sim, 0, 3));
    argf(c, "%lld", (long long)sim_range(&d->sim, 1, 4));
    argf(c, "%lld", (long long)(sim_chance(&d->sim, 800) ? ++d->slots_asked : sim_range(&d->sim, 1, d->slots_asked + 1)));
}

static void make_call(struct diff *d, struct call *c)
{
    enum script_id id = sim_chance(&d->sim, 400) ? SCRIPT_CLAIM : (enum script_id)sim_range(&d->sim, 0, SCRIPT_COUNT - 1);
    if (id == SCRIPT_MERGE && sim_chance(&d->sim, 600))
        id = SCRIPT_RELEASE;
    if (d->is_of_slots && sim_chance(&d->sim, 800))
        id = SCRIPT_SLOTS;
    *c = (struct call){.script = d->scripts[id]};
    if (id == SCRIPT_CLAIM) {
        make_claim(d, c);
    } else if (id == SCRIPT_DECIDE) {
        make_decide(d, c);
    } else if (id == SCRIPT_MERGE) {
        make_merge(d, c);
    } else if (id == SCRIPT_SLOTS) {
        make_slots(d, c);
    } else {
        unsigned event = keys(d, c, NULL, 0);
        if (id == SCRIPT_REOPEN || id == SCRIPT_CLOSE)
            argf(c, "%lld", (long long)sim_range(&d->sim, 1, 3));
        else
            fence(d, c, event);
        if (id == SCRIPT_PARK && sim_chance(&d->sim, 500))
            argf(c, "1");
        if (id == SCRIPT_STEP)
            argf(c, "steps%lld%s", (long long)sim_range(&d->sim, 1, 3), sim_chance(&d->sim, 500) ? ",\"changed\":true" : "");
        if (id == SCRIPT_STEP && sim_chance(&d->sim, 300))
            record(d, c);
    }
}

/* ---- both sides ---- */

static redisReply *ask_real(struct diff *d, int n, const char **args, const size_t *lens)
{
    redisReply *r = redisCommandArgv(d->real, n, args, lens);
    if (!r) {
        fprintf(stderr, "tvb-sim-diff: the real Redis: %s\n", d->real->errstr);
        exit(1);
    }
    return r;
}

static redisReply *call_real(struct diff *d, const struct call *c)
{
    const char *args[ARGS_MAX + 2] = {"EVAL", c->script};
    size_t lens[ARGS_MAX + 2] = {4, strlen(c->script)};
    for (size_t i = 0; i < c->n; i++) {
        args[i + 2] = c->text[i];
        lens[i + 2] = strlen(c->text[i]);
    }
    return ask_real(d, (int)c->n + 2, args, lens);
}

static const struct reply *call_simulated(struct diff *d, const struct call *c)
{
    struct rtext args[ARGS_MAX];
    for (size_t i = 0; i < c->n; i++)
        args[i] = (struct rtext){c->text[i], strlen(c->text[i])};
    return rstore_eval(d->store, c->script, args, c->n);
}

static void set_both(struct diff *d, const char *key, const char *field, const char *value)
{
    const char *args[] = {field ? "HSET" : "SET", key, field ? field : value, value};
    size_t lens[4];
    struct rtext texts[4];
    for (int i = 0; i < 4; i++) {
        lens[i] = strlen(args[i]);
        texts[i] = (struct rtext){args[i], lens[i]};
    }
    int n = field ? 4 : 3;
    freeReplyObject(ask_real(d, n, args, lens));
    rstore_command(d->store, texts, (size_t)n);
}

static void set_clock(struct diff *d)
{
    char text[32];
    d->now_us += sim_range(&d->sim, 1, sim_chance(&d->sim, 100) ? 30000000 : 5000);
    snprintf(text, sizeof(text), "%lld", (long long)(d->now_us / 1000000));
    set_both(d, "t:clock", "s", text);
    snprintf(text, sizeof(text), "%lld", (long long)(d->now_us % 1000000));
    set_both(d, "t:clock", "u", text);
}

/* ---- comparing ---- */

static bool same(const redisReply *a, const struct reply *b)
{
    switch (b->type) {
    case REPLY_STRING:
        return a->type == REDIS_REPLY_STRING && a->len == b->len && memcmp(a->str, b->str, b->len) == 0;
    case REPLY_STATUS:
        return a->type == REDIS_REPLY_STATUS;
    case REPLY_ERROR:
        return a->type == REDIS_REPLY_ERROR;
    case REPLY_INTEGER:
        return a->type == REDIS_REPLY_INTEGER && a->integer == b->integer;
    case REPLY_NIL:
        return a->type == REDIS_REPLY_NIL;
    case REPLY_ARRAY:
        if (a->type != REDIS_REPLY_ARRAY || a->elements != b->n)
            return false;
        for (size_t i = 0; i < b->n; i++)
            if (!same(a->element[i], &b->items[i]))
                return false;
        return true;
    }
    return false;
}

static void print_call(const struct diff *d, const struct call *c, const char *what)
{
    int id = 0;
    while (id < SCRIPT_COUNT && d->scripts[id] != c->script)
        id++;
    printf("seed %llu: %s differs: script %d", (unsigned long long)d->sim.seed, what, id);
    for (size_t i = 0; i < c->n; i++)
        printf(" '%s'", c->text[i]);
    putchar('\n');
}

/* The same fields with the same values, or the same members. */
static bool same_fields(const redisReply *real, const struct rkey *k)
{
    size_t n = 0, step = k->is_set ? 1 : 2;
    bool good = true;
    for (const struct rfield *f = k->fields; f; f = f->next)
        n++;
    for (size_t i = 0; good && i < real->elements; i += step) {
        const struct rtext *v = rstore_field(k, real->element[i]->str);
        const redisReply *value = real->element[i + step - 1];
        good = v && (k->is_set || (v->len == value->len && memcmp(v->data, value->str, v->len) == 0));
    }
    return good && real->elements == step * n;
}

static void check_key(struct diff *d, const redisReply *name)
{
    struct rkey *k = rstore_find(d->store, name->str, name->len);
    const char *get[] = {k && k->is_set ? "SMEMBERS" : "HGETALL", name->str}, *ttl[] = {"PTTL", name->str};
    size_t lens[] = {strlen(get[0]), name->len}, ttl_lens[] = {4, name->len};
    redisReply *fields = ask_real(d, 2, get, lens), *left = ask_real(d, 2, ttl, ttl_lens);
    bool good = k && k->is_hash == (fields->type == REDIS_REPLY_ARRAY) && (left->integer >= 0) == (k->expires_ms >= 0);
    if (good && k->is_hash)
        good = same_fields(fields, k);
    if (!good) {
        printf("seed %llu: key %s differs\n", (unsigned long long)d->sim.seed, name->str);
        d->differs = true;
    }
    freeReplyObject(fields);
    freeReplyObject(left);
}

static void check_keys(struct diff *d)
{
    const char *args[] = {"KEYS", "*"};
    size_t lens[] = {4, 1}, mine = 0;
    redisReply *names = ask_real(d, 2, args, lens);
    for (size_t i = 0; i < names->elements; i++)
        check_key(d, names->element[i]);
    for (unsigned i = 0; i < RSTORE_BUCKETS; i++)
        for (const struct rkey *k = d->store->buckets[i]; k; k = k->next)
            mine++;
    if (mine != names->elements) {
        printf("seed %llu: %zu keys, and %zu in the real one\n", (unsigned long long)d->sim.seed, mine, names->elements);
        d->differs = true;
    }
    freeReplyObject(names);
}

/* ---- rounds ---- */

static void learn_fence(struct diff *d, const struct call *c, const struct reply *a)
{
    const char *event = strrchr(c->text[2], ':'); /* the event's key */
    if (a->type != REPLY_ARRAY || a->n < 2 || a->items[1].len == 0 || !event)
        return;
    unsigned n = (unsigned)strtoul(event + 1, NULL, 10) % (EVENTS + 1);
    snprintf(d->fences[n], TEXT_MAX, "%s", a->items[1].str);
    d->claimed = n;
}

static void run_round(struct diff *d, struct sim_env *env, uint64_t seed)
{
    const char *flush[] = {"FLUSHALL"};
    size_t len = 8;
    sim_init(&d->sim, env, seed);
    d->store = sim_alloc(&d->sim, sizeof(*d->store));
    d->store->sim = &d->sim;
    d->store->now_us = 1;
    d->now_us = INT64_C(1790000000000000);
    memset(d->fences, 0, sizeof(d->fences));
    d->claimed = 0;
    d->is_of_slots = sim_chance(&d->sim, 200);
    freeReplyObject(ask_real(d, 1, flush, &len));
    set_both(d, "t:birth", NULL, "mark");
    if (sim_chance(&d->sim, 200))
        set_both(d, "t:pause:p", NULL, "1790000010000");
    for (int i = 0; i < CALLS && !d->differs; i++) {
        struct call c;
        set_clock(d);
        d->number = i;
        make_call(d, &c);
        redisReply *real = call_real(d, &c);
        const struct reply *simulated = call_simulated(d, &c);
        d->differs = !same(real, simulated) || real->type == REDIS_REPLY_ERROR || d->sim.failure[0];
        if (d->differs)
            print_call(d, &c, real->type == REDIS_REPLY_ERROR ? real->str : "the answer");
        learn_fence(d, &c, simulated);
        freeReplyObject(real);
        if (i % 10 == 9)
            check_keys(d);
    }
    sim_fini(&d->sim);
}

/* The same text with the clock in a key. */
static char *with_clock_key(const char *text)
{
    static const char from[] = "call('TIME')", to[] = "call('HMGET', 't:clock', 's', 'u')";
    char *out = calloc(1, 4 * strlen(text) + 1), *at = out;
    while (*text) {
        if (strncmp(text, from, sizeof(from) - 1) == 0) {
            at = stpcpy(at, to);
            text += sizeof(from) - 1;
        } else {
            *at++ = *text++;
        }
    }
    return out;
}

static void make_scripts(struct diff *d)
{
    const struct redis_script_constants constants = {20000, 604800000, "{\"kind\":\"stale\"}", "{\"kind\":\"applied\"}",
                                                     "{\"kind\":\"unchanged\"}", "{\"kind\":\"superseded\"}"};
    for (int i = 0; i < SCRIPT_COUNT; i++) {
        char *text = redis_script_new((enum script_id)i, &constants);
        d->scripts[i] = with_clock_key(text);
        free(text);
    }
}

int main(int argc, char **argv)
{
    uint64_t rounds = argc > 2 && strcmp(argv[1], "--rounds") == 0 ? strtoull(argv[2], NULL, 10) : 300, bad = 0;
    struct diff *d = calloc(1, sizeof(*d));
    struct sim_env env = {.log_fd = -1, .lua = rstore_lua_new()};
    struct redis_server *server = redis_server_start(NULL);
    d->real = redisConnectUnix(redis_server_unix_path(server));
    if (!d->real || d->real->err) {
        fprintf(stderr, "tvb-sim-diff: no connection to the real Redis\n");
        return 1;
    }
    make_scripts(d);
    for (uint64_t seed = 1; seed <= rounds; seed++) {
        d->differs = false;
        run_round(d, &env, seed);
        bad += d->differs;
    }
    printf("%llu rounds of %d calls, %llu differ\n", (unsigned long long)rounds, CALLS, (unsigned long long)bad);
    for (int i = 0; i < SCRIPT_COUNT; i++)
        free(d->scripts[i]);
    redisFree(d->real);
    redis_server_stop(server);
    sim_free(&d->sim);
    sim_env_free(&env);
    free(d);
    return bad > 0;
}
