/* A saved preview and how far it was applied; what a conversion does to an account. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/attr.h"
#include "contract/json.h"
#include "contract/known.h"
#include "contract/order.h"
#include "convert_state.h"
#include "preview.h"
#include "sync_apply.h"

#define KIND "tvbridge.sync"
#define HOUR INT64_C(3600000)

static json_t *json(const char *text)
{
    json_t *v = json_loads(text, 0, NULL);
    cr_assert(v != NULL, "%s", text);
    return v;
}

/* A file of its own in a new folder. */
struct place {
    char folder[64], path[80], progress[96];
};

static struct place place(void)
{
    struct place p;
    strcpy(p.folder, "/tmp/tvb-preview-XXXXXX");
    cr_assert(mkdtemp(p.folder) != NULL);
    snprintf(p.path, sizeof(p.path), "%s/p", p.folder);
    snprintf(p.progress, sizeof(p.progress), "%s/p.progress", p.folder);
    return p;
}

static void place_fini(const struct place *p)
{
    (void)unlink(p->path);
    (void)unlink(p->progress);
    (void)rmdir(p->folder);
}

static struct preview_head write_preview(const struct place *p, bool end)
{
    struct preview_head h;
    struct err err;
    FILE *f = fopen(p->path, "w");
    cr_assert(f != NULL && preview_head_new(&h, KIND, "stalker", "wanted.csv", 5 * HOUR, true, &err) == 0);
    json_t *found = json("{\"service\":\"1\",\"kind\":\"change\",\"changes\":[{\"type\":\"plan.changed\",\"what\":\"plan 3 -> 7\","
                         "\"data\":{\"plan\":\"7\",\"password\":\"secret\"}}],\"left\":[\"x\"]}");
    json_t *last = json("{\"end\":true}");
    h.catalogue = "catalogue.yaml";
    preview_write_head(&h, f);
    preview_write_service(found, "00ff", f);
    if (end)
        preview_write_line(last, f);
    fclose(f);
    json_decref(found);
    json_decref(last);
    return h;
}

Test(preview, is_read_back_as_it_was_written_and_holds_no_data)
{
    struct place at = place();
    struct preview_head h = write_preview(&at, true);
    struct preview p;
    struct err err = {0};
    cr_assert(zero(int, preview_read(&p, at.path, KIND, "stalker", 6 * HOUR, HOUR, &err)), "%s", err.msg);
    cr_expect(eq(str, p.head.id, h.id));
    cr_expect(eq(str, (char *)p.head.desired, "wanted.csv"));
    cr_expect(eq(str, (char *)p.head.catalogue, "catalogue.yaml"), "--apply reads the desired state by it again");
    cr_expect(eq(i64, p.head.made_ms, 5 * HOUR));
    cr_expect(p.head.remove_unknown);
    char *line = json_dumps(json_object_get(p.services, "1"), JSON_COMPACT);
    cr_expect(eq(str, line, "{\"service\":\"1\",\"kind\":\"change\",\"hash\":\"00ff\",\"changes\":[{\"type\":\"plan.changed\",\"what\":\"plan 3 -> 7\"}],\"left\":[\"x\"]}"));
    free(line);
    preview_fini(&p);
    place_fini(&at);
}

