/* The reader on a real broker: kafka_reader BROKERS RUN [restart]. It makes its topics, named RUN.something. With
 * `restart` it only reads over a restart of the broker, which the script does when it sees the line that says so.
 * Prints a line for each check, exit 0 when all held. Started by kafka_reader.sh. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "kafka_ops.h"
#include "support/kafka_member.h"
#include "support/kafka_read.h"

#define LONG_MS 90000

struct world {
    struct loop *loop;
    struct settings settings;
    struct settings_provider provider;
    struct kafka_ops *ops;
    struct reader *reader;
    struct told told;
    char run[32], topic[64];
    unsigned passed, failed;
};

static bool check(struct world *w, bool ok, const char *sentence)
{
    printf("%s  %s%s%s\n", ok ? "ok  " : "FAIL", sentence, ok || w->told.n == 0 ? "" : "; told: ",
           ok ? "" : w->told.text);
    fflush(stdout);
    w->passed += ok;
    w->failed += !ok;
    return ok;
}

static const char *name(struct world *w, const char *purpose)
{
    snprintf(w->topic, sizeof w->topic, "%s.%s", w->run, purpose);
    return w->topic;
}

static bool finish(struct world *w, struct taken *t)
{
    return run_until(w->loop, taken_is_done, t, LONG_MS);
}

/* Reads partition 0 of the topic from @offset to the end. */
static struct taken read_all(struct world *w, const char *topic, int64_t offset)
{
    struct taken t = {0};
    if (!take_from(&t, w->reader, topic, 0, offset) || !finish(w, &t))
        printf("not done: %zu messages, last %lld; told: %s\n", t.messages, (long long)t.last, w->told.text);
    return t;
}

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* ---- the checks ---- */

static void many(struct world *w)
{
    const char *topic = name(w, "many");
    kafka_ops_create(w->ops, topic, 1, NULL);
    kafka_ops_produce(w->ops, topic, 0, 300000, 20, 1000);
    int64_t from = now_ms();
    struct taken t = read_all(w, topic, 0);
    fprintf(stderr, "300,000 small messages in %lld ms\n", (long long)(now_ms() - from));
    check(w, t.ok && t.messages == 300000 && t.out_of_order == 0 && t.end == 300000 && t.last == 299999,
          "300,000 messages come whole and in order");
    kafka_ops_produce(w->ops, topic, 0, 40000, 1000, 1000);
    from = now_ms();
    t = read_all(w, topic, 300000);
    fprintf(stderr, "40,000 messages of 1,000 bytes in %lld ms\n", (long long)(now_ms() - from));
    check(w, t.ok && t.messages == 40000 && t.first == 300000 && t.out_of_order == 0,
          "40,000 large ones too, from an offset on");
    t = (struct taken){.cancel_at = 5000};
    check(w, take_from(&t, w->reader, topic, 0, 100000), "a read begins");
    run_for(w->loop, 1000);
    check(w, t.messages == 5000 && t.done == 0 && t.first == 100000, "cancelled midway it is silent");
    t = read_all(w, topic, 339000);
    check(w, t.ok && t.messages == 1000 && t.first == 339000, "and the partition can be read again");
}

static void by_time(struct world *w)
{
    const char *topic = name(w, "time");
    kafka_ops_create(w->ops, topic, 1, NULL);
    kafka_ops_produce(w->ops, topic, 0, 100, 10, 100);
    run_for(w->loop, 50);
    int64_t middle = now_ms();
    run_for(w->loop, 50);
    kafka_ops_produce(w->ops, topic, 0, 70, 10, 100);
    struct taken t = {0};
    struct reader_range range = {.topic = topic, .from = READER_TIME, .time_ms = middle};
    check(w, take(&t, w->reader, &range) && finish(w, &t), "a read by time ends");
    check(w, t.ok && t.first == 100 && t.messages == 70 && t.end == 170, "it begins with the first message of that time");
    range.time_ms = now_ms() + 3600000;
    check(w, take(&t, w->reader, &range) && finish(w, &t) && t.ok && t.messages == 0 && t.end == 170,
          "a time to come finds nothing");
    range.time_ms = 1;
    check(w, take(&t, w->reader, &range) && finish(w, &t) && t.messages == 170, "a time before all finds all");
}

