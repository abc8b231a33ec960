/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Owns the memory of a transaction, and the count of octets in flight.
 * Loop thread; the count alone is shared with other loops.
 */
#include "tx.h"
#include <stdatomic.h>
#include <time.h>

struct smtp_tx *
smtp_tx_new(struct ptn_session *s)
{
    struct smtp_tx *tx = ptn_alloc(sizeof(*tx));
    tx->smtp = smtp_of(s);
    tx->session = s;
    tx->arena = PTN_ARENA_INIT;
    smtp_state(s)->tx = tx;
    smtp_state(s)->transactions++;
    return tx;
}

static void
drop_content(struct smtp_tx *tx)
{
    ptn_buf_free(&tx->body);
    atomic_fetch_sub(&tx->smtp->inflight, tx->charged);
    ptn_session_release(tx->session, tx->charged);
    tx->charged = 0;
}

void
smtp_tx_end(struct ptn_session *s)
{
    struct smtp_tx *tx = smtp_state(s)->tx;
    if (!tx)
        return;
    drop_content(tx);
    ptn_buf_free(&tx->rcpts);
    ptn_buf_free(&tx->members);
    ptn_buf_free(&tx->targets);
    ptn_buf_free(&tx->lookup.users);
    ptn_buf_free(&tx->lookup.text);
    ptn_buf_free(&tx->prefix);
    ptn_message_scan_free(&tx->scan);
    ptn_arena_reset(&tx->arena);
    ptn_free(tx);
    smtp_state(s)->tx = NULL;
}

/* The index of a user among the targets, added when it is new. */
static uint32_t
target_of(struct smtp_tx *tx, const struct ptn_user *user)
{
    const struct ptn_store_target *have = smtp_tx_targets(tx);
    uint32_t count = (uint32_t)smtp_tx_target_count(tx);
    for (uint32_t i = 0; i < count; i++)
        if (strcmp(have[i].user, user->name) == 0)
            return i;
    struct ptn_store_target fresh = {
        .user = ptn_arena_dup(&tx->arena, ptn_slice_of(user->name)),
        .quota = user->quota,
    };
    ptn_buf_add(&tx->targets, &fresh, sizeof(fresh));
    return count;
}

bool
smtp_tx_add_rcpt(struct smtp_tx *tx, struct ptn_slice address,
                 const struct ptn_user *users, size_t count)
{
    if (smtp_tx_target_count(tx) + count > PTN_STORE_RECIPIENTS_MAX)
        return false;
    struct smtp_rcpt rcpt = {
        .address = ptn_arena_dup(&tx->arena, address),
        .first = (uint32_t)(tx->members.len / sizeof(uint32_t)),
        .count = (uint32_t)count,
    };
    for (size_t i = 0; i < count; i++) {
        uint32_t target = target_of(tx, &users[i]);
        ptn_buf_add(&tx->members, &target, sizeof(target));
    }
    ptn_buf_add(&tx->rcpts, &rcpt, sizeof(rcpt));
    return true;
}

bool
smtp_tx_has_room(const struct smtp *smtp)
{
    return atomic_load(&smtp->inflight) < smtp->options->inflight;
}

/* A message among others may hold as much as is left for all: however many
 * peers send slowly what they began, there is room for a small one. */
static bool
may_grow(const struct smtp_tx *tx, size_t len)
{
    uint64_t all = atomic_load(&tx->smtp->inflight);
    uint64_t limit = tx->smtp->options->inflight;
    if (all >= limit)
        return false;
    return all == tx->charged || tx->charged + len <= limit - all;
}

void
smtp_tx_add_content(struct smtp_tx *tx, struct ptn_slice data, uint64_t max)
{
    if (tx->verdict != SMTP_FINE || data.len == 0)
        return;
    if (data.len > max || tx->body.len > max - data.len)
        tx->verdict = SMTP_TOO_BIG;
    else if (!may_grow(tx, data.len) ||
             !ptn_session_hold(tx->session, data.len))
        tx->verdict = SMTP_NO_MEMORY;
    if (tx->verdict != SMTP_FINE) {
        drop_content(tx);
        return;
    }
    atomic_fetch_add(&tx->smtp->inflight, data.len);
    tx->charged += data.len;
    ptn_buf_addslice(&tx->body, data);
}

const char *
smtp_verdict_reply(enum smtp_verdict verdict)
{
    return verdict == SMTP_TOO_BIG
               ? "552 5.3.4 Message too big"
               : "452 4.3.1 Too much mail at once, try again later";
}

bool
smtp_tx_is_late(struct smtp_tx *tx, uint64_t limit_ms)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
    int64_t now = (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
    if (tx->began == 0)
        tx->began = now;
    return (uint64_t)(now - tx->began) > limit_ms;
}
