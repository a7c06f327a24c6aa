/* cases_workflow.c - packs and their runs. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "base/buf.h"
#include "cases.h"
#include "workflow/run.h"

/* --- loading --- */

static bool says_no_memory(const struct pack_faults *f)
{
    for (size_t i = 0; i < f->n; i++)
        if (strstr(f->list[i].text, "out of memory") != NULL)
            return true;
    return f->n == 0;
}

static enum torture_end load(const char *dir)
{
    struct pack_faults faults;
    struct pack *p = pack_load(dir, &faults);
    must(p == NULL || faults.n == 0, "taken with faults");
    must(p != NULL || says_no_memory(&faults), "refused for \"%s\"", faults.n > 0 ? faults.list[0].text : "");
    pack_faults_fini(&faults);
    pack_free(p);
    return p != NULL ? DONE : NO_MEMORY;
}

static enum torture_end load_bench(void)
{
    return load(TVB_ROOT "/tests/bench/pack");
}

static enum torture_end load_token(void)
{
    return load(TVB_ROOT "/tests/integration/packs/token");
}

static enum torture_end load_stalker(void)
{
    return load(TVB_ROOT "/schemas/providers/stalker");
}

static enum torture_end load_oletv(void)
{
    return load(TVB_ROOT "/schemas/providers/oletv");
}

/* Another pack's documents, with settings of its own. */
static enum torture_end load_ion(void)
{
    return load(TVB_ROOT "/schemas/providers/ion");
}

/* A wrong pack is refused, with its fault or for want of memory. */
static enum torture_end load_wrong(void)
{
    struct pack_faults faults;
    must(pack_load(TVB_ROOT "/tests/alloc/wrong_pack", &faults) == NULL, "taken");
    bool found = false;
    for (size_t i = 0; i < faults.n; i++)
        found = found || strstr(faults.list[i].text, "nowhere") != NULL;
    pack_faults_fini(&faults);
    return found ? DONE : NO_MEMORY;
}

/* --- what the runs need: made in peace, once --- */

static struct bound_pack *bind(const struct pack *p, struct err *e)
{
    json_t *credentials = pack_credentials(p, "u"), *settings = json_pack("{s:s}", "region", "north");
    struct bound_pack *b = NULL;
    if (credentials != NULL && settings != NULL)
        b = pack_bind(p, "http://tv.example", credentials, settings, "s3cret", e);
    else
        (void)err_nomem(e);
    json_decref(credentials);
    json_decref(settings);
    return b;
}

enum { PACKS = 5 };

static const struct {
    const char *name, *dir;
} packs[PACKS] = {
    {"stalker", TVB_ROOT "/schemas/providers/stalker"},
    {"token", TVB_ROOT "/tests/integration/packs/token"},
    {"sim", TVB_ROOT "/tests/sim/pack"},
    {"ion", TVB_ROOT "/schemas/providers/ion"},
    {"oletv", TVB_ROOT "/schemas/providers/oletv"},
};

static size_t place_of_pack(const char *name)
{
    size_t i = 0;
    while (i < PACKS && strcmp(packs[i].name, name) != 0)
        i++;
    must(i < PACKS, "no pack %s", name);
    return i;
}

static const struct pack *pack_of(const char *name)
{
    static struct pack *all[PACKS];
    size_t i = place_of_pack(name);
    struct pack_faults faults;
    if (all[i] == NULL)
        all[i] = pack_load(packs[i].dir, &faults);
    must(all[i] != NULL, "no pack %s", name);
    return all[i];
}

static enum torture_end bind_pack(const char *name)
{
    struct err e = {0};
    struct bound_pack *b = bind(pack_of(name), &e);
    if (b == NULL)
        return no_memory(&e);
    bound_pack_free(b);
    return DONE;
}

static enum torture_end bind_stalker(void)
{
    return bind_pack("stalker");
}

static enum torture_end bind_ion(void)
{
    return bind_pack("ion");
}

/* --- runs --- */

enum { TRANSCRIPT_BYTES = 16384, STEPS_MAX = 30 };

struct play {
    const char *pack, *workflow, *data, *record;
    const char *replies[8]; /* bodies of a 200, or "STATUS body" */
    char want[TRANSCRIPT_BYTES]; /* what it says in peace */
};

struct stage {
    const struct bound_pack *bound;
    json_t *event, *data, *record;
    struct run_inputs in;
};

static const struct bound_pack *bound_of(const char *name)
{
    static struct bound_pack *all[PACKS];
    struct err e = {0};
    size_t i = place_of_pack(name);
    if (all[i] == NULL)
        all[i] = bind(pack_of(name), &e);
    must(all[i] != NULL, "%s", e.msg);
    return all[i];
}

