/* openapi_parts.c - servers, security schemes and requirements, parameters. */
#include "workflow/openapi_parts.h"

#include <string.h>
#include <strings.h>

#include "workflow/openapi.h"

bool part_is_token(const char *s)
{
    static const char chars[] = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    size_t n = strlen(s);
    return n > 0 && strspn(s, chars) == n;
}

/* --- servers --- */

static bool add_variable(struct loader *l, const json_t *server, const char *name, size_t n, struct buf *out,
                         const struct at *at)
{
    const char *key = load_text(l, name, n);
    const json_t *vars = json_object_get(server, "variables");
    const char *v = key == NULL ? NULL : json_string_value(json_object_get(json_object_get(vars, key), "default"));
    if (v == NULL) {
        load_fault(l, at, "the server's variable `%s` has no default", key == NULL ? "?" : key);
        return false;
    }
    buf_adds(out, v);
    return true;
}

static void fill_url(struct loader *l, const json_t *server, const char *url, struct buf *out, const struct at *at)
{
    while (*url != '\0') {
        size_t n = strcspn(url, "{");
        buf_add(out, url, n);
        url += n;
        const char *close = *url == '{' ? strchr(url, '}') : NULL;
        if (*url != '\0' && close == NULL)
            load_fault(l, at, "`{` without `}`");
        if (close == NULL || !add_variable(l, server, url + 1, (size_t)(close - url - 1), out, at))
            return;
        url = close + 1;
    }
}

void part_servers(struct loader *l, const json_t *doc, const struct at *at)
{
    const json_t *servers = load_list(l, doc, "servers", at, false);
    const json_t *first = json_array_get(servers, 0);
    struct at up = at_key(at, "servers"), here = at_index(&up, 0), url_at = at_key(&here, "url");
    const char *url = first == NULL ? NULL : load_string(l, first, "url", &here, true);
    if (url == NULL)
        return;
    struct buf out;
    buf_init(&out, 4096);
    fill_url(l, first, url, &out, &url_at);
    if (strncmp(buf_cstr(&out), "http://", 7) == 0 || strncmp(buf_cstr(&out), "https://", 8) == 0)
        l->pack->base_url = load_text(l, out.data, out.len);
    buf_fini(&out);
}

/* --- security --- */

static void compile_http(struct loader *l, const json_t *v, struct scheme *ret, const struct at *at)
{
    const char *scheme = load_string(l, v, "scheme", at, true);
    ret->name = "Authorization";
    if (scheme == NULL)
        return;
    if (strcasecmp(scheme, "basic") == 0)
        ret->kind = SCHEME_BASIC;
    else if (strcasecmp(scheme, "bearer") == 0)
        ret->kind = SCHEME_BEARER;
    else
        load_fault(l, at, "the http scheme `%s` is not supported: basic and bearer are", scheme);
}

static void compile_key(struct loader *l, const json_t *v, struct scheme *ret, const struct at *at)
{
    const char *in = load_string(l, v, "in", at, true);
    ret->name = load_string(l, v, "name", at, true);
    if (in == NULL || ret->name == NULL)
        return;
    if (strcmp(in, "query") == 0) {
        ret->kind = SCHEME_KEY_QUERY;
        return;
    }
    ret->kind = SCHEME_KEY_HEADER;
    if (strcmp(in, "header") != 0)
        load_fault(l, at, "an apiKey in `%s` is not supported: header and query are", in);
    else if (!part_is_token(ret->name))
        load_fault(l, at, "`%s` is no header's name", ret->name);
}

static void compile_scheme(struct loader *l, const json_t *v, struct scheme *ret, const struct at *at)
{
    const char *type = load_string(l, v, "type", at, true);
    if (type == NULL)
        return;
    if (strcmp(type, "http") == 0)
        compile_http(l, v, ret, at);
    else if (strcmp(type, "apiKey") == 0)
        compile_key(l, v, ret, at);
    else
        load_fault(l, at, "security of type `%s` is not supported: http (basic, bearer) and apiKey are", type);
}

void part_schemes(struct loader *l, const json_t *doc, const struct at *at)
{
    const json_t *components = load_object(l, doc, "components", at, false);
    struct at components_at = at_key(at, "components"), up = at_key(&components_at, "securitySchemes");
    const json_t *schemes = load_object(l, components, "securitySchemes", &components_at, false);
    struct scheme *list = load_alloc(l, json_object_size(schemes), sizeof(*list));
    const char *id;
    json_t *v;
    if (list == NULL)
        return;
    l->pack->schemes = list;
    json_object_foreach((json_t *)(uintptr_t)schemes, id, v) {
        struct at here = at_key(&up, id);
        struct node n = load_resolve(l, v, &here);
        if (n.v == NULL)
            continue;
        struct scheme *s = &list[l->pack->scheme_count++];
        s->id = id;
        compile_scheme(l, n.v, s, &n.at);
    }
}

static void compile_requirement(struct loader *l, const json_t *v, struct security *ret, const struct at *at)
{
    const struct scheme **list = load_alloc(l, json_object_size(v), sizeof(*list));
    const char *id;
    json_t *scopes;
    if (list == NULL)
        return;
    ret->schemes = list;
    json_object_foreach((json_t *)(uintptr_t)v, id, scopes) {
        const struct scheme *s = openapi_scheme(l->pack, id);
        if (s == NULL)
            load_fault(l, at, "there is no security scheme `%s`", id);
        else
            list[ret->n++] = s;
    }
}

