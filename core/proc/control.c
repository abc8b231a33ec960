/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Both ends of the control socket. The server's end is served on its main
 * thread, one short request at a time.
 */
#include "proc/control.h"
#include "proc/plan.h"
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum {
    REQUEST_MAX = 1024,
    PATIENCE_MS = 100,  /* for the request of a client */
    CLIENT_WAIT_S = 60, /* for the answer of a server */
};

struct ptn_control {
    int fd;
    const struct ptn_control_verb *verbs;
    void *arg;
    struct sockaddr_un address;
};

static int
set_path(struct sockaddr_un *address, const char *path, struct ptn_error *err)
{
    size_t len = strlen(path);

    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (len >= sizeof address->sun_path)
        return ptn_error_set(err, PTN_ERR_CONFIG,
                             "the path of the control socket is longer than "
                             "%zu octets: %s; set server.control",
                             sizeof address->sun_path - 1, path);
    memcpy(address->sun_path, path, len);
    return 0;
}

static int
dial(const struct sockaddr_un *address)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int saved;

    if (fd < 0)
        return -1;
    if (connect(fd, (const struct sockaddr *)address, sizeof *address) == 0)
        return fd;
    saved = errno;
    close(fd);
    errno = saved;
    return -1;
}

/* Whether a living server has the socket. */
static bool
is_taken(const struct sockaddr_un *address)
{
    int fd = dial(address);

    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

static int
bind_path(struct ptn_control *c, struct ptn_error *err)
{
    const char *path = c->address.sun_path;
    mode_t mask;
    int result;

    if (is_taken(&c->address))
        return ptn_error_set(err, PTN_ERR_CONFIG,
                             "%s: a server with this state folder is running; "
                             "stop it first",
                             path);
    unlink(path);
    c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (c->fd < 0)
        return ptn_error_errno(err, "%s", path);
    mask = umask(0177);
    result =
        bind(c->fd, (const struct sockaddr *)&c->address, sizeof c->address);
    umask(mask);
    if (result == 0)
        result = listen(c->fd, 16);
    if (result != 0) {
        ptn_error_errno(err, "%s cannot be made", path);
        close(c->fd);
    }
    return result;
}

struct ptn_control *
ptn_control_open(const char *path, const struct ptn_control_verb *verbs,
                 void *arg, struct ptn_error *err)
{
    struct ptn_control *c = ptn_alloc(sizeof *c);

    c->verbs = verbs;
    c->arg = arg;
    if (set_path(&c->address, path, err) == 0 && bind_path(c, err) == 0)
        return c;
    ptn_free(c);
    return NULL;
}

void
ptn_control_forget(struct ptn_control *c)
{
    close(c->fd);
    ptn_free(c);
}

void
ptn_control_close(struct ptn_control *c)
{
    unlink(c->address.sun_path);
    ptn_control_forget(c);
}

int
ptn_control_fd(const struct ptn_control *c)
{
    return c->fd;
}

/* The request without its line end; false when it did not come in time. */
static bool
receive(int fd, char *request)
{
    size_t len = 0;

    while (len < REQUEST_MAX - 1) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        ssize_t n;

        if (poll(&p, 1, PATIENCE_MS) <= 0)
            return false;
        n = recv(fd, request + len, REQUEST_MAX - 1 - len, MSG_DONTWAIT);
        if (n <= 0)
            return false;
        len += (size_t)n;
        if (request[len - 1] == '\n') {
            request[len - 1] = '\0';
            return true;
        }
    }
    return false;
}

static void
answer(const struct ptn_control *c, const char *request, struct ptn_buf *out)
{
    struct ptn_error err = PTN_ERROR_INIT;
    const struct ptn_control_verb *verb = c->verbs;

    while (verb->word && strcmp(verb->word, request) != 0)
        verb++;
    if (!verb->word)
        ptn_error_set(&err, PTN_ERR_INVALID,
                      "this server does not know the request \"%s\"", request);
    if (verb->word && verb->fn(c->arg, out, &err) == 0) {
        ptn_buf_adds(out, "ok\n");
        return;
    }
    ptn_buf_adds(out, "error");
    ptn_record_add(out, "text", err.text);
    ptn_buf_addc(out, '\n');
}

static int
send_all(int fd, struct ptn_slice data)
{
    while (data.len > 0) {
        ssize_t n = send(fd, data.data, data.len, MSG_NOSIGNAL);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return -1;
        data = ptn_slice_sub(data, (size_t)n, data.len - (size_t)n);
    }
    return 0;
}

void
ptn_control_serve(struct ptn_control *c)
{
    struct timeval patience = {0, PATIENCE_MS * 1000};
    struct ptn_buf out = PTN_BUF_INIT;
    char request[REQUEST_MAX];
    int fd = accept4(c->fd, NULL, NULL, SOCK_CLOEXEC);

    if (fd < 0)
        return;
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    if (receive(fd, request)) {
        answer(c, request, &out);
        (void)send_all(fd, ptn_buf_slice(&out)); /* its client went away */
    }
    ptn_buf_free(&out);
    close(fd);
}

static int
read_answer(int fd, struct ptn_buf *out, struct ptn_error *err)
{
    ssize_t n;

    do {
        n = read(fd, ptn_buf_reserve(out, 16384), 16384);
        if (n > 0)
            out->len += (size_t)n;
    } while (n > 0 || (n < 0 && errno == EINTR));
    if (n < 0)
        return ptn_error_errno(err, "the server does not answer");
    return 0;
}

/* Takes the last line, which is the outcome, off the records. */
static int
conclude(struct ptn_buf *out, struct ptn_error *err)
{
    size_t from = out->len > 0 ? out->len - 1 : 0;
    struct ptn_slice last;
    char text[PTN_ERROR_TEXT_MAX];

    while (from > 0 && out->data[from - 1] != '\n')
        from--;
    last = ptn_slice_sub(ptn_buf_slice(out), from, out->len - from);
    last = ptn_record_next(&last);
    if (ptn_record_is(last, "ok")) {
        out->len = from;
        return 0;
    }
    if (!ptn_record_get(last, "text", text, sizeof text))
        return ptn_error_set(err, PTN_ERR_SYSTEM, "the server hung up");
    return ptn_error_set(err, PTN_ERR_SYSTEM, "%s", text);
}

int
ptn_control_ask(const char *path, const char *request, struct ptn_buf *out,
                struct ptn_error *err)
{
    struct timeval wait = {CLIENT_WAIT_S, 0};
    struct ptn_buf line = PTN_BUF_INIT;
    struct sockaddr_un address;
    int fd, result;

    if (set_path(&address, path, err) != 0)
        return -1;
    fd = dial(&address);
    if (fd < 0)
        return ptn_error_errno(err, "no server answers on %s", path);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
    ptn_buf_printf(&line, "%s\n", request);
    if (send_all(fd, ptn_buf_slice(&line)) != 0)
        result = ptn_error_errno(err, "%s", path);
    else
        result = read_answer(fd, out, err);
    if (result == 0)
        result = conclude(out, err);
    ptn_buf_free(&line);
    close(fd);
    return result;
}
