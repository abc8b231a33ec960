/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The session ticket keys: a ring of them for each group of workers, as a
 * client comes back to any worker of a group, and no group shall read what
 * another one's clients said. They are the main process's: a worker gets the
 * ring of its group alone (proc/shared.h). One thread.
 */
#ifndef PTN_PROC_TICKETS_H
#define PTN_PROC_TICKETS_H

#include <postern/error.h>
#include <postern/tls.h>

#define PTN_TICKET_KEYS 3 /* of a ring, newest first */
#define PTN_TICKET_RING_SIZE (PTN_TICKET_KEYS * PTN_TLS_TICKET_KEY_SIZE)
#define PTN_TICKET_ROTATION_MS (UINT64_C(12) * 3600 * 1000)

struct ptn_ticket_ring {
    char *group;
    uint8_t keys[PTN_TICKET_RING_SIZE];
};

struct ptn_tickets {
    struct ptn_ticket_ring *rings;
    size_t count;
};

#define PTN_TICKETS_INIT ((struct ptn_tickets){NULL, 0})

/* The ring of a group, which is made if there is none: NULL with `err`. It
 * stays in place until the next call. */
const uint8_t *ptn_tickets_of(struct ptn_tickets *tickets, const char *group,
                              struct ptn_error *err);
/* Takes that of the server before this one (heir.h). */
void ptn_tickets_put(struct ptn_tickets *tickets, const char *group,
                     const uint8_t keys[PTN_TICKET_RING_SIZE]);
/* Each ring gets a new first key and forgets its last. */
int ptn_tickets_rotate(struct ptn_tickets *tickets, struct ptn_error *err);
/* Wipes all. Also in a child, which inherits them. */
void ptn_tickets_free(struct ptn_tickets *tickets);

#endif
