/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The log's sink, a level and a process name, the only state that is the
 * process's and not a loop's. Descriptor and level are atomic, so any thread
 * may log while another reopens; what else describes the sink is set before
 * there are threads. Nobody waits for a log: a line that a file or a socket
 * does not take is lost, and the next one that gets through says how many.
 */
#include "log/log.h"
#include "base/clock.h"
#include "log/sink.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/un.h>
#include <unistd.h>

enum {
    PATIENCE_MS = 100, /* with a full socket, once; then with none */
};

static const char *const level_names[] = {"error", "warning", "info", "debug"};

static struct ptn_log_sink log_sink; /* its path is log_path */
static char log_path[sizeof((struct sockaddr_un *)0)->sun_path];
static atomic_int log_fd = STDERR_FILENO;
static atomic_uint log_lost;
static atomic_int own_level = PTN_LOG_INFO;
static atomic_int *log_level = &own_level;
static char log_process[16] = "postern";

static int
open_file(const char *path, struct ptn_error *err)
{
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);

    if (fd < 0)
        ptn_error_errno(err, "cannot open the log file %s", path);
    return fd;
}

/* Not connected: each line names the address, so that it finds a daemon that
 * was started again. */
static int
open_socket(const struct ptn_log_sink *sink, struct ptn_error *err)
{
    struct timeval patience = {0, PATIENCE_MS * 1000};
    int fd;

    if (strlen(sink->path) >= sizeof log_path) {
        ptn_error_set(err, PTN_ERR_CONFIG,
                      "the path of the log's socket is longer than %zu octets",
                      sizeof log_path - 1);
        return -1;
    }
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        ptn_error_errno(err, "no socket for the log");
    else
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    return fd;
}

/* dup3 swaps under the number that other threads are writing to. */
void
ptn_log_take_fd(int fd)
{
    int old = atomic_load(&log_fd);

    if (old == STDERR_FILENO || fd == STDERR_FILENO) {
        atomic_store(&log_fd, fd);
        if (old != STDERR_FILENO)
            close(old);
        return;
    }
    if (dup3(fd, old, O_CLOEXEC) >= 0)
        close(fd);
    else
        atomic_store(&log_fd, fd);
}

int
ptn_log_open(const struct ptn_log_sink *sink, struct ptn_error *err)
{
    static const struct ptn_log_sink standard = {PTN_LOG_TO_STDERR,
                                                 PTN_LOG_AS_TEXT, NULL, 0};
    int fd = STDERR_FILENO;

    if (!sink)
        sink = &standard;
    if (sink->target == PTN_LOG_TO_FILE)
        fd = open_file(sink->path, err);
    else if (sink->target != PTN_LOG_TO_STDERR)
        fd = open_socket(sink, err);
    if (fd < 0)
        return -1;
    if (sink->target > PTN_LOG_TO_FILE)
        memcpy(log_path, sink->path, strlen(sink->path) + 1);
    log_sink = *sink;
    log_sink.path = log_path;
    ptn_log_take_fd(fd);
    return 0;
}

int
ptn_log_fd(void)
{
    return log_sink.target == PTN_LOG_TO_FILE ? atomic_load(&log_fd) : -1;
}

void
ptn_log_set_level(enum ptn_log_level level)
{
    atomic_store(log_level, (int)level);
}

/* A process that was taken over may have written any number there: errors are
 * told all the same. */
enum ptn_log_level
ptn_log_get_level(void)
{
    int level = atomic_load_explicit(log_level, memory_order_relaxed);

    if (level < PTN_LOG_ERROR)
        return PTN_LOG_ERROR;
    return level > PTN_LOG_DEBUG ? PTN_LOG_DEBUG : (enum ptn_log_level)level;
}

void
ptn_log_share_level(atomic_int *place)
{
    if (!place)
        place = &own_level;
    if (place != log_level)
        atomic_store(place, (int)ptn_log_get_level());
    log_level = place;
}

bool
ptn_log_level_of(const char *word, enum ptn_log_level *out)
{
    for (size_t i = 0; i < PTN_COUNT(level_names); i++)
        if (strcmp(word, level_names[i]) == 0) {
            *out = (enum ptn_log_level)i;
            return true;
        }
    return false;
}

const char *
ptn_log_level_name(enum ptn_log_level level)
{
    return level_names[level];
}

bool
ptn_log_wants(enum ptn_log_level level)
{
    return level <= ptn_log_get_level();
}

void
ptn_log_set_process(const char *name)
{
    size_t len = strnlen(name, sizeof log_process - 1);

    memcpy(log_process, name, len);
    log_process[len] = '\0';
}

int
ptn_log_send_line(int fd, const struct ptn_log_sink *sink,
                  const struct ptn_log_entry *entry)
{
    struct ptn_log_line line;
    ssize_t n;

    line.len = 0;
    if (sink->format == PTN_LOG_AS_JSON)
        ptn_log_line_json(&line, entry, ptn_clock_wall_ms());
    else
        ptn_log_line_text(&line, entry, ptn_clock_wall_ms());
    line.text[line.len++] = '\n';
    do
        n = write(fd, line.text, line.len);
    while (n < 0 && errno == EINTR);
    return n < 0 ? -1 : 0;
}

int
ptn_log_send_to(int fd, const struct ptn_log_sink *sink,
                const struct msghdr *message, int flags)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct msghdr to = *message;
    ssize_t n;

    memcpy(address.sun_path, sink->path, strlen(sink->path) + 1);
    to.msg_name = &address;
    to.msg_namelen = sizeof address;
    do
        n = sendmsg(fd, &to, flags | MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    return n < 0 ? -1 : 0;
}

/* While lines are being lost, nobody waits for the next one. */
static int
send_entry(const struct ptn_log_entry *entry)
{
    int fd = atomic_load(&log_fd);
    int flags = atomic_load_explicit(&log_lost, memory_order_relaxed) > 0
                    ? MSG_DONTWAIT
                    : 0;

    if (log_sink.target == PTN_LOG_TO_SYSLOG)
        return ptn_log_send_syslog(fd, &log_sink, entry, flags);
    if (log_sink.target == PTN_LOG_TO_JOURNALD)
        return ptn_log_send_journald(fd, &log_sink, entry, flags);
    return ptn_log_send_line(fd, &log_sink, entry);
}

static void
tell_of_lost(void)
{
    unsigned count = atomic_exchange(&log_lost, 0);
    struct ptn_log_field field = PTN_FN("lines", count);
    struct ptn_log_entry entry = {PTN_LOG_WARNING, log_process, "log.lost",
                                  &field, 1};

    if (count > 0 && send_entry(&entry) != 0)
        atomic_fetch_add(&log_lost, count);
}

void
ptn_log_fields(enum ptn_log_level level, const char *event,
               const struct ptn_log_field *fields, size_t count)
{
    struct ptn_log_entry entry = {level, log_process, event, fields, count};
    int saved = errno;

    if (!ptn_log_wants(level))
        return;
    if (send_entry(&entry) != 0)
        atomic_fetch_add(&log_lost, 1);
    else if (atomic_load_explicit(&log_lost, memory_order_relaxed) > 0)
        tell_of_lost();
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
