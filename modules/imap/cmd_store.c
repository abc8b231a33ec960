/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * STORE (RFC 3501 section 6.4.6, UNCHANGEDSINCE by RFC 7162): one operation of
 * the store for all messages, then their FLAGS as they are now, unless .SILENT.
 */
#include "fetch.h"

#include "view.h"

struct store_work {
    struct ptn_store_flags op;
    struct imap_store_answer answer;
    struct imap_flag_list flags;
    uint32_t *uids;
    uint64_t before; /* the mailbox's modseq, when silent */
};

static void
store_release(struct imap_command *cmd)
{
    struct store_work *w = cmd->work;

    ptn_free(w->uids);
}

/* RFC 7162 section 3.1.3: "(UNCHANGEDSINCE 12) ", if there. */
static bool
parse_condition(struct imap_command *cmd, struct store_work *w)
{
    struct imap_cursor *in = &cmd->in;

    w->op.unchanged_since = UINT64_MAX;
    if (!imap_next_is(in, '('))
        return true;
    if (!imap_skip_word(in, "(UNCHANGEDSINCE "))
        return imap_parse_fail(in, "unknown modifier");
    imap_condstore_enable(cmd->session);
    return imap_parse_modseq(in, &w->op.unchanged_since) &&
           imap_parse_char(in, ')') && imap_parse_space(in);
}

/* store-att-flags */
static bool
parse_change(struct imap_cursor *in, struct store_work *w)
{
    w->op.change = PTN_FLAGS_SET;
    if (imap_skip_word(in, "+"))
        w->op.change = PTN_FLAGS_ADD;
    else if (imap_skip_word(in, "-"))
        w->op.change = PTN_FLAGS_REMOVE;
    if (!imap_skip_word(in, "FLAGS"))
        return imap_parse_fail(in, "expected FLAGS");
    w->answer.flags = !imap_skip_word(in, ".SILENT");
    return imap_parse_space(in) && imap_parse_flags(in, true, &w->flags) &&
           imap_parse_end(in);
}

static enum ptn_result
on_stored(struct ptn_session *s, struct ptn_job *job)
{
    struct imap_command *cmd = imap_state(s)->cmd;
    struct store_work *w = cmd->work;

    if (job->cancelled)
        return PTN_CLOSE;
    if (w->op.op.status != PTN_OK)
        return imap_no_status(cmd, w->op.op.status);
    /* The client knows what it did itself. But what others did to the same
     * messages just before has the same modseq now: then nothing is silent
     * (section 6.4.6 asks for that). */
    if (w->op.changed && (w->answer.flags || w->op.modseq == w->before + 1))
        imap_view_told(s, w->op.modseq);
    if (!w->answer.flags && w->op.unchanged_since == UINT64_MAX &&
        !cmd->state->condstore)
        return imap_ok(cmd, "STORE completed");
    w->answer.unchanged_since = w->op.unchanged_since;
    w->answer.own_modseq = w->op.changed ? w->op.modseq : 0;
    return imap_fetch_answer(cmd, &w->answer);
}

static void
submit(struct imap_command *cmd, struct store_work *w)
{
    w->op.mailbox = imap_view_mailbox(cmd->state->view);
    w->op.uids = w->uids;
    w->op.system_flags = w->flags.system;
    w->op.keywords = w->flags.keywords;
    w->op.keyword_count = w->flags.keyword_count;
    w->op.op.job.done = on_stored;
    ptn_session_await(cmd->session, &w->op.op.job);
    cmd->module->store->flags(cmd->module->vault, &w->op);
}

enum ptn_result
imap_cmd_store(struct imap_command *cmd)
{
    struct store_work *w = imap_work(cmd, sizeof(*w), store_release);
    struct imap_cursor *in = &cmd->in;

    if (!imap_parse_space(in) || !imap_walk_parse(cmd, &w->answer.walk) ||
        !imap_parse_space(in) || !parse_condition(cmd, w) ||
        !parse_change(in, w))
        return imap_bad_input(cmd);
    w->op.count = imap_walk_all(&w->answer.walk, &w->uids);
    if (w->op.count == 0)
        return imap_ok(cmd, "STORE completed: no such messages");
    if (!w->answer.flags)
        w->before = imap_view_catch_up(cmd->session);
    submit(cmd, w);
    return PTN_PENDING;
}
