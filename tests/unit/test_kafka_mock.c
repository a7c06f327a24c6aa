/* Consumer and producer against librdkafka's mock cluster, as the engine uses them. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

#include "io/kafka_queue.h"
#include "support/kafka_world.h"

#define LONG_MS 30000
#define TOPIC "tvbridge.events.demo"
#define GROUP "tvbridge.demo"

enum { API_PRODUCE = 0, API_OFFSET_COMMIT = 8, API_OFFSET_FETCH = 9 };
enum { ERR_ILLEGAL_GENERATION = 22, ERR_UNKNOWN_MEMBER = 25, ERR_OUT_OF_ORDER_SEQUENCE = 45, ERR_NOT_COORDINATOR = 16 };

static struct member *join(struct world *w, unsigned thread)
{
    struct member *m = member_new(w->loop, &w->settings, &w->provider, TOPIC, GROUP, thread);
    cr_assert(ne(ptr, m, NULL));
    return m;
}

static struct member *join_and_wait(struct world *w)
{
    struct member *m = join(w, 0);
    cr_assert(run_until(w->loop, member_has_assignment, m, LONG_MS), "no assignment: %s", m->error);
    return m;
}

static bool has_one(void *arg)
{
    return ((struct member *)arg)->delivered >= 1;
}

static bool has_three(void *arg)
{
    return ((struct member *)arg)->delivered >= 3;
}

static bool has_ten(void *arg)
{
    return ((struct member *)arg)->delivered >= 10;
}

static bool has_twenty(void *arg)
{
    return ((struct member *)arg)->delivered >= 20;
}

/* ---- reading ---- */

Test(kafka, a_group_without_commits_reads_from_the_beginning_in_order)
{
    struct world w = world_new(TOPIC, 1);
    cr_assert(produce_some(w.loop, &w.settings, TOPIC, 0, 10));
    struct member *m = join_and_wait(&w);
    cr_expect(eq(i64, m->committed[0], -1));
    cr_expect(eq(sz, m->metadata_len[0], 0));
    cr_expect(run_until(w.loop, has_ten, m, LONG_MS));
    cr_expect(eq(sz, m->out_of_order, 0));
    cr_expect(eq(str, m->last_value, "v9"));
    cr_expect(consumer_is_member(m->consumer));
    cr_expect(eq(i64, consumer_high_watermark(m->consumer, 0), 10));
    member_free(m);
    world_free(&w);
}

Test(kafka, the_next_owner_gets_offset_and_metadata_of_the_commit)
{
    struct world w = world_new(TOPIC, 1);
    static const char metadata[] = "v1;ceil=12;done=8,9;out=3;fence=77;redis=x";
    cr_assert(produce_some(w.loop, &w.settings, TOPIC, 0, 10));
    struct member *first = join_and_wait(&w);
    cr_assert(eq(int, member_commit(first, 0, 7, metadata, sizeof metadata - 1), 0));
    cr_assert(run_until(w.loop, member_commit_is_done, first, LONG_MS));
    cr_expect(eq(u32, first->commits_ok, 1), "%s", first->commit_why);
    member_free(first);

    struct member *second = join_and_wait(&w);
    cr_expect(eq(i64, second->committed[0], 7));
    cr_expect(eq(str, second->metadata[0], (char *)metadata));
    cr_expect(run_until(w.loop, has_three, second, LONG_MS));
    run_for(w.loop, 200);
    cr_expect(eq(sz, second->delivered, 3), "7, 8 and 9 again, and not more");
    member_free(second);
    world_free(&w);
}

static bool is_alive_again(void *arg)
{
    return ((struct member *)arg)->assignments > 0;
}

Test(kafka, committed_offsets_are_asked_for_again_after_an_error)
{
    struct world w = world_new(TOPIC, 1);
    mock_kafka_fail(w.kafka, API_OFFSET_FETCH, ERR_UNKNOWN_MEMBER, 2);
    struct member *m = join(&w, 0);
    cr_expect(run_until(w.loop, is_alive_again, m, LONG_MS));
    cr_expect(lt(u32, 0, m->errors), "the error was told");
    member_free(m);
    world_free(&w);
}

Test(kafka, a_paused_partition_is_silent_until_it_is_resumed_and_skips_nothing)
{
    struct world w = world_new(TOPIC, 1);
    cr_assert(produce_some(w.loop, &w.settings, TOPIC, 0, 10));
    struct member *m = join_and_wait(&w);
    cr_assert(run_until(w.loop, has_ten, m, LONG_MS));
    consumer_pause(m->consumer, 0);
    consumer_pause(m->consumer, 0);
    cr_assert(produce_some(w.loop, &w.settings, TOPIC, 0, 10));
    run_for(w.loop, 500);
    cr_expect(eq(sz, m->delivered, 10));
    consumer_resume(m->consumer, 0);
    cr_expect(run_until(w.loop, has_twenty, m, LONG_MS));
    cr_expect(eq(sz, m->out_of_order, 0));
    member_free(m);
    world_free(&w);
}

