/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * See der.h. No state; every length is checked against what is there.
 */
#include "der.h"

enum {
    LENGTH_OCTETS = 4, /* 4 GB, and no input is as long */
    DEPTH_MAX = 32     /* a PKCS #12 file has 12 */
};

void
ptn_x509_wipe(struct ptn_buf *b)
{
    if (b->cap > 0)
        ptn_wipe(b->data, b->cap);
    ptn_buf_free(b);
}

/* X.690 section 10.1: definite, in as few octets as it takes; `strict` says
 * whether that matters. False for the indefinite form. */
static bool
read_length(struct ptn_slice s, bool strict, size_t *at, size_t *len)
{
    if (*at >= s.len)
        return false;
    *len = (uint8_t)s.data[(*at)++];
    if (*len < 128)
        return true;
    size_t octets = *len & 127, value = 0;
    if (octets == 0 || octets > LENGTH_OCTETS || octets > s.len - *at)
        return false;
    for (size_t i = 0; i < octets; i++)
        value = value << 8 | (uint8_t)s.data[(*at)++];
    *len = value;
    return !strict || (value > 127 && value >> (8 * (octets - 1)) != 0);
}

bool
ptn_der_next(struct ptn_slice *rest, struct ptn_der *out)
{
    size_t at = 1, len;
    if (rest->len < 2 || (rest->data[0] & 31) == 31 ||
        !read_length(*rest, true, &at, &len) || len > rest->len - at)
        return false;
    out->tag = (uint8_t)rest->data[0];
    out->body = ptn_slice_sub(*rest, at, len);
    out->whole = ptn_slice_sub(*rest, 0, at + len);
    *rest = ptn_slice_sub(*rest, at + len, rest->len - at - len);
    return true;
}

bool
ptn_der_get(struct ptn_slice *rest, uint8_t tag, struct ptn_slice *body)
{
    struct ptn_der der;
    if (ptn_der_peek(*rest) != tag || !ptn_der_next(rest, &der))
        return false;
    *body = der.body;
    return true;
}

void
ptn_der_skip(struct ptn_slice *rest, uint8_t tag)
{
    struct ptn_slice body;
    (void)ptn_der_get(rest, tag, &body);
}

bool
ptn_der_number(struct ptn_slice *rest, uint32_t *out)
{
    struct ptn_slice body;
    if (!ptn_der_get(rest, DER_INTEGER, &body) || body.len == 0 ||
        body.len > 4 || (body.data[0] & 0x80))
        return false;
    *out = 0;
    for (size_t i = 0; i < body.len; i++)
        *out = *out << 8 | (uint8_t)body.data[i];
    return true;
}

uint8_t
ptn_der_peek(struct ptn_slice rest)
{
    return rest.len > 0 ? (uint8_t)rest.data[0] : 0;
}

/* A tag and a length; how many octets. */
static size_t
make_head(uint8_t head[2 + LENGTH_OCTETS], uint8_t tag, size_t len)
{
    size_t n = 0, octets = 0;
    head[n++] = tag;
    if (len < 128) {
        head[n++] = (uint8_t)len;
        return n;
    }
    while (len >> (8 * octets) != 0)
        octets++;
    head[n++] = (uint8_t)(128 | octets);
    while (octets-- > 0)
        head[n++] = (uint8_t)(len >> (8 * octets));
    return n;
}

void
ptn_der_add(struct ptn_buf *out, uint8_t tag, struct ptn_slice body)
{
    uint8_t head[2 + LENGTH_OCTETS];
    ptn_buf_add(out, head, make_head(head, tag, body.len));
    ptn_buf_addslice(out, body);
}

void
ptn_der_add_number(struct ptn_buf *out, uint32_t value)
{
    char octets[5] = {0, (char)(value >> 24), (char)(value >> 16),
                      (char)(value >> 8), (char)value};
    size_t from = 0;
    while (from < 4 && octets[from] == 0 && !(octets[from + 1] & 0x80))
        from++;
    ptn_der_add(out, DER_INTEGER,
                (struct ptn_slice){octets + from, sizeof(octets) - from});
}

void
ptn_der_close(struct ptn_buf *out, size_t from, uint8_t tag)
{
    uint8_t head[2 + LENGTH_OCTETS];
    size_t body = out->len - from, n = make_head(head, tag, body);
    (void)ptn_buf_reserve(out, n);
    memmove(out->data + from + n, out->data + from, body);
    memcpy(out->data + from, head, n);
    out->len += n;
}

/* --- BER --- */

static bool copy_element(struct ptn_slice *in, struct ptn_buf *out, int depth);

static bool
at_end(struct ptn_slice in)
{
    return in.len >= 2 && in.data[0] == 0 && in.data[1] == 0;
}

/* The pieces of a string, one after the other (X.690 section 8.7.3). */
static bool
join(struct ptn_slice pieces, struct ptn_buf *out)
{
    struct ptn_slice body;
    while (pieces.len > 0) {
        if (!ptn_der_get(&pieces, DER_OCTETS, &body))
            return false;
        ptn_buf_addslice(out, body);
    }
    return true;
}

/* What is between an indefinite length and its end. */
static bool
copy_open(struct ptn_slice *in, struct ptn_buf *out, int depth)
{
    while (!at_end(*in))
        if (!copy_element(in, out, depth))
            return false;
    *in = ptn_slice_sub(*in, 2, in->len - 2);
    return true;
}

static bool
copy_all(struct ptn_slice body, struct ptn_buf *out, int depth)
{
    while (body.len > 0)
        if (!copy_element(&body, out, depth))
            return false;
    return true;
}

static bool
copy_body(struct ptn_slice *in, uint8_t tag, struct ptn_buf *out, int depth)
{
    size_t at = 0, len;
    bool constructed = (tag & 0x20) != 0;
    if (in->len > 0 && (uint8_t)in->data[0] == 0x80) {
        *in = ptn_slice_sub(*in, 1, in->len - 1);
        return constructed && copy_open(in, out, depth);
    }
    if (!read_length(*in, false, &at, &len) || len > in->len - at)
        return false;
    struct ptn_slice body = ptn_slice_sub(*in, at, len);
    *in = ptn_slice_sub(*in, at + len, in->len - at - len);
    if (constructed)
        return copy_all(body, out, depth);
    ptn_buf_addslice(out, body);
    return true;
}

static bool
copy_element(struct ptn_slice *in, struct ptn_buf *out, int depth)
{
    if (in->len < 2 || depth >= DEPTH_MAX || (in->data[0] & 31) == 31)
        return false;
    uint8_t tag = (uint8_t)in->data[0];
    size_t from = out->len;
    *in = ptn_slice_sub(*in, 1, in->len - 1);
    if (!copy_body(in, tag, out, depth + 1))
        return false;
    if (tag == (DER_OCTETS | 0x20)) {
        struct ptn_buf whole = PTN_BUF_INIT;
        (void)ptn_buf_reserve(&whole, out->len - from);
        bool ok =
            join((struct ptn_slice){out->data + from, out->len - from}, &whole);
        out->len = from;
        ptn_buf_addslice(out, ptn_buf_slice(&whole));
        ptn_x509_wipe(&whole);
        tag = DER_OCTETS;
        if (!ok)
            return false;
    }
    ptn_der_close(out, from, tag);
    return true;
}

bool
ptn_ber_to_der(struct ptn_slice in, struct ptn_buf *out)
{
    /* Closing an indefinite length takes up to four octets more than it had,
     * less the two of its end. */
    (void)ptn_buf_reserve(out, in.len * 3 + 16);
    return copy_element(&in, out, 0);
}
