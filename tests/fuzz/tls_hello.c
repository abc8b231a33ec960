/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Fuzz target: the ClientHello that any stranger sends first.
 */
#include <assert.h>
#include <postern/tls.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ptn_tls_hello hello;
    char name[PTN_TLS_NAME_MAX + 1];
    struct ptn_slice octets = {(const char *)data, size};
    enum ptn_tls_scan got =
        ptn_tls_hello_read(octets, &hello, sizeof(hello), name);

    assert(hello.server_name.len <= PTN_TLS_NAME_MAX);
    assert(strlen(name) == hello.server_name.len);
    assert(hello.alpn_len <= sizeof(hello.alpn));
    (void)ptn_tls_hello_offers(&hello, PTN_TLS_ALPN_CHALLENGE, true);
    if (size >= PTN_TLS_HELLO_MAX)
        assert(got != PTN_TLS_SCAN_MORE);
    return 0;
}
