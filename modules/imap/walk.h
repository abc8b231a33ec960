/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The messages that a sequence set or a UID set of a command means, in
 * ascending order, piece by piece: "1:*" costs nothing until it is walked.
 */
#ifndef IMAP_WALK_H
#define IMAP_WALK_H

#include "imap.h"

#include <postern/mail/set.h>

struct imap_walk {
    const struct ptn_uidmap *uids;
    struct ptn_set set; /* resolved; in the command's arena */
    bool by_uid;
    uint32_t last_uid; /* of the view when the command began */
    size_t range;      /* where the walk stands */
    uint32_t at;
};

/* Reads the set at the cursor. A sequence number that no message has is an
 * error (RFC 3501 section 9 "seq-number"); such a UID is not. */
bool imap_walk_parse(struct imap_command *cmd, struct imap_walk *out);

/* The next messages, up to `max`: 0 at the end. */
size_t imap_walk_next(struct imap_walk *w, uint32_t *uids, uint32_t *seqs,
                      size_t max);

/* All of them; `*uids` is for the caller to free, NULL if there are none. */
size_t imap_walk_all(const struct imap_walk *w, uint32_t **uids);

#endif
