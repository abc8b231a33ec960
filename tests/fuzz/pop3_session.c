/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Fuzz target: whatever a POP3 client may send, before the login or after
 * it. The first octet of the input sets which, and what goes wrong.
 */
#include "tests/fuzz/stage_feed.h"
#include "tests/unit/pop3/fixture.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct stage st;
    uint8_t knobs = size ? data[0] : 0;
    if (knobs & 1)
        fixture_open(&st);
    else
        fixture_start(&st);
    st.messages[1].gone = knobs & 2;
    st.read_fails = knobs & 4;
    st.full = knobs & 8;
    st.expunge_status = knobs & 16 ? PTN_TEMPFAIL : PTN_OK;
    st.tls_offered = knobs & 32;
    if (size > 1)
        stage_feed(&st, (struct ptn_slice){(const char *)data + 1, size - 1});
    stage_close(&st);
    return 0;
}
