/* serve_problem.h - what was wrong with a request, as RFC 9457 says it (application/problem+json). Pure. */
#ifndef TVB_PRODUCER_SERVE_PROBLEM_H
#define TVB_PRODUCER_SERVE_PROBLEM_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "contract/json.h"

#define SERVE_PROBLEM_TYPE "application/problem+json"
#define SERVE_FAULTS_MAX 20 /* told of one request; how many there are is told too */

struct serve_faults {
    struct fault list[SERVE_FAULTS_MAX];
    size_t seen; /* may be more than the list holds */
};

/* Notes it below @prefix (an event's place in its batch: "/3"; "" for a single one). */
void serve_faults_add(struct serve_faults *f, const char *prefix, const struct fault *one);

/* Appends the problem: status, its usual words, @detail for a person, and where there are faults, each with pointer and what
 * was wanted. @faults may be NULL. */
void serve_problem_add(struct buf *out, unsigned status, const char *detail, const struct serve_faults *faults);

#endif
