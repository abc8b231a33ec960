/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * core/net/hello.c: the ClientHello as octets. Every input is also given cut
 * at each place, in memory that ends there, for the sanitizers to watch.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <postern/buf.h>
#include <postern/tls.h>
#include <stdlib.h>

/* A hello put together here: what a test does not set is left out. */
struct parts {
    const char *name;
    const uint16_t *suites, *schemes, *versions;
    size_t suite_count, scheme_count, version_count;
    bool alpn, no_extensions;
    const char *protocols; /* of ALPN, each after its length */
};

static void
add16(struct ptn_buf *b, size_t value)
{
    ptn_buf_addc(b, (char)(value >> 8));
    ptn_buf_addc(b, (char)value);
}

static void
add_list(struct ptn_buf *b, const uint16_t *items, size_t count)
{
    for (size_t i = 0; i < count; i++)
        add16(b, items[i]);
}

static void
add_extensions(struct ptn_buf *b, const struct parts *p)
{
    if (p->name) {
        size_t len = strlen(p->name);
        add16(b, 0);
        add16(b, len + 5);
        add16(b, len + 3);
        ptn_buf_addc(b, 0);
        add16(b, len);
        ptn_buf_adds(b, p->name);
    }
    if (p->schemes) {
        add16(b, 13);
        add16(b, p->scheme_count * 2 + 2);
        add16(b, p->scheme_count * 2);
        add_list(b, p->schemes, p->scheme_count);
    }
    if (p->versions) {
        add16(b, 43);
        add16(b, p->version_count * 2 + 1);
        ptn_buf_addc(b, (char)(p->version_count * 2));
        add_list(b, p->versions, p->version_count);
    }
    if (p->alpn) {
        add16(b, 16);
        add16(b, 7);
        ptn_buf_add(b, "\0\5\4imap", 7);
    }
    if (p->protocols) {
        size_t len = strlen(p->protocols);
        add16(b, 16);
        add16(b, len + 2);
        add16(b, len);
        ptn_buf_adds(b, p->protocols);
    }
}

/* In records of at most `record` octets. */
static struct ptn_buf
hello_of(const struct parts *p, size_t record)
{
    static const uint16_t aes[] = {0x1301};
    struct ptn_buf ext = PTN_BUF_INIT, body = PTN_BUF_INIT, out = PTN_BUF_INIT;
    char zeros[32] = {0};

    add_extensions(&ext, p);
    add16(&body, 0x0303);
    ptn_buf_add(&body, zeros, 32);
    ptn_buf_addc(&body, 0);
    add16(&body, p->suites ? p->suite_count * 2 : 2);
    add_list(&body, p->suites ? p->suites : aes,
             p->suites ? p->suite_count : 1);
    ptn_buf_add(&body, "\1\0", 2);
    if (!p->no_extensions) {
        add16(&body, ext.len);
        ptn_buf_addslice(&body, ptn_buf_slice(&ext));
    }
    ptn_buf_free(&ext);
    ptn_buf_addc(&ext, 1);
    ptn_buf_addc(&ext, 0);
    add16(&ext, body.len);
    ptn_buf_addslice(&ext, ptn_buf_slice(&body));
    for (size_t at = 0; at < ext.len; at += record) {
        size_t n = ext.len - at < record ? ext.len - at : record;
        ptn_buf_add(&out, "\x16\3\1", 3);
        add16(&out, n);
        ptn_buf_add(&out, ext.data + at, n);
    }
    ptn_buf_free(&ext);
    ptn_buf_free(&body);
    return out;
}

static enum ptn_tls_scan
scan(const void *data, size_t len, struct ptn_tls_hello *out, char *name)
{
    char *copy = malloc(len > 0 ? len : 1);
    memcpy(copy, data, len);
    enum ptn_tls_scan got = ptn_tls_hello_read((struct ptn_slice){copy, len},
                                               out, sizeof(*out), name);
    free(copy);
    return got;
}

