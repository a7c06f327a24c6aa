/* schema_ref.c - $id and $ref: which document, which place. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "contract/schema_impl.h"
#include "contract/yaml.h"

/* ---- RFC 3986 ---- */

struct uri {
    size_t scheme, authority; /* lengths with their ":" and "//"; 0: absent */
    const char *path;
    size_t path_len;
    const char *query; /* with its "?"; up to the fragment */
    size_t query_len;
};

static size_t scheme_len(const char *s)
{
    size_t n = strcspn(s, ":/?#");
    return n > 0 && s[n] == ':' ? n + 1 : 0;
}

/* The fragment is left out. */
static struct uri split(const char *s)
{
    struct uri u = {.scheme = scheme_len(s)};
    const char *p = s + u.scheme;
    if (strncmp(p, "//", 2) == 0)
        u.authority = 2 + strcspn(p + 2, "/?#");
    u.path = p + u.authority;
    u.path_len = strcspn(u.path, "?#");
    u.query = u.path + u.path_len;
    u.query_len = strcspn(u.query, "#");
    return u;
}

/* Adds @path without its "." and ".." segments (section 5.2.4). */
static void add_path(struct buf *out, const char *path, size_t len)
{
    size_t base = out->len;
    const char *end = path + len;
    while (path < end) {
        const char *stop = memchr(path + 1, '/', (size_t)(end - path - 1));
        stop = stop != NULL ? stop : end;
        size_t n = (size_t)(stop - path);
        bool up = n == 3 && memcmp(path, "/..", 3) == 0;
        if (up || (n == 2 && memcmp(path, "/.", 2) == 0)) {
            while (up && out->len > base && out->data[--out->len] != '/')
                ;
            if (stop == end)
                buf_addc(out, '/');
        } else {
            buf_add(out, path, n);
        }
        path = stop;
    }
}

static void add_merged(struct buf *out, const struct uri *base, const struct uri *ref)
{
    struct buf path;
    buf_init(&path, 65536);
    if (ref->path_len == 0 || *ref->path != '/') {
        size_t n = base->path_len;
        while (n > 0 && base->path[n - 1] != '/')
            n--;
        buf_add(&path, base->path, n);
        if (n == 0)
            buf_addc(&path, '/');
    }
    buf_add(&path, ref->path, ref->path_len);
    add_path(out, buf_cstr(&path), path.len);
    buf_fini(&path);
}

char *schema_uri_resolve(const char *base, const char *ref)
{
    struct uri r = split(ref), b = split(base);
    struct buf out;
    buf_init(&out, 65536);
    if (r.scheme > 0) {
        buf_adds(&out, ref);
        return buf_steal(&out, NULL);
    }
    buf_add(&out, base, b.scheme);
    if (r.authority > 0) {
        buf_adds(&out, ref);
        return buf_steal(&out, NULL);
    }
    buf_add(&out, base + b.scheme, b.authority);
    if (r.path_len > 0)
        add_merged(&out, &b, &r);
    else
        buf_add(&out, b.path, b.path_len);
    if (r.path_len == 0 && r.query_len == 0)
        buf_add(&out, b.query, b.query_len);
    buf_adds(&out, r.query); /* and the fragment */
    char *text = buf_steal(&out, NULL);
    buf_fini(&out);
    return text;
}

/* ---- resources ---- */

static const char *own_id(const json_t *v)
{
    const char *id = json_string_value(json_object_get(v, "$id"));
    return id != NULL && json_object_get(v, "$ref") == NULL ? id : NULL;
}

const char *schema_base_below(struct schema *s, const char *base, const json_t *v,
                              struct err *reterr)
{
    const char *id = own_id(v);
    if (id == NULL || *id == '#')
        return base;
    char *text = schema_uri_resolve(base, id);
    if (text == NULL) {
        err_nomem(reterr);
        return NULL;
    }
    size_t n = strcspn(text, "#");
    text[n] = '\0';
    const char *kept = schema_strdup(s, text, reterr);
    free(text);
    return kept;
}

static struct schema_resource *add_one(struct schema *s, json_t *root, const char *uri,
                                       const char *folder, const char *name, struct err *reterr)
{
    struct schema_resource *r = schema_alloc(s, sizeof(*r), reterr);
    if (r == NULL)
        return NULL;
    r->root = root;
    r->folder = folder;
    r->name = name;
    r->uri = schema_strdup(s, uri, reterr);
    if (r->uri == NULL)
        return NULL;
    r->next = s->resources;
    s->resources = r;
    return r;
}

/* Registers @v's own $id, when it has one. */
static int add_id(struct schema *s, const struct schema_resource *doc, const char *base, json_t *v,
                  struct err *reterr)
{
    const char *id = own_id(v);
    if (id == NULL)
        return 0;
    char *uri = schema_uri_resolve(base, id);
    if (uri == NULL)
        return err_nomem(reterr);
    size_t n = strlen(uri);
    if (n > 0 && uri[n - 1] == '#')
        uri[n - 1] = '\0';
    struct schema_resource *r = add_one(s, v, uri, doc->folder, doc->name, reterr);
    free(uri);
    return r != NULL ? 0 : -1;
}

static bool holds_values(const char *keyword)
{
    return strcmp(keyword, "enum") == 0 || strcmp(keyword, "const") == 0 ||
           strcmp(keyword, "default") == 0 || strcmp(keyword, "examples") == 0;
}

