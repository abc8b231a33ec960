/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Fuzz target: whatever an SMTP or LMTP client may send. The first octet of
 * the input sets the role and what goes wrong around the session.
 */
#include "tests/fuzz/stage_feed.h"
#include "tests/unit/smtp/fixture.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fixture f;
    uint8_t knobs = size ? data[0] : 0;
    fixture_init(&f, (enum smtp_role)(knobs % 3));
    f.options.max_message_size = 3000;
    f.options.max_text_line = 1000;
    f.options.bare_newlines = knobs & 4 ? SMTP_NEWLINES_ACCEPT : 0;
    f.st.tls_offered = true;
    f.st.may_auth = true;
    f.st.tls = knobs & 8;
    f.st.directory_slow = knobs & 16;
    f.st.lane_full = knobs & 32;
    f.st.deliver_status[1] = knobs & 64 ? PTN_TEMPFAIL : PTN_OK;
    f.st.outcomes[0] = knobs & 128 ? PTN_AUTH_CHALLENGE : PTN_AUTH_OK;
    fixture_open(&f);
    if (size > 1)
        stage_feed(&f.st, (struct ptn_slice){(const char *)data + 1, size - 1});
    stage_close(&f.st);
    return 0;
}
