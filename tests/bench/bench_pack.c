/* bench_pack.c - what a pack costs: the time of one load, and the CPU time of a step beyond HTTP: its request made, a ready answer
 * judged, its outputs kept. Beginning and ending a run are in a step's share.
 *
 * Usage: bench-pack [LOADS [RUNS [DIR]]]. With DIR the loads are of that pack, and no steps are run. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/attr.h"
#include "workflow/pack.h"
#include "workflow/run.h"

#define STALKER TVB_ROOT "/schemas/providers/stalker"
#define REPLIES_MAX 8

/* A workflow, and what a Stalker portal answers to each of its requests (tests/packs/stalker has the same). */
struct row {
    const char *workflow, *data, *record;
    const char *replies[REPLIES_MAX];
};

static const struct row rows[] = {
    {"contract.blocked", "{\"reason\":\"delinquency\",\"scope\":\"total\"}", "{\"login\":\"ann\",\"status\":\"active\"}",
     {"{\"status\":\"OK\",\"results\":true}"}},
    {"package.added", "{\"packages\":[{\"id\":\"P2\"},{\"id\":\"P3\"}]}", "{\"login\":\"ann\",\"ids\":{\"account_number\":\"501\"}}",
     {"{\"status\":\"OK\",\"results\":true}",
      "{\"status\":\"OK\",\"results\":[{\"mac\":\"\",\"subscribed\":[\"P2\",\"P3\"],\"subscribed_id\":[\"2\",\"3\"]}]}",
      "{\"status\":\"OK\",\"results\":[{\"mac\":\"\",\"subscribed\":[\"P2\",\"P3\"],\"subscribed_id\":[\"2\",\"3\"]}]}"}},
    {"service.created",
     "{\"login\":\"ann\",\"password\":\"pw 1&2\",\"plan\":\"3\",\"subscriber\":{\"name\":\"Test One\",\"phone\":\"+380 50\",\"account_number\":\"501\"},"
     "\"devices\":[{\"mac\":\"001a.792c.d1c1\",\"serial\":\"S1\",\"model\":\"MAG250\"}],"
     "\"packages\":[{\"id\":\"P1\"},{\"id\":\"P2\",\"valid_to\":\"2026-12-31\"}]}",
     NULL,
     {"{\"status\":\"ERROR\",\"results\":null,\"error\":\"Account not found\"}",
      "{\"status\":\"OK\",\"results\":[{\"external_id\":\"1\"},{\"external_id\":\"3\"}]}", "{\"status\":\"OK\",\"results\":true}",
      "{\"status\":\"OK\",\"results\":true}",
      "{\"status\":\"OK\",\"results\":[{\"mac\":\"\",\"subscribed\":[\"P1\",\"P2\"],\"subscribed_id\":[\"1\",\"2\"]}]}",
      "{\"status\":\"OK\",\"results\":[{\"mac\":\"\",\"subscribed\":[\"P1\",\"P2\"],\"subscribed_id\":[\"1\",\"2\"]}]}"}},
};

