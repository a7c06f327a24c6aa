/* pack_probe.c - `tvbridge pack probe DIR`: what a live platform answers, and how it differs from what its pack says.
 *
 * Only login and questions are sent. Of what is answered no value is shown, only names, counts, statuses: it is about persons. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "commands.h"
#include "contract/json.h"
#include "contract/schema.h"
#include "platform.h"
#include "workflow/plan.h"

#define FINDINGS_MAX 50 /* of one workflow */

struct options {
    const char *settings, *provider, *login;
    bool json;
};

static const struct cli_option option_list[] = {
    {"settings", 'S', CLI_TEXT, "FILE", offsetof(struct options, settings),
     "the worker's settings file: address, credentials, limits\n(default: $TVBRIDGE_SETTINGS when set)"},
    {"provider", 'p', CLI_TEXT, "NAME", offsetof(struct options, provider), "which of its providers; without: the only one"},
    {"login", 0, CLI_TEXT, "LOGIN", offsetof(struct options, login), "read this account (default: the first one of the list)"},
    {"json", 0, CLI_FLAG, NULL, offsetof(struct options, json), "one JSON object for each workflow, one a line"},
};

static const struct cli_command command = {
    .name = "pack probe",
    .operands = "DIR",
    .about = "Logs in to a live platform, asks it for its accounts, for one of them, and for its catalogue, with the pack in DIR,\n"
             "and says in words what differs from the pack. Nothing is changed there: a workflow that could change anything is\n"
             "not run. No value of an account is shown.",
    .examples = "  tvbridge pack probe schemas/providers/stalker --settings tvbridge.yaml --provider stalker\n",
    .operands_max = 1,
};

/* One workflow, as it is probed. */
struct probe {
    struct platform *platform;
    const char *workflow;
    json_t *findings; /* texts */
    unsigned answers;
    size_t accounts;
    json_t *first;    /* owned: the first account; NULL: none */
    json_t *missing;  /* owned: member -> in how many accounts it is not */
    struct live_end end;
};

static void ATTR_PRINTF(2, 3) find(struct probe *p, const char *fmt, ...)
{
    char text[400];
    va_list ap;
    json_t *v;
    size_t i;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    json_array_foreach(p->findings, i, v) if (strcmp(json_string_value(v), text) == 0) return; /* once is enough */
    if (json_array_size(p->findings) < FINDINGS_MAX)
        json_array_append_new(p->findings, json_string(text));
}

/* ---- each answer ---- */

static const struct step *step_of(const struct probe *p, const char *id)
{
    const struct workflow *w = pack_workflow(live_pack(p->platform->live), p->workflow);
    char name[128];
    snprintf(name, sizeof(name), "%.*s", (int)strcspn(id, "["), id); /* of a loop: "step[3]" */
    for (size_t i = 0; i < w->step_count; i++)
        if (strcmp(w->steps[i].id, name) == 0)
            return &w->steps[i];
    return NULL;
}

static const json_t *declared(const struct operation *op, int status)
{
    char exact[16], range[16];
    snprintf(exact, sizeof(exact), "%d", status);
    snprintf(range, sizeof(range), "%dXX", status / 100);
    const json_t *found = json_object_get(op->responses, exact);
    if (found == NULL)
        found = json_object_get(op->responses, range);
    return found != NULL ? found : json_object_get(op->responses, "default");
}

/* "application/json; charset=utf-8" without what follows its name. */
static void bare_type(const char *type, char ret[80])
{
    snprintf(ret, 80, "%.*s", (int)strcspn(type, "; "), type);
}

/* What is declared for an answer of that type; NULL: nothing. */
static const json_t *media_of(const json_t *response, const char *type)
{
    const char *name;
    json_t *v;
    char declared_type[80];
    json_object_foreach(json_object_get(response, "content"), name, v)
    {
        bare_type(name, declared_type);
        if (strcmp(declared_type, type) == 0)
            return v;
    }
    return NULL;
}

