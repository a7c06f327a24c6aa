/* live_long.c - a long answer is given to the pack in parts, so that its whole tree is never in memory.
 *
 * A part has the form of the whole, with some elements of its longest list. A copy of the run, as it stands at this step, reads each part
 * but the last, which the run itself reads. That is right where the workflow ends with this answer, and says of each element what it
 * would say of it in the whole: of lists, that is. Where it does not end with the first part, the answer is read whole. */
#include "live_parts.h"
#include "split.h"

#define SAVED_MAX_BYTES ((size_t)16 * 1024 * 1024)

static struct run *copy_of(const struct live_run *r, struct buf *saved)
{
    const struct run_inputs in = live_run_inputs(r, r->record_now, run_token(r->run));
    if (saved->len == 0)
        run_save(r->run, saved);
    return buf_ok(saved) ? run_restore(r->live->bound, r->w, &in, saved->data, saved->len) : NULL;
}

/* False: the workflow does not end well with it. */
static bool give_part(struct live_run *r, struct run *copy, const struct call_reply *part)
{
    const struct run_result *x;
    if (copy == NULL || run_state(copy) != RUN_CALL)
        return false;
    (void)run_request(copy);
    if (run_reply(copy, part) != RUN_END || run_is_out_of_memory(copy))
        return false;
    x = run_result(copy);
    if (x->kind != OUTCOME_APPLIED && x->kind != OUTCOME_UNCHANGED)
        return false;
    r->in.part(r->in.arg, x->outputs);
    return true;
}

int live_long_answer(struct live_run *r, struct call_reply *reply, struct buf *text)
{
    struct split s;
    struct buf saved;
    bool good = true, first = true;
    if (!split_begin(&s, reply->body, reply->body_len, LIVE_PART_BYTES))
        return 0;
    buf_init(&saved, SAVED_MAX_BYTES);
    while (good && split_next(&s, text) && buf_ok(text) && !split_is_over(&s)) {
        struct call_reply part = *reply;
        part.body = buf_cstr(text);
        part.body_len = text->len;
        struct run *copy = copy_of(r, &saved);
        good = give_part(r, copy, &part);
        run_free(copy);
        first = first && !good;
    }
    buf_fini(&saved);
    if (!good && first)
        return 0;
    reply->body = buf_cstr(text);
    reply->body_len = text->len;
    return good && buf_ok(text) ? 0 : -1;
}
