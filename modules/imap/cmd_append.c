/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * APPEND (RFC 3501 section 6.3.11, APPENDUID by RFC 4315). All that can be
 * refused is refused before the client sends its message. The message is
 * gathered as it comes, so that an announced size costs nothing; what all
 * sessions of a worker have announced is bounded by `uploads`.
 *
 *   accept --> content... --> run --> [scan on a lane] --> store --> answer
 */
#include "imap.h"

#include "view.h"

#include <postern/mail/date.h>
#include <postern/mail/message.h>

#define SCAN_INLINE_MAX (64u * 1024) /* larger ones are scanned on a lane */

struct append {
    struct ptn_store_append op;
    struct ptn_job scan_job;
    struct ptn_content content;
    struct ptn_message_scan scan;
    struct ptn_buf body;
    struct imap_flag_list flags;
    struct imap_module *module;
    uint64_t announced;
};

static void
append_release(struct imap_command *cmd)
{
    struct append *a = cmd->work;

    a->module->uploaded -= a->announced;
    ptn_session_release(cmd->session, a->announced);
    ptn_message_scan_free(&a->scan);
    ptn_buf_free(&a->body);
}

/* `"17-Jul-1996 02:44:25 -0700" `, if there. */
static bool
parse_date(struct imap_cursor *in, struct ptn_store_append *op)
{
    struct ptn_slice text;

    op->internal_date = INT64_MIN;
    if (!imap_next_is(in, '"'))
        return true;
    if (!imap_parse_string(in, &text))
        return false;
    if (!ptn_imap_datetime_parse(text, &op->internal_date, &op->internal_zone))
        return imap_parse_fail(in, "malformed date");
    return imap_parse_space(in);
}

/* Keywords point into the command's text, which goes on growing. */
static bool
keep_keywords(struct imap_cursor *in, struct imap_flag_list *flags)
{
    for (size_t i = 0; i < flags->keyword_count; i++) {
        flags->keywords[i].data = ptn_arena_dup(in->arena, flags->keywords[i]);
        if (flags->keywords[i].data == NULL)
            return imap_parse_fail(in, "arguments too long");
    }
    return true;
}

static bool
parse_arguments(struct imap_cursor *in, struct append *a)
{
    if (!imap_parse_space(in) || !imap_parse_mailbox(in, &a->op.mailbox) ||
        !imap_parse_space(in))
        return false;
    if (imap_next_is(in, '(') &&
        (!imap_parse_flags(in, false, &a->flags) || !imap_parse_space(in)))
        return false;
    return parse_date(in, &a->op) && imap_parse_end(in) &&
           keep_keywords(in, &a->flags);
}

/* Why a message of `size` octets will not be taken, or NULL. */
static const char *
refusal(struct imap_command *cmd, struct ptn_slice mailbox, uint64_t size)
{
    struct imap_module *m = cmd->module;
    const char *user = ptn_session_user(cmd->session);
    struct ptn_mailbox_info info;
    enum ptn_status status = m->store->status(m->vault, user, mailbox, &info);
    uint64_t quota = ptn_session_quota(cmd->session);

    if (status == PTN_NOTFOUND) /* section 6.3.11 */
        return "[TRYCREATE] there is no such mailbox";
    if (status != PTN_OK)
        return imap_status_text(status);
    if (size > imap_options(cmd)->max_append)
        return "[TOOBIG] the message is larger than this server takes";
    if (quota && size > quota)
        return imap_status_text(PTN_OVERQUOTA);
    if (size > m->options->uploads - m->uploaded)
        return "[UNAVAILABLE] too many uploads at once, try again";
    if (!ptn_session_hold(cmd->session, size))
        return "[UNAVAILABLE] out of memory, try again";
    return NULL;
}

const char *
imap_append_accept(struct imap_command *cmd, uint64_t size, bool *bad)
{
    struct append *a;
    const char *why;

    if (cmd->work) { /* MULTIAPPEND is not spoken here */
        *bad = true;
        return "one message at a time";
    }
    a = imap_work(cmd, sizeof(*a), append_release);
    a->module = cmd->module;
    if (!parse_arguments(&cmd->in, a)) {
        *bad = !cmd->in.refused;
        return cmd->in.error;
    }
    why = refusal(cmd, a->op.mailbox, size);
    if (why == NULL) {
        a->announced = size;
        cmd->module->uploaded += size;
    }
    return why;
}

void
imap_append_content(struct imap_command *cmd, struct ptn_slice data)
{
    struct append *a = cmd->work;

    ptn_buf_addslice(&a->body, data);
}

static enum ptn_result
on_stored(struct ptn_session *s, struct ptn_job *job)
{
    struct imap_command *cmd = imap_state(s)->cmd;
    struct append *a = cmd->work;
    struct ptn_buf code = PTN_BUF_INIT;
    enum ptn_result result;

    if (job->cancelled)
        return PTN_CLOSE;
    if (a->op.op.status == PTN_NOTFOUND)
        return imap_no(cmd, "[TRYCREATE] there is no such mailbox");
    if (a->op.op.status != PTN_OK)
        return imap_no_status(cmd, a->op.op.status);
    ptn_buf_adds(&code, "APPENDUID ");
    ptn_buf_addu64(&code, a->op.uidvalidity);
    ptn_buf_addc(&code, ' ');
    ptn_buf_addu64(&code, a->op.uid);
    result = imap_ok_code(cmd, ptn_buf_slice(&code), "APPEND completed");
    ptn_buf_free(&code);
    return result;
}

static void
submit(struct imap_command *cmd)
{
    struct append *a = cmd->work;

    a->content.envelope = ptn_buf_slice(&a->scan.envelope);
    a->content.structure = ptn_buf_slice(&a->scan.structure);
    a->content.parts = ptn_buf_slice(&a->scan.parts);
    a->op.user = ptn_session_user(cmd->session);
    a->op.quota = ptn_session_quota(cmd->session);
    a->op.content = &a->content;
    a->op.system_flags = a->flags.system;
    a->op.keywords = a->flags.keywords;
    a->op.keyword_count = a->flags.keyword_count;
    a->op.op.job.done = on_stored;
    ptn_session_await(cmd->session, &a->op.op.job);
    cmd->module->store->append(cmd->module->vault, &a->op);
}

static void
scan_run(struct ptn_job *job)
{
    struct append *a = PTN_CONTAINER(job, struct append, scan_job);

    ptn_message_scan((struct ptn_slice){NULL, 0}, a->content.body, &a->scan);
}

static enum ptn_result
scan_done(struct ptn_session *s, struct ptn_job *job)
{
    if (job->cancelled)
        return PTN_CLOSE;
    submit(imap_state(s)->cmd);
    return PTN_PENDING;
}

enum ptn_result
imap_cmd_append(struct imap_command *cmd)
{
    struct append *a = cmd->work;

    if (a == NULL)
        return imap_bad(cmd, "expected a message as a literal");
    if (!imap_parse_end(&cmd->in))
        return imap_bad_input(cmd);
    a->content.body = ptn_buf_slice(&a->body);
    if (a->body.len && memchr(a->body.data, 0, a->body.len))
        return imap_no(cmd, "[CANNOT] the message holds a NUL octet");
    if (a->body.len <= SCAN_INLINE_MAX) {
        scan_run(&a->scan_job);
        submit(cmd);
        return PTN_PENDING;
    }
    a->scan_job.run = scan_run;
    a->scan_job.done = scan_done;
    if (ptn_session_run(cmd->session, PTN_LANE_DISK, &a->scan_job) != 0)
        return imap_no_status(cmd, PTN_TEMPFAIL);
    return PTN_PENDING;
}
