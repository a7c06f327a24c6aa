#include "outcome_view.h"

#include <string.h>

#include "contract/axes.h"
#include "contract/json.h"
#include "contract/outcome.h"

const struct cli_column outcome_columns[] = {
    {"TIME (UTC)", 19, 19, false}, {"PROVIDER", 10, 4, false}, {"SERVICE", 12, 5, false},
    {"EVENT", 22, 9, false},      {"OUTCOME", 11, 8, false},  {"TRIES", 5, 5, true},
    {"STATUS", 6, 6, true},        {"REASON", 22, 6, false},   {"EVENT ID", 36, 6, false},
};
const size_t outcome_column_count = ARRAY_LEN(outcome_columns);

static const char *text_at(const json_t *root, const char *pointer)
{
    const char *s = json_string_value(json_at_pointer(root, pointer));
    return s != NULL ? s : "";
}

static void number_at(const json_t *root, const char *pointer, char ret[12])
{
    json_t *v = json_at_pointer(root, pointer);
    ret[0] = '\0';
    if (json_is_integer(v) && json_integer_value(v) >= 0 && json_integer_value(v) < 1000000000)
        snprintf(ret, 12, "%d", (int)json_integer_value(v));
}

/* RFC 3339 to what a person reads: seconds are enough. */
static void set_time(struct outcome_view *v, const char *rfc3339)
{
    v->when = rfc3339;
    snprintf(v->time, sizeof(v->time), "%s", rfc3339);
    if (strlen(v->time) > 10)
        v->time[10] = ' ';
}

int outcome_view_init(struct outcome_view *ret, const rd_kafka_message_t *m)
{
    json_t *root = m->payload != NULL ? json_loadb(m->payload, m->len, 0, NULL) : NULL;
    if (root == NULL || text_at(root, "/data/kind")[0] == '\0') {
        json_decref(root);
        return -1;
    }
    *ret = (struct outcome_view){
        .root = root,
        .provider = text_at(root, "/provider"),
        .service = text_at(root, "/subject"),
        .type = event_type_short(text_at(root, "/data/event/type")),
        .event_id = text_at(root, "/data/event/id"),
        .kind = text_at(root, "/data/kind"),
        .reason = text_at(root, "/data/reason"),
    };
    set_time(ret, text_at(root, "/time"));
    number_at(root, "/data/attempts", ret->attempts);
    number_at(root, "/data/provider_answer/status", ret->status);
    return 0;
}

/* ---- dead letters ---- */

/* The value of a header as a JSON text (U+FFFD where it is no UTF-8); NULL: there is none. */
static json_t *header_text(const rd_kafka_headers_t *headers, const char *name)
{
    const void *value = NULL;
    size_t size = 0;
    if (headers == NULL || rd_kafka_header_get_last(headers, name, &value, &size) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return NULL;
    json_t *text = json_stringn(value != NULL ? value : "", size);
    return text != NULL ? text : json_string("\xEF\xBF\xBD");
}

static const char *const dead_headers[] = {
    "tvbridge-reason", "tvbridge-detail",   "tvbridge-pointer", "tvbridge-topic", "tvbridge-partition",
    "tvbridge-offset", "tvbridge-attempts", "tvbridge-round",   "tvbridge-time",
};

static json_t *dead_root(const rd_kafka_message_t *m, const char *provider)
{
    rd_kafka_headers_t *headers = NULL;
    rd_kafka_message_headers(m, &headers);
    json_t *letter = json_object();
    for (size_t i = 0; i < ARRAY_LEN(dead_headers); i++) {
        json_t *text = header_text(headers, dead_headers[i]);
        if (text != NULL)
            json_object_set_new(letter, dead_headers[i] + strlen("tvbridge-"), text);
    }
    json_t *key = m->key != NULL ? json_stringn(m->key, m->key_len) : NULL;
    json_t *event = m->payload != NULL ? json_loadb(m->payload, m->len, 0, NULL) : NULL;
    return json_pack("{ss so so* so*}", "provider", provider, "dead_letter", letter, "key", key, "event", event);
}

int outcome_view_init_dead(struct outcome_view *ret, const rd_kafka_message_t *m, const char *provider)
{
    json_t *root = dead_root(m, provider);
    if (root == NULL)
        return -1;
    *ret = (struct outcome_view){
        .root = root,
        .dead_letter = true,
        .provider = text_at(root, "/provider"),
        .service = text_at(root, "/key"),
        .type = event_type_short(text_at(root, "/event/type")),
        .event_id = text_at(root, "/event/id"),
        .kind = "dead_letter",
    };
    snprintf(ret->text[0], sizeof(ret->text[0]), "%s%s%s", text_at(root, "/dead_letter/reason"),
             text_at(root, "/dead_letter/pointer")[0] != '\0' ? " at " : "", text_at(root, "/dead_letter/pointer"));
    ret->reason = ret->text[0];
    set_time(ret, text_at(root, "/dead_letter/time"));
    snprintf(ret->attempts, sizeof(ret->attempts), "%s", text_at(root, "/dead_letter/attempts"));
    return 0;
}

void outcome_view_fini(struct outcome_view *v)
{
    json_decref(v->root);
    v->root = NULL;
}

/* ---- asked for, shown ---- */

static bool one_of(const struct cli_list *wanted, const char *is)
{
    for (size_t i = 0; i < wanted->n; i++)
        if (strcmp(event_type_short(wanted->item[i]), is) == 0)
            return true;
    return wanted->n == 0;
}

bool outcome_view_matches(const struct outcome_view *v, const struct outcome_filter *f)
{
    return one_of(&f->services, v->service) && one_of(&f->providers, v->provider) && one_of(&f->types, v->type) &&
           one_of(&f->kinds, v->kind) && one_of(&f->event_ids, v->event_id);
}

static enum cli_colour kind_colour(const char *kind)
{
    enum outcome_kind k;
    if (outcome_kind_parse(kind, &k) < 0)
        return CLI_RED;
    switch (k) {
    case OUTCOME_APPLIED:
    case OUTCOME_UNCHANGED:
        return CLI_GREEN;
    case OUTCOME_REJECTED:
    case OUTCOME_DEAD:
    case OUTCOME_CONFLICT:
        return CLI_RED;
    case OUTCOME_EXPIRED:
    case OUTCOME_HELD:
    case OUTCOME_IN_DOUBT:
    case OUTCOME_WAITING:
        return CLI_YELLOW;
    case OUTCOME_SUPERSEDED:
    case OUTCOME_STALE:
    case OUTCOME_PREVIEW:
    case OUTCOME_KIND_COUNT:
        break;
    }
    return CLI_PLAIN;
}

void outcome_view_row(const struct outcome_view *v, const struct cli_table *t, struct buf *out)
{
    const char *cells[] = {v->time,     v->provider, v->service, v->type,    v->kind,
                           v->attempts, v->status,   v->reason,  v->event_id};
    enum cli_colour colours[ARRAY_LEN(cells)] = {CLI_DIM};
    colours[4] = kind_colour(v->kind);
    cli_table_row(t, cells, colours, out);
}

void outcome_view_json(const struct outcome_view *v, struct buf *out)
{
    json_add_compact(out, v->root);
    buf_addc(out, '\n');
}
