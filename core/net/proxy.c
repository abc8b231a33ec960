/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * PROXY protocol headers. Pure functions. Sections are those of "The PROXY
 * protocol, versions 1 & 2".
 */
#include "net/proxy.h"
#include <arpa/inet.h>
#include <netinet/in.h>

#define V1_MAX 107 /* section 2.1: with the line's end */
#define V2_HEAD 16 /* section 2.2: signature, version, family, length */

enum v2_command {
    V2_LOCAL,
    V2_PROXY,
};

/* Section 2.2: family and transport in one octet. */
enum v2_family {
    V2_UNSPEC = 0x00,
    V2_TCP4 = 0x11,
    V2_TCP6 = 0x21,
    V2_UNIX_STREAM = 0x31,
};

static const char v1_signature[] = "PROXY ";
static const char v2_signature[] = "\r\n\r\n\0\r\nQUIT\n";
#define V1_SIGNATURE (sizeof v1_signature - 1)
#define V2_SIGNATURE (sizeof v2_signature - 1)

static enum ptn_proxy_scan
compare(struct ptn_slice in, const char *signature, size_t len)
{
    size_t n = in.len < len ? in.len : len;

    if (memcmp(in.data, signature, n) != 0)
        return PTN_PROXY_BAD;
    return n < len ? PTN_PROXY_MORE : PTN_PROXY_DONE;
}

/* --- version 1 --- */

/* The word before the next single blank, or the rest. */
static struct ptn_slice
next_word(struct ptn_slice *line)
{
    const char *blank = memchr(line->data, ' ', line->len);
    size_t len = blank ? (size_t)(blank - line->data) : line->len;
    struct ptn_slice word = {line->data, len};

    *line = ptn_slice_sub(*line, blank ? len + 1 : len,
                          line->len - (blank ? len + 1 : len));
    return word;
}

static bool
read_address(struct ptn_slice word, int family, struct sockaddr_storage *out)
{
    struct sockaddr_in *in4 = (void *)out;
    struct sockaddr_in6 *in6 = (void *)out;
    char text[INET6_ADDRSTRLEN];

    if (word.len >= sizeof text)
        return false;
    memcpy(text, word.data, word.len);
    text[word.len] = '\0';
    out->ss_family = (sa_family_t)family;
    return inet_pton(family, text,
                     family == AF_INET ? (void *)&in4->sin_addr
                                       : (void *)&in6->sin6_addr) == 1;
}

/* Section 2.1: decimal, no leading zeros. */
static bool
is_port(struct ptn_slice word)
{
    uint64_t port;

    return ptn_slice_to_u64(word, 65535, &port) &&
           (word.len == 1 || word.data[0] != '0');
}

static bool
read_v1_line(struct ptn_slice line, struct ptn_proxy_header *out)
{
    struct ptn_slice family = next_word(&line);
    int af = ptn_slice_eq(family, PTN_SLICE("TCP4"))   ? AF_INET
             : ptn_slice_eq(family, PTN_SLICE("TCP6")) ? AF_INET6
                                                       : AF_UNSPEC;

    /* What follows UNKNOWN is to be ignored. */
    if (ptn_slice_eq(family, PTN_SLICE("UNKNOWN")))
        return true;
    return af != AF_UNSPEC &&
           read_address(next_word(&line), af, &out->source) &&
           read_address(next_word(&line), af, &out->destination) &&
           is_port(next_word(&line)) && is_port(next_word(&line)) &&
           line.len == 0;
}

static enum ptn_proxy_scan
scan_v1(struct ptn_slice in, struct ptn_proxy_header *out)
{
    size_t room = in.len < V1_MAX ? in.len : V1_MAX;
    const char *cr = memchr(in.data, '\r', room);
    struct ptn_slice line;

    if (!cr)
        return room < V1_MAX ? PTN_PROXY_MORE : PTN_PROXY_BAD;
    out->used = (size_t)(cr - in.data) + 2;
    if (out->used > V1_MAX)
        return PTN_PROXY_BAD;
    if (out->used > in.len)
        return PTN_PROXY_MORE;
    if (cr[1] != '\n')
        return PTN_PROXY_BAD;
    line = ptn_slice_sub(in, V1_SIGNATURE, out->used - 2 - V1_SIGNATURE);
    return read_v1_line(line, out) ? PTN_PROXY_DONE : PTN_PROXY_BAD;
}

/* --- version 2 --- */

static void
take_v4(const char *data, struct ptn_proxy_header *out)
{
    struct sockaddr_in *from = (void *)&out->source;
    struct sockaddr_in *to = (void *)&out->destination;

    from->sin_family = to->sin_family = AF_INET;
    memcpy(&from->sin_addr, data, 4);
    memcpy(&to->sin_addr, data + 4, 4);
}

static void
take_v6(const char *data, struct ptn_proxy_header *out)
{
    struct sockaddr_in6 *from = (void *)&out->source;
    struct sockaddr_in6 *to = (void *)&out->destination;

    from->sin6_family = to->sin6_family = AF_INET6;
    memcpy(&from->sin6_addr, data, 16);
    memcpy(&to->sin6_addr, data + 16, 16);
}

/* How long the addresses of a family are; SIZE_MAX: it is not for streams.
 * What follows them are extensions, which are passed over. */
static size_t
v2_addresses(enum v2_family family)
{
    switch (family) {
    case V2_UNSPEC:
        return 0;
    case V2_TCP4:
        return 12;
    case V2_TCP6:
        return 36;
    case V2_UNIX_STREAM:
        return 216;
    }
    return SIZE_MAX;
}

static enum ptn_proxy_scan
scan_v2(struct ptn_slice in, struct ptn_proxy_header *out)
{
    const uint8_t *head = (const uint8_t *)in.data;
    enum v2_family family;
    enum v2_command command;
    size_t len;

    if (in.len < V2_HEAD)
        return PTN_PROXY_MORE;
    command = (enum v2_command)(head[12] & 0x0f);
    family = (enum v2_family)head[13];
    len = (size_t)(head[14] << 8 | head[15]);
    out->used = V2_HEAD + len;
    if (head[12] >> 4 != 2 || command > V2_PROXY || out->used > PTN_PROXY_MAX)
        return PTN_PROXY_BAD;
    /* Section 2.2: of LOCAL only the length counts. */
    if (command == V2_PROXY && v2_addresses(family) > len)
        return PTN_PROXY_BAD;
    if (out->used > in.len)
        return PTN_PROXY_MORE;
    if (command == V2_PROXY && family == V2_TCP4)
        take_v4(in.data + V2_HEAD, out);
    else if (command == V2_PROXY && family == V2_TCP6)
        take_v6(in.data + V2_HEAD, out);
    return PTN_PROXY_DONE;
}

enum ptn_proxy_scan
ptn_proxy_scan(struct ptn_slice octets, struct ptn_proxy_header *out)
{
    enum ptn_proxy_scan first;

    *out = (struct ptn_proxy_header){.source = {.ss_family = AF_UNSPEC},
                                     .destination = {.ss_family = AF_UNSPEC}};
    first = compare(octets, v1_signature, V1_SIGNATURE);
    if (first != PTN_PROXY_BAD)
        return first == PTN_PROXY_DONE ? scan_v1(octets, out) : first;
    first = compare(octets, v2_signature, V2_SIGNATURE);
    return first == PTN_PROXY_DONE ? scan_v2(octets, out) : first;
}
