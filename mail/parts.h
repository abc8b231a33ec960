/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The index of a message's parts: where each lies, in a few octets.
 */
#ifndef PTN_MAIL_PARTS_H
#define PTN_MAIL_PARTS_H

#include "mime.h"

void ptn_parts_write(const struct ptn_mime_tree *tree, struct ptn_buf *out);

/* One entity of an index, in the order of the message. */
struct ptn_parts_entity {
    enum ptn_mime_kind kind;
    bool text;
    char encoding;
    uint64_t header, header_len, body, body_len;
    uint64_t children;
};

/* Reads the entities one after the other, beginning with *offset = 0: false
 * at the end, or where the index is damaged. */
bool ptn_parts_next(struct ptn_slice parts, size_t *offset,
                    struct ptn_parts_entity *out);

#endif
