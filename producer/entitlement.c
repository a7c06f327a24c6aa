/* entitlement.c - see entitlement.h. An account is one heap block: what is asked for, its texts behind it. It is found by its
 * service, when a record comes, and by its login, when a question does; a login's accounts hang on one list. */
#include "entitlement.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#define HASH_NONFATAL_OOM 1 /* else it would end the program: hh.tbl of what could not be added is NULL */
#include <uthash.h>

#include "base/attr.h"
#include "base/clock.h"
#include "contract/json.h"
#include "contract/json_read.h"
#include "contract/password.h"

#define PACKAGES_MAX 4096
#define DAY_MS ((int64_t)24 * 3600 * 1000)
#define NO_TEXT UINT32_MAX

struct package {
    int64_t from_ms, to_ms; /* told at or after the one and before the other */
    uint32_t id;            /* its text */
};

struct login;
struct account {
    UT_hash_handle hh; /* by service */
    struct login *login; /* NULL: it has none */
    struct account *next_of_login;
    uint64_t fence;
    int32_t partition;
    uint8_t verdict; /* enum entitlement_verdict, of one whose password fits */
    bool unfinished, has_password;
    struct password_kept password;
    uint32_t service_len, plan; /* places in text; the service stands first */
    uint32_t package_count;
    struct package *packages; /* behind this struct */
    char *text;               /* behind those */
};

struct login {
    UT_hash_handle hh;
    struct account *first;
    char text[];
};

struct entitlement {
    const char *provider, *password_key;
    struct account *accounts; /* by service */
    struct login *logins;
};

struct entitlement *entitlement_new(const char *provider, const char *password_key)
{
    struct entitlement *e = calloc(1, sizeof(*e));
    if (e == NULL)
        return NULL;
    e->provider = provider;
    e->password_key = password_key;
    return e;
}

size_t entitlement_count(const struct entitlement *e)
{
    return HASH_COUNT(e->accounts);
}

/* ---- logins ---- */

static struct login *login_find(const struct entitlement *e, const char *text)
{
    struct login *l = NULL;
    HASH_FIND_STR(e->logins, text, l);
    return l;
}

static struct login *login_get(struct entitlement *e, const char *text)
{
    struct login *l = login_find(e, text);
    size_t n = strlen(text);
    if (l != NULL || (l = calloc(1, sizeof(*l) + n + 1)) == NULL)
        return l;
    memcpy(l->text, text, n);
    HASH_ADD_STR(e->logins, text, l);
    if (l->hh.tbl != NULL)
        return l;
    free(l);
    return NULL;
}

static void login_leave(struct entitlement *e, struct account *a)
{
    struct login *l = a->login;
    if (l == NULL)
        return;
    struct account **at = &l->first;
    while (*at != a)
        at = &(*at)->next_of_login;
    *at = a->next_of_login;
    a->login = NULL;
    if (l->first != NULL)
        return;
    HASH_DEL(e->logins, l);
    free(l);
}

static int login_join(struct entitlement *e, struct account *a, const char *text)
{
    a->login = login_get(e, text);
    if (a->login == NULL)
        return -1;
    a->next_of_login = a->login->first;
    a->login->first = a;
    return 0;
}

/* ---- from a record to an account ---- */

/* Billing's words of the record, those of every pack; one that is not known says no. */
static enum entitlement_verdict verdict_of(const json_t *record)
{
    const char *status = json_text(record, "status"), *block = json_text(record, "block");
    if (block[0] != '\0' && strcmp(block, "none") != 0)
        return ENTITLEMENT_BLOCKED;
    if (strcmp(status, "suspended") == 0 || json_is_true(json_object_get(record, "suspended")))
        return ENTITLEMENT_SUSPENDED;
    return strcmp(status, "active") == 0 ? ENTITLED : ENTITLEMENT_INACTIVE;
}

/* A day ("2026-12-31") or a moment, as Unix ms; a day that ends something counts whole. @otherwise: absent, or neither. */
static int64_t moment_of(const json_t *v, bool ends, int64_t otherwise)
{
    const char *text = json_string_value(v);
    char day[40];
    int64_t ms;
    if (text == NULL)
        return otherwise;
    if (strlen(text) != strlen("2026-12-31"))
        return clock_parse_rfc3339(text, &ms) == 0 ? ms : otherwise;
    snprintf(day, sizeof(day), "%sT00:00:00Z", text);
    if (clock_parse_rfc3339(day, &ms) != 0)
        return otherwise;
    return ends ? ms + DAY_MS : ms;
}

static uint32_t add_text(struct buf *texts, const char *text)
{
    if (text == NULL)
        return NO_TEXT;
    uint32_t at = (uint32_t)texts->len;
    buf_add(texts, text, strlen(text) + 1);
    return at;
}

