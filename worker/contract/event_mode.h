/* event_mode.h - a Kafka message, in either mode of the CloudEvents binding, as one event in structured form.
 *
 * CloudEvents 1.0.2: kafka-protocol-binding.md section 3 (content modes), formats/json-format.md section 2 (null
 * is unset). For the contract layer, and for commands that show messages. Pure. */
#ifndef TVB_CONTRACT_EVENT_MODE_H
#define TVB_CONTRACT_EVENT_MODE_H

#include <jansson.h>

#include "contract/event.h"
#include "contract/json.h"

/* The event as a JSON object with all attributes and `data`, not validated yet; the caller owns it.
 * NULL and @ret_fault when the message is no event. Pointers of faults are those of the structured form. */
json_t *event_root_of(const struct event_message *m, struct fault *ret_fault);

/* Sets @ret to @inner with @prefix before its pointer. Returns -1. */
int fault_below(struct fault *ret, const char *prefix, const struct fault *inner);

#endif
