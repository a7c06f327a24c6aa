/* kafka_message.c - see kafka_message.h. */
#include "io/kafka_message.h"

#include <stdbool.h>
#include <stdlib.h>

static bool make_room(struct kafka_headers *room, size_t n)
{
    if (n <= room->cap)
        return true;
    struct event_header *h = realloc(room->items, n * sizeof *h);
    if (h == NULL)
        return false;
    room->items = h;
    room->cap = n;
    return true;
}

static size_t read_headers(struct kafka_headers *room, const rd_kafka_message_t *m)
{
    rd_kafka_headers_t *hdrs;
    if (rd_kafka_message_headers(m, &hdrs) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return 0;
    size_t n = rd_kafka_header_cnt(hdrs);
    if (!make_room(room, n))
        return 0;
    for (size_t i = 0; i < n; i++) {
        const void *value = NULL;
        rd_kafka_header_get_all(hdrs, i, &room->items[i].name, &value, &room->items[i].len);
        room->items[i].value = value;
    }
    return n;
}

struct event_message kafka_message_read(struct kafka_headers *room, const rd_kafka_message_t *m)
{
    size_t n = read_headers(room, m); /* may move the room */
    return (struct event_message){.key = m->key,
                                  .key_len = m->key_len,
                                  .value = m->payload,
                                  .value_len = m->len,
                                  .headers = room->items,
                                  .header_count = n};
}
