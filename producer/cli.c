/* cli.c - the option tables' parser and help. */
#include "cli.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define OPTIONS_MAX 64
#define HELP_COLUMN 30

/* getopt_long's tables, built from ours. val = index + FIRST, so that a letter and a name meet in one place. */
enum { FIRST = 256, HELP = FIRST - 1 };

struct parser {
    const struct cli_option *option[OPTIONS_MAX];
    void *into[OPTIONS_MAX];
    size_t n;
    struct option longs[OPTIONS_MAX + 2];
    char shorts[2 * OPTIONS_MAX + 4];
};

static void parser_add(struct parser *p, const struct cli_option *o, void *into)
{
    if (p->n == OPTIONS_MAX)
        abort(); /* a table of ours is too long: no input can do this */
    int has_arg = o->kind == CLI_FLAG ? no_argument : required_argument;
    p->option[p->n] = o;
    p->into[p->n] = into;
    p->longs[p->n] = (struct option){o->name, has_arg, NULL, FIRST + (int)p->n};
    p->n++;
    if (o->letter == 0)
        return;
    size_t at = strlen(p->shorts);
    p->shorts[at] = o->letter;
    if (has_arg == required_argument)
        p->shorts[at + 1] = ':';
}

static void parser_init(struct parser *p, const struct cli_group *groups, size_t n)
{
    memset(p, 0, sizeof(*p));
    strcpy(p->shorts, ":h");
    for (size_t g = 0; g < n; g++)
        for (size_t i = 0; i < groups[g].n; i++)
            parser_add(p, &groups[g].options[i], groups[g].into);
    p->longs[p->n] = (struct option){"help", no_argument, NULL, HELP};
}

static size_t parser_find(const struct parser *p, int val)
{
    if (val >= FIRST)
        return (size_t)(val - FIRST);
    for (size_t i = 0; i < p->n; i++)
        if (p->option[i]->letter == val)
            return i;
    return p->n;
}

int cli_parse_number(const char *s, int64_t *ret)
{
    char *end = NULL;
    if (*s < '0' || *s > '9' || strlen(s) > 18)
        return -1;
    int64_t v = strtoll(s, &end, 10);
    if (*end != '\0')
        return -1;
    *ret = v;
    return 0;
}

