/* sync_auto.h - what `autosync` needs beside a sync: when it must not run, where its previews are kept, its schedule. PROVIDERS.md 1.2,
 * 4NET.TV 9 and 10. */
#ifndef TVB_PRODUCER_SYNC_AUTO_H
#define TVB_PRODUCER_SYNC_AUTO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "contract/settings.h"
#include "sync_state.h"

/* 0; or -1 and @reterr says why it must not run: tariffs that are not linked, services whose ids are not converted. */
int sync_auto_check(const struct sync_state *s, struct err *reterr);

/* The path of the next preview, "<folder>/<provider>.preview"; the ten before it are kept as .1 to .10, the oldest goes. */
int sync_auto_path(const struct settings_autosync *a, const char *provider, char *ret, size_t size, struct err *reterr);

/* Waits for so long. False: the command was interrupted. */
bool sync_auto_wait(int64_t ms);

#endif
