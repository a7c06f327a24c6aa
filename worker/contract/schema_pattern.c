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

/* What "^[a-z0-9_]{1,20}$" says: that many characters, all of one class. */
struct one_class {
    bool bytes[256]; /* from 0x80 on: all or none */
    size_t min, max; /* characters */
};

struct schema_pattern {
    struct schema_pattern *next;
    pcre2_code *code;
    pcre2_match_context *limits;
    bool jit, is_class;
    struct one_class class; /* when is_class: PCRE2 need not be asked */
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

/* ---- patterns of one class: to call PCRE2 costs more than to look at a short text ---- */

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* An ASCII character of a class, as itself or as \xHH. -1 when it is anything else. */
static int take_char(const char **at)
{
    const char *s = *at;
    if (*s == '\\' && s[1] == 'x' && hex_digit(s[2]) >= 0 && hex_digit(s[2]) < 8 && hex_digit(s[3]) >= 0) {
        *at += 4;
        return hex_digit(s[2]) * 16 + hex_digit(s[3]);
    }
    if (*s < 0x20 || *s > 0x7e || strchr("\\[]^", *s) != NULL)
        return -1;
    ++*at;
    return *s;
}

/* A character or a range. A '-' as itself only where nothing else can be meant: at either end. */
static bool take_range(const char **at, bool is_first, struct one_class *c)
{
    bool hyphen = **at == '-';
    int from = take_char(at), to = from;
    if (hyphen && (is_first ? **at == '-' : **at != ']'))
        return false;
    if (!hyphen && **at == '-' && (*at)[1] != ']') {
        ++*at;
        to = **at == '-' ? -1 : take_char(at);
    }
    for (int i = from; i >= 0 && i <= to; i++)
        c->bytes[i] = true;
    return from >= 0 && from <= to;
}

/* Behind the '['. */
static bool take_class(const char **at, struct one_class *c)
{
    bool negated = **at == '^';
    *at += negated;
    const char *first = *at;
    do {
        if (!take_range(at, *at == first, c))
            return false;
    } while (**at != ']');
    ++*at;
    for (size_t i = 0; negated && i < ARRAY_LEN(c->bytes); i++)
        c->bytes[i] = !c->bytes[i];
    return true;
}

static void take_bounds(const char **at, struct one_class *c)
{
    size_t n = quantifier(*at);
    char kind = n > 0 ? **at : '\0';
    c->min = kind == '*' || kind == '?' ? 0 : 1;
    c->max = kind == '*' || kind == '+' ? SIZE_MAX : 1;
    if (kind == '{') {
        char *end;
        c->min = c->max = strtoul(*at + 1, &end, 10);
        if (*end == ',')
            c->max = end[1] == '}' ? SIZE_MAX : strtoul(end + 1, NULL, 10);
    }
    *at += n;
}

/* @text has compiled. False when it says more than one class and how many. */
static bool class_read(const char *text, struct one_class *ret)
{
    if (strncmp(text, "^[", 2) != 0)
        return false;
    text += 2;
    if (!take_class(&text, ret))
        return false;
    take_bounds(&text, ret);
    return strcmp(text, "$") == 0;
}

static bool class_match(const struct one_class *c, const char *s, size_t len)
{
    size_t n = 0;
    for (size_t i = 0; i < len; i++) {
        unsigned char byte = (unsigned char)s[i];
        if (!c->bytes[byte])
            return false;
        n += (byte & 0xc0) != 0x80; /* a character's first byte */
    }
    return c->min <= n && n <= c->max;
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
    p->is_class = class_read(text, &p->class);
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
    if (p->is_class)
        return class_match(&p->class, s, len);
    if (m->data == NULL && !match_init(m))
        return false;
    int rc = p->jit ? pcre2_jit_match(p->code, (PCRE2_SPTR)s, len, 0, PCRE2_NO_UTF_CHECK, m->data,
                                      p->limits)
                    : pcre2_match(p->code, (PCRE2_SPTR)s, len, 0, PCRE2_NO_UTF_CHECK, m->data,
                                  p->limits);
    return rc >= 0;
}
