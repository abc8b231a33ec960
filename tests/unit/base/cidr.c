/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/cidr.h"
#include "tests/unit/base/test.h"
#include <arpa/inet.h>
#include <netinet/in.h>

static struct sockaddr_storage
address(const char *text)
{
    struct sockaddr_storage ss = {.ss_family = AF_UNIX};
    struct sockaddr_in *in4 = (void *)&ss;
    struct sockaddr_in6 *in6 = (void *)&ss;

    if (inet_pton(AF_INET, text, &in4->sin_addr) == 1)
        ss.ss_family = AF_INET;
    else if (inet_pton(AF_INET6, text, &in6->sin6_addr) == 1)
        ss.ss_family = AF_INET6;
    return ss;
}

static bool
has(const char *network, const char *text)
{
    struct sockaddr_storage ss = address(text);
    struct ptn_cidr cidr;

    assert_null(ptn_cidr_parse(network, &cidr));
    return ptn_cidr_has(&cidr, 1, &ss);
}

static void
test_has(void **state)
{
    (void)state;
    assert_true(has("192.0.2.0/24", "192.0.2.255"));
    assert_false(has("192.0.2.0/24", "192.0.3.0"));
    assert_true(has("192.0.2.128/25", "192.0.2.128"));
    assert_false(has("192.0.2.128/25", "192.0.2.127"));
    assert_true(has("192.0.2.7", "192.0.2.7"));
    assert_false(has("192.0.2.7", "192.0.2.6"));
    assert_true(has("0.0.0.0/0", "203.0.113.9"));
    assert_false(has("0.0.0.0/0", "2001:db8::1"));
    assert_true(has("::/0", "203.0.113.9"));
    assert_true(has("2001:db8::/33", "2001:db8:7fff::1"));
    assert_false(has("2001:db8::/33", "2001:db8:8000::1"));
    assert_true(has("::1", "::1"));
    /* A socket for both families shows IPv4 so. */
    assert_true(has("192.0.2.0/24", "::ffff:192.0.2.9"));
    assert_false(has("::/0", "a local socket"));
}

static void
test_many(void **state)
{
    struct ptn_cidr list[2];
    struct sockaddr_storage ss = address("10.1.2.3");

    (void)state;
    assert_null(ptn_cidr_parse("127.0.0.1", &list[0]));
    assert_null(ptn_cidr_parse("10.0.0.0/8", &list[1]));
    assert_true(ptn_cidr_has(list, 2, &ss));
    assert_false(ptn_cidr_has(list, 1, &ss));
    assert_false(ptn_cidr_has(NULL, 0, &ss));
}

static void
test_mistakes(void **state)
{
    static const char *const wrong[] = {
        "",
        "mail.example",
        "192.0.2.0/33",
        "192.0.2.0/",
        "192.0.2.0/-1",
        "2001:db8::/129",
        "192.0.2.1/24",
        "2001:db8::1/32",
        "192.0.2",
        "1111:1111:1111:1111:1111:1111:1111:1111:1111:1111:1111:1111/1",
    };
    struct ptn_cidr cidr;

    (void)state;
    for (size_t i = 0; i < PTN_COUNT(wrong); i++)
        assert_non_null(ptn_cidr_parse(wrong[i], &cidr));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_has),
        cmocka_unit_test(test_many),
        cmocka_unit_test(test_mistakes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
