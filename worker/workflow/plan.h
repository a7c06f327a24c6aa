/* plan.h - a compiled pack: what openapi.yaml and workflows.arazzo.yaml became. Private to the workflow layer.
 *
 * Everything lies in the pack's arena, points into the two documents, and is never written after loading. */
#ifndef TVB_WORKFLOW_PLAN_H
#define TVB_WORKFLOW_PLAN_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "contract/outcome.h"
#include "contract/schema.h"
#include "contract/yaml.h"
#include "core/call.h"
#include "workflow/arena.h"
#include "workflow/pack.h"
#include "workflow/value.h"

/* --- expressions --- */

enum expr_source {
    EXPR_DATA,
    EXPR_EVENT,
    EXPR_RECORD,
    EXPR_SETTINGS,
    EXPR_CREDENTIALS,
    EXPR_STEP,    /* outputs of steps[index] */
    EXPR_OUTPUTS, /* the workflow's, or in x-confirm the asked one's */
    EXPR_ITEM,
    EXPR_OUTER, /* the item of the loop around the one of EXPR_ITEM */
    EXPR_LOOP, /* the item of the step's x-for-each, whatever loops are inside */
    EXPR_STATUS,
    EXPR_URL,
    EXPR_METHOD,
    EXPR_BODY,
    EXPR_HEADER,        /* of the answer; name */
    EXPR_REQUEST_PARAM, /* params[index] of the present step */
    EXPR_REQUEST_BODY,
};

/* One step down: a member by name, an item by index, or (a pointer's token) whichever fits. */
struct seg {
    const char *name; /* NULL: index only */
    size_t index;     /* SIZE_MAX: member only */
};

struct expr {
    enum expr_source source;
    size_t index;
    const char *name;
    const struct seg *segs;
    size_t seg_count;
    const struct expr *pointer; /* #{EXPRESSION}: gives the rest of the way; NULL: none */
    const char *text; /* as written, for messages */
};

/* --- conditions and criteria --- */

enum cond_op { COND_VALUE, COND_NOT, COND_AND, COND_OR, COND_EQ, COND_NE, COND_LT, COND_LE, COND_GT, COND_GE };

struct cond {
    enum cond_op op;
    const struct cond *a, *b; /* b: NULL for COND_NOT */
    const struct expr *expr;  /* COND_VALUE: an expression, or NULL and the literal */
    struct value literal;
};

enum quantifier { QUANT_NONE, QUANT_ANY, QUANT_NO };

struct criterion {
    const struct cond *cond;    /* simple; NULL: regex */
    const struct expr *context; /* regex */
    void *regex;                /* freed with the pack */
    enum quantifier quant;
    const struct expr *list; /* of x-any, x-none */
};

struct criteria {
    const struct criterion *list;
    size_t n;
};

/* --- values with expressions in them --- */

enum tmpl_kind {
    TMPL_LITERAL,
    TMPL_EXPR,
    TMPL_TEXT,
    TMPL_LIST,
    TMPL_OBJECT,
    TMPL_CASE,
    TMPL_EACH,
    TMPL_FORMAT,
    TMPL_MATCH,
    TMPL_MERGE,
    TMPL_REPLACE
};
enum format { FORMAT_MAC, FORMAT_DIGITS, FORMAT_UPPER, FORMAT_LOWER, FORMAT_CPF_CNPJ, FORMAT_DATE_DMY, FORMAT_POINTER };

struct text_part {
    const char *text; /* NULL: an expression */
    size_t len;
    const struct expr *expr;
};

struct member {
    const struct tmpl *key; /* TMPL_LITERAL text, or TMPL_TEXT or TMPL_EXPR */
    const struct tmpl *value;
};

struct branch {
    struct criteria when; /* none: always */
    const struct tmpl *value;
};

struct tmpl {
    enum tmpl_kind kind;
    const char *pointer; /* where it stands in the document, for messages */
    size_t n;
    union {
        const json_t *literal;
        const struct expr *expr;
        const struct text_part *parts;
        const struct tmpl *const *items;
        const struct member *members;
        const struct branch *branches;
        struct {
            const struct expr *list;
            struct criteria where;
            const struct tmpl *key, *value; /* key NULL: a list */
            const struct tmpl *times;       /* NULL: once */
        } each;
        struct {
            enum format format;
            const struct tmpl *value;
        } format;
        struct {
            void *regex;
            const char *give;
            const struct tmpl *value;
        } match;
        const struct tmpl *merged; /* gives the list of what is merged */
        struct {
            const struct tmpl *base, *value;
            const char *target;
        } replace;
    };
};

/* --- openapi.yaml --- */

enum param_in { IN_PATH, IN_QUERY, IN_HEADER };

struct param_decl {
    const char *name;
    enum param_in in;
    bool required;
    bool explode;
    bool path_only; /* x-path-only: sent nowhere but in a path that the settings say */
};

enum scheme_kind { SCHEME_BASIC, SCHEME_BEARER, SCHEME_KEY_HEADER, SCHEME_KEY_QUERY };

struct scheme {
    const char *id;
    enum scheme_kind kind;
    const char *name; /* of the header or query parameter */
};

/* Schemes that are needed together; none: no credentials needed. */
struct security {
    const struct scheme *const *schemes;
    size_t n;
};

struct path_part {
    const char *text; /* NULL: a parameter */
    size_t len;
    const char *param;
};

