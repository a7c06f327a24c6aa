/* story.h - one service's messages at one provider, told as a timeline and as what is so now.
 *
 * Takes the messages of events, outcomes, records, waiting, dead letters and control, of the service's partition, each
 * topic in its order; other services' messages are passed over. Tells it as JSON:
 *
 *   {"provider", "service", "known", "record": {..}, "paused": {..}, "approvals": [..], "waiting": [..], "letters": [..],
 *    "unfinished": [..], "verdict": [texts], "timeline": [{"time", "what", "place", "text", ..}]} */
#ifndef TVB_PRODUCER_STORY_H
#define TVB_PRODUCER_STORY_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "scan.h"

struct story;

/* @show_data: the record as it is; else what it says of persons is hidden. NULL and @reterr. */
struct story *story_new(const char *provider, const char *service, int32_t partition, bool show_data,
                        struct err *reterr);
void story_free(struct story *s); /* NULL is fine */

/* False: out of memory. */
bool story_take(struct story *s, const struct scan_message *m);

/* The caller owns it. Of the timeline: only what is not before @since_ms (Unix ms), and at most the last @limit (0: all). */
json_t *story_tell(struct story *s, int64_t since_ms, size_t limit);

#endif
