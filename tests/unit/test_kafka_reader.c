/* Reading stretches of partitions outside of every group, against librdkafka's mock cluster. What the mock cannot do
 * (times, compaction, transactions, missing topics, restarts) is in tests/integration/kafka_io.c. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "support/kafka_read.h"
#include "support/kafka_world.h"

#define LONG_MS 30000
#define TOPIC "tvbridge.records.demo"

enum { API_FETCH = 1, API_LIST_OFFSETS = 2 };
enum { ERR_NOT_LEADER = 6, ERR_UNKNOWN = -1, ERR_STORAGE = 56 };

struct fixture {
    struct world w;
    struct told told;
    struct reader *reader;
};

static void begin(struct fixture *f, int partitions)
{
    *f = (struct fixture){.w = world_new(TOPIC, partitions)};
    f->reader = reader_new(f->w.loop, &f->w.settings, note_told, &f->told, NULL);
    cr_assert(ne(ptr, f->reader, NULL));
}

static void end(struct fixture *f)
{
    reader_free(f->reader);
    world_free(&f->w);
}

static void produce(struct fixture *f, int32_t partition, unsigned n)
{
    cr_assert(produce_some(f->w.loop, &f->w.settings, TOPIC, partition, n));
}

static void run_to_done(struct fixture *f, struct taken *t)
{
    cr_assert(run_until(f->w.loop, taken_is_done, t, LONG_MS), "%s", f->told.text);
}

Test(reader, reads_all_of_a_partition_in_order_and_ends)
{
    struct fixture f;
    struct taken t = {0};
    begin(&f, 1);
    produce(&f, 0, 1000);
    cr_assert(take_from(&t, f.reader, TOPIC, 0, 0));
    cr_expect(eq(sz, t.messages, 0), "never from inside");
    run_to_done(&f, &t);
    cr_expect(t.ok, "%s", t.why);
    cr_expect(eq(i64, t.end, 1000));
    cr_expect(eq(sz, t.messages, 1000));
    cr_expect(eq(i64, t.first, 0));
    cr_expect(eq(i64, t.last, 999));
    cr_expect(eq(sz, t.out_of_order, 0));
    run_for(f.w.loop, 300);
    cr_expect(eq(u32, t.done, 1u), "once");
    end(&f);
}

Test(reader, starts_where_it_is_told)
{
    static const struct {
        const char *why;
        struct reader_range range;
        size_t messages;
        int64_t first;
    } rows[] = {
        {"an offset in the log", {TOPIC, 0, READER_OFFSET, 7, 0}, 3, 7},
        {"the last one", {TOPIC, 0, READER_OFFSET, 9, 0}, 1, 9},
        {"the end", {TOPIC, 0, READER_OFFSET, 10, 0}, 0, -1},
        {"past the end", {TOPIC, 0, READER_OFFSET, 5000, 0}, 0, -1},
        {"the beginning, whatever stands in offset", {TOPIC, 0, READER_BEGINNING, 7, 0}, 10, 0},
        {"an offset below zero", {TOPIC, 0, READER_OFFSET, -1, 0}, 10, 0},
        {"a time that no message has reached (the mock finds none)", {TOPIC, 0, READER_TIME, 0, 1}, 0, -1},
    };
    struct fixture f;
    begin(&f, 1);
    produce(&f, 0, 10);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct taken t = {0};
        cr_assert(take(&t, f.reader, &rows[i].range));
        run_to_done(&f, &t);
        cr_expect(t.ok && t.end == 10, "%s: %s", rows[i].why, t.why);
        cr_expect(eq(sz, t.messages, rows[i].messages), "%s", rows[i].why);
        cr_expect(eq(i64, t.first, rows[i].first), "%s", rows[i].why);
    }
    end(&f);
}

Test(reader, an_empty_partition_is_done_at_once)
{
    struct fixture f;
    struct taken t = {0};
    begin(&f, 1);
    cr_assert(take_from(&t, f.reader, TOPIC, 0, 0));
    run_to_done(&f, &t);
    cr_expect(t.ok);
    cr_expect(eq(i64, t.end, 0));
    cr_expect(eq(sz, t.messages, 0));
    end(&f);
}

static void produce_more(struct taken *t)
{
    struct fixture *f = t->each_arg;
    if (t->messages != 1)
        return;
    struct producer *p = producer_new(f->w.loop, &f->w.settings, 20000, NULL, NULL, NULL);
    struct producer_message m = {.topic = TOPIC, .partition = 0, .key = "k", .key_len = 1, .value = "late", .value_len = 4};
    cr_assert(eq(int, producer_send(p, &m, NULL, NULL, NULL), 0));
    producer_free(p, 20000);
}

Test(reader, what_is_written_after_it_began_is_not_read)
{
    struct fixture f;
    struct taken t = {.each = produce_more, .each_arg = &f};
    begin(&f, 1);
    produce(&f, 0, 1000);
    cr_assert(take_from(&t, f.reader, TOPIC, 0, 0));
    run_to_done(&f, &t);
    cr_expect(eq(i64, t.end, 1000));
    cr_expect(eq(sz, t.messages, 1000));
    t.each = NULL;
    cr_assert(take_from(&t, f.reader, TOPIC, 0, t.end));
    run_to_done(&f, &t);
    cr_expect(eq(sz, t.messages, 1));
    cr_expect(eq(str, t.last_value, "late"));
    end(&f);
}

Test(reader, key_headers_time_and_tombstones_come_through)
{
    struct fixture f;
    struct taken t = {0};
    begin(&f, 1);
    struct event_header h = {"fence", "77", 2};
    struct producer_message m = {
        .topic = TOPIC, .partition = 0, .key = "70001", .key_len = 5, .headers = &h, .header_count = 1};
    struct producer *p = producer_new(f.w.loop, &f.w.settings, 20000, NULL, NULL, NULL);
    cr_assert(eq(int, producer_send(p, &m, NULL, NULL, NULL), 0));
    producer_free(p, LONG_MS);
    cr_assert(take_from(&t, f.reader, TOPIC, 0, 0));
    run_to_done(&f, &t);
    cr_expect(eq(sz, t.tombstones, 1));
    cr_expect(eq(str, t.last_key, "70001"));
    cr_expect(eq(str, t.last_header, "fence=77"));
    cr_expect(lt(i64, 0, t.last_timestamp_ms));
    end(&f);
}

static bool all_are_done(void *arg)
{
    const struct taken *t = arg;
    for (int i = 0; i < 8; i++)
        if (t[i].done == 0)
            return false;
    return true;
}

Test(reader, several_partitions_are_read_side_by_side)
{
    struct fixture f;
    struct taken t[8] = {0};
    begin(&f, 8);
    for (int32_t i = 0; i < 8; i++)
        produce(&f, i, (unsigned)i * 100); /* the first is empty */
    for (int32_t i = 0; i < 8; i++)
        cr_assert(take_from(&t[i], f.reader, TOPIC, i, 0));
    cr_assert(run_until(f.w.loop, all_are_done, t, LONG_MS), "%s", f.told.text);
    for (size_t i = 0; i < 8; i++) {
        cr_expect(eq(sz, t[i].messages, i * 100));
        cr_expect(eq(sz, t[i].out_of_order, 0));
        cr_expect(t[i].ok);
    }
    end(&f);
}

