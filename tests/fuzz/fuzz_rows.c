/* Lists that an operator hands in. The first byte says which list it is, and how long the pieces are in which it comes through a pipe:
 * then it says the same as from a file. Written as JSON lines the rows are the same, and what becomes of one is valid or refused. */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/buf.h"
#include "boxes.h"
#include "contract/json_scan.h"
#include "contract/wanted.h"
#include "own_events.h"
#include "row_events.h"
#include "rows.h"
#include "wanted.h"

enum { ROWS_MAX = 200 };

#define PROVIDER "stalker"
#define SOURCE "/tvbridge/import"

static const struct rows_alias own_aliases[] = {{"ativo", NULL}, {"contrato", "service"}};
static const struct rows_form boxes_form = {boxes_names, BOXES_NAMES, boxes_aliases, BOXES_ALIASES};
static const struct rows_form own_form = {boxes_names, BOXES_NAMES, own_aliases, ARRAY_LEN(own_aliases)};
static const struct rows_form *const forms[] = {&boxes_form, &own_form, &wanted_form, &map_form};

/* ---- reading ---- */

struct rows {
    json_t *list;  /* { line, row } */
    const struct rows_form *form;
    long line;
};

static bool is_name(const struct rows_form *form, const char *name)
{
    for (size_t i = 0; i < form->n; i++)
        if (strcmp(form->names[i], name) == 0)
            return true;
    return false;
}

static int on_row(void *arg, const json_t *row, long line, struct err *reterr)
{
    struct rows *r = arg;
    const char *name;
    json_t *v;
    (void)reterr;
    fuzz_check(line >= 1 && line >= r->line, "line %ld behind line %ld", line, r->line);
    r->line = line;
    json_object_foreach(json_unconst(row), name, v)
    {
        fuzz_check(is_name(r->form, name), "a member \"%s\"", name);
        fuzz_check(!json_is_null(v) && (!json_is_string(v) || json_string_length(v) > 0), "\"%s\" is empty", name);
    }
    json_array_append_new(r->list, json_pack("{s:I, s:o}", "line", (json_int_t)line, "row", json_deep_copy(row)));
    return 0;
}

/* NULL: refused, with a place. */
static json_t *read_rows(const char *path, const struct rows_form *form, struct err *ret)
{
    struct rows r = {.list = json_array(), .form = form};
    *ret = (struct err){.code = ERR_NONE};
    int rc = rows_read(path, form, on_row, &r, ret);
    if (rc != 0)
        fuzz_refused(ret, strcmp(path, "-") == 0 ? "stdin" : path);
    return r.list;
}

static json_t *read_pieces(struct fuzz_text t, size_t piece, const struct rows_form *form, struct err *ret)
{
    int fd = fuzz_pieces(t, piece);
    fuzz_check(dup2(fd, STDIN_FILENO) == STDIN_FILENO, "no stdin");
    close(fd);
    return read_rows("-", form, ret);
}

/* What is told of a fault, behind the file's name; its line is there. */
static const char *told(const struct err *e, const char *file)
{
    const char *at = e->msg + strlen(file);
    if (e->code == ERR_NONE)
        return "";
    fuzz_check(*at == ':' && ((at[1] >= '1' && at[1] <= '9') || strstr(at, "line ") != NULL), "a fault without its line: %s", e->msg);
    return at;
}

static void same_in_pieces(struct fuzz_text t, size_t piece, const struct rows_form *form, const json_t *rows, const struct err *e)
{
    struct err err;
    char path[512];
    snprintf(path, sizeof(path), "%s", fuzz_path("rows"));
    json_t *again = read_pieces(t, piece, form, &err);
    fuzz_check(json_equal(json_unconst(rows), again), "in pieces of %zu there are other rows", piece);
    fuzz_check(strcmp(told(e, path), told(&err, "stdin")) == 0, "in pieces of %zu: \"%s\", not \"%s\"", piece, err.msg, e->msg);
    json_decref(again);
}

/* Line numbers are those of the lines now. */
static void same_as_json(const json_t *rows, const struct rows_form *form)
{
    struct buf text;
    struct err err;
    buf_init(&text, SIZE_MAX / 2);
    for (size_t i = 0; i < json_array_size(rows); i++) {
        json_add_compact(&text, json_object_get(json_array_get(rows, i), "row"));
        buf_addc(&text, '\n');
    }
    fuzz_write("again", (struct fuzz_text){buf_cstr(&text), text.len});
    json_t *again = read_rows(fuzz_path("again"), form, &err);
    fuzz_check(err.code == ERR_NONE, "as JSON it is refused: %s", err.msg);
    fuzz_check(json_array_size(again) == json_array_size(rows), "as JSON there are %zu rows of %zu", json_array_size(again), json_array_size(rows));
    for (size_t i = 0; i < json_array_size(rows); i++)
        fuzz_check(json_equal(json_object_get(json_array_get(rows, i), "row"), json_object_get(json_array_get(again, i), "row")),
                   "row %zu is another as JSON", i);
    json_decref(again);
    buf_fini(&text);
}

