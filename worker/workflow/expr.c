/* expr.c - compiles runtime expressions into a source and the way down from it. */
#include "workflow/expr.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

struct reader {
    struct loader *l;
    const struct where *w;
    const struct at *at;
    const char *text; /* start of the expression */
    const char *s, *end;
    enum expr_end mode;
    struct expr *e;
};

static int refuse(struct reader *r, const char *why)
{
    load_fault(r->l, r->at, "%s: %.*s", why, (int)(r->end - r->text > 120 ? 120 : r->end - r->text), r->text);
    return -1;
}

static bool is_name(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '-' || (unsigned char)c >= 0x80;
}

static bool take(struct reader *r, const char *word)
{
    size_t n = strlen(word);
    if ((size_t)(r->end - r->s) < n || memcmp(r->s, word, n) != 0)
        return false;
    r->s += n;
    return true;
}

/* A whole word: what follows is no letter of a name. */
static bool take_word(struct reader *r, const char *word)
{
    const char *from = r->s;
    if (take(r, word) && (r->s == r->end || !is_name(*r->s)))
        return true;
    r->s = from;
    return false;
}

static const char *take_name(struct reader *r)
{
    const char *from = r->s;
    while (r->s < r->end && is_name(*r->s))
        r->s++;
    return from == r->s ? NULL : load_text(r->l, from, (size_t)(r->s - from));
}

static bool ends_condition(char c)
{
    return isspace((unsigned char)c) || strchr("()!=<>&|", c) != NULL;
}

/* The length of a pointer or of a parameter's name. */
static size_t free_length(const struct reader *r, const char *from, bool to_hash)
{
    const char *p = from;
    while (p < r->end && !(r->mode == EXPR_CONDITION && ends_condition(*p)) && !(to_hash && *p == '#'))
        p++;
    return (size_t)(p - from);
}

/* --- the way down --- */

static size_t count_segs(const struct reader *r)
{
    size_t n = 0;
    for (const char *p = r->s; p < r->end; p++)
        n += *p == '.' || *p == '[' || *p == '/';
    return n;
}

static size_t index_of(const char *s, size_t n)
{
    if (n == 0 || n > 9 || (s[0] == '0' && n > 1))
        return SIZE_MAX;
    size_t v = 0;
    for (size_t i = 0; i < n; i++) {
        if (!isdigit((unsigned char)s[i]))
            return SIZE_MAX;
        v = v * 10 + (size_t)(s[i] - '0');
    }
    return v;
}

static int read_index(struct reader *r, struct seg *seg)
{
    const char *close = memchr(r->s, ']', (size_t)(r->end - r->s));
    if (close == NULL)
        return refuse(r, "`[` without `]`");
    seg->index = index_of(r->s, (size_t)(close - r->s));
    if (seg->index == SIZE_MAX)
        return refuse(r, "an index must be a number from 0");
    r->s = close + 1;
    return 0;
}

/* RFC 6901 section 4: ~1 is /, ~0 is ~. */
static const char *unescape(struct loader *l, const char *s, size_t n)
{
    char *to = load_alloc(l, n + 1, 1);
    if (to == NULL)
        return NULL;
    char *p = to;
    for (size_t i = 0; i < n; i++) {
        bool escaped = s[i] == '~' && i + 1 < n && (s[i + 1] == '0' || s[i + 1] == '1');
        *p++ = !escaped ? s[i] : s[i + 1] == '1' ? '/' : '~';
        i += escaped;
    }
    return to;
}

static int read_pointer(struct reader *r, struct seg *segs, size_t *n)
{
    const char *end = r->s + free_length(r, r->s, false);
    if (r->s < end && *r->s != '/')
        return refuse(r, "a JSON pointer after # begins with /");
    while (r->s < end) {
        const char *from = ++r->s;
        while (r->s < end && *r->s != '/')
            r->s++;
        size_t len = (size_t)(r->s - from);
        segs[(*n)++] = (struct seg){unescape(r->l, from, len), index_of(from, len)};
    }
    return 0;
}

/* What stands in {...} after #: an expression of its own, whose text is the pointer. */
static int read_given_pointer(struct reader *r)
{
    const char *close = memchr(r->s, '}', (size_t)(r->end - r->s));
    if (close == NULL)
        return refuse(r, "`#{` without `}`");
    r->e->pointer = expr_compile(r->l, r->w, r->s, (size_t)(close - r->s), EXPR_WHOLE, NULL, r->at);
    r->s = close + 1;
    return r->e->pointer == NULL ? -1 : 0;
}

