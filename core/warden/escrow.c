/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The escrow's pages: a head, then entries, one behind the other.
 *
 *   head | name length, secret length, name, secret | ... | nothing
 *
 * Several processes write, under a lock that survives the death of one that
 * holds it; what that one left behind is believed only as far as it makes
 * sense, and no further: nothing is lost but passphrases, which can be given
 * again. Any thread.
 */
#include "warden/escrow.h"
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <postern/arena.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MAGIC 0x5054457363723031u /* and the form of what follows */

struct head {
    uint64_t magic; /* 0: nobody has mapped it yet */
    pthread_mutex_t lock;
    uint32_t used; /* octets behind it */
};

struct entry {
    uint16_t name, secret; /* octets of each, which follow */
};

enum {
    ROOM = PTN_ESCROW_SIZE - sizeof(struct head),
};

struct ptn_escrow {
    struct head *head;
    bool shared;
};

/* --- from beginning to end --- */

/* Pages that not even the kernel has mapped, where it can do that. */
int
ptn_escrow_new(void)
{
    int fd = -1;

#ifdef SYS_memfd_secret
    fd = (int)syscall(SYS_memfd_secret, O_CLOEXEC);
#endif
    if (fd < 0)
        fd = memfd_create("postern-passphrases", MFD_CLOEXEC);
    if (fd >= 0 && ftruncate(fd, PTN_ESCROW_SIZE) == 0)
        return fd;
    if (fd >= 0)
        close(fd);
    return -1;
}

static void *
map(int fd)
{
    int kind = fd >= 0 ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS;
    void *pages =
        mmap(NULL, PTN_ESCROW_SIZE, PROT_READ | PROT_WRITE, kind, fd, 0);

    if (pages == MAP_FAILED)
        return NULL;
    (void)madvise(pages, PTN_ESCROW_SIZE, MADV_DONTDUMP);
    (void)madvise(pages, PTN_ESCROW_SIZE, MADV_DONTFORK);
    (void)mlock(pages, PTN_ESCROW_SIZE);
    return pages;
}

/* Wardens are forked by one supervisor that waits for the first of them, so
 * that nobody else begins at the same time. */
static void
begin(struct head *head)
{
    pthread_mutexattr_t kind;

    memset(head, 0, PTN_ESCROW_SIZE);
    pthread_mutexattr_init(&kind);
    pthread_mutexattr_setpshared(&kind, PTHREAD_PROCESS_SHARED);
    pthread_mutexattr_setrobust(&kind, PTHREAD_MUTEX_ROBUST);
    pthread_mutex_init(&head->lock, &kind);
    pthread_mutexattr_destroy(&kind);
    head->magic = MAGIC;
}

struct ptn_escrow *
ptn_escrow_open(int fd)
{
    struct ptn_escrow *e = ptn_alloc(sizeof *e);

    e->head = fd >= 0 ? map(fd) : NULL;
    e->shared = e->head != NULL;
    if (fd >= 0)
        close(fd);
    if (!e->head)
        e->head = map(-1);
    assert(e->head); /* out of memory, as everywhere (base/memory.c) */
    if (e->head->magic != MAGIC)
        begin(e->head);
    return e;
}

void
ptn_escrow_close(struct ptn_escrow *e)
{
    if (!e)
        return;
    if (!e->shared)
        ptn_wipe(e->head, PTN_ESCROW_SIZE);
    munmap(e->head, PTN_ESCROW_SIZE);
    ptn_free(e);
}

bool
ptn_escrow_is_shared(const struct ptn_escrow *e)
{
    return e->shared;
}

/* --- entries --- */

static char *
octets(struct ptn_escrow *e)
{
    return (char *)(e->head + 1);
}

/* How long the entry at `at` is; 0: there is none that makes sense. */
static size_t
size_at(struct ptn_escrow *e, size_t at, struct entry *out)
{
    size_t left = e->head->used - at;

    if (left < sizeof *out)
        return 0;
    memcpy(out, octets(e) + at, sizeof *out);
    if (out->name == 0 || out->name > PTN_ESCROW_NAME_MAX ||
        out->secret > PTN_ESCROW_SECRET_MAX ||
        left - sizeof *out < (size_t)out->name + out->secret)
        return 0;
    return sizeof *out + out->name + out->secret;
}

/* What does not make sense is not there. */
static void
cut(struct ptn_escrow *e)
{
    struct entry entry;
    size_t at = 0, size;

    if (e->head->used > ROOM)
        e->head->used = 0;
    while ((size = size_at(e, at, &entry)) > 0)
        at += size;
    e->head->used = (uint32_t)at;
}

static void
lock(struct ptn_escrow *e)
{
    int result = pthread_mutex_lock(&e->head->lock);

    if (result == EOWNERDEAD)
        result = pthread_mutex_consistent(&e->head->lock);
    assert(result == 0);
    cut(e);
}

static void
unlock(struct ptn_escrow *e)
{
    pthread_mutex_unlock(&e->head->lock);
}

/* The place of a name's entry and its size; 0: it has none. */
static size_t
find(struct ptn_escrow *e, const char *name, size_t *at, struct entry *entry)
{
    size_t size, len = strlen(name);

    for (*at = 0; (size = size_at(e, *at, entry)) > 0; *at += size)
        if (entry->name == len &&
            memcmp(octets(e) + *at + sizeof *entry, name, len) == 0)
            return size;
    return 0;
}

static void
forget(struct ptn_escrow *e, const char *name)
{
    struct entry entry;
    size_t at, size = find(e, name, &at, &entry);
    char *all = octets(e);

    if (size == 0)
        return;
    memmove(all + at, all + at + size, e->head->used - at - size);
    e->head->used -= (uint32_t)size;
    ptn_wipe(all + e->head->used, size);
}

int
ptn_escrow_put(struct ptn_escrow *e, const char *name, struct ptn_slice secret,
               struct ptn_error *err)
{
    struct entry entry = {(uint16_t)strlen(name), (uint16_t)secret.len};
    size_t size = sizeof entry + entry.name + entry.secret;
    char *end;
    int result = 0;

    assert(entry.name > 0 && strlen(name) <= PTN_ESCROW_NAME_MAX);
    assert(secret.len <= PTN_ESCROW_SECRET_MAX);
    lock(e);
    forget(e, name);
    if (e->head->used + size > ROOM) {
        result = ptn_error_set(err, PTN_ERR_LIMIT,
                               "all passphrases together are longer than %d "
                               "octets",
                               ROOM);
    } else if (secret.len > 0) {
        end = octets(e) + e->head->used;
        memcpy(end, &entry, sizeof entry);
        memcpy(end + sizeof entry, name, entry.name);
        memcpy(end + sizeof entry + entry.name, secret.data, secret.len);
        e->head->used += (uint32_t)size; /* from here on it is there */
    }
    unlock(e);
    return result;
}

size_t
ptn_escrow_get(struct ptn_escrow *e, const char *name, char *out)
{
    struct entry entry = {0, 0};
    size_t at, size;

    lock(e);
    size = find(e, name, &at, &entry);
    if (size > 0)
        memcpy(out, octets(e) + at + sizeof entry + entry.name, entry.secret);
    unlock(e);
    return size > 0 ? entry.secret : 0;
}
