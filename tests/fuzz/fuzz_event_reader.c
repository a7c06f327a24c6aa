/* Events out of a file: where they begin and end does not depend on how the bytes arrive. The first byte of the input
 * says how long the pieces of the second reading are. */
#define _GNU_SOURCE 1
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/buf.h"
#include "event_reader.h"

/* All that the reader gives, as one text. */
static void read_all(int fd, size_t size, struct buf *out)
{
    struct event_reader *r = event_reader_new(fd);
    struct event_text t;
    struct err err = {0};
    int rc;
    long line = 0;
    size_t events = 0;
    fuzz_check(r != NULL, "no reader");
    while ((rc = event_reader_next(r, &t, &err)) > 0) {
        fuzz_check(++events <= size, "more events than bytes");
        fuzz_check(t.line >= line && t.len <= size && (t.len > 0 || t.fault != NULL), "line, length or nothing");
        line = t.line;
        buf_addf(out, "%ld %zu ", t.line, t.len);
        buf_add(out, t.data, t.len);
        buf_addc(out, '\n');
    }
    fuzz_check(rc == 0 || err.code == ERR_INVAL, "reading failed");
    buf_addf(out, "%d %s", rc, rc < 0 ? err.msg : "");
    event_reader_free(r);
}

static void read_in_pieces(const uint8_t *data, size_t size, size_t piece, struct buf *out)
{
    int fd = fuzz_pieces(fuzz_input(data, size), piece);
    read_all(fd, size, out);
    close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int fd = -1;
    if (size < 1 || size > 64 * 1024)
        return -1;
    if (fd < 0)
        fd = memfd_create("events", MFD_CLOEXEC);
    size_t piece = 1 + data[0] % 16;
    data++;
    size--;
    struct buf whole, pieces;
    buf_init(&whole, SIZE_MAX / 2);
    buf_init(&pieces, SIZE_MAX / 2);
    fuzz_check(ftruncate(fd, 0) == 0 && pwrite(fd, data, size, 0) == (ssize_t)size, "cannot write");
    (void)lseek(fd, 0, SEEK_SET);
    read_all(fd, size, &whole);
    read_in_pieces(data, size, piece, &pieces);
    fuzz_check(whole.len == pieces.len && memcmp(whole.data, pieces.data, whole.len) == 0,
               "in pieces of %zu it is another:\n%s\n%s", piece, buf_cstr(&whole), buf_cstr(&pieces));
    buf_fini(&whole);
    buf_fini(&pieces);
    return 0;
}
