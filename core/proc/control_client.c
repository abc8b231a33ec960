/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The client's end of the control socket. Any thread.
 */
#include "proc/control.h"
#include "proc/plan.h"
#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

enum {
    CLIENT_WAIT_S = 240, /* for the answer of a server */
};

int
ptn_control_dial(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t len = strlen(path);
    int fd, saved;

    if (len >= sizeof address.sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(address.sun_path, path, len);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    if (connect(fd, (const struct sockaddr *)&address, sizeof address) == 0)
        return fd;
    saved = errno;
    close(fd);
    errno = saved;
    return -1;
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
    out->len = from; /* what it had to say before it refused */
    return ptn_error_set(err, PTN_ERR_SYSTEM, "%s", text);
}

int
ptn_control_ask(const char *path, const char *request, struct ptn_buf *out,
                struct ptn_error *err)
{
    struct timeval wait = {CLIENT_WAIT_S, 0};
    struct ptn_buf line = PTN_BUF_INIT;
    int fd = ptn_control_dial(path), result;

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
    ptn_wipe(line.data, line.cap); /* there may be a passphrase */
    ptn_buf_free(&line);
    close(fd);
    return result;
}
