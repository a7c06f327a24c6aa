#include "core/adapt.h"

#include <math.h>

#define SAMPLES 8                /* calls at least, before their mean is compared; and as many as there are slots */
#define WEIGHT 8                 /* a new mean counts one eighth */
#define DEVIATIONS 2.5
#define DEVIATION_MIN_MS 2.0     /* our own loop is not more even than that */
#define DEVIATION_MIN_SHARE 0.1  /* of the mean */

unsigned adapt_limit(const struct adapt *a, unsigned hard)
{
    if (a->limit <= 0 || a->limit >= hard)
        return hard;
    return a->limit < 1 ? 1 : (unsigned)a->limit;
}

unsigned adapt_verification_slots(unsigned slots)
{
    return slots < 20 ? 1 : slots / 10;
}

static void scale(struct adapt *a, unsigned hard, double by)
{
    double now = a->limit <= 0 || a->limit > hard ? hard : a->limit;
    a->limit = now * by < 1 ? 1 : now * by;
}

/* Calls that had left before the last cut say nothing about the smaller number. */
static void halve(struct adapt *a, unsigned hard, const struct adapt_call *call)
{
    if (a->cut_ns != 0 && call->began_ns <= a->cut_ns)
        return;
    a->cut_ns = call->ended_ns;
    scale(a, hard, 0.5);
}

static bool has_grown(const struct adapt *a, double mean_ms)
{
    double deviation = fmax(a->deviation_ms, fmax(DEVIATION_MIN_MS, a->mean_ms * DEVIATION_MIN_SHARE));
    return mean_ms > a->mean_ms + DEVIATIONS * deviation;
}

/* The round trip as it was lately against as it is used to be. True when it has grown too much, and had so before. */
static bool learn(struct adapt *a)
{
    double mean = a->sum_ms / a->n, off = a->off_ms / a->n;
    bool known = a->mean_ms > 0, grown = known && has_grown(a, mean), before = a->has_grown;
    a->has_grown = grown;
    a->mean_ms += known ? (mean - a->mean_ms) / WEIGHT : mean;
    a->deviation_ms += known ? (off - a->deviation_ms) / WEIGHT : 0;
    a->sum_ms = a->off_ms = 0;
    a->n = 0;
    return grown && before;
}

static void sample(struct adapt *a, double ms)
{
    a->sum_ms += ms;
    a->off_ms += fabs(ms - a->mean_ms);
    a->n++;
}

/* A call that began in this round has ended: that is a round trip. */
static void end_round(struct adapt *a, unsigned hard, int64_t now_ns)
{
    unsigned slots = adapt_limit(a, hard);
    if (a->n >= (slots < SAMPLES ? SAMPLES : slots) && learn(a))
        scale(a, hard, 0.9);
    else if (a->saturated && a->limit > 0 && a->limit < hard)
        a->limit += 1;
    a->saturated = false;
    a->round_ns = now_ns;
}

void adapt_note(struct adapt *a, unsigned hard, const struct adapt_call *call)
{
    if (hard == 0)
        return; /* a late one: nothing is ours any more */
    if (call->overload) {
        halve(a, hard, call);
        return;
    }
    sample(a, (double)(call->ended_ns - call->began_ns) / 1e6);
    a->saturated |= call->saturated;
    if (call->began_ns >= a->round_ns)
        end_round(a, hard, call->ended_ns);
}
