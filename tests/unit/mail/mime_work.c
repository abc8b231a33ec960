/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The scanner's work grows like its input, also for input that was made to
 * slow it down. Not the clock is asked but the scanner itself: compiled
 * here with a counter of the octets that it looks at.
 */
#define PTN_MAIL_COUNT_WORK
#include "mail/mime.c"
#include "tests/unit/mail/test.h"

/* A message of about `size` octets. */
typedef void (*make_fn)(struct ptn_buf *out, size_t size);

static void
repeat(struct ptn_buf *out, const char *text, size_t size)
{
    while (out->len < size)
        ptn_buf_adds(out, text);
}

static void
make_plain(struct ptn_buf *out, size_t size)
{
    ptn_buf_adds(out, "A: b\r\n\r\n");
    repeat(out, "text of a line\r\n", size);
}

static void
make_header(struct ptn_buf *out, size_t size)
{
    repeat(out, "To: a@b\r\n", size);
}

static void
make_fold(struct ptn_buf *out, size_t size)
{
    ptn_buf_adds(out, "Content-Type:");
    repeat(out, "\r\n (", size);
}

static void
make_feeds(struct ptn_buf *out, size_t size)
{
    ptn_buf_adds(out, "Content-Type: multipart/x; boundary=b\r\n\r\n--b\r\n");
    repeat(out, "\n", size);
}

/* As many boundaries as there can be, and lines that nearly are one. */
static void
make_nested(struct ptn_buf *out, size_t size)
{
    for (int i = 0; i < PTN_MIME_DEPTH_MAX; i++)
        ptn_buf_printf(out,
                       "Content-Type: multipart/x; boundary=bbbb%c\r\n\r\n"
                       "--bbbb%c\r\n",
                       'A' + i, 'A' + i);
    repeat(out, "\r\n--bbbb", size);
}

static void
make_parts(struct ptn_buf *out, size_t size)
{
    ptn_buf_adds(out, "Content-Type: multipart/x; boundary=b\r\n\r\n");
    repeat(out, "--b\r\nContent-Type: text/plain\r\n\r\nx\r\n", size);
}

static void
make_openings(struct ptn_buf *out, size_t size)
{
    repeat(out,
           "Content-Type: multipart/x; boundary=b\r\n\r\n--b\r\n"
           "Content-Type: message/rfc822\r\n\r\n",
           size);
}

static void
make_closings(struct ptn_buf *out, size_t size)
{
    make_nested(out, 0);
    repeat(out, "--bbbbA--\r\n--bbbbB\r\n", size);
}

static uint64_t
work_of(make_fn make, size_t size)
{
    struct ptn_buf text = PTN_BUF_INIT;
    struct ptn_mime_tree tree;

    make(&text, size);
    ptn_mime_work = 0;
    ptn_mime_scan((struct ptn_slice){NULL, 0}, ptn_buf_slice(&text), &tree);
    ptn_mime_free(&tree);
    ptn_buf_free(&text);
    return ptn_mime_work;
}

static void
work_grows_like_the_message(void **state)
{
    static const make_fn makers[] = {
        make_plain,  make_header, make_fold,     make_feeds,
        make_nested, make_parts,  make_openings, make_closings,
    };
    const size_t size = 200000;

    (void)state;
    for (size_t i = 0; i < PTN_COUNT(makers); i++) {
        uint64_t one = work_of(makers[i], size);
        uint64_t four = work_of(makers[i], 4 * size);

        assert_true(one >= size / 2);
        assert_true(four <= 5 * one);
        /* the boundaries that a line is compared with are few */
        assert_true(one <= 6 * size);
    }
}

/* Beyond the limits a message is told in less detail, and that is all. */
static void
limits_are_kept(void **state)
{
    struct ptn_buf text = PTN_BUF_INIT;
    struct ptn_mime_tree tree;

    (void)state;
    make_parts(&text, 100000);
    ptn_mime_scan((struct ptn_slice){NULL, 0}, ptn_buf_slice(&text), &tree);
    assert_int_equal(tree.count, PTN_MIME_PARTS_MAX);
    assert_int_equal(tree.nodes[0].children, PTN_MIME_PARTS_MAX - 1);
    ptn_mime_free(&tree);
    text.len = 0;
    make_openings(&text, 10000);
    ptn_mime_scan((struct ptn_slice){NULL, 0}, ptn_buf_slice(&text), &tree);
    for (uint32_t i = 0; i < PTN_MIME_DEPTH_MAX; i++)
        assert_int_equal(tree.nodes[i].opaque, i + 1 == PTN_MIME_DEPTH_MAX);
    assert_true(tree.count <= PTN_MIME_PARTS_MAX);
    ptn_mime_free(&tree);
    ptn_buf_free(&text);
}

static void
fields_far_down_are_not_read(void **state)
{
    struct ptn_buf text = PTN_BUF_INIT;
    struct ptn_mime_tree tree;

    (void)state;
    repeat(&text, "X: filler\r\n", PTN_HEADER_SCAN_MAX);
    ptn_buf_adds(&text, "Content-Type: text/late\r\n\r\nbody");
    ptn_mime_scan((struct ptn_slice){NULL, 0}, ptn_buf_slice(&text), &tree);
    assert_null(PTN_MIME_FIELD(&tree.nodes[0], PTN_FIELD_CONTENT_TYPE).data);
    assert_int_equal(tree.nodes[0].body_len, 4);
    ptn_mime_free(&tree);
    ptn_buf_free(&text);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(work_grows_like_the_message),
        cmocka_unit_test(limits_are_kept),
        cmocka_unit_test(fields_far_down_are_not_read),
    };

    return cmocka_run_group_tests_name("mail/mime work", tests, NULL, NULL);
}
