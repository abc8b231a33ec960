/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * STARTTLS (RFC 3207). What the peer sent behind it is thrown away by core,
 * and what it said before is forgotten at PTN_EVENT_TLS.
 */
#include "smtp.h"

enum ptn_result
smtp_cmd_starttls(struct ptn_session *s, struct ptn_slice args)
{
    if (args.len > 0)
        return smtp_refuse(s, "501 5.5.4 STARTTLS takes no parameter");
    if (ptn_session_is_tls(s))
        return smtp_refuse(s, "503 5.5.1 TLS is there already");
    if (!ptn_session_tls_offered(s))
        return smtp_refuse(s, "502 5.5.1 STARTTLS is not offered");
    smtp_reply(s, "220 2.0.0 Go ahead");
    ptn_session_start_tls(s);
    return PTN_DONE;
}
