/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Datagrams to the service manager's socket. A failure is not reported: the
 * server works without being watched. Main thread.
 */
#include "proc/notify.h"
#include "base/clock.h"
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum {
    NAME_MAX_LENGTH = 80,
    FDS_MAX = 64, /* in one datagram */
};

union control {
    struct cmsghdr head; /* for its alignment */
    char room[CMSG_SPACE(FDS_MAX * sizeof(int))];
};

/* What is in the manager's care, by name. */
static struct stored {
    char name[NAME_MAX_LENGTH];
    unsigned count;
    bool wanted;
} * stored;
static size_t stored_count;

/* --- one datagram --- */

static void
add_fds(struct msghdr *message, union control *control, const int *fds,
        size_t count)
{
    memset(control, 0, sizeof *control);
    message->msg_control = control;
    message->msg_controllen = CMSG_SPACE(count * sizeof(int));
    control->head.cmsg_level = SOL_SOCKET;
    control->head.cmsg_type = SCM_RIGHTS;
    control->head.cmsg_len = CMSG_LEN(count * sizeof(int));
    memcpy(CMSG_DATA(&control->head), fds, count * sizeof(int));
}

static void
notify_fds(const char *text, const int *fds, size_t count)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    size_t len = path ? strlen(path) : 0;
    struct iovec data = {(void *)text, strlen(text)};
    struct msghdr message = {.msg_name = &to, .msg_iov = &data};
    union control control;
    int fd;

    if (len < 2 || len >= sizeof to.sun_path)
        return;
    memcpy(to.sun_path, path, len);
    if (path[0] == '@') /* the abstract name space */
        to.sun_path[0] = '\0';
    message.msg_namelen =
        (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
    message.msg_iovlen = 1;
    if (count > 0)
        add_fds(&message, &control, fds, count);
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    (void)!sendmsg(fd, &message, MSG_NOSIGNAL);
    close(fd);
}

static void
notify(const char *text)
{
    notify_fds(text, NULL, 0);
}

/* --- states --- */

/* The line ends at what would begin another assignment. */
static void
notify_status(const char *before, const char *status)
{
    char text[256];

    snprintf(text, sizeof text, "%sSTATUS=%.*s", before,
             (int)strcspn(status, "\n"), status);
    notify(text);
}

void
ptn_notify_ready(const char *status)
{
    notify_status("READY=1\n", status);
}

void
ptn_notify_status(const char *status)
{
    notify_status("", status);
}

void
ptn_notify_reloading(void)
{
    char text[64];

    snprintf(text, sizeof text, "RELOADING=1\nMONOTONIC_USEC=%llu",
             (unsigned long long)ptn_clock_ms() * 1000);
    notify(text);
}

void
ptn_notify_stopping(void)
{
    notify("STOPPING=1");
}

void
ptn_notify_main_pid(pid_t pid)
{
    char text[32];

    snprintf(text, sizeof text, "MAINPID=%ld", (long)pid);
    notify(text);
}

uint64_t
ptn_notify_watchdog_ms(void)
{
    const char *interval = getenv("WATCHDOG_USEC");
    const char *pid = getenv("WATCHDOG_PID");
    uint64_t us;

    if (!interval || !ptn_slice_to_u64(ptn_slice_of(interval), INT64_MAX, &us))
        return 0;
    if (pid && strtol(pid, NULL, 10) != getpid())
        return 0;
    return us / 2000;
}

void
ptn_notify_alive(void)
{
    notify("WATCHDOG=1");
}

/* --- sockets --- */

/* "@*.25": no listener can have such a name, and the manager takes it. */
static void
make_name(const struct ptn_address_conf *address, char out[NAME_MAX_LENGTH])
{
    snprintf(out, NAME_MAX_LENGTH, "@%s.%u", address->host, address->port);
    for (char *p = out; *p; p++)
        if (*p == ':')
            *p = '.';
}

static struct stored *
find(const char *name)
{
    for (size_t i = 0; i < stored_count; i++)
        if (strcmp(stored[i].name, name) == 0)
            return &stored[i];
    return NULL;
}

static struct stored *
add(const char *name)
{
    struct stored *s = find(name);

    if (s)
        return s;
    stored = ptn_realloc(stored, (stored_count + 1) * sizeof *stored);
    s = &stored[stored_count++];
    *s = (struct stored){.count = 0};
    snprintf(s->name, sizeof s->name, "%s", name);
    return s;
}

void
ptn_notify_stored(const char *name)
{
    if (strlen(name) < NAME_MAX_LENGTH)
        add(name)->count++;
}

void
ptn_notify_stored_at(const struct ptn_address_conf *address)
{
    char name[NAME_MAX_LENGTH];

    make_name(address, name);
    ptn_notify_stored(name);
}

static void
store(const struct ptn_bound *b)
{
    char name[NAME_MAX_LENGTH], text[NAME_MAX_LENGTH + 32];
    struct stored *s;

    make_name(&b->address, name);
    s = add(name);
    s->wanted = true;
    snprintf(text, sizeof text, "FDSTORE=1\nFDNAME=%s", name);
    while (s->count < b->count) {
        unsigned count = b->count - s->count;

        if (count > FDS_MAX)
            count = FDS_MAX;
        notify_fds(text, b->fds + s->count, count);
        s->count += count;
    }
}

void
ptn_notify_store(const struct ptn_sockets *sockets)
{
    size_t left = 0;

    if (!getenv("NOTIFY_SOCKET"))
        return;
    for (size_t i = 0; i < stored_count; i++)
        stored[i].wanted = false;
    for (size_t i = 0; i < sockets->count; i++)
        if (!sockets->items[i].given)
            store(&sockets->items[i]);
    for (size_t i = 0; i < stored_count; i++) {
        char text[NAME_MAX_LENGTH + 32];

        if (stored[i].wanted) {
            stored[left++] = stored[i];
            continue;
        }
        snprintf(text, sizeof text, "FDSTOREREMOVE=1\nFDNAME=%s",
                 stored[i].name);
        notify(text);
    }
    stored_count = left;
}
