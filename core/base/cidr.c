/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Networks of addresses. Pure functions.
 */
#include "base/cidr.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <postern/buf.h>

static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

/* Octet by octet, how many bits of it are equal to be. */
static bool
equal_bits(const uint8_t *a, const uint8_t *b, unsigned bits)
{
    unsigned rest = bits % 8;

    if (memcmp(a, b, bits / 8) != 0)
        return false;
    return rest == 0 || (a[bits / 8] ^ b[bits / 8]) >> (8 - rest) == 0;
}

static bool
is_clean(const struct ptn_cidr *network)
{
    struct ptn_cidr masked = *network;

    for (unsigned bit = network->bits; bit < 128; bit++)
        masked.address[bit / 8] &= (uint8_t) ~(0x80u >> (bit % 8));
    return memcmp(masked.address, network->address, 16) == 0;
}

/* 4, 6, or 0 when it is no address. */
static int
parse_address(const char *text, uint8_t out[16])
{
    memcpy(out, mapped, sizeof mapped);
    if (inet_pton(AF_INET, text, out + 12) == 1)
        return 4;
    return inet_pton(AF_INET6, text, out) == 1 ? 6 : 0;
}

const char *
ptn_cidr_parse(const char *text, struct ptn_cidr *out)
{
    const char *slash = strchr(text, '/');
    size_t len = slash ? (size_t)(slash - text) : strlen(text);
    char address[INET6_ADDRSTRLEN];
    uint64_t bits;
    int family = 0;

    if (len < sizeof address) {
        memcpy(address, text, len);
        address[len] = '\0';
        family = parse_address(address, out->address);
    }
    if (family == 0)
        return "neither an address nor a network, such as \"192.0.2.1\", "
               "\"192.0.2.0/24\" or \"2001:db8::/32\"";
    bits = family == 4 ? 32 : 128;
    if (slash && !ptn_slice_to_u64(ptn_slice_of(slash + 1), bits, &bits))
        return family == 4 ? "behind the slash is a number from 0 to 32"
                           : "behind the slash is a number from 0 to 128";
    out->bits = (uint8_t)(family == 4 ? bits + 96 : bits);
    if (!is_clean(out))
        return "has bits behind its prefix: give the network's own address";
    return NULL;
}

bool
ptn_cidr_has(const struct ptn_cidr *networks, size_t count,
             const struct sockaddr_storage *address)
{
    const struct sockaddr_in *in4 = (const void *)address;
    const struct sockaddr_in6 *in6 = (const void *)address;
    uint8_t octets[16];

    if (address->ss_family == AF_INET) {
        memcpy(octets, mapped, sizeof mapped);
        memcpy(octets + 12, &in4->sin_addr, 4);
    } else if (address->ss_family == AF_INET6) {
        memcpy(octets, &in6->sin6_addr, 16);
    } else {
        return false;
    }
    for (size_t i = 0; i < count; i++)
        if (equal_bits(networks[i].address, octets, networks[i].bits))
            return true;
    return false;
}
