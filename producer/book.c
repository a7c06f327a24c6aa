#include "book.h"

#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "base/buf.h"
#include "contract/json.h"
#include "contract/json_read.h"

#define LINE_MAX_BYTES ((size_t)1024 * 1024)

struct line {
    UT_hash_handle hh;
    char *text; /* owned */
    size_t len;
    char key[]; /* with its NUL */
};

struct book {
    struct line *by_key;
    struct line **lines;
    size_t n, room;
    struct buf scratch;
};

struct book *book_new(void)
{
    struct book *b = calloc(1, sizeof(*b));
    if (b != NULL)
        buf_init(&b->scratch, LINE_MAX_BYTES);
    return b;
}

void book_free(struct book *b)
{
    if (b == NULL)
        return;
    HASH_CLEAR(hh, b->by_key);
    for (size_t i = 0; i < b->n; i++) {
        free(b->lines[i]->text);
        free(b->lines[i]);
    }
    free(b->lines);
    buf_fini(&b->scratch);
    free(b);
}

static struct line *find(const struct book *b, const char *key, size_t len)
{
    struct line *found = NULL;
    HASH_FIND(hh, b->by_key, key, len, found);
    return found;
}

static struct line *add(struct book *b, const char *key, size_t len)
{
    if (b->n == b->room) {
        size_t room = b->room > 0 ? 2 * b->room : 1024;
        struct line **more = realloc(b->lines, room * sizeof(struct line *));
        if (more == NULL)
            return NULL;
        b->lines = more;
        b->room = room;
    }
    struct line *l = calloc(1, sizeof(*l) + len + 1);
    if (l == NULL)
        return NULL;
    memcpy(l->key, key, len);
    HASH_ADD_KEYPTR(hh, b->by_key, l->key, len, l);
    b->lines[b->n++] = l;
    return l;
}

int book_put(struct book *b, const char *key, size_t key_len, const char *text, size_t len)
{
    char *copy = malloc(len + 1);
    struct line *l = copy == NULL ? NULL : find(b, key, key_len);
    if (copy != NULL && l == NULL)
        l = add(b, key, key_len);
    if (l == NULL) {
        free(copy);
        return -1;
    }
    memcpy(copy, text, len);
    copy[len] = '\0';
    free(l->text);
    l->text = copy;
    l->len = len;
    return 0;
}

int book_put_json(struct book *b, const char *key, const json_t *v)
{
    buf_reset(&b->scratch);
    json_add_compact(&b->scratch, v);
    return buf_ok(&b->scratch) ? book_put(b, key, strlen(key), buf_cstr(&b->scratch), b->scratch.len) : -1;
}

const char *book_get(const struct book *b, const char *key, size_t *ret_len)
{
    const struct line *l = find(b, key, strlen(key));
    *ret_len = l != NULL ? l->len : 0;
    return l != NULL ? l->text : NULL;
}

json_t *book_get_json(const struct book *b, const char *key)
{
    size_t len;
    const char *text = book_get(b, key, &len);
    return text != NULL ? json_read_any(text, len) : NULL;
}

size_t book_count(const struct book *b)
{
    return b->n;
}

const char *book_key(const struct book *b, size_t i)
{
    return b->lines[i]->key;
}

static int by_key(const void *a, const void *b)
{
    return strcmp((*(struct line *const *)a)->key, (*(struct line *const *)b)->key);
}

void book_sort(struct book *b)
{
    if (b->n > 1)
        qsort(b->lines, b->n, sizeof(*b->lines), by_key);
}
