/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Fuzz target: whatever a POP3 client may send, before the login or after
 * it. The first octet of the input sets which, and what goes wrong.
 */
#include "tests/fuzz/session.h"

extern const struct ptn_module pop3_LTX_postern_module;

static const char config[] =
    "listeners: { lab: { " SESSION_LISTENER("pop3", "110") " }; };";

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t knobs = size ? data[0] : 0;
    struct ptn_test *t = session_server(&pop3_LTX_postern_module, config);
    struct ptn_test_store *store = ptn_test_store(t);
    struct ptn_test_peer *peer = ptn_test_connect(t, "lab");

    ptn_test_store_add(store, "A: 1\r\n\r\nxy\r\n");
    ptn_test_store_add(store, "B: 2\r\n\r\n.dot\r\n..\r\n\r\n");
    ptn_test_store_add(store, "C: 3\r\n\r\n1\r\n2\r\n3\r\n4\r\n.");
    if (knobs & 1)
        ptn_test_say(peer, "USER user1\r\nPASS secret\r\n");
    if (knobs & 2)
        ptn_test_store_remove(store, 2);
    store->unreadable = knobs & 4;
    store->cold = true;
    ptn_test_window(peer, knobs & 8 ? 40 : SIZE_MAX);
    store->operation = knobs & 16 ? PTN_TEMPFAIL : PTN_OK;
    if (knobs & 32 && ptn_test_say(peer, "STLS\r\n"))
        ptn_test_start_tls(peer);
    session_play(peer, data, size);
    ptn_test_free(t);
    return 0;
}
