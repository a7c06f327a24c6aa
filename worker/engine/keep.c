/* keep.c - knowledge that the next request destroys is written first (x-record with before: next; RELIABILITY.md section 6):
 * 1. STEP: steps and record together, so that whoever claims next finds either both or none, and only while the claim is ours;
 * 2. the record in Kafka, acknowledged, so that a Redis that forgets gets it back;
 * 3. the request.
 * Until 3. the run says that it is owed, saved in 1. too: after a crash between them the next owner does 2. again. The
 * record's axes stay: the event is not applied yet. */
#include "base/crash_point.h"
#include "engine/state.h"

#define KEEP_AGAIN_MS 200
#define PUBLISH_AGAIN_MS 500

static void again(struct worker *w, struct job *j, int64_t delay_ms)
{
    buf_reset(&j->work->record_text);
    job_wait(w, j, delay_ms, true);
}

/* What Redis has of it may have been lost before Kafka had it: then it is not among the records that are merged. */
static bool is_in_this_redis(const struct worker *w, const struct work *k)
{
    return k->redis_life == w->redis_life;
}

static void on_acked(void *arg, bool ok, int64_t offset, const char *why)
{
    struct job *j = arg;
    struct worker *w = j->worker;
    (void)offset;
    if (job_callback_is_late(w, j))
        return;
    struct work *k = j->work;
    k->unacked--;
    if (!ok)
        publish_log_failure(w, j, why);
    if (!ok || !is_in_this_redis(w, k)) {
        again(w, j, PUBLISH_AGAIN_MS);
        return;
    }
    crash_point("kept");
    buf_reset(&k->record_text);
    run_kept_done(k->run);
    call_kept(w, j);
}

static void on_stepped(void *arg, enum redis_result res)
{
    struct job *j = arg;
    struct worker *w = j->worker;
    if (job_callback_is_late(w, j))
        return;
    if (res == REDIS_OK && commits_own(w) && publish_record(w, j, on_acked))
        return;
    again(w, j, res == REDIS_FENCED ? 1000 : KEEP_AGAIN_MS);
}

static bool make_texts(struct worker *w, struct work *k)
{
    buf_reset(&k->record_text);
    buf_reset(&w->scratch);
    if (record_remember(k->record, run_kept(k->run), k->fence) != 0)
        return false;
    json_add_compact(&k->record_text, k->record);
    run_save(k->run, &w->scratch);
    return true;
}

void keep_start(struct worker *w, struct job *j)
{
    struct work *k = j->work;
    const struct buf *steps = &w->scratch;
    bool made = make_texts(w, k);
    if (made && k->record_text.failed && !k->record_text.no_memory) { /* it does not fit, and nothing is destroyed yet */
        if (j->doubt)
            park_doubt(w, j, "record_not_kept");
        else
            decide_dead(w, j, DEAD_EXHAUSTED, "record_not_kept");
        return;
    }
    job_go(w, j, JOB_STEPPING);
    if (made && buf_ok(&k->record_text) && buf_ok(steps) &&
        redis_keep(w->redis, k->event.service, k->event.key, k->fence,
                   &(struct redis_kept){steps->data, steps->len, k->record_text.data, k->record_text.len}, on_stepped, j) == 0)
        j->pending++;
    else
        again(w, j, KEEP_AGAIN_MS);
}
