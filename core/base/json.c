/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * JSON text. No state but the comma: what was opened is on the stack of the
 * caller.
 */
#include "base/json.h"
#include <inttypes.h>

/* How many octets the UTF-8 character at the front has; 0: it is none (RFC
 * 3629 section 4). */
static size_t
utf8_length(struct ptn_slice s)
{
    const unsigned char *p = (const unsigned char *)s.data;
    unsigned char low = 0x80, high = 0xbf;
    size_t len;

    if (p[0] < 0x80)
        return 1;
    if (p[0] < 0xc2 || p[0] > 0xf4)
        return 0;
    len = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
    if (s.len < len)
        return 0;
    if (p[0] == 0xe0 || p[0] == 0xf0) /* not the shortest form */
        low = p[0] == 0xe0 ? 0xa0 : 0x90;
    if (p[0] == 0xed || p[0] == 0xf4) /* surrogates, or beyond U+10FFFF */
        high = p[0] == 0xed ? 0x9f : 0x8f;
    for (size_t i = 1; i < len; i++, low = 0x80, high = 0xbf)
        if (p[i] < low || p[i] > high)
            return 0;
    return len;
}

size_t
ptn_json_char(struct ptn_slice *in, char out[PTN_JSON_CHAR_MAX])
{
    static const char hex[] = "0123456789abcdef";
    static const char unknown[] = "\\ufffd";
    size_t len = utf8_length(*in);
    unsigned char c = (unsigned char)in->data[0];
    const char *from = in->data;

    *in = ptn_slice_sub(*in, len ? len : 1, in->len - (len ? len : 1));
    if (len == 0) {
        memcpy(out, unknown, 6);
        return 6;
    }
    if (c < 0x20 || c == 0x7f) { /* RFC 8259 section 7 */
        memcpy(out, "\\u00", 4);
        out[4] = hex[c >> 4];
        out[5] = hex[c & 15];
        return 6;
    }
    if (c == '"' || c == '\\') {
        out[0] = '\\';
        out[1] = (char)c;
        return 2;
    }
    memcpy(out, from, len);
    return len;
}

static void
add_string(struct ptn_buf *out, struct ptn_slice text)
{
    ptn_buf_addc(out, '"');
    while (text.len > 0) {
        char one[PTN_JSON_CHAR_MAX];

        ptn_buf_add(out, one, ptn_json_char(&text, one));
    }
    ptn_buf_addc(out, '"');
}

static void
begin_value(struct ptn_json *j, const char *key)
{
    if (j->comma)
        ptn_buf_adds(j->out, ", ");
    j->comma = true;
    if (!key)
        return;
    add_string(j->out, ptn_slice_of(key));
    ptn_buf_adds(j->out, ": ");
}

static void
open_with(struct ptn_json *j, const char *key, char bracket)
{
    begin_value(j, key);
    ptn_buf_addc(j->out, bracket);
    j->comma = false;
}

static void
close_with(struct ptn_json *j, char bracket)
{
    ptn_buf_addc(j->out, bracket);
    j->comma = true;
}

void
ptn_json_object(struct ptn_json *j, const char *key)
{
    open_with(j, key, '{');
}

void
ptn_json_end_object(struct ptn_json *j)
{
    close_with(j, '}');
}

void
ptn_json_array(struct ptn_json *j, const char *key)
{
    open_with(j, key, '[');
}

void
ptn_json_end_array(struct ptn_json *j)
{
    close_with(j, ']');
}

void
ptn_json_text(struct ptn_json *j, const char *key, struct ptn_slice text)
{
    begin_value(j, key);
    add_string(j->out, text);
}

void
ptn_json_number(struct ptn_json *j, const char *key, int64_t number)
{
    begin_value(j, key);
    ptn_buf_printf(j->out, "%" PRId64, number);
}

void
ptn_json_raw(struct ptn_json *j, const char *key, const char *number)
{
    begin_value(j, key);
    ptn_buf_adds(j->out, number);
}

void
ptn_json_bool(struct ptn_json *j, const char *key, bool value)
{
    begin_value(j, key);
    ptn_buf_adds(j->out, value ? "true" : "false");
}

void
ptn_json_null(struct ptn_json *j, const char *key)
{
    begin_value(j, key);
    ptn_buf_adds(j->out, "null");
}
