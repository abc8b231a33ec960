/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * CREATE (with RFC 6154's USE), DELETE, RENAME, SUBSCRIBE and UNSUBSCRIBE
 * (RFC 3501 sections 6.3.3 to 6.3.7): names in, one operation of the store,
 * its status out.
 */
#include "imap.h"

#include "special_use.h"
#include "view.h"

static enum ptn_result
on_changed(struct ptn_session *s, struct ptn_job *job)
{
    struct imap_command *cmd = imap_state(s)->cmd;
    const struct ptn_store_mailbox *op = cmd->work;

    if (job->cancelled)
        return PTN_CLOSE;
    if (op->op.status != PTN_OK)
        return imap_no_status(cmd, op->op.status);
    /* One's own mailbox deleted: it is not selected any more. */
    if (op->change == PTN_MAILBOX_DELETE && cmd->state->view &&
        imap_view_is_gone(s))
        imap_view_close(s);
    return imap_ok(cmd, "completed");
}

static enum ptn_result
submit(struct imap_command *cmd, struct ptn_store_mailbox *op,
       enum ptn_mailbox_change change)
{
    op->change = change;
    op->user = ptn_session_user(cmd->session);
    op->op.job.done = on_changed;
    ptn_session_await(cmd->session, &op->op.job);
    cmd->module->store->change(cmd->module->vault, op);
    return PTN_PENDING;
}

static enum ptn_result
change_one(struct imap_command *cmd, enum ptn_mailbox_change change)
{
    struct ptn_store_mailbox *op = imap_work(cmd, sizeof(*op), NULL);

    if (!imap_parse_space(&cmd->in) ||
        !imap_parse_mailbox(&cmd->in, &op->name) || !imap_parse_end(&cmd->in))
        return imap_bad_input(cmd);
    return submit(cmd, op, change);
}

enum ptn_result
imap_cmd_delete(struct imap_command *cmd)
{
    return change_one(cmd, PTN_MAILBOX_DELETE);
}

enum ptn_result
imap_cmd_subscribe(struct imap_command *cmd)
{
    return change_one(cmd, PTN_MAILBOX_SUBSCRIBE);
}

enum ptn_result
imap_cmd_unsubscribe(struct imap_command *cmd)
{
    return change_one(cmd, PTN_MAILBOX_UNSUBSCRIBE);
}

/* RFC 6154 section 3: " (USE (\Drafts \Sent))". */
static bool
parse_use(struct imap_cursor *in, unsigned *use)
{
    if (!imap_parse_space(in) || !imap_parse_char(in, '(') ||
        !imap_skip_word(in, "USE (")) {
        in->error = "expected (USE (...))";
        return false;
    }
    while (!imap_next_is(in, ')')) {
        unsigned bit;

        if (*use && !imap_parse_space(in))
            return false;
        if (!imap_special_use_parse(in, &bit))
            return false;
        *use |= bit;
    }
    return imap_parse_char(in, ')') && imap_parse_char(in, ')');
}

enum ptn_result
imap_cmd_create(struct imap_command *cmd)
{
    struct ptn_store_mailbox *op = imap_work(cmd, sizeof(*op), NULL);
    struct imap_cursor *in = &cmd->in;

    if (!imap_parse_space(in) || !imap_parse_mailbox(in, &op->name))
        return imap_bad_input(cmd);
    if (in->p < in->end && !parse_use(in, &op->special_use))
        return imap_bad_input(cmd);
    if (!imap_parse_end(in))
        return imap_bad_input(cmd);
    return submit(cmd, op, PTN_MAILBOX_CREATE);
}

enum ptn_result
imap_cmd_rename(struct imap_command *cmd)
{
    struct ptn_store_mailbox *op = imap_work(cmd, sizeof(*op), NULL);
    struct imap_cursor *in = &cmd->in;

    if (!imap_parse_space(in) || !imap_parse_mailbox(in, &op->name) ||
        !imap_parse_space(in) || !imap_parse_mailbox(in, &op->new_name) ||
        !imap_parse_end(in))
        return imap_bad_input(cmd);
    return submit(cmd, op, PTN_MAILBOX_RENAME);
}