static void compacted(struct world *w)
{
    static const char *const config[] = {"cleanup.policy=compact", "min.cleanable.dirty.ratio=0.01", "segment.ms=500",
                                         "delete.retention.ms=600000", "min.compaction.lag.ms=0", NULL};
    const char *topic = name(w, "compact");
    kafka_ops_create(w->ops, topic, 1, config);
    kafka_ops_produce(w->ops, topic, 0, 30000, 40, 10);
    kafka_ops_tombstone(w->ops, topic, 3);
    struct taken t = {0};
    for (int64_t end = now_ms() + LONG_MS; now_ms() < end;) { /* a new segment first: the last one is not compacted */
        run_for(w->loop, 2000);
        kafka_ops_produce(w->ops, topic, 0, 1, 1, 1);
        t = read_all(w, topic, 0);
        if (!t.ok || t.messages < 20000)
            break;
    }
    check(w, t.ok && t.messages < 20000 && t.first > 0, "a compacted log is read over its gaps");
    check(w, t.last == t.end - 1 && t.out_of_order == 0 && t.tombstones == 1, "to its end, tombstones too");
}

/* The marker of a transaction is written after its end was answered. */
static struct taken read_to_end(struct world *w, const char *topic, int64_t end)
{
    struct taken t = read_all(w, topic, 0);
    for (int i = 0; i < 100 && t.ok && t.end < end; i++) {
        run_for(w->loop, 100);
        t = read_all(w, topic, 0);
    }
    return t;
}

static void transactions(struct world *w)
{
    const char *topic = name(w, "transactions");
    kafka_ops_create(w->ops, topic, 1, NULL);
    kafka_ops_transaction(w->ops, topic, 5, KAFKA_COMMIT);
    struct taken t = read_to_end(w, topic, 6);
    check(w, t.ok && t.messages == 5 && t.end == 6 && t.last == 4, "the marker of a transaction at the end ends a read");
    kafka_ops_transaction(w->ops, topic, 7, KAFKA_ABORT);
    t = read_to_end(w, topic, 14);
    check(w, t.ok && t.messages == 5 && t.end == 14, "what was aborted is left out, and the read ends behind it");
    t = read_all(w, topic, 6);
    check(w, t.ok && t.messages == 0 && t.end == 14, "also when there is nothing else");
    kafka_ops_transaction(w->ops, topic, 3, KAFKA_LEAVE_OPEN);
    kafka_ops_produce(w->ops, topic, 0, 2, 1, 1);
    t = read_all(w, topic, 0);
    check(w, t.ok && t.messages == 5 && t.end == 14, "an open transaction is the end: the last stable offset");
}

static void log_start(struct world *w)
{
    const char *topic = name(w, "start");
    kafka_ops_create(w->ops, topic, 1, NULL);
    kafka_ops_produce(w->ops, topic, 0, 1000, 10, 10);
    kafka_ops_delete_before(w->ops, topic, 600);
    struct taken t = read_all(w, topic, 100);
    check(w, t.ok && t.first == 600 && t.messages == 400, "below the log's start it begins with the start");
    kafka_ops_delete_before(w->ops, topic, 1000);
    t = read_all(w, topic, 100);
    check(w, t.ok && t.messages == 0 && t.end == 1000, "an emptied log is done");
}

static void missing(struct world *w)
{
    const char *topic = name(w, "none");
    struct taken t = {0}, other = {0};
    char four[64];
    snprintf(four, sizeof four, "%s", name(w, "four"));
    kafka_ops_create(w->ops, four, 4, NULL);
    kafka_ops_produce(w->ops, four, 2, 10, 1, 1);
    topic = name(w, "none");
    check(w, take_from(&t, w->reader, topic, 0, 0), "a read of a topic that is none begins");
    check(w, take_from(&other, w->reader, four, 2, 0) && finish(w, &other) && other.messages == 10 && t.done == 0,
          "it keeps no other read back");
    check(w, finish(w, &t) && !t.ok && strstr(t.why, ".none has no partition 0") != NULL, "and fails for good");
    check(w, take_from(&t, w->reader, four, 4, 0) && finish(w, &t) && !t.ok, "so does a partition that is none");
}

static void stop_early(struct taken *t)
{
    struct world *w = t->each_arg;
    if (t->messages == 100)
        loop_stop(w->loop);
}

