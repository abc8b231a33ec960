/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The contract's calls that read. Loop thread or a lane's.
 */
#ifndef VAULT_READ_H
#define VAULT_READ_H

#include "index.h"

/* Finds out the number of a mailbox whose user had no mail when it was
 * opened, if it has one by now. */
void vault_mailbox_resolve(struct vault *v, struct ptn_mailbox *m);

/* The fixed record as the contract's message; no text. */
void vault_message_fill(uint32_t uid, const struct vault_message *from,
                        struct ptn_message *to);

enum ptn_status vault_list(void *store, const char *user,
                           bool (*fn)(void *arg,
                                      const struct ptn_mailbox_entry *entry),
                           void *arg);
enum ptn_status vault_status(void *store, const char *user,
                             struct ptn_slice mailbox,
                             struct ptn_mailbox_info *out);
enum ptn_status vault_mailbox_open(void *store, const char *user,
                                   struct ptn_slice mailbox, bool writable,
                                   struct ptn_mailbox **out,
                                   struct ptn_mailbox_info *info,
                                   struct ptn_uidmap *uids);
void vault_mailbox_close(void *store, struct ptn_mailbox *mailbox);
enum ptn_status vault_info(void *store, struct ptn_mailbox *mailbox,
                           struct ptn_mailbox_info *out);
enum ptn_status vault_usage(void *store, const char *user, uint64_t *octets);

enum ptn_status vault_fetch(void *store, struct ptn_mailbox *mailbox,
                            const uint32_t *uids, size_t count, unsigned items,
                            bool (*fn)(void *arg,
                                       const struct ptn_message *message),
                            void *arg);
enum ptn_status vault_changes(void *store, struct ptn_mailbox *mailbox,
                              uint64_t modseq, const struct ptn_uidmap *known,
                              const struct ptn_store_changes *tell,
                              uint64_t *now);

enum ptn_status vault_body_open(void *store, struct ptn_mailbox *mailbox,
                                uint32_t uid, struct ptn_body **out,
                                uint64_t *size);
ptrdiff_t vault_body_read(void *store, struct ptn_body *body, uint64_t offset,
                          void *into, size_t len, bool nowait);
void vault_body_close(void *store, struct ptn_body *body);

#endif
