/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Into a mailbox and out of it: SELECT, EXAMINE, CLOSE (RFC 3501 sections
 * 6.3.1, 6.3.2, 6.4.2) and UNSELECT (RFC 3691). The cost of SELECT does not
 * depend on the size of the mailbox: the store keeps the counts.
 */
#include "imap.h"

#include "format.h"
#include "view.h"

static void
put_code(struct ptn_buf *out, const char *code, uint64_t value,
         const char *text)
{
    ptn_buf_adds(out, "* OK [");
    ptn_buf_adds(out, code);
    ptn_buf_addc(out, ' ');
    ptn_buf_addu64(out, value);
    ptn_buf_adds(out, "] ");
    ptn_buf_adds(out, text);
    ptn_buf_adds(out, "\r\n");
}

static void
put_facts(struct ptn_session *s, const struct imap_view *v,
          const struct ptn_mailbox_info *info)
{
    struct ptn_buf *out = ptn_session_out(s);
    const struct ptn_uidmap *uids = imap_view_uids(v);
    uint32_t unseen = ptn_uidmap_seq(uids, info->first_unseen);

    imap_view_put_flag_table(v, out);
    imap_put_count(out, ptn_uidmap_count(uids), "EXISTS");
    imap_put_count(out, imap_view_recent(v), "RECENT");
    if (unseen)
        put_code(out, "UNSEEN", unseen, "is the first one not seen");
    put_code(out, "UIDVALIDITY", info->uidvalidity, "UIDs are valid");
    put_code(out, "UIDNEXT", info->uidnext, "is the next UID");
    put_code(out, "HIGHESTMODSEQ", info->modseq, "is the latest change");
}

/* RFC 7162 section 3.1.8: " (CONDSTORE)". */
static bool
parse_parameters(struct imap_command *cmd)
{
    struct imap_cursor *in = &cmd->in;

    if (in->p == in->end)
        return true;
    if (!imap_parse_space(in) || !imap_parse_char(in, '('))
        return false;
    if (!imap_skip_word(in, "CONDSTORE"))
        return imap_parse_fail(in, "unknown parameter");
    cmd->state->condstore = true;
    return imap_parse_char(in, ')') && imap_parse_end(in);
}

static enum ptn_result
open_mailbox(struct imap_command *cmd, bool writable)
{
    struct imap_cursor *in = &cmd->in;
    struct ptn_mailbox_info info = {0};
    struct ptn_slice name;
    enum ptn_status status;

    if (!imap_parse_space(in))
        return imap_bad_input(cmd);
    /* Whatever comes of it, the old mailbox is left (section 6.3.1). */
    if (!imap_parse_mailbox(in, &name) || !parse_parameters(cmd)) {
        if (in->refused)
            imap_view_close(cmd->session);
        return imap_bad_input(cmd);
    }
    imap_view_close(cmd->session);
    status = imap_view_open(cmd->session, name, writable, &info);
    if (status != PTN_OK)
        return imap_no_status(cmd, status);
    put_facts(cmd->session, cmd->state->view, &info);
    return imap_ok(cmd, writable ? "[READ-WRITE] SELECT completed"
                                 : "[READ-ONLY] EXAMINE completed");
}

enum ptn_result
imap_cmd_select(struct imap_command *cmd)
{
    return open_mailbox(cmd, true);
}

enum ptn_result
imap_cmd_examine(struct imap_command *cmd)
{
    return open_mailbox(cmd, false);
}

enum ptn_result
imap_cmd_unselect(struct imap_command *cmd)
{
    if (!imap_parse_end(&cmd->in))
        return imap_bad_input(cmd);
    imap_view_close(cmd->session);
    return imap_ok(cmd, "UNSELECT completed");
}

static enum ptn_result
on_expunged(struct ptn_session *s, struct ptn_job *job)
{
    struct imap_command *cmd = imap_state(s)->cmd;
    const struct ptn_store_expunge *op = cmd->work;

    if (job->cancelled)
        return PTN_CLOSE;
    /* The mailbox is closed in any case; a failure leaves its messages
     * there, with \Deleted, for the next one who looks. */
    imap_view_close(s);
    if (op->op.status != PTN_OK && op->op.status != PTN_NOTFOUND)
        return imap_no_status(cmd, op->op.status);
    return imap_ok(cmd, "CLOSE completed");
}

/* Removes what has \Deleted without a word, unless read only. */
enum ptn_result
imap_cmd_close(struct imap_command *cmd)
{
    struct imap_view *v = cmd->state->view;
    struct ptn_store_expunge *op;

    if (!imap_parse_end(&cmd->in))
        return imap_bad_input(cmd);
    if (!imap_view_writable(v)) {
        imap_view_close(cmd->session);
        return imap_ok(cmd, "CLOSE completed");
    }
    op = imap_work(cmd, sizeof(*op), NULL);
    op->mailbox = imap_view_mailbox(v);
    op->op.job.done = on_expunged;
    ptn_session_await(cmd->session, &op->op.job);
    cmd->module->store->expunge(cmd->module->vault, op);
    return PTN_PENDING;
}
