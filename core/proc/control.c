/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The server's end of the control socket, on its main thread. Nothing here
 * waits: clients are watched by an epoll(7) descriptor of its own, which
 * whoever serves watches as one.
 *
 *   accept -> READING --a line--> ANSWERING --done--> SENDING --> closed
 *                |                    | client gone
 *                | silent             v
 *                +--> closed       orphan: the call goes on, nobody hears it
 */
#include "proc/control.h"
#include "base/clock.h"
#include "base/list.h"
#include "proc/heir.h"
#include "proc/plan.h"
#include <errno.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <unistd.h>

enum {
    PATIENCE_MS = 10000, /* with a client that neither says nor reads */
    EVENTS_AT_ONCE = 16,
};

enum phase {
    READING,
    ANSWERING,
    SENDING,
};

struct client {
    struct ptn_control_call call;
    struct ptn_list link;
    struct ptn_control *control;
    int fd; /* -1: it went away before its answer */
    enum phase phase;
    uint64_t moved; /* when it last said or took something */
    size_t sent;    /* of call.out */
    size_t len;     /* of `line` */
    char line[PTN_CONTROL_REQUEST_MAX];
};

struct ptn_control {
    int listener, epoll, timer;
    bool settled;   /* the listener is ours to serve */
    bool passed_on; /* it is another's by now */
    const struct ptn_control_verb *verbs;
    void *arg;
    const char *path;
    struct ptn_list clients;
    unsigned count;
};

/* --- the socket --- */

