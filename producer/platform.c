#include "platform.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "cli.h"
#include "contract/json.h"
#include "io/http.h"
#include "workflow/plan.h"

#define ANSWER_MAX_BYTES ((size_t)512 * 1024 * 1024)
#define REQUEST_MS 120000 /* of a list of all accounts */

static json_t *asking_event(const char *provider, const char *service)
{
    char time[CLOCK_RFC3339_SIZE], subject[ACCOUNT_TEXT_SIZE];
    clock_format_rfc3339(clock_real_ms(), time);
    if (service == NULL)
        snprintf(subject, sizeof(subject), "provider:%s", provider);
    else
        snprintf(subject, sizeof(subject), "%s", service);
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:{}}", "specversion", "1.0", "id", "tvbridge-asks", "source",
                     "/tvbridge/cli", "type", "tvbridge.accounts.requested", "subject", subject, "provider", provider, "time", time,
                     "data");
}

int platform_open(struct platform *p, const struct settings_provider *sp, const char *pack_dir, struct err *reterr)
{
    *p = (struct platform){.place = *sp};
    if (pack_dir != NULL)
        p->place.pack_dir = pack_dir;
    if (p->place.limits.answer_max_bytes < ANSWER_MAX_BYTES)
        p->place.limits.answer_max_bytes = ANSWER_MAX_BYTES;
    if (p->place.numbers.request_ms < REQUEST_MS)
        p->place.numbers.request_ms = REQUEST_MS;
    if (http_global_init(reterr) != 0)
        return -1;
    p->up = true;
    p->event = asking_event(sp->name, NULL);
    if (p->event == NULL)
        return err_nomem(reterr);
    p->live = live_open(&p->place, reterr);
    return p->live == NULL ? -1 : 0;
}

void platform_close(struct platform *p)
{
    live_close(p->live);
    json_decref(p->event);
    if (p->up)
        http_global_cleanup();
    *p = (struct platform){0};
}

/* ---- what may be run ---- */

bool platform_has(const struct platform *p, const char *workflow)
{
    return pack_workflow(live_pack(p->live), workflow) != NULL;
}

bool platform_can(const void *platform, const char *type)
{
    return platform_has(platform, type);
}

int platform_check_reads(const struct platform *p, const char *workflow, struct err *reterr)
{
    const struct workflow *w = pack_workflow(live_pack(p->live), workflow);
    bool login = strcmp(workflow, "authenticate") == 0;
    if (w == NULL)
        return err_set(reterr, ERR_INVAL, "the pack has no workflow `%s`", workflow);
    for (size_t i = 0; i < w->step_count; i++) {
        enum call_repeat repeat = w->steps[i].op->repeat;
        if (repeat != CALL_READ && !(login && repeat == CALL_SAFE))
            return err_set(reterr, ERR_INVAL, "the pack's `%s` is not run: its step %s is `%s`, and this only reads", workflow,
                           w->steps[i].id, call_repeat_name(repeat));
    }
    return 0;
}

const char *platform_list_workflow(const struct platform *p)
{
    return platform_has(p, "list") ? "list" : platform_has(p, "accounts") ? "accounts" : NULL;
}

int platform_end(const char *workflow, const struct live_end *end, struct err *reterr)
{
    switch (end->state) {
    case LIVE_ENDED:
        if (end->kind == OUTCOME_APPLIED || end->kind == OUTCOME_UNCHANGED)
            return 0;
        return err_set(reterr, ERR_INVAL, "`%s`: %s, %s%s%s", workflow, outcome_kind_name(end->kind), end->reason,
                       end->detail[0] != '\0' ? ": " : "", end->detail);
    case LIVE_IN_DOUBT:
        break;
    case LIVE_GAVE_UP:
        return err_set(reterr, end->status == 0 ? ERR_IO : ERR_INVAL, "`%s`: %s (%s, last status %d)", workflow,
                       end->status == 0 ? "the platform did not answer" : "given up", end->reason, end->status);
    case LIVE_NOT_LET_IN:
        return err_set(reterr, ERR_INVAL, "`%s`: the platform refuses our credentials (%s)", workflow, end->reason);
    }
    return err_set(reterr, ERR_INVAL, "`%s`: in doubt", workflow);
}

