/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The shared mapping. One writer, the supervisor's main thread (or the
 * single process's); readers in all workers. No pointer and no size is in
 * it: a worker that was taken over can write there, too.
 */
#include "proc/shared.h"
#include "log/log.h"
#include <postern/arena.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
    TRIES = 10000, /* at keys that are being written */
};

static size_t
round_up(size_t size, size_t to)
{
    return (size + to - 1) / to * to;
}

static size_t
page(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

static unsigned
count_slots(unsigned workers)
{
    return workers + PTN_WARDEN_SLOTS;
}

/* Slots begin on a cache line of their own, areas on a page. */
static size_t
slots_at(void)
{
    return round_up(sizeof(struct ptn_common), _Alignof(struct ptn_slot));
}

static size_t
areas_at(unsigned workers)
{
    return round_up(slots_at() + count_slots(workers) * sizeof(struct ptn_slot),
                    page());
}

static size_t
box_at(void)
{
    return round_up(ptn_area_size(), _Alignof(struct ptn_ticket_box));
}

static size_t
area_size(void)
{
    return round_up(box_at() + sizeof(struct ptn_ticket_box), page());
}

static size_t
size_for(unsigned workers)
{
    return areas_at(workers) + count_slots(workers) * area_size();
}

struct ptn_shared *
ptn_shared_new(unsigned workers, size_t listeners, struct ptn_error *err)
{
    struct ptn_shared *shared;
    char *memory;

    ptn_area_make_room(listeners);
    memory = mmap(NULL, size_for(workers), PROT_READ | PROT_WRITE,
                  MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) {
        ptn_error_errno(err, "cannot share memory with workers");
        return NULL;
    }
    shared = ptn_alloc(sizeof *shared);
    shared->common = (struct ptn_common *)(void *)memory;
    shared->slots = (struct ptn_slot *)(void *)(memory + slots_at());
    shared->areas = memory + areas_at(workers);
    shared->workers = workers;
    shared->gone = ptn_tally_new();
    ptn_log_share_level(&shared->common->log_level);
    /* Ticket keys have no place in a core dump. */
    (void)madvise(memory, size_for(workers), MADV_DONTDUMP);
    return shared;
}

void
ptn_shared_free(struct ptn_shared *shared)
{
    ptn_log_share_level(NULL);
    ptn_tally_free(shared->gone);
    munmap(shared->common, size_for(shared->workers));
    ptn_free(shared);
}

struct ptn_area *
ptn_shared_area(const struct ptn_shared *shared, unsigned slot)
{
    return (struct ptn_area *)(void *)(shared->areas + slot * area_size());
}

static struct ptn_ticket_box *
box_of(const struct ptn_shared *shared, unsigned slot)
{
    char *area = (char *)ptn_shared_area(shared, slot);

    return (struct ptn_ticket_box *)(void *)(area + box_at());
}

void
ptn_shared_keep(struct ptn_shared *shared, unsigned slot)
{
    size_t before = slot * area_size(), to = before + area_size();

    if (before > 0)
        (void)munmap(shared->areas, before);
    (void)munmap(shared->areas + to,
                 count_slots(shared->workers) * area_size() - to);
}

void
ptn_shared_fold(struct ptn_shared *shared, unsigned slot)
{
    _Atomic uint64_t *to = (_Atomic uint64_t *)&shared->past;
    _Atomic uint64_t *from = (_Atomic uint64_t *)&shared->slots[slot].counters;

    _Static_assert(sizeof(struct ptn_counters) % sizeof *to == 0, "counters");
    atomic_store(&shared->slots[slot].counters.sessions_open, 0);
    ptn_tally_add(shared->gone, ptn_shared_area(shared, slot), true);
    ptn_area_clear(ptn_shared_area(shared, slot));
    ptn_wipe(box_of(shared, slot), sizeof(struct ptn_ticket_box));
    for (size_t i = 0; i < sizeof(struct ptn_counters) / sizeof *to; i++) {
        ptn_count(&to[i], atomic_load(&from[i]));
        atomic_store(&from[i], 0);
    }
}

void
ptn_shared_sum(const struct ptn_shared *shared, struct ptn_tally *tally)
{
    ptn_tally_merge(tally, shared->gone);
    for (unsigned i = 0; i < count_slots(shared->workers); i++)
        ptn_tally_add(tally, ptn_shared_area(shared, i), false);
}

void
ptn_shared_use(struct ptn_shared *shared, unsigned slot)
{
    unsigned used = atomic_load(&shared->common->used);

    while (used <= slot && !atomic_compare_exchange_weak(&shared->common->used,
                                                         &used, slot + 1))
        continue;
}

uint64_t
ptn_shared_sessions(const struct ptn_shared *shared)
{
    unsigned used = atomic_load(&shared->common->used);
    uint64_t sum = 0;

    for (unsigned i = 0; i < used && i < shared->workers; i++)
        sum += atomic_load_explicit(&shared->slots[i].counters.sessions_open,
                                    memory_order_relaxed);
    return sum;
}

void
ptn_shared_visit(struct ptn_shared *shared, uint16_t port)
{
    struct ptn_common *c = shared->common;
    unsigned count = atomic_load(&c->visits);

    if (count >= PTN_VISITS_MAX)
        return;
    atomic_store(&c->visitors[count], port);
    atomic_store(&c->visits, count + 1);
}

void
ptn_shared_end_visits(struct ptn_shared *shared)
{
    atomic_store(&shared->common->visits, 0);
}

bool
ptn_shared_is_visit(const struct ptn_shared *shared, uint16_t port)
{
    const struct ptn_common *c = shared->common;
    unsigned count = atomic_load_explicit(&c->visits, memory_order_acquire);

    for (unsigned i = 0; i < count && i < PTN_VISITS_MAX; i++)
        if (atomic_load(&c->visitors[i]) == port)
            return true;
    return false;
}

void
ptn_shared_give_tickets(struct ptn_shared *shared, unsigned slot,
                        const uint8_t ring[PTN_TICKET_RING_SIZE])
{
    struct ptn_ticket_box *box = box_of(shared, slot);
    uint32_t version = atomic_load(&box->version) & ~UINT32_C(1);

    atomic_store(&box->version, version + 1);
    memcpy(box->keys, ring, sizeof box->keys);
    atomic_store(&box->version, version + 2);
}

void
ptn_shared_tickets(const struct ptn_shared *shared, unsigned slot,
                   uint8_t out[PTN_TICKET_RING_SIZE])
{
    struct ptn_ticket_box *box = box_of(shared, slot);

    for (unsigned i = 0; i < TRIES; i++) {
        uint32_t before = atomic_load(&box->version);

        memcpy(out, box->keys, sizeof box->keys);
        atomic_thread_fence(memory_order_acquire);
        if (!(before & 1) && atomic_load(&box->version) == before)
            return;
        sched_yield();
    }
}
