/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Notification between all processes that have the store open.
 */
#ifndef VAULT_WATCH_H
#define VAULT_WATCH_H

#include "vault.h"

/* Shared memory (state/vault/watch). `lock` is robust: a process may die
 * at any moment. */
struct vault_ring {
    pthread_mutex_t lock;
    uint64_t head; /* changes since the file was made */
    _Atomic uint32_t clean;
    _Atomic uint32_t pending[VAULT_PROCESSES_MAX];  /* a wake is under way */
    _Atomic uint32_t watching[VAULT_PROCESSES_MAX]; /* watches there */
    uint32_t boxes[VAULT_RING];
};

/* Maps the ring; a process that is alone makes it anew. */
int vault_ring_open(struct vault *v, bool alone, struct ptn_error *err);
void vault_ring_close(struct vault *v);

/* Committer thread: these boxes changed (0: a user is new). */
void vault_publish(struct vault *v, const uint32_t *boxes, size_t count);

int vault_watch_start(struct vault *v, struct ptn_error *err);
void vault_watch_stop(struct vault *v);
/* Calls the watchers of what changed; the loop calls it when woken. */
void vault_watch_dispatch(void *vault);

struct ptn_store_watch *vault_watch(void *store, struct ptn_mailbox *mailbox,
                                    void (*fn)(void *arg), void *arg);
void vault_unwatch(void *store, struct ptn_store_watch *watch);

#endif
