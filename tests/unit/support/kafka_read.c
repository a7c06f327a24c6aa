#include "support/kafka_read.h"

#include <stdio.h>
#include <string.h>

void note_told(void *arg, const char *why)
{
    struct told *t = arg;
    size_t used = strlen(t->text);
    t->n++;
    snprintf(t->text + used, sizeof t->text - used, "%s\n", why);
}

static void keep(char *to, size_t size, const char *from, size_t len)
{
    snprintf(to, size, "%.*s", (int)(from ? len : 0), from ? from : "");
}

static void on_message(void *arg, const struct reader_message *m)
{
    struct taken *t = arg;
    t->messages++;
    t->out_of_order += m->offset <= t->last;
    t->tombstones += m->message.value == NULL;
    if (t->first < 0)
        t->first = m->offset;
    t->last = m->offset;
    t->last_timestamp_ms = m->timestamp_ms;
    keep(t->last_key, sizeof t->last_key, m->message.key, m->message.key_len);
    keep(t->last_value, sizeof t->last_value, m->message.value, m->message.value_len);
    if (m->message.header_count > 0)
        snprintf(t->last_header, sizeof t->last_header, "%s=%.*s", m->message.headers[0].name,
                 (int)m->message.headers[0].len, m->message.headers[0].value);
    if (t->each)
        t->each(t);
    if (t->cancel_at > 0 && t->messages == t->cancel_at) {
        reader_cancel(t->read);
        t->read = NULL;
    }
}

static void on_done(void *arg, bool ok, int64_t end, const char *why)
{
    struct taken *t = arg;
    reader_cancel(t->read); /* does nothing here */
    t->read = NULL;
    t->done++;
    t->ok = ok;
    t->end = end;
    snprintf(t->why, sizeof t->why, "%s", why);
}

bool take(struct taken *t, struct reader *r, const struct reader_range *range)
{
    *t = (struct taken){
        .reader = r, .first = -1, .last = -1, .each = t->each, .each_arg = t->each_arg, .cancel_at = t->cancel_at};
    t->read = reader_start(r, range, on_message, on_done, t);
    return t->read != NULL;
}

bool take_from(struct taken *t, struct reader *r, const char *topic, int32_t partition, int64_t offset)
{
    struct reader_range range = {
        .topic = topic, .partition = partition, .from = READER_OFFSET, .offset = offset};
    return take(t, r, &range);
}

bool taken_is_done(void *arg)
{
    return ((struct taken *)arg)->done > 0;
}
