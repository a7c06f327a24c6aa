#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "base/attr.h"
#include "core/judge.h"

static const enum call_repeat classes[] = {CALL_READ, CALL_SAFE, CALL_KEYED, CALL_QUERY, CALL_NEVER};

Test(judge, a_doubtful_call_goes_by_its_repeat_class)
{
    static const enum judgement want[] = {JUDGE_RETRY, JUDGE_RESEND, JUDGE_RESEND, JUDGE_ASK, JUDGE_PERSON};
    struct call_reply cut = {.result = CALL_CUT, .request_bytes = 100, .body = "", .retry_after_ms = -1};
    for (size_t i = 0; i < ARRAY_LEN(classes); i++)
        cr_expect(eq(int, judge_call(&cut, classes[i]), want[i]), "%s", call_repeat_name(classes[i]));
}

Test(judge, what_never_left_is_tried_again_whatever_its_class)
{
    struct call_reply r = {.result = CALL_TIMED_OUT, .request_bytes = 0, .body = "", .retry_after_ms = -1};
    for (size_t i = 0; i < ARRAY_LEN(classes); i++)
        cr_expect(eq(int, judge_call(&r, classes[i]), JUDGE_RETRY), "%s", call_repeat_name(classes[i]));
}

Test(judge, an_answer_that_no_criterion_knows_goes_by_its_status)
{
    static const struct {
        const char *why;
        int status;
        int64_t retry_after_ms;
        enum call_repeat repeat;
        enum judgement want;
    } rows[] = {
        {"200 with an unknown body is never success", 200, -1, CALL_NEVER, JUDGE_PERSON},
        {"200 with an unknown body, absolute state", 200, -1, CALL_SAFE, JUDGE_RESEND},
        {"not found", 404, -1, CALL_SAFE, JUDGE_REJECT},
        {"unprocessable", 422, -1, CALL_NEVER, JUDGE_REJECT},
        {"our credentials, maybe", 401, -1, CALL_SAFE, JUDGE_AUTH},
        {"forbidden", 403, -1, CALL_QUERY, JUDGE_AUTH},
        {"throttled is not applied", 429, -1, CALL_NEVER, JUDGE_LATER},
        {"told when to come back", 503, 2000, CALL_NEVER, JUDGE_LATER},
        {"503 without a word", 503, -1, CALL_QUERY, JUDGE_ASK},
        {"server error on a read", 500, -1, CALL_READ, JUDGE_RETRY},
        {"a redirect is not success", 302, -1, CALL_NEVER, JUDGE_PERSON},
        {"gateway timeout", 504, -1, CALL_KEYED, JUDGE_RESEND},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct call_reply r = {.result = CALL_OK,
                               .request_bytes = 100,
                               .status = rows[i].status,
                               .body = "",
                               .retry_after_ms = rows[i].retry_after_ms};
        cr_expect(eq(int, judge_unknown(&r, rows[i].repeat), rows[i].want), "%s", rows[i].why);
    }
}

Test(judge, a_doubt_is_resent_or_asked_about_only_when_its_class_allows)
{
    static const struct {
        const char *why;
        enum call_repeat repeat;
        bool own;
        int64_t age;
        enum judgement want;
        int64_t wait;
    } rows[] = {
        {"our own absolute state at once", CALL_SAFE, true, 0, JUDGE_RESEND, 0},
        {"an inherited one after the quarantine", CALL_SAFE, false, 8000, JUDGE_RESEND, 40000},
        {"with our key at once", CALL_KEYED, false, 0, JUDGE_RESEND, 0},
        {"asked only after the quarantine", CALL_QUERY, true, 0, JUDGE_ASK, 48000},
        {"then asked", CALL_QUERY, true, 48000, JUDGE_ASK, 0},
        {"a person, whatever the age", CALL_NEVER, true, 99999, JUDGE_PERSON, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int64_t wait = -1;
        cr_expect(eq(int, judge_doubt(rows[i].repeat, rows[i].own, rows[i].age, 48000, &wait), rows[i].want), "%s",
                  rows[i].why);
        cr_expect(eq(i64, wait, rows[i].wait), "%s", rows[i].why);
    }
}
