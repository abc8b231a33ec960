/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Bodies: a piece of a segment. Whoever has one open holds the segment's
 * descriptor, so it stays readable whatever happens to the message. One
 * thread at a time a body.
 */
#include "read.h"

#include <errno.h>
#include <postern/arena.h>
#include <postern/log.h>
#include <unistd.h>

struct ptn_body {
    struct vault_segment_file *file;
    uint64_t offset, length;
    uint32_t segment;
};

static int
find_place(struct vault *v, uint32_t box, uint32_t uid, struct vault_place *out)
{
    struct vault_reader *r;
    struct vault_message m;
    int rc = vault_read_begin(v, &r);

    if (rc != 0)
        return rc;
    rc = vault_get_message(v, r->txn, box, uid, &m);
    if (rc == 0) {
        rc = vault_get_place(v, r->txn, m.content, out);
        if (rc == MDB_NOTFOUND)
            rc = MDB_CORRUPTED;
    }
    vault_read_end(v, r);
    return rc;
}

/* Compaction may take a segment away between the two steps; then the place
 * is another by now. */
static int
find_file(struct vault *v, const struct ptn_mailbox *m, uint32_t uid,
          struct ptn_body *b)
{
    struct vault_place place = {0};
    uint32_t tried = 0;
    int rc;

    for (;;) {
        if ((rc = find_place(v, m->box, uid, &place)) != 0)
            return rc;
        b->file = vault_segment_ref(v, place.segment);
        b->offset = place.offset;
        b->length = place.length;
        b->segment = place.segment;
        if (b->file)
            return 0;
        if (errno != ENOENT || place.segment == tried)
            return errno;
        tried = place.segment;
    }
}

enum ptn_status
vault_body_open(void *store, struct ptn_mailbox *mailbox, uint32_t uid,
                struct ptn_body **out, uint64_t *size)
{
    struct vault *v = store;
    struct ptn_body *b;
    int rc;

    vault_mailbox_resolve(v, mailbox);
    if (mailbox->box == 0)
        return PTN_NOTFOUND;
    b = ptn_alloc(sizeof(*b));
    rc = find_file(v, mailbox, uid, b);
    if (rc != 0) {
        ptn_free(b);
        return vault_index_status(v, rc);
    }
    *out = b;
    *size = b->length;
    return PTN_OK;
}

static ptrdiff_t
read_now(int fd, const struct iovec *iov, off_t at)
{
    ssize_t n = preadv2(fd, iov, 1, at, RWF_NOWAIT);

    if (n > 0)
        return n;
    /* Not in memory; or the file system cannot say; or an error, which the
     * lane meets again and tells. */
    return -2;
}

ptrdiff_t
vault_body_read(void *store, struct ptn_body *body, uint64_t offset, void *into,
                size_t len, bool nowait)
{
    int fd = vault_segment_fd(body->file);
    ssize_t n;

    (void)store;
    if (offset >= body->length || len == 0)
        return 0;
    if (len > body->length - offset)
        len = (size_t)(body->length - offset);
    if (nowait)
        return read_now(fd, &(struct iovec){into, len},
                        (off_t)(body->offset + offset));
    do {
        n = pread(fd, into, len, (off_t)(body->offset + offset));
    } while (n < 0 && errno == EINTR);
    if (n > 0)
        return n;
    ptn_log(PTN_LOG_ERROR, "vault.read", PTN_FN("segment", body->segment),
            PTN_FN("offset", body->offset + offset),
            PTN_FS("error", n < 0 ? strerror(errno) : "the file is cut off"));
    return -1;
}

void
vault_body_close(void *store, struct ptn_body *body)
{
    vault_segment_unref(store, body->file);
    ptn_free(body);
}
