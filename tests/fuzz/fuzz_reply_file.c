/* An HTTP answer from a file (`tvbridge pack try --reply`). */
#include "fuzz.h"

#include <string.h>

#include "reply_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct reply_file f;
    struct err err = {0};
    fuzz_write("reply", fuzz_input(data, size));
    if (reply_file_read(fuzz_path("reply"), &f, &err) != 0) {
        fuzz_check(err.msg[0] != '\0', "refused without a reason");
        return 0;
    }
    const struct call_reply *r = &f.reply;
    fuzz_check(r->body != NULL && r->body >= f.text && r->body + r->body_len == f.text + size, "the body");
    fuzz_check(r->status >= 100 && r->status <= 599 && r->retry_after_ms >= -1, "status or wait");
    fuzz_check(r->header_count <= REPLY_HEADERS_MAX && r->content_type != NULL, "headers");
    for (size_t i = 0; i < r->header_count; i++)
        fuzz_check(strchr(r->headers[i].name, '\n') == NULL && strchr(r->headers[i].value, '\n') == NULL, "a header");
    reply_file_fini(&f);
    return 0;
}
