/* regex.h - compiled patterns of criteria, as the pack keeps them. */
#ifndef TVB_WORKFLOW_REGEX_H
#define TVB_WORKFLOW_REGEX_H

void regex_free(void *regex); /* NULL is fine */

#endif
