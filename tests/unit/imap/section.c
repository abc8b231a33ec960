/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Sections of BODY[...]: syntax, labels, places and header fields.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* after the four above */
#include <cmocka.h>

#include "section.h"

static struct ptn_arena arena;

static int
clean(void **state)
{
    (void)state;
    ptn_arena_reset(&arena);
    return 0;
}

static bool
parse(const char *text, struct imap_section *out)
{
    struct imap_cursor in = {text, text + strlen(text), &arena, NULL, false};

    return imap_section_parse(&in, "BODY", out) && imap_parse_end(&in);
}

static void
labels_are_canonical(void **state)
{
    static const struct {
        const char *text, *label;
    } rows[] = {
        {"[]", "BODY[]"},
        {"[text]", "BODY[TEXT]"},
        {"[1.2.mime]", "BODY[1.2.MIME]"},
        {"[3.HEADER]<0.20>", "BODY[3.HEADER]<0>"},
        {"[Header.Fields (From \"To\" \"a b\")]",
         "BODY[HEADER.FIELDS (From To \"a b\")]"},
        {"[header.fields.not ({2}\r\nCc)]<5.1>",
         "BODY[HEADER.FIELDS.NOT (Cc)]<5>"},
        {"[4294967295]", "BODY[4294967295]"},
    };
    struct imap_section section;

    (void)state;
    for (size_t i = 0; i < PTN_COUNT(rows); i++) {
        assert_true(parse(rows[i].text, &section));
        assert_int_equal(section.label.len, strlen(rows[i].label));
        assert_memory_equal(section.label.data, rows[i].label,
                            section.label.len);
    }
}

static void
refuses_sections(void **state)
{
    static const char *const rows[] = {
        "[",
        "[1.]",
        "[0]",
        "[MIME]",
        "[1.2.",
        "[HEADER.FIELDS]",
        "[TEXT]<0>",
        "[TEXT]<1.0>",
        "[HEADER.FIELDS ()]",
        "[TEXT]<a.b>",
        "[FOO]",
        "[1 ]",
        "[HEADERS]",
        "[1..2]",
        "[HEADER.FIELDS (a]",
        "[1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1]",
    };
    struct imap_section section;

    (void)state;
    for (size_t i = 0; i < PTN_COUNT(rows); i++)
        assert_false(parse(rows[i], &section));
}

static const char message[] = "From: a@b\r\n"
                              "Content-Type: multipart/mixed; boundary=x\r\n"
                              "\r\n"
                              "--x\r\n"
                              "Content-Type: text/plain\r\n"
                              "\r\n"
                              "one\r\n"
                              "--x\r\n"
                              "Content-Type: message/rfc822\r\n"
                              "\r\n"
                              "Subject: inner\r\n"
                              "\r\n"
                              "two\r\n"
                              "--x--\r\n";

static void
sections_have_places(void **state)
{
    static const struct {
        const char *text, *octets; /* NULL: there is no such part */
    } rows[] = {
        {"[1]", "one"},
        {"[1.MIME]", "Content-Type: text/plain\r\n\r\n"},
        {"[1.HEADER]", NULL},
        {"[1.TEXT]", NULL},
        {"[2]", "Subject: inner\r\n\r\ntwo"},
        {"[2.HEADER]", "Subject: inner\r\n\r\n"},
        {"[2.TEXT]", "two"},
        {"[2.1]", "two"},
        {"[3]", NULL},
        {"[1.1]", NULL},
        {"[2.TEXT]<1.5>", "wo"},
        {"[2.TEXT]<9.5>", ""},
        {"[]<0.4>", "From"},
    };
    struct ptn_message_scan scan = {PTN_BUF_INIT, PTN_BUF_INIT, PTN_BUF_INIT};
    struct imap_section section;
    uint64_t from, len;

    (void)state;
    ptn_message_scan((struct ptn_slice){NULL, 0}, PTN_SLICE(message), &scan);
    for (size_t i = 0; i < PTN_COUNT(rows); i++) {
        bool there;

        assert_true(parse(rows[i].text, &section));
        there = imap_section_range(&section, ptn_buf_slice(&scan.parts),
                                   sizeof(message) - 1, &from, &len);
        assert_int_equal(there, rows[i].octets != NULL);
        if (!there)
            continue;
        imap_section_cut(&section, &from, &len);
        assert_int_equal(len, strlen(rows[i].octets));
        assert_memory_equal(message + from, rows[i].octets, len);
    }
    ptn_message_scan_free(&scan);
}

static void
fields_are_filtered(void **state)
{
    static const struct ptn_slice header = PTN_SLICE("From: a\r\n"
                                                     "To: b\r\n"
                                                     " and c\r\n"
                                                     "Subject: d\r\n"
                                                     "\r\n");
    struct ptn_buf out = PTN_BUF_INIT;
    struct imap_section section;

    (void)state;
    assert_true(parse("[HEADER.FIELDS (TO x)]", &section));
    imap_section_filter(&section, header, &out);
    assert_string_equal(ptn_buf_cstr(&out), "To: b\r\n and c\r\n\r\n");
    out.len = 0;
    assert_true(parse("[HEADER.FIELDS.NOT (to)]", &section));
    imap_section_filter(&section, header, &out);
    assert_string_equal(ptn_buf_cstr(&out), "From: a\r\nSubject: d\r\n\r\n");
    ptn_buf_free(&out);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(labels_are_canonical, clean),
        cmocka_unit_test_teardown(refuses_sections, clean),
        cmocka_unit_test_teardown(sections_have_places, clean),
        cmocka_unit_test_teardown(fields_are_filtered, clean),
    };

    return cmocka_run_group_tests_name("imap/section", tests, NULL, NULL);
}
