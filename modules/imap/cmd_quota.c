/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * QUOTA (RFC 2087): what a user may keep, and keeps. There is one quota root,
 * "", for all mailboxes of a user, and none for a user without a quota. Who
 * sets it is the operator, not the client.
 */
#include "imap.h"

#include "format.h"

#define ROOT "\"\""

/* STORAGE counts units of 1024 octets (RFC 2087 section 3); a begun one is
 * one. */
static uint64_t
units(uint64_t octets)
{
    return octets / 1024 + (octets % 1024 != 0);
}

/* `* QUOTA "" (STORAGE 10 512)` */
static enum ptn_status
put_quota(struct imap_command *cmd)
{
    const struct ptn_store_ops *store = cmd->module->store;
    struct ptn_buf *out = ptn_session_out(cmd->session);
    uint64_t used = 0;
    enum ptn_status status;

    if (!PTN_HAS(store, struct ptn_store_ops, usage) || store->usage == NULL)
        return PTN_UNSUPPORTED;
    status =
        store->usage(cmd->module->vault, ptn_session_user(cmd->session), &used);
    if (status != PTN_OK)
        return status;
    ptn_buf_adds(out, "* QUOTA " ROOT " (STORAGE ");
    ptn_buf_addu64(out, units(used));
    ptn_buf_addc(out, ' ');
    ptn_buf_addu64(out, units(ptn_session_quota(cmd->session)));
    ptn_buf_adds(out, ")\r\n");
    return PTN_OK;
}

/* The user's one root, if there is any. */
static bool
is_root(struct imap_command *cmd, struct ptn_slice name)
{
    return name.len == 0 && ptn_session_quota(cmd->session) != 0;
}

enum ptn_result
imap_cmd_getquota(struct imap_command *cmd)
{
    struct ptn_slice root;
    enum ptn_status status;

    if (!imap_parse_space(&cmd->in) || !imap_parse_astring(&cmd->in, &root) ||
        !imap_parse_end(&cmd->in))
        return imap_bad_input(cmd);
    if (!is_root(cmd, root))
        return imap_no(cmd, "[NONEXISTENT] there is no such quota root");
    status = put_quota(cmd);
    return status == PTN_OK ? imap_ok(cmd, "GETQUOTA completed")
                            : imap_no_status(cmd, status);
}

enum ptn_result
imap_cmd_getquotaroot(struct imap_command *cmd)
{
    struct imap_module *m = cmd->module;
    struct ptn_buf *out = ptn_session_out(cmd->session);
    bool limited = ptn_session_quota(cmd->session) != 0;
    struct ptn_mailbox_info info;
    struct ptn_slice name;
    enum ptn_status status;

    if (!imap_parse_space(&cmd->in) || !imap_parse_mailbox(&cmd->in, &name) ||
        !imap_parse_end(&cmd->in))
        return imap_bad_input(cmd);
    status =
        m->store->status(m->vault, ptn_session_user(cmd->session), name, &info);
    if (status != PTN_OK)
        return imap_no_status(cmd, status);
    ptn_buf_adds(out, "* QUOTAROOT ");
    imap_put_mailbox(out, name);
    ptn_buf_adds(out, limited ? " " ROOT "\r\n" : "\r\n");
    status = limited ? put_quota(cmd) : PTN_OK;
    return status == PTN_OK ? imap_ok(cmd, "GETQUOTAROOT completed")
                            : imap_no_status(cmd, status);
}

/* RFC 2087 section 4.1: " root (STORAGE 512)" */
static bool
parse_setquota(struct imap_cursor *in)
{
    struct ptn_slice name;
    uint32_t limit;

    if (!imap_parse_space(in) || !imap_parse_astring(in, &name) ||
        !imap_parse_space(in) || !imap_parse_char(in, '('))
        return false;
    while (!imap_next_is(in, ')'))
        if (!imap_parse_atom(in, &name) || !imap_parse_space(in) ||
            !imap_parse_number(in, &limit) ||
            !(imap_next_is(in, ')') || imap_parse_space(in)))
            return false;
    return imap_parse_char(in, ')') && imap_parse_end(in);
}

enum ptn_result
imap_cmd_setquota(struct imap_command *cmd)
{
    if (!parse_setquota(&cmd->in))
        return imap_bad_input(cmd);
    return imap_no(cmd, "[NOPERM] quotas are set by the operator");
}
