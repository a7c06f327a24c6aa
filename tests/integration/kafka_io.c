/* Consumer and producer on a real broker: kafka_io BROKERS RUN. The topics RUN.one (1 partition) and RUN.four (4)
 * exist, RUN.late and RUN.acts do not. Prints a line for each check, exit 0 when all held. Started by kafka_io.sh. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "support/kafka_member.h"

#define LONG_MS 60000

struct world {
    struct loop *loop;
    struct settings settings;
    struct settings_provider provider;
    char one[64], four[64], late[64], acts[64]; /* topics */
    unsigned passed, failed;
};

static struct world world_new(const char *brokers, const char *run)
{
    struct world w = {.loop = loop_new(NULL)};
    snprintf(w.one, sizeof w.one, "%s.one", run);
    snprintf(w.four, sizeof w.four, "%s.four", run);
    snprintf(w.late, sizeof w.late, "%s.late", run);
    snprintf(w.acts, sizeof w.acts, "%s.acts", run);
    member_settings(&w.settings, &w.provider, brokers);
    return w;
}

static void check(struct world *w, bool ok, const char *sentence, const char *why)
{
    printf("%s  %s%s%s\n", ok ? "ok  " : "FAIL", sentence, ok || !why || !*why ? "" : ": ", ok || !why ? "" : why);
    fflush(stdout);
    w->passed += ok;
    w->failed += !ok;
}

/* The group is named after the topic, so that two runs on one broker do not meet. */
static struct member *join(struct world *w, const char *topic, const char *purpose, unsigned thread)
{
    char group[128];
    snprintf(group, sizeof group, "%s.%s", topic, purpose);
    struct member *m = member_new(w->loop, &w->settings, &w->provider, topic, group, thread);
    if (m == NULL)
        exit(1);
    return m;
}

static struct member *join_and_wait(struct world *w, const char *topic, const char *group)
{
    struct member *m = join(w, topic, group, 0);
    check(w, run_until(w->loop, member_has_assignment, m, LONG_MS), "a member gets its partitions", m->error);
    return m;
}

static bool commit_and_wait(struct world *w, struct member *m, int32_t partition, int64_t offset, const char *md,
                            size_t len)
{
    unsigned ok_before = m->commits_ok;
    if (member_commit(m, partition, offset, md, len) < 0)
        return false;
    return run_until(w->loop, member_commit_is_done, m, LONG_MS) && m->commits_ok == ok_before + 1;
}

struct want {
    const struct member *m;
    size_t n;
};

static bool has_delivered(void *arg)
{
    const struct want *x = arg;
    return x->m->delivered >= x->n;
}

/* ---- the checks ---- */

static void read_and_commit(struct world *w)
{
    char metadata[CONSUMER_METADATA_MAX + 1];
    memset(metadata, 'm', sizeof metadata);
    check(w, produce_some(w->loop, &w->settings, w->one, 0, 1000), "1000 messages are acknowledged", NULL);
    struct member *m = join_and_wait(w, w->one, "commit");
    struct want all = {m, 1000};
    check(w, run_until(w->loop, has_delivered, &all, LONG_MS), "all are delivered", m->error);
    check(w, m->out_of_order == 0 && m->committed[0] == -1, "from the beginning and in order", NULL);
    check(w, commit_and_wait(w, m, 0, 900, metadata, CONSUMER_METADATA_MAX), "4096 bytes of metadata are kept",
          m->commit_why);
    check(w, member_commit(m, 0, 950, metadata, CONSUMER_METADATA_MAX + 1) < 0, "4097 bytes are refused", NULL);
    member_free(m);
    m = join_and_wait(w, w->one, "commit");
    check(w, m->committed[0] == 900 && m->metadata_len[0] == CONSUMER_METADATA_MAX &&
             memcmp(m->metadata[0], metadata, CONSUMER_METADATA_MAX) == 0,
          "the next owner gets them back", NULL);
    all = (struct want){m, 100};
    check(w, run_until(w->loop, has_delivered, &all, LONG_MS), "and reads from the commit on", NULL);
    member_free(m);
}

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

static void hand_over(struct world *w)
{
    struct pair p = {.a = join_and_wait(w, w->four, "rebalance")};
    p.a->hold_revoke = true;
    p.b = join(w, w->four, "rebalance", 1);
    check(w, run_until(w->loop, a_is_revoking, &p, LONG_MS), "a second member makes the first drain", p.a->error);
    run_for(w->loop, 1000);
    check(w, p.b->assignments == 0, "the second waits for the drain", NULL);
    check(w, commit_and_wait(w, p.a, 2, 5, "drained", 7), "the last commit of the drain is accepted",
          p.a->commit_why);
    p.a->hold_revoke = p.a->revoking = false;
    consumer_revoke_done(p.a->consumer);
    check(w, run_until(w->loop, share_alike, &p, LONG_MS), "then they share", p.b->error);
    struct member *owner = p.a->owns[2] ? p.a : p.b;
    check(w, owner->committed[2] == 5 && strcmp(owner->metadata[2], "drained") == 0,
          "and the new owner knows the last commit", NULL);
    member_free(p.b);
    member_free(p.a);
}