/* Nothing fails here: the inputs are those of others. */
static void set_up(const struct play *p, struct stage *s)
{
    alloc_hold(true);
    *s = (struct stage){.bound = bound_of(p->pack),
                        .event = json_pack("{s:s,s:s,s:s+}", "id", "e1", "subject", "70001", "type", "tvbridge.", p->workflow),
                        .data = json_loads(p->data, 0, NULL),
                        .record = json_loads(p->record, 0, NULL)};
    s->in = (struct run_inputs){.event = s->event, .data = s->data, .record = s->record, .key = "k"};
    alloc_hold(false);
}

static void tear_down(struct stage *s)
{
    json_decref(s->event);
    json_decref(s->data);
    json_decref(s->record);
}

static void note(char *to, const char *a, const char *b, const char *c)
{
    size_t n = strlen(to);
    snprintf(to + n, TRANSCRIPT_BYTES - n, "%s %s %s\n", a, b, c);
}

static void note_json(char *to, const char *what, const json_t *v)
{
    alloc_hold(true);
    char *text = json_dumps(v, JSON_COMPACT | JSON_SORT_KEYS);
    note(to, what, text, "");
    free(text);
    alloc_hold(false);
}

static void note_end(char *to, const struct run_result *x)
{
    note(to, outcome_kind_name(x->kind), x->reason, x->detail);
    note_json(to, "outputs", x->outputs);
    note_json(to, "record", x->record);
}

static void give(struct run *r, const char *text)
{
    struct call_reply reply = {.status = 200, .body = text, .content_type = "", .retry_after_ms = -1};
    if (strspn(text, "0123456789") == 3) {
        reply.status = atoi(text);
        reply.body = text + 4;
    }
    reply.body_len = strlen(reply.body);
    (void)run_reply(r, &reply);
}

/* The same run, saved and taken up again. NULL: no memory. */
static struct run *again(struct run *r, const struct stage *s, const struct workflow *w)
{
    struct run_inputs in = s->in;
    struct buf text;
    struct run *back = NULL;
    in.token = run_token(r);
    buf_init(&text, 65536);
    run_save(r, &text);
    if (buf_ok(&text)) {
        back = run_restore(s->bound, w, &in, text.data, text.len);
        must(back != NULL || errno == ENOMEM, "its own text is refused: %s", buf_cstr(&text));
    }
    buf_fini(&text);
    run_free(r);
    return back;
}

/* False: it is over. */
static bool step(struct run *r, const struct play *p, size_t *at, char *to)
{
    switch (run_state(r)) {
    case RUN_END:
        note_end(to, run_result(r));
        if (run_later(r) != NULL)
            note_json(to, "later", run_later(r));
        return false;
    case RUN_TOKEN:
        run_set_token(r, "fresh");
        return true;
    case RUN_UNKNOWN:
        note(to, "unknown", run_judged_status(r) == 401 ? "401" : "", "");
        return false;
    case RUN_RETRY:
        (void)run_request(r);
        return true;
    case RUN_CALL:
        if (run_kept(r) != NULL)
            note_json(to, "remembers", run_kept(r));
        run_kept_done(r);
        note(to, run_request(r)->method, run_request(r)->url, run_request(r)->body != NULL ? run_request(r)->body : "");
        if (p->replies[*at] == NULL)
            return false;
        give(r, p->replies[(*at)++]);
        return true;
    }
    return false;
}

static enum torture_end play(struct play *p, bool restarts)
{
    static char got[TRANSCRIPT_BYTES];
    struct stage s;
    size_t at = 0;
    bool going = true;
    set_up(p, &s);
    const struct workflow *w = pack_workflow(bound_pack_pack(s.bound), p->workflow);
    got[0] = '\0';
    struct run *r = run_new(s.bound, w, &s.in);
    for (int i = 0; i < STEPS_MAX && going && r != NULL && !run_is_out_of_memory(r); i++) {
        if (restarts && run_state(r) == RUN_CALL)
            r = again(r, &s, w);
        if (r != NULL && !run_is_out_of_memory(r))
            going = step(r, p, &at, got);
    }
    bool whole = r != NULL && !run_is_out_of_memory(r);
    run_free(r);
    tear_down(&s);
    if (p->want[0] == '\0')
        memcpy(p->want, got, sizeof(got));
    must(!whole || strcmp(p->want, got) == 0, "in peace:\n%s\nnow:\n%s", p->want, got);
    return whole ? DONE : NO_MEMORY;
}

#define OK "{\"status\":\"OK\",\"results\":true}"

