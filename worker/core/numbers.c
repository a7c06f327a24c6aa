#include "core/numbers.h"

#include "contract/settings_numbers.h"

int numbers_check(const struct settings_numbers *n, struct err *reterr)
{
    struct settings_disagreement d;
    return settings_numbers_agree(n, &d) ? 0 : err_set(reterr, ERR_INVAL, "%s", d.reason);
}
