/* x-dates: when an event is to be done, and what it implies for later. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "base/clock.h"
#include "support/pack_files.h"

static const char workflows[] =
    "arazzo: 1.0.1\ninfo: {title: Dated, version: 1.0.0}\nsourceDescriptions: [{name: t, url: openapi.yaml, type: openapi}]\n"
    "workflows:\n"
    "  - workflowId: package.added\n"
    "    steps:\n"
    "      - {stepId: on, operationId: updateUser, parameters: [{name: login, in: path, value: a}]}\n"
    "    x-dates:\n"
    "      begins: {x-each: $inputs.data.packages, value: $item.valid_from}\n"
    "      ends:\n"
    "        type: package.removed\n"
    "        events: {x-each: $inputs.data.packages, value: {at: $item.valid_to, data: {packages: [{id: $item.id}]}}}\n"
    "  - workflowId: package.removed\n"
    "    steps:\n"
    "      - {stepId: off, operationId: updateUser, parameters: [{name: login, in: path, value: a}]}\n"
    "    x-dates:\n"
    "      after: {x-each: $inputs.data.packages, value: {x-case: [{when: $item.valid_to, value: $item.valid_to}, {value: null}]}}\n"
    "  - workflowId: service.created\n"
    "    inputs: {type: object, properties: {data: {type: object, properties: {packages: {type: array, minItems: 1}}}}}\n"
    "    steps:\n"
    "      - {stepId: make, operationId: updateUser, parameters: [{name: login, in: path, value: a}]}\n"
    "    x-record: {packages: {x-each: $inputs.data.packages, x-key: $item.id, value: {}}}\n"
    "    x-dates:\n"
    "      later:\n"
    "        type: package.added\n"
    "        of: packages\n"
    "        begins: {x-each: $inputs.data.packages, value: {x-case: [{when: $item.valid_from, value: $item.valid_from}, {value: null}]}}\n"
    "      ends:\n"
    "        type: package.removed\n"
    "        events: {x-each: $inputs.data.packages, value: {at: $item.valid_to, data: {packages: [{id: $item.id}]}}}\n"
    "  - workflowId: plan.changed\n"
    "    inputs: {type: object, properties: {record: {type: object, properties: {status: {enum: [active]}}}}}\n"
    "    steps: []\n"
    "    x-record: {plan: $inputs.data.plan}\n"
    "    x-outputs: {plan: $inputs.data.plan}\n"
    "    x-dates: {begins: $inputs.data.valid_from}\n";

struct dated {
    struct pack *pack;
    struct bound_pack *bound;
    json_t *data, *record;
    struct run *run;
};

static struct dated begin_at(const char *workflow, const char *data, const char *record, int64_t came_ms)
{
    struct dated d = {.pack = pack_files_good(pack_files_openapi, workflows), .data = json_loads(data, 0, NULL), .record = json_loads(record, 0, NULL)};
    d.bound = pack_files_bind(d.pack);
    const struct run_inputs in = {.data = d.data, .record = d.record, .came_ms = came_ms};
    d.run = run_new(d.bound, pack_workflow(d.pack, workflow), &in);
    cr_assert(ne(ptr, d.run, NULL));
    return d;
}

static struct dated begin(const char *workflow, const char *data)
{
    return begin_at(workflow, data, "{}", 0);
}

static void end(struct dated *d)
{
    run_free(d->run);
    bound_pack_free(d->bound);
    pack_free(d->pack);
    json_decref(d->data);
    json_decref(d->record);
}

static int64_t at(const char *text)
{
    int64_t ms = -1;
    cr_assert(zero(int, clock_parse_rfc3339(text, &ms)));
    return ms;
}

Test(dates, an_event_says_when_it_begins)
{
    const int64_t now = at("2026-11-30T10:00:00Z");
    static const struct { const char *workflow, *data, *want; } rows[] = {
        {"package.added", "{\"packages\":[{\"id\":\"P\"}]}", NULL},
        {"package.added", "{\"packages\":[]}", NULL},
        {"package.added", "{}", NULL},
        {"package.added", "{\"packages\":[{\"id\":\"P\",\"valid_from\":\"2026-12-01\"}]}", "2026-12-01T00:00:00Z"},
        {"package.added", "{\"packages\":[{\"valid_from\":\"2026-12-01T10:30:00-03:00\"},{\"valid_from\":\"2026-12-01T10:30:00-03:00\"}]}",
         "2026-12-01T13:30:00Z"},
        /* those that have come are the same as none */
        {"package.added", "{\"packages\":[{\"valid_from\":\"2026-11-30\"},{\"valid_from\":\"2026-11-29\"}]}", NULL},
        {"package.removed", "{\"packages\":[{\"valid_to\":\"2026-11-29\"},{\"id\":\"Q\"}]}", NULL},
        /* `after`: a day counts whole */
        {"package.removed", "{\"packages\":[{\"id\":\"P\"}]}", NULL},
        {"package.removed", "{\"packages\":[{\"id\":\"P\",\"valid_to\":\"2026-12-31\"},{\"id\":\"Q\",\"valid_to\":\"2026-12-31\"}]}", "2027-01-01T00:00:00Z"},
        {"package.removed", "{\"packages\":[{\"id\":\"P\",\"valid_to\":\"2026-12-31T12:00:00Z\"}]}", "2026-12-31T12:00:00Z"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct dated d = begin(rows[i].workflow, rows[i].data);
        int64_t ms = -1;
        cr_expect(run_begins(d.run, now, &ms), "%s", rows[i].data);
        cr_expect(eq(i64, ms, rows[i].want != NULL ? at(rows[i].want) : 0), "%s", rows[i].data);
        cr_expect(eq(int, run_state(d.run), RUN_CALL));
        end(&d);
    }
}