static uint32_t take_packages(const json_t *packages, struct package *list, struct buf *texts)
{
    uint32_t n = 0;
    const char *id;
    json_t *v;
    json_object_foreach((json_t *)(uintptr_t)packages, id, v) {
        if (n == PACKAGES_MAX)
            break;
        list[n++] = (struct package){.from_ms = moment_of(json_object_get(v, "valid_from"), false, INT64_MIN),
                                     .to_ms = moment_of(json_object_get(v, "valid_to"), true, INT64_MAX),
                                     .id = add_text(texts, id)};
    }
    return n;
}

/* One block: the struct, its packages, its texts. */
static struct account *account_alloc(const struct package *packages, uint32_t count, const struct buf *texts)
{
    size_t of_packages = count * sizeof(*packages);
    struct account *a = calloc(1, sizeof(*a) + of_packages + texts->len);
    if (a == NULL)
        return NULL;
    a->packages = (struct package *)(void *)(a + 1);
    a->text = (char *)(a->packages + count);
    if (count > 0)
        memcpy(a->packages, packages, of_packages);
    memcpy(a->text, texts->data, texts->len);
    a->package_count = count;
    return a;
}

static struct account *account_new(const json_t *record)
{
    struct buf texts;
    size_t count = json_object_size(json_object_get(record, "packages"));
    struct package *packages = calloc(count + 1, sizeof(*packages));
    buf_init(&texts, (size_t)2 * JSON_EVENT_MAX_BYTES);
    (void)add_text(&texts, json_text(record, "service"));
    uint32_t plan = add_text(&texts, json_string_value(json_object_get(record, "plan")));
    uint32_t n = packages != NULL ? take_packages(json_object_get(record, "packages"), packages, &texts) : 0;
    struct account *a = packages != NULL && buf_ok(&texts) ? account_alloc(packages, n, &texts) : NULL;
    buf_fini(&texts);
    free(packages);
    if (a == NULL)
        return NULL;
    a->service_len = (uint32_t)strlen(a->text);
    a->plan = plan;
    a->verdict = (uint8_t)verdict_of(record);
    a->fence = strtoull(json_text(record, "fence"), NULL, 10);
    a->unfinished = json_object_get(record, "unfinished") != NULL;
    a->has_password = password_parse(json_text(record, "password_hmac"), &a->password) == 0;
    return a;
}

/* ---- feeding ---- */

static struct account *account_find(const struct entitlement *e, const char *service, size_t len)
{
    struct account *a = NULL;
    HASH_FIND(hh, e->accounts, service, len, a);
    return a;
}

static void account_drop(struct entitlement *e, struct account *a)
{
    if (a == NULL)
        return;
    login_leave(e, a);
    HASH_DEL(e->accounts, a);
    free(a);
}

/* What a claim remembered on its way is older than what it ended with, though their fences are the same. */
static bool is_older(const struct account *a, const struct account *known)
{
    if (a->fence != known->fence)
        return a->fence < known->fence;
    return a->unfinished && !known->unfinished;
}

/* Takes @a. It joins before the older one leaves, so that without memory nothing is lost. */
static int replace(struct entitlement *e, struct account *a, const char *login)
{
    struct account *known = account_find(e, a->text, a->service_len);
    if (known != NULL && is_older(a, known)) {
        free(a);
        return 0;
    }
    if (login != NULL && login_join(e, a, login) != 0) {
        free(a);
        return -1;
    }
    HASH_ADD_KEYPTR(hh, e->accounts, a->text, a->service_len, a);
    if (a->hh.tbl != NULL) {
        account_drop(e, known);
        return 0;
    }
    login_leave(e, a);
    free(a);
    return -1;
}

int entitlement_put(struct entitlement *e, int32_t partition, const char *key, size_t key_len, const char *value,
                    size_t value_len)
{
    if (value == NULL) {
        account_drop(e, account_find(e, key, key_len));
        return 0;
    }
    json_t *record = json_read_any(value, value_len);
    if (record == NULL)
        return json_read_lacked_memory(value, value_len) ? -1 : 0;
    const char *service = json_text(record, "service"); /* "": a partition's own record */
    bool is_record = json_is_string(json_object_get(record, "provider")) && service[0] != '\0';
    if (!is_record || strlen(service) != key_len || memcmp(service, key, key_len) != 0) {
        json_decref(record);
        return 0;
    }
    struct account *a = account_new(record);
    int rc = -1;
    if (a != NULL) {
        a->partition = partition;
        rc = replace(e, a, json_string_value(json_object_get(record, "login")));
    }
    json_decref(record);
    return rc;
}

