/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * See pem.h. No state. Copies that may be of a key are wiped.
 */
#include "pem.h"

#include "der.h"

enum {
    LINE = 64 /* base64 characters a line, RFC 7468 section 2 */
};

static const char begins[] = "-----BEGIN ", ends[] = "-----END ",
                  dashes[] = "-----";

/* Where `word` first is, or NULL. */
static const char *
find(struct ptn_slice in, const char *word)
{
    return in.len > 0 ? memmem(in.data, in.len, word, strlen(word)) : NULL;
}

static struct ptn_slice
from(struct ptn_slice in, const char *at)
{
    size_t passed = (size_t)(at - in.data);
    return ptn_slice_sub(in, passed, in.len - passed);
}

static struct ptn_slice
line_of(struct ptn_slice *rest)
{
    size_t len = 0;
    while (len < rest->len && rest->data[len] != '\n' &&
           rest->data[len] != '\r')
        len++;
    struct ptn_slice line = ptn_slice_sub(*rest, 0, len);
    if (len < rest->len && rest->data[len] == '\r')
        len++;
    if (len < rest->len && rest->data[len] == '\n')
        len++;
    *rest = ptn_slice_sub(*rest, len, rest->len - len);
    return line;
}

/* RFC 1421 section 4.4: headers end with an empty line. */
static void
split_headers(struct ptn_x509_pem *out)
{
    struct ptn_slice rest = out->base64, first = rest;
    (void)line_of(&first);
    if (!memchr(out->base64.data, ':', (size_t)(first.data - out->base64.data)))
        return;
    while (rest.len > 0 && line_of(&rest).len > 0)
        ;
    out->headers =
        ptn_slice_sub(out->base64, 0, (size_t)(rest.data - out->base64.data));
    out->base64 = rest;
}

/* The line END with the same label. */
static const char *
find_end(struct ptn_slice in, struct ptn_slice label)
{
    for (const char *at; (at = find(in, ends)) != NULL;) {
        struct ptn_slice s = from(in, at + sizeof(ends) - 1);
        if (s.len >= label.len + 5 &&
            memcmp(s.data, label.data, label.len) == 0 &&
            memcmp(s.data + label.len, dashes, 5) == 0)
            return at;
        in = s;
    }
    return NULL;
}

enum ptn_x509_pem_result
ptn_x509_pem_next(struct ptn_slice *rest, struct ptn_x509_pem *out)
{
    memset(out, 0, sizeof(*out));
    const char *at = find(*rest, begins);
    if (!at)
        return PTN_X509_PEM_END;
    struct ptn_slice s = from(*rest, at + sizeof(begins) - 1);
    struct ptn_slice line = line_of(&s);
    const char *close = find(line, dashes);
    const char *end = NULL;
    if (close) {
        out->label = ptn_slice_sub(line, 0, (size_t)(close - line.data));
        end = find_end(s, out->label);
    }
    if (!end)
        return PTN_X509_PEM_CUT;
    out->base64 = ptn_slice_sub(s, 0, (size_t)(end - s.data));
    if (out->base64.len > 0)
        split_headers(out);
    *rest = from(s, end + sizeof(ends) - 1 + out->label.len + 5);
    return PTN_X509_PEM_BLOCK;
}

bool
ptn_x509_pem_decode(const struct ptn_x509_pem *block, struct ptn_buf *der)
{
    struct ptn_buf plain = PTN_BUF_INIT;
    (void)ptn_buf_reserve(&plain, block->base64.len + 1);
    (void)ptn_buf_reserve(der, block->base64.len + 4);
    for (size_t i = 0; i < block->base64.len; i++) {
        char c = block->base64.data[i];
        if (c != '\r' && c != '\n' && c != ' ' && c != '\t')
            ptn_buf_addc(&plain, c);
    }
    bool ok = plain.len > 0 && ptn_base64_decode(der, ptn_buf_slice(&plain));
    ptn_x509_wipe(&plain);
    return ok;
}

bool
ptn_x509_pem_find(struct ptn_slice pem, const char *label, struct ptn_buf *der)
{
    struct ptn_x509_pem block;
    while (ptn_x509_pem_next(&pem, &block) == PTN_X509_PEM_BLOCK)
        if (ptn_slice_eq(block.label, ptn_slice_of(label)))
            return ptn_x509_pem_decode(&block, der);
    return false;
}

void
ptn_x509_pem_add(struct ptn_buf *out, const char *label, struct ptn_slice der)
{
    struct ptn_buf text = PTN_BUF_INIT;
    (void)ptn_buf_reserve(&text, der.len / 3 * 4 + 8);
    (void)ptn_buf_reserve(out, der.len / 3 * 4 + der.len / 48 + 128);
    ptn_base64_encode(&text, der);
    ptn_buf_printf(out, "%s%s%s\n", begins, label, dashes);
    for (size_t at = 0; at < text.len; at += LINE) {
        size_t left = text.len - at;
        ptn_buf_add(out, text.data + at, left < LINE ? left : LINE);
        ptn_buf_addc(out, '\n');
    }
    ptn_buf_printf(out, "%s%s%s\n", ends, label, dashes);
    ptn_x509_wipe(&text);
}
