/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The argument grammar of RFC 3501 section 9: a cursor and one function a
 * rule. No state beyond the cursor; nothing is allocated except for strings
 * with escapes and decoded names, in the command's arena.
 */
#include "parser.h"

#include <postern/buf.h>
#include <postern/mail/address.h>

/* Octet classes. An octet can be in several. */
enum {
    C_ATOM = 1 << 0,    /* ATOM-CHAR */
    C_ASTRING = 1 << 1, /* ASTRING-CHAR: also "]" */
    C_LIST = 1 << 2,    /* list-char: also "%", "*" and "]" */
    C_TAG = 1 << 3,     /* tag: ASTRING-CHAR without "+" */
};

#define C_ALL (C_ATOM | C_ASTRING | C_LIST | C_TAG)

static unsigned
class_of(char c)
{
    switch (c) {
    case '(':
    case ')':
    case '{':
    case '"':
    case '\\':
        return 0;
    case '%':
    case '*':
        return C_LIST;
    case ']':
        return C_ASTRING | C_LIST | C_TAG;
    case '+':
        return C_ALL & ~(unsigned)C_TAG;
    default:
        return c > ' ' && c < 0x7f ? C_ALL : 0;
    }
}

bool
imap_parse_fail(struct imap_cursor *in, const char *error)
{
    if (in->error == NULL)
        in->error = error;
    return false;
}

bool
imap_next_is(const struct imap_cursor *in, char c)
{
    return in->p < in->end && *in->p == c;
}

bool
imap_parse_char(struct imap_cursor *in, char c)
{
    if (!imap_next_is(in, c))
        return imap_parse_fail(in, c == '(' ? "expected an opening parenthesis"
                                   : c == ')' ? "expected a closing parenthesis"
                                              : "unexpected character");
    in->p++;
    return true;
}

bool
imap_parse_space(struct imap_cursor *in)
{
    if (in->p == in->end)
        return imap_parse_fail(in, "missing argument");
    if (*in->p != ' ')
        return imap_parse_fail(in, "expected a space");
    in->p++;
    return true;
}

bool
imap_parse_end(struct imap_cursor *in)
{
    if (in->p != in->end)
        return imap_parse_fail(in, "unexpected text behind the arguments");
    return true;
}

bool
imap_skip_word(struct imap_cursor *in, const char *word)
{
    size_t len = strlen(word);
    struct ptn_slice here = {in->p, len};

    if ((size_t)(in->end - in->p) < len ||
        !ptn_slice_caseeq(here, ptn_slice_of(word)))
        return false;
    in->p += len;
    return true;
}

/* One octet or more of class `class`. */
static bool
parse_run(struct imap_cursor *in, unsigned class, struct ptn_slice *out)
{
    const char *from = in->p;

    while (in->p < in->end && (class_of(*in->p) & class))
        in->p++;
    *out = (struct ptn_slice){from, (size_t)(in->p - from)};
    return out->len > 0;
}

bool
imap_parse_atom(struct imap_cursor *in, struct ptn_slice *out)
{
    return parse_run(in, C_ATOM, out) || imap_parse_fail(in, "expected a word");
}

bool
imap_parse_tag(struct imap_cursor *in, struct ptn_slice *out)
{
    return parse_run(in, C_TAG, out) || imap_parse_fail(in, "expected a tag");
}

/* Behind the opening quote, `len` octets with `escapes` of them escapes:
 * a copy without these. */
static bool
unescape(struct imap_cursor *in, struct ptn_slice raw, struct ptn_slice *out)
{
    char *copy = ptn_arena_alloc(in->arena, raw.len + 1);
    size_t n = 0;

    if (copy == NULL)
        return imap_parse_fail(in, "arguments too long");
    for (size_t i = 0; i < raw.len; i++) {
        if (raw.data[i] == '\\')
            i++;
        copy[n++] = raw.data[i];
    }
    *out = (struct ptn_slice){copy, n};
    return true;
}

