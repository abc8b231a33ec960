/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * PROXY headers: the scanner, and sessions that begin with one. The headers
 * are written by hand, from the specification.
 */
#include "net/inner.h"
#include "net/proxy.h"
#include "tests/unit/net/fixture.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <unistd.h>

#define V2 "\r\n\r\n\0\r\nQUIT\n"
/* 203.0.113.7:4000 -> 192.0.2.1:25 */
#define V2_TCP4                                                                \
    V2 "\x21\x11\x00\x0c\xcb\x00\x71\x07\xc0\x00\x02\x01\x0f\xa0\x00\x19"
#define V2_LOCAL V2 "\x20\x00\x00\x00"

static enum ptn_proxy_scan
scan(const char *data, size_t len, struct ptn_proxy_header *out)
{
    return ptn_proxy_scan((struct ptn_slice){data, len}, out);
}

/* DONE at its full length and with more behind it, MORE of each beginning. */
static void
expect_header(const char *data, size_t len, const char *source)
{
    struct ptn_proxy_header header;
    char more[PTN_PROXY_MAX + 8] = {0}, text[PTN_ADDRESS_TEXT];

    for (size_t n = 0; n < len; n++)
        assert_int_equal(scan(data, n, &header), PTN_PROXY_MORE);
    memcpy(more, data, len);
    assert_int_equal(scan(more, len + 8, &header), PTN_PROXY_DONE);
    assert_int_equal(header.used, len);
    assert_int_equal(scan(data, len, &header), PTN_PROXY_DONE);
    if (!source) {
        assert_int_equal(header.source.ss_family, AF_UNSPEC);
        return;
    }
    ptn_address_text(&header.source, text);
    assert_string_equal(text, source);
}
#define EXPECT(data, source) expect_header((data), sizeof(data) - 1, (source))

static void
test_headers(void **state)
{
    (void)state;
    EXPECT("PROXY TCP4 203.0.113.7 192.0.2.1 4000 25\r\n", "203.0.113.7");
    EXPECT("PROXY TCP4 203.0.113.7 192.0.2.1 0 65535\r\n", "203.0.113.7");
    EXPECT("PROXY TCP6 2001:db8::7 2001:db8::1 4000 25\r\n", "2001:db8::7");
    EXPECT("PROXY UNKNOWN\r\n", NULL);
    EXPECT("PROXY UNKNOWN what ever 1 2 3\r\n", NULL);
    EXPECT(V2_TCP4, "203.0.113.7");
    EXPECT(V2_LOCAL, NULL);
    /* LOCAL with addresses, which do not count, and with an extension. */
    EXPECT(V2
           "\x20\x11\x00\x0c\xcb\x00\x71\x07\xc0\x00\x02\x01\x0f\xa0\x00\x19",
           NULL);
    EXPECT(V2 "\x21\x11\x00\x10\xcb\x00\x71\x07\xc0\x00\x02\x01\x0f\xa0\x00\x19"
              "\x04\x00\x01\x00",
           "203.0.113.7");
    EXPECT(V2 "\x21\x21\x00\x24\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x07"
              "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01\x0f\xa0\x00\x19",
           "2001:db8::7");
    EXPECT(V2 "\x21\x00\x00\x00", NULL);
}

static void
expect_bad(const char *data, size_t len)
{
    struct ptn_proxy_header header;

    assert_int_equal(scan(data, len, &header), PTN_PROXY_BAD);
}
#define BAD(data) expect_bad((data), sizeof(data) - 1)

static void
test_mistakes(void **state)
{
    char longest[PTN_PROXY_MAX];

    (void)state;
    BAD("HELO client\r\n");
    BAD("PROXY TCP5 203.0.113.7 192.0.2.1 4000 25\r\n");
    BAD("PROXY TCP4 203.0.113.7 192.0.2.1 4000\r\n");
    BAD("PROXY TCP4 203.0.113.7 192.0.2.1 4000 25 26\r\n");
    BAD("PROXY TCP4 203.0.113.7 192.0.2.1 4000 65536\r\n");
    BAD("PROXY TCP4 203.0.113.7 192.0.2.1 04000 25\r\n");
    BAD("PROXY TCP4  203.0.113.7 192.0.2.1 4000 25\r\n");
    BAD("PROXY TCP4 2001:db8::7 192.0.2.1 4000 25\r\n");
    BAD("PROXY TCP4 203.0.113.7 192.0.2.1 4000 25\rx");
    BAD(V2 "\x11\x11\x00\x0c"); /* of version 1 */
    BAD(V2 "\x22\x11\x00\x0c"); /* neither LOCAL nor PROXY */
    BAD(V2 "\x21\x12\x00\x0c"); /* datagrams */
    BAD(V2 "\x21\x11\x00\x0b"); /* too short for its addresses */
    BAD(V2 "\x21\x11\xff\xff"); /* over PTN_PROXY_MAX */
    memset(longest, 'x', sizeof longest);
    memcpy(longest, "PROXY TCP4 ", 11);
    expect_bad(longest, 107);
    expect_bad(longest, sizeof longest);
}

/* --- sessions --- */

static const struct ptn_cidr loopback[1] = {
    {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127}, 104}};

static void
init(struct fixture *f)
{
    fixture_init(f);
    f->conf.proxy_from.count = 1;
    f->conf.proxies = loopback;
}