static int read_way(struct reader *r)
{
    struct seg *segs = load_alloc(r->l, count_segs(r), sizeof(*segs));
    size_t n = 0;
    if (segs == NULL)
        return -1;
    r->e->segs = segs;
    while (r->s < r->end && (*r->s == '.' || *r->s == '[')) {
        segs[n] = (struct seg){NULL, SIZE_MAX};
        if (*r->s++ == '[') {
            if (read_index(r, &segs[n]) != 0)
                return -1;
        } else if ((segs[n].name = take_name(r)) == NULL) {
            return refuse(r, "a name is missing after the dot");
        }
        n++;
    }
    r->e->seg_count = n;
    if (take(r, "#{"))
        return read_given_pointer(r);
    if (take(r, "#") && read_pointer(r, segs, &n) != 0)
        return -1;
    r->e->seg_count = n;
    return 0;
}

/* --- sources --- */

static void note_credential(struct reader *r)
{
    if (r->e->seg_count < 2 || r->e->segs[0].name == NULL || r->e->segs[1].name == NULL) {
        refuse(r, "name a scheme and a member: $inputs.credentials.SCHEME.MEMBER");
        return;
    }
    struct credential_use *u = load_alloc(r->l, 1, sizeof(*u));
    if (u == NULL)
        return;
    *u = (struct credential_use){r->e->segs[0].name, r->e->segs[1].name, r->l->pack->credential_uses};
    r->l->pack->credential_uses = u;
}

static int read_inputs(struct reader *r)
{
    static const struct {
        const char *name;
        enum expr_source source;
    } names[] = {{"data", EXPR_DATA},
                 {"event", EXPR_EVENT},
                 {"record", EXPR_RECORD},
                 {"settings", EXPR_SETTINGS},
                 {"credentials", EXPR_CREDENTIALS}};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (!take_word(r, names[i].name))
            continue;
        r->e->source = names[i].source;
        if (read_way(r) != 0)
            return -1;
        if (r->e->source == EXPR_CREDENTIALS)
            note_credential(r);
        return 0;
    }
    return refuse(r, "$inputs has data, event, record, settings and credentials only");
}

/* The longest of the declared names that stands here: names of outputs may have dots. */
static const char *find_output(const struct reader *r, const json_t *declared)
{
    const char *key, *best = NULL;
    json_t *v;
    size_t best_len = 0;
    json_object_foreach((json_t *)(uintptr_t)declared, key, v) {
        size_t n = strlen(key);
        if (n <= best_len || (size_t)(r->end - r->s) < n || memcmp(r->s, key, n) != 0)
            continue;
        if (r->s + n < r->end && is_name(r->s[n]))
            continue;
        best = key;
        best_len = n;
    }
    return best;
}

/* Of a step or a workflow: `outputs`, then `x-outputs`. */
static const char *take_output(struct reader *r, const json_t *owner)
{
    const char *name = find_output(r, json_object_get(owner, "outputs"));
    if (name == NULL)
        name = find_output(r, json_object_get(owner, "x-outputs"));
    r->s += name == NULL ? 0 : strlen(name);
    return name;
}

static int read_step(struct reader *r)
{
    const char *id = take_name(r);
    size_t i = 0;
    while (id != NULL && i < r->w->workflow->step_count && strcmp(r->w->workflow->steps[i].id, id) != 0)
        i++;
    if (id == NULL || i == r->w->workflow->step_count)
        return refuse(r, "there is no step of that name in this workflow");
    if (!take(r, ".outputs."))
        return refuse(r, "of a step only .outputs.NAME can be named");
    r->e->source = EXPR_STEP;
    r->e->index = i;
    r->e->name = take_output(r, json_array_get(r->w->raw_steps, i));
    return r->e->name == NULL ? refuse(r, "that step has no output of that name") : read_way(r);
}

static int read_outputs(struct reader *r)
{
    if (r->w->raw_outputs_of == NULL)
        return refuse(r, "$outputs can be named in x-record, x-outputs, x-token and x-confirm only");
    r->e->source = EXPR_OUTPUTS;
    r->e->name = take_output(r, r->w->raw_outputs_of);
    return r->e->name == NULL ? refuse(r, "the workflow has no output of that name") : read_way(r);
}

