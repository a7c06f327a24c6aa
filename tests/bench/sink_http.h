/* sink_http.h - just enough HTTP/1.1 to serve a benchmark: one request at a time on a kept connection. */
#ifndef TVB_BENCH_SINK_HTTP_H
#define TVB_BENCH_SINK_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sink_request {
    bool stats;        /* GET /_stats */
    bool tip;          /* service t<N>: one of the events whose latency is measured */
    uint32_t service;  /* N of /users/s<N> or /users/t<N> */
    uint32_t sequence; /* of the form body; 0: none */
};

enum sink_parse { SINK_PARSE_MORE, SINK_PARSE_DONE, SINK_PARSE_BAD };

/* Reads one request at the front of @text. DONE: @ret and how many bytes it took. BAD: not a request that the
 * benchmark makes; the connection cannot go on. */
enum sink_parse sink_http_parse(const char *text, size_t len, struct sink_request *ret, size_t *ret_used);

/* Writes an answer of @status with that JSON body into @out; returns its length, 0 when @room is too small. */
size_t sink_http_answer(int status, const char *body, char *out, size_t room);

#endif
