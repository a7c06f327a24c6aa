#include "listing.h"

#include <string.h>

#include "account.h"
#include "contract/json_scan.h"

static const char *cell_of(const json_t *row, const char *name, char ret[ACCOUNT_TEXT_SIZE])
{
    const json_t *v = json_object_get(row, name);
    if (json_is_string(v))
        return json_string_value(v); /* however long */
    if (json_is_boolean(v))
        return json_is_true(v) ? "yes" : "no";
    return account_text(v, ret);
}

static void show_table(const struct listing *l)
{
    struct cli_column columns[CLI_COLUMNS_MAX];
    char texts[CLI_COLUMNS_MAX][ACCOUNT_TEXT_SIZE];
    struct cli_table t;
    struct buf out;
    json_t *row;
    size_t i;
    for (size_t k = 0; k < l->n; k++)
        columns[k] = l->members[k].column;
    buf_init(&out, (size_t)2 * 1024 * 1024);
    cli_table_init(&t, columns, l->n, cli_width(stdout), cli_has_colour(stdout));
    cli_table_head(&t, &out);
    json_array_foreach(json_unconst(l->rows), i, row)
    {
        const char *cells[CLI_COLUMNS_MAX];
        for (size_t k = 0; k < l->n; k++)
            cells[k] = cell_of(row, l->members[k].name, texts[k]);
        cli_table_row(&t, cells, NULL, &out);
        fputs(buf_cstr(&out), stdout);
        buf_reset(&out);
    }
    fputs(buf_cstr(&out), stdout);
    buf_fini(&out);
}

/* RFC 4180. What a spreadsheet would take for a formula is data of a platform: it is led by a quote. */
static void print_cell(const char *text)
{
    bool formula = text[0] != '\0' && strchr("=+-@", text[0]) != NULL;
    if (!formula && strpbrk(text, ",\"\r\n") == NULL) {
        fputs(text, stdout);
        return;
    }
    fputs(formula ? "\"'" : "\"", stdout);
    for (; *text != '\0'; text++) {
        if (*text == '"')
            putchar('"');
        putchar(*text);
    }
    putchar('"');
}

static void show_csv(const struct listing *l)
{
    json_t *row;
    size_t i;
    char text[ACCOUNT_TEXT_SIZE];
    for (size_t k = 0; k < l->n; k++)
        printf("%s%s", k > 0 ? "," : "", l->members[k].name);
    fputs("\r\n", stdout);
    json_array_foreach(json_unconst(l->rows), i, row)
    {
        for (size_t k = 0; k < l->n; k++) {
            fputs(k > 0 ? "," : "", stdout);
            print_cell(cell_of(row, l->members[k].name, text));
        }
        fputs("\r\n", stdout);
    }
}

static void show_json(const struct listing *l)
{
    json_t *row;
    size_t i;
    json_array_foreach(json_unconst(l->rows), i, row)
    {
        json_dumpf(row, stdout, JSON_COMPACT);
        putchar('\n');
    }
}

void listing_show(const struct listing *l, enum listing_form form)
{
    switch (form) {
    case LISTING_TABLE:
        show_table(l);
        return;
    case LISTING_JSON:
        show_json(l);
        return;
    case LISTING_CSV:
        show_csv(l);
        return;
    }
}
