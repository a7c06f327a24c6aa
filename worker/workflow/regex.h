/* regex.h - patterns of criteria and of x-match, compiled at load. The only user of PCRE2 in this layer. */
#ifndef TVB_WORKFLOW_REGEX_H
#define TVB_WORKFLOW_REGEX_H

#include "base/buf.h"
#include "workflow/load.h"

/* The pack owns it. NULL: a fault was noted, or there is no memory. */
void *regex_compile(struct loader *l, const char *pattern, const struct at *at);
void regex_free(void *regex); /* NULL is fine */

enum regex_result { REGEX_NO, REGEX_YES, REGEX_NO_MEMORY };

/* Searches @s. What is not UTF-8, or takes too long, does not match. */
enum regex_result regex_search(const void *regex, const char *s, size_t n);

/* Whether @give is what regex_give() can write: text with $0 to $9 for groups that the pattern has, and $$ for a dollar. */
bool regex_gives(const void *regex, const char *give);
/* Searches @s and appends @give; groups that took no part add nothing. Only for REGEX_YES something was appended. */
enum regex_result regex_give(const void *regex, const char *s, size_t n, const char *give, struct buf *out);

#endif
