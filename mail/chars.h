/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Character classes of mail syntax, the same in every locale. All take the
 * octet as an unsigned char, so that 8-bit text needs no care at the call.
 */
#ifndef PTN_MAIL_CHARS_H
#define PTN_MAIL_CHARS_H

#include <postern/types.h>

static inline bool
ptn_is_digit(unsigned char c)
{
    return c >= '0' && c <= '9';
}

static inline bool
ptn_is_alpha(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static inline bool
ptn_is_alnum(unsigned char c)
{
    return ptn_is_digit(c) || ptn_is_alpha(c);
}

/* White space that may stand between tokens, line ends of folds included. */
static inline bool
ptn_is_blank(unsigned char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static inline char
ptn_to_lower(char c)
{
    return (char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
}

/* The value of a hexadecimal digit, or -1. */
static inline int
ptn_hex_value(unsigned char c)
{
    if (ptn_is_digit(c))
        return c - '0';
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return -1;
}

/* A set of ASCII characters as bits, for sets that are asked often. */
struct ptn_char_set {
    uint32_t bits[4];
};

static inline bool
ptn_char_set_has(const struct ptn_char_set *set, unsigned char c)
{
    return c < 0x80 && (set->bits[c / 32] >> (c % 32) & 1);
}

/* What may stand in an atom (RFC 5322 section 3.2.3), ASCII only: letters,
 * digits and !#$%&'*+-/=?^_`{|}~ */
static inline bool
ptn_is_atext(unsigned char c)
{
    static const struct ptn_char_set atext = {
        {0, 0xa3ffacfa, 0xc7fffffe, 0x7fffffff}};

    return ptn_char_set_has(&atext, c);
}

/* What may stand in a token of MIME (RFC 2045 section 5.1): no blanks, no
 * controls, none of ()<>@,;:\"/[]?= */
static inline bool
ptn_is_token(unsigned char c)
{
    static const struct ptn_char_set token = {
        {0, 0x03ff6cfa, 0xc7fffffe, 0x7fffffff}};

    return ptn_char_set_has(&token, c);
}

/* Behind the last octet; NULL where `data` is. */
static inline const char *
ptn_slice_end(struct ptn_slice s)
{
    return s.len ? s.data + s.len : s.data;
}

/* Without the blanks at both ends. */
static inline struct ptn_slice
ptn_slice_trim(struct ptn_slice s)
{
    while (s.len && ptn_is_blank((unsigned char)s.data[0]))
        s = ptn_slice_sub(s, 1, s.len - 1);
    while (s.len && ptn_is_blank((unsigned char)s.data[s.len - 1]))
        s.len--;
    return s;
}

#endif