static bool
parse_quoted(struct imap_cursor *in, struct ptn_slice *out)
{
    const char *from = ++in->p;
    bool escapes = false;

    for (; in->p < in->end && *in->p != '"'; in->p++) {
        if (*in->p == '\r' || *in->p == '\n')
            break; /* QUOTED-CHAR is a TEXT-CHAR: no CR, no LF */
        if (*in->p != '\\')
            continue;
        escapes = true;
        if (++in->p == in->end || (*in->p != '"' && *in->p != '\\'))
            return imap_parse_fail(in, "bad escape in a quoted string");
    }
    if (!imap_next_is(in, '"'))
        return imap_parse_fail(in, "quoted string without its end");
    *out = (struct ptn_slice){from, (size_t)(in->p - from)};
    in->p++;
    return !escapes || unescape(in, *out, out);
}

static bool
parse_literal(struct imap_cursor *in, struct ptn_slice *out)
{
    const char *digits = ++in->p;
    uint64_t size;

    while (in->p < in->end && *in->p >= '0' && *in->p <= '9')
        in->p++;
    if (!ptn_slice_to_u64((struct ptn_slice){digits, (size_t)(in->p - digits)},
                          UINT32_MAX, &size))
        return imap_parse_fail(in, "bad literal");
    if (imap_next_is(in, '+'))
        in->p++;
    if (in->end - in->p < 3 || memcmp(in->p, "}\r\n", 3) != 0)
        return imap_parse_fail(in, "bad literal");
    in->p += 3;
    if (size > (uint64_t)(in->end - in->p))
        return imap_parse_fail(in, "bad literal");
    *out = (struct ptn_slice){in->p, (size_t)size};
    in->p += size;
    if (memchr(out->data, 0, out->len)) /* CHAR8 has no NUL */
        return imap_parse_fail(in, "NUL in a literal");
    return true;
}

bool
imap_parse_string(struct imap_cursor *in, struct ptn_slice *out)
{
    if (imap_next_is(in, '"'))
        return parse_quoted(in, out);
    if (imap_next_is(in, '{'))
        return parse_literal(in, out);
    return imap_parse_fail(in, "expected a string");
}

bool
imap_parse_astring(struct imap_cursor *in, struct ptn_slice *out)
{
    if (imap_next_is(in, '"') || imap_next_is(in, '{'))
        return imap_parse_string(in, out);
    return parse_run(in, C_ASTRING, out) ||
           imap_parse_fail(in, "expected a string or a word");
}

bool
imap_parse_nstring(struct imap_cursor *in, struct ptn_slice *out)
{
    if (imap_skip_word(in, "NIL")) {
        *out = (struct ptn_slice){NULL, 0};
        return true;
    }
    return imap_parse_string(in, out);
}

bool
imap_parse_list_mailbox(struct imap_cursor *in, struct ptn_slice *out)
{
    if (imap_next_is(in, '"') || imap_next_is(in, '{'))
        return imap_parse_string(in, out);
    return parse_run(in, C_LIST, out) ||
           imap_parse_fail(in, "expected a mailbox pattern");
}

bool
imap_parse_number(struct imap_cursor *in, uint32_t *out)
{
    const char *from = in->p;
    uint64_t value;

    while (in->p < in->end && *in->p >= '0' && *in->p <= '9')
        in->p++;
    if (!ptn_slice_to_u64((struct ptn_slice){from, (size_t)(in->p - from)},
                          UINT32_MAX, &value))
        return imap_parse_fail(in, "expected a number of 32 bits");
    *out = (uint32_t)value;
    return true;
}

bool
imap_parse_modseq(struct imap_cursor *in, uint64_t *out)
{
    const char *from = in->p;

    while (in->p < in->end && *in->p >= '0' && *in->p <= '9')
        in->p++;
    return ptn_slice_to_u64((struct ptn_slice){from, (size_t)(in->p - from)},
                            INT64_MAX, out) ||
           imap_parse_fail(in, "expected a number of 63 bits");
}

