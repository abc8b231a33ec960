/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Which responses to fetch, and when: at half of the life of what is there
 * (the authority's servers are up to be asked early), and after failures
 * later each time. What was fetched is a file, STATE/ocsp/NAME.der: it outlives
 * the envoy, and tells when it is due. The warden sees it come, checks it,
 * and has it stapled. The envoy's thread.
 */
#include "ocsp.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <postern/arena.h>
#include <postern/log.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    SOON_S = 300,          /* after the first failure; doubled each time */
    LATE_S = 6 * 3600,     /* at most */
    ANYTIME_S = 12 * 3600, /* of a response without an end */
    OFTEN_S = 60,          /* no responder is asked more often */
    LOOK_S = 3600,         /* a certificate may have another version */
};

struct ocsp_work {
    unsigned failures;
    int64_t due; /* after a failure; 0: as the file says */
};

static void
path_of(const struct ocsp *o, const char *name, const char *suffix,
        char out[PATH_MAX])
{
    snprintf(out, PATH_MAX, "%s/%s.der%s", o->folder, name, suffix);
}

static bool
read_file(const char *path, struct ptn_buf *out)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = -1;

    if (fd >= 0) {
        n = read(fd, ptn_buf_reserve(out, OCSP_RESPONSE_MAX),
                 OCSP_RESPONSE_MAX);
        close(fd);
    }
    if (n > 0)
        out->len += (size_t)n;
    return n > 0;
}

/* Beside it and renamed, so that nobody reads half of it. */
static int
write_file(const struct ocsp *o, const char *name, struct ptn_slice data,
           struct ptn_error *err)
{
    char path[PATH_MAX], beside[PATH_MAX];
    int fd, result = -1;

    path_of(o, name, "", path);
    path_of(o, name, ".new", beside);
    unlink(beside);
    fd = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (fd >= 0) {
        if (write(fd, data.data, data.len) == (ssize_t)data.len)
            result = rename(beside, path);
        close(fd);
    }
    return result == 0 ? 0 : ptn_error_errno(err, "%s", path);
}

/* When what is there has to be replaced; 0: now. */
static int64_t
due_of(const struct ocsp *o, const char *name, struct ptn_slice chain)
{
    struct ptn_ocsp_facts facts = {.size = sizeof facts};
    struct ptn_buf response = PTN_BUF_INIT;
    struct ptn_error ignored = PTN_ERROR_INIT;
    char path[PATH_MAX];
    int64_t due = 0;

    path_of(o, name, "", path);
    if (read_file(path, &response) &&
        ocsp_check(NULL, chain, ptn_buf_slice(&response), &facts, &ignored) ==
            0)
        due = facts.next_update
                  ? facts.this_update +
                        (facts.next_update - facts.this_update) / 2
                  : facts.this_update + ANYTIME_S;
    ptn_buf_free(&response);
    return due;
}

static int
fetch(const struct ocsp *o, const char *name, struct ptn_slice chain,
      struct ptn_error *err)
{
    struct ptn_ocsp_facts facts = {.size = sizeof facts};
    struct ptn_buf request = PTN_BUF_INIT, response = PTN_BUF_INIT;
    char url[OCSP_URL_MAX];
    int result = -1;

    if (ocsp_request(chain, &request, url, err) == 0 &&
        ocsp_fetch(url, ptn_buf_slice(&request), &response, err) == 0) {
        result = ocsp_check(NULL, chain, ptn_buf_slice(&response), &facts, err);
        if (result != 0)
            ptn_error_prefix(err, "the answer of %s", url);
        else
            result = write_file(o, name, ptn_buf_slice(&response), err);
    }
    if (result == 0)
        ptn_log(PTN_LOG_INFO, "ocsp.fetched", PTN_FS("certificate", name),
                PTN_FS("from", url),
                PTN_FS("status", facts.revoked ? "revoked" : "good"));
    ptn_buf_free(&request);
    ptn_buf_free(&response);
    return result;
}

static int64_t
later(const struct ocsp_work *w, int64_t now)
{
    int64_t wait = SOON_S;

    for (unsigned i = 1; i < w->failures && wait < LATE_S; i++)
        wait *= 2;
    return now + (wait < LATE_S ? wait : LATE_S);
}

/* One certificate: does what is due, and answers when to come again. */
static int64_t
serve(struct ocsp *o, struct ocsp_work *w,
      const struct ptn_errand_certificate *certificate)
{
    struct ptn_error err = PTN_ERROR_INIT;
    struct ptn_buf chain = PTN_BUF_INIT;
    int64_t now = (int64_t)time(NULL), due = w->due;
    int result = ptn_errand_chain(o->host, certificate, &chain, &err);

    if (result == 0 && !due)
        due = due_of(o, certificate->name, ptn_buf_slice(&chain));
    if (result == 0 && due <= now) {
        result = fetch(o, certificate->name, ptn_buf_slice(&chain), &err);
        due = due_of(o, certificate->name, ptn_buf_slice(&chain));
        if (due < now + OFTEN_S)
            due = now + OFTEN_S;
    }
    ptn_buf_free(&chain);
    w->failures = result == 0 ? 0 : w->failures + 1;
    w->due = 0;
    if (result != 0) {
        ptn_error_prefix(&err, "certificates.%s.ocsp", certificate->name);
        ptn_log_error(PTN_LOG_WARNING, "ocsp.not-fetched", &err);
        w->due = due = later(w, now);
    }
    return due < now + LOOK_S ? due : now + LOOK_S;
}

static size_t
count_works(const struct ocsp *o)
{
    size_t count = 0;

    while (ptn_errand_stapled(o->host, count))
        count++;
    return count;
}

int
ocsp_run(void *instance, const struct ptn_errand_wish *wish, int64_t *next,
         struct ptn_error *err)
{
    struct ocsp *o = instance;
    const struct ptn_errand_certificate *certificate;

    if (wish)
        return ptn_error_set(err, PTN_ERR_INVALID,
                             "ocsp obtains no certificates");
    if (!o->works)
        o->works = ptn_alloc((count_works(o) + 1) * sizeof *o->works);
    *next = 0;
    for (size_t i = 0; (certificate = ptn_errand_stapled(o->host, i)); i++) {
        int64_t due = serve(o, &o->works[i], certificate);

        if (!*next || due < *next)
            *next = due;
    }
    return 0;
}

void
ocsp_free(struct ocsp *o)
{
    ptn_free(o->works);
    ptn_free(o->folder);
    ptn_free(o);
}