static int read_param(struct reader *r, enum param_in in)
{
    size_t n = free_length(r, r->s, true);
    for (size_t i = 0; i < r->w->step->param_count; i++) {
        const struct param_decl *d = r->w->step->params[i].decl;
        if (d->in != in || strlen(d->name) != n)
            continue;
        if (in == IN_HEADER ? strncasecmp(d->name, r->s, n) != 0 : memcmp(d->name, r->s, n) != 0)
            continue;
        r->s += n;
        r->e->source = EXPR_REQUEST_PARAM;
        r->e->index = i;
        return read_way(r);
    }
    return refuse(r, "this step has no parameter of that name and place");
}

static int read_request(struct reader *r)
{
    if (r->w->step == NULL || !r->w->response)
        return refuse(r, "$request can be named in criteria, actions and outputs of a step only");
    if (take(r, "path."))
        return read_param(r, IN_PATH);
    if (take(r, "query."))
        return read_param(r, IN_QUERY);
    if (take(r, "header."))
        return read_param(r, IN_HEADER);
    if (!take_word(r, "body"))
        return refuse(r, "$request has path., query., header. and body");
    if (r->w->step->body == NULL)
        return refuse(r, "this step has no body");
    r->e->source = EXPR_REQUEST_BODY;
    return read_way(r);
}

static int read_response(struct reader *r)
{
    if (!r->w->response)
        return refuse(r, "$response can be named in criteria, actions and outputs of a step only");
    if (take_word(r, "body")) {
        r->e->source = EXPR_BODY;
        return read_way(r);
    }
    r->e->source = EXPR_HEADER;
    if (!take(r, "header.") || (r->e->name = take_name(r)) == NULL)
        return refuse(r, "$response has header.NAME and body");
    return 0;
}

static int read_plain(struct reader *r, enum expr_source source)
{
    if (!r->w->response)
        return refuse(r, "that can be named in criteria, actions and outputs of a step only");
    r->e->source = source;
    return 0;
}

static int read_item(struct reader *r, enum expr_source source, bool there)
{
    if (!there)
        return refuse(r, "there is no such loop here");
    r->e->source = source;
    return read_way(r);
}

static int read_expr(struct reader *r)
{
    if (take(r, "$inputs."))
        return read_inputs(r);
    if (take(r, "$steps."))
        return read_step(r);
    if (take(r, "$response."))
        return read_response(r);
    if (take(r, "$request."))
        return read_request(r);
    if (take_word(r, "$statusCode"))
        return read_plain(r, EXPR_STATUS);
    if (take_word(r, "$url"))
        return read_plain(r, EXPR_URL);
    if (take_word(r, "$method"))
        return read_plain(r, EXPR_METHOD);
    if (take_word(r, "$item"))
        return read_item(r, EXPR_ITEM, r->w->item);
    if (take_word(r, "$outer"))
        return read_item(r, EXPR_OUTER, r->w->outer);
    if (take_word(r, "$loop"))
        return read_item(r, EXPR_LOOP, r->w->loop);
    if (take(r, "$outputs."))
        return read_outputs(r);
    if (take(r, "$workflows.") || take(r, "$sourceDescriptions.") || take(r, "$components."))
        return refuse(r, "$workflows, $sourceDescriptions and $components are not supported in values");
    return refuse(r, "not a runtime expression");
}

struct where where_in_loop(const struct where *w)
{
    struct where inner = *w;
    inner.outer = w->item;
    inner.item = true;
    return inner;
}

const struct expr *expr_compile(struct loader *l, const struct where *w, const char *s, size_t n, enum expr_end end,
                                size_t *ret_used, const struct at *at)
{
    struct reader r = {.l = l, .w = w, .at = at, .text = s, .s = s, .end = s + n, .mode = end};
    r.e = load_alloc(l, 1, sizeof(*r.e));
    if (r.e == NULL || read_expr(&r) != 0)
        return NULL;
    if (end == EXPR_WHOLE && r.s != r.end) {
        refuse(&r, "something follows the expression");
        return NULL;
    }
    if (ret_used != NULL)
        *ret_used = (size_t)(r.s - s);
    r.e->text = load_text(l, s, (size_t)(r.s - s));
    return l->out_of_memory ? NULL : r.e;
}

const struct expr *expr_member(struct loader *l, const struct where *w, const json_t *object, const char *key,
                               const struct at *at)
{
    const char *text = load_string(l, object, key, at, true);
    struct at here = at_key(at, key);
    if (text == NULL)
        return NULL;
    if (text[0] == '$')
        return expr_compile(l, w, text, strlen(text), EXPR_WHOLE, NULL, &here);
    load_fault(l, &here, "`%s` must be a runtime expression", key);
    return NULL;
}
