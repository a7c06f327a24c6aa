/* words.h - a word as a person writes it, against the words that are known. Pure, no locale. */
#ifndef TVB_PRODUCER_WORDS_H
#define TVB_PRODUCER_WORDS_H

#include <stdbool.h>
#include <stddef.h>

#define WORDS_SIZE 128

/* @text in the one form in which words are compared: lower case, without accents, and whatever stands between its parts (spaces,
 * underscores, hyphens, dots, slashes, controls) as one space. Latin, Greek and Cyrillic letters. False: nothing is left of it, it is
 * longer than WORDS_SIZE - 1 bytes, or no UTF-8; then @ret is "". */
bool words_fold(const char *text, char ret[WORDS_SIZE]);

/* How many of the first @max bytes of @text end with a whole character: for "%.*s". */
int words_fit(const char *text, size_t max);

/* How many bytes differ between two folded words: taken away, put in, or other ones. */
size_t words_distance(const char *a, const char *b);

/* The known words that somebody may have meant, best first. */
#define WORDS_NEAREST 4
struct words_nearest {
    char wanted[WORDS_SIZE]; /* folded */
    size_t n;
    const char *word[WORDS_NEAREST]; /* borrowed from words_nearest_try() */
    size_t distance[WORDS_NEAREST];
};

/* @wanted as it was written. */
void words_nearest_init(struct words_nearest *w, const char *wanted);
/* One known word, as it is to be shown, and folded. Words that begin as the wanted one count as near. @shown must live on. */
void words_nearest_try(struct words_nearest *w, const char *shown, const char *folded);
/* `: near it "a", "b"` into @ret, "" where nothing is near. Whole words only. */
void words_nearest_text(const struct words_nearest *w, char *ret, size_t size);

#endif
