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
static const char ecma_space[] = "\\t\\n\\u000b\\f\\r \\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000\\ufeff";

static int translate_escape(const char **at, bool in_class, struct buf *out, struct err *reterr)
{
    char c = (*at)[1];
    if (c == '\0')
        return err_set(reterr, ERR_INVAL, "the pattern ends with a backslash");
    if (strchr("AZzGQEaehHRXKNCgoUlLVO", c) != NULL)
        return err_set(reterr, ERR_INVAL, "\\%c is not ECMA-262", c);
    *at += 2;
    if (c == 'v') {
        buf_adds(out, "\\u000b");
    } else if (c == 's') {
        buf_addf(out, in_class ? "%s" : "[%s]", ecma_space);
    } else if (c == 'S' && !in_class) {
        buf_addf(out, "[^%s]", ecma_space);
    } else {
        buf_addc(out, '\\');
        buf_addc(out, c);
    }
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

static bool is_quantifier_end(const char *from, const char *at)
{
    return at > from && (strchr("*+?", at[-1]) != NULL || (at[-1] == '}' && memchr(from, '{', (size_t)(at - from)) != NULL)) &&
           !(at - from > 1 && at[-2] == '\\');
}

/* One token outside or inside a class; *at moves behind it. */
static int translate_token(const char *from, const char **at, bool *in_class, struct buf *out, struct err *reterr)
{
    char c = **at;
    if (c == '\\')
        return translate_escape(at, *in_class, out, reterr);
    if (*in_class) {
        if (c == '[' && strchr(":.=", (*at)[1]) != NULL && (*at)[1] != '\0')
            buf_addc(out, '\\'); /* POSIX classes are PCRE2's: here it is a plain bracket */
        *in_class = c != ']';
    } else if (c == '[') {
        *in_class = true;
    } else if (c == '(' && translate_group(*at, reterr) != 0) {
        return -1;
    } else if (c == '+' && is_quantifier_end(from, *at)) {
        return err_set(reterr, ERR_INVAL, "a possessive + is not ECMA-262");
    }
    buf_addc(out, c);
    ++*at;
    return 0;
}

static int translate(const char *text, struct buf *out, struct err *reterr)
{
    bool in_class = false;
    for (const char *at = text; *at != '\0';)
        if (translate_token(text, &at, &in_class, out, reterr) != 0)
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
                             PCRE2_UTF | PCRE2_DOLLAR_ENDONLY | PCRE2_ALT_BSUX | PCRE2_ALLOW_EMPTY_CLASS |
                                 PCRE2_MATCH_UNSET_BACKREF | PCRE2_NEVER_BACKSLASH_C,
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

bool schema_pattern_match(const struct schema_pattern *p, struct schema_match *m, const char *s, size_t len)
{
    if (m->data == NULL && !match_init(m))
        return false;
    int rc = p->jit ? pcre2_jit_match(p->code, (PCRE2_SPTR)s, len, 0, PCRE2_NO_UTF_CHECK, m->data, p->limits)
                    : pcre2_match(p->code, (PCRE2_SPTR)s, len, 0, PCRE2_NO_UTF_CHECK, m->data, p->limits);
    return rc >= 0;
}
