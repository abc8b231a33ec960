/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Line ends inside of a message (RFC 5321 section 2.3.8): CR and LF come
 * together or not at all.
 */
#ifndef SMTP_NEWLINE_H
#define SMTP_NEWLINE_H

#include <postern/buf.h>
#include <postern/protocol.h>

/* What is wrong with a text: bits of enum ptn_fault (NUL, bare LF, bare
 * CR, lines over `max_line`). For content that came as counted octets. */
unsigned smtp_newline_faults(struct ptn_slice text, size_t max_line);

/* Makes CRLF of every bare CR and LF. */
void smtp_newline_mend(struct ptn_buf *text);

#endif
