#include "serve_mode.h"

#include <string.h>
#include <strings.h>

#include "base/hash.h"
#include "contract/event_mode.h"

#define HEADER_BYTES_MAX ((size_t)64 * 1024)

/* ---- which ---- */

static bool is_type(const char *content_type, const char *want)
{
    size_t n = strcspn(content_type, "; \t");
    return n == strlen(want) && strncasecmp(content_type, want, n) == 0;
}

static bool is_json(const char *content_type)
{
    size_t n = strcspn(content_type, "; \t");
    return is_type(content_type, "application/json") || (n > 5 && strncasecmp(content_type + n - 5, "+json", 5) == 0);
}

enum serve_mode serve_mode_of(const char *content_type, bool has_ce)
{
    static const char of_events[] = "application/cloudevents";
    if (content_type == NULL)
        return has_ce ? SERVE_BINARY : SERVE_UNKNOWN;
    if (is_type(content_type, "application/cloudevents+json"))
        return SERVE_STRUCTURED;
    if (is_type(content_type, "application/cloudevents-batch+json"))
        return SERVE_BATCH;
    if (strncasecmp(content_type, of_events, sizeof(of_events) - 1) == 0) /* another event format */
        return SERVE_UNKNOWN;
    return has_ce && is_json(content_type) ? SERVE_BINARY : SERVE_UNKNOWN;
}

/* ---- batches ---- */

void serve_batch_init(struct serve_batch *b, const char *text, size_t len)
{
    *b = (struct serve_batch){.at = text, .end = text + len};
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* The next byte that is no white space; 0 at the end. */
static char peek(struct serve_batch *b)
{
    while (b->at < b->end && is_space(*b->at))
        b->at++;
    return b->at < b->end ? *b->at : '\0';
}

/* Behind the string that begins at @at; NULL: it does not end. */
static const char *string_end(const char *at, const char *end)
{
    for (at++; (at = memchr(at, '"', (size_t)(end - at))) != NULL; at++) {
        size_t slashes = 0;
        while (at[-1 - (ptrdiff_t)slashes] == '\\')
            slashes++;
        if (slashes % 2 == 0)
            return at + 1;
    }
    return NULL;
}

/* Behind the value that begins at @at, as far as brackets and strings tell; NULL: it does not end. */
static const char *value_end(const char *at, const char *end)
{
    size_t depth = 0;
    while (at < end) {
        char c = *at;
        if (c == '"') {
            at = string_end(at, end);
            if (at == NULL || depth == 0)
                return at;
            continue;
        }
        bool closes = c == '}' || c == ']';
        if (depth == 0 && (c == ',' || closes || is_space(c)))
            return at;
        at++;
        depth += c == '{' || c == '[';
        depth -= closes;
        if (closes && depth == 0)
            return at;
    }
    return NULL;
}

static int broken(struct fault *ret, const char *why)
{
    return fault_set(ret, "", "%s", why);
}

static int begin(struct serve_batch *b, struct fault *ret_fault)
{
    if (peek(b) != '[')
        return broken(ret_fault, "wanted a JSON array of events");
    b->at++;
    b->begun = true;
    return 0;
}

static int end(struct serve_batch *b, struct fault *ret_fault)
{
    b->at++;
    b->ended = true;
    if (peek(b) != '\0' || b->at < b->end)
        return broken(ret_fault, "something stands after the end of the array");
    return 0;
}

int serve_batch_next(struct serve_batch *b, const char **ret, size_t *ret_len, struct fault *ret_fault)
{
    bool first = !b->begun;
    if (b->ended)
        return 0;
    if (first && begin(b, ret_fault) != 0)
        return -1;
    char c = peek(b);
    if (c == ']')
        return end(b, ret_fault);
    if (!first && c != ',')
        return broken(ret_fault, b->at < b->end ? "a , or ] is missing after the event before" : "the array does not end: ] is missing");
    b->at += first ? 0 : 1;
    c = peek(b);
    if (c == '\0' || c == ',' || c == ']' || c == '}')
        return broken(ret_fault, b->at < b->end ? "an event is missing between [ , and ]" : "the array does not end: ] is missing");
    const char *stop = value_end(b->at, b->end);
    if (stop == NULL)
        return broken(ret_fault, "an event does not end");
    *ret = b->at;
    *ret_len = (size_t)(stop - b->at);
    b->at = stop;
    return 1;
}

/* ---- binary mode ---- */

void serve_headers_init(struct serve_headers *h)
{
    h->n = 0;
    h->too_many = false;
    buf_init(&h->bytes, HEADER_BYTES_MAX);
}

void serve_headers_fini(struct serve_headers *h)
{
    buf_fini(&h->bytes);
}

/* Without the quotes of a quoted string, and without the backslashes in it. */
static void add_unquoted(struct buf *out, const char *value)
{
    size_t n = strlen(value);
    if (n < 2 || value[0] != '"' || value[n - 1] != '"') {
        buf_adds(out, value);
        return;
    }
    for (size_t i = 1; i + 1 < n; i++) {
        i += value[i] == '\\' && i + 2 < n;
        buf_addc(out, value[i]);
    }
}

/* In place; what is no %XX stays. Its new length. */
static size_t percent_decode(char *s, size_t n)
{
    size_t to = 0;
    for (size_t i = 0; i < n; i++, to++) {
        uint8_t byte = (uint8_t)s[i];
        bool coded = s[i] == '%' && i + 2 < n && hash_unhex(s + i + 1, 1, &byte) == 0;
        s[to] = (char)byte;
        i += coded ? 2 : 0;
    }
    return to;
}

static void add_name(struct buf *out, const char *name)
{
    for (; *name != '\0'; name++)
        buf_addc(out, (char)(*name >= 'A' && *name <= 'Z' ? *name + 32 : *name));
    buf_addc(out, '\0');
}

void serve_headers_add(struct serve_headers *h, const char *name, const char *value)
{
    bool is_type = strcasecmp(name, "content-type") == 0;
    if (!is_type && strncasecmp(name, "ce-", 3) != 0)
        return;
    if (h->n == SERVE_HEADERS_MAX) {
        h->too_many = true;
        return;
    }
    size_t at = h->bytes.len;
    h->list[h->n].name = at;
    if (!is_type)
        buf_adds(&h->bytes, "ce_");
    add_name(&h->bytes, is_type ? name : name + 3);
    h->list[h->n].value = at = h->bytes.len;
    add_unquoted(&h->bytes, value);
    size_t n = buf_ok(&h->bytes) ? h->bytes.len - at : 0;
    if (!is_type && n > 0)
        n = percent_decode(h->bytes.data + at, n);
    buf_truncate(&h->bytes, at + n);
    h->list[h->n++].len = n;
}

int serve_headers_done(struct serve_headers *h, const char *body, size_t len, struct buf *out, struct fault *ret_fault)
{
    if (!buf_ok(&h->bytes) || h->too_many)
        return fault_set(ret_fault, "", "too many ce-* headers, or too long ones");
    struct event_header list[SERVE_HEADERS_MAX];
    for (size_t i = 0; i < h->n; i++)
        list[i] = (struct event_header){.name = h->bytes.data + h->list[i].name,
                                        .value = h->bytes.data + h->list[i].value,
                                        .len = h->list[i].len};
    const struct event_message m = {.value = body, .value_len = len, .headers = list, .header_count = h->n};
    json_t *root = event_root_of(&m, ret_fault);
    if (root == NULL)
        return -1;
    json_add_compact(out, root);
    json_decref(root);
    return buf_ok(out) ? 0 : fault_set(ret_fault, "", "larger than 1 MiB");
}
