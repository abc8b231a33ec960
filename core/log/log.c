/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The log's sink: a file descriptor, a level and a process name, the only
 * state that is the process's and not a loop's. Descriptor and level are
 * atomic, so any thread may log while another reopens. A line is built on
 * the stack and written at once; a failed write is dropped, since there is
 * nobody left to tell.
 *
 * A signal handler may log, as one does that reports a crash: nothing here
 * allocates, locks, or calls what does (gmtime_r and strftime take the time
 * zone's lock).
 */
#include "log/log.h"
#include "log/line.h"
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

static atomic_int log_fd = STDERR_FILENO;
static atomic_int log_level = PTN_LOG_INFO;
static char log_process[16] = "postern";

int
ptn_log_open(const char *path, struct ptn_error *err)
{
    int fd = STDERR_FILENO, old = atomic_load(&log_fd);

    if (path) {
        fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
        if (fd < 0)
            return ptn_error_errno(err, "cannot open the log file %s", path);
    }
    if (!path || old == STDERR_FILENO) {
        atomic_store(&log_fd, fd);
        if (old != STDERR_FILENO && old != fd)
            close(old);
        return 0;
    }
    /* dup3 swaps under the number that other threads are writing to. */
    if (dup3(fd, old, O_CLOEXEC) < 0) {
        int rc = ptn_error_errno(err, "cannot reopen the log file %s", path);
        close(fd);
        return rc;
    }
    close(fd);
    return 0;
}

void
ptn_log_set_level(enum ptn_log_level level)
{
    atomic_store(&log_level, (int)level);
}

bool
ptn_log_wants(enum ptn_log_level level)
{
    return (int)level <= atomic_load_explicit(&log_level, memory_order_relaxed);
}

void
ptn_log_set_process(const char *name)
{
    size_t len = strnlen(name, sizeof log_process - 1);

    memcpy(log_process, name, len);
    log_process[len] = '\0';
}

static void
add_time(struct ptn_log_line *line)
{
    char text[sizeof "YYYY-MM-DDThh:mm:ss.mmmZ"];
    struct timespec ts;

    clock_gettime(CLOCK_REALTIME, &ts);
    ptn_log_line_time(ts.tv_sec, (unsigned)(ts.tv_nsec / 1000000), text);
    ptn_log_line_add(line, ptn_slice_of(text));
}

static void
send_line(struct ptn_log_line *line)
{
    ssize_t n;

    line->text[line->len++] = '\n';
    do
        n = write(atomic_load(&log_fd), line->text, line->len);
    while (n < 0 && errno == EINTR);
}

void
ptn_log_fields(enum ptn_log_level level, const char *event,
               const struct ptn_log_field *fields, size_t count)
{
    static const char *const names[] = {"error", "warning", "info", "debug"};
    struct ptn_log_line line = {.len = 0};
    int saved = errno;

    if (!ptn_log_wants(level))
        return;
    add_time(&line);
    ptn_log_line_word(&line, names[level]);
    ptn_log_line_word(&line, log_process);
    ptn_log_line_word(&line, event);
    for (size_t i = 0; i < count; i++)
        ptn_log_line_field(&line, &fields[i]);
    send_line(&line);
    errno = saved;
}

void
ptn_log_error(enum ptn_log_level level, const char *event,
              const struct ptn_error *err)
{
    struct ptn_log_field fields[3] = {PTN_FS("error", err->text)};
    size_t count = 1;

    if (err->file)
        fields[count++] = PTN_FS("file", err->file);
    if (err->line)
        fields[count++] = PTN_FN("line", err->line);
    ptn_log_fields(level, event, fields, count);
}
