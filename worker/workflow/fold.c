/* fold.c - simple case folding of the alphabets that providers' messages are written in: Latin-1 and Latin Extended-A
 * (Unicode's CaseFolding.txt, statuses C and S), Greek and Cyrillic. */
#include "workflow/fold.h"

static uint32_t fold_latin_ext(uint32_t c)
{
    if (c == 0x178)
        return 0xFF;
    /* Pairs are upper, lower; in two stretches the upper one is odd. U+0130 and U+0138 have no pair. */
    bool odd = (c >= 0x139 && c <= 0x148) || (c >= 0x179 && c <= 0x17E);
    if (c == 0x130 || c == 0x131 || c == 0x138 || c == 0x149 || c == 0x17F)
        return c;
    return odd ? c + (c & 1) : c | 1;
}

static uint32_t fold_point(uint32_t c)
{
    if (c < 0x80)
        return c >= 'A' && c <= 'Z' ? c + 32 : c;
    if (c >= 0xC0 && c <= 0xDE)
        return c == 0xD7 ? c : c + 32;
    if (c >= 0x100 && c <= 0x17F)
        return fold_latin_ext(c);
    if (c >= 0x391 && c <= 0x3A9 && c != 0x3A2)
        return c + 32;
    if (c == 0x3C2)
        return 0x3C3;
    if (c >= 0x410 && c <= 0x42F)
        return c + 32;
    if (c >= 0x400 && c <= 0x40F)
        return c + 80;
    return (c >= 0x460 && c <= 0x481) || (c >= 0x48A && c <= 0x4BF) || (c >= 0x4D0 && c <= 0x52F) ? c | 1 : c;
}

static unsigned sequence_length(unsigned char c)
{
    if (c >= 0xF0 && c <= 0xF4)
        return 4;
    if (c >= 0xE0 && c <= 0xEF)
        return 3;
    return c >= 0xC2 && c <= 0xDF ? 2 : 1;
}

uint32_t fold_next(struct fold *f)
{
    if (f->at == f->end)
        return FOLD_END;
    unsigned char c = (unsigned char)*f->at;
    unsigned n = sequence_length(c);
    if (c < 0x80 || n == 1 || (uintptr_t)(f->end - f->at) < n) {
        f->at++;
        return c < 0x80 ? fold_point(c) + 1 : 0x110000u + c + 1;
    }
    uint32_t point = c & (0xFFu >> (n + 1));
    for (unsigned i = 1; i < n; i++) {
        unsigned char next = (unsigned char)f->at[i];
        if ((next & 0xC0) != 0x80) {
            f->at++;
            return 0x110000u + c + 1;
        }
        point = point << 6 | (next & 0x3F);
    }
    f->at += n;
    return fold_point(point) + 1;
}
