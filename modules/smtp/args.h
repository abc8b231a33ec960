/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Arguments of MAIL and RCPT (RFC 5321 section 4.1.2).
 */
#ifndef SMTP_ARGS_H
#define SMTP_ARGS_H

#include <postern/mail/address.h>

/* Reads `word` ("FROM:") and the path after it. `*rest` is what follows, to
 * be read with smtp_param_next. NULL, or a reply that refuses. */
const char *smtp_path_read(struct ptn_slice args, const char *word,
                           struct ptn_path *path, struct ptn_slice *rest);

struct smtp_param {
    struct ptn_slice name, value; /* value.data NULL: no "=" */
};

/* The next parameter: 1, 0 at the end, -1 when it is malformed. */
int smtp_param_next(struct ptn_slice *rest, struct smtp_param *out);

/* Whether it is xtext (RFC 3461 section 4), which is all that is looked at
 * in AUTH=. */
bool smtp_xtext_valid(struct ptn_slice text);

#endif
