/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Pure functions over a command's arguments.
 */
#include "args.h"

static struct ptn_slice
skip_blanks(struct ptn_slice s)
{
    while (s.len > 0 && s.data[0] == ' ')
        s = ptn_slice_sub(s, 1, s.len - 1);
    return s;
}

/* RFC 5321 section 4.1.1.2 has no blank after the colon; so many clients
 * have one that it is read over. */
const char *
smtp_path_read(struct ptn_slice args, const char *word, struct ptn_path *path,
               struct ptn_slice *rest)
{
    size_t n = strlen(word), used = 0;
    if (args.len < n ||
        !ptn_slice_caseeq(ptn_slice_sub(args, 0, n), ptn_slice_of(word)))
        return *word == 'F' ? "501 5.5.4 FROM:<address> must follow"
                            : "501 5.5.4 TO:<address> must follow";
    args = skip_blanks(ptn_slice_sub(args, n, args.len - n));
    if (!ptn_path_parse(args, path, &used))
        return *word == 'F' ? "501 5.1.7 Malformed address"
                            : "501 5.1.3 Malformed address";
    if (path->utf8) /* RFC 6531 section 3.5: SMTPUTF8 is not offered */
        return "553 5.6.7 Addresses are ASCII here";
    *rest = ptn_slice_sub(args, used, args.len - used);
    return NULL;
}

/* esmtp-keyword: letters, digits and inner hyphens. */
static bool
keyword_is_fit(struct ptn_slice name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.data[i];
        bool alnum =
            (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
        if (!alnum && (c != '-' || i == 0))
            return false;
    }
    return name.len > 0;
}

/* esmtp-value: visible ASCII but "=". */
static bool
value_is_fit(struct ptn_slice value)
{
    for (size_t i = 0; i < value.len; i++) {
        unsigned char c = (unsigned char)value.data[i];
        if (c <= ' ' || c >= 0x7f || c == '=')
            return false;
    }
    return value.len > 0;
}

int
smtp_param_next(struct ptn_slice *rest, struct smtp_param *out)
{
    if (rest->len == 0)
        return 0;
    if (rest->data[0] != ' ')
        return -1;
    struct ptn_slice s = skip_blanks(*rest);
    if (s.len == 0) {
        *rest = s;
        return 0;
    }
    const char *blank = memchr(s.data, ' ', s.len);
    size_t n = blank ? (size_t)(blank - s.data) : s.len;
    *rest = ptn_slice_sub(s, n, s.len - n);
    s.len = n;
    const char *equals = memchr(s.data, '=', n);
    size_t name_len = equals ? (size_t)(equals - s.data) : n;
    out->name = ptn_slice_sub(s, 0, name_len);
    out->value = (struct ptn_slice){NULL, 0};
    if (equals)
        out->value = ptn_slice_sub(s, name_len + 1, n - name_len - 1);
    if (!keyword_is_fit(out->name) || (equals && !value_is_fit(out->value)))
        return -1;
    return 1;
}

static bool
is_upper_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'F');
}

bool
smtp_xtext_valid(struct ptn_slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.data[i];
        if (c < '!' || c > '~' || c == '=')
            return false;
        if (c != '+')
            continue;
        if (text.len - i < 3 || !is_upper_hex(text.data[i + 1]) ||
            !is_upper_hex(text.data[i + 2]))
            return false;
        i += 2;
    }
    return text.len > 0;
}
