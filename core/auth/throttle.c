/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The gates (auth/throttle.h). Invariants: a gate with somebody inside or
 * waiting is never forgotten; a try waits at one gate at most, and is inside
 * of those before it. A gate whose queue nobody inside will wake has a timer.
 */
#include "auth/throttle.h"
#include "metrics/area.h"
#include <assert.h>
#include <postern/arena.h>
#include <postern/log.h>

enum {
    NETWORK,
    USER
};

#define SAMPLE 16 /* gates looked at to find one that can be forgotten */
#define STEPS_MAX 16

struct ptn_throttle_gate {
    struct ptn_throttle *throttle;
    struct ptn_list queue; /* of tries, the first come first */
    struct ptn_timer *timer;
    uint64_t last; /* when somebody came, or failed, last */
    uint64_t next; /* when the next may pass, with failures */
    uint64_t known[PTN_THROTTLE_NETWORKS]; /* hashes; of users alone */
    unsigned failures, inside, waiting;
    unsigned kind, known_next;
    uint16_t key_len;
    char key[];
};

enum {
    WAITED,
    REFUSED
};
static const char *const outcomes[] = {"waited", "refused", NULL};
static const struct ptn_metric throttled_metric = {
    .size = sizeof throttled_metric,
    .name = "auth_throttled_total",
    .help = "Attempts to authenticate that had to wait for others that had "
            "failed, or were refused unchecked.",
    .label = "outcome",
    .values = outcomes,
};

static void advance(struct ptn_throttle_try *try);

void
ptn_throttle_init(struct ptn_throttle *t, struct ptn_loop *loop,
                  const struct ptn_auth_conf *conf)
{
    *t = (struct ptn_throttle){.loop = loop, .conf = conf};
    t->cells = ptn_metrics_cells(&throttled_metric, "");
}

static void
free_gates(struct ptn_map *map)
{
    const struct ptn_map_slot *slot;
    size_t at = 0;

    while ((slot = ptn_map_next(map, &at))) {
        struct ptn_throttle_gate *g = slot->value;

        assert(g->inside == 0 && g->waiting == 0);
        ptn_timer_cancel(g->timer);
        ptn_free(g);
    }
    ptn_map_free(map);
}

void
ptn_throttle_deinit(struct ptn_throttle *t)
{
    free_gates(&t->networks);
    free_gates(&t->users);
}

/* --- remembering and forgetting --- */

static bool
is_busy(const struct ptn_throttle_gate *g)
{
    return g->inside > 0 || g->waiting > 0;
}

/* What is not worth keeping when there is no room: least failures, then
 * longest ago. */
static bool
is_lesser(const struct ptn_throttle_gate *a, const struct ptn_throttle_gate *b)
{
    return !b || a->failures < b->failures ||
           (a->failures == b->failures && a->last < b->last);
}

/* Makes room for one more: of a handful, the least worth keeping goes. */
static bool
forget_one(struct ptn_throttle *t, struct ptn_map *map, unsigned kind)
{
    struct ptn_throttle_gate *least = NULL;

    for (int i = 0; i < SAMPLE; i++) {
        const struct ptn_map_slot *slot = ptn_map_next(map, &t->cursor[kind]);
        struct ptn_throttle_gate *g = slot ? slot->value : NULL;

        if (!g)
            t->cursor[kind] = 0;
        else if (!is_busy(g) && is_lesser(g, least))
            least = g;
    }
    if (!least)
        return false;
    ptn_map_remove(map, (struct ptn_slice){least->key, least->key_len});
    ptn_timer_cancel(least->timer);
    ptn_free(least);
    return true;
}

static struct ptn_throttle_gate *
new_gate(struct ptn_throttle *t, struct ptn_map *map, unsigned kind,
         struct ptn_slice key)
{
    struct ptn_throttle_gate *g = ptn_alloc(sizeof *g + key.len + 1);

    g->throttle = t;
    g->kind = kind;
    g->key_len = (uint16_t)key.len;
    memcpy(g->key, key.data, key.len);
    ptn_list_init(&g->queue);
    ptn_map_put(map, (struct ptn_slice){g->key, g->key_len}, g);
    return g;
}

/* NULL when the table is full of those that are busy. */
static struct ptn_throttle_gate *
gate_for(struct ptn_throttle *t, unsigned kind, struct ptn_slice key)
{
    struct ptn_map *map = kind == NETWORK ? &t->networks : &t->users;
    struct ptn_throttle_gate *g = ptn_map_get(map, key);
    uint64_t now = ptn_loop_now(t->loop);

    if (!g && map->count >= (size_t)t->conf->remember &&
        !forget_one(t, map, kind))
        return NULL;
    if (!g)
        g = new_gate(t, map, kind, key);
    if (!is_busy(g) && now - g->last >= t->conf->forget)
        g->failures = 0;
    g->last = now;
    return g;
}

/* --- a gate --- */

static bool
is_open(const struct ptn_throttle_gate *g)
{
    const struct ptn_throttle *t = g->throttle;

    if (g->failures + g->inside <= (unsigned)t->conf->free_failures)
        return true;
    return g->inside == 0 && ptn_loop_now(t->loop) >= g->next;
}

static void on_time(void *arg);

/* Lets in who may come in. */
static void
wake(struct ptn_throttle_gate *g)
{
    struct ptn_throttle *t = g->throttle;

    while (g->waiting > 0 && is_open(g)) {
        struct ptn_throttle_try *try = PTN_CONTAINER(
            ptn_list_take(&g->queue), struct ptn_throttle_try, link);

        g->waiting--;
        g->inside++;
        try->waiting = false;
        try->passed++;
        advance(try);
    }
    if (g->waiting > 0 && g->inside == 0 && !g->timer) {
        uint64_t now = ptn_loop_now(t->loop);

        g->timer = ptn_loop_timer(t->loop, g->next > now ? g->next - now : 1,
                                  on_time, g);
    }
}

