/* sink_http.c - finds the few things that matter in a request and ignores the rest. */
#include "sink_http.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* The number after @at, up to the first byte that is no digit; 0 when there is none before @end. */
static uint32_t number_at(const char *at, const char *end)
{
    uint32_t n = 0;
    for (; at < end && *at >= '0' && *at <= '9' && n < 100000000; at++)
        n = n * 10 + (uint32_t)(*at - '0');
    return n;
}

/* Content-Length among the header lines of [@at, @end); 0 when there is none. */
static size_t body_length(const char *at, const char *end)
{
    static const char name[] = "\r\ncontent-length:";
    const size_t len = sizeof(name) - 1;
    for (; (at = memchr(at, '\r', (size_t)(end - at))) != NULL; at++) {
        if ((size_t)(end - at) <= len)
            break;
        if (strncasecmp(at, name, len) != 0)
            continue;
        for (at += len; at < end && *at == ' ';)
            at++;
        return number_at(at, end);
    }
    return 0;
}

static bool parse_path(const char *at, const char *end, struct sink_request *ret)
{
    static const char users[] = "/users/", stats[] = "/_stats ";
    const char *path = memchr(at, ' ', (size_t)(end - at));
    if (path == NULL)
        return false;
    path++;
    if ((size_t)(end - path) > sizeof(stats) && memcmp(path, stats, sizeof(stats) - 1) == 0) {
        ret->stats = true;
        return true;
    }
    if ((size_t)(end - path) <= sizeof(users) || memcmp(path, users, sizeof(users) - 1) != 0)
        return false;
    path += sizeof(users) - 1;
    ret->tip = *path == 't';
    ret->service = number_at(path + 1, end);
    return *path == 't' || *path == 's';
}

enum sink_parse sink_http_parse(const char *text, size_t len, struct sink_request *ret, size_t *ret_used)
{
    static const char field[] = "sequence=";
    const char *body = memmem(text, len, "\r\n\r\n", 4);
    if (body == NULL)
        return SINK_PARSE_MORE;
    body += 4;
    size_t want = body_length(text, body), have = len - (size_t)(body - text);
    if (have < want)
        return SINK_PARSE_MORE;
    memset(ret, 0, sizeof(*ret));
    *ret_used = (size_t)(body - text) + want;
    if (!parse_path(text, body, ret))
        return SINK_PARSE_BAD;
    const char *sequence = memmem(body, want, field, sizeof(field) - 1);
    if (sequence != NULL)
        ret->sequence = number_at(sequence + sizeof(field) - 1, body + want);
    return ret->stats || ret->sequence != 0 ? SINK_PARSE_DONE : SINK_PARSE_BAD;
}

size_t sink_http_answer(int status, const char *body, char *out, size_t room)
{
    const char *word = status == 200 ? "OK" : status == 503 ? "Service Unavailable" : "Bad Request";
    int n = snprintf(out, room, "HTTP/1.1 %d %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
                     status, word, strlen(body), body);
    return n > 0 && (size_t)n < room ? (size_t)n : 0;
}
