/* bind.c - a pack with one installation's address and credentials: what is the same for every call is made once. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "contract/record.h"
#include "workflow/plan.h"
#include "workflow/settable.h"

static char *keep(struct bound_pack *b, const char *s, size_t n, struct err *reterr)
{
    char *text = arena_text(&b->arena, s, n);
    if (text == NULL)
        err_nomem(reterr);
    return text;
}

/* A credential's text; NULL when it is missing or empty. */
static const char *secret_of(const struct bound_pack *b, const char *scheme, const char *member)
{
    const char *s = json_string_value(json_object_get(json_object_get(b->credentials, scheme), member));
    return s == NULL || s[0] == '\0' ? NULL : s;
}

static const char *member_of(const struct scheme *s)
{
    switch (s->kind) {
    case SCHEME_BASIC:
        return "username";
    case SCHEME_BEARER:
        return "token";
    case SCHEME_KEY_HEADER:
    case SCHEME_KEY_QUERY:
        break;
    }
    return "value";
}

/* -1: out of memory. */
static int fill_in(json_t *all, const char *scheme, const char *member, const char *fill)
{
    json_t *one = json_object_get(all, scheme);
    if (one == NULL) {
        one = json_object();
        if (json_object_set_new(all, scheme, one) != 0)
            return -1;
    }
    return json_object_set_new(one, member, json_string(fill));
}

json_t *pack_credentials(const struct pack *p, const char *fill)
{
    json_t *all = json_object();
    int rc = 0;
    for (size_t i = 0; i < p->scheme_count; i++) {
        if (&p->schemes[i] == p->token_scheme)
            continue;
        rc |= fill_in(all, p->schemes[i].id, member_of(&p->schemes[i]), fill);
        if (p->schemes[i].kind == SCHEME_BASIC)
            rc |= fill_in(all, p->schemes[i].id, "password", fill);
    }
    for (const struct credential_use *u = p->credential_uses; u != NULL; u = u->next)
        rc |= fill_in(all, u->scheme, u->member, fill);
    if (rc == 0)
        return all;
    json_decref(all);
    return NULL;
}

static bool has_credentials(const struct bound_pack *b, const struct scheme *s)
{
    return s == b->pack->token_scheme || secret_of(b, s->id, member_of(s)) != NULL;
}

static const struct security *choose(const struct bound_pack *b, const struct operation *op)
{
    for (size_t i = 0; i < op->security_count; i++) {
        const struct security *s = &op->security[i];
        size_t k = 0;
        while (k < s->n && has_credentials(b, s->schemes[k]))
            k++;
        if (k == s->n)
            return s;
    }
    return NULL;
}

static int refuse_missing(const struct bound_pack *b, const struct operation *op, struct err *reterr)
{
    const struct security *s = &op->security[0];
    for (size_t i = 0; i < s->n; i++)
        if (!has_credentials(b, s->schemes[i]))
            return err_set(reterr, ERR_INVAL, "the credential `%s.%s` is missing: the pack's operation %s needs it",
                           s->schemes[i]->id, member_of(s->schemes[i]), op->id);
    return err_set(reterr, ERR_INVAL, "credentials for the operation %s are missing", op->id);
}

static bool is_header_text(const char *s)
{
    for (; *s != '\0'; s++)
        if ((unsigned char)*s < 0x20 || *s == 0x7F)
            return false;
    return true;
}

static int add_header(struct bound_op *o, const struct scheme *s, char *value, struct err *reterr)
{
    if (value == NULL)
        return -1;
    if (!is_header_text(value))
        return err_set(reterr, ERR_INVAL, "the credential `%s` has control characters", s->id);
    if (o->header_count == ARRAY_LEN(o->headers))
        return err_set(reterr, ERR_INVAL, "too many security schemes for one operation (%s)", s->id);
    o->headers[o->header_count++] = (struct call_header){s->name, value};
    return 0;
}

