/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * LOGIN (RFC 3501 section 6.2.3) and AUTHENTICATE (section 6.2.2, initial
 * response by RFC 4959). Core does the exchange, decides by the listener's
 * policy whether credentials may come now, and counts attempts; here are the
 * words around it.
 */
#include "imap.h"

static enum ptn_result
welcome(struct imap_command *cmd)
{
    struct ptn_session *s = cmd->session;
    struct ptn_buf code = PTN_BUF_INIT;
    enum ptn_result result;

    cmd->state->phase = IMAP_AUTHENTICATED;
    ptn_session_timeout(s, imap_options(cmd)->autologout);
    ptn_buf_adds(&code, "CAPABILITY ");
    imap_capabilities(s, &code);
    result = imap_ok_code(cmd, ptn_buf_slice(&code), "logged in");
    ptn_buf_free(&code);
    return result;
}

static enum ptn_result
challenge(struct imap_command *cmd, struct ptn_slice data)
{
    struct ptn_buf *out = ptn_session_out(cmd->session);

    ptn_buf_add(out, "+ ", 2);
    ptn_buf_addslice(out, data);
    ptn_buf_add(out, "\r\n", 2);
    cmd->state->input = IMAP_IN_SASL;
    return PTN_DONE;
}

static enum ptn_result
on_auth(struct ptn_session *s, enum ptn_auth outcome, struct ptn_slice data)
{
    struct imap_command *cmd = imap_state(s)->cmd;

    switch (outcome) {
    case PTN_AUTH_OK:
        return welcome(cmd);
    case PTN_AUTH_CHALLENGE:
        return challenge(cmd, data);
    case PTN_AUTH_FAILED:
        return imap_no(cmd, "[AUTHENTICATIONFAILED] wrong name or password");
    case PTN_AUTH_NO_MECHANISM:
        return imap_no(cmd, "[CANNOT] no such mechanism here");
    case PTN_AUTH_NEEDS_TLS:
        return imap_no(cmd, "[PRIVACYREQUIRED] STARTTLS first");
    case PTN_AUTH_MALFORMED:
        return imap_bad(cmd, "malformed response");
    case PTN_AUTH_CANCELLED:
        return imap_bad(cmd, "authentication cancelled");
    case PTN_AUTH_THROTTLED:
        imap_no(cmd, "[UNAVAILABLE] too many attempts");
        return imap_bye(s, "too many attempts");
    case PTN_AUTH_TEMPFAIL:
        break;
    }
    return imap_no(cmd, "[UNAVAILABLE] cannot check passwords now");
}

enum ptn_result
imap_cmd_login(struct imap_command *cmd)
{
    struct imap_cursor *in = &cmd->in;
    struct ptn_slice name, password;

    if (!imap_parse_space(in) || !imap_parse_astring(in, &name) ||
        !imap_parse_space(in) || !imap_parse_astring(in, &password) ||
        !imap_parse_end(in))
        return imap_bad_input(cmd);
    return ptn_auth_login(cmd->session, name, password, on_auth);
}

enum ptn_result
imap_cmd_authenticate(struct imap_command *cmd)
{
    struct imap_cursor *in = &cmd->in;
    struct ptn_slice mechanism, initial = {NULL, 0};

    if (!imap_parse_space(in) || !imap_parse_atom(in, &mechanism))
        return imap_bad_input(cmd);
    if (in->p < in->end) {
        if (!imap_parse_space(in) || in->p == in->end)
            return imap_bad_input(cmd);
        initial = (struct ptn_slice){in->p, (size_t)(in->end - in->p)};
    }
    return ptn_auth_start(cmd->session, mechanism, initial, on_auth);
}

enum ptn_result
imap_sasl_line(struct ptn_session *s, struct ptn_slice line)
{
    imap_state(s)->input = IMAP_IN_COMMAND;
    return ptn_auth_step(s, line);
}