static struct play created = {
    .pack = "stalker", .workflow = "service.created",
    .data = "{\"login\":\"ann\",\"password\":\"pw 1&2\",\"plan\":\"3\",\"subscriber\":{\"name\":\"Test One\",\"account_number\":\"501\"},"
            "\"devices\":[{\"mac\":\"001a.792c.d1c1\",\"serial\":\"S1\",\"model\":\"MAG250\"}],\"packages\":[{\"id\":\"P1\"},"
            "{\"id\":\"P2\",\"valid_to\":\"2026-12-31\"}]}",
    .record = "{}",
    .replies = {"{\"status\":\"ERROR\",\"results\":null,\"error\":\"Account not found\"}",
                "{\"status\":\"OK\",\"results\":[{\"external_id\":\"1\"},{\"external_id\":\"3\"}]}", OK, OK,
                "{\"status\":\"OK\",\"results\":[{\"mac\":\"\",\"subscribed\":[\"P1\",\"P2\"]}]}",
                "{\"status\":\"OK\",\"results\":[{\"mac\":\"\",\"subscribed\":[\"P1\",\"P2\"]}]}"},
};

/* One package is for later: the run sees the event without it. */
static struct play created_for_later = {
    .pack = "stalker", .workflow = "service.created",
    .data = "{\"packages\":[{\"id\":\"P1\",\"valid_from\":\"2999-12-01\",\"price\":\"5.00\"},{\"id\":\"P2\"}],\"login\":\"ann\"}",
    .record = "{}",
    .replies = {"{\"status\":\"ERROR\",\"results\":null,\"error\":\"Account not found\"}", OK, OK,
                "{\"status\":\"OK\",\"results\":[{\"mac\":\"\",\"subscribed\":[\"P2\"]}]}"},
};

static struct play blocked = {
    .pack = "stalker", .workflow = "contract.blocked", .data = "{\"reason\":\"delinquency\",\"scope\":\"total\"}",
    .record = "{\"login\":\"ann\"}", .replies = {OK},
};

/* Nothing is known of the service: its id is the login. */
static struct play blocked_unknown = {
    .pack = "stalker", .workflow = "contract.blocked", .data = "{\"reason\":\"delinquency\",\"scope\":\"total\"}",
    .record = "{}", .replies = {OK},
};

/* A criterion that seems not to hold would make this another outcome. */
static struct play unknown_account = {
    .pack = "stalker", .workflow = "contract.blocked", .data = "{\"reason\":\"delinquency\",\"scope\":\"total\"}",
    .record = "{\"login\":\"ann\"}", .replies = {"{\"status\":\"ERROR\",\"error\":\"Account not found\"}"},
};

static struct play catalog = {
    .pack = "stalker", .workflow = "catalog", .data = "{}", .record = "{}",
    .replies = {"{\"status\":\"OK\",\"results\":[{\"external_id\":\"1\",\"name\":\"A\",\"packages\":[{\"external_id\":\"P1\"}]}]}",
                "{\"status\":\"OK\",\"results\":[{\"external_id\":\"P1\",\"name\":\"B\",\"type\":\"tv\"}]}",
                "{\"status\":\"OK\",\"results\":[{\"number\":1,\"name\":\"C\"}]}"},
};

static struct play with_token = {
    .pack = "token", .workflow = "service.created", .data = "{\"login\":\"ann\"}", .record = "{}",
    .replies = {"401 {}", "{\"ok\":true,\"number\":\"77\"}", "{\"ok\":true}"},
};

static struct play suspended = {
    .pack = "sim", .workflow = "contract.suspended", .data = "{\"note\":\"v0\"}", .record = "{\"remembered\":{\"old\":1}}",
    .replies = {"{\"ok\":true,\"extras\":7}", "{\"ok\":true}"},
};

#define NOBODY "{\"retorno_status\":false,\"error\":\"Nenhum cliente encontrado!\"}"
#define PLANS                                                                                                          \
    "{\"retorno_status\":true,\"planos\":[{\"id\":\"101\",\"tipo\":\"Principal\",\"nome\":\"A\"},"                           \
    "{\"id\":\"202\",\"tipo\":\"Adicional\",\"nome\":\"B\"}]}"

/* Conditions of values, patterns, lists that are put together, repeated items. */
static struct play inserted = {
    .pack = "oletv", .workflow = "service.created",
    .data = "{\"plan\":\"101\",\"packages\":[{\"id\":\"202\",\"quantity\":2}],\"subscriber\":{\"name\":\"Ann\","
            "\"document\":\"12345678909\",\"phone\":\"+55 11 98888-7777\",\"address\":{\"postal_code\":\"01310100\"}}}",
    .record = "{}",
    .replies = {PLANS, NOBODY, "{\"retorno_status\":true,\"id\":7}", NOBODY, "{\"retorno_status\":true,\"id\":8,\"codigo\":\"8/7\"}"},
};