int cli_parse_duration(const char *s, int64_t *ret_ms)
{
    static const struct { const char *unit; int64_t ms; } units[] = {
        {"", 1000}, {"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000},
    };
    size_t digits = strspn(s, "0123456789");
    if (digits == 0 || digits > 9)
        return -1;
    for (size_t i = 0; i < ARRAY_LEN(units); i++) {
        if (strcmp(s + digits, units[i].unit) != 0)
            continue;
        *ret_ms = strtoll(s, NULL, 10) * units[i].ms;
        return 0;
    }
    return -1;
}

/* Writes @value where the option says. -1: it is not such a value. */
static int option_set(const struct cli_option *o, void *into, const char *value)
{
    char *field = (char *)into + o->offset;
    switch (o->kind) {
    case CLI_FLAG: {
        bool on = true;
        memcpy(field, &on, sizeof(on));
        return 0;
    }
    case CLI_TEXT:
        memcpy(field, &value, sizeof(value));
        return 0;
    case CLI_NUMBER:
    case CLI_DURATION: {
        int64_t v = 0;
        if ((o->kind == CLI_NUMBER ? cli_parse_number(value, &v) : cli_parse_duration(value, &v)) < 0)
            return -1;
        memcpy(field, &v, sizeof(v));
        return 0;
    }
    case CLI_LIST: {
        struct cli_list *l = (struct cli_list *)(void *)field;
        if (l->n == CLI_LIST_MAX)
            return -1;
        l->item[l->n++] = value;
        return 0;
    }
    }
    return -1;
}

static enum cli_status bad_value(const struct cli_command *c, const struct cli_option *o, const char *value)
{
    switch (o->kind) {
    case CLI_NUMBER:
        return cli_usage(c, "--%s wants a whole number, not \"%s\"", o->name, value);
    case CLI_DURATION:
        return cli_usage(c, "--%s wants a time such as 10s, 500ms, 10m, 2h or 7d, not \"%s\"", o->name, value);
    case CLI_LIST:
        return cli_usage(c, "--%s was given more than %d times", o->name, CLI_LIST_MAX);
    case CLI_FLAG:
    case CLI_TEXT:
        break;
    }
    return CLI_USAGE;
}

/* An option that getopt_long refused: name it as it was written. The value of --name=value is left out: it may be
 * a secret. */
static enum cli_status bad_option(const struct cli_command *c, int kind, const char *word)
{
    if (kind == ':')
        return cli_usage(c, "%s wants an argument", word);
    if (optopt > 0 && optopt < HELP && word[0] == '-' && word[1] != '-')
        return cli_usage(c, "there is no option -%c", optopt);
    return cli_usage(c, "there is no option %.*s (or it takes no value, or is not the only one that begins so)",
                     (int)strcspn(word, "="), word);
}

enum cli_status cli_parse(const struct cli_command *c, const struct cli_group *groups, size_t n, int argc, char **argv,
                          int *ret_operand)
{
    struct parser p;
    parser_init(&p, groups, n);
    optind = 0; /* glibc: begin anew */
    opterr = 0;
    for (;;) {
        int val = getopt_long(argc, argv, p.shorts, p.longs, NULL);
        if (val == -1)
            break;
        if (val == '?' || val == ':')
            return bad_option(c, val, argv[optind - 1]);
        if (val == HELP || val == 'h') {
            cli_help(stdout, c, groups, n);
            return CLI_OK;
        }
        size_t i = parser_find(&p, val);
        if (option_set(p.option[i], p.into[i], optarg) < 0)
            return bad_value(c, p.option[i], optarg);
    }
    if ((size_t)(argc - optind) > c->operands_max)
        return cli_usage(c, "\"%s\" is one argument too many", argv[(size_t)optind + c->operands_max]);
    *ret_operand = optind;
    return CLI_RUN;
}

enum cli_status cli_parse_provider(const struct cli_command *c, const struct cli_group *groups, size_t n, int argc, char **argv,
                                   const char **ret_provider)
{
    int operand = 0;
    enum cli_status status = cli_parse(c, groups, n, argc, argv, &operand);
    if (status == CLI_RUN && argc - operand != 1)
        return cli_usage(c, "which provider?");
    if (status == CLI_RUN)
        *ret_provider = argv[operand];
    return status;
}

/* The help's text may have several lines: each begins in the same column. */
static void help_text(FILE *out, int at, const char *text)
{
    if (at >= HELP_COLUMN) {
        fputc('\n', out);
        at = 0;
    }
    for (;;) {
        size_t line = strcspn(text, "\n");
        fprintf(out, "%*s%.*s\n", HELP_COLUMN - at, "", (int)line, text);
        if (text[line] == '\0')
            return;
        text += line + 1;
        at = 0;
    }
}

static void help_option(FILE *out, const struct cli_option *o)
{
    char name[80];
    char letter[8] = "    ";
    if (o->letter != 0)
        snprintf(letter, sizeof(letter), "-%c, ", o->letter);
    int at = snprintf(name, sizeof(name), "  %s--%s%s%s", letter, o->name, o->arg != NULL ? " " : "",
                      o->arg != NULL ? o->arg : "");
    fputs(name, out);
    help_text(out, at, o->help);
}

void cli_help(FILE *out, const struct cli_command *c, const struct cli_group *groups, size_t n)
{
    fprintf(out, "Usage: tvbridge %s [OPTION]...%s%s\n\n%s\n", c->name, c->operands[0] != '\0' ? " " : "", c->operands,
            c->about);
    for (size_t g = 0; g < n; g++) {
        if (groups[g].n > 0)
            fprintf(out, "\n%s:\n", groups[g].title);
        for (size_t i = 0; i < groups[g].n; i++)
            help_option(out, &groups[g].options[i]);
    }
    if (c->examples[0] != '\0')
        fprintf(out, "\nExamples:\n%s", c->examples);
    fputs("\nExit status: 0 done, 1 something was refused or failed, 2 wrong usage, 3 not reached.\n", out);
}

static void ATTR_PRINTF(2, 0) say(const struct cli_command *c, const char *fmt, va_list ap)
{
    char text[1024];
    vsnprintf(text, sizeof(text), fmt, ap);
    fprintf(stderr, "tvbridge %s: %s\n", c->name, text);
}

enum cli_status cli_usage(const struct cli_command *c, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    say(c, fmt, ap);
    va_end(ap);
    fprintf(stderr, "Try: tvbridge %s --help\n", c->name);
    return CLI_USAGE;
}

enum cli_status cli_fail(const struct cli_command *c, enum cli_status status, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    say(c, fmt, ap);
    va_end(ap);
    return status;
}

enum cli_status cli_status_of(const struct err *e)
{
    switch (e->code) {
    case ERR_IO:
    case ERR_TIMEOUT:
        return CLI_NOT_REACHED;
    case ERR_NONE:
    case ERR_NOMEM:
    case ERR_INVAL:
        break;
    }
    return CLI_REFUSED;
}
