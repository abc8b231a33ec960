/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Who changed: a ring of box numbers in a file that all processes map, and
 * a FIFO a process (wake.SLOT) that its loop watches. A committer appends to
 * the ring after its commit, then writes one octet to the FIFO of each
 * process that has watches and no wake under way. A process that lags by
 * more than the ring calls all its watchers: calls too many are allowed,
 * calls too few are not. Changes of one's own process take the same way.
 *
 * A mailbox whose user has no mail yet has no number; its watches hang at
 * number 0, which stands for "a user is new", and move when they get one.
 *
 * Watches belong to the loop thread. The ring is guarded by its robust lock.
 */
#include "watch.h"

#include "index.h"
#include "read.h"

#include <errno.h>
#include <fcntl.h>
#include <postern/arena.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define BUCKETS_MIN 64

struct ptn_store_watch {
    struct ptn_store_watch *next, **prev;
    struct ptn_mailbox *mailbox;
    uint32_t box; /* as it was when put into its bucket */
    bool dead;    /* unwatched while watchers are being called */
    void (*fn)(void *arg);
    void *arg;
};

struct vault_watches {
    struct ptn_store_watch **buckets; /* a power of two of them */
    size_t bucket_count, count;
    uint64_t seen; /* of the ring */
    bool calling;
    bool has_dead;
    struct ptn_fd_watch *loop;
    int fifo;
    _Atomic int fifos[VAULT_PROCESSES_MAX]; /* others', + 1; 0: not open */
};

/* --- the ring --- */

static int
ring_init(struct vault_ring *r)
{
    pthread_mutexattr_t attr;
    int rc;

    pthread_mutexattr_init(&attr);
    pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
    pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
    rc = pthread_mutex_init(&r->lock, &attr);
    pthread_mutexattr_destroy(&attr);
    return rc;
}

static void
ring_lock(struct vault_ring *r)
{
    int rc = pthread_mutex_lock(&r->lock);

    if (rc == EOWNERDEAD)
        rc = pthread_mutex_consistent(&r->lock);
    assert(rc == 0);
}