Test(reader, a_partition_is_read_once_at_a_time)
{
    struct fixture f;
    struct taken a = {0}, b = {0};
    begin(&f, 2);
    produce(&f, 0, 10);
    cr_assert(take_from(&a, f.reader, TOPIC, 0, 0));
    cr_expect(not(take_from(&b, f.reader, TOPIC, 0, 0)), "the same again");
    cr_expect(take_from(&b, f.reader, TOPIC, 1, 0), "another partition");
    run_to_done(&f, &a);
    run_to_done(&f, &b);
    cr_expect(take_from(&b, f.reader, TOPIC, 0, 5), "after its end");
    run_to_done(&f, &b);
    cr_expect(eq(sz, b.messages, 5));
    end(&f);
}

Test(reader, a_cancelled_read_is_silent_and_can_be_begun_again)
{
    struct fixture f;
    struct taken t = {0};
    begin(&f, 1);
    produce(&f, 0, 5000);
    cr_assert(take_from(&t, f.reader, TOPIC, 0, 0));
    reader_cancel(t.read); /* before the first turn */
    reader_cancel(NULL);
    t.cancel_at = 100; /* inside of a message */
    cr_assert(take_from(&t, f.reader, TOPIC, 0, 0));
    run_for(f.w.loop, 1000);
    cr_expect(eq(sz, t.messages, 100));
    cr_expect(eq(u32, t.done, 0u));
    t.cancel_at = 0;
    cr_assert(take_from(&t, f.reader, TOPIC, 0, 50));
    run_to_done(&f, &t);
    cr_expect(eq(i64, t.first, 50), "nothing of the one before");
    cr_expect(eq(sz, t.messages, 4950));
    end(&f);
}

