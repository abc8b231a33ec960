/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * AUTH (RFC 4954). The exchange itself is core's; here are its answers.
 */
#include "smtp.h"

static enum ptn_result
failed(struct ptn_session *s, enum ptn_auth outcome)
{
    bool too_long = smtp_state(s)->auth_long;
    smtp_state(s)->auth_long = false;
    switch (outcome) {
    case PTN_AUTH_FAILED:
        return smtp_refuse(s, "535 5.7.8 Wrong name or password");
    case PTN_AUTH_NO_MECHANISM:
        return smtp_refuse(s, "504 5.5.4 This mechanism is not offered");
    case PTN_AUTH_NEEDS_TLS:
        return smtp_refuse(s, "538 5.7.11 Say STARTTLS first");
    case PTN_AUTH_MALFORMED:
        return smtp_refuse(s, "501 5.5.2 Malformed SASL response");
    case PTN_AUTH_CANCELLED:
        return smtp_refuse(s, too_long ? "500 5.5.6 SASL response too long"
                                       : "501 5.7.0 Cancelled");
    case PTN_AUTH_THROTTLED:
        smtp_reply(s, "421 4.7.0 Too many attempts, closing");
        return PTN_CLOSE;
    default:
        smtp_reply(s, "454 4.7.0 Authentication is out of order, try again "
                      "later");
        return PTN_DONE;
    }
}

static enum ptn_result
outcome_fn(struct ptn_session *s, enum ptn_auth outcome, struct ptn_slice data)
{
    struct ptn_buf *out = ptn_session_out(s);
    smtp_state(s)->in_auth = outcome == PTN_AUTH_CHALLENGE;
    if (outcome == PTN_AUTH_OK) {
        smtp_reply(s, "235 2.7.0 Welcome");
        return PTN_DONE;
    }
    if (outcome != PTN_AUTH_CHALLENGE)
        return failed(s, outcome);
    size_t from = out->len;
    ptn_buf_adds(out, "334 ");
    ptn_buf_addslice(out, data);
    ptn_buf_adds(out, "\r\n");
    smtp_count(s, from);
    return PTN_DONE;
}

/* Why AUTH cannot be said now, or NULL. RFC 4954 section 4: not twice, not
 * inside of a transaction. */
static const char *
objection(struct ptn_session *s, struct ptn_slice args)
{
    const struct smtp_session *state = smtp_state(s);
    if (!state->esmtp)
        return "503 5.5.1 Say EHLO first";
    if (ptn_session_user(s))
        return "503 5.5.1 You are authenticated already";
    if (state->tx)
        return "503 5.5.1 Not inside of a transaction";
    if (!smtp_may_auth(s))
        return ptn_session_is_tls(s) ? "502 5.5.1 AUTH is not offered"
                                     : "538 5.7.11 Say STARTTLS first";
    if (args.len == 0)
        return "501 5.5.4 A mechanism must follow";
    return NULL;
}

enum ptn_result
smtp_cmd_auth(struct ptn_session *s, struct ptn_slice args)
{
    const char *no = objection(s, args);
    if (no)
        return smtp_refuse(s, no);
    const char *blank = memchr(args.data, ' ', args.len);
    struct ptn_slice mechanism = args, initial = {NULL, 0};
    if (blank) {
        mechanism.len = (size_t)(blank - args.data);
        initial = ptn_slice_sub(args, mechanism.len + 1,
                                args.len - mechanism.len - 1);
    }
    return ptn_auth_start(s, mechanism, initial, outcome_fn);
}

enum ptn_result
smtp_auth_line(struct ptn_session *s, struct ptn_slice line)
{
    smtp_state(s)->in_auth = false;
    return ptn_auth_step(s, line);
}
