/* Packs. Input: openapi.yaml, a line "%%", workflows.arazzo.yaml; after another "%%" the answers to its workflows, as in
 * fuzz_reply.c. What is taken runs; what is refused is refused with a place and a reason. */
#include "fuzz_runs.h"

#include <string.h>

static void look_at_faults(const struct pack_faults *f)
{
    fuzz_check(f->n > 0, "refused without a fault");
    for (size_t i = 0; i < f->n; i++) {
        const struct pack_fault *one = &f->list[i];
        fuzz_check(one->file[0] != '\0' && one->text[0] != '\0' && one->line >= 0, "a fault without place or reason");
        /* The whole text: the words of the input itself may be these. */
        fuzz_check(strcmp(one->text, "out of memory") != 0, "a fault at %s for want of memory", one->pointer);
    }
}

static void play_all(const struct pack *p, struct fuzz_text replies)
{
    struct bound_pack *b = fuzz_bind(p);
    for (size_t i = 0; b != NULL && i < pack_workflow_count(p); i++) {
        const struct workflow *w = pack_workflow_at(p, i);
        fuzz_check(w != NULL && pack_workflow(p, workflow_id(w)) == w, "two workflows of one id");
        struct fuzz_start s;
        fuzz_start_init(&s, workflow_id(w), (struct fuzz_text){"", 0}, (struct fuzz_text){"", 0});
        struct run *r = run_new(b, w, &s.in);
        fuzz_check(r != NULL, "no run");
        fuzz_play(r, b, w, &s.in, replies);
        run_free(r);
        fuzz_start_fini(&s);
    }
    bound_pack_free(b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_text rest = fuzz_input(data, size), openapi = fuzz_part(&rest);
    struct pack_faults faults;
    fuzz_write("openapi.yaml", openapi);
    fuzz_write("workflows.arazzo.yaml", fuzz_part(&rest));
    struct pack *p = pack_load(fuzz_folder(), &faults);
    if (p == NULL)
        look_at_faults(&faults);
    else
        play_all(p, rest);
    fuzz_check(p == NULL || faults.n == 0, "taken with faults");
    pack_faults_fini(&faults);
    pack_free(p);
    return 0;
}