static bool b_has_all(void *arg)
{
    return ((struct pair *)arg)->b->owned == 4;
}

struct zombie {
    struct member *m;
    unsigned refused; /* commits that were not sent: the place in the group is lost */
};

static void try_commit(struct zombie *z)
{
    struct err err = {0};
    const struct consumer_partition p = {.partition = 0, .offset = 99, .metadata = "zombie", .metadata_len = 6};
    if (consumer_commit_outstanding(z->m->consumer))
        return;
    if (consumer_commit(z->m->consumer, &p, 1, &err) < 0 && strstr(err.msg, "lost its place"))
        z->refused++;
}

/* It goes on committing until it is told that the partitions are gone, and a little longer. */
static bool is_told(void *arg)
{
    struct zombie *z = arg;
    try_commit(z);
    return z->m->revocations > 0 && z->refused + z->m->commits_fenced > 0;
}

/* The zombie is a process that is stopped until the group has forgotten it. It writes what became of its commits: 'f' none
 * got through, by the broker's word or because none was sent, and it was told that its partitions are gone. */
static void be_zombie(struct world *w, int out)
{
    struct zombie z = {.m = join_and_wait(w, w->four, "zombie")};
    z.m->hold_revoke = true;
    dprintf(out, "r");
    kill(getpid(), SIGSTOP);
    try_commit(&z);
    bool told = run_until(w->loop, is_told, &z, 15000);
    dprintf(out, "%c", told && z.m->commits_ok == 0 ? 'f' : 'o');
    _exit(0);
}

static void zombie(struct world *w, const char *brokers, const char *run)
{
    int pipes[2], status;
    char got[3] = "";
    if (pipe(pipes) < 0)
        exit(1);
    pid_t pid = fork();
    if (pid == 0) { /* its own loop and handles: nothing of librdkafka is shared across the fork */
        struct world z = world_new(brokers, run);
        be_zombie(&z, pipes[1]);
    }
    close(pipes[1]);
    for (int32_t i = 0; i < 4; i++)
        check(w, produce_some(w->loop, &w->settings, w->four, i, 100), "100 messages in a partition", NULL);
    check(w, read(pipes[0], got, 1) == 1, "another process owns the group", NULL);
    waitpid(pid, &status, WUNTRACED);
    struct pair p = {.b = join(w, w->four, "zombie", 1)};
    check(w, run_until(w->loop, b_has_all, &p, LONG_MS), "a stopped owner loses its partitions", p.b->error);
    check(w, commit_and_wait(w, p.b, 0, 7, "mine", 4), "the new owner commits", p.b->commit_why);
    kill(pid, SIGCONT);
    ssize_t n = 0;
    for (int64_t end = clock_mono_ns() + 20000000000; n < 1 && clock_mono_ns() < end;) {
        run_for(w->loop, 100);
        n = waitpid(pid, &status, WNOHANG) == pid ? read(pipes[0], got, 1) : 0;
    }
    got[n < 0 ? 0 : n] = '\0';
    check(w, n == 1 && got[0] == 'f', "no commit of the zombie gets through, and it is told", got);
    close(pipes[0]);
    member_free(p.b);
    struct member *m = join_and_wait(w, w->four, "zombie");
    check(w, m->committed[0] == 7 && strcmp(m->metadata[0], "mine") == 0, "and changed nothing", NULL);
    member_free(m);
}

static void out_of_range(struct world *w)
{
    struct member *m = join_and_wait(w, w->one, "range");
    struct want all = {m, 1000};
    (void)run_until(w->loop, has_delivered, &all, LONG_MS);
    check(w, commit_and_wait(w, m, 0, 5000, "beyond", 6), "an offset beyond the log is committed", m->commit_why);
    member_free(m);
    m = join_and_wait(w, w->one, "range");
    check(w, m->committed[0] == 1000 && m->metadata_len[0] == 0, "the next owner starts at the end instead", NULL);
    check(w, strstr(m->error, "no longer there") != NULL, "it is told loudly", m->error);
    check(w, produce_some(w->loop, &w->settings, w->one, 0, 5), "five more", NULL);
    struct want five = {m, 5};
    check(w, run_until(w->loop, has_delivered, &five, LONG_MS), "and reading goes on", m->error);
    member_free(m);
}

