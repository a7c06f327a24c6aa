/* acts.h - what acts.c, wide_acts.c and rebase.c share: the acts of one partition on their way. Private to engine/.
 *
 * An act is an item of a queue, in the order of the control topic. Acts under one key are carried out one after the other;
 * under different keys side by side. An item ends when its answer is acknowledged; below the first one that is left the
 * control topic's offset may be committed. What calls back holds a struct control, which lives until the last call. */
#ifndef TVB_ENGINE_ACTS_H
#define TVB_ENGINE_ACTS_H

#include "contract/act.h"
#include "contract/partition_record.h"
#include "engine/state.h"

struct act_item {
    struct act_item *next;
    struct control *control;
    struct act act;
    int64_t offset;         /* in the control topic */
    int64_t since_ms;       /* loop time: begun; 0: not yet */
    int64_t again_ms;       /* loop time: not before */
    unsigned stage;         /* of its step function alone; 0: at its beginning */
    uint64_t version;       /* wide_acts.c: of the record that has it */
    struct rebase *rebase;  /* rebase.c; owned */
    struct letter *letter;  /* entry_acts.c; owned */
    bool decided;           /* result and why are set */
    bool answering;         /* its answer is on its way */
    enum act_result result;
    const char *why;        /* a constant */
};

struct control {
    struct control *prev, *next; /* in worker.controls */
    struct worker *worker;
    struct partition *part; /* NULL: gone */
    unsigned pending;       /* calls that still come */
    /* acts.c */
    bool assigned;          /* the control topic's partition is ours too */
    bool paused;            /* no more of it for now */
    bool dirty, in_commit;  /* of its offset */
    int64_t next_offset;    /* all below it was taken; -1: nothing yet */
    struct act_item *first, *last;
    unsigned count;
    struct reader_read *read; /* of what was answered before; NULL: none */
    bool read_done;
    int64_t *answered;      /* offsets of acts that had their answer when this assignment began; ascending */
    size_t answered_count, answered_room;
    /* wide_acts.c: the partition's record */
    struct partition_record record;
    uint64_t version, sent, durable; /* what is in memory; was sent last; is acknowledged in both topics */
    unsigned writes;        /* messages of `sent` that are not acknowledged */
    bool write_failed, renewed;
    int64_t write_again_ms;
    uint64_t credit;        /* cuts that are paid and not made yet */
    int64_t credit_ms;      /* loop time: of the last ones */
    uint64_t wanted, buying, buying_version; /* cuts that want to be; are being paid, and by which version */
    /* rebase.c */
    struct act_item *rebasing; /* its service is held: no event of it starts */
};

/* One step of an act's way: true when it has its result. Asked again each turn until then. */
bool wide_act_step(struct worker *w, struct act_item *it);
bool rebase_step(struct worker *w, struct act_item *it);
void rebase_end(struct act_item *it); /* its lane goes on; frees what it needed */
bool entry_act_step(struct worker *w, struct act_item *it);
void letter_end(struct act_item *it);
bool act_is(struct act_item *it, enum act_result result, const char *why); /* sets the result; true */
/* Not again before so long from now; false. */
bool act_later(struct act_item *it, int64_t delay_ms);
/* To be first in each callback that got @c: true when its partition has gone away (@c may be freed by this). */
bool control_callback_is_late(struct control *c);

/* Once a turn: writes the record where it has changed. */
void wide_tick(struct worker *w, struct control *c);
#endif
