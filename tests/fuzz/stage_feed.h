/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Feeds octets to a session on the stage of tests/unit/stage, through core's
 * own framing.
 */
#ifndef TESTS_FUZZ_STAGE_FEED_H
#define TESTS_FUZZ_STAGE_FEED_H

#include "net/framing.h"
#include "tests/unit/stage/stage.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline void
stage_give(struct stage *st, struct ptn_framer *framer,
           const struct ptn_frame *frame)
{
    if (frame->kind == PTN_FRAME_LINE)
        stage_slice(st, frame->data);
    else if (frame->kind == PTN_FRAME_FAULT)
        stage_fault(st, frame->fault);
    else
        stage_block(st, frame->data.data, frame->data.len, frame->last,
                    frame->faults);
    if (st->wants_text)
        ptn_framer_text(framer, (size_t)st->block_size);
    else if (st->wants_block)
        ptn_framer_block(framer, st->block_size);
}

/* Until the octets or the session end. */
static inline void
stage_feed(struct stage *st, struct ptn_slice in)
{
    struct ptn_framer framer = {0};
    struct ptn_frame frame;
    for (st->result = PTN_DONE; st->result == PTN_DONE;) {
        ptn_framer_next(&framer, in, 512, &frame);
        if (frame.kind == PTN_FRAME_NONE && frame.used == 0)
            break;
        if (frame.kind != PTN_FRAME_NONE)
            stage_give(st, &framer, &frame);
        in = ptn_slice_sub(in, frame.used, in.len - frame.used);
    }
    ptn_framer_reset(&framer);
}

#endif
