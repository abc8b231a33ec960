/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Fuzz target: the header that a proxy, or who sits in its place, sends
 * first.
 */
#include "net/proxy.h"
#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ptn_proxy_header header, again;
    struct ptn_slice octets = {(const char *)data, size};
    enum ptn_proxy_scan got = ptn_proxy_scan(octets, &header);

    if (size >= PTN_PROXY_MAX)
        assert(got != PTN_PROXY_MORE);
    if (got != PTN_PROXY_DONE)
        return 0;
    assert(header.used <= size && header.used <= PTN_PROXY_MAX);
    /* What stands behind the header changes nothing; less is not enough. */
    octets.len = header.used;
    assert(ptn_proxy_scan(octets, &again) == PTN_PROXY_DONE);
    assert(again.source.ss_family == header.source.ss_family);
    octets.len--;
    assert(ptn_proxy_scan(octets, &again) == PTN_PROXY_MORE);
    return 0;
}