/* Begins to read 40,000 messages, more than the reader's queue holds, and stands still after 100. */
static bool begin_long_read(struct world *w, const char *topic, struct taken *t)
{
    kafka_ops_create(w->ops, topic, 1, NULL);
    kafka_ops_produce(w->ops, topic, 0, 40000, 1000, 1000);
    *t = (struct taken){.each = stop_early, .each_arg = w};
    if (!take_from(t, w->reader, topic, 0, 0))
        return false;
    loop_run(w->loop);
    return t->messages >= 100 && t->messages < 1000;
}

static void topic_goes_away(struct world *w)
{
    struct taken t;
    const char *topic = name(w, "gone");
    check(w, begin_long_read(w, topic, &t), "a long read is on its way");
    kafka_ops_delete(w->ops, topic);
    check(w, finish(w, &t) && !t.ok && t.messages < 40000, "its topic is deleted: it fails");
    topic = name(w, "again");
    check(w, begin_long_read(w, topic, &t), "another is on its way");
    kafka_ops_delete(w->ops, topic);
    struct timespec moment = {.tv_sec = 1};
    nanosleep(&moment, NULL);
    kafka_ops_create(w->ops, topic, 1, NULL);
    kafka_ops_produce(w->ops, topic, 0, 5, 10, 10);
    check(w, finish(w, &t) && t.out_of_order == 0, "its topic is made anew and short: it ends");
    check(w, t.ok ? t.end == 5 && strstr(w->told.text, "has become shorter") != NULL : t.why[0] != '\0',
          "at the new end, and says so, or as missing");
}

static bool says_gone(void *arg)
{
    return strstr(((struct member *)arg)->errors_text, "does not exist") != NULL;
}

/* librdkafka 2.0.2 by itself would never come back from its end. */
static void consumers_topic_goes_away(struct world *w)
{
    const char *topic = name(w, "events");
    kafka_ops_create(w->ops, topic, 1, NULL);
    kafka_ops_produce(w->ops, topic, 0, 100, 10, 10);
    struct member *m = member_new(w->loop, &w->settings, &w->provider, topic, topic, 0);
    check(w, m && run_until(w->loop, member_has_assignment, m, LONG_MS), "a group's member has a partition");
    run_for(w->loop, 500);
    kafka_ops_delete(w->ops, topic);
    check(w, run_until(w->loop, says_gone, m, LONG_MS), "its topic is deleted: it says so");
    run_for(w->loop, 1000);
    member_free(m);
    check(w, true, "and it can be freed");
}

/* A broker that is away stays unseen by the reads but for the time that they take. */
static void over_a_restart(struct world *w)
{
    struct taken t, other = {0};
    const char *topic = name(w, "restart");
    check(w, begin_long_read(w, topic, &t), "a long read is on its way");
    printf("restart\n");
    fflush(stdout);
    check(w, getchar() == 'd', "the broker goes away");
    char four[64];
    snprintf(four, sizeof four, "%s.four", w->run);
    check(w, take_from(&other, w->reader, four, 0, 0), "a read begins without a broker");
    run_for(w->loop, 2000);
    check(w, t.done == 0 && other.done == 0, "both wait");
    printf("start\n");
    fflush(stdout);
    check(w, finish(w, &t) && t.ok && t.messages == 40000 && t.out_of_order == 0 && t.last == 39999,
          "the broker comes back: every message once and in order");
    check(w, finish(w, &other) && !other.ok, "and the other read gets its answer");
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: kafka_reader BROKERS RUN [restart]\n");
        return 2;
    }
    struct world w = {.loop = loop_new(NULL), .ops = kafka_ops_new(argv[1])};
    snprintf(w.run, sizeof w.run, "%s", argv[2]);
    member_settings(&w.settings, &w.provider, argv[1]);
    w.reader = reader_new(w.loop, &w.settings, note_told, &w.told, NULL);
    if (argc > 3) {
        over_a_restart(&w);
    } else {
        many(&w);
        by_time(&w);
        transactions(&w);
        log_start(&w);
        missing(&w);
        topic_goes_away(&w);
        consumers_topic_goes_away(&w);
        compacted(&w);
    }
    reader_free(w.reader);
    kafka_ops_free(w.ops);
    loop_free(w.loop);
    printf("%u passed, %u failed\n", w.passed, w.failed);
    return w.failed == 0 ? 0 : 1;
}