bool
imap_parse_nz_number(struct imap_cursor *in, uint32_t *out)
{
    if (!imap_parse_number(in, out))
        return false;
    return *out != 0 || imap_parse_fail(in, "zero is not allowed here");
}

/* "inbox" and "inbox/x" are INBOX (RFC 3501 section 5.1); a separator at
 * the end only says that names below it will come (section 6.3.3). */
static struct ptn_slice
canonical(struct ptn_buf *name)
{
    struct ptn_slice inbox = PTN_SLICE("INBOX");

    if (name->len > 1 && name->data[name->len - 1] == '/')
        name->len--;
    if (name->len >= inbox.len &&
        ptn_slice_caseeq((struct ptn_slice){name->data, inbox.len}, inbox) &&
        (name->len == inbox.len || name->data[inbox.len] == '/'))
        memcpy(name->data, inbox.data, inbox.len);
    return ptn_buf_slice(name);
}

bool
imap_mailbox_decode(struct imap_cursor *in, struct ptn_slice wire,
                    struct ptn_slice *out)
{
    struct ptn_buf name = PTN_BUF_INIT;
    struct ptn_slice utf8 = {NULL, 0};
    const char *copy = NULL;
    bool valid = ptn_mutf7_decode(wire, &name);

    if (valid) {
        utf8 = canonical(&name);
        valid = ptn_mailbox_name_valid(utf8);
    }
    if (valid)
        copy = ptn_arena_dup(in->arena, utf8);
    *out = (struct ptn_slice){copy, utf8.len};
    ptn_buf_free(&name);
    if (copy)
        return true;
    in->refused = true;
    return imap_parse_fail(in, "[CANNOT] no mailbox can have this name");
}

bool
imap_parse_mailbox(struct imap_cursor *in, struct ptn_slice *out)
{
    struct ptn_slice wire;

    return imap_parse_astring(in, &wire) && imap_mailbox_decode(in, wire, out);
}

static bool
parse_flag(struct imap_cursor *in, struct imap_flag_list *list)
{
    struct ptn_slice name;
    const char *from = in->p;
    uint32_t bit;

    if (imap_next_is(in, '\\'))
        in->p++;
    if (!imap_parse_atom(in, &name))
        return false;
    if (*from == '\\') {
        name = (struct ptn_slice){from, (size_t)(in->p - from)};
        bit = ptn_flag_parse(name);
        list->system |= bit;
        return bit != 0 || imap_parse_fail(in, "no flag that can be set");
    }
    if (!ptn_keyword_valid(name) || name.len > PTN_KEYWORD_LEN_MAX)
        return imap_parse_fail(in, "no valid keyword");
    if (list->keyword_count == IMAP_KEYWORDS_MAX)
        return imap_parse_fail(in, "too many keywords");
    list->keywords[list->keyword_count++] = name;
    return true;
}

bool
imap_parse_flags(struct imap_cursor *in, bool bare, struct imap_flag_list *out)
{
    bool list = imap_next_is(in, '(');

    out->system = 0;
    out->keyword_count = 0;
    if (!list && !bare)
        return imap_parse_fail(in, "expected a list of flags");
    if (list)
        in->p++;
    if (list && imap_next_is(in, ')')) {
        in->p++;
        return true;
    }
    do {
        if (!parse_flag(in, out))
            return false;
    } while (imap_next_is(in, ' ') && in->p++);
    return !list || imap_parse_char(in, ')');
}

bool
imap_parse_set(struct imap_cursor *in, struct ptn_slice *out)
{
    const char *from = in->p;

    while (in->p < in->end && ((*in->p >= '0' && *in->p <= '9') ||
                               *in->p == ':' || *in->p == ',' || *in->p == '*'))
        in->p++;
    *out = (struct ptn_slice){from, (size_t)(in->p - from)};
    return out->len > 0 || imap_parse_fail(in, "expected a sequence set");
}
