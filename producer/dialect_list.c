#include "dialect_list.h"

#include <stdio.h>

#include "cli.h"

#define CELL_BYTES ((size_t)8 * 1024)

/* The word, and the other ways to say it. */
static void add_words(struct buf *b, const json_t *operation)
{
    const json_t *also = json_object_get(operation, "also");
    buf_adds(b, json_text(operation, "word"));
    for (size_t i = 0; i < json_array_size(also); i++)
        buf_addf(b, " | %s", json_string_value(json_array_get(also, i)));
}

/* `reason=delinquency?`: only where the event does not say it itself. */
static void add_members(struct buf *b, const json_t *operation, const char *member, const char *mark)
{
    const char *name;
    json_t *v;
    json_object_foreach(json_object_get(operation, member), name, v)
    {
        buf_addf(b, "%s%s=", b->len > 0 ? " " : "", name);
        if (json_is_string(v))
            buf_adds(b, json_string_value(v));
        else
            json_add_compact(b, v);
        buf_adds(b, mark);
    }
}

/* ` (beenius)`: where the guide is about @several platforms, and this is not of all. */
static void add_pack(struct buf *b, const json_t *one, bool several)
{
    const char *pack = json_text(one, "pack");
    if (several && pack[0] != '\0')
        buf_addf(b, " (%s)", pack);
}

static void add_outcomes(struct buf *b, const json_t *operation, bool several)
{
    const json_t *list = json_object_get(operation, "outcomes");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *o = json_array_get(list, i);
        const char *reason = json_text(o, "reason");
        buf_addf(b, "%s%s%s%s", i > 0 ? ", " : "", json_text(o, "kind"), reason[0] != '\0' ? " " : "", reason);
        add_pack(b, o, several);
    }
}

/* `Online = given.online`: the billing's field, and the outcome's that carries it. A line of a history has none. */
static void add_write_back(struct buf *b, const json_t *operation, bool several)
{
    const json_t *list = json_object_get(operation, "write_back");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *one = json_array_get(list, i);
        const char *from = json_text(one, "from");
        buf_addf(b, "%s%s%s%s", i > 0 ? ", " : "", json_text(one, "to"), from[0] != '\0' ? " = " : "", from);
        add_pack(b, one, several);
    }
}

enum cell { CELL_WORDS, CELL_EVENT, CELL_DATA, CELL_OUTCOMES, CELL_BACK, CELL_COUNT };

static void show_row(const struct cli_table *t, const json_t *operation, bool several)
{
    struct buf cell[CELL_COUNT], out;
    const char *text[CELL_COUNT];
    for (int i = 0; i < CELL_COUNT; i++)
        buf_init(&cell[i], CELL_BYTES);
    buf_init(&out, CELL_COUNT * 8 * CELL_BYTES);
    add_words(&cell[CELL_WORDS], operation);
    buf_adds(&cell[CELL_EVENT], json_text(operation, "event"));
    add_members(&cell[CELL_DATA], operation, "data", "");
    add_members(&cell[CELL_DATA], operation, "default", "?");
    add_outcomes(&cell[CELL_OUTCOMES], operation, several);
    add_write_back(&cell[CELL_BACK], operation, several);
    for (int i = 0; i < CELL_COUNT; i++)
        text[i] = buf_cstr(&cell[i]);
    cli_table_row(t, text, NULL, &out);
    fputs(buf_cstr(&out), stdout);
    for (int i = 0; i < CELL_COUNT; i++)
        buf_fini(&cell[i]);
    buf_fini(&out);
}

static void show_table(const struct dialect *d)
{
    static const struct cli_column columns[] = {{"WORDS", 60, 12, false},
                                                {"EVENT", 26, 18, false},
                                                {"DATA (?: unless the event says it)", 34, 10, false},
                                                {"OUTCOMES", 40, 8, false},
                                                {"WRITE BACK", 40, 8, false}};
    const json_t *list = json_object_get(dialect_document(d), "operations");
    bool several = json_array_size(json_object_get(dialect_document(d), "packs")) > 1;
    struct cli_table t;
    struct buf out;
    buf_init(&out, CELL_BYTES);
    cli_table_init(&t, columns, ARRAY_LEN(columns), cli_width(stdout), cli_has_colour(stdout));
    cli_table_head(&t, &out);
    fputs(buf_cstr(&out), stdout);
    buf_fini(&out);
    for (size_t i = 0; i < json_array_size(list); i++)
        show_row(&t, json_array_get(list, i), several);
}

void dialect_list(const struct dialect *d, bool json)
{
    const json_t *list = json_object_get(dialect_document(d), "operations");
    if (!json) {
        show_table(d);
        return;
    }
    for (size_t i = 0; i < json_array_size(list); i++) {
        json_dumpf(json_array_get(list, i), stdout, JSON_COMPACT);
        putchar('\n');
    }
}