Test(preview, that_is_old_or_not_whole_or_of_another_is_refused)
{
    static const struct {
        const char *why;
        bool end;
        const char *kind, *provider;
        int64_t age_ms;
        const char *says;
    } rows[] = {
        {"cut off", false, KIND, "stalker", 0, "is not whole"},
        {"of another command", true, "tvbridge.convert", "stalker", 0, "is not a preview of this command"},
        {"of another provider", true, KIND, "oletv", 0, "is a preview of stalker"},
        {"old", true, KIND, "stalker", 2 * HOUR, "is older than 60 minutes"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct place at = place();
        struct preview p;
        struct err err = {0};
        (void)write_preview(&at, rows[i].end);
        cr_expect(eq(int, preview_read(&p, at.path, rows[i].kind, rows[i].provider, 5 * HOUR + rows[i].age_ms, HOUR, &err), -1), "%s", rows[i].why);
        cr_expect(strstr(err.msg, rows[i].says) != NULL, "%s: %s", rows[i].why, err.msg);
        preview_fini(&p);
        place_fini(&at);
    }
}

/* The id stands in the progress file too. */
Test(preview, whose_id_is_none_is_refused)
{
    static const char *const ids[] = {"", "0123456789abcdef0123456789abcde", "0123456789abcdef0123456789abcdef0", "0123456789abcde\\\"0123456789abcdef"};
    for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
        struct place at = place();
        struct preview p;
        struct err err = {0};
        FILE *f = fopen(at.path, "w");
        fprintf(f, "{\"preview\":\"" KIND "\",\"id\":\"%s\",\"provider\":\"stalker\",\"made\":\"2026-11-22T10:00:00Z\"}\n{\"end\":true}\n", ids[i]);
        fclose(f);
        cr_expect(eq(int, preview_read(&p, at.path, KIND, "stalker", 0, HOUR, &err), -1), "\"%s\"", ids[i]);
        cr_expect(strstr(err.msg, "is not a preview of this command") != NULL, "%s", err.msg);
        preview_fini(&p);
        place_fini(&at);
    }
}

Test(progress, is_there_again_after_a_crash_and_of_its_own_preview_only)
{
    struct place at = place();
    struct preview_head h = write_preview(&at, true), other = h;
    struct err err = {0};
    other.id[0] = h.id[0] == 'x' ? 'y' : 'x';
    struct progress_file *p = progress_open(at.path, &h, &err);
    cr_assert(p != NULL, "%s", err.msg);
    cr_expect(not(progress_has(p, "1")));
    json_t *known = json_pack("{s:s, s:s, s:s}", "by", "offset", "top", "t", "login", "ann");
    cr_assert(progress_begin(p, "1", known) == 0 && progress_begin(p, "4", known) == 0);
    cr_assert(progress_note(p, "1") == 0 && progress_sync(p, &err) == 0);
    json_decref(known);
    progress_outcome(p, "2", "e", "applied", "");
    progress_close(p);
    FILE *f = fopen(at.progress, "a"); /* a line that a crash cut off */
    fputs("{\"service\":\"3", f);
    fclose(f);
    p = progress_open(at.path, &h, &err);
    cr_expect(progress_has(p, "1"));
    cr_expect(not(progress_has(p, "2")), "an outcome says nothing of what was sent");
    cr_expect(not(progress_has(p, "3")));
    cr_expect(not(progress_has(p, "4")), "it was begun, and not ended");
    cr_expect(eq(str, (char *)json_text(progress_begun(p, "4"), "top"), "t"));
    cr_expect(eq(str, (char *)json_text(progress_begun(p, "4"), "by"), "offset"));
    cr_expect(zero(ptr, (void *)(uintptr_t)progress_begun(p, "2")));
    cr_assert(progress_note(p, "4") == 0);
    progress_close(p);
    p = progress_open(at.path, &h, &err);
    cr_expect(progress_has(p, "1") && progress_has(p, "4"));
    progress_close(p);
    f = fopen(at.progress, "a"); /* zeros, as a file system may leave them */
    fwrite("\0\0\0", 1, 3, f);
    fclose(f);
    p = progress_open(at.path, &h, &err);
    cr_assert(progress_note(p, "5") == 0);
    progress_close(p);
    p = progress_open(at.path, &h, &err);
    cr_expect(progress_has(p, "1") && progress_has(p, "5"));
    progress_close(p);
    cr_expect(progress_open(at.path, &other, &err) == NULL);
    cr_expect(strstr(err.msg, "is of another preview") != NULL, "%s", err.msg);
    progress_forget(at.path);
    p = progress_open(at.path, &other, &err);
    cr_expect(p != NULL && !progress_has(p, "1"));
    progress_close(p);
    progress_close(NULL);
    place_fini(&at);
}

