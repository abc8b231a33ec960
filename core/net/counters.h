/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a worker counts. The memory is given by who starts the worker: a
 * slot of a shared mapping, so that reading it costs the worker nothing.
 * Written by the loop's thread alone, read by any process.
 */
#ifndef PTN_NET_COUNTERS_H
#define PTN_NET_COUNTERS_H

#include <stdatomic.h>
#include <stdint.h>

struct ptn_counters {
    _Atomic uint64_t sessions_open;  /* now */
    _Atomic uint64_t sessions_total; /* accepted and served */
    _Atomic uint64_t refused;        /* over a limit, or going away */
    _Atomic uint64_t handshakes;     /* succeeded */
    _Atomic uint64_t handshakes_resumed;
    _Atomic uint64_t handshake_failures;
    _Atomic uint64_t auth_ok;
    _Atomic uint64_t auth_failed;
    _Atomic uint64_t peer_errors; /* ptn_session_error, and faults */
    _Atomic uint64_t timeouts;
    _Atomic uint64_t octets_in, octets_out; /* plaintext */
};

/* One writer: a load and a store are enough, and cost no lock. */
static inline void
ptn_count(_Atomic uint64_t *counter, uint64_t by)
{
    atomic_store_explicit(
        counter, atomic_load_explicit(counter, memory_order_relaxed) + by,
        memory_order_relaxed);
}

#endif
