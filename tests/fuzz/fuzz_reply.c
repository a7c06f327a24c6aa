/* What providers answer. Input: a part "PACK WORKFLOW\nDATA\nRECORD", then the answers, each a part
 * "STATUS\nNAME: VALUE\n\nBODY". */
#include "fuzz_runs.h"

#include <string.h>

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    static const char *const names[] = {"stalker", "rough", "token", "bench"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        (void)fuzz_pack((struct fuzz_text){names[i], strlen(names[i])});
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_text rest = fuzz_input(data, size), head = fuzz_part(&rest), line = fuzz_line(&head);
    const char *space = line.len == 0 ? NULL : memchr(line.data, ' ', line.len);
    if (space == NULL)
        return -1;
    size_t n = (size_t)(space - line.data);
    const struct bound_pack *b = fuzz_pack((struct fuzz_text){line.data, n});
    const struct workflow *w = b == NULL ? NULL : fuzz_workflow(b, (struct fuzz_text){space + 1, line.len - n - 1});
    if (w == NULL)
        return -1;
    struct fuzz_text json = fuzz_line(&head);
    struct fuzz_start s;
    fuzz_start_init(&s, workflow_id(w), json, fuzz_line(&head));
    struct run *r = run_new(b, w, &s.in);
    fuzz_check(r != NULL, "no run");
    fuzz_play(r, b, w, &s.in, rest);
    run_free(r);
    fuzz_start_fini(&s);
    return 0;
}