static struct play inserted_again = {
    .pack = "oletv", .workflow = "package.added", .data = "{\"packages\":[{\"id\":\"202\",\"quantity\":2}]}",
    .record = "{\"plan\":\"101\",\"packages\":{\"201\":{}},\"ids\":{\"client_id\":\"7\"}}",
    .replies = {PLANS, "{\"retorno_status\":true,\"contratos\":[{\"id\":8,\"status\":\"Ativo\",\"id_contrato_origem\":\"70001\","
                       "\"assinaturas\":[{\"plano\":\"A\",\"equipamentos\":[{\"id\":\"1\",\"mac\":\"m\"}]}]}]}",
                "{\"retorno_status\":true}", "{\"retorno_status\":true,\"id\":9}"},
};

/* An answer that the pack has judged as another status. */
static struct play keys_refused = {
    .pack = "oletv", .workflow = "contract.blocked", .data = "{}", .record = "{\"ids\":{\"client_id\":\"7\"}}",
    .replies = {"{\"retorno_status\":false,\"error\":\"Dados de autentica\\u00e7\\u00e3o s\\u00e3o inv\\u00e1lidos!\"}"},
};

static enum torture_end run_inserted(void)
{
    return play(&inserted, false);
}

static enum torture_end run_inserted_again(void)
{
    return play(&inserted_again, true);
}

static enum torture_end run_keys_refused(void)
{
    return play(&keys_refused, false);
}

/* Paths, members and the answer's places are settings. */
static struct play created_by_settings = {
    .pack = "ion", .workflow = "service.created", .data = "{\"plan\":\"basic\",\"login\":\"ann\",\"packages\":[{\"id\":\"P1\"}]}", .record = "{}",
    .replies = {"{\"data\":[]}", "201 {\"data\":{\"id\":7}}", "{\"data\":[{\"id\":7,\"external_id\":\"70001\",\"pin\":\"0037\"}]}",
                "409 {\"errors\":[{\"code\":2003}]}"},
};

static enum torture_end run_created_by_settings(void)
{
    return play(&created_by_settings, false);
}

static enum torture_end run_suspended(void)
{
    return play(&suspended, false);
}

static enum torture_end run_suspended_restarts(void)
{
    return play(&suspended, true);
}

static enum torture_end run_created(void)
{
    return play(&created, false);
}

static enum torture_end run_created_restarts(void)
{
    return play(&created, true);
}

static enum torture_end run_created_for_later(void)
{
    return play(&created_for_later, false);
}

static enum torture_end run_created_for_later_restarts(void)
{
    return play(&created_for_later, true);
}

static enum torture_end run_blocked(void)
{
    return play(&blocked, false);
}

static enum torture_end run_blocked_unknown(void)
{
    return play(&blocked_unknown, false);
}

static enum torture_end run_unknown_account(void)
{
    return play(&unknown_account, false);
}

static enum torture_end run_catalog(void)
{
    return play(&catalog, false);
}

static enum torture_end run_with_token(void)
{
    return play(&with_token, true);
}

const struct torture *workflow_cases(size_t *ret_count)
{
    static const struct torture list[] = {
        {"workflow.load_bench", load_bench, 0},
        {"workflow.load_token", load_token, 0},
        {"workflow.load_stalker", load_stalker, 100},
        {"workflow.load_oletv", load_oletv, 100},
        {"workflow.load_ion", load_ion, 100},
        {"workflow.load_wrong", load_wrong, 0},
        {"workflow.bind", bind_stalker, 0},
        {"workflow.bind_settings", bind_ion, 0},
        {"workflow.created_by_settings", run_created_by_settings, 0},
        {"workflow.created", run_created, 0},
        {"workflow.created_with_restarts", run_created_restarts, 0},
        {"workflow.created_for_later", run_created_for_later, 0},
        {"workflow.created_for_later_with_restarts", run_created_for_later_restarts, 0},
        {"workflow.blocked", run_blocked, 0},
        {"workflow.blocked_unknown", run_blocked_unknown, 0},
        {"workflow.unknown_account", run_unknown_account, 0},
        {"workflow.catalog", run_catalog, 0},
        {"workflow.token", run_with_token, 0},
        {"workflow.inserted", run_inserted, 0},
        {"workflow.inserted_again", run_inserted_again, 0},
        {"workflow.keys_refused", run_keys_refused, 0},
        {"workflow.remembering", run_suspended, 0},
        {"workflow.remembering_with_restarts", run_suspended_restarts, 0},
    };
    *ret_count = ARRAY_LEN(list);
    return list;
}
