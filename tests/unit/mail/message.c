/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Tests of mail/message.c, mime.c, envelope.c, structure.c and parts.c. The
 * messages are the corpus of the fuzz target; what IMAP is told of them is
 * in expected/, one line each for ENVELOPE, BODYSTRUCTURE and BODY. Those
 * lines were compared with another server's answers, and differ from them
 * only where a message is broken.
 */
#include "tests/unit/mail/test.h"

#include <dirent.h>
#include <postern/mail/message.h>
#include <stdio.h>
#include <stdlib.h>

static void
read_file(const char *folder, const char *name, struct ptn_buf *out)
{
    const char *top = getenv("top_srcdir");
    struct ptn_buf path = PTN_BUF_INIT;
    FILE *f;
    size_t n;

    ptn_buf_printf(&path, "%s/%s/%s", top ? top : ".", folder, name);
    f = fopen(ptn_buf_cstr(&path), "rb");
    assert_non_null(f);
    out->len = 0;
    do {
        n = fread(ptn_buf_reserve(out, 4096), 1, 4096, f);
        out->len += n;
    } while (n);
    fclose(f);
    ptn_buf_free(&path);
}

#define CORPUS "tests/fuzz/corpus/message"

static void
tell(const struct ptn_message_scan *scan, struct ptn_buf *out)
{
    ptn_buf_adds(out, "ENVELOPE ");
    ptn_buf_addslice(out, ptn_buf_slice(&scan->envelope));
    ptn_buf_adds(out, "\nBODYSTRUCTURE ");
    ptn_buf_addslice(out, ptn_buf_slice(&scan->structure));
    ptn_buf_adds(out, "\nBODY ");
    ptn_structure_to_body(ptn_buf_slice(&scan->structure), out);
    ptn_buf_adds(out, "\n");
}

static void
messages_are_told_as_expected(void **state)
{
    const char *top = getenv("top_srcdir");
    struct ptn_buf path = PTN_BUF_INIT, message = PTN_BUF_INIT;
    struct ptn_buf expected = PTN_BUF_INIT, told = PTN_BUF_INIT;
    struct dirent *entry;
    unsigned count = 0;
    DIR *dir;

    (void)state;
    ptn_buf_printf(&path, "%s/tests/unit/mail/expected", top ? top : ".");
    dir = opendir(ptn_buf_cstr(&path));
    assert_non_null(dir);
    while ((entry = readdir(dir))) {
        struct ptn_message_scan scan;

        if (entry->d_name[0] == '.')
            continue;
        read_file(CORPUS, entry->d_name, &message);
        read_file("tests/unit/mail/expected", entry->d_name, &expected);
        ptn_message_scan(S(""), ptn_buf_slice(&message), &scan);
        told.len = 0;
        tell(&scan, &told);
        assert_string_equal(ptn_buf_cstr(&told), ptn_buf_cstr(&expected));
        ptn_message_scan_free(&scan);
        count++;
    }
    closedir(dir);
    assert_true(count >= 30);
    ptn_buf_free(&path);
    ptn_buf_free(&message);
    ptn_buf_free(&expected);
    ptn_buf_free(&told);
}

/* Cut anywhere into prefix and body, the message is the same. */
static void
prefix_and_body_are_one_message(void **state)
{
    static const char *const names[] = {"rfc822", "groups", "garbage-header"};

    (void)state;
    for (size_t i = 0; i < PTN_COUNT(names); i++) {
        struct ptn_buf message = PTN_BUF_INIT, whole = PTN_BUF_INIT;
        struct ptn_message_scan scan;

        read_file(CORPUS, names[i], &message);
        ptn_message_scan(ptn_buf_slice(&message), S(""), &scan);
        tell(&scan, &whole);
        ptn_buf_addslice(&whole, ptn_buf_slice(&scan.parts));
        ptn_message_scan_free(&scan);
        for (size_t at = 0; at <= message.len; at++) {
            struct ptn_buf cut = PTN_BUF_INIT;

            ptn_message_scan(
                (struct ptn_slice){message.data, at},
                (struct ptn_slice){message.data + at, message.len - at}, &scan);
            tell(&scan, &cut);
            ptn_buf_addslice(&cut, ptn_buf_slice(&scan.parts));
            assert_int_equal(cut.len, whole.len);
            assert_memory_equal(cut.data, whole.data, whole.len);
            ptn_message_scan_free(&scan);
            ptn_buf_free(&cut);
        }
        ptn_buf_free(&message);
        ptn_buf_free(&whole);
    }
}

/* --- parts --- */

