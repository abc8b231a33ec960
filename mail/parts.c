/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The index of a message's parts, as it is stored: one octet of version,
 * then the entities in the order of the message, parents first. Each is
 *
 *   one octet   bits 0-1 kind, bit 2 text, bits 3-5 encoding
 *   number      octets from the previous entity's body to this header
 *   number      octets of the header
 *   number      octets of the body
 *   number      children, of a multipart alone
 *
 * with numbers of seven bits an octet, the lowest first, the high bit set
 * on all octets but the last. A message of one part takes six octets or so.
 * Pure functions; any thread.
 */
#include "parts.h"

#define VERSION 1
#define NUMBER_MAX 10 /* octets of 64 bits */

static const char encodings[] = "78bq6?";

static void
add_number(struct ptn_buf *out, uint64_t value)
{
    for (; value >= 0x80; value >>= 7)
        ptn_buf_addc(out, (char)(value | 0x80));
    ptn_buf_addc(out, (char)value);
}

static bool
read_number(struct ptn_slice parts, size_t *at, uint64_t *out)
{
    uint64_t value = 0;

    for (unsigned i = 0; i < NUMBER_MAX && *at < parts.len; i++) {
        unsigned char c = (unsigned char)parts.data[(*at)++];

        value |= (uint64_t)(c & 0x7f) << (7 * i);
        if (c < 0x80) {
            *out = value;
            return true;
        }
    }
    return false;
}

void
ptn_parts_write(const struct ptn_mime_tree *tree, struct ptn_buf *out)
{
    uint64_t last = 0;

    ptn_buf_addc(out, VERSION);
    for (uint32_t i = 0; i < tree->count; i++) {
        const struct ptn_mime_node *node = &tree->nodes[i];
        size_t encoding =
            (size_t)(strchr(encodings, node->encoding) - encodings);

        ptn_buf_addc(out, (char)((unsigned)node->kind |
                                 (unsigned)node->text << 2 | encoding << 3));
        add_number(out, node->header - last);
        add_number(out, node->header_len);
        add_number(out, node->body_len);
        if (node->kind == PTN_MIME_MULTIPART)
            add_number(out, node->children);
        last = node->body;
    }
}

/* Adds up, unless that is beyond 64 bits. */
static bool
add_up(uint64_t a, uint64_t b, uint64_t *out)
{
    *out = a + b;
    return *out >= a;
}

/* `out` still has the previous entity, unless this is the first. */
bool
ptn_parts_next(struct ptn_slice parts, size_t *offset,
               struct ptn_parts_entity *out)
{
    uint64_t last = 0, gap, end;
    unsigned octet;

    if (*offset) {
        last = out->body;
    } else {
        if (parts.len < 2 || parts.data[0] != VERSION)
            return false;
        *offset = 1;
    }
    if (*offset >= parts.len)
        return false;
    octet = (unsigned char)parts.data[(*offset)++];
    out->kind = (enum ptn_mime_kind)(octet & 3);
    out->text = octet >> 2 & 1;
    if (out->kind > PTN_MIME_MESSAGE || octet >> 3 >= sizeof(encodings) - 1)
        return false;
    out->encoding = encodings[octet >> 3];
    out->children = out->kind == PTN_MIME_MESSAGE;
    return read_number(parts, offset, &gap) &&
           read_number(parts, offset, &out->header_len) &&
           read_number(parts, offset, &out->body_len) &&
           (out->kind != PTN_MIME_MULTIPART ||
            read_number(parts, offset, &out->children)) &&
           add_up(last, gap, &out->header) &&
           add_up(out->header, out->header_len, &out->body) &&
           add_up(out->body, out->body_len, &end);
}

/* --- finding a part --- */

struct finder {
    struct ptn_slice parts;
    size_t offset;
    struct ptn_parts_entity at; /* the entity read last */
};

static bool
next(struct finder *f)
{
    return ptn_parts_next(f->parts, &f->offset, &f->at);
}

/* Moves from a multipart to its child `number` (from 1 on). */
static bool
enter_child(struct finder *f, uint32_t number)
{
    uint64_t siblings = number, nested = 0;

    if (!number || number > f->at.children)
        return false;
    /* Passes over the children before it, and all that is in them. */
    for (;;) {
        if (!next(f))
            return false;
        if (nested)
            nested--;
        else if (!--siblings)
            return true;
        if (!add_up(nested, f->at.children, &nested))
            return false;
    }
}

/* One number of a section (RFC 3501 section 6.4.5). At the content of a
 * message, 1 is the content itself unless it has parts. */
static bool
enter(struct finder *f, uint32_t number, bool content)
{
    if (!content && f->at.kind == PTN_MIME_MESSAGE) {
        if (!next(f))
            return false;
        content = true;
    }
    if (f->at.kind == PTN_MIME_MULTIPART)
        return enter_child(f, number);
    return content && number == 1;
}

bool
ptn_part_find(struct ptn_slice parts, const uint32_t *numbers, size_t count,
              struct ptn_part *out)
{
    struct finder f = {.parts = parts};
    bool content = true;

    *out = (struct ptn_part){.encoding = '?'};
    if (!next(&f))
        return false;
    for (size_t i = 0; i < count; i++) {
        if (!enter(&f, numbers[i], content))
            return false;
        content = false;
    }
    out->header = f.at.header;
    out->header_len = f.at.header_len;
    out->body = f.at.body;
    out->body_len = f.at.body_len;
    out->encoding = f.at.encoding;
    if (!count) { /* the message itself */
        out->is_message = true;
    } else {
        out->is_message = f.at.kind == PTN_MIME_MESSAGE;
        if (out->is_message && !next(&f))
            return false;
        if (!out->is_message)
            return true;
    }
    out->inner_header = f.at.header;
    out->inner_header_len = f.at.header_len;
    out->inner_body = f.at.body;
    out->inner_body_len = f.at.body_len;
    return true;
}
