/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Fuzz target: whatever an SMTP or LMTP client may send. The first octet of
 * the input sets the role and what goes wrong around the session.
 */
#include "tests/fuzz/session.h"

extern const struct ptn_module smtp_LTX_postern_module;

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const roles[] = {"mx", "submission", "lmtp"};
    uint8_t knobs = size ? data[0] : 0;
    char config[512];

    snprintf(
        config, sizeof config,
        "listeners: { lab: { " SESSION_LISTENER(
            "smtp",
            "25") " role = "
                  "\"%s\"; bare_newlines = \"%s\"; max_text_line = \"1000\"; "
                  "max_message_size = \"64K\"; max_recipients = 3; }; };",
        roles[knobs % 3], knobs & 4 ? "accept" : "refuse");
    struct ptn_test *t = session_server(&smtp_LTX_postern_module, config);
    struct ptn_test_directory *directory = ptn_test_directory(t);
    struct ptn_test_peer *peer = ptn_test_connect(t, "lab");

    directory->slow = knobs & 16;
    directory->outcomes[0] = knobs & 128 ? PTN_AUTH_CHALLENGE : PTN_AUTH_OK;
    ptn_test_store(t)->users[1] = knobs & 64 ? PTN_TEMPFAIL : PTN_OK;
    ptn_test_refuse_jobs(t, 0, knobs & 32 ? 1000 : 0);
    if (knobs & 8 && ptn_test_say(peer, "STARTTLS\r\n"))
        ptn_test_start_tls(peer);
    session_play(peer, data, size);
    ptn_test_free(t);
    return 0;
}
