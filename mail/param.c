/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * MIME fields of the form "token; name=value" (RFC 2045 section 5.1). Pure
 * functions; any thread.
 */
#include "param.h"

#include "cfws.h"
#include "chars.h"
#include "imap_text.h"

#define SECTION_MAX 999

struct cursor {
    const char *at, *end;
};

static void
skip_blanks(struct cursor *c)
{
    c->at = ptn_cfws_end(c->at, c->end);
}

static struct ptn_slice
read_token(struct cursor *c)
{
    const char *start;

    skip_blanks(c);
    start = c->at;
    while (c->at < c->end && ptn_is_token((unsigned char)*c->at))
        c->at++;
    return (struct ptn_slice){c->at > start ? start : NULL,
                              (size_t)(c->at - start)};
}

/* The text between quotes. */
static struct ptn_slice
read_quoted(struct cursor *c)
{
    const char *start = ++c->at;
    struct ptn_slice text;

    for (; c->at < c->end && *c->at != '"'; c->at++) {
        if (*c->at == '\\' && c->end - c->at > 1)
            c->at++;
    }
    text = (struct ptn_slice){start, (size_t)(c->at - start)};
    c->at += c->at < c->end;
    return text;
}

/* A value without quotes ends at the semicolon: blanks within it are an
 * error, but one that file names often have. */
static struct ptn_slice
read_bare(struct cursor *c)
{
    const char *start = c->at;

    while (c->at < c->end && *c->at != ';' && *c->at != '(')
        c->at++;
    return ptn_slice_trim((struct ptn_slice){start, (size_t)(c->at - start)});
}

/* RFC 2231 section 7: name, name*, name*0 or name*0*. */
static void
split_name(struct ptn_param *p)
{
    size_t len = p->name.len, at;
    uint64_t section;

    if (len > 1 && p->name.data[len - 1] == '*') {
        p->extended = true;
        len--;
    }
    p->name.len = len;
    for (at = len; at && ptn_is_digit((unsigned char)p->name.data[at - 1]);)
        at--;
    if (at < 2 || p->name.data[at - 1] != '*' ||
        !ptn_slice_to_u64(ptn_slice_sub(p->name, at, len - at), SECTION_MAX,
                          &section))
        return;
    p->section = (int16_t)section;
    p->name.len = at - 1;
}

/* One parameter; false when what stands here is none. */
static bool
read_param(struct cursor *c, struct ptn_param *out)
{
    *out = (struct ptn_param){.section = -1};
    out->name = read_token(c);
    skip_blanks(c);
    if (!out->name.len || out->name.len > PTN_PARAM_NAME_MAX ||
        c->at == c->end || *c->at != '=')
        return false;
    c->at++;
    skip_blanks(c);
    out->quoted = c->at < c->end && *c->at == '"';
    out->value = out->quoted ? read_quoted(c) : read_bare(c);
    split_name(out);
    return true;
}

static void
read_params(struct cursor *c, struct ptn_params *out)
{
    while (out->count < PTN_PARAMS_MAX) {
        while (c->at < c->end && *c->at != ';') {
            if (*c->at == '(')
                c->at = ptn_comment_end(c->at, c->end);
            else
                c->at++;
        }
        if (c->at == c->end)
            return;
        c->at++;
        if (read_param(c, &out->list[out->count]))
            out->count++;
    }
}

bool
ptn_content_type_parse(struct ptn_slice value, struct ptn_slice *type,
                       struct ptn_slice *subtype, struct ptn_params *params)
{
    struct cursor c = {value.data, ptn_slice_end(value)};

    if (params)
        params->count = 0;
    *type = read_token(&c);
    skip_blanks(&c);
    if (!type->len || c.at == c.end || *c.at != '/')
        return false;
    c.at++;
    *subtype = read_token(&c);
    if (subtype->len && params)
        read_params(&c, params);
    return subtype->len > 0;
}

bool
ptn_disposition_parse(struct ptn_slice value, struct ptn_slice *disposition,
                      struct ptn_params *params)
{
    struct cursor c = {value.data, ptn_slice_end(value)};

    params->count = 0;
    *disposition = read_token(&c);
    if (disposition->len)
        read_params(&c, params);
    return disposition->len > 0;
}

struct ptn_slice
ptn_token_parse(struct ptn_slice value)
{
    struct cursor c = {value.data, ptn_slice_end(value)};

    return read_token(&c);
}

/* --- values --- */

static void
add_plain(const struct ptn_param *p, struct ptn_buf *out)
{
    for (size_t i = 0; i < p->value.len; i++) {
        if (p->quoted && p->value.data[i] == '\\' && i + 1 < p->value.len)
            i++;
        if (p->value.data[i] != '\r' && p->value.data[i] != '\n')
            ptn_buf_addc(out, p->value.data[i]);
    }
}

