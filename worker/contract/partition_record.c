#include "contract/partition_record.h"

#include <stdio.h>
#include <string.h>

#include "base/attr.h"
#include "base/clock.h"
#include "contract/json_read.h"

void partition_record_init(struct partition_record *ret, const char *provider, int32_t partition)
{
    memset(ret, 0, sizeof(*ret));
    ret->partition = partition;
    snprintf(ret->provider, sizeof(ret->provider), "%s", provider);
}

/* ---- writing ---- */

static void add_text(struct buf *out, const char *name, const char *text)
{
    buf_adds(out, name);
    buf_add_json_str(out, text);
}

static void add_number(struct buf *out, const char *name, uint64_t v)
{
    buf_adds(out, name);
    buf_addu(out, v);
}

static void add_time(struct buf *out, const char *name, int64_t ms)
{
    char text[CLOCK_RFC3339_SIZE];
    clock_format_rfc3339(ms, text);
    add_text(out, name, text);
}

static void add_approval(const struct partition_approval *a, struct buf *out)
{
    add_text(out, "{\"act\":", a->act);
    add_text(out, ",\"who\":", a->who);
    add_text(out, ",\"reason\":", a->reason);
    add_time(out, ",\"until\":", a->until_ms);
    add_number(out, ",\"max\":", a->max);
    add_number(out, ",\"used\":", a->used);
    buf_addc(out, '}');
}

void partition_record_encode(const struct partition_record *r, struct buf *out)
{
    add_number(out, "{\"partition\":", (uint64_t)r->partition);
    add_text(out, ",\"provider\":", r->provider);
    add_number(out, ",\"control\":", (uint64_t)r->control);
    if (r->fence[0] != '\0')
        add_text(out, ",\"fence\":", r->fence);
    if (r->paused) {
        add_text(out, ",\"paused\":{\"act\":", r->paused_act);
        add_text(out, ",\"who\":", r->paused_who);
        add_text(out, ",\"reason\":", r->paused_reason);
        add_time(out, ",\"since\":", r->paused_ms);
        buf_addc(out, '}');
    }
    buf_adds(out, ",\"approvals\":[");
    for (size_t i = 0; i < r->approval_count; i++) {
        if (i > 0)
            buf_addc(out, ',');
        add_approval(&r->approvals[i], out);
    }
    buf_adds(out, "]}");
}

/* ---- reading ---- */

static int take_text(const json_t *o, const char *name, char *ret, size_t size)
{
    const char *text = json_string_value(json_object_get(o, name));
    size_t n = text == NULL ? 0 : strlen(text);
    if (text == NULL || n >= size)
        return -1;
    memcpy(ret, text, n + 1);
    return 0;
}

static int take_number(const json_t *o, const char *name, json_int_t max, uint64_t *ret)
{
    const json_t *v = json_object_get(o, name);
    if (!json_is_integer(v) || json_integer_value(v) < 0 || json_integer_value(v) > max)
        return -1;
    *ret = (uint64_t)json_integer_value(v);
    return 0;
}

static int take_time(const json_t *o, const char *name, int64_t *ret)
{
    const char *text = json_string_value(json_object_get(o, name));
    return text == NULL ? -1 : clock_parse_rfc3339(text, ret);
}

static int take_paused(const json_t *root, struct partition_record *r, struct fault *ret_fault)
{
    const json_t *p = json_object_get(root, "paused");
    r->paused = p != NULL;
    if (p == NULL)
        return 0;
    if (take_text(p, "act", r->paused_act, sizeof(r->paused_act)) == 0 &&
        take_text(p, "who", r->paused_who, sizeof(r->paused_who)) == 0 &&
        take_text(p, "reason", r->paused_reason, sizeof(r->paused_reason)) == 0 &&
        take_time(p, "since", &r->paused_ms) == 0)
        return 0;
    return fault_set(ret_fault, "/paused", "want act, who, reason and since");
}

static int take_approval(const json_t *o, struct partition_approval *a)
{
    if (take_text(o, "act", a->act, sizeof(a->act)) != 0 || take_text(o, "who", a->who, sizeof(a->who)) != 0 ||
        take_text(o, "reason", a->reason, sizeof(a->reason)) != 0 || take_time(o, "until", &a->until_ms) != 0)
        return -1;
    return take_number(o, "max", INT32_MAX, &a->max) != 0 || take_number(o, "used", INT32_MAX, &a->used) != 0 ? -1 : 0;
}

static int take_approvals(const json_t *root, struct partition_record *r, struct fault *ret_fault)
{
    const json_t *list = json_object_get(root, "approvals");
    size_t n = json_array_size(list);
    if (!json_is_array(list) || n > PARTITION_APPROVALS_MAX)
        return fault_set(ret_fault, "/approvals", "want a list of at most %d", PARTITION_APPROVALS_MAX);
    for (size_t i = 0; i < n; i++) {
        char pointer[32];
        snprintf(pointer, sizeof(pointer), "/approvals/%zu", i);
        if (take_approval(json_array_get(list, i), &r->approvals[i]) != 0)
            return fault_set(ret_fault, pointer, "want act, who, reason, until, max and used");
    }
    r->approval_count = n;
    return 0;
}