enum body_kind { BODY_NONE, BODY_JSON, BODY_FORM };

struct operation {
    const char *id;      /* or "GET /path" */
    const char *pointer; /* in openapi.yaml */
    const char *method;
    const struct path_part *path;
    size_t path_count;
    const struct tmpl *own_path, *own_method; /* x-path, x-method: what the settings say instead; NULL: nothing */
    const struct param_decl *params;
    size_t param_count;
    enum call_repeat repeat;
    const char *repeat_header;
    const json_t *content; /* requestBody.content, or NULL */
    bool body_required;
    const json_t *responses;
    const char *accept; /* media type of a 2xx, or NULL */
    const struct security *security; /* alternatives; none at all: no credentials needed */
    size_t security_count;
    bool used; /* by a step */
    size_t index;
};

/* --- workflows.arazzo.yaml --- */

struct ending {
    enum outcome_kind kind;
    const char *reason;
    const struct tmpl *detail; /* NULL: none */
};

enum action_type { ACTION_END, ACTION_GOTO, ACTION_RETRY };

struct action {
    const char *name;
    enum action_type type;
    struct criteria criteria;
    bool has_ending;
    struct ending ending;
    int status;  /* end: judged as if the answer had this one; 0: the ending says */
    size_t step; /* goto, retry; SIZE_MAX: none */
    bool token;  /* retry: fetch a new session token first */
    int64_t retry_after_ms;
    unsigned retry_limit;
};

struct actions {
    const struct action *list;
    size_t n;
};

struct step_param {
    const struct param_decl *decl;
    const struct tmpl *value;
};

struct output {
    const char *name;
    const struct tmpl *value;
};

struct outputs {
    const struct output *list;
    size_t n;
};

struct confirm {
    const char *workflow_id;
    const struct workflow *workflow;
    const struct cond *cond;
};

struct step {
    const char *id;
    struct operation *op;
    struct step_param *params;
    size_t param_count;
    enum body_kind body_kind;
    const char *content_type;
    const struct tmpl *body;
    struct criteria success; /* none: by status */
    struct actions on_success, on_failure;
    struct outputs outputs;
    struct criteria when;
    const struct expr *for_each;
    struct confirm confirm; /* cond NULL: none */
    const struct tmpl *keep; /* x-record with before: next; NULL: none */
};

/* What `inputs` asks for. */
struct need {
    const char *name;
    bool required, nullable;
    const struct need *members;
    size_t n;
};

struct input_schema {
    const char *name; /* data, event, record, settings */
    struct schema *schema;
};

struct token_rule {
    const struct scheme *scheme; /* NULL: no x-token */
    const struct tmpl *value;
    const struct tmpl *expires_in;
};

/* x-dates: for a platform that takes no dates. */
struct dates {
    const struct tmpl *begins; /* NULL: at once */
    bool whole_day;            /* of begins: a day counts whole, it begins when the day is over (`after`) */
    const struct tmpl *events; /* what comes to an end after it: a list of { at, data }; NULL: nothing */
    const char *type;          /* of these events, without prefix */
    const struct tmpl *later;  /* when each item of data.<later_of> begins: a list, a place for each; NULL: none waits by itself */
    const char *later_of;      /* the member of the data whose items may wait */
    const char *later_type;    /* of the events that they become, without prefix */
};

struct workflow {
    const char *id, *summary;
    const struct pack *pack;
    struct step *steps;
    size_t step_count;
    struct outputs outputs;
    const struct tmpl *more_outputs; /* x-outputs */
    const struct tmpl *record;       /* x-record */
    struct ending ending;
    const struct need *needs;
    size_t need_count;
    struct input_schema *schemas;
    size_t schema_count;
    struct token_rule token;
    struct dates dates;
};

/* $inputs.credentials.<scheme>.<member> is used somewhere. */
struct credential_use {
    const char *scheme, *member;
    const struct credential_use *next;
};

struct pack {
    struct arena arena;
    struct yaml_doc *openapi, *arazzo;
    const char *title, *version;
    const char *own_title; /* of settings.yaml; NULL: none */
    json_t *defaults;      /* owned: $inputs.settings where an installation says nothing */
    const char *base_url; /* the first server, variables filled in; NULL: none */
    struct scheme *schemes;
    size_t scheme_count;
    struct operation *ops;
    size_t op_count;
    struct workflow *workflows;
    size_t workflow_count;
    const struct scheme *token_scheme; /* of `authenticate`; NULL: none */
    const struct credential_use *credential_uses;
    void **regexes; /* owned */
    size_t regex_count;
    json_t *empty; /* {} */
    json_t *owned; /* list of values that are in neither document */
};

/* --- bound --- */

struct bound_op {
    const char *method;
    const struct path_part *path; /* the operation's, or what the settings say */
    size_t path_count;
    bool path_has_query;
    const struct security *security; /* the alternative taken; NULL: none */
    struct call_header headers[4];   /* Authorization or key headers, Accept */
    size_t header_count;
    const char *query; /* "key=value" of an apiKey, or NULL */
    bool needs_token;
};

struct bound_pack {
    struct arena arena;
    const struct pack *pack;
    const char *base_url; /* no slash at the end */
    json_t *credentials, *settings; /* settings: the pack's own with the installation's over them */
    const char *secret; /* or NULL */
    struct bound_op *ops;
};

#endif
