/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * DATA (RFC 5321 section 4.1.1.4). Core ends the text at CRLF.CRLF and at
 * nothing else, takes the dots away, and reports what is wrong with lines.
 */
#include "newline.h"
#include "tx.h"

/* Why DATA cannot be said now, or NULL. */
static const char *
objection(struct ptn_session *s)
{
    const struct smtp_tx *tx = smtp_state(s)->tx;
    if (!tx)
        return "503 5.5.1 Say MAIL first";
    if (tx->chunked)
        return "503 5.5.1 Not after BDAT"; /* RFC 3030 section 2 */
    /* RFC 2033 section 4.2 wants 503 of LMTP. */
    if (smtp_tx_rcpt_count(tx) == 0)
        return smtp_opts(s)->role == SMTP_LMTP
                   ? "503 5.5.1 No valid recipients"
                   : "554 5.5.1 No valid recipients";
    return NULL;
}

enum ptn_result
smtp_cmd_data(struct ptn_session *s, struct ptn_slice args)
{
    const struct smtp_options *o = smtp_opts(s);
    const char *no = objection(s);
    if (!no && args.len > 0)
        no = "501 5.5.4 DATA takes no parameter";
    if (no)
        return smtp_refuse(s, no);
    if (!smtp_tx_has_room(smtp_of(s))) {
        smtp_reply(s, smtp_verdict_reply(SMTP_NO_MEMORY));
        return PTN_DONE;
    }
    smtp_state(s)->in_text = true;
    smtp_reply(s, "354 Go ahead, end with <CR><LF>.<CR><LF>");
    ptn_session_timeout(s, o->data_timeout);
    ptn_session_expect_text(s, (size_t)o->max_text_line);
    return PTN_DONE;
}

enum ptn_result
smtp_data_block(struct ptn_session *s, const struct ptn_block *block)
{
    const struct smtp_options *o = smtp_opts(s);
    struct smtp_tx *tx = smtp_state(s)->tx;
    smtp_tx_add_content(tx, block->data, o->max_message_size);
    if (smtp_tx_is_late(tx, o->message_timeout)) {
        smtp_reply(s, "421 4.4.2 The message takes too long, closing");
        return PTN_CLOSE;
    }
    if (!block->last)
        return PTN_DONE;
    ptn_session_timeout(s, 0);
    tx->faults = block->faults;
    return smtp_deliver(s);
}
