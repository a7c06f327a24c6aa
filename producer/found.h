/* found.h - what waits and what is dead, gathered from waiting, dead letters and control: the rows of the lists, and
 * what acts are made of.
 *
 * An entry is the last message of its key; a dead letter counts while no act has closed it and no entry or later letter
 * stands for it. */
#ifndef TVB_PRODUCER_FOUND_H
#define TVB_PRODUCER_FOUND_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "cli.h"
#include "contract/act.h"
#include "contract/entry.h"
#include "scan.h"

/* A message that is kept: its bytes and headers in one block. */
struct kept {
    struct event_message message; /* points into the same block */
};

struct found {
    const char *provider;
    char service[ENTRY_SERVICE_SIZE]; /* of a dead letter: its key, "" when that is no service's */
    struct entry_place place;
    bool letter;                      /* a dead letter; else a waiting entry */
    int32_t partition;                /* where it lies itself */
    int64_t offset;
    enum entry_state state;           /* DEAD for a letter */
    enum entry_reason reason;         /* FOR_DEAD for a letter */
    struct entry_place behind;
    char type[40];                    /* without prefix; "" not known */
    char order[ORDER_TEXT_SIZE];      /* "" of a letter */
    unsigned round, try_no, attempts, counted;
    int status;
    char why[16];                     /* of a letter: dead_reason_name() */
    char step[ENTRY_WORD_SIZE];
    int64_t release_at_ms, first_try_ms, sent_ms, since_ms, now_ms; /* Unix ms; 0: none */
    char *detail;                     /* owned; "" none */
    char *axes;                       /* owned; separated by spaces, "" none */
    struct kept *kept;                /* owned; NULL unless asked for */
};

/* What is asked for. A list: one of them; empty: any. */
struct found_filter {
    struct cli_list services, causes, types, places;
    int64_t older_than_ms; /* 0: any age */
    unsigned states;       /* bits of enum entry_state */
    unsigned reasons;      /* bits of enum entry_reason */
    bool keep;             /* keep the messages */
    int64_t now_ms;
};

struct found_list {
    struct found **rows; /* owned */
    size_t n;
};

/* Gathers the entries of the provider, sorted by service and place. */
int found_entries(struct scanner *s, const char *provider, const struct found_filter *f, struct found_list *list,
                  struct err *reterr);
/* The same and its dead letters. */
int found_dead(struct scanner *s, const char *provider, const struct found_filter *f, struct found_list *list,
               struct err *reterr);
void found_list_fini(struct found_list *list);
/* By time, the oldest first; or by service and place. */
void found_sort_by_time(struct found_list *list);
void found_sort_by_place(struct found_list *list);

/* The row of an entry's message; NULL: out of memory. */
struct found *found_of_entry(const struct scan_message *m, const struct entry *e, bool keep);
/* The row of a dead letter; NULL: its headers say no place, or out of memory. */
struct found *found_of_letter(const struct scan_message *m, bool keep);
void found_free(struct found *f);
struct kept *kept_new(const struct event_message *m); /* NULL: out of memory; free() ends it */

/* The words of what it waits for, with until when or behind what: "date until 2026-12-01 00:00:00". */
void found_waits_for(const struct found *f, char *ret, size_t size);
json_t *found_json(const struct found *f);
/* The act of @kind on it; id, who, reason and time are left to the caller. */
void found_act(const struct found *f, enum act_kind kind, struct act *ret);
/* NULL, or why no act can bring this dead letter back: it has to be published anew. */
const char *found_not_redrivable(const struct found *f);

#endif