static void hold_at_100(struct taken *t)
{
    if (t->messages == 100)
        reader_hold(t->reader, true);
}

Test(reader, while_it_is_held_nothing_is_read_and_then_all)
{
    struct fixture f;
    struct taken t = {.each = hold_at_100};
    begin(&f, 1);
    reader_hold(f.reader, true); /* nothing is read yet: no matter */
    reader_hold(f.reader, false);
    produce(&f, 0, 5000);
    cr_assert(take_from(&t, f.reader, TOPIC, 0, 0));
    run_for(f.w.loop, 1000);
    cr_expect(ge(sz, t.messages, 100));
    cr_expect(lt(sz, t.messages, 200), "%zu came", t.messages);
    cr_expect(eq(u32, t.done, 0u));
    reader_hold(f.reader, false);
    run_to_done(&f, &t);
    cr_expect(eq(sz, t.messages, 5000));
    cr_expect(eq(sz, t.out_of_order, 0));
    end(&f);
}

/* While the question is under way, and again at once: the old answer is not taken for the new one's. */
Test(reader, a_read_may_be_cancelled_at_any_time)
{
    struct fixture f;
    begin(&f, 1);
    produce(&f, 0, 2000);
    for (int ms = 0; ms < 60; ms += 3) {
        struct taken t = {0};
        cr_assert(take_from(&t, f.reader, TOPIC, 0, 0));
        run_for(f.w.loop, ms);
        reader_cancel(t.read);
        struct taken again = {0};
        cr_assert(take_from(&again, f.reader, TOPIC, 0, 1000));
        run_to_done(&f, &again);
        cr_expect(eq(i64, again.first, 1000));
        cr_expect(eq(sz, again.messages, 1000));
        cr_expect(eq(sz, again.out_of_order, 0));
    }
    end(&f);
}

static void start_next(struct taken *t)
{
    struct taken *next = t->each_arg;
    if (t->messages == 1)
        cr_assert(take_from(next, t->reader, TOPIC, 1, 0));
}

Test(reader, a_read_may_be_begun_inside_of_a_message)
{
    struct fixture f;
    struct taken next = {0}, t = {.each = start_next, .each_arg = &next};
    begin(&f, 2);
    produce(&f, 0, 10);
    produce(&f, 1, 20);
    cr_assert(take_from(&t, f.reader, TOPIC, 0, 0));
    run_to_done(&f, &t);
    run_to_done(&f, &next);
    cr_expect(eq(sz, t.messages, 10));
    cr_expect(eq(sz, next.messages, 20));
    end(&f);
}