/* ---- boxes ---- */

/* One for many inputs: it compiles the schemas. */
static struct row_events *maker(void)
{
    static struct row_events *r;
    struct err err = {0};
    if (r != NULL && json_array_size(row_events_rows(r)) < 1000)
        return r;
    row_events_free(r);
    r = row_events_new(PROVIDER, SOURCE, "device.added", TVB_ROOT "/schemas", &err);
    fuzz_check(r != NULL, "%s", err.msg);
    return r;
}

static void make_event(const struct box *x, json_t *ids)
{
    const struct own_event e = {x->service, "device.added", x->id, NULL, x->data};
    struct fault f = {.reason = ""};
    struct err err;
    struct event made;
    json_t *row = json_object();
    if (row_events_add(maker(), row, x->service, x->id, x->data, &f) != 0) {
        fuzz_refused_at(&f);
        fuzz_check(boxes_column(f.pointer)[0] != '\0' && json_object_size(row) == 0, "refused without a column, or kept");
    } else {
        struct buf text;
        buf_init(&text, JSON_EVENT_MAX_BYTES + 1);
        fuzz_check(own_event_write(&e, PROVIDER, SOURCE, &text, &err) == 0, "it cannot be written");
        json_t *root = json_loadb(text.data, text.len, 0, NULL);
        fuzz_valid_event(root, &made);
        event_fini(&made);
        json_decref(root);
        buf_fini(&text);
        fuzz_check(json_object_get(ids, x->id) == NULL, "two boxes of one id: %s", x->id);
        json_object_set_new(ids, x->id, json_true());
    }
    json_decref(row);
}

/* A box is there once, by MAC and by serial. */
static void make_boxes(const json_t *rows)
{
    struct boxes *all = boxes_new(), *one;
    json_t *ids = json_object();
    for (size_t i = 0; i < json_array_size(rows); i++) {
        struct box x, again;
        struct err err = {0}, late = {0};
        const json_t *r = json_array_get(rows, i), *row = json_object_get(r, "row");
        long line = (long)json_integer_value(json_object_get(r, "line"));
        if (boxes_take(all, row, line, PROVIDER, &x, &err) != 0) {
            fuzz_refused(&err, NULL);
            continue;
        }
        fuzz_check(boxes_take(all, row, line, PROVIDER, &again, &late) != 0, "a box twice");
        fuzz_refused(&late, NULL);
        one = boxes_new();
        fuzz_check(boxes_take(one, row, 1, PROVIDER, &again, &late) == 0 && strcmp(x.id, again.id) == 0, "of another list it is another event");
        make_event(&x, ids);
        json_decref(x.data);
        json_decref(again.data);
        boxes_free(one);
    }
    boxes_free(all);
    json_decref(ids);
}

/* ---- desired states ---- */

/* What was read of a row, as a row says the same. */
static void comes_back(const char *service, const json_t *wanted)
{
    char again[WANTED_SERVICE_SIZE];
    struct err err = {0};
    const char *id;
    json_t *row = json_deep_copy(wanted), *list = json_array(), *v;
    json_object_foreach(json_object_get(row, "packages"), id, v)
    {
        int64_t from, to;
        fuzz_check(wanted_times(v, &from, &to) == 0 && from < to, "package %s has no time", id);
        json_object_set_new(v, "id", json_string(id));
        json_array_append(list, v);
    }
    if (json_object_get(row, "packages") != NULL)
        json_object_set(row, "packages", list);
    json_object_set_new(row, "service", json_string(service));
    json_t *back = wanted_read(row, again, &err);
    fuzz_check(back != NULL, "it does not come back: %s", err.msg);
    fuzz_check(strcmp(again, service) == 0 && json_equal(back, json_unconst(wanted)), "it comes back as another");
    json_decref(back);
    json_decref(list);
    json_decref(row);
}

static void make_wanted(const json_t *rows)
{
    char service[WANTED_SERVICE_SIZE];
    for (size_t i = 0; i < json_array_size(rows); i++) {
        struct err err = {0};
        json_t *wanted = wanted_read(json_object_get(json_array_get(rows, i), "row"), service, &err);
        if (wanted == NULL)
            fuzz_refused(&err, NULL);
        else
            comes_back(service, wanted);
        json_decref(wanted);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err;
    if (size < 1 || size > 64 * 1024)
        return -1;
    const struct rows_form *form = forms[data[0] % ARRAY_LEN(forms)];
    struct fuzz_text t = fuzz_input(data + 1, size - 1);
    size_t piece = 1 + data[0] / ARRAY_LEN(forms) % 16;
    fuzz_write("rows", t);
    json_t *rows = read_rows(fuzz_path("rows"), form, &err);
    same_in_pieces(t, piece, form, rows, &err);
    if (json_array_size(rows) <= ROWS_MAX) {
        same_as_json(rows, form);
        if (form == &boxes_form || form == &own_form)
            make_boxes(rows);
        else
            make_wanted(rows);
    }
    json_decref(rows);
    return 0;
}
