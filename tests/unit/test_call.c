/* What a call's result means: RELIABILITY.md section 7, row by row. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "base/attr.h"
#include "core/call.h"

Test(call, a_result_and_the_bytes_that_left_tell_the_fate)
{
    static const struct {
        const char *why;
        enum call_result result;
        int64_t bytes;
        int status;
        enum call_fate want;
    } rows[] = {
        {"a whole answer is judged", CALL_OK, 90, 200, CALL_ANSWERED},
        {"a failure's answer is judged too", CALL_OK, 90, 500, CALL_ANSWERED},
        {"an answer without a status says nothing", CALL_OK, 90, 0, CALL_DOUBTFUL},
        {"refused, no name, no TLS: not sent", CALL_NO_CONNECTION, 0, 0, CALL_NOT_SENT},
        {"refused at the second transmission: the first left", CALL_NO_CONNECTION, 90, 0, CALL_DOUBTFUL},
        {"timeout before the first byte", CALL_TIMED_OUT, 0, 0, CALL_NOT_SENT},
        {"timeout after it", CALL_TIMED_OUT, 90, 0, CALL_DOUBTFUL},
        {"timeout in the body: the status is a hint", CALL_TIMED_OUT, 90, 200, CALL_DOUBTFUL},
        {"stopped before the first byte", CALL_ABORTED, 0, 0, CALL_NOT_SENT},
        {"stopped after it", CALL_ABORTED, 90, 0, CALL_DOUBTFUL},
        {"cut before the first byte left", CALL_CUT, 0, 0, CALL_NOT_SENT},
        {"cut after it", CALL_CUT, 90, 0, CALL_DOUBTFUL},
        {"cut in the body", CALL_CUT, 90, 200, CALL_DOUBTFUL},
        {"over the cap", CALL_TOO_LARGE, 90, 200, CALL_DOUBTFUL},
        {"a bad address never leaves", CALL_INVALID, 0, 0, CALL_IMPOSSIBLE},
        {"what left was not invalid", CALL_INVALID, 90, 0, CALL_DOUBTFUL},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct call_reply r = {.result = rows[i].result, .request_bytes = rows[i].bytes, .status = rows[i].status};
        cr_expect(eq(int, (int)call_fate_of(&r), (int)rows[i].want), "%s", rows[i].why);
    }
}

Test(call, a_status_that_no_criterion_knew_has_a_class)
{
    static const struct {
        int status;
        bool retry_after;
        enum call_status_class want;
    } rows[] = {
        {200, false, CALL_STATUS_UNKNOWN_BODY}, {202, false, CALL_STATUS_UNKNOWN_BODY},
        {204, true, CALL_STATUS_UNKNOWN_BODY},  {400, false, CALL_STATUS_REJECTED},
        {404, false, CALL_STATUS_REJECTED},     {409, false, CALL_STATUS_REJECTED},
        {410, false, CALL_STATUS_REJECTED},     {413, false, CALL_STATUS_REJECTED},
        {415, false, CALL_STATUS_REJECTED},     {422, false, CALL_STATUS_REJECTED},
        {418, false, CALL_STATUS_REJECTED},     {401, false, CALL_STATUS_AUTH},
        {403, true, CALL_STATUS_AUTH},          {425, false, CALL_STATUS_LATER},
        {429, false, CALL_STATUS_LATER},        {429, true, CALL_STATUS_LATER},
        {503, true, CALL_STATUS_LATER},         {503, false, CALL_STATUS_DOUBTFUL},
        {408, false, CALL_STATUS_DOUBTFUL},     {500, false, CALL_STATUS_DOUBTFUL},
        {500, true, CALL_STATUS_DOUBTFUL},      {502, false, CALL_STATUS_DOUBTFUL},
        {504, false, CALL_STATUS_DOUBTFUL},     {301, false, CALL_STATUS_DOUBTFUL},
        {304, false, CALL_STATUS_DOUBTFUL},     {100, false, CALL_STATUS_DOUBTFUL},
        {599, false, CALL_STATUS_DOUBTFUL},     {0, false, CALL_STATUS_DOUBTFUL},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        cr_expect(eq(int, (int)call_status_class(rows[i].status, rows[i].retry_after), (int)rows[i].want),
                  "status %d, Retry-After %d", rows[i].status, rows[i].retry_after);
}

Test(call, ways_to_repeat_have_the_names_of_the_packs)
{
    cr_expect(eq(str, (char *)call_repeat_name(CALL_READ), "read"));
    cr_expect(eq(str, (char *)call_repeat_name(CALL_SAFE), "safe"));
    cr_expect(eq(str, (char *)call_repeat_name(CALL_KEYED), "keyed"));
    cr_expect(eq(str, (char *)call_repeat_name(CALL_QUERY), "query"));
    cr_expect(eq(str, (char *)call_repeat_name(CALL_NEVER), "never"));
}
