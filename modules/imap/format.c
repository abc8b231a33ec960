/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Pieces of responses; see format.h. Pure functions on a buffer.
 */
#include "format.h"

#include <postern/mail/address.h>

char *
imap_digits(char *p, uint64_t value)
{
    char reversed[IMAP_DIGITS_MAX];
    size_t n = 0;

    do {
        reversed[n++] = (char)('0' + value % 10);
        value /= 10;
    } while (value);
    while (n)
        *p++ = reversed[--n];
    return p;
}

/* "* N word" */
static void
put_numbered(struct ptn_buf *out, uint32_t n, const char *word, size_t len)
{
    char *start = ptn_buf_reserve(out, 2 + IMAP_DIGITS_MAX + len), *p = start;

    *p++ = '*';
    *p++ = ' ';
    p = imap_digits(p, n);
    memcpy(p, word, len);
    out->len += (size_t)(p - start) + len;
}

void
imap_put_fetch(struct ptn_buf *out, uint32_t seq)
{
    static const char word[] = " FETCH (";

    put_numbered(out, seq, word, sizeof(word) - 1);
}

void
imap_put_count(struct ptn_buf *out, uint32_t count, const char *what)
{
    put_numbered(out, count, " ", 1);
    ptn_buf_adds(out, what);
    ptn_buf_add(out, "\r\n", 2);
}

void
imap_put_modseq(struct ptn_buf *out, const char *word, uint64_t modseq)
{
    ptn_buf_adds(out, word);
    ptn_buf_addu64(out, modseq);
    ptn_buf_addc(out, ')');
}

static void
put_literal(struct ptn_buf *out, struct ptn_slice s)
{
    ptn_buf_addc(out, '{');
    ptn_buf_addu64(out, s.len);
    ptn_buf_add(out, "}\r\n", 3);
    ptn_buf_addslice(out, s);
}

void
imap_put_string(struct ptn_buf *out, struct ptn_slice s)
{
    for (size_t i = 0; i < s.len; i++)
        if ((unsigned char)s.data[i] < ' ' || (unsigned char)s.data[i] > '~') {
            put_literal(out, s);
            return;
        }
    ptn_buf_addc(out, '"');
    for (size_t i = 0; i < s.len; i++) {
        if (s.data[i] == '"' || s.data[i] == '\\')
            ptn_buf_addc(out, '\\');
        ptn_buf_addc(out, s.data[i]);
    }
    ptn_buf_addc(out, '"');
}

static bool
is_atom(struct ptn_slice s)
{
    for (size_t i = 0; i < s.len; i++)
        if ((unsigned char)s.data[i] <= ' ' || (unsigned char)s.data[i] > '~' ||
            strchr("(){%*\"\\", s.data[i]))
            return false;
    return s.len > 0 && !ptn_slice_caseeq(s, PTN_SLICE("NIL"));
}

void
imap_put_astring(struct ptn_buf *out, struct ptn_slice s)
{
    if (is_atom(s))
        ptn_buf_addslice(out, s);
    else
        imap_put_string(out, s);
}

void
imap_put_mailbox(struct ptn_buf *out, struct ptn_slice name)
{
    struct ptn_buf wire = PTN_BUF_INIT;

    ptn_mutf7_encode(name, &wire);
    imap_put_astring(out, ptn_buf_slice(&wire));
    ptn_buf_free(&wire);
}

/* In the order of the bits of enum ptn_flag. */
static const struct ptn_slice system_flags[] = {
    {"\\Answered", 9}, {"\\Flagged", 8}, {"\\Deleted", 8},
    {"\\Seen", 5},     {"\\Draft", 6},
};

size_t
imap_put_system_flags(struct ptn_buf *out, uint32_t flags)
{
    char *start = ptn_buf_reserve(out, 64), *p = start;

    for (size_t i = 0; i < PTN_COUNT(system_flags); i++) {
        if (!(flags >> i & 1))
            continue;
        if (p > start)
            *p++ = ' ';
        memcpy(p, system_flags[i].data, system_flags[i].len);
        p += system_flags[i].len;
    }
    out->len += (size_t)(p - start);
    return (size_t)(p - start);
}
