/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * EXPUNGE (RFC 3501 section 6.4.3) and UID EXPUNGE (RFC 4315 section 2.1).
 * The EXPUNGE responses are the news that the command ends with.
 */
#include "walk.h"

#include "view.h"

struct expunge_work {
    struct ptn_store_expunge op;
    uint32_t *uids;
};

static void
expunge_release(struct imap_command *cmd)
{
    struct expunge_work *w = cmd->work;

    ptn_free(w->uids);
}

static enum ptn_result
on_expunged(struct ptn_session *s, struct ptn_job *job)
{
    struct imap_command *cmd = imap_state(s)->cmd;
    const struct expunge_work *w = cmd->work;

    if (job->cancelled)
        return PTN_CLOSE;
    if (w->op.op.status != PTN_OK)
        return imap_no_status(cmd, w->op.op.status);
    return imap_ok(cmd, "EXPUNGE completed");
}

enum ptn_result
imap_cmd_expunge(struct imap_command *cmd)
{
    struct expunge_work *w = imap_work(cmd, sizeof(*w), expunge_release);
    struct imap_walk walk;

    if (cmd->uid &&
        (!imap_parse_space(&cmd->in) || !imap_walk_parse(cmd, &walk)))
        return imap_bad_input(cmd);
    if (!imap_parse_end(&cmd->in))
        return imap_bad_input(cmd);
    if (cmd->uid) {
        w->op.count = imap_walk_all(&walk, &w->uids);
        w->op.uids = w->uids;
        if (w->op.count == 0)
            return imap_ok(cmd, "EXPUNGE completed: no such messages");
    }
    w->op.mailbox = imap_view_mailbox(cmd->state->view);
    w->op.op.job.done = on_expunged;
    ptn_session_await(cmd->session, &w->op.op.job);
    cmd->module->store->expunge(cmd->module->vault, &w->op);
    return PTN_PENDING;
}
