/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Files and passphrases that `posternctl cert` is given. What they were read
 * into is wiped; it grows in one piece, as growing would leave copies.
 */
#include "posternctl/cert.h"
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

void
cert_wipe(struct ptn_buf *b)
{
    if (b->cap)
        ptn_wipe(b->data, b->cap);
    ptn_buf_free(b);
}

int
cert_read_file(const struct ctl *ctl, const char *path, struct ptn_buf *out)
{
    int fd = strcmp(path, "-") == 0 ? dup(STDIN_FILENO)
                                    : open(path, O_RDONLY | O_CLOEXEC);
    size_t room = PTN_REPOSITORY_FILE_MAX + 1;
    ssize_t n = -1;
    int problem;

    ptn_buf_reserve(out, room);
    while (fd >= 0 && room > 0 &&
           (n = read(fd, ptn_buf_reserve(out, room), room)) > 0) {
        out->len += (size_t)n;
        room -= (size_t)n;
    }
    problem = errno;
    if (fd >= 0)
        close(fd);
    if (room == 0)
        return cert_refuse(ctl, PTN_CERT_UNSUPPORTED,
                           "%s is longer than 256 KiB: that is no certificate "
                           "and no key",
                           path);
    if (n == 0)
        return CTL_OK;
    return cert_refuse(ctl, CTL_FAILED, "%s: %s", path, strerror(problem));
}
