/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Framing (net/framing.h). The bulk is found with memchr: a text is handed
 * on in runs as long as the input holds no stuffed dot, a block in whole.
 *
 * What ends what, and what never does:
 *   - a line ends with CRLF. LF alone ends it too, but as a fault, so that
 *     nobody can hide a command behind one (RFC 5321 section 2.3.8);
 *   - a text ends with CRLF "." CRLF, or "." CRLF at its very beginning,
 *     and with nothing that looks like it (RFC 5321 sections 4.1.1.4 and
 *     4.5.2, RFC 1939 section 3).
 *
 * A text's state, by the octets before the current one:
 *
 *            +--- CRLF ----------------------------+
 *            v                                     |
 *   [at_start] -- "." CRLF --> end                 |
 *            | -- "." other --> dot dropped --> [inside]
 *            '--- other ----------------------> [inside]
 */
#include "net/framing.h"
#include <assert.h>
#include <postern/arena.h>

/* The beginning and the end of a line that nobody will see in full. The
 * tail has room for the CR that may turn out to belong to the line's end. */
struct ptn_long_line {
    bool reported; /* to be freed with the next call */
    size_t len;    /* of the whole line so far */
    size_t head_len, tail_len;
    char head[PTN_FRAME_HEAD_MAX];
    char tail[PTN_FRAME_TAIL_MAX + 1];
};

static const char dot_end[] = {'.', '\r', '\n'};

static void
drop_skipped(struct ptn_framer *f)
{
    ptn_free(f->skipped);
    f->skipped = NULL;
}

void
ptn_framer_reset(struct ptn_framer *f)
{
    drop_skipped(f);
    *f = (struct ptn_framer){.mode = PTN_FRAMING_LINE};
}

void
ptn_framer_block(struct ptn_framer *f, uint64_t count)
{
    assert(f->mode == PTN_FRAMING_LINE);
    f->mode = PTN_FRAMING_BLOCK;
    f->count = count;
}

void
ptn_framer_text(struct ptn_framer *f, size_t max_line)
{
    assert(f->mode == PTN_FRAMING_LINE);
    f->mode = PTN_FRAMING_TEXT;
    f->count = 0;
    f->max_line = max_line;
    f->faults = 0;
    f->at_start = true;
    f->after_cr = false;
}

static void
to_line_mode(struct ptn_framer *f)
{
    f->mode = PTN_FRAMING_LINE;
    f->count = 0;
}

static struct ptn_slice
last_octets(struct ptn_slice s, size_t most)
{
    return s.len <= most ? s : ptn_slice_sub(s, s.len - most, most);
}

static struct ptn_slice
first_octets(struct ptn_slice s, size_t most)
{
    return (struct ptn_slice){s.data, s.len < most ? s.len : most};
}

/* --- lines --- */

static void
skip_piece(struct ptn_long_line *l, struct ptn_slice piece)
{
    struct ptn_slice head = first_octets(piece, sizeof l->head - l->head_len);
    struct ptn_slice tail = last_octets(piece, sizeof l->tail);
    size_t keep = sizeof l->tail - tail.len;

    l->len += piece.len;
    if (head.len)
        memcpy(l->head + l->head_len, head.data, head.len);
    l->head_len += head.len;
    if (keep > l->tail_len)
        keep = l->tail_len;
    memmove(l->tail, l->tail + l->tail_len - keep, keep);
    if (tail.len)
        memcpy(l->tail + keep, tail.data, tail.len);
    l->tail_len = keep + tail.len;
}

/* The end of the skipped line has come. Its text stays in f->skipped until
 * the next call. */
static void
report_long_line(struct ptn_framer *f, struct ptn_frame *out)
{
    struct ptn_long_line *l = f->skipped;
    struct ptn_slice tail = {l->tail, l->tail_len};

    if (tail.len && tail.data[tail.len - 1] == '\r') {
        tail.len--;
        if (l->head_len == l->len)
            l->head_len--;
    }
    out->kind = PTN_FRAME_FAULT;
    out->fault = PTN_FAULT_LONG_LINE;
    out->data = (struct ptn_slice){l->head, l->head_len};
    out->tail = last_octets(tail, PTN_FRAME_TAIL_MAX);
    l->reported = true;
}

static void
skip(struct ptn_framer *f, struct ptn_slice in, struct ptn_frame *out)
{
    const char *lf = in.len ? memchr(in.data, '\n', in.len) : NULL;
    size_t len = lf ? (size_t)(lf - in.data) : in.len;

    f->count = 0;
    skip_piece(f->skipped, ptn_slice_sub(in, 0, len));
    out->used = lf ? len + 1 : len;
    if (lf)
        report_long_line(f, out);
}

static unsigned
line_fault(struct ptn_slice line, bool has_cr)
{
    if (line.len && memchr(line.data, '\0', line.len))
        return PTN_FAULT_NUL;
    if (line.len && memchr(line.data, '\r', line.len))
        return PTN_FAULT_BARE_CR;
    return has_cr ? 0 : PTN_FAULT_BARE_LF;
}

/* `in` begins with a line of `len` octets and its LF. */
static void
whole_line(struct ptn_framer *f, struct ptn_slice in, size_t len,
           struct ptn_frame *out)
{
    bool has_cr = len && in.data[len - 1] == '\r';
    struct ptn_slice line = ptn_slice_sub(in, 0, has_cr ? len - 1 : len);
    unsigned fault = line_fault(line, has_cr);

    f->count = 0;
    out->used = len + 1;
    out->kind = fault ? PTN_FRAME_FAULT : PTN_FRAME_LINE;
    out->fault = (enum ptn_fault)fault;
    out->data = fault ? first_octets(line, PTN_FRAME_HEAD_MAX) : line;
    out->tail = last_octets(line, PTN_FRAME_TAIL_MAX);
}

