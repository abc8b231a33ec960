/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The header that a proxy sends before its client's first octet: the PROXY
 * protocol, versions 1 (text) and 2 (binary), as HAProxy's specification of
 * 2020 has it. Pure functions.
 */
#ifndef PTN_NET_PROXY_H
#define PTN_NET_PROXY_H

#include <postern/buf.h>
#include <sys/socket.h>

/* A header that is longer is refused: in version 2 a peer could announce
 * 64 KiB of extensions, none of which is used here. */
#define PTN_PROXY_MAX 4096

enum ptn_proxy_scan {
    PTN_PROXY_MORE, /* the beginning of a header: read on */
    PTN_PROXY_DONE,
    PTN_PROXY_BAD, /* no header, or one that breaks its own syntax */
};

struct ptn_proxy_header {
    /* AF_UNSPEC: the proxy speaks for itself (LOCAL), or does not know; then
     * the connection's own addresses hold. */
    struct sockaddr_storage source, destination;
    size_t used; /* octets of the header */
};

/* Reads a header from the first octets of a connection. Of PTN_PROXY_MAX
 * octets it never says MORE. */
enum ptn_proxy_scan ptn_proxy_scan(struct ptn_slice octets,
                                   struct ptn_proxy_header *out);

#endif
