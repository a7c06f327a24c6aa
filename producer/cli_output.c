/* cli_output.c - what people see and press: widths, colours, tables, progress, Ctrl-C. */
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"

#define GAP 2 /* spaces between columns, where there is room; else 1 */
#define PROGRESS_EVERY_MS 100

int cli_width(FILE *out)
{
    struct winsize size;
    if (!isatty(fileno(out)))
        return 0;
    const char *columns = getenv("COLUMNS");
    int64_t n = 0;
    if (columns != NULL && cli_parse_number(columns, &n) == 0 && n > 0 && n < 10000)
        return (int)n;
    if (ioctl(fileno(out), TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        return size.ws_col;
    return 80;
}

bool cli_has_colour(FILE *out)
{
    const char *no = getenv("NO_COLOR");
    const char *term = getenv("TERM");
    if (no != NULL && no[0] != '\0')
        return false;
    return isatty(fileno(out)) && term != NULL && strcmp(term, "dumb") != 0;
}

const char *cli_escape(enum cli_colour c, bool on)
{
    if (!on)
        return "";
    switch (c) {
    case CLI_PLAIN:
        return "\033[0m";
    case CLI_BOLD:
        return "\033[1m";
    case CLI_DIM:
        return "\033[2m";
    case CLI_RED:
        return "\033[31m";
    case CLI_GREEN:
        return "\033[32m";
    case CLI_YELLOW:
        return "\033[33m";
    }
    return "";
}

const char *cli_count(int64_t n, char ret[CLI_COUNT_SIZE])
{
    char digits[24];
    int len = snprintf(digits, sizeof(digits), "%lld", (long long)n);
    size_t at = 0;
    for (int i = 0; i < len; i++) {
        ret[at++] = digits[i];
        if (digits[i] != '-' && i + 1 < len && (len - i - 1) % 3 == 0)
            ret[at++] = ',';
    }
    ret[at] = '\0';
    return ret;
}

/* Takes one column at a time from the widest that can still give one. */
static void narrow(struct cli_table *t, int too_wide)
{
    while (too_wide > 0) {
        size_t widest = t->n;
        for (size_t i = 0; i < t->n; i++)
            if (t->width[i] > t->columns[i].least && (widest == t->n || t->width[i] > t->width[widest]))
                widest = i;
        if (widest == t->n)
            return;
        t->width[widest]--;
        too_wide--;
    }
}

/* Columns that fit when each is as narrow as it can be: the last ones are left out of a small terminal. */
static size_t columns_that_fit(const struct cli_column *columns, size_t n, int terminal_width)
{
    int least = -1;
    for (size_t i = 0; i < n; i++) {
        least += columns[i].least + 1;
        if (i > 0 && least > terminal_width)
            return i;
    }
    return n;
}

void cli_table_init(struct cli_table *t, const struct cli_column *columns, size_t n, int terminal_width, bool colour)
{
    *t = (struct cli_table){.columns = columns, .n = n, .gap = GAP, .cut = terminal_width > 0, .colour = colour};
    if (t->cut)
        t->n = columns_that_fit(columns, n, terminal_width);
    int total = 0;
    for (size_t i = 0; i < t->n; i++) {
        t->width[i] = columns[i].width;
        total += columns[i].width + (i > 0 ? GAP : 0);
    }
    if (!t->cut)
        return;
    if (total > terminal_width) {
        t->gap = 1;
        total -= (int)t->n - 1;
    }
    if (total > terminal_width)
        narrow(t, total - terminal_width);
    else
        t->width[t->n - 1] += terminal_width - total;
}

/* Bytes of @s that fill at most @columns columns, and how many they fill. One code point is taken as one column. */
static size_t fit(const char *s, int columns, int *ret_columns)
{
    size_t i = 0;
    int n = 0;
    while (s[i] != '\0') {
        if (((unsigned char)s[i] & 0xC0) != 0x80) {
            if (n == columns)
                break;
            n++;
        }
        i++;
    }
    *ret_columns = n;
    return i;
}

static void add_visible(struct buf *out, const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)s[i] < 0x20 || s[i] == 0x7F)
            buf_addc(out, '?');
        else
            buf_addc(out, s[i]);
}

