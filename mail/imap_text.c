/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Strings and lists of IMAP (RFC 3501 section 4). Pure functions; any
 * thread.
 */
#include "imap_text.h"

#include "chars.h"

#define LITERAL_DIGITS_MAX 20

/* --- writing --- */

/* What an octet asks for in a string. */
enum {
    PLAIN,
    LEFT_OUT, /* CR, LF, NUL: RFC 3501's quoted strings cannot have them */
    ESCAPED,  /* quoted-specials */
    BEYOND,   /* needs a literal */
};

static inline int
octet_class(unsigned char c)
{
    if (c >= 0x80)
        return BEYOND;
    if (c == '"' || c == '\\')
        return ESCAPED;
    return c == '\r' || c == '\n' || !c ? LEFT_OUT : PLAIN;
}

/* Tries a quoted string: false, with nothing appended, when a literal is
 * needed. */
static bool
add_quoted(struct ptn_buf *out, struct ptn_slice text)
{
    char *start = ptn_buf_reserve(out, 2 * text.len + 2), *at = start;

    *at++ = '"';
    for (size_t i = 0; i < text.len; i++) {
        int class = octet_class((unsigned char)text.data[i]);

        if (class == BEYOND)
            return false;
        if (class == ESCAPED)
            *at++ = '\\';
        *at = text.data[i];
        at += class != LEFT_OUT;
    }
    *at++ = '"';
    out->len += (size_t)(at - start);
    return true;
}

static void
add_literal(struct ptn_buf *out, struct ptn_slice text)
{
    size_t len = 0;
    char *at;

    for (size_t i = 0; i < text.len; i++)
        len += octet_class((unsigned char)text.data[i]) != LEFT_OUT;
    ptn_buf_addc(out, '{');
    ptn_buf_addu64(out, len);
    ptn_buf_adds(out, "}\r\n");
    at = ptn_buf_reserve(out, text.len);
    for (size_t i = 0; i < text.len; i++) {
        if (octet_class((unsigned char)text.data[i]) != LEFT_OUT)
            *at++ = text.data[i];
    }
    out->len += len;
}

void
ptn_imap_add_string(struct ptn_buf *out, struct ptn_slice text)
{
    if (!add_quoted(out, text))
        add_literal(out, text);
}

void
ptn_imap_add_nstring(struct ptn_buf *out, struct ptn_slice text)
{
    if (text.data)
        ptn_imap_add_string(out, ptn_slice_trim(text));
    else
        ptn_buf_add(out, "NIL", 3);
}

/* --- reading --- */

static enum ptn_imap_token
read_quoted(struct ptn_imap_reader *r, struct ptn_slice *text)
{
    const char *start = ++r->at;

    for (; r->at < r->end && *r->at != '"'; r->at++) {
        if (*r->at == '\\' && r->end - r->at > 1)
            r->at++;
    }
    *text = (struct ptn_slice){start, (size_t)(r->at - start)};
    if (r->at == r->end)
        return PTN_IMAP_END;
    r->at++;
    return PTN_IMAP_QUOTED;
}

/* "{5}" or "{5+}", CRLF, octets. */
static enum ptn_imap_token
read_literal(struct ptn_imap_reader *r, struct ptn_slice *text)
{
    const char *start = ++r->at;
    uint64_t len;

    while (r->at < r->end && ptn_is_digit((unsigned char)*r->at) &&
           r->at - start < LITERAL_DIGITS_MAX)
        r->at++;
    if (!ptn_slice_to_u64((struct ptn_slice){start, (size_t)(r->at - start)},
                          SIZE_MAX, &len))
        return PTN_IMAP_END;
    if (r->at < r->end && *r->at == '+')
        r->at++;
    if (r->end - r->at < 3 || memcmp(r->at, "}\r\n", 3))
        return PTN_IMAP_END;
    r->at += 3;
    if (len > (uint64_t)(r->end - r->at))
        return PTN_IMAP_END;
    *text = (struct ptn_slice){r->at, (size_t)len};
    r->at += len;
    return PTN_IMAP_LITERAL;
}

/* An octet that cannot be in an atom. Octets beyond ASCII can, although the
 * grammar has none: what they mean is the caller's to say. */
static bool
ends_atom(unsigned char c)
{
    return c <= ' ' || c == 0x7f || c == '(' || c == ')' || c == '"';
}

static enum ptn_imap_token
read_atom(struct ptn_imap_reader *r, struct ptn_slice *text)
{
    const char *start = r->at;

    while (r->at < r->end && !ends_atom((unsigned char)*r->at))
        r->at++;
    *text = (struct ptn_slice){start, (size_t)(r->at - start)};
    return text->len ? PTN_IMAP_ATOM : PTN_IMAP_END;
}

enum ptn_imap_token
ptn_imap_read(struct ptn_imap_reader *r, struct ptn_slice *text)
{
    while (r->at < r->end && *r->at == ' ')
        r->at++;
    *text = (struct ptn_slice){r->at, 0};
    if (r->at == r->end)
        return PTN_IMAP_END;
    switch (*r->at) {
    case '(':
        r->at++;
        return PTN_IMAP_OPEN;
    case ')':
        r->at++;
        return PTN_IMAP_CLOSE;
    case '"':
        return read_quoted(r, text);
    case '{':
        return read_literal(r, text);
    default:
        return read_atom(r, text);
    }
}

bool
ptn_imap_read_value(struct ptn_imap_reader *r, struct ptn_slice *out)
{
    struct ptn_slice text;
    const char *start;
    size_t depth = 0;

    while (r->at < r->end && *r->at == ' ')
        r->at++;
    start = r->at;
    do {
        enum ptn_imap_token token = ptn_imap_read(r, &text);

        if (token == PTN_IMAP_END || (token == PTN_IMAP_CLOSE && !depth)) {
            r->at = start;
            return false;
        }
        depth += token == PTN_IMAP_OPEN;
        depth -= token == PTN_IMAP_CLOSE;
    } while (depth);
    *out = (struct ptn_slice){start, (size_t)(r->at - start)};
    return true;
}

void
ptn_imap_add_content(struct ptn_buf *out, enum ptn_imap_token token,
                     struct ptn_slice text)
{
    if (token == PTN_IMAP_LITERAL)
        ptn_buf_addslice(out, text);
    if (token != PTN_IMAP_QUOTED)
        return;
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] == '\\' && i + 1 < text.len)
            i++;
        ptn_buf_addc(out, text.data[i]);
    }
}
