/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Commands of any state (RFC 3501 section 6.1), with ID (RFC 2971), ENABLE
 * (RFC 5161) and NAMESPACE (RFC 2342), which only tell something.
 */
#include "imap.h"

#include "view.h"

#define ID_PAIRS_MAX 30 /* RFC 2971 section 3.3 */

/* What a client may use before and after it has logged in. A word is here
 * only when all of its RFC works. */
#define ALWAYS "IMAP4rev1 SASL-IR LITERAL+ ID ENABLE"
#define FOR_USERS                                                              \
    " IDLE NAMESPACE CHILDREN UNSELECT UIDPLUS MOVE SPECIAL-USE"               \
    " CREATE-SPECIAL-USE ESEARCH WITHIN CONDSTORE QUOTA STATUS=SIZE "          \
    "APPENDLIMIT="

void
imap_capabilities(struct ptn_session *s, struct ptn_buf *out)
{
    ptn_buf_adds(out, ALWAYS);
    if (imap_state(s)->phase != IMAP_NOT_AUTHENTICATED) {
        const struct imap_options *options = ptn_session_options(s);

        ptn_buf_adds(out, FOR_USERS);
        ptn_buf_addu64(out, options->max_append);
        return;
    }
    if (ptn_session_tls_offered(s))
        ptn_buf_adds(out, " STARTTLS");
    if (ptn_session_may_authenticate(s))
        ptn_session_mechanisms(s, " AUTH=", out);
    else
        ptn_buf_adds(out, " LOGINDISABLED"); /* RFC 3501 section 6.2.3 */
}

enum ptn_result
imap_cmd_capability(struct imap_command *cmd)
{
    struct ptn_buf *out = ptn_session_out(cmd->session);

    if (!imap_parse_end(&cmd->in))
        return imap_bad_input(cmd);
    ptn_buf_adds(out, "* CAPABILITY ");
    imap_capabilities(cmd->session, out);
    ptn_buf_adds(out, "\r\n");
    return imap_ok(cmd, "CAPABILITY completed");
}

enum ptn_result
imap_cmd_noop(struct imap_command *cmd)
{
    if (!imap_parse_end(&cmd->in))
        return imap_bad_input(cmd);
    return imap_ok(cmd, "NOOP completed");
}

enum ptn_result
imap_cmd_check(struct imap_command *cmd)
{
    if (!imap_parse_end(&cmd->in))
        return imap_bad_input(cmd);
    return imap_ok(cmd, "CHECK completed"); /* all is durable already */
}

enum ptn_result
imap_cmd_logout(struct imap_command *cmd)
{
    if (!imap_parse_end(&cmd->in))
        return imap_bad_input(cmd);
    imap_bye(cmd->session, "logging out");
    imap_ok(cmd, "LOGOUT completed");
    return PTN_CLOSE;
}

enum ptn_result
imap_cmd_starttls(struct imap_command *cmd)
{
    struct ptn_session *s = cmd->session;
    enum ptn_result result;

    if (!imap_parse_end(&cmd->in))
        return imap_bad_input(cmd);
    if (!ptn_session_tls_offered(s))
        return imap_bad(cmd, ptn_session_is_tls(s) ? "TLS is in use already"
                                                   : "no TLS here");
    result = imap_ok(cmd, "begin TLS negotiation now");
    ptn_session_start_tls(s);
    return result;
}

static bool
parse_id_pairs(struct imap_cursor *in)
{
    struct ptn_slice key, value;
    size_t pairs = 0;

    if (!imap_parse_char(in, '('))
        return false;
    if (imap_next_is(in, ')'))
        return imap_parse_char(in, ')');
    do {
        if (pairs++ == ID_PAIRS_MAX)
            return imap_parse_fail(in, "too many pairs");
        if (!imap_parse_string(in, &key) || !imap_parse_space(in) ||
            !imap_parse_nstring(in, &value))
            return false;
    } while (imap_next_is(in, ' ') && imap_parse_space(in));
    return imap_parse_char(in, ')');
}

enum ptn_result
imap_cmd_id(struct imap_command *cmd)
{
    if (!imap_parse_space(&cmd->in) ||
        !(imap_skip_word(&cmd->in, "NIL") || parse_id_pairs(&cmd->in)) ||
        !imap_parse_end(&cmd->in))
        return imap_bad_input(cmd);
    ptn_session_write(cmd->session,
                      PTN_SLICE("* ID (\"name\" \"Postern\")\r\n"));
    return imap_ok(cmd, "ID completed");
}

void
imap_condstore_enable(struct ptn_session *s)
{
    struct imap_state *st = imap_state(s);
    struct ptn_buf *out = ptn_session_out(s);

    if (st->condstore)
        return;
    st->condstore = true;
    if (st->view == NULL)
        return;
    ptn_buf_adds(out, "* OK [HIGHESTMODSEQ ");
    ptn_buf_addu64(out, imap_view_modseq(st->view));
    ptn_buf_adds(out, "] modseqs are told from now on\r\n");
}

/* RFC 5161 section 3.1: unknown extensions are passed over. */
enum ptn_result
imap_cmd_enable(struct imap_command *cmd)
{
    bool condstore = false;
    struct ptn_slice word;

    do {
        if (!imap_parse_space(&cmd->in) || !imap_parse_atom(&cmd->in, &word))
            return imap_bad_input(cmd);
        condstore |= ptn_slice_caseeq(word, PTN_SLICE("CONDSTORE"));
    } while (cmd->in.p < cmd->in.end);
    ptn_session_write(cmd->session, condstore
                                        ? PTN_SLICE("* ENABLED CONDSTORE\r\n")
                                        : PTN_SLICE("* ENABLED\r\n"));
    if (condstore)
        imap_condstore_enable(cmd->session);
    return imap_ok(cmd, "ENABLE completed");
}

enum ptn_result
imap_cmd_namespace(struct imap_command *cmd)
{
    if (!imap_parse_end(&cmd->in))
        return imap_bad_input(cmd);
    ptn_session_write(cmd->session,
                      PTN_SLICE("* NAMESPACE ((\"\" \"/\")) NIL NIL\r\n"));
    return imap_ok(cmd, "NAMESPACE completed");
}
