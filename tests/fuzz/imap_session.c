/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Fuzz target: whatever a client may send, in a session that is logged in and
 * has a mailbox with two messages selected. The first octet of the input sets
 * the knobs of the fake: a slow client, cold bodies, which phase to begin in.
 */
#include "fake.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char prelude[] =
    "l LOGIN user secret\r\n"
    "p APPEND INBOX (\\Seen $Key) {132+}\r\n"
    "Subject: x\r\nContent-Type: multipart/mixed; boundary=y\r\n\r\n"
    "--y\r\n\r\none\r\n--y\r\n"
    "Content-Type: message/rfc822\r\n\r\n"
    "Subject: z\r\n\r\ntwo\r\n--y--\r\n\r\n"
    "q APPEND INBOX {2+}\r\n\r\n\r\n"
    "s SELECT INBOX\r\n";

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ptn_session *s = fake_open();

    if (size > 0) {
        if (!(data[0] & 1))
            fake_say(s, prelude);
        fake_of(s)->high = data[0] & 2 ? 40 : 0;
        fake_cold(s, data[0] & 4);
        fake_of(s)->tls_offered = data[0] & 8;
        fake_of(s)->must_tls = data[0] & 16;
        fake_feed(s, (const char *)data + 1, size - 1);
    }
    fake_close(s);
    return 0;
}
