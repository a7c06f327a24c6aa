#include "sync_auto.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli.h"

#define KEPT 10
#define POLL_US 200000

/* "plan 9, package X and 3 more" of a list of texts. */
static void name_some(const json_t *list, char *ret, size_t size)
{
    enum { SOME = 3 };
    size_t n = json_array_size(list), at = 0;
    ret[0] = '\0';
    for (size_t i = 0; i < n && i < SOME && at < size; i++)
        at += (size_t)snprintf(ret + at, size - at, "%s%s", i > 0 ? ", " : "", json_string_value(json_array_get(list, i)));
    if (n > SOME && at < size)
        snprintf(ret + at, size - at, " and %zu more", n - SOME);
}

static int refuse_if_any(json_t *list, const char *why, struct err *reterr)
{
    char some[240];
    int rc = 0;
    name_some(list, some, sizeof(some));
    if (json_array_size(list) > 0)
        rc = err_set(reterr, ERR_INVAL, "%s: %s", why, some);
    json_decref(list);
    return rc;
}

int sync_auto_check(const struct sync_state *s, struct err *reterr)
{
    if (s->catalog == NULL)
        return err_set(reterr, ERR_INVAL, "autosync does not run: the pack has no `catalog`, so that nobody can tell whether tariffs are linked");
    if (refuse_if_any(sync_state_unlinked(s), "autosync does not run while tariffs are not linked to the platform's", reterr) != 0)
        return -1;
    return refuse_if_any(sync_state_unconverted(s), "autosync does not run while accounts bear the client's id (`tvbridge convert`)", reterr);
}

/* .9 becomes .10 and so on; what is not there is passed over. */
static int rotate(const char *path, const char *suffix, struct err *reterr)
{
    char from[4300], to[4300];
    for (int i = KEPT - 1; i >= 0; i--) {
        if (i == 0)
            snprintf(from, sizeof(from), "%s%s", path, suffix);
        else
            snprintf(from, sizeof(from), "%s.%d%s", path, i, suffix);
        snprintf(to, sizeof(to), "%s.%d%s", path, i + 1, suffix);
        if (rename(from, to) != 0 && errno != ENOENT)
            return err_set(reterr, ERR_INVAL, "%s: %s", to, strerror(errno));
    }
    return 0;
}

int sync_auto_path(const struct settings_autosync *a, const char *provider, char *ret, size_t size, struct err *reterr)
{
    if (snprintf(ret, size, "%s/%s.preview", a->folder, provider) >= (int)size)
        return err_set(reterr, ERR_INVAL, "autosync.folder: the path is too long");
    return rotate(ret, "", reterr) == 0 ? rotate(ret, ".progress", reterr) : -1;
}

bool sync_auto_wait(int64_t ms)
{
    int64_t end = clock_boot_ms() + ms;
    while (clock_boot_ms() < end) {
        if (cli_interrupt_pending())
            return false;
        usleep(POLL_US);
    }
    return true;
}
