#include "scan.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

#define POLL_MS 100
#define HEADERS_MAX 128
#define AGAIN_US 100000
#define SILENCE_MS 30000 /* a broker that says nothing for so long while ends are missing */

struct scanner {
    const struct kafka_place *place;
    struct kafka_client *client;
    const struct rd_kafka_metadata *metadata;
};

static struct kafka_client *connect_kafka(const struct kafka_place *place, struct err *reterr)
{
    char group[300];
    snprintf(group, sizeof(group), "%soperators.view", place->prefix);
    const struct settings_pair own[] = {
        {"group.id", group}, /* librdkafka wants one; nothing is ever committed under it */
        {"enable.auto.commit", "false"},
        {"enable.partition.eof", "true"},
        {"auto.offset.reset", "earliest"}, /* what was asked for was deleted by retention: what is left */
        {"queued.max.messages.kbytes", "32768"},
        {"fetch.wait.max.ms", "50"},
    };
    return kafka_client_new(place, RD_KAFKA_CONSUMER, own, ARRAY_LEN(own), NULL, NULL, reterr);
}

struct scanner *scanner_new(const struct kafka_place *place, struct err *reterr)
{
    struct scanner *s = calloc(1, sizeof(*s));
    if (s == NULL) {
        err_nomem(reterr);
        return NULL;
    }
    s->place = place;
    s->client = connect_kafka(place, reterr);
    if (s->client != NULL)
        s->metadata = kafka_client_metadata(s->client, place, place->options->timeout_ms, reterr);
    if (s->metadata == NULL) {
        scanner_free(s);
        return NULL;
    }
    rd_kafka_poll_set_consumer(s->client->rk);
    return s;
}

void scanner_free(struct scanner *s)
{
    if (s == NULL)
        return;
    if (s->metadata != NULL)
        rd_kafka_metadata_destroy(s->metadata);
    if (s->client != NULL)
        rd_kafka_consumer_close(s->client->rk);
    kafka_client_free(s->client);
    free(s);
}

static int32_t partitions_of(const struct scanner *s, const char *topic, const char *provider, struct err *reterr)
{
    const rd_kafka_metadata_topic_t *t = kafka_find_topic(s->metadata, topic);
    int32_t want = s->place->partitions;
    if (t == NULL)
        return err_set(reterr, ERR_INVAL,
                       "there is no topic %s: is \"%s\" the right provider? `tvbridge topics create --provider %s` makes "
                       "its topics",
                       topic, provider, provider);
    if (want > 0 && t->partition_cnt != want)
        return err_set(reterr, ERR_INVAL, "topic %s has %d partitions, the settings say %d", topic, t->partition_cnt,
                       (int)want);
    return t->partition_cnt;
}

static int name_topic(const struct scanner *s, enum topic_kind kind, const char *provider, char ret[TOPIC_NAME_SIZE],
                      struct err *reterr)
{
    if (topic_name(kind, s->place->prefix, provider, ret) == 0)
        return 0;
    return err_set(reterr, ERR_INVAL, "prefix and provider together are too long for a topic's name");
}

int32_t scanner_partitions(const struct scanner *s, enum topic_kind kind, const char *provider, struct err *reterr)
{
    char topic[TOPIC_NAME_SIZE];
    if (name_topic(s, kind, provider, topic, reterr) != 0)
        return -1;
    return partitions_of(s, topic, provider, reterr);
}

int32_t scanner_partition_of(const struct scanner *s, const char *provider, const char *service, struct err *reterr)
{
    int32_t n = scanner_partitions(s, TOPIC_EVENTS, provider, reterr);
    return n < 0 ? -1 : partition_of(s->place->partitioner, service, strlen(service), n);
}

/* ---- one scan ---- */

struct pass {
    struct scanner *scanner;
    const struct scan_source *sources;
    size_t n;
    char (*topics)[TOPIC_NAME_SIZE]; /* by source */
    rd_kafka_topic_partition_list_t *assigned;
    int ends_to_come; /* partitions whose present end was not reached yet */
    bool enough;
    scan_fn *fn;
    void *arg;
};

static int add_source(struct pass *p, size_t i, struct err *reterr)
{
    const struct scan_source *s = &p->sources[i];
    if (name_topic(p->scanner, s->kind, s->provider, p->topics[i], reterr) != 0)
        return -1;
    int32_t count = partitions_of(p->scanner, p->topics[i], s->provider, reterr);
    if (count < 0)
        return -1;
    for (int32_t k = 0; k < count; k++) {
        if (s->partition != SCAN_ALL && s->partition != k)
            continue;
        int64_t from = s->partition == SCAN_ALL || s->from == SCAN_BEGINNING ? RD_KAFKA_OFFSET_BEGINNING : s->from;
        rd_kafka_topic_partition_list_add(p->assigned, p->topics[i], k)->offset = from;
    }
    return 0;
}

static int start(struct pass *p, struct err *reterr)
{
    p->topics = calloc(p->n, sizeof(*p->topics));
    p->assigned = rd_kafka_topic_partition_list_new((int)p->n);
    if (p->topics == NULL) {
        err_nomem(reterr);
        return -1;
    }
    for (size_t i = 0; i < p->n; i++)
        if (add_source(p, i, reterr) != 0)
            return -1;
    p->ends_to_come = p->assigned->cnt;
    rd_kafka_resp_err_t code = rd_kafka_assign(p->scanner->client->rk, p->assigned);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        return 0;
    return err_set(reterr, kafka_err_code(code), "reading: %s", rd_kafka_err2str(code));
}