Test(dates, what_is_no_time_is_refused)
{
    static const struct { const char *workflow, *data, *detail; } rows[] = {
        {"package.added", "{\"packages\":[{\"valid_from\":\"soon\"}]}", "no day and no instant"},
        {"package.added", "{\"packages\":[{\"valid_from\":\"2026-02-30\"}]}", "no day and no instant"},
        {"package.added", "{\"packages\":[{\"valid_from\":7}]}", "no day and no instant"},
        {"package.added", "{\"packages\":[{\"valid_from\":\"2026-12-01\"},{\"valid_from\":\"2026-12-02\"}]}", "send an event for each"},
        {"package.removed", "{\"packages\":[{\"valid_to\":\"2026-02-30\"}]}", "no day and no instant"},
        {"package.removed", "{\"packages\":[{\"id\":\"Q\"},{\"valid_to\":\"2026-12-31\"}]}", "send an event for each"},
        {"package.removed", "{\"packages\":[{\"valid_to\":\"2026-12-31\"},{\"id\":\"Q\"}]}", "send an event for each"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct dated d = begin(rows[i].workflow, rows[i].data);
        int64_t ms;
        cr_expect(not(run_begins(d.run, 0, &ms)), "%s", rows[i].data);
        cr_assert(eq(int, run_state(d.run), RUN_END));
        cr_expect(eq(int, run_result(d.run)->kind, OUTCOME_REJECTED));
        cr_expect(eq(str, (char *)run_result(d.run)->reason, "invalid_input"));
        cr_expect(ne(ptr, strstr(run_result(d.run)->detail, rows[i].detail), NULL), "%s", run_result(d.run)->detail);
        end(&d);
    }
}

Test(dates, what_ends_one_day_is_an_event_of_its_own)
{
    struct dated d = begin("package.added", "{\"packages\":[{\"id\":\"A\",\"valid_to\":\"2026-12-31\"},{\"id\":\"B\"},"
                                            "{\"id\":\"C\",\"valid_to\":\"2026-12-31T12:00:00Z\"}]}");
    cr_expect(workflow_implies(pack_workflow(d.pack, "package.added")));
    cr_expect(eq(str, (char *)run_ends_type(d.run), "package.removed"));
    json_t *ends = run_ends(d.run);
    json_t *want = json_pack("[{s:I, s:{s:[{s:s}]}}, {s:I, s:{s:[{s:s}]}}]", "at_ms", (json_int_t)at("2027-01-01T00:00:00Z"), "data",
                             "packages", "id", "A", "at_ms", (json_int_t)at("2026-12-31T12:00:00Z"), "data", "packages", "id", "C");
    cr_expect(json_equal(ends, want), "a day as an end counts whole: %s", json_dumps(ends, JSON_COMPACT));
    json_decref(ends);
    json_decref(want);
    end(&d);
    d = begin("package.removed", "{}");
    cr_expect(not(workflow_implies(pack_workflow(d.pack, "package.removed"))));
    int64_t ms;
    cr_expect(run_begins(d.run, 0, &ms));
    cr_expect(eq(i64, ms, 0));
    end(&d);
}

/* ---- what a creation brings for later ---- */

static const char two_times[] = "{\"packages\":[{\"id\":\"A\",\"valid_from\":\"2026-12-01\",\"valid_to\":\"2026-12-31\"},{\"id\":\"B\"},"
                                "{\"id\":\"C\",\"valid_from\":\"2026-11-30T10:00:00Z\",\"valid_to\":\"2026-12-05\"}]}";

static void answer(struct run *r)
{
    const struct call_reply ok = {.status = 200, .body = "{\"status\":\"OK\"}", .body_len = 15};
    cr_assert(eq(int, run_reply(r, &ok), RUN_END));
    cr_assert(eq(int, run_result(r)->kind, OUTCOME_APPLIED));
}

static void expect_json(json_t *is, const char *want)
{
    char *text = is != NULL ? json_dumps(is, JSON_COMPACT) : strdup("nothing");
    cr_expect(eq(str, text, (char *)want));
    free(text);
}

Test(dates, what_begins_later_is_left_to_events_of_its_own)
{
    struct dated d = begin_at("service.created", two_times, "{}", at("2026-11-30T10:00:00Z"));
    cr_expect(workflow_defers(pack_workflow(d.pack, "service.created")));
    cr_expect(not(workflow_defers(pack_workflow(d.pack, "package.added"))));
    cr_expect(eq(str, (char *)run_later_type(d.run), "package.added"));
    json_t *want = json_pack("[{s:i, s:I, s:{s:[{s:s, s:s, s:s}]}}]", "n", 0, "at_ms", (json_int_t)at("2026-12-01T00:00:00Z"), "data", "packages",
                             "id", "A", "valid_from", "2026-12-01", "valid_to", "2026-12-31");
    cr_expect(json_equal(want, run_later(d.run)), "A, at its time, with its end");
    json_decref(want);
    int64_t ms;
    cr_expect(run_begins(d.run, 0, &ms));
    cr_expect(eq(i64, ms, 0), "the creation itself does not wait");
    answer(d.run);
    expect_json((json_t *)(uintptr_t)run_result(d.run)->record, "{\"packages\":{\"B\":{},\"C\":{}}}");
    json_t *ends = run_ends(d.run);
    cr_expect(eq(sz, json_array_size(ends), 1), "the end of C alone: that of A follows from its own event");
    json_decref(ends);
    cr_expect(eq(sz, json_array_size(json_object_get(d.data, "packages")), 3), "the event stays as it is");
    end(&d);
}

Test(dates, what_is_later_is_a_function_of_when_the_event_came)
{
    static const struct { const char *came, *why, *record; size_t later; } rows[] = {
        {"2026-11-30T09:59:59Z", "both are to come", "{\"packages\":{\"B\":{}}}", 2},
        {"2026-11-30T23:59:59Z", "one is", "{\"packages\":{\"B\":{},\"C\":{}}}", 1},
        {"2026-12-01T00:00:00Z", "none is", "{\"packages\":{\"A\":{},\"B\":{},\"C\":{}}}", 0},
        {"1970-01-01T00:00:00Z", "not known: all that have a time", "{\"packages\":{\"B\":{}}}", 2},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct dated d = begin_at("service.created", two_times, "{}", at(rows[i].came));
        const struct run_inputs in = {.data = d.data, .record = d.record, .came_ms = at(rows[i].came)};
        struct buf saved;
        buf_init(&saved, 65536);
        run_save(d.run, &saved);
        struct run *again = run_restore(d.bound, pack_workflow(d.pack, "service.created"), &in, saved.data, saved.len);
        cr_assert(ne(ptr, again, NULL));
        cr_expect(eq(sz, json_array_size(run_later(d.run)), rows[i].later), "%s", rows[i].why);
        cr_expect(eq(sz, json_array_size(run_later(again)), rows[i].later), "after a crash: %s", rows[i].why);
        (void)run_step_done(again);
        expect_json((json_t *)(uintptr_t)run_result(again)->record, rows[i].record);
        run_free(again);
        buf_fini(&saved);
        end(&d);
    }
}

Test(dates, a_creation_with_nothing_for_now_is_as_one_without_the_list)
{
    struct dated d = begin("service.created", "{\"packages\":[{\"id\":\"A\",\"valid_from\":\"2026-12-01\"}]}");
    cr_assert(eq(int, run_state(d.run), RUN_CALL), "an empty list would be refused");
    answer(d.run);
    expect_json((json_t *)(uintptr_t)run_result(d.run)->record, "{\"packages\":{}}");
    end(&d);
    d = begin("service.created", "{\"packages\":[{\"id\":\"A\"},{\"id\":\"B\",\"valid_from\":\"2026-02-30\"}]}");
    cr_assert(eq(int, run_state(d.run), RUN_END));
    cr_expect(eq(str, (char *)run_result(d.run)->reason, "invalid_input"));
    cr_expect(ne(ptr, strstr(run_result(d.run)->detail, "no day and no instant"), NULL));
    end(&d);
}

Test(dates, one_without_a_step_waits_for_its_time)
{
    int64_t ms;
    struct dated d = begin_at("plan.changed", "{\"plan\":\"B\",\"valid_from\":\"2026-12-01\"}", "{\"status\":\"active\"}", 0);
    cr_assert(eq(int, run_state(d.run), RUN_END));
    cr_expect(run_begins(d.run, at("2026-11-30T10:00:00Z"), &ms));
    cr_expect(eq(i64, ms, at("2026-12-01T00:00:00Z")));
    expect_json((json_t *)(uintptr_t)run_result(d.run)->record, "{\"plan\":\"B\"}");
    end(&d);
    d = begin_at("plan.changed", "{\"plan\":\"B\",\"valid_from\":\"2026-12-01\"}", "{\"status\":\"terminated\"}", 0);
    cr_expect(run_begins(d.run, 0, &ms));
    cr_expect(eq(i64, ms, 0), "what is refused is refused at once");
    end(&d);
    d = begin_at("plan.changed", "{\"plan\":\"B\",\"valid_from\":\"2026-02-30\"}", "{\"status\":\"active\"}", 0);
    cr_expect(not(run_begins(d.run, 0, &ms)));
    cr_expect(eq(str, (char *)run_result(d.run)->reason, "invalid_input"));
    expect_json((json_t *)(uintptr_t)run_result(d.run)->record, "{}");
    end(&d);
}
