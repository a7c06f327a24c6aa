/* expr.h - Arazzo's runtime expressions (1.0.1, "Runtime Expressions"): compiled at load, evaluated in a scope. */
#ifndef TVB_WORKFLOW_EXPR_H
#define TVB_WORKFLOW_EXPR_H

#include "workflow/load.h"
#include "workflow/run.h"

/* What may be named at the place of an expression. */
struct where {
    const struct workflow *workflow; /* steps' ids are known */
    const json_t *raw_steps;         /* the list in the document, for the names of outputs */
    const json_t *raw_outputs_of;    /* the workflow whose $outputs may be named; NULL: none */
    const struct step *step;         /* the step whose $request and $response may be named; NULL: none */
    bool response;                   /* there is an answer */
    bool item;                       /* there is a loop around: $item */
    bool outer;                      /* and another one around that: $outer */
    bool loop;                       /* it is, or is inside, a step's x-for-each: $loop */
};

/* The same inside one more loop. */
struct where where_in_loop(const struct where *w);

enum expr_end {
    EXPR_WHOLE,    /* the text is one expression */
    EXPR_CONDITION /* it ends where an operator or white space begins */
};

/* Compiles the expression at the start of @s (which begins with "$"). *ret_used: how much of it. NULL: a fault was noted. */
const struct expr *expr_compile(struct loader *l, const struct where *w, const char *s, size_t n, enum expr_end end,
                                size_t *ret_used, const struct at *at);
/* The member @key of @object, an expression and nothing else. */
const struct expr *expr_member(struct loader *l, const struct where *w, const json_t *object, const char *key,
                               const struct at *at);

/* What expressions see while a run is at work. Everything is borrowed but what is said to be owned. */
struct scope {
    const struct run_inputs *in;
    const struct bound_pack *bound;
    const struct step *step;
    json_t *const *step_outputs; /* by step; NULL: has none yet */
    const struct call_reply *reply; /* NULL: none */
    json_t *body;                /* owned: the reply's body as JSON, once it was wanted */
    bool body_read;
    const char *url;
    const json_t *item, *outer, *loop;
    const json_t *outputs;
    struct arena *arena;   /* for texts */
    struct buf *scratch;   /* for texts on their way into the arena */
    json_t *keep;          /* owned: a list of values that were made while evaluating */
    const struct tmpl *bad; /* the first value that x-format could not rewrite */
    bool failed;           /* out of memory, or a text that is too large */
    bool no_memory;        /* out of memory: nothing that was found since can be believed */
};

/* Notes that there was no memory. */
void scope_out_of_memory(struct scope *s);

/* Where a loop stood before another one began inside it. */
struct loop_place {
    const json_t *item, *outer;
};
/* @item is the present one of a loop inside the present one. To be left again. */
struct loop_place scope_enter(struct scope *s, const json_t *item);
void scope_leave(struct scope *s, struct loop_place before);

struct value expr_eval(struct scope *s, const struct expr *e);
/* Keeps a new reference until the scope ends; returns it borrowed. */
const json_t *scope_keep(struct scope *s, json_t *v);

#endif
