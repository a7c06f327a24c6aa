#include "words.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"
#include "workflow/fold.h"

/* Latin-1 from U+00E0, Latin Extended-A from U+0100: the letter below the accent; '.' where there is none. */
static const char latin1[] = "aaaaaa.ceeeeiiii.nooooo.ouuuuy.y";
static const char extended_a[] = "aaaaaaccccccccddddeeeeeeeeeegggggggghhhhiiiiiiiiii..jjkk.llllllllllnnnnnn...oooooo..rrrrrrsssssssstttttt"
                                 "uuuuuuuuuuuuwwyyyzzzzzzs";

/* @c is folded. 0: a mark on the letter before it, which falls away. */
static uint32_t without_accent(uint32_t c)
{
    char letter = '.';
    if (c >= 0x300 && c <= 0x36F)
        return 0;
    if (c >= 0xE0 && c <= 0xFF)
        letter = latin1[c - 0xE0];
    else if (c >= 0x100 && c <= 0x17F)
        letter = extended_a[c - 0x100];
    if (letter != '.')
        return (uint32_t)letter;
    if (c == 0x439 || c == 0x451 || c == 0x457) /* short i, yo, yi */
        return c == 0x439 ? 0x438 : c == 0x451 ? 0x435 : 0x456;
    return c;
}

static bool is_between(uint32_t c)
{
    return c <= ' ' || c == '_' || c == '-' || c == '.' || c == '/' || (c >= 0x7F && c <= 0xA0) || (c >= 0x2000 && c <= 0x2015) ||
           c == 0x202F || c == 0x2212;
}

static bool put(char ret[WORDS_SIZE], size_t *len, uint32_t c)
{
    char bytes[4];
    size_t n = utf8_put(c, bytes);
    if (*len + n >= WORDS_SIZE)
        return false;
    memcpy(ret + *len, bytes, n);
    *len += n;
    return true;
}

bool words_fold(const char *text, char ret[WORDS_SIZE])
{
    struct fold f = {text, text + strlen(text)};
    size_t len = 0;
    bool good = true, gap = false;
    for (uint32_t c = fold_next(&f); good && c != FOLD_END; c = fold_next(&f)) {
        uint32_t letter = c - 1 > 0x10FFFF ? 0 : without_accent(c - 1);
        good = c - 1 <= 0x10FFFF;
        if (good && letter != 0 && !is_between(letter)) {
            good = (!gap || len == 0 || put(ret, &len, ' ')) && put(ret, &len, letter);
            gap = false;
        }
        gap = gap || (letter != 0 && is_between(letter));
    }
    ret[good ? len : 0] = '\0';
    return good && len > 0;
}

int words_fit(const char *text, size_t max)
{
    size_t n = strnlen(text, max + 1);
    if (n > max)
        for (n = max; n > 0 && ((unsigned char)text[n] & 0xC0) == 0x80;)
            n--;
    return (int)n;
}

size_t words_distance(const char *a, const char *b)
{
    size_t row[WORDS_SIZE], m = strnlen(b, WORDS_SIZE - 1);
    for (size_t j = 0; j <= m; j++)
        row[j] = j;
    for (size_t i = 0; a[i] != '\0'; i++) {
        size_t diagonal = row[0];
        row[0] = i + 1;
        for (size_t j = 0; j < m; j++) {
            size_t other = diagonal + (a[i] != b[j]), gone = row[j + 1] + 1, more = row[j] + 1;
            diagonal = row[j + 1];
            row[j + 1] = other < gone ? other : gone;
            row[j + 1] = more < row[j + 1] ? more : row[j + 1];
        }
    }
    return row[m];
}

void words_nearest_init(struct words_nearest *w, const char *wanted)
{
    *w = (struct words_nearest){0};
    words_fold(wanted, w->wanted);
}

/* A word that begins so was cut short; beyond a third of its letters it is another one. */
static bool is_near(const struct words_nearest *w, const char *folded, size_t *ret_distance)
{
    size_t n = strlen(w->wanted);
    *ret_distance = words_distance(w->wanted, folded);
    if (n >= 3 && strncmp(w->wanted, folded, n) == 0) {
        *ret_distance = 1;
        return true;
    }
    return n > 0 && *ret_distance <= 1 + n / 3;
}

void words_nearest_try(struct words_nearest *w, const char *shown, const char *folded)
{
    size_t distance, at;
    if (!is_near(w, folded, &distance))
        return;
    for (at = w->n; at > 0 && w->distance[at - 1] > distance; at--)
        if (at < WORDS_NEAREST) {
            w->word[at] = w->word[at - 1];
            w->distance[at] = w->distance[at - 1];
        }
    if (at == WORDS_NEAREST)
        return;
    w->word[at] = shown;
    w->distance[at] = distance;
    w->n += w->n < WORDS_NEAREST;
}

void words_nearest_text(const struct words_nearest *w, char *ret, size_t size)
{
    size_t len = 0;
    ret[0] = '\0';
    for (size_t i = 0; i < w->n; i++) {
        size_t need = strlen(w->word[i]) + (i == 0 ? strlen(": near it \"\"") : strlen(", \"\""));
        if (len + need >= size)
            return;
        len += (size_t)snprintf(ret + len, size - len, "%s\"%s\"", i == 0 ? ": near it " : ", ", w->word[i]);
    }
}
