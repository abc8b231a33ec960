/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Networks of addresses, as an operator writes them: "192.0.2.0/24",
 * "2001:db8::/32", or one address. Pure functions.
 */
#ifndef PTN_BASE_CIDR_H
#define PTN_BASE_CIDR_H

#include <postern/types.h>
#include <sys/socket.h>

/* IPv4 is kept as IPv6 has it (RFC 4291 section 2.5.5.2), so that a peer is
 * the same in whichever family it came. */
struct ptn_cidr {
    uint8_t address[16];
    uint8_t bits; /* 0..128 */
};

/* Fills `out`; NULL, or what is wrong with the text. Bits behind the prefix
 * are wrong, too: who writes them means another network. */
const char *ptn_cidr_parse(const char *text, struct ptn_cidr *out);

/* Whether one of `count` networks holds the address; families other than
 * IPv4 and IPv6 are in none. */
bool ptn_cidr_has(const struct ptn_cidr *networks, size_t count,
                  const struct sockaddr_storage *address);

#endif
