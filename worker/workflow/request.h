/* request.h - one step as an HTTP request. Private to the workflow layer. */
#ifndef TVB_WORKFLOW_REQUEST_H
#define TVB_WORKFLOW_REQUEST_H

#include "workflow/expr.h"

/* What a request is made from and into. The texts live in the buffers and the scope's arena. */
struct request_maker {
    struct scope *scope;
    const char *token;     /* NULL: none yet */
    const char *step_name; /* with the item's index: goes into the idempotency key */
    struct buf *url, *body, *detail;
    struct call_request *request;
};

/* NULL when it was made; else the reason why it cannot be ("missing_input", "invalid_input"), the detail in m->detail. */
const char *request_make(struct request_maker *m);

/* Appends the payload as a form. NULL, or the name of the member that a form cannot hold. */
const char *form_write(struct scope *s, const struct tmpl *payload, struct buf *out);

#endif
