/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Appending to the log. Where it ends is kept in the index and nowhere else:
 * octets behind that end are left-overs of a commit that failed or was
 * killed; nobody was told that they are durable, and they are written over.
 *
 * Space is taken ahead of use in steps (option `preallocate`): a sync then
 * has no new file size to write, which was measured to save a quarter of
 * its cost.
 *
 * When a sync fails, the kernel may have dropped the octets and count them
 * as written. So nothing is synced twice: the group fails, and the next one
 * goes into a new segment.
 */
#include "log.h"

#include "crc.h"

#include <errno.h>
#include <fcntl.h>
#include <postern/arena.h>
#include <postern/log.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define IOV_BATCH 1024 /* IOV_MAX of Linux */
#define PIECES 5       /* of a record: head, data, more, padding, facts */

void
vault_log_init(struct vault_log *l, struct vault *v)
{
    *l = (struct vault_log){.v = v, .fd = -1};
}

void
vault_log_deinit(struct vault_log *l)
{
    if (l->fd >= 0)
        close(l->fd);
    ptn_free(l->iov);
}

static uint32_t
head_crc(const struct vault_segment_head *h)
{
    return vault_crc(0, h, offsetof(struct vault_segment_head, crc));
}

int
vault_log_head(int fd, uint32_t number, struct vault_segment_head *out,
               struct ptn_error *err)
{
    ssize_t n = pread(fd, out, sizeof(*out), 0);

    if (n < 0)
        return ptn_error_errno(err, "segment %u cannot be read", number);
    if (n == sizeof(*out) && out->magic == VAULT_SEGMENT_MAGIC &&
        out->order != VAULT_ORDER_MARK)
        return ptn_error_set(err, PTN_ERR_STORE,
                             "segment %u was written by a machine with another "
                             "byte order: export and import the mail instead",
                             number);
    if (n != sizeof(*out) || out->magic != VAULT_SEGMENT_MAGIC ||
        out->crc != head_crc(out) || out->segment != number)
        return ptn_error_set(err, PTN_ERR_STORE, "segment %u has no valid head",
                             number);
    if (out->version != VAULT_FORMAT_VERSION)
        return ptn_error_set(err, PTN_ERR_STORE,
                             "segment %u has format %u, this vault reads %u",
                             number, out->version, VAULT_FORMAT_VERSION);
    return 0;
}

static int
write_head(struct vault *v, int fd, const struct vault_state *s)
{
    struct vault_segment_head h = {
        .magic = VAULT_SEGMENT_MAGIC,
        .order = VAULT_ORDER_MARK,
        .version = VAULT_FORMAT_VERSION,
        .store = s->store,
        .created = s->created,
        .seq = s->seq,
        .segment = s->segment,
        .chain = s->chain,
    };
    struct iovec iov = {&h, sizeof(h)};
    ssize_t n;

    h.crc = head_crc(&h);
    n = v->sys->pwritev(fd, &iov, 1, 0);
    if (n == (ssize_t)sizeof(h))
        return 0;
    return n < 0 ? errno : ENOSPC;
}