/* RFC 7617 */
static char *basic_value(struct bound_pack *b, const struct scheme *s, struct err *reterr)
{
    const char *user = secret_of(b, s->id, "username"), *password = secret_of(b, s->id, "password");
    if (strchr(user, ':') != NULL) {
        err_set(reterr, ERR_INVAL, "the user name of `%s` has a colon, which http basic cannot carry", s->id);
        return NULL;
    }
    struct buf plain, text;
    buf_init(&plain, 4096);
    buf_init(&text, 8192);
    buf_adds(&plain, user);
    buf_addc(&plain, ':');
    buf_adds(&plain, password == NULL ? "" : password);
    buf_adds(&text, "Basic ");
    char *to = buf_reserve(&text, 4 * ((plain.len + 2) / 3) + 1);
    if (to != NULL && buf_ok(&plain))
        hash_base64((const uint8_t *)plain.data, plain.len, to);
    char *value = NULL;
    if (plain.no_memory || text.no_memory)
        err_nomem(reterr);
    else if (to == NULL || !buf_ok(&plain))
        err_set(reterr, ERR_INVAL, "the credentials of `%s` are too long", s->id);
    else
        value = keep(b, text.data, text.len + strlen(to), reterr);
    buf_fini(&plain);
    buf_fini(&text);
    return value;
}

static char *bearer_value(struct bound_pack *b, const struct scheme *s, struct err *reterr)
{
    const char *token = secret_of(b, s->id, "token");
    size_t size = strlen("Bearer ") + strlen(token) + 1;
    char *value = arena_alloc(&b->arena, size);
    if (value == NULL) {
        err_nomem(reterr);
        return NULL;
    }
    snprintf(value, size, "Bearer %s", token);
    return value;
}

static int set_query(struct bound_pack *b, struct bound_op *o, const struct scheme *s, struct err *reterr)
{
    struct buf text;
    const char *value = secret_of(b, s->id, "value");
    buf_init(&text, 8192);
    if (o->query != NULL) {
        buf_adds(&text, o->query);
        buf_addc(&text, '&');
    }
    buf_add_percent(&text, s->name, strlen(s->name));
    buf_addc(&text, '=');
    buf_add_percent(&text, value, strlen(value));
    o->query = buf_ok(&text) ? keep(b, text.data, text.len, reterr) : NULL;
    if (text.no_memory)
        err_nomem(reterr);
    else if (!buf_ok(&text))
        err_set(reterr, ERR_INVAL, "the credential `%s` is too long", s->id);
    buf_fini(&text);
    return o->query == NULL ? -1 : 0;
}

static int bind_scheme(struct bound_pack *b, struct bound_op *o, const struct scheme *s, struct err *reterr)
{
    if (s == b->pack->token_scheme) {
        o->needs_token = true;
        return 0;
    }
    const char *value;
    switch (s->kind) {
    case SCHEME_BASIC:
        return add_header(o, s, basic_value(b, s, reterr), reterr);
    case SCHEME_BEARER:
        return add_header(o, s, bearer_value(b, s, reterr), reterr);
    case SCHEME_KEY_HEADER:
        value = secret_of(b, s->id, "value");
        return add_header(o, s, keep(b, value, strlen(value), reterr), reterr);
    case SCHEME_KEY_QUERY:
        return set_query(b, o, s, reterr);
    }
    return -1;
}

static int bind_op(struct bound_pack *b, const struct operation *op, struct err *reterr)
{
    struct bound_op *o = &b->ops[op->index];
    if (op->repeat == CALL_KEYED && b->secret == NULL)
        return err_set(reterr, ERR_INVAL, "the operation %s is x-repeat: keyed, so an idempotency secret must be set",
                       op->id);
    if (settable_bind(b, op, reterr) != 0)
        return -1;
    if (op->accept != NULL)
        o->headers[o->header_count++] = (struct call_header){"Accept", op->accept};
    if (op->security_count == 0)
        return 0;
    o->security = choose(b, op);
    if (o->security == NULL)
        return refuse_missing(b, op, reterr);
    for (size_t i = 0; i < o->security->n; i++)
        if (bind_scheme(b, o, o->security->schemes[i], reterr) != 0)
            return -1;
    return 0;
}

