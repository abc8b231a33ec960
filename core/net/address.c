/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Addresses as text: for logs and protocols, and to count connections by.
 * Pure functions.
 */
#include "net/inner.h"
#include <arpa/inet.h>
#include <netinet/in.h>

/* The IPv4 address that it is, in whichever family it came, or NULL. */
static const void *
ipv4_of(const struct sockaddr_storage *address)
{
    const struct sockaddr_in *in4 = (const void *)address;
    const struct sockaddr_in6 *in6 = (const void *)address;

    if (address->ss_family == AF_INET)
        return &in4->sin_addr;
    if (address->ss_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr))
        return &in6->sin6_addr.s6_addr[12];
    return NULL;
}

void
ptn_address_text(const struct sockaddr_storage *address,
                 char text[PTN_ADDRESS_TEXT])
{
    const struct sockaddr_in6 *in6 = (const void *)address;
    const void *ipv4 = ipv4_of(address);

    if (ipv4)
        inet_ntop(AF_INET, ipv4, text, PTN_ADDRESS_TEXT);
    else if (address->ss_family == AF_INET6)
        inet_ntop(AF_INET6, &in6->sin6_addr, text, PTN_ADDRESS_TEXT);
    else
        strcpy(text, "local");
}

void
ptn_network_text(const struct sockaddr_storage *address,
                 char text[PTN_ADDRESS_TEXT])
{
    const struct sockaddr_in6 *in6 = (const void *)address;
    struct in6_addr network;

    if (address->ss_family != AF_INET6 || ipv4_of(address)) {
        ptn_address_text(address, text);
        return;
    }
    memcpy(&network, &in6->sin6_addr, sizeof network);
    memset(&network.s6_addr[8], 0, 8);
    inet_ntop(AF_INET6, &network, text, PTN_ADDRESS_TEXT);
    strcat(text, "/64");
}

bool
ptn_network_around(const struct sockaddr_storage *address,
                   char text[PTN_ADDRESS_TEXT])
{
    const struct sockaddr_in6 *in6 = (const void *)address;
    const void *ipv4 = ipv4_of(address);
    uint8_t network[16] = {0};

    if (ipv4) {
        memcpy(network, ipv4, 3);
        inet_ntop(AF_INET, network, text, PTN_ADDRESS_TEXT);
        strcat(text, "/24");
    } else if (address->ss_family == AF_INET6) {
        memcpy(network, &in6->sin6_addr, 6);
        inet_ntop(AF_INET6, network, text, PTN_ADDRESS_TEXT);
        strcat(text, "/48");
    } else {
        return false;
    }
    return true;
}
