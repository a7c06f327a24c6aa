/* outcome_view.h - an outcome or a dead letter as people and programs see it, and whether it is one that was asked for. */
#ifndef TVB_PRODUCER_OUTCOME_VIEW_H
#define TVB_PRODUCER_OUTCOME_VIEW_H

#include <jansson.h>
#include <librdkafka/rdkafka.h>
#include <stdbool.h>

#include "base/buf.h"
#include "cli.h"

#define VIEW_TIME_SIZE 20 /* "2026-11-22 10:00:00" and the NUL */
struct outcome_view {
    char time[VIEW_TIME_SIZE];
    const char *when; /* the same with its fractions, to sort by */
    const char *provider, *service, *type, *event_id, *kind, *reason; /* "" when not known */
    char attempts[12], status[12];
    bool dead_letter;
    json_t *root;   /* owned: what is shown as JSON */
    char text[3][320]; /* of a dead letter's headers */
};

/* What is asked for; NULL: any. A list: one of them. */
struct outcome_filter {
    struct cli_list services, providers, types, kinds, event_ids;
};

/* Reads the message. -1: it is not an outcome (somebody else wrote it). */
int outcome_view_init(struct outcome_view *ret, const rd_kafka_message_t *m);
/* Reads a message of a dead letter topic: any bytes will do. */
int outcome_view_init_dead(struct outcome_view *ret, const rd_kafka_message_t *m, const char *provider);
void outcome_view_fini(struct outcome_view *v);

/* Types match with or without "tvbridge."; a dead letter's kind is "dead_letter". */
bool outcome_view_matches(const struct outcome_view *v, const struct outcome_filter *f);

/* One line each. */
extern const struct cli_column outcome_columns[];
extern const size_t outcome_column_count;
void outcome_view_row(const struct outcome_view *v, const struct cli_table *t, struct buf *out);
void outcome_view_json(const struct outcome_view *v, struct buf *out);

#endif