Test(reader, more_than_its_queue_holds_comes_whole_and_in_order)
{
    enum { PORTION = 20000, PORTIONS = 3 };
    struct fixture f;
    struct taken t = {0};
    begin(&f, 1);
    for (int i = 0; i < PORTIONS; i++)
        produce(&f, 0, PORTION);
    cr_assert(take_from(&t, f.reader, TOPIC, 0, 0));
    run_to_done(&f, &t);
    cr_expect(eq(sz, t.messages, PORTIONS * PORTION));
    cr_expect(eq(sz, t.out_of_order, 0));
    end(&f);
}

Test(reader, errors_that_can_pass_are_tried_again)
{
    static const struct {
        const char *why;
        int api, code;
        size_t count;
    } rows[] = {
        {"the end is not told", API_LIST_OFFSETS, ERR_NOT_LEADER, 3},
        {"the end is not told for another reason", API_LIST_OFFSETS, ERR_STORAGE, 2},
        {"a fetch fails", API_FETCH, ERR_NOT_LEADER, 3},
        {"a fetch fails for a reason that librdkafka does not know", API_FETCH, ERR_UNKNOWN, 3},
    };
    struct fixture f;
    begin(&f, 2);
    produce(&f, 0, 500);
    produce(&f, 1, 500);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct taken t = {0}, u = {0};
        mock_kafka_fail(f.w.kafka, rows[i].api, rows[i].code, rows[i].count);
        cr_assert(take_from(&t, f.reader, TOPIC, 0, 0));
        cr_assert(take_from(&u, f.reader, TOPIC, 1, 0));
        run_to_done(&f, &t);
        run_to_done(&f, &u);
        cr_expect(t.ok && u.ok, "%s", rows[i].why);
        cr_expect(eq(sz, t.messages, 500), "%s", rows[i].why);
        cr_expect(eq(sz, u.messages, 500), "%s", rows[i].why);
        cr_expect(eq(sz, t.out_of_order + u.out_of_order, 0), "%s", rows[i].why);
    }
    end(&f);
}

Test(reader, it_may_be_freed_at_any_time)
{
    for (int ms = 0; ms < 60; ms += 7) {
        struct fixture f;
        struct taken t[4] = {0};
        begin(&f, 4);
        produce(&f, 0, 2000);
        for (int32_t i = 0; i < 4; i++)
            cr_assert(take_from(&t[i], f.reader, TOPIC, i, 0));
        run_for(f.w.loop, ms);
        end(&f);
        cr_expect(le(u32, t[0].done, 1u));
    }
    struct loop *l = loop_new(NULL);
    struct settings s = {.prefix = "tvbridge.", .brokers = "127.0.0.1:1"};
    reader_free(reader_new(l, &s, NULL, NULL, NULL)); /* no client was made */
    reader_free(NULL);
    loop_free(l);
}

static bool has_told(void *arg)
{
    return ((struct told *)arg)->n > 0;
}

Test(reader, without_a_broker_it_says_so_and_can_be_freed)
{
    struct fixture f;
    struct taken t = {0};
    begin(&f, 1);
    f.w.settings.brokers = "127.0.0.1:1";
    cr_assert(take_from(&t, f.reader, TOPIC, 0, 0));
    cr_expect(run_until(f.w.loop, has_told, &f.told, LONG_MS));
    run_for(f.w.loop, 500);
    int64_t from = clock_mono_ns();
    reader_free(f.reader);
    cr_expect(lt(i64, clock_mono_ns() - from, (int64_t)5000 * 1000000));
    cr_expect(eq(u32, t.done, 0u));
    world_free(&f.w);
}

Test(reader, a_wrong_property_is_told_and_no_read_begins)
{
    struct fixture f;
    struct taken t = {0};
    struct settings_pair pair = {"zonk", "1"};
    begin(&f, 1);
    f.w.settings.librdkafka = &pair;
    f.w.settings.librdkafka_count = 1;
    cr_expect(not(take_from(&t, f.reader, TOPIC, 0, 0)));
    cr_expect(strstr(f.told.text, "zonk") != NULL, "%s", f.told.text);
    end(&f);
}
