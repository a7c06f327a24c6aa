/* cases_producer.c - what the `tvbridge` command reads, and the texts of Redis' scripts. */
#define _GNU_SOURCE 1
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cases.h"
#include "catalogue.h"
#include "dialect.h"
#include "entitlement.h"
#include "event_reader.h"
#include "io/redis_scripts.h"
#include "publish_event.h"
#include "reply_file.h"
#include "serve_mode.h"

static enum torture_end read_events(void)
{
    static const char text[] = "[{\"a\":1},\n {\"b\":[2]}]\n";
    static int fd = -1;
    struct err e = {0};
    struct event_text t;
    if (fd < 0)
        fd = memfd_create("events", MFD_CLOEXEC);
    must(pwrite(fd, text, sizeof(text) - 1, 0) == sizeof(text) - 1 && lseek(fd, 0, SEEK_SET) == 0, "no file");
    struct event_reader *r = event_reader_new(fd);
    if (r == NULL)
        return NO_MEMORY;
    must(event_reader_next(r, &t, &e) == 1 && t.len == 7, "the first event");
    must(event_reader_next(r, &t, &e) == 1 && t.len == 9 && t.line == 2, "the second event");
    must(event_reader_next(r, &t, &e) == 0, "a third event");
    event_reader_free(r);
    return DONE;
}

static enum torture_end read_reply(void)
{
    struct err e = {0};
    struct reply_file f;
    if (reply_file_read(TVB_ROOT "/tests/alloc/reply.txt", &f, &e) != 0)
        return no_memory(&e);
    must(f.reply.status == 503 && f.reply.retry_after_ms == 7000 && strcmp(f.reply.body, "busy\n") == 0, "another answer");
    reply_file_fini(&f);
    return DONE;
}

static enum torture_end script_texts(void)
{
    const struct redis_script_constants c = {.lease_ms = 20000, .id_memory_ms = 600000, .stale_facts = "{}", .superseded_facts = "{}",
                                             .repeated_facts = "{}", .unchanged_facts = "{}"};
    bool whole = true;
    for (int i = 0; i < SCRIPT_COUNT; i++) {
        char *text = redis_script_new((enum script_id)i, &c);
        must(text == NULL || (strncmp(text, "local lease", 11) == 0 && text[strlen(text) - 1] == '\n'), "half a script");
        whole = whole && text != NULL;
        free(text);
    }
    return whole ? DONE : NO_MEMORY;
}

/* What could not be taken leaves what was known. */
static enum torture_end know_entitlements(void)
{
    static const char active[] = "{\"service\":\"1\",\"provider\":\"p\",\"axes\":{},\"status\":\"active\",\"login\":\"ann\",\"packages\":{\"P1\":{}},\"fence\":\"1\"}",
                      renamed[] = "{\"service\":\"1\",\"provider\":\"p\",\"axes\":{},\"status\":\"active\",\"login\":\"bea\",\"fence\":\"2\"}";
    static const char want[] = "{\"may_watch\":true,\"service\":\"1\",\"packages\":[\"P1\"],\"age_ms\":0}";
    struct entitlement *e = entitlement_new("p", NULL);
    bool taken = e != NULL && entitlement_put(e, 0, "1", 1, active, sizeof(active) - 1) == 0;
    bool again = taken && entitlement_put(e, 0, "1", 1, renamed, sizeof(renamed) - 1) == 0;
    struct buf out;
    buf_init(&out, 1000);
    const struct entitlement_question q = {.login = again ? "bea" : "ann"};
    if (taken && entitlement_count(e) > 0)
        must(entitlement_answer(e, &q, &out) == ENTITLED && (again || !buf_ok(&out) || strcmp(out.data, want) == 0), "another answer");
    bool whole = again && buf_ok(&out);
    buf_fini(&out);
    entitlement_free(e);
    return whole ? DONE : NO_MEMORY;
}

static enum torture_end read_headers(void)
{
    struct serve_headers h;
    struct fault f;
    struct buf out;
    serve_headers_init(&h);
    buf_init(&out, 1000);
    serve_headers_add(&h, "ce-specversion", "1.0");
    serve_headers_add(&h, "ce-id", "e%201");
    int rc = serve_headers_done(&h, "{}", 2, &out, &f);
    must(rc != 0 || strcmp(out.data, "{\"specversion\":\"1.0\",\"id\":\"e 1\",\"data\":{}}") == 0, "another event");
    serve_headers_fini(&h);
    buf_fini(&out);
    return rc == 0 ? DONE : NO_MEMORY;
}

