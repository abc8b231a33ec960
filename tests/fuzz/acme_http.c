/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Fuzz target: whatever may be said to the port of acme_http. Each connection
 * gets one answer, which begins as HTTP does, or none.
 */
#include <assert.h>
#include <postern/test.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

extern const struct ptn_module acme_http_LTX_postern_module;

static const char config[] =
    "listeners: { web: { protocol = \"acme_http\";"
    " redirect = \"https://www.example.org\";"
    " listen = [ \"127.0.0.1:80\" ]; tls: { mode = \"none\"; };"
    " limits: { max_line = \"512\"; }; }; };";

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct ptn_module *const modules[] = {&acme_http_LTX_postern_module,
                                                NULL};
    struct ptn_test *t = ptn_test_new(
        &(struct ptn_test_params){.config = config, .modules = modules}, NULL);
    struct ptn_test_peer *peer;
    const char *said;

    assert(t);
    peer = ptn_test_connect(t, "web");
    said = ptn_test_feed(peer, data, size);
    assert(*said == '\0' || strncmp(said, "HTTP/1.1 ", 9) == 0);
    ptn_test_hang_up(peer);
    ptn_test_free(t);
    return 0;
}