static struct ptn_tls_hello
scan_parts(const struct parts *p, char *name)
{
    struct ptn_tls_hello hello;
    const size_t records[] = {16384, 60, 3, 1};
    for (size_t r = 0; r < PTN_COUNT(records); r++) {
        struct ptn_buf b = hello_of(p, records[r]);
        for (size_t cut = 0; cut < b.len; cut++)
            assert_int_equal(scan(b.data, cut, &hello, name),
                             PTN_TLS_SCAN_MORE);
        assert_int_equal(scan(b.data, b.len, &hello, name), PTN_TLS_SCAN_DONE);
        ptn_buf_free(&b);
    }
    return hello;
}

static void
reads_name_in_lower_case(void **state)
{
    const struct parts p = {.name = "Mail.EXAMPLE.org", .alpn = true};
    char name[PTN_TLS_NAME_MAX + 1];
    struct ptn_tls_hello hello = scan_parts(&p, name);
    (void)state;
    assert_string_equal(name, "mail.example.org");
    assert_int_equal(hello.server_name.len, 16);
    assert_true(hello.offers_alpn);
    assert_true(hello.offers_1_2);
    assert_false(hello.offers_1_3);
}

static void
reads_kinds_of_key_of_tls13(void **state)
{
    const uint16_t versions[] = {0x0a0a, 0x0304, 0x0303, 0x0302};
    const uint16_t ecdsa[] = {0x0403}, rsa[] = {0x0804}, ed[] = {0x0807},
                   ed448[] = {0x0808};
    char name[PTN_TLS_NAME_MAX + 1];
    struct parts p = {.versions = versions, .version_count = 2};
    (void)state;

    p.schemes = ecdsa;
    p.scheme_count = 1;
    struct ptn_tls_hello h = scan_parts(&p, name);
    assert_true(h.offers_1_3 && !h.offers_1_2 && h.accepts_ecdsa);
    assert_false(h.accepts_rsa || h.accepts_ed25519);
    p.schemes = rsa;
    h = scan_parts(&p, name);
    assert_true(h.accepts_rsa);
    assert_false(h.accepts_ecdsa || h.accepts_ed25519);
    p.schemes = ed;
    p.version_count = 4;
    h = scan_parts(&p, name);
    assert_true(h.offers_1_3 && h.offers_1_2);
    assert_true(h.accepts_ed25519);
    assert_false(h.accepts_ecdsa || h.accepts_rsa);
    p.schemes = ed448;
    h = scan_parts(&p, name);
    assert_false(h.accepts_ecdsa || h.accepts_rsa || h.accepts_ed25519);
}

/* RFC 5246 section 7.4.1.4.1, RFC 8422 section 5.10 */
static void
limits_kinds_by_suites_of_tls12(void **state)
{
    const uint16_t ecdsa[] = {0xc02b, 0x00ff}, rsa[] = {0xc02f},
                   all[] = {0x0403, 0x0804, 0x0807};
    char name[PTN_TLS_NAME_MAX + 1];
    struct parts p = {.suites = ecdsa, .suite_count = 2};
    (void)state;

    p.schemes = all;
    p.scheme_count = 3;
    struct ptn_tls_hello h = scan_parts(&p, name);
    assert_true(h.accepts_ecdsa && h.accepts_ed25519);
    assert_false(h.accepts_rsa);
    p.suites = rsa;
    p.suite_count = 1;
    h = scan_parts(&p, name);
    assert_true(h.accepts_rsa);
    assert_false(h.accepts_ecdsa || h.accepts_ed25519);
    p.no_extensions = true;
    h = scan_parts(&p, name);
    assert_true(h.accepts_rsa);
    assert_false(h.accepts_ecdsa);
}

