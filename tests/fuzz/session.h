/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the fuzz targets of protocols share: a server of <postern/test.h> for
 * each input, with a directory and a store in memory.
 */
#ifndef TESTS_FUZZ_SESSION_H
#define TESTS_FUZZ_SESSION_H

#include <assert.h>
#include <postern/mail/test.h>
#include <stdio.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The settings of a listener whose lines are short enough to be passed. */
#define SESSION_LISTENER(protocol, port)                                       \
    "protocol = \"" protocol "\"; listen = [ \"127.0.0.1:" port "\" ];"        \
    " limits: { max_line = \"512\"; };"                                        \
    " tls: { mode = \"explicit\"; require = \"never\"; };"

static inline struct ptn_test *
session_server(const struct ptn_module *module, const char *config)
{
    const struct ptn_module *const modules[] = {&ptn_test_store_module, module,
                                                NULL};
    struct ptn_buf problems = PTN_BUF_INIT;
    struct ptn_test *t = ptn_test_new(
        &(struct ptn_test_params){.config = config, .modules = modules},
        &problems);

    if (!t)
        fprintf(stderr, "%s", ptn_buf_cstr(&problems));
    assert(t);
    return t;
}

/* Says what follows the first octet of the input, in pieces whose sizes it
 * sets, too; then time goes by, and the client hangs up. */
static inline void
session_play(struct ptn_test_peer *peer, const uint8_t *data, size_t size)
{
    size_t piece = size && data[0] & 1 ? 7 : 4096;

    for (size_t at = 1; at < size; at += piece)
        ptn_test_feed(peer, data + at, size - at < piece ? size - at : piece);
    ptn_test_hang_up(peer);
}

#endif