static void spaces(struct buf *out, int n)
{
    for (; n > 0; n--)
        buf_addc(out, ' ');
}

static void add_cell(const struct cli_table *t, size_t i, const char *cell, enum cli_colour colour, struct buf *out)
{
    int used = 0;
    bool last = i + 1 == t->n;
    size_t bytes = fit(cell, t->cut ? t->width[i] : 1 << 20, &used);
    bool shortened = cell[bytes] != '\0';
    if (shortened)
        bytes = fit(cell, t->width[i] - 1, &used);
    int pad = t->width[i] - used - (shortened ? 1 : 0);
    if (t->columns[i].number)
        spaces(out, pad);
    buf_adds(out, colour == CLI_PLAIN ? "" : cli_escape(colour, t->colour));
    add_visible(out, cell, bytes);
    buf_adds(out, shortened ? "…" : "");
    buf_adds(out, colour == CLI_PLAIN ? "" : cli_escape(CLI_PLAIN, t->colour));
    if (!t->columns[i].number && !last)
        spaces(out, pad);
    if (!last)
        spaces(out, t->gap);
}

void cli_table_row(const struct cli_table *t, const char *const *cells, const enum cli_colour *colours,
                   struct buf *out)
{
    for (size_t i = 0; i < t->n; i++)
        add_cell(t, i, cells[i] != NULL ? cells[i] : "", colours != NULL ? colours[i] : CLI_PLAIN, out);
    buf_addc(out, '\n');
}

void cli_table_head(const struct cli_table *t, struct buf *out)
{
    const char *cells[CLI_COLUMNS_MAX];
    enum cli_colour colours[CLI_COLUMNS_MAX];
    for (size_t i = 0; i < t->n; i++) {
        cells[i] = t->columns[i].title;
        colours[i] = CLI_BOLD;
    }
    cli_table_row(t, cells, colours, out);
}

void cli_progress_init(struct cli_progress *p, bool wanted)
{
    *p = (struct cli_progress){.on = wanted && isatty(STDERR_FILENO)};
}

void cli_progress_show(struct cli_progress *p, int64_t now_ms, const char *fmt, ...)
{
    char text[160];
    va_list ap;
    if (!p->on || now_ms < p->next_ms)
        return;
    p->next_ms = now_ms + PROGRESS_EVERY_MS;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    fprintf(stderr, "\r\033[K%s", text);
    fflush(stderr);
}

void cli_progress_end(struct cli_progress *p)
{
    if (!p->on || p->next_ms == 0)
        return;
    fputs("\r\033[K", stderr);
    fflush(stderr);
}

static void interrupt_set(sigset_t *ret)
{
    sigemptyset(ret);
    sigaddset(ret, SIGINT);
    sigaddset(ret, SIGTERM);
}

void cli_catch_interrupt(void)
{
    sigset_t set;
    interrupt_set(&set);
    sigprocmask(SIG_BLOCK, &set, NULL);
}

bool cli_let_interrupt(void)
{
    sigset_t set, before;
    interrupt_set(&set);
    sigprocmask(SIG_UNBLOCK, &set, &before);
    return sigismember(&before, SIGINT) == 1;
}

bool cli_interrupt_pending(void)
{
    sigset_t set;
    sigpending(&set);
    return sigismember(&set, SIGINT) == 1 || sigismember(&set, SIGTERM) == 1;
}

bool cli_interrupted(void)
{
    sigset_t set;
    struct timespec at_once = {0};
    interrupt_set(&set);
    return sigtimedwait(&set, NULL, &at_once) > 0;
}