static void
takes_no_impossible_name(void **state)
{
    char name[PTN_TLS_NAME_MAX + 1], long_name[PTN_TLS_NAME_MAX + 2];
    (void)state;
    memset(long_name, 'a', sizeof(long_name) - 1);
    long_name[sizeof(long_name) - 1] = '\0';
    struct parts p = {.name = long_name};
    assert_int_equal(scan_parts(&p, name).server_name.len, 0);
    long_name[PTN_TLS_NAME_MAX] = '\0';
    assert_int_equal(scan_parts(&p, name).server_name.len, PTN_TLS_NAME_MAX);
}

static void
knows_what_is_not_tls(void **state)
{
    static const char *const texts[] = {"GET / HTTP/1.1\r\n",
                                        "EHLO example.org\r\n",
                                        "\r\n",
                                        "\x80\x2e\1\3\1",
                                        "\x16\2",
                                        "\x16\3\1\xff\xff"};
    struct ptn_tls_hello hello;
    char name[PTN_TLS_NAME_MAX + 1];
    (void)state;
    for (size_t i = 0; i < PTN_COUNT(texts); i++)
        assert_int_equal(scan(texts[i], strlen(texts[i]), &hello, name),
                         PTN_TLS_SCAN_NOT_TLS);
    assert_int_equal(scan("\x16\3\1\0\0", 5, &hello, name),
                     PTN_TLS_SCAN_NOT_TLS);
}

static void
refuses_what_breaks_its_syntax(void **state)
{
    const struct parts p = {.name = "mail.example.org"};
    struct ptn_buf b = hello_of(&p, 16384);
    struct ptn_tls_hello hello;
    char name[PTN_TLS_NAME_MAX + 1];
    (void)state;

    b.data[5] = 2; /* a ServerHello */
    assert_int_equal(scan(b.data, b.len, &hello, name), PTN_TLS_SCAN_BAD);
    b.data[5] = 1;
    b.data[43] = (char)200; /* the session id's length */
    assert_int_equal(scan(b.data, b.len, &hello, name), PTN_TLS_SCAN_BAD);
    b.data[43] = 0;
    b.data[6] = 1; /* a body of more than 65,536 octets */
    assert_int_equal(scan(b.data, b.len, &hello, name), PTN_TLS_SCAN_LONG);
    ptn_buf_free(&b);
}

static void
ends_an_endless_hello(void **state)
{
    struct ptn_buf b = PTN_BUF_INIT;
    struct ptn_tls_hello hello;
    char name[PTN_TLS_NAME_MAX + 1];
    (void)state;
    ptn_buf_add(&b, "\x16\3\1\0\4\1\0\x3f\xf0", 9);
    while (b.len < PTN_TLS_HELLO_MAX)
        ptn_buf_add(&b, "\x16\3\1\0\1a", 6);
    assert_int_equal(scan(b.data, b.len, &hello, name), PTN_TLS_SCAN_LONG);
    ptn_buf_free(&b);
}

/* Each octet of a good hello wrong in turn: any answer but a crash. */
static void
survives_wrong_octets(void **state)
{
    const uint16_t versions[] = {0x0304}, schemes[] = {0x0403, 0x0804};
    const struct parts p = {.name = "mail.example.org",
                            .versions = versions,
                            .version_count = 1,
                            .schemes = schemes,
                            .scheme_count = 2,
                            .alpn = true};
    const char wrong[] = {0, 1, 127, (char)128, (char)255};
    struct ptn_buf b = hello_of(&p, 50);
    struct ptn_tls_hello hello;
    char name[PTN_TLS_NAME_MAX + 1];
    (void)state;
    for (size_t i = 0; i < b.len; i++) {
        char right = b.data[i];
        for (size_t w = 0; w < sizeof(wrong); w++) {
            b.data[i] = wrong[w];
            (void)scan(b.data, b.len, &hello, name);
            assert_true(hello.server_name.len <= PTN_TLS_NAME_MAX);
        }
        b.data[i] = right;
    }
    ptn_buf_free(&b);
}

