/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * IDLE (RFC 2177). While it lasts the session holds its command's tag and a
 * watch on the mailbox; no timer, no buffer, no job. A change makes the
 * store call us, that posts an event, and the event tells the news.
 */
#include "imap.h"

#include "view.h"

/* Tells what is new; in IDLE a command is under way, so EXPUNGE is allowed
 * (RFC 3501 section 7.4.1). */
static enum ptn_result
tell_news(struct ptn_session *s)
{
    struct imap_view *v = imap_state(s)->view;

    if (v == NULL)
        return PTN_DONE;
    if (imap_view_sync(s, true))
        ptn_session_post(s);
    if (imap_view_dead(v))
        return imap_bye(s, "the selected mailbox was deleted");
    return PTN_DONE;
}

enum ptn_result
imap_cmd_idle(struct imap_command *cmd)
{
    struct ptn_session *s = cmd->session;

    if (!imap_parse_end(&cmd->in))
        return imap_bad_input(cmd);
    ptn_session_write(s, PTN_SLICE("+ idling\r\n"));
    cmd->state->input = IMAP_IN_IDLE;
    ptn_buf_free(&cmd->text);
    ptn_arena_reset(&cmd->arena);
    imap_view_watch(s);
    return tell_news(s);
}

enum ptn_result
imap_idle_posted(struct ptn_session *s)
{
    /* A watch may have fired just before IDLE ended. */
    return imap_state(s)->input == IMAP_IN_IDLE ? tell_news(s) : PTN_DONE;
}

enum ptn_result
imap_idle_line(struct ptn_session *s, struct ptn_slice line)
{
    struct imap_command *cmd = imap_state(s)->cmd;

    imap_view_unwatch(s);
    if (!ptn_slice_caseeq(line, PTN_SLICE("DONE")))
        return imap_bad(cmd, "expected DONE");
    return imap_ok(cmd, "IDLE completed");
}