#define SCHEMAS TVB_ROOT "/schemas"
#define CATALOGUE TVB_ROOT "/deploy/catalogue.example.yaml"

/* Of the first run, which fails nothing. */
static const struct publish_rules *words_and_names(void)
{
    static struct publish_rules rules = {.partition = -1};
    struct err e = {0};
    if (rules.dialect == NULL)
        rules.dialect = dialect_load(SCHEMAS, "ixc", &e);
    if (rules.catalogue == NULL)
        rules.catalogue = catalogue_load(CATALOGUE, SCHEMAS, &e);
    must(rules.dialect != NULL && rules.catalogue != NULL, "%s", e.msg);
    return &rules;
}

/* An event in billing's words and ids is whole in ours, or is refused for want of memory. */
static enum torture_end speak(const char *text, const char *want)
{
    struct fault f = {.nomem = false};
    struct publish_event e;
    if (publish_event_init(&e, words_and_names(), text, strlen(text), &f) != 0)
        return no_memory_fault(&f);
    must(strcmp(e.message.value, want) == 0, "another event: %s", e.message.value);
    publish_event_fini(&e);
    return DONE;
}

static enum torture_end speak_block(void)
{
    return speak("{\"type\":\"BLOQUEIO\",\"subject\":\"1\",\"provider\":\"oletv\"}",
                 "{\"type\":\"tvbridge.contract.blocked\",\"subject\":\"1\",\"provider\":\"oletv\",\"data\":{\"reason\":\"delinquency\"}}");
}

static enum torture_end speak_creation(void)
{
    return speak("{\"type\":\"ativar usuario tv\",\"subject\":\"1\",\"provider\":\"oletv\",\"data\":{\"plan\":\"TV-COMPLETO\",\"packages\":[{\"id\":\"HBO\"}],"
                 "\"devices\":[{\"serial\":\"a\"},{\"serial\":\"b\"}]}}",
                 "{\"type\":\"tvbridge.service.created\",\"subject\":\"1\",\"provider\":\"oletv\",\"data\":{\"plan\":\"11\",\"packages\":["
                 "{\"id\":\"32\",\"price\":\"29.90\",\"currency\":\"BRL\"},{\"id\":\"31\"},{\"id\":\"40\",\"quantity\":2}],"
                 "\"devices\":[{\"serial\":\"a\"},{\"serial\":\"b\"}]}}");
}

static enum torture_end name_wanted(void)
{
    struct err e = {0};
    const struct catalogue *c = words_and_names()->catalogue;
    json_t *w = json_pack("{s:s, s:{s:{}}}", "plan", "TV-COMPLETO", "packages", "HBO"), *list;
    if (w == NULL)
        return NO_MEMORY;
    enum torture_end end = catalogue_apply_wanted(c, "oletv", w, &e) == 0 ? DONE : no_memory(&e);
    list = json_object_get(w, "packages");
    must(end != DONE || (json_object_size(list) == 2 && json_object_get(list, "31") != NULL && json_object_get(list, "32") != NULL), "other packages");
    json_decref(w);
    return end;
}

static enum torture_end load_words(void)
{
    struct err e = {0};
    struct dialect *d = dialect_load(SCHEMAS, "mk", &e);
    must(d == NULL || strcmp(dialect_type(d, "Bloqueio Total"), "contract.blocked") == 0, "another word");
    enum torture_end end = d != NULL ? DONE : refused(&e);
    dialect_free(d);
    return end;
}

static enum torture_end load_names(void)
{
    struct err e = {0};
    struct catalogue *c = catalogue_load(CATALOGUE, SCHEMAS, &e);
    must(c == NULL || catalogue_of(c, "playhub") != NULL, "another catalogue");
    enum torture_end end = c != NULL ? DONE : refused(&e);
    catalogue_free(c);
    return end;
}

const struct torture *producer_cases(size_t *ret_count)
{
    static const struct torture list[] = {
        {"producer.event_reader", read_events, 0},
        {"producer.reply_file", read_reply, 0},
        {"producer.entitlement", know_entitlements, 0},
        {"producer.serve_headers", read_headers, 0},
        {"producer.speak_block", speak_block, 0},
        {"producer.speak_creation", speak_creation, 0},
        {"producer.name_wanted", name_wanted, 0},
        {"producer.load_words", load_words, 0},
        {"producer.load_names", load_names, 0},
        {"io.redis_scripts", script_texts, 0},
    };
    *ret_count = ARRAY_LEN(list);
    return list;
}
