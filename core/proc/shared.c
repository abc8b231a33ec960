/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The shared mapping. One writer, the supervisor's main thread (or the
 * single process's); readers in all workers.
 */
#include "proc/shared.h"
#include "log/log.h"
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>

static size_t
size_for(unsigned workers)
{
    return sizeof(struct ptn_shared) +
           (workers + PTN_WARDEN_SLOTS) * sizeof(struct ptn_slot);
}

struct ptn_shared *
ptn_shared_new(unsigned workers, struct ptn_error *err)
{
    struct ptn_shared *shared =
        mmap(NULL, size_for(workers), PROT_READ | PROT_WRITE,
             MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (shared == MAP_FAILED) {
        ptn_error_errno(err, "cannot share memory with workers");
        return NULL;
    }
    shared->workers = workers;
    shared->gone = ptn_tally_new();
    ptn_log_share_level(&shared->log_level);
    /* Ticket keys have no place in a core dump. */
    (void)madvise(shared, size_for(workers), MADV_DONTDUMP);
    for (unsigned i = 0; i < PTN_TICKET_KEYS; i++)
        if (ptn_shared_rotate(shared, err) != 0) {
            ptn_shared_free(shared);
            return NULL;
        }
    return shared;
}

void
ptn_shared_free(struct ptn_shared *shared)
{
    ptn_log_share_level(NULL);
    ptn_tally_free(shared->gone);
    munmap(shared, size_for(shared->workers));
}

void
ptn_shared_fold(struct ptn_shared *shared, unsigned slot)
{
    _Atomic uint64_t *to = (_Atomic uint64_t *)&shared->past;
    _Atomic uint64_t *from = (_Atomic uint64_t *)&shared->slots[slot].counters;

    _Static_assert(sizeof(struct ptn_counters) % sizeof *to == 0, "counters");
    atomic_store(&shared->slots[slot].counters.sessions_open, 0);
    ptn_tally_add(shared->gone, &shared->slots[slot].area, true);
    ptn_area_clear(&shared->slots[slot].area);
    for (size_t i = 0; i < sizeof(struct ptn_counters) / sizeof *to; i++) {
        ptn_count(&to[i], atomic_load(&from[i]));
        atomic_store(&from[i], 0);
    }
}

void
ptn_shared_sum(const struct ptn_shared *shared, struct ptn_tally *tally)
{
    ptn_tally_merge(tally, shared->gone);
    for (unsigned i = 0; i < shared->workers + PTN_WARDEN_SLOTS; i++)
        ptn_tally_add(tally, &shared->slots[i].area, false);
}

void
ptn_shared_use(struct ptn_shared *shared, unsigned slot)
{
    unsigned used = atomic_load(&shared->used);

    while (used <= slot &&
           !atomic_compare_exchange_weak(&shared->used, &used, slot + 1))
        continue;
}

uint64_t
ptn_shared_sessions(const struct ptn_shared *shared)
{
    unsigned used = atomic_load(&shared->used);
    uint64_t sum = 0;

    for (unsigned i = 0; i < used; i++)
        sum += atomic_load_explicit(&shared->slots[i].counters.sessions_open,
                                    memory_order_relaxed);
    return sum;
}

int
ptn_shared_rotate(struct ptn_shared *shared, struct ptn_error *err)
{
    uint8_t key[PTN_TLS_TICKET_KEY_SIZE];

    if (getrandom(key, sizeof key, 0) != (ssize_t)sizeof key)
        return ptn_error_errno(err, "no random numbers for ticket keys");
    atomic_fetch_add(&shared->version, 1);
    memmove(shared->tickets + sizeof key, shared->tickets,
            (PTN_TICKET_KEYS - 1) * sizeof key);
    memcpy(shared->tickets, key, sizeof key);
    atomic_fetch_add(&shared->version, 1);
    return 0;
}

void
ptn_shared_set_tickets(
    struct ptn_shared *shared,
    const uint8_t keys[PTN_TICKET_KEYS * PTN_TLS_TICKET_KEY_SIZE])
{
    atomic_fetch_add(&shared->version, 1);
    memcpy(shared->tickets, keys, sizeof shared->tickets);
    atomic_fetch_add(&shared->version, 1);
}

void
ptn_shared_tickets(const struct ptn_shared *shared,
                   uint8_t out[PTN_TICKET_KEYS * PTN_TLS_TICKET_KEY_SIZE])
{
    for (;;) {
        uint32_t before = atomic_load(&shared->version);

        memcpy(out, shared->tickets, sizeof shared->tickets);
        atomic_thread_fence(memory_order_acquire);
        if (!(before & 1) && atomic_load(&shared->version) == before)
            return;
        sched_yield();
    }
}
