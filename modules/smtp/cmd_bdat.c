/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * BDAT (RFC 3030): content in counted chunks, each with an answer. The
 * octets are on their way whatever we think of the command, so they are
 * read before it is refused; only a chunk that is over all bounds ends the
 * session.
 */
#include "newline.h"
#include "tx.h"

/* "SIZE" or "SIZE LAST". */
static bool
read_args(struct ptn_slice args, uint64_t *size, bool *last)
{
    const char *blank = args.len ? memchr(args.data, ' ', args.len) : NULL;
    size_t n = blank ? (size_t)(blank - args.data) : args.len;
    *last = blank != NULL;
    if (blank && !ptn_slice_caseeq(ptn_slice_sub(args, n + 1, args.len - n - 1),
                                   PTN_SLICE("LAST")))
        return false;
    return ptn_slice_to_u64(ptn_slice_sub(args, 0, n), UINT64_MAX, size);
}

enum ptn_result
smtp_cmd_bdat(struct ptn_session *s, struct ptn_slice args)
{
    struct smtp_session *state = smtp_state(s);
    const struct smtp_options *o = smtp_opts(s);
    uint64_t size;
    bool last;
    if (!read_args(args, &size, &last)) {
        /* How much follows cannot be known: what came next would be read
         * as commands. */
        smtp_refuse(s, "501 5.5.4 A size must follow, closing");
        return PTN_CLOSE;
    }
    if (size > o->max_message_size) {
        smtp_refuse(s, "552 5.3.4 Chunk too big, closing");
        return PTN_CLOSE;
    }
    state->in_text = false;
    state->chunk_last = last;
    state->chunk_size = size;
    state->chunk_drain = !state->tx || !ptn_session_may_proceed(s) ||
                         smtp_tx_rcpt_count(state->tx) == 0;
    if (!state->chunk_drain)
        state->tx->chunked = true;
    ptn_session_timeout(s, o->data_timeout);
    ptn_session_expect_block(s, size);
    return PTN_DONE;
}

static enum ptn_result
chunk_refused(struct ptn_session *s)
{
    return smtp_refuse(s, smtp_state(s)->tx ? "554 5.5.1 No valid recipients"
                                            : "503 5.5.1 Say MAIL first");
}

/* RFC 3030 section 2: the last chunk is complete. Content that is not
 * binary ends with a line end. */
static enum ptn_result
message_complete(struct ptn_session *s, struct smtp_tx *tx)
{
    size_t len = tx->body.len;
    if (tx->verdict == SMTP_FINE &&
        (len < 2 || memcmp(tx->body.data + len - 2, "\r\n", 2) != 0))
        ptn_buf_add(&tx->body, "\r\n", 2);
    tx->faults = smtp_newline_faults(ptn_buf_slice(&tx->body),
                                     (size_t)smtp_opts(s)->max_text_line);
    return smtp_deliver(s);
}

enum ptn_result
smtp_bdat_block(struct ptn_session *s, const struct ptn_block *block)
{
    struct smtp_session *state = smtp_state(s);
    const struct smtp_options *o = smtp_opts(s);
    struct smtp_tx *tx = state->tx;
    if (!state->chunk_drain) {
        smtp_tx_add_content(tx, block->data, o->max_message_size);
        if (smtp_tx_is_late(tx, o->message_timeout)) {
            smtp_reply(s, "421 4.4.2 The message takes too long, closing");
            return PTN_CLOSE;
        }
    }
    if (!block->last)
        return PTN_DONE;
    ptn_session_timeout(s, 0);
    if (state->chunk_drain)
        return chunk_refused(s);
    if (state->chunk_last)
        return message_complete(s, tx);
    if (tx->verdict != SMTP_FINE) {
        smtp_reply(s, smtp_verdict_reply(tx->verdict));
        return PTN_DONE;
    }
    smtp_replyf(s, "250 2.0.0 %llu octets received",
                (unsigned long long)state->chunk_size);
    return PTN_DONE;
}
