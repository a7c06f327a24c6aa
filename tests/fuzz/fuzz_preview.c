/* Saved previews, how far they were applied, and what they are made from. Input: a preview's file; a line "%%"; its progress file; then a
 * list of services (CSV or JSON), accounts and records, a JSON value a line. With an even number of bytes what billing does not know is
 * to go. What is taken and written again is the same; what differs of a service has one hash; no password is in a preview. */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "base/clock.h"
#include "contract/json_read.h"
#include "contract/json_scan.h"
#include "contract/record.h"
#include "convert_state.h"
#include "known.h"
#include "preview.h"
#include "rows.h"
#include "sync_state.h"
#include "wanted.h"

#define PROVIDER "stalker"
#define SECRET "Zq7-never-told"
#define MAX_AGE_MS INT64_C(3600000)
#define ROWS_MAX 50

static const char *const kinds[] = {"tvbridge.sync", "tvbridge.convert"};

static int64_t now(void)
{
    int64_t ms = 0;
    (void)clock_parse_rfc3339("2026-11-22T10:00:00Z", &ms);
    return ms;
}

/* ---- writing and reading again ---- */

static FILE *begin(const struct preview_head *h)
{
    FILE *f = fopen(fuzz_path("again"), "w");
    fuzz_check(f != NULL, "cannot write a file");
    preview_write_head(h, f);
    return f;
}

static void end(FILE *f, const char *kind, struct preview *ret)
{
    struct err err = {0};
    json_t *line = json_pack("{s:b}", "end", 1);
    preview_write_line(line, f);
    json_decref(line);
    fclose(f);
    fuzz_check(preview_read(ret, fuzz_path("again"), kind, PROVIDER, now(), MAX_AGE_MS, &err) == 0, "it does not come back: %s", err.msg);
}

static void same_text(const char *a, const char *b, const char *name)
{
    fuzz_check((a == NULL) == (b == NULL) && (a == NULL || strcmp(a, b) == 0), "`%s` of the head changed", name);
}

static void same_head(const struct preview_head *a, const struct preview_head *b)
{
    same_text(a->id, b->id, "id");
    same_text(a->kind, b->kind, "preview");
    same_text(a->provider, b->provider, "provider");
    same_text(a->desired, b->desired, "desired");
    same_text(a->catalogue, b->catalogue, "catalogue");
    same_text(a->first_name, b->first_name, "first_name");
    same_text(a->last_name, b->last_name, "last_name");
    fuzz_check(a->made_ms == b->made_ms && a->remove_unknown == b->remove_unknown, "time or rule of the head changed");
}

static void comes_back(const struct preview *p)
{
    struct preview again;
    const char *service;
    json_t *line;
    FILE *f = begin(&p->head);
    json_object_foreach(p->services, service, line) preview_write_line(line, f);
    end(f, p->head.kind, &again);
    same_head(&p->head, &again.head);
    fuzz_check(json_equal(p->services, again.services), "its services are others");
    preview_fini(&again);
}

/* ---- progress ---- */

static struct progress_file *open_progress(const struct preview_head *h, struct err *ret)
{
    struct progress_file *p = progress_open(fuzz_path("preview"), h, ret);
    if (p == NULL)
        fuzz_refused(ret, fuzz_path("preview.progress"));
    return p;
}

/* What was noted is known after a crash and before it, and what was known before stays. */
static void goes_on(const struct preview *p, struct fuzz_text progress)
{
    struct err err = {0};
    const char *service;
    json_t *line;
    fuzz_write("preview.progress", progress);
    for (int round = 0; round < 2; round++) {
        struct progress_file *f = open_progress(&p->head, &err);
        fuzz_check(f != NULL || round == 0, "its own progress is refused: %s", err.msg);
        if (f == NULL)
            return;
        json_object_foreach(p->services, service, line)
        {
            fuzz_check(round == 0 || progress_has(f, service), "\"%s\" was forgotten", service);
            if (!progress_has(f, service))
                fuzz_check(progress_note(f, service) == 0, "\"%s\" cannot be noted", service);
            progress_outcome(f, service, "e", "applied", "");
        }
        fuzz_check(progress_sync(f, &err) == 0, "%s", err.msg);
        progress_close(f);
    }
    progress_forget(fuzz_path("preview"));
}

static void take_preview(struct fuzz_text text, struct fuzz_text progress)
{
    char path[512];
    fuzz_write("preview", text);
    snprintf(path, sizeof(path), "%s", fuzz_path("preview"));
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        struct err err = {0};
        struct preview p;
        if (preview_read(&p, path, kinds[i], PROVIDER, now(), MAX_AGE_MS, &err) == 0) {
            comes_back(&p);
            goes_on(&p, progress);
        } else {
            fuzz_refused(&err, path);
        }
        preview_fini(&p);
    }
}

