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

static bool
is_same(const struct ptn_address_conf *a, const struct ptn_address_conf *b)
{
    return a->port == b->port && strcmp(a->host, b->host) == 0;
}

static struct ptn_bound *
find(const struct ptn_sockets *s, const struct ptn_address_conf *address)
{
    for (size_t i = 0; i < s->count; i++)
        if (is_same(&s->items[i].address, address))
            return &s->items[i];
    return NULL;
}

static bool
is_wildcard(const struct ptn_address_conf *a)
{
    return strcmp(a->host, "*") == 0 || strcmp(a->host, "::") == 0 ||
           strcmp(a->host, "0.0.0.0") == 0;
}

/* Whether one of our own is in the way of a probe: it says nothing about
 * others then. Only a reload comes to this, from "*:25" to "192.0.2.1:25",
 * say. */
static bool
overlaps(const struct ptn_sockets *s, const struct ptn_address_conf *address)
{
    for (size_t i = 0; i < s->count; i++)
        if (s->items[i].address.port == address->port &&
            (is_wildcard(address) || is_wildcard(&s->items[i].address)))
            return true;
    return false;
}

static struct ptn_bound *
append(struct ptn_sockets *s, const struct ptn_address_conf *address)
{
    s->items = ptn_realloc(s->items, (s->count + 1) * sizeof *s->items);
    s->items[s->count] = (struct ptn_bound){.address = *address};
    return &s->items[s->count++];
}

void
ptn_sockets_adopt(struct ptn_sockets *s, const struct ptn_address_conf *address,
                  int fd, bool given)
{
    struct ptn_bound *b = find(s, address);

    if (!b)
        b = append(s, address);
    b->fds = ptn_realloc(b->fds, (b->count + 1) * sizeof *b->fds);
    b->fds[b->count++] = fd;
    b->given = b->given || given;
}

int
ptn_sockets_add(struct ptn_sockets *s, const struct ptn_address_conf *address,
                unsigned count, struct ptn_error *err)
{
    struct ptn_bound *b = find(s, address);

    if (!b) {
        if (!overlaps(s, address) && probe(address) != 0)
            return explain(address, err);
        b = append(s, address);
    }
    b->wanted = true;
    if (b->given) /* another uid may have bound it */
        return 0;
    if (count > b->count)
        b->fds = ptn_realloc(b->fds, count * sizeof *b->fds);
    while (b->count < count) {
        /* Always shared: a reload may want more of them. */
        b->fds[b->count] = bind_any(address, true);
        if (b->fds[b->count] < 0)
            return explain(address, err);
        b->count++;
    }
    return 0;
}

/* Keeps the first `count` of them. */
static void
cut(struct ptn_bound *b, unsigned count)
{
    while (b->count > count)
        close(b->fds[--b->count]);
}

static void
remove_empty(struct ptn_sockets *s)
{
    size_t left = 0;

    for (size_t i = 0; i < s->count; i++) {
        s->items[i].wanted = false;
        if (s->items[i].count > 0)
            s->items[left++] = s->items[i];
        else
            ptn_free(s->items[i].fds);
    }
    s->count = left;
}

void
ptn_sockets_commit(struct ptn_sockets *s)
{
    for (size_t i = 0; i < s->count; i++) {
        struct ptn_bound *b = &s->items[i];

        if (!b->wanted)
            cut(b, 0);
        b->kept = b->count;
    }
    remove_empty(s);
}

void
ptn_sockets_rollback(struct ptn_sockets *s)
{
    for (size_t i = 0; i < s->count; i++)
        cut(&s->items[i], s->items[i].kept);
    remove_empty(s);
}

void
ptn_sockets_close(struct ptn_sockets *s)
{
    for (size_t i = 0; i < s->count; i++)
        cut(&s->items[i], 0);
    remove_empty(s);
    ptn_free(s->items);
    *s = (struct ptn_sockets){NULL, 0};
}

void
ptn_sockets_of(const struct ptn_sockets *s,
               const struct ptn_address_conf *address, unsigned rank,
               unsigned workers, struct ptn_buf *out)
{
    const struct ptn_bound *b = find(s, address);

    if (b && b->given && b->count > 0 && rank >= b->count) {
        struct ptn_socket one = {*address, b->fds[rank % b->count]};

        ptn_buf_add(out, (const char *)&one, sizeof one);
    }
    for (unsigned i = rank; b && i < b->count; i += workers) {
        struct ptn_socket one = {*address, b->fds[i]};

        ptn_buf_add(out, (const char *)&one, sizeof one);
    }
}

static bool
is_among(int fd, const struct ptn_socket *mine, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (mine[i].fd == fd)
            return true;
    return false;
}

void
ptn_sockets_keep(struct ptn_sockets *s, const struct ptn_socket *mine,
                 size_t count)
{
    for (size_t i = 0; i < s->count; i++) {
        struct ptn_bound *b = &s->items[i];

        for (unsigned j = 0; j < b->count; j++)
            if (!is_among(b->fds[j], mine, count))
                close(b->fds[j]);
        ptn_free(b->fds);
    }
    ptn_free(s->items);
    *s = (struct ptn_sockets){NULL, 0};
}