/* ---- convert ---- */

Test(convert, fills_names_from_the_map)
{
    static const struct {
        const char *template, *row, *want;
    } rows[] = {
        {"{name}", "{\"name\":\"Jan\"}", "Jan"},
        {"{service_name}, {service}", "{\"service_name\":\"TV\"}", "TV, 70001"},
        {"{service_name}, {service}", "{}", ""},
        {"of {client}", "{\"client\":\"c1\"}", "of c1"},
        {"plain", "{}", "plain"},
        {"{surname}", "{}", NULL},
        {"{name", "{\"name\":\"Jan\"}", NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char text[40] = "";
        struct err err;
        json_t *row = json(rows[i].row);
        int rc = convert_fill(rows[i].template, "70001", row, text, sizeof(text), &err);
        cr_expect(eq(int, rc, rows[i].want == NULL ? -1 : 0), "%s", rows[i].template);
        if (rows[i].want != NULL)
            cr_expect(eq(str, text, (char *)rows[i].want), "%s", rows[i].template);
        json_decref(row);
    }
    char little[8];
    struct err err;
    json_t *row = json("{\"name\":\"longer than it\"}");
    cr_expect(eq(int, convert_fill("{name}", "1", row, little, sizeof(little), &err), -1));
    json_decref(row);
}

static struct convert_state state(const char *const *accounts, size_t n, const char *row)
{
    struct convert_state s = {.known = book_new(), .rows = book_new(), .accounts = accounts_new(), .first_name = "{name}", .last_name = "{service_name}, {service}"};
    json_t *r = json(row);
    for (size_t i = 0; i < n; i++) {
        json_t *a = json(accounts[i]);
        cr_assert(zero(int, accounts_add(s.accounts, a)));
        json_decref(a);
    }
    cr_assert(zero(int, book_put_json(s.rows, "70001", r)));
    json_decref(r);
    return s;
}

static void state_fini(struct convert_state *s)
{
    book_free(s->known);
    book_free(s->rows);
    accounts_free(s->accounts);
}

#define OLD "{\"external_id\":\"c1\",\"login\":\"ann\",\"status\":\"active\",\"packages\":[\"P1\"]}"
#define NEW "{\"external_id\":\"70001\",\"login\":\"eve\",\"status\":\"active\"}"

Test(convert, finds_by_the_clients_id_or_says_why_not)
{
    static const struct {
        const char *why, *accounts[3], *known, *want;
    } rows[] = {
        {"found", {OLD}, NULL, "convert: adopt, id c1 -> 70001, rename"},
        {"found by number", {"{\"account_number\":\"c1\",\"status\":\"active\"}"}, NULL, "convert: adopt, id c1 -> 70001, rename"},
        {"known already", {OLD}, "{\"known\":true,\"login\":\"ann\"}", "convert: id c1 -> 70001, rename"},
        {"nobody", {"{\"external_id\":\"c2\"}"}, NULL, "left: the platform has no account with this client's id"},
        {"two", {OLD, "{\"external_id\":\"c1\",\"login\":\"bob\"}"}, NULL, "left: several accounts have this client's id"},
        {"both ids", {OLD, NEW}, NULL, "left: the platform has an account with the service's id too"},
        {"converted", {NEW}, NULL, "done"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        size_t n = 0;
        while (n < ARRAY_LEN(rows[i].accounts) && rows[i].accounts[n] != NULL)
            n++;
        struct convert_state s = state(rows[i].accounts, n, "{\"client\":\"c1\",\"name\":\"Ann\",\"service_name\":\"TV\"}");
        if (rows[i].known != NULL)
            cr_assert(zero(int, book_put(s.known, "70001", 5, rows[i].known, strlen(rows[i].known))));
        convert_link(&s);
        char hash[SYNC_HASH_SIZE], text[300] = "done";
        json_t *found = NULL, *v;
        size_t k;
        int rc = convert_find(&s, "70001", &found, hash);
        cr_expect(eq(int, rc, found != NULL), "%s", rows[i].why);
        if (found != NULL)
            snprintf(text, sizeof(text), "%s:", json_text(found, "kind"));
        json_array_foreach(json_object_get(found, "changes"), k, v)
            snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s %s", k > 0 ? "," : "", json_text(v, "what"));
        json_array_foreach(json_object_get(found, "left"), k, v) snprintf(text + strlen(text), sizeof(text) - strlen(text), " %s", json_string_value(v));
        cr_expect(eq(str, text, (char *)rows[i].want), "%s", rows[i].why);
        json_decref(found);
        state_fini(&s);
    }
}

Test(convert, has_another_hash_for_another_account_map_or_template)
{
    static const char *const old[] = {OLD}, *const changed[] = {"{\"external_id\":\"c1\",\"login\":\"ann\",\"status\":\"suspended\"}"};
    char hash[4][SYNC_HASH_SIZE];
    for (size_t i = 0; i < 4; i++) {
        struct convert_state s = state(i == 1 ? changed : old, 1, i == 2 ? "{\"client\":\"c1\",\"name\":\"Eve\"}" : "{\"client\":\"c1\",\"name\":\"Ann\"}");
        json_t *found = NULL;
        if (i == 3)
            s.last_name = "{service}";
        convert_link(&s);
        (void)convert_find(&s, "70001", &found, hash[i]);
        json_decref(found);
        state_fini(&s);
    }
    for (size_t i = 1; i < 4; i++)
        cr_expect(ne(str, hash[0], hash[i]), "%zu", i);
}

static json_t *of_changes(const char *const *whats, size_t n)
{
    json_t *changes = json_array();
    for (size_t i = 0; i < n; i++)
        if (whats[i] != NULL)
            json_array_append_new(changes, json_pack("{s:s, s:s}", "type", "package.added", "what", whats[i]));
    return json_pack("{s:o}", "changes", changes);
}

Test(sync_apply, goes_on_behind_its_own_events_as_long_as_nothing_else_moved)
{
    static const char *const shown[] = {"add P1", "add P2"};
    json_t *begun = json_pack("{s:s, s:s}", "by", "sequence", "top", "000000-000000000000000010-000000"), *line = of_changes(shown, 2);
    char basis[BASIS_TEXT_SIZE], first[ORDER_TEXT_SIZE], third[ORDER_TEXT_SIZE];
    struct basis b;
    known_basis(begun, 1, basis);
    cr_assert(zero(int, basis_parse(basis, &b)));
    order_format(basis_order(&b), first);
    b.step += 2;
    order_format(basis_order(&b), third);
    const struct {
        const char *why, *top, *found[2];
        bool resumes;
    } rows[] = {
        {"the first one was applied", first, {NULL, "add P2"}, true},
        {"none was yet", "000000-000000000000000010-000000", {"add P1", "add P2"}, true},
        {"the second one only: the first was refused", first, {"add P1", NULL}, true},
        {"billing's events moved it", "000000-000000000000000011-000000", {NULL, "add P2"}, false},
        {"events that are not this preview's", third, {NULL, "add P2"}, false},
        {"something else differs", first, {"add P3", "add P2"}, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        json_t *known = json_pack("{s:s, s:s}", "by", "sequence", "top", rows[i].top), *found = of_changes(rows[i].found, 2);
        cr_expect(eq(int, sync_apply_resumes(line, found, begun, known), rows[i].resumes), "%s", rows[i].why);
        json_decref(known);
        json_decref(found);
    }
    json_decref(line);
    json_decref(begun);
}
