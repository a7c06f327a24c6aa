/* event_help.h - events for tests, from the real schemas. */
#ifndef TVB_TESTS_EVENT_HELP_H
#define TVB_TESTS_EVENT_HELP_H

#include <criterion/criterion.h>
#include <string.h>

#include "base/attr.h"
#include "contract/event.h"

#define BLOCKED_HEAD                                                                               \
    "{\"specversion\":\"1.0\",\"id\":\"e1\",\"source\":\"/"                                        \
    "billing\",\"type\":\"tvbridge.contract.blocked\","                                            \
    "\"subject\":\"70001\",\"provider\":\"stalker\""
#define BLOCKED_TAIL ",\"data\":{\"reason\":\"delinquency\"}}"
#define BLOCKED BLOCKED_HEAD ",\"sequence\":\"7\"" BLOCKED_TAIL

static inline struct event_schemas *load_schemas(void)
{
    struct err err = {.code = ERR_NONE};
    struct event_schemas *s = event_schemas_load(TVB_ROOT "/schemas", &err);
    cr_assert(s != NULL, "%s", err.msg);
    return s;
}

/* A structured message with the key 70001 and no headers. */
static inline struct event_message message(const char *text)
{
    return (struct event_message){
        .key = "70001", .key_len = 5, .value = text, .value_len = strlen(text)};
}

static inline struct event_header header(const char *name, const char *value)
{
    return (struct event_header){.name = name, .value = value, .len = strlen(value)};
}

#endif