static int bind_url(struct bound_pack *b, const char *base_url, struct err *reterr)
{
    const char *url = base_url != NULL ? base_url : b->pack->base_url;
    if (url == NULL)
        return err_set(reterr, ERR_INVAL, "the pack names no server with an absolute url, so a base URL must be set");
    if (strncmp(url, "http://", 7) != 0 && strncmp(url, "https://", 8) != 0)
        return err_set(reterr, ERR_INVAL, "the base URL must begin with http:// or https://");
    if (strpbrk(url, "?# \t\r\n") != NULL)
        return err_set(reterr, ERR_INVAL, "the base URL must have no query, fragment or white space");
    size_t n = strlen(url);
    while (n > 0 && url[n - 1] == '/')
        n--;
    b->base_url = keep(b, url, n, reterr);
    return b->base_url == NULL ? -1 : 0;
}

static int copy_tree(const json_t *from, json_t **ret, struct err *reterr)
{
    *ret = from == NULL ? json_object() : json_deep_copy(from);
    return *ret == NULL ? err_nomem(reterr) : 0;
}

/* The pack's own settings, and what the installation says over them (RFC 7396). */
static int bind_settings(struct bound_pack *b, const json_t *settings, struct err *reterr)
{
    if (copy_tree(b->pack->defaults, &b->settings, reterr) != 0)
        return -1;
    return settings != NULL && json_merge_patch(b->settings, settings) != 0 ? err_nomem(reterr) : 0;
}

static int check_uses(const struct bound_pack *b, struct err *reterr)
{
    for (const struct credential_use *u = b->pack->credential_uses; u != NULL; u = u->next)
        if (json_object_get(json_object_get(b->credentials, u->scheme), u->member) == NULL)
            return err_set(reterr, ERR_INVAL, "the credential `%s.%s` is missing: the pack's workflows use it",
                           u->scheme, u->member);
    return 0;
}

static int bind_all(struct bound_pack *b, const char *base_url, const json_t *credentials, const json_t *settings,
                    const char *secret, struct err *reterr)
{
    if (secret != NULL && (b->secret = keep(b, secret, strlen(secret), reterr)) == NULL)
        return -1;
    if (copy_tree(credentials, &b->credentials, reterr) != 0 || bind_settings(b, settings, reterr) != 0)
        return -1;
    b->ops = arena_alloc(&b->arena, (b->pack->op_count + 1) * sizeof(*b->ops));
    if (b->ops == NULL)
        return err_nomem(reterr);
    if (bind_url(b, base_url, reterr) != 0 || check_uses(b, reterr) != 0)
        return -1;
    for (size_t i = 0; i < b->pack->op_count; i++)
        if (b->pack->ops[i].used && bind_op(b, &b->pack->ops[i], reterr) != 0)
            return -1;
    return 0;
}

struct bound_pack *pack_bind(const struct pack *p, const char *base_url, const json_t *credentials,
                             const json_t *settings, const char *idempotency_secret, struct err *reterr)
{
    struct bound_pack *b = calloc(1, sizeof(*b));
    if (b == NULL) {
        err_nomem(reterr);
        return NULL;
    }
    b->pack = p;
    if (bind_all(b, base_url, credentials, settings, idempotency_secret, reterr) == 0)
        return b;
    bound_pack_free(b);
    return NULL;
}

void bound_pack_free(struct bound_pack *b)
{
    if (b == NULL)
        return;
    json_decref(b->credentials);
    json_decref(b->settings);
    arena_fini(&b->arena);
    free(b);
}

const struct pack *bound_pack_pack(const struct bound_pack *b)
{
    return b->pack;
}

bool bound_pack_needs_token(const struct bound_pack *b)
{
    for (size_t i = 0; i < b->pack->op_count; i++)
        if (b->ops[i].needs_token)
            return true;
    return false;
}
