/* billed.h - the TV billing runs that a service went through: `billed` in its record, due day -> { value, currency, event }.
 *
 * A due day is processed once: what billing says of it later, under whatever id, changes nothing. So whoever books what was answered
 * `applied` books it once. Pure. */
#ifndef TVB_CONTRACT_BILLED_H
#define TVB_CONTRACT_BILLED_H

#include <jansson.h>

#define BILLED_MAX 13 /* due days that a record keeps, the newest: a year and a month */

enum billed {
    BILLED_NEW,     /* to be noted */
    BILLED_BY_IT,   /* by this very event */
    BILLED_BEFORE,  /* by another, with the same value */
    BILLED_OTHER,   /* with another value: it stays */
    BILLED_TOO_OLD, /* before all that are kept: not known any more */
};
/* What the record says of the day that @data (of billing.processed) names; @id: of the event. */
enum billed billed_judge(const json_t *record, const json_t *data, const char *id);
/* Notes it, where it is BILLED_NEW. -1: out of memory. */
int billed_note(json_t *record, const json_t *data, const char *id);

#endif