/* Whether a living server has the socket. */
static bool
is_taken(const char *path)
{
    int fd = ptn_control_dial(path);

    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

static int
watch(const struct ptn_control *c, int fd, uint32_t events, void *what)
{
    struct epoll_event event = {.events = events, .data.ptr = what};

    return epoll_ctl(c->epoll, EPOLL_CTL_ADD, fd, &event);
}

/* A bound and listening socket at the path, or -1 with errno. */
static int
listen_at(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    mode_t mask;
    int result;

    if (fd < 0)
        return -1;
    memcpy(address.sun_path, path, strlen(path));
    unlink(path);
    mask = umask(0177);
    result = bind(fd, (const struct sockaddr *)&address, sizeof address);
    umask(mask);
    if (result == 0 && listen(fd, PTN_CONTROL_CLIENTS) == 0)
        return fd;
    close(fd);
    return -1;
}

static void
close_all(struct ptn_control *c)
{
    if (c->listener >= 0)
        close(c->listener);
    if (c->epoll >= 0)
        close(c->epoll);
    if (c->timer >= 0)
        close(c->timer);
    ptn_free((char *)c->path);
    ptn_free(c);
}

static int
open_listener(struct ptn_control *c, struct ptn_error *err)
{
    c->listener = ptn_heir_take_control(c->path);
    if (c->listener >= 0)
        return 0;
    c->settled = true;
    if (is_taken(c->path))
        return ptn_error_set(err, PTN_ERR_CONFIG,
                             "%s: a server with this state folder is running; "
                             "stop it first",
                             c->path);
    c->listener = listen_at(c->path);
    return c->listener < 0 ? ptn_error_errno(err, "%s cannot be made", c->path)
                           : 0;
}

static int
open_all(struct ptn_control *c, struct ptn_error *err)
{
    if (open_listener(c, err) != 0)
        return -1;
    c->epoll = epoll_create1(EPOLL_CLOEXEC);
    c->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (c->epoll < 0 || c->timer < 0 ||
        (c->settled && watch(c, c->listener, EPOLLIN, &c->listener) != 0) ||
        watch(c, c->timer, EPOLLIN, &c->timer) != 0)
        return ptn_error_errno(err, "%s cannot be watched", c->path);
    return 0;
}

struct ptn_control *
ptn_control_open(const char *path, const struct ptn_control_verb *verbs,
                 void *arg, struct ptn_error *err)
{
    const size_t most = sizeof((struct sockaddr_un *)0)->sun_path - 1;
    struct ptn_control *c;

    if (strlen(path) > most) {
        ptn_error_set(err, PTN_ERR_CONFIG,
                      "the path of the control socket is longer than %zu "
                      "octets: %s; set server.control",
                      most, path);
        return NULL;
    }
    c = ptn_alloc(sizeof *c);
    *c = (struct ptn_control){.listener = -1,
                              .epoll = -1,
                              .timer = -1,
                              .verbs = verbs,
                              .arg = arg,
                              .path = ptn_strdup(path)};
    ptn_list_init(&c->clients);
    if (open_all(c, err) == 0)
        return c;
    close_all(c);
    return NULL;
}

int
ptn_control_fd(const struct ptn_control *c)
{
    return c->epoll;
}

void
ptn_control_settle(struct ptn_control *c)
{
    if (!c->settled)
        watch(c, c->listener, EPOLLIN, &c->listener);
    c->settled = true;
}

int
ptn_control_listener(const struct ptn_control *c)
{
    return c->listener;
}

void
ptn_control_pass_on(struct ptn_control *c, bool taken)
{
    if (!taken)
        unlink(c->path);
    epoll_ctl(c->epoll, EPOLL_CTL_DEL, c->listener, NULL);
    close(c->listener);
    c->listener = -1;
    c->passed_on = true;
}

/* --- clients --- */

static void
hang_up(struct client *k)
{
    if (k->fd < 0)
        return;
    /* A child that was just forked has the descriptor, too: without this,
     * events would go on until the child closes it. */
    epoll_ctl(k->control->epoll, EPOLL_CTL_DEL, k->fd, NULL);
    close(k->fd);
    k->fd = -1;
}

static void
release(struct client *k)
{
    hang_up(k);
    ptn_list_remove(&k->link);
    k->control->count--;
    ptn_buf_free(&k->call.out);
    ptn_wipe(k->line, k->len); /* there may have been a passphrase */
    ptn_free(k);
}

void
ptn_control_forget(struct ptn_control *c)
{
    while (!ptn_list_is_empty(&c->clients)) {
        struct client *k = PTN_CONTAINER(c->clients.next, struct client, link);

        close(k->fd); /* not hang_up: the parent shares the epoll set */
        k->fd = -1;
        release(k);
    }
    close_all(c);
}

void
ptn_control_close(struct ptn_control *c)
{
    if (c->settled && !c->passed_on)
        unlink(c->path);
    ptn_control_forget(c);
}

/* Sends what the socket takes; the client is gone when all is sent. */
static void
send_some(struct client *k)
{
    struct epoll_event event = {.events = EPOLLOUT, .data.ptr = k};

    while (k->fd >= 0 && k->sent < k->call.out.len) {
        ssize_t n =
            send(k->fd, k->call.out.data + k->sent, k->call.out.len - k->sent,
                 MSG_NOSIGNAL | MSG_DONTWAIT);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN) {
            epoll_ctl(k->control->epoll, EPOLL_CTL_MOD, k->fd, &event);
            return;
        }
        if (n <= 0)
            break;
        k->sent += (size_t)n;
        k->moved = ptn_clock_ms();
    }
    release(k);
}

void
ptn_control_done(struct ptn_control_call *call, const struct ptn_error *err)
{
    struct client *k = PTN_CONTAINER(call, struct client, call);

    if (!err) {
        ptn_buf_adds(&call->out, "ok\n");
    } else {
        ptn_buf_adds(&call->out, "error");
        ptn_record_add(&call->out, "text", err->text);
        ptn_buf_addc(&call->out, '\n');
    }
    k->phase = SENDING;
    k->moved = ptn_clock_ms();
    send_some(k);
}

int
ptn_control_unknown(const struct ptn_control_call *call, struct ptn_error *err)
{
    struct ptn_slice word = call->request;

    if (call->args.data)
        word.len = (size_t)(call->args.data - word.data) - 1;
    return ptn_error_set(err, PTN_ERR_INVALID,
                         "this server does not know the request \"%.*s\"",
                         (int)word.len, word.data);
}

