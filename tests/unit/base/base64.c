/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/unit/base/test.h"
#include <postern/buf.h>

/* RFC 4648 section 10. */
static const char *const vectors[][2] = {
    {"", ""},
    {"f", "Zg=="},
    {"fo", "Zm8="},
    {"foo", "Zm9v"},
    {"foob", "Zm9vYg=="},
    {"fooba", "Zm9vYmE="},
    {"foobar", "Zm9vYmFy"},
};

static void
test_vectors(void **state)
{
    (void)state;
    for (size_t i = 0; i < PTN_COUNT(vectors); i++) {
        struct ptn_buf text = PTN_BUF_INIT, back = PTN_BUF_INIT;
        ptn_base64_encode(&text, ptn_slice_of(vectors[i][0]));
        assert_string_equal(ptn_buf_cstr(&text), vectors[i][1]);
        assert_true(ptn_base64_decode(&back, ptn_buf_slice(&text)));
        assert_string_equal(ptn_buf_cstr(&back), vectors[i][0]);
        ptn_buf_free(&text);
        ptn_buf_free(&back);
    }
}

static void
test_all_octets(void **state)
{
    unsigned char octets[256];

    (void)state;
    for (size_t i = 0; i < sizeof octets; i++)
        octets[i] = (unsigned char)(i * 7);
    for (size_t len = 0; len <= sizeof octets; len++) {
        struct ptn_buf text = PTN_BUF_INIT, back = PTN_BUF_INIT;
        ptn_base64_encode(&text, (struct ptn_slice){(const char *)octets, len});
        assert_true(ptn_base64_decode(&back, ptn_buf_slice(&text)));
        assert_int_equal(back.len, len);
        if (len)
            assert_memory_equal(back.data, octets, len);
        ptn_buf_free(&text);
        ptn_buf_free(&back);
    }
}

/* Whatever is not exactly what encoding would give; `out` stays. */
static void
test_strict(void **state)
{
    static const char *const bad[] = {
        "Zg",   "Zg=",  "Zm9",   "Z===",  "====",     "Zg==Zg==",
        "Zh==", "Zm9=", "Z=g=",  "Zm9v ", "Zm9v\r\n", "Zm-v",
        "Zm_v", "*",    "Zm9v=", "=m9v",  "Zm9vYg=a", "\x80m9v",
    };
    struct ptn_buf out = PTN_BUF_INIT;

    (void)state;
    ptn_buf_adds(&out, "kept");
    for (size_t i = 0; i < PTN_COUNT(bad); i++) {
        if (ptn_base64_decode(&out, ptn_slice_of(bad[i])))
            fail_msg("\"%s\" was taken for base64", bad[i]);
        assert_string_equal(ptn_buf_cstr(&out), "kept");
    }
    assert_true(ptn_base64_decode(&out, PTN_SLICE("Zm8=")));
    assert_string_equal(ptn_buf_cstr(&out), "keptfo");
    ptn_buf_free(&out);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors),
        cmocka_unit_test(test_all_octets),
        cmocka_unit_test(test_strict),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