static struct vault_ring *
ring_map(int fd, bool fresh)
{
    struct vault_ring *r;
    struct stat st;

    if (fresh &&
        (ftruncate(fd, sizeof(*r)) != 0 || vault_reserve(fd, sizeof(*r)) != 0))
        return NULL;
    if (fstat(fd, &st) != 0)
        return NULL;
    if (st.st_size != sizeof(*r)) {
        errno = EINVAL; /* of another version that still runs */
        return NULL;
    }
    r = mmap(NULL, sizeof(*r), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    return r == MAP_FAILED ? NULL : r;
}

int
vault_ring_open(struct vault *v, bool alone, struct ptn_error *err)
{
    struct vault_ring *r = NULL;
    int fd;

    if (alone)
        unlinkat(v->dir, "watch", 0);
    fd = openat(v->dir, "watch", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW,
                0600);
    if (fd >= 0)
        r = ring_map(fd, alone);
    if (fd >= 0)
        close(fd);
    if (!r)
        return ptn_error_errno(err, "%s/watch: cannot open", v->path);
    if (alone && (errno = ring_init(r)) != 0) {
        munmap(r, sizeof(*r));
        return ptn_error_errno(err, "%s/watch: no shared lock", v->path);
    }
    v->ring = r;
    return 0;
}

void
vault_ring_close(struct vault *v)
{
    if (v->ring)
        munmap(v->ring, sizeof(*v->ring));
    v->ring = NULL;
}

/* --- waking --- */

static const char *
fifo_name(unsigned slot, char into[16])
{
    snprintf(into, 16, "wake.%u", slot);
    return into;
}

/* Opened for both directions: writing never fails for want of a reader. */
static int
fifo_open(struct vault *v, unsigned slot)
{
    char name[16];

    return openat(v->dir, fifo_name(slot, name),
                  O_RDWR | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);
}

static void
wake_slot(struct vault *v, unsigned slot)
{
    _Atomic int *cached = &v->watches->fifos[slot];
    int fd = atomic_load(cached) - 1;

    if (fd < 0) {
        fd = fifo_open(v, slot);
        if (fd < 0)
            return;
        atomic_store(cached, fd + 1);
    }
    /* A full FIFO is as good: a wake is under way then. */
    if (write(fd, "", 1) < 0 && errno == EAGAIN)
        return;
}

void
vault_publish(struct vault *v, const uint32_t *boxes, size_t count)
{
    struct vault_ring *r = v->ring;

    ring_lock(r);
    for (size_t i = 0; i < count; i++)
        r->boxes[r->head++ % VAULT_RING] = boxes[i];
    pthread_mutex_unlock(&r->lock);
    if (!v->watches)
        return;
    for (unsigned n = 0; n < VAULT_PROCESSES_MAX; n++) {
        if (atomic_load(&r->watching[n]) > 0 &&
            atomic_exchange(&r->pending[n], 1) == 0)
            wake_slot(v, n);
    }
}

/* --- watches --- */

static struct ptn_store_watch **
bucket_of(struct vault_watches *w, uint32_t box)
{
    return &w->buckets[box & (w->bucket_count - 1)];
}

static void
link_watch(struct vault_watches *w, struct ptn_store_watch *x)
{
    struct ptn_store_watch **at;

    x->box = x->mailbox->box;
    at = bucket_of(w, x->box);
    x->next = *at;
    x->prev = at;
    if (x->next)
        x->next->prev = &x->next;
    *at = x;
}

static void
unlink_watch(struct ptn_store_watch *x)
{
    *x->prev = x->next;
    if (x->next)
        x->next->prev = x->prev;
}

static void
resize(struct vault_watches *w, size_t bucket_count)
{
    struct ptn_store_watch **old = w->buckets, *x;
    size_t old_count = w->bucket_count;

    w->bucket_count = bucket_count;
    w->buckets = ptn_alloc(bucket_count * sizeof(w->buckets[0]));
    for (size_t i = 0; i < old_count; i++) {
        while ((x = old[i])) {
            unlink_watch(x);
            link_watch(w, x);
        }
    }
    ptn_free(old);
}

struct ptn_store_watch *
vault_watch(void *store, struct ptn_mailbox *mailbox, void (*fn)(void *arg),
            void *arg)
{
    struct vault *v = store;
    struct vault_watches *w = v->watches;
    struct ptn_store_watch *x = ptn_alloc(sizeof(*x));

    /* From here on changes wake this process; then look what is so. */
    atomic_fetch_add(&v->ring->watching[v->slot], 1);
    if (w->count++ == 0) {
        ring_lock(v->ring);
        w->seen = v->ring->head;
        pthread_mutex_unlock(&v->ring->lock);
    }
    vault_mailbox_resolve(v, mailbox);
    if (w->count > w->bucket_count && !w->calling)
        resize(w, w->bucket_count * 2);
    x->mailbox = mailbox;
    x->fn = fn;
    x->arg = arg;
    link_watch(w, x);
    return x;
}

static void
watch_free(struct ptn_store_watch *x)
{
    unlink_watch(x);
    ptn_free(x);
}

void
vault_unwatch(void *store, struct ptn_store_watch *watch)
{
    struct vault *v = store;
    struct vault_watches *w = v->watches;

    w->count--;
    atomic_fetch_sub(&v->ring->watching[v->slot], 1);
    if (!w->calling) {
        watch_free(watch);
        return;
    }
    watch->dead = true;
    watch->mailbox = NULL;
    w->has_dead = true;
}

/* --- calling --- */

/* Calls the watches of `box` in its bucket, or all of the bucket. A watch
 * that is added meanwhile goes in front and is not reached. */
static void
call_bucket(struct vault_watches *w, size_t bucket, uint32_t box, bool all)
{
    for (struct ptn_store_watch *x = w->buckets[bucket]; x; x = x->next) {
        if (!x->dead && (all || x->box == box))
            x->fn(x->arg);
    }
}

static void
call_box(struct vault_watches *w, uint32_t box)
{
    call_bucket(w, box & (w->bucket_count - 1), box, false);
}

static void
call_all(struct vault_watches *w)
{
    for (size_t i = 0; i < w->bucket_count; i++)
        call_bucket(w, i, 0, true);
}

static void
bury(struct vault_watches *w)
{
    struct ptn_store_watch *x, *next;

    w->calling = false;
    if (!w->has_dead)
        return;
    w->has_dead = false;
    for (size_t i = 0; i < w->bucket_count; i++) {
        for (x = w->buckets[i]; x; x = next) {
            next = x->next;
            if (x->dead)
                watch_free(x);
        }
    }
}

/* Gives their place to watches whose mailbox has got its number. */
static void
settle(struct vault *v)
{
    struct vault_watches *w = v->watches;
    struct ptn_store_watch *x, *next;

    for (x = *bucket_of(w, 0); x; x = next) {
        next = x->next;
        if (x->box != 0)
            continue;
        vault_mailbox_resolve(v, x->mailbox);
        if (x->mailbox->box != 0) {
            unlink_watch(x);
            link_watch(w, x);
        }
    }
}

struct batch {
    size_t count;
    bool all; /* more than the ring holds */
    uint32_t boxes[VAULT_RING];
};

static void
read_ring(struct vault *v, struct batch *b)
{
    struct vault_ring *r = v->ring;
    uint64_t from = v->watches->seen;

    b->count = 0;
    ring_lock(r);
    b->all = r->head - from > VAULT_RING;
    for (; !b->all && from < r->head; from++) {
        uint32_t box = r->boxes[from % VAULT_RING];

        if (b->count == 0 || b->boxes[b->count - 1] != box)
            b->boxes[b->count++] = box;
    }
    v->watches->seen = r->head;
    pthread_mutex_unlock(&r->lock);
}

static void
call_batch(struct vault *v, const struct batch *b)
{
    struct vault_watches *w = v->watches;
    bool users = b->all;

    w->calling = true;
    for (size_t i = 0; i < b->count; i++) {
        users = users || b->boxes[i] == 0;
        call_box(w, b->boxes[i]);
    }
    if (b->all)
        call_all(w);
    bury(w);
    if (users)
        settle(v);
}

void
vault_watch_dispatch(void *vault)
{
    struct vault *v = vault;
    struct batch b;
    char octets[64];

    while (read(v->watches->fifo, octets, sizeof(octets)) > 0)
        continue;
    /* Before the ring is read: what comes after that wakes again. */
    atomic_store(&v->ring->pending[v->slot], 0);
    read_ring(v, &b);
    call_batch(v, &b);
}

/* --- start and stop --- */

int
vault_watch_start(struct vault *v, struct ptn_error *err)
{
    struct vault_watches *w = ptn_alloc(sizeof(*w));
    char name[16];

    v->watches = w;
    w->bucket_count = BUCKETS_MIN;
    w->buckets = ptn_alloc(w->bucket_count * sizeof(w->buckets[0]));
    atomic_store(&v->ring->watching[v->slot], 0);
    atomic_store(&v->ring->pending[v->slot], 0);
    w->fifo = -1;
    if (mkfifoat(v->dir, fifo_name(v->slot, name), 0600) != 0 &&
        errno != EEXIST)
        return ptn_error_errno(err, "%s/%s: cannot make", v->path, name);
    w->fifo = fifo_open(v, v->slot);
    if (w->fifo < 0)
        return ptn_error_errno(err, "%s/%s: cannot open", v->path, name);
    if (v->host)
        w->loop = ptn_host_watch_fd(v->host, w->fifo, vault_watch_dispatch, v);
    return 0;
}

void
vault_watch_stop(struct vault *v)
{
    struct vault_watches *w = v->watches;

    if (!w)
        return;
    assert(w->count == 0);
    if (w->loop)
        ptn_host_unwatch_fd(w->loop);
    if (w->fifo >= 0)
        close(w->fifo);
    for (unsigned n = 0; n < VAULT_PROCESSES_MAX; n++) {
        if (atomic_load(&w->fifos[n]) > 0)
            close(atomic_load(&w->fifos[n]) - 1);
    }
    ptn_free(w->buckets);
    ptn_free(w);
    v->watches = NULL;
}
