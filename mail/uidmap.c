/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A set of UIDs as a sorted array of pieces. A piece is either a run, in
 * which every UID from first to last is a member, or a block: the members
 * among BLOCK_UIDS UIDs, as bits. A mailbox without gaps is one run; where
 * gaps are many, the runs of an aligned block become bits, so that no set
 * costs much more than a bit for each UID that it spans.
 *
 *   runs    |========|   |==|        |==============================|
 *   block   | aligned to BLOCK_UIDS: 1101 0100 0111 ... |
 *
 * Invariants: pieces ascend and do not overlap; no two runs touch (unless a
 * block's border cut them); no block is empty; `before` is the number of
 * members in all earlier pieces. Not thread-safe.
 */
#include <postern/arena.h>
#include <postern/mail/uidmap.h>

#include <assert.h>

#define BLOCK_UIDS 2048u
#define BLOCK_WORDS (BLOCK_UIDS / 64)
#define BLOCK_RUNS 9 /* so many runs within one block become bits */

struct piece {
    uint32_t first, last;
    uint32_t before;
    uint32_t count;
    uint64_t *bits; /* NULL: a run */
};

struct ptn_uidmap {
    struct piece *pieces;
    uint32_t count, cap;
};

struct ptn_uidmap *
ptn_uidmap_new(void)
{
    return ptn_alloc(sizeof(struct ptn_uidmap));
}

void
ptn_uidmap_clear(struct ptn_uidmap *m)
{
    for (uint32_t i = 0; i < m->count; i++)
        ptn_free(m->pieces[i].bits);
    ptn_free(m->pieces);
    *m = (struct ptn_uidmap){NULL, 0, 0};
}

void
ptn_uidmap_free(struct ptn_uidmap *m)
{
    if (!m)
        return;
    ptn_uidmap_clear(m);
    ptn_free(m);
}

/* --- finding --- */

/* Index of the first piece that ends at or behind `uid`; count if none. */
static uint32_t
piece_at(const struct ptn_uidmap *m, uint32_t uid)
{
    uint32_t low = 0, high = m->count;

    while (low < high) {
        uint32_t mid = low + (high - low) / 2;

        if (m->pieces[mid].last < uid)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

static bool
piece_has(const struct piece *p, uint32_t uid)
{
    uint32_t at = uid - p->first;

    if (uid < p->first || uid > p->last)
        return false;
    return !p->bits || (p->bits[at / 64] >> (at % 64) & 1);
}

/* Members of a block below position `at`. */
static uint32_t
bits_below(const uint64_t *bits, uint32_t at)
{
    uint32_t n = 0;

    for (uint32_t w = 0; w < at / 64; w++)
        n += (uint32_t)__builtin_popcountll(bits[w]);
    if (at % 64)
        n += (uint32_t)__builtin_popcountll(bits[at / 64] << (64 - at % 64));
    return n;
}

/* Position of the bit with `rank` bits set below it. */
static uint32_t
bits_select(const uint64_t *bits, uint32_t rank)
{
    uint32_t w = 0;
    uint64_t word;

    for (;; w++) {
        uint32_t n = (uint32_t)__builtin_popcountll(bits[w]);

        if (rank < n)
            break;
        rank -= n;
    }
    for (word = bits[w]; rank; rank--)
        word &= word - 1;
    return w * 64 + (uint32_t)__builtin_ctzll(word);
}

uint32_t
ptn_uidmap_count(const struct ptn_uidmap *m)
{
    const struct piece *p;

    if (!m->count)
        return 0;
    p = &m->pieces[m->count - 1];
    return p->before + p->count;
}

bool
ptn_uidmap_has(const struct ptn_uidmap *m, uint32_t uid)
{
    uint32_t i = piece_at(m, uid);

    return i < m->count && piece_has(&m->pieces[i], uid);
}

uint32_t
ptn_uidmap_uid(const struct ptn_uidmap *m, uint32_t seq)
{
    uint32_t low = 0, high = m->count;
    const struct piece *p;

    if (!seq || seq > ptn_uidmap_count(m))
        return 0;
    seq--; /* the number of members before the one looked for */
    while (high - low > 1) {
        uint32_t mid = low + (high - low) / 2;

        if (m->pieces[mid].before <= seq)
            low = mid;
        else
            high = mid;
    }
    p = &m->pieces[low];
    if (!p->bits)
        return p->first + (seq - p->before);
    return p->first + bits_select(p->bits, seq - p->before);
}

uint32_t
ptn_uidmap_seq(const struct ptn_uidmap *m, uint32_t uid)
{
    uint32_t i = piece_at(m, uid);
    const struct piece *p;

    if (i == m->count || !piece_has(&m->pieces[i], uid))
        return 0;
    p = &m->pieces[i];
    if (!p->bits)
        return p->before + (uid - p->first) + 1;
    return p->before + bits_below(p->bits, uid - p->first) + 1;
}

uint32_t
ptn_uidmap_next(const struct ptn_uidmap *m, uint32_t uid)
{
    uint32_t i = piece_at(m, uid), below;
    const struct piece *p;

    if (i == m->count)
        return 0;
    p = &m->pieces[i];
    if (uid < p->first)
        uid = p->first;
    if (!p->bits)
        return uid;
    below = bits_below(p->bits, uid - p->first);
    if (below < p->count)
        return p->first + bits_select(p->bits, below);
    return ptn_uidmap_uid(m, p->before + p->count + 1);
}

uint32_t
ptn_uidmap_last(const struct ptn_uidmap *m)
{
    return ptn_uidmap_uid(m, ptn_uidmap_count(m));
}

/* --- changing --- */

/* Makes the `before` of all pieces from `i` on right again. */
static void
recount(struct ptn_uidmap *m, uint32_t i)
{
    uint32_t before = 0;

    if (i)
        before = m->pieces[i - 1].before + m->pieces[i - 1].count;
    for (; i < m->count; i++) {
        m->pieces[i].before = before;
        before += m->pieces[i].count;
    }
}

/* Opens a hole of `n` pieces before piece `i`. */
static struct piece *
make_room(struct ptn_uidmap *m, uint32_t i, uint32_t n)
{
    while (m->count + n > m->cap) {
        m->cap = m->cap ? m->cap * 2 : 1;
        m->pieces = ptn_realloc(m->pieces, m->cap * sizeof(*m->pieces));
    }
    memmove(m->pieces + i + n, m->pieces + i,
            (m->count - i) * sizeof(*m->pieces));
    m->count += n;
    return m->pieces + i;
}

/* Takes `n` pieces out, from piece `i` on. */
static void
drop_pieces(struct ptn_uidmap *m, uint32_t i, uint32_t n)
{
    for (uint32_t k = i; k < i + n; k++)
        ptn_free(m->pieces[k].bits);
    memmove(m->pieces + i, m->pieces + i + n,
            (m->count - i - n) * sizeof(*m->pieces));
    m->count -= n;
}

static struct piece
run_of(uint32_t first, uint32_t last)
{
    return (struct piece){first, last, 0, last - first + 1, NULL};
}

static void
insert_run(struct ptn_uidmap *m, uint32_t i, uint32_t first, uint32_t last)
{
    *make_room(m, i, 1) = run_of(first, last);
}

/* Joins run `i` with a run that it touches behind it. */
static void
join_next(struct ptn_uidmap *m, uint32_t i)
{
    struct piece *p = m->pieces + i;

    if (i + 1 >= m->count || p->bits || p[1].bits || p->last + 1 != p[1].first)
        return;
    *p = run_of(p->first, p[1].last);
    drop_pieces(m, i + 1, 1);
}

/* Cuts run `i` in two, the second of which begins at `uid`. */
static void
cut_run(struct ptn_uidmap *m, uint32_t i, uint32_t uid)
{
    uint32_t last = m->pieces[i].last;

    insert_run(m, i + 1, uid, last);
    m->pieces[i] = run_of(m->pieces[i].first, uid - 1);
}

/* Turns the runs i..i+n-1, all of one aligned block, into its bits. */
static void
make_block(struct ptn_uidmap *m, uint32_t i, uint32_t n, uint32_t first)
{
    uint64_t *bits = ptn_alloc(BLOCK_WORDS * sizeof(*bits));
    uint32_t count = 0;

    for (uint32_t k = i; k < i + n; k++) {
        uint32_t at = m->pieces[k].first - first;

        count += m->pieces[k].count;
        for (uint32_t c = 0; c < m->pieces[k].count; c++, at++)
            bits[at / 64] |= UINT64_C(1) << (at % 64);
    }
    drop_pieces(m, i + 1, n - 1);
    m->pieces[i] =
        (struct piece){first, first + (BLOCK_UIDS - 1), 0, count, bits};
}

/* Makes the counts right from piece `i` on, where the block of `uid` has
 * changed; before that makes bits of it, if too many runs lie in it. */
static void
settle(struct ptn_uidmap *m, uint32_t i, uint32_t uid)
{
    uint32_t first = uid - uid % BLOCK_UIDS, last = first + (BLOCK_UIDS - 1);
    uint32_t at = piece_at(m, first), n = 0;

    while (at + n < m->count && m->pieces[at + n].first <= last &&
           !m->pieces[at + n].bits)
        n++;
    if (n >= BLOCK_RUNS) {
        i = at < i ? at : i;
        if (m->pieces[at].first < first)
            cut_run(m, at++, first);
        if (m->pieces[at + n - 1].last > last)
            cut_run(m, at + n - 1, last + 1);
        make_block(m, at, n, first);
    }
    recount(m, i);
}

/* A block in which nothing is missing is a run again. */
static void
block_to_run(struct ptn_uidmap *m, uint32_t i)
{
    struct piece *p = m->pieces + i;

    ptn_free(p->bits);
    *p = run_of(p->first, p->last);
    join_next(m, i);
    if (i)
        join_next(m, i - 1);
}

/* Adds the UIDs first..last, none of them beyond block `i`, to it. */
static void
block_add(struct ptn_uidmap *m, uint32_t i, uint32_t first, uint32_t last)
{
    struct piece *p = m->pieces + i;
    uint32_t end = last - p->first;

    for (uint32_t at = first - p->first; at <= end; at++) {
        uint64_t bit = UINT64_C(1) << (at % 64);

        p->count += !(p->bits[at / 64] & bit);
        p->bits[at / 64] |= bit;
    }
    if (p->count == BLOCK_UIDS)
        block_to_run(m, i);
    recount(m, i ? i - 1 : 0);
}

/* Adds first..last, none of which is in a piece, before piece `i`. */
static void
gap_add(struct ptn_uidmap *m, uint32_t i, uint32_t first, uint32_t last)
{
    insert_run(m, i, first, last);
    join_next(m, i);
    if (i) {
        i--;
        join_next(m, i);
    }
    settle(m, i, first);
    if (last / BLOCK_UIDS != first / BLOCK_UIDS)
        settle(m, i, last);
}

void
ptn_uidmap_add(struct ptn_uidmap *m, uint32_t first, uint32_t last)
{
    assert(first && first <= last);
    for (uint32_t end; first; first = end < last ? end + 1 : 0) {
        uint32_t i = piece_at(m, first);
        struct piece *p = i < m->count ? &m->pieces[i] : NULL;

        end = last;
        if (!p || p->first > last) {
            gap_add(m, i, first, last);
        } else if (p->first > first) {
            end = p->first - 1;
            gap_add(m, i, first, end);
        } else {
            end = p->last < last ? p->last : last;
            if (p->bits)
                block_add(m, i, first, end);
        }
    }
}

static void
block_remove(struct ptn_uidmap *m, uint32_t i, uint32_t uid)
{
    struct piece *p = m->pieces + i;
    uint32_t at = uid - p->first;

    p->bits[at / 64] &= ~(UINT64_C(1) << (at % 64));
    if (!--p->count)
        drop_pieces(m, i, 1);
    recount(m, i);
}

static void
run_remove(struct ptn_uidmap *m, uint32_t i, uint32_t uid)
{
    struct piece *p = m->pieces + i;

    if (p->first == p->last) {
        drop_pieces(m, i, 1);
    } else if (uid == p->first) {
        *p = run_of(uid + 1, p->last);
    } else if (uid == p->last) {
        *p = run_of(p->first, uid - 1);
    } else {
        cut_run(m, i, uid + 1);
        m->pieces[i] = run_of(m->pieces[i].first, uid - 1);
    }
    settle(m, i, uid);
}

bool
ptn_uidmap_remove(struct ptn_uidmap *m, uint32_t uid)
{
    uint32_t i = piece_at(m, uid);

    if (i == m->count || !piece_has(&m->pieces[i], uid))
        return false;
    if (m->pieces[i].bits)
        block_remove(m, i, uid);
    else
        run_remove(m, i, uid);
    return true;
}