static int
open_for_append(struct vault *v, uint32_t segment)
{
    char name[16];

    return openat(v->segment_dir, vault_segment_name(segment, name),
                  O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
}

int
vault_log_create(struct vault *v, struct vault_state *state,
                 struct ptn_error *err)
{
    int fd, rc;

    *state = (struct vault_state){
        .created = time(NULL),
        .offset = sizeof(struct vault_segment_head),
        .seq = 1,
        .next_content = 1,
        .segment = 1,
        .next_user = 1,
        .next_box = 1,
    };
    state->uidvalidity = (uint32_t)state->created;
    state->version = VAULT_INDEX_VERSION;
    if (getrandom(&state->store, sizeof(state->store), 0) < 0)
        return ptn_error_errno(err, "no random number for a new store");
    fd = open_for_append(v, 1);
    if (fd < 0)
        return ptn_error_errno(err, "%s/segments: cannot write", v->path);
    rc = write_head(v, fd, state);
    if (rc == 0 && (v->sys->fsync(fd) != 0 || v->sys->fsync(v->segment_dir) ||
                    v->sys->fsync(v->dir)))
        rc = errno;
    close(fd);
    errno = rc;
    return rc ? ptn_error_errno(err, "%s/segments: cannot write", v->path) : 0;
}

/* --- a group --- */

void
vault_log_turn(struct vault_log *l, struct vault_txn *t)
{
    if (t->state.offset < l->v->options->segment_size && !l->distrust)
        return;
    assert(t->state.segment < VAULT_SEGMENT_MAX);
    t->rolled = true;
    t->sealed = t->state.offset;
    t->state.segment++;
    t->state.offset = t->from = sizeof(struct vault_segment_head);
    t->head = t->state;
}

/* The segment that ended keeps no space beyond its end: never less than the
 * index says is in use. */
static void
seal(struct vault_log *l, const struct vault_txn *t)
{
    struct vault_segment old;

    if (l->fd < 0 || !t->rolled || l->segment != t->state.segment - 1)
        return;
    if (vault_get_counter(l->v, t->txn, VAULT_COUNTER_SEGMENT, l->segment,
                          (struct iovec){&old, sizeof(old)}) != 0 ||
        old.end != t->sealed)
        return;
    if (l->v->sys->ftruncate(l->fd, (off_t)t->sealed) != 0)
        ptn_log(PTN_LOG_WARNING, "vault.seal", PTN_FN("segment", l->segment),
                PTN_FS("error", strerror(errno)));
}

static int
use_segment(struct vault_log *l, const struct vault_txn *t)
{
    struct stat st;

    if (l->fd >= 0 && l->segment == t->state.segment && !t->rolled)
        return 0;
    if (l->fd >= 0)
        close(l->fd);
    l->segment = t->state.segment;
    l->fd = open_for_append(l->v, l->segment);
    if (l->fd < 0 || fstat(l->fd, &st) != 0)
        return errno;
    l->allocated = (uint64_t)st.st_size;
    return 0;
}

/* Only saves time: a file system that cannot do it is as good. */
static void
allocate(struct vault_log *l, uint64_t end)
{
    uint64_t step = l->v->options->preallocate, want;

    if (step == 0 || end <= l->allocated)
        return;
    want = (end + step - 1) / step * step;
    if (want > l->v->options->segment_size && end < want)
        want = end > l->v->options->segment_size ? end
                                                 : l->v->options->segment_size;
    if (fallocate(l->fd, 0, 0, (off_t)want) == 0)
        l->allocated = want;
    else if (errno != ENOSPC)
        l->allocated = UINT64_MAX;
}

static struct iovec
piece(const void *data, size_t len)
{
    return (struct iovec){(void *)(uintptr_t)data, len};
}

static size_t
gather(struct vault_log *l, const struct vault_txn *t)
{
    static const char zeros[8];
    size_t n = 0;

    if (l->iov_cap < t->draft_count * PIECES) {
        l->iov_cap = t->draft_count * PIECES;
        l->iov = ptn_realloc(l->iov, l->iov_cap * sizeof(l->iov[0]));
    }
    for (size_t i = 0; i < t->draft_count; i++) {
        const struct vault_draft *d = &t->drafts[i];
        struct iovec all[PIECES] = {
            piece(&d->head, sizeof(d->head)),
            piece(d->data[0].data, d->data[0].len),
            piece(d->data[1].data, d->data[1].len),
            piece(zeros, (size_t)(-d->head.data_len & 7)),
            piece(t->facts.data + d->facts_at, d->head.facts_len),
        };

        for (size_t k = 0; k < PIECES; k++) {
            if (all[k].iov_len > 0)
                l->iov[n++] = all[k];
        }
    }
    return n;
}

/* Writes all of it; a short write goes on where it stopped. */
static int
write_all(struct vault_log *l, size_t count, uint64_t at)
{
    struct iovec *iov = l->iov;

    while (count > 0) {
        int batch = count < IOV_BATCH ? (int)count : IOV_BATCH;
        ssize_t n = l->v->sys->pwritev(l->fd, iov, batch, (off_t)at);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? errno : ENOSPC;
        at += (uint64_t)n;
        while (count > 0 && (size_t)n >= iov->iov_len) {
            n -= (ssize_t)iov->iov_len;
            iov++;
            count--;
        }
        if (n > 0) {
            iov->iov_base = (char *)iov->iov_base + n;
            iov->iov_len -= (size_t)n;
        }
    }
    return 0;
}

/* The writer lock is held. */
static void
take_back(struct vault_log *l, const struct vault_txn *t)
{
    char name[16];

    if (t->rolled) {
        unlinkat(l->v->segment_dir, vault_segment_name(l->segment, name), 0);
        close(l->fd);
        l->fd = -1;
    } else if (l->v->sys->ftruncate(l->fd, (off_t)t->from) == 0) {
        l->allocated = t->from;
    }
}

static int
write_group(struct vault_log *l, struct vault_txn *t)
{
    int rc;

    allocate(l, t->state.offset);
    if (t->rolled && (rc = write_head(l->v, l->fd, &t->head)) != 0)
        return rc;
    if ((rc = write_all(l, gather(l, t), t->from)) != 0)
        return rc;
    if (l->v->sys->fdatasync(l->fd) != 0 ||
        (t->rolled && l->v->sys->fsync(l->v->segment_dir) != 0)) {
        rc = errno;
        l->distrust = true;
        return rc;
    }
    l->distrust = false;
    return 0;
}

int
vault_log_write(struct vault_log *l, struct vault_txn *t)
{
    int rc;

    seal(l, t);
    rc = use_segment(l, t);
    if (rc == 0)
        rc = write_group(l, t);
    if (rc == 0)
        return 0;
    if (l->fd >= 0)
        take_back(l, t);
    return rc;
}

void
vault_log_cancel(struct vault_log *l, const struct vault_txn *t)
{
    struct vault_state now;
    struct iovec into = {&now, sizeof(now)};
    MDB_txn *txn;

    if (l->fd < 0 || vault_index_begin(l->v, &txn) != 0)
        return;
    if (vault_get_counter(l->v, txn, VAULT_COUNTER_STATE, 0, into) == 0 &&
        now.seq == t->state.seq - t->draft_count &&
        (t->rolled ? now.segment < l->segment : now.segment == l->segment))
        take_back(l, t);
    vault_index_abort(l->v, txn);
}