static bool has_commit(void *arg)
{
    return ((struct member *)arg)->commits_ok > 0;
}

static bool has_two_thousand(void *arg)
{
    return ((struct member *)arg)->delivered >= 2000;
}

Test(kafka, what_was_fetched_before_a_pause_comes_once_and_only_after_the_resume)
{
    struct world w = world_new(TOPIC, 1);
    cr_assert(produce_some(w.loop, &w.settings, TOPIC, 0, 2000));
    struct member *m = join(&w, 0);
    m->pause_at = 100;
    cr_assert(run_until(w.loop, has_ten, m, LONG_MS));
    run_for(w.loop, 500);
    cr_expect(eq(sz, m->delivered, 100));
    consumer_resume(m->consumer, 0);
    cr_expect(run_until(w.loop, has_two_thousand, m, LONG_MS));
    cr_expect(eq(sz, m->delivered, 2000));
    cr_expect(eq(sz, m->out_of_order, 0));
    member_free(m);
    world_free(&w);
}

Test(kafka, what_is_held_back_comes_later_once_and_in_order)
{
    struct world w = world_new(TOPIC, 1);
    cr_assert(produce_some(w.loop, &w.settings, TOPIC, 0, 2000));
    struct member *m = join(&w, 0);
    m->hold_at = 100;
    cr_assert(run_until(w.loop, has_ten, m, LONG_MS));
    run_for(w.loop, 1500); /* longer than the consumer's own tick */
    cr_expect(eq(sz, m->delivered, 100));
    cr_expect(zero(int, member_commit(m, 0, 50, "", 0)));
    run_for(w.loop, 500);
    cr_expect(zero(u32, m->commits_done), "the end of a commit waits as well");
    consumer_hold(m->consumer, false);
    cr_expect(run_until(w.loop, has_two_thousand, m, LONG_MS));
    cr_expect(eq(sz, m->delivered, 2000));
    cr_expect(eq(sz, m->out_of_order, 0));
    cr_expect(run_until(w.loop, has_commit, m, LONG_MS));
    member_free(m);
    world_free(&w);
}

Test(kafka, key_headers_and_tombstones_come_through)
{
    struct world w = world_new(TOPIC, 1);
    struct acks acks = {0};
    struct producer *p = producer_new(w.loop, &w.settings, 20000, NULL, NULL, NULL);
    struct event_header h = {"ce_type", "tvbridge.contract.blocked", 25};
    struct producer_message msg = {
        .topic = TOPIC, .partition = 0, .key = "70001", .key_len = 5, .headers = &h, .header_count = 1};
    cr_assert(eq(int, producer_send(p, &msg, count_ack, &acks, NULL), 0));
    cr_expect(eq(u32, acks.ok + acks.failed, 0), "the acknowledgement never comes from inside the call");
    cr_expect(eq(sz, producer_pending(p), 1));
    producer_free(p, LONG_MS);
    cr_expect(eq(u32, acks.ok, 1));
    struct member *m = join_and_wait(&w);
    cr_expect(run_until(w.loop, has_one, m, LONG_MS));
    cr_expect(eq(str, m->last_key, "70001"));
    cr_expect(eq(str, m->last_header, "ce_type=tvbridge.contract.blocked"));
    cr_expect(m->last_is_tombstone);
    cr_expect(lt(i64, 0, m->last_timestamp_ms));
    member_free(m);
    world_free(&w);
}

/* ---- commits ---- */

Test(kafka, only_one_commit_is_outstanding)
{
    struct world w = world_new(TOPIC, 1);
    struct member *m = join_and_wait(&w);
    mock_kafka_delay(w.kafka, 200);
    cr_assert(eq(int, member_commit(m, 0, 0, "a", 1), 0));
    cr_expect(consumer_commit_outstanding(m->consumer));
    cr_expect(eq(int, member_commit(m, 0, 0, "b", 1), -1));
    cr_expect(run_until(w.loop, member_commit_is_done, m, LONG_MS));
    cr_expect(eq(u32, m->commits_done, 1));
    cr_expect(eq(int, member_commit(m, 0, 0, "b", 1), 0));
    cr_expect(run_until(w.loop, member_commit_is_done, m, LONG_MS));
    cr_expect(eq(u32, m->commits_ok, 2));
    member_free(m);
    world_free(&w);
}

