/* cli.h - what all commands of `tvbridge` share: options, help, exit statuses, tables, progress.
 *
 * Options are tables: each says its name, what it takes and where the value goes, so that --help, the parser and the
 * completion cannot drift apart. Results go to stdout, everything else to stderr. */
#ifndef TVB_PRODUCER_CLI_H
#define TVB_PRODUCER_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"

enum cli_status {
    CLI_OK = 0,          /* all of it was done */
    CLI_REFUSED = 1,     /* something was refused, failed or differs */
    CLI_USAGE = 2,       /* the command line is wrong */
    CLI_NOT_REACHED = 3, /* the other side did not answer */
    CLI_RUN = -1,        /* from cli_parse(): go on */
};

/* ---- options ---- */
enum cli_kind {
    CLI_FLAG,     /* bool: true */
    CLI_TEXT,     /* const char *: the argument */
    CLI_NUMBER,   /* int64_t: a whole number, 0 or more */
    CLI_DURATION, /* int64_t in ms: "10", "10s", "500ms", "10m", "2h", "7d"; a bare number is seconds */
    CLI_LIST,     /* struct cli_list: may be given again and again */
};

#define CLI_LIST_MAX 64
struct cli_list {
    size_t n;
    const char *item[CLI_LIST_MAX];
};

struct cli_option {
    const char *name;   /* without the dashes */
    char letter;        /* 'f' for -f; 0: none */
    enum cli_kind kind;
    const char *arg;    /* what the help calls the argument; NULL for a flag */
    size_t offset;      /* of the field in the group's struct */
    const char *help;   /* '\n' begins a further line */
};

/* Options that fill one struct, under one title of the help; none at all: no title either. */
struct cli_group {
    const char *title;
    const struct cli_option *options;
    size_t n;
    void *into;
};

struct cli_command {
    const char *name;     /* "topics create" */
    const char *operands; /* "DIR...", or "" */
    const char *about;    /* what it does, one paragraph */
    const char *examples; /* lines, or "" */
    size_t operands_max;  /* more of them are refused */
};

/* Fills the groups' structs from @argv (argv[0] is skipped); --help/-h is always known. CLI_RUN and the operands'
 * first index in @ret_operand, or the status to end with: CLI_OK after help, CLI_USAGE after a message on stderr. */
enum cli_status cli_parse(const struct cli_command *c, const struct cli_group *groups, size_t n, int argc, char **argv,
                          int *ret_operand);
/* The same for a command whose one operand is a provider: it, in place of its index. */
enum cli_status cli_parse_provider(const struct cli_command *c, const struct cli_group *groups, size_t n, int argc, char **argv,
                                   const char **ret_provider);
void cli_help(FILE *out, const struct cli_command *c, const struct cli_group *groups, size_t n);

/* "publish: <text>. Try `tvbridge publish --help`." on stderr. */
enum cli_status cli_usage(const struct cli_command *c, const char *fmt, ...) ATTR_PRINTF(2, 3);
/* "tvbridge publish: <text>" on stderr; returns @status, so that `return cli_fail(...)` ends a command. */
enum cli_status cli_fail(const struct cli_command *c, enum cli_status status, const char *fmt, ...) ATTR_PRINTF(3, 4);
/* The status that fits the error: its peer was not reached, or something was refused. */
enum cli_status cli_status_of(const struct err *e);

/* 0, or -1 when @s is no such value. */
int cli_parse_duration(const char *s, int64_t *ret_ms);
int cli_parse_number(const char *s, int64_t *ret);

/* ---- what the output is ---- */
/* Columns of the terminal behind @out; 0 when it is none: then nothing is cut. */
int cli_width(FILE *out);
/* True on a terminal, unless NO_COLOR is set or TERM is dumb. */
bool cli_has_colour(FILE *out);

enum cli_colour { CLI_PLAIN, CLI_BOLD, CLI_DIM, CLI_RED, CLI_GREEN, CLI_YELLOW };
/* The escape that begins @c, or "" without @on. CLI_PLAIN ends all. */
const char *cli_escape(enum cli_colour c, bool on);

/* 1234567 as "1,234,567". */
#define CLI_COUNT_SIZE 32
const char *cli_count(int64_t n, char ret[CLI_COUNT_SIZE]);

/* ---- a table whose rows come one by one ---- */
struct cli_column {
    const char *title;
    int width;     /* what it usually needs */
    int least;     /* what it is narrowed to on a small terminal */
    bool number;   /* to the right */
};

#define CLI_COLUMNS_MAX 12
struct cli_table {
    const struct cli_column *columns;
    size_t n;
    int width[CLI_COLUMNS_MAX];
    int gap;     /* spaces between columns */
    bool cut;    /* a terminal: cells are cut with "…" so that a row stays on its line */
    bool colour;
};

/* Fits the columns into @terminal_width (0: as wide as they like); where even the narrowest do not fit, the last ones
 * are left out. @n <= CLI_COLUMNS_MAX. */
void cli_table_init(struct cli_table *t, const struct cli_column *columns, size_t n, int terminal_width, bool colour);
void cli_table_head(const struct cli_table *t, struct buf *out);
/* @colours: one a cell, or NULL. Control characters in cells are shown as '?', so that data cannot steer a terminal. */
void cli_table_row(const struct cli_table *t, const char *const *cells, const enum cli_colour *colours,
                   struct buf *out);

/* ---- one line that is written over again, on a terminal only ---- */
struct cli_progress {
    bool on;
    int64_t next_ms;
};
void cli_progress_init(struct cli_progress *p, bool wanted);
/* Shows the text, at most ten times a second. */
void cli_progress_show(struct cli_progress *p, int64_t now_ms, const char *fmt, ...) ATTR_PRINTF(3, 4);
void cli_progress_end(struct cli_progress *p);

/* ---- Ctrl-C and SIGTERM as a question, for commands that have something to finish ---- */
void cli_catch_interrupt(void); /* before any thread is started */
bool cli_interrupted(void);     /* true once for each signal that came */
bool cli_interrupt_pending(void); /* the same, and it stays: for whoever only ends his part of the work */
/* From now on the next one ends the program. True: they were caught, and cli_catch_interrupt() makes it so again. */
bool cli_let_interrupt(void);

#endif
