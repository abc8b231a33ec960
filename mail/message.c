/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The scan of a message at delivery: one pass, three results. Not
 * thread-safe on one result; no state otherwise.
 */
#include "mime.h"
#include "parts.h"
#include "structure.h"

/* What the results of a common message take. */
#define STRUCTURE_ROOM 256
#define PARTS_ROOM 32

/* Whether the last field of these header lines is one that the scanner
 * reads. */
static bool
ends_in_known_field(struct ptn_slice lines)
{
    struct ptn_header_field field = {.name = {NULL, 0}};

    for (size_t at = 0; ptn_header_next(lines, &at, &field);)
        continue;
    return field.name.len && ptn_field_of(field.name) != PTN_FIELD_OTHER;
}

/* Whether a header can be read from both slices in turn: the prefix is whole
 * lines, none of them empty. A fold at the beginning of the body matters
 * where it belongs to a field that is read; else nobody will miss it. */
static bool
is_apart(struct ptn_slice prefix, struct ptn_slice body)
{
    size_t at = 0;

    if (!prefix.len)
        return true;
    if (prefix.data[prefix.len - 1] != '\n')
        return false;
    while (at < prefix.len && !ptn_line_empty(prefix, at))
        at += ptn_line_length(prefix, at);
    if (at < prefix.len)
        return false;
    return !body.len || (body.data[0] != ' ' && body.data[0] != '\t') ||
           !ends_in_known_field(prefix);
}

static void
scan(struct ptn_slice prefix, struct ptn_slice body,
     struct ptn_message_scan *out)
{
    struct ptn_mime_tree tree;
    const struct ptn_mime_node *root;

    ptn_mime_scan(prefix, body, &tree);
    root = &tree.nodes[0];
    ptn_buf_reserve(&out->structure, STRUCTURE_ROOM);
    ptn_structure_write(&tree, &out->structure);
    ptn_buf_reserve(&out->parts, PARTS_ROOM);
    ptn_parts_write(&tree, &out->parts);
    if (tree.count > 1)
        ptn_buf_add(&out->envelope, tree.envelopes.data + root->envelope,
                    root->envelope_len);
    else { /* the only one there is: no need to copy it */
        out->envelope = tree.envelopes;
        tree.envelopes = PTN_BUF_INIT;
    }
    ptn_mime_free(&tree);
}

void
ptn_message_scan(struct ptn_slice prefix, struct ptn_slice body,
                 struct ptn_message_scan *out)
{
    struct ptn_buf whole = PTN_BUF_INIT;

    *out = (struct ptn_message_scan){PTN_BUF_INIT, PTN_BUF_INIT, PTN_BUF_INIT};
    if (is_apart(prefix, body)) {
        scan(prefix, body, out);
        return;
    }
    /* Not what delivery makes: prefixes are trace fields. */
    ptn_buf_addslice(&whole, prefix);
    ptn_buf_addslice(&whole, body);
    scan((struct ptn_slice){NULL, 0}, ptn_buf_slice(&whole), out);
    ptn_buf_free(&whole);
}

void
ptn_message_scan_free(struct ptn_message_scan *scan)
{
    ptn_buf_free(&scan->envelope);
    ptn_buf_free(&scan->structure);
    ptn_buf_free(&scan->parts);
}
