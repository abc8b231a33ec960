/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Binding. Main thread of the supervisor, or of the single process.
 */
#include "proc/socket.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

union address {
    struct sockaddr any;
    struct sockaddr_in four;
    struct sockaddr_in6 six;
};

/* "*" is IPv6 with IPv4 in it; `four` asks for IPv4 alone. */
static socklen_t
to_sockaddr(const struct ptn_address_conf *a, bool four, union address *out)
{
    bool all = strcmp(a->host, "*") == 0;

    memset(out, 0, sizeof *out);
    if (four || (!all && !strchr(a->host, ':'))) {
        out->four.sin_family = AF_INET;
        out->four.sin_port = htons(a->port);
        if (!all)
            inet_pton(AF_INET, a->host, &out->four.sin_addr);
        return sizeof out->four;
    }
    out->six.sin6_family = AF_INET6;
    out->six.sin6_port = htons(a->port);
    if (!all)
        inet_pton(AF_INET6, a->host, &out->six.sin6_addr);
    return sizeof out->six;
}

static int
set(int fd, int level, int option, int value)
{
    return setsockopt(fd, level, option, &value, sizeof value);
}

/* A bound socket, or -1 with errno. */
static int
bind_one(const struct ptn_address_conf *a, bool four, bool shared)
{
    union address address;
    socklen_t len = to_sockaddr(a, four, &address);
    int fd = socket(address.any.sa_family,
                    SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int saved;

    if (fd < 0)
        return -1;
    /* Accepted connections inherit TCP_NODELAY. */
    if (set(fd, SOL_SOCKET, SO_REUSEADDR, 1) == 0 &&
        set(fd, IPPROTO_TCP, TCP_NODELAY, 1) == 0 &&
        (!shared || set(fd, SOL_SOCKET, SO_REUSEPORT, 1) == 0) &&
        (address.any.sa_family != AF_INET6 ||
         set(fd, IPPROTO_IPV6, IPV6_V6ONLY, strcmp(a->host, "*") != 0) == 0) &&
        bind(fd, &address.any, len) == 0)
        return fd;
    saved = errno;
    close(fd);
    errno = saved;
    return -1;
}

/* A host without IPv6 serves "*" with IPv4 alone. */
static int
bind_any(const struct ptn_address_conf *a, bool shared)
{
    int fd = bind_one(a, false, shared);

    if (fd < 0 && strcmp(a->host, "*") == 0 &&
        (errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL))
        fd = bind_one(a, true, shared);
    return fd;
}

static int
explain(const struct ptn_address_conf *a, struct ptn_error *err)
{
    const char *remedy = "";
    char text[80];

    ptn_conf_address_text(a, text, sizeof text);
    if (errno == EADDRINUSE)
        remedy = "; another server has it: stop that one, or choose another "
                 "port";
    else if (errno == EACCES)
        remedy = "; ports below 1024 need root or CAP_NET_BIND_SERVICE";
    else if (errno == EADDRNOTAVAIL)
        remedy = "; no interface of this machine has that address";
    return ptn_error_set(err, PTN_ERR_SYSTEM, "cannot open %s: %s%s", text,
                         strerror(errno), remedy);
}

void
ptn_sockets_init(struct ptn_sockets *s, unsigned workers)
{
    *s = (struct ptn_sockets){NULL, 0, workers};
}

/* With SO_REUSEPORT a second server of the same user would bind without an
 * error and take a part of the connections; without it, and while nothing
 * else is bound, the kernel tells. */
static int
probe(const struct ptn_address_conf *a)
{
    int fd = bind_any(a, false);

    if (fd < 0)
        return -1;
    close(fd);
    return 0;
}

int
ptn_sockets_add(struct ptn_sockets *s, size_t listener,
                const struct ptn_address_conf *address, struct ptn_error *err)
{
    struct ptn_bound *bound;

    if (probe(address) != 0)
        return explain(address, err);
    s->items = ptn_realloc(s->items, (s->count + 1) * sizeof *s->items);
    bound = &s->items[s->count++];
    *bound = (struct ptn_bound){listener, *address,
                                ptn_alloc(s->workers * sizeof(int))};
    for (unsigned i = 0; i < s->workers; i++)
        bound->fds[i] = -1;
    for (unsigned i = 0; i < s->workers; i++) {
        bound->fds[i] = bind_any(address, s->workers > 1);
        if (bound->fds[i] < 0)
            return explain(address, err);
    }
    return 0;
}

static void
close_all(struct ptn_sockets *s, unsigned except)
{
    for (size_t i = 0; i < s->count; i++)
        for (unsigned j = 0; j < s->workers; j++) {
            if (j == except || s->items[i].fds[j] < 0)
                continue;
            close(s->items[i].fds[j]);
            s->items[i].fds[j] = -1;
        }
}

void
ptn_sockets_keep(struct ptn_sockets *s, unsigned worker)
{
    close_all(s, worker);
}

void
ptn_sockets_close(struct ptn_sockets *s)
{
    close_all(s, s->workers);
    for (size_t i = 0; i < s->count; i++)
        ptn_free(s->items[i].fds);
    ptn_free(s->items);
    ptn_sockets_init(s, s->workers);
}
