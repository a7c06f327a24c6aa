#include "account.h"

#include <ctype.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <uthash.h>

#include "base/attr.h"
#include "base/buf.h"
#include "contract/json.h"

#define STATE_MAX_BYTES ((size_t)1024 * 1024)

struct account {
    UT_hash_handle hh[ACCOUNT_KEY_COUNT];
    struct account *same[ACCOUNT_KEY_COUNT]; /* the next one that bears the same */
    const char *bears[ACCOUNT_KEY_COUNT], *state;
    char *lower; /* of the login */
    size_t state_len;
    const char *owner;
    char texts[];
};

struct accounts {
    struct account *first[ACCOUNT_KEY_COUNT]; /* hashes */
    struct account **list;
    size_t n, room;
    struct buf scratch;
};

const char *account_key_name(enum account_key k)
{
    static const char *const names[ACCOUNT_KEY_COUNT] = {
        [ACCOUNT_EXTERNAL_ID] = "external_id", [ACCOUNT_NUMBER] = "account_number", [ACCOUNT_LOGIN] = "login"};
    return (size_t)k < ARRAY_LEN(names) ? names[k] : "";
}

struct accounts *accounts_new(void)
{
    struct accounts *a = calloc(1, sizeof(*a));
    if (a != NULL)
        buf_init(&a->scratch, STATE_MAX_BYTES);
    return a;
}

static void forget_index(struct accounts *a)
{
    HASH_CLEAR(hh[ACCOUNT_EXTERNAL_ID], a->first[ACCOUNT_EXTERNAL_ID]);
    HASH_CLEAR(hh[ACCOUNT_NUMBER], a->first[ACCOUNT_NUMBER]);
    HASH_CLEAR(hh[ACCOUNT_LOGIN], a->first[ACCOUNT_LOGIN]);
}

void accounts_free(struct accounts *a)
{
    if (a == NULL)
        return;
    forget_index(a);
    for (size_t i = 0; i < a->n; i++)
        free(a->list[i]);
    free(a->list);
    buf_fini(&a->scratch);
    free(a);
}

static void lower(char *s)
{
    for (; *s != '\0'; s++)
        *s = (char)tolower((unsigned char)*s);
}

static const char *key_of(const struct account *one, enum account_key k)
{
    return k == ACCOUNT_LOGIN ? one->lower : one->bears[k];
}

static void index_one(struct accounts *a, struct account *one, enum account_key k)
{
    const char *key = key_of(one, k);
    struct account *there = NULL;
    if (key[0] == '\0')
        return;
    HASH_FIND(hh[k], a->first[k], key, strlen(key), there);
    if (there != NULL) {
        one->same[k] = there->same[k];
        there->same[k] = one;
        return;
    }
    HASH_ADD_KEYPTR(hh[k], a->first[k], key, strlen(key), one);
}

/* Copies the texts behind the struct. */
static struct account *make(const char *const bears[ACCOUNT_KEY_COUNT], const struct buf *state)
{
    size_t size = state->len + 1 + strlen(bears[ACCOUNT_LOGIN]) + 1;
    for (size_t k = 0; k < ACCOUNT_KEY_COUNT; k++)
        size += strlen(bears[k]) + 1;
    struct account *one = calloc(1, sizeof(*one) + size);
    if (one == NULL)
        return NULL;
    char *at = one->texts;
    for (size_t k = 0; k < ACCOUNT_KEY_COUNT; k++) {
        one->bears[k] = at;
        at = stpcpy(at, bears[k]) + 1;
    }
    one->lower = at;
    at = stpcpy(at, bears[ACCOUNT_LOGIN]) + 1;
    lower(one->lower);
    one->state = memcpy(at, state->data, state->len);
    one->state_len = state->len;
    one->owner = "";
    return one;
}

static int keep(struct accounts *a, struct account *one)
{
    if (a->n == a->room) {
        size_t room = a->room > 0 ? 2 * a->room : 1024;
        struct account **more = realloc(a->list, room * sizeof(struct account *));
        if (more == NULL)
            return -1;
        a->list = more;
        a->room = room;
    }
    a->list[a->n++] = one;
    for (size_t k = 0; k < ACCOUNT_KEY_COUNT; k++)
        index_one(a, one, (enum account_key)k);
    return 0;
}

int accounts_add(struct accounts *a, const json_t *account)
{
    const char *bears[ACCOUNT_KEY_COUNT];
    json_t *record = account_record(account);
    buf_reset(&a->scratch);
    json_add_canonical(&a->scratch, record);
    const json_t *ids = json_object_get(record, "ids");
    bears[ACCOUNT_EXTERNAL_ID] = json_text(ids, "external_id");
    bears[ACCOUNT_NUMBER] = json_text(ids, "account_number");
    bears[ACCOUNT_LOGIN] = json_text(record, "login");
    struct account *one = record == NULL || !buf_ok(&a->scratch) ? NULL : make(bears, &a->scratch);
    json_decref(record);
    if (one != NULL && keep(a, one) == 0)
        return 0;
    free(one);
    return -1;
}

size_t accounts_count(const struct accounts *a)
{
    return a->n;
}

struct account *accounts_at(const struct accounts *a, size_t i)
{
    return a->list[i];
}

struct account *accounts_find(const struct accounts *a, enum account_key k, const char *value)
{
    char key[ACCOUNT_TEXT_SIZE];
    struct account *found = NULL;
    if (value[0] == '\0' || snprintf(key, sizeof(key), "%s", value) >= (int)sizeof(key))
        return NULL;
    if (k == ACCOUNT_LOGIN)
        lower(key);
    HASH_FIND(hh[k], a->first[k], key, strlen(key), found);
    return found;
}

struct account *account_same(const struct account *a, enum account_key k)
{
    return a->same[k];
}

const char *account_bears(const struct account *a, enum account_key k)
{
    return a->bears[k];
}

const char *account_state(const struct account *a, size_t *ret_len)
{
    *ret_len = a->state_len;
    return a->state;
}

const char *account_owner(const struct account *a)
{
    return a->owner;
}

void account_set_owner(struct account *a, const char *service)
{
    a->owner = service;
}
