/* aside.h - the waiting topic: what is set aside (aside.c), who waits for whom (aside_order.c), who is called back and when
 * (aside_back.c). RELIABILITY.md section 5. */
#ifndef TVB_ENGINE_ASIDE_H
#define TVB_ENGINE_ASIDE_H

#include "engine/state.h"

/* Reads the index, or what came since. False: not now. */
bool aside_load(struct worker *w, struct partition *p);
void aside_end(struct partition *p);
/* Every now and then: calls back what the clock releases. */
void aside_tick(struct worker *w);
/* Sets @j aside: it has a decoded event and holds no claim, or one that was given back. */
void aside_set(struct worker *w, struct job *j, const struct aside *a);
/* @j, from the input topic, has an entry of an earlier owner (aside_take()), and its lane went on behind that: it is written again as it
 * was, and its offset settled. Not before the partition is waits_ready. */
void aside_keep(struct worker *w, struct job *j);
/* @j, which is not at work, has to wait for that entry: it is set aside, as one that may have been sent where it may. */
void aside_behind(struct worker *w, struct job *j, const struct wait *before);
/* Writes the entry again after a failure. */
void aside_again(struct worker *w, struct job *j);
/* The entry behind which @j has to wait; NULL: none. */
struct wait *aside_blocker(const struct job *j);
/* Whether @j, a decoded event that waits for @x, may have been sent before that was so: @x is newer, or was worked by nobody. */
bool aside_may_have_passed(const struct job *j, const struct wait *x);
/* The first entry behind @after (NULL: of all) that @j, a decoded event, would supersede: waits_covered(). */
struct wait *aside_covered(const struct job *j, const struct wait *after);
/* @j is done: entries that it covers will be called back by aside_look(), to be superseded. True: its offset, in the input topic, is settled with the
 * last of them. */
bool aside_supersede(struct job *j);
/* Something of @service came to its end: entries that waited for it alone are called back, as far as there is room for them. */
void aside_look(struct worker *w, struct partition *p, const char *service);
/* The entry's event has its outcome: the tombstone, with @fn as its ack for @j; and when that is there. */
bool aside_send_tombstone(struct worker *w, struct job *j, producer_ack_fn *fn);
void aside_finished(struct worker *w, struct job *j);
/* It died, and holds back what comes after: its entry, in place of a tombstone; and when that is there. */
bool aside_send_dead(struct worker *w, struct job *j, producer_ack_fn *fn);
void aside_is_dead(struct job *j);
/* The entry of the index that stands for @j, a decoded event, whoever works it. NULL: none. */
struct wait *aside_entry_of(const struct job *j);
/* Where an entry of @j is left from an earlier owner, who did not settle its offset: what comes of the event ends the entry
 * too. False: the entry is being worked by itself. */
bool aside_take(struct job *j);
/* After that: the entry was called back in order with others that it may not pass, or waits for room to be called back as superseded, so
 * that it is the entry that is worked, and those before it stand behind @j. True: @j is settled, as an event that stands in the waiting
 * topic. */
bool aside_leaves_it(struct worker *w, struct job *j);
/* As aside_take() when its outcome stands: an entry that was read since. */
void aside_take_late(struct job *j);
/* The event that an entry or a dead letter of @service keeps. NULL: no memory. */
struct job *aside_job_of(struct partition *p, const char *service, struct entry_place place, const struct reader_message *rm);
/* One of a dead letter that has no entry is read and tried again in @round, for which an entry is written. The job is the
 * caller's, job_free(), until it is tried again. False: it cannot be read. */
bool aside_decode_letter(struct worker *w, struct job *j);
void aside_redrive_letter(struct worker *w, struct job *j, unsigned round);
/* The entry of @e was read, and is @j's: its event is worked, as the entry's act says. */
void aside_begin_again(struct worker *w, struct job *j, const struct entry *e);
/* @j is to be claimed. True: it comes from the waiting topic, and its entry says first that it is being sent. */
bool aside_says_sending(struct worker *w, struct job *j);
/* One that waits for room to be called back as superseded (wait.superseded): now. */
void aside_call_superseded(struct partition *p, struct wait *x);
/* The entry is read and its event worked, as @act says. */
void aside_call_back(struct partition *p, struct wait *x, enum park_act act);

#endif
