/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Framing: each case is given whole, octet by octet, and cut in two at every
 * place, and must come out the same; and texts made at random must come out
 * as a slow and simple reader of the rules says.
 */
#include "net/framing.h"
#include "tests/unit/base/test.h"
#include <postern/buf.h>
#include <stdlib.h>

#define MAX_LINE 12

/* A reader that keeps what was not used, as a session does. It writes down
 * frames as "L:line|", "B:octets|", "E:faults|" at an end, "F1:head~tail|". */
struct reader {
    struct ptn_framer framer;
    struct ptn_buf kept, log;
    bool in_block;
};

static void
note(struct reader *r, const struct ptn_frame *frame)
{
    if (frame->kind == PTN_FRAME_LINE) {
        ptn_buf_printf(&r->log, "L:%.*s|", (int)frame->data.len,
                       frame->data.data ? frame->data.data : "");
    } else if (frame->kind == PTN_FRAME_FAULT) {
        ptn_buf_printf(&r->log, "F%d:", (int)frame->fault);
        ptn_buf_addslice(&r->log, frame->data);
        ptn_buf_addc(&r->log, '~');
        ptn_buf_addslice(&r->log, frame->tail);
        ptn_buf_addc(&r->log, '|');
    } else {
        if (!r->in_block)
            ptn_buf_adds(&r->log, "B:");
        r->in_block = !frame->last;
        ptn_buf_addslice(&r->log, frame->data);
        if (frame->last)
            ptn_buf_printf(&r->log, "E%u|", frame->faults);
    }
    /* Two lines ask for more, as protocols do. */
    if (frame->kind == PTN_FRAME_LINE &&
        ptn_slice_eq(frame->data, PTN_SLICE("TEXT")))
        ptn_framer_text(&r->framer, MAX_LINE);
    if (frame->kind == PTN_FRAME_LINE && frame->data.len == 2 &&
        frame->data.data[0] == 'B')
        ptn_framer_block(&r->framer, (uint64_t)(frame->data.data[1] - '0'));
}

static size_t
take_frames(struct reader *r, struct ptn_slice in)
{
    struct ptn_frame frame;
    size_t used = 0;

    do {
        ptn_framer_next(&r->framer, ptn_slice_sub(in, used, in.len - used),
                        MAX_LINE, &frame);
        used += frame.used;
        assert_true(used <= in.len);
        if (frame.kind != PTN_FRAME_NONE)
            note(r, &frame);
    } while (frame.kind != PTN_FRAME_NONE);
    return used;
}

static void
give(struct reader *r, struct ptn_slice in)
{
    size_t used = 0;

    while (r->kept.len && used < in.len) {
        struct ptn_slice more = ptn_slice_sub(in, used, in.len - used);
        size_t n = ptn_framer_wants(&r->framer, r->kept.len, more, MAX_LINE);
        assert_in_range(n, 1, more.len);
        ptn_buf_add(&r->kept, more.data, n);
        ptn_buf_consume(&r->kept, take_frames(r, ptn_buf_slice(&r->kept)));
        used += n;
    }
    if (r->kept.len == 0)
        used += take_frames(r, ptn_slice_sub(in, used, in.len - used));
    ptn_buf_add(&r->kept, in.data + used, in.len - used);
    assert_true(r->kept.len <= MAX_LINE + 1); /* bounded, whatever comes */
}

/* In pieces of `first`, and then of `then` octets. */
static void
read_cut(struct ptn_slice in, size_t first, size_t then, struct ptn_buf *out)
{
    struct reader r = {.in_block = false};
    size_t at = 0, piece = first;

    while (at < in.len) {
        size_t n = piece < in.len - at ? piece : in.len - at;
        /* A copy of its own size, so that a checker sees any excess. */
        char *copy = memcpy(malloc(n), in.data + at, n);
        give(&r, (struct ptn_slice){copy, n});
        free(copy);
        at += n;
        piece = then;
    }
    *out = r.log;
    ptn_framer_reset(&r.framer);
    ptn_buf_free(&r.kept);
}

static void
expect_cut(struct ptn_slice in, size_t first, size_t then,
           struct ptn_slice want)
{
    struct ptn_buf got;

