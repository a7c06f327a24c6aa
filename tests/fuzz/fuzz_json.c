/* The JSON reader against jansson's own: what both take is the same value, and what only one takes is so by intention. */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "contract/json.h"
#include "contract/json_read.h"
#include "contract/json_scan.h"

enum { LONG_TEXT = 4000, LEVELS = 64 };

static const json_int_t large_integer = 999999999999999999;

static bool is_excused_text(const char *s, size_t n)
{
    return n >= LONG_TEXT && strlen(s) == n;
}

/* jansson, asked as json_read_any() asks it: it passes over a NUL behind a number, which no JSON text has. */
static json_t *jansson(const char *text, size_t n)
{
    if (n > 0 && memchr(text, '\0', n) != NULL)
        return NULL;
    return json_loadb(text, n, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, NULL);
}

/* Something in @v is what json_read.h says that it leaves to jansson. */
static bool is_excused(const json_t *v, unsigned depth)
{
    json_t *it = json_unconst(v), *item;
    const char *key;
    size_t i, n;
    if ((json_is_object(v) || json_is_array(v)) && depth >= LEVELS)
        return true;
    if (json_is_integer(v))
        return json_integer_value(v) > large_integer || json_integer_value(v) < -large_integer;
    if (json_is_string(v))
        return is_excused_text(json_string_value(v), json_string_length(v));
    json_object_keylen_foreach(it, key, n, item) if (is_excused_text(key, n) || is_excused(item, depth + 1)) return true;
    json_array_foreach(v, i, item) if (is_excused(item, depth + 1)) return true;
    return json_is_real(v);
}

static void same_text(const json_t *a, const json_t *b, const char *what)
{
    char *x = fuzz_json(a), *y = fuzz_json(b);
    fuzz_check(strcmp(x, y) == 0 && json_equal(a, b), "%s: %s instead of %s", what, x, y);
    free(x);
    free(y);
}

static void canonical_stays(const json_t *v)
{
    struct buf one, two;
    buf_init(&one, SIZE_MAX / 2);
    buf_init(&two, SIZE_MAX / 2);
    json_add_canonical(&one, v);
    json_t *again = json_parse_strict(buf_cstr(&one), one.len, NULL);
    fuzz_check(buf_ok(&one) && again != NULL, "the canonical form is refused: %s", buf_cstr(&one));
    fuzz_check(json_equal(v, again), "the canonical form says something else: %s", buf_cstr(&one));
    json_add_canonical(&two, again);
    fuzz_check(strcmp(buf_cstr(&one), buf_cstr(&two)) == 0, "the canonical form is not stable: %s", buf_cstr(&one));
    buf_reset(&two);
    json_add_compact(&two, v);
    json_t *compact = json_read_any(buf_cstr(&two), two.len);
    fuzz_check(compact != NULL, "the compact form is refused: %s", buf_cstr(&two));
    same_text(compact, v, "the compact form");
    json_decref(compact);
    json_decref(again);
    buf_fini(&one);
    buf_fini(&two);
}

static void look_at_strict(const char *text, size_t n, const json_t *theirs)
{
    struct fault f = {.reason = ""};
    json_t *strict = json_parse_strict(text, n, &f);
    fuzz_check(strict != NULL || (!f.nomem && f.reason[0] != '\0'), "refused without a reason that json_scan() finds");
    fuzz_check(strict == NULL || theirs != NULL, "taken, though jansson refuses it");
    fuzz_check(strict != NULL || fuzz_is_text(f.reason), "the reason is no text");
    if (strict != NULL) {
        same_text(strict, theirs, "json_parse_strict()");
        fuzz_check(json_scan(text, n, JSON_EVENT_MAX_DEPTH, NULL, NULL, &f) == 0, "json_scan() refuses it: %s", f.reason);
        canonical_stays(strict);
    }
    json_decref(strict);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    json_t *ours = json_read(text, size);
    json_t *theirs = jansson(text, size);
    fuzz_check(ours == NULL || theirs != NULL, "json_read() takes what jansson refuses");
    fuzz_check(theirs == NULL || ours != NULL || is_excused(theirs, 0), "json_read() refuses what jansson takes");
    if (ours != NULL)
        same_text(ours, theirs, "json_read()");
    look_at_strict(text, size, theirs);
    json_decref(ours);
    json_decref(theirs);
    return 0;
}
