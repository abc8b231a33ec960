/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * base/sha256.h against the examples of FIPS 180-4's authors, and lengths
 * around a block's end.
 */
#include "base/sha256.h"
#include "tests/unit/base/test.h"
#include <postern/buf.h>
#include <stdio.h>

static void
check(struct ptn_slice data, const char *expected)
{
    uint8_t digest[PTN_SHA256_SIZE];
    char text[2 * PTN_SHA256_SIZE + 1];

    ptn_sha256(data, digest);
    for (size_t i = 0; i < PTN_SHA256_SIZE; i++)
        snprintf(text + 2 * i, 3, "%02x", digest[i]);
    assert_string_equal(text, expected);
}

static void
test_examples(void **state)
{
    struct ptn_buf many = PTN_BUF_INIT;

    (void)state;
    check(PTN_SLICE(""),
          "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    check(PTN_SLICE("abc"),
          "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    check(PTN_SLICE("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
          "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    for (int i = 0; i < 1000000; i++)
        ptn_buf_addc(&many, 'a');
    check(ptn_buf_slice(&many),
          "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    ptn_buf_free(&many);
}

/* Of so many "x": `openssl dgst -sha256` said so. */
static const struct {
    size_t len;
    const char *digest;
} edges[] = {
    {1, "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"},
    {54, "45f316e10b2c99abf374b22bda893cf3300d77263f1e272349ed414680522952"},
    {55, "d5e285683cd4efc02d021a5c62014694958901005d6f71e89e0989fac77e4072"},
    {56, "04c26261370ee7541549d16dee320c723e3fd14671e66a099afe0a377c16888e"},
    {57, "ae14a2563ccf969d99aca69ce6bb74981f734bbf9f655f73b8f06db68cab5217"},
    {63, "75220b47218278e656f2013bb8f0c455a25eaf01e86c64924e9d48d89776d6f2"},
    {64, "7ce100971f64e7001e8fe5a51973ecdfe1ced42befe7ee8d5fd6219506b5393c"},
    {65, "9537c5fdf120482f7d58d25e9ed583f52c02b4e304ea814db1633ad565aed7e9"},
    {119, "000b48d4edf0fa7bee3c6236ecd2785baa5db4eeb8bb54341b029e0d9fa5fb0c"},
    {120, "13f05a0b594787f5ecd315edc96141bd3243203d1b7d4f0836f37308b276ba98"},
    {127, "70156a14adbabf98cff3a71c7084b417abf057a8efd27329ca36b7202c87d81f"},
    {128, "24da1b81d0b16df6428eee73c69fcb2a93c76bc6df706f0c6670fe6bfe800464"},
    {129, "0ec9eb33e74510bcdd1f2ea55206e82f21649c5c2becbf2b433eb475b34c01bd"},
};

static void
test_edges(void **state)
{
    char data[130];

    (void)state;
    memset(data, 'x', sizeof data);
    for (size_t i = 0; i < PTN_COUNT(edges); i++)
        check((struct ptn_slice){data, edges[i].len}, edges[i].digest);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_examples),
        cmocka_unit_test(test_edges),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
