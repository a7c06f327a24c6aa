/* snapshot.c - `service.snapshot`: billing says all that a service is to be, and the worker finds what is to be done.
 *
 * 1. The pack's `read` says what the platform has, where it only reads and the record names an account; else the record does.
 * 2. The two are compared (contract/diff.h). A preview ends with what it found.
 * 3. Each change is an event of its own (contract/snapshot.h): written to the events topic, one acknowledged before the next, in the
 *    order in which they are safe. They come behind what billing has sent by then, and stand just above the snapshot in the service's
 *    order: whatever newer event touches the same passes them.
 * 4. The snapshot is decided, and names them. What came of each is its own outcome.
 * A crash before 4. leaves a snapshot in doubt of which nothing can have been done at the platform: it is compared again, and what
 * still differs becomes the same events, which are one with those that were written before. */
#include <stdio.h>
#include <string.h>

#include "base/crash_point.h"
#include "contract/diff.h"
#include "contract/json_scan.h"
#include "contract/password.h"
#include "contract/snapshot.h"
#include "contract/wanted.h"
#include "engine/state.h"

#define AGAIN_MS 500

enum { PARTS_MAX = 500 };

bool snapshot_reads(struct worker *w, struct job *j)
{
    struct work *k = j->work;
    j->doubt = j->doubt_all = false;
    if (w->plan->by_type[EVENT_SERVICE_SNAPSHOT] != NULL && record_exists(k->record))
        return true;
    call_drop_run(k); /* of a record that named an account before */
    snapshot_start(w, j, NULL);
    return false;
}

/* ---- comparing ---- */

static bool can_be_done(const void *plan, const char *type)
{
    enum event_type t;
    return event_type_of_name(type, &t) == 0 && ((const struct plan *)plan)->by_type[t] != NULL;
}

/* Nobody can tell where the record keeps none under the present key. */
static bool password_differs(const struct worker *w, const struct work *k)
{
    const struct password_of p = {k->event.provider, k->event.service, json_text(k->event.data, "password")};
    const char *key = w->provider->password_key;
    struct password_kept kept;
    if (key == NULL || p.password[0] == '\0' || password_parse(json_text(k->record, "password_hmac"), &kept) != 0)
        return false;
    return password_is_under(&kept, key) && !password_fits(&kept, key, &p);
}

static bool ends_follow(const struct worker *w)
{
    const struct workflow *added = w->plan->by_type[EVENT_PACKAGE_ADDED];
    return added != NULL && workflow_implies(added);
}

/* As diff_find(). @account: what the platform has, NULL: not asked. */
static int compare(struct worker *w, const struct work *k, const json_t *account, json_t **ret)
{
    const struct diff_whole whole = {.ends_follow = ends_follow(w), .password_differs = password_differs(w, k)};
    const struct diff_rules rules = {
        .now_ms = clock_real_ms(),
        .remove_unknown = json_is_true(json_object_get(k->event.data, "remove_unknown")),
        .cuts_known = w->plan->cuts_known,
        .can = can_be_done,
        .can_arg = w->plan,
        .whole = &whole,
    };
    json_t *real = NULL, *wanted = wanted_of_snapshot(k->event.data), *known = snapshot_known(account, k->record);
    int rc = -1;
    *ret = NULL;
    if (wanted != NULL && known != NULL && snapshot_real(account, k->record, &real) == 0)
        rc = diff_find(&rules, &(struct diff_ask){k->event.service, wanted, real, known}, ret);
    json_decref(real);
    json_decref(wanted);
    json_decref(known);
    return rc;
}

/* ---- what the outcome says ---- */

static bool is_preview(const struct work *k)
{
    return strcmp(json_text(k->event.data, "mode"), "preview") == 0;
}

/* A change without its data, which may be secret; of an event that is made, its id. */
static json_t *told(const struct work *k, const json_t *change)
{
    char id[SNAPSHOT_PART_ID_SIZE];
    json_t *one = json_object(); /* json_copy() would leave out what there is no memory for */
    bool good = one != NULL && json_object_update(one, json_unconst(change)) == 0;
    (void)json_object_del(one, "data");
    if (good && is_preview(k))
        return one;
    if (good && snapshot_part_id(&k->event, change, id) == 0 && json_object_set_new(one, "id", json_string(id)) == 0)
        return one;
    json_decref(one);
    return NULL;
}

