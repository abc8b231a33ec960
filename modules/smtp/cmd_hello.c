/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * EHLO and HELO (RFC 5321 section 4.1.1.1), LHLO (RFC 2033 section 4.1).
 * Only what works is announced.
 */
#include "smtp.h"
#include "tx.h"
#include <postern/arena.h>

/* A name or an address literal that can stand in a Received field as it is:
 * visible ASCII without the specials that would begin something else there. */
static bool
name_is_fit(struct ptn_slice name)
{
    if (name.len == 0 || name.len > 255)
        return false;
    for (size_t i = 0; i < name.len; i++) {
        unsigned char c = (unsigned char)name.data[i];
        if (c <= ' ' || c >= 0x7f || strchr("()<>@,;\\\"", c))
            return false;
    }
    return true;
}

/* Takes the name, and ends a transaction as RSET would (RFC 5321 section
 * 4.1.4). */
static bool
begin(struct ptn_session *s, struct ptn_slice args, bool esmtp)
{
    struct smtp_session *state = smtp_state(s);
    if (!name_is_fit(args)) {
        smtp_refuse(s, "501 5.5.4 A name must follow, such as "
                       "client.example.org or [192.0.2.1]");
        return false;
    }
    smtp_tx_end(s);
    ptn_free(state->helo);
    state->helo = ptn_alloc(args.len + 1);
    memcpy(state->helo, args.data, args.len);
    state->esmtp = esmtp;
    return true;
}

static void
announce_auth(struct ptn_session *s, struct ptn_buf *out)
{
    if (!smtp_may_auth(s))
        return;
    size_t start = out->len;
    ptn_buf_adds(out, "250-AUTH");
    size_t none = out->len;
    ptn_session_mechanisms(s, " ", out);
    if (out->len == none)
        out->len = start;
    else
        ptn_buf_adds(out, "\r\n");
}

/* RFC 9422: limits that a client can plan with. */
static void
announce_limits(const struct smtp_options *o, struct ptn_buf *out)
{
    ptn_buf_adds(out, "250-LIMITS");
    if (o->max_transactions > 0) {
        ptn_buf_adds(out, " MAILMAX=");
        ptn_buf_addu64(out, (uint64_t)o->max_transactions);
    }
    ptn_buf_adds(out, " RCPTMAX=");
    ptn_buf_addu64(out, (uint64_t)o->max_recipients);
    ptn_buf_adds(out, "\r\n");
}

static void
announce(struct ptn_session *s)
{
    struct ptn_buf *out = ptn_session_out(s);
    size_t from = out->len;
    ptn_buf_adds(out, "250-");
    ptn_buf_adds(out, ptn_host_hostname(ptn_session_host(s)));
    ptn_buf_adds(out, "\r\n250-PIPELINING\r\n250-SIZE ");
    ptn_buf_addu64(out, smtp_opts(s)->max_message_size);
    ptn_buf_adds(out, "\r\n250-8BITMIME\r\n250-ENHANCEDSTATUSCODES\r\n");
    if (ptn_session_tls_offered(s))
        ptn_buf_adds(out, "250-STARTTLS\r\n");
    announce_auth(s, out);
    announce_limits(smtp_opts(s), out);
    ptn_buf_adds(out, "250 CHUNKING\r\n");
    smtp_count(s, from);
}

enum ptn_result
smtp_cmd_ehlo(struct ptn_session *s, struct ptn_slice args)
{
    if (begin(s, args, true))
        announce(s);
    return PTN_DONE;
}

enum ptn_result
smtp_cmd_lhlo(struct ptn_session *s, struct ptn_slice args)
{
    return smtp_cmd_ehlo(s, args);
}

enum ptn_result
smtp_cmd_helo(struct ptn_session *s, struct ptn_slice args)
{
    if (begin(s, args, false))
        smtp_replyf(s, "250 %s", ptn_host_hostname(ptn_session_host(s)));
    return PTN_DONE;
}
