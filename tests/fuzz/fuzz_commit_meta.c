/* Commit metadata, and the map of what is done in it. What is taken comes back from what is written of it. */
#include "fuzz.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "contract/commit_meta.h"
#include "core/offsets.h"

enum { WATERMARK = 1000, WINDOW = 1 << 16, ROOM = 4096, SEEN = 200 };

static void meta_comes_back(const struct commit_meta *m)
{
    struct buf out;
    struct commit_meta back;
    buf_init(&out, 1 << 20);
    commit_meta_write(m, &out);
    buf_add(&out, m->done, m->done_len);
    fuzz_check(commit_meta_parse(out.data, out.len, &back) == 0, "refused: %s", buf_cstr(&out));
    fuzz_check(m->ceiling == back.ceiling && m->out == back.out, "a number changed: %s", buf_cstr(&out));
    fuzz_check(strcmp(m->fence, back.fence) == 0 && strcmp(m->redis, back.redis) == 0, "a text changed: %s",
               buf_cstr(&out));
    fuzz_check(m->done_len == back.done_len && memcmp(m->done, back.done, m->done_len) == 0, "the map changed");
    fuzz_check(m->ceiling >= -1 && m->out >= -1, "an offset below none");
    buf_fini(&out);
}

/* Which of two fences is higher is a matter of numbers. */
static void fences_are_numbers(const struct commit_meta *m)
{
    static const char *const others[] = {"", "0", "9", "17", "1763800000000000", "999999999999999999"};
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        unsigned long long a = strtoull(m->fence, NULL, 10), b = strtoull(others[i], NULL, 10);
        unsigned long long high = strtoull(commit_meta_higher_fence(m->fence, others[i]), NULL, 10);
        fuzz_check(high == (a > b ? a : b), "of the fences %s and %s the lower one was taken", m->fence, others[i]);
    }
}

/* Which of the first SEEN offsets the map calls done, read in the simplest way. */
static void read_map(const char *text, size_t len, bool done[SEEN])
{
    char *copy = strndup(text, len), *at = copy;
    int64_t offset = 0;
    for (int open, run, used; sscanf(at, "%9d.%9d%n", &open, &run, &used) == 2; at += used + (at[used] == ',')) {
        offset += open;
        if (offset + run > WINDOW)
            break; /* it spans too much: this run and the rest are worked again */
        for (; run > 0 && offset < SEEN; run--, offset++)
            done[offset] = true;
        offset += run;
    }
    free(copy);
}

static void open_all(struct offsets *o, const bool done[SEEN])
{
    for (int i = 0; i < SEEN; i++) {
        enum offsets_opened what = offsets_open(o, WATERMARK + i);
        if (WATERMARK + i < offsets_watermark(o))
            continue;
        fuzz_check(what == (done[i] ? OFFSETS_DONE : OFFSETS_OPENED), "offset %d is %s", i, done[i] ? "not done" : "done");
    }
}

/* What is still open, or done above it, comes back from the map that is written of it. */
static void map_comes_back(const char *text, size_t len)
{
    bool done[SEEN] = {false};
    struct offsets *o = offsets_new(WATERMARK, WINDOW);
    struct buf map;
    buf_init(&map, 1 << 20);
    fuzz_check(o != NULL, "no memory");
    if (offsets_load_done(o, text, len) == 0)
        read_map(text, len, done);
    fuzz_check(offsets_watermark(o) == WATERMARK && offsets_open_count(o) == 0, "a map moved the watermark");
    open_all(o, done);
    offsets_add_done(o, ROOM, &map);
    fuzz_check(map.len <= ROOM, "%zu bytes of map in a room of %d", map.len, ROOM);
    int64_t watermark = offsets_watermark(o), first = watermark - WATERMARK;
    struct offsets *back = offsets_new(watermark, WINDOW);
    fuzz_check(back != NULL && offsets_load_done(back, buf_cstr(&map), map.len) == 0, "refused: %s", buf_cstr(&map));
    for (int64_t i = first; i < SEEN; i++) {
        bool is_done = offsets_open(back, WATERMARK + i) == OFFSETS_DONE;
        fuzz_check(is_done == done[i], "offset %" PRId64 " after %s", i, buf_cstr(&map));
    }
    for (int64_t i = 0; i < SEEN; i++)
        (void)offsets_settle(o, WATERMARK + i);
    fuzz_check(offsets_watermark(o) == WATERMARK + SEEN && offsets_open_count(o) == 0, "the watermark stands at %" PRId64,
               offsets_watermark(o));
    offsets_free(o);
    offsets_free(back);
    buf_fini(&map);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    struct commit_meta m;
    if (commit_meta_parse(text, size, &m) == 0) {
        meta_comes_back(&m);
        fences_are_numbers(&m);
    }
    map_comes_back(m.done, m.done_len);
    map_comes_back(text, size);
    return 0;
}
