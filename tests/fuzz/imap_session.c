/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Fuzz target: whatever a client may send, in a session that is logged in and
 * has a mailbox with two messages selected. The first octet of the input sets
 * what is around it: a slow client, cold bodies, which phase to begin in.
 */
#include "tests/fuzz/session.h"

extern const struct ptn_module imap_LTX_postern_module;

static const char config[] =
    "listeners: { lab: { " SESSION_LISTENER("imap", "143") " }; };";

static const char prelude[] =
    "l LOGIN user1 secret\r\n"
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
    uint8_t knobs = size ? data[0] : 0;
    struct ptn_test *t = session_server(&imap_LTX_postern_module, config);
    struct ptn_test_peer *peer = ptn_test_connect(t, "lab");

    if (!(knobs & 1))
        ptn_test_say(peer, prelude);
    if (knobs & 8 && ptn_test_say(peer, "t STARTTLS\r\n"))
        ptn_test_start_tls(peer);
    ptn_test_window(peer, knobs & 2 ? 40 : SIZE_MAX);
    ptn_test_store(t)->cold = knobs & 4;
    ptn_test_store(t)->open = knobs & 16 ? PTN_TEMPFAIL : PTN_OK;
    session_play(peer, data, size);
    ptn_test_free(t);
    return 0;
}