static void
next_line(struct ptn_framer *f, struct ptn_slice in, size_t max_line,
          struct ptn_frame *out)
{
    size_t from = (size_t)f->count;
    const char *lf =
        in.len > from ? memchr(in.data + from, '\n', in.len - from) : NULL;
    size_t len = lf ? (size_t)(lf - in.data) : in.len;
    size_t content = len && in.data[len - 1] == '\r' ? len - 1 : len;

    if (content > max_line) {
        f->skipped = ptn_alloc(sizeof *f->skipped);
        skip(f, in, out);
    } else if (lf) {
        whole_line(f, in, len, out);
    } else {
        f->count = in.len;
    }
}

/* --- blocks --- */

static void
next_block(struct ptn_framer *f, struct ptn_slice in, struct ptn_frame *out)
{
    size_t len = in.len < f->count ? in.len : (size_t)f->count;

    if (len == 0 && f->count > 0)
        return;
    f->count -= len;
    out->kind = PTN_FRAME_BLOCK;
    out->data = ptn_slice_sub(in, 0, len);
    out->used = len;
    out->last = f->count == 0;
    if (out->last)
        to_line_mode(f);
}

/* --- texts --- */

/* `piece` goes on with the current line and has no LF but perhaps at its
 * end. Notes its faults, and whether a line ends with it. */
static void
text_piece(struct ptn_framer *f, struct ptn_slice piece)
{
    bool has_lf = piece.data[piece.len - 1] == '\n';
    size_t len = has_lf ? piece.len - 1 : piece.len;
    bool ends_cr = len ? piece.data[len - 1] == '\r' : f->after_cr;
    size_t inner = len && ends_cr ? len - 1 : len;

    /* A CR that is followed by neither LF nor the end of what is known. */
    if ((f->after_cr && len) || (inner && memchr(piece.data, '\r', inner)))
        f->faults |= PTN_FAULT_BARE_CR;
    if (has_lf && !ends_cr)
        f->faults |= PTN_FAULT_BARE_LF;
    f->count += len;
    if (f->count - (ends_cr ? 1 : 0) > f->max_line)
        f->faults |= PTN_FAULT_LONG_LINE;
    f->at_start = has_lf && ends_cr;
    f->after_cr = !has_lf && ends_cr;
    if (has_lf)
        f->count = 0;
}

/* Goes through `in` from `at` to the first line that begins with a dot, or
 * to the end; answers where that is. */
static size_t
text_run(struct ptn_framer *f, struct ptn_slice in, size_t at)
{
    while (at < in.len && !(f->at_start && in.data[at] == '.')) {
        const char *lf = memchr(in.data + at, '\n', in.len - at);
        size_t end = lf ? (size_t)(lf - in.data) + 1 : in.len;
        text_piece(f, ptn_slice_sub(in, at, end - at));
        at = end;
    }
    return at;
}

/* What stands at a line's beginning with a dot: 1 the end of the text, 0
 * something else, -1 too little of it to tell. */
static int
is_text_end(struct ptn_slice in)
{
    size_t len = in.len < sizeof dot_end ? in.len : sizeof dot_end;

    if (memcmp(in.data, dot_end, len) != 0)
        return 0;
    return len == sizeof dot_end ? 1 : -1;
}

static void
next_text(struct ptn_framer *f, struct ptn_slice in, struct ptn_frame *out)
{
    size_t from = 0;
    int end = 0;

    if (in.len == 0)
        return;
    if (f->at_start && in.data[0] == '.') {
        end = is_text_end(in);
        if (end < 0)
            return;
        from = end ? 0 : 1; /* a stuffed dot is dropped */
        if (!end)
            f->at_start = false;
    }
    size_t to = end ? 0 : text_run(f, in, from);
    struct ptn_slice rest = ptn_slice_sub(in, to, in.len - to);
    if (rest.len && is_text_end(rest) == 1)
        end = 1;
    out->kind = PTN_FRAME_BLOCK;
    out->data = ptn_slice_sub(in, from, to - from);
    out->used = end ? to + sizeof dot_end : to;
    out->last = end;
    if (out->data.len && memchr(out->data.data, '\0', out->data.len))
        f->faults |= PTN_FAULT_NUL;
    out->faults = f->faults;
    if (end)
        to_line_mode(f);
}

/* --- */

void
ptn_framer_next(struct ptn_framer *f, struct ptn_slice in, size_t max_line,
                struct ptn_frame *out)
{
    *out = (struct ptn_frame){.kind = PTN_FRAME_NONE};
    if (f->skipped && f->skipped->reported)
        drop_skipped(f);
    if (f->mode == PTN_FRAMING_BLOCK)
        next_block(f, in, out);
    else if (f->mode == PTN_FRAMING_TEXT)
        next_text(f, in, out);
    else if (f->skipped)
        skip(f, in, out);
    else
        next_line(f, in, max_line, out);
}

size_t
ptn_framer_wants(const struct ptn_framer *f, size_t have, struct ptn_slice more,
                 size_t max_line)
{
    size_t most = max_line + 2; /* a longest line, CR, and one to judge by */

    if (f->mode == PTN_FRAMING_BLOCK)
        return more.len;
    if (f->mode == PTN_FRAMING_TEXT)
        most = sizeof dot_end;
    assert(have < most);
    struct ptn_slice near = first_octets(more, most - have);
    const char *lf = near.len && f->mode == PTN_FRAMING_LINE
                         ? memchr(near.data, '\n', near.len)
                         : NULL;
    return lf ? (size_t)(lf - near.data) + 1 : near.len;
}