Test(kafka, a_commit_under_an_old_generation_is_fenced)
{
    static const int codes[] = {ERR_ILLEGAL_GENERATION, ERR_UNKNOWN_MEMBER};
    struct world w = world_new(TOPIC, 1);
    struct member *m = join_and_wait(&w);
    for (unsigned i = 0; i < ARRAY_LEN(codes); i++) {
        cr_assert(run_until(w.loop, member_has_assignment, m, LONG_MS));
        mock_kafka_fail(w.kafka, API_OFFSET_COMMIT, codes[i], 1);
        cr_assert(eq(int, member_commit(m, 0, 0, "", 0), 0));
        cr_assert(run_until(w.loop, member_commit_is_done, m, LONG_MS));
        cr_expect(eq(u32, m->commits_fenced, i + 1), "%s", m->commit_why);
        cr_expect(eq(u32, m->commits_ok, 0));
    }
    member_free(m);
    world_free(&w);
}

Test(kafka, what_is_not_assigned_or_too_long_is_not_committed)
{
    struct world w = world_new(TOPIC, 1);
    struct member *m = join_and_wait(&w);
    char metadata[CONSUMER_METADATA_MAX + 1];
    memset(metadata, 'x', sizeof metadata);
    cr_expect(eq(int, member_commit(m, 3, 0, "", 0), -1));
    cr_expect(eq(int, member_commit(m, 0, 0, metadata, sizeof metadata), -1));
    cr_expect(not(consumer_commit_outstanding(m->consumer)));
    member_free(m);
    world_free(&w);
}

/* ---- the group ---- */

struct pair {
    struct member *a, *b;
};

static bool share_alike(void *arg)
{
    const struct pair *p = arg;
    return p->a->owned == 2 && p->b->owned == 2;
}

static bool a_is_revoking(void *arg)
{
    return ((struct pair *)arg)->a->revoking;
}

static bool a_has_all(void *arg)
{
    return ((struct pair *)arg)->a->owned == 4;
}

Test(kafka, two_members_share_and_the_one_that_stays_takes_over)
{
    struct world w = world_new(TOPIC, 4);
    struct pair p = {.a = join_and_wait(&w)};
    p.b = join(&w, 1);
    cr_expect(run_until(w.loop, share_alike, &p, LONG_MS));
    for (int i = 0; i < 4; i++)
        cr_expect(ne(int, p.a->owns[i], p.b->owns[i]), "partition %d has one owner", i);
    member_free(p.b);
    cr_expect(run_until(w.loop, a_has_all, &p, LONG_MS));
    member_free(p.a);
    world_free(&w);
}

/* The last commit of a drain is tested on real Kafka: the mock refuses commits during a rebalance. */
Test(kafka, the_next_owner_waits_for_the_drain)
{
    struct world w = world_new(TOPIC, 4);
    struct pair p = {.a = join_and_wait(&w)};
    p.a->hold_revoke = true;
    p.b = join(&w, 1);
    cr_assert(run_until(w.loop, a_is_revoking, &p, LONG_MS));
    cr_expect(not(p.a->lost));
    run_for(w.loop, 500);
    cr_expect(eq(u32, p.b->assignments, 0));
    p.a->hold_revoke = p.a->revoking = false;
    consumer_revoke_done(p.a->consumer);
    cr_expect(run_until(w.loop, share_alike, &p, LONG_MS));
    member_free(p.a);
    member_free(p.b);
    world_free(&w);
}

/* ---- producing ---- */

static void note_error(void *arg, const char *why)
{
    (void)why;
    ++*(unsigned *)arg;
}

struct sent {
    struct producer *p;
    struct acks acks;
};

static bool all_ended(void *arg)
{
    return producer_pending(((struct sent *)arg)->p) == 0;
}

static int send_one(struct sent *s)
{
    struct producer_message m = {
        .topic = TOPIC, .partition = 0, .key = "k", .key_len = 1, .value = "v", .value_len = 1};
    return producer_send(s->p, &m, count_ack, &s->acks, NULL);
}

Test(kafka, a_producer_that_turned_fatal_fails_what_it_had_and_works_again)
{
    struct world w = world_new(TOPIC, 1);
    unsigned errors = 0;
    struct sent s = {.p = producer_new(w.loop, &w.settings, 10000, note_error, &errors, NULL)};
    mock_kafka_fail(w.kafka, API_PRODUCE, ERR_OUT_OF_ORDER_SEQUENCE, 5);
    for (int i = 0; i < 3; i++)
        cr_assert(eq(int, send_one(&s), 0));
    cr_assert(run_until(w.loop, all_ended, &s, LONG_MS));
    cr_assert(eq(u32, s.acks.failed, 3), "%u were written", s.acks.ok);
    for (int i = 0; i < 20 && s.acks.ok == 0; i++) {
        run_for(w.loop, 300);
        if (send_one(&s) == 0)
            cr_assert(run_until(w.loop, all_ended, &s, LONG_MS));
    }
    cr_expect(lt(u32, 0, s.acks.ok), "%s", s.acks.why);
    cr_expect(lt(u32, 0, errors));
    producer_free(s.p, 1000);
    world_free(&w);
}

