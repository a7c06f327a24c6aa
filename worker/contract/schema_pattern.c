/* schema_pattern.c - `pattern` through PCRE2, held to what ECMA-262 means by it.
 *
 * What PCRE2 alone knows (\A, \Q, (?P, possessive +, POSIX classes ...) is refused by name, so that a schema
 * means the same here and in any other validator; \s \v are spelled out as ECMA-262 has them. The only file
 * of the contract that sees PCRE2. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdlib.h>
#include <string.h>

#include "contract/schema_impl.h"

#define PATTERN_MAX_BYTES 65536
#define MATCH_LIMIT 100000 /* a pattern that backtracks more than this does not match */

struct schema_pattern {
    struct schema_pattern *next;
    pcre2_code *code;
    pcre2_match_context *limits;
    bool jit;
};

/* ---- ECMA-262 to PCRE2 ---- */

/* WhiteSpace and LineTerminator of ECMA-262 12.2, 12.3, as the inside of a class. */
static const char ecma_space[] =
    "\\t\\n\\u000b\\f\\r \\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000\\ufeff";

/* Where the translation is. */
struct dialect {
    const char *at;
    bool in_class, quantified; /* quantified: what stands before is a quantifier */
    struct buf *out;
};

static void copy(struct dialect *d, size_t n)
{
    buf_add(d->out, d->at, n);
    d->at += n;
}

/* Length of "{...}" behind \p, \P and \u; 0 when there is none. */
static size_t braces(const char *s)
{
    const char *end = *s == '{' ? strchr(s, '}') : NULL;
    return end != NULL ? (size_t)(end - s) + 1 : 0;
}

static int translate_escape(struct dialect *d, struct err *reterr)
{
    char c = d->at[1];
    if (c == '\0')
        return err_set(reterr, ERR_INVAL, "the pattern ends with a backslash");
    if (strchr("AZzGQEaehHRXKNCgoUlLVO", c) != NULL)
        return err_set(reterr, ERR_INVAL, "\\%c is not ECMA-262", c);
    if (c == 'v')
        buf_adds(d->out, "\\u000b");
    else if (c == 's')
        buf_addf(d->out, d->in_class ? "%s" : "[%s]", ecma_space);
    else if (c == 'S' && !d->in_class)
        buf_addf(d->out, "[^%s]", ecma_space);
    else
        buf_add(d->out, d->at, 2);
    d->at += 2;
    copy(d, strchr("pPu", c) != NULL ? braces(d->at) : 0);
    return 0;
}

static int translate_group(const char *at, struct err *reterr)
{
    if (at[1] == '*')
        return err_set(reterr, ERR_INVAL, "(* is not ECMA-262");
    if (at[1] != '?')
        return 0;
    bool named = at[2] == '<' && at[3] != '\0';
    return named || (at[2] != '\0' && strchr(":=!", at[2]) != NULL)
               ? 0
               : err_set(reterr, ERR_INVAL, "(?%c is not ECMA-262", at[2] != '\0' ? at[2] : ' ');
}

/* Length of the quantifier at @s; 0 when there is none. */
static size_t quantifier(const char *s)
{
    if (*s != '{')
        return *s == '*' || *s == '+' || *s == '?';
    size_t n = 1 + strspn(s + 1, "0123456789");
    if (n > 1 && s[n] == ',')
        n += 1 + strspn(s + n + 1, "0123456789");
    return n > 1 && s[n] == '}' ? n + 1 : 0;
}

static void translate_class(struct dialect *d)
{
    char c = *d->at;
    if (c == '[' && d->at[1] != '\0' && strchr(":.=", d->at[1]) != NULL)
        buf_addc(d->out, '\\'); /* POSIX classes are PCRE2's: here it is a plain bracket */
    d->in_class = c != ']';
    copy(d, 1);
}

static int translate_token(struct dialect *d, struct err *reterr)
{
    size_t n = d->in_class ? 0 : quantifier(d->at);
    if (n > 0 && d->quantified && *d->at == '+')
        return err_set(reterr, ERR_INVAL, "a possessive + is not ECMA-262");
    d->quantified = n > 0;
    if (n > 0) {
        copy(d, n);
        return 0;
    }
    if (*d->at == '\\')
        return translate_escape(d, reterr);
    if (d->in_class) {
        translate_class(d);
        return 0;
    }
    if (*d->at == '(' && translate_group(d->at, reterr) != 0)
        return -1;
    d->in_class = *d->at == '[';
    copy(d, 1);
    return 0;
}