/* Where openapi.yaml says more of the body than this program's schemas know, it is not compared. */
static void check_body(struct probe *p, const struct step *s, const json_t *media, const struct call_reply *reply)
{
    struct err err;
    struct fault fault = {.pointer = ""};
    const json_t *said = json_object_get(media, "schema");
    json_t *body = json_loadb(reply->body, reply->body_len, JSON_DECODE_ANY, NULL);
    struct schema *schema = body == NULL || said == NULL ? NULL : schema_compile("openapi.yaml", said, NULL, &err);
    if (body == NULL)
        find(p, "step %s: the body is no JSON, though its type says so", s->id);
    else if (schema != NULL && !schema_check(schema, body, &fault))
        find(p, "step %s: the body is not what openapi.yaml says: %s: %s", s->id, fault.pointer, fault.reason);
    schema_free(schema);
    json_decref(body);
}

static void check_type(struct probe *p, const struct step *s, const json_t *response, const struct call_reply *reply)
{
    char type[80];
    bare_type(reply->content_type, type);
    const json_t *media = media_of(response, type);
    if (json_object_size(json_object_get(response, "content")) == 0)
        return; /* the pack says nothing of it */
    if (media == NULL)
        find(p, "step %s: the answer of status %d is %s, which openapi.yaml does not declare", s->id, reply->status,
             type[0] != '\0' ? type : "of no content type");
    else if (strstr(type, "json") != NULL)
        check_body(p, s, media, reply);
}

static void on_answer(void *arg, const struct run *run, const struct call_reply *reply)
{
    struct probe *p = arg;
    const struct step *s = step_of(p, run_step(run));
    if (s == NULL || reply->status == 0)
        return;
    p->answers++;
    const json_t *response = declared(s->op, reply->status);
    if (response == NULL)
        find(p, "step %s: status %d, which openapi.yaml does not declare for %s", s->id, reply->status, s->op->id);
    else
        check_type(p, s, response, reply);
}

/* ---- what it gives ---- */

static void note_missing(struct probe *p, const json_t *account, const char *member)
{
    const json_t *v = json_object_get(account, member);
    if (v != NULL && !json_is_null(v))
        return;
    json_int_t n = json_integer_value(json_object_get(p->missing, member));
    json_object_set_new(p->missing, member, json_integer(n + 1));
}

static void check_status(struct probe *p, const json_t *account)
{
    static const char *const words[] = {"pending", "inactive", "active", "suspended", "terminated"};
    const char *status = json_text(account, "status");
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (status[0] == '\0' || strcmp(status, words[i]) == 0)
            return;
    find(p, "`%s` gives a status that is none of our words: %.30s", p->workflow, status);
}

static void take_accounts(void *arg, const json_t *outputs)
{
    struct probe *p = arg;
    static const char *const members[] = {"login", "status", "plan", "packages"};
    json_t *one;
    size_t i;
    json_array_foreach(json_object_get(outputs, "accounts"), i, one)
    {
        if (p->first == NULL)
            p->first = json_incref(one);
        p->accounts++;
        for (size_t k = 0; k < ARRAY_LEN(members); k++)
            note_missing(p, one, members[k]);
        if (json_object_get(one, "account_number") == NULL && json_object_get(one, "external_id") == NULL)
            note_missing(p, one, "account_number");
        check_status(p, one);
    }
}

static void check_list(struct probe *p)
{
    const char *member;
    json_t *n;
    if (!json_is_array(json_object_get(p->end.outputs, "accounts"))) {
        find(p, "`%s` gives no output `accounts`", p->workflow);
        return;
    }
    take_accounts(p, p->end.outputs);
    json_object_foreach(p->missing, member, n)
        find(p, "%" JSON_INTEGER_FORMAT " of %zu accounts have no %s", json_integer_value(n), p->accounts,
             strcmp(member, "account_number") == 0 ? "account_number and no external_id" : member);
}

static void check_catalog(struct probe *p)
{
    static const char *const kinds[] = {"plans", "packages"};
    for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
        const json_t *list = json_object_get(p->end.outputs, kinds[k]);
        size_t unnamed = 0, i;
        json_t *one;
        char id[ACCOUNT_TEXT_SIZE];
        if (!json_is_array(list)) {
            find(p, "`catalog` gives no output `%s`", kinds[k]);
            continue;
        }
        json_array_foreach(list, i, one) unnamed += account_text(json_object_get(one, "id"), id)[0] == '\0';
        if (unnamed > 0)
            find(p, "%zu of %zu %s have no external id: billing cannot name them", unnamed, json_array_size(list), kinds[k]);
    }
}

