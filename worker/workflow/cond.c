/* cond.c - simple conditions: the grammar of schemas/providers/README.md, "Conditions", into a tree. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "workflow/criteria.h"

struct parser {
    struct loader *l;
    const struct where *w;
    const struct at *at;
    const char *text, *s;
    unsigned depth;
};

static const struct cond *parse_or(struct parser *p);

static const struct cond *refuse(struct parser *p, const char *why)
{
    load_fault(p->l, p->at, "condition: %s at `%.40s` of `%.120s`", why, p->s, p->text);
    return NULL;
}

static void skip_space(struct parser *p)
{
    while (isspace((unsigned char)*p->s))
        p->s++;
}

static bool take(struct parser *p, const char *op)
{
    skip_space(p);
    size_t n = strlen(op);
    if (strncmp(p->s, op, n) != 0)
        return false;
    p->s += n;
    return true;
}

static struct cond *node(struct parser *p, enum cond_op op, const struct cond *a, const struct cond *b)
{
    struct cond *c = load_alloc(p->l, 1, sizeof(*c));
    if (c != NULL)
        *c = (struct cond){.op = op, .a = a, .b = b};
    return c;
}

static const struct cond *literal(struct parser *p, struct value v)
{
    struct cond *c = node(p, COND_VALUE, NULL, NULL);
    if (c != NULL)
        c->literal = v;
    return c;
}

/* 'text', where '' is a quote. */
static const struct cond *parse_text(struct parser *p)
{
    char *text = load_alloc(p->l, strlen(p->s), 1);
    size_t n = 0;
    if (text == NULL)
        return NULL;
    for (const char *s = p->s + 1; *s != '\0'; s++) {
        if (*s == '\'' && s[1] != '\'') {
            p->s = s + 1;
            return literal(p, value_text(text, n));
        }
        s += *s == '\'';
        text[n++] = *s;
    }
    return refuse(p, "a quote is not closed");
}

static const struct cond *parse_number(struct parser *p)
{
    char *end;
    size_t n = strspn(p->s, "+-.0123456789eE");
    struct value v = value_int(strtoll(p->s, &end, 10));
    if ((size_t)(end - p->s) != n)
        v = (struct value){.kind = VALUE_REAL, .d = strtod(p->s, &end)};
    if ((size_t)(end - p->s) != n || isalnum((unsigned char)*end))
        return refuse(p, "not a number");
    p->s = end;
    return literal(p, v);
}

static const struct cond *parse_word(struct parser *p)
{
    static const struct {
        const char *word;
        enum value_kind kind;
        bool b;
    } words[] = {{"true", VALUE_BOOL, true}, {"false", VALUE_BOOL, false}, {"null", VALUE_NULL, false}};
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        size_t n = strlen(words[i].word);
        if (strncmp(p->s, words[i].word, n) != 0 || isalnum((unsigned char)p->s[n]) || p->s[n] == '_')
            continue;
        p->s += n;
        return literal(p, (struct value){.kind = words[i].kind, .b = words[i].b});
    }
    return refuse(p, "wanted an expression, 'text', a number, true, false or null");
}

static const struct cond *parse_expr(struct parser *p)
{
    size_t used;
    struct cond *c = node(p, COND_VALUE, NULL, NULL);
    if (c == NULL)
        return NULL;
    c->expr = expr_compile(p->l, p->w, p->s, strlen(p->s), EXPR_CONDITION, &used, p->at);
    if (c->expr == NULL)
        return NULL;
    p->s += used;
    return c;
}

static const struct cond *parse_group(struct parser *p)
{
    const struct cond *c = parse_or(p);
    if (c == NULL || take(p, ")"))
        return c;
    return refuse(p, "wanted `)`");
}

static const struct cond *parse_value(struct parser *p)
{
    if (take(p, "("))
        return parse_group(p);
    if (*p->s == '$')
        return parse_expr(p);
    if (*p->s == '\'')
        return parse_text(p);
    if (isdigit((unsigned char)*p->s) || (*p->s == '-' && isdigit((unsigned char)p->s[1])))
        return parse_number(p);
    return parse_word(p);
}

