/* load.c - bench-load: publishes the benchmark's events and watches for their outcomes. */
#include "load.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

int64_t load_now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

rd_kafka_t *load_client(const struct load *l, rd_kafka_type_t type, const char *const *properties,
                        load_delivered_fn *delivered)
{
    char why[256] = "out of memory";
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    bool good = rd_kafka_conf_set(conf, "bootstrap.servers", l->brokers, why, sizeof(why)) == RD_KAFKA_CONF_OK;
    for (; good && *properties != NULL; properties += 2)
        good = rd_kafka_conf_set(conf, properties[0], properties[1], why, sizeof(why)) == RD_KAFKA_CONF_OK;
    if (delivered != NULL)
        rd_kafka_conf_set_dr_msg_cb(conf, delivered);
    rd_kafka_t *rk = good ? rd_kafka_new(type, conf, why, sizeof(why)) : NULL;
    if (rk == NULL) {
        fprintf(stderr, "bench-load: %s\n", why);
        rd_kafka_conf_destroy(conf);
    }
    return rk;
}

int load_partitions(rd_kafka_t *rk, const char *topic)
{
    const struct rd_kafka_metadata *m = NULL;
    rd_kafka_topic_t *t = rd_kafka_topic_new(rk, topic, NULL);
    rd_kafka_resp_err_t err = rd_kafka_metadata(rk, 0, t, &m, 10000);
    int n = err == RD_KAFKA_RESP_ERR_NO_ERROR && m->topic_cnt == 1 ? m->topics[0].partition_cnt : 0;
    if (n == 0)
        fprintf(stderr, "bench-load: topic %s: %s\n", topic, err ? rd_kafka_err2str(err) : "there is none");
    if (m != NULL)
        rd_kafka_metadata_destroy(m);
    rd_kafka_topic_destroy(t);
    return n;
}

rd_kafka_t *load_outcomes_reader(const struct load *l, bool from_end)
{
    static const char *const properties[] = {"group.id", "bench-load", "enable.auto.commit", "false",
                                             "fetch.wait.max.ms", "100", NULL};
    rd_kafka_t *rk = load_client(l, RD_KAFKA_CONSUMER, properties, NULL);
    int n = rk != NULL ? load_partitions(rk, l->outcomes_topic) : 0;
    if (n == 0) {
        if (rk != NULL)
            rd_kafka_destroy(rk);
        return NULL;
    }
    rd_kafka_poll_set_consumer(rk);
    rd_kafka_topic_partition_list_t *all = rd_kafka_topic_partition_list_new(n);
    for (int i = 0; i < n; i++)
        rd_kafka_topic_partition_list_add(all, l->outcomes_topic, i)->offset =
            from_end ? RD_KAFKA_OFFSET_END : RD_KAFKA_OFFSET_BEGINNING;
    rd_kafka_assign(rk, all);
    rd_kafka_topic_partition_list_destroy(all);
    return rk;
}

static const struct {
    const char *name;
    int (*run)(const struct load *l);
} modes[] = {
    {"publish", load_publish},
    {"wait", load_wait},
    {"outcomes", load_outcomes},
    {"tip", load_tip},
};

static int usage(void)
{
    fprintf(stderr, "usage: bench-load publish|wait|outcomes|tip --brokers B --events-topic T --outcomes-topic T\n"
                    "                  --provider P --events N --services S [--timeout-s S] [--interval-ms M]\n");
    return 2;
}

static bool parse_options(int argc, char **argv, struct load *l)
{
    static const struct option options[] = {
        {"brokers", required_argument, NULL, 'b'},      {"events-topic", required_argument, NULL, 't'},
        {"outcomes-topic", required_argument, NULL, 'o'}, {"provider", required_argument, NULL, 'p'},
        {"events", required_argument, NULL, 'e'},       {"services", required_argument, NULL, 's'},
        {"timeout-s", required_argument, NULL, 'w'},    {"interval-ms", required_argument, NULL, 'i'},
        {NULL, 0, NULL, 0},
    };
    int o;
    while ((o = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (o) {
        case 'b': l->brokers = optarg; break;
        case 't': l->events_topic = optarg; break;
        case 'o': l->outcomes_topic = optarg; break;
        case 'p': l->provider = optarg; break;
        case 'e': l->events = strtoull(optarg, NULL, 10); break;
        case 's': l->services = strtoull(optarg, NULL, 10); break;
        case 'w': l->timeout_s = (unsigned)strtoul(optarg, NULL, 10); break;
        case 'i': l->interval_ms = (unsigned)strtoul(optarg, NULL, 10); break;
        default: return false;
        }
    }
    return optind == argc && l->brokers != NULL && l->events > 0 && l->services > 0;
}

int main(int argc, char **argv)
{
    struct load l = {.events_topic = "tvbridge.events.bench", .outcomes_topic = "tvbridge.outcomes",
                     .provider = "bench", .timeout_s = 600, .interval_ms = 30, .services = 1};
    if (argc < 2)
        return usage();
    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++)
        if (strcmp(argv[1], modes[i].name) == 0)
            return parse_options(argc - 1, argv + 1, &l) ? modes[i].run(&l) : usage();
    return usage();
}