/* `read` and `list` must tell the same of one account. */
static void check_read(struct probe *p, const json_t *listed)
{
    static const char *const members[] = {"status", "login", "plan", "packages", "ids"};
    json_t *a = account_record(listed), *b = account_record(p->end.outputs);
    check_status(p, p->end.outputs);
    if (json_object_get(b, "status") == NULL)
        find(p, "`read` gives no status");
    for (size_t i = 0; i < ARRAY_LEN(members); i++) {
        const json_t *x = json_object_get(a, members[i]), *y = json_object_get(b, members[i]);
        if (x != NULL && y == NULL)
            find(p, "`list` tells an account's %s, and `read` does not", members[i]);
        else if (x != NULL && !json_equal(x, y))
            find(p, "`list` and `read` tell different %s of one account", members[i]);
    }
    json_decref(a);
    json_decref(b);
}

/* ---- one workflow ---- */

static void check_end(struct probe *p)
{
    const struct live_end *e = &p->end;
    struct err err = {0};
    bool unknown = strcmp(e->reason, "unknown_answer") == 0 || strncmp(e->reason, "http_", 5) == 0;
    if (e->state != LIVE_NOT_LET_IN && unknown)
        find(p, "an answer of status %d that no criterion of the pack knows", e->status);
    else if (platform_end(p->workflow, e, &err) != 0)
        find(p, "%s", err.msg);
}

/* @data, @record, @listed: for `read`. */
static int probe_one(struct probe *p, const json_t *record, const char *subject)
{
    struct err err = {0};
    json_t *event = json_copy(p->platform->event);
    if (subject != NULL)
        json_object_set_new(event, "subject", json_string(subject));
    const struct live_inputs in = {.type = p->workflow,
                                   .event = event,
                                   .data = json_object_get(event, "data"),
                                   .record = record,
                                   .look = on_answer,
                                   .part = strcmp(p->workflow, "list") == 0 || strcmp(p->workflow, "accounts") == 0 ? take_accounts : NULL,
                                   .arg = p};
    int rc = platform_check_reads(p->platform, p->workflow, &err);
    if (rc == 0)
        rc = live_play(p->platform->live, &in, &p->end, &err);
    if (rc != 0)
        find(p, "%s", err.msg);
    else
        check_end(p);
    json_decref(event);
    return rc == 0 && json_array_size(p->findings) == 0 ? 0 : -1;
}

static bool ended_well(const struct probe *p)
{
    return p->end.outputs != NULL && p->end.state == LIVE_ENDED;
}

static void show(const struct probe *p, bool json)
{
    json_t *v;
    size_t i;
    if (json) {
        json_t *o = json_pack("{s:s, s:i, s:I, s:O}", "workflow", p->workflow, "answers", (int)p->answers, "accounts",
                              (json_int_t)p->accounts, "differs", p->findings);
        json_dumpf(o, stdout, JSON_COMPACT);
        putchar('\n');
        json_decref(o);
        return;
    }
    printf("%s %s: %u answers", json_array_size(p->findings) == 0 ? "as the pack says " : "differs          ", p->workflow, p->answers);
    if (p->accounts > 0)
        printf(", %zu accounts", p->accounts);
    putchar('\n');
    json_array_foreach(p->findings, i, v) printf("    %s\n", json_string_value(v));
}

static void probe_fini(struct probe *p)
{
    json_decref(p->findings);
    json_decref(p->first);
    json_decref(p->missing);
    live_end_fini(&p->end);
}

/* ---- all of them ---- */

struct total {
    const struct options *options;
    struct platform platform;
    json_t *first; /* owned: the account that is read; NULL: none is known */
    bool differs, unreached;
};

static void end_probe(struct total *t, struct probe *p)
{
    show(p, t->options->json);
    t->differs = t->differs || json_array_size(p->findings) > 0;
    t->unreached = t->unreached || (p->end.state == LIVE_GAVE_UP && p->end.status == 0 && p->end.calls > 0);
    probe_fini(p);
}

