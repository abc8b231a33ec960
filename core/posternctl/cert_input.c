/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Files and passphrases that `posternctl cert` is given, and what it prints.
 * What they were read into is wiped; it grows in one piece, as growing would
 * leave copies.
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

int
cert_print_binary(const struct ctl *ctl, const struct ptn_buf *data)
{
    if (isatty(STDOUT_FILENO))
        return cert_refuse(ctl, CTL_USAGE,
                           "this is binary, and not for a terminal: send it "
                           "into a file, with \">\"");
    if (fwrite(data->data, 1, data->len, stdout) == data->len &&
        fflush(stdout) == 0)
        return CTL_OK;
    return cert_refuse(ctl, CTL_FAILED, "it cannot be written: %s",
                       strerror(errno));
}

/* --- passphrases --- */

/* The first line of the file, as other programs have it. */
static int
read_passphrase(const struct ctl *ctl, const char *path, struct ptn_buf *out)
{
    struct ptn_buf file = PTN_BUF_INIT;
    int result = cert_read_file(ctl, path, &file);
    size_t len = strcspn(ptn_buf_cstr(&file), "\r\n");

    if (result == CTL_OK && len > PTN_TLS_PASSPHRASE_MAX)
        result = cert_refuse(ctl, PTN_CERT_PASSPHRASE,
                             "%s: a passphrase has at most %d octets", path,
                             PTN_TLS_PASSPHRASE_MAX);
    if (result == CTL_OK && len == 0)
        result = cert_refuse(ctl, PTN_CERT_PASSPHRASE,
                             "%s: the first line, which is the passphrase, is "
                             "empty",
                             path);
    if (result == CTL_OK)
        ptn_buf_add(out, file.data, len);
    cert_wipe(&file);
    return result;
}

int
cert_open_passphrase(struct cert_office *o)
{
    const char *path = ctl_option(o->ctl, "passphrase-file");

    return path ? read_passphrase(o->ctl, path, &o->passphrase) : CTL_OK;
}

static int
ask(const struct cert_office *o, const char *what, bool confirm,
    struct ptn_buf *out)
{
    char title[256], answer[CTL_PASSWORD_MAX] = "";
    int result;

    if (o->passphrase.len) {
        ptn_buf_addslice(out, ptn_buf_slice(&o->passphrase));
        return 0;
    }
    snprintf(title, sizeof title, "Passphrase of %s", what);
    result = ctl_ask_secret(title, confirm, answer);
    if (result == 0 && !*answer)
        result = -1;
    if (result == 0)
        ptn_buf_adds(out, answer);
    ptn_wipe(answer, sizeof answer);
    return result;
}

int
cert_ask(void *arg, const char *what, struct ptn_buf *out)
{
    return ask(arg, what, false, out);
}

int
cert_ask_new(const struct cert_office *o, const char *what, struct ptn_buf *out)
{
    if (ask(o, what, true, out) == 0)
        return CTL_OK;
    return cert_refuse(o->ctl, PTN_CERT_PASSPHRASE,
                       "no passphrase was given for %s; use "
                       "--passphrase-file, or a terminal",
                       what);
}
