/* The benchmark's judge must be able to say "guilty": each fault that it counts, made on purpose. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

#include "sink_http.h"
#include "sink_order.h"

static void try_once(struct sink_order *o, uint32_t lane, uint32_t sequence, bool ok)
{
    cr_assert(lt(uint, 0, sink_order_begin(o, lane, sequence)));
    sink_order_end(o, lane, sequence, ok);
}

Test(sink_order, accepts_events_in_order_in_any_mix_of_lanes)
{
    struct sink_order *o = sink_order_new();
    for (uint32_t sequence = 1; sequence <= 50; sequence++)
        for (uint32_t lane = 0; lane < 3000; lane += 7)
            try_once(o, lane, sequence, true);
    const struct sink_counts *c = sink_order_counts(o);
    cr_expect(eq(u64, c->done, 50 * 429));
    cr_expect(eq(u64, c->doubled, 0));
    cr_expect(eq(u64, c->overtaken, 0));
    sink_order_free(o);
}

Test(sink_order, accepts_a_retry_of_a_refused_event)
{
    struct sink_order *o = sink_order_new();
    try_once(o, 4, 1, false);
    cr_expect(eq(uint, sink_order_begin(o, 4, 1), 2));
    sink_order_end(o, 4, 1, true);
    try_once(o, 4, 2, true);
    const struct sink_counts *c = sink_order_counts(o);
    cr_expect(eq(u64, c->done, 2));
    cr_expect(eq(u64, c->refused, 1));
    cr_expect(eq(u64, c->doubled, 0));
    cr_expect(eq(u64, c->overtaken, 0));
    sink_order_free(o);
}

Test(sink_order, counts_an_event_that_comes_again)
{
    struct sink_order *o = sink_order_new();
    try_once(o, 1, 1, true);
    try_once(o, 1, 1, true);
    cr_expect(eq(u64, sink_order_counts(o)->doubled, 1));
    cr_expect(eq(u64, sink_order_counts(o)->done, 1));
    sink_order_free(o);
}

Test(sink_order, counts_an_event_that_comes_while_it_is_being_answered)
{
    struct sink_order *o = sink_order_new();
    sink_order_begin(o, 1, 1);
    sink_order_begin(o, 1, 1);
    cr_expect(eq(u64, sink_order_counts(o)->doubled, 1));
    sink_order_free(o);
}

Test(sink_order, counts_an_event_that_overtakes_a_refused_a_busy_or_an_absent_one)
{
    struct sink_order *o = sink_order_new();
    try_once(o, 1, 1, false);
    try_once(o, 1, 2, true);
    sink_order_begin(o, 2, 1);
    sink_order_begin(o, 2, 2);
    try_once(o, 3, 2, true);
    cr_expect(eq(u64, sink_order_counts(o)->overtaken, 3));
    sink_order_free(o);
}

Test(sink_order, refuses_numbers_out_of_bounds)
{
    struct sink_order *o = sink_order_new();
    cr_expect(eq(uint, sink_order_begin(o, 1, 0), 0));
    cr_expect(eq(uint, sink_order_begin(o, 1, 2000000), 0));
    cr_expect(eq(uint, sink_order_begin(o, UINT32_MAX, 1), 0));
    sink_order_free(o);
}

static const char request[] = "PUT /users/s17 HTTP/1.1\r\nHost: a\r\nContent-Length: 19\r\n\r\nstatus=0&sequence=9";

Test(sink_http, reads_service_and_sequence)
{
    struct sink_request r;
    size_t used = 0;
    cr_assert(eq(int, sink_http_parse(request, strlen(request), &r, &used), SINK_PARSE_DONE));
    cr_expect(eq(sz, used, strlen(request)));
    cr_expect(eq(uint, r.service, 17));
    cr_expect(eq(uint, r.sequence, 9));
    cr_expect(not(r.tip));
}

Test(sink_http, waits_for_every_missing_byte)
{
    struct sink_request r;
    size_t used = 0;
    for (size_t n = 0; n < strlen(request); n++)
        cr_expect(eq(int, sink_http_parse(request, n, &r, &used), SINK_PARSE_MORE), "%zu bytes", n);
}

Test(sink_http, refuses_what_the_benchmark_does_not_send)
{
    struct sink_request r;
    size_t used = 0;
    static const char *const bad[] = {"GET / HTTP/1.1\r\n\r\n", "PUT /users/x1 HTTP/1.1\r\n\r\n",
                                      "PUT /users/s1 HTTP/1.1\r\n\r\n"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        cr_expect(eq(int, sink_http_parse(bad[i], strlen(bad[i]), &r, &used), SINK_PARSE_BAD), "%s", bad[i]);
}
