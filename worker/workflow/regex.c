#define PCRE2_CODE_UNIT_WIDTH 8
#include "workflow/regex.h"

#include <ctype.h>
#include <pcre2.h>
#include <stdlib.h>
#include <string.h>

#define MATCH_LIMIT 1000000u
#define GROUPS_MAX 10

void regex_free(void *regex)
{
    pcre2_code_free(regex);
}

static int keep(struct loader *l, pcre2_code *code)
{
    struct pack *p = l->pack;
    void **list = realloc(p->regexes, (p->regex_count + 1) * sizeof(*list));
    if (list == NULL) {
        pcre2_code_free(code);
        l->out_of_memory = true;
        return -1;
    }
    p->regexes = list;
    p->regexes[p->regex_count++] = code;
    return 0;
}

void *regex_compile(struct loader *l, const char *pattern, const struct at *at)
{
    int code;
    PCRE2_SIZE offset;
    pcre2_code *re = pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED, PCRE2_UTF, &code, &offset, NULL);
    if (re == NULL) {
        PCRE2_UCHAR text[120];
        pcre2_get_error_message(code, text, sizeof(text));
        load_fault(l, at, "the regex is wrong at character %zu: %s", (size_t)offset, (const char *)text);
        return NULL;
    }
    pcre2_jit_compile(re, PCRE2_JIT_COMPLETE);
    return keep(l, re) == 0 ? re : NULL;
}

/* pcre2_match() with our limit; @data is made by the caller, NULL when there was no memory for it. */
static enum regex_result match(const void *regex, const char *s, size_t n, pcre2_match_data *data)
{
    pcre2_match_context *limits = pcre2_match_context_create(NULL);
    int rc = PCRE2_ERROR_NOMEMORY;
    if (data != NULL && limits != NULL) {
        pcre2_set_match_limit(limits, MATCH_LIMIT);
        rc = pcre2_match(regex, (PCRE2_SPTR)s, n, 0, 0, data, limits);
    }
    pcre2_match_context_free(limits);
    if (rc == PCRE2_ERROR_NOMEMORY)
        return REGEX_NO_MEMORY;
    return rc >= 0 ? REGEX_YES : REGEX_NO;
}

enum regex_result regex_search(const void *regex, const char *s, size_t n)
{
    pcre2_match_data *data = pcre2_match_data_create(1, NULL);
    enum regex_result res = match(regex, s, n, data);
    pcre2_match_data_free(data);
    return res;
}

/* --- x-match --- */

static uint32_t group_count(const void *regex)
{
    uint32_t n = 0;
    pcre2_pattern_info(regex, PCRE2_INFO_CAPTURECOUNT, &n);
    return n;
}

bool regex_gives(const void *regex, const char *give)
{
    for (const char *s = give; (s = strchr(s, '$')) != NULL; s += 2)
        if (s[1] != '$' && (!isdigit((unsigned char)s[1]) || (uint32_t)(s[1] - '0') > group_count(regex)))
            return false;
    return true;
}

static void add_group(const char *s, pcre2_match_data *data, size_t group, struct buf *out)
{
    const PCRE2_SIZE *place = pcre2_get_ovector_pointer(data) + 2 * group;
    if (group < pcre2_get_ovector_count(data) && place[0] != PCRE2_UNSET && place[0] <= place[1])
        buf_add(out, s + place[0], place[1] - place[0]);
}

static void add_given(const char *s, pcre2_match_data *data, const char *give, struct buf *out)
{
    for (; *give != '\0'; give++) {
        if (*give != '$')
            buf_addc(out, *give);
        else if (*++give == '$')
            buf_addc(out, '$');
        else
            add_group(s, data, (size_t)(*give - '0'), out);
    }
}

enum regex_result regex_give(const void *regex, const char *s, size_t n, const char *give, struct buf *out)
{
    pcre2_match_data *data = pcre2_match_data_create(GROUPS_MAX, NULL);
    enum regex_result res = match(regex, s, n, data);
    if (res == REGEX_YES)
        add_given(s, data, give, out);
    pcre2_match_data_free(data);
    return res;
}