/* attribute-char of RFC 2231 section 7. */
static void
add_percent_encoded(struct ptn_buf *out, struct ptn_slice text)
{
    static const char hex[] = "0123456789ABCDEF";

    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.data[i];

        if (ptn_is_token(c) && c != '*' && c != '\'' && c != '%') {
            ptn_buf_addc(out, (char)c);
            continue;
        }
        ptn_buf_addc(out, '%');
        ptn_buf_addc(out, hex[c >> 4]);
        ptn_buf_addc(out, hex[c & 15]);
    }
}

static const struct ptn_param *
find_section(const struct ptn_params *params, struct ptn_slice name,
             int section)
{
    for (size_t i = 0; i < params->count; i++) {
        if (params->list[i].section == section &&
            ptn_slice_caseeq(params->list[i].name, name))
            return &params->list[i];
    }
    return NULL;
}

/* A piece of an extended value; one that is not extended itself stands for
 * its characters (RFC 2231 section 4.1) and must be made like the others. */
static void
add_extended_piece(const struct ptn_param *piece, struct ptn_buf *out)
{
    struct ptn_buf plain = PTN_BUF_INIT;

    if (piece->extended) {
        add_plain(piece, out);
        return;
    }
    add_plain(piece, &plain);
    add_percent_encoded(out, ptn_buf_slice(&plain));
    ptn_buf_free(&plain);
}

/* The whole value that begins with `p`: raw, continuations joined. */
static void
add_value(const struct ptn_params *params, const struct ptn_param *p,
          struct ptn_buf *out)
{
    const struct ptn_param *piece = p;

    add_plain(p, out);
    for (int i = 1; p->section == 0 && piece; i++) {
        piece = find_section(params, p->name, i);
        if (piece && p->extended)
            add_extended_piece(piece, out);
        else if (piece)
            add_plain(piece, out);
    }
}

/* "charset'language'text%20with%20octets", from `start` of `out` on, becomes
 * what stands behind the second apostrophe. */
static void
decode_extended(struct ptn_buf *out, size_t start)
{
    size_t to = start, from = start;

    for (int quotes = 0; quotes < 2; quotes++) {
        const char *quote =
            out->len > from ? memchr(out->data + from, '\'', out->len - from)
                            : NULL;

        if (!quote) {
            from = start;
            break;
        }
        from = (size_t)(quote - out->data) + 1;
    }
    for (; from < out->len; from++) {
        char c = out->data[from];

        if (c == '%' && out->len - from > 2) {
            int high = ptn_hex_value((unsigned char)out->data[from + 1]);
            int low = ptn_hex_value((unsigned char)out->data[from + 2]);

            if (high >= 0 && low >= 0) {
                c = (char)(high << 4 | low);
                from += 2;
            }
        }
        out->data[to++] = c;
    }
    out->len = to;
}

bool
ptn_params_get(const struct ptn_params *params, struct ptn_slice name,
               struct ptn_buf *out)
{
    const struct ptn_param *p = find_section(params, name, -1);
    size_t start = out->len;

    if (!p)
        p = find_section(params, name, 0);
    if (!p)
        return false;
    add_value(params, p, out);
    if (p->extended)
        decode_extended(out, start);
    return true;
}

/* Marks the pieces that are told as part of another one. */
static void
mark_pieces(const struct ptn_params *params, bool *told)
{
    for (size_t i = 0; i < params->count; i++) {
        const struct ptn_param *p = &params->list[i], *piece = p;

        if (p->section != 0)
            continue;
        told[i] = find_section(params, p->name, 0) != p;
        for (int k = 1; !told[i] && piece; k++) {
            piece = find_section(params, p->name, k);
            if (piece)
                told[piece - params->list] = true;
        }
    }
}

static void
write_param(const struct ptn_params *params, const struct ptn_param *p,
            struct ptn_buf *scratch, struct ptn_buf *out)
{
    scratch->len = 0;
    ptn_buf_addslice(scratch, p->name);
    if (p->section > 0) { /* its beginning is missing: as it stands */
        ptn_buf_addc(scratch, '*');
        ptn_buf_addu64(scratch, (uint64_t)p->section);
    }
    if (p->extended)
        ptn_buf_addc(scratch, '*');
    ptn_imap_add_string(out, ptn_buf_slice(scratch));
    ptn_buf_addc(out, ' ');
    scratch->len = 0;
    add_value(params, p, scratch);
    ptn_imap_add_string(out, ptn_buf_slice(scratch));
}

void
ptn_params_write(const struct ptn_params *params, struct ptn_buf *scratch,
                 struct ptn_buf *out)
{
    bool told[PTN_PARAMS_MAX] = {false};
    char before = '(';

    mark_pieces(params, told);
    for (size_t i = 0; i < params->count; i++) {
        if (told[i])
            continue;
        ptn_buf_addc(out, before);
        write_param(params, &params->list[i], scratch, out);
        before = ' ';
    }
    if (before == '(')
        ptn_buf_add(out, "NIL", 3);
    else
        ptn_buf_addc(out, ')');
}
