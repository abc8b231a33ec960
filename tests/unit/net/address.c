/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "net/inner.h"
#include "tests/unit/base/test.h"
#include <arpa/inet.h>
#include <netinet/in.h>

static void
expect(const char *in, const char *address, const char *network)
{
    struct sockaddr_storage ss = {.ss_family = AF_UNIX};
    struct sockaddr_in *in4 = (void *)&ss;
    struct sockaddr_in6 *in6 = (void *)&ss;
    char text[PTN_ADDRESS_TEXT];

    if (inet_pton(AF_INET, in, &in4->sin_addr) == 1)
        ss.ss_family = AF_INET;
    else if (inet_pton(AF_INET6, in, &in6->sin6_addr) == 1)
        ss.ss_family = AF_INET6;
    ptn_address_text(&ss, text);
    assert_string_equal(text, address);
    ptn_network_text(&ss, text);
    assert_string_equal(text, network);
}

static void
test_texts(void **state)
{
    (void)state;
    expect("192.0.2.1", "192.0.2.1", "192.0.2.1");
    expect("::ffff:192.0.2.1", "192.0.2.1", "192.0.2.1");
    expect("2001:db8:1:2:3:4:5:6", "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64");
    expect("2001:db8:1:2:ffff::1", "2001:db8:1:2:ffff::1", "2001:db8:1:2::/64");
    expect("::1", "::1", "::/64");
    expect("nothing of the kind", "local", "local");
    /* The longest there is has its room. */
    expect("1111:1111:1111:1111:1111:1111:1111:1111",
           "1111:1111:1111:1111:1111:1111:1111:1111",
           "1111:1111:1111:1111::/64");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_texts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
