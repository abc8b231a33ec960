/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Connections in memory: core's end is a number, by the calls of net/wire.h;
 * the client's is a struct ptn_wire. A listener is a number, too, with a
 * queue of connections that wait to be accepted.
 */
#include "net/wire.h"
#include "harness/inner.h"
#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <postern/arena.h>

struct end {
    bool used, listener;
    struct ptn_list queue; /* of a listener: ends that wait */
    struct ptn_list link;  /* in such a queue */
    struct ptn_wire wire;
};

static struct end **ends;
static size_t end_count;

static struct end *
end_at(int fd)
{
    assert(fd >= PTN_WIRE_FIRST && (size_t)(fd - PTN_WIRE_FIRST) < end_count);
    assert(ends[fd - PTN_WIRE_FIRST]->used);
    return ends[fd - PTN_WIRE_FIRST];
}

static int
make_end(bool listener)
{
    size_t i = 0;

    while (i < end_count && ends[i]->used)
        i++;
    if (i == end_count) {
        ends = ptn_realloc(ends, (end_count + 1) * sizeof(struct end *));
        ends[end_count++] = ptn_alloc(sizeof(struct end));
    }
    *ends[i] = (struct end){.used = true, .listener = listener};
    ends[i]->wire.window = SIZE_MAX;
    ptn_list_init(&ends[i]->queue);
    ptn_list_init(&ends[i]->link);
    return PTN_WIRE_FIRST + (int)i;
}

int
ptn_wire_listener(void)
{
    return make_end(true);
}

int
ptn_wire_dial(int listener, const struct sockaddr_storage *peer)
{
    int fd = make_end(false);
    struct end *e = end_at(fd);

    e->wire.peer = *peer;
    ptn_list_add(&end_at(listener)->queue, &e->link);
    return fd;
}

struct ptn_wire *
ptn_wire_of(int fd)
{
    return &end_at(fd)->wire;
}

/* The last one takes the table with it. */
void
ptn_wire_free(int fd)
{
    struct end *e = end_at(fd);

    ptn_list_remove(&e->link);
    ptn_buf_free(&e->wire.in);
    ptn_buf_free(&e->wire.out);
    e->used = false;
    for (size_t i = 0; i < end_count; i++)
        if (ends[i]->used)
            return;
    for (size_t i = 0; i < end_count; i++)
        ptn_free(ends[i]);
    ptn_free(ends);
    ends = NULL;
    end_count = 0;
}

unsigned
ptn_wire_readiness(int fd)
{
    const struct end *e = end_at(fd);
    unsigned ready = 0;

    if (e->listener)
        return ptn_list_is_empty(&e->queue) ? 0u : PTN_READABLE;
    if (e->wire.in.len > 0 || e->wire.eof || e->wire.reset)
        ready |= PTN_READABLE;
    if (e->wire.window > 0 || e->wire.reset)
        ready |= PTN_WRITABLE;
    return ready;
}

/* --- core's end --- */

int
ptn_wire_accept(int fd, struct sockaddr_storage *peer)
{
    struct ptn_list *link = ptn_list_take(&end_at(fd)->queue);
    struct end *e = link ? PTN_CONTAINER(link, struct end, link) : NULL;

    for (size_t i = 0; e && i < end_count; i++) {
        if (ends[i] != e)
            continue;
        *peer = e->wire.peer;
        return PTN_WIRE_FIRST + (int)i;
    }
    errno = EAGAIN;
    return -1;
}

ssize_t
ptn_wire_receive(int fd, void *into, size_t len)
{
    struct ptn_wire *w = ptn_wire_of(fd);
    size_t n = len < w->in.len ? len : w->in.len;

    if (w->reset || (n == 0 && !w->eof)) {
        errno = w->reset ? ECONNRESET : EAGAIN;
        return -1;
    }
    if (n > 0) {
        memcpy(into, w->in.data, n);
        ptn_buf_consume(&w->in, n);
    }
    return (ssize_t)n;
}

ssize_t
ptn_wire_send(int fd, const void *data, size_t len)
{
    struct ptn_wire *w = ptn_wire_of(fd);
    size_t n = len < w->window ? len : w->window;

    assert(!w->closed && !w->ended);
    if (w->reset || n == 0) {
        errno = w->reset ? EPIPE : EAGAIN;
        return len == 0 ? 0 : -1;
    }
    ptn_buf_add(&w->out, data, n);
    if (w->window != SIZE_MAX)
        w->window -= n;
    return (ssize_t)n;
}

int
ptn_wire_end(int fd)
{
    ptn_wire_of(fd)->ended = true;
    return 0;
}

void
ptn_wire_close(int fd)
{
    struct ptn_wire *w = ptn_wire_of(fd);

    assert(!w->closed);
    w->closed = true;
}

void
ptn_wire_local(int fd, struct sockaddr_storage *out)
{
    struct sockaddr_in own = {.sin_family = AF_INET};

    (void)fd;
    own.sin_addr.s_addr = htonl(0xc63364fau); /* 198.51.100.250 */
    memset(out, 0, sizeof *out);
    memcpy(out, &own, sizeof own);
}