static void
play_pieces(struct fixture *f, struct ptn_slice in, size_t first, size_t then,
            const char *out)
{
    int fd = client_connect(f);
    uint64_t before = atomic_load(&f->counters.octets_in);
    size_t piece = first;

    for (size_t at = 0; at < in.len; at += piece, piece = then) {
        if (at > 0)
            wait_counter(&f->counters.octets_in, before + at);
        piece = piece < in.len - at ? piece : in.len - at;
        client_send(fd, in.data + at, piece);
    }
    client_expect(fd, out);
    client_expect_end(fd);
    close(fd);
}

/* Whole, octet by octet, and cut in two at every place. */
static void
play_header(struct fixture *f, struct ptn_slice in, const char *out)
{
    play_pieces(f, in, in.len, in.len, out);
    play_pieces(f, in, 1, 1, out);
    for (size_t cut = 1; cut < in.len; cut++)
        play_pieces(f, in, cut, in.len, out);
}

static void
test_sessions(void **state)
{
    struct fixture f;
    int fd;

    (void)state;
    init(&f);
    fixture_start(&f);
    play_header(&f,
                PTN_SLICE("PROXY TCP4 203.0.113.7 192.0.2.1 4000 25\r\n"
                          "PEER\r\nQUIT\r\n"),
                "HI\r\nPEER 203.0.113.7 192.0.2.1\r\nBYE\r\n");
    play_header(&f, PTN_SLICE(V2_TCP4 "PEER\r\nQUIT\r\n"),
                "HI\r\nPEER 203.0.113.7 192.0.2.1\r\nBYE\r\n");
    play_header(&f, PTN_SLICE(V2_LOCAL "PEER\r\nQUIT\r\n"),
                "HI\r\nPEER 127.0.0.1 127.0.0.1\r\nBYE\r\n");
    /* Without a header there is no greeting, and no session either. */
    fd = client_connect(&f);
    client_say(fd, "QUIT\r\n");
    client_expect_end(fd);
    close(fd);
    fixture_stop(&f);
}

static void
test_others_have_none(void **state)
{
    static const struct ptn_cidr elsewhere[1] = {
        {{0x20, 0x01, 0x0d, 0xb8}, 32}};
    struct fixture f;

    (void)state;
    init(&f);
    f.conf.proxies = elsewhere;
    fixture_start(&f);
    /* What looks like a header is a command like any other. */
    PLAY(&f, "PROXY UNKNOWN\r\nPEER\r\nQUIT\r\n",
         "ERR\r\nPEER 127.0.0.1 127.0.0.1\r\nBYE\r\n");
    fixture_stop(&f);
}

static void
test_clients_are_counted(void **state)
{
    static const char ann[] = "PROXY TCP4 203.0.113.7 192.0.2.1 1 25\r\n";
    static const char bob[] = "PROXY TCP4 203.0.113.8 192.0.2.1 1 25\r\n";
    static const char eve[] = "PROXY TCP4 203.0.113.9 192.0.2.1 1 25\r\n";
    struct fixture f;
    int fds[4];

    (void)state;
    init(&f);
    f.conf.limits.connections_per_address = 1;
    f.conf.limits.connections_per_network = 2;
    fixture_start(&f);
    for (int i = 0; i < 4; i++)
        fds[i] = client_connect(&f); /* the proxy itself has no limit */
    client_say(fds[0], ann);
    client_expect(fds[0], "HI\r\n");
    client_say(fds[1], ann);
    client_expect(fds[1], "BUSY\r\n");
    client_expect_end(fds[1]);
    client_say(fds[2], bob);
    client_expect(fds[2], "HI\r\n");
    client_say(fds[3], eve); /* the third of her network */
    client_expect(fds[3], "BUSY\r\n");
    client_expect_end(fds[3]);
    assert_int_equal(atomic_load(&f.counters.refused), 2);
    for (int i = 0; i < 4; i++)
        close(fds[i]);
    fixture_stop(&f);
}

static void
test_silence(void **state)
{
    struct fixture f;
    int fd;

    (void)state;
    init(&f);
    f.conf.limits.handshake_timeout = 150;
    fixture_start(&f);
    fd = client_connect(&f);
    client_say(fd, "PROXY TCP4 ");
    client_expect_end(fd);
    close(fd);
    assert_int_equal(atomic_load(&f.counters.timeouts), 1);
    fixture_stop(&f);
}

static void
test_before_tls(void **state)
{
    struct fixture f;
    int fd;

    (void)state;
    init(&f);
    f.conf.tls.mode = PTN_TLS_IMPLICIT;
    fixture_start(&f);
    fd = client_connect(&f);
    client_send(fd, V2_TCP4 FAKE_TLS_HELLO,
                sizeof V2_TCP4 - 1 + sizeof FAKE_TLS_HELLO - 1);
    client_expect(fd, FAKE_TLS_ANSWER);
    client_expect_tls(fd, "HI\r\n");
    client_say_tls(fd, "PEER\r\n");
    client_expect_tls(fd, "PEER 203.0.113.7 192.0.2.1\r\n");
    close(fd);
    fixture_stop(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_headers),
        cmocka_unit_test(test_mistakes),
        cmocka_unit_test(test_sessions),
        cmocka_unit_test(test_others_have_none),
        cmocka_unit_test(test_clients_are_counted),
        cmocka_unit_test(test_silence),
        cmocka_unit_test(test_before_tls),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
