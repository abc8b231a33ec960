/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Watching descriptors. libuv's handle lies inside the owner's record, and
 * libuv keeps pointers to it until the close callback: so the record lives
 * until then.
 */
#include "loop/inner.h"
#include <assert.h>
#include <errno.h>
#include <postern/arena.h>

_Static_assert(sizeof(uv_poll_t) <= sizeof(((struct ptn_watch *)0)->handle),
               "struct ptn_watch has no room for libuv's handle");

static uv_poll_t *
handle_of(struct ptn_watch *watch)
{
    return (uv_poll_t *)(void *)watch->handle;
}

static struct ptn_watch *
watch_of(void *handle)
{
    return PTN_CONTAINER(handle, struct ptn_watch, handle);
}

static void
on_ready(uv_poll_t *poll, int status, int events)
{
    struct ptn_watch *watch = watch_of(poll);
    unsigned readiness = 0;

    if (status < 0) { /* libuv has stopped watching */
        watch->events = 0;
        readiness |= PTN_FAILED;
    }
    if (events & UV_READABLE)
        readiness |= PTN_READABLE;
    if (events & UV_WRITABLE)
        readiness |= PTN_WRITABLE;
    watch->fn(watch, readiness);
}

int
ptn_watch_open(struct ptn_loop *loop, struct ptn_watch *watch, int fd,
               void (*fn)(struct ptn_watch *watch, unsigned readiness))
{
    int rc = uv_poll_init(&loop->uv, handle_of(watch), fd);

    if (rc) {
        errno = -rc;
        return -1;
    }
    watch->fn = fn;
    watch->events = 0;
    return 0;
}

void
ptn_watch_set(struct ptn_watch *watch, unsigned events)
{
    int uv = 0;

    if (events == watch->events)
        return;
    watch->events = events;
    if (events & PTN_READABLE)
        uv |= UV_READABLE;
    if (events & PTN_WRITABLE)
        uv |= UV_WRITABLE;
    if (uv)
        uv_poll_start(handle_of(watch), uv, on_ready);
    else
        uv_poll_stop(handle_of(watch));
}

static void
on_closed(uv_handle_t *handle)
{
    struct ptn_watch *watch = watch_of(handle);

    if (watch->closed)
        watch->closed(watch);
}

void
ptn_watch_close(struct ptn_watch *watch,
                void (*closed)(struct ptn_watch *watch))
{
    watch->closed = closed;
    uv_close((uv_handle_t *)handle_of(watch), on_closed);
}

struct ptn_fd_watch {
    struct ptn_watch watch;
    void (*fn)(void *arg);
    void *arg;
};

static void
fd_ready(struct ptn_watch *watch, unsigned readiness)
{
    struct ptn_fd_watch *fd = PTN_CONTAINER(watch, struct ptn_fd_watch, watch);

    (void)readiness; /* a failure is found by who reads */
    fd->fn(fd->arg);
}

struct ptn_fd_watch *
ptn_loop_watch_fd(struct ptn_loop *loop, int fd, void (*fn)(void *arg),
                  void *arg)
{
    struct ptn_fd_watch *w = ptn_alloc(sizeof *w);

    w->fn = fn;
    w->arg = arg;
    if (ptn_watch_open(loop, &w->watch, fd, fd_ready) != 0) {
        ptn_free(w);
        return NULL;
    }
    ptn_watch_set(&w->watch, PTN_READABLE);
    return w;
}

static void
fd_closed(struct ptn_watch *watch)
{
    ptn_free(PTN_CONTAINER(watch, struct ptn_fd_watch, watch));
}

void
ptn_host_unwatch_fd(struct ptn_fd_watch *watch)
{
    if (watch)
        ptn_watch_close(&watch->watch, fd_closed);
}