static double now_ns(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void fail(const char *what, const char *why)
{
    fprintf(stderr, "bench-pack: %s: %s\n", what, why);
    exit(1);
}

static struct pack *load(const char *dir)
{
    struct pack_faults faults;
    struct pack *p = pack_load(dir, &faults);
    if (p == NULL)
        fail(dir, faults.n > 0 ? faults.list[0].text : "out of memory");
    pack_faults_fini(&faults);
    return p;
}

static json_t *parsed(const char *text)
{
    json_t *v = text == NULL ? json_object() : json_loads(text, 0, NULL);
    if (v == NULL)
        fail("no JSON", text);
    return v;
}

static void time_loads(const char *dir, long loads)
{
    double cpu_best = 0, wall_best = 0, cpu_sum = 0, wall_sum = 0;
    size_t workflows = 0;
    for (long i = 0; i < loads; i++) {
        double wall = now_ns(CLOCK_MONOTONIC), cpu = now_ns(CLOCK_PROCESS_CPUTIME_ID);
        struct pack *p = load(dir);
        cpu = now_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu;
        wall = now_ns(CLOCK_MONOTONIC) - wall;
        workflows = pack_workflow_count(p);
        pack_free(p);
        cpu_best = i == 0 || cpu < cpu_best ? cpu : cpu_best;
        wall_best = i == 0 || wall < wall_best ? wall : wall_best;
        cpu_sum += cpu;
        wall_sum += wall;
    }
    printf("load: %zu workflows, %ld loads: CPU %.2f ms each (best %.2f), wall %.2f ms (best %.2f)\n", workflows, loads,
           cpu_sum / 1e6 / (double)loads, cpu_best / 1e6, wall_sum / 1e6 / (double)loads, wall_best / 1e6);
}

/* One run to its end; returns its steps. */
static size_t play(const struct bound_pack *b, const struct workflow *w, const struct row *row, const struct run_inputs *in)
{
    size_t steps = 0;
    struct run *r = run_new(b, w, in);
    while (r != NULL && run_state(r) == RUN_CALL && steps < REPLIES_MAX && row->replies[steps] != NULL) {
        const char *body = row->replies[steps++];
        const struct call_reply reply = {.result = CALL_OK, .request_bytes = 1, .status = 200, .body = body, .body_len = strlen(body),
                                         .content_type = "application/json", .retry_after_ms = -1};
        run_request(r);
        run_reply(r, &reply);
    }
    if (r == NULL || run_is_out_of_memory(r))
        fail(row->workflow, "out of memory");
    if (run_state(r) != RUN_END || run_result(r)->kind != OUTCOME_APPLIED || (steps < REPLIES_MAX && row->replies[steps] != NULL))
        fail(row->workflow, "it did not go to its good end with these answers");
    run_free(r);
    return steps;
}

/* CPU ns of one run, the best of ten turns. */
static double time_runs(const struct bound_pack *b, const struct row *row, long runs, size_t *ret_steps)
{
    const struct workflow *w = pack_workflow(bound_pack_pack(b), row->workflow);
    json_t *data = parsed(row->data), *record = parsed(row->record);
    json_t *event = json_pack("{s:s, s:s, s:s}", "id", "e1", "subject", "501", "type", row->workflow);
    const struct run_inputs in = {.event = event, .data = data, .record = record, .key = "501/test/e1"};
    double best = 0;
    if (w == NULL)
        fail(row->workflow, "the pack does not have it");
    for (int turn = 0; turn < 10; turn++) {
        double from = now_ns(CLOCK_PROCESS_CPUTIME_ID);
        for (long i = 0; i < runs; i++)
            *ret_steps = play(b, w, row, &in);
        double each = (now_ns(CLOCK_PROCESS_CPUTIME_ID) - from) / (double)runs;
        best = turn == 0 || each < best ? each : best;
    }
    json_decref(event);
    json_decref(record);
    json_decref(data);
    return best;
}

static void time_steps(long runs)
{
    struct err err = {.code = ERR_NONE};
    struct pack *p = load(STALKER);
    json_t *credentials = pack_credentials(p, "u");
    struct bound_pack *b = pack_bind(p, "http://portal/stalker_portal/api", credentials, NULL, NULL, &err);
    if (b == NULL)
        fail("bind", err.msg);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        size_t steps = 0;
        double ns = time_runs(b, &rows[i], runs, &steps);
        printf("%s: %zu requests, CPU %.2f us a run, %.2f us each\n", rows[i].workflow, steps, ns / 1e3, ns / 1e3 / (double)steps);
    }
    bound_pack_free(b);
    json_decref(credentials);
    pack_free(p);
}

int main(int argc, char **argv)
{
    long loads = argc > 1 ? strtol(argv[1], NULL, 10) : 100, runs = argc > 2 ? strtol(argv[2], NULL, 10) : 20000;
    if (loads < 1 || runs < 1 || argc > 4)
        fail("usage", "bench-pack [LOADS [RUNS [DIR]]]");
    time_loads(argc > 3 ? argv[3] : STALKER, loads);
    if (argc <= 3)
        time_steps(runs);
    return 0;
}