    read_cut(in, first, then, &got);
    if (!ptn_slice_eq(ptn_buf_slice(&got), want))
        fail_msg("cut at %zu, %zu: expected \"%.*s\", got \"%s\"", first, then,
                 (int)want.len, want.data, ptn_buf_cstr(&got));
    ptn_buf_free(&got);
}

static void
expect(struct ptn_slice in, struct ptn_slice want)
{
    expect_cut(in, in.len, in.len, want);
    for (size_t piece = 1; piece < 6; piece++)
        expect_cut(in, piece, piece, want);
    for (size_t cut = 1; cut < in.len; cut++)
        expect_cut(in, cut, in.len, want);
}

#define EXPECT(in, want) expect(PTN_SLICE(in), PTN_SLICE(want))

static void
test_lines(void **state)
{
    (void)state;
    EXPECT("\r\n", "L:|");
    EXPECT("one\r\ntwo\r\n\r\nthree", "L:one|L:two|L:|");
    EXPECT("123456789012\r\n", "L:123456789012|");
}

static void
test_refused_lines(void **state)
{
    (void)state;
    EXPECT("a\nb\r\n", "F4:a~a|L:b|");
    EXPECT("a\rb\r\n\r\r\n", "F8:a\rb~a\rb|F8:\r~\r|");
    EXPECT("a\0b\r\nc\r\n", "F2:a\0b~a\0b|L:c|");
    EXPECT("a\0b\rc\n", "F2:a\0b\rc~a\0b\rc|");
    EXPECT("1234567890123\r\nx\r\n", "F1:1234567890123~1234567890123|L:x|");
    EXPECT("1234567890123\nx\r\n", "F1:1234567890123~1234567890123|L:x|");
    EXPECT("tag 123456789 123456789 {12}\r\nx\r\n",
           "F1:tag 123456789 123456789 {12}~9 123456789 {12}|L:x|");
}

/* Of a line of any length no more is kept than its two ends. */
static void
test_very_long_line(void **state)
{
    static char line[200000];
    char want[200];
    int n = 0;

    (void)state;
    memset(line, 'x', sizeof line);
    memcpy(line, "tag", 3);
    memcpy(line + sizeof line - 6, "end.\r\n", 6);
    memset(want, 'x', sizeof want);
    memcpy(want, "F1:tag", 6);
    n = 3 + PTN_FRAME_HEAD_MAX;
    want[n] = '~';
    memcpy(want + n + 1 + PTN_FRAME_TAIL_MAX - 4, "end.|", 5);
    for (size_t piece = 1; piece <= sizeof line; piece *= 7)
        expect_cut(
            (struct ptn_slice){line, sizeof line}, piece, piece,
            (struct ptn_slice){want, (size_t)n + 1 + PTN_FRAME_TAIL_MAX + 1});
}

static void
test_blocks(void **state)
{
    (void)state;
    EXPECT("B3\r\na\r\nb\r\n", "L:B3|B:a\r\nE0|L:b|");
    EXPECT("B0\r\nb\r\n", "L:B0|B:E0|L:b|");
    EXPECT("B9\r\n\0\n\r.\r\n..\nx\r\n", "L:B9|B:\0\n\r.\r\n..\nE0|L:x|");
    EXPECT("B1\r\nzB1\r\nz\r\n", "L:B1|B:zE0|L:B1|B:zE0|L:|");
}

