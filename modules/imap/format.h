/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Pieces of responses, written without printf: FETCH of ten thousand
 * messages spends its time here.
 */
#ifndef IMAP_FORMAT_H
#define IMAP_FORMAT_H

#include <postern/buf.h>

#define IMAP_DIGITS_MAX 20 /* of a 64 bit number */

/* Writes decimal digits at `p`, which has room; returns behind them. */
char *imap_digits(char *p, uint64_t value);

/* "* 12 FETCH (": the beginning of a response about one message. */
void imap_put_fetch(struct ptn_buf *out, uint32_t seq);
/* "* 12 EXISTS" and the like, with line end. */
void imap_put_count(struct ptn_buf *out, uint32_t count, const char *what);

/* "MODSEQ (12)"; `word` is what stands before the number. */
void imap_put_modseq(struct ptn_buf *out, const char *word, uint64_t modseq);

/* A string: quoted if it can be, else as a literal. */
void imap_put_string(struct ptn_buf *out, struct ptn_slice s);
/* An astring: without quotes if it can be. */
void imap_put_astring(struct ptn_buf *out, struct ptn_slice s);
/* A mailbox name of ours (UTF-8) as the wire has it. */
void imap_put_mailbox(struct ptn_buf *out, struct ptn_slice name);
/* "\Seen \Draft": system flags, with blanks between; returns how many
 * octets. */
size_t imap_put_system_flags(struct ptn_buf *out, uint32_t flags);

#endif
