/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A selected mailbox as one session sees it: which UID has which sequence
 * number, and up to which modseq it has been told. The view only changes in
 * imap_view_sync, at the end of a command or in IDLE; so sequence numbers
 * hold still while a command runs, whatever other sessions do. (New messages
 * may join at the end in between; a command's own set ends before them.)
 */
#ifndef IMAP_VIEW_H
#define IMAP_VIEW_H

#include "imap.h"

/* Opens a mailbox into a new view: PTN_OK, or why not (no view then). The
 * session must have none. `info` is filled for the answer. */
enum ptn_status imap_view_open(struct ptn_session *s, struct ptn_slice name,
                               bool writable, struct ptn_mailbox_info *info);
/* Leaves the mailbox; nothing happens without one. */
void imap_view_close(struct ptn_session *s);

/* Tells the session what is new: EXPUNGE (only if allowed now), EXISTS,
 * RECENT, FLAGS and FETCH. What may not be told now stays pending. At most
 * IMAP_SYNC_BUDGET octets or so; true when there is more to tell. */
bool imap_view_sync(struct ptn_session *s, bool may_expunge);

/* IDLE: news become PTN_EVENT_POSTED until unwatched. */
void imap_view_watch(struct ptn_session *s);
void imap_view_unwatch(struct ptn_session *s);

bool imap_view_writable(const struct imap_view *v);
bool imap_view_dead(const struct imap_view *v); /* a sync found it deleted */
bool imap_view_is_gone(struct ptn_session *s);  /* it is deleted by now */
struct ptn_mailbox *imap_view_mailbox(const struct imap_view *v);
const struct ptn_uidmap *imap_view_uids(const struct imap_view *v);
bool imap_view_is_recent(const struct imap_view *v, uint32_t uid);
uint32_t imap_view_recent(const struct imap_view *v);
uint64_t imap_view_modseq(const struct imap_view *v); /* told up to here */

/* The change with that modseq was made by this session, which tells it to
 * the client in its own way: it is no news. Not for an operation that
 * changed nothing: its modseq is somebody else's. */
void imap_view_told(struct ptn_session *s, uint64_t modseq);
/* Takes in the news without telling them; the modseq they go up to. */
uint64_t imap_view_catch_up(struct ptn_session *s);

/* Flag lists as the mailbox's keyword table has them. `knows` is false for
 * a keyword that is not in our copy of the table; then `refresh` reads it
 * anew and tells the client, or returns false when there is nothing new. */
bool imap_view_knows(const struct imap_view *v, const struct ptn_flags *flags);
bool imap_view_refresh(struct ptn_session *s);
void imap_view_put_flags(const struct imap_view *v, struct ptn_buf *out,
                         const struct ptn_message *m);
/* "* FLAGS (...)", and "* OK [PERMANENTFLAGS (...)]". */
void imap_view_put_flag_table(const struct imap_view *v, struct ptn_buf *out);

/* The keyword names in bit order. */
size_t imap_view_keywords(const struct imap_view *v,
                          const struct ptn_slice **out);

#endif
