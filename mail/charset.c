/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Charsets to UTF-8: the common ones here, the others through iconv, which
 * mail is not let to choose freely: only names that are plainly a charset's
 * get there. Not thread-safe on one conversion; no state otherwise.
 */
#include "charset.h"

#include "chars.h"
#include "utf8.h"

#include <errno.h>
#include <iconv.h>
#include <stdint.h>

#define OUT_ROOM 4   /* octets of UTF-8 that one octet becomes, at most... */
#define OUT_SPARE 32 /* ...but for a few that become several characters */

static bool
name_is(struct ptn_slice name, const char *other)
{
    return ptn_slice_caseeq(name, ptn_slice_of(other));
}

/* A name without a slash: "//" would tell iconv to transliterate. */
static bool
name_valid(struct ptn_slice name)
{
    if (!name.len || name.len > PTN_CHARSET_NAME_MAX)
        return false;
    for (size_t i = 0; i < name.len; i++) {
        unsigned char c = (unsigned char)name.data[i];

        if (!ptn_is_alnum(c) && !(c && strchr("-_.:", c)))
            return false;
    }
    return true;
}

bool
ptn_charset_open(struct ptn_charset *charset, struct ptn_slice name)
{
    char text[PTN_CHARSET_NAME_MAX + 1];
    iconv_t iconv_handle;

    *charset = (struct ptn_charset){.way = PTN_CHARSET_COPY};
    if (name_is(name, "utf-8") || name_is(name, "us-ascii") ||
        name_is(name, "utf8") || name_is(name, "ascii"))
        return true;
    if (name_is(name, "iso-8859-1")) {
        charset->way = PTN_CHARSET_LATIN1;
        return true;
    }
    if (!name_valid(name))
        return false;
    memcpy(text, name.data, name.len);
    text[name.len] = '\0';
    iconv_handle = iconv_open("UTF-8", text);
    if ((intptr_t)iconv_handle == -1)
        return false;
    charset->way = PTN_CHARSET_ICONV;
    charset->iconv = iconv_handle;
    return true;
}

void
ptn_charset_close(struct ptn_charset *charset)
{
    if (charset->way == PTN_CHARSET_ICONV)
        iconv_close((iconv_t)charset->iconv);
    *charset = (struct ptn_charset){.way = PTN_CHARSET_COPY};
}

/* Converts what it can; returns how many octets that was. */
static size_t
run_iconv(struct ptn_charset *charset, struct ptn_slice text,
          struct ptn_buf *out)
{
    char *in = (char *)(uintptr_t)text.data; /* iconv does not write there */
    size_t left = text.len;

    while (left) {
        char *to = ptn_buf_reserve(out, OUT_ROOM * left + OUT_SPARE);
        size_t room = OUT_ROOM * left + OUT_SPARE, before = room;
        size_t result = iconv((iconv_t)charset->iconv, &in, &left, &to, &room);

        out->len += before - room;
        if (result != (size_t)-1)
            break;
        if (errno == EINVAL)
            break; /* the end of a character is missing */
        if (errno != EILSEQ)
            continue; /* E2BIG: more room in the next round */
        ptn_utf8_add(out, PTN_UTF8_REPLACEMENT);
        in++;
        left--;
    }
    return text.len - left;
}

/* Joins what was left over with the next octets, until it is gone. */
static struct ptn_slice
finish_rest(struct ptn_charset *charset, struct ptn_slice text,
            struct ptn_buf *out)
{
    while (charset->rest_len && text.len) {
        struct ptn_slice rest = {charset->rest, 0};
        size_t used;

        charset->rest[charset->rest_len++] = text.data[0];
        rest.len = charset->rest_len;
        text = ptn_slice_sub(text, 1, text.len - 1);
        used = run_iconv(charset, rest, out);
        if (!used && rest.len == sizeof(charset->rest))
            used = rest.len; /* no character is that long */
        charset->rest_len -= used;
        memmove(charset->rest, charset->rest + used, charset->rest_len);
    }
    return text;
}

void
ptn_charset_convert(struct ptn_charset *charset, struct ptn_slice text,
                    struct ptn_buf *out)
{
    size_t used;

    if (charset->way == PTN_CHARSET_COPY) {
        ptn_buf_addslice(out, text);
        return;
    }
    if (charset->way == PTN_CHARSET_LATIN1) {
        for (size_t i = 0; i < text.len; i++)
            ptn_utf8_add(out, (unsigned char)text.data[i]);
        return;
    }
    text = finish_rest(charset, text, out);
    if (!text.len)
        return;
    used = run_iconv(charset, text, out);
    charset->rest_len = text.len - used;
    if (charset->rest_len > sizeof(charset->rest) / 2)
        charset->rest_len = 0; /* no character is that long */
    memcpy(charset->rest, text.data + used, charset->rest_len);
}
