/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Tests of mail/delivery.c: RFC 5321 section 4.4, RFC 6409 section 8.
 */
#include "tests/unit/mail/test.h"

#include <postern/mail/delivery.h>

static struct ptn_received
plain_received(void)
{
    return (struct ptn_received){
        .helo = S("client.example"),
        .peer = "192.0.2.1",
        .hostname = "mail.example.test",
        .protocol = "ESMTP",
        .id = "a1b2c3",
        .seconds = 880127706,
        .zone = -360,
    };
}

static void
received_tells_how_it_came(void **state)
{
    struct ptn_received r = plain_received();
    struct ptn_buf out = PTN_BUF_INIT;

    (void)state;
    ptn_received_format(&r, &out);
    assert_buf(&out, "Received: from client.example ([192.0.2.1])\r\n"
                     "\tby mail.example.test with ESMTP id a1b2c3;\r\n"
                     "\tFri, 21 Nov 1997 09:55:06 -0600\r\n");
    r.peer = "2001:db8::1";
    r.protocol = "ESMTPSA";
    r.tls = "TLSv1.3 TLS_AES_128_GCM_SHA256";
    r.recipient = S("joe@example.test");
    ptn_received_format(&r, &out);
    assert_buf(&out, "Received: from client.example ([IPv6:2001:db8::1])\r\n"
                     "\tby mail.example.test with ESMTPSA "
                     "(TLSv1.3 TLS_AES_128_GCM_SHA256) id a1b2c3\r\n"
                     "\tfor <joe@example.test>;\r\n"
                     "\tFri, 21 Nov 1997 09:55:06 -0600\r\n");
}

/* No greeting of a client can put a field of its own into the message. */
static void
hostile_greeting_stays_in_its_place(void **state)
{
    struct ptn_received r = plain_received();
    struct ptn_buf out = PTN_BUF_INIT;
    unsigned lines = 0;

    (void)state;
    r.helo = S("x\r\nSubject: y)(\"\\;<\x7f>\0z");
    r.recipient = S("a>\r\nb");
    ptn_received_format(&r, &out);
    for (size_t i = 0; i < out.len; i++)
        lines += out.data[i] == '\n';
    assert_int_equal(lines, 4);
    assert_non_null(strstr(ptn_buf_cstr(&out), "from x??Subject:?y"
                                               "?????????"
                                               "z ("));
    assert_non_null(strstr(ptn_buf_cstr(&out), "for <a???b>"));
    ptn_buf_free(&out);
    r.helo = S("");
    ptn_received_format(&r, &out);
    assert_non_null(strstr(ptn_buf_cstr(&out), "from unknown ("));
    ptn_buf_free(&out);
}

static void
return_path(void **state)
{
    struct ptn_buf out = PTN_BUF_INIT;

    (void)state;
    ptn_return_path_format(S("joe@example.test"), &out);
    assert_buf(&out, "Return-Path: <joe@example.test>\r\n");
    ptn_return_path_format(S(""), &out);
    assert_buf(&out, "Return-Path: <>\r\n");
}

static void
hops_are_counted_in_the_header_alone(void **state)
{
    struct ptn_buf message = PTN_BUF_INIT;

    (void)state;
    assert_int_equal(ptn_hops_count(S("")), 0);
    assert_int_equal(
        ptn_hops_count(S("Received: a\r\n b\r\nX: y\r\nRECEIVED: c\r\n"
                         "X-Received: d\r\n\r\nReceived: body\r\n")),
        2);
    for (int i = 0; i < 500; i++)
        ptn_buf_adds(&message, "Received: x\r\n");
    assert_int_equal(ptn_hops_count(ptn_buf_slice(&message)), PTN_HOPS_MAX + 1);
    ptn_buf_free(&message);
}

static void
what_a_submitter_forgot_is_added(void **state)
{
    struct ptn_buf one = PTN_BUF_INIT, two = PTN_BUF_INIT;
    static const char date[] = "Date: Fri, 21 Nov 1997 09:55:06 -0600\r\n";
    static const char id[] = "Message-ID: <";
    const char *end;

    (void)state;
    ptn_submission_complete(S("Subject: x\r\n\r\nDate: in the body\r\n"),
                            "mail.example.test", 880127706, -360, &one);
    assert_memory_equal(ptn_buf_cstr(&one), date, sizeof(date) - 1);
    assert_memory_equal(one.data + sizeof(date) - 1, id, sizeof(id) - 1);
    end = strstr(one.data, "@mail.example.test>\r\n");
    assert_non_null(end);
    assert_int_equal(end - one.data, sizeof(date) + sizeof(id) - 2 + 24);
    ptn_submission_complete(S("date: x\r\n\r\n"), "mail.example.test", 0, 0,
                            &two);
    assert_memory_equal(ptn_buf_cstr(&two), id, sizeof(id) - 1);
    assert_memory_not_equal(one.data + sizeof(date) - 1, two.data, 30);
    two.len = 0;
    ptn_submission_complete(S("Message-Id: <a@b>\r\nDATE: x\r\n\r\n"),
                            "mail.example.test", 0, 0, &two);
    assert_int_equal(two.len, 0);
    ptn_buf_free(&one);
    ptn_buf_free(&two);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(received_tells_how_it_came),
        cmocka_unit_test(hostile_greeting_stays_in_its_place),
        cmocka_unit_test(return_path),
        cmocka_unit_test(hops_are_counted_in_the_header_alone),
        cmocka_unit_test(what_a_submitter_forgot_is_added),
    };

    return cmocka_run_group_tests_name("mail/delivery", tests, NULL, NULL);
}
