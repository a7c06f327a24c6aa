/* What Redis kept of a workflow half done. Input: "PACK WORKFLOW", a line end, the text; then answers as in fuzz_reply.c. */
#include "fuzz_runs.h"

#include <string.h>

static void restore(const struct bound_pack *b, const struct workflow *w, struct fuzz_text text, struct fuzz_text replies)
{
    struct fuzz_start s;
    fuzz_start_init(&s, workflow_id(w), (struct fuzz_text){"", 0}, (struct fuzz_text){"", 0});
    struct run *r = run_restore(b, w, &s.in, text.data, text.len);
    if (r != NULL)
        fuzz_play(r, b, w, &s.in, replies);
    run_free(r);
    fuzz_start_fini(&s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_text rest = fuzz_input(data, size), text = fuzz_part(&rest), line = fuzz_line(&text);
    const char *space = line.len == 0 ? NULL : memchr(line.data, ' ', line.len);
    if (space == NULL)
        return -1;
    size_t n = (size_t)(space - line.data);
    const struct bound_pack *b = fuzz_pack((struct fuzz_text){line.data, n});
    const struct workflow *w = b == NULL ? NULL : fuzz_workflow(b, (struct fuzz_text){space + 1, line.len - n - 1});
    if (w == NULL)
        return -1;
    restore(b, w, text, rest);
    return 0;
}
