/* fuzz.h - what the fuzz targets share: parts of an input, a folder for files, what must hold.
 *
 * A target is one file fuzz_<name>.c with LLVMFuzzerTestOneInput(). It takes any bytes, calls the product as its callers do
 * and checks what the product's headers promise. An input of several parts is a text with a line "%%" between them, so
 * that seeds can be written and read by hand. */
#ifndef TVB_FUZZ_FUZZ_H
#define TVB_FUZZ_FUZZ_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "contract/event.h"

/* libFuzzer's entry points. */
int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Ends the program with the text when @good is false: libFuzzer then keeps the input. */
void fuzz_check(bool good, const char *fmt, ...) ATTR_PRINTF(2, 3);

/* Bytes on loan. */
struct fuzz_text {
    const char *data;
    size_t len;
};

struct fuzz_text fuzz_input(const uint8_t *data, size_t size);
/* Takes what stands before the first "\n%%\n" (or all) off @rest. */
struct fuzz_text fuzz_part(struct fuzz_text *rest);
/* Takes a line, without its end, off @rest. */
struct fuzz_text fuzz_line(struct fuzz_text *rest);
/* A copy with a NUL behind it and nothing more, so that a read past its end is seen. The caller frees it. */
char *fuzz_cstr(struct fuzz_text t);

/* A Kafka message. Written as lines "name:value" (`key` is the message's key, the others are headers; without a colon a
 * header has no value), an empty line, the value. */
enum { FUZZ_HEADERS_MAX = 40 };
struct fuzz_message {
    struct event_message m;
    struct event_header headers[FUZZ_HEADERS_MAX];
    char *names[FUZZ_HEADERS_MAX], *values[FUZZ_HEADERS_MAX], *key; /* owned */
};
void fuzz_message_init(struct fuzz_message *ret, struct fuzz_text input);
void fuzz_message_fini(struct fuzz_message *m);

/* A temporary folder of this process; removed at its end. */
const char *fuzz_folder(void);
/* Writes @t as that file of fuzz_folder(). */
void fuzz_write(const char *name, struct fuzz_text t);
/* The path of a file of fuzz_folder(): valid until the next call. */
const char *fuzz_path(const char *name);

/* Valid UTF-8 without control characters: what may stand in a message to a person. */
bool fuzz_is_text(const char *s);
/* The value as compact JSON. The caller frees it. */
char *fuzz_json(const json_t *v);

/* The schemas of the source tree, and an event of each type made from schemas/vectors/valid. All live until the end. */
const struct event_schemas *fuzz_schemas(void);
const struct event *fuzz_event(enum event_type t);

#endif
