/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The small commands: RSET, NOOP, VRFY, HELP, QUIT (RFC 5321 section 4.1.1)
 * and those that are known and not offered.
 */
#include "smtp.h"
#include "tx.h"

enum ptn_result
smtp_cmd_rset(struct ptn_session *s, struct ptn_slice args)
{
    if (args.len > 0)
        return smtp_refuse(s, "501 5.5.4 RSET takes no parameter");
    smtp_tx_end(s);
    smtp_reply(s, "250 2.0.0 Ok");
    return PTN_DONE;
}

enum ptn_result
smtp_cmd_noop(struct ptn_session *s, struct ptn_slice args)
{
    (void)args;
    smtp_reply(s, "250 2.0.0 Ok");
    return PTN_DONE;
}

/* RFC 5321 section 3.5.3: who has a mailbox is nobody's business. */
enum ptn_result
smtp_cmd_vrfy(struct ptn_session *s, struct ptn_slice args)
{
    if (args.len == 0)
        return smtp_refuse(s, "501 5.5.4 A name must follow");
    smtp_reply(s, "252 2.5.0 Cannot tell; try RCPT");
    return PTN_DONE;
}

enum ptn_result
smtp_cmd_help(struct ptn_session *s, struct ptn_slice args)
{
    (void)args;
    smtp_reply(s, "214 2.0.0 See RFC 5321");
    return PTN_DONE;
}

enum ptn_result
smtp_cmd_absent(struct ptn_session *s, struct ptn_slice args)
{
    (void)args;
    return smtp_refuse(s, "502 5.5.1 This command is not offered");
}

enum ptn_result
smtp_cmd_quit(struct ptn_session *s, struct ptn_slice args)
{
    if (args.len > 0)
        return smtp_refuse(s, "501 5.5.4 QUIT takes no parameter");
    smtp_reply(s, "221 2.0.0 Bye");
    return PTN_CLOSE;
}