Test(kafka, without_a_partition_the_key_chooses_it_as_the_contract_does)
{
    struct world w = world_new(TOPIC, 4);
    struct sent s = {.p = producer_new(w.loop, &w.settings, 10000, NULL, NULL, NULL)};
    struct producer_message m = {
        .topic = TOPIC, .partition = -1, .key = "70001", .key_len = 5, .value = "v", .value_len = 1};
    cr_assert(eq(int, producer_send(s.p, &m, count_ack, &s.acks, NULL), 0));
    producer_free(s.p, LONG_MS);
    cr_assert(eq(u32, s.acks.ok, 1));
    struct member *c = join_and_wait(&w);
    cr_expect(run_until(w.loop, has_one, c, LONG_MS));
    int32_t want = partition_of(PARTITIONER_MURMUR2, "70001", 5, 4);
    cr_expect(eq(i64, c->next[want], 1), "in %d, not in %d", c->last_partition, want);
    member_free(c);
    world_free(&w);
}

/* ---- no broker ---- */

static bool has_error(void *arg)
{
    return ((struct member *)arg)->errors > 0;
}

Test(kafka, without_a_broker_it_says_so_messages_fail_in_time_and_all_can_be_freed)
{
    struct world w = world_new(TOPIC, 1);
    w.settings.brokers = "127.0.0.1:1";
    struct member *m = join(&w, 0);
    struct sent s = {.p = producer_new(w.loop, &w.settings, 1000, NULL, NULL, NULL)};
    cr_assert(eq(int, send_one(&s), 0));
    cr_expect(run_until(w.loop, has_error, m, LONG_MS));
    cr_expect(not(consumer_is_member(m->consumer)));
    cr_expect(eq(u32, m->fatal, 0));
    cr_expect(run_until(w.loop, all_ended, &s, LONG_MS));
    cr_expect(eq(u32, s.acks.failed, 1));
    cr_assert(eq(int, send_one(&s), 0));
    producer_free(s.p, 0);
    cr_expect(eq(u32, s.acks.failed, 1), "what is not waited for is not reported");
    member_free(m);
    world_free(&w);
}

/* ---- texts ---- */

Test(kafka, an_error_that_repeats_is_told_once_in_30_seconds_whatever_its_numbers)
{
    struct kafka_hush h = {0};
    cr_expect(kafka_hush_passes(&h, "Connect to 127.0.0.1:9092 failed (after 3ms)", 1000));
    cr_expect(not(kafka_hush_passes(&h, "Connect to 127.0.0.1:9092 failed (after 17ms)", 30999)));
    cr_expect(kafka_hush_passes(&h, "1/1 brokers are down", 30999));
    cr_expect(kafka_hush_passes(&h, "Connect to 127.0.0.1:9092 failed (after 5ms)", 31000));
}

/* ---- asking ---- */

Test(kafka, a_topics_partitions_are_counted_and_an_unreachable_broker_is_an_error)
{
    struct world w = world_new(TOPIC, 3);
    struct err err = {0};
    cr_expect(eq(int, kafka_topic_partitions(&w.settings, TOPIC, 5000, &err), 3));
    w.settings.brokers = "127.0.0.1:1";
    cr_expect(eq(int, kafka_topic_partitions(&w.settings, TOPIC, 300, &err), -1));
    cr_expect(eq(int, err.code, ERR_IO));
    world_free(&w);
}

Test(kafka, a_wrong_property_is_refused_by_name_and_a_secret_is_not_shown)
{
    struct world w = world_new(TOPIC, 1);
    struct settings_pair pairs[] = {{"zonk", "1"}, {"sasl.mechanism", "SCRAM-SHA-256"}};
    struct err err = {0};
    w.settings.librdkafka = pairs;
    w.settings.librdkafka_count = 1;
    cr_expect(eq(ptr, producer_new(w.loop, &w.settings, 1000, NULL, NULL, &err), NULL));
    cr_expect(strstr(err.msg, "zonk") != NULL);
    w.settings.librdkafka = &pairs[1];
    cr_expect(eq(ptr, producer_new(w.loop, &w.settings, 1000, NULL, NULL, &err), NULL));
    cr_expect(strstr(err.msg, "2.6.1") != NULL, "%s", err.msg);
    world_free(&w);
}
