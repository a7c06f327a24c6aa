#include "outcomes_post.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/clock.h"
#include "base/file.h"
#include "post_queue.h"

#define QUEUE_ITEMS 1000
#define QUEUE_BYTES ((size_t)32 * 1024 * 1024)
#define COMMIT_EVERY_MS 1000
#define POLL_MS 200
#define RETRY_BASE_MS 500
#define HEADER_FILE_MAX 65536
#define PARTITIONS_MAX 4096

struct poster {
    const struct post_rules *rules;
    struct kafka_client *client;
    struct post_queue *queue;
    CURL *curl;
    struct curl_slist *headers;      /* of every request */
    rd_kafka_topic_partition_list_t *assigned;
    bool at_end[PARTITIONS_MAX];     /* of the assigned ones: its present end was seen */
    rd_kafka_queue_t *messages;
    bool commit_wanted, stopping, has_assignment;
    int64_t commit_at_ms, delivered, given_up, skipped, failed_tries;
    struct cli_progress progress;
};

int64_t post_judge(long status, unsigned tries, int64_t retry_after_s, int64_t retry_max_ms, uint32_t rnd)
{
    if (status >= 200 && status < 300)
        return -1;
    unsigned doublings = tries > 20 ? 20 : tries > 0 ? tries - 1 : 0;
    int64_t top = RETRY_BASE_MS * ((int64_t)1 << doublings);
    if (top > retry_max_ms)
        top = retry_max_ms;
    int64_t wait = top / 2 + (int64_t)(rnd % (uint32_t)(top / 2 + 1)); /* half of it at least: a hook that is down rests */
    if (retry_after_s > 0 && retry_after_s * 1000 > wait)
        wait = retry_after_s * 1000 < retry_max_ms ? retry_after_s * 1000 : retry_max_ms;
    return wait;
}

/* ---- the request ---- */

static size_t ignore_body(char *data, size_t size, size_t n, void *arg)
{
    (void)data;
    (void)arg;
    return size * n;
}

/* One header a line, as curl's -H @file: "Authorization: Bearer ...". Empty lines and those with # are left out. */
static int add_file_headers(struct poster *p, const char *path, struct err *reterr)
{
    size_t len = 0;
    char *rest = NULL;
    char *text = file_read(path, HEADER_FILE_MAX, &len, reterr);
    if (text == NULL)
        return -1;
    int number = 0;
    for (char *line = text; line != NULL; line = rest) {
        rest = strchr(line, '\n');
        if (rest != NULL)
            *rest++ = '\0';
        number++;
        line[strcspn(line, "\r")] = '\0';
        if (line[0] == '\0' || line[0] == '#')
            continue;
        if (strchr(line, ':') == NULL) {
            free(text);
            return err_set(reterr, ERR_INVAL, "%s:%d: want Name: value", path, number);
        }
        p->headers = curl_slist_append(p->headers, line);
    }
    free(text);
    return 0;
}