static void
reads_protocols(void **state)
{
    char name[PTN_TLS_NAME_MAX + 1], many[161] = "\4imap\12acme-tls/1";
    struct parts p = {.protocols = "\12acme-tls/1"};
    struct ptn_tls_hello h = scan_parts(&p, name);
    (void)state;
    assert_int_equal(h.alpn_len, 11);
    assert_true(ptn_tls_hello_offers(&h, PTN_TLS_ALPN_CHALLENGE, true));
    assert_false(ptn_tls_hello_offers(&h, "acme-tls", false));
    p.protocols = "\4imap\12acme-tls/1";
    h = scan_parts(&p, name);
    assert_true(ptn_tls_hello_offers(&h, PTN_TLS_ALPN_CHALLENGE, false));
    assert_false(ptn_tls_hello_offers(&h, PTN_TLS_ALPN_CHALLENGE, true));
    assert_true(ptn_tls_hello_offers(&h, "imap", false));
    /* What has no room is left out, whole. */
    for (size_t at = 16; at < 160; at += 8)
        memcpy(many + at, "\7aaaaaaa", 8);
    p.protocols = many;
    h = scan_parts(&p, name);
    assert_int_equal(h.alpn_len, PTN_TLS_ALPN_LIST_MAX);
    assert_true(ptn_tls_hello_offers(&h, PTN_TLS_ALPN_CHALLENGE, false));
    p.protocols = "\0\12acme-tls/1"; /* empty: RFC 7301 has none */
    h = scan_parts(&p, name);
    assert_true(h.offers_alpn && h.alpn_len == 0);
}

static void
tells_old_versions_apart(void **state)
{
    const uint16_t only_1_1[] = {0x0302}, old[] = {0x0302, 0x0301};
    char name[PTN_TLS_NAME_MAX + 1];
    struct parts p = {.versions = only_1_1, .version_count = 1};
    struct ptn_tls_hello h = scan_parts(&p, name);
    (void)state;
    assert_true(h.offers_old && h.offers_1_1);
    assert_false(h.offers_1_0 || h.offers_1_2);
    p.versions = old;
    p.version_count = 2;
    h = scan_parts(&p, name);
    assert_true(h.offers_old && h.offers_1_1 && h.offers_1_0);
    p.versions = NULL; /* the highest counts, and it is TLS 1.2 */
    h = scan_parts(&p, name);
    assert_true(h.offers_1_2 && h.offers_1_1 && h.offers_1_0);
}

/* A provider of the first version has room for less. */
static void
fills_what_has_room(void **state)
{
    const struct parts p = {.name = "a.example", .protocols = "\4imap"};
    const size_t first = sizeof(struct ptn_slice) + 8;
    struct ptn_buf b = hello_of(&p, 16384);
    char name[PTN_TLS_NAME_MAX + 1];
    struct ptn_tls_hello h;
    (void)state;
    memset(&h, 0x55, sizeof(h));
    assert_int_equal(ptn_tls_hello_scan(ptn_buf_slice(&b), &h, name),
                     PTN_TLS_SCAN_DONE);
    assert_string_equal(h.server_name.data, "a.example");
    assert_true(h.offers_alpn);
    for (size_t i = first; i < sizeof(h); i++)
        assert_int_equal(((const uint8_t *)&h)[i], 0x55);
    ptn_buf_free(&b);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_name_in_lower_case),
        cmocka_unit_test(reads_kinds_of_key_of_tls13),
        cmocka_unit_test(limits_kinds_by_suites_of_tls12),
        cmocka_unit_test(takes_no_impossible_name),
        cmocka_unit_test(knows_what_is_not_tls),
        cmocka_unit_test(refuses_what_breaks_its_syntax),
        cmocka_unit_test(ends_an_endless_hello),
        cmocka_unit_test(survives_wrong_octets),
        cmocka_unit_test(reads_protocols),
        cmocka_unit_test(tells_old_versions_apart),
        cmocka_unit_test(fills_what_has_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