static void
answer(struct client *k)
{
    const struct ptn_control *c = k->control;
    const struct ptn_control_verb *verb = c->verbs;
    struct epoll_event event = {.events = 0, .data.ptr = k};
    struct ptn_error err = PTN_ERROR_INIT;
    int result = -1;

    k->phase = ANSWERING;
    epoll_ctl(c->epoll, EPOLL_CTL_MOD, k->fd, &event); /* its end alone */
    while (verb->word && !ptn_record_is(k->call.request, verb->word))
        verb++;
    if (verb->fn)
        result = verb->fn(c->arg, &k->call, &err);
    else
        (void)ptn_control_unknown(&k->call, &err);
    if (result != PTN_CONTROL_LATER)
        ptn_control_done(&k->call, result == 0 ? NULL : &err);
}

static void
receive(struct client *k)
{
    ssize_t n =
        recv(k->fd, k->line + k->len, sizeof k->line - k->len, MSG_DONTWAIT);
    const char *lf, *tab;

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n > 0) {
        k->len += (size_t)n;
        k->moved = ptn_clock_ms();
    }
    lf = memchr(k->line, '\n', k->len);
    if (n <= 0 || (!lf && k->len == sizeof k->line)) {
        release(k);
        return;
    }
    if (!lf)
        return;
    k->call.request = (struct ptn_slice){k->line, (size_t)(lf - k->line)};
    tab = memchr(k->line, '\t', k->call.request.len);
    if (tab)
        k->call.args = (struct ptn_slice){tab + 1, (size_t)(lf - tab) - 1};
    answer(k);
}

static void
on_client(struct client *k, uint32_t events)
{
    if (k->phase == SENDING)
        send_some(k);
    else if (k->phase == READING)
        receive(k);
    else if (events & (EPOLLHUP | EPOLLERR))
        hang_up(k);
}

static void
set_timer(const struct ptn_control *c, unsigned milliseconds)
{
    struct itimerspec in = {
        .it_value = {milliseconds / 1000,
                     (long)(milliseconds % 1000) * 1000000}};

    timerfd_settime(c->timer, 0, &in, NULL);
}

static void
admit(struct ptn_control *c)
{
    int fd = accept4(c->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    struct client *k;

    if (fd < 0)
        return;
    if (c->count == PTN_CONTROL_CLIENTS) {
        close(fd);
        return;
    }
    k = ptn_alloc(sizeof *k);
    k->control = c;
    k->fd = fd;
    k->moved = ptn_clock_ms();
    ptn_list_add(&c->clients, &k->link);
    if (c->count++ == 0)
        set_timer(c, PATIENCE_MS);
    if (watch(c, fd, EPOLLIN, k) != 0)
        release(k);
}

/* Lets those go that have not moved; comes again while there is one. */
static void
sweep(struct ptn_control *c)
{
    uint64_t now = ptn_clock_ms(), ticks;
    struct ptn_list *link = c->clients.next, *next;

    (void)!read(c->timer, &ticks, sizeof ticks);
    for (; link != &c->clients; link = next) {
        struct client *k = PTN_CONTAINER(link, struct client, link);

        next = link->next;
        if (k->phase != ANSWERING && now - k->moved >= PATIENCE_MS)
            release(k);
    }
    if (c->count > 0)
        set_timer(c, PATIENCE_MS);
}

void
ptn_control_serve(struct ptn_control *c)
{
    struct epoll_event event;

    /* One by one: what is done about an event may end other clients. */
    for (unsigned i = 0; i < EVENTS_AT_ONCE; i++) {
        if (epoll_wait(c->epoll, &event, 1, 0) != 1)
            return;
        if (event.data.ptr == &c->listener)
            admit(c);
        else if (event.data.ptr == &c->timer)
            sweep(c);
        else
            on_client(event.data.ptr, event.events);
    }
}
