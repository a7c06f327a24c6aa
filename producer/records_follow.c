#include "records_follow.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "contract/topics.h"

#define WRONG_AGAIN_MS 5000

struct follow_part {
    struct records_follow *follow;
    struct reader_read *read; /* NULL: resting */
    int32_t partition;
    int64_t next;      /* the offset to go on from; -1: from the beginning */
    int64_t asked_ms;  /* when the present read began */
    int64_t known_ms;  /* all that stood there then is known; -1: never yet */
    int64_t rests_ms;  /* until then */
    bool failed;       /* a message of the present read could not be taken: nothing after it is */
};

struct records_follow {
    struct records_follow_options o;
    char topic[TOPIC_NAME_SIZE];
    struct loop_timer *tick;
    size_t count;
    struct follow_part parts[];
};

static void on_message(void *arg, const struct reader_message *m)
{
    struct follow_part *p = arg;
    const struct records_follow_options *o = &p->follow->o;
    p->failed = p->failed || !o->message(o->arg, p->partition, &m->message);
    if (!p->failed)
        p->next = m->offset + 1;
}

static void on_done(void *arg, bool ok, int64_t end, const char *why)
{
    struct follow_part *p = arg;
    struct records_follow *f = p->follow;
    p->read = NULL;
    if (!ok) {
        p->rests_ms = clock_boot_ms() + WRONG_AGAIN_MS;
        f->o.error(f->o.arg, why);
    } else if (end < p->next) {
        f->o.forget(f->o.arg, p->partition);
        p->next = p->known_ms = -1;
    } else if (!p->failed) {
        p->next = end;
        p->known_ms = p->asked_ms;
    }
}

static void start(struct follow_part *p, int64_t now_ms)
{
    struct records_follow *f = p->follow;
    const struct reader_range range = {.topic = f->topic,
                                       .partition = p->partition,
                                       .from = p->next < 0 ? READER_BEGINNING : READER_OFFSET,
                                       .offset = p->next};
    p->failed = false;
    p->asked_ms = now_ms;
    p->read = reader_start(f->o.reader, &range, on_message, on_done, p);
}

/* Those that rest begin together: their ends are then asked for in one question. One that takes long keeps no other. */
static void on_tick(void *arg)
{
    struct records_follow *f = arg;
    int64_t now_ms = clock_boot_ms();
    for (size_t i = 0; i < f->count; i++)
        if (f->parts[i].read == NULL && f->parts[i].rests_ms <= now_ms)
            start(&f->parts[i], now_ms);
    loop_timer_start(f->tick, f->o.every_ms);
}

struct records_follow *records_follow_new(const struct records_follow_options *o, struct err *reterr)
{
    size_t n = (size_t)o->settings->partitions;
    struct records_follow *f = calloc(1, sizeof(*f) + n * sizeof(f->parts[0]));
    if (f == NULL) {
        err_nomem(reterr);
        return NULL;
    }
    f->o = *o;
    f->count = n;
    for (size_t i = 0; i < n; i++)
        f->parts[i] = (struct follow_part){.follow = f, .partition = (int32_t)i, .next = -1, .known_ms = -1};
    if (topic_name(TOPIC_RECORDS, o->settings->prefix, o->provider->name, f->topic) != 0) {
        err_set(reterr, ERR_INVAL, "prefix and provider together are too long for a topic's name");
        records_follow_free(f);
        return NULL;
    }
    f->tick = loop_timer_new(o->loop, on_tick, f, reterr);
    if (f->tick == NULL) {
        records_follow_free(f);
        return NULL;
    }
    on_tick(f);
    return f;
}

void records_follow_free(struct records_follow *f)
{
    if (f == NULL)
        return;
    for (size_t i = 0; i < f->count; i++)
        reader_cancel(f->parts[i].read);
    loop_timer_free(f->tick);
    free(f);
}

int64_t records_follow_age_ms(const struct records_follow *f)
{
    int64_t oldest = INT64_MAX;
    for (size_t i = 0; i < f->count; i++)
        if (f->parts[i].known_ms < oldest)
            oldest = f->parts[i].known_ms;
    return oldest < 0 ? -1 : clock_boot_ms() - oldest;
}
