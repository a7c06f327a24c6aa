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
#include "base/err.h"
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

/* A socket out of which @t comes in pieces of @piece bytes, of more where there would be over a hundred. The caller closes it. */
int fuzz_pieces(struct fuzz_text t, size_t piece);

/* What was written to stdout since the last call, which the first call takes away from the terminal. The caller frees it. */
char *fuzz_stdout(void);

/* Valid UTF-8 without control characters: what may stand in a message to a person. */
bool fuzz_is_text(const char *s);
/* A refusal is the input's fault, has words, and begins with @path (NULL: with anything). */
void fuzz_refused(const struct err *e, const char *path);
void fuzz_refused_at(const struct fault *f);
/* A refusal of the YAML file: "FILE:LINE: ...", and where it is not YAML's own "FILE:LINE: /pointer: ...", which is in the file. */
void fuzz_refused_document(const struct err *e, const char *path);
/* The value as compact JSON. The caller frees it. */
char *fuzz_json(const json_t *v);

/* The schemas of the source tree, and an event of each type made from schemas/vectors/valid. All live until the end. */
const struct event_schemas *fuzz_schemas(void);
const struct event *fuzz_event(enum event_type t);
/* The event in structured form is a valid one, and @ret is it; event_fini() frees it. */
void fuzz_valid_event(const json_t *root, struct event *ret);

#endif