/* ---- what previews are made from ---- */

static json_t *next_object(struct fuzz_text *lines)
{
    while (lines->len > 0) {
        struct fuzz_text line = fuzz_line(lines);
        json_t *v = json_read_any(line.data, line.len);
        if (json_is_object(v))
            return v;
        json_decref(v);
    }
    return NULL;
}

static struct accounts *take_accounts(struct fuzz_text lines)
{
    struct accounts *all = accounts_new();
    json_t *v;
    while ((v = next_object(&lines)) != NULL) {
        fuzz_check(accounts_add(all, v) == 0, "an account cannot be kept");
        json_decref(v);
    }
    return all;
}

static struct book *take_records(struct fuzz_text lines)
{
    struct book *known = book_new();
    json_t *v;
    while ((v = next_object(&lines)) != NULL) {
        if (json_text(v, "service")[0] == '\0') { /* no service has such an id */
            json_decref(v);
            continue;
        }
        json_t *of = known_of(v);
        fuzz_check(of != NULL && book_put_json(known, json_text(v, "service"), of) == 0, "a record cannot be kept");
        json_decref(of);
        json_decref(v);
    }
    return known;
}

/* Each line as one that was found, with its hash, and back. */
struct written {
    FILE *file;
    json_t *found; /* service -> { found, hash } */
};

/* What goes is named by the platform: an event can bear it. */
static void can_go(const json_t *found)
{
    const json_t *changes = json_object_get(found, "changes");
    for (size_t i = 0; i < json_array_size(changes); i++) {
        const json_t *one = json_array_get(changes, i);
        struct event made;
        if (strcmp(json_text(one, "type"), "package.removed") != 0)
            continue;
        json_t *e = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:O}", "specversion", "1.0", "id", "i", "source", "/s", "subject", "70001", "provider",
                              PROVIDER, "type", "tvbridge.package.removed", "data", json_object_get(one, "data"));
        fuzz_valid_event(e, &made);
        event_fini(&made);
        json_decref(e);
    }
}

static bool write_found(void *arg, const json_t *found, const char *hash)
{
    struct written *w = arg;
    fuzz_check(strlen(hash) == SYNC_HASH_SIZE - 1, "a hash \"%s\"", hash);
    fuzz_check(json_object_get(w->found, json_text(found, "service")) == NULL, "\"%s\" is found twice", json_text(found, "service"));
    json_object_set_new(w->found, json_text(found, "service"), json_pack("{s:O, s:s}", "found", found, "hash", hash));
    preview_write_service(found, hash, w->file);
    can_go(found);
    return true;
}

static void begin_found(struct written *w, const char *kind)
{
    struct preview_head h;
    struct err err = {0};
    w->found = json_object();
    fuzz_check(preview_head_new(&h, kind, PROVIDER, "wanted.csv", now(), true, &err) == 0, "%s", err.msg);
    w->file = begin(&h);
}

static void same_found(const char *service, const json_t *found, const json_t *line)
{
    const json_t *a = json_object_get(found, "changes"), *b = json_object_get(line, "changes");
    fuzz_check(line != NULL, "\"%s\" is not in the preview", service);
    fuzz_check(json_equal(json_object_get(found, "left"), json_object_get(line, "left")), "what is left of \"%s\" changed", service);
    fuzz_check(json_array_size(a) == json_array_size(b), "the changes of \"%s\" changed", service);
    for (size_t i = 0; i < json_array_size(a); i++) {
        const json_t *one = json_array_get(a, i), *two = json_array_get(b, i);
        fuzz_check(strcmp(json_text(one, "type"), json_text(two, "type")) == 0 && strcmp(json_text(one, "what"), json_text(two, "what")) == 0 &&
                       json_object_get(two, "data") == NULL,
                   "change %zu of \"%s\" is another", i, service);
    }
}

static void end_found(struct written *w, const char *kind, bool secret)
{
    struct preview p;
    const char *service;
    json_t *one;
    end(w->file, kind, &p);
    char *text = fuzz_json(p.services);
    fuzz_check(!secret || strstr(text, SECRET) == NULL, "a password in a preview: %s", text);
    free(text);
    json_object_foreach(w->found, service, one)
    {
        const json_t *line = json_object_get(p.services, service);
        same_found(service, json_object_get(one, "found"), line);
        fuzz_check(strcmp(json_text(one, "hash"), json_text(line, "hash")) == 0, "another hash of \"%s\"", service);
    }
    preview_fini(&p);
    json_decref(w->found);
}

/* ---- a comparison ---- */

