/* main.c - tvb-sim: runs seeds, in several processes; tests/sim/run calls it. README.md tells how to read what it prints. */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "env.h"
#include "scenario.h"

enum { FAILURES_MAX = 64, JOBS_MAX = 64, TWICE_EVERY = 50, MARKS_FROM = 2000, SEED_SECONDS = 120 };

struct options {
    uint64_t seeds, start;
    unsigned jobs;
    const char *faults;
    bool allowed[FAULT_COUNT];
    bool trace, first;
};

struct failure {
    uint64_t seed;
    char text[512];
};

/* Of one job; in memory that the parent sees too. */
struct job {
    pid_t pid;
    uint64_t at; /* the present seed */
    uint64_t seeds, events, steps, crashes, restarts, twice, marks[MARK_COUNT];
    double hours; /* virtual */
    unsigned failed, failure_count;
    struct failure failures[FAILURES_MAX];
};

static void usage(void)
{
    puts("Usage: tests/sim/run [--seeds N] [--start S] [--jobs J] [--faults LIST] [--first] | --trace SEED | --list\n"
         "\n"
         "  --seeds N       how many seeds (1000)\n"
         "  --start S       the first one (1)\n"
         "  --jobs J        processes (the number of processors)\n"
         "  --faults LIST   standard, all, none, names, or +name and -name, with commas between (standard)\n"
         "  --first         end at the first failure\n"
         "  --trace SEED    run one seed and print every step\n"
         "  --list          the faults");
}

static void list_faults(void)
{
    for (int i = 0; i < FAULT_COUNT; i++) {
        const struct fault_entry *f = fault_entry((enum trouble)i);
        printf("  %-20s %s %s\n", f->name, f->standard ? " " : "*", f->what);
    }
    puts("(* not in the standard set)");
}

/* ---- one seed ---- */

static uint64_t run_seed(struct sim *s, struct sim_env *env, const struct options *o, uint64_t seed)
{
    sim_init(s, env, seed);
    s->tracing = o->trace;
    scenario_choose(s, o->allowed);
    if (o->trace)
        scenario_tell(s, s->out);
    scenario_begin(s);
    scenario_run(s);
    return s->hash;
}

static void note_failure(struct job *j, uint64_t seed, const char *text)
{
    j->failed++;
    if (j->failure_count == FAILURES_MAX)
        return;
    struct failure *f = &j->failures[j->failure_count++];
    f->seed = seed;
    snprintf(f->text, sizeof(f->text), "%s", text);
}

static void add_up(struct job *j, const struct sim *s)
{
    j->seeds++;
    j->events += s->cfg.events;
    j->steps += s->steps;
    j->crashes += s->crashes;
    j->restarts += s->restarts;
    j->hours += (double)s->now / 1e9 / 3600;
    for (int i = 0; i < MARK_COUNT; i++)
        j->marks[i] += s->marks[i];
    if (s->failure[0])
        note_failure(j, s->seed, s->failure);
}

/* 20: the same seed makes the same steps. */
static void run_twice(struct sim *s, struct sim_env *env, const struct options *o, struct job *j, uint64_t hash)
{
    uint64_t seed = s->seed;
    sim_fini(s);
    if (run_seed(s, env, o, seed) != hash)
        note_failure(j, seed, "20: the same seed made other steps");
    j->twice++;
}

/* Of all jobs, which other processes write. */
static bool any_failed(const volatile struct job *jobs, unsigned n)
{
    bool any = false;
    for (unsigned i = 0; i < n; i++)
        any |= jobs[i].failed > 0;
    return any;
}

static void run_job(const struct options *o, struct job *j, unsigned number)
{
    struct sim_env env;
    struct sim s = {0};
    struct err e = {0};
    if (sim_env_load(&env, &e) != 0) {
        note_failure(j, 0, e.msg);
        return;
    }
    for (uint64_t i = number; i < o->seeds; i += o->jobs) {
        j->at = o->start + i;
        alarm(SEED_SECONDS);
        uint64_t hash = run_seed(&s, &env, o, j->at);
        add_up(j, &s);
        if (j->at % TWICE_EVERY == 0 && !s.failure[0])
            run_twice(&s, &env, o, j, hash);
        sim_fini(&s);
        if (o->first && any_failed(j - number, o->jobs))
            break;
    }
    alarm(0);
    sim_free(&s);
    sim_env_free(&env);
}

/* ---- all of them ---- */

static void start_job(const struct options *o, struct job *j, unsigned number)
{
    fflush(NULL);
    pid_t pid = fork();
    if (pid != 0) {
        j->pid = pid; /* the child sees this memory too */
        return;
    }
    run_job(o, j, number);
    fflush(NULL);
    exit(j->failed > 0);
}