static void
on_time(void *arg)
{
    struct ptn_throttle_gate *g = arg;

    g->timer = NULL;
    wake(g);
}

static bool
has_room(const struct ptn_throttle_gate *g)
{
    const struct ptn_auth_conf *conf = g->throttle->conf;

    if (g->failures > (unsigned)conf->free_failures)
        return g->waiting < PTN_THROTTLE_WAITERS;
    return g->waiting < PTN_THROTTLE_NEW_WAITERS;
}

static void
wait_at(struct ptn_throttle_gate *g, struct ptn_throttle_try *try)
{
    g->waiting++;
    try->waiting = true;
    try->throttle->waited++;
    ptn_metric_add(try->throttle->cells, WAITED, 1);
    ptn_list_add(&g->queue, &try->link);
    if (g->inside == 0)
        wake(g);
}

/* Through the gates that are open; waits at one that is not. */
static void
advance(struct ptn_throttle_try *try)
{
    while (try->passed < 2) {
        struct ptn_throttle_gate *g = try->gates[try->passed];
        bool free = try->known && g->kind == USER;

        if (!free && (g->waiting > 0 || !is_open(g))) {
            wait_at(g, try);
            return;
        }
        g->inside++;
        try->passed++;
    }
    try->pass(try);
}

/* FNV-1a is enough: who could choose his network's address to collide would
 * win the right to guess at one user as at any other. */
static uint64_t
hash_of(struct ptn_slice s)
{
    uint64_t h = 0xcbf29ce484222325u;

    for (size_t i = 0; i < s.len; i++)
        h = (h ^ (unsigned char)s.data[i]) * 0x100000001b3u;
    return h | 1;
}

static bool
is_known(const struct ptn_throttle_gate *user, uint64_t network)
{
    for (size_t i = 0; i < PTN_THROTTLE_NETWORKS; i++)
        if (user->known[i] == network)
            return true;
    return false;
}

static void
note_refused(struct ptn_throttle *t)
{
    t->refused++;
    ptn_metric_add(t->cells, REFUSED, 1);
}

bool
ptn_throttle_enter(struct ptn_throttle *t, struct ptn_throttle_try *try,
                   struct ptn_slice network, struct ptn_slice user)
{
    struct ptn_throttle_gate *n = gate_for(t, NETWORK, network), *u;

    if (!n || !has_room(n)) {
        note_refused(t);
        return false;
    }
    n->inside++; /* not to be forgotten for the user's sake */
    u = gate_for(t, USER, user);
    n->inside--;
    try->known = u && is_known(u, hash_of(network));
    if (!u || (!try->known && !has_room(u))) {
        note_refused(t);
        return false;
    }
    try->throttle = t;
    try->gates[NETWORK] = n;
    try->gates[USER] = u;
    try->passed = 0;
    try->waiting = false;
    ptn_list_init(&try->link);
    advance(try);
    return true;
}

/* --- the end of a try --- */

uint64_t
ptn_throttle_delay(const struct ptn_throttle *t, unsigned steps)
{
    uint64_t delay = t->conf->delay << (steps < STEPS_MAX ? steps : STEPS_MAX);

    return delay < t->conf->max_delay ? delay : t->conf->max_delay;
}

static uint64_t
note_failure(struct ptn_throttle_gate *g)
{
    const struct ptn_throttle *t = g->throttle;
    unsigned over;

    g->failures++;
    g->last = ptn_loop_now(t->loop);
    if (g->failures <= (unsigned)t->conf->free_failures)
        return 0;
    over = g->failures - (unsigned)t->conf->free_failures;
    if (over == 1)
        ptn_log(PTN_LOG_WARNING, "auth.throttled",
                PTN_FS(g->kind == NETWORK ? "network" : "name", g->key),
                PTN_FN("failures", g->failures));
    return ptn_throttle_delay(t, over - 1);
}

/* Somebody knew a password: what has failed is halved, and the user is
 * known there. */
static void
note_success(struct ptn_throttle_gate *g, uint64_t network)
{
    g->failures /= 2;
    g->next = 0;
    if (g->kind != USER || is_known(g, network))
        return;
    g->known[g->known_next++ % PTN_THROTTLE_NETWORKS] = network;
}

static void
leave_gate(struct ptn_throttle_gate *g)
{
    assert(g->inside > 0);
    g->inside--;
    wake(g);
}

uint64_t
ptn_throttle_leave(struct ptn_throttle_try *try,
                   enum ptn_throttle_outcome outcome, unsigned attempts)
{
    struct ptn_throttle *t = try->throttle;
    struct ptn_throttle_gate *n = try->gates[NETWORK];
    uint64_t network = hash_of((struct ptn_slice){n->key, n->key_len});
    uint64_t longest = 0;

    if (try->waiting) {
        try->gates[try->passed]->waiting--;
        ptn_list_remove(&try->link);
        try->waiting = false;
    }
    for (unsigned i = 0; i < try->passed; i++) {
        struct ptn_throttle_gate *g = try->gates[i];

        if (outcome == PTN_THROTTLE_BAD) {
            uint64_t delay = note_failure(g);

            g->next = ptn_loop_now(t->loop) + delay;
            longest = delay > longest ? delay : longest;
        } else if (outcome == PTN_THROTTLE_GOOD) {
            note_success(g, network);
        }
    }
    for (unsigned i = 0; i < try->passed; i++)
        leave_gate(try->gates[i]);
    try->throttle = NULL;
    if (outcome != PTN_THROTTLE_BAD)
        return 0;
    uint64_t own = ptn_throttle_delay(t, attempts);
    return own > longest ? own : longest;
}
