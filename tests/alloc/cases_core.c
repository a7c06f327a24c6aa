/* cases_core.c - lanes, heap, offsets, buffers, logs. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/log.h"
#include "cases.h"
#include "core/heap.h"
#include "core/lanes.h"
#include "core/offsets.h"

/* --- lanes: what was pushed comes out in order, and only that --- */

enum { ITEMS = 40, KEYS = 7 };

static size_t push_all(struct lanes *ls, struct lane_item *items, bool *pushed)
{
    size_t n = 0;
    for (size_t i = 0; i < ITEMS; i++) {
        const char key[2] = {'k', (char)('a' + i % KEYS)};
        items[i].rank = RANK_AGAIN;
        pushed[i] = lanes_push(ls, key, sizeof(key), &items[i]) == 0;
        n += pushed[i];
    }
    return n;
}

static void take_all(struct lanes *ls, const struct lane_item *items, const bool *pushed, size_t want)
{
    size_t last[KEYS], n = 0;
    memset(last, 0, sizeof(last));
    for (struct lane_item *it; (it = lanes_take(ls, RANK_AGAIN)) != NULL; n++) {
        size_t i = (size_t)(it - items);
        must(pushed[i] && last[i % KEYS] <= i, "item %zu out of order", i);
        last[i % KEYS] = i + 1;
        (void)lanes_finish(ls, it);
    }
    must(n == want && lanes_items(ls) == 0 && lanes_count(ls) == 0, "%zu of %zu items", n, want);
}

static enum torture_end lanes(void)
{
    struct lane_item items[ITEMS];
    bool pushed[ITEMS];
    struct lanes *ls = lanes_new();
    if (ls == NULL)
        return NO_MEMORY;
    size_t n = push_all(ls, items, pushed);
    must(lanes_items(ls) == n, "%zu items are counted, %zu were pushed", lanes_items(ls), n);
    take_all(ls, items, pushed, n);
    lanes_free(ls);
    return n == ITEMS ? DONE : NO_MEMORY;
}

/* --- heap --- */

static enum torture_end heap(void)
{
    struct heap h = {0};
    struct heap_item items[100];
    memset(items, 0, sizeof(items));
    size_t n = 0, out = 0;
    for (size_t i = 0; i < ARRAY_LEN(items); i++)
        n += heap_set(&h, &items[i], (int64_t)(i * 7919 % 100)) == 0;
    int64_t last = -1;
    for (struct heap_item *it; (it = heap_pop_due(&h, 1000)) != NULL; out++) {
        must(it->due >= last, "out of order");
        last = it->due;
    }
    must(out == n, "%zu of %zu came out", out, n);
    heap_fini(&h);
    return n == ARRAY_LEN(items) ? DONE : NO_MEMORY;
}

/* --- offsets: the watermark never passes what is open --- */

static enum torture_end offsets(void)
{
    enum { N = 5000, START = 100 };
    struct offsets *o = offsets_new(START, 1 << 20);
    if (o == NULL)
        return NO_MEMORY;
    static const char map[] = "3.4,2.1500,1.1";
    bool full = false;
    must(offsets_load_done(o, map, sizeof(map) - 1) == 0, "its map is refused");
    int64_t opened = START;
    for (; opened < START + N; opened++) {
        enum offsets_opened what = offsets_open(o, opened);
        if (what == OFFSETS_FULL) {
            full = true; /* held back: opened again later, nothing behind it goes first */
            break;
        }
        if (what == OFFSETS_OPENED && opened % 3 == 0)
            (void)offsets_settle(o, opened);
    }
    struct buf text;
    buf_init(&text, 8192);
    offsets_add_done(o, 4096, &text);
    must(offsets_watermark(o) >= START && offsets_watermark(o) <= opened, "the watermark");
    for (int64_t at = START; at < opened; at++)
        (void)offsets_settle(o, at);
    must(offsets_watermark(o) == opened && offsets_open_count(o) == 0, "the watermark stands at %lld of %lld",
         (long long)offsets_watermark(o), (long long)opened);
    bool good = buf_ok(&text) && !full;
    buf_fini(&text);
    offsets_free(o);
    return good ? DONE : NO_MEMORY;
}

/* --- buffers and logs --- */

static enum torture_end buffer(void)
{
    struct buf b;
    char big[3000];
    memset(big, '"', sizeof(big));
    buf_init(&b, 1 << 20);
    buf_adds(&b, "a");
    buf_add_json(&b, big, sizeof(big));
    buf_addf(&b, "%s %d", "formatted", 7);
    buf_add_percent(&b, "a b", 3);
    size_t len = 0;
    bool ok = buf_ok(&b);
    char *text = buf_steal(&b, &len);
    must(text == NULL || (ok && len == 1 + 2 * sizeof(big) + 2 + 11 + 5 && strlen(text) == len), "half a text");
    must(!ok || text != NULL || len == 0, "no text");
    buf_fini(&b);
    free(text);
    return text != NULL ? DONE : NO_MEMORY;
}

static enum torture_end log_lines(void)
{
    static int fd = -1;
    if (fd < 0)
        fd = memfd_create("log", MFD_CLOEXEC);
    must(ftruncate(fd, 0) == 0 && lseek(fd, 0, SEEK_SET) == 0, "no file");
    struct log_sink *sink = log_sink_new(fd);
    struct log *l = sink == NULL ? NULL : log_new(sink, LOG_FORMAT_JSON, LOG_LEVEL_INFO);
    if (l != NULL) {
        log_set_context(l, "pool", "p");
        for (int i = 0; i < 3; i++) {
            if (log_begin(l, LOG_LEVEL_INFO, "e"))
                log_str(l, "value", "a text of some length, which is longer than the others");
            log_end(l);
        }
    }
    log_free(l);
    log_sink_free(sink);
    char text[2048];
    ssize_t n = pread(fd, text, sizeof(text) - 1, 0), lines = 0;
    for (ssize_t i = 0; i < n; i++)
        lines += text[i] == '\n';
    must(n == 0 || text[n - 1] == '\n', "half a line");
    return l != NULL && lines == 3 ? DONE : NO_MEMORY;
}

const struct torture *core_cases(size_t *ret_count)
{
    static const struct torture list[] = {
        {"core.lanes", lanes, 0},     {"core.heap", heap, 0},      {"core.offsets", offsets, 0},
        {"base.buffer", buffer, 0},   {"base.log", log_lines, 0},
    };
    *ret_count = ARRAY_LEN(list);
    return list;
}
