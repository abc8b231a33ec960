/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * COPY (RFC 3501 section 6.4.7, COPYUID by RFC 4315) and MOVE (RFC 6851):
 * one operation of the store, all or nothing.
 */
#include "walk.h"

#include "view.h"

struct copy_work {
    struct ptn_store_copy op;
    uint32_t *uids;     /* of the source */
    uint32_t *out_uids; /* of the target */
};

static void
copy_release(struct imap_command *cmd)
{
    struct copy_work *w = cmd->work;

    ptn_free(w->uids);
    ptn_free(w->out_uids);
}

/* Leaves out the messages that were gone; how many are left. */
static size_t
compact(struct copy_work *w)
{
    size_t n = 0;

    for (size_t i = 0; i < w->op.count; i++) {
        if (w->out_uids[i] == 0)
            continue;
        w->uids[n] = w->uids[i];
        w->out_uids[n++] = w->out_uids[i];
    }
    return n;
}

/* "COPYUID validity from to" */
static void
put_copyuid(struct ptn_buf *out, const struct copy_work *w, size_t count)
{
    ptn_buf_adds(out, "COPYUID ");
    ptn_buf_addu64(out, w->op.uidvalidity);
    ptn_buf_addc(out, ' ');
    ptn_set_format_numbers(w->uids, count, out);
    ptn_buf_addc(out, ' ');
    ptn_set_format_numbers(w->out_uids, count, out);
}

/* RFC 6851 section 4.3: MOVE tells COPYUID before it tells EXPUNGE, so not
 * in the tagged answer. */
static enum ptn_result
finish_move(struct imap_command *cmd, const struct copy_work *w, size_t count)
{
    struct ptn_buf *out = ptn_session_out(cmd->session);

    ptn_buf_adds(out, "* OK [");
    put_copyuid(out, w, count);
    ptn_buf_adds(out, "] moved\r\n");
    return imap_ok(cmd, "MOVE completed");
}

static enum ptn_result
finish_copy(struct imap_command *cmd, const struct copy_work *w, size_t count)
{
    struct ptn_buf code = PTN_BUF_INIT;
    enum ptn_result result;

    put_copyuid(&code, w, count);
    result = imap_ok_code(cmd, ptn_buf_slice(&code), "COPY completed");
    ptn_buf_free(&code);
    return result;
}

static enum ptn_result
on_copied(struct ptn_session *s, struct ptn_job *job)
{
    struct imap_command *cmd = imap_state(s)->cmd;
    struct copy_work *w = cmd->work;
    size_t count;

    if (job->cancelled)
        return PTN_CLOSE;
    if (w->op.op.status == PTN_NOTFOUND)
        return imap_no(cmd, "[TRYCREATE] there is no such mailbox");
    if (w->op.op.status != PTN_OK)
        return imap_no_status(cmd, w->op.op.status);
    count = compact(w);
    if (count == 0)
        return cmd->uid ? imap_ok(cmd, "completed: no such messages")
                        : imap_no(cmd, "[EXPUNGEISSUED] they are gone");
    return w->op.move ? finish_move(cmd, w, count) : finish_copy(cmd, w, count);
}

static enum ptn_result
run_copy(struct imap_command *cmd, bool move)
{
    struct copy_work *w = imap_work(cmd, sizeof(*w), copy_release);
    struct imap_cursor *in = &cmd->in;
    struct imap_walk walk;

    if (!imap_parse_space(in) || !imap_walk_parse(cmd, &walk) ||
        !imap_parse_space(in) || !imap_parse_mailbox(in, &w->op.target) ||
        !imap_parse_end(in))
        return imap_bad_input(cmd);
    w->op.count = imap_walk_all(&walk, &w->uids);
    if (w->op.count == 0)
        return imap_ok(cmd, "completed: no such messages");
    w->out_uids = ptn_alloc(w->op.count * sizeof(*w->out_uids));
    w->op.source = imap_view_mailbox(cmd->state->view);
    w->op.uids = w->uids;
    w->op.out_uids = w->out_uids;
    w->op.user = ptn_session_user(cmd->session);
    w->op.quota = ptn_session_quota(cmd->session);
    w->op.move = move;
    w->op.op.job.done = on_copied;
    ptn_session_await(cmd->session, &w->op.op.job);
    cmd->module->store->copy(cmd->module->vault, &w->op);
    return PTN_PENDING;
}

enum ptn_result
imap_cmd_copy(struct imap_command *cmd)
{
    return run_copy(cmd, false);
}

enum ptn_result
imap_cmd_move(struct imap_command *cmd)
{
    return run_copy(cmd, true);
}
