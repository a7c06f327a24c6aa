/* test_words.c - one form for the many ways to write a word, and the nearest known one. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "base/attr.h"
#include "words.h"

static const char *folded(const char *text, char ret[WORDS_SIZE])
{
    words_fold(text, ret);
    return ret;
}

Test(words, case_accents_and_what_stands_between_do_not_matter)
{
    static const struct { const char *text, *want; } rows[] = {
        {"bloqueio", "bloqueio"},
        {"BLOQUEIO", "bloqueio"},
        {"Liberação Automática", "liberacao automatica"},
        {"LIBERAÇÃO_AUTOMÁTICA", "liberacao automatica"},
        {"liberacao-automatica", "liberacao automatica"},
        {"  aviso  de\tatraso ", "aviso de atraso"},
        {"aviso\u00A0de\u2011atraso", "aviso de atraso"},
        {"add. pacote", "add pacote"},
        {"Převést službu do 4NET.TV", "prevest sluzbu do 4net tv"},
        {"PŘEVÉST SLUŽBU", "prevest sluzbu"},
        {"a\u0303o", "ao"}, /* a tilde of its own */
        {"Отключить", "отключить"},
        {"ОТКЛЮЧЁН", "отключен"},
        {"Тарифный план", "тарифныи план"},
        {"сменить_пароль", "сменить пароль"},
        {"żółć ŁÓDŹ", "zolc lodz"},
    };
    char ret[WORDS_SIZE];
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        cr_expect(eq(str, (char *)folded(rows[i].text, ret), (char *)rows[i].want), "%s", rows[i].text);
}

Test(words, what_is_no_word_is_told)
{
    char ret[WORDS_SIZE], wide[400];
    memset(wide, 'a', sizeof(wide) - 1);
    wide[sizeof(wide) - 1] = '\0';
    cr_expect(eq(int, words_fold("", ret), 0));
    cr_expect(eq(int, words_fold(" - _ ", ret), 0));
    cr_expect(eq(int, words_fold("a\xFFz", ret), 0), "no UTF-8");
    cr_expect(eq(int, words_fold(wide, ret), 0), "too long");
    cr_expect(eq(str, ret, ""));
    wide[WORDS_SIZE - 1] = '\0';
    cr_expect(eq(int, words_fold(wide, ret), 1), "as long as it may be");
}

Test(words, distance_counts_what_differs)
{
    static const struct { const char *a, *b; size_t want; } rows[] = {
        {"", "", 0}, {"abc", "abc", 0}, {"abc", "", 3}, {"", "abc", 3}, {"abc", "abd", 1}, {"abc", "abcd", 1}, {"bloqueo", "bloqueio", 1}, {"kitten", "sitting", 3},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        cr_expect(eq(sz, words_distance(rows[i].a, rows[i].b), rows[i].want), "%s %s", rows[i].a, rows[i].b);
}

static void nearest(const char *wanted, char *ret, size_t size)
{
    static const char *const known[] = {"bloqueio", "bloquear", "desbloqueio", "liberação manual", "liberação automática", "aviso de atraso", "bloqueio 2", "bloqueio 3", "bloqueio 4"};
    struct words_nearest w;
    char fold[WORDS_SIZE];
    words_nearest_init(&w, wanted);
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        words_nearest_try(&w, known[i], folded(known[i], fold));
    words_nearest_text(&w, ret, size);
}

Test(words, the_nearest_ones_come_first_and_are_whole)
{
    char text[200];
    nearest("BLOQUEO", text, sizeof(text));
    cr_expect(eq(str, text, ": near it \"bloqueio\", \"bloquear\", \"bloqueio 2\", \"bloqueio 3\""));
    nearest("liberação", text, sizeof(text));
    cr_expect(eq(str, text, ": near it \"liberação manual\", \"liberação automática\""));
    nearest("liberação", text, 35);
    cr_expect(eq(str, text, ": near it \"liberação manual\""));
    nearest("pausa", text, sizeof(text));
    cr_expect(eq(str, text, ""));
    nearest("", text, sizeof(text));
    cr_expect(eq(str, text, ""));
}

Test(words, a_text_is_cut_between_characters)
{
    cr_expect(eq(int, words_fit("abc", 5), 3));
    cr_expect(eq(int, words_fit("abcdef", 5), 5));
    cr_expect(eq(int, words_fit("aéé", 4), 3));
    cr_expect(eq(int, words_fit("aéé", 3), 3));
    cr_expect(eq(int, words_fit("é", 1), 0));
}
