/* What comes to the gateway over HTTP: batches, headers of binary mode, and the records that questions are answered from. Input:
 * parts; the first is a batch, the second headers ("name:value" lines, an empty one, the body), the third a login and further
 * ones records. */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "contract/json_read.h"
#include "entitlement.h"
#include "serve_mode.h"
#include "serve_problem.h"

/* A batch that is JSON is cut where jansson cuts it. */
static void cut(struct fuzz_text t)
{
    struct serve_batch b;
    struct fault f = {.reason = ""};
    const char *one, *after = t.data;
    size_t len, n = 0;
    int more;
    json_t *whole = json_loadb(t.data, t.len, 0, NULL);
    serve_batch_init(&b, t.data, t.len);
    while ((more = serve_batch_next(&b, &one, &len, &f)) > 0) {
        fuzz_check(one >= after && len > 0 && one + len <= t.data + t.len, "an event out of its place");
        after = one + len;
        json_t *v = whole != NULL ? json_loadb(one, len, JSON_DECODE_ANY, NULL) : NULL;
        fuzz_check(whole == NULL || json_equal(v, json_array_get(whole, n)), "event %zu is another", n);
        json_decref(v);
        n++;
    }
    fuzz_check(whole == NULL || !json_is_array(whole) || (more == 0 && n == json_array_size(whole)), "not all of a batch");
    fuzz_check(more == 0 || fuzz_is_text(f.reason), "refused without words");
    json_decref(whole);
}

static void read_headers(struct fuzz_text t)
{
    struct serve_headers h;
    struct fault f = {.reason = ""};
    struct buf out;
    serve_headers_init(&h);
    buf_init(&out, 1 << 20);
    while (t.len > 0 && t.data[0] != '\n') {
        char *line = fuzz_cstr(fuzz_line(&t)), *value = strchr(line, ':');
        if (value != NULL)
            *value++ = '\0';
        serve_headers_add(&h, line, value != NULL ? value : "");
        free(line);
    }
    (void)fuzz_line(&t); /* the empty one */
    if (serve_headers_done(&h, t.data, t.len, &out, &f) == 0) {
        json_t *v = json_loadb(out.data, out.len, JSON_REJECT_DUPLICATES, NULL);
        fuzz_check(json_is_object(v), "no object: %s", buf_cstr(&out));
        json_decref(v);
    } else {
        struct serve_faults faults = {0};
        serve_faults_add(&faults, "/7", &f);
        buf_reset(&out);
        serve_problem_add(&out, 400, "x", &faults);
        json_t *v = json_loadb(out.data, out.len, JSON_REJECT_DUPLICATES, NULL);
        fuzz_check(v != NULL, "no problem: %s", buf_cstr(&out));
        json_decref(v);
    }
    serve_headers_fini(&h);
    buf_fini(&out);
}

static void ask(const struct entitlement *e, const char *login, const char *password)
{
    struct buf out;
    const struct entitlement_question q = {.login = login, .password = password, .now_real_ms = 1795342800000, .age_ms = 1};
    buf_init(&out, 16 << 20);
    enum entitlement_verdict v = entitlement_answer(e, &q, &out);
    json_t *answer = json_loadb(out.data, out.len, JSON_REJECT_DUPLICATES, NULL);
    fuzz_check(answer != NULL && json_is_true(json_object_get(answer, "may_watch")) == (v == ENTITLED), "an answer: %s", buf_cstr(&out));
    fuzz_check(password == NULL || v != ENTITLED, "a password that nobody kept fits");
    json_decref(answer);
    buf_fini(&out);
}

static void take_records(struct fuzz_text rest)
{
    struct entitlement *e = entitlement_new("neotv", "0123456789abcdef0123456789abcdef");
    char *login = fuzz_cstr(fuzz_part(&rest));
    for (int32_t i = 0; rest.len > 0 && i < 20; i++) {
        struct fuzz_text record = fuzz_part(&rest);
        json_t *v = json_read_any(record.data, record.len);
        const char *service = json_text(v, "service");
        fuzz_check(entitlement_put(e, i % 3, service, strlen(service), record.data, record.len) == 0, "no memory");
        json_decref(v);
        ask(e, login, NULL);
        ask(e, login, "password");
    }
    entitlement_forget(e, 1);
    ask(e, login, NULL);
    for (int32_t i = 0; i < 3; i++)
        entitlement_forget(e, i);
    fuzz_check(entitlement_count(e) == 0, "something is left");
    free(login);
    entitlement_free(e);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_text rest = fuzz_input(data, size);
    if (size > 64 * 1024)
        return -1;
    cut(fuzz_part(&rest));
    read_headers(fuzz_part(&rest));
    take_records(rest);
    return 0;
}
