/* pack_files.h - packs from texts, for tests: two files in a temporary folder, loaded, tried, removed. */
#ifndef TEST_SUPPORT_PACK_FILES_H
#define TEST_SUPPORT_PACK_FILES_H

#include "workflow/run.h"

/* The OpenAPI document that most tests use. */
extern const char pack_files_openapi[];

/* Loads the two texts as a pack. */
struct pack *pack_files_load(const char *openapi, const char *workflows, struct pack_faults *ret_faults);
/* The same with a settings.yaml beside them. */
struct pack *pack_files_load_with(const char *openapi, const char *workflows, const char *settings,
                                  struct pack_faults *ret_faults);
/* A pack of a settings.yaml alone (@named), which names the folder `base` beside it, made of the other three. */
struct pack *pack_files_load_named(const char *openapi, const char *workflows, const char *settings, const char *named,
                                   struct pack_faults *ret_faults);
/* pack_files_load(), and the test fails with the faults when it is refused. */
struct pack *pack_files_good(const char *openapi, const char *workflows);
/* "arazzo: ..." with one workflow `w`: @members are its further members, each line indented by 4. */
char *pack_files_workflow(const char *members);

/* Binds with the base URL http://tv and credentials for all schemes ("u", "p"), secret "s3cret". */
struct bound_pack *pack_files_bind(const struct pack *p);

/* A try as text: a line "METHOD URL [HEADERS] [body]" a request, then "=> kind reason outputs record" or "=> unknown",
 * "=> retry MS" lines between. */
struct trial_inputs {
    const char *workflow; /* id; NULL: "w" */
    const char *data, *record, *event; /* JSON or NULL */
    const char *settings;              /* JSON; NULL: those of pack_files_bind() */
    const char *const *replies; /* bodies, or "STATUS body", or "STATUS|Header: value|body"; NULL ends */
    const char *token;
    bool headers; /* shows all but Accept and Content-Type */
};
char *pack_files_try(const struct pack *p, const struct trial_inputs *in);

#endif