/* RFC 5321 section 4.5.2, and what is none of its ends. */
static void
test_texts(void **state)
{
    (void)state;
    EXPECT("TEXT\r\n.\r\nx\r\n", "L:TEXT|B:E0|L:x|");
    EXPECT("TEXT\r\na\r\n.\r\nx\r\n", "L:TEXT|B:a\r\nE0|L:x|");
    EXPECT("TEXT\r\n..\r\n.a\r\na.\r\n...\r\n.\r\n",
           "L:TEXT|B:.\r\na\r\na.\r\n..\r\nE0|");
    EXPECT("TEXT\r\na\r\n\r\n.\r\n", "L:TEXT|B:a\r\n\r\nE0|");
    /* Smuggling: none of these may end it. */
    EXPECT("TEXT\r\na\n.\nb\r\n.\r\n", "L:TEXT|B:a\n.\nb\r\nE4|");
    EXPECT("TEXT\r\na\n.\r\nb\r\n.\r\n", "L:TEXT|B:a\n.\r\nb\r\nE4|");
    EXPECT("TEXT\r\na\r\n.\nb\r\n.\r\n", "L:TEXT|B:a\r\n\nb\r\nE4|");
    EXPECT("TEXT\r\na\r\n.\rb\r\n.\r\n", "L:TEXT|B:a\r\n\rb\r\nE8|");
    EXPECT("TEXT\r\na\r.\r\nb\r\n.\r\n", "L:TEXT|B:a\r.\r\nb\r\nE8|");
    EXPECT("TEXT\r\n.\r\r\n.\r\n", "L:TEXT|B:\r\r\nE8|");
    EXPECT("TEXT\r\n\n.\r\n.\r\n", "L:TEXT|B:\n.\r\nE4|");
}

static void
test_text_faults(void **state)
{
    (void)state;
    EXPECT("TEXT\r\n123456789012\r\n.\r\n", "L:TEXT|B:123456789012\r\nE0|");
    EXPECT("TEXT\r\n1234567890123\r\n.\r\n", "L:TEXT|B:1234567890123\r\nE1|");
    EXPECT("TEXT\r\n.123456789012\r\n.\r\n", "L:TEXT|B:123456789012\r\nE0|");
    EXPECT("TEXT\r\na\0b\r\n.\r\n", "L:TEXT|B:a\0b\r\nE2|");
    EXPECT("TEXT\r\n\r\r\n\0\n1234567890123\r\n.\r\nTEXT\r\n.\r\n",
           "L:TEXT|B:\r\r\n\0\n1234567890123\r\nE15|L:TEXT|B:E0|");
}

/* The rules octet by octet. Answers the octets up to the text's end, or 0;
 * `text` gets what it means. */
static size_t
simple_text(struct ptn_slice in, struct ptn_buf *text)
{
    bool start = true;

    for (size_t i = 0; i < in.len; i++) {
        if (start && in.len - i >= 3 && memcmp(in.data + i, ".\r\n", 3) == 0)
            return i + 3;
        if (!start || in.data[i] != '.')
            ptn_buf_addc(text, in.data[i]);
        start = in.data[i] == '\n' && i > 0 && in.data[i - 1] == '\r';
    }
    return 0;
}

static void
test_random_texts(void **state)
{
    static const char letters[] = "a.\r\n.\r\n.\r\n\0";
    char in[4 + 2 + 60];

    (void)state;
    srand(5);
    memcpy(in, "TEXT\r\n", 6);
    for (int round = 0; round < 20000; round++) {
        struct ptn_buf want = PTN_BUF_INIT, text = PTN_BUF_INIT, got;
        size_t len = 6 + (size_t)rand() % 40;
        for (size_t i = 6; i < len; i++)
            in[i] = letters[(size_t)rand() % (sizeof letters - 1)];
        size_t end = simple_text((struct ptn_slice){in + 6, len - 6}, &text);
        ptn_buf_adds(&want, "L:TEXT|B:");
        ptn_buf_addslice(&want, ptn_buf_slice(&text));
        ptn_buf_addc(&want, 'E');
        size_t piece = (size_t)rand() % 7 + 1;
        read_cut((struct ptn_slice){in, end ? 6 + end : len}, piece,
                 (size_t)rand() % 9 + 1, &got);
        if (end) {
            assert_true(got.len > want.len);
            assert_memory_equal(got.data, want.data, want.len);
        } else {
            /* "TEXT" has one E; a text that ended would bring another. */
            assert_null(got.len > 6 ? memchr(got.data + 6, 'E', got.len - 6)
                                    : NULL);
        }
        ptn_buf_free(&got);
        ptn_buf_free(&want);
        ptn_buf_free(&text);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_refused_lines),
        cmocka_unit_test(test_very_long_line),
        cmocka_unit_test(test_blocks),
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_text_faults),
        cmocka_unit_test(test_random_texts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
