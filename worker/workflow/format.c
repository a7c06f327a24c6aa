/* format.c - see schemas/providers/README.md, "Values", for what each format takes and gives. */
#include "workflow/format.h"

#include <ctype.h>
#include <string.h>

int format_parse(const char *name, enum format *ret)
{
    static const char *const names[] = {"mac", "digits", "upper", "lower", "cpf_cnpj", "date_dmy", "pointer"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (strcmp(names[i], name) != 0)
            continue;
        *ret = (enum format)i;
        return 0;
    }
    return -1;
}

static bool add_mac(const char *s, size_t n, struct buf *out)
{
    static const char between[] = {':', '-', '.', ' '};
    unsigned digits = 0;
    for (size_t i = 0; i < n; i++) {
        if (memchr(between, s[i], sizeof(between)) != NULL)
            continue;
        if (!isxdigit((unsigned char)s[i]) || digits == 12)
            return false;
        if (digits > 0 && digits % 2 == 0)
            buf_addc(out, ':');
        buf_addc(out, (char)toupper((unsigned char)s[i]));
        digits++;
    }
    return digits == 12;
}

static bool add_digits(const char *s, size_t n, struct buf *out)
{
    size_t from = out->len;
    for (size_t i = 0; i < n; i++)
        if (isdigit((unsigned char)s[i]))
            buf_addc(out, s[i]);
    return out->len > from;
}

static bool add_case(const char *s, size_t n, bool upper, struct buf *out)
{
    for (size_t i = 0; i < n; i++)
        buf_addc(out, (char)(upper ? toupper((unsigned char)s[i]) : tolower((unsigned char)s[i])));
    return true;
}

/* The digits of @s put where @mask has 0. */
static void add_masked(const char *s, const char *mask, struct buf *out)
{
    for (; *mask != '\0'; mask++)
        buf_addc(out, *mask == '0' ? *s++ : *mask);
}

static bool add_document(const char *s, size_t n, struct buf *out)
{
    char digits[15] = "";
    size_t have = 0;
    for (size_t i = 0; i < n; i++) {
        if (!isdigit((unsigned char)s[i]))
            continue;
        if (have == 14)
            return false;
        digits[have++] = s[i];
    }
    if (have != 11 && have != 14)
        return false;
    add_masked(digits, have == 11 ? "000.000.000-00" : "00.000.000/0000-00", out);
    return true;
}

static bool add_date(const char *s, size_t n, struct buf *out)
{
    static const char mask[] = "0000-00-00";
    for (size_t i = 0; i < sizeof(mask) - 1; i++)
        if (i >= n || (mask[i] == '0' ? !isdigit((unsigned char)s[i]) : s[i] != '-'))
            return false;
    if (n > 10 && s[10] != 'T' && s[10] != 't' && s[10] != ' ')
        return false;
    buf_add(out, s + 8, 2);
    buf_addc(out, '/');
    buf_add(out, s + 5, 2);
    buf_addc(out, '/');
    buf_add(out, s, 4);
    return true;
}

/* RFC 6901: one token. */
static bool add_pointer(const char *s, size_t n, struct buf *out)
{
    buf_addc(out, '/');
    for (size_t i = 0; i < n; i++) {
        if (s[i] == '~' || s[i] == '/')
            buf_adds(out, s[i] == '~' ? "~0" : "~1");
        else
            buf_addc(out, s[i]);
    }
    return true;
}

bool format_add(enum format f, const char *s, size_t n, struct buf *out)
{
    switch (f) {
    case FORMAT_MAC:
        return add_mac(s, n, out);
    case FORMAT_DIGITS:
        return add_digits(s, n, out);
    case FORMAT_UPPER:
        return add_case(s, n, true, out);
    case FORMAT_LOWER:
        return add_case(s, n, false, out);
    case FORMAT_CPF_CNPJ:
        return add_document(s, n, out);
    case FORMAT_DATE_DMY:
        return add_date(s, n, out);
    case FORMAT_POINTER:
        return add_pointer(s, n, out);
    }
    return false;
}
