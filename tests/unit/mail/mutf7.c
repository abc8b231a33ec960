/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Tests of mail/mutf7.c and mail/utf8.c: RFC 3501 section 5.1.3, RFC 3629.
 */
#include "tests/unit/mail/test.h"

#include "utf8.h"
#include <postern/mail/address.h>

static const struct {
    const char *utf8, *mutf7;
} pairs[] = {
    {"", ""},
    {"INBOX", "INBOX"},
    {"Tom & Jerry", "Tom &- Jerry"},
    {"Entw\xc3\xbcrfe", "Entw&APw-rfe"},
    {"\xc3\xa9&\xc3\xa9", "&AOk-&-&AOk-"},
    /* RFC 3501 section 5.1.3's own example */
    {"~peter/mail/\xe5\x8f\xb0\xe5\x8c\x97/"
     "\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e",
     "~peter/mail/&U,BTFw-/&ZeVnLIqe-"},
    {"\xf0\x9f\x93\xac post", "&2D3c7A- post"},
    {"\xe2\x98\xba!", "&Jjo-!"},
    {"\xe6\x97\xa5\xe6\x9c\xac", "&ZeVnLA-"},
};

static void
names_go_both_ways(void **state)
{
    (void)state;
    for (size_t i = 0; i < PTN_COUNT(pairs); i++) {
        struct ptn_buf out = PTN_BUF_INIT;

        ptn_mutf7_encode(ptn_slice_of(pairs[i].utf8), &out);
        assert_buf(&out, pairs[i].mutf7);
        assert_true(ptn_mutf7_decode(ptn_slice_of(pairs[i].mutf7), &out));
        assert_buf(&out, pairs[i].utf8);
    }
}

static void
every_code_point_goes_both_ways(void **state)
{
    struct ptn_buf utf8 = PTN_BUF_INIT, coded = PTN_BUF_INIT;
    struct ptn_buf back = PTN_BUF_INIT;

    (void)state;
    for (uint32_t code = 1; code <= 0x10ffff; code += 1 + code / 64) {
        if (code >= 0xd800 && code <= 0xdfff)
            continue;
        utf8.len = coded.len = back.len = 0;
        ptn_utf8_add(&utf8, 'x');
        ptn_utf8_add(&utf8, code);
        ptn_utf8_add(&utf8, code);
        ptn_mutf7_encode(ptn_buf_slice(&utf8), &coded);
        assert_true(ptn_mutf7_decode(ptn_buf_slice(&coded), &back));
        assert_true(ptn_slice_eq(ptn_buf_slice(&utf8), ptn_buf_slice(&back)));
    }
    ptn_buf_free(&utf8);
    ptn_buf_free(&coded);
    ptn_buf_free(&back);
}

static void
only_the_canonical_form_is_read(void **state)
{
    static const char *const bad[] = {
        "&",           /* no end */
        "&AOk",        /* no end */
        "a&b",         /* no end */
        "caf\xc3\xa9", /* 8-bit */
        "a\tb",        /* a control character */
        "&AGE-",       /* "a" needs no base64 */
        "&AOk-&AOk-",  /* two shifts where one does */
        "&AOl-",       /* bits of padding set: AOk- would be right */
        "&AOkA-",      /* a digit too many */
        "&AO-",        /* half a unit */
        "&2D0-",       /* a surrogate alone */
        "&3Kw-",       /* its second half alone */
        "&2D3YPQ-",    /* two first halves */
        "&A/8-",       /* "/" is not a digit here */
        "&AO k-",
    };
    struct ptn_buf out = PTN_BUF_INIT;

    (void)state;
    ptn_buf_adds(&out, "before");
    for (size_t i = 0; i < PTN_COUNT(bad); i++)
        assert_false(ptn_mutf7_decode(ptn_slice_of(bad[i]), &out));
    assert_buf(&out, "before");
}

static void
broken_utf8_is_replaced(void **state)
{
    struct ptn_buf out = PTN_BUF_INIT;

    (void)state;
    ptn_mutf7_encode(S("a\xff\x62"), &out);
    assert_buf(&out, "a&,,0-b");
}

static void
utf8_is_strict(void **state)
{
    static const char *const good[] = {"",
                                       "a",
                                       "\xc2\x80",
                                       "\xed\x9f\xbf",
                                       "\xee\x80\x80",
                                       "\xf4\x8f\xbf\xbf"};
    static const char *const bad[] = {
        "\x80",             /* a continuation alone */
        "\xc0\xaf",         /* overlong */
        "\xe0\x80\xaf",     /* overlong */
        "\xf0\x80\x80\xaf", /* overlong */
        "\xed\xa0\x80",     /* a surrogate */
        "\xf4\x90\x80\x80", /* beyond U+10FFFF */
        "\xc3",             /* cut */
        "\xe2\x98",         /* cut */
        "\xe2\x28\xa1",     /* not a continuation */
        "\xfe",
    };

    (void)state;
    for (size_t i = 0; i < PTN_COUNT(good); i++)
        assert_true(ptn_utf8_valid(ptn_slice_of(good[i])));
    for (size_t i = 0; i < PTN_COUNT(bad); i++)
        assert_false(ptn_utf8_valid(ptn_slice_of(bad[i])));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_go_both_ways),
        cmocka_unit_test(every_code_point_goes_both_ways),
        cmocka_unit_test(only_the_canonical_form_is_read),
        cmocka_unit_test(broken_utf8_is_replaced),
        cmocka_unit_test(utf8_is_strict),
    };

    return cmocka_run_group_tests_name("mail/mutf7", tests, NULL, NULL);
}
