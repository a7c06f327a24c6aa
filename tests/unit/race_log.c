/* race_log.c - threads with a struct log each write through one log_sink: every line comes out whole, and all of them.
 *
 * The sink is a pipe, as a service's log is: a write of more than PIPE_BUF into it is cut when it is full, and then only
 * the sink's lock keeps another thread's lines out of the middle. */
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "support/race.h"

#define WRITERS 6
#define LINES 3000
#define FLUSH_EVERY 150 /* lines: some 15 KiB */

struct shared {
    struct log_sink *sink;
    FILE *out;
    int in;
    _Atomic int writing;
};

static void write_lines(struct shared *s, int thread)
{
    struct log *l = log_new(s->sink, LOG_FORMAT_LOGFMT, LOG_LEVEL_INFO);
    race_need(l != NULL, "no memory");
    for (int i = 0; i < LINES; i++) {
        if (log_begin(l, LOG_LEVEL_INFO, "turn")) {
            log_int(l, "thread", thread);
            log_int(l, "line", i);
            log_str(l, "end", "here");
            log_end(l);
        }
        if (i % FLUSH_EVERY == thread)
            log_flush(l);
    }
    log_free(l);
    if (atomic_fetch_sub(&s->writing, 1) == 1)
        close(s->in);
}

static void check_lines(FILE *f)
{
    char line[512];
    int next[WRITERS] = {0};
    while (fgets(line, sizeof(line), f) != NULL) {
        int thread = -1, number = -1, end = 0;
        const char *from = strstr(line, " thread=");
        if (from != NULL)
            sscanf(from, " thread=%d line=%d end=here%n", &thread, &number, &end);
        bool whole = end > 0 && from[end] == '\n' && strncmp(line, "level=info event=turn ", 22) == 0;
        race_expect(whole, "a broken line: %s", line);
        if (!whole || thread < 0 || thread >= WRITERS)
            continue;
        race_expect(number == next[thread], "thread %d: line %d where %d was due", thread, number, next[thread]);
        next[thread] = number + 1;
    }
    for (int i = 0; i < WRITERS; i++)
        race_expect(next[i] == LINES, "thread %d wrote %d lines", i, next[i]);
}

static void run(void *arg, int thread)
{
    struct shared *s = arg;
    if (thread < WRITERS)
        write_lines(s, thread);
    else
        check_lines(s->out);
}

int main(void)
{
    int fds[2];
    race_need(pipe(fds) == 0, "no pipe");
    struct shared s = {.sink = log_sink_new(fds[1]), .out = fdopen(fds[0], "r"), .in = fds[1], .writing = WRITERS};
    race_need(s.sink != NULL && s.out != NULL, "no memory");
    race_run(WRITERS + 1, run, &s);
    log_sink_free(s.sink);
    fclose(s.out);
    return race_end("%d threads wrote %d lines each through one sink", WRITERS, LINES);
}
