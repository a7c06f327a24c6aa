/* The consumer's two topics, events and control, against librdkafka's mock cluster. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

#include "support/kafka_world.h"

#define LONG_MS 30000
#define TOPIC "tvbridge.events.demo"
#define CONTROL "tvbridge.control.demo"
#define GROUP "tvbridge.demo"

static struct member *join_with_control(struct world *w, unsigned thread)
{
    struct member *m =
        member_new_with_control(w->loop, &w->settings, &w->provider, TOPIC, CONTROL, GROUP, thread);
    cr_assert(ne(ptr, m, NULL));
    return m;
}

static bool has_ten_and_three_acts(void *arg)
{
    const struct member *m = arg;
    return m->delivered >= 10 && m->control.delivered >= 3;
}

Test(kafka_control, a_delivery_says_of_which_topic_it_is)
{
    struct world w = world_new(TOPIC, 2);
    mock_kafka_topic(w.kafka, CONTROL, 2);
    cr_assert(produce_some(w.loop, &w.settings, TOPIC, 1, 10));
    cr_assert(produce_some(w.loop, &w.settings, CONTROL, 1, 3));
    struct member *m = join_with_control(&w, 0);
    cr_expect(run_until(w.loop, has_ten_and_three_acts, m, LONG_MS), "%s", m->error);
    cr_expect(eq(sz, m->owned, 2));
    cr_expect(eq(sz, m->control.owned, 2));
    cr_expect(eq(i64, m->control.committed[1], -1));
    cr_expect(eq(sz, m->delivered, 10));
    cr_expect(eq(sz, m->control.delivered, 3));
    cr_expect(eq(sz, m->out_of_order + m->control.out_of_order, 0));
    cr_expect(eq(str, m->last_value, "v9"));
    cr_expect(eq(str, m->control.last_value, "v2"));
    cr_expect(strstr(m->errors_text, "came without") == NULL, "%s", m->errors_text);
    member_free(m);
    world_free(&w);
}

Test(kafka_control, one_commit_holds_both_topics_and_the_next_owner_gets_each_its_own)
{
    struct world w = world_new(TOPIC, 2);
    struct consumer_partition list[] = {
        {.partition = 1, .offset = 7, .metadata = "events", .metadata_len = 6},
        {.control = true, .partition = 1, .offset = 2, .metadata = "acts", .metadata_len = 4},
        {.control = true, .partition = 0, .offset = 0, .metadata = ""},
    };
    mock_kafka_topic(w.kafka, CONTROL, 2);
    cr_assert(produce_some(w.loop, &w.settings, TOPIC, 1, 10));
    cr_assert(produce_some(w.loop, &w.settings, CONTROL, 1, 3));
    struct member *m = join_with_control(&w, 0);
    cr_assert(run_until(w.loop, has_ten_and_three_acts, m, LONG_MS), "%s", m->error);
    cr_assert(eq(int, consumer_commit(m->consumer, list, ARRAY_LEN(list), NULL), 0));
    cr_assert(run_until(w.loop, member_commit_is_done, m, LONG_MS));
    cr_expect(eq(u32, m->commits_ok, 1), "%s", m->commit_why);
    member_free(m);
    m = join_with_control(&w, 0);
    cr_assert(run_until(w.loop, member_has_assignment, m, LONG_MS));
    cr_expect(eq(i64, m->committed[1], 7));
    cr_expect(eq(str, m->metadata[1], "events"));
    cr_expect(eq(i64, m->committed[0], -1), "not committed");
    cr_expect(eq(i64, m->control.committed[1], 2));
    cr_expect(eq(str, m->control.metadata[1], "acts"));
    cr_expect(eq(i64, m->control.committed[0], 0));
    run_for(w.loop, 1000);
    cr_expect(eq(sz, m->delivered, 3));
    cr_expect(eq(sz, m->control.delivered, 1));
    member_free(m);
    world_free(&w);
}

Test(kafka_control, a_member_without_control_commits_none_of_it)
{
    struct world w = world_new(TOPIC, 1);
    struct member *m = member_new(w.loop, &w.settings, &w.provider, TOPIC, GROUP, 0);
    cr_assert(run_until(w.loop, member_has_assignment, m, LONG_MS));
    struct consumer_partition act = {.control = true, .partition = 0, .offset = 1, .metadata = ""};
    struct err err = {0};
    cr_expect(eq(int, consumer_commit(m->consumer, &act, 1, &err), -1));
    cr_expect(strstr(err.msg, "control") != NULL, "%s", err.msg);
    member_free(m);
    world_free(&w);
}

struct pair {
    struct member *a, *b;
};

static bool shares_half(const struct member *m)
{
    return m->owned == 2 && m->control.owned == 2;
}

static bool share_both_alike(void *arg)
{
    const struct pair *p = arg;
    return shares_half(p->a) && shares_half(p->b);
}

Test(kafka_control, members_get_the_same_numbers_of_both_topics)
{
    struct world w = world_new(TOPIC, 4);
    mock_kafka_topic(w.kafka, CONTROL, 4);
    struct pair p = {.a = join_with_control(&w, 0)};
    cr_assert(run_until(w.loop, member_has_assignment, p.a, LONG_MS));
    p.b = join_with_control(&w, 1);
    cr_expect(run_until(w.loop, share_both_alike, &p, LONG_MS));
    for (int i = 0; i < 4; i++) {
        cr_expect(eq(int, p.a->owns[i], p.a->control.owns[i]), "partition %d", i);
        cr_expect(eq(int, p.b->owns[i], p.b->control.owns[i]), "partition %d", i);
    }
    cr_expect(strstr(p.a->errors_text, "came without") == NULL, "%s", p.a->errors_text);
    cr_expect(strstr(p.b->errors_text, "came without") == NULL, "%s", p.b->errors_text);
    member_free(p.a);
    member_free(p.b);
    world_free(&w);
}

/* A control topic that is missing is tested on real Kafka: the mock makes every topic that is asked for. */
Test(kafka_control, topics_that_do_not_fit_together_are_told_in_both_directions)
{
    static const struct {
        int events, control;
        const char *want;
    } rows[] = {
        {3, 1, "2 partitions of topic " TOPIC " came without those of topic " CONTROL ", the first is 1"},
        {1, 4, "3 partitions of topic " CONTROL " came without those of topic " TOPIC ", the first is 1"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct world w = world_new(TOPIC, rows[i].events);
        mock_kafka_topic(w.kafka, CONTROL, rows[i].control);
        struct member *m = join_with_control(&w, 0);
        cr_assert(run_until(w.loop, member_has_assignment, m, LONG_MS));
        cr_expect(strstr(m->errors_text, rows[i].want) != NULL, "%s", m->errors_text);
        cr_expect(eq(sz, m->owned, (size_t)rows[i].events));
        cr_expect(eq(sz, m->control.owned, (size_t)rows[i].control));
        member_free(m);
        world_free(&w);
    }
}
