#include "core/breaker.h"

#include <limits.h>
#include <string.h>

#include "base/attr.h"

/* Calls of each round of probes. */
static const unsigned stages[] = {1, 3, 10};

const char *breaker_state_name(enum breaker_state s)
{
    switch (s) {
    case BREAKER_CLOSED:
        return "closed";
    case BREAKER_OPEN:
        return "open";
    case BREAKER_ASKING:
        return "asking";
    case BREAKER_PROBING:
        return "probing";
    }
    return "?";
}

uint32_t breaker_ticket(const struct breaker *b)
{
    return b->ticket;
}

static int64_t next_open_ms(const struct breaker *b, const struct settings_breaker *policy, bool doubled)
{
    int64_t ms = b->open_ms == 0 ? policy->open_ms : doubled ? 2 * b->open_ms : b->open_ms;
    return ms > policy->open_max_ms ? policy->open_max_ms : ms;
}

/* @doubled: nothing good was heard since it was open last. */
static void open_now(struct breaker *b, const struct settings_breaker *policy, bool doubled, int64_t now_ms)
{
    b->open_ms = next_open_ms(b, policy, doubled);
    b->until_ms = now_ms + b->open_ms;
    b->state = BREAKER_OPEN;
    b->ticket++;
}

static void enter_stage(struct breaker *b, unsigned stage)
{
    b->stage = stage;
    b->good = b->bad = 0;
}

static void close_now(struct breaker *b)
{
    b->state = BREAKER_CLOSED;
    b->open_ms = 0;
    b->in_a_row = 0;
    memset(&b->calls, 0, sizeof(b->calls));
}

static bool is_too_bad(const struct settings_breaker *policy, unsigned bad, unsigned all)
{
    return (uint64_t)bad * 100 >= (uint64_t)all * policy->bad_percent;
}

static bool note_closed(struct breaker *b, const struct settings_breaker *policy, bool good, int64_t now_ms)
{
    tally_add(&b->calls, now_ms, 1, !good);
    b->in_a_row = good ? 0 : b->in_a_row + 1;
    if (good || b->calls.all_a < policy->calls)
        return false;
    bool run = b->in_a_row >= policy->calls && b->calls.all_b >= policy->calls;
    if (!run && !is_too_bad(policy, b->calls.all_b, b->calls.all_a))
        return false;
    open_now(b, policy, false, now_ms);
    return true;
}

/* A probe that meets an event which only ever fails must not keep the provider shut: a stage is judged as a whole. */
static bool note_probe(struct breaker *b, const struct settings_breaker *policy, bool good, int64_t now_ms)
{
    b->good += good;
    b->bad += !good;
    if (b->bad > 0 && is_too_bad(policy, b->bad, stages[b->stage])) {
        open_now(b, policy, b->stage == 0 && b->good == 0, now_ms);
        return true;
    }
    if (b->good + b->bad < stages[b->stage])
        return false;
    if (b->stage + 1 == ARRAY_LEN(stages))
        close_now(b);
    else
        enter_stage(b, b->stage + 1);
    return false;
}

bool breaker_note(struct breaker *b, const struct settings_breaker *policy, uint32_t ticket, bool good, int64_t now_ms)
{
    if (ticket != b->ticket)
        return false;
    switch (b->state) {
    case BREAKER_CLOSED:
        return note_closed(b, policy, good, now_ms);
    case BREAKER_PROBING:
        return note_probe(b, policy, good, now_ms);
    case BREAKER_OPEN: /* a call that was under way when its round began has another ticket */
    case BREAKER_ASKING:
        return false;
    }
    return false;
}

bool breaker_is_due(const struct breaker *b, int64_t now_ms)
{
    return b->state == BREAKER_OPEN && now_ms >= b->until_ms;
}

void breaker_ask(struct breaker *b)
{
    if (b->state == BREAKER_OPEN)
        b->state = BREAKER_ASKING;
}

void breaker_probe(struct breaker *b)
{
    if (b->state != BREAKER_OPEN && b->state != BREAKER_ASKING)
        return;
    b->state = BREAKER_PROBING;
    enter_stage(b, 0);
}

void breaker_refuse(struct breaker *b, const struct settings_breaker *policy, int64_t now_ms)
{
    if (b->state == BREAKER_ASKING)
        open_now(b, policy, true, now_ms);
}

unsigned breaker_room(const struct breaker *b)
{
    switch (b->state) {
    case BREAKER_CLOSED:
        return UINT_MAX;
    case BREAKER_OPEN:
    case BREAKER_ASKING:
        return 0;
    case BREAKER_PROBING:
        return stages[b->stage] - b->good - b->bad;
    }
    return 0;
}
