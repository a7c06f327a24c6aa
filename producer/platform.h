/* platform.h - a provider's platform as the commands ask it: only by workflows of its pack that change nothing. Lists may be long, and
 * take their time. Blocking. */
#ifndef TVB_PRODUCER_PLATFORM_H
#define TVB_PRODUCER_PLATFORM_H

#include <jansson.h>
#include <stdbool.h>

#include "account.h"
#include "base/err.h"
#include "contract/settings.h"
#include "live.h"

struct platform {
    struct settings_provider place; /* the caller's, with room for long answers */
    struct live *live;
    json_t *event;                  /* that asks: $inputs.event */
    bool up;                        /* libcurl is */
};

/* @pack_dir: instead of the settings'; NULL: theirs. @sp must outlive it. -1: the pack is refused. */
int platform_open(struct platform *p, const struct settings_provider *sp, const char *pack_dir, struct err *reterr);
void platform_close(struct platform *p); /* an empty one is fine */

/* True when the pack has the workflow. */
bool platform_has(const struct platform *p, const char *workflow);
bool platform_can(const void *platform, const char *type); /* that, as a diff_can_fn */
/* 0 when each request of it is a read (of `authenticate`, a read or `safe`); -1 and @reterr names the step that is not, or says that
 * there is no such workflow. */
int platform_check_reads(const struct platform *p, const char *workflow, struct err *reterr);
/* "list", or "accounts" where the pack has only that; NULL: neither. */
const char *platform_list_workflow(const struct platform *p);

/* All accounts. @progress is told how many there are by now; may be NULL. -1: not all were read. */
typedef void platform_progress_fn(void *arg, size_t n);
int platform_accounts(struct platform *p, struct accounts *into, platform_progress_fn *progress, void *arg, struct err *reterr);
/* { plans, packages, channels } as the pack's `catalog` gives them; the caller owns it. @channels: those too. */
json_t *platform_catalog(struct platform *p, bool channels, struct err *reterr);
/* Starts `read` of a service whose record would have these members (login, ids); @done as in live_start(). */
int platform_read(struct platform *p, const char *service, const json_t *record, live_done_fn *done, void *arg, struct err *reterr);
/* 0, or what went wrong with it as an error: ERR_IO when nobody answered. */
int platform_end(const char *workflow, const struct live_end *end, struct err *reterr);

#endif
