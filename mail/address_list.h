/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Address lists of header fields, told as IMAP tells them.
 */
#ifndef PTN_MAIL_ADDRESS_LIST_H
#define PTN_MAIL_ADDRESS_LIST_H

#include <postern/buf.h>

/* Writes address lists into one IMAP list. The parenthesis that opens it is
 * written with the first address; `count` addresses have been written. */
struct ptn_address_writer {
    struct ptn_buf *out;
    struct ptn_buf *scratch; /* the caller's; its content is lost */
    size_t count;
};

/* Reads one field's raw value and appends its addresses, each as
 * (name NIL mailbox host). Any text gives something sensible. */
void ptn_address_list_add(struct ptn_address_writer *writer,
                          struct ptn_slice value);

/* Ends the list; NIL when it has no address. */
void ptn_address_list_end(struct ptn_address_writer *writer);

#endif
