/* test_cli.c - options, numbers and tables of the command line. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <criterion/redirect.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

struct options {
    bool flag;
    const char *text;
    int64_t number, ms;
    struct cli_list list;
};

static const struct cli_option table[] = {
    {"flag", 'f', CLI_FLAG, NULL, offsetof(struct options, flag), "a flag"},
    {"text", 't', CLI_TEXT, "TEXT", offsetof(struct options, text), "a text\nof two lines"},
    {"number", 'n', CLI_NUMBER, "N", offsetof(struct options, number), "a number"},
    {"wait", 0, CLI_DURATION, "TIME", offsetof(struct options, ms), "a time"},
    {"item", 'i', CLI_LIST, "X", offsetof(struct options, list), "a list"},
};

static const struct cli_command command = {"test", "[FILE]", "Tests.", "", 1};

static enum cli_status parse(struct options *o, int argc, const char *const *argv, int *operand)
{
    char *copy[32];
    for (int i = 0; i < argc; i++)
        copy[i] = (char *)argv[i]; /* getopt orders the pointers anew, not the words */
    copy[argc] = NULL;
    const struct cli_group group = {"Options", table, ARRAY_LEN(table), o};
    return cli_parse(&command, &group, 1, argc, copy, operand);
}

Test(cli, options_fill_their_fields)
{
    static const char *const argv[] = {"test", "-f", "--text=x", "--number", "42", "--wait", "3m", "-i", "a", "file", "-i", "b"};
    struct options o = {0};
    int operand = 0;
    cr_assert(eq(int, parse(&o, ARRAY_LEN(argv), argv, &operand), CLI_RUN));
    cr_expect(o.flag);
    cr_expect(eq(str, (char *)o.text, "x"));
    cr_expect(eq(i64, o.number, 42));
    cr_expect(eq(i64, o.ms, 180000));
    cr_expect(eq(sz, o.list.n, 2));
    cr_expect(eq(str, (char *)o.list.item[1], "b"));
    cr_expect(eq(int, operand, (int)ARRAY_LEN(argv) - 1), "the operand stands last, wherever it was written");
}

Test(cli, wrong_options_end_with_usage, .init = cr_redirect_stderr)
{
    static const struct { const char *why; const char *argv[3]; int argc; } rows[] = {
        {"no such option", {"test", "--nothing"}, 2},
        {"no such letter", {"test", "-z"}, 2},
        {"an argument is missing", {"test", "--text"}, 2},
        {"a flag takes no value", {"test", "--flag=1"}, 2},
        {"no number", {"test", "--number=ten"}, 2},
        {"no negative number", {"test", "--number=-1"}, 2},
        {"no time", {"test", "--wait=1y"}, 2},
        {"two operands where one may be", {"test", "a", "b"}, 3},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct options o = {0};
        int operand = 0;
        cr_expect(eq(int, parse(&o, rows[i].argc, rows[i].argv, &operand), CLI_USAGE), "%s", rows[i].why);
    }
}

Test(cli, help_shows_every_option, .init = cr_redirect_stdout)
{
    static const char *const argv[] = {"test", "--help"};
    struct options o = {0};
    int operand = 0;
    cr_expect(eq(int, parse(&o, 2, argv, &operand), CLI_OK));
    fflush(stdout);
    FILE *f = cr_get_redirected_stdout();
    char text[4096];
    size_t n = fread(text, 1, sizeof(text) - 1, f);
    text[n] = '\0';
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        char name[32];
        snprintf(name, sizeof(name), "--%s", table[i].name);
        cr_expect(strstr(text, name) != NULL, "%s", name);
    }
}

Test(cli, durations_have_units)
{
    static const struct { const char *text; int64_t ms; } rows[] = {
        {"10", 10000}, {"0", 0}, {"500ms", 500}, {"3s", 3000}, {"10m", 600000}, {"2h", 7200000}, {"7d", 604800000},
        {"", -1}, {"m", -1}, {"1x", -1}, {"-1s", -1}, {"1.5s", -1}, {"9999999999", -1}, {"1 s", -1},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int64_t ms = -1;
        int done = cli_parse_duration(rows[i].text, &ms);
        cr_expect(eq(i64, ms, rows[i].ms), "%s", rows[i].text);
        cr_expect(eq(int, done, rows[i].ms < 0 ? -1 : 0), "%s", rows[i].text);
    }
}

Test(cli, counts_have_commas)
{
    static const struct { int64_t n; const char *text; } rows[] = {
        {0, "0"}, {999, "999"}, {1000, "1,000"}, {1234567, "1,234,567"}, {-1234, "-1,234"},
    };
    char text[CLI_COUNT_SIZE];
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        cr_expect(eq(str, (char *)cli_count(rows[i].n, text), (char *)rows[i].text));
}

static const struct cli_column columns[] = {{"NAME", 10, 4, false}, {"N", 4, 2, true}, {"REST", 20, 3, false}};

static char *row_of(int terminal, const char *const *cells)
{
    static struct buf out;
    struct cli_table t;
    buf_init(&out, 65536);
    cli_table_init(&t, columns, ARRAY_LEN(columns), terminal, false);
    cli_table_row(&t, cells, NULL, &out);
    return buf_steal(&out, NULL);
}

Test(cli, rows_keep_to_the_terminal)
{
    static const char *const cells[] = {"a rather long name", "7", "and the rest of it"};
    static const struct { int width; const char *text; } rows[] = {
        {0, "a rather long name     7  and the rest of it\n"},
        {40, "a rather …     7  and the rest of it\n"},
        {20, "a rath…    7 and th…\n"},
        {11, "a r…  7 an…\n"},
        {8, "a r…   7\n"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char *text = row_of(rows[i].width, cells);
        cr_expect(eq(str, text, (char *)rows[i].text), "%d columns", rows[i].width);
        free(text);
    }
}

Test(cli, cells_cannot_steer_the_terminal)
{
    static const char *const cells[] = {"\033[2Jx", "\n", "\x7f"};
    char *text = row_of(0, cells);
    cr_expect(eq(str, text, (char *)"?[2Jx          ?  ?\n"));
    free(text);
}

Test(cli, letters_of_two_bytes_take_one_column)
{
    static const char *const cells[] = {"ação", "1", "é"};
    char *text = row_of(0, cells);
    cr_expect(eq(str, text, (char *)"ação           1  é\n"));
    free(text);
}
