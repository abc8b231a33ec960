/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The loop itself, its signals, and calls on the next turn. Owns the libuv
 * loop; everything here is for its thread.
 */
#include "loop/loop.h"
#include "base/clock.h"
#include "loop/inner.h"
#include <assert.h>
#include <errno.h>
#include <postern/arena.h>

static void
on_idle(uv_idle_t *idle)
{
    struct ptn_loop *loop = PTN_CONTAINER(idle, struct ptn_loop, idle);
    struct ptn_list due, *link;

    ptn_list_init(&due);
    ptn_list_move_all(&loop->soon, &due);
    while ((link = ptn_list_take(&due))) {
        struct ptn_soon *soon = PTN_CONTAINER(link, struct ptn_soon, link);
        soon->fn(soon);
    }
    if (ptn_list_is_empty(&loop->soon))
        uv_idle_stop(idle);
}

struct ptn_loop *
ptn_loop_new(const struct ptn_loop_params *params, struct ptn_error *err)
{
    struct ptn_loop *loop = ptn_alloc(sizeof *loop);
    int rc = uv_loop_init(&loop->uv);

    if (rc) {
        ptn_error_set(err, PTN_ERR_SYSTEM, "cannot make an event loop: %s",
                      uv_strerror(rc));
        ptn_free(loop);
        return NULL;
    }
    ptn_list_init(&loop->soon);
    uv_idle_init(&loop->uv, &loop->idle);
    ptn_loop_jobs_open(loop, params);
    return loop;
}

void
ptn_loop_run(struct ptn_loop *loop)
{
    uv_run(&loop->uv, UV_RUN_DEFAULT);
}

void
ptn_loop_stop(struct ptn_loop *loop)
{
    uv_stop(&loop->uv);
}

void
ptn_loop_free(struct ptn_loop *loop)
{
    if (!loop)
        return;
    ptn_loop_jobs_close(loop);
    uv_close((uv_handle_t *)&loop->idle, NULL);
    uv_run(&loop->uv, UV_RUN_NOWAIT);
    int rc = uv_loop_close(&loop->uv);
    assert(rc == 0); /* else somebody left a watch or timer behind */
    ptn_free(loop);
}

uint64_t
ptn_loop_now(const struct ptn_loop *loop)
{
    return uv_now(&loop->uv);
}

void
ptn_soon_init(struct ptn_soon *soon, void (*fn)(struct ptn_soon *soon))
{
    ptn_list_init(&soon->link);
    soon->fn = fn;
}

void
ptn_soon_call(struct ptn_loop *loop, struct ptn_soon *soon)
{
    if (!ptn_list_is_empty(&soon->link))
        return;
    ptn_list_add(&loop->soon, &soon->link);
    uv_idle_start(&loop->idle, on_idle);
}

void
ptn_soon_cancel(struct ptn_soon *soon)
{
    ptn_list_remove(&soon->link);
}

struct ptn_signal {
    uv_signal_t uv;
    void (*fn)(void *arg, int number);
    void *arg;
};

static void
on_signal(uv_signal_t *uv, int number)
{
    struct ptn_signal *signal = PTN_CONTAINER(uv, struct ptn_signal, uv);

    signal->fn(signal->arg, number);
}

struct ptn_signal *
ptn_loop_signal(struct ptn_loop *loop, int number,
                void (*fn)(void *arg, int number), void *arg)
{
    struct ptn_signal *signal = ptn_alloc(sizeof *signal);

    signal->fn = fn;
    signal->arg = arg;
    uv_signal_init(&loop->uv, &signal->uv);
    int rc = uv_signal_start(&signal->uv, on_signal, number);
    assert(rc == 0);
    uv_unref((uv_handle_t *)&signal->uv);
    return signal;
}

static void
free_signal(uv_handle_t *uv)
{
    ptn_free(PTN_CONTAINER((uv_signal_t *)uv, struct ptn_signal, uv));
}

void
ptn_signal_free(struct ptn_signal *signal)
{
    if (signal)
        uv_close((uv_handle_t *)&signal->uv, free_signal);
}