void part_security(struct loader *l, const json_t *v, struct operation *op, const struct at *at)
{
    struct at root = at_root("");
    bool own = json_object_get(v, "security") != NULL;
    const struct at *from = own ? at : &root;
    const json_t *list = load_list(l, own ? v : yaml_root(l->doc), "security", from, false);
    struct security *alternatives = load_alloc(l, json_array_size(list), sizeof(*alternatives));
    struct at up = at_key(from, "security");
    if (alternatives == NULL)
        return;
    for (size_t i = 0; i < json_array_size(list); i++) {
        struct at here = at_index(&up, i);
        compile_requirement(l, json_array_get(list, i), &alternatives[i], &here);
    }
    op->security = alternatives;
    op->security_count = json_array_size(list);
}

/* --- parameters --- */

static int place_of(struct loader *l, const char *in, enum param_in *ret, const struct at *at)
{
    static const char *const names[] = {"path", "query", "header"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (strcmp(in, names[i]) != 0)
            continue;
        *ret = (enum param_in)i;
        return 0;
    }
    load_fault(l, at, "parameters in `%s` are not supported: path, query and header are", in);
    return -1;
}

static void check_style(struct loader *l, const json_t *v, struct param_decl *ret, const struct at *at)
{
    const char *style = load_string(l, v, "style", at, false);
    const char *wanted = ret->in == IN_QUERY ? "form" : "simple";
    const json_t *explode = json_object_get(v, "explode");
    if (style != NULL && strcmp(style, wanted) != 0)
        load_fault(l, at, "style `%s` is not supported here: `%s` is", style, wanted);
    if (json_is_true(json_object_get(v, "allowReserved")))
        load_fault(l, at, "allowReserved is not supported");
    if (json_object_get(v, "content") != NULL)
        load_fault(l, at, "parameters with `content` are not supported");
    ret->explode = explode == NULL ? ret->in == IN_QUERY : json_is_true(explode);
}

static bool compile_param(struct loader *l, const json_t *v, struct param_decl *ret, const struct at *at)
{
    const char *name = load_string(l, v, "name", at, true), *in = load_string(l, v, "in", at, true);
    if (name == NULL || in == NULL || place_of(l, in, &ret->in, at) != 0)
        return false;
    ret->name = name;
    ret->required = json_is_true(json_object_get(v, "required"));
    ret->path_only = json_is_true(json_object_get(v, "x-path-only"));
    if (ret->path_only && (ret->required || ret->in == IN_PATH))
        load_fault(l, at, "x-path-only is for parameters that are not required, in query or header");
    if (ret->in == IN_PATH && !ret->required)
        load_fault(l, at, "a path parameter must say `required: true`");
    if (ret->in == IN_HEADER && !part_is_token(name))
        load_fault(l, at, "`%s` is no header's name", name);
    check_style(l, v, ret, at);
    return true;
}

/* An operation's parameter takes the place of the path's of the same name and place. */
static struct param_decl *find_param(struct param_decl *list, size_t n, const struct param_decl *p)
{
    for (size_t i = 0; i < n; i++)
        if (list[i].in == p->in && strcmp(list[i].name, p->name) == 0)
            return &list[i];
    return NULL;
}

static void add_params(struct loader *l, const json_t *v, struct param_decl *list, size_t *n, const struct at *at)
{
    const json_t *params = load_list(l, v, "parameters", at, false);
    struct at up = at_key(at, "parameters");
    for (size_t i = 0; i < json_array_size(params); i++) {
        struct at here = at_index(&up, i);
        struct node node = load_resolve(l, json_array_get(params, i), &here);
        struct param_decl p = {0};
        if (node.v == NULL || !compile_param(l, node.v, &p, &node.at))
            continue;
        struct param_decl *old = find_param(list, *n, &p);
        *(old != NULL ? old : &list[(*n)++]) = p;
    }
}

static void check_path_params(struct loader *l, const struct operation *op, const struct param_decl *list, size_t n,
                              const struct at *at)
{
    for (size_t i = 0; i < op->path_count; i++) {
        size_t found = 0;
        for (size_t k = 0; k < n && op->path[i].param != NULL; k++)
            found += list[k].in == IN_PATH && strcmp(list[k].name, op->path[i].param) == 0;
        if (op->path[i].param != NULL && found == 0)
            load_fault(l, at, "the path parameter `%s` is not declared", op->path[i].param);
    }
}

void part_params(struct loader *l, const json_t *item, const json_t *v, struct operation *op, const struct at *item_at,
                 const struct at *at)
{
    size_t max =
        json_array_size(json_object_get(item, "parameters")) + json_array_size(json_object_get(v, "parameters"));
    struct param_decl *list = load_alloc(l, max, sizeof(*list));
    size_t n = 0;
    if (list == NULL)
        return;
    add_params(l, item, list, &n, item_at);
    add_params(l, v, list, &n, at);
    check_path_params(l, op, list, n, at);
    op->params = list;
    op->param_count = n;
}
