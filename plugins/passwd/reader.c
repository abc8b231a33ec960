/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Reads with pread, so that several readers can share a descriptor. What
 * it read is wiped: the lines hold password hashes. One thread a reader.
 */
#include "reader.h"
#include <errno.h>
#include <unistd.h>

#define CHUNK 65536

void
passwd_reader_init(struct passwd_reader *r, int fd, size_t max)
{
    *r = (struct passwd_reader){.fd = fd, .max = max, .in = PTN_BUF_INIT};
}

void
passwd_reader_deinit(struct passwd_reader *r)
{
    if (r->in.data)
        ptn_wipe(r->in.data, r->in.cap);
    ptn_buf_free(&r->in);
}

/* Makes room, then reads a chunk. What is there already and has no end yet
 * is kept unless it is over the limit. */
static int
fill(struct passwd_reader *r)
{
    if (r->in.len - r->pos > r->max) {
        r->pos = r->in.len;
        r->skipping = true;
    }
    r->offset += r->pos;
    ptn_buf_consume(&r->in, r->pos);
    r->pos = 0;
    char *into = ptn_buf_reserve(&r->in, CHUNK);
    ssize_t n;
    do {
        n = pread(r->fd, into, CHUNK, (off_t)(r->offset + r->in.len));
    } while (n < 0 && errno == EINTR);
    if (n < 0)
        return -1;
    r->eof = n == 0;
    r->in.len += (size_t)n;
    return 0;
}

static int
give(struct passwd_reader *r, size_t len, size_t end)
{
    r->line = ptn_slice_sub(ptn_buf_slice(&r->in), r->pos, len);
    r->line_offset = r->offset + r->pos;
    r->overlong = r->skipping || len > r->max;
    if (r->overlong)
        r->line.len = 0;
    r->skipping = false;
    r->pos += len + end;
    r->number++;
    return 1;
}

int
passwd_reader_next(struct passwd_reader *r)
{
    for (;;) {
        size_t left = r->in.len - r->pos;
        const char *from = left ? r->in.data + r->pos : NULL;
        const char *newline = left ? memchr(from, '\n', left) : NULL;
        if (newline)
            return give(r, (size_t)(newline - from), 1);
        if (r->eof)
            return left || r->skipping ? give(r, left, 0) : 0;
        if (fill(r) < 0)
            return -1;
    }
}