static void end_job(struct job *j)
{
    int status = 0;
    char text[100];
    while (waitpid(j->pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (WIFEXITED(status) && WEXITSTATUS(status) == (j->failed > 0))
        return;
    if (WIFSIGNALED(status))
        snprintf(text, sizeof(text), "the simulator was ended by signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
    else
        snprintf(text, sizeof(text), "the simulator ended with status %d", WEXITSTATUS(status));
    note_failure(j, j->at, text);
}

static void print_failures(const struct options *o, const struct job *j)
{
    for (unsigned i = 0; i < j->failure_count; i++) {
        const struct failure *f = &j->failures[i];
        printf("seed %llu: %s\n    tests/sim/run --faults %s --trace %llu\n", (unsigned long long)f->seed, f->text, o->faults,
               (unsigned long long)f->seed);
    }
}

static unsigned check_marks(const struct options *o, const struct job *all, unsigned *ret_hit)
{
    unsigned missing = 0;
    bool wanted = strcmp(o->faults, "standard") == 0 && all->seeds >= MARKS_FROM;
    *ret_hit = 0;
    for (int i = 0; i < MARK_COUNT; i++) {
        const struct mark_entry *m = mark_entry((enum mark)i);
        *ret_hit += all->marks[i] > 0;
        if (all->marks[i] > 0 || !m->required || !wanted)
            continue;
        printf("mark %s was never hit\n", m->name);
        missing++;
    }
    return missing;
}

static void sum(struct job *all, const struct job *j)
{
    all->seeds += j->seeds;
    all->events += j->events;
    all->steps += j->steps;
    all->crashes += j->crashes;
    all->restarts += j->restarts;
    all->twice += j->twice;
    all->hours += j->hours;
    all->failed += j->failed;
    for (int i = 0; i < MARK_COUNT; i++)
        all->marks[i] += j->marks[i];
}

static int run_all(const struct options *o)
{
    struct job *jobs = mmap(NULL, sizeof(struct job) * JOBS_MAX, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    struct job *all = calloc(1, sizeof(*all));
    unsigned hit;
    if (jobs == MAP_FAILED || !all)
        return 1;
    for (unsigned i = 0; i < o->jobs; i++)
        start_job(o, &jobs[i], i);
    for (unsigned i = 0; i < o->jobs; i++) {
        end_job(&jobs[i]);
        print_failures(o, &jobs[i]);
        sum(all, &jobs[i]);
    }
    if (getenv("TVB_SIM_MARKS"))
        for (int i = 0; i < MARK_COUNT; i++)
            printf("%10llu %s\n", (unsigned long long)all->marks[i], mark_entry((enum mark)i)->name);
    unsigned missing = check_marks(o, all, &hit);
    printf("%llu seeds, %u failures, %llu events, %llu crashes, %llu lives more, %llu rebalances, %llu steps, %.0f virtual hours, "
           "%llu seeds run twice; %u of %d marks hit, %u missing\n",
           (unsigned long long)all->seeds, all->failed, (unsigned long long)all->events, (unsigned long long)all->crashes,
           (unsigned long long)all->restarts, (unsigned long long)all->marks[MARK_REBALANCE], (unsigned long long)all->steps,
           all->hours, (unsigned long long)all->twice, hit, MARK_COUNT, missing);
    bool good = all->failed == 0 && missing == 0;
    free(all);
    munmap(jobs, sizeof(struct job) * JOBS_MAX);
    return good ? 0 : 1;
}

static int run_traced(const struct options *o)
{
    struct sim_env env;
    struct sim s = {0};
    struct err e = {0};
    if (sim_env_load(&env, &e) != 0) {
        fprintf(stderr, "tvb-sim: %s\n", e.msg);
        return 1;
    }
    uint64_t hash = run_seed(&s, &env, o, o->start);
    bool good = s.failure[0] == '\0';
    printf("seed %llu: %s; hash %016llx\n", (unsigned long long)o->start, good ? "good" : s.failure, (unsigned long long)hash);
    sim_fini(&s);
    sim_free(&s);
    sim_env_free(&env);
    return good ? 0 : 1;
}

static bool read_number(const char *text, uint64_t *ret)
{
    char *end;
    errno = 0;
    *ret = strtoull(text, &end, 10);
    return errno == 0 && end != text && *end == '\0';
}

static bool read_options(int argc, char **argv, struct options *o)
{
    static const struct option names[] = {
        {"seeds", required_argument, NULL, 's'}, {"start", required_argument, NULL, 'b'},
        {"jobs", required_argument, NULL, 'j'},  {"faults", required_argument, NULL, 'f'},
        {"trace", required_argument, NULL, 't'}, {"first", no_argument, NULL, '1'},
        {"list", no_argument, NULL, 'l'},        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    uint64_t jobs = (uint64_t)sysconf(_SC_NPROCESSORS_ONLN);
    bool good = true;
    for (int c; good && (c = getopt_long(argc, argv, "", names, NULL)) != -1;) {
        if (c == 's')
            good = read_number(optarg, &o->seeds);
        else if (c == 'b')
            good = read_number(optarg, &o->start);
        else if (c == 'j')
            good = read_number(optarg, &jobs);
        else if (c == 't')
            good = o->trace = read_number(optarg, &o->start);
        else if (c == 'f')
            o->faults = optarg;
        else if (c == '1')
            o->first = true;
        else if (c == 'l' || c == 'h') {
            c == 'l' ? list_faults() : usage();
            exit(0);
        } else
            good = false;
    }
    o->jobs = (unsigned)(jobs < 1 ? 1 : jobs > JOBS_MAX ? JOBS_MAX : jobs);
    return good && optind == argc;
}

int main(int argc, char **argv)
{
    struct options o = {.seeds = 1000, .start = 1, .faults = "standard"};
    const char *bad = "";
    if (!read_options(argc, argv, &o)) {
        usage();
        return 2;
    }
    if (!faults_parse(o.faults, o.allowed, &bad)) {
        fprintf(stderr, "tvb-sim: no fault \"%s\"; see --list\n", bad);
        return 2;
    }
    return o.trace ? run_traced(&o) : run_all(&o);
}