static bool says_missing(void *arg)
{
    return strstr(((struct member *)arg)->error, "tvbridge topics create") != NULL;
}

/* The script makes the topic when it sees the line that says so. */
static void late_topic(struct world *w)
{
    check(w, kafka_topic_partitions(&w->settings, w->four, 10000, NULL) == 4, "partitions are counted", NULL);
    check(w, kafka_topic_partitions(&w->settings, w->late, 10000, NULL) == 0, "a topic that is none has 0", NULL);
    struct member *m = join(w, w->late, "late", 0);
    check(w, run_until(w->loop, says_missing, m, LONG_MS), "a missing topic is told in words", m->error);
    printf("make late\n");
    fflush(stdout);
    check(w, run_until(w->loop, member_has_assignment, m, LONG_MS), "it comes alive when the topic appears",
          m->error);
    member_free(m);
}

static bool flows_without_control(void *arg)
{
    const struct member *m = arg;
    return m->delivered > 0 && strstr(m->errors_text, "acts does not exist: create it with `tvbridge topics create`");
}

static bool has_four_of_both(void *arg)
{
    const struct member *m = arg;
    return m->owned == 4 && m->control.owned == 4;
}

static bool has_two_acts(void *arg)
{
    return ((struct member *)arg)->control.delivered >= 2;
}

static bool share_both_alike(void *arg)
{
    const struct pair *p = arg;
    return share_alike(arg) && p->a->control.owned == 2 && p->b->control.owned == 2;
}

static struct member *join_both(struct world *w, unsigned thread)
{
    char group[128];
    snprintf(group, sizeof group, "%s.both", w->four);
    struct member *m =
        member_new_with_control(w->loop, &w->settings, &w->provider, w->four, w->acts, group, thread);
    if (m == NULL)
        exit(1);
    return m;
}

static bool same_numbers(const struct member *m)
{
    return memcmp(m->owns, m->control.owns, sizeof m->owns) == 0;
}

static bool commit_both(struct world *w, struct member *m)
{
    const struct consumer_partition list[] = {
        {.partition = 3, .offset = 4, .metadata = "events", .metadata_len = 6},
        {.control = true, .partition = 3, .offset = 1, .metadata = "acts", .metadata_len = 4},
    };
    return consumer_commit(m->consumer, list, 2, NULL) == 0 && run_until(w->loop, member_commit_is_done, m, LONG_MS) &&
           m->commits_ok == 1;
}

/* The script makes the topic of the acts when it sees the line that says so. */
static void events_and_acts(struct world *w)
{
    struct pair p = {.a = join_both(w, 0)};
    check(w, run_until(w->loop, flows_without_control, p.a, LONG_MS),
          "without its control topic a member says so, and events flow", p.a->errors_text);
    check(w, p.a->control.owned == 0 && strstr(p.a->errors_text, "no act of an operator is carried out") != NULL,
          "and which partitions are without acts", p.a->errors_text);
    printf("make acts\n");
    fflush(stdout);
    check(w, run_until(w->loop, has_four_of_both, p.a, LONG_MS), "it comes with a rebalance when it is made",
          p.a->error);
    check(w, produce_some(w->loop, &w->settings, w->acts, 3, 2), "two acts are written", NULL);
    check(w, run_until(w->loop, has_two_acts, p.a, LONG_MS) && p.a->control.out_of_order == 0,
          "and read from the beginning", p.a->error);
    check(w, commit_both(w, p.a), "one commit holds both topics", p.a->commit_why);
    p.b = join_both(w, 1);
    check(w, run_until(w->loop, share_both_alike, &p, LONG_MS), "two members share both topics", p.b->error);
    check(w, same_numbers(p.a) && same_numbers(p.b), "by the same numbers", NULL);
    struct member *owner = p.a->owns[3] ? p.a : p.b;
    check(w, owner->committed[3] == 4 && strcmp(owner->metadata[3], "events") == 0, "the events' commit is known", NULL);
    check(w, owner->control.committed[3] == 1 && strcmp(owner->control.metadata[3], "acts") == 0,
          "and the acts' own", NULL);
    check(w, strstr(p.b->errors_text, "came without") == NULL, "nothing is told of topics that fit", p.b->errors_text);
    member_free(p.b);
    member_free(p.a);
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: kafka_io BROKERS RUN\n");
        return 2;
    }
    struct world w = world_new(argv[1], argv[2]);
    zombie(&w, argv[1], argv[2]); /* first: it forks, before this process has threads */
    read_and_commit(&w);
    hand_over(&w);
    out_of_range(&w);
    late_topic(&w);
    events_and_acts(&w);
    loop_free(w.loop);
    printf("%u passed, %u failed\n", w.passed, w.failed);
    return w.failed == 0 ? 0 : 1;
}
