/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * All system calls that sessions and listeners make on their sockets. The
 * test harness (core/harness) has these functions, too, without sockets:
 * everything above runs in it as it does in the server.
 */
#ifndef PTN_NET_WIRE_H
#define PTN_NET_WIRE_H

#include <sys/socket.h>
#include <sys/types.h>

/* As accept4, non-blocking and close-on-exec; -1 with errno. */
int ptn_wire_accept(int fd, struct sockaddr_storage *peer);
ssize_t ptn_wire_receive(int fd, void *into, size_t len);
ssize_t ptn_wire_send(int fd, const void *data, size_t len);
/* No more will be sent (SHUT_WR). */
int ptn_wire_end(int fd);
void ptn_wire_close(int fd);
/* Our own address; of the family AF_UNSPEC when there is none. */
void ptn_wire_local(int fd, struct sockaddr_storage *out);

#endif
