/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Trace fields, and what a submitter forgot. No state; any thread.
 */
#include "chars.h"
#include "header.h"

#include <postern/mail/address.h>
#include <postern/mail/date.h>
#include <postern/mail/delivery.h>
#include <sys/random.h>
#include <time.h>

#define MESSAGE_ID_OCTETS 15 /* of chance: 24 digits of 5 bits */

/* Text of the peer, inside of a trace field: only what domains, address
 * literals and addresses are made of can stand there as it is. */
static void
add_guarded(struct ptn_buf *out, struct ptn_slice text, size_t most)
{
    if (text.len > most)
        text.len = most;
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.data[i];
        bool plain = c > ' ' && c != 0x7f && !strchr("()<>\\;,\"", c);

        ptn_buf_addc(out, plain ? (char)c : '?');
    }
}

/* address-literal (RFC 5321 section 4.1.3). */
static void
add_literal(struct ptn_buf *out, const char *peer)
{
    ptn_buf_adds(out, strchr(peer, ':') ? "[IPv6:" : "[");
    ptn_buf_adds(out, peer);
    ptn_buf_addc(out, ']');
}

void
ptn_received_format(const struct ptn_received *r, struct ptn_buf *out)
{
    ptn_buf_adds(out, "Received: from ");
    if (r->helo.len)
        add_guarded(out, r->helo, PTN_DOMAIN_MAX);
    else
        ptn_buf_adds(out, "unknown");
    ptn_buf_adds(out, " (");
    add_literal(out, r->peer);
    ptn_buf_adds(out, ")\r\n\tby ");
    ptn_buf_adds(out, r->hostname);
    ptn_buf_adds(out, " with ");
    ptn_buf_adds(out, r->protocol);
    if (r->tls) {
        ptn_buf_adds(out, " (");
        ptn_buf_adds(out, r->tls);
        ptn_buf_addc(out, ')');
    }
    ptn_buf_adds(out, " id ");
    ptn_buf_adds(out, r->id);
    if (r->recipient.len) {
        ptn_buf_adds(out, "\r\n\tfor <");
        add_guarded(out, r->recipient, PTN_PATH_MAX);
        ptn_buf_addc(out, '>');
    }
    ptn_buf_adds(out, ";\r\n\t");
    ptn_date_format(r->seconds, r->zone, out);
    ptn_buf_adds(out, "\r\n");
}

void
ptn_return_path_format(struct ptn_slice path, struct ptn_buf *out)
{
    ptn_buf_adds(out, "Return-Path: <");
    for (size_t i = 0; i < path.len; i++) {
        if (path.data[i] != '\r' && path.data[i] != '\n')
            ptn_buf_addc(out, path.data[i]);
    }
    ptn_buf_adds(out, ">\r\n");
}

unsigned
ptn_hops_count(struct ptn_slice message)
{
    struct ptn_header_field field;
    unsigned hops = 0;

    for (size_t at = 0; hops <= PTN_HOPS_MAX && at < PTN_HEADER_SCAN_MAX &&
                        ptn_header_next(message, &at, &field);)
        hops += ptn_slice_caseeq(field.name, PTN_SLICE("Received"));
    return hops;
}

/* Where the system has no chance to give, the clock has to do: the name is
 * to be unique, not secret. */
static void
draw_octets(unsigned char octets[MESSAGE_ID_OCTETS])
{
    struct timespec now = {0, 0};

    if (getrandom(octets, MESSAGE_ID_OCTETS, 0) == MESSAGE_ID_OCTETS)
        return;
    memset(octets, 0, MESSAGE_ID_OCTETS);
    clock_gettime(CLOCK_REALTIME, &now);
    memcpy(octets, &now.tv_nsec, 4);
    memcpy(octets + 4, &now.tv_sec, sizeof(now.tv_sec));
}

static void
add_message_id(const char *hostname, struct ptn_buf *out)
{
    static const char digits[] = "0123456789abcdefghijklmnopqrstuv";
    unsigned char octets[MESSAGE_ID_OCTETS];
    unsigned bits = 0, count = 0;

    draw_octets(octets);
    ptn_buf_adds(out, "Message-ID: <");
    for (size_t i = 0; i < sizeof(octets); i++) {
        bits = (bits << 8 | octets[i]) & 0xfff;
        for (count += 8; count >= 5; count -= 5)
            ptn_buf_addc(out, digits[bits >> (count - 5) & 31]);
    }
    ptn_buf_addc(out, '@');
    ptn_buf_adds(out, hostname);
    ptn_buf_adds(out, ">\r\n");
}

/* RFC 6409 section 8.2 and 8.3. */
void
ptn_submission_complete(struct ptn_slice message, const char *hostname,
                        int64_t seconds, int32_t zone, struct ptn_buf *out)
{
    struct ptn_header header = {.repeated = 0};

    if (message.len > PTN_HEADER_SCAN_MAX)
        message.len = PTN_HEADER_SCAN_MAX;
    header.source[0] = message;
    ptn_header_collect(&header);
    if (!header.value[PTN_FIELD_DATE].data) {
        ptn_buf_adds(out, "Date: ");
        ptn_date_format(seconds, zone, out);
        ptn_buf_adds(out, "\r\n");
    }
    if (!header.value[PTN_FIELD_MESSAGE_ID].data)
        add_message_id(hostname, out);
}
