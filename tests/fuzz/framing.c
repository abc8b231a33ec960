/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Fuzz target: framing. However the input is cut, the same frames come out,
 * and no more is ever kept than a line. The first octet chooses how it is
 * cut. Lines that begin with T ask for a text, with B and a digit for a block.
 */
#include "net/framing.h"
#include <assert.h>
#include <postern/arena.h>
#include <postern/buf.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MAX_LINE 40

struct reader {
    struct ptn_framer framer;
    struct ptn_buf kept;
    struct ptn_buf log; /* every frame: its kind, octets, faults */
};

static void
note(struct reader *r, const struct ptn_frame *frame)
{
    struct ptn_slice d = frame->data;

    if (frame->kind != PTN_FRAME_BLOCK)
        ptn_buf_printf(&r->log, "[%d.%d]", (int)frame->kind, (int)frame->fault);
    ptn_buf_addslice(&r->log, d);
    ptn_buf_addslice(&r->log, frame->tail);
    if (frame->last)
        ptn_buf_printf(&r->log, "[last %u]", frame->faults);
    if (frame->kind != PTN_FRAME_LINE || d.len == 0)
        return;
    if (d.data[0] == 'T')
        ptn_framer_text(&r->framer, MAX_LINE);
    else if (d.data[0] == 'B' && d.len > 1)
        ptn_framer_block(&r->framer, (unsigned char)d.data[1] & 15u);
}

static size_t
take(struct reader *r, struct ptn_slice in)
{
    struct ptn_frame frame;
    size_t used = 0;

    do {
        ptn_framer_next(&r->framer, ptn_slice_sub(in, used, in.len - used),
                        MAX_LINE, &frame);
        used += frame.used;
        assert(used <= in.len);
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
        assert(n > 0 && n <= more.len);
        ptn_buf_add(&r->kept, more.data, n);
        ptn_buf_consume(&r->kept, take(r, ptn_buf_slice(&r->kept)));
        used += n;
    }
    if (r->kept.len == 0)
        used += take(r, ptn_slice_sub(in, used, in.len - used));
    ptn_buf_add(&r->kept, in.data + used, in.len - used);
    assert(r->kept.len <= MAX_LINE + 1);
}

static void
read_cut(struct ptn_slice in, size_t piece, struct ptn_buf *log)
{
    struct reader r = {.kept = PTN_BUF_INIT};

    for (size_t at = 0; at < in.len; at += piece) {
        size_t n = piece < in.len - at ? piece : in.len - at;
        give(&r, ptn_slice_sub(in, at, n));
    }
    ptn_framer_reset(&r.framer);
    ptn_buf_free(&r.kept);
    *log = r.log;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ptn_buf whole, cut;
    struct ptn_slice in;

    if (size < 2)
        return 0;
    in = (struct ptn_slice){(const char *)data + 1, size - 1};
    read_cut(in, in.len, &whole);
    read_cut(in, data[0] % 17u + 1, &cut);
    assert(ptn_slice_eq(ptn_buf_slice(&whole), ptn_buf_slice(&cut)));
    ptn_buf_free(&whole);
    ptn_buf_free(&cut);
    return 0;
}
