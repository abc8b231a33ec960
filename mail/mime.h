/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The tree of a message's MIME parts, as one pass over the message finds it
 * (RFC 2045, RFC 2046). The envelopes of the messages in it are written on
 * the way.
 */
#ifndef PTN_MAIL_MIME_H
#define PTN_MAIL_MIME_H

#include "header.h"

enum ptn_mime_kind {
    PTN_MIME_LEAF,
    PTN_MIME_MULTIPART,
    PTN_MIME_MESSAGE, /* message/rfc822: one child, the message's content */
};

/* The MIME fields of an entity, PTN_FIELD_CONTENT_TYPE first. */
#define PTN_MIME_FIELDS (PTN_FIELD_COUNT - PTN_FIELD_CONTENT_TYPE)
#define PTN_MIME_FIELD(node, field)                                            \
    ((node)->fields[(field)-PTN_FIELD_CONTENT_TYPE])

struct ptn_mime_node {
    enum ptn_mime_kind kind;
    bool text;     /* of type text */
    bool opaque;   /* too deep to look into */
    bool digest;   /* whose parts are messages, unless they say otherwise */
    char encoding; /* as in struct ptn_part */
    uint32_t parent, children;
    uint64_t header, header_len, body, body_len; /* octets of the message */
    uint64_t lines;                              /* of the body */
    size_t envelope, envelope_len; /* of a message's content: in envelopes */
    struct ptn_slice fields[PTN_MIME_FIELDS]; /* raw, data NULL: none */
};

/* Nodes stand in the order of the message, parents before children. There
 * is always a root. */
struct ptn_mime_tree {
    struct ptn_mime_node *nodes;
    uint32_t count, cap;
    struct ptn_buf envelopes;
    struct ptn_buf scratch;
};

/* `prefix` is empty or has whole header lines, the last of which does not go
 * on in `body`. The slices of the tree point into both. */
void ptn_mime_scan(struct ptn_slice prefix, struct ptn_slice body,
                   struct ptn_mime_tree *out);
void ptn_mime_free(struct ptn_mime_tree *tree);

#ifdef PTN_MAIL_COUNT_WORK
/* Octets that the scanner has looked at; tests that its work grows like its
 * input read it. */
extern uint64_t ptn_mime_work;
#endif

#endif
