#include "split.h"

#include <string.h>

#define DEPTH_MAX 64 /* of what is looked into; deeper is passed over */

/* Behind the closing quote of the text that begins before @at; @len when it has none. */
static size_t skip_text(const char *body, size_t at, size_t len)
{
    while (at < len) {
        const char *quote = memchr(body + at, '"', len - at);
        if (quote == NULL)
            return len;
        size_t end = (size_t)(quote - body), back = end;
        while (back > at && body[back - 1] == '\\')
            back--;
        at = end + 1;
        if ((end - back) % 2 == 0)
            return at;
    }
    return len;
}

struct open_list {
    size_t begin;
    size_t depth;
};

/* Notes the list that ends at @at, when it is the longest so far. */
static void close_list(struct split *s, const struct open_list *open, size_t at)
{
    if (at - open->begin <= s->end - s->list)
        return;
    s->list = open->begin;
    s->end = at;
}

/* Looks for the longest list that no other list holds. False: broken off. */
static bool find_list(struct split *s)
{
    struct open_list open = {0};
    size_t depth = 0;
    for (size_t i = 0; i < s->len;) {
        char c = s->body[i++];
        if (c == '"') {
            i = skip_text(s->body, i, s->len);
        } else if (c == '{' || c == '[') {
            depth++;
            if (c == '[' && open.depth == 0 && depth <= DEPTH_MAX)
                open = (struct open_list){i, depth};
        } else if (c == '}' || c == ']') {
            if (depth == 0)
                return false;
            if (depth == open.depth) {
                close_list(s, &open, i - 1);
                open.depth = 0;
            }
            depth--;
        }
    }
    return depth == 0;
}

bool split_begin(struct split *s, const char *body, size_t len, size_t part_bytes)
{
    *s = (struct split){.body = body, .len = len, .part_bytes = part_bytes};
    if (len <= part_bytes || !find_list(s))
        return false;
    s->at = s->list;
    return s->end - s->list > part_bytes;
}

/* Where the element that begins at @at ends: its comma, or the list's end. */
static size_t element_end(const struct split *s, size_t at)
{
    size_t depth = 0;
    while (at < s->end) {
        char c = s->body[at];
        if (c == ',' && depth == 0)
            return at;
        at++;
        if (c == '"')
            at = skip_text(s->body, at, s->end);
        else if (c == '{' || c == '[')
            depth++;
        else if (c == '}' || c == ']')
            depth -= depth > 0;
    }
    return s->end;
}

bool split_is_over(const struct split *s)
{
    return s->at >= s->end;
}

bool split_next(struct split *s, struct buf *out)
{
    size_t from = s->at, to = from;
    if (split_is_over(s))
        return false;
    do
        to = element_end(s, to == from ? to : to + 1);
    while (to < s->end && to - from < s->part_bytes);
    s->at = to < s->end ? to + 1 : s->end;
    buf_reset(out);
    buf_add(out, s->body, s->list);
    buf_add(out, s->body + from, to - from);
    buf_add(out, s->body + s->end, s->len - s->end);
    return true;
}