static const char nested[] = "Subject: outer\r\n"
                             "Content-Type: multipart/mixed; boundary=b\r\n"
                             "\r\n"
                             "--b\r\n"
                             "\r\n"
                             "one\r\n"
                             "--b\r\n"
                             "Content-Type: message/rfc822\r\n"
                             "X: y\r\n"
                             "\r\n"
                             "Subject: inner\r\n"
                             "Content-Type: multipart/x; boundary=c\r\n"
                             "\r\n"
                             "--c\r\n"
                             "Content-Transfer-Encoding: base64\r\n"
                             "\r\n"
                             "MQ==\r\n"
                             "--c\r\n"
                             "Content-Type: text/html\r\n"
                             "Content-Transfer-Encoding: Quoted-Printable\r\n"
                             "\r\n"
                             "two\r\n"
                             "--c--\r\n"
                             "--b\r\n"
                             "Content-Type: message/rfc822\r\n"
                             "\r\n"
                             "Subject: leaf\r\n"
                             "\r\n"
                             "three\r\n"
                             "--b--\r\n";

struct finder {
    const char *text;
    struct ptn_message_scan scan;
    struct ptn_part part;
};

static int
scan_nested(void **state)
{
    static struct finder f;

    f.text = nested;
    ptn_message_scan(S(""), ptn_slice_of(nested), &f.scan);
    *state = &f;
    return 0;
}

static int
free_scan(void **state)
{
    struct finder *f = *state;

    ptn_message_scan_free(&f->scan);
    return 0;
}

/* Finds "1.2.3"; false when there is none. */
static bool
find(struct finder *f, const char *section)
{
    uint32_t numbers[8];
    size_t count = 0;

    while (*section) {
        char *end;

        numbers[count++] = (uint32_t)strtoul(section, &end, 10);
        section = *end ? end + 1 : end;
    }
    return ptn_part_find(ptn_buf_slice(&f->scan.parts), numbers, count,
                         &f->part);
}

#define assert_text(f, from, len, expected)                                    \
    assert_slice(((struct ptn_slice){(f)->text + (f)->part.from,               \
                                     (size_t)(f)->part.len}),                  \
                 expected)

static void
parts_are_found_by_number(void **state)
{
    struct finder *f = *state;

    assert_true(find(f, "1"));
    assert_text(f, body, body_len, "one");
    assert_text(f, header, header_len, "\r\n");
    assert_true(find(f, "2.1"));
    assert_text(f, body, body_len, "MQ==");
    assert_int_equal(f->part.encoding, '6');
    assert_false(f->part.is_message);
    assert_true(find(f, "2.2"));
    assert_text(f, body, body_len, "two");
    assert_int_equal(f->part.encoding, 'q');
    assert_true(find(f, "3.1"));
    assert_text(f, body, body_len, "three");
    assert_int_equal(f->part.encoding, '7');
}

static void
messages_within_are_found(void **state)
{
    struct finder *f = *state;

    assert_true(find(f, "2"));
    assert_true(f->part.is_message);
    assert_text(f, header, header_len,
                "Content-Type: message/rfc822\r\nX: y\r\n\r\n");
    assert_text(f, inner_header, inner_header_len,
                "Subject: inner\r\n"
                "Content-Type: multipart/x; boundary=c\r\n\r\n");
    assert_int_equal(f->part.body, f->part.inner_header);
    assert_int_equal(f->part.body + f->part.body_len,
                     f->part.inner_body + f->part.inner_body_len);
    assert_true(find(f, "3"));
    assert_text(f, inner_header, inner_header_len, "Subject: leaf\r\n\r\n");
    assert_text(f, inner_body, inner_body_len, "three");
    assert_true(find(f, ""));
    assert_true(f->part.is_message);
    assert_int_equal(f->part.header, 0);
    assert_int_equal(f->part.body, strstr(nested, "--b") - nested);
    assert_int_equal(f->part.inner_body_len, f->part.body_len);
    assert_int_equal(f->part.body + f->part.body_len, strlen(nested));
}

static void
other_numbers_are_not_found(void **state)
{
    static const char *const none[] = {"0",     "4",     "1.1", "1.2",
                                       "2.0",   "2.3",   "3.2", "2.1.1",
                                       "3.1.1", "2.2.1", "9.9"};
    struct finder *f = *state;

    for (size_t i = 0; i < PTN_COUNT(none); i++)
        assert_false(find(f, none[i]));
}

