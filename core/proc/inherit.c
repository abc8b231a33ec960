/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * From LISTEN_FDS to the table of sockets. Main thread.
 */
#include "proc/inherit.h"
#include "proc/notify.h"
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <postern/log.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    FIRST = 3, /* SD_LISTEN_FDS_START */
    FDS_MAX = 1024,
};

struct passed {
    int fd;
    const char *name; /* "" when the manager says none */
    struct ptn_address_conf address;
};

/* --- what it is --- */

static int
get(int fd, int level, int option)
{
    int value = 0;
    socklen_t size = sizeof value;

    return getsockopt(fd, level, option, &value, &size) == 0 ? value : -1;
}

static bool
read_address(int fd, struct ptn_address_conf *out)
{
    union {
        struct sockaddr any;
        struct sockaddr_in four;
        struct sockaddr_in6 six;
    } name;
    socklen_t size = sizeof name;

    if (get(fd, SOL_SOCKET, SO_TYPE) != SOCK_STREAM ||
        getsockname(fd, &name.any, &size) != 0)
        return false;
    if (name.any.sa_family == AF_INET) {
        out->port = ntohs(name.four.sin_port);
        return inet_ntop(AF_INET, &name.four.sin_addr, out->host,
                         sizeof out->host);
    }
    if (name.any.sa_family != AF_INET6)
        return false;
    out->port = ntohs(name.six.sin6_port);
    if (IN6_IS_ADDR_UNSPECIFIED(&name.six.sin6_addr) &&
        get(fd, IPPROTO_IPV6, IPV6_V6ONLY) == 0)
        return strcpy(out->host, "*") != NULL;
    return inet_ntop(AF_INET6, &name.six.sin6_addr, out->host,
                     sizeof out->host);
}

/* --- whose it is --- */

/* "*" takes one of all addresses of either family, too. */
static bool
fits(const struct ptn_address_conf *wanted, const struct ptn_address_conf *has)
{
    bool all =
        strcmp(has->host, "0.0.0.0") == 0 || strcmp(has->host, "::") == 0;

    return wanted->port == has->port &&
           (strcmp(wanted->host, has->host) == 0 ||
            (all && strcmp(wanted->host, "*") == 0));
}

static const struct ptn_address_conf *
find_in(const struct ptn_plan_listener *l, const struct passed *p)
{
    for (size_t i = 0; i < l->address_count; i++)
        if (fits(&l->addresses[i], &p->address))
            return &l->addresses[i];
    return NULL;
}

/* A socket that has the listener's name is meant for it, wherever it is
 * bound; if the listener has more addresses, its own has to tell which. */
static const struct ptn_address_conf *
find_user(const struct ptn_plan *plan, const struct passed *p)
{
    const struct ptn_address_conf *found;

    for (size_t i = 0; i < plan->count; i++) {
        const struct ptn_plan_listener *l = &plan->listeners[i];

        if (strcmp(l->name, p->name) != 0)
            continue;
        found = find_in(l, p);
        return found || l->address_count != 1 ? found : &l->addresses[0];
    }
    for (size_t i = 0; i < plan->count; i++)
        if ((found = find_in(&plan->listeners[i], p)))
            return found;
    return NULL;
}

static void
adopt(struct ptn_sockets *sockets, const struct ptn_plan *plan,
      struct passed *p)
{
    bool known = read_address(p->fd, &p->address);
    const struct ptn_address_conf *use = known ? find_user(plan, p) : NULL;
    bool own = p->name[0] == '@'; /* that we left there */
    int on = 1;
    char text[80] = "no TCP socket";

    fcntl(p->fd, F_SETFD, FD_CLOEXEC);
    if (own)
        ptn_notify_stored(p->name);
    if (known)
        ptn_conf_address_text(&p->address, text, sizeof text);
    if (use) {
        fcntl(p->fd, F_SETFL, fcntl(p->fd, F_GETFL) | O_NONBLOCK);
        setsockopt(p->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        ptn_sockets_adopt(sockets, use, p->fd, !own);
        return;
    }
    if (!own)
        ptn_log(PTN_LOG_WARNING, "socket.not-wanted", PTN_FS("name", p->name),
                PTN_FS("address", text),
                PTN_FS("hint", "the service manager passed it, and no "
                               "listener has its name or address"));
    close(p->fd);
}

/* How many there are, for this process. */
static unsigned
count_passed(void)
{
    const char *pid = getenv("LISTEN_PID"), *count = getenv("LISTEN_FDS");
    uint64_t n = 0;

    if (!pid || !count || strtol(pid, NULL, 10) != getpid() ||
        !ptn_slice_to_u64(ptn_slice_of(count), FDS_MAX, &n))
        return 0;
    return (unsigned)n;
}

void
ptn_inherit(struct ptn_sockets *sockets, const struct ptn_plan *plan)
{
    const char *given = getenv("LISTEN_FDNAMES");
    char *names = ptn_strdup(given ? given : ""), *rest = names;
    unsigned count = count_passed();

    for (unsigned i = 0; i < count; i++) {
        char *name = strsep(&rest, ":");
        struct passed p = {.fd = (int)(FIRST + i), .name = name ? name : ""};

        adopt(sockets, plan, &p);
    }
    ptn_free(names);
    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDS");
    unsetenv("LISTEN_FDNAMES");
}