/* Runs it to its end, with what it gives. A second Ctrl-C, or the first one here, ends the program: nothing is under way that could be
 * finished. */
static int run(struct platform *p, const char *workflow, struct live_inputs in, struct live_end *ret, struct err *reterr)
{
    if (platform_check_reads(p, workflow, reterr) != 0)
        return -1;
    in.type = workflow;
    in.event = p->event;
    bool caught = cli_let_interrupt();
    int rc = live_play(p->live, &in, ret, reterr);
    if (caught)
        cli_catch_interrupt();
    return rc != 0 ? -1 : platform_end(workflow, ret, reterr);
}

/* ---- lists ---- */

struct listing {
    struct accounts *into;
    platform_progress_fn *progress;
    void *arg;
    bool failed;
};

static void take_part(void *arg, const json_t *outputs)
{
    struct listing *l = arg;
    json_t *one;
    size_t i;
    json_array_foreach(json_object_get(outputs, "accounts"), i, one)
        l->failed = l->failed || accounts_add(l->into, one) != 0;
    if (l->progress != NULL)
        l->progress(l->arg, accounts_count(l->into));
}

int platform_accounts(struct platform *p, struct accounts *into, platform_progress_fn *progress, void *arg, struct err *reterr)
{
    struct listing l = {.into = into, .progress = progress, .arg = arg};
    const struct live_inputs in = {.data = json_object_get(p->event, "data"), .part = take_part, .arg = &l};
    const char *workflow = platform_list_workflow(p);
    struct live_end end = {0};
    if (workflow == NULL)
        return err_set(reterr, ERR_INVAL, "the pack has no workflow `list`: this platform cannot be asked for its accounts");
    int rc = run(p, workflow, in, &end, reterr);
    if (rc == 0 && json_is_array(json_object_get(end.outputs, "accounts")))
        take_part(&l, end.outputs);
    else if (rc == 0)
        rc = err_set(reterr, ERR_INVAL, "`%s` gives no output `accounts`", workflow);
    live_end_fini(&end);
    return rc == 0 && l.failed ? err_nomem(reterr) : rc;
}

json_t *platform_catalog(struct platform *p, bool channels, struct err *reterr)
{
    json_t *data = channels ? json_pack("{s:[s,s,s]}", "what", "plans", "packages", "channels") : json_object(), *ret = NULL;
    const struct live_inputs in = {.data = data};
    struct live_end end = {0};
    if (run(p, "catalog", in, &end, reterr) == 0)
        ret = json_incref(end.outputs);
    live_end_fini(&end);
    json_decref(data);
    return ret;
}

/* ---- one account ---- */

struct question {
    json_t *event;
    live_done_fn *done;
    void *arg;
};

static void question_free(struct question *q)
{
    json_decref(q->event);
    free(q);
}

static void on_read(void *arg, struct live_end *end)
{
    struct question *q = arg;
    q->done(q->arg, end);
    question_free(q);
}

int platform_read(struct platform *p, const char *service, const json_t *record, live_done_fn *done, void *arg, struct err *reterr)
{
    if (platform_check_reads(p, "read", reterr) != 0)
        return -1;
    struct question *q = calloc(1, sizeof(*q));
    if (q == NULL)
        return err_nomem(reterr);
    *q = (struct question){.event = asking_event(p->place.name, service), .done = done, .arg = arg};
    const struct live_inputs in = {
        .type = "read", .event = q->event, .data = json_object_get(q->event, "data"), .record = record};
    if (q->event != NULL && live_start(p->live, &in, on_read, q, reterr) == 0)
        return 0;
    question_free(q);
    return -1;
}