static struct probe probe_of(struct total *t, const char *workflow)
{
    return (struct probe){.platform = &t->platform, .workflow = workflow, .findings = json_array(), .missing = json_object()};
}

static void probe_plain(struct total *t, const char *workflow, void (*check)(struct probe *p))
{
    struct probe p = probe_of(t, workflow);
    (void)probe_one(&p, NULL, NULL);
    if (ended_well(&p) && check != NULL)
        check(&p);
    if (t->first == NULL)
        t->first = json_incref(p.first);
    end_probe(t, &p);
}

static void probe_read(struct total *t)
{
    struct probe p = probe_of(t, "read");
    json_t *record = t->options->login != NULL ? json_pack("{s:s}", "login", t->options->login) : account_record(t->first);
    const char *number = json_text(json_object_get(record, "ids"), "account_number"), *login = json_text(record, "login");
    (void)probe_one(&p, record, number[0] != '\0' ? number : login);
    if (ended_well(&p))
        check_read(&p, t->options->login != NULL ? NULL : t->first);
    json_decref(record);
    end_probe(t, &p);
}

static void probe_all(struct total *t)
{
    const char *list = platform_list_workflow(&t->platform);
    if (platform_has(&t->platform, "authenticate"))
        probe_plain(t, "authenticate", NULL);
    if (platform_has(&t->platform, "probe"))
        probe_plain(t, "probe", NULL);
    if (list != NULL && !t->unreached)
        probe_plain(t, list, check_list);
    if (platform_has(&t->platform, "catalog") && !t->unreached)
        probe_plain(t, "catalog", check_catalog);
    if (platform_has(&t->platform, "read") && !t->unreached && (t->first != NULL || t->options->login != NULL))
        probe_read(t);
    else if (!t->options->json && !t->unreached)
        printf("not asked         read: %s\n", platform_has(&t->platform, "read") ? "no account is known; --login names one"
                                                                                : "the pack has no such workflow");
}

static const struct settings_provider *provider_of(const struct settings *s, const char *name, struct err *reterr)
{
    const struct settings_provider *p = name != NULL ? settings_provider(s, name) : s->provider_count == 1 ? &s->providers[0] : NULL;
    if (p == NULL && name != NULL)
        err_set(reterr, ERR_INVAL, "the settings have no provider \"%s\"", name);
    else if (p == NULL)
        err_set(reterr, ERR_INVAL, "the settings have several providers: --provider says which one");
    return p;
}

static enum cli_status run(const char *dir, const struct options *o)
{
    struct err err = {0};
    struct total t = {.options = o};
    struct settings *s = settings_load(o->settings, &err);
    const struct settings_provider *sp = s == NULL ? NULL : provider_of(s, o->provider, &err);
    struct settings_provider once = {0};
    if (sp != NULL) {
        once = *sp;
        once.retry.attempts = 1; /* the first answer is what is looked at */
    }
    enum cli_status status = CLI_REFUSED;
    if (sp == NULL || platform_open(&t.platform, &once, dir, &err) != 0) {
        cli_fail(&command, CLI_REFUSED, "%s", err.msg);
    } else {
        live_never_wait(t.platform.live);
        probe_all(&t);
        status = t.unreached ? CLI_NOT_REACHED : t.differs ? CLI_REFUSED : CLI_OK;
    }
    json_decref(t.first);
    platform_close(&t.platform);
    settings_free(s);
    return status;
}

int cmd_pack_probe(int argc, char **argv)
{
    struct options o = {.settings = getenv("TVBRIDGE_SETTINGS")};
    const struct cli_group group = {"Options", option_list, ARRAY_LEN(option_list), &o};
    int first;
    enum cli_status status = cli_parse(&command, &group, 1, argc, argv, &first);
    if (status != CLI_RUN)
        return status;
    if (argc - first != 1)
        return cli_usage(&command, "name the folder of a pack");
    if (o.settings == NULL)
        return cli_usage(&command, "--settings FILE is needed: it says where the platform is");
    return run(argv[first], &o);
}
