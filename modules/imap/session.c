/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The protocol as core sees it: greeting, dispatch, events, and the tagged
 * answers that end a command. Loop thread only.
 *
 *   NOT_AUTHENTICATED --LOGIN, AUTHENTICATE--> AUTHENTICATED <--> SELECTED
 *
 * A command ends in exactly one of imap_ok, imap_no, imap_bad; these tell
 * the mailbox's news first (RFC 3501 section 5.2) and free the command.
 */
#include "imap.h"

#include "view.h"

void *
imap_work(struct imap_command *cmd, size_t size,
          void (*release)(struct imap_command *cmd))
{
    cmd->work = ptn_alloc(size);
    cmd->release = release;
    return cmd->work;
}

void
imap_work_end(struct imap_command *cmd)
{
    if (cmd->release)
        cmd->release(cmd);
    ptn_free(cmd->work);
    cmd->work = NULL;
    cmd->release = NULL;
}

void
imap_command_free(struct imap_command *cmd)
{
    if (cmd == NULL)
        return;
    imap_work_end(cmd);
    if (cmd->verb->flags & IMAP_SECRET && cmd->text.data)
        ptn_wipe(cmd->text.data, cmd->text.len);
    cmd->state->cmd = NULL;
    ptn_buf_free(&cmd->text);
    ptn_arena_reset(&cmd->arena);
    ptn_free(cmd);
}

enum ptn_result
imap_bye(struct ptn_session *s, const char *text)
{
    struct ptn_buf *out = ptn_session_out(s);

    ptn_buf_adds(out, "* BYE ");
    ptn_buf_adds(out, text);
    ptn_buf_adds(out, "\r\n");
    return PTN_CLOSE;
}

/* RFC 3501 section 7.4.1: the answers to FETCH, STORE and SEARCH count
 * messages, so no EXPUNGE comes before their end; with UID they do not. */
static bool
may_expunge(const struct imap_command *cmd)
{
    return cmd->uid || !(cmd->verb->flags & IMAP_KEEPS_SEQ);
}

static const struct {
    const char *name;
} replies[] = {
    [IMAP_REPLY_OK] = {"OK"},
    [IMAP_REPLY_NO] = {"NO"},
    [IMAP_REPLY_BAD] = {"BAD"},
};
static const struct ptn_words reply_words = PTN_WORDS(replies, name);

static enum ptn_result
finish(struct imap_command *cmd, enum imap_reply reply, struct ptn_slice code,
       const char *text)
{
    struct ptn_session *s = cmd->session;
    struct imap_state *st = cmd->state;
    struct ptn_buf *out;

    if (st->view)
        imap_view_sync(s, may_expunge(cmd));
    out = ptn_session_out(s);
    ptn_buf_adds(out, cmd->tag);
    ptn_buf_addc(out, ' ');
    ptn_buf_adds(out, replies[reply].name);
    ptn_buf_addc(out, ' ');
    ptn_session_count_reply(s, reply);
    if (code.len) {
        ptn_buf_addc(out, '[');
        ptn_buf_addslice(out, code);
        ptn_buf_adds(out, "] ");
    }
    ptn_buf_adds(out, text);
    ptn_buf_adds(out, "\r\n");
    imap_command_free(cmd);
    st->input = IMAP_IN_COMMAND;
    if (st->view && imap_view_dead(st->view)) /* RFC 2180 section 3.3 */
        return imap_bye(s, "the selected mailbox was deleted");
    return PTN_DONE;
}

enum ptn_result
imap_ok(struct imap_command *cmd, const char *text)
{
    return finish(cmd, IMAP_REPLY_OK, (struct ptn_slice){NULL, 0}, text);
}

enum ptn_result
imap_ok_code(struct imap_command *cmd, struct ptn_slice code, const char *text)
{
    return finish(cmd, IMAP_REPLY_OK, code, text);
}

enum ptn_result
imap_no(struct imap_command *cmd, const char *text)
{
    return finish(cmd, IMAP_REPLY_NO, (struct ptn_slice){NULL, 0}, text);
}

enum ptn_result
imap_bad(struct imap_command *cmd, const char *text)
{
    ptn_session_error(cmd->session);
    return finish(cmd, IMAP_REPLY_BAD, (struct ptn_slice){NULL, 0}, text);
}

enum ptn_result
imap_bad_input(struct imap_command *cmd)
{
    const char *text = cmd->in.error ? cmd->in.error : "malformed arguments";

    return cmd->in.refused ? imap_no(cmd, text) : imap_bad(cmd, text);
}

