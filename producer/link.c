#include "link.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/attr.h"
#include "contract/json.h"

/* The first reason is told. */
static void ATTR_PRINTF(2, 3) doubt(struct link *ret, const char *fmt, ...)
{
    va_list ap;
    if (ret->result == LINK_DOUBTFUL)
        return;
    ret->result = LINK_DOUBTFUL;
    va_start(ap, fmt);
    vsnprintf(ret->why, sizeof(ret->why), fmt, ap);
    va_end(ap);
}

/* One more look by @value. False: it finds none. */
static bool look(const struct accounts *a, enum account_key k, const char *value, struct link *ret)
{
    struct account *found = accounts_find(a, k, value);
    if (found == NULL)
        return false;
    if (account_same(found, k) != NULL)
        doubt(ret, "several accounts have this %s", account_key_name(k));
    else if (ret->account != NULL && ret->account != found)
        doubt(ret, "%s and %s are those of two accounts", ret->by, account_key_name(k));
    if (ret->account != NULL)
        return true;
    ret->account = found;
    ret->by = account_key_name(k);
    if (ret->result == LINK_NONE)
        ret->result = LINK_ONE;
    return true;
}

/* How many of them @from says. */
static size_t look_by(const struct accounts *a, const json_t *from, const json_t *ids, struct link *ret)
{
    size_t said = 0;
    for (size_t k = 0; k < ACCOUNT_KEY_COUNT; k++) {
        const char *name = account_key_name((enum account_key)k);
        const char *value = json_text(k == ACCOUNT_LOGIN ? from : ids, name);
        if (value[0] == '\0')
            continue;
        said++;
        look(a, (enum account_key)k, value, ret);
    }
    return said;
}

static void look_by_service(const struct accounts *a, const char *service, struct link *ret)
{
    for (size_t k = 0; k < ACCOUNT_KEY_COUNT; k++)
        if (look(a, (enum account_key)k, service, ret))
            return;
}

static void compare(const struct link_ask *ask, struct link *ret)
{
    for (size_t k = 0; k < ACCOUNT_KEY_COUNT; k++) {
        const char *said = json_text(ask->row, account_key_name((enum account_key)k));
        const char *borne = account_bears(ret->account, (enum account_key)k);
        if (said[0] != '\0' && borne[0] != '\0' && strcasecmp(said, borne) != 0)
            doubt(ret, "found by its %s, and its %s is another", ret->by, account_key_name((enum account_key)k));
    }
}

void link_find(const struct accounts *a, const struct link_ask *ask, struct link *ret)
{
    *ret = (struct link){.by = ""};
    size_t said = look_by(a, ask->row, ask->row, ret);
    said += look_by(a, ask->record, json_object_get(ask->record, "ids"), ret);
    if (said == 0)
        look_by_service(a, ask->service, ret);
    if (ret->account != NULL && ask->strict)
        compare(ask, ret);
    const char *owner = ret->account != NULL ? account_owner(ret->account) : "";
    if (owner[0] != '\0' && strcmp(owner, ask->service) != 0)
        doubt(ret, "this account is that of service %s already", owner);
}
