/* consumer_commit.c - commits: asynchronous, one outstanding, with metadata. RELIABILITY.md section 4. */
#include <stdlib.h>
#include <string.h>

#include "io/consumer_state.h"

static int add_offset(rd_kafka_topic_partition_list_t *list, const char *topic, const struct consumer_partition *p,
                      struct err *reterr)
{
    if (p->metadata_len > CONSUMER_METADATA_MAX)
        return err_set(reterr, ERR_INVAL, "commit metadata of %zu bytes, at most %d are kept", p->metadata_len,
                       CONSUMER_METADATA_MAX);
    rd_kafka_topic_partition_t *tp = rd_kafka_topic_partition_list_add(list, topic, p->partition);
    tp->offset = p->offset;
    if (p->metadata_len == 0)
        return 0;
    tp->metadata = malloc(p->metadata_len); /* the list frees it */
    if (tp->metadata == NULL)
        return err_nomem(reterr);
    memcpy(tp->metadata, p->metadata, p->metadata_len);
    tp->metadata_size = p->metadata_len;
    return 0;
}

/* ---- the membership ----
 *
 * 1 the group gives this member up: it was silent for too long; 2 librdkafka hears of it and forgets its generation;
 * 3 we commit, before the loop has come to the revoke: librdkafka sends that as a client in no group; 4 the group is empty
 * meanwhile, and the broker takes it: over what the owners in between have committed. */

static char *membership_now(const struct consumer *c, size_t *ret_len)
{
    void *text = NULL;
    rd_kafka_consumer_group_metadata_t *m = rd_kafka_consumer_group_metadata(c->rk);
    rd_kafka_error_t *e = m ? rd_kafka_consumer_group_metadata_write(m, &text, ret_len) : NULL;
    if (m)
        rd_kafka_consumer_group_metadata_destroy(m);
    if (e) {
        rd_kafka_error_destroy(e);
        return NULL;
    }
    return text;
}

void consumer_note_membership(struct consumer *c)
{
    consumer_forget_membership(c);
    c->membership = membership_now(c, &c->membership_len);
}

void consumer_forget_membership(struct consumer *c)
{
    if (c->membership)
        rd_kafka_mem_free(c->rk, c->membership);
    c->membership = NULL;
}

bool consumer_is_same_member(const struct consumer *c)
{
    size_t len = 0;
    char *now = membership_now(c, &len);
    bool same = now && c->membership && len == c->membership_len && memcmp(now, c->membership, len) == 0;
    if (now)
        rd_kafka_mem_free(c->rk, now);
    return same;
}

static int queue_commit(struct consumer *c, const rd_kafka_topic_partition_list_t *list, struct err *reterr)
{
    rd_kafka_resp_err_t code = rd_kafka_commit_queue(c->rk, list, c->queue.q, NULL, NULL);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        return err_set(reterr, ERR_IO, "commit: %s", rd_kafka_err2str(code));
    c->commit_outstanding = true;
    return 0;
}

int consumer_commit(struct consumer *c, const struct consumer_partition *p, size_t n, struct err *reterr)
{
    if (c->commit_outstanding)
        return err_set(reterr, ERR_TIMEOUT, "a commit is outstanding");
    if (n == 0)
        return err_set(reterr, ERR_INVAL, "a commit of nothing");
    if (!consumer_is_same_member(c))
        return err_set(reterr, ERR_IO, "this member has lost its place in the group");
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)n);
    int rc = 0;
    for (size_t i = 0; i < n && rc == 0; i++) {
        /* A client in no group is believed while the group is empty: only what is ours now. */
        const struct consumer_topic *t = p[i].control ? &c->control : &c->events;
        if (consumer_part_of(t, p[i].partition) == NULL)
            rc = err_set(reterr, ERR_INVAL, "commit of partition %d%s, which is not assigned", (int)p[i].partition,
                         p[i].control ? " of the control topic" : "");
        else
            rc = add_offset(list, t->name, &p[i], reterr);
    }
    if (rc == 0)
        rc = queue_commit(c, list, reterr);
    rd_kafka_topic_partition_list_destroy(list);
    return rc;
}

bool consumer_commit_outstanding(const struct consumer *c)
{
    return c->commit_outstanding;
}

static bool is_fenced(rd_kafka_resp_err_t code)
{
    return code == RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID || code == RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION ||
           code == RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID || code == RD_KAFKA_RESP_ERR__FENCED ||
           code == RD_KAFKA_RESP_ERR__ASSIGNMENT_LOST;
}

/* The commit as a whole may have gone well and one partition of it not. */
static rd_kafka_resp_err_t worst_of(rd_kafka_event_t *ev)
{
    rd_kafka_resp_err_t worst = rd_kafka_event_error(ev);
    const rd_kafka_topic_partition_list_t *list = rd_kafka_event_topic_partition_list(ev);
    for (int i = 0; list && i < list->cnt && !is_fenced(worst); i++)
        if (list->elems[i].err != RD_KAFKA_RESP_ERR_NO_ERROR)
            worst = list->elems[i].err;
    return worst;
}

void consumer_on_commit(struct consumer *c, rd_kafka_event_t *ev)
{
    rd_kafka_resp_err_t code = worst_of(ev);
    c->commit_outstanding = false;
    if (!c->closing && c->h.committed)
        c->h.committed(c->h.arg, code == RD_KAFKA_RESP_ERR_NO_ERROR, is_fenced(code), rd_kafka_err2str(code));
}