const char *
imap_status_text(enum ptn_status status)
{
    switch (status) {
    case PTN_OK:
        return "done";
    case PTN_NOTFOUND:
        return "[NONEXISTENT] there is no such mailbox";
    case PTN_EXISTS:
        return "[ALREADYEXISTS] there is such a mailbox already";
    case PTN_DENIED:
    case PTN_UNSUPPORTED:
        return "[CANNOT] this cannot be done";
    case PTN_OVERQUOTA:
        return "[OVERQUOTA] no space is left in your quota";
    case PTN_LIMIT:
        return "[LIMIT] a limit of the mail store is reached";
    case PTN_PERMFAIL:
        return "[SERVERBUG] the mail store has damaged data, see its log";
    case PTN_TEMPFAIL:
    case PTN_WOULDBLOCK:
        break;
    }
    return "[UNAVAILABLE] the mail store cannot do it now, try again";
}

enum ptn_result
imap_no_status(struct imap_command *cmd, enum ptn_status status)
{
    return imap_no(cmd, imap_status_text(status));
}

enum ptn_result
imap_execute(struct imap_command *cmd)
{
    const struct imap_verb *verb = cmd->verb;

    if ((verb->flags & IMAP_WRITES) && cmd->state->view &&
        !imap_view_writable(cmd->state->view))
        return imap_no(cmd, "the mailbox is open for reading only");
    return verb->run(cmd);
}

static enum ptn_result
session_open(struct ptn_session *s)
{
    struct ptn_buf *out = ptn_session_out(s);

    imap_state(s)->phase = IMAP_NOT_AUTHENTICATED;
    ptn_buf_adds(out, "* OK [CAPABILITY ");
    imap_capabilities(s, out);
    ptn_buf_adds(out, "] ");
    ptn_buf_adds(out, ptn_host_hostname(ptn_session_host(s)));
    ptn_buf_adds(out, " IMAP ready\r\n");
    return PTN_DONE;
}

static enum ptn_result
session_event(struct ptn_session *s, enum ptn_event event)
{
    struct imap_state *st = imap_state(s);

    switch (event) {
    case PTN_EVENT_TLS: /* RFC 3501 section 6.2.1: nothing is kept */
        st->phase = IMAP_NOT_AUTHENTICATED;
        st->input = IMAP_IN_COMMAND;
        return PTN_DONE;
    case PTN_EVENT_TIMEOUT:
        return imap_bye(s, "idle for too long");
    case PTN_EVENT_ERRORS:
        return imap_bye(s, "too many errors");
    case PTN_EVENT_SHUTDOWN:
        return imap_bye(s, "server going down");
    case PTN_EVENT_POSTED:
        return imap_idle_posted(s);
    }
    return PTN_DONE;
}

static void
session_close(struct ptn_session *s)
{
    struct imap_state *st = imap_state(s);

    imap_command_free(st->cmd);
    imap_view_close(s);
}

static const char *
session_refuse(enum ptn_refusal reason)
{
    if (reason == PTN_REFUSE_SHUTDOWN)
        return "* BYE server going down\r\n";
    return reason == PTN_REFUSE_MEMORY
               ? "* BYE [UNAVAILABLE] out of memory, try again later\r\n"
               : "* BYE [UNAVAILABLE] too many connections\r\n";
}

static const struct ptn_option session_options[] = {
    PTN_OPTION(struct imap_options, max_append, .type = PTN_OPT_SIZE,
               .preset = "35M", .min = 1024, .max = UINT32_MAX,
               .doc = "The largest message that APPEND takes."),
    PTN_OPTION(struct imap_options, autologout, .type = PTN_OPT_DURATION,
               .preset = "30m", .min = 30 * 60 * 1000, .max = 86400 * 1000,
               .doc = "Silence after which an authenticated session ends; at "
                      "least 30 minutes (RFC 3501 section 5.4)."),
    PTN_OPTION_END,
};

/* RFC 9051 section 6.2.1 */
static const struct ptn_client_step starttls[] = {
    {"* OK ", NULL, "a STARTTLS"},
    {"a OK ", "* ", NULL},
    {NULL, NULL, NULL},
};

const struct ptn_protocol imap_protocol = {
    .size = sizeof(struct ptn_protocol),
    .name = "imap",
    .default_port = 143,
    .default_tls_port = 993,
    .alpn = "imap",
    .options = session_options,
    .options_size = sizeof(struct imap_options),
    .state_size = sizeof(struct imap_state),
    .open = session_open,
    .line = imap_gather_line,
    .block = imap_gather_block,
    .fault = imap_gather_fault,
    .event = session_event,
    .close = session_close,
    .refuse = session_refuse,
    .login = true,
    .max_line = IMAP_LINE_MAX,
    .verbs = &imap_verbs,
    .replies = &reply_words,
    .starttls = starttls,
};
