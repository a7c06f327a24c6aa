#include "contract/deadletter.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "contract/order.h"

const char *dead_reason_name(enum dead_reason r)
{
    switch (r) {
    case DEAD_INVALID:
        return "invalid";
    case DEAD_MISPLACED:
        return "misplaced";
    case DEAD_CONFLICT:
        return "conflict";
    case DEAD_IMPLAUSIBLE:
        return "implausible";
    case DEAD_MIXED_ORDER:
        return "mixed_order";
    case DEAD_EXHAUSTED:
        return "dead";
    case DEAD_IN_DOUBT:
        return "in_doubt";
    }
    return "";
}

struct writer {
    struct dead_store *store;
    struct event_header *headers;
    size_t n;
};

/* The slot for the next header's value; put() then names it. */
static char *slot(struct writer *w)
{
    return w->store->text[w->n];
}

static void put(struct writer *w, const char *name)
{
    const char *text = slot(w);
    w->headers[w->n++] = (struct event_header){.name = name, .value = text, .len = strlen(text)};
}

/* Cuts at a whole UTF-8 character: a header's value stays UTF-8. */
static void put_text(struct writer *w, const char *name, const char *value)
{
    if (value == NULL)
        return;
    size_t max = sizeof(w->store->text[0]) - 1;
    size_t n = strnlen(value, max + 1);
    if (n > max) {
        n = max;
        while (n > 0 && ((unsigned char)value[n] & 0xc0) == 0x80)
            n--;
    }
    memcpy(slot(w), value, n);
    slot(w)[n] = '\0';
    put(w, name);
}

static void put_number(struct writer *w, const char *name, int64_t value)
{
    snprintf(slot(w), sizeof(w->store->text[0]), "%" PRId64, value);
    put(w, name);
}

size_t dead_letter_headers(const struct dead_letter *d, struct dead_store *store,
                           struct event_header ret[DEAD_HEADERS_MAX])
{
    struct writer w = {.store = store, .headers = ret};
    put_text(&w, "tvbridge-reason", dead_reason_name(d->reason));
    put_text(&w, "tvbridge-detail", d->detail);
    put_text(&w, "tvbridge-pointer", d->pointer);
    put_text(&w, "tvbridge-topic", d->topic);
    put_number(&w, "tvbridge-partition", d->partition);
    put_number(&w, "tvbridge-offset", d->offset);
    put_number(&w, "tvbridge-attempts", d->attempts);
    put_number(&w, "tvbridge-round", d->round);
    clock_format_rfc3339(d->now_ms, slot(&w));
    put(&w, "tvbridge-time");
    return w.n;
}

int64_t dead_letter_number(const struct event_message *m, const char *name)
{
    char text[24] = "";
    uint64_t v;
    for (size_t i = 0; i < m->header_count; i++)
        if (strcmp(m->headers[i].name, name) == 0 && m->headers[i].value != NULL)
            snprintf(text, sizeof(text), "%.*s", (int)m->headers[i].len, (const char *)m->headers[i].value);
    return order_parse_sequence(text, &v) == 0 ? (int64_t)v : -1;
}