/* @found NULL: nothing differs. */
static json_t *tell(const struct work *k, const json_t *found, bool asked)
{
    const json_t *changes = json_object_get(found, "changes");
    json_t *list = json_array(), *left = json_object_get(found, "left");
    bool good = list != NULL;
    for (size_t i = 0; good && i < json_array_size(changes); i++)
        good = json_array_append_new(list, told(k, json_array_get(changes, i))) == 0;
    if (!good) {
        json_decref(list);
        return NULL;
    }
    return json_pack("{s:s, s:o, s:O*}", "compared", asked ? "platform" : "record", "changes", list, "left",
                     json_array_size(left) > 0 ? left : NULL);
}

/* ---- the events ---- */

static json_t *make_parts(const struct work *k, const json_t *changes)
{
    struct order order;
    json_t *parts = json_array();
    bool good = parts != NULL && order_parse(k->order, &order) == 0;
    for (size_t i = 0; good && i < json_array_size(changes); i++)
        good = json_array_append_new(parts, snapshot_part(&k->event, order, json_array_get(changes, i))) == 0;
    if (good)
        return parts;
    json_decref(parts);
    return NULL;
}

static void send_next(struct worker *w, struct job *j);

static void on_acked(void *arg, bool ok, int64_t offset, const char *why)
{
    struct job *j = arg;
    struct worker *w = j->worker;
    (void)offset;
    if (job_callback_is_late(w, j))
        return;
    j->work->unacked--;
    if (!ok) {
        publish_log_failure(w, j, why);
        job_wait(w, j, AGAIN_MS, true);
        return;
    }
    crash_point("part_sent");
    j->work->parts_sent++;
    send_next(w, j);
}

static void send_next(struct worker *w, struct job *j)
{
    struct work *k = j->work;
    if (k->parts_sent < json_array_size(k->parts)) {
        if (!commits_own(w) || !publish_event(w, j, json_array_get(k->parts, k->parts_sent), on_acked))
            job_wait(w, j, AGAIN_MS, true);
        return;
    }
    crash_point("parts_sent");
    job_go(w, j, JOB_CALLING);
    decide_start(w, j, NULL);
}

static void start_parts(struct worker *w, struct job *j, const json_t *changes)
{
    struct work *k = j->work;
    json_decref(k->parts); /* of an earlier try */
    k->parts = make_parts(k, changes);
    k->parts_sent = 0;
    job_release_place(w, j);
    job_go(w, j, JOB_STEPPING);
    if (k->parts != NULL)
        send_next(w, j);
    else
        job_wait(w, j, AGAIN_MS, true);
}

/* ---- deciding ---- */

static void end(struct worker *w, struct job *j, const json_t *found, bool asked)
{
    struct work *k = j->work;
    const json_t *changes = json_object_get(found, "changes");
    size_t n = json_array_size(changes);
    json_decref(k->outcome.given); /* of an earlier try */
    k->outcome.given = tell(k, found, asked);
    if (k->outcome.given == NULL) {
        call_retry_later(w, j, false, -1, "out of memory");
        return;
    }
    if (json_array_size(json_object_get(found, "left")) > 0)
        snprintf(k->outcome.reason, sizeof(k->outcome.reason), "something_left");
    if (is_preview(k))
        k->outcome.kind = OUTCOME_PREVIEW;
    else
        k->outcome.kind = n > 0 ? OUTCOME_APPLIED : OUTCOME_UNCHANGED;
    if (n > PARTS_MAX)
        decide_refused(w, j, "too_many_changes", "more than 500 things differ: send several events");
    else if (is_preview(k) || n == 0)
        decide_start(w, j, NULL);
    else
        start_parts(w, j, changes);
}

void snapshot_start(struct worker *w, struct job *j, const struct run_result *read)
{
    struct work *k = j->work;
    json_t *found = NULL;
    bool asked = read != NULL && outcome_kind_moves_record(read->kind); /* rejected: this one cannot be read */
    int rc = compare(w, k, asked ? read->outputs : NULL, &found);
    if (rc < 0)
        call_retry_later(w, j, false, -1, "out of memory");
    else
        end(w, j, found, asked);
    json_decref(found);
}
