/* rehearsal.h - --dry-run of acts: for each row the calls that the owner would make, played through the provider's pack
 * with the event as it lies and the service's record as it is now. Nothing is sent. */
#ifndef TVB_PRODUCER_REHEARSAL_H
#define TVB_PRODUCER_REHEARSAL_H

#include <stdbool.h>

#include "base/err.h"
#include "cli.h"
#include "contract/act.h"
#include "found.h"
#include "scan.h"

struct rehearsal {
    const struct kafka_place *place;
    enum act_kind kind;
    bool applied;   /* RESOLVE_DOUBT: the verdict */
    bool json, show_data;
};

/* Shows them on stdout. The rows' messages were kept. Values of persons go into the pack as ***, unless show_data.
 * CLI_REFUSED when a row could not be played. -1 and @reterr: none was. */
int rehearse(const struct rehearsal *r, struct scanner *s, const struct found_list *list, enum cli_status *ret_status,
             struct err *reterr);

#endif