void entitlement_forget(struct entitlement *e, int32_t partition)
{
    for (struct account *a = e->accounts, *next = NULL; a != NULL; a = next) {
        next = a->hh.next;
        if (a->partition == partition)
            account_drop(e, a);
    }
}

void entitlement_free(struct entitlement *e)
{
    if (e == NULL)
        return;
    for (struct account *a = e->accounts, *next = NULL; a != NULL; a = next) {
        next = a->hh.next;
        account_drop(e, a);
    }
    free(e);
}

/* ---- answering ---- */

const char *entitlement_verdict_name(enum entitlement_verdict v)
{
    static const char *const names[ENTITLEMENT_VERDICTS] = {
        [ENTITLED] = "entitled",
        [ENTITLEMENT_WRONG] = "wrong_login_or_password",
        [ENTITLEMENT_UNKEPT] = "password_not_kept",
        [ENTITLEMENT_BLOCKED] = "blocked",
        [ENTITLEMENT_SUSPENDED] = "suspended",
        [ENTITLEMENT_INACTIVE] = "inactive",
    };
    return (size_t)v < ARRAY_LEN(names) ? names[v] : "";
}

static enum entitlement_verdict judge(const struct entitlement *e, const struct account *a, const char *password)
{
    if (password == NULL)
        return (enum entitlement_verdict)a->verdict;
    if (e->password_key == NULL || !a->has_password || !password_is_under(&a->password, e->password_key))
        return ENTITLEMENT_UNKEPT;
    const struct password_of of = {e->provider, a->text, password};
    return password_fits(&a->password, e->password_key, &of) ? (enum entitlement_verdict)a->verdict : ENTITLEMENT_WRONG;
}

/* How much an account of several with one login counts. */
static int weight(enum entitlement_verdict v)
{
    switch (v) {
    case ENTITLED:
        return 3;
    case ENTITLEMENT_BLOCKED:
    case ENTITLEMENT_SUSPENDED:
    case ENTITLEMENT_INACTIVE:
        return 2;
    case ENTITLEMENT_UNKEPT:
        return 1;
    case ENTITLEMENT_WRONG:
        return 0;
    }
    return 0;
}

/* No such login: what it costs to check a password is spent all the same. */
static void check_nobodys(const struct entitlement *e, const char *password)
{
    static const struct password_kept nobodys;
    const struct password_of of = {e->provider, "", password};
    if (e->password_key != NULL && !password_is_under(&nobodys, e->password_key))
        (void)password_fits(&nobodys, e->password_key, &of);
}

static void add_packages(const struct account *a, int64_t now_ms, struct buf *out)
{
    const char *comma = "";
    buf_adds(out, ",\"packages\":[");
    for (uint32_t i = 0; i < a->package_count; i++) {
        const struct package *p = &a->packages[i];
        if (now_ms < p->from_ms || now_ms >= p->to_ms)
            continue;
        buf_adds(out, comma);
        buf_add_json_str(out, a->text + p->id);
        comma = ",";
    }
    buf_addc(out, ']');
}

static void add_answer(const struct account *a, enum entitlement_verdict v, const struct entitlement_question *q,
                       struct buf *out)
{
    bool known = a != NULL && v != ENTITLEMENT_WRONG;
    buf_adds(out, v == ENTITLED ? "{\"may_watch\":true" : "{\"may_watch\":false,\"reason\":");
    if (v != ENTITLED)
        buf_add_json_str(out, entitlement_verdict_name(v));
    if (known) {
        buf_adds(out, ",\"service\":");
        buf_add_json(out, a->text, a->service_len);
    }
    if (v == ENTITLED && a->plan != NO_TEXT) {
        buf_adds(out, ",\"plan\":");
        buf_add_json_str(out, a->text + a->plan);
    }
    if (v == ENTITLED)
        add_packages(a, q->now_real_ms, out);
    buf_adds(out, ",\"age_ms\":");
    buf_addi(out, q->age_ms);
    buf_addc(out, '}');
}

enum entitlement_verdict entitlement_answer(const struct entitlement *e, const struct entitlement_question *q,
                                            struct buf *out)
{
    const struct login *l = login_find(e, q->login);
    const struct account *best = NULL;
    enum entitlement_verdict v = ENTITLEMENT_WRONG;
    if (l == NULL && q->password != NULL)
        check_nobodys(e, q->password);
    for (const struct account *a = l != NULL ? l->first : NULL; a != NULL; a = a->next_of_login) {
        enum entitlement_verdict of = judge(e, a, q->password);
        if (best != NULL && weight(of) <= weight(v))
            continue;
        best = a;
        v = of;
    }
    add_answer(best, v, q, out);
    return v;
}
