/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The memory that the supervisor and its workers share: what each worker
 * counts, and the session ticket keys of its group.
 */
#ifndef PTN_PROC_SHARED_H
#define PTN_PROC_SHARED_H

#include "metrics/tally.h"
#include "net/counters.h"
#include "proc/tickets.h"

/* Visitors of the server's own at once. */
#define PTN_VISITS_MAX 64

/* Written by the process whose it is, and emptied when that is gone. Each
 * begins on its own cache line; its area is on pages of its own. */
struct ptn_slot {
    _Alignas(64) struct ptn_counters counters;
};

/* Behind an area, on its pages. Odd `version`: being written. */
struct ptn_ticket_box {
    _Atomic uint32_t version;
    uint8_t keys[PTN_TICKET_RING_SIZE];
};

/* The mapping's head. Any process may have written anything into it, since a
 * worker may be anybody's: nobody believes a number there. */
struct ptn_common {
    atomic_int log_level;  /* of all processes */
    _Atomic unsigned used; /* no slot from here on has had a worker */
    /* Ports that the server's own visitors (activation.h) come from now. */
    _Atomic unsigned visits;
    _Atomic uint16_t visitors[PTN_VISITS_MAX];
};

/* Each process's own: what leads to memory and says how much there is. */
struct ptn_shared {
    unsigned workers;          /* slots of these; then, those of wardens */
    struct ptn_common *common; /* shared */
    struct ptn_slot *slots;    /* shared */
    char *areas;               /* shared by the slot's owner and main */
    struct ptn_counters past;  /* what workers counted that are no more */
    struct ptn_tally *gone;    /* the same of areas */
};

/* Workers of all generations together, and wardens. */
#define PTN_SLOTS_MAX 320
#define PTN_WARDEN_SLOTS 8

/* NULL with `err`. Inherited by children. A slot that is not used takes no
 * memory. Its areas are for so many listeners, or somewhat more: reloads may
 * add some. From now on it has the log's level. */
struct ptn_shared *ptn_shared_new(unsigned workers, size_t listeners,
                                  struct ptn_error *err);
void ptn_shared_free(struct ptn_shared *shared);

struct ptn_area *ptn_shared_area(const struct ptn_shared *shared,
                                 unsigned slot);
/* In a child, before foreign code runs in it: what others count is out of
 * reach, but for the plain numbers of `slots`; so are others' ticket keys. */
void ptn_shared_keep(struct ptn_shared *shared, unsigned slot);

/* The process in the slot has ended: what it counted is kept, and the slot
 * is empty. */
void ptn_shared_fold(struct ptn_shared *shared, unsigned slot);

/* The slot of a warden, by its id. */
static inline unsigned
ptn_shared_warden(const struct ptn_shared *shared, unsigned id)
{
    return shared->workers + id % PTN_WARDEN_SLOTS;
}

/* Adds all that was counted, by processes that are and were. */
void ptn_shared_sum(const struct ptn_shared *shared, struct ptn_tally *tally);

/* Connections that the workers of all slots hold now. A worker begins with
 * ptn_shared_use. Any process. */
void ptn_shared_use(struct ptn_shared *shared, unsigned slot);
uint64_t ptn_shared_sessions(const struct ptn_shared *shared);

/* The main process gives the slot's its ring of keys; and that process takes
 * a copy, a consistent one. */
void ptn_shared_give_tickets(struct ptn_shared *shared, unsigned slot,
                             const uint8_t ring[PTN_TICKET_RING_SIZE]);
void ptn_shared_tickets(const struct ptn_shared *shared, unsigned slot,
                        uint8_t out[PTN_TICKET_RING_SIZE]);

/* One more visitor of the server's own comes from that port; and none does
 * any more. Any process, one at a time. A full list changes nothing. */
void ptn_shared_visit(struct ptn_shared *shared, uint16_t port);
void ptn_shared_end_visits(struct ptn_shared *shared);
bool ptn_shared_is_visit(const struct ptn_shared *shared, uint16_t port);

#endif
