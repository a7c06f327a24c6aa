/* tvbridge-mock-broker - librdkafka's mock cluster as a program: a Kafka for the demo, no Java needed.
 *
 * It keeps about 5 MB a partition in memory and forgets all at the end; the port is its own choice. */
#include <getopt.h>
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PARTITIONS_MAX 1000

static const char usage_text[] =
    "usage: tvbridge-mock-broker [--topic NAME[:PARTITIONS]]... [--partitions N]\n"
    "  --topic       makes this topic; others come into being with 4 partitions when they are first asked for\n"
    "  --partitions  of topics without a number of their own, 12 by default\n"
    "Prints \"listening on HOST:PORT\" and runs until SIGTERM or SIGINT.\n";

/* The number in @s within 1..PARTITIONS_MAX, or -1. */
static int partitions_of(const char *s)
{
    char *end;
    long n = strtol(s, &end, 10);
    return *s != '\0' && *end == '\0' && n >= 1 && n <= PARTITIONS_MAX ? (int)n : -1;
}

/* @spec: NAME[:PARTITIONS]. */
static int make_topic(rd_kafka_mock_cluster_t *cluster, const char *spec, int partitions)
{
    char name[250];
    const char *colon = strrchr(spec, ':');
    size_t len = colon ? (size_t)(colon - spec) : strlen(spec);
    int n = colon ? partitions_of(colon + 1) : partitions;
    if (len == 0 || len >= sizeof name || n < 0) {
        fprintf(stderr, "tvbridge-mock-broker: --topic '%s': want NAME or NAME:PARTITIONS\n", spec);
        return -1;
    }
    memcpy(name, spec, len);
    name[len] = '\0';
    rd_kafka_resp_err_t code = rd_kafka_mock_topic_create(cluster, name, n, 1);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        return 0;
    fprintf(stderr, "tvbridge-mock-broker: topic %s: %s\n", name, rd_kafka_err2str(code));
    return -1;
}

struct options {
    int partitions;
    char **topics; /* points into argv */
    int topic_count;
};

enum { GO_ON = -1 };

/* GO_ON, or the exit status. */
static int read_options(int argc, char **argv, struct options *ret)
{
    static const struct option longs[] = {
        {"topic", required_argument, NULL, 't'}, {"partitions", required_argument, NULL, 'p'},
        {"help", no_argument, NULL, 'h'},        {NULL, 0, NULL, 0},
    };
    for (int o; (o = getopt_long(argc, argv, "h", longs, NULL)) != -1;) {
        if (o == 'h') {
            fputs(usage_text, stdout);
            return 0;
        }
        if (o == 't')
            ret->topics[ret->topic_count++] = optarg;
        else
            ret->partitions = o == 'p' ? partitions_of(optarg) : -1;
    }
    if (optind == argc && ret->partitions > 0)
        return GO_ON;
    fputs(usage_text, stderr);
    return 2;
}

static rd_kafka_t *make_handle(void)
{
    char why[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "log_level", "3", why, sizeof why);
    rd_kafka_t *rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof why);
    if (rk == NULL)
        fprintf(stderr, "tvbridge-mock-broker: %s\n", why);
    return rk;
}

static int run(rd_kafka_mock_cluster_t *cluster, const struct options *o, const sigset_t *ends)
{
    int sig;
    for (int i = 0; i < o->topic_count; i++)
        if (make_topic(cluster, o->topics[i], o->partitions) < 0)
            return 2;
    printf("listening on %s\n", rd_kafka_mock_cluster_bootstraps(cluster));
    fflush(stdout);
    sigwait(ends, &sig);
    return 0;
}

int main(int argc, char **argv)
{
    struct options o = {.partitions = 12, .topics = calloc((size_t)argc, sizeof *o.topics)};
    int status = o.topics ? read_options(argc, argv, &o) : 1;
    if (status != GO_ON) {
        free(o.topics);
        return status;
    }
    /* Blocked before librdkafka starts threads, so that they inherit it and sigwait() gets the signal. */
    sigset_t ends;
    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGINT);
    sigprocmask(SIG_BLOCK, &ends, NULL);

    rd_kafka_t *rk = make_handle();
    rd_kafka_mock_cluster_t *cluster = rk ? rd_kafka_mock_cluster_new(rk, 1) : NULL;
    status = cluster ? run(cluster, &o, &ends) : 1;
    if (cluster)
        rd_kafka_mock_cluster_destroy(cluster);
    if (rk)
        rd_kafka_destroy(rk);
    free(o.topics);
    return status;
}
