/* kafka_message.h - a librdkafka message as the contract's struct event_message. Private to the kafka family of
 * files. */
#ifndef TVB_IO_KAFKA_MESSAGE_H
#define TVB_IO_KAFKA_MESSAGE_H

#include <librdkafka/rdkafka.h>
#include <stddef.h>

#include "contract/event.h"

/* Room for one message's headers, used again for the next. Zeroed is empty; its owner frees @items. */
struct kafka_headers {
    struct event_header *items;
    size_t cap;
};

/* Borrows from @m and from @room: valid until the next call with that room. */
struct event_message kafka_message_read(struct kafka_headers *room, const rd_kafka_message_t *m);

#endif