static int translate(const char *text, struct buf *out, struct err *reterr)
{
    struct dialect d = {.at = text, .out = out};
    while (*d.at != '\0')
        if (translate_token(&d, reterr) != 0)
            return -1;
    return buf_ok(out) ? 0 : err_nomem(reterr);
}

/* ---- compiling ---- */

static pcre2_code *compile(const char *text, struct err *reterr)
{
    struct buf b;
    buf_init(&b, PATTERN_MAX_BYTES);
    pcre2_compile_context *context = pcre2_compile_context_create(NULL);
    pcre2_code *code = NULL;
    int error = 0;
    PCRE2_SIZE offset = 0;
    if (context == NULL) {
        err_nomem(reterr);
    } else if (translate(text, &b, reterr) == 0) {
        pcre2_set_newline(context, PCRE2_NEWLINE_ANYCRLF);
        pcre2_set_compile_extra_options(context, PCRE2_EXTRA_ALT_BSUX);
        code = pcre2_compile((PCRE2_SPTR)buf_cstr(&b), b.len,
                             PCRE2_UTF | PCRE2_DOLLAR_ENDONLY | PCRE2_ALT_BSUX |
                                 PCRE2_ALLOW_EMPTY_CLASS | PCRE2_MATCH_UNSET_BACKREF |
                                 PCRE2_NEVER_BACKSLASH_C,
                             &error, &offset, context);
    }
    if (code == NULL && error != 0) {
        char why[120];
        pcre2_get_error_message(error, (PCRE2_UCHAR *)why, sizeof(why));
        err_set(reterr, ERR_INVAL, "not a pattern: %s", why);
    }
    pcre2_compile_context_free(context);
    buf_fini(&b);
    return code;
}

struct schema_pattern *schema_pattern_new(struct schema *s, const char *text, struct err *reterr)
{
    struct schema_pattern *p = schema_alloc(s, sizeof(*p), reterr);
    if (p == NULL)
        return NULL;
    p->code = compile(text, reterr);
    p->limits = p->code != NULL ? pcre2_match_context_create(NULL) : NULL;
    p->next = s->patterns;
    s->patterns = p;
    if (p->limits == NULL) {
        if (p->code != NULL)
            err_nomem(reterr);
        return NULL;
    }
    pcre2_set_match_limit(p->limits, MATCH_LIMIT);
    p->jit = pcre2_jit_compile(p->code, PCRE2_JIT_COMPLETE) == 0;
    return p;
}

void schema_patterns_free(struct schema_pattern *p)
{
    for (; p != NULL; p = p->next) {
        pcre2_code_free(p->code);
        pcre2_match_context_free(p->limits);
    }
}

bool schema_pattern_ok(const char *text, size_t len, struct err *reterr)
{
    if (strlen(text) != len)
        return false;
    pcre2_code *code = compile(text, reterr);
    pcre2_code_free(code);
    return code != NULL;
}

/* ---- matching: the match data lives in the caller's memory ---- */

static void *match_alloc(size_t n, void *arg)
{
    struct schema_match *m = arg;
    size_t room = (n + 15) & ~(size_t)15;
    if (room > sizeof(m->memory) - m->used)
        return malloc(n);
    void *p = m->memory + m->used;
    m->used += room;
    return p;
}

static void match_free(void *p, void *arg)
{
    const struct schema_match *m = arg;
    const unsigned char *at = p;
    if (at < m->memory || at >= m->memory + sizeof(m->memory))
        free(p);
}

static bool match_init(struct schema_match *m)
{
    m->context = pcre2_general_context_create(match_alloc, match_free, m);
    m->data = m->context != NULL ? pcre2_match_data_create(1, m->context) : NULL;
    return m->data != NULL;
}

void schema_match_fini(struct schema_match *m)
{
    if (m->data != NULL)
        pcre2_match_data_free(m->data);
    if (m->context != NULL)
        pcre2_general_context_free(m->context);
    m->data = m->context = NULL;
}

bool schema_pattern_match(const struct schema_pattern *p, struct schema_match *m, const char *s,
                          size_t len)
{
    if (m->data == NULL && !match_init(m))
        return false;
    int rc = p->jit ? pcre2_jit_match(p->code, (PCRE2_SPTR)s, len, 0, PCRE2_NO_UTF_CHECK, m->data,
                                      p->limits)
                    : pcre2_match(p->code, (PCRE2_SPTR)s, len, 0, PCRE2_NO_UTF_CHECK, m->data,
                                  p->limits);
    return rc >= 0;
}