static int request_init(struct poster *p, struct err *reterr)
{
    const struct post_options *o = p->rules->options;
    p->curl = curl_easy_init();
    if (p->curl == NULL)
        return err_nomem(reterr);
    p->headers = curl_slist_append(NULL, "Content-Type: application/cloudevents+json; charset=UTF-8");
    p->headers = curl_slist_append(p->headers, "Expect:");
    if (o->header_file != NULL && add_file_headers(p, o->header_file, reterr) < 0)
        return -1;
    curl_easy_setopt(p->curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(p->curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(p->curl, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(p->curl, CURLOPT_TIMEOUT_MS, (long)o->timeout_ms);
    curl_easy_setopt(p->curl, CURLOPT_CONNECTTIMEOUT_MS, (long)o->timeout_ms);
    curl_easy_setopt(p->curl, CURLOPT_USERAGENT, "tvbridge");
    curl_easy_setopt(p->curl, CURLOPT_WRITEFUNCTION, ignore_body);
    if (o->ca_file != NULL)
        curl_easy_setopt(p->curl, CURLOPT_CAINFO, o->ca_file);
    if (curl_easy_setopt(p->curl, CURLOPT_URL, o->url) == CURLE_OK)
        return 0;
    return err_nomem(reterr);
}

/* One try. The status; 0 and @ret_why when no answer came. */
static long post_once(struct poster *p, const struct post_item *it, int64_t *ret_retry_after_s, const char **ret_why)
{
    char key[64];
    curl_off_t retry_after = 0;
    long status = 0;
    snprintf(key, sizeof(key), "Idempotency-Key: %s", it->id);
    struct curl_slist last = {.data = key, .next = p->headers}; /* in front of those that stay */
    curl_easy_setopt(p->curl, CURLOPT_HTTPHEADER, &last);
    curl_easy_setopt(p->curl, CURLOPT_POSTFIELDS, it->body);
    curl_easy_setopt(p->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)it->len);
    CURLcode code = curl_easy_perform(p->curl);
    curl_easy_setopt(p->curl, CURLOPT_HTTPHEADER, NULL);
    *ret_retry_after_s = 0;
    *ret_why = curl_easy_strerror(code);
    if (code != CURLE_OK)
        return 0;
    curl_easy_getinfo(p->curl, CURLINFO_RESPONSE_CODE, &status);
    if (curl_easy_getinfo(p->curl, CURLINFO_RETRY_AFTER, &retry_after) == CURLE_OK)
        *ret_retry_after_s = retry_after;
    *ret_why = "";
    return status;
}

static uint32_t random_number(void)
{
    uint32_t n = 0;
    if (getrandom(&n, sizeof(n), 0) != (ssize_t)sizeof(n))
        n = (uint32_t)clock_mono_ns();
    return n;
}

/* ---- what is told ---- */

static void tell(struct poster *p, const struct post_item *it, const char *what, long status, const char *why,
                 int64_t wait_ms)
{
    if (p->rules->json) {
        printf("{\"outcome\":\"%s\",\"partition\":%d,\"offset\":%lld,\"result\":\"%s\",\"status\":%ld,\"tries\":%u}\n", it->id,
               (int)it->partition, (long long)it->offset, what, status, it->tries);
        fflush(stdout);
    }
    if (strcmp(what, "delivered") == 0)
        return;
    cli_progress_end(&p->progress);
    fprintf(stderr, "tvbridge outcomes: %s: outcome %s, try %u: ", what, it->id, it->tries);
    if (status != 0)
        fprintf(stderr, "the hook answered %ld", status);
    else
        fprintf(stderr, "%s", why);
    if (wait_ms >= 0)
        fprintf(stderr, "; next try in %.1f s", (double)wait_ms / 1000.0);
    fputc('\n', stderr);
}

static void settle(struct poster *p, struct post_item *it)
{
    if (post_queue_done(p->queue, it))
        p->commit_wanted = true;
}

static void try_one(struct poster *p, struct post_item *it)
{
    const struct post_options *o = p->rules->options;
    int64_t retry_after_s = 0;
    const char *why = "";
    it->tries++;
    long status = post_once(p, it, &retry_after_s, &why);
    int64_t wait_ms = post_judge(status, it->tries, retry_after_s, o->retry_max_ms, random_number());
    if (wait_ms < 0) {
        p->delivered++;
        tell(p, it, "delivered", status, why, -1);
        settle(p, it);
        return;
    }
    p->failed_tries++;
    if (o->give_up_after > 0 && it->tries >= o->give_up_after) {
        p->given_up++;
        tell(p, it, "given up", status, why, -1);
        settle(p, it);
        return;
    }
    tell(p, it, "failed", status, why, wait_ms);
    post_queue_retry(p->queue, it, clock_boot_ms() + wait_ms);
}

/* ---- Kafka ---- */

/* Where to go on from; with @list, only those partitions. */
static void commit(struct poster *p, const rd_kafka_topic_partition_list_t *list, bool wait)
{
    if (list == NULL)
        return;
    rd_kafka_topic_partition_list_t *to = rd_kafka_topic_partition_list_new(list->cnt);
    for (int i = 0; i < list->cnt; i++) {
        int64_t at = post_queue_watermark(p->queue, list->elems[i].partition);
        if (at >= 0)
            rd_kafka_topic_partition_list_add(to, list->elems[i].topic, list->elems[i].partition)->offset = at;
    }
    if (to->cnt > 0)
        rd_kafka_commit(p->client->rk, to, wait ? 0 : 1); /* not kept: delivered once more after a restart */
    rd_kafka_topic_partition_list_destroy(to);
    p->commit_wanted = false;
    p->commit_at_ms = clock_boot_ms() + COMMIT_EVERY_MS;
}

static void forget_assignment(struct poster *p)
{
    if (p->assigned == NULL)
        return;
    for (int i = 0; i < p->assigned->cnt; i++)
        post_queue_drop(p->queue, p->assigned->elems[i].partition);
    rd_kafka_topic_partition_list_destroy(p->assigned);
    p->assigned = NULL;
}

/* Messages come to a queue of our own, which is read when there is room; librdkafka's stays for the group's affairs,
 * which must be served always. (Pausing instead would read again what was fetched before.) */
static void redirect(struct poster *p, const rd_kafka_topic_partition_list_t *list)
{
    for (int i = 0; i < list->cnt; i++) {
        rd_kafka_queue_t *q =
            rd_kafka_queue_get_partition(p->client->rk, list->elems[i].topic, list->elems[i].partition);
        if (q == NULL)
            continue;
        rd_kafka_queue_forward(q, p->messages);
        rd_kafka_queue_destroy(q);
    }
}

static void on_rebalance(rd_kafka_t *rk, rd_kafka_resp_err_t code, rd_kafka_topic_partition_list_t *list, void *opaque)
{
    struct poster *p = kafka_client_arg(opaque);
    if (code == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
        p->assigned = rd_kafka_topic_partition_list_copy(list);
        p->has_assignment = true;
        memset(p->at_end, 0, sizeof(p->at_end));
        rd_kafka_assign(rk, list);
        redirect(p, list);
        return;
    }
    if (!rd_kafka_assignment_lost(rk))
        commit(p, p->assigned, true);
    forget_assignment(p);
    rd_kafka_assign(rk, NULL);
}

static void set_callbacks(rd_kafka_conf_t *conf)
{
    rd_kafka_conf_set_rebalance_cb(conf, on_rebalance);
}

static int subscribe(struct poster *p, struct err *reterr)
{
    char group[300];
    snprintf(group, sizeof(group), "%soutcomes.post", p->rules->place->prefix);
    const struct settings_pair own[] = {
        {"group.id", p->rules->options->group != NULL ? p->rules->options->group : group},
        {"enable.auto.commit", "false"},
        {"enable.auto.offset.store", "false"},
        {"auto.offset.reset", "earliest"}, /* the first start: an outcome must not be left out */
        {"enable.partition.eof", "true"},
        {"partition.assignment.strategy", "range"},
        {"queued.max.messages.kbytes", "16384"},
    };
    p->client = kafka_client_new(p->rules->place, RD_KAFKA_CONSUMER, own, ARRAY_LEN(own), set_callbacks, p, reterr);
    if (p->client == NULL)
        return -1;
    const struct rd_kafka_metadata *m =
        kafka_client_metadata(p->client, p->rules->place, p->rules->place->options->timeout_ms, reterr);
    if (m == NULL)
        return -1;
    bool there = kafka_find_topic(m, p->rules->topic) != NULL;
    rd_kafka_metadata_destroy(m);
    if (!there)
        return err_set(reterr, ERR_INVAL, "there is no topic %s: `tvbridge topics create` makes it", p->rules->topic);
    rd_kafka_poll_set_consumer(p->client->rk);
    p->messages = rd_kafka_queue_new(p->client->rk);
    rd_kafka_topic_partition_list_t *topics = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(topics, p->rules->topic, RD_KAFKA_PARTITION_UA);
    rd_kafka_resp_err_t code = rd_kafka_subscribe(p->client->rk, topics);
    rd_kafka_topic_partition_list_destroy(topics);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        return 0;
    return err_set(reterr, kafka_err_code(code), "subscribing failed: %s", rd_kafka_err2str(code));
}

/* An outcome that nobody asked for is settled at once: it goes through the queue so that the watermark knows it. */
static int take(struct poster *p, const rd_kafka_message_t *m)
{
    struct outcome_view v;
    char id[40];
    bool is_outcome = outcome_view_init(&v, m) == 0;
    bool wanted = is_outcome && outcome_view_matches(&v, p->rules->filter);
    const char *its_id = is_outcome ? json_string_value(json_object_get(v.root, "id")) : NULL;
    snprintf(id, sizeof(id), "%s", its_id != NULL && strlen(its_id) == 32 ? its_id : "");
    if (id[0] == '\0')
        snprintf(id, sizeof(id), "%d-%lld", (int)m->partition, (long long)m->offset);
    if (is_outcome)
        outcome_view_fini(&v);
    p->skipped += wanted ? 0 : 1;
    return post_queue_add(p->queue, m->partition, m->offset, wanted ? m->key : "", wanted ? m->key_len : 0,
                          wanted ? m->payload : "", wanted ? m->len : 0, id);
}

static void note_end(struct poster *p, const rd_kafka_message_t *m)
{
    if (m->partition >= 0 && m->partition < PARTITIONS_MAX)
        p->at_end[m->partition] = true;
}

static bool is_at_end(const struct poster *p)
{
    if (!p->has_assignment || p->assigned == NULL)
        return p->has_assignment;
    for (int i = 0; i < p->assigned->cnt; i++)
        if (!p->at_end[p->assigned->elems[i].partition % PARTITIONS_MAX])
            return false;
    return true;
}

/* One message, or what the group or a broker has to say. -1: going on makes no sense. */
static int handle(struct poster *p, const rd_kafka_message_t *m, struct err *reterr)
{
    if (m->err == RD_KAFKA_RESP_ERR_NO_ERROR)
        return take(p, m) == 0 ? 0 : err_nomem(reterr);
    if (m->err == RD_KAFKA_RESP_ERR__PARTITION_EOF)
        note_end(p, m);
    else if (m->err == RD_KAFKA_RESP_ERR__FATAL || m->err == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED ||
             m->err == RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED)
        return err_set(reterr, ERR_INVAL, "reading %s: %s", p->rules->topic, rd_kafka_message_errstr(m));
    return 0;
}

/* Serves the group, then reads what has come while there is room, waiting for at most @wait_ms. */
static int read_some(struct poster *p, int wait_ms, struct err *reterr)
{
    int done = 0;
    rd_kafka_message_t *m = NULL;
    bool full = post_queue_is_full(p->queue);
    while (done == 0 && (m = rd_kafka_consumer_poll(p->client->rk, full ? wait_ms : 0)) != NULL) {
        done = handle(p, m, reterr);
        rd_kafka_message_destroy(m);
    }
    for (int i = 0; done == 0 && !post_queue_is_full(p->queue); i++) {
        m = rd_kafka_consume_queue(p->messages, i == 0 ? wait_ms : 0);
        if (m == NULL)
            break;
        done = handle(p, m, reterr);
        rd_kafka_message_destroy(m);
    }
    return done;
}

/* ---- the loop ---- */

/* Those that nobody asked for have no lane key and no body: they are done when they are first. */
static bool is_skipped(const struct post_item *it)
{
    return it->len == 0;
}

static int64_t work_off(struct poster *p)
{
    int64_t wait_ms = -1;
    int64_t poll_by_ms = clock_boot_ms() + POLL_MS;
    struct post_item *it = NULL;
    while ((it = post_queue_next(p->queue, clock_boot_ms(), &wait_ms)) != NULL) {
        if (is_skipped(it)) {
            settle(p, it);
            continue;
        }
        try_one(p, it);
        if (p->rules->max > 0 && p->delivered + p->given_up >= p->rules->max)
            p->stopping = true;
        if (p->stopping || clock_boot_ms() >= poll_by_ms)
            return 0;
    }
    return wait_ms;
}

static bool is_over(struct poster *p)
{
    const struct post_rules *r = p->rules;
    if (cli_interrupted() || (r->end_ms > 0 && clock_boot_ms() >= r->end_ms))
        p->stopping = true;
    return p->stopping || (!r->follow && is_at_end(p) && post_queue_count(p->queue) == 0);
}

static int run(struct poster *p, struct err *reterr)
{
    char done[CLI_COUNT_SIZE];
    while (!is_over(p)) {
        int64_t wait_ms = work_off(p);
        if (p->commit_wanted && clock_boot_ms() >= p->commit_at_ms)
            commit(p, p->assigned, false);
        if (read_some(p, (int)(wait_ms < 0 || wait_ms > POLL_MS ? POLL_MS : wait_ms), reterr) < 0)
            return -1;
        cli_progress_show(&p->progress, clock_boot_ms(), "%s delivered, %zu waiting", cli_count(p->delivered, done),
                          post_queue_count(p->queue));
    }
    return 0;
}

static void close_all(struct poster *p)
{
    if (p->client != NULL && p->assigned != NULL)
        commit(p, p->assigned, true);
    if (p->client != NULL)
        rd_kafka_consumer_close(p->client->rk);
    forget_assignment(p);
    if (p->messages != NULL)
        rd_kafka_queue_destroy(p->messages);
    kafka_client_free(p->client);
    post_queue_free(p->queue);
    curl_slist_free_all(p->headers);
    if (p->curl != NULL)
        curl_easy_cleanup(p->curl);
}

static enum cli_status summary(struct poster *p, const struct err *error)
{
    size_t waiting = post_queue_count(p->queue);
    char n[CLI_COUNT_SIZE];
    cli_progress_end(&p->progress);
    if (error->code != ERR_NONE)
        return cli_fail(p->rules->command, cli_status_of(error), "%s", error->msg);
    fprintf(stderr, "%s outcomes delivered, %lld tries failed, %lld given up, %zu still to deliver\n",
            cli_count(p->delivered, n), (long long)p->failed_tries, (long long)p->given_up, waiting);
    return p->given_up > 0 || (waiting > 0 && !p->rules->follow && p->rules->max == 0) ? CLI_REFUSED : CLI_OK;
}

enum cli_status outcomes_post(const struct post_rules *rules)
{
    struct err error = {0};
    struct poster *p = calloc(1, sizeof(*p));
    if (p == NULL)
        return cli_fail(rules->command, CLI_REFUSED, "out of memory");
    p->rules = rules;
    p->queue = post_queue_new(QUEUE_ITEMS, QUEUE_BYTES);
    cli_catch_interrupt();
    curl_global_init(CURL_GLOBAL_DEFAULT);
    cli_progress_init(&p->progress, !rules->json);
    if (p->queue == NULL)
        err_nomem(&error);
    else if (request_init(p, &error) == 0 && subscribe(p, &error) == 0)
        run(p, &error);
    enum cli_status status = summary(p, &error);
    close_all(p);
    free(p);
    curl_global_cleanup();
    return status;
}
