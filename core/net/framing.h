/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Cuts input into lines, counted blocks and dot-terminated texts. Pure: it
 * reads what it is given, allocates only while an over-long line is thrown
 * away, and knows neither sessions nor sockets.
 */
#ifndef PTN_NET_FRAMING_H
#define PTN_NET_FRAMING_H

#include <postern/protocol.h>

#define PTN_FRAME_HEAD_MAX 128 /* octets kept of a refused line's beginning */
#define PTN_FRAME_TAIL_MAX 16  /* and of its end */

enum ptn_framing {
    PTN_FRAMING_LINE,
    PTN_FRAMING_BLOCK,
    PTN_FRAMING_TEXT,
};

struct ptn_long_line;

struct ptn_framer {
    struct ptn_long_line *skipped; /* a line that is being thrown away */
    uint64_t count;  /* LINE: octets known to hold no LF; BLOCK: to come;
                        TEXT: octets of the current line so far */
    size_t max_line; /* TEXT */
    uint8_t mode;    /* enum ptn_framing */
    uint8_t faults;  /* TEXT: seen so far */
    bool at_start;   /* TEXT: a line begins here */
    bool after_cr;   /* TEXT: the last octet was CR */
};

enum ptn_frame_kind {
    PTN_FRAME_NONE, /* more input is needed */
    PTN_FRAME_LINE,
    PTN_FRAME_BLOCK, /* of a block or a text */
    PTN_FRAME_FAULT, /* a refused line */
};

/* Slices point into the input or into the framer, until its next call. */
struct ptn_frame {
    enum ptn_frame_kind kind;
    size_t used;           /* octets of the input that are spent */
    struct ptn_slice data; /* the line, the piece, the refused line's head */
    struct ptn_slice tail; /* of a refused line, without its end */
    enum ptn_fault fault;
    bool last;
    unsigned faults;
};

/* Zeroed memory is a framer in line mode. */
void ptn_framer_reset(struct ptn_framer *f);
void ptn_framer_block(struct ptn_framer *f, uint64_t count);
void ptn_framer_text(struct ptn_framer *f, size_t max_line);

/* The next frame of `in`, which begins where the last frame's `used` ended.
 * After NONE the octets that were not used come again, with more. */
void ptn_framer_next(struct ptn_framer *f, struct ptn_slice in, size_t max_line,
                     struct ptn_frame *out);

/* With `have` octets left over and `more` coming: how many of `more` to put
 * behind them so that a frame is found, or more is known to be needed. At
 * least 1 if `more` is not empty. */
size_t ptn_framer_wants(const struct ptn_framer *f, size_t have,
                        struct ptn_slice more, size_t max_line);

#endif