static int add_ids(struct schema *s, const struct schema_resource *doc, const char *base, json_t *v,
                   struct err *reterr)
{
    const char *key;
    json_t *item;
    size_t i;
    if (json_is_object(v)) {
        if (add_id(s, doc, base, v, reterr) != 0)
            return -1;
        base = schema_base_below(s, base, v, reterr);
        if (base == NULL)
            return -1;
    }
    json_object_foreach(v, key, item) if (!holds_values(key) &&
                                          add_ids(s, doc, base, item, reterr) != 0) return -1;
    json_array_foreach(v, i, item) if (add_ids(s, doc, base, item, reterr) != 0) return -1;
    return 0;
}

struct schema_resource *schema_resource_add(struct schema *s, json_t *root, const char *name,
                                            const char *uri, const char *folder, struct err *reterr)
{
    const char *kept = schema_strdup(s, name, reterr);
    const char *in = folder != NULL ? schema_strdup(s, folder, reterr) : NULL;
    struct schema_resource *r = NULL;
    if (kept != NULL && (folder == NULL || in != NULL))
        r = add_one(s, root, uri, in, kept, reterr);
    if (r == NULL) {
        json_decref(root);
        return NULL;
    }
    r->owns_root = true;
    return add_ids(s, r, r->uri, root, reterr) == 0 ? r : NULL;
}

static struct schema_resource *find(const struct schema *s, const char *uri, size_t len)
{
    for (struct schema_resource *r = s->resources; r != NULL; r = r->next)
        if (strlen(r->uri) == len && memcmp(r->uri, uri, len) == 0)
            return r;
    return NULL;
}

/* ---- $ref ---- */

static struct schema_resource *load_file(struct schema *s, const struct schema_resource *from,
                                         const char *uri, const char *ref, struct err *reterr)
{
    size_t n = strcspn(ref, "#?");
    if (n == 0 || scheme_len(ref) > 0 || *ref == '/' || from->folder == NULL) {
        err_set(reterr, ERR_INVAL,
                "$ref to \"%s\": not in this document, and nothing is fetched from elsewhere", ref);
        return NULL;
    }
    char path[4096];
    snprintf(path, sizeof(path), "%s/%.*s", from->folder, (int)n, ref);
    struct yaml_doc *d = yaml_load_file(path, reterr);
    if (d == NULL)
        return NULL;
    *strrchr(path, '/') = '\0';
    struct schema_resource *r =
        schema_resource_add(s, json_incref(yaml_root(d)), yaml_name(d), uri, path, reterr);
    yaml_doc_free(d);
    return r;
}

/* Decodes %XX in place. */
static void percent_decode(char *s)
{
    char *to = s;
    for (; *s != '\0'; s++, to++) {
        unsigned v;
        *to = *s;
        if (*s == '%' && isxdigit((unsigned char)s[1]) && isxdigit((unsigned char)s[2]) && sscanf(s + 1, "%2x", &v) == 1 &&
            v != 0) {
            *to = (char)v;
            s += 2;
        }
    }
    *to = '\0';
}

/* Follows @pointer from @ret->at, minding the $ids that it passes. */
static int follow(struct schema *s, char *pointer, struct schema_target *ret, struct err *reterr)
{
    char *end = pointer + strlen(pointer);
    for (char *p = pointer; p < end;) {
        char *stop = strchrnul(p + 1, '/');
        char kept = *stop;
        *stop = '\0';
        json_t *v = json_at_pointer(ret->at, p);
        *stop = kept;
        if (v == NULL)
            return err_set(reterr, ERR_INVAL, "$ref to \"#%s\": no such place", pointer);
        ret->at = v;
        if (json_is_object(v))
            ret->base = schema_base_below(s, ret->base, v, reterr);
        if (ret->base == NULL)
            return -1;
        p = stop;
    }
    return 0;
}

static int find_place(struct schema *s, const struct schema_resource *from, const char *uri,
                      const char *ref, struct schema_target *ret, struct err *reterr)
{
    size_t n = strcspn(uri, "#");
    const char *fragment = uri[n] == '#' ? uri + n + 1 : "";
    bool named = *fragment != '\0' && *fragment != '/';
    const struct schema_resource *r = named ? find(s, uri, strlen(uri)) : find(s, uri, n);
    if (r == NULL && find(s, uri, n) == NULL) {
        char *plain = strndup(uri, n);
        r = plain != NULL ? load_file(s, from, plain, ref, reterr) : NULL;
        free(plain);
        if (r == NULL)
            return -1;
        r = named ? find(s, uri, strlen(uri)) : r;
    }
    if (r == NULL)
        return err_set(reterr, ERR_INVAL, "$ref to \"%s\": no such name", ref);
    *ret = (struct schema_target){.at = r->root, .resource = r, .pointer = "", .base = r->uri};
    char *base = strndup(r->uri, strcspn(r->uri, "#"));
    ret->base = base != NULL ? schema_strdup(s, base, reterr) : NULL;
    free(base);
    char *pointer = schema_strdup(s, named ? "" : fragment, reterr);
    if (pointer == NULL || ret->base == NULL)
        return err_nomem(reterr);
    percent_decode(pointer);
    ret->pointer = pointer;
    /* a document whose root has an $id is known by the file's name as well: the $id is its base */
    ret->base =
        json_is_object(ret->at) ? schema_base_below(s, ret->base, ret->at, reterr) : ret->base;
    return ret->base != NULL ? follow(s, pointer, ret, reterr) : -1;
}

int schema_ref_find(struct schema *s, const struct schema_resource *from, const char *base,
                    const char *ref, struct schema_target *ret, struct err *reterr)
{
    char *uri = schema_uri_resolve(base, ref);
    if (uri == NULL)
        return err_nomem(reterr);
    int rc = find_place(s, from, uri, ref, ret, reterr);
    free(uri);
    return rc;
}