static void finish(struct pass *p)
{
    rd_kafka_assign(p->scanner->client->rk, NULL);
    rd_kafka_topic_partition_list_destroy(p->assigned);
    free(p->topics);
}

static size_t read_headers(const rd_kafka_message_t *m, struct event_header *ret)
{
    rd_kafka_headers_t *list = NULL;
    size_t n = 0, size = 0;
    const char *name = NULL;
    const void *value = NULL;
    if (rd_kafka_message_headers(m, &list) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return 0;
    while (n < HEADERS_MAX && rd_kafka_header_get_all(list, n, &name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR)
        ret[n++] = (struct event_header){.name = name, .value = value, .len = size};
    return n;
}

static void take(struct pass *p, const rd_kafka_message_t *m)
{
    struct event_header headers[HEADERS_MAX];
    size_t i = 0;
    while (i + 1 < p->n && strcmp(p->topics[i], rd_kafka_topic_name(m->rkt)) != 0)
        i++;
    const struct scan_message one = {
        .kind = p->sources[i].kind,
        .provider = p->sources[i].provider,
        .partition = m->partition,
        .offset = m->offset,
        .timestamp_ms = rd_kafka_message_timestamp(m, NULL),
        .message = {.key = m->key,
                    .key_len = m->key_len,
                    .value = m->payload,
                    .value_len = m->len,
                    .headers = headers,
                    .header_count = read_headers(m, headers)},
    };
    p->enough = !p->fn(p->arg, &one);
}

/* One message, or none for a moment. */
static int step(struct pass *p, struct err *reterr)
{
    rd_kafka_message_t *m = rd_kafka_consumer_poll(p->scanner->client->rk, POLL_MS);
    if (m == NULL)
        return 0;
    if (m->err == RD_KAFKA_RESP_ERR_NO_ERROR)
        take(p, m);
    else if (m->err == RD_KAFKA_RESP_ERR__PARTITION_EOF)
        p->ends_to_come -= p->ends_to_come > 0;
    else if (m->err == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED || m->err == RD_KAFKA_RESP_ERR__FATAL)
        err_set(reterr, ERR_INVAL, "reading: %s", rd_kafka_message_errstr(m));
    rd_kafka_message_destroy(m);
    return reterr->code == ERR_NONE ? 1 : -1;
}

static int read_to_ends(struct pass *p, struct err *reterr)
{
    int64_t heard_ms = clock_boot_ms();
    while (p->ends_to_come > 0 && !p->enough) {
        int got = step(p, reterr);
        if (got < 0)
            return -1;
        if (got > 0)
            heard_ms = clock_boot_ms();
        if (cli_interrupt_pending())
            return err_set(reterr, ERR_INVAL, "stopped before the end");
        if (clock_boot_ms() - heard_ms > SILENCE_MS)
            return err_set(reterr, ERR_IO, "Kafka said nothing for %d s%s%s", SILENCE_MS / 1000,
                           p->scanner->client->why[0] != '\0' ? ": " : "", p->scanner->client->why);
    }
    return 0;
}

int scan(struct scanner *s, const struct scan_source *sources, size_t n, scan_fn *fn, void *arg, struct err *reterr)
{
    struct pass p = {.scanner = s, .sources = sources, .n = n, .fn = fn, .arg = arg};
    int rc = start(&p, reterr);
    if (rc == 0)
        rc = read_to_ends(&p, reterr);
    finish(&p);
    return rc;
}

/* A topic that was just made, or a partition whose leader changes: the client learns it in a moment. */
static bool is_moving(rd_kafka_resp_err_t code)
{
    return code == RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION || code == RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE;
}

int64_t scanner_end(struct scanner *s, enum topic_kind kind, const char *provider, int32_t partition, struct err *reterr)
{
    char topic[TOPIC_NAME_SIZE];
    int64_t low = 0, high = 0;
    if (name_topic(s, kind, provider, topic, reterr) != 0)
        return -1;
    int64_t until_ms = clock_boot_ms() + s->place->options->timeout_ms;
    rd_kafka_resp_err_t code;
    do
        code = rd_kafka_query_watermark_offsets(s->client->rk, topic, partition, &low, &high, (int)s->place->options->timeout_ms);
    while (is_moving(code) && clock_boot_ms() < until_ms && usleep(AGAIN_US) == 0);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        return high;
    return err_set(reterr, kafka_err_code(code), "the end of %s: %s", topic, rd_kafka_err2str(code));
}

int scan_follow(struct scanner *s, const struct scan_source *sources, size_t n, int64_t wait_ms, scan_fn *fn, void *arg,
                struct err *reterr)
{
    struct pass p = {.scanner = s, .sources = sources, .n = n, .fn = fn, .arg = arg};
    int64_t end_ms = clock_boot_ms() + wait_ms;
    int rc = start(&p, reterr);
    while (rc == 0 && !p.enough && clock_boot_ms() < end_ms && !cli_interrupt_pending())
        if (step(&p, reterr) < 0)
            rc = -1;
    finish(&p);
    return rc != 0 ? -1 : p.enough;
}