static int take_record(const json_t *root, struct partition_record *r, struct fault *ret_fault)
{
    uint64_t partition = 0, control = 0;
    memset(r, 0, sizeof(*r));
    if (!json_is_object(root))
        return fault_set(ret_fault, "", "want a JSON object");
    if (take_number(root, "partition", 999999, &partition) != 0)
        return fault_set(ret_fault, "/partition", "want a partition's number");
    if (take_text(root, "provider", r->provider, sizeof(r->provider)) != 0)
        return fault_set(ret_fault, "/provider", "want a provider's name");
    if (take_number(root, "control", INT64_MAX, &control) != 0)
        return fault_set(ret_fault, "/control", "want an offset");
    if (json_object_get(root, "fence") != NULL && take_text(root, "fence", r->fence, sizeof(r->fence)) != 0)
        return fault_set(ret_fault, "/fence", "want decimal text");
    r->partition = (int32_t)partition;
    r->control = (int64_t)control;
    return take_paused(root, r, ret_fault) != 0 ? -1 : take_approvals(root, r, ret_fault);
}

int partition_record_decode(const char *text, size_t len, struct partition_record *ret, struct fault *ret_fault)
{
    json_t *root = json_parse_strict(text, len, ret_fault);
    int rc = root == NULL ? -1 : take_record(root, ret, ret_fault);
    json_decref(root);
    return rc;
}

/* ---- deciding ---- */

static bool is_over(const struct partition_approval *a, int64_t now_ms)
{
    return now_ms >= a->until_ms || a->used >= a->max;
}

static void forget_over(struct partition_record *r, int64_t now_ms)
{
    size_t kept = 0;
    for (size_t i = 0; i < r->approval_count; i++)
        if (!is_over(&r->approvals[i], now_ms))
            r->approvals[kept++] = r->approvals[i];
    r->approval_count = kept;
}

static enum act_result approve(struct partition_record *r, const struct act *a, int64_t now_ms, const char **ret_why)
{
    forget_over(r, now_ms);
    if (a->until_ms <= now_ms) {
        *ret_why = "expired";
        return ACT_TOO_LATE;
    }
    if (r->approval_count == PARTITION_APPROVALS_MAX) {
        *ret_why = "too_many";
        return ACT_REFUSED;
    }
    struct partition_approval *p = &r->approvals[r->approval_count++];
    *p = (struct partition_approval){.until_ms = a->until_ms, .max = a->max};
    memcpy(p->act, a->id, sizeof(p->act));
    memcpy(p->who, a->who, sizeof(p->who));
    memcpy(p->reason, a->reason, sizeof(p->reason));
    return ACT_DONE;
}

static enum act_result pause(struct partition_record *r, const struct act *a)
{
    r->paused = true;
    r->paused_ms = a->time_ms;
    memcpy(r->paused_act, a->id, sizeof(r->paused_act));
    memcpy(r->paused_who, a->who, sizeof(r->paused_who));
    memcpy(r->paused_reason, a->reason, sizeof(r->paused_reason));
    return ACT_DONE;
}

static enum act_result resume(struct partition_record *r)
{
    r->paused = false;
    r->paused_ms = 0;
    r->paused_act[0] = r->paused_who[0] = r->paused_reason[0] = '\0';
    return ACT_DONE;
}

void partition_record_saw(struct partition_record *r, int64_t offset)
{
    if (offset >= r->control)
        r->control = offset + 1;
}

enum act_result partition_record_act(struct partition_record *r, const struct act *a, int64_t offset, int64_t now_ms,
                                     const char **ret_why, bool *ret_again)
{
    *ret_why = "";
    *ret_again = offset < r->control;
    if (*ret_again)
        return ACT_DONE;
    partition_record_saw(r, offset);
    if (!act_is_provider_wide(a) || a->partition != r->partition) {
        *ret_why = "other_partition";
        return ACT_REFUSED;
    }
    switch (a->kind) {
    case ACT_APPROVE:
        return approve(r, a, now_ms, ret_why);
    case ACT_PAUSE:
        return pause(r, a);
    case ACT_RESUME:
        return resume(r);
    case ACT_RELEASE:
    case ACT_RESOLVE_DOUBT:
    case ACT_REDRIVE:
    case ACT_DROP:
    case ACT_REBASE_ORDER:
    case ACT_KIND_COUNT:
        break;
    }
    *ret_why = "not_for_a_provider";
    return ACT_REFUSED;
}

/* Brings what is used of its approvals up to what @his says. */
static void use(struct partition_record *r, const struct partition_record *his)
{
    for (size_t i = 0; i < r->approval_count; i++)
        for (size_t k = 0; k < his->approval_count; k++) {
            struct partition_approval *a = &r->approvals[i];
            const struct partition_approval *b = &his->approvals[k];
            if (strcmp(a->act, b->act) == 0 && b->used > a->used)
                a->used = b->used;
        }
}

void partition_record_merge(struct partition_record *r, const struct partition_record *his)
{
    struct partition_record was = *r;
    if (his->control >= was.control) {
        *r = *his;
        use(r, &was);
    } else {
        use(r, his);
    }
}

bool partition_record_take(struct partition_record *r, int64_t now_ms)
{
    forget_over(r, now_ms);
    struct partition_approval *first = NULL;
    for (size_t i = 0; i < r->approval_count; i++)
        if (first == NULL || r->approvals[i].until_ms < first->until_ms)
            first = &r->approvals[i];
    if (first == NULL)
        return false;
    first->used++;
    return true;
}

uint64_t partition_record_left(const struct partition_record *r, int64_t now_ms)
{
    uint64_t left = 0;
    for (size_t i = 0; i < r->approval_count; i++)
        if (!is_over(&r->approvals[i], now_ms))
            left += r->approvals[i].max - r->approvals[i].used;
    return left;
}