static int want(void *arg, const json_t *row, long line, struct err *reterr)
{
    struct book *wanted = arg;
    char service[WANTED_SERVICE_SIZE];
    (void)line;
    if (book_count(wanted) == ROWS_MAX)
        return err_set(reterr, ERR_INVAL, "enough");
    json_t *v = wanted_read(row, service, reterr);
    if (json_object_get(v, "password") != NULL)
        json_object_set_new(v, "password", json_string(SECRET));
    int rc = v == NULL ? 0 : book_put_json(wanted, service, v);
    json_decref(v);
    return rc;
}

static void find_again(const struct sync_state *s, json_t *all)
{
    char hash[SYNC_HASH_SIZE];
    const char *service, *before = "";
    json_t *one, *found;
    json_object_foreach(all, service, one)
    {
        fuzz_check(strcmp(before, service) < 0, "\"%s\" behind \"%s\"", service, before);
        before = service;
        fuzz_check(sync_state_one(s, service, &found, hash) == 1, "\"%s\" does not differ alone", service);
        fuzz_check(json_equal(found, json_object_get(one, "found")) && strcmp(hash, json_text(one, "hash")) == 0, "\"%s\" differs otherwise alone",
                   service);
        json_decref(found);
    }
}

static void compare(struct accounts *accounts, struct book *known, bool remove_unknown, bool secret)
{
    struct sync_state s = {.known = known, .wanted = book_new(), .accounts = accounts, .provider = PROVIDER,
                           .rules = {.now_ms = now(), .remove_unknown = remove_unknown}};
    struct err err = {0};
    struct written w;
    (void)rows_read(fuzz_path("list"), &wanted_form, want, s.wanted, &err);
    begin_found(&w, kinds[0]);
    fuzz_check(sync_state_each(&s, write_found, &w) == 0, "it cannot be compared");
    find_again(&s, w.found);
    end_found(&w, kinds[0], secret);
    json_decref(sync_state_unconverted(&s));
    book_free(s.wanted);
}

/* ---- a conversion ---- */

/* What is to be converted ends with its conversion, unless it bears the id already; what is not says why. */
static void look_at_conversion(const json_t *found, const char *service)
{
    const json_t *changes = json_object_get(found, "changes"), *left = json_object_get(found, "left");
    const json_t *last = json_array_get(changes, json_array_size(changes) - 1);
    bool goes = strcmp(json_text(found, "kind"), "convert") == 0, new_id = strcmp(json_text(found, "client"), service) != 0;
    fuzz_check(goes == (json_array_size(left) == 0), "%s, and what is left does not say so", json_text(found, "kind"));
    fuzz_check(!goes || !new_id || strcmp(json_text(last, "type"), "service.converted") == 0, "\"%s\" is not converted", service);
    fuzz_check(goes || json_array_size(changes) == 0, "changes of one that is left");
}

static void convert(struct accounts *accounts, struct book *known)
{
    struct convert_state s = {
        .known = known, .rows = book_new(), .accounts = accounts, .first_name = "{name} {service_name}", .last_name = "{client}-{service}"};
    struct err err = {0};
    struct written w;
    if (convert_read_map(&s, fuzz_path("list"), &err) != 0)
        fuzz_refused(&err, fuzz_path("list"));
    convert_link(&s);
    begin_found(&w, kinds[1]);
    for (size_t i = 0; i < book_count(s.rows) && i < ROWS_MAX; i++) {
        char hash[SYNC_HASH_SIZE], again[SYNC_HASH_SIZE];
        json_t *found, *twice = NULL;
        const char *service = book_key(s.rows, i);
        int rc = convert_find(&s, service, &found, hash);
        fuzz_check(rc >= 0 && convert_find(&s, service, &twice, again) == rc, "\"%s\" cannot be found", service);
        fuzz_check(rc == 0 || (json_equal(found, twice) && strcmp(hash, again) == 0), "\"%s\" is another the second time", service);
        if (rc == 1) {
            look_at_conversion(found, service);
            write_found(&w, found, hash);
        }
        json_decref(found);
        json_decref(twice);
    }
    end_found(&w, kinds[1], false);
    book_free(s.rows);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_text rest = fuzz_input(data, size), preview = fuzz_part(&rest), progress = fuzz_part(&rest);
    bool secret = size > 0 && memmem(data, size, SECRET, strlen(SECRET)) == NULL;
    if (size > 64 * 1024)
        return -1;
    take_preview(preview, progress);
    fuzz_write("list", fuzz_part(&rest));
    struct fuzz_text of = fuzz_part(&rest);
    struct book *known = take_records(rest);
    struct accounts *accounts = take_accounts(of);
    compare(accounts, known, size % 2 == 0, secret);
    accounts_free(accounts);
    accounts = take_accounts(of);
    convert(accounts, known);
    accounts_free(accounts);
    book_free(known);
    return 0;
}