static bool take_comparison(struct parser *p, enum cond_op *ret)
{
    static const struct {
        const char *text;
        enum cond_op op;
    } ops[] = {{"==", COND_EQ}, {"!=", COND_NE}, {"<=", COND_LE}, {">=", COND_GE}, {"<", COND_LT}, {">", COND_GT}};
    for (size_t i = 0; i < ARRAY_LEN(ops); i++) {
        if (!take(p, ops[i].text))
            continue;
        *ret = ops[i].op;
        return true;
    }
    return false;
}

static const struct cond *parse_comparison(struct parser *p)
{
    enum cond_op op;
    const struct cond *a = parse_value(p);
    if (a == NULL || !take_comparison(p, &op))
        return a;
    const struct cond *b = parse_value(p);
    return b == NULL ? NULL : node(p, op, a, b);
}

static const struct cond *parse_not(struct parser *p)
{
    if (++p->depth > LOAD_DEPTH_MAX)
        return refuse(p, "nested too deep");
    skip_space(p);
    const struct cond *c;
    if (p->s[0] == '!' && p->s[1] != '=') {
        p->s++;
        c = parse_not(p);
        c = c == NULL ? NULL : node(p, COND_NOT, c, NULL);
    } else {
        c = parse_comparison(p);
    }
    p->depth--;
    return c;
}

static const struct cond *parse_and(struct parser *p)
{
    const struct cond *a = parse_not(p);
    while (a != NULL && take(p, "&&")) {
        const struct cond *b = parse_not(p);
        a = b == NULL ? NULL : node(p, COND_AND, a, b);
    }
    return a;
}

static const struct cond *parse_or(struct parser *p)
{
    const struct cond *a = parse_and(p);
    while (a != NULL && take(p, "||")) {
        const struct cond *b = parse_and(p);
        a = b == NULL ? NULL : node(p, COND_OR, a, b);
    }
    return a;
}

const struct cond *cond_compile(struct loader *l, const struct where *w, const char *s, const struct at *at)
{
    struct parser p = {.l = l, .w = w, .at = at, .text = s, .s = s};
    const struct cond *c = parse_or(&p);
    skip_space(&p);
    return c != NULL && *p.s != '\0' ? refuse(&p, "wanted an operator or the end") : c;
}

const struct cond *cond_member(struct loader *l, const struct where *w, const json_t *object, const char *key,
                               const struct at *at)
{
    const char *text = load_string(l, object, key, at, true);
    struct at here = at_key(at, key);
    return text == NULL ? NULL : cond_compile(l, w, text, &here);
}

/* --- evaluation --- */

static struct value operand(struct scope *s, const struct cond *c)
{
    if (c->op != COND_VALUE)
        return (struct value){.kind = VALUE_BOOL, .b = cond_holds(s, c)};
    return c->expr != NULL ? expr_eval(s, c->expr) : c->literal;
}

static bool compare(struct scope *s, const struct cond *c)
{
    struct value a = operand(s, c->a), b = operand(s, c->b);
    int order = 0;
    bool ordered = c->op != COND_EQ && c->op != COND_NE && value_order(&a, &b, &order);
    switch (c->op) {
    case COND_EQ:
        return value_equal(&a, &b);
    case COND_NE:
        return !value_equal(&a, &b);
    case COND_LT:
        return ordered && order < 0;
    case COND_LE:
        return ordered && order <= 0;
    case COND_GT:
        return ordered && order > 0;
    case COND_GE:
        return ordered && order >= 0;
    case COND_VALUE:
    case COND_NOT:
    case COND_AND:
    case COND_OR:
        break;
    }
    return false;
}

bool cond_holds(struct scope *s, const struct cond *c)
{
    struct value v;
    switch (c->op) {
    case COND_VALUE:
        v = operand(s, c);
        return value_is_true(&v);
    case COND_NOT:
        return !cond_holds(s, c->a);
    case COND_AND:
        return cond_holds(s, c->a) && cond_holds(s, c->b);
    case COND_OR:
        return cond_holds(s, c->a) || cond_holds(s, c->b);
    case COND_EQ:
    case COND_NE:
    case COND_LT:
    case COND_LE:
    case COND_GT:
    case COND_GE:
        return compare(s, c);
    }
    return false;
}
