/* fuzz_runs.c - see fuzz_runs.h. */
#include "fuzz_runs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "contract/json.h"
#include "contract/outcome.h"
#include "contract/record.h"

enum { STEPS_MAX = 60, HEADERS_MAX = 16 };

/* --- packs --- */

struct bound_pack *fuzz_bind(const struct pack *p)
{
    struct err err = {0};
    json_t *credentials = pack_credentials(p, "u"), *settings = json_pack("{s:s}", "region", "north");
    struct bound_pack *b = pack_bind(p, "http://tv.example/base", credentials, settings, "s3cret", &err);
    fuzz_check(b != NULL || err.code != ERR_NONE, "not bound, and no reason");
    json_decref(credentials);
    json_decref(settings);
    return b;
}

static struct bound_pack *load(const char *dir)
{
    struct pack_faults faults;
    struct pack *p = pack_load(dir, &faults);
    fuzz_check(p != NULL, "%s: %s", dir, faults.n > 0 ? faults.list[0].text : "no memory");
    struct bound_pack *b = fuzz_bind(p);
    fuzz_check(b != NULL, "%s cannot be bound", dir);
    return b;
}

const struct bound_pack *fuzz_pack(struct fuzz_text name)
{
    static struct {
        const char *name, *dir;
        struct bound_pack *bound;
    } all[] = {
        {"stalker", TVB_ROOT "/schemas/providers/stalker", NULL},
        {"rough", TVB_ROOT "/tests/integration/packs/rough", NULL},
        {"token", TVB_ROOT "/tests/integration/packs/token", NULL},
        {"bench", TVB_ROOT "/tests/bench/pack", NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        if (strlen(all[i].name) != name.len || memcmp(all[i].name, name.data, name.len) != 0)
            continue;
        if (all[i].bound == NULL)
            all[i].bound = load(all[i].dir);
        return all[i].bound;
    }
    return NULL;
}

const struct workflow *fuzz_workflow(const struct bound_pack *b, struct fuzz_text id)
{
    char *text = fuzz_cstr(id);
    const struct workflow *w = pack_workflow(bound_pack_pack(b), text);
    free(text);
    return w;
}

/* --- inputs --- */

void fuzz_start_init(struct fuzz_start *s, const char *id, struct fuzz_text data, struct fuzz_text record)
{
    char type[80];
    enum event_type t;
    *s = (struct fuzz_start){.data = json_loadb(data.data, data.len, 0, NULL),
                             .record = json_loadb(record.data, record.len, 0, NULL)};
    snprintf(type, sizeof(type), "tvbridge.%s", id);
    const json_t *event = event_type_parse(type, &t) == 0 ? fuzz_event(t)->root : NULL;
    if (!json_is_object(s->data)) {
        json_decref(s->data);
        s->data = json_incref(json_object_get(event, "data"));
    }
    if (!json_is_object(s->record)) {
        json_decref(s->record);
        s->record = json_pack("{s:s,s:s,s:{s:s}}", "login", "70001", "block", "blocked", "ids", "account_number", "501");
    }
    s->in = (struct run_inputs){.event = event, .data = s->data, .record = s->record, .key = "svc/src/1"};
}

void fuzz_start_fini(struct fuzz_start *s)
{
    json_decref(s->data);
    json_decref(s->record);
}

/* --- what must hold --- */

static bool is_visible(const char *s)
{
    for (; *s != '\0'; s++)
        if (*s <= ' ' || *s > '~')
            return false;
    return true;
}

static void look_at_request(const struct call_request *q)
{
    fuzz_check(q != NULL && q->method != NULL && q->url != NULL, "no request to send");
    fuzz_check(strncmp(q->url, "http", 4) == 0 && is_visible(q->url), "not an encoded URL: %s", q->url);
    fuzz_check(is_visible(q->method) && q->header_count <= CALL_HEADERS_MAX, "method or headers");
    fuzz_check(q->body != NULL || q->body_len == 0, "a body that is not there");
    for (size_t i = 0; i < q->header_count; i++) {
        const struct call_header *h = &q->headers[i];
        fuzz_check(is_visible(h->name) && h->name[0] != '\0', "a header's name: %s", h->name);
        fuzz_check(strpbrk(h->value, "\r\n") == NULL, "a header with a line break: %s", h->name);
    }
}

static void same_request(const struct call_request *a, const struct call_request *b)
{
    fuzz_check(strcmp(a->method, b->method) == 0 && strcmp(a->url, b->url) == 0, "it came back as %s %s, not %s %s",
               b->method, b->url, a->method, a->url);
    fuzz_check(a->body_len == b->body_len && (a->body_len == 0 || memcmp(a->body, b->body, a->body_len) == 0),
               "it came back with another body: %s, not %s", b->body, a->body);
}

/* Saved and restored, a run sends what it would have sent. */
static void comes_back(struct run *r, const struct bound_pack *b, const struct workflow *w, const struct run_inputs *in)
{
    struct buf text, again;
    struct run_inputs with_token = *in;
    with_token.token = run_token(r);
    buf_init(&text, SIZE_MAX / 2);
    buf_init(&again, SIZE_MAX / 2);
    run_save(r, &text);
    struct run *back = run_restore(b, w, &with_token, buf_cstr(&text), text.len);
    fuzz_check(back != NULL, "its own saved text is refused: %s", buf_cstr(&text));
    fuzz_check(run_state(back) == RUN_CALL, "it came back in another state: %s", buf_cstr(&text));
    same_request(run_request(r), run_request(back));
    run_save(back, &again);
    fuzz_check(strcmp(buf_cstr(&text), buf_cstr(&again)) == 0, "saved as %s, restored as %s", buf_cstr(&text),
               buf_cstr(&again));
    run_free(back);
    buf_fini(&text);
    buf_fini(&again);
}

static void look_at_record(const json_t *patch)
{
    json_t *record = record_new("stalker", "70001");
    const struct event *e = fuzz_event(EVENT_CONTRACT_BLOCKED);
    fuzz_check(record_apply(record, e, (struct order){.number = 7}, 3, patch, "17", NULL) == 0, "the patch cannot be merged");
    char *text = fuzz_json(record);
    json_t *back = record_parse(text, strlen(text));
    fuzz_check(back != NULL && json_equal(back, record), "the record does not come back: %s", text);
    json_decref(back);
    json_decref(record);
    free(text);
}

static void look_at_outcome(const struct run_result *x)
{
    struct outcome o = {.kind = x->kind, .attempts = 1, .round = 1, .status = 200, .given = json_deep_copy(x->outputs)}, back;
    struct buf out;
    buf_init(&out, SIZE_MAX / 2);
    snprintf(o.reason, sizeof(o.reason), "%s", x->reason);
    snprintf(o.answer, sizeof(o.answer), "%s", x->detail);
    outcome_facts_encode(&o, &out);
    fuzz_check(outcome_facts_decode(buf_cstr(&out), out.len, &back) == 0, "facts are refused: %s", buf_cstr(&out));
    fuzz_check(back.kind == o.kind && strcmp(back.reason, o.reason) == 0, "facts changed: %s", buf_cstr(&out));
    outcome_fini(&back);
    outcome_fini(&o);
    buf_fini(&out);
}

static void look_at_result(const struct run_result *x)
{
    fuzz_check(x != NULL && x->reason != NULL && x->detail != NULL, "an end without a result");
    bool is_end = x->kind == OUTCOME_APPLIED || x->kind == OUTCOME_UNCHANGED || x->kind == OUTCOME_REJECTED ||
                  x->kind == OUTCOME_HELD || x->kind == OUTCOME_DEAD;
    fuzz_check(is_end, "an end of the kind %d", (int)x->kind);
    fuzz_check(json_is_object(x->outputs) && json_is_object(x->record), "outputs or record are no objects");
    fuzz_check(x->token == NULL || x->token_life_ms >= 0, "a token that lives %lld ms", (long long)x->token_life_ms);
    look_at_record(x->record);
    look_at_outcome(x);
}

/* --- answers --- */

struct answer {
    char *text, *body; /* owned */
    struct call_header headers[HEADERS_MAX];
    struct call_reply reply;
};

static void add_header(struct answer *a, char *line)
{
    char *colon = strchr(line, ':');
    if (colon == NULL || a->reply.header_count == HEADERS_MAX)
        return;
    *colon = '\0';
    char *value = colon + 1 + strspn(colon + 1, " \t");
    a->headers[a->reply.header_count++] = (struct call_header){line, value};
    if (strcasecmp(line, "Content-Type") == 0)
        a->reply.content_type = value;
    if (strcasecmp(line, "Retry-After") == 0)
        a->reply.retry_after_ms = (atoi(value) & 0xffffff) * (int64_t)1000;
}

static void answer_init(struct answer *a, struct fuzz_text part)
{
    const char *empty = part.len == 0 ? NULL : memmem(part.data, part.len, "\n\n", 2);
    size_t head = empty != NULL ? (size_t)(empty - part.data) : part.len;
    struct fuzz_text body = {"", 0};
    if (empty != NULL)
        body = (struct fuzz_text){empty + 2, part.len - head - 2};
    *a = (struct answer){.text = fuzz_cstr((struct fuzz_text){part.data, head}), .body = fuzz_cstr(body)};
    a->reply = (struct call_reply){.result = CALL_OK, .request_bytes = 1, .status = atoi(a->text) % 1000, .body = a->body,
                                   .body_len = body.len, .content_type = "", .retry_after_ms = -1, .headers = a->headers};
    char *save = NULL;
    (void)strtok_r(a->text, "\n", &save);
    for (char *line; (line = strtok_r(NULL, "\n", &save)) != NULL;)
        add_header(a, line);
}

static void answer_fini(struct answer *a)
{
    free(a->text);
    free(a->body);
}

/* --- the play --- */

static void give_answer(struct run *r, struct fuzz_text *replies)
{
    struct answer a;
    answer_init(&a, fuzz_part(replies));
    (void)run_reply(r, &a.reply);
    answer_fini(&a);
}

/* False: it is over. */
static bool turn(struct run *r, const struct bound_pack *b, const struct workflow *w, const struct run_inputs *in,
                 struct fuzz_text *replies)
{
    switch (run_state(r)) {
    case RUN_END:
        look_at_result(run_result(r));
        return false;
    case RUN_TOKEN:
        run_set_token(r, "fresh");
        return true;
    case RUN_RETRY:
        fuzz_check(run_retry_after_ms(r) >= 0, "a retry after %lld ms", (long long)run_retry_after_ms(r));
        (void)run_request(r);
        return true;
    case RUN_UNKNOWN:
        if (run_confirm(r) != NULL && run_confirmed(r, json_object_get(in->record, "ids")))
            (void)run_step_done(r);
        else
            (void)run_request(r);
        return replies->len > 0;
    case RUN_CALL:
        look_at_request(run_request(r));
        fuzz_check(run_step(r)[0] != '\0', "a call of no step");
        comes_back(r, b, w, in);
        if (replies->len == 0)
            return false;
        give_answer(r, replies);
        return true;
    }
    return false;
}

void fuzz_play(struct run *r, const struct bound_pack *b, const struct workflow *w, const struct run_inputs *in,
               struct fuzz_text replies)
{
    for (int i = 0; i < STEPS_MAX && turn(r, b, w, in, &replies); i++)
        ;
}