/* RFC 3501 section 6.4.5: every message has at least one part number. */
static void
part_one_of_a_plain_message(void **state)
{
    struct finder f = {.text = "A: b\r\n\r\ntext\r\n"};

    (void)state;
    ptn_message_scan(S("A: b\r\n"), S("\r\ntext\r\n"), &f.scan);
    assert_true(find(&f, "1"));
    assert_text(&f, body, body_len, "text\r\n");
    assert_false(find(&f, "1.1"));
    assert_false(find(&f, "2"));
    ptn_message_scan_free(&f.scan);
    f.text = "Content-Type: message/rfc822\r\n\r\nC: d\r\n\r\nx";
    ptn_message_scan(S(""), ptn_slice_of(f.text), &f.scan);
    assert_true(find(&f, "1"));
    assert_true(f.part.is_message);
    assert_true(find(&f, "1.1"));
    assert_text(&f, body, body_len, "x");
    assert_false(find(&f, "1.2"));
    ptn_message_scan_free(&f.scan);
}

/* An index of a part is what a store gives back, perhaps damaged. */
static void
damaged_indexes_are_survived(void **state)
{
    struct finder *f = *state;
    struct ptn_buf copy = PTN_BUF_INIT;

    ptn_buf_addslice(&copy, ptn_buf_slice(&f->scan.parts));
    for (size_t i = 0; i < copy.len; i++) {
        uint32_t numbers[] = {2, 2};
        struct ptn_part part;

        for (unsigned value = 0; value < 256; value++) {
            copy.data[i] = (char)value;
            ptn_part_find(ptn_buf_slice(&copy), numbers, 2, &part);
        }
        copy.data[i] = f->scan.parts.data[i];
        ptn_part_find((struct ptn_slice){copy.data, i}, numbers, 2, &part);
    }
    copy.data[0] = 2; /* a version to come */
    assert_false(ptn_part_find(ptn_buf_slice(&copy), NULL, 0, &f->part));
    assert_false(ptn_part_find(S(""), NULL, 0, &f->part));
    assert_int_equal(f->part.encoding, '?');
    ptn_buf_free(&copy);
}

static void
indexes_are_small(void **state)
{
    struct ptn_message_scan scan;

    (void)state;
    ptn_message_scan(S(""), S("A: b\r\n\r\ntext\r\n"), &scan);
    assert_true(scan.parts.len <= 6);
    ptn_message_scan_free(&scan);
}

/* --- stored texts --- */

static void
envelope_fields_are_found(void **state)
{
    struct ptn_slice e = S("(\"d\" {3}\r\n\"\\( ((\"a)\" NIL \"b\" \"c\")) "
                           "NIL NIL NIL NIL NIL \"<i>\" \"<\\\"m>\")");

    (void)state;
    assert_slice(ptn_envelope_get(e, PTN_ENV_DATE), "\"d\"");
    assert_slice(ptn_envelope_get(e, PTN_ENV_SUBJECT), "{3}\r\n\"\\(");
    assert_slice(ptn_envelope_get(e, PTN_ENV_FROM),
                 "((\"a)\" NIL \"b\" \"c\"))");
    assert_slice(ptn_envelope_get(e, PTN_ENV_BCC), "NIL");
    assert_slice(ptn_envelope_get(e, PTN_ENV_MESSAGE_ID), "\"<\\\"m>\"");
    assert_slice(ptn_envelope_get(S(""), PTN_ENV_DATE), "NIL");
    assert_slice(ptn_envelope_get(S("(\"d\")"), PTN_ENV_SUBJECT), "NIL");
    assert_slice(ptn_envelope_get(S("(\"d\" \"x"), PTN_ENV_SUBJECT), "NIL");
    assert_slice(ptn_envelope_get(S("(((("), PTN_ENV_SUBJECT), "NIL");
}

static void
damaged_structures_become_plain_text(void **state)
{
    static const char *const bad[] = {
        "", "(", "NIL", "(\"text\" \"plain\")", "((\"text\" \"plain\"",
    };

    (void)state;
    for (size_t i = 0; i < PTN_COUNT(bad); i++) {
        struct ptn_buf out = PTN_BUF_INIT;

        ptn_structure_to_body(ptn_slice_of(bad[i]), &out);
        assert_buf(&out, "(\"text\" \"plain\" NIL NIL NIL \"7bit\" 0 0)");
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_are_told_as_expected),
        cmocka_unit_test(prefix_and_body_are_one_message),
        cmocka_unit_test_setup_teardown(parts_are_found_by_number, scan_nested,
                                        free_scan),
        cmocka_unit_test_setup_teardown(messages_within_are_found, scan_nested,
                                        free_scan),
        cmocka_unit_test_setup_teardown(other_numbers_are_not_found,
                                        scan_nested, free_scan),
        cmocka_unit_test(part_one_of_a_plain_message),
        cmocka_unit_test_setup_teardown(damaged_indexes_are_survived,
                                        scan_nested, free_scan),
        cmocka_unit_test(indexes_are_small),
        cmocka_unit_test(envelope_fields_are_found),
        cmocka_unit_test(damaged_structures_become_plain_text),
    };

    return cmocka_run_group_tests_name("mail/message", tests, NULL, NULL);
}
